"""Go on with studies on another machine: the rows of arms that the package holds, back into the run folder.

python -m vlaa_helpers.dev.studies.restore

`vlaa study` then runs the other arms alone: those that are not shipped, and those that are shipped without outcomes. An
arm that starts from a restored one trains that one again.
"""

import argparse
import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

from ...core.assets import STUDIES as TABLES
from ...study.arms import Lab, has_base
from ...study.ledger import COSTS, RowFiles, Study, settings_of
from ...study.measures import measured_digest
from ...study.studies import OUT
from ...study.study_file import load_study
from .effects import PLANS
from .outcomes import read_outcomes
from .tables import plan_table

ROWS = RowFiles()
SECONDS = {"asking_seconds": "asking_seconds", "training_seconds": "own_seconds"}
"""Columns of a shipped table that say what an arm itself took: name in its row file."""
MEASURED = "measured"
"""Column of a shipped table: the digest of all that an arm's rows depend on."""


def there() -> list[str]:
    """The plans whose bases have their weights on this machine."""
    plans = {path.stem: load_study(path).lab(Path(OUT)) for path in sorted(PLANS.glob("*.yaml"))}
    return [
        name for name, lab in plans.items() if all(Path(profile.model).is_dir() for profile in lab.profiles.values())
    ]


def restore(study: Study, lab: Lab, table: Path, policies: Collection[str] | None = None) -> int:
    """Write the row files of those arms of a shipped table that are as the study has them now.

    Args:
        policies: digests of the policies that are wanted; all without it.

    Returns:
        How many were written; arms that the run folder has are left as they are.
    """
    import pandas as pd

    shipped = pd.read_csv(table, dtype={"images_shown": str}) if table.exists() else pd.DataFrame()
    if MEASURED not in shipped:
        return 0
    written = 0
    settings = {name for arm in study.arms for name in settings_of(arm, lab)} | {"policy", *COSTS, *SECONDS, MEASURED}
    for arm in filter(lambda each: has_base(each, lab), study.arms):
        digest = measured_digest(arm, study.measures, lab)
        found = shipped[shipped[MEASURED] == digest]
        if not len(found) or ROWS.has(study, arm, lab):
            continue
        if policies is not None and found["policy"].iloc[0] not in policies:
            continue
        first = found.iloc[0]
        rows = found.drop(columns=[name for name in found if name in settings])
        whole: dict[str, Any] = {"rows": json.loads(rows.to_json(orient="records", double_precision=15))}
        whole |= {"costs": {name: float(first[name]) for name in COSTS}}
        whole |= {name: float(first[column]) for column, name in SECONDS.items()}
        path = lab.runs / "rows" / f"{digest}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(whole))
        written += 1
    return written


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("studies", nargs="*", help="default: all whose bases are there")
    parser.add_argument("--runs", type=Path, default=Path(OUT), help="default: %(default)s")
    parser.add_argument("--tables", type=Path, default=TABLES, help="default: the package's")
    options = parser.parse_args(argv)
    for plan in sorted(PLANS.glob("*.yaml")):
        if plan.stem in (options.studies or there()):
            told = load_study(plan)
            policies = set(read_outcomes(plan.stem, options.tables)["policy"])
            written = restore(told.study, told.lab(options.runs), plan_table(plan.stem, options.tables), policies)
            print(f"{plan.stem}: {written} arms of {len(told.study.arms)} restored")


if __name__ == "__main__":
    main()
