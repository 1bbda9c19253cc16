"""The benchmark in processes: rounds in turns, ratios of a round, and what a failing arm says."""

import json

import pytest

from vlaa_helpers.dev.benchmarks import apart


def test_rounds_take_turns_and_ratios_are_of_a_round(monkeypatch):
    asked, takes = [], {"ours": iter((1.0, 3.0)), "trl": iter((4.0, 6.0))}

    def run(what, name, threads, steps):
        asked.append((what, name, threads, steps))
        return {"median_step_s": next(takes[name]), "machine": {"cores": 2}}

    monkeypatch.setattr(apart, "_in_a_process", run)
    found = apart.compare_apart("grpo", threads=2, rounds=2, steps=8)
    assert [name for _, name, *_ in asked] == ["ours", "trl", "trl", "ours"]
    assert asked[0] == ("grpo", "ours", 2, 8) and found["machine"] == {"cores": 2}
    assert found["median_step_s"] == {"ours": [1.0, 3.0], "trl": [4.0, 6.0]} and found["ratio"] == 0.375
    assert found["ratio_interval_95"] == [0.25, 0.5]


def test_an_arm_trains_in_a_process_with_its_threads(monkeypatch, tmp_path):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    arm = apart._in_a_process("sft", "ours", 2, 1)
    assert arm["machine"]["threads"] == 2 and len(arm["step_s"]) == 2 and arm["median_step_s"] > 0


def test_an_arm_that_fails_stops_the_rounds(monkeypatch, capfd):
    """Its process ends with an error before it trains: that is soon seen."""
    monkeypatch.setattr(apart.__spec__, "name", "vlaa_helpers.no_such_module")
    monkeypatch.setattr("sys.argv", ["apart", "grpo", "--rounds", "1"])
    with pytest.raises(RuntimeError, match="ended with 1; what it said stands above"):
        apart.main()
    assert "No module named vlaa_helpers.no_such_module" in capfd.readouterr().err


def test_the_command_writes_what_it_prints(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(apart, "measure_here", lambda what, name, steps: {"median_step_s": 0.5, "arm": name})
    out = tmp_path / "new" / "apart.json"
    monkeypatch.setattr("sys.argv", ["apart", "sft", "--only", "trl", "--out", str(out)])
    apart.main()
    assert json.loads(out.read_text()) == json.loads(capsys.readouterr().out)
    assert json.loads(out.read_text())["arm"] == "trl"
