"""Two processes on a CPU train as one does, and what watches a run sees both and speaks once."""

import csv
import io
import json
import os
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path

import pytest
import torch
import yaml
from accelerate.utils import DeepSpeedPlugin
from accelerate.utils.deepspeed import HfDeepSpeedConfig
from safetensors.torch import load_file
from transformers.integrations.deepspeed import HfTrainerDeepSpeedConfig
from trl import SFTConfig

import vlaa_helpers
from vlaa_helpers import get_profile, make_scenes
from vlaa_helpers.cli import main
from vlaa_helpers.training.runner import device_settings, split_batch

CHECKOUT = str(Path(vlaa_helpers.__file__).parents[1])


ENVIRONMENT = {"ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1", "PYTHONPATH": CHECKOUT}
TORCHRUN = ("-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2")


def launch(*command):
    """What a Python program printed that was started with these words."""
    run = subprocess.run(
        [sys.executable, *map(str, command)], env=os.environ | ENVIRONMENT, capture_output=True, text=True, timeout=280
    )
    assert run.returncode == 0, run.stderr[-3000:]
    return run.stdout


def sft_command(out, tiny_profile, records, *options):
    """`vlaa sft`, three steps."""
    settings = [word for name in ("max_steps=3", "save_steps=2", "warmup_steps=0") for word in ("--set", name)]
    command = ["sft", str(records), "--out", str(out), *settings, *options]
    return [*command, "--profile", "mini", "--model", tiny_profile.model, "--batch-size", "8"]


def trained(out, said):
    """The log and the adapter of a run, which said so once."""
    assert said.count("adapter: ") == 1  # one process speaks
    return log_of(out), load_file(out / "adapter" / "adapter_model.safetensors")


def log_of(out):
    with (out / "log.csv").open() as file:
        return list(csv.DictReader(file))


@pytest.fixture
def alone(monkeypatch):
    """Run something in this process, and give what it printed."""
    for name in ("ACCELERATE_USE_CPU", "OMP_NUM_THREADS"):
        monkeypatch.setenv(name, ENVIRONMENT[name])

    def run(function, *arguments):
        with redirect_stdout(io.StringIO()) as said:
            function(*arguments)
        return said.getvalue()

    return run


def assert_same(one_log, one, two_log, two):
    for name in ("loss", "grad_norm", "mean_token_accuracy"):
        for a, b in zip(one_log, two_log, strict=True):
            assert float(a[name]) == pytest.approx(float(b[name]), rel=2e-5), name
    assert set(one) == set(two)
    assert all(torch.allclose(one[name], two[name], atol=5e-5) for name in one)
    assert any(bool(one[name].abs().max() > 1e-3) for name in one if "lora_B" in name)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    from vlaa_helpers import ScriptedTeacher, build_dataset

    folder = tmp_path_factory.mktemp("data")
    build_dataset(make_scenes(100, seed=5), ScriptedTeacher(seed=5), folder)
    return folder


JOBS = """
import json, os, sys
from contextlib import redirect_stdout
from pathlib import Path

from vlaa_helpers.cli import main

folder = Path(sys.argv[1])
for name, arguments in json.loads((folder / "jobs.json").read_text()).items():
    with (folder / f"{name}_said_{os.environ['RANK']}").open("w") as said, redirect_stdout(said):
        if name == "sft":
            main(arguments)
        else:
            sys.argv = [name, *arguments]
            exec((folder / f"{name}.py").read_text(), {})
"""


@pytest.fixture(scope="module")
def two(tiny_profile, built, tmp_path_factory):
    """A folder with what two processes left of three runs, one after the other: they import torch once for all."""
    folder = tmp_path_factory.mktemp("two")
    (folder / "watched.py").write_text(WATCHED_RUN)
    (folder / "weighted.py").write_text(WEIGHTED_RUN)
    jobs = {
        "sft": sft_command(folder / "sft", tiny_profile, built),
        "watched": [str(folder / "watched"), tiny_profile.model],
        "weighted": [str(folder / "weighted"), tiny_profile.model, str(built)],
    }
    (folder / "jobs.json").write_text(json.dumps(jobs))
    (folder / "jobs.py").write_text(JOBS)
    launch(*TORCHRUN, folder / "jobs.py", folder)
    return folder


def test_two_processes_equal_one(tmp_path, tiny_profile, built, two, alone):
    said = alone(main, sft_command(tmp_path, tiny_profile, built))
    both = "".join((two / f"sft_said_{rank}").read_text() for rank in (0, 1))
    assert_same(*trained(tmp_path, said), *trained(two / "sft", both))


FSDP_ON_CPUS = """
import sys
from accelerate import state
from accelerate.utils import DistributedType
from vlaa_helpers.cli import main

begin = state.AcceleratorState.__init__

def with_fsdp(self, *args, fsdp_plugin=None, **settings):
    begin(self, *args, fsdp_plugin=fsdp_plugin, **settings)
    if self.distributed_type == DistributedType.MULTI_CPU:
        self.distributed_type = state.PartialState._shared_state["distributed_type"] = DistributedType.FSDP
        self.fsdp_plugin = fsdp_plugin

state.AcceleratorState.__init__ = with_fsdp
main(sys.argv[1:])
"""
"""`vlaa …` with FSDP on CPUs. Accelerate 1.15 turns it on for accelerators alone; what follows from it is its own."""


def documented(root, name):
    """A configuration of accelerate as docs/many_gpus.md prints it."""
    page = (root / "docs" / "many_gpus.md").read_text()
    return yaml.safe_load(page.split(f"```yaml\n# {name}: ")[1].split("```")[0].partition("\n")[2])


