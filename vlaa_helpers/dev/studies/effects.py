"""Measure the claims on the kept responses of finished studies, into the package's table "claims".

python -m vlaa_helpers.dev.studies.effects
"""

import argparse
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...core.assets import STUDIES as TABLES
from ...core.statistics import clustered_interval
from ...evaluation.eval_report import load_report
from ...study.arms import Arm, Lab
from ...study.measures import Measure, records_of, with_texts
from ...study.studies import OUT
from ...study.study_file import StudyFile, load_study
from ...study.training import arm_folder
from .claims import CLAIMS, Claim, Term
from .tables import write_whole

if TYPE_CHECKING:
    import pandas as pd

PLANS = Path(__file__).parent / "plans"


@cache
def _plan(name: str) -> StudyFile:
    return load_study(PLANS / f"{name}.yaml")


def effect_of(claim: Claim, out: Path, base: str) -> dict[str, Any] | None:
    """The difference that a claim speaks of, with a 95% interval over questions and seeds; None while arms are missing.

    Args:
        base: name of the bases that the arms start from, for the table.
    """
    parts = [_responses(term, claim, out) for term in claim.terms]
    if any(part is None for part in parts):
        return None
    value, pulls, items, seeds, arms = 0.0, [], [], [], []
    for term, part in zip(claim.terms, parts, strict=True):
        told = part.dropna(subset=[claim.value])
        kept = told[claim.value].to_numpy(dtype=float)
        value += term.sign * kept.mean()
        pulls.append(term.sign * (kept - kept.mean()) / len(kept))
        items += list(told["id"])
        seeds += list(told["seed"])
        arms += [f"{term.profile} {term.arm}"] * len(told)
    low, high = clustered_interval(value, np.concatenate(pulls), items=items, seeds=seeds, arms=arms)
    about = {name: each for name, each in asdict(claim).items() if name != "terms"}
    shape = {"seeds": parts[0]["seed"].nunique(), "n": parts[0]["id"].nunique()}
    return about | {"base": base, "effect": round(value, 4), "low": round(low, 4), "high": round(high, 4)} | shape


def _responses(term: Term, claim: Claim, out: Path) -> "pd.DataFrame | None":
    """Every response of an arm, all seeds, with `seed`; None where one of them was not asked yet."""
    import pandas as pd

    told = _plan(term.study)
    arms = [arm for arm in told.study.arms if (arm.profile, arm.name) == (term.profile, term.arm)]
    measure = next(
        m for m in told.study.measures if (m.held, m.decoding, m.images) == (claim.held, claim.decoding, "true")
    )
    frames = [_frame(arm, measure, told.lab(out)) for arm in arms]
    if not frames or any(frame is None for frame in frames):
        return None
    whole = pd.concat([frame.assign(seed=arm.seed) for arm, frame in zip(arms, frames, strict=True)])
    return whole if claim.source == "all" else whole[whole["source"] == claim.source]


def _frame(arm: Arm, measure: Measure, lab: Lab) -> "pd.DataFrame | None":
    folder = arm_folder(arm, lab) / measure.folder
    return _read(folder, measure) if folder.exists() else None


@cache
def _read(folder: Path, measure: Measure) -> "pd.DataFrame | None":
    frame, records = load_report(folder).to_frame(), _records(measure)
    return with_texts(frame, records) if len(frame) == len(records) * measure.samples else None


@cache
def _records(measure: Measure) -> Any:
    return records_of(measure)


def main(argv: list[str] | None = None) -> None:
    import pandas as pd

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=Path, default=Path(OUT), help="default: %(default)s")
    parser.add_argument("--tables", type=Path, default=TABLES, help="default: the package's")
    options = parser.parse_args(argv)
    found = {claim.claim: effect_of(claim, options.runs, "shipped") for claim in CLAIMS}
    table = pd.DataFrame([row for row in found.values() if row])
    write_whole(table, options.tables / "claims.csv")
    print(table[["claim", "effect", "low", "high", "n", "seeds"]].to_string(index=False))
    print("not measured yet:", "; ".join(name for name, row in found.items() if row is None) or "none")


if __name__ == "__main__":
    main()
