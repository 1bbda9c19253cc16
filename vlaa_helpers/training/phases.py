"""RL and SFT in turns: SFT learns from the questions that RL seldom gets right (MIFO, ReLIFT)."""

import json
import logging
import shutil
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..core.whole_files import write_whole
from ..policy.adapters import save_policy
from ..policy.profiles import Profile
from ..rewards.mixed import MixedReward
from .frozen_blocks import FrozenBlock, frozen_coordinates, most_moved
from .grpo import train_grpo
from .hard_buffer import hard_records
from .phase_checks import check_arguments, check_records, judge_of, note_or_compare
from .phase_recipes import phase_recipe
from .resuming import has_checkpoint
from .rollout_log import RolloutLog, load_rollouts
from .runner import processes_started
from .sft import train_sft
from .weigh_tokens import token_weights

if TYPE_CHECKING:
    from datasets import Dataset

logger = logging.getLogger(__name__)

START, ADAPTER, DRAFT, NOTE = "start", "adapter", "adapter.draft", "phase.json"
SEEDS = 1000
"""Between the first phases of two seeds, so that no phase of the one repeats the draws of the other."""
SCHEDULE = ("lr_scheduler_type", "warmup_steps")
FIXED = (*SCHEDULE, "objective", "optimiser")
"""Rows of the recipe that are no setting of `train_in_phases`: `grpo` and `sft` change the first three."""


def train_in_phases(
    model: Any,
    processor: Any,
    records: "Dataset",
    profile: Profile,
    *,
    recipe: str = "mifo",
    reward_funcs: Callable | Sequence[Callable] | None = None,
    grpo: dict[str, Any] | None = None,
    sft: dict[str, Any] | None = None,
    output_dir: str | Path = "runs/phases",
    resume: bool = False,
    seed: int = 0,
    **settings: Any,
) -> pd.DataFrame:
    """Train by GRPO and SFT in turns, beginning and ending with GRPO; SFT has the questions that GRPO seldom got right.

    By the recipe "mifo" (MIFO, arXiv 2510.04454, of which no value is known) SFT learns only the tokens where the
    policy is least sure (`token_weights("entropy_top")`), and a block of the coordinates that RL moved most stays as it
    is meanwhile (`most_moved`, `frozen_coordinates`). "relift" (ReLIFT, 2506.07527) does neither. Phases are
    `train_grpo` and `train_sft`, each with an optimiser of its own and, where GRPO has a `beta`, with the policy as it
    is then for a reference. An SFT phase for which there are too few questions is left out, and they are kept for the
    next.

    Args:
        model, processor: as `load_policy` returns them; trained in place.
        records: what GRPO asks; those with a response that is right, by its verifier, SFT can learn from. (A response
            to an open-ended question has to beat the reference, so the reference itself is none.)
        profile: of both.
        recipe: "mifo" or "relift"; `phase_recipe(profile, recipe)` lists the settings.
        reward_funcs: of GRPO; `MixedReward()` by default. What is right is told by one of these.
        grpo, sft: arguments of `train_grpo` and `train_sft` over the recipe: `{"learning_rate": 1e-4}`.
        output_dir: for a folder a phase, `1-grpo`, `2-sft`, …, each with its log, checkpoints and `adapter`.
        resume: go on with the phase that was interrupted, on a policy loaded as at first, with the same records and
            settings (`cycles` may be others). The same as if there had been no interruption.
        seed: the first phase has 1000 times that, the next one more: it asks its questions in another order, and no
            phase of another seed repeats its draws.
        **settings: over the recipe: `cycles`, `grpo_steps` and `sft_steps` of a phase, `at_most` (`hard_questions`),
            `least` questions for SFT, `token_share` (1: all tokens), `freeze` (`most_moved`; 0: nothing) and `alpha`.

    Returns:
        A row a phase: `method`, `seed`, `steps`, `records`, `frozen` and `moved`, the share of the coordinates that
        were frozen and of what RL moved that lies in them (means over layers; NaN for GRPO), and `folder`.

    Raises:
        ValueError: an unknown recipe or a setting that cannot be, an argument in `grpo` or `sft` that phases set or
            that is unknown, several rewards that do not tell what is right, records that SFT cannot learn from, other
            settings than the run began with, or several processes.
        FileExistsError: phases of another run in `output_dir`.
    """
    if processes_started() > 1:
        raise ValueError("phases train in one process, and torchrun or accelerate started several; start one")
    chosen, grpo, sft = _settings(profile, recipe, settings), grpo or {}, sft or {}
    rewards = reward_funcs or MixedReward()
    check_arguments(grpo, sft, chosen["token_share"])
    judge = judge_of(rewards)
    check_records(records, judge, chosen["least"])
    folder = Path(output_dir)
    if not resume and (left := sorted(folder.glob("[0-9]*-*"))):
        raise FileExistsError(
            f"{left[0]} is there from another run: resume=True goes on with it; for a fresh one delete {folder}, or "
            "name another output_dir"
        )
    note_or_compare(folder, records, {**chosen, "seed": seed, "grpo": grpo, "sft": sft}, resume=resume)
    if not resume:
        shutil.rmtree(folder / START, ignore_errors=True)
    if not (folder / START).exists():
        _save(model, processor, folder / START)
    names = [f"{k + 1}-{'sft' if k % 2 else 'grpo'}" for k in range(2 * chosen["cycles"] + 1)]
    done: list[dict] = []
    for k, name in enumerate(names):
        here = folder / name
        if not (here / ADAPTER).exists():
            _set_adapter(model, done[-1]["folder"] / ADAPTER if done else folder / START)
            phase = {"output_dir": str(here), "seed": SEEDS * seed + k, "resume_from_checkpoint": has_checkpoint(here)}
            phase |= {each: chosen[each] for each in SCHEDULE}
            if k % 2:
                blocks = _blocks(folder, done, chosen)
                hard = hard_records(records, _rollouts(done), at_most=chosen["at_most"], reward=judge)
                note = _sft_phase(model, processor, hard, profile, blocks, chosen, phase | sft)
            else:
                note = _grpo_phase(model, processor, records, profile, rewards, chosen, phase | grpo)
            _finish(model, processor, here, note | {"seed": SEEDS * seed + k})
        done.append(json.loads((here / NOTE).read_text()) | {"folder": here})
        logger.info(f"phase {name} of {len(names)}: {done[-1]['steps']} steps, {done[-1]['records']} records")
    _set_adapter(model, done[-1]["folder"] / ADAPTER)
    columns = ["method", "seed", "steps", "records", "frozen", "moved", "folder"]
    return pd.DataFrame(done, index=names).reindex(columns=columns)


