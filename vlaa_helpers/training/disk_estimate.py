"""How much disk a run takes with a profile, from the model's configuration alone."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..policy.memory_estimate import Method, config_of, parameter_counts
from ..policy.profiles import Profile, settings_of
from .runner import device_settings

USUAL_IMAGE = 200_000
"""Bytes of an image of the released data, about; not measured."""


@dataclass(frozen=True)
class DiskEstimate:
    """What a run leaves on the disk, in bytes.

    Attributes:
        profile, method: what it is of.
        parts: by name; at the moment when a new checkpoint is written and the oldest is still there.
        written: of checkpoints, one in each `save_steps`: what a Drive's bin fills up with.
    """

    profile: Profile
    method: Method
    parts: dict[str, float]
    written: float

    @property
    def total(self) -> float:
        """Bytes in all, but for archives of images: the log of `load_records` says how many gigabytes these have."""
        return sum(self.parts.values())

    def __str__(self) -> str:
        head = f"{self.method} on {self.profile.name}: about {_gb(self.total)} of disk, and the archives of images"
        lines = [f"  {_gb(size):>8}  {part}" for part, size in self.parts.items() if size]
        return "\n".join([head, *lines, f"checkpoints written in all, the oldest removed: {_gb(self.written)}"])


def estimate_disk(
    profile: Profile | str,
    method: Method = "grpo",
    *,
    steps: int,
    records: int = 0,
    reference: bool = True,
    config: Any = None,
    **settings: Any,
) -> DiskEstimate:
    """Predict the disk that a training takes: weights, checkpoints, images.

    Args:
        profile: one, or the name of a GPU profile: that needs no GPU here.
        method: "sft" or "grpo".
        steps: of the training.
        records: whose images are unpacked, each taken for `USUAL_IMAGE` bytes. Their archives come on top.
        reference: with "grpo", whether the recipe has a KL term; its reference is kept once.
        config: the model's configuration; read from `profile.model` by default.
        **settings: what the training is given of `save_steps`, `save_total_limit` and `save_strategy`.

    Returns:
        A `DiskEstimate`, in bytes; print it. Adapters and AdamW's moments are in float32, the base in 16 bits as the
        hub has it; tokenizer, logs and responses (some tens of MB) are left out.
    """
    if isinstance(profile, str):
        profile = settings_of(profile)
    quantised, vision, other, _, adapted = parameter_counts(config or config_of(profile))
    chosen = device_settings(profile, method) | settings
    adapters = 4 * profile.lora_rank * adapted
    saved = 0 if chosen.get("save_strategy") == "no" else -(-steps // chosen["save_steps"])  # the last step too
    kept = min(saved, (chosen["save_total_limit"] or saved) + 1)
    parts = {
        "weights of the base, downloaded": 0 if Path(profile.model).is_dir() else 2 * (quantised + vision + other),
        f"{kept} checkpoints of {_gb(3 * adapters)}": kept * 3 * adapters,
        "adapters of the reference": adapters if method == "grpo" and reference and saved else 0,
        "the adapter, saved at the end": adapters,
        "images": records * USUAL_IMAGE,
    }
    return DiskEstimate(profile, method, parts, saved * 3 * adapters)


def _gb(size: float) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e8 else f"{size / 1e6:.0f} MB"
