"""A model with random weights through all stages on a CPU, at the true width; and the command around them."""

import copy
import json
import runpy
import sys
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from quantised import quantised_once

from vlaa_helpers import reference_benchmark
from vlaa_helpers.dev.benchmarks import true_size, true_size_stages
from vlaa_helpers.dev.benchmarks.harness import cpu_model
from vlaa_helpers.dev.benchmarks.true_size import run_stages, table
from vlaa_helpers.dev.benchmarks.true_size_stages import STAGES, STEPS, compare, run_stage


class Stages(dict):
    """What each stage found, of a model of true width with two layers of each kind; run when it is first asked for."""

    def __init__(self, folder):
        self.folder = folder
        self.held_gib = true_size_stages._status("VmRSS") / 2**30  # by a process that may have run many tests

    def __missing__(self, name):
        for earlier in list(STAGES)[: list(STAGES).index(name)]:
            _ = self[earlier]
        self[name] = run_stage(name, self.folder, quick=True)
        return self[name]


@pytest.fixture(scope="module")
def stages(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patched, quantised_once():
        patched.setitem(true_size_stages.PROFILE, "max_pixels", 224**2)  # what is compared does not depend on it
        yield Stages(tmp_path_factory.mktemp("true_size"))


def test_it_is_written_and_loaded_in_4_bits(stages):
    assert stages["build"]["parameters"] > 200e6 and stages["load"]["layers_in_4_bits"] == 2 * 7


def test_two_steps_of_sft_lower_the_loss(stages):
    assert len(stages["sft"]["loss"]) == STEPS and stages["sft"]["loss"][1] < stages["sft"]["loss"][0]


def test_two_steps_of_sft_by_trl(stages):
    assert len(stages["sft_trl"]["grad_norm"]) == STEPS


def test_the_second_step_of_grpo_looks_back_at_older_rollouts(stages):
    assert [len(ids) for ids in stages["grpo"]["completions"]] == [8, 8]
    assert abs(stages["grpo"]["loss"][1]) > 1e-3 and stages["grpo"]["grad_norm"][1] > 0  # not all of it is clipped


def test_two_steps_of_grpo_by_trl(stages):
    assert len(stages["grpo_trl"]["grad_norm"]) == STEPS


def test_merging_keeps_what_the_adapter_does(stages):
    assert stages["merge"]["adapter_vs_base"]["mean"] > 2 * stages["merge"]["adapter_vs_merged"]["mean"]
    assert stages["merge"]["merged_vs_reloaded"]["largest"] == 0 < stages["merge"]["merged_vs_4bit"]["largest"]
    grown = {name: stage["peak_gib"] - stages.held_gib for name, stage in stages.items()}
    assert all(stage["seconds"] > 0 and stage["peak_gib"] > 0.3 for stage in stages.values())
    assert max(grown.values()) < 2.5, grown


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
        ("grpo_trl", "grad_norm", [0.3, 0.0], "grpo: of a gradient's norm, as a share"),
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
    model = SimpleNamespace(parameters=list, modules=list)
    monkeypatch.setattr(true_size_stages, "load_policy", lambda profile: (model, None))
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
    assert lines[0] == f"processor: {cpu_model()}"
    assert len(lines) == 2 + len(STAGES) + 7 and lines[4].split() == "sft 1.5 2.25 2.00 2.10 7.500000 7.250000".split()
    assert lines[-1].startswith("ok  grpo: completions that are not TRL's: 0")
    del whole["machine"]["cpu_model"]  # as in runs before it was noted
    assert table(whole).splitlines() == lines[1:]


@pytest.mark.parametrize(("holds", "status"), [(True, 0), (False, 1)])
def test_the_exit_status_says_whether_all_holds(holds, status, tmp_path, monkeypatch, capsys):
    check = {"what": "sft: loss", "value": 0.5, "limit": 0.1, "holds": holds}
    monkeypatch.setattr(true_size, "run_stages", lambda folder, quick: {"stages": {}, "checks": [check]})
    monkeypatch.setattr("sys.argv", ["true_size", "--folder", str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        true_size.main()
    assert ended.value.code == status
    assert capsys.readouterr().out.splitlines()[-1] == f"{'ok ' if holds else 'NOT'} sft: loss: 0.5 (limit 0.1)"


def test_the_shipped_run_of_the_true_size_holds():
    found = reference_benchmark("true_size_cpu")
    assert not found["quick"] and list(found["stages"]) == list(STAGES)
    assert found["stages"]["build"]["parameters"] > 3.7e9
    assert all(row["holds"] for row in compare(found["stages"]))


def test_the_docs_name_the_processor_of_the_shipped_run_or_say_that_it_was_noted_by_hand():
    name = reference_benchmark("true_size_cpu")["machine"].get("cpu_model")
    for page in ("README.md", "docs/measured.md"):
        text = (Path(__file__).parents[2] / page).read_text(encoding="utf-8")
        assert (name or "noted by hand") in text


def test_the_docs_say_what_the_shipped_run_measured():
    text = (Path(__file__).parents[2] / "docs/measured.md").read_text(encoding="utf-8")
    told = {line.split("|")[1].strip(): line for line in text.splitlines() if line.startswith("  |")}
    stages = reference_benchmark("true_size_cpu")["stages"]
    names = {"SFT, 2 steps of one record": "sft", "SFT, TRL called directly": "sft_trl"}
    names |= {"GRPO, 2 steps of one prompt × 2 × 8 tokens": "grpo", "GRPO, TRL called directly": "grpo_trl"}
    for name, stage in names.items():
        found = stages[stage]
        losses = ", ".join(f"{loss:.4f}".replace("-", "−") for loss in found["loss"])
        predicted = f"{found['predicted_gib']:.2f}" if "predicted_gib" in found else ""
        cells = [name, f"{found['seconds']:.0f}", f"{found['measured_gib']:.2f} GiB", predicted, losses]
        assert [cell.strip() for cell in told[name].strip(" |").split("|")] == cells
    load, merge = stages["load"], stages["merge"]
    assert (
        f"| {load['seconds']:.0f} | peak of the process {load['peak_gib']:.1f} GiB, {load['held_gib']:.1f} GiB" in text
    )
    assert f"| {merge['seconds']:.0f} | peak of the process {merge['peak_gib']:.1f} GiB" in text
    assert merge["merged_vs_reloaded"]["largest"] == 0
    assert f"{stages['build']['parameters'] / 1e9:.2f} billion" in text
    assert f"and {stages['sft']['room_gib']:.1f} and {stages['grpo']['room_gib']:.1f} GiB free before loading" in text


def test_readme_says_what_the_shipped_run_measured():
    text = " ".join((Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8").split())
    stages = reference_benchmark("true_size_cpu")["stages"]
    minutes = sum(stage["seconds"] for stage in stages.values()) / 60
    peak = max(stage["peak_gib"] for stage in stages.values())
    assert f"{minutes:.0f} minutes, {peak:.1f} GiB at the peak of a process" in text
    for method, words in (("sft", "losses {} and {} (SFT)"), ("grpo", "{} and {} (GRPO)")):
        losses = [
            [f"{loss:.4f}".replace("-", "−") for loss in stages[name]["loss"]] for name in (method, f"{method}_trl")
        ]
        assert words.format(*losses[0]) in text and losses[0] == losses[1]


def test_the_model_s_own_module_runs_the_command(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["random_qwen", "--help"])
    with pytest.raises(SystemExit):
        runpy.run_module("vlaa_helpers.dev.benchmarks.random_qwen", run_name="__main__")
    assert "--quick" in capsys.readouterr().out
