"""What is shipped of the plans is of the plans as they are now, and every outcome has its row."""

import hashlib
import json
from dataclasses import replace

import pandas as pd
import pytest

from vlaa_helpers import reference_table, study_outcomes
from vlaa_helpers.core.assets import STUDIES
from vlaa_helpers.dev.studies.effects import PLANS
from vlaa_helpers.dev.studies.outcomes import outcomes_path
from vlaa_helpers.dev.studies.restore import MEASURED, there
from vlaa_helpers.dev.studies.tables import plan_table
from vlaa_helpers.study.arms import arm_digest
from vlaa_helpers.study.measures import measured_digest
from vlaa_helpers.study.study_file import load_study

SHIPPED = [path.stem for path in sorted(PLANS.glob("*.yaml")) if plan_table(path.stem, STUDIES).exists()]
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


DIGESTS = {
    "bases": "8a95abd52ab0bd989cbc9dbb39eca08a7806b7f9c7be6c88ab6e6952fb6c4fb6",
    "capacity": "0e7770fe0aff83cef30b42d5b556ca29dbc4f1bebb6550e7ac4145b1b3d458e6",
    "honest": "756f92c1157bbce23181d177e33a060752272d99ad326c2466a0ea7a31f32844",
    "images": "0258153bbfec7e59843f4a9d3f93505c0c26a0595e7d10915a8f0c97dbb764bc",
    "prepare": "93b6b51b268f8d1f804e7034e5ae42794ed3595125465b1293431012daecdd83",
    "rewards": "a76cdc50190af04ed2ed6333839ed0f958a4301a6d3b4facbc43e072200c6fd3",
    "sft_or_rl": "cd432262cecfc59744ed87ac5285c26fb764e3c524f4bef52a1386551b823787",
}
"""SHA-256 of the digests of a plan's policies and rows, for weights that are the word "weights"."""


@pytest.mark.parametrize("name", DIGESTS)
def test_digests_of_plans_that_were_run_stay(name, tmp_path):
    """What stages learn later must leave arms without it as they were: each would be trained again."""
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    told = load_study(PLANS / f"{name}.yaml")
    settings = {
        profile: (like, {**changes, "model": str(tmp_path)}) for profile, (like, changes) in told.profiles.items()
    }
    lab = replace(told, profiles=settings).lab(tmp_path)
    found = {
        f"{arm.profile}/{arm.name}/{arm.seed}": [arm_digest(arm, lab), measured_digest(arm, told.study.measures, lab)]
        for arm in told.study.arms
    }
    assert hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest() == DIGESTS[name]
