"""How much memory a profile will take, from the model's configuration alone, and which setting to change if too much.

A training step has two moments that can be the fullest: the sampling of completions (GRPO), and the backward pass of
one micro batch. Each part below is worked out from shapes: no weights are loaded, nothing is run.
"""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Literal

from .hub_advice import hub_advice
from .loading import LORA_TARGETS, NOT_QUANTISED, tower_of
from .out_of_memory import first_line, held_by_others, is_out_of_memory, others_words, weights_of
from .profiles import Profile, settings_of

Method = Literal["sft", "grpo"]
GIB = 2**30
NF4 = 0.5 + 1 / 64 + 4 / (64 * 256)
"""Bytes of a 4-bit weight: half a byte, a byte a block of 64 for its scale, and a float a 256 of these (QLoRA §3)."""
HEAD_TOKENS, HEAD_WORDS = 4096, 32_768
"""TRL 1.16 computes logits in tiles of so many tokens and words (`trl.kernels.chunked_logprob`)."""
WITHIN = 0.15
"""How far off a prediction may be, as a share of what was measured: in tests, at true size and in `make gpu`."""
CARD_GIB = {"t4": 14.6, "l4": 22.0, "a100": 39.4}
"""What torch sees of a card."""


@dataclass(frozen=True)
class MemoryEstimate:
    """Memory at the fullest moment of a training step, in bytes.

    Attributes:
        profile, method: what it is of.
        fixed: what is there all the time, by name.
        moments: for "sampling" (GRPO) and "backward pass" what is there beside that, by name.
        ladder: settings to change, in the order to change them, each with the bytes that it saves if those before it
            are changed already.
    """

    profile: Profile
    method: Method
    fixed: dict[str, float]
    moments: dict[str, dict[str, float]]
    ladder: tuple[tuple[dict[str, Any], float], ...] = ()

    @property
    def fullest(self) -> str:
        """The moment that takes the most."""
        return max(self.moments, key=lambda name: sum(self.moments[name].values()))

    @property
    def total(self) -> float:
        """Bytes at the fullest moment; what an allocator loses to fragments and CUDA to itself (about 0.5 GiB) is not
        in it."""
        return sum(self.fixed.values()) + sum(self.moments[self.fullest].values())

    def __str__(self) -> str:
        name = self.profile.name
        lines = [f"{self.method} on {name}: about {_size(self.total)}, the most in its {self.fullest}"]
        parts = self.fixed | self.moments[self.fullest]
        lines += [f"  {_size(size):>9}  {part}" for part, size in parts.items() if size]
        if self.ladder:
            lines.append("too much? In this order:")
            lines += [f"  {_size(-saved):>9}  {_call(changes)}" for changes, saved in self.ladder]
        return "\n".join(lines)


def _size(size: float) -> str:
    return f"{size / GIB:.1f} GiB" if abs(size) >= GIB else f"{size / 2**20:.0f} MiB"


def _call(changes: dict[str, Any]) -> str:
    values = (f"{name}={f'{value:_}' if type(value) is int else value}" for name, value in changes.items())
    return f"profile.replace({', '.join(values)})"


