"""Measure the claims on the shipped outcomes of finished studies, into the package's table "claims": on each base.

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
from ...study.arms import Arm
from ...study.study_file import StudyFile, load_study
from .claims import CLAIMS, MIDDLE, STRONG, Claim, Term
from .outcomes import read_outcomes
from .tables import write_whole

if TYPE_CHECKING:
    import pandas as pd

PLANS = Path(__file__).parent / "plans"
SHIPPED = "shipped"
OTHER_BASES = {
    "another seed": {STRONG: "seed 1", MIDDLE: "seed 1, middle"},
    "less careful": {STRONG: "mixture"},
}
"""Bases of the plan `bases`: its profile in the place of each shipped one; where there is none, no claim is held."""


@cache
def _plan(name: str) -> StudyFile:
    return load_study(PLANS / f"{name}.yaml")


def effect_of(claim: Claim, tables: Path, base: str = SHIPPED, at_once: int = 1) -> dict[str, Any] | None:
    """The difference that a claim speaks of, with a 95% interval over questions and seeds; None while arms are missing.

    Args:
        tables: folder of the outcomes (`dev.studies.ship`).
        base: that the arms start from, `SHIPPED` or one of `OTHER_BASES`.
        at_once: how many claims are held: `low_all` and `high_all` are wide enough for all of them (Bonferroni).
    """
    parts = [_responses(term, claim, tables, base) for term in claim.terms]
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
    drawn = {"items": items, "seeds": seeds, "arms": arms}
    low, high = clustered_interval(value, np.concatenate(pulls), **drawn)
    low_all, high_all = clustered_interval(value, np.concatenate(pulls), **drawn, level=1 - 0.05 / at_once)
    about = {name: each for name, each in asdict(claim).items() if name != "terms"}
    about["sources"] = " ".join(claim.sources)
    shape = {"seeds": parts[0]["seed"].nunique(), "n": parts[0]["id"].nunique()}
    bounds = {"effect": value, "low": low, "high": high, "low_all": low_all, "high_all": high_all}
    return about | {"base": base} | {name: round(number, 4) for name, number in bounds.items()} | shape


def _is_measured(claim: Claim, tables: Path, base: str) -> bool:
    return all(_responses(term, claim, tables, base) is not None for term in claim.terms)


def _responses(term: Term, claim: Claim, tables: Path, base: str) -> "pd.DataFrame | None":
    """Every response of an arm, all seeds, with `seed`; None where one of its seeds is not in the tables."""
    told, arms = _arms(term, base)
    table = _outcomes(told.study.name, tables)
    asked = (table["set"] == claim.held) & (table["decoding"] == claim.decoding) & (table["images_shown"] == "true")
    names = {(arm.profile, arm.name) for arm in arms}
    if len(names) != 1:
        return None
    ((profile, name),) = names
    found = table[asked & (table["profile"] == profile) & (table["arm"] == name)]
    if set(found["seed"]) != {arm.seed for arm in arms}:
        return None
    return found[found["source"].isin(claim.sources)]


@cache
def _outcomes(study: str, tables: Path) -> "pd.DataFrame":
    table = read_outcomes(study, tables)
    return table.assign(false_claim=table["claims_true"] < 1)  # a response without claims says nothing false


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


def main(argv: list[str] | None = None) -> None:
    import pandas as pd

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", type=Path, default=TABLES, help="default: the package's")
    options = parser.parse_args(argv)
    bases = (SHIPPED, *OTHER_BASES)
    measured = {base: sum(_is_measured(claim, options.tables, base) for claim in CLAIMS) for base in bases}
    found = {
        (claim.claim, base): effect_of(claim, options.tables, base, max(1, measured[base]))
        for claim in CLAIMS
        for base in bases
    }
    table = pd.DataFrame([row for row in found.values() if row])
    write_whole(table, options.tables / "claims.csv")
    print(table[["claim", "base", "effect", "low", "high", "n", "seeds"]].to_string(index=False))
    print("bases:", ", ".join(base for base in bases if base in set(table["base"])))
    print(
        "not measured yet:",
        "; ".join(name for (name, base), row in found.items() if base == SHIPPED and not row) or "none",
    )


if __name__ == "__main__":
    main()
