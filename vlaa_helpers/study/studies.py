"""`run_study` and `plan_study`: a study's file in, a table out."""

import logging
import shlex
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..pipeline.ray_engine import spread
from .arms import Arm, Lab
from .ledger import RowFiles, Study
from .runner import plan, run_arms, words
from .study_file import load_study

if TYPE_CHECKING:
    import pandas as pd

logger = logging.getLogger(__name__)

OUT = "runs/studies"
ENGINES = ("local", "ray")
ROWS = RowFiles()


def run_study(
    source: "str | Path | Mapping[str, Any]",
    *,
    out: str | Path = OUT,
    arms: Sequence[str] | None = None,
    profiles: Sequence[str] | None = None,
    seeds: Sequence[int] | None = None,
    engine: str = "local",
) -> "pd.DataFrame":
    """Train and measure the arms of a study that are not done yet, and give its table.

    Interrupted or killed, the same call goes on: an arm that is done is never run again, unless what it depends on has
    changed. Several processes, or machines that share `out`, may run the same study: each takes what no other has in
    hand. docs/studies.md describes the file, what makes an arm, and the table.

    Args:
        source: a YAML file, or the same as a dictionary (paths in it start from the working directory).
        out: folder of policies, responses and tables (`NAME.csv`, `NAME.parquet`).
        arms, profiles, seeds: run these alone; the table still has all that are done.
        engine: "local", one arm after the other, or "ray" to spread them over Ray's workers; on several machines `out`
            has to lie where all see it.

    Returns:
        A row an arm, set, decoding and source, in the order of the file.

    Raises:
        FileNotFoundError: no such file, or a base without weights.
        ValueError: something is wrong with the file (`load_study`), an arm, profile or seed that it does not have, an
            unknown engine, or training data that a measure asks about.
    """
    if engine not in ENGINES:
        raise ValueError(f"unknown engine {engine!r}; expected one of {', '.join(ENGINES)}")
    told = load_study(source)
    study, lab = told.study, told.lab(Path(out))
    chosen = choose(study, arms, profiles, seeds)
    if engine == "ray":
        _spread(study, lab, [arm for arm in chosen if not ROWS.has(study, arm, lab)])
    else:
        run_arms(study, lab, ROWS, chosen)
    return ROWS.table(study, lab)


def plan_study(
    source: "str | Path | Mapping[str, Any]",
    *,
    out: str | Path = OUT,
    arms: Sequence[str] | None = None,
    profiles: Sequence[str] | None = None,
    seeds: Sequence[int] | None = None,
) -> "pd.DataFrame":
    """What `run_study` would do: a row an arm, whether it is `done`, its `steps`, and the processor `minutes` to come.

    Minutes are NaN where nothing is known yet: on a GPU, before a first arm is done.

    Raises:
        FileNotFoundError, ValueError: as `run_study`.
    """
    told = load_study(source)
    return plan(told.study, told.lab(Path(out)), ROWS, choose(told.study, arms, profiles, seeds))


def choose(
    study: Study,
    arms: Sequence[str] | None = None,
    profiles: Sequence[str] | None = None,
    seeds: Sequence[int] | None = None,
) -> list[Arm]:
    """The arms of a study that have these names, profiles and seeds; None takes all.

    Raises:
        ValueError: a name, profile or seed that no arm has.
    """
    chosen = list(study.arms)
    for what, wanted in (("name", arms), ("profile", profiles), ("seed", seeds)):
        known = dict.fromkeys(getattr(arm, what) for arm in study.arms)
        if unknown := [each for each in wanted or () if each not in known]:
            word = "arm" if what == "name" else what
            raise ValueError(f"{study.name} has no {word} {unknown[0]!r}; expected any of {', '.join(map(str, known))}")
        if wanted is not None:
            chosen = [arm for arm in chosen if getattr(arm, what) in wanted]
    return chosen


def commands(arms: Sequence[Arm], file: str, out: str) -> list[str]:
    """A command an arm, each of which runs alone, in any order, on any machine that shares the folder."""
    start = ["vlaa", "study", file, *(() if out == OUT else ("--out", out))]
    return [
        shlex.join([*start, "--arms", arm.name, "--profiles", arm.profile, "--seeds", str(arm.seed)]) for arm in arms
    ]


def _spread(study: Study, lab: Lab, todo: list[Arm]) -> None:
    for k, name in enumerate(spread(partial(_one, study, lab, todo), len(todo), stops=(ValueError, OSError))):
        logger.info(f"{study.name}: {k + 1} of {len(todo)} arms to come are done; {name}")


def _one(study: Study, lab: Lab, todo: list[Arm], number: int) -> str:
    run_arms(study, lab, ROWS, [todo[number]])
    return words(todo[number])
