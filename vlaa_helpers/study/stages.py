"""The stages of training: SFT, GRPO and both in turns, and those that are registered besides."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ..evaluation.image_controls import IMAGES, control_images
from ..policy.profiles import Profile
from ..reference import ASKED_ABOUT, REWARD_ARMS
from ..rewards.registry import verifier_names
from .arms import DRAFT, Arm, Lab, Stage, arm_digest, later, untold
from .hint_options import HintOptions, read_hints
from .phases_stage import Phases
from .pinned import Pinned, pin_data, records_in
from .reward_parts import MIXED, Part, reward_functions
from .schema import Config, Given, Node, read_config
from .traces import OWN, Traces, describe, make_traces, read_traces
from .weights import Weights, asks_for_behaviour, read_weights, weights_noted, with_behaviour

if TYPE_CHECKING:
    from datasets import Dataset

    from ..training.held_out import EvaluateEvery

WATCH_EVERY = 16
"""Steps between two looks at held-out accuracy, in arms whose log is shipped."""
RECIPES = ("vlaa", "trl", "dapo", "dr_grpo")
BOTH = ("images", "watch", "config")
"""Options that the two stages share."""
BASE = "base"
"""The arm that a profile's base is."""


@dataclass(frozen=True)
class Sft(Stage):
    """A stage of SFT: `passes` over the traces; `rate` is the peak learning rate, the profile's when None.

    Attributes:
        images: what the policy is shown: "true", "blank" or "swapped" (`control_images`).
        watch: steps between two looks at held-out accuracy; 0 for none.
        config: other fields of TRL's `SFTConfig`.
        weights: how much each token counts; None is TRL's own loss.
        behaviour: the arm whose policy stands for who wrote the traces, for weights that ask; it is given to the stage
            by the name that `weights` has of it (`given_arms`).
    """

    traces: Traces
    passes: int = 1
    rate: float | None = None
    images: str = later("true")
    watch: int = later(0)
    config: Config = later(())
    weights: Weights | None = later(None)
    behaviour: Arm | None = later(None)

    what: ClassVar[str] = "sft"
    settings: ClassVar[tuple[str, ...]] = ("sft_batch_size",)

    @classmethod
    def read(cls, node: Node, given: Given) -> "Sft":
        known = ("traces", "number", "shared", "angles", "passes", "rate", "weights", *BOTH)
        at = node.fields(*known, needs=("traces", "number"))
        traces, both = read_traces(at, given), _read_both(at, "SFTConfig")
        return cls(
            traces,
            at["passes"].count() if "passes" in at else 1,
            at["rate"].number(above=0) if "rate" in at else None,
            **both,
            weights=_weights_of(at["weights"], given, traces, both["images"]) if "weights" in at else None,
        )

    def uses(self) -> tuple[str, ...]:
        return (self.weights.behaviour,) if self.weights and self.weights.behaviour else ()

    def given_arms(self, arms: Mapping[str, Arm]) -> "Sft":
        return replace(self, behaviour=arms[self.weights.behaviour]) if self.weights and self.uses() else self

    def others(self) -> tuple[Arm, ...]:
        return (self.behaviour,) if self.behaviour else ()

    def rate_of(self, profile: Profile) -> float:
        """The peak learning rate: the profile's, unless it names another."""
        return profile.sft_learning_rate if self.rate is None else self.rate

    def step_count(self, profile: Profile) -> int:
        return -(-self.traces.number // profile.sft_batch_size) * self.passes

    def told(self, profile: Profile, lab: Lab) -> dict[str, Any]:
        told = super().told(profile, lab) | {"rate": self.rate_of(profile)}
        return told | ({"behaviour": arm_digest(self.behaviour, lab)} if self.behaviour else {})

    def columns(self, profile: Profile, lab: Lab) -> dict[str, Any]:
        row = {"traces": self.traces.kind, "number": self.traces.number, "passes": self.passes}
        row |= {"same_questions": self.traces.shared, "rate": self.rate_of(profile)}
        weights = {"weights": str(self.weights), "behaviour": self.weights.behaviour} if self.weights else {}
        return row | _columns_of_both(self) | weights

    def records(self, arm: Arm, lab: Lab) -> "Dataset":
        return make_traces(self.traces, lab.profiles[arm.profile], arm.seed, lab)

    def train(self, arm: Arm, lab: Lab, folder: Path, start: Path | None) -> dict[str, float]:
        from ..policy.adapters import save_policy
        from ..policy.loading import load_policy
        from ..training.sft import train_sft

        profile = lab.profiles[arm.profile]
        records = self.records(arm, lab)
        shown, notes = control_images(records, self.images, seed=arm.seed), {}
        if self.behaviour:  # before the policy is loaded: of two, only one is in memory at a time
            shown, notes["scoring_seconds"] = with_behaviour(shown, self.behaviour, lab)
        model, processor = load_policy(profile, adapter=start, seed=arm.seed)
        watch = _watch(self.watch, processor, lab)
        options = {"num_train_epochs": self.passes, "learning_rate": self.rate_of(profile), "save_strategy": "no"}
        options |= {"seed": arm.seed, "output_dir": str(folder), "callbacks": watch, **dict(self.config)}
        if self.weights:
            options["token_weights"] = self.weights.bound()
            notes |= weights_noted(model, processor, shown, self.weights, "before")
        begin = time.process_time()
        train_sft(model, processor, shown, profile, **options)
        seconds = time.process_time() - begin - sum(each.seconds for each in watch)
        save_policy(model, processor, folder / DRAFT)
        if self.weights:
            notes |= weights_noted(model, processor, shown, self.weights, "after")
        return {"seconds": seconds, "samples": len(records) * self.passes, "tokens": 0, **describe(records), **notes}


def _weights_of(node: Node, given: Given, traces: Traces, images: str) -> Weights:
    """The weighting of some traces, with the arm that stands for who wrote them: of own ones it is the base."""
    weights = read_weights(node, given)
    if not asks_for_behaviour(weights):
        return weights
    if images != "true":
        node.refuse(f"{weights.method} with images: {images}", "who wrote the traces saw the true images; leave it out")
    if not weights.behaviour and traces.kind != OWN:
        node.refuse(
            f"{weights.method} asks how likely the writer of the traces was to write each token, and nothing says who "
            f"wrote {traces.kind!r}",
            f"add behaviour: …, an arm whose policy stands for the writer ({BASE} is the base)",
        )
    return replace(weights, behaviour=weights.behaviour or BASE)


@dataclass(frozen=True)
class Grpo(Stage):
    """A stage of GRPO, on records of these verifiers alone.

    Attributes:
        verifiers: of the records that prompts come from; in the mini world the sources that ask for them take turns.
        steps: how many.
        reward: what is paid; nothing stands for the mixed reward.
        reward_name: what a study's file calls it.
        data: a file of records; None for the mini world.
        number: how many records; None for the lab's number, or all of a file.
        recipe: of `train_grpo`.
        images, watch, config: as of `Sft`, and of `GRPOConfig`.
        traces: prompts are the questions of these traces, whatever their verifier; None for `data` or the mini world.
        hints: of the prompts' traces; None for none.
    """

    verifiers: tuple[str, ...]
    steps: int = 64
    reward: tuple[Part, ...] = later(())
    reward_name: str = untold(MIXED)
    data: Pinned | None = later(None)
    number: int | None = later(None)
    recipe: str = later("vlaa")
    images: str = later("true")
    watch: int = later(0)
    config: Config = later(())
    traces: Traces | None = later(None)
    hints: HintOptions | None = later(None)

    what: ClassVar[str] = "grpo"
    settings: ClassVar[tuple[str, ...]] = (
        "prompts_per_step", "num_generations", "grpo_learning_rate", "max_completion_length",
    )  # fmt: skip

    @classmethod
    def read(cls, node: Node, given: Given) -> "Grpo":
        of_traces = ("traces", "shared", "angles", "hints")
        at = node.fields("steps", "records", "number", "verifiers", "reward", "recipe", *of_traces, *BOTH)
        traces, hints = _read_traces_of_prompts(at, node, given)
        names = verifier_names() if "records" in at else REWARD_ARMS["mixed"]
        reward = at["reward"].choice((MIXED, *given.rewards)) if "reward" in at else MIXED
        return cls(
            tuple(each.choice(names) for each in at["verifiers"].entries(unique=True)) if "verifiers" in at else names,
            at["steps"].count() if "steps" in at else 64,
            given.rewards.get(reward, ()),
            reward,
            at["records"].pinned(lambda: pin_data(given.folder / at["records"].text())) if "records" in at else None,
            at["number"].count() if "number" in at and not traces else None,
            at["recipe"].choice(RECIPES) if "recipe" in at else "vlaa",
            **_read_both(at, "GRPOConfig"),
            traces=traces,
            hints=hints,
        )

    def step_count(self, profile: Profile) -> int:
        return self.steps

    def told(self, profile: Profile, lab: Lab) -> dict[str, Any]:
        told = super().told(profile, lab)
        if self.data is None:
            told.pop("number", None)
        if self.data is None and self.traces is None:
            told["records"] = self.number or lab.grpo_records
        return told

    def columns(self, profile: Profile, lab: Lab) -> dict[str, Any]:
        number = self.number or (lab.grpo_records if self.data is None else None)
        row = {"verifiers": " ".join(self.verifiers), "number": number, "rate": profile.grpo_learning_rate}
        if self.traces:
            row |= {"traces": self.traces.kind, "number": self.traces.number, "same_questions": self.traces.shared}
        if self.hints:
            row["hints"] = str(self.hints.weights)
        return row | {"reward": self.reward_name, "recipe": self.recipe} | _columns_of_both(self)

    def records(self, arm: Arm, lab: Lab) -> "Dataset":
        if self.traces:
            return make_traces(self.traces, lab.profiles[arm.profile], arm.seed, lab)
        return grpo_records(self, arm.seed, lab)

    def train(self, arm: Arm, lab: Lab, folder: Path, start: Path | None) -> dict[str, float]:
        from ..policy.adapters import save_policy
        from ..policy.loading import load_policy
        from ..training.grpo import train_grpo

        profile = lab.profiles[arm.profile]
        records = control_images(self.records(arm, lab), self.images, seed=arm.seed)
        model, processor = load_policy(profile, adapter=start, seed=arm.seed)
        watch = _watch(WATCH_EVERY if arm.log else self.watch, processor, lab)
        options = {"max_steps": self.steps, "seed": arm.seed, "output_dir": str(folder), "callbacks": watch}
        options |= {"recipe": self.recipe, "save_strategy": "no", **reward_functions(self.reward), **dict(self.config)}
        if self.hints:
            options["hints"] = self.hints.made()
        begin = time.process_time()
        trainer = train_grpo(model, processor, records, profile, **options)
        seconds = time.process_time() - begin - sum(each.seconds for each in watch)
        save_policy(model, processor, folder / DRAFT)
        return {"seconds": seconds, **_rollouts_of(trainer)}


def _read_traces_of_prompts(at: Mapping[str, Node], node: Node, given: Given) -> tuple[Traces | None, Any]:
    """The traces whose questions GRPO asks, and hints of them, as far as a file names such."""
    hints = read_hints(at["hints"], given) if "hints" in at else None
    if "traces" not in at:
        if odd := {"shared", "angles"} & set(at):
            node.refuse(f"`{odd.pop()}` without `traces`", "it says which traces the questions are of")
        if hints and "records" not in at:
            node.refuse("`hints` of prompts without traces", "add traces: …, or records: a file with responses")
        return None, hints
    if odd := {"records", "verifiers"} & set(at):
        node.refuse(f"`{odd.pop()}` together with `traces`", "all questions of the traces are asked; leave it out")
    if "number" not in at:
        node.refuse("there is no number", "add number: …, how many traces")
    return read_traces(at, given), hints


def grpo_records(stage: Grpo, seed: int, lab: Lab) -> "Dataset":
    """The records of a stage: as many for any choice of verifiers, as the sources that ask for them take turns.

    Raises:
        ValueError: a file with too few records, or none of these verifiers.
    """
    from ..mini_world.kinds import KINDS
    from ..mini_world.scenes import make_scenes

    if stage.data is not None:
        return records_in(stage.data, stage.number, verifiers=stage.verifiers)
    sources = [source for source in ASKED_ABOUT if KINDS[source].verifier_type in stage.verifiers]
    return make_scenes(stage.number or lab.grpo_records, sources=sources, seed=200 + seed)


def _rollouts_of(trainer: Any) -> dict[str, float]:
    """Prompts that were trained on, each time counted, and tokens that were written for them."""
    a_step = trainer.args.generation_batch_size
    lengths = [row["completions/mean_length"] for row in trainer.state.log_history if "completions/mean_length" in row]
    samples = trainer.state.global_step * a_step // trainer.args.num_generations
    return {"samples": samples, "tokens": round(sum(lengths) * a_step)}


def _watch(every: int, processor: Any, lab: Lab) -> "list[EvaluateEvery]":
    from ..training.held_out import EvaluateEvery

    if not every:
        return []
    return [EvaluateEvery(watched_records(lab), processor, every, batch_size=128)]


def watched_records(lab: Lab) -> "Dataset":
    """What an arm is asked while it is trained."""
    from ..mini_world.scenes import make_scenes

    return make_scenes(lab.watched, split="validation")


def _read_both(at: dict[str, Node], config: str) -> dict[str, Any]:
    return {
        "images": at["images"].choice(IMAGES) if "images" in at else "true",
        "watch": at["watch"].count() if "watch" in at else 0,
        "config": read_config(at["config"], config) if "config" in at else (),
    }


def _columns_of_both(stage: Sft | Grpo) -> dict[str, Any]:
    return {"images_trained": stage.images, "config": " ".join(f"{name}={value}" for name, value in stage.config)}


BUILT_IN = (Sft, Grpo, Phases)
STAGES: dict[str, type[Stage]] = {stage.what: stage for stage in BUILT_IN}
"""Stages by the names that files give them."""


def register_stage(stage: type[Stage]) -> None:
    """Make a stage of one's own known to the files of studies; registering it again replaces it.

    Raises:
        TypeError: no class derived from `Stage`.
        ValueError: it has no name, or that of a stage that comes with the package.
    """
    if not (isinstance(stage, type) and issubclass(stage, Stage)):
        raise TypeError(f"expected a class derived from Stage, got {stage!r:.60}")
    if not stage.what or STAGES.get(stage.what) in BUILT_IN:
        taken = ", ".join(each.what for each in BUILT_IN)
        raise ValueError(f"{stage.__name__}.what is {stage.what!r}; give the stage a name other than {taken}")
    STAGES[stage.what] = stage
