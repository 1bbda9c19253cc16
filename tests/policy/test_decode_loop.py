"""The drawing loop gives what `generate` gives, and rows that have ended leave it."""

import pytest
import torch
from transformers import AutoModelForImageTextToText

from vlaa_helpers.policy import prefix_cache
from vlaa_helpers.policy.prefix_cache import generate_from, prefill

COUNTS = [5, 1, 6]
TEXTS = ("how many", "what is left when all red circles are gone?", "and the blue one")


@pytest.fixture(scope="module", params=("qwen2_5_vl", "qwen3_vl"))
def model(request, tiny_models):
    return AutoModelForImageTextToText.from_pretrained(tiny_models[0][request.param]).eval()


def prompts(tokenizer, counts):
    texts = [text for text, count in zip(TEXTS, counts, strict=True) for _ in range(count)]
    return tokenizer(texts, padding=True, padding_side="left", return_tensors="pt")


@pytest.fixture
def widths(model):
    """How many rows each forward pass has, and how many tokens of each."""
    seen = []
    hook = model.register_forward_pre_hook(
        lambda _, args, inputs: seen.append(tuple(inputs["input_ids"].shape)), with_kwargs=True
    )
    yield seen
    hook.remove()


@pytest.mark.parametrize("room", [3, 64])
@pytest.mark.parametrize(
    "way",
    [
        {"do_sample": False, "repetition_penalty": 1.3},
        {"do_sample": True, "temperature": 1.5, "top_k": 0},
        {"do_sample": True, "temperature": 2.0, "top_k": 50, "top_p": 0.9, "min_new_tokens": 4},
    ],
    ids=["likeliest", "drawn", "drawn among few"],
)
def test_what_is_drawn_is_what_generate_draws(model, tiny_models, widths, way, room, monkeypatch):
    monkeypatch.setattr(prefix_cache, "ROOM", room)
    tokenizer = tiny_models[1].tokenizer
    never, ends = tokenizer.pad_token_id, [*range(850, 1000)]
    settings = {"max_new_tokens": 40, "pad_token_id": never, "suppress_tokens": [never], "eos_token_id": ends}
    torch.manual_seed(3)
    expected = model.generate(**prompts(tokenizer, COUNTS), **settings, **way)
    widths.clear()
    torch.manual_seed(3)
    with torch.no_grad():
        prefix = prefill(model, prompts(tokenizer, [1, 1, 1]))
    found = generate_from(model, prefix, COUNTS, **settings, **way)
    assert torch.equal(found, expected)
    rows, drawn = [row for row, _ in widths[1:]], found[:, prefix.ids.shape[1] :]
    alive = (drawn != never).sum(0).tolist()  # in each step
    assert rows == sorted(rows, reverse=True) and rows[0] == 12 and len(rows) == len(alive)
    assert all(row <= max(1, 8 * left / 7) for row, left in zip(rows, alive, strict=True))
    if way["do_sample"]:
        assert len(set(rows)) > 4


def test_a_batch_without_an_end_is_drawn_to_its_length(model, tiny_models, widths):
    tokenizer = tiny_models[1].tokenizer
    inputs = prompts(tokenizer, [1, 1, 1])
    settings = {"max_new_tokens": 7, "do_sample": False, "eos_token_id": None}
    with torch.no_grad():
        found = generate_from(model, prefill(model, inputs), [1, 1, 1], **settings)
    assert torch.equal(found, model.generate(**inputs, **settings))
    assert widths[1:8] == [(3, 1)] * 7
