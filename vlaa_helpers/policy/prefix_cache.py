"""A prompt, images and all, read once for everything that goes on from it: a group's completions, partial traces.

    prefix = prefill(model, inputs)
    tokens = generate_from(model, prefix, counts, max_new_tokens=64)
    logits = forward_from(model, prefix, counts, tokens, mask).logits
    longer = extend(model, prefix, counts, tokens, mask)

`counts` says how many rows go on from each prompt: [8, 8] is two groups of eight, in order. A causal model's keys and
values at a token depend on what comes before it alone, so what is computed is what repeated prompts would give, up to
the order in which floats are added. Prefix Grouper (arXiv 2506.05433) shows the same for training.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad
from transformers.cache_utils import Cache, DynamicLayer

from .common_head import common_head, head_first
from .decode_loop import decode
from .decode_stack import MODEL_TYPES, ROPES, whole_model
from .generate_settings import unusual_settings
from .tested_versions import untested_reason

ROOM = 64
"""Tokens by which keys and values grow each time that they are copied, so that not each token copies them."""
ATTENTION = ("sdpa", "eager")
"""Attention implementations that take queries which begin in the middle; others do not, or were not tried."""

VIDEOS = ("pixel_values_videos", "video_grid_thw")
"""Model inputs that are not read here."""
OTHERWISE = "call model.generate with the prompts repeated, or train with TRL's GRPOTrainer"


def unshareable_reason(model: Any, *, any_version: bool = False) -> str | None:
    """Why prompts of this model should not be shared, in words that follow "with"; None where they can be.

    Args:
        any_version: do not mind a transformers that this was not tested with (`tested_versions`).
    """
    if not any_version and (reason := untested_reason("transformers")):
        return reason
    text = model.config.get_text_config()
    if reason := _other_model(model):
        return reason
    if text._attn_implementation not in ATTENTION:
        return f"attention by {text._attn_implementation}; expected {' or '.join(ATTENTION)}"
    if "sliding_attention" in (getattr(text, "layer_types", None) or ()):
        return "sliding attention: its layers forget the start of a prompt"
    rope = (getattr(text, "rope_parameters", None) or {}).get("rope_type", "default")
    if rope not in ROPES:
        return f"rotary embeddings of type {rope}: they depend on how much is read at once; expected {', '.join(ROPES)}"
    if any(config.is_prompt_learning for config in getattr(model, "peft_config", {}).values()):
        return "prompt learning: it puts tokens of its own before each prompt"
    return None


def unshareable_inputs(inputs: Mapping[str, Any]) -> str | None:
    """Why these prompts should not be shared, in words that follow "with"; None where they can be."""
    videos = [name for name in VIDEOS if inputs.get(name) is not None]
    return f"videos ({', '.join(videos)})" if videos else None


def _other_model(model: Any) -> str | None:
    kind = model.config.model_type
    return None if kind in MODEL_TYPES else f"a model of type {kind}; expected {', '.join(MODEL_TYPES)}"


@dataclass(frozen=True)
class Prefix:
    """Keys and values of prompts that a model has read: all but their last token, which is read again.

    Attributes:
        ids, mask: of the whole prompts, shape (prompts, tokens); padding, anywhere but at the end, has mask 0. It need
            not stand where it stood when they were read.
        positions: of their tokens, shape (3, prompts, tokens).
        states: of each layer keys and values, each of shape (prompts, heads, tokens - 1, width).
    """

    ids: Tensor
    mask: Tensor
    positions: Tensor
    states: tuple[tuple[Tensor, Tensor], ...]

    def rows(self, counts: Sequence[int]) -> Tensor:
        """The prompt that each row goes on from, by its number; shape (rows,), rows the sum of `counts`."""
        if len(counts) != len(self.ids):
            raise ValueError(f"{len(counts)} counts for {len(self.ids)} prompts; give one for each")
        return torch.arange(len(counts), device=self.ids.device).repeat_interleave(
            torch.tensor(counts, device=self.ids.device), output_size=sum(counts)
        )

    def take(self, rows: Sequence[int], lengths: Sequence[int]) -> "Prefix":
        """The prefix of the first `lengths` tokens of some prompts, each as often as named, padded on the left."""
        picks, counts = torch.tensor([rows, lengths], device=self.ids.device)[..., None]  # each (rows, 1)
        # (rows, longest): the place of each token in its prompt, below 0 in the padding
        place = torch.arange(max(lengths), device=picks.device) - (max(lengths) - counts)
        tokens_first = (self.mask == 0).int().argsort(dim=1, stable=True)  # (prompts, tokens): where its tokens are
        columns = tokens_first[picks, place.clamp(min=0)].masked_fill(place < 0, 0)  # (rows, longest)
        kept = columns[:, :-1]  # the last token is read again
        states = (tuple(state[picks, :, kept].transpose(1, 2) for state in pair) for pair in self.states)
        return Prefix(self.ids[picks, columns], (place >= 0).long(), self.positions[:, picks, columns], tuple(states))

    def grown(self, counts: Sequence[int], ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, Tensor, Cache]:
        """What a model needs to go on: ids, mask and positions of prompts and what follows, and a cache that may grow.

        Args:
            ids, mask: what follows the prompts, shape (rows, tokens).
        """
        rows = self.rows(counts)  # (rows,)
        before = self.ids[rows], self.mask[rows], self.positions[:, rows]
        after = _last_and(self, rows, ids, mask)
        whole = (torch.cat([first[..., :-1], rest], dim=-1) for first, rest in zip(before, after, strict=True))
        return *whole, Cache(layers=[_Growing(*states, rows) for states in self.states])

    def detached(self) -> "Prefix":
        """The same prefix as leaves: gradients end, and add up, on its keys and values."""
        leaves = (tuple(state.detach().requires_grad_(state.requires_grad) for state in pair) for pair in self.states)
        return replace(self, states=tuple(leaves))

    def add_gradients_of(self, seen: "Prefix") -> None:
        """When gradients come back through this prefix, add those that ended on `seen`, which is `detached` from it."""
        for own, other in zip(self.states, seen.states, strict=True):
            for state, leaf in zip(own, other, strict=True):
                if leaf.grad is not None:
                    state.register_hook(leaf.grad.add)


def prefill(model: Any, inputs: Mapping[str, Tensor]) -> Prefix:
    """Read prompts once, and what all of them begin with once for all, and keep their keys and values.

    Where gradients are on, they flow from what is computed on top of the prefix back through it.

    Args:
        model: a Qwen2-VL, 2.5-VL or 3-VL, with adapters or without (`unshareable_reason`).
        inputs: as the model's processor gives them, padded on the left: `input_ids`, `attention_mask`, and with
            images `pixel_values`, `image_grid_thw`, `mm_token_type_ids`.

    Raises:
        ValueError: prompts of one token, of which nothing could be kept; prompts with videos; or a model of another
            type, such as one that reads text only.
    """
    ids, mask = inputs["input_ids"], inputs["attention_mask"]
    if ids.shape[1] < 2:
        raise ValueError("a prompt of one token has nothing to share; give prompts of two or more")
    whole = whole_model(model)
    if reason := _other_model(whole) or unshareable_inputs(inputs):
        raise ValueError(f"prompts cannot be read once for all with {reason}; {OTHERWISE}")
    images = {name: inputs[name] for name in ("pixel_values", "image_grid_thw") if inputs.get(name) is not None}
    types = inputs["mm_token_type_ids"] if images else torch.zeros_like(ids)  # (prompts, tokens)
    positions = _positions(whole, ids, mask, types, images.get("image_grid_thw"))
    head = common_head(ids, mask, types)
    if not head:
        kept = Cache(layer_class_to_replicate=_Recorded)
    else:
        order = head_first(mask, head)  # (prompts, tokens)
        ids, mask, positions = (values.gather(-1, order.expand_as(values)) for values in (ids, mask, positions))
        first = Cache(layer_class_to_replicate=_Recorded)
        _read(whole, ids[:1, :head], mask[:1, :head], positions[:, :1, :head], first)
        same = torch.zeros_like(ids[:, 0])  # (prompts,): all go on from one head
        kept = Cache(layers=[_AfterHead(*layer.recorded, same) for layer in first.layers])
    _read(whole, ids[:, head:-1], mask[:, :-1], positions[..., head:-1], kept, **images)
    return Prefix(ids, mask, positions, tuple(layer.recorded for layer in kept.layers))


def _positions(whole: Any, ids: Tensor, mask: Tensor, types: Tensor, grid: Tensor | None) -> Tensor:
    """Positions of the tokens of prompts, shape (3, prompts, tokens)."""
    if grid is None:
        return (mask.cumsum(-1) - 1).clamp(min=0).expand(3, -1, -1)
    return whole.model.get_rope_index(ids, mm_token_type_ids=types, image_grid_thw=grid, attention_mask=mask)[0]


def _read(whole: Any, ids: Tensor, mask: Tensor, positions: Tensor, kept: Cache, **images: Tensor) -> None:
    """Read tokens into a cache; `mask` is of those that it holds already, too."""
    with _checkpoints_may_read(whole):
        whole(
            input_ids=ids, attention_mask=mask, position_ids=positions,
            past_key_values=kept, use_cache=False, logits_to_keep=1, **images,
        )  # fmt: skip


def forward_from(model: Any, prefix: Prefix, counts: Sequence[int], ids: Tensor, mask: Tensor, **settings: Any) -> Any:
    """Run a model on what follows the prompts; `.logits[:, t]` of its output, (rows, vocabulary), predicts `ids[:, t]`.

    Args:
        model: the one that read the prefix.
        counts: rows of each prompt, in order.
        ids, mask: what follows the prompts, shape (rows, tokens), padded on either side.
        **settings: of the model's forward pass.
    """
    rows = prefix.rows(counts)
    ids, mask, positions = (after[..., :-1] for after in _last_and(prefix, rows, ids, mask))
    with _checkpoints_may_read(whole_model(model)):
        return model(
            input_ids=ids,
            attention_mask=torch.cat([prefix.mask[rows, :-1], mask], dim=1),
            position_ids=positions,
            past_key_values=Cache(layers=[_ReadOnly(*states, rows) for states in prefix.states]),
            use_cache=False,
            **settings,
        )


def generate_from(
    model: Any,
    prefix: Prefix,
    counts: Sequence[int],
    ids: Tensor | None = None,
    mask: Tensor | None = None,
    *,
    exact_draws: bool = False,
    **settings: Any,
) -> Tensor:
    """Generate as `model.generate` does for the prompts repeated `counts` times, each prompt read once.

    Args:
        model: the one that read the prefix.
        counts: rows of each prompt, in order.
        ids, mask: a start of each row that follows its prompt, shape (rows, tokens), padded on the left.
        exact_draws: sample with the random numbers of `generate`: the same tokens. Otherwise one number a row and token
            draws from the same distribution.
        **settings: of `generate`: `max_new_tokens`, `do_sample`, `generation_config`, … Those that are not given are
            the model's, as there.

    Returns:
        Tokens of prompt, start and completion, shape (rows, tokens). Padding is on the left of prompts, and on the
        right of completions that ended early.

    Raises:
        ValueError: settings, given or the model's, with which `generate` does more than add a token at a time to each
            row (`generate_settings.USUAL`): beams, `num_return_sequences`, `streamer`, `stop_strings`, …
    """
    if found := unusual_settings(model, settings):
        raise ValueError(
            f"completions go on from a prefix a token at a time, which {found} would change; call model.generate with "
            "the prompts repeated, or leave that out (of a model: model.generation_config.num_beams = 1)"
        )
    if ids is None or mask is None:
        ids = mask = prefix.ids.new_zeros(sum(counts), 0)
    ids, mask, positions, states = prefix.grown(counts, ids, mask)
    return model.generate(
        input_ids=ids,
        attention_mask=mask,
        position_ids=positions,
        past_key_values=states,
        custom_generate=partial(decode, exact_draws=exact_draws),
        **settings,
    )


def extend(model: Any, prefix: Prefix, counts: Sequence[int], ids: Tensor, mask: Tensor) -> Prefix:
    """Read on: the prefix of longer prompts, one for each row.

    Args:
        model: the one that read the prefix.
        counts: rows of each prompt, in order.
        ids, mask: what follows the prompts, shape (rows, tokens), padded on the left.
    """
    ids, mask, positions, states = prefix.grown(counts, ids, mask)
    new = slice(prefix.ids.shape[1] - 1, -1)
    model(
        input_ids=ids[:, new], attention_mask=mask[:, :-1], position_ids=positions[..., new],
        past_key_values=states, use_cache=True, logits_to_keep=1,
    )  # fmt: skip
    return Prefix(ids, mask, positions, tuple((layer.keys, layer.values) for layer in states.layers))


def _last_and(prefix: Prefix, rows: Tensor, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """What is run on a prefix: the last token of each prompt right before what follows it.

    Returns:
        Ids and mask, shape (rows, 1 + tokens), and positions, shape (3, rows, 1 + tokens).
    """
    counted = mask.cumsum(-1)  # (rows, tokens)
    place = (counted == 0).sum(-1, keepdim=True)  # (rows, 1): of the first token that is not padding
    ids = pad(ids, (1, 0)).scatter(1, place, prefix.ids[rows, -1:])  # (rows, 1 + tokens)
    mask = pad(mask, (1, 0)).scatter(1, place, 1)
    return ids, mask, prefix.positions[:, rows, -1:] + pad(counted, (1, 0))


class _Recorded(DynamicLayer):
    """A cache layer that keeps the first keys and values; a layer recomputed in a backward pass gets its own back."""

    @property
    def recorded(self) -> tuple[Tensor, Tensor]:
        return self.keys, self.values

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        if not self.is_initialized:
            self.keys, self.values, self.is_initialized = key_states, value_states, True
        return key_states, value_states


class _ReadOnly(DynamicLayer):
    """A cache layer of a prefix that every row reads and none changes, so that a layer may be computed again."""

    def __init__(self, keys: Tensor, values: Tensor, rows: Tensor):
        super().__init__()
        self.keys, self.values, self.is_initialized, self._rows = keys, values, True, rows

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        whole = (self.keys, key_states), (self.values, value_states)
        # (prompts, heads, tokens, width)[rows] and (rows, heads, new, width)
        keys, values = (torch.cat([before[self._rows], now], dim=-2) for before, now in whole)
        return keys, values


class _AfterHead(_ReadOnly):
    """A cache layer of a head that all rows go on from; it keeps what it gives first, head and rows together."""

    recorded: tuple[Tensor, Tensor] | None = None

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        found = super().update(key_states, value_states)
        self.recorded = self.recorded or found
        return found


class _Growing(_ReadOnly):
    """A cache layer of a prefix to which each row adds its own keys and values.

    The prompts' part is copied with the first of them, and everything again when there is no room left for more.
    `batch_select_indices` drops rows.
    """

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        start = self.get_seq_length()
        end = start + key_states.shape[-2]
        if self._rows is not None:
            self._held, self._rows = [*super().update(key_states, value_states)], None
        else:
            for k, (held, new) in enumerate(zip(self._held, (key_states, value_states), strict=True)):
                if end > held.shape[-2]:
                    self._held[k] = pad(held, (0, 0, 0, end + ROOM - held.shape[-2]))
                self._held[k][:, :, start:end] = new
        return self._show(end)

    @property
    def prompt_of_rows(self) -> Tensor | None:
        """The prompt that each row goes on from, shape (rows,); None once something was added."""
        return self._rows

    def batch_select_indices(self, indices: Tensor) -> None:
        self._held = [held[indices] for held in self._held]
        self._show(self.get_seq_length())

    def _show(self, end: int) -> tuple[Tensor, Tensor]:
        self.keys, self.values = (held[:, :, :end] for held in self._held)
        return self.keys, self.values


@contextmanager
def _checkpoints_may_read(whole: Any) -> Iterator[None]:
    """Let layers keep these caches under activation checkpointing, which drops those that a layer would change."""
    layers = whole.model.language_model.layers if whole.is_activation_checkpointing else ()
    for layer in layers:
        layer._can_checkpoint_with_cache = True
    try:
        yield
    finally:
        for layer in layers:
            del layer._can_checkpoint_with_cache
