"""The ids that a run trained on: kept in its note, compared when it is resumed, read from beside its adapter."""

import pandas as pd
import pytest

from vlaa_helpers import get_profile, make_scenes, trained_ids
from vlaa_helpers.core.run_note import note_run

RECIPE = pd.DataFrame({"value": [1], "source": ["ours"]}, index=["batch_size"])


def write(folder, records, **options):
    options = {"method": "SFT", "profile": get_profile("mini"), "recipe": RECIPE, "given": {}, "seed": 0} | options
    note_run(folder, records=records, **options)


def test_a_note_names_what_was_trained_on(tmp_path):
    records = make_scenes(6)
    write(tmp_path, records)
    assert trained_ids(tmp_path / "adapter") == trained_ids(tmp_path) == set(records["id"])


def test_an_adapter_without_a_note_is_warned_of(tmp_path, caplog):
    assert trained_ids(tmp_path / "adapter") == set()
    assert "no training.json names what" in caplog.text


def test_a_run_is_not_resumed_over_other_records(tmp_path):
    records = make_scenes(6)
    write(tmp_path, records)
    write(tmp_path, records, resumed=True)
    for others in (make_scenes(6, seed=1), records.select([1, 0, 2, 3, 4, 5])):
        with pytest.raises(ValueError, match="trained on 6 records, and these 6 are others, or in another order"):
            write(tmp_path, others, resumed=True)
    write(tmp_path, make_scenes(6, seed=1))  # from the beginning
