"""The studies: which arms each compares, and how they are measured."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ...core.assets import MINI_VLMS
from ...reference import REWARD_ARMS
from ...study.arms import Arm, Lab
from ...study.measures import FINAL, Measure, comparison_rows
from ...study.stages import Grpo, Sft
from ...study.traces import KINDS_OF_TRACES, Traces
from .choice import CHOICE, choice_rows
from .pass_at import MANY, pass_rows


@dataclass(frozen=True)
class Study:
    """What is compared.

    Attributes:
        question: what it asks, for the reader of the plan.
        arms: profile and seed to the arms of that seed.
        measures: how each arm is asked.
        rows: what makes an arm's rows.
        every_size: runs on each mini VLM, not on one.
        seeds: of its arms, unless others are asked for.
    """

    question: str
    arms: Callable[[str, int], list[Arm]]
    measures: tuple[Measure, ...] = FINAL
    rows: Callable[[Arm, Sequence[Measure], Lab], list[dict[str, Any]]] = comparison_rows
    every_size: bool = False
    seeds: tuple[int, ...] = (0, 1, 2)


TRACES_OF_STUDY = 2_048
RATES, SICK_RATE, PASSES = (3e-4, 1e-3, 3e-3, 1e-2), 3e-2, (1, 2, 4)
SIZES_AND_PASSES = ((128, (1, 4, 16)), (512, (1, 4, 16)), (2_048, (1, 4)), (8_192, (1,)))
REWARDS = REWARD_ARMS | {f"only {kind}": (kind,) for kind in REWARD_ARMS["mixed"]}


def sft_rates(profile: str, seed: int) -> list[Arm]:
    """Peak rate and passes, each run with a schedule of its own, and a rate that is too high."""
    settings = [(rate, passes) for rate in RATES for passes in PASSES] + [(SICK_RATE, 1)]
    traces = Traces("blind", TRACES_OF_STUDY)
    arms = [
        _base(profile).then(f"{rate:g} x {passes}", Sft(traces, passes, rate), seed=seed)
        for rate, passes in settings
    ]  # fmt: skip
    return [_base(profile), *arms]


def sft_sizes(profile: str, seed: int) -> list[Arm]:
    """Traces and passes apart: arms that see as many examples have as many steps."""
    arms = [size_arm(profile, seed, number, passes) for number, several in SIZES_AND_PASSES for passes in several]
    return [_base(profile), *arms]


def size_arm(profile: str, seed: int, number: int, passes: int = 1) -> Arm:
    """An arm of `sft_sizes`; 2,048 traces in one pass is the SFT policy of the chapters."""
    return _base(profile).then(f"{number} x {passes}", Sft(Traces("blind", number), passes), seed=seed)


def sft_content(profile: str, seed: int) -> list[Arm]:
    """What the traces hold, of the same questions and as many of each; and a sixth of them of `angles`."""
    traces = {kind: Traces(kind, TRACES_OF_STUDY, shared=True) for kind in KINDS_OF_TRACES}
    traces["look + angles"] = Traces("look", TRACES_OF_STUDY, shared=True, angles=True)
    return [_base(profile), *(_base(profile).then(name, Sft(of), seed=seed) for name, of in traces.items())]


def grpo_arms(profile: str, seed: int) -> list[Arm]:
    """All verifiers, each left out, each alone: as many steps and prompts for each."""
    arms = [_base(profile).then(name, Grpo(kinds), seed=seed) for name, kinds in REWARDS.items() if name != "mixed"]
    return [_base(profile), grpo_arm(profile, seed), *arms]


def grpo_arm(profile: str, seed: int) -> Arm:
    """GRPO with all verifiers: the GRPO policy of the chapters."""
    return _base(profile).then("mixed", Grpo(REWARD_ARMS["mixed"]), seed=seed, log=f"grpo_mixed_seed_{seed}")


def grpo_pass_at(profile: str, seed: int) -> list[Arm]:
    """What training with all verifiers does to pass@k."""
    return [_base(profile), grpo_arm(profile, seed)]


def sft_then_grpo(profile: str, seed: int) -> list[Arm]:
    """GRPO from what SFT left, by the traces that SFT learned from."""
    starts = [size_arm(profile, seed, 8_192), *sft_content(profile, seed)[1:]]
    return [_base(profile), sft_grpo_arm(profile, seed), *map(then_grpo, starts)]


def sft_grpo_arm(profile: str, seed: int) -> Arm:
    """GRPO after SFT on 2,048 traces: the SFT→GRPO policy of the chapters."""
    return then_grpo(size_arm(profile, seed, 2_048), log=f"sft_grpo_seed_{seed}")


def then_grpo(start: Arm, log: str = "") -> Arm:
    """Goes on from an arm of SFT with all verifiers."""
    return start.then(f"{start.name}, GRPO", Grpo(REWARD_ARMS["mixed"]), log=log)


def _base(profile: str) -> Arm:
    return Arm("base", profile)


STUDIES = {
    "sft_rates": Study("Which peak learning rate, and how many passes?", sft_rates, CHOICE, choice_rows, True, (0,)),
    "sft_sizes": Study("More traces, or more passes over few?", sft_sizes),
    "sft_content": Study("Does it matter what the traces hold?", sft_content),
    "grpo_arms": Study("What does each verifier add?", grpo_arms),
    "grpo_pass_at": Study("Does GRPO find answers that the base does not?", grpo_pass_at, MANY, pass_rows),
    "sft_then_grpo": Study("Does SFT help or harm GRPO after it?", sft_then_grpo),
}


def arms_of(name: str, profiles: Sequence[str], seeds: Sequence[int]) -> list[Arm]:
    """A study's arms in the order they are run, each once: all of the first seed, then all of the next.

    Raises:
        ValueError: no such study.
    """
    if name not in STUDIES:
        raise ValueError(f"unknown study {name!r}; expected one of {', '.join(STUDIES)}")
    make = STUDIES[name].arms
    return list(dict.fromkeys(arm for seed in seeds for profile in profiles for arm in make(profile, seed)))


def profiles_of(name: str, profile: str) -> list[str]:
    """The profiles that a study runs on: every mini VLM's, or the one asked for."""
    return list(MINI_VLMS) if STUDIES[name].every_size else [profile]