def _settings(profile: Profile, recipe: str, given: dict[str, Any]) -> dict[str, Any]:
    """The recipe's values with those given over them."""
    chosen = phase_recipe(profile, recipe)["value"].to_dict()
    known = [name for name in chosen if name not in FIXED]
    if odd := [name for name in given if name not in known]:
        raise ValueError(f"unknown setting {odd[0]!r}; expected one of {', '.join(known)}, or grpo={{…}}, sft={{…}}")
    chosen |= given
    for name in ("cycles", "grpo_steps", "sft_steps", "least"):
        if chosen[name] < 1:
            raise ValueError(f"{name} is 1 or more, got {chosen[name]}")
    for name in ("at_most", "token_share", "freeze", "alpha"):
        if not 0 <= chosen[name] <= 1 or (name == "token_share" and not chosen[name]):
            raise ValueError(f"{name} is a share of 0 to 1, got {chosen[name]}; phase_recipe lists the defaults")
    return chosen


def _grpo_phase(
    model: Any, processor: Any, records: "Dataset", profile: Profile, rewards: Any, chosen: dict, given: dict
) -> dict[str, Any]:
    own = [each for each in given.pop("callbacks", ()) if not isinstance(each, RolloutLog)]
    trainer = train_grpo(
        model, processor, records, profile, reward_funcs=rewards, callbacks=[RolloutLog(every=1), *own],
        max_steps=chosen["grpo_steps"], **given,
    )  # fmt: skip
    return {"method": "GRPO", "steps": trainer.state.global_step, "records": len(records)}


def _sft_phase(
    model: Any, processor: Any, hard: "Dataset", profile: Profile, blocks: dict[str, FrozenBlock], chosen: dict,
    given: dict,
) -> dict[str, Any]:  # fmt: skip
    note: dict[str, Any] = {"method": "SFT", "steps": 0, "records": len(hard)}
    if len(hard) < chosen["least"]:
        logger.info(f"{len(hard)} hard questions with a right response, fewer than least={chosen['least']}: no SFT yet")
        return note
    weights = None
    if chosen["token_share"] < 1:
        weights = partial(token_weights, "entropy_top", share=chosen["token_share"])
    with frozen_coordinates(model, blocks) if blocks else nullcontext():
        trainer = train_sft(
            model, processor, hard, profile, token_weights=weights, max_steps=chosen["sft_steps"], **given
        )
    if blocks:
        sizes = [(block.share, block.moved) for block in blocks.values()]
        note |= dict(zip(("frozen", "moved"), np.mean(sizes, axis=0).tolist(), strict=True))
    return note | {"steps": trainer.state.global_step}


def _blocks(folder: Path, done: list[dict], chosen: dict) -> dict[str, FrozenBlock]:
    """What to freeze, by all RL phases so far."""
    if not chosen["freeze"]:
        return {}
    adapters = [folder / START, *(phase["folder"] / ADAPTER for phase in done)]
    pairs = [adapters[k : k + 2] for k, phase in enumerate(done) if phase["method"] == "GRPO"]
    return most_moved([(before, after) for before, after in pairs], share=chosen["freeze"], alpha=chosen["alpha"])


def _rollouts(done: list[dict]) -> pd.DataFrame:
    """Those of the RL phases since the last SFT."""
    last = max((k for k, phase in enumerate(done) if phase["method"] == "SFT" and phase["steps"]), default=-1)
    return pd.concat(load_rollouts(phase["folder"]) for phase in done[last + 1 :] if phase["method"] == "GRPO")


def _finish(model: Any, processor: Any, folder: Path, note: dict) -> None:
    """Note what a phase did, and save its adapter: where that is, the phase is done."""
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / NOTE, json.dumps(note).encode())
    _save(model, processor, folder / ADAPTER)


def _save(model: Any, processor: Any, folder: Path) -> None:
    draft = folder.with_name(DRAFT)
    save_policy(model, processor, draft).rename(folder)


def _set_adapter(model: Any, folder: Path) -> None:
    """Give a policy the weights of a saved adapter."""
    from peft import set_peft_model_state_dict
    from peft.utils import load_peft_weights

    set_peft_model_state_dict(model, load_peft_weights(str(folder), device="cpu"))