def estimate_memory(
    profile: Profile | str,
    method: Method = "grpo",
    *,
    config: Any = None,
    text_tokens: int = 160,
    completion_tokens: int | None = None,
    room: float | None = None,
    reference: bool = True,
) -> MemoryEstimate:
    """Predict the memory of a training step of a profile, part by part.

    Args:
        profile: one, or the name of a GPU profile: that needs no GPU here.
        method: "sft" or "grpo".
        config: the model's configuration; read from `profile.model` by default.
        text_tokens: of a prompt beside its image. An image has `max_pixels / (patch size · merge size)²` tokens.
        completion_tokens: `profile.max_completion_length` by default; with "sft" of the longest response, which no
            setting of a profile cuts.
        room: bytes that are free before the model is loaded; by default what is free now, or what the card has that the
            profile is named for. Where four times the size of the weights is free, they are held dequantised too
            (`dense_weights`).
        reference: with "grpo", whether the recipe has a KL term (`beta` above 0, as "vlaa" has): TRL then keeps a copy
            of the adapter that training began with.

    Returns:
        A `MemoryEstimate`; print it. Held against measured peaks on a CPU within 15% (docs/profiles.md).

    Raises:
        OSError: the hub does not give the model's configuration; a note says what to do.
    """
    if isinstance(profile, str):
        profile = settings_of(profile)
    config = config or config_of(profile)
    counts = parameter_counts(config)
    completion = completion_tokens or profile.max_completion_length
    room = _room(profile) if room is None else room
    first = _estimate(profile, method, _Shapes(profile, config, counts, text_tokens, completion), room, reference)
    ladder, before = [], first
    for changes in _knobs(profile, method):
        turned = before.profile.replace(**changes)
        allowed = min(completion, turned.max_completion_length) if method == "grpo" else completion
        after = _estimate(turned, method, _Shapes(turned, config, counts, text_tokens, allowed), room, reference)
        if after.total < 0.995 * before.total:
            ladder.append((changes, before.total - after.total))
            before = after
    return MemoryEstimate(profile, method, first.fixed, first.moments, tuple(ladder))


def config_of(profile: Profile) -> Any:
    """The configuration of a profile's model, from its folder or the hub.

    Raises:
        OSError: the hub does not give it; a note says what to do.
    """
    from transformers import AutoConfig

    with hub_advice(profile.model):
        return AutoConfig.from_pretrained(profile.model, trust_remote_code=False)


