"""What goes on from a prompt that was read once is what goes on from that prompt repeated."""

import pytest
import torch
from PIL import Image
from transformers import AutoModelForImageTextToText, Qwen2Config, Qwen2ForCausalLM

from vlaa_helpers import evaluate, load_policy, make_scenes
from vlaa_helpers.core.messages import say_once
from vlaa_helpers.policy import tested_versions
from vlaa_helpers.policy.loading import image_token_ids
from vlaa_helpers.policy.prefix_cache import extend, forward_from, generate_from, prefill, unshareable_reason
from vlaa_helpers.pseudo_reasoning.continuations import Branches

COUNTS = [3, 1, 2]
TYPES = ("qwen2_vl", "qwen2_5_vl", "qwen3_vl")
IMAGES = {"one each": (1, 1, 1), "several, and none": (2, 0, 3), "none": (0, 0, 0)}


def batch(processor, counts):
    """Prompts of different lengths with so many images of different sizes, and the same prompts repeated."""
    tokenizer = processor.tokenizer
    words = ("how many", "what is left when all red circles are gone?", "and the blue one, is it there")
    shades = iter(range(40, 255, 30))
    drawn = [[Image.new("RGB", (56 + 28 * (k % 2), 56), (next(shades), 90, k)) for k in range(n)] for n in counts]

    def read(times):
        texts, shown = [], []
        for text, images, count in zip(words, drawn, times, strict=True):
            content = [{"type": "image"}] * len(images) + [{"type": "text", "text": text}]
            chat = processor.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True)
            texts += [chat] * count
            shown += images * count
        return processor(text=texts, images=shown or None, padding=True, padding_side="left", return_tensors="pt")

    settings = {"pad_token_id": tokenizer.pad_token_id, "suppress_tokens": tokenizer.convert_tokens_to_ids(
        ["<|image_pad|>", "<|video_pad|>", "<|vision_start|>", "<|vision_end|>"])}  # fmt: skip
    return read([1, 1, 1]), read(COUNTS), settings | {"max_new_tokens": 7, "min_new_tokens": 5}


@pytest.fixture(scope="module", params=TYPES)
def model(request, tiny_models):
    return AutoModelForImageTextToText.from_pretrained(tiny_models[0][request.param]).eval()


@pytest.mark.parametrize("images", IMAGES.values(), ids=IMAGES)
def test_draws_are_those_of_repeated_prompts(model, tiny_models, images):
    once, repeated, settings = batch(tiny_models[1], images)
    for drawn in ({"do_sample": False}, {"do_sample": True, "temperature": 1.3, "top_k": 0}):
        torch.manual_seed(0)
        expected = model.generate(**repeated, **settings, **drawn)
        torch.manual_seed(0)
        with torch.no_grad():
            tokens = generate_from(model, prefill(model, once), COUNTS, exact_draws=True, **settings, **drawn)
        assert torch.equal(tokens, expected)
    assert len({tuple(row) for row in tokens[:, once["input_ids"].shape[1] :].tolist()}) > 3


def continued(repeated, ids, mask):
    whole = {name: repeated[name] for name in ("pixel_values", "image_grid_thw") if name in repeated}
    whole["input_ids"] = torch.cat([repeated["input_ids"], ids], dim=1)
    whole["attention_mask"] = torch.cat([repeated["attention_mask"], mask], dim=1)
    types = repeated["mm_token_type_ids"]
    return whole | {"mm_token_type_ids": torch.cat([types, types.new_zeros(ids.shape)], dim=1)}


@pytest.mark.parametrize("images", IMAGES.values(), ids=IMAGES)
@pytest.mark.parametrize("side", ["left", "right"])
def test_logits_and_gradients_are_those_of_repeated_prompts(model, tiny_models, images, side):
    once, repeated, _ = batch(tiny_models[1], images)
    lengths = torch.tensor([5, 2, 4, 5, 1, 3])
    ids = torch.randint(20, 900, (6, 5), generator=torch.Generator().manual_seed(1))
    mask = (torch.arange(5) < lengths[:, None]).long()
    weights = torch.randn(6, 5, 1, generator=torch.Generator().manual_seed(2)) * mask[..., None]
    results = []
    for shared in (False, True):
        model.zero_grad()
        if shared:
            given = (ids, mask) if side == "right" else (put_right(ids, lengths), mask.flip(1))
            logits = forward_from(model, prefill(model, once), COUNTS, *given).logits
            if side == "left":
                logits = torch.stack([row.roll(int(length), 0) for row, length in zip(logits, lengths, strict=True)])
        else:
            logits = model(**continued(repeated, ids, mask)).logits[:, -6:-1]
        (logits.log_softmax(dim=-1) * weights).sum().backward()
        grads = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
        results.append((logits.detach()[mask.bool()], grads))
    (expected, grads), (mine, my_grads) = results
    assert torch.allclose(mine, expected, atol=2e-5, rtol=1e-5)
    assert grads.keys() == my_grads.keys()
    for name, grad in grads.items():
        assert torch.allclose(my_grads[name], grad, atol=2e-5 * float(grad.abs().max()) + 1e-6), name


