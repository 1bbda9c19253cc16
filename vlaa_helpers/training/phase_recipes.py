"""Recipes of training in phases, RL and SFT in turns, setting by setting, each with who says so."""

from typing import Any

import pandas as pd

from ..policy.profiles import Profile

NOT_FOUND = "ours: arXiv 2510.04454 has one, its value was not found"
BLOCK = "of each layer's update, as a block of rows and columns: at 0.5 some 0.7 of the adapter's own numbers"
OBJECTIVE = "ours; ReLIFT's code: no KL, rewards not divided by their standard deviation, an entropy term of 0.001"
NONE = "arXiv 2506.07527, from its code: has none of it"


def phase_recipe(profile: Profile, recipe: str = "mifo") -> pd.DataFrame:
    """What `train_in_phases` does by a recipe unless told otherwise, and who says so.

    Columns `value` and `source`, a row a setting. "mifo" follows MIFO (arXiv 2510.04454), of which only the structure
    is known, second-hand; "relift" is its simple neighbour ReLIFT (arXiv 2506.07527), which trains on hard questions
    too, without a choice of tokens and without freezing.

    Raises:
        ValueError: an unknown recipe.
    """
    if recipe not in ("mifo", "relift"):
        raise ValueError(f"unknown recipe {recipe!r}; expected one of mifo, relift")
    mifo, least = recipe == "mifo", profile.sft_batch_size
    rows: dict[str, tuple[Any, str]] = {
        "cycles": (2, "ours: RL and SFT in turns so often, and RL once more at the end"),
        "grpo_steps": (10, "ours: of an RL phase" if mifo else "ours; ReLIFT: as many as fill the buffer"),
        "sft_steps": (5, "ours: of an SFT phase") if mifo else (1, "ReLIFT's code: one update"),
        "at_most": (0.25, NOT_FOUND) if mifo else (0.0, "ReLIFT's code: questions that all rollouts failed"),
        "least": (least, "ours: a batch" if mifo else "ours: a batch; ReLIFT's code: 128"),
        "token_share": (0.2, NOT_FOUND) if mifo else (1.0, NONE),
        "freeze": (0.5, f"{NOT_FOUND}; {BLOCK}") if mifo else (0.0, NONE),
        "alpha": (0.5, NOT_FOUND) if mifo else (0.0, NONE),
        "lr_scheduler_type": ("constant", "ours: a phase is too short for another"),
        "warmup_steps": (0, "ours: in a phase of one step the first would not learn"),
        "objective": ("train_grpo's", OBJECTIVE),
        "optimiser": ("a new one each phase", "ours; ReLIFT's code: one for RL and one for SFT"),
    }
    return pd.DataFrame.from_dict(rows, orient="index", columns=["value", "source"])
