"""The loop in which completions are sampled, a token at a time: `generate`'s own, but finished rows cost nothing.

    model.generate(..., custom_generate=decode)

Completions of a batch differ in length, and `generate` computes all of them until the longest has ended. The mini
policy's have 33 tokens on average and 96 at most: two thirds of what `generate` computes for them is padding.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad
from transformers import (
    GenerationConfig,
    LogitsProcessor,
    LogitsProcessorList,
    MinPLogitsWarper,
    StoppingCriteriaList,
    SuppressTokensLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from ..core.not_finite import NotFiniteError
from .decode_stack import decode_stack, whole_model
from .decode_states import DecodeStates

ROW_BY_ROW = (TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper, MinPLogitsWarper)
ROW_BY_ROW += (SuppressTokensLogitsProcessor,)
"""What may be given the rows that go on alone: it reads their scores, and neither other rows nor its row's place."""
DROPPED_AT = 8
"""Finished completions are dropped once they are one in so many of the batch: dropping copies the others' cache."""


def decode(
    model: Any,
    input_ids: Tensor,
    logits_processor: LogitsProcessorList,
    stopping_criteria: StoppingCriteriaList,
    generation_config: GenerationConfig,
    *,
    exact_draws: bool = False,
    **inputs: Any,
) -> Tensor:
    """Sample completions, or take the likeliest tokens; `generate` calls this with what it prepared.

    Args:
        input_ids: shape (rows, tokens), of prompts and what follows them; padding may be anywhere.
        logits_processor, stopping_criteria, generation_config: as `generate` prepares them.
        exact_draws: sample with the random numbers of `generate`, one for every word of every row. Otherwise a token
            takes one number a row, from the same distribution.
        **inputs: of the model. `past_key_values` is the cache of each row, of all but its last tokens, and grows;
            `position_ids` are of all tokens, shape (3, rows, tokens); without padding `attention_mask` is None.

    Returns:
        All tokens, shape (rows, tokens), with padding before prompts and after what ended early.
    """
    ids, cache = _padded_left(input_ids, inputs["attention_mask"]), inputs["past_key_values"]  # (rows, tokens)
    rows = torch.arange(len(ids), device=ids.device)  # (going,): those that have not been dropped
    ended = torch.zeros(len(ids), dtype=torch.bool, device=ids.device)  # (rows,)
    padding = _padding_token(generation_config)
    read = cache.get_seq_length()
    policy = _Policy(model, cache, inputs["attention_mask"], inputs["position_ids"])
    logits = policy.read(input_ids[:, read:])  # (going, vocabulary)
    while True:
        chosen = _choose(logits, ids, rows, logits_processor, generation_config.do_sample, exact_draws)  # (rows,)
        if padding is not None:
            chosen = chosen.where(~ended, padding)
        ids = torch.cat([ids, chosen[:, None]], dim=1)  # (rows, tokens + 1)
        ended = ended | stopping_criteria(ids, None)
        left = int((~ended).sum())
        if not left:
            return ids
        if (len(rows) - left) * DROPPED_AT >= len(rows):
            going = (~ended[rows]).nonzero().squeeze(1)  # places among those that were going
            rows = rows[going]
            policy.keep(going)
        logits = policy.read(chosen[rows, None])


def _padded_left(ids: Tensor, mask: Tensor | None) -> Tensor:
    """Tokens with all padding on the left, as `generate` shows them to processors that mind their order (n-grams)."""
    return ids if mask is None else ids.gather(1, mask.argsort(dim=1, stable=True))


def _choose(
    found: Tensor, ids: Tensor, rows: Tensor, process: LogitsProcessorList, do_sample: bool, exact_draws: bool
) -> Tensor:
    """The next token of each row, shape (rows,), from logits of those that go on, shape (going, vocabulary).

    Raises:
        NotFiniteError: a logit that is not finite. Of some words alone at -inf no draw would fail: it would never take
            them. And on a GPU a draw from nan ends all further work of the process.
    """
    low, high = found.aminmax()
    if not (low.isfinite() & high.isfinite()):
        raise NotFiniteError
    if not exact_draws and all(type(each) in ROW_BY_ROW for each in process):
        scores = process(ids[rows], found)  # (going, vocabulary)
        taken = draw(scores, _numbers(ids)[rows]) if do_sample else likeliest(scores)
        return ids[:, -1].index_copy(0, rows, taken)
    logits = found.new_zeros(len(ids), found.shape[1]).index_copy(0, rows, found)  # processors know rows by their place
    scores = process(ids, logits)  # (rows, vocabulary)
    if not do_sample:
        return likeliest(scores)
    if exact_draws:  # random numbers for all rows, so that each row gets its own
        return torch.multinomial(scores.softmax(-1), 1).squeeze(1)
    return ids[:, -1].index_copy(0, rows, draw(scores[rows], _numbers(ids)[rows]))