def test_two_processes_that_share_the_weights_equal_one(tmp_path, tiny_profile, built, root, alone):
    """FSDP2 with gloo, by accelerate's launcher and the documented configuration."""
    config = documented(root, "fsdp.yaml") | {"num_processes": 2, "mixed_precision": "no", "main_process_port": 0}
    (tmp_path / "fsdp.yaml").write_text(yaml.safe_dump(config))
    (tmp_path / "run.py").write_text(FSDP_ON_CPUS)
    launcher = ("-m", "accelerate.commands.launch", "--config_file", tmp_path / "fsdp.yaml", tmp_path / "run.py")
    commands = {name: sft_command(tmp_path / name, tiny_profile, built, "--no-4bit") for name in ("one", "two")}
    one = trained(tmp_path / "one", alone(main, commands["one"]))
    two = trained(tmp_path / "two", launch(*launcher, *commands["two"]))
    assert_same(*one, *two)
    assert (tmp_path / "two" / "checkpoint-2" / "pytorch_model_fsdp.bin").exists()  # FSDP alone writes such a file


class DeepSpeedConfig(HfTrainerDeepSpeedConfig, HfDeepSpeedConfig):
    """transformers' class on accelerate's, as transformers itself puts them together where DeepSpeed is installed."""

    def __init__(self, config):
        HfDeepSpeedConfig.__init__(self, config)
        self._dtype, self.mismatches = None, []


@pytest.mark.parametrize("accumulation", ["auto", 3])
def test_the_deepspeed_configuration_takes_our_settings(accumulation, tmp_path, root):
    """As documented it is filled in from the trainer's arguments; where it says otherwise than these, it is refused."""
    config = documented(root, "zero2.yaml")
    own = config["deepspeed_config"]
    assert config["distributed_type"] == "DEEPSPEED" and own["gradient_accumulation_steps"] == "auto"
    plugin = DeepSpeedPlugin(zero_stage=own["zero_stage"], gradient_accumulation_steps=accumulation)
    filled = DeepSpeedConfig(plugin.deepspeed_config)
    per_device, steps = split_batch(32, micro=8, processes=1)
    args = SFTConfig(
        output_dir=str(tmp_path), per_device_train_batch_size=per_device, gradient_accumulation_steps=steps,
        **device_settings(get_profile("mini"), "sft"),
    )  # fmt: skip
    filled.trainer_config_process(args)
    if accumulation != "auto":
        with pytest.raises(ValueError, match="ds gradient_accumulation_steps=3 vs hf gradient_accumulation_steps=4"):
            filled.trainer_config_finalize(args, None, num_training_steps=10)
        return
    filled.trainer_config_finalize(args, None, num_training_steps=10)
    assert filled.is_zero2() and not filled.is_offload() and "auto" not in json.dumps(filled.config)
    batches = ("train_micro_batch_size_per_gpu", "gradient_accumulation_steps", "train_batch_size", "gradient_clipping")
    assert [filled.config[name] for name in batches] == [8, 4, 32, args.max_grad_norm]


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


def test_two_processes_are_watched_as_one(two):
    """Three groups of four on two processes: the second group lies across both."""
    from vlaa_helpers import load_rollouts

    out = two / "watched"
    ranks = [json.loads((out / f"rank_{rank}.json").read_text()) for rank in (0, 1)]
    assert ranks[0]["weights"] == ranks[1]["weights"]
    assert [rank["reports"] for rank in ranks] == [[0, 2, 3], []]
    log = {int(row["step"]): row for row in log_of(out)}
    assert list(log) == [0, 1, 2, 3] and [step for step in log if log[step]["held_out/accuracy"]] == [0, 2, 3]

    assert load_rollouts(out / "in_two_drawings")["group"].tolist() == [k // 4 for k in range(24)]
    rollouts = load_rollouts(out)
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
    settings = ("max_steps=2", "num_generations=4", "max_completion_length=8", "beta=0.04")
    command = ["grpo", "mini", "--records", "24", "--profile", "mini", "--model", tiny_profile.model]
    command += [word for setting in settings for word in ("--set", setting)]
    said = launch(*TORCHRUN, "-m", "vlaa_helpers", *command, "--out", tmp_path)
    assert said.count("2 steps; log:") == 1  # one process speaks
    rollouts = [json.loads(line) for line in (tmp_path / "rollouts.jsonl").read_text().splitlines()]
    assert len(rollouts) == 8 * 4 and {row["step"] for row in rollouts} == {1}
    log = log_of(tmp_path)
    assert [row["step"] for row in log] == ["1", "2"]
    assert float(log[0]["reward"]) == pytest.approx(sum(row["reward"] for row in rollouts) / 32, abs=1e-6)
    assert (tmp_path / "adapter" / "adapter_model.safetensors").exists()


WEIGHTED_RUN = """
import sys
from vlaa_helpers import add_behaviour_logps, get_profile, load_build, load_policy, train_sft

profile = get_profile("mini").replace(model=sys.argv[2])
model, processor = load_policy(profile)
records = add_behaviour_logps(model, processor, load_build(sys.argv[3]).sft)
train_sft(
    model, processor, records, profile, batch_size=8, max_steps=3, warmup_steps=0, learning_rate=1e-2,
    token_weights="pear_token", output_dir=sys.argv[1],
)
"""


def test_weighted_tokens_count_the_same_in_two_processes(tmp_path, tiny_profile, built, two, alone, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["weighted", str(tmp_path), tiny_profile.model, str(built)])
    alone(exec, WEIGHTED_RUN, {})
    logs = [log_of(out) for out in (tmp_path, two / "weighted")]
    for name in ("loss", "grad_norm", "nll", "weight", "weight_ess"):
        one, other = ([float(row[name]) for row in log] for log in logs)
        assert one == pytest.approx(other, rel=1e-4), name
    assert float(logs[0][2]["weight_ess"]) < 1