def _knobs(profile: Profile, method: Method) -> Iterator[dict[str, Any]]:
    """First what costs time and, with 4 bits, a little precision; then what changes what is learned.

    Adapters are scaled by `lora_alpha / lora_rank`, so the two change together.
    """
    yield {"gradient_checkpointing": True}
    yield {"micro_batch_size": 1}
    yield {"load_in_4bit": True}
    yield {"max_pixels": profile.max_pixels // 2}
    if method == "grpo":
        yield {"prompts_per_step": max(1, profile.prompts_per_step // 2)}
        yield {"num_generations": max(2, profile.num_generations // 2)}
        yield {"max_completion_length": profile.max_completion_length // 2}
    rank = max(1, profile.lora_rank // 4)
    yield {"lora_rank": rank, "lora_alpha": profile.lora_alpha * rank // profile.lora_rank}


def _room(profile: Profile) -> float:
    import torch

    from .free_memory import free_memory

    if profile.device == "cuda" and not torch.cuda.is_available():
        return CARD_GIB.get(profile.name, 0) * GIB
    return free_memory(torch.device(profile.device))


# ---- shapes ----


class _Shapes:
    """Counts of parameters and tokens."""

    def __init__(self, profile: Profile, config: Any, counts: tuple[int, ...], text_tokens: int, completion: int):
        text, vision = config.get_text_config(), config.vision_config
        self.layers, self.hidden = text.num_hidden_layers, text.hidden_size
        self.inner, self.words = text.intermediate_size, text.vocab_size
        width = getattr(text, "head_dim", None) or self.hidden // text.num_attention_heads
        self.queries, self.keys = text.num_attention_heads * width, text.num_key_value_heads * width
        self.patches = profile.max_pixels // vision.patch_size**2  # of an image
        self.patch_values = 3 * vision.patch_size**2 * getattr(vision, "temporal_patch_size", 1)
        self.tower_hidden = getattr(vision, "embed_dim", None) or vision.hidden_size
        self.tower_inner = getattr(vision, "intermediate_size", None) or 4 * self.tower_hidden
        self.image = self.patches // vision.spatial_merge_size**2
        self.prompt, self.completion = text_tokens + self.image, completion
        self.quantised, self.vision, self.other, self.joined, self.adapted = counts


def parameter_counts(config: Any) -> tuple[int, int, int, int, int]:
    """Parameters that 4 bits hold, of the vision tower, and others; those of layers that a decode stack joins; and the
    sum of input and output widths of layers with adapters."""
    import torch
    from transformers import AutoModelForImageTextToText

    with torch.device("meta"):
        model = AutoModelForImageTextToText.from_config(config)
    linear = {f"{name}.weight" for name, module in model.named_modules() if isinstance(module, torch.nn.Linear)}
    found = [0, 0, 0, 0, 0]
    for name, parameter in model.named_parameters():
        kept = any(re.match(pattern, name) for pattern in NOT_QUANTISED)
        kind = 1 if tower_of(name) in ("vision", "projector") else 0 if name in linear and not kept else 2
        found[kind] += parameter.numel()
        if re.fullmatch(LORA_TARGETS, name.removesuffix(".weight")):
            found[4] += sum(parameter.shape)
            found[3] += parameter.numel() if re.search(r"\.(q|k|v|gate|up)_proj\.", name) else 0
    return tuple(found)


# ---- the parts ----


def _estimate(profile: Profile, method: Method, shapes: _Shapes, room: float, reference: bool) -> MemoryEstimate:
    size = _bytes(profile)
    tower = 4 if profile.dtype == "float16" else size
    adapters = 4 * profile.lora_rank * shapes.adapted
    weights = {
        "weights of the language layers": shapes.quantised * (NF4 if profile.load_in_4bit else size),
        "embeddings, head and norms": shapes.other * size,
        "vision tower": shapes.vision * tower,
    }
    fixed = weights | {"adapters": adapters, "AdamW's two moments": 2 * adapters}
    if method == "grpo" and reference:
        fixed["adapters of the reference"] = adapters
    has_room = room - sum(weights.values()) > 4 * shapes.quantised * size
    if profile.load_in_4bit and has_room:
        fixed["the same weights, dequantised"] = shapes.quantised * size
    moments = {"backward pass": {"gradients of the adapters": adapters, **_backward_pass(profile, method, shapes)}}
    if method == "grpo":
        moments["sampling"] = _sampling(profile, shapes, joined=has_room)
    return MemoryEstimate(profile, method, fixed, moments)


def _bytes(profile: Profile) -> int:
    return 4 if profile.dtype == "float32" else 2


def _tower(profile: Profile, shapes: _Shapes, images: int) -> float:
    """Pixel values, and what a block of the tower holds at once, without gradients."""
    size = 2 if profile.dtype == "bfloat16" else 4
    block = 4 * shapes.tower_hidden + 3 * shapes.tower_inner
    return images * shapes.patches * (4 * shapes.patch_values + size * block)


def _sampling(profile: Profile, shapes: _Shapes, *, joined: bool) -> dict[str, float]:
    size, prompts = _bytes(profile), profile.prompts_per_step
    rows = prompts * profile.num_generations
    a_token = 2 * shapes.keys * shapes.layers * size
    reading = prompts * shapes.prompt * size * (3 * shapes.inner + 4 * shapes.hidden)
    return {
        "KV cache": (prompts * shapes.prompt + rows * shapes.completion) * a_token,
        "logits": rows * shapes.words * 4 * 3,  # themselves, as probabilities, and summed up
        "joined weights of the decode stack": shapes.joined * size if joined else 0,
        "reading prompts and images": max(reading, _tower(profile, shapes, prompts)),
    }


def _backward_pass(profile: Profile, method: Method, shapes: _Shapes) -> dict[str, float]:
    size = _bytes(profile)
    if method == "sft":
        rows = min(profile.micro_batch_size, profile.sft_batch_size)
        images, tokens = rows, rows * (shapes.prompt + shapes.completion)
        seen = tokens
        scored = tokens if profile.device == "cpu" else rows * shapes.completion
    else:
        rows = min(profile.micro_batch_size, profile.prompts_per_step * profile.num_generations)
        images = -(-rows // profile.num_generations)  # prompts, each read once
        tokens = images * shapes.prompt + rows * (shapes.completion + 1)
        seen = tokens + rows * shapes.prompt  # each row attends to a copy of its prompt
        scored = rows * shapes.completion
    layer, passing = _layer(profile, shapes, tokens, seen)
    if profile.gradient_checkpointing:
        kept = shapes.layers * tokens * shapes.hidden * size
        kept += 0 if method == "sft" else shapes.layers * images * shapes.prompt * 2 * shapes.keys * size
        again = layer
    else:
        kept, again = shapes.layers * layer, 0
    head = _head(profile, shapes, scored)
    return {
        "activations kept for the backward pass": kept,
        "logits and their gradients" if head > again + passing else "one layer, computed again": max(
            head, again + passing
        ),
        "pixel values and image features": images * (4 * shapes.patches * shapes.patch_values)
        + images * shapes.image * shapes.hidden * size,
    }


def _layer(profile: Profile, shapes: _Shapes, tokens: int, seen: int) -> tuple[float, float]:
    """Bytes that a decoder layer keeps for its backward pass, and those that pass by in it.

    Kept are the inputs of both norms, of the adapters and of their second halves, queries, keys and values, what
    attention gives, and of the gated MLP the gate, its SiLU, and what it multiplies.

    Args:
        tokens: that go through the layer.
        seen: keys that they attend to, all rows together; they are repeated for each query head.
    """
    size = _bytes(profile)
    h, i, q, ranks = shapes.hidden, shapes.inner, shapes.queries, 7 * profile.lora_rank
    attention = tokens * 2 * q + seen * 2 * q
    if size == 4:
        return 4 * (tokens * (4 * h + 4 * i + ranks) + attention), 4 * tokens * (3 * i + h)
    # autocast: norms keep float32 copies, and each adapter a copy of its input
    return tokens * (8 * h + 2 * (5 * h + q + 4 * i + ranks)) + 2 * attention, tokens * (2 * 3 * i + 4 * i)


def _head(profile: Profile, shapes: _Shapes, scored: int) -> float:
    """Bytes of the tiles in which logits are computed, and of the gradient of what they come from."""
    size, at_once = _bytes(profile), min(scored, HEAD_TOKENS)
    tile = at_once * HEAD_WORDS * size
    gradient = scored * shapes.hidden * 4
    if profile.device == "cuda":  # kernels that work in the tile itself
        return tile + gradient
    words = min(shapes.words, HEAD_WORDS)
    copies = 7.25 * 4 * at_once * words  # of the tile, in torch: seven of floats and one of truth values
    return tile + copies + gradient


@contextmanager
def memory_advice(profile: Profile, method: Method, model: Any, *, reference: bool = False) -> Iterator[None]:
    """Answer an allocation that fails in here with the estimate and what to change.

    Args:
        profile: with the settings that are really used.
        model: whose configuration is estimated with; it is loaded already.
        reference: whether a copy of its adapter is kept (`estimate_memory`).

    Raises:
        MemoryError: in place of torch's own error, which is its cause.
    """
    room, others = _room(profile) + weights_of(model), held_by_others(model)
    try:
        yield
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        estimate = estimate_memory(profile, method, config=model.config, room=room, reference=reference)
        raise MemoryError(f"{first_line(error)}{others_words(others)}\nThe estimate was:\n{estimate}") from error


def memory_words(error: BaseException, profile: Any = None, command: str = "") -> str:
    """What a command says of an allocation that failed, on a GPU or a CPU; "" for any other error.

    Args:
        profile: that the policy was loaded with; None where there is none yet.
        command: "sft" or "grpo" have an estimate, with the settings to change in order.
    """
    if "torch" not in sys.modules:
        return f"out of memory: {error}" if isinstance(error, MemoryError) else ""
    if isinstance(error, MemoryError) and is_out_of_memory(error.__cause__ or error):  # answered by our own functions
        return str(error)
    if not (isinstance(error, MemoryError) or is_out_of_memory(error)):
        return ""
    head = f"out of memory: {first_line(error) if str(error) else type(error).__name__}"
    if profile is not None and command in ("sft", "grpo"):
        with suppress(OSError, ValueError):  # no configuration of the model to be had
            return f"{head}\nThe estimate was:\n{estimate_memory(profile, command)}"
    knobs = "batch_size=1, profile.replace(max_pixels=131_072), profile.replace(load_in_4bit=True)"
    return f"{head}\nIn this order: {knobs}; close what else holds memory, or take a larger machine"
