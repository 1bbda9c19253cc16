"""Measure the claims on the kept responses of finished studies, into the package's table "claims": on each base.

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
from .claims import CLAIMS, MIDDLE, STRONG, Claim, Term
from .tables import write_whole

if TYPE_CHECKING:
    import pandas as pd

PLANS = Path(__file__).parent / "plans"
SHIPPED = "shipped"
OTHER_BASES = {
    "another seed": {STRONG: "seed 1", MIDDLE: "seed 1, middle"},
    "another mixture": {STRONG: "mixture"},
}
"""Bases of the plan `bases`: its profile in the place of each shipped one; where there is none, no claim is held."""


@cache
def _plan(name: str) -> StudyFile:
    return load_study(PLANS / f"{name}.yaml")


def effect_of(claim: Claim, out: Path, base: str = SHIPPED) -> dict[str, Any] | None:
    """The difference that a claim speaks of, with a 95% interval over questions and seeds; None while arms are missing.

    Args:
        base: that the arms start from, `SHIPPED` or one of `OTHER_BASES`.
    """
    parts = [_responses(term, claim, out, base) for term in claim.terms]
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
    about["sources"] = " ".join(claim.sources)
    shape = {"seeds": parts[0]["seed"].nunique(), "n": parts[0]["id"].nunique()}
    return about | {"base": base, "effect": round(value, 4), "low": round(low, 4), "high": round(high, 4)} | shape


def _responses(term: Term, claim: Claim, out: Path, base: str) -> "pd.DataFrame | None":
    """Every response of an arm, all seeds, with `seed`; None where one of them was not asked yet."""
    import pandas as pd

    told, arms = _arms(term, base)
    measure = next(
        m for m in told.study.measures if (m.held, m.decoding, m.images) == (claim.held, claim.decoding, "true")
    )
    frames = [_frame(arm, measure, told.lab(out)) for arm in arms]
    if not frames or any(frame is None for frame in frames):
        return None
    whole = pd.concat([frame.assign(seed=arm.seed) for arm, frame in zip(arms, frames, strict=True)])
    return whole[whole["source"].isin(claim.sources)]


def _arms(term: Term, base: str) -> tuple[StudyFile, list[Arm]]:
    """The plan that has an arm on a base, and the arm of each seed; on other bases, those that are trained alike."""
    told = _plan(term.study)
    arms = [arm for arm in told.study.arms if (arm.profile, arm.name) == (term.profile, term.arm)]
    if base == SHIPPED:
        return told, arms
    others, alike = _plan("bases"), {_stages(arm) for arm in arms}
    profile = OTHER_BASES[base].get(term.profile)
    return others, [arm for arm in others.study.arms if arm.profile == profile and _stages(arm) in alike]


def _stages(arm: Arm) -> tuple:
    return tuple(each.stage for each in arm.way())


def _bases_there() -> list[str]:
    """The bases whose weights are on this machine."""
    like = _plan("bases").profiles
    return [SHIPPED] + [
        base
        for base, names in OTHER_BASES.items()
        if all(Path(like[name][1]["model"]).is_dir() for name in names.values())
    ]


def _frame(arm: Arm, measure: Measure, lab: Lab) -> "pd.DataFrame | None":
    folder = arm_folder(arm, lab) / measure.folder
    return _read(folder, measure) if folder.exists() else None


@cache
def _read(folder: Path, measure: Measure) -> "pd.DataFrame | None":
    frame, records = load_report(folder).to_frame(), _records(measure)
    if len(frame) < len(records) * measure.samples:
        return None
    told = with_texts(frame, records)
    return told.assign(false_claim=told["claims_true"] < 1)  # a response without claims says nothing false


@cache
def _records(measure: Measure) -> Any:
    return records_of(measure)


def main(argv: list[str] | None = None) -> None:
    import pandas as pd

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=Path, default=Path(OUT), help="default: %(default)s")
    parser.add_argument("--tables", type=Path, default=TABLES, help="default: the package's")
    options = parser.parse_args(argv)
    bases = _bases_there()
    found = {(claim.claim, base): effect_of(claim, options.runs, base) for claim in CLAIMS for base in bases}
    table = pd.DataFrame([row for row in found.values() if row])
    write_whole(table, options.tables / "claims.csv")
    print(table[["claim", "base", "effect", "low", "high", "n", "seeds"]].to_string(index=False))
    print("bases:", ", ".join(bases))
    print(
        "not measured yet:",
        "; ".join(name for (name, base), row in found.items() if base == SHIPPED and not row) or "none",
    )


if __name__ == "__main__":
    main()
