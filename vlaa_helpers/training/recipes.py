"""Recipes of GRPO, setting by setting, each with who says so."""

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import pandas as pd
from trl import GRPOConfig

from ..core.assets import MINI_VLMS
from ..policy.profiles import Profile

Rows = dict[str, tuple[Any, str]]
CONFIG_FIELDS = {field.name: field for field in fields(GRPOConfig)}
_OBJECTIVE = (
    "loss_type",
    "scale_rewards",
    "beta",
    "use_bias_correction_kl",
    "epsilon",
    "epsilon_high",
    "mask_truncated_completions",
    "temperature",
)


def base_row(profile: Profile) -> tuple[str, str]:
    """How the base is held, and why."""
    if profile.load_in_4bit:
        return "NF4, double quantisation", "ours: to fit one GPU"
    return profile.dtype, "ours: it fits, and nothing is rounded"


def _trl(profile: Profile) -> Rows:
    return {
        **{name: (CONFIG_FIELDS[name].default, "TRL's default") for name in _OBJECTIVE},
        "num_generations": (profile.num_generations, "ours"),
        "prompts a step": (profile.prompts_per_step, "ours"),
        "updates a rollout": (1, "ours: the ratio is 1 throughout, and nothing is clipped"),
        "max_completion_length": (profile.max_completion_length, "ours"),
        "learning_rate": (profile.grpo_learning_rate, "ours"),
        "lr_scheduler_type": ("cosine", "ours"),
        "warmup_steps": (0.05, "ours; a share of all steps"),
        "weights": (f"LoRA rank {profile.lora_rank} on the language stack", "ours"),
        "base": base_row(profile),
    }


def _vlaa(profile: Profile) -> Rows:
    objective = {name: (CONFIG_FIELDS[name].default, "ours: not stated; TRL's default") for name in _OBJECTIVE}
    floor = ({"min_lr": 5e-7}, "paper table 6: LR2")
    if profile.name in MINI_VLMS:
        floor = ({"min_lr_rate": 0.1}, "ours: the mini lab has larger rates; the paper: min_lr 5e-7")
    return (
        _trl(profile)
        | objective
        | {
            "loss_type": ("grpo", "paper §4: mean over each response, then over responses"),
            "beta": (1e-3, "paper table 6: KL2, to begin with"),
            "KL target": (5e-4, "paper table 6: KL2; that beta follows it is inferred"),
            "KL horizon": (10_000, "ours: not stated; OpenRLHF's default"),
            "temperature": (0.8, "paper"),
            "num_generations": _stated(profile.num_generations, 4, "paper"),
            "prompts a step": _stated(profile.prompts_per_step, 512, "paper"),
            "updates a rollout": (1, "ours: nothing is clipped; the paper: 8, if its batch of 256 counts responses"),
            "learning_rate": (profile.grpo_learning_rate, "ours: the peak; not stated"),
            "lr_scheduler_type": ("cosine_with_min_lr", "paper"),
            "lr_scheduler_kwargs": floor,
            "warmup_steps": (0.03, "paper table 6: LR2; a share of all steps"),
        }
    )


def _dapo(profile: Profile) -> Rows:
    paper = "arXiv 2503.14476"
    return _trl(profile) | {
        "loss_type": ("dapo", f"{paper} §3.3: mean over all tokens"),
        "scale_rewards": ("group", f"{paper} eq. 9"),
        "beta": (0.0, f"{paper} §2.3"),
        "epsilon": (0.2, f"{paper} §4.1"),
        "epsilon_high": (0.28, f"{paper} §4.1"),
        "mask_truncated_completions": (True, f"{paper} §3.4"),
        "num_generations": _stated(profile.num_generations, 16, paper),
        "prompts a step": _stated(profile.prompts_per_step, 512, paper),
        "updates a rollout": (1, f"ours: nothing is clipped; {paper}: 16"),
        "dynamic sampling": ("no", f"TRL has none; {paper} §3.2: yes"),
        "overlong punishment": ("no", f"a reward function of TRL, not a setting; {paper} §3.4: yes"),
    }


def _dr_grpo(profile: Profile) -> Rows:
    paper = "arXiv 2503.20783"
    return _trl(profile) | {
        "loss_type": ("dr_grpo", f"{paper} §3.2: divided by a constant, which TRL takes to be max_completion_length"),
        "scale_rewards": ("none", f"{paper} §3.2"),
        "beta": (0.0, f"{paper} §3"),
        "num_generations": _stated(profile.num_generations, 8, f"the code of {paper}"),
    }


def _stated(value: int, there: int, paper: str) -> tuple[int, str]:
    name = "the paper" if paper == "paper" else paper
    return value, paper if value == there else f"ours; {name}: {there}"


RECIPES: dict[str, Callable[[Profile], Rows]] = {"trl": _trl, "vlaa": _vlaa, "dapo": _dapo, "dr_grpo": _dr_grpo}


def grpo_recipe(profile: Profile, recipe: str = "trl") -> pd.DataFrame:
    """What `train_grpo` does by a recipe unless told otherwise, and who says so.

    Columns `value` and `source`, a row a setting; "paper" is arXiv 2504.11468. What is named as a field of TRL's
    `GRPOConfig` is one.

    Args:
        profile: decides batch, completion length and peak learning rate, whatever the recipe.
        recipe: "trl", the objective that TRL has by default; "vlaa", the paper's, with the best setting of its table 6
            and ours for what it does not state; "dapo" (arXiv 2503.14476) or "dr_grpo" (arXiv 2503.20783), as far as
            TRL has them.

    Raises:
        ValueError: an unknown recipe.
    """
    if recipe not in RECIPES:
        raise ValueError(f"unknown recipe {recipe!r}; expected one of {', '.join(RECIPES)}")
    return pd.DataFrame.from_dict(RECIPES[recipe](profile), orient="index", columns=["value", "source"])
