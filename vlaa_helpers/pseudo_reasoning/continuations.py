"""Many continuations of one prompt, which leave a text that was read after it anywhere (`prefix_cache`)."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ..policy.generation import chat_inputs, unbent

if TYPE_CHECKING:
    from torch import Tensor

    from ..policy.prefix_cache import Prefix


class Branches:
    """Trunks, each a prompt and a text after it, that were read once, and continuations that leave them anywhere.

    A continuation shares with its trunk the tokens that both begin with; only the others go through the model.

    Args:
        prompts, images: message lists with a bare image placeholder for each image of `images` at the same place.
        trunks: for each trunk, the number of its prompt and its tokens after the prompt.
        batch_size: continuations that go through the model at once.

    Attributes:
        tokens: for each trunk, the tokens that went through the model for it; the first trunk of a prompt has paid for
            the prompt.
        tokens_alone: what it would have been had each continuation read its prompt and its text by itself.

    Raises:
        ValueError: a model that cannot go on from a prefix (`prefix_cache.unshareable_reason`).
    """

    def __init__(
        self,
        model: Any,
        processor: Any,
        prompts: Sequence[list[dict]],
        images: Sequence[list],
        trunks: Sequence[tuple[int, Sequence[int]]],
        *,
        batch_size: int,
    ):
        from ..policy.prefix_cache import extend, prefill, unshareable_reason

        if reason := unshareable_reason(model):
            raise ValueError(f"continuations cannot share what was read with {reason}")
        self.model, self.tokenizer, self.batch_size = model, processor.tokenizer, batch_size
        self._settings = unbent(processor)
        self._trunks = [list(tokens) for _, tokens in trunks]
        start = prefill(model, chat_inputs(model, processor, prompts, images))
        rows, lengths = [row for row, _ in trunks], start.mask.sum(1).tolist()
        self._prompt_lengths = [lengths[row] for row in rows]
        start = start.take(rows, self._prompt_lengths)
        self._read = extend(model, start, [1] * len(rows), *_padded(self._trunks, model.device))
        self.tokens = [
            len(tokens) + (self._prompt_lengths[k] if row not in rows[:k] else 0)
            for k, (row, tokens) in enumerate(trunks)
        ]
        self.tokens_alone = [0] * len(trunks)

    def write(self, starts: Sequence[tuple[int, Sequence[int]]], *, max_new_tokens: int) -> list[tuple[str, bool]]:
        """What the model writes, greedily, after each start, and whether the limit cut it.

        A start is the number of its trunk, and its tokens after the prompt.
        """
        texts = [("", False)] * len(starts)
        for places, prefix, ids, mask in self._batches([(row, tokens, len(tokens)) for row, tokens in starts]):
            written = self._written(prefix, ids, mask, max_new_tokens)
            for place, (new, is_cut) in zip(places, written, strict=True):
                texts[place] = self.tokenizer.decode(new, skip_special_tokens=True), is_cut
                self._count(starts[place][0], len(new))
        return texts

    def _written(self, prefix: "Prefix", ids: "Tensor", mask: "Tensor", steps: int) -> list[tuple[list[int], bool]]:
        """Tokens for each row, up to one that ends it, and whether there was none."""
        import torch

        from ..policy.prefix_cache import generate_from

        settings = {**self._settings, "do_sample": False, "max_new_tokens": steps}
        tokens = generate_from(self.model, prefix, [1] * len(ids), ids, mask, **settings)
        new = tokens[:, prefix.ids.shape[1] + ids.shape[1] :]
        ends = torch.isin(new, torch.tensor(self.model.generation_config.eos_token_id, device=new.device)).int()
        before = ends.cumsum(1) - ends
        return [(row[none == 0].tolist(), not end.any()) for row, none, end in zip(new, before, ends, strict=True)]

    def logps(self, texts: Sequence[tuple[int, Sequence[int], int]]) -> list[float]:
        """Log-probability, in nats, of the last tokens of each text: its trunk, all its tokens, how many count."""
        import torch

        from ..policy.prefix_cache import forward_from

        values = [0.0] * len(texts)
        for places, prefix, ids, mask in self._batches([(row, ids, len(ids) - count) for row, ids, count in texts]):
            counts = torch.tensor([texts[place][2] for place in places], device=ids.device)[:, None]
            width = int(counts.max())
            logits = forward_from(self.model, prefix, [1] * len(places), ids, mask, logits_to_keep=width).logits
            logps = logits.float().log_softmax(-1).gather(2, ids[:, -width:, None])[..., 0]
            counted = torch.arange(width, 0, -1, device=ids.device) <= counts
            for place, value in zip(places, (logps * counted).sum(1).tolist(), strict=True):
                values[place] = value
        return values

    def _batches(
        self, texts: Sequence[tuple[int, Sequence[int], int]]
    ) -> Iterator[tuple[list[int], "Prefix", "Tensor", "Tensor"]]:
        """Texts of about one length together: their places, what of them was read, and ids and mask of what is left.

        At most the given number of tokens of a text is taken from its trunk; the last one taken is read again.
        """
        order = sorted(range(len(texts)), key=lambda place: len(texts[place][1]))
        for first in range(0, len(order), self.batch_size):
            places = order[first : first + self.batch_size]
            rows = [texts[place][0] for place in places]
            shared = [min(common_start(self._trunks[texts[p][0]], texts[p][1]), texts[p][2]) for p in places]
            lengths = [self._prompt_lengths[row] + count for row, count in zip(rows, shared, strict=True)]
            rest = [texts[place][1][count:] for place, count in zip(places, shared, strict=True)]
            for row, length, tokens in zip(rows, lengths, rest, strict=True):
                self._count(row, len(tokens), length - 1)
            yield places, self._read.take(rows, lengths), *_padded(rest, self.model.device)

    def _count(self, row: int, tokens: int, shared: int = 0) -> None:
        self.tokens[row] += tokens
        self.tokens_alone[row] += shared + tokens


def _padded(sequences: Sequence[Sequence[int]], device: Any) -> tuple["Tensor", "Tensor"]:
    """Token ids of shape (rows, longest), 0 where there is padding on the left, and the mask."""
    import torch

    width = max(map(len, sequences))
    ids, mask = torch.zeros(2, len(sequences), width, dtype=torch.long)
    for row, sequence in enumerate(sequences):
        span = slice(width - len(sequence), None)
        ids[row, span], mask[row, span] = torch.tensor(sequence, dtype=torch.long), 1
    return ids.to(device), mask.to(device)


def common_start(a: Sequence[int], b: Sequence[int]) -> int:
    """How many tokens two sequences have in common before they first differ.

    >>> common_start([1, 2, 3], [1, 2, 4, 3])
    2
    """
    return next((k for k, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
