"""Hours that a chapter would take on a T4: estimated from what it trains and asks, by the guesses of chapter 7.

    python -m vlaa_helpers.dev.notebooks.gpu_hours

Nothing here was measured on a GPU. Every batch is taken to write to its limit, which few do. What is sampled is counted
once, as `TOKEN` seconds a token; a step then reads it again, forwards, once more for checkpointing, and backwards.
Loading, downloads and what a CPU does are left out.
"""

import ast
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...policy.profiles import Profile, settings_of
from .files import ROOT, list_notebooks, parameter_values, parameters_cell, read_notebook

LANGUAGE, TOWER = 3.1e9, 0.67e9  # parameters
PROMPT, PATCHES, TRACE, COMPLETION = 160 + 334, 1336, 500, 250  # tokens, and patches of an image
RATE, TOWER_RATE = 0.25 * 65e12, 0.25 * 65e12 / 8  # operations a second; the tower computes in float32
TOKEN = 0.12  # seconds a token of all rows at once


@dataclass(frozen=True)
class Work:
    """What a chapter does with a GPU profile.

    Attributes:
        traces: that SFT trains on, each as often as it is.
        scored: traces whose log-probability alone is asked.
        steps: of GRPO with a reference; `plain_steps`: without one; `trl_steps`: with one, by TRL's own trainer, which
            reads a prompt and its image again for each completion.
        responses: how many to the profile's limit on tokens; `long_responses`: to twice that.
    """

    traces: int = 0
    scored: int = 0
    steps: int = 0
    plain_steps: int = 0
    trl_steps: int = 0
    responses: int = 0
    long_responses: int = 0


def hours(work: Work, profile: Profile) -> float:
    """Hours of a chapter's work."""
    image = 2 * TOWER * PATCHES / TOWER_RATE  # seconds, a pass
    token = 2 * LANGUAGE / RATE  # of one token, a pass
    group = PROMPT + profile.num_generations * COMPLETION  # what a pass reads of a prompt and its completions
    limit, at_once = profile.max_completion_length, profile.prompts_per_step * profile.num_generations
    seconds = work.traces * (image + 3 * token * (PROMPT + TRACE)) + work.scored * (image + token * (PROMPT + TRACE))
    for steps, reference in ((work.steps, 1), (work.plain_steps, 0)):
        products = (2 + reference) * image + token * (PROMPT + (3 + reference) * group)
        seconds += steps * (profile.prompts_per_step * products + limit * TOKEN)
    each = 3 * image + token * (PROMPT + 4 * (PROMPT + COMPLETION))  # of a completion, with a reference
    seconds += work.trl_steps * (at_once * each + limit * TOKEN)
    for responses, longest in ((work.responses, limit), (work.long_responses, 2 * limit)):
        seconds += math.ceil(responses / at_once) * longest * TOKEN + responses * (image + token * PROMPT)
    return seconds / 3600


def _start(given: Mapping[str, Any], profile: Profile) -> Work:
    test = len(given["SOURCES"]) * profile.test_per_source
    asked = 3 * test * (1 + given["SAMPLES"]) + profile.num_generations
    return Work(traces=given["SFT_STEPS"] * profile.sft_batch_size, plain_steps=given["GRPO_STEPS"], responses=asked)


def _dataset(given: Mapping[str, Any], profile: Profile) -> Work:
    return Work(scored=5 * given["HARDEST"])


def _sft(given: Mapping[str, Any], profile: Profile) -> Work:
    test = len(given["SOURCES"]) * profile.test_per_source
    stopped = 8 * (6 + 3 + 3)
    traces = given["SFT_RECORDS"] - test + 2 * given["SHORT_STEPS"] * profile.sft_batch_size + stopped
    return Work(traces=traces, long_responses=2 * test + 4 * min(150, test) + 32)


def _rewards(given: Mapping[str, Any], profile: Profile) -> Work:
    return Work(responses=(2 * given["PROMPTS"] + 8) * profile.num_generations)


