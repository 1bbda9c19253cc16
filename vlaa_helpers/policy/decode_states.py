"""Keys and values of rows that go on from shared prompts, a token at a time."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn.functional import pad

BLOCK = 64
"""Tokens for which there is room, and for which rotary embeddings are made, at once."""


class DecodeStates:
    """Keys and values of rows that go on from prompts: a prompt's once for all its rows, and each row's own.

    Args:
        prompts: of each layer keys and values of the prompts, each of shape (prompts, heads, tokens, width).
        rows: the prompt that each row goes on from, shape (rows,); rows of one prompt follow each other.
        mask: of the prompts' tokens, 0 at padding, shape (prompts, tokens); None is all 1.
        start: position of the first token to come of each row, shape (3, rows, 1).
        rotary: cosines and sines at positions of shape (3, rows, tokens), each of shape (rows, tokens, width).
    """

    def __init__(
        self,
        prompts: Sequence[tuple[Tensor, Tensor]],
        rows: Tensor,
        mask: Tensor | None,
        start: Tensor,
        rotary: Callable[[Tensor], tuple[Tensor, Tensor]],
    ):
        # each (prompts x heads, …); under autocast a model leaves keys in float32 and values in 16 bits
        self.prompts = [tuple(state.flatten(0, 1).to(pair[0].dtype) for state in pair) for pair in prompts]
        self.count, self.kept, _, width = prompts[0][0].shape
        self.length, self.rows, self._start, self._rotary = 0, rows, start, rotary
        self.own = [[pair[0].new_empty(len(rows) * self.kept, BLOCK, width) for _ in pair] for pair in prompts]
        self.bias = None
        if mask is not None and not mask.all():
            self.bias = torch.zeros_like(mask, dtype=prompts[0][0].dtype).masked_fill(mask == 0, float("-inf"))
        self._place()

    def _place(self) -> None:
        """Where each row stands in a grid of (prompts, most rows of one)."""
        counts = self.rows.bincount(minlength=self.count)
        self.most = int(counts.max())
        first = counts.cumsum(0) - counts
        place = self.rows * self.most + torch.arange(len(self.rows), device=self.rows.device) - first[self.rows]
        self.place = None if len(place) == self.count * self.most else place  # None: the grid is full, in order
        self.row_bias = None if self.bias is None else self.bias[self.rows][:, None, None]  # (rows, 1, 1, tokens)

    def keep(self, going: Tensor) -> None:
        """Drop all rows but these."""
        self.rows, self._start = self.rows[going], self._start[:, going]
        self._tables = tuple(table[going] for table in self._tables)
        for own in self.own:
            for k, held in enumerate(own):
                wide = held.unflatten(0, (-1, self.kept))
                own[k] = wide.new_empty(len(going), *wide.shape[1:])
                own[k][:, :, : self.length] = wide[going, :, : self.length]
                own[k] = own[k].flatten(0, 1)
        self._place()

    def rotary(self) -> tuple[Tensor, Tensor]:
        """Cosines and sines at the place of the next token, each of shape (rows, 1, width)."""
        place = self.length % BLOCK
        if place == 0:
            ahead = self.length + torch.arange(BLOCK, device=self._start.device)
            self._tables = self._rotary(self._start + ahead)  # (rows, block, width), twice
        cos, sin = (table[:, place : place + 1] for table in self._tables)
        return cos, sin

    def attend(self, layer: int, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Attention of one new token a row to its prompt and to its own tokens, the new one included.

        Args:
            query: scaled, shape (rows, heads, width).
            key, value: of the new token, shape (rows, kept heads, width).

        Returns:
            Shape (rows, heads x width).
        """
        rows, width = len(query), query.shape[-1]
        query = query.view(rows, self.kept, -1, width)  # (rows, kept, heads of each, width)
        own = self.own[layer]
        for k, new in enumerate((key, value)):
            if self.length == own[k].shape[1]:
                own[k] = pad(own[k], (0, 0, 0, BLOCK))
            own[k][:, self.length] = new.reshape(-1, width)
        keys, values = (held[:, : self.length + 1] for held in own)  # (rows x kept, tokens, width)
        prompt_keys, prompt_values = self.prompts[layer]
        before = self._from_grid(torch.bmm(self._to_grid(query), prompt_keys.transpose(1, 2)))
        before = before if self.row_bias is None else before + self.row_bias
        after = torch.bmm(query.flatten(0, 1), keys.transpose(1, 2)).view(*query.shape[:-1], -1)
        weights = torch.cat([before, after], dim=-1).softmax(-1)  # (rows, kept, heads of each, all tokens)
        before, after = weights.split((before.shape[-1], after.shape[-1]), dim=-1)
        seen = self._from_grid(torch.bmm(self._to_grid(before), prompt_values))
        return (seen + torch.bmm(after.flatten(0, 1), values).view_as(seen)).reshape(rows, -1)

    def _to_grid(self, x: Tensor) -> Tensor:
        """(rows, kept, heads of each, n) to (prompts x kept, most x heads of each, n)."""
        if self.place is not None:
            x = x.new_zeros(self.count * self.most, *x.shape[1:]).index_copy_(0, self.place, x)
        return x.unflatten(0, (self.count, self.most)).transpose(1, 2).reshape(self.count * self.kept, -1, x.shape[-1])

    def _from_grid(self, x: Tensor) -> Tensor:
        x = x.view(self.count, self.kept, self.most, -1, x.shape[-1]).transpose(1, 2).flatten(0, 1)
        return x if self.place is None else x[self.place]
