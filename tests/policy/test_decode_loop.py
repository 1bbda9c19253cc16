"""The sampling loop gives what `generate` gives, and rows that have ended leave it."""

import math
from functools import wraps

import pytest
import torch
from scipy.stats import chi2
from transformers import (
    AutoModelForImageTextToText,
    GenerationConfig,
    LogitsProcessorList,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from vlaa_helpers.policy import decode_loop, decode_states, prefix_cache
from vlaa_helpers.policy.decode_loop import draw
from vlaa_helpers.policy.decode_stack import DecodeStack
from vlaa_helpers.policy.prefix_cache import generate_from, prefill

COUNTS = [5, 1, 6]
TEXTS = ("how many", "what is left when all red circles are gone?", "and the blue one")


@pytest.fixture(scope="module", params=("qwen2_5_vl", "qwen3_vl"))
def model(request, tiny_models):
    return AutoModelForImageTextToText.from_pretrained(tiny_models[0][request.param]).eval()


def prompts(tokenizer, counts):
    texts = [text for text, count in zip(TEXTS, counts, strict=True) for _ in range(count)]
    return tokenizer(texts, padding=True, padding_side="left", return_tensors="pt")


@pytest.fixture(params=(True, False), ids=("by the decode stack", "by the model"))
def widths(request, model, monkeypatch):
    """How many rows each step has, and how many tokens of each."""
    seen = []
    if request.param:
        step = DecodeStack.__call__
        note = lambda stack, tokens, states: seen.append((len(tokens), 1)) or step(stack, tokens, states)  # noqa: E731
        monkeypatch.setattr(DecodeStack, "__call__", note)
    else:
        monkeypatch.setattr(decode_loop, "decode_stack", lambda whole: None)
    forward = type(model).forward

    @wraps(forward)  # a hook would be heard, and so keep the stack away
    def noted(self, **inputs):
        seen.append(tuple(inputs["input_ids"].shape))
        return forward(self, **inputs)

    monkeypatch.setattr(type(model), "forward", noted)
    return seen


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
    monkeypatch.setattr(decode_states, "BLOCK", room)
    tokenizer = tiny_models[1].tokenizer
    never, ends = tokenizer.pad_token_id, [*range(850, 1000)]
    settings = {"max_new_tokens": 40, "pad_token_id": never, "suppress_tokens": [never], "eos_token_id": ends}
    torch.manual_seed(3)
    expected = model.generate(**prompts(tokenizer, COUNTS), **settings, **way)
    widths.clear()
    torch.manual_seed(3)
    with torch.no_grad():
        prefix = prefill(model, prompts(tokenizer, [1, 1, 1]))
    found = generate_from(model, prefix, COUNTS, exact_draws=True, **settings, **way)
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
    assert widths[1:8] == [(3, 1)] * 7
    assert torch.equal(found, model.generate(**inputs, **settings))


def test_stop_strings_are_refused(model, tiny_models):
    inputs = prompts(tiny_models[1].tokenizer, [1, 1, 1])
    with torch.no_grad():
        prefix = prefill(model, inputs)
    with pytest.raises(ValueError, match="call model.generate"):
        generate_from(
            model, prefix, [1, 1, 1], max_new_tokens=3, stop_strings=["a"], tokenizer=tiny_models[1].tokenizer
        )


# ---- one random number a row ----

DRAWS = 60_000


@pytest.mark.parametrize(
    "way",
    [{}, {"temperature": 0.5}, {"temperature": 1.7, "top_k": 7}, {"top_p": 0.8}, {"top_k": 9, "top_p": 0.6}],
    ids=["plain", "cold", "top k", "top p", "both"],
)
def test_one_number_a_row_draws_from_the_same_distribution(way):
    """Chi-square over many draws: words that are left out never come, the others as often as they should."""
    generator = torch.Generator().manual_seed(1)
    config = GenerationConfig(do_sample=True, **{"top_k": 0, "top_p": 1.0, **way})
    warp = [TemperatureLogitsWarper(way["temperature"])] if "temperature" in way else []
    warp += [TopKLogitsWarper(config.top_k)] if config.top_k else []
    warp += [TopPLogitsWarper(config.top_p)] if config.top_p < 1 else []
    logits = 2 * torch.randn(1, 12, generator=generator)
    scores = LogitsProcessorList(warp)(torch.zeros(1, 1, dtype=torch.long), logits)
    expected = scores.softmax(-1)[0].double() * DRAWS
    numbers = torch.rand(DRAWS, generator=generator, dtype=torch.float64)
    counts = draw(scores.expand(DRAWS, -1), numbers).bincount(minlength=12).double()
    possible = expected > 0
    assert not counts[~possible].any()

    def chance(counts):
        statistic = ((counts - expected) ** 2)[possible] / expected[possible]
        return chi2.sf(float(statistic.sum()), int(possible.sum()) - 1)

    assert chance(counts) > 0.001
    other = draw((scores / 1.1).expand(DRAWS, -1), numbers).bincount(minlength=12).double()
    assert chance(other) < 0.001  # a temperature that is off by a tenth would be told


def test_words_that_are_left_out_are_never_drawn():
    scores = torch.tensor([[-torch.inf, 0.0, -torch.inf, 0.0, -torch.inf]]).expand(5, -1)
    numbers = torch.tensor([0.0, 0.49, 0.5, 1 - 2**-24, 1 - 2**-53], dtype=torch.float64)
    assert draw(scores, numbers).tolist() == [1, 1, 3, 3, 3]


def test_each_of_many_rare_words_can_be_drawn():
    """Sums in a float's 24 bits step over words as rare as these."""
    scores = torch.tensor([[0.7, *[2e-8] * 50, 0.3]]).log()
    edges = scores.softmax(-1)[0].double().cumsum(0)
    numbers = (edges[:-1] + edges[1:]) / 2 / edges[-1]  # the middle of each word's share but the first
    assert draw(scores.expand(51, -1), numbers).tolist() == [*range(1, 52)]


def test_numbers_are_fine_enough_for_rare_words(model, tiny_models, monkeypatch):
    """A word of probability 2^-30 lies between two steps of a float32's numbers, and would never be drawn."""
    seen = []
    monkeypatch.setattr(decode_loop, "draw", lambda scores, numbers: seen.append(numbers) or draw(scores, numbers))
    with torch.no_grad():
        prefix = prefill(model, prompts(tiny_models[1].tokenizer, [1, 1, 1]))
    generate_from(model, prefix, COUNTS, max_new_tokens=20, do_sample=True, top_k=0, eos_token_id=None)
    numbers = torch.cat(seen)
    assert len(numbers) == 20 * 12 and (numbers * 2**24 % 1 > 0).double().mean() > 0.9
    rare = torch.tensor([[0.0, -30 * math.log(2), 0.0]])
    assert draw(rare, torch.tensor([0.5], dtype=torch.float64)).item() == 1


def test_a_row_draws_the_same_whoever_is_beside_it(model, tiny_models):
    """Rows that have ended leave the batch; that must not change what the others draw."""
    tokenizer = tiny_models[1].tokenizer
    settings = {"max_new_tokens": 20, "do_sample": True, "top_k": 0, "temperature": 2.0, "pad_token_id": 1013}
    found = {}
    for name, ends in (("none ends", None), ("many end", [*range(700, 1000)])):
        torch.manual_seed(5)
        with torch.no_grad():
            prefix = prefill(model, prompts(tokenizer, [1, 1, 1]))
        found[name] = generate_from(model, prefix, COUNTS, eos_token_id=ends, **settings)[:, prefix.ids.shape[1] :]
    for whole, short in zip(found["none ends"].tolist(), found["many end"].tolist(), strict=True):
        length = next((k + 1 for k, token in enumerate(short) if 700 <= token < 1000), len(short))
        assert short[:length] == whole[:length]
