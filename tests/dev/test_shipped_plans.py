"""What is shipped of the plans is of the plans as they are now, and every outcome has its row."""

import pandas as pd
import pytest

from vlaa_helpers import reference_table, study_outcomes
from vlaa_helpers.core.assets import STUDIES
from vlaa_helpers.dev.studies.effects import PLANS
from vlaa_helpers.dev.studies.outcomes import outcomes_path
from vlaa_helpers.dev.studies.restore import MEASURED, there
from vlaa_helpers.study.arms import arm_digest
from vlaa_helpers.study.measures import measured_digest
from vlaa_helpers.study.study_file import load_study

SHIPPED = [path.stem for path in sorted(PLANS.glob("*.yaml")) if (STUDIES / f"{path.stem}.csv").exists()]
LIMIT = 6_000_000
"""Bytes of all tables, logs and responses of studies."""


@pytest.mark.parametrize("name", [name for name in SHIPPED if name in there()])
def test_no_row_is_stale(name, tmp_path):
    told = load_study(PLANS / f"{name}.yaml")
    lab = told.lab(tmp_path)
    arms = {(arm.profile, arm.name, arm.seed): arm for arm in told.study.arms}
    table = reference_table(name).drop_duplicates(["profile", "arm", "seed"])
    for row in table.to_dict("records"):
        arm = arms[row["profile"], row["arm"], row["seed"]]
        assert row[MEASURED] == measured_digest(arm, told.study.measures, lab), arm
        assert row["policy"] == arm_digest(arm, lab), arm


@pytest.mark.parametrize("name", [name for name in SHIPPED if outcomes_path(name, STUDIES).exists()])
def test_outcomes_give_the_accuracy_of_the_table(name):
    table = reference_table(name)
    table = table[table["source"] == "all"].assign(
        images_shown=lambda rows: rows["images_shown"].astype(str).str.lower()
    )
    keys = ["profile", "arm", "seed", "policy", "set", "decoding", "images_shown"]
    outcomes = study_outcomes(name)
    found = outcomes.astype({key: str for key in keys if key != "seed"}).groupby(keys)["correct"].mean()
    printed = table.set_index(keys)["accuracy"].reindex(found.index)
    pd.testing.assert_series_equal(found, printed, check_names=False, check_dtype=False, atol=1e-4)


def test_what_is_shipped_is_small():
    assert sum(path.stat().st_size for path in STUDIES.iterdir()) < LIMIT
