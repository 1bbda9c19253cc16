"""What an arm of a study is: where it starts, what it is trained on and how, all of it plain data with a digest."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields, is_dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ..core.assets import STUDIES
from ..policy.profiles import Profile

if TYPE_CHECKING:
    from datasets import Dataset

    from .schema import Given, Node


def later(default: Any) -> Any:
    """A field that came after digests of its class were kept: while it has its default, no digest tells of it."""
    return field(default=default, metadata={"later": True})


def untold(default: Any) -> Any:
    """A field that nothing depends on, such as where a file lies: no digest tells of it, and no comparison."""
    return field(default=default, metadata={"untold": True}, compare=False)


@dataclass(frozen=True)
class Stage:
    """A stage of training. A class of one's own derives from this; its fields are its options, frozen plain data.

    Class attributes:
        what: its name in a study's file.
        settings: fields of the profile that it reads, beside `ALWAYS`.
    """

    what: ClassVar[str] = ""
    settings: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def read(cls, node: "Node", given: "Given") -> "Stage":
        """The stage that a file's options describe; a ValueError says what is wrong with them."""
        raise NotImplementedError(f"{cls.__name__}.read(node, given): make the stage from the options of a file")

    def step_count(self, profile: Profile) -> int:
        """Optimiser steps."""
        raise NotImplementedError(f"{type(self).__name__}.step_count(profile): give the number of optimiser steps")

    def told(self, profile: Profile, lab: "Lab") -> dict[str, Any]:
        """All that the policy depends on beside base, seed and settings, as plain data."""
        return told_of(self) | {"what": type(self).__name__}

    def columns(self, profile: Profile, lab: "Lab") -> dict[str, Any]:
        """Columns of the table that say what this stage did."""
        return {}

    def uses(self) -> tuple[str, ...]:
        """Names of arms whose policies it needs beside the one that it starts from."""
        return ()

    def given_arms(self, arms: "Mapping[str, Arm]") -> "Stage":
        """The same stage with the arms that have these names."""
        return self

    def others(self) -> "tuple[Arm, ...]":
        """The arms whose policies it needs, once it has been given them."""
        return ()

    def records(self, arm: "Arm", lab: "Lab") -> "Dataset | None":
        """The records that it trains on, held against those of the measures before; None where there are none."""
        return None

    def train(self, arm: "Arm", lab: "Lab", folder: Path, start: Path | None) -> dict[str, float]:
        """Train, and save the adapter to `folder / DRAFT`.

        Args:
            folder: of the arm, for logs and checkpoints.
            start: the adapter to go on from; None for the base.

        Returns:
            What it cost: `seconds` of the processor, `samples` (records trained on, each time counted) and `tokens`
            that the policy wrote; and whatever else is known.
        """
        raise NotImplementedError(f"{type(self).__name__}.train(arm, lab, folder, start): train and save the adapter")


DRAFT = "adapter.tmp"
"""Where a stage saves its adapter, in the folder of its arm; it is renamed when it is whole."""


@dataclass(frozen=True)
class Arm:
    """A policy: a base, or what a stage of training makes of the policy of another arm.

    Attributes:
        name: of its rows in the table.
        profile: names the base among the profiles of a `Lab`.
        seed: of data, adapter and sampling.
        start: the arm whose policy it goes on from; None for the base itself.
        stage: what is done; None for a base.
        log: name of its training log among the shipped tables; "" ships none.
    """

    name: str
    profile: str = "mini"
    seed: int = 0
    start: "Arm | None" = None
    stage: Stage | None = None
    log: str = ""

    def then(self, name: str, stage: Stage, *, seed: int | None = None, log: str = "") -> "Arm":
        """The arm that goes on from this one."""
        seed = self.seed if seed is None else seed
        return replace(self, name=name, seed=seed, start=self if self.stage else None, stage=stage, log=log)

    def way(self) -> "list[Arm]":
        """The arms from the base, which is left out, to this one."""
        return [*(self.start.way() if self.start else ()), *([self] if self.stage else ())]

    def needed(self) -> "list[Arm]":
        """The arms that have to be trained for this one: its way, and the ways of those that its stages use."""
        others = [each for one in self.way() for other in one.stage.others() for each in other.needed()]
        return list(dict.fromkeys([*others, *self.way()]))


@dataclass(frozen=True)
class Lab:
    """Where studies run.

    Attributes:
        profiles: name to profile, for the bases of arms.
        runs: folder of adapters, responses, traces and locks; may be lost, then it is made again as needed.
        tables: folder of the tables.
        grpo_records, watched: records that GRPO takes its prompts from; validation records asked while it trains.
        held_out_traces: traces of validation scenes that the loss is taken on.
    """

    profiles: Mapping[str, Profile]
    runs: Path
    tables: Path = field(default=STUDIES)
    grpo_records: int = 720
    watched: int = 300
    held_out_traces: int = 300


ALWAYS = ("dtype", "max_pixels", "load_in_4bit", "lora_rank", "lora_alpha")
"""Settings of a profile that any stage depends on."""


def arm_digest(arm: Arm, lab: Lab) -> str:
    """A short name for all that an arm's policy depends on: base weights, settings, seed, and the arm before it.

    Not its name: two arms of the same training, in whatever studies, are one policy and are trained once.
    """
    profile = lab.profiles[arm.profile]
    told: dict[str, Any] = {"base": weights_digest(profile.model)}
    if arm.stage is not None:
        names = (*ALWAYS, *arm.stage.settings)
        stage = arm.stage.told(profile, lab)
        told |= {"seed": arm.seed, "stage": stage, "settings": {name: getattr(profile, name) for name in names}}
        if arm.start is not None:
            told["start"] = arm_digest(arm.start, lab)
    return short_digest(told)


def told_of(value: Any) -> Any:
    """Frozen data as JSON takes it, without fields that a digest does not tell of (`later`, `untold`)."""
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: told_of(getattr(value, each.name)) for each in fields(value) if _is_told(each, value)}
    return [told_of(each) for each in value] if isinstance(value, tuple) else value


def _is_told(each: Field, of: Any) -> bool:
    at_default = each.metadata.get("later") and getattr(of, each.name) == each.default
    return not at_default and not each.metadata.get("untold")


def short_digest(told: Any) -> str:
    """Ten characters that stand for plain data, a letter first: no reader of a CSV takes them for a number."""
    return "d" + hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:9]


@cache
def weights_digest(model: str) -> str:
    """A hash of a model: for one file of weights its SHA-256, as its card has it; for several, of all; a name on the
    hub stands for itself.

    Raises:
        FileNotFoundError: a folder without weights.
    """
    folder = Path(model)
    files = sorted(folder.glob("*.safetensors"))
    if not files and not folder.is_dir() and not folder.is_absolute() and model.count("/") == 1:
        return hashlib.sha256(f"hub:{model}".encode()).hexdigest()
    if not files:
        raise FileNotFoundError(
            f"no weights in {model}; train them (python -m vlaa_helpers.dev.mini_vlm.train train --help), "
            "or name the profiles that have some with --profiles"
        )
    hashes = [file_digest(path) for path in files]
    return hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest()


def has_base(arm: Arm, lab: Lab) -> bool:
    """Whether there are weights to start an arm from; a name on the hub counts as there."""
    try:
        return bool(weights_digest(lab.profiles[arm.profile].model))
    except FileNotFoundError:
        return False


def file_digest(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
