"""What prompts begin with alike is read once, and what comes of them is what it would be without."""

import pytest
import torch
from PIL import Image
from transformers import AutoModelForImageTextToText

from vlaa_helpers.policy import prefix_cache
from vlaa_helpers.policy.common_head import common_head, head_first
from vlaa_helpers.policy.prefix_cache import forward_from, generate_from, prefill

COUNTS = [3, 1, 2]
SYSTEM = "You answer questions about pictures. Think first, then give the result and nothing else."
PAD = 0


def rows(*texts, pictures=()):
    """ids, mask and types of prompts of numbers, padded on the left; the numbers of `pictures` stand for images."""
    width = max(map(len, texts))
    ids = torch.tensor([[PAD] * (width - len(text)) + list(text) for text in texts])
    return ids, (ids != PAD).long(), torch.isin(ids, torch.tensor(pictures)).long()


@pytest.mark.parametrize(
    ("texts", "pictures", "expected"),
    [
        (([1, 2, 3, 4, 5, 6], [1, 2, 3, 9, 8]), (), 3),
        (([1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6]), (), 4),  # the last two stay out of it
        (([1, 2, 3, 4], [1, 2, 3, 4, 5, 6, 7]), (), 2),
        (([1, 2, 7, 7, 5, 6], [1, 2, 7, 7, 5, 6, 6]), (7,), 2),  # images differ where their tokens do not
        (([7, 1, 2, 3, 4], [7, 1, 2, 3, 4]), (7,), 0),
        (([2, 1, 1, 1, 1], [1, 1, 1, 1, 1]), (), 0),
        (([1, 2], [1, 2]), (), 0),
        (([1, 2, 3, 4, 5, 6],), (), 0),  # nobody to share it with
        (([1] + [2] * 9, [1] + [3] * 9), (), 0),  # a token of twenty is not worth a pass
    ],
)
def test_tokens_that_all_prompts_begin_with_are_counted(texts, pictures, expected):
    assert common_head(*rows(*texts, pictures=pictures)) == expected


def test_a_head_comes_before_the_padding():
    ids, mask, _ = rows([1, 2, 3, 4, 5, 6], [1, 2, 9, 8])
    order = head_first(mask, 2)
    assert ids.gather(1, order).tolist() == [[1, 2, 3, 4, 5, 6], [1, 2, PAD, PAD, 9, 8]]


@pytest.fixture(scope="module", params=("qwen2_vl", "qwen2_5_vl", "qwen3_vl"))
def model(request, tiny_models):
    return AutoModelForImageTextToText.from_pretrained(tiny_models[0][request.param]).eval()


@pytest.fixture(scope="module", params=((1, 1, 1), (2, 0, 3), (0, 0, 0)), ids=("one each", "some", "none"))
def prompts(request, tiny_models):
    """Prompts of one system prompt and different lengths, with so many images of different sizes."""
    processor, texts, shown = tiny_models[1], [], []
    for k, (words, count) in enumerate(zip(("how many", "what is left then?", "and it"), request.param, strict=True)):
        shown += [Image.new("RGB", (56 + 28 * (i % 2), 56), (40 + 60 * k, 90, 50 * i)) for i in range(count)]
        content = [{"type": "image"}] * count + [{"type": "text", "text": words}]
        chat = [{"role": "system", "content": [{"type": "text", "text": SYSTEM}]}, {"role": "user", "content": content}]
        texts.append(processor.apply_chat_template(chat, add_generation_prompt=True))
    return processor(text=texts, images=shown or None, padding=True, padding_side="left", return_tensors="pt")


@pytest.fixture
def tokens_read(model):
    """How many tokens went through the language stack, padding included, since it was cleared."""
    read = []
    layer = model.model.language_model.layers[0]
    handle = layer.mlp.register_forward_pre_hook(lambda _, args: read.append(args[0].shape[:-1].numel()))
    yield read
    handle.remove()


def found(model, prompts):
    """Logits of completions and gradients, by way of one prefix."""
    ids = torch.randint(20, 900, (6, 5), generator=torch.Generator().manual_seed(1))
    weights = torch.randn(6, 5, 1, generator=torch.Generator().manual_seed(2))
    model.zero_grad()
    logits = forward_from(model, prefill(model, prompts), COUNTS, ids, torch.ones_like(ids)).logits
    (logits.log_softmax(-1) * weights).sum().backward()
    return logits.detach(), {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


def close(one, other):
    (logits, grads), (others, other_grads) = one, other
    assert torch.allclose(logits, others, atol=2e-5, rtol=1e-5)
    assert grads.keys() == other_grads.keys()
    for name, grad in grads.items():
        assert torch.allclose(other_grads[name], grad, atol=2e-5 * float(grad.abs().max()) + 1e-6), name


def test_logits_and_gradients_are_the_same_for_less_work(model, prompts, tokens_read, monkeypatch):
    mine = found(model, prompts)
    head, *rest = tokens_read
    model.train().activation_checkpointing_enable()
    try:
        checkpointed = found(model, prompts)
    finally:
        model.eval().activation_checkpointing_disable()
    tokens_read.clear()
    monkeypatch.setattr(prefix_cache, "common_head", lambda *_: 0)
    whole = found(model, prompts)
    assert tokens_read[0] - head - rest[0] == 2 * head > 40  # three prompts, one head
    close(whole, mine)
    close(whole, checkpointed)


def test_responses_are_the_same(model, prompts, tiny_models, monkeypatch):
    settings = {"max_new_tokens": 7, "min_new_tokens": 5, "exact_draws": True, "do_sample": True, "top_k": 0}
    suppressed = ["<|image_pad|>", "<|video_pad|>", "<|vision_start|>", "<|vision_end|>"]
    settings["suppress_tokens"] = tiny_models[1].tokenizer.convert_tokens_to_ids(suppressed)
    repeated = prompts["input_ids"].repeat_interleave(torch.tensor(COUNTS), 0)  # (rows, tokens)
    written, seen = [], []
    note = lambda ids, scores: seen.append(ids.clone()) or scores  # noqa: E731
    for way in (common_head, lambda *_: 0):
        monkeypatch.setattr(prefix_cache, "common_head", way)
        torch.manual_seed(0)
        seen.clear()
        with torch.no_grad():
            tokens = generate_from(model, prefill(model, prompts), COUNTS, logits_processor=[note], **settings)
        assert torch.equal(tokens[:, : prompts["input_ids"].shape[1]], repeated)
        assert torch.equal(seen[0], repeated)  # by what minds the order of tokens, such as n-grams
        written.append(tokens[:, prompts["input_ids"].shape[1] :])
    assert torch.equal(*written) and len({tuple(row) for row in written[0].tolist()}) > 3