def _numbers(ids: Tensor) -> Tensor:
    """A random number a row, whether it goes on or not."""
    return torch.rand(len(ids), dtype=torch.float64, device=ids.device)  # float32 has steps of 2^-24


class FiniteScores(LogitsProcessor):
    """Stops `generate` at scores with nan or inf, where it would write one word again and again, or end in CUDA.

    A word at -inf passes: that is how words are left out. A row of -inf alone does not.
    """

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        if not scores.amax(-1).isfinite().all():  # nan is passed on
            raise NotFiniteError
        return scores


def likeliest(scores: Tensor) -> Tensor:
    """The word with the highest score of each row.

    Args:
        scores: logits, shape (rows, vocabulary).

    Returns:
        Shape (rows,).

    Raises:
        NotFiniteError: a highest score that is nan or inf, of which `argmax` would make the same word again and again.
    """
    best = scores.argmax(-1)
    if not scores.gather(-1, best[:, None]).isfinite().all():
        raise NotFiniteError
    return best


def draw(scores: Tensor, numbers: Tensor) -> Tensor:
    """Draw a word for each row by the inverse of its cumulative distribution.

    Args:
        scores: logits, shape (rows, vocabulary); -inf is never drawn.
        numbers: uniform in [0, 1), shape (rows,), in float64: a word rarer than their steps may never be drawn.

    Returns:
        Shape (rows,).

    Raises:
        NotFiniteError: scores with nan or inf, or a row of -inf alone.

    >>> draw(torch.tensor([[0.0, -torch.inf, 0.0]]).expand(3, 3), torch.tensor([0.2, 0.5, 0.999], dtype=torch.float64))
    tensor([0, 2, 2])
    """
    # (rows, vocabulary): sums in float32 would leave rare words out
    below = scores.softmax(-1).cumsum(-1, dtype=torch.float64)
    if not below[:, -1].isfinite().all():
        raise NotFiniteError
    at = numbers[:, None] * below[:, -1:]
    return torch.searchsorted(below, at, right=True).squeeze(1)


class _Policy:
    """The model, read on and on: by its decode stack where it has one.

    Args:
        cache: of each row; grows.
        mask: 1 at tokens and 0 at padding, shape (rows, tokens); None is all 1.
        positions: of the tokens so far, shape (3, rows, tokens).
    """

    def __init__(self, model: Any, cache: Any, mask: Tensor | None, positions: Tensor):
        self._model, self._cache, self._mask, self._positions = model, cache, mask, positions
        self._stack = decode_stack(whole_model(model))
        self._states: DecodeStates | None = None

    def keep(self, going: Tensor) -> None:
        """Drop all rows but these."""
        if self._states is not None:
            self._states.keep(going)
            return
        self._positions = self._positions[:, going]
        self._mask = None if self._mask is None else self._mask[going]
        self._cache.batch_select_indices(going)

    def read(self, tokens: Tensor) -> Tensor:
        """Logits after further tokens of each row, shape (rows, new): float32, shape (rows, vocabulary)."""
        if self._stack is not None and tokens.shape[1] == 1:
            self._states = self._states or self._what_was_read()
            return self._stack(tokens[:, 0], self._states).float()
        new = tokens.shape[1]
        if self._cache.get_seq_length() + new > self._positions.shape[-1]:  # a token that was chosen here
            self._positions = torch.cat([self._positions, self._positions[..., -1:] + 1], dim=-1)
            self._mask = self._mask if self._mask is None else pad(self._mask, (0, 1), value=1)
        output = self._model(
            input_ids=tokens, attention_mask=self._mask, position_ids=self._positions[..., -new:],
            past_key_values=self._cache, use_cache=True, logits_to_keep=1,
        )  # fmt: skip
        return output.logits[:, -1].float()

    def _what_was_read(self) -> DecodeStates:
        layers, read = self._cache.layers, self._cache.get_seq_length()
        rows, mask = layers[0].prompt_of_rows, self._mask
        if rows is None:  # something was added to each row: it is its own prompt by now
            rows = torch.arange(self._positions.shape[1], device=self._positions.device)
        elif mask is not None:
            counts = rows.bincount()
            mask = mask[counts.cumsum(0) - counts]  # (prompts, tokens)
        start = self._positions[..., -1:] + int(read == self._positions.shape[-1])  # (3, rows, 1)
        pairs = [(layer.keys, layer.values) for layer in layers]
        return DecodeStates(pairs, rows, None if mask is None else mask[:, :read], start, self._stack.rotary)


def _padding_token(config: GenerationConfig) -> int | None:
    """What follows the end of a row, as `generate` picks it: the padding token, or else the first end token."""
    if config.pad_token_id is not None or config.eos_token_id is None:
        return config.pad_token_id
    return config.eos_token_id[0] if isinstance(config.eos_token_id, list) else config.eos_token_id