def _twins(given: Mapping[str, Any], profile: Profile) -> Work:
    """The same steps by our trainer and by TRL's."""
    return Work(steps=given["TWIN_STEPS"], trl_steps=given["TWIN_STEPS"])


def _sick(given: Mapping[str, Any], profile: Profile) -> Work:
    return Work(steps=2 * given["SICK_STEPS"], responses=2 * 16 * profile.num_generations if given["SICK_STEPS"] else 0)


def _grpo(given: Mapping[str, Any], profile: Profile) -> Work:
    """The run and what is asked of it; sick runs and twins are `APART`."""
    test, groups = len(given["SOURCES"]) * profile.test_per_source, profile.num_generations
    watched = test // 4
    asked = 4 * given["TRIED"] + 64 * groups + 2 * (test - watched) + 5 * watched
    return Work(steps=given["GRPO_STEPS"], responses=asked)


def _pseudo(given: Mapping[str, Any], profile: Profile) -> Work:
    """Of one policy. A trace of twenty steps: as many forced answers, an eighth of a response each, two goings on to
    the limit; log-probabilities of as many answers come to a few responses more."""
    test = len(given["SOURCES"]) * profile.test_per_source
    probed = min(test, len(given["SOURCES"]) * given["PROBED_PER_SOURCE"])
    return Work(responses=3 * test + round(probed * (21 / 8 + 2)))


def _compare(given: Mapping[str, Any], profile: Profile) -> Work:
    """The live run; held-out questions are asked before it too."""
    watched = min(given["WATCHED"], len(given["SOURCES"]) * profile.test_per_source)
    return Work(steps=given["LIVE_STEPS"], responses=(given["LOOKS"] + 1) * watched)


def _prepare(given: Mapping[str, Any], profile: Profile) -> Work:
    """A writer, both of the pair and three kinds of DFT learn from as many traces. The writer scores them,
    each weighting looks at some. The base is asked, and each policy after SFT; those of the pair once more after RL.
    """
    from ...training.weight_registry import weighting_table

    number, test = given["SFT_RECORDS"], len(given["SOURCES"]) * profile.test_per_source
    looked_at = len(weighting_table()) * given["LOOKED_AT"]
    return Work(
        traces=(4 + len(given["PAIR"])) * number,
        scored=number + looked_at,
        plain_steps=len(given["PAIR"]) * given["RL_STEPS"],
        responses=(4 + 2 * len(given["PAIR"])) * test,
    )


WORK: dict[str, Callable[[Mapping[str, Any], Profile], Work]] = {
    "00_start_here": _start,
    "01_build_dataset": _dataset,
    "02_train_sft": _sft,
    "03_design_rewards": _rewards,
    "04_train_grpo": _grpo,
    "05_find_pseudo_reasoning": _pseudo,
    "06_compare_sft_and_rl": _compare,
    "08_prepare_for_rl": _prepare,
}


APART: dict[str, dict[str, Callable[[Mapping[str, Any], Profile], Work]]] = {
    "04_train_grpo": {"the two sick runs": _sick, "the comparison with TRL's own trainer": _twins},
}
"""What a chapter does beside its own work, which parameters leave out: by name."""


def hours_of(path: Path, profile: Profile) -> float:
    """Hours of a chapter's own work with the parameters that its notebook has."""
    return hours(WORK[path.stem](_given(path), profile), profile)


def hours_apart(path: Path, profile: Profile) -> dict[str, float]:
    """Hours of what a chapter does beside that (`APART`), by name."""
    given = _given(path)
    return {name: hours(work(given, profile), profile) for name, work in APART.get(path.stem, {}).items()}


def _given(path: Path) -> dict[str, Any]:
    found = parameter_values(parameters_cell(read_notebook(path)).source)
    return {name: ast.literal_eval(values[-1]) for name, values in found.items()}


if __name__ == "__main__":
    for path in list_notebooks(ROOT / "notebooks"):
        if path.stem in WORK:
            print(f"{path.stem:<26} {hours_of(path, settings_of('t4')):.1f} h on a T4, estimated")
            for name, more in hours_apart(path, settings_of("t4")).items():
                print(f"{'':<26} {more:.1f} h more: {name}")
