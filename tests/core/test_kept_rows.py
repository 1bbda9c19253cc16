"""Kept rows come back whole, and what is missing is said with the call that goes on."""

import resource

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


def test_a_full_disk_costs_no_row_of_an_earlier_run(tmp_path):
    KeptRows(tmp_path, {"loaves": 9}, wanted=9, what="baking").add([{"loaf": "x" * 200}] * 2)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            KeptRows(tmp_path, {"loaves": 9}, wanted=9, what="baking")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert len(KeptRows(tmp_path, {"loaves": 9}, wanted=9, what="baking").rows) == 2


@pytest.mark.parametrize("line", ["{", "3", "[" * 100_000, "\udcff"])
def test_a_broken_line_is_named(tmp_path, line):
    KeptRows(tmp_path, {"loaves": 2}, wanted=2, what="baking").add([{"loaf": 1}])
    with (tmp_path / "responses.jsonl").open("a", encoding="utf-8", errors="surrogateescape") as file:
        file.write(line + "\n")
    with pytest.raises(ValueError, match=r"responses.jsonl line 2 is .*Delete it and what follows, and run the same"):
        load_kept(tmp_path, **WORK)


def test_broken_settings_are_named(tmp_path):
    (tmp_path / "settings.json").write_text("{")
    with pytest.raises(ValueError, match=r"settings.json is broken: .*delete its folder and run anew"):
        load_kept(tmp_path, **WORK)
    with pytest.raises(ValueError, match=r"settings.json is broken"):
        KeptRows(tmp_path, {"loaves": 2}, wanted=2, what="baking")


def test_half_a_surrogate_pair_becomes_a_question_mark_and_a_whole_one_stays(tmp_path):
    KeptRows(tmp_path, {"loaves": 1}, wanted=1, what="baking")
    (tmp_path / "responses.jsonl").write_text('{"loaf": "\\ud800 \\ud83d\\ude80 é"}\n')
    assert load_kept(tmp_path, **WORK)[0] == ({"loaf": "? 🚀 é"},)


def test_settings_without_rows_do_not_stop_others(tmp_path):
    """As where a first call ended before it had asked anything."""
    KeptRows(tmp_path, {"temperature": -1}, wanted=2, what="evaluation")
    kept = KeptRows(tmp_path, {"temperature": 1}, wanted=2, what="evaluation")
    kept.add([{"id": "a"}])
    with pytest.raises(ValueError, match="its temperature differ"):
        KeptRows(tmp_path, {"temperature": 2}, wanted=2, what="evaluation")
