"""Two processes on a CPU train as one does, and what watches a run sees both and speaks once."""

import csv
import json
import os
import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file

from vlaa_helpers import make_scenes


def train(tmp_path, tiny_profile, records, processes):
    out = tmp_path / str(processes)
    several = (
        ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", str(processes)] if processes > 1 else []
    )
    settings = [word for name in ("max_steps=3", "save_steps=2", "warmup_steps=0") for word in ("--set", name)]
    command = [sys.executable, *several, "-m", "vlaa_helpers", "sft", str(records), "--out", str(out), *settings]
    command += ["--profile", "mini", "--model", tiny_profile.model, "--batch-size", "8"]
    environment = os.environ | {"ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1"}
    run = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=280)
    assert run.returncode == 0, run.stderr[-3000:]
    assert run.stdout.count("adapter: ") == 1  # one process speaks
    with (out / "log.csv").open() as file:
        return list(csv.DictReader(file)), load_file(out / "adapter" / "adapter_model.safetensors")


def test_two_processes_equal_one(tmp_path, tiny_profile):
    from vlaa_helpers import ScriptedTeacher, build_dataset

    build_dataset(make_scenes(100, seed=5), ScriptedTeacher(seed=5), tmp_path / "data")
    one_log, one = train(tmp_path, tiny_profile, tmp_path / "data", 1)
    two_log, two = train(tmp_path, tiny_profile, tmp_path / "data", 2)
    for name in ("loss", "grad_norm", "mean_token_accuracy"):
        for a, b in zip(one_log, two_log, strict=True):
            assert float(a[name]) == pytest.approx(float(b[name]), rel=2e-5), name
    assert set(one) == set(two)
    assert all(torch.allclose(one[name], two[name], atol=5e-5) for name in one)
    assert any(bool(one[name].abs().max() > 1e-3) for name in one if "lora_B" in name)


WATCHED_RUN = """
import json, sys
from pathlib import Path
from vlaa_helpers import EvaluateEvery, RolloutLog, get_profile, load_policy, make_scenes, train_grpo

out = Path(sys.argv[1])
profile = get_profile("mini").replace(
    model=sys.argv[2], prompts_per_step=3, num_generations=4, micro_batch_size=3, max_completion_length=16
)
model, processor = load_policy(profile)
watch = EvaluateEvery(make_scenes(6, split="test"), processor, 2, max_new_tokens=8)
variety = lambda completions, **_: [len(set(completion[0]["content"])) / 16 for completion in completions]
trainer = train_grpo(
    model, processor, make_scenes(12, seed=3), profile, reward_funcs=variety, max_steps=3, learning_rate=1e-2,
    output_dir=str(out), callbacks=[RolloutLog(every=2), watch],
)
train_grpo(
    model, processor, make_scenes(12, seed=4), profile.replace(prompts_per_step=6), reward_funcs=variety, max_steps=1,
    output_dir=str(out / "in_two_drawings"), steps_per_generation=2, callbacks=[RolloutLog()],
)
rank = trainer.accelerator.process_index
weights = sum(p.double().sum().item() for p in trainer.model.parameters() if p.requires_grad)
(out / f"rank_{rank}.json").write_text(json.dumps({"reports": list(watch.reports), "weights": weights}))
"""


def test_two_processes_are_watched_as_one(tmp_path, tiny_profile, root):
    """Three groups of four on two processes: the second group lies across both."""
    from vlaa_helpers import load_rollouts

    (tmp_path / "run.py").write_text(WATCHED_RUN)
    command = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc_per_node",
        "2",
        str(tmp_path / "run.py"),
    ]
    environment = os.environ | {"ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1", "PYTHONPATH": str(root)}
    run = subprocess.run(
        [*command, str(tmp_path), tiny_profile.model], env=environment, capture_output=True, text=True, timeout=280
    )
    assert run.returncode == 0, run.stderr[-3000:]
    ranks = [json.loads((tmp_path / f"rank_{rank}.json").read_text()) for rank in (0, 1)]
    assert ranks[0]["weights"] == ranks[1]["weights"]
    assert [rank["reports"] for rank in ranks] == [[0, 2, 3], []]
    with (tmp_path / "log.csv").open() as file:
        log = {int(row["step"]): row for row in csv.DictReader(file)}
    assert list(log) == [0, 1, 2, 3] and [step for step in log if log[step]["held_out/accuracy"]] == [0, 2, 3]

    assert load_rollouts(tmp_path / "in_two_drawings")["group"].tolist() == [k // 4 for k in range(24)]
    rollouts = load_rollouts(tmp_path)
    assert sorted(set(rollouts["step"])) == [1, 2]
    records = {row["id"]: row["question"] for row in make_scenes(12, seed=3)}
    for number, step in rollouts.groupby("step"):
        assert step["group"].tolist() == [0] * 4 + [1] * 4 + [2] * 4
        assert step["reward"].mean() == pytest.approx(float(log[number]["reward"]))
        assert step["tokens"].mean() == pytest.approx(float(log[number]["completions/mean_length"]))
        for _, group in step.groupby("group"):
            (name,) = set(group["id"])
            assert set(group["question"]) == {records[name]}
            assert group["reward"].tolist() == pytest.approx([len(set(text)) / 16 for text in group["completion"]])
            expected = (group["reward"] - group["reward"].mean()) / (group["reward"].std() + 1e-4)
            assert group["advantage"].tolist() == pytest.approx(expected.tolist(), abs=1e-4)


def test_two_processes_from_the_command_line(tmp_path, tiny_profile):
    """Eight prompts of four completions: each process draws half of them, and the log counts all."""
    command = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc_per_node",
        "2",
        "-m",
        "vlaa_helpers",
        "grpo",
    ]
    settings = ("max_steps=2", "num_generations=4", "max_completion_length=8", "beta=0.04")
    command += ["mini", "--records", "24", "--profile", "mini", "--model", tiny_profile.model, "--out", str(tmp_path)]
    command += [word for setting in settings for word in ("--set", setting)]
    environment = os.environ | {"ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1"}
    run = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=280)
    assert run.returncode == 0, run.stderr[-3000:]
    assert run.stdout.count("2 steps; log:") == 1  # one process speaks
    rollouts = [json.loads(line) for line in (tmp_path / "rollouts.jsonl").read_text().splitlines()]
    assert len(rollouts) == 8 * 4 and {row["step"] for row in rollouts} == {1}
    with (tmp_path / "log.csv").open() as file:
        log = list(csv.DictReader(file))
    assert [row["step"] for row in log] == ["1", "2"]
    assert float(log[0]["reward"]) == pytest.approx(sum(row["reward"] for row in rollouts) / 32, abs=1e-6)
    assert (tmp_path / "adapter" / "adapter_model.safetensors").exists()
