"""A model with random weights through all stages on a CPU, at the true width; and the command around them."""

import copy
import json
from subprocess import CompletedProcess

import pytest

from vlaa_helpers.dev.benchmarks import true_size, true_size_stages
from vlaa_helpers.dev.benchmarks.true_size import run_stages, table
from vlaa_helpers.dev.benchmarks.true_size_stages import STAGES, STEPS, compare, run_stage


@pytest.fixture(scope="module")
def stages(tmp_path_factory):
    """What every stage found, of a model of true width with two layers of each kind."""
    folder = tmp_path_factory.mktemp("true_size")
    return {name: run_stage(name, folder, quick=True) for name in STAGES}


def test_a_model_of_true_width_goes_through_all_stages(stages):
    assert stages["build"]["parameters"] > 200e6 and stages["load"]["layers_in_4_bits"] == 2 * 7
    assert len(stages["sft"]["loss"]) == len(stages["grpo_trl"]["grad_norm"]) == STEPS
    assert stages["sft"]["loss"][1] < stages["sft"]["loss"][0]  # it learns
    assert [len(ids) for ids in stages["grpo"]["completions"]] == [8, 8]
    assert abs(stages["grpo"]["loss"][1]) > 1e-3  # the second step looks back at older rollouts
    assert stages["merge"]["adapter_vs_base"]["mean"] > 2 * stages["merge"]["adapter_vs_merged"]["mean"]
    assert stages["merge"]["merged_vs_reloaded"]["largest"] == 0 < stages["merge"]["merged_vs_4bit"]["largest"]
    assert all(stage["seconds"] > 0 and 0.3 < stage["peak_gib"] < 3 for stage in stages.values())


def test_ours_and_trls_do_the_same(stages):
    rows = {row["what"]: row for row in compare(stages)}
    assert len(rows) == 7
    assert all(row["holds"] for what, row in rows.items() if "memory" not in what), rows
    # in one process with other tests, memory that was freed before is used again
    assert all(0 < stages[name]["predicted_gib"] < 2 * stages[name]["measured_gib"] for name in ("sft", "grpo"))


@pytest.mark.parametrize(
    ("stage", "key", "value", "fails"),
    [
        ("sft", "loss", [9.0, 8.0], "sft: largest difference of a loss from TRL's"),
        ("grpo_trl", "grad_norm", [0.1, 0.2], "grpo: of a gradient's norm, as a share"),
        ("grpo", "predicted_gib", 9.0, "grpo: predicted memory is off, as a share"),
        ("grpo_trl", "completions", [[1, 2], [3, 9]], "grpo: completions that are not TRL's"),
    ],
)
def test_what_differs_does_not_hold(stage, key, value, fails):
    run = {"loss": [7.0, 6.0], "grad_norm": [0.3, 0.2], "predicted_gib": 2.0, "measured_gib": 2.1}
    good = {name: copy.deepcopy(run) for name in ("sft", "sft_trl", "grpo", "grpo_trl")}
    for name in ("grpo", "grpo_trl"):
        good[name]["completions"] = [[1, 2], [3, 4]]
    assert all(row["holds"] for row in compare(good))
    good[stage][key] = value
    assert [row["what"] for row in compare(good) if not row["holds"]] == [fails]


def test_numbers_that_are_not_finite_end_a_stage(monkeypatch):
    from types import SimpleNamespace

    trainer = SimpleNamespace(state=SimpleNamespace(log_history=[{"loss": float("nan"), "grad_norm": 1.0}]))
    monkeypatch.setattr(
        true_size, "load_policy", lambda profile: (SimpleNamespace(parameters=list, modules=list), None)
    )
    with pytest.raises(ValueError, match="not finite: loss in .*expected finite numbers in every step"):
        true_size_stages._trained(lambda model, processor: trainer, None)


def test_the_command_goes_on_where_it_stopped(tmp_path, monkeypatch, capsys):
    asked, fails = [], {"grpo"}
    found = {"seconds": 1.5, "peak_gib": 2.25, "loss": [7.5, 7.25], "grad_norm": [1.0, 1.0], "completions": [[1]]}
    found |= {"measured_gib": 2.0, "predicted_gib": 2.1}

    def run(command, stdout, text, env):
        name = command[-1]
        asked.append((name, "--quick" in command, env["MALLOC_MMAP_THRESHOLD_"]))
        return CompletedProcess(command, 9 if name in fails else 0, stdout=json.dumps(found))

    monkeypatch.setattr(true_size.subprocess, "run", run)
    with pytest.raises(RuntimeError, match="the stage grpo failed with exit status 9 .* goes on from there"):
        run_stages(tmp_path / "new", quick=True)
    assert list(json.loads((tmp_path / "new" / "found.json").read_text())["stages"]) == list(STAGES)[:4]
    fails.clear()
    whole = run_stages(tmp_path / "new", quick=True)
    assert [name for name, *_ in asked] == [*list(STAGES)[:5], *list(STAGES)[4:]]
    assert {(quick, threshold) for _, quick, threshold in asked} == {(True, "65536")}
    assert json.loads((tmp_path / "new" / "found.json").read_text()) == whole
    with pytest.raises(ValueError, match="is of a run with --quick; give another --folder"):
        run_stages(tmp_path / "new", quick=False)
    lines = table(whole).splitlines()
    assert len(lines) == 1 + len(STAGES) + 7 and lines[3].split() == "sft 1.5 2.25 2.00 2.10 7.500000 7.250000".split()
    assert lines[-1].startswith("ok  grpo: completions that are not TRL's: 0")


@pytest.mark.parametrize(("holds", "status"), [(True, 0), (False, 1)])
def test_the_exit_status_says_whether_all_holds(holds, status, tmp_path, monkeypatch, capsys):
    check = {"what": "sft: loss", "value": 0.5, "limit": 0.1, "holds": holds}
    monkeypatch.setattr(true_size, "run_stages", lambda folder, quick: {"stages": {}, "checks": [check]})
    monkeypatch.setattr("sys.argv", ["true_size", "--folder", str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        true_size.main()
    assert ended.value.code == status
    assert capsys.readouterr().out.splitlines()[-1] == f"{'ok ' if holds else 'NOT'} sft: loss: 0.5 (limit 0.1)"