def put_right(ids, lengths):
    return torch.stack([row.roll(-int(length), 0) for row, length in zip(ids, lengths, strict=True)])


def test_draws_go_on_from_starts_of_different_lengths(model, tiny_models):
    once, repeated, settings = batch(tiny_models[1], (1, 1, 1))
    settings |= {"do_sample": False}
    lengths = torch.tensor([4, 0, 2, 3, 1, 4])
    ids = torch.randint(20, 900, (6, 4), generator=torch.Generator().manual_seed(1))
    mask = (torch.arange(4) >= 4 - lengths[:, None]).long()
    with torch.no_grad():
        tokens = generate_from(model, prefill(model, once), COUNTS, ids, mask, **settings)
    for row, length in enumerate(lengths.tolist()):
        whole = continued(repeated, ids[:, 4 - length :], mask[:, 4 - length :])
        expected = model.generate(**whole, **settings)[row, whole["input_ids"].shape[1] :]
        drawn = tokens[row, once["input_ids"].shape[1] + 4 :]
        assert drawn[: len(expected)].tolist() == expected[: len(drawn)].tolist()


@pytest.mark.parametrize("images", IMAGES.values(), ids=IMAGES)
def test_longer_prefixes_are_gone_on_from_where_one_likes(model, tiny_models, images):
    """Each prompt read on by starts of different lengths, cut within them or within the prompt, and gone on from."""
    once, repeated, _ = batch(tiny_models[1], images)
    lengths = torch.tensor([4, 0, 2, 3, 1, 4])
    ids = torch.randint(20, 900, (6, 4), generator=torch.Generator().manual_seed(1))
    mask = (torch.arange(4) >= 4 - lengths[:, None]).long()
    after = torch.tensor([[31, 32, 33]])
    with torch.no_grad():
        longer = extend(model, prefill(model, once), COUNTS, ids, mask)
        whole = longer.mask.sum(1)
        assert torch.equal(whole, repeated["attention_mask"].sum(1) + lengths)
        rows, off = [5, 0, 0, 3, 1, 2], torch.tensor([1, 0, 3, 4, 0, 1])
        cut = longer.take(rows, (whole[rows] - off).tolist())
        assert torch.equal(cut.mask.sum(1), whole[rows] - off) and cut.mask[:, -1].all()
        found = forward_from(model, cut, [1] * 6, after.repeat(6, 1), after.new_ones(6, 3)).logits
        for row, dropped, logits in zip(rows, off.tolist(), found, strict=True):
            kept = torch.cat([ids[row, 4 - lengths[row] :], after[0]])[None].repeat(6, 1)
            text = continued(repeated, kept, torch.ones_like(kept))
            end = text["input_ids"].shape[1] - 3
            for name in ("input_ids", "attention_mask", "mm_token_type_ids"):
                text[name] = torch.cat([text[name][:, : end - dropped], text[name][:, end:]], dim=1)
            assert torch.allclose(logits, model(**text).logits[row, -4:-1], atol=2e-5, rtol=1e-5)


