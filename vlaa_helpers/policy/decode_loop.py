"""The loop in which completions are drawn, a token at a time: `generate`'s own, but rows that have ended cost nothing.

    model.generate(..., custom_generate=decode)

Completions of a batch differ in length, and `generate` computes all of them until the longest has ended. The mini
policy's have 33 tokens on average and 96 at most: two thirds of what `generate` computes for them is padding.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad
from transformers import GenerationConfig, LogitsProcessorList, StoppingCriteriaList

from .fast_step import States, fast_stack, whole_model

LEFT_OUT_AT = 8
"""Rows that have ended leave the batch once they are one in so many of it: leaving copies what the others have read."""


def decode(
    model: Any,
    input_ids: Tensor,
    logits_processor: LogitsProcessorList,
    stopping_criteria: StoppingCriteriaList,
    generation_config: GenerationConfig,
    exact_draws: bool = False,
    **inputs: Any,
) -> Tensor:
    """Draw, or take the likeliest tokens, with the random numbers of `generate`; it calls this with what it prepared.

    Args:
        **inputs: of the model. `past_key_values` is what was read of each row, all but its last tokens, and grows;
            `position_ids` are of all tokens, shape (3, rows, tokens); without padding `attention_mask` is None.

    Returns:
        All tokens, shape (rows, tokens), with padding after what ended early.
    """
    ids, mask, cache = input_ids, inputs["attention_mask"], inputs["past_key_values"]
    rows = torch.arange(len(ids), device=ids.device)  # of the batch, those that go on
    ended = torch.zeros(len(ids), dtype=torch.bool, device=ids.device)
    padding = generation_config._pad_token_tensor
    read = cache.get_seq_length()
    steps = _Steps(model, cache, mask, inputs["position_ids"], generation_config.max_length - read)
    logits = steps(ids[:, read:]).float()
    while True:
        chosen = _choose(logits, ids, rows, logits_processor, generation_config.do_sample, exact_draws)
        if padding is not None:
            chosen = chosen.where(~ended, padding)
        ids = torch.cat([ids, chosen[:, None]], dim=1)
        ended = ended | stopping_criteria(ids, None)
        left = int((~ended).sum())
        if not left:
            return ids
        if (len(rows) - left) * LEFT_OUT_AT >= len(rows):
            going = (~ended[rows]).nonzero().squeeze(1)
            rows = rows[going]
            steps.keep(going)
        logits = steps(chosen[rows, None]).float()


def _choose(
    found: Tensor, ids: Tensor, rows: Tensor, process: LogitsProcessorList, do_sample: bool, exact_draws: bool
) -> Tensor:
    """The next token of each row of the batch, from logits of those that go on; shape (rows of the batch,)."""
    if exact_draws:  # random numbers for every word of all rows, as `generate` draws them
        scores = process(ids, found.new_zeros(len(ids), found.shape[1]).index_copy(0, rows, found))
        return torch.multinomial(scores.softmax(-1), 1).squeeze(1) if do_sample else scores.argmax(-1)
    scores = process(ids[rows], found)
    if do_sample:
        below = scores.softmax(-1).cumsum(-1)
        at = torch.rand(len(ids), 1, device=ids.device)[rows] * below[:, -1:]
        some = torch.searchsorted(below, at, right=True).squeeze(1).clamp(max=found.shape[1] - 1)
    else:
        some = scores.argmax(-1)
    return ids[:, -1].index_copy(0, rows, some)


class _Steps:
    """The model, a token a row: by the fast stack where it can be had."""

    def __init__(self, model: Any, cache: Any, mask: Tensor | None, positions: Tensor, room: int):
        self.model, self.cache, self.mask, self.positions = model, cache, mask, positions
        self.stack, self.states, self.room = fast_stack(whole_model(model)), None, room

    def keep(self, going: Tensor) -> None:
        """Drop all rows but these."""
        self.positions = self.positions[:, going]
        self.mask = None if self.mask is None else self.mask[going]
        if self.states is None:
            self.cache.batch_select_indices(going)
        else:
            self.states.keep(going)

    def __call__(self, tokens: Tensor) -> Tensor:
        """Logits after the tokens of each row that were not read yet, shape (rows, vocabulary)."""
        if self.stack is not None and tokens.shape[1] == 1:
            self.states = self.states or self._prepare()
            return self.stack(tokens[:, 0], self.states)
        new = tokens.shape[1]
        if self.cache.get_seq_length() + new > self.positions.shape[-1]:  # a token that was chosen here
            self.positions = torch.cat([self.positions, self.positions[..., -1:] + 1], dim=-1)
            self.mask = self.mask if self.mask is None else pad(self.mask, (0, 1), value=1)
        return self.model(
            input_ids=tokens, attention_mask=self.mask, position_ids=self.positions[..., -new:],
            past_key_values=self.cache, use_cache=True, logits_to_keep=1,
        ).logits[:, -1]  # fmt: skip

    def _prepare(self) -> States:
        """What was read so far, for the fast stack to go on from."""
        layers, read = self.cache.layers, self.cache.get_seq_length()
        rows = layers[0].rows_to_come()
        mask = None if self.mask is None else self.mask[:, :read]
        if rows is None:  # each row is its own prompt by now
            rows = torch.arange(self.positions.shape[1], device=self.positions.device)
        elif mask is not None:
            counts = rows.bincount()
            mask = mask[counts.cumsum(0) - counts]
        is_unread = read < self.positions.shape[-1]
        start = self.positions[..., -1:] if is_unread else self.positions[..., -1:] + 1
        ahead = start + torch.arange(self.room, device=start.device)  # (3, rows, room)
        return States([(layer.keys, layer.values) for layer in layers], rows, mask, self.stack.rotary(ahead))
