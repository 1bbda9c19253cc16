"""A stage of training in phases: GRPO and SFT in turns, by `train_in_phases` (MIFO, ReLIFT)."""

import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ..policy.profiles import Profile
from .arms import DRAFT, Arm, Lab, Stage, later, untold
from .reward_parts import MIXED, Part, reward_functions
from .schema import Config, Given, Node, read_config
from .traces import Traces, make_traces, read_traces

if TYPE_CHECKING:
    import pandas as pd
    from datasets import Dataset

PHASES = ("mifo", "relift")
COUNTS = ("cycles", "grpo_steps", "sft_steps", "least")
SHARES = ("at_most", "token_share", "freeze", "alpha")


@dataclass(frozen=True)
class Phases(Stage):
    """GRPO and SFT in turns on the questions of some traces, beginning and ending with GRPO.

    Attributes:
        traces: whose questions GRPO asks, and which SFT learns from where GRPO seldom got one right.
        recipe: of `train_in_phases`.
        chosen: its settings over the recipe, in the order of their names.
        reward, reward_name: as of `Grpo`.
        grpo_recipe: of `train_grpo`.
        grpo, sft: other fields of TRL's `GRPOConfig` and `SFTConfig`.
    """

    traces: Traces
    recipe: str = "mifo"
    chosen: Config = ()
    reward: tuple[Part, ...] = later(())
    reward_name: str = untold(MIXED)
    grpo_recipe: str = "vlaa"
    grpo: Config = ()
    sft: Config = ()

    what: ClassVar[str] = "phases"
    settings: ClassVar[tuple[str, ...]] = (
        "prompts_per_step", "num_generations", "grpo_learning_rate", "max_completion_length", "sft_batch_size",
        "sft_learning_rate",
    )  # fmt: skip

    @classmethod
    def read(cls, node: Node, given: Given) -> "Phases":
        from ..training.recipes import RECIPES

        known = ("traces", "number", "shared", "angles", "recipe", *COUNTS, *SHARES, "reward", "grpo", "sft")
        at = node.fields(*known, needs=("traces", "number"))
        chosen = {name: at[name].count() for name in COUNTS if name in at}
        chosen |= {name: _share(at[name]) for name in SHARES if name in at}
        reward = at["reward"].choice((MIXED, *given.rewards)) if "reward" in at else MIXED
        grpo = at["grpo"].fields("recipe", "config") if "grpo" in at else {}
        sft = at["sft"].fields("config") if "sft" in at else {}
        return cls(
            read_traces(at, given),
            at["recipe"].choice(PHASES) if "recipe" in at else "mifo",
            tuple(sorted(chosen.items())),
            given.rewards.get(reward, ()),
            reward,
            grpo["recipe"].choice(tuple(RECIPES)) if "recipe" in grpo else "vlaa",
            read_config(grpo["config"], "GRPOConfig") if "config" in grpo else (),
            read_config(sft["config"], "SFTConfig") if "config" in sft else (),
        )

    def step_count(self, profile: Profile) -> int:
        from ..training.phase_recipes import phase_recipe

        of = phase_recipe(profile, self.recipe)["value"].to_dict() | dict(self.chosen)
        return (of["cycles"] + 1) * of["grpo_steps"] + of["cycles"] * of["sft_steps"]

    def columns(self, profile: Profile, lab: Lab) -> dict[str, Any]:
        row = {"traces": self.traces.kind, "number": self.traces.number, "same_questions": self.traces.shared}
        row |= {"rate": profile.grpo_learning_rate, "reward": self.reward_name, "recipe": self.recipe}
        told = {**dict(self.chosen), "recipe": self.grpo_recipe, **dict(self.grpo), **dict(self.sft)}
        return row | {"config": " ".join(f"{name}={value}" for name, value in told.items())}

    def records(self, arm: Arm, lab: Lab) -> "Dataset":
        return make_traces(self.traces, lab.profiles[arm.profile], arm.seed, lab)

    def train(self, arm: Arm, lab: Lab, folder: Path, start: Path | None) -> dict[str, float]:
        from ..policy.adapters import save_policy
        from ..policy.loading import load_policy
        from ..training.phases import train_in_phases

        profile, phases = lab.profiles[arm.profile], folder / "phases"
        records = self.records(arm, lab)
        model, processor = load_policy(profile, adapter=start, seed=arm.seed)
        shutil.rmtree(phases, ignore_errors=True)  # of a run that was killed: the stage begins again
        rewards = reward_functions(self.reward)
        grpo = {"recipe": self.grpo_recipe, "save_strategy": "no", **dict(self.grpo)}
        grpo |= {name: value for name, value in rewards.items() if name != "reward_funcs"}
        begin = time.process_time()
        table = train_in_phases(
            model, processor, records, profile, recipe=self.recipe, reward_funcs=rewards["reward_funcs"], grpo=grpo,
            sft={"save_strategy": "no", **dict(self.sft)}, output_dir=phases, seed=arm.seed, **dict(self.chosen),
        )  # fmt: skip
        seconds = time.process_time() - begin
        save_policy(model, processor, folder / DRAFT)
        return {"seconds": seconds, **_cost(table, profile)}


def _cost(table: "pd.DataFrame", profile: Profile) -> dict[str, float]:
    """Records that were trained on, each time counted; tokens that were written; steps and questions of SFT."""
    from ..training.rollout_log import load_rollouts

    samples, tokens = 0, 0
    for row in table.to_dict("records"):
        if row["method"] == "GRPO":
            samples += row["steps"] * profile.prompts_per_step
            tokens += int(load_rollouts(row["folder"])["tokens"].sum())
        else:
            samples += _seen(row, profile.sft_batch_size)
    sft = table[table["method"] == "SFT"]
    learned = sft[sft["steps"] > 0]
    notes = {"sft_steps": int(sft["steps"].sum()), "sft_phases": len(learned), "hard": float(sft["records"].mean())}
    return {"samples": samples, "tokens": tokens, **notes}


def _seen(row: Mapping[str, Any], batch: int) -> int:
    """Records of a phase of SFT, each time counted: the last batch of a pass may be smaller."""
    a_pass = -(-row["records"] // batch) or 1
    return (row["steps"] // a_pass) * row["records"] + row["steps"] % a_pass * batch


def _share(node: Node) -> float:
    if not 0 <= node.number() <= 1:
        node.refuse(f"got {node.shown}", "expected a share, 0 to 1")
    return node.number()
