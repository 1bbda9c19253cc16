"""Many continuations of one prompt: its picture and its text are read once, and their key-value cache is repeated."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .models import image_token_ids

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import DynamicCache


@dataclass(frozen=True)
class Read:
    """Sequences that a model has read, as what comes after them needs it.

    Attributes:
        layers: keys and values of each layer, of shape (rows, heads, tokens, width).
        mask: shape (rows, tokens), True where a token is; False is padding, on either side.
        shift: shape (rows, 1): the position of a row's next token is the number of its tokens plus this. A picture
            takes fewer positions than it has tokens.
    """

    layers: list[tuple["Tensor", "Tensor"]]
    mask: "Tensor"
    shift: "Tensor"

    @property
    def lengths(self) -> list[int]:
        return self.mask.sum(1).tolist()

    def take(self, rows: Sequence[int], lengths: Sequence[int]) -> "Read":
        """Some of the rows, each as often as it is named, cut to its first tokens and padded on the left."""
        import torch

        device = self.mask.device
        picks, counts = (torch.tensor(values, device=device) for values in (rows, lengths))
        width = max(lengths)
        place = torch.arange(width, device=device) - (width - counts[:, None])
        tokens_first = (~self.mask).int().argsort(dim=1, stable=True)
        columns = tokens_first[picks].gather(1, place.clamp(min=0))
        layers = [
            tuple(part[picks[:, None], :, columns].transpose(1, 2) for part in keys_and_values)
            for keys_and_values in self.layers
        ]
        return Read(layers, place >= 0, self.shift[picks])

    def cache(self) -> "DynamicCache":
        """A cache that may grow: these tensors stay as they are."""
        from transformers import DynamicCache

        return DynamicCache(self.layers)


def read_prompts(model: Any, processor: Any, prompts: Sequence[list[dict]], images: Sequence[list]) -> Read:
    """Read chat prompts with their pictures, padded on the left.

    Args:
        prompts: message lists with a bare image placeholder for each picture of `images` at the same place.

    Raises:
        ValueError: a model whose cache keeps less than all keys and values (a sliding window, a recurrent state).
    """
    import torch

    texts = [processor.apply_chat_template(prompt, tokenize=False, add_generation_prompt=True) for prompt in prompts]
    pictures = [picture.convert("RGB") for several in images for picture in several]
    inputs = processor(text=texts, images=pictures or None, padding=True, padding_side="left", return_tensors="pt")
    inputs = inputs.to(model.device)
    mask = inputs["attention_mask"].bool()
    # Qwen-VL places pictures on a grid of their own, and says afterwards by how much that shifts what follows
    placed = next((module for module in model.modules() if hasattr(module, "rope_deltas")), None)
    if placed is None or not pictures:
        placed = None
        inputs["position_ids"] = (mask.cumsum(1) - 1).clamp(min=0)
    output = model(**inputs, use_cache=True, logits_to_keep=1)
    shift = torch.zeros(len(texts), 1, dtype=torch.long) if placed is None else placed.rope_deltas
    layers = [(getattr(layer, "keys", None), getattr(layer, "values", None)) for layer in output.past_key_values.layers]
    if any(keys is None or keys.shape[2] != mask.shape[1] for keys, _ in layers):
        raise ValueError(
            f"{type(model).__name__} does not keep all keys and values of a prompt (a sliding window or a recurrent "
            "state); expected full attention in every layer, as in Qwen2-VL, Qwen2.5-VL and Qwen3-VL"
        )
    return Read(layers, mask, shift.to(mask.device))


def _step(model: Any, cache: Any, mask: "Tensor", shift: "Tensor", ids: "Tensor", keep: int) -> Any:
    """One forward pass of `ids`; the mask covers what is in the cache and them."""
    positions = (mask.cumsum(1) - 1)[:, -ids.shape[1] :].clamp(min=0) + shift
    return model(
        input_ids=ids,
        attention_mask=mask.long(),
        position_ids=positions,
        past_key_values=cache,
        use_cache=True,
        logits_to_keep=keep,
    )


def _padded(sequences: Sequence[Sequence[int]], device: Any, *, left: bool = True) -> tuple["Tensor", "Tensor"]:
    """Token ids of shape (rows, longest), 0 where there is padding, and the mask."""
    import torch

    width = max(map(len, sequences))
    ids, mask = torch.zeros(2, len(sequences), width, dtype=torch.long)
    for row, sequence in enumerate(sequences):
        span = slice(width - len(sequence), None) if left else slice(len(sequence))
        ids[row, span], mask[row, span] = torch.tensor(sequence, dtype=torch.long), 1
    return ids.to(device), mask.bool().to(device)


def read_on(model: Any, read: Read, sequences: Sequence[Sequence[int]]) -> Read:
    """What was read, and one more sequence of tokens after each row."""
    import torch

    ids, added = _padded(sequences, read.mask.device, left=False)
    mask = torch.cat([read.mask, added], dim=1)
    cache = _step(model, read.cache(), mask, read.shift, ids, 1).past_key_values
    return Read([(layer.keys, layer.values) for layer in cache.layers], mask, read.shift)


def token_logps(model: Any, read: Read, sequences: Sequence[Sequence[int]], counts: Sequence[int]) -> list[float]:
    """Log-probability, in nats, of the last `counts` tokens of each sequence together; one token comes before them."""
    import torch

    ids, added = _padded(sequences, read.mask.device)
    mask = torch.cat([read.mask, added], dim=1)
    width = max(counts)
    logits = _step(model, read.cache(), mask, read.shift, ids, width + 1).logits[:, -width - 1 : -1].float()
    values = logits.log_softmax(-1).gather(2, ids[:, -width:, None])[..., 0]
    counted = torch.arange(width, 0, -1, device=ids.device) <= torch.tensor(counts, device=ids.device)[:, None]
    return (values * counted).sum(1).tolist()


def write_on(
    model: Any, read: Read, sequences: Sequence[Sequence[int]], *, max_new_tokens: int, never: Sequence[int]
) -> list[list[int]]:
    """What the model writes, greedily, after each sequence: its tokens, the last one an end unless there is none.

    Args:
        never: tokens that it must not write.
    """
    import torch

    ids, added = _padded(sequences, read.mask.device)
    mask, shift, cache = torch.cat([read.mask, added], dim=1), read.shift, read.cache()
    ends = torch.tensor(model.generation_config.eos_token_id, device=ids.device)
    written: list[list[int]] = [[] for _ in sequences]
    alive = list(range(len(sequences)))
    for _ in range(max_new_tokens):
        logits = _step(model, cache, mask, shift, ids, 1).logits[:, -1]
        logits[:, list(never)] = -torch.inf
        chosen = logits.argmax(-1)
        for row, token in zip(alive, chosen.tolist(), strict=True):
            written[row].append(token)
        going = (~torch.isin(chosen, ends)).nonzero()[:, 0]
        if len(going) == 0:
            break
        if len(going) < len(alive):
            cache.batch_select_indices(going)
            mask, shift, chosen = mask[going], shift[going], chosen[going]
            alive = [alive[k] for k in going.tolist()]
        ids, mask = chosen[:, None], torch.nn.functional.pad(mask, (0, 1), value=True)
    return written


class Branches:
    """Trunks, each a prompt and a text after it, that were read once, and continuations that leave them anywhere.

    A continuation shares with its trunk the tokens that both begin with; only the others go through the model.

    Args:
        prompts, images: as `read_prompts` takes them.
        trunks: for each trunk, the number of its prompt and its tokens after the prompt.
        batch_size: continuations that go through the model at once.

    Attributes:
        tokens: for each trunk, the tokens that went through the model for it; the first trunk of a prompt has paid for
            the prompt.
        tokens_alone: what it would have been had each continuation read its prompt and its text by itself.
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
        self.model, self.tokenizer, self.batch_size = model, processor.tokenizer, batch_size
        self._never = image_token_ids(processor)
        self._trunks = [list(tokens) for _, tokens in trunks]
        start = read_prompts(model, processor, prompts, images)
        rows = [row for row, _ in trunks]
        self._prompt_lengths = [start.lengths[row] for row in rows]
        self._read = read_on(model, start.take(rows, self._prompt_lengths), self._trunks)
        self.tokens = [
            len(tokens) + (self._prompt_lengths[k] if row not in rows[:k] else 0)
            for k, (row, tokens) in enumerate(trunks)
        ]
        self.tokens_alone = [0] * len(trunks)

    def write(self, starts: Sequence[tuple[int, Sequence[int]]], *, max_new_tokens: int) -> list[str]:
        """What the model writes, greedily, after each start: the number of its trunk, and its tokens after the
        prompt."""
        texts = [""] * len(starts)
        for places, read, rest in self._batches([(row, tokens, len(tokens) - 1) for row, tokens in starts]):
            written = write_on(self.model, read, rest, max_new_tokens=max_new_tokens, never=self._never)
            for place, new in zip(places, written, strict=True):
                texts[place] = self.tokenizer.decode(new, skip_special_tokens=True)
                self._count(starts[place][0], len(new) - 1)
        return texts

    def logps(self, texts: Sequence[tuple[int, Sequence[int], int]]) -> list[float]:
        """Log-probability, in nats, of the last tokens of each text: its trunk, all its tokens, how many count."""
        values = [0.0] * len(texts)
        for places, read, rest in self._batches([(row, ids, len(ids) - count - 1) for row, ids, count in texts]):
            found = token_logps(self.model, read, rest, [texts[place][2] for place in places])
            for place, value in zip(places, found, strict=True):
                values[place] = value
        return values

    def _batches(
        self, texts: Sequence[tuple[int, Sequence[int], int]]
    ) -> Iterator[tuple[list[int], Read, list[list[int]]]]:
        """Texts of about one length together: their places, what of them was read, and what is left to read.

        At most the given number of tokens of a text is taken from its trunk.
        """
        order = sorted(range(len(texts)), key=lambda place: len(texts[place][1]))
        for first in range(0, len(order), self.batch_size):
            places = order[first : first + self.batch_size]
            rows = [texts[place][0] for place in places]
            shared = [min(common_start(self._trunks[texts[p][0]], texts[p][1]), texts[p][2]) for p in places]
            lengths = [self._prompt_lengths[row] + count for row, count in zip(rows, shared, strict=True)]
            rest = [list(texts[place][1][count:]) for place, count in zip(places, shared, strict=True)]
            for row, length, tokens in zip(rows, lengths, rest, strict=True):
                self.tokens[row] += len(tokens)
                self.tokens_alone[row] += length + len(tokens)
            yield places, self._read.take(rows, lengths), rest

    def _count(self, row: int, tokens: int) -> None:
        self.tokens[row] += tokens
        self.tokens_alone[row] += tokens


def common_start(a: Sequence[int], b: Sequence[int]) -> int:
    """How many tokens two sequences have in common before they first differ.

    >>> common_start([1, 2, 3], [1, 2, 4, 3])
    2
    """
    return next((k for k, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
