"""What training in phases refuses before its first step: it would come to light phases later."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import fields
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trl import GRPOConfig, SFTConfig

from ..core.whole_files import write_whole
from ..rewards.mixed import MixedReward
from .grpo import train_grpo
from .sft import train_sft

if TYPE_CHECKING:
    from datasets import Dataset

OURS = ("output_dir", "resume_from_checkpoint", "max_steps", "seed", "token_weights", "reward_funcs")
"""Arguments of trainings that each phase sets for itself."""
NOTE = "phases.json"
"""In the `output_dir` of phases: what they began with."""
HARMLESS = ("save_", "logging_", "callbacks", "image_cache_gib", "report_to", "disable_tqdm")
"""Beginnings of arguments that a run may change when it goes on."""


def check_arguments(grpo: dict[str, Any], sft: dict[str, Any], token_share: float) -> None:
    """Refuse arguments of `train_grpo` and `train_sft` that phases set, that nobody knows, or that weigh tokens twice.

    Raises:
        ValueError: names the argument.
    """
    if odd := sorted({*grpo, *sft} & set(OURS)):
        raise ValueError(f"grpo or sft has {odd[0]}, which each phase sets for itself; leave it out")
    for name, given, train, config in (("grpo", grpo, train_grpo, GRPOConfig), ("sft", sft, train_sft, SFTConfig)):
        known = {field.name for field in fields(config)} | set(signature(train).parameters)
        if odd := [each for each in given if each not in known]:
            raise ValueError(
                f"{name} has {odd[0]}, which neither {train.__name__} nor {config.__name__} knows; correct it"
            )
    twice = [each for each in ("loss_type", "label_smoothing_factor") if sft.get(each, "nll") not in ("nll", 0)]
    if twice and token_share < 1:
        raise ValueError(
            f"token_share={token_share} weighs TRL's plain loss, and sft has {twice[0]}={sft[twice[0]]!r}; leave it "
            "out, or set token_share=1"
        )


def judge_of(rewards: Callable | Sequence[Callable]) -> MixedReward:
    """The reward that tells what is right: the `MixedReward` among several, else a plain one.

    Raises:
        ValueError: several rewards, and none or more than one of them a `MixedReward`.
    """
    several = list(rewards) if isinstance(rewards, Sequence) else [rewards]
    mixed = [each for each in several if isinstance(each, MixedReward)]
    if len(several) > 1 and len(mixed) != 1:
        names = ", ".join(getattr(each, "__name__", type(each).__name__) for each in several)
        raise ValueError(
            f"rewards {names}; expected one MixedReward among them, because the sum of several does not tell which "
            "questions were answered rightly: reward_funcs=[MixedReward(), …]"
        )
    return mixed[0] if mixed else MixedReward()


def check_records(records: "Dataset", judge: MixedReward, least: int) -> None:
    """Refuse records of which SFT could never learn.

    Raises:
        ValueError: ids that are not unique, open-ended records that the reward cannot score, or too few responses.
    """
    if double := len(records) - len(set(records["id"])):
        raise ValueError(f"{double} records share an id with another; give each its own")
    judge.check_records(records)
    written = sum(bool(a or b) for a, b in zip(records["response"], records["reasoning"], strict=True))
    if written < least:
        raise ValueError(
            f"{written} of {len(records)} records have a response or a reasoning, fewer than least={least}: SFT would "
            "never begin. Let a teacher write responses (build_dataset), or train with train_grpo alone"
        )


def note_or_compare(folder: Path, records: "Dataset", began: dict[str, Any], *, resume: bool) -> None:
    """Note what phases begin with; where they go on, hold it against what they began with.

    Args:
        began: settings by name, `grpo` and `sft` among them with arguments of their own. A run that goes on may have
            other `cycles`.

    Raises:
        ValueError: other records, or another setting.
    """
    ids = hashlib.sha256("\n".join(records["id"]).encode()).hexdigest()[:16]
    flat = {name: value for name, value in began.items() if name not in ("cycles", "grpo", "sft")}
    for method in ("grpo", "sft"):
        given = {name: value for name, value in began[method].items() if not name.startswith(HARMLESS)}
        flat |= {f"{method} {name}": value for name, value in given.items()}
    now = json.loads(json.dumps({"records": ids, **flat}, default=lambda value: type(value).__name__))
    path = folder / NOTE
    if not resume:
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(path, json.dumps(now, indent=2).encode())
    elif path.exists():
        before = json.loads(path.read_text(encoding="utf-8"))
        for name in sorted(before.keys() | now.keys()):
            if before.get(name) != now.get(name):
                there, here = (f"with {name}={each.get(name)}" for each in (before, now))
                there, here = ("over other records", "") if name == "records" else (there, f", and this is {here[5:]}")
                raise ValueError(
                    f"the run in {folder} began {there}{here}; go on with the same, or name another output_dir"
                )