def gradients(model, run):
    model.zero_grad()
    run()
    return {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


def same(one, other):
    scale = max(float(grad.abs().max()) for grad in one.values())
    return one.keys() == other.keys() and all(torch.allclose(one[k], other[k], atol=1e-5 * scale) for k in one)


def test_parts_of_rows_give_the_gradients_of_the_whole(model, tiny_models):
    once, _, _ = batch(tiny_models[1], (1, 0, 2))
    ids = torch.randint(20, 900, (6, 5), generator=torch.Generator().manual_seed(1))
    read = []
    layer = model.model.language_model.layers[0]
    counting = layer.self_attn.register_forward_pre_hook(lambda *_: read.append(1))

    def loss(prefix, counts, part):
        return forward_from(model, prefix, counts, ids[part], torch.ones_like(ids[part])).logits.square().sum()

    def whole():
        loss(prefill(model, once), COUNTS, slice(6)).backward()

    def parts():
        prefix = prefill(model, once)
        seen = prefix.detached()
        loss(seen, [2, 0, 0], slice(2)).backward()
        loss(seen, [1, 1, 0], slice(2, 4)).backward()
        prefix.add_gradients_of(seen)
        loss(prefix, [0, 0, 2], slice(4, 6)).backward()

    expected, passes = gradients(model, whole), [len(read)]
    assert same(expected, gradients(model, parts))
    passes.append(len(read) - sum(passes))
    model.train().activation_checkpointing_enable()
    try:
        assert same(expected, gradients(model, whole))
        passes.append(len(read) - sum(passes))
        assert same(expected, gradients(model, parts))
        passes.append(len(read) - sum(passes))
    finally:
        model.eval().activation_checkpointing_disable()
        counting.remove()
    assert passes == [2, 4, 4, 8]  # prompts and rows once, or in three parts; with checkpointing, all of it twice
    assert "_can_checkpoint_with_cache" not in vars(layer)


def test_what_cannot_be_shared_is_told(model, tiny_models, monkeypatch):
    once, _, _ = batch(tiny_models[1], (1, 1, 1))
    assert unshareable_reason(model) is None
    with pytest.raises(ValueError, match="2 counts for 3 prompts"):
        prefill(model, once).rows([1, 1])
    with pytest.raises(ValueError, match="one token has nothing to share"):
        prefill(model, {name: once[name][:, -1:] for name in ("input_ids", "attention_mask")})
    monkeypatch.setattr(model.config.text_config, "_attn_implementation_internal", "flex_attention")
    assert unshareable_reason(model) == "attention by flex_attention; expected sdpa or eager"
    monkeypatch.setattr(model.config, "model_type", "llama")
    assert unshareable_reason(model).startswith("a model of type llama; expected qwen2_vl")


def test_a_model_that_reads_text_only_is_told(tiny_models):
    sizes = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    model = Qwen2ForCausalLM(Qwen2Config(vocab_size=900, num_key_value_heads=1, **sizes))
    ids = torch.arange(20, 28).view(2, 4)
    with pytest.raises(ValueError, match="a model of type qwen2; expected qwen2_vl, .*; call model.generate"):
        prefill(model, {"input_ids": ids, "attention_mask": torch.ones_like(ids)})
    with pytest.raises(TypeError, match=r"Tokenizer\w*, which reads text only; .* processor = load_policy\(profile\)"):
        image_token_ids(tiny_models[1].tokenizer)
    with pytest.raises(TypeError, match="a model of type qwen2, which reads text only; .* as load_policy"):
        evaluate(model, tiny_models[1], make_scenes(1))


def test_an_untested_transformers_is_told_and_prompts_are_not_shared(tiny_profile, monkeypatch, caplog):
    """Responses are the same, and a probe, which cannot do without, says how it could be done."""
    model, processor = load_policy(tiny_profile)
    records = make_scenes(2)

    def responses():
        return evaluate(model, processor, records, max_new_tokens=6).to_frame()["response"].tolist()

    def said():
        return [record.message for record in caplog.records if record.name.startswith("vlaa_helpers")]

    shared = responses()
    assert not said()
    monkeypatch.setattr(tested_versions, "version", lambda name: "5.24.0.dev0")
    assert unshareable_reason(model).startswith("transformers 5.24.0.dev0, tested with 5.23 (to share")
    assert unshareable_reason(model, any_version=True) is None
    say_once.cache_clear()
    assert responses() == responses() == shared
    (words,) = said()
    assert words.startswith("prompts are read again for each response, which takes longer: they cannot be shared with")
    with pytest.raises(ValueError, match=r'cannot share what was read with transformers .*TESTED\["transformers"\] ='):
        Branches(model, processor, [], [], [], batch_size=1)
    monkeypatch.setitem(tested_versions.TESTED, "transformers", "5.24")
    assert unshareable_reason(model) is None
