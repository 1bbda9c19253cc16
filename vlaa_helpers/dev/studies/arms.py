"""What an arm of a study is: where it starts, what it is trained on and how, all of it plain data with a digest."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from ...core.assets import STUDIES
from ...policy.profiles import Profile


@dataclass(frozen=True)
class Traces:
    """Traces to learn from.

    Attributes:
        kind: one of `traces.KINDS_OF_TRACES`.
        number: how many.
        shared: of questions that have a verified trace of every kind, so that kinds differ in the trace alone.
        angles: a sixth of them are of `angles`, which the pipeline gives no traces.
    """

    kind: str
    number: int
    shared: bool = False
    angles: bool = False


@dataclass(frozen=True)
class Sft:
    """A stage of SFT: `passes` over the traces; `rate` is the peak learning rate, the profile's when None."""

    traces: Traces
    passes: int = 1
    rate: float | None = None


@dataclass(frozen=True)
class Grpo:
    """A stage of GRPO by the paper's recipe, on records of these verifiers alone."""

    verifiers: tuple[str, ...]
    steps: int = 64


@dataclass(frozen=True)
class Arm:
    """A policy: a base, or what a stage of training makes of the policy of another arm.

    Attributes:
        name: of its rows in the table.
        profile: names the base, as `get_profile` does.
        seed: of data, adapter and sampling.
        start: the arm whose policy it goes on from; None for the base itself.
        stage: what is done; None for a base.
        log: name of its training log among the shipped tables; "" ships none.
    """

    name: str
    profile: str = "mini"
    seed: int = 0
    start: "Arm | None" = None
    stage: Sft | Grpo | None = None
    log: str = ""

    def then(self, name: str, stage: Sft | Grpo, *, seed: int | None = None, log: str = "") -> "Arm":
        """The arm that goes on from this one."""
        seed = self.seed if seed is None else seed
        return replace(self, name=name, seed=seed, start=self if self.stage else None, stage=stage, log=log)


@dataclass(frozen=True)
class Lab:
    """Where studies run.

    Attributes:
        profiles: name to profile, for the bases of arms.
        runs: folder of adapters, responses, traces and locks; may be lost, then it is made again as needed.
        tables: folder of the tables, which hold what is done.
        grpo_records, watched: records that GRPO takes its prompts from; validation records asked every 16 steps.
        held_out_traces: traces of validation scenes that the loss is taken on.
    """

    profiles: Mapping[str, Profile]
    runs: Path
    tables: Path = field(default=STUDIES)
    grpo_records: int = 720
    watched: int = 300
    held_out_traces: int = 300


MATTERS = {
    Sft: ("sft_batch_size",),
    Grpo: ("prompts_per_step", "num_generations", "grpo_learning_rate", "max_completion_length"),
}
"""Settings of a profile that a stage depends on; `ALWAYS`, that any does."""
ALWAYS = ("dtype", "max_pixels", "load_in_4bit", "lora_rank", "lora_alpha")


def arm_digest(arm: Arm, lab: Lab) -> str:
    """A short name for all that an arm's policy depends on: base weights, settings, seed, and the arm before it.

    Not its name: two arms of the same training, in whatever studies, are one policy and are trained once.
    """
    profile = lab.profiles[arm.profile]
    told: dict[str, Any] = {"base": weights_digest(profile.model)}
    if arm.stage is not None:
        names = (*ALWAYS, *MATTERS[type(arm.stage)])
        stage = asdict(arm.stage) | {"what": type(arm.stage).__name__}
        if isinstance(arm.stage, Sft):
            stage["rate"] = rate_of(arm.stage, profile)
        else:
            stage["records"] = lab.grpo_records
        told |= {"seed": arm.seed, "stage": stage, "settings": {name: getattr(profile, name) for name in names}}
        if arm.start is not None:
            told["start"] = arm_digest(arm.start, lab)
    return short_digest(told)


def rate_of(stage: Sft, profile: Profile) -> float:
    """The peak learning rate of a stage of SFT: the profile's, which `sft_rates` chose, unless it names another."""
    return profile.sft_learning_rate if stage.rate is None else stage.rate


def steps_of(arm: Arm, profile: Profile) -> int:
    """Optimiser steps of an arm's own stage."""
    if isinstance(arm.stage, Sft):
        return -(-arm.stage.traces.number // profile.sft_batch_size) * arm.stage.passes
    return arm.stage.steps if arm.stage else 0


def short_digest(told: Any) -> str:
    """Ten characters that stand for plain data, a letter first: no reader of a CSV takes them for a number."""
    return "d" + hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:9]


@cache
def weights_digest(model: str) -> str:
    """The SHA-256 of a model's weights, as its card has it.

    Raises:
        FileNotFoundError: no weights there.
    """
    weights = Path(model) / "model.safetensors"
    if not weights.exists():
        raise FileNotFoundError(
            f"no weights in {model}; train them (python -m vlaa_helpers.dev.mini_vlm.train train --help), "
            "or name the profiles that have some with --profile"
        )
    return hashlib.sha256(weights.read_bytes()).hexdigest()
