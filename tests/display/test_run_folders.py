"""Folders read as runs: their names and colours, where a log is found, and what is no run."""

import json
import math

import pytest
from run_folders import write_log, write_run

from vlaa_helpers.display.plots import ARM_COLOURS
from vlaa_helpers.display.run_folders import Known, check_log, measure_run, read_runs
from vlaa_helpers.evaluation.eval_report import load_report
from vlaa_helpers.mini_world.scenes import scene_records

RECORDS = list(scene_records(6, seed=3, split="test"))
SAID = [f"<think>I see it.</think><answer>{record['gt']}</answer>" for record in RECORDS]


def evaluated(folder, **options):
    return write_run(folder, RECORDS, SAID, **options)


def test_runs_are_named_by_what_tells_their_paths_apart(tmp_path):
    a, b = evaluated(tmp_path / "x" / "test"), evaluated(tmp_path / "y" / "test")
    c = evaluated(tmp_path / "y" / "shifted")
    assert [run.name for run in read_runs([a, b])] == ["x", "y"]
    assert [run.name for run in read_runs([b, c])] == ["test", "shifted"]
    assert [run.name for run in read_runs([a, b, c])] == ["x/test", "y/test", "y/shifted"]
    assert [run.name for run in read_runs(a)] == ["test"]
    assert [run.name for run in read_runs({"before": a, "after": b})] == ["before", "after"]


def test_arms_keep_their_colour_and_others_take_what_is_left(tmp_path):
    folders = {name: evaluated(tmp_path / name) for name in ("mine", "GRPO", "base", "yours")}
    colours = {run.name: run.colour for run in read_runs(folders)}
    assert colours["GRPO"] == ARM_COLOURS["GRPO"] and colours["base"] == ARM_COLOURS["base"]
    assert len(set(colours.values())) == 4


def test_a_log_is_found_in_a_run_or_right_above_it(tmp_path):
    training = write_log(tmp_path / "sft", [{"step": 1, "loss": 2.0}])
    inside, apart = evaluated(training / "test"), evaluated(tmp_path / "base")
    runs = read_runs([training, inside, apart])
    assert [run.report is not None for run in runs] == [False, True, True]
    assert [len(run.log) for run in runs] == [1, 1, 0] and runs[0].log_path.resolve() == runs[1].log_path.resolve()


def test_what_is_no_run_is_told(tmp_path):
    folder = evaluated(tmp_path / "a")
    (tmp_path / "empty").mkdir()
    for missing in ("empty", "nowhere"):
        with pytest.raises(FileNotFoundError, match=rf"{missing}: no run; expected settings.json .* log.csv .* holds "):
            read_runs([folder, tmp_path / missing])
    with pytest.raises(ValueError, match="a is given twice"):
        read_runs([folder, folder])
    with pytest.raises(ValueError, match="no runs; give at least one folder"):
        read_runs([])
    lines = (folder / "responses.jsonl").read_text().splitlines(keepends=True)
    (folder / "responses.jsonl").write_text("".join(lines[:2]))
    with pytest.raises(ValueError, match="holds 2 of 6 responses"):
        read_runs([folder])


def test_mini_world_scenes_are_known_from_their_ids(tmp_path):
    known = Known(None)
    rows = load_report(evaluated(tmp_path / "a")).rows
    assert [record["meta"] for record in known.facts(rows)] == [record["meta"] for record in RECORDS]
    assert known.record(rows[0])["image"]["bytes"] == RECORDS[0]["image"]["bytes"]
    assert known.facts([{**rows[0], "gt": "another"}, *rows[1:]]) is None  # same id, not the same record
    assert known.facts([{**rows[0], "id": "clevr-1"}]) is None


def test_a_response_without_a_trace_has_no_score(tmp_path):
    report = load_report(write_run(tmp_path / "a", RECORDS, ["<answer>3</answer>", *SAID[1:]]))
    table = measure_run(report, Known(None))
    assert math.isnan(table["pseudo"][0]) and table["pseudo"][1:].between(0, 1).all() and "claims" in table
    assert table["correct"].tolist() == [row["correct"] for row in report.rows]


def test_a_run_knows_how_much_of_it_is_garbled(tmp_path):
    training = write_log(tmp_path / "sft", [{"step": 1, "garbled": 0.5}])
    junk = write_run(training / "test", RECORDS, ["<think>\x06</think><answer>3</answer>", *SAID[1:]])
    apart, run = read_runs([training, junk])
    assert (apart.garbled, run.garbled) == (0.5, 1 / 6)
    assert measure_run(run.report, Known(None))["garbled"].tolist() == [True] + [False] * 5


def test_a_run_without_a_column_is_named(tmp_path):
    folder = evaluated(tmp_path / "a")
    lines = (folder / "responses.jsonl").read_text().splitlines(keepends=True)
    (folder / "responses.jsonl").write_text("".join([*lines[:1], '{"id": "b", "value": 1}\n', *lines[2:]]))
    with pytest.raises(ValueError, match=r"a/responses.jsonl line 2 has no source, question, .*expected what `vlaa ev"):
        read_runs([folder])
    (folder / "settings.json").write_text('{"records": 6}')
    with pytest.raises(ValueError, match=r"a/settings.json has no 'samples'; expected what `vlaa evaluate` writes"):
        read_runs([folder])


@pytest.mark.parametrize(
    ("column", "value"),
    [("id", 7), ("source", ["s"]), ("question", None), ("response", None), ("response", 1), ("correct", "yes"),
     ("truncated", None), ("value", "x"), ("tokens", {})],
)  # fmt: skip
def test_a_column_of_another_kind_is_named(tmp_path, column, value):
    folder = evaluated(tmp_path / "a")
    rows = [json.loads(line) for line in (folder / "responses.jsonl").open()]
    rows[1][column] = value
    (folder / "responses.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(ValueError, match="expected what `vlaa evaluate` writes") as error:
        read_runs([folder])
    assert column in ("id", "response") or f"a/responses.jsonl line 2: {column} is {value!r}" in str(error.value)


@pytest.mark.parametrize("samples", [0, -1, "x", None, 1.5])
def test_settings_of_another_kind_are_told(tmp_path, samples):
    folder = evaluated(tmp_path / "a")
    settings = json.loads((folder / "settings.json").read_text()) | {"samples": samples}
    (folder / "settings.json").write_text(json.dumps(settings))
    with pytest.raises(ValueError, match=r"settings\.json( or|: samples is .*expected 1)|holds 6 of 9.0"):
        read_runs([folder])


def test_a_log_with_other_separators_is_said(tmp_path):
    (tmp_path / "log.csv").write_text("step;loss\n1;2.0\n")
    with pytest.raises(ValueError, match=r"log.csv has no column step; it begins 'step;loss'. .* with commas"):
        read_runs([tmp_path])


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"step": 1, "loss": "1e308"}, "line 3: loss is '1e308', not a number that can be drawn"),
        ({"step": "inf", "loss": 1}, "line 3: step is 'inf', not a number that can be drawn"),
        ({"step": 1, "loss": "x"}, "line 3: loss is 'x', not"),
    ],
)
def test_numbers_that_no_axis_shows_are_said(tmp_path, row, words):
    (run,) = read_runs([write_log(tmp_path, [{"step": 1, "loss": "nan"}, row])])
    with pytest.raises(ValueError, match=words):
        check_log(run, ["step", "loss"])


def test_a_loss_that_ran_away_may_be_drawn(tmp_path):
    (run,) = read_runs([write_log(tmp_path, [{"step": 1, "loss": "nan"}, {"step": 2, "loss": "inf"}])])
    check_log(run, ["step", "loss", "reward"])
