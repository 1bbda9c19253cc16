"""Continuations from a shared cache are what each text alone would give, whatever is padded beside it."""

import pytest
import torch
from transformers import AutoConfig, AutoModelForImageTextToText

from vlaa_helpers import load_policy, make_scenes
from vlaa_helpers.data.trl_views import to_grpo
from vlaa_helpers.policy.generation import chat_inputs
from vlaa_helpers.policy.loading import image_token_ids
from vlaa_helpers.pseudo_reasoning.continuations import Branches, common_start

VISION = {
    "qwen2_vl": {"embed_dim": 32, "hidden_size": 64, "mlp_ratio": 2},
    "qwen3_vl": {
        **{"hidden_size": 32, "out_hidden_size": 64, "intermediate_size": 64, "patch_size": 14},
        **{"deepstack_visual_indexes": [0], "num_position_embeddings": 64},
    },
}


def other_model(kind, tokenizer):
    """A model of another family with random weights, large enough ones that places and images matter."""
    token = tokenizer.convert_tokens_to_ids
    names = {"image_token_id": "image_pad", "video_token_id": "video_pad"}
    names |= {"vision_start_token_id": "vision_start", "vision_end_token_id": "vision_end"}
    text = {
        **{"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 2},
        **{"num_key_value_heads": 1, "head_dim": 32, "vocab_size": len(tokenizer), "initializer_range": 0.2},
        "rope_parameters": {"rope_type": "default", "rope_theta": 10_000.0, "mrope_section": [4, 6, 6]},
    }
    vision = {"depth": 2, "num_heads": 2, "initializer_range": 0.2, **VISION[kind]}
    ids = {name: token(f"<|{value}|>") for name, value in names.items()}
    config = AutoConfig.for_model(kind, text_config=text, vision_config=vision, initializer_range=0.2, **ids)
    torch.manual_seed(0)
    model = AutoModelForImageTextToText.from_config(config)
    model.generation_config.eos_token_id = token("<|im_end|>")
    return model


@pytest.fixture(scope="module", params=["qwen2_5_vl", *VISION])
def policy(tiny_profile, request):
    """In full precision; the first with adapters that change something."""
    model, processor = load_policy(tiny_profile.replace(load_in_4bit=False))
    if request.param != "qwen2_5_vl":
        return other_model(request.param, processor.tokenizer).eval(), processor
    torch.manual_seed(0)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                parameter.normal_(std=0.05)
    return model.eval(), processor


@pytest.fixture(scope="module")
def prompts():
    """Two with an image, one without, one with two; of unequal lengths."""
    rows = list(to_grpo(make_scenes(2, seed=1))) + list(to_grpo(make_scenes(1, split="text", sources="stories")))
    both = [*rows[0]["prompt"][:1], {**rows[0]["prompt"][1]}]
    both[1]["content"] = [rows[0]["prompt"][1]["content"][0], *rows[1]["prompt"][1]["content"]]
    return [row["prompt"] for row in rows] + [both], [row["images"] for row in rows] + [
        [rows[0]["images"][0], rows[1]["images"][0]]
    ]


def alone(policy, prompts, place, tokens):
    """Logits after each of the tokens, from one full pass without any cache."""
    model, processor = policy
    messages, images = (part[place] for part in prompts)
    text = processor.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    inputs = processor(text=[text], images=images or None, return_tensors="pt")
    start = inputs["input_ids"].shape[1]
    inputs["input_ids"] = torch.cat([inputs["input_ids"], torch.tensor([tokens])], dim=1)
    for name in ("attention_mask", "mm_token_type_ids"):
        if name in inputs:
            inputs[name] = torch.nn.functional.pad(inputs[name], (0, len(tokens)), value=int(name[0] == "a"))
    with torch.no_grad():
        return model(**inputs, use_cache=False).logits[0, start - 1 :].float()


def greedy(policy, prompts, place, tokens, steps):
    model, processor = policy
    tokens, written = list(tokens), []
    for _ in range(steps):
        logits = alone(policy, prompts, place, tokens)[-1]
        logits[image_token_ids(processor)] = -torch.inf
        written.append(int(logits.argmax()))
        tokens.append(written[-1])
        if written[-1] in torch.tensor(model.generation_config.eos_token_id).flatten().tolist():
            break
    return processor.tokenizer.decode(written, skip_special_tokens=True)


def branches(policy, prompts, trunks, **options):
    with torch.no_grad():
        return Branches(*policy, *prompts, trunks, **{"batch_size": 3, **options})


TRUNKS = [(0, [40, 41, 42, 43, 44]), (1, [50, 51]), (2, [60, 61, 62]), (3, [70, 71, 72, 73]), (0, [80])]
TEXTS = [  # trunk, tokens, how many count: from within, from the end of, and beside the trunk
    (0, [40, 41, 90, 91, 92], 2),
    (0, [40, 41, 42, 43, 44, 93], 1),
    (1, [50, 95, 96, 97, 98, 99, 100, 101], 6),
    (2, [60, 61, 62, 102, 103], 1),
    (3, [70, 71, 104, 105], 2),
    (4, [106, 107], 1),
    (4, [80, 81, 82], 2),
]


def test_log_probabilities_are_those_of_full_passes(policy, prompts):
    with torch.no_grad():
        found = branches(policy, prompts, TRUNKS).logps(TEXTS)
    for (row, tokens, count), value in zip(TEXTS, found, strict=True):
        logps = alone(policy, prompts, TRUNKS[row][0], tokens).log_softmax(-1)[:-1]
        expected = logps.gather(1, torch.tensor(tokens)[:, None])[-count:].sum()
        assert value == pytest.approx(float(expected), abs=1e-4)


@pytest.mark.parametrize("batch_size", [1, 3, 16])
def test_what_is_written_is_what_full_passes_choose(policy, prompts, batch_size):
    starts = [(row, tokens) for row, tokens, _ in TEXTS]
    with torch.no_grad():
        found = branches(policy, prompts, TRUNKS, batch_size=batch_size).write(starts, max_new_tokens=5)
    assert [text for text, _ in found] == [greedy(policy, prompts, TRUNKS[row][0], tokens, 5) for row, tokens in starts]


def test_rows_that_end_early_leave_the_others_alone(policy, prompts, monkeypatch):
    model, _ = policy
    starts = [(row, tokens) for row, tokens, _ in TEXTS]
    first = alone(policy, prompts, 0, TEXTS[0][1])[-1].argmax()
    monkeypatch.setattr(model.generation_config, "eos_token_id", [int(first), 1])
    with torch.no_grad():
        found = branches(policy, prompts, TRUNKS, batch_size=16).write(starts, max_new_tokens=5)
    expected = [greedy(policy, prompts, TRUNKS[row][0], tokens, 5) for row, tokens in starts]
    texts, cut = zip(*found, strict=True)
    assert list(texts) == expected and len(set(map(len, texts))) > 1 and set(cut) == {True, False}


def test_tokens_are_counted(policy, prompts):
    model, processor = policy
    tree = branches(policy, prompts, TRUNKS)
    prompt = chat_inputs(model, processor, *prompts)["attention_mask"].sum(1).tolist()
    assert tree.tokens == [prompt[0] + 5, prompt[1] + 2, prompt[2] + 3, prompt[3] + 4, 1]
    with torch.no_grad():
        tree.logps(TEXTS[:2])
    # the last token that is shared is read again, and the last of a text is not: nothing after it is asked
    assert tree.tokens[0] == prompt[0] + 5 + 3 + 1 and tree.tokens_alone == [2 * (prompt[0] - 1) + 5 + 6, 0, 0, 0, 0]
    with torch.no_grad():
        ((text, is_cut),) = tree.write([(1, [50, 51])], max_new_tokens=1)
    assert text and is_cut and tree.tokens[1] == prompt[1] + 2 + 1 and tree.tokens_alone[1] == prompt[1] + 2


def test_images_are_never_written(policy, prompts):
    model, processor = policy
    head = model.get_output_embeddings()
    saved = head.weight.detach().clone()
    try:
        with torch.no_grad():
            head.weight[image_token_ids(processor)] *= 50
            texts = branches(policy, prompts, TRUNKS).write([(0, [40]), (2, [60])], max_new_tokens=4)
    finally:
        with torch.no_grad():
            head.weight.copy_(saved)
    assert not any("<|" in text for text, _ in texts)


def test_a_model_that_forgets_is_refused(policy, prompts, monkeypatch):
    layers = ["sliding_attention", "full_attention"]
    monkeypatch.setattr(policy[0].config.get_text_config(), "layer_types", layers, raising=False)
    with pytest.raises(ValueError, match="cannot share what was read with sliding attention: its layers forget"):
        branches(policy, prompts, TRUNKS)


def test_common_start():
    assert [common_start(a, b) for a, b in (([], [1]), ([1, 2], [1, 2]), ([1, 2], [1, 3, 2]))] == [0, 2, 1]
