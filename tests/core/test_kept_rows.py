"""Kept rows come back whole, and what is missing is said with the call that goes on."""

import pytest

from vlaa_helpers.core.kept_rows import KeptRows, load_kept

WORK = {"what": "loaves", "made_by": "bake", "wanted": lambda settings: settings["loaves"]}


def test_whole_work_comes_back(tmp_path):
    kept = KeptRows(tmp_path, {"loaves": 2}, wanted=2, what="baking")
    kept.add([{"loaf": 1}])
    kept.add([{"loaf": "zwei"}])
    assert load_kept(tmp_path, **WORK) == (({"loaf": 1}, {"loaf": "zwei"}), {"loaves": 2})


def test_unfinished_work_and_none_are_told_apart(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no report in .*expected settings.json.* as bake\(out=…\) writes"):
        load_kept(tmp_path, **WORK)
    KeptRows(tmp_path, {"loaves": 2}, wanted=2, what="baking").add([{"loaf": 1}])
    with pytest.raises(ValueError, match=r"holds 1 of 2 loaves; the same bake\(…, out=…\) goes on from there"):
        load_kept(tmp_path, **WORK)
