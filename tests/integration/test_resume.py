"""A run that is interrupted, or fails, and goes on ends where an uninterrupted one ends: same losses, same adapter."""

import csv
import errno
import re
import shutil
import sys
from pathlib import Path

import pytest
import torch
from datasets import concatenate_datasets
from trl import GRPOTrainer, SFTTrainer

from vlaa_helpers import has_checkpoint, load_policy, make_scenes, save_policy, train_grpo, train_sft, trained_on
from vlaa_helpers.core.run_note import read_note
from vlaa_helpers.policy.profiles import settings_of
from vlaa_helpers.training.resuming import trouble_of
from vlaa_helpers.training.runner import _set_aside as set_aside
from vlaa_helpers.training.runner import device_settings

STEPS = 5


def run_sft(tiny_profile, with_traces, folder, **config):
    model, processor = load_policy(tiny_profile)
    records = with_traces(make_scenes(24, seed=3))
    profile = tiny_profile.replace(micro_batch_size=2, sft_batch_size=4)
    return train_sft(
        model, processor, records, profile, max_steps=STEPS, save_steps=2, output_dir=str(folder), **config
    )


def run_grpo(tiny_profile, with_traces, folder, **config):
    model, processor = load_policy(tiny_profile)

    def reward(completions, **_):
        return [len(set(completion[0]["content"])) / 16 for completion in completions]

    return train_grpo(
        model, processor, make_scenes(8, seed=3), tiny_profile.replace(micro_batch_size=4), reward_funcs=reward,
        max_steps=STEPS, save_steps=2, learning_rate=1e-2, output_dir=str(folder), **config,
    )  # fmt: skip


def adapters(trainer):
    return {name: p.detach().clone() for name, p in trainer.model.named_parameters() if p.requires_grad}


def log_of(folder):
    """The columns that do not tell time; TRL counts the tokens of each call to `train` from zero."""
    with (folder / "log.csv").open() as file:
        return [
            {name: value for name, value in row.items() if "time" not in name and name != "num_tokens"}
            for row in csv.DictReader(file)
        ]


CASES = {"sft": (run_sft, SFTTrainer), "grpo": (run_grpo, GRPOTrainer)}


@pytest.fixture(scope="module", params=CASES)
def case(request, tiny_profile, with_traces, tmp_path_factory):
    """A trainer's run, uninterrupted: (how to run it, its trainer class, adapters, log)."""
    run, trainer_class = CASES[request.param]
    folder = tmp_path_factory.mktemp(request.param)
    trainer = run(tiny_profile, with_traces, folder)
    return run, trainer_class, adapters(trainer), log_of(folder)


def stop_at(monkeypatch, trainer_class, micro_step, error):
    """Raise in the middle of an optimiser step: `micro_step` counts passes, two a step."""
    original, passes = trainer_class.training_step, []

    def training_step(self, *args, **kwargs):
        passes.append(1)
        if len(passes) == micro_step:
            torch.rand(3)  # what an unfinished step has drawn must not matter
            raise error
        return original(self, *args, **kwargs)

    monkeypatch.setattr(trainer_class, "training_step", training_step)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("CUDA out of memory")], ids=["Ctrl-C", "crash"])
def test_interrupted_and_resumed_is_the_same(case, error, tiny_profile, with_traces, tmp_path, monkeypatch, caplog):
    run, trainer_class, expected, log = case
    with monkeypatch.context() as patch:
        stop_at(patch, trainer_class, 2 * 3 + 2, error)  # step 4, second half
        with pytest.raises(type(error)):
            run(tiny_profile, with_traces, tmp_path)
    assert "stopped after step 3" in caplog.text
    assert (tmp_path / "checkpoint-3").is_dir()
    torch.rand(11)
    trainer = run(tiny_profile, with_traces, tmp_path, resume_from_checkpoint=True)
    assert trainer.state.global_step == STEPS
    mine = adapters(trainer)
    assert all(torch.equal(mine[name], expected[name]) for name in expected)
    assert log_of(tmp_path) == log


def test_killed_goes_on_from_the_last_periodic_checkpoint(case, tiny_profile, with_traces, tmp_path, monkeypatch):
    """As after a power cut at step 3: nothing could be saved, and step 2 is on disk."""
    run, trainer_class, expected, log = case
    with monkeypatch.context() as patch:
        stop_at(patch, trainer_class, 2 * 3 + 1, KeyboardInterrupt())
        with pytest.raises(KeyboardInterrupt):
            run(tiny_profile, with_traces, tmp_path)
    shutil.rmtree(tmp_path / "checkpoint-3")
    trainer = run(tiny_profile, with_traces, tmp_path, resume_from_checkpoint=True)
    assert all(torch.equal(adapter, expected[name]) for name, adapter in adapters(trainer).items())
    assert log_of(tmp_path) == log


def test_the_reference_is_kept_once_and_comes_back(tiny_profile, with_traces, tmp_path, monkeypatch):
    """Whatever policy is loaded: here one that has learned already, as in a notebook whose cell is run again."""
    expected = run_grpo(tiny_profile, with_traces, tmp_path / "whole", beta=0.5, warmup_steps=0)
    assert (tmp_path / "whole" / "reference" / "ref").is_dir()
    folder = tmp_path / "stopped"
    with monkeypatch.context() as patch:
        stop_at(patch, GRPOTrainer, 2 * 3 + 2, KeyboardInterrupt())
        with pytest.raises(KeyboardInterrupt):
            run_grpo(tiny_profile, with_traces, folder, beta=0.5, warmup_steps=0)
    assert not [*folder.glob("checkpoint-*/ref")] and len([*folder.glob("checkpoint-*/adapter_model.safetensors")]) == 2
    monkeypatch.setattr(sys.modules[__name__], "load_policy", lambda _: (expected.model, expected.processing_class))
    last, log = adapters(expected), log_of(tmp_path / "whole")
    resumed = run_grpo(tiny_profile, with_traces, folder, beta=0.5, warmup_steps=0, resume_from_checkpoint=True)
    assert log_of(folder) == log and max(float(row["kl"]) for row in log if row["kl"]) > 1e-4
    assert all(torch.equal(adapter, last[name]) for name, adapter in adapters(resumed).items())
    resumed.model.save_pretrained(tmp_path / "by_hand")
    assert (tmp_path / "by_hand" / "ref").is_dir()  # outside of a run it saves what peft saves
    shutil.rmtree(folder / "reference")
    with pytest.raises(FileNotFoundError, match="no reference in .*reference: the run has a KL term"):
        run_grpo(tiny_profile, with_traces, folder, beta=0.5, resume_from_checkpoint=True)


def test_a_fresh_run_sets_an_earlier_one_aside(tiny_profile, with_traces, tmp_path):
    run_sft(tiny_profile, with_traces, tmp_path)
    first = (tmp_path / "log.csv").read_text()
    (tmp_path / "evaluations" / "test").mkdir(parents=True)  # of the policy that the next run replaces
    (tmp_path / "adapter").mkdir()
    (tmp_path / "adapter" / "adapter_config.json").write_text("{}")
    (tmp_path / "card.md").write_text("# The first")
    run_sft(tiny_profile, with_traces, tmp_path, seed=7)
    assert (tmp_path / "previous" / "evaluations" / "test").is_dir() and not (tmp_path / "evaluations").exists()
    assert (tmp_path / "previous" / "adapter" / "adapter_config.json").is_file()
    assert (tmp_path / "previous" / "card.md").is_file()
    assert not (tmp_path / "adapter").exists() and not (tmp_path / "card.md").exists()
    notes = [read_note(folder) for folder in (tmp_path / "previous", tmp_path)]
    assert [note and note["seed"] for note in notes] == [42, 7]  # the first has the default
    assert (tmp_path / "previous" / "log.csv").read_text() == first
    assert (tmp_path / "previous" / f"checkpoint-{STEPS}").is_dir()
    second = (tmp_path / "log.csv").read_text()
    assert first != second
    run_sft(tiny_profile, with_traces, tmp_path, seed=8)  # what somebody paid for is not deleted
    assert (tmp_path / "previous" / "log.csv").read_text() == first
    assert (tmp_path / "previous-2" / "log.csv").read_text() == second


def test_what_is_set_aside_is_told(tmp_path, caplog):
    """Hours of training may be in it."""
    for name in ("checkpoint-5", "checkpoint-15", "checkpoint-10"):
        (tmp_path / name).mkdir()
    set_aside(tmp_path)
    (message,) = caplog.messages
    assert message.startswith(f"an earlier run (checkpoint-15) was moved to {tmp_path / 'previous'}; to go on from it")
    assert "RESUME = True" in message and "--resume" in message
    (tmp_path / "log.csv").touch()
    set_aside(tmp_path)
    assert caplog.messages[1] == f"what an earlier run left (log.csv) was moved to {tmp_path / 'previous-2'}"
    set_aside(tmp_path)
    assert len(caplog.messages) == 2  # nothing was left


def test_nothing_that_was_set_aside_is_deleted(tmp_path):
    """Also without checkpoints: an adapter and its evaluations may be all that is left of a run."""
    for name in ("first", "second", "third"):
        (tmp_path / "adapter").mkdir()
        (tmp_path / "adapter" / "adapter_config.json").write_text(name)
        set_aside(tmp_path)
    kept = [
        tmp_path / folder / "adapter" / "adapter_config.json" for folder in ("previous", "previous-2", "previous-3")
    ]
    assert [path.read_text() for path in kept] == ["first", "second", "third"]
    set_aside(tmp_path)
    assert not (tmp_path / "previous-4").exists()  # nothing was left


def test_a_resume_that_cannot_be_leaves_the_note(finished, tiny_profile, with_traces, tmp_path):
    """The adapter of a run whose checkpoints were deleted keeps the note that belongs to it."""
    shutil.copytree(finished[0], tmp_path / "run", ignore=shutil.ignore_patterns("checkpoint-*"))
    with pytest.raises(FileNotFoundError, match="no checkpoint in"):
        run_sft(tiny_profile, with_traces, tmp_path / "run", seed=7, resume_from_checkpoint=True)
    note = read_note(tmp_path / "run")
    assert note and note["seed"] == 42


def test_nothing_to_resume_is_told(tiny_profile, with_traces, tmp_path):
    with pytest.raises(FileNotFoundError, match="no checkpoint in .*; leave resume_from_checkpoint out"):
        run_sft(tiny_profile, with_traces, tmp_path, resume_from_checkpoint=True)


def test_a_run_that_came_to_its_end_trains_no_step_more(case, tiny_profile, with_traces, tmp_path, monkeypatch):
    run, trainer_class, expected, log = case
    run(tiny_profile, with_traces, tmp_path)
    assert has_checkpoint(tmp_path)
    stop_at(monkeypatch, trainer_class, 1, RuntimeError("trained again"))
    trainer = run(tiny_profile, with_traces, tmp_path, resume_from_checkpoint=True)
    assert trainer.state.global_step == STEPS
    assert all(torch.equal(adapter, expected[name]) for name, adapter in adapters(trainer).items())
    assert log_of(tmp_path) == log


def test_a_folder_without_a_checkpoint_has_none(tmp_path):
    assert not has_checkpoint(tmp_path / "absent")
    (tmp_path / "checkpoint-x").mkdir()
    assert not has_checkpoint(tmp_path)


# ---- checkpoints that were cut short ----


@pytest.fixture(scope="module")
def finished(tiny_profile, with_traces, tmp_path_factory):
    """The folder of an SFT run with its last two checkpoints, 4 and 5, and its adapters."""
    folder = tmp_path_factory.mktemp("finished")
    return folder, adapters(run_sft(tiny_profile, with_traces, folder))


def cut(path, share=0.5):
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])


def flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)


DAMAGE = {
    "killed before the state": (lambda at: (at / "trainer_state.json").unlink(), "no trainer_state.json, which is"),
    "the state cut": (lambda at: cut(at / "trainer_state.json"), r"trainer_state.json cannot be read \(.* bytes; "),
    "the state of nothing": (lambda at: (at / "trainer_state.json").write_text("{}"), "has no global_step"),
    "adapter cut": (lambda at: cut(at / "adapter_model.safetensors"), "adapter_model.safetensors cannot be read"),
    "adapter empty": (lambda at: cut(at / "adapter_model.safetensors", 0), "adapter_model.safetensors cannot be read"),
    "no adapter": (lambda at: (at / "adapter_model.safetensors").unlink(), "it has no weights"),
    "adapter's settings cut": (lambda at: cut(at / "adapter_config.json"), "adapter_config.json cannot be read"),
    "optimizer cut": (lambda at: cut(at / "optimizer.pt"), "optimizer.pt cannot be read"),
    "optimizer damaged": (lambda at: flip(at / "optimizer.pt"), "optimizer.pt (is damaged|cannot be read)"),
    "no optimizer": (lambda at: (at / "optimizer.pt").unlink(), "it has no optimizer.pt"),
    "no schedule": (lambda at: (at / "scheduler.pt").unlink(), "it has no scheduler.pt"),
    "no random state": (lambda at: (at / "rng_state.pth").unlink(), "it has no rng_state.pth"),
    "random state empty": (lambda at: cut(at / "rng_state.pth", 0), "rng_state.pth cannot be read"),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_a_checkpoint_cut_short_is_told(name, finished, tmp_path, caplog):
    damage, words = DAMAGE[name]
    shutil.copytree(finished[0] / "checkpoint-5", tmp_path / "checkpoint-5")
    assert trouble_of(tmp_path / "checkpoint-5") == ""
    assert trouble_of(tmp_path / "checkpoint-5", needed=["scaler.pt"]) == "it has no scaler.pt"
    damage(tmp_path / "checkpoint-5")
    assert re.search(words, trouble_of(tmp_path / "checkpoint-5"))
    assert not has_checkpoint(tmp_path)  # a cell with RESUME = True starts afresh, and it says why
    assert re.search(f"checkpoint-5 cannot be gone on from: .*{words}", caplog.text)


@pytest.mark.parametrize("name", ["killed before the state", "optimizer cut"])
def test_the_newest_whole_one_is_gone_on_from(name, finished, tiny_profile, with_traces, tmp_path, caplog):
    folder, expected = tmp_path / "run", finished[1]
    shutil.copytree(finished[0], folder)
    DAMAGE[name][0](folder / "checkpoint-5")
    with pytest.raises(ValueError, match=f"checkpoint-5 cannot be gone on from: .*{DAMAGE[name][1]}"):
        run_sft(tiny_profile, with_traces, folder, resume_from_checkpoint=str(folder / "checkpoint-5"))
    trainer = run_sft(tiny_profile, with_traces, folder, resume_from_checkpoint=True)
    assert re.search(f"checkpoint-5 is passed over: .*{DAMAGE[name][1]}.* Going on from checkpoint-4", caplog.text)
    assert all(torch.equal(adapter, expected[name]) for name, adapter in adapters(trainer).items())
    assert not trouble_of(folder / "checkpoint-5") and (folder / "cut-short-checkpoint-5").is_dir()


def test_without_a_whole_one_each_is_named(finished, tiny_profile, with_traces, tmp_path):
    shutil.copytree(finished[0], tmp_path / "run")
    cut(tmp_path / "run" / "checkpoint-4" / "optimizer.pt")
    cut(tmp_path / "run" / "checkpoint-5" / "adapter_model.safetensors")
    words = "no whole checkpoint in .*; checkpoint-4: optimizer.pt cannot be read .*; checkpoint-5: adapter_model"
    with pytest.raises(FileNotFoundError, match=words):
        run_sft(tiny_profile, with_traces, tmp_path / "run", resume_from_checkpoint=True)


def test_a_run_in_float16_goes_on_with_its_loss_scale(tiny_profile, with_traces, tmp_path, monkeypatch, caplog):
    """Both ask for scaler.pt: what tells a cell whether there is something to go on from, and what goes on."""
    create = SFTTrainer.create_accelerator_and_postprocess

    def with_a_scaler(self):
        create(self)
        self.accelerator.scaler = torch.amp.GradScaler("cpu", init_scale=8.0)

    monkeypatch.setattr(SFTTrainer, "create_accelerator_and_postprocess", with_a_scaler)
    run_sft(tiny_profile, with_traces, tmp_path)
    (tmp_path / "checkpoint-5" / "scaler.pt").unlink()
    assert has_checkpoint(tmp_path)  # the one before has it
    (tmp_path / "checkpoint-4" / "scaler.pt").unlink()
    assert not has_checkpoint(tmp_path)
    assert "checkpoint-5 cannot be gone on from: it has no scaler.pt" in caplog.text
    with pytest.raises(FileNotFoundError, match="no whole checkpoint in .*; checkpoint-5: it has no scaler.pt"):
        run_sft(tiny_profile, with_traces, tmp_path, resume_from_checkpoint=True)


def test_a_full_disk_stops_with_its_own_error(finished, tiny_profile, with_traces, tmp_path, monkeypatch, caplog):
    """The checkpoint of step 4 is cut short: what is told is why, and the run goes on from step 2."""
    save, full = SFTTrainer._save_optimizer_and_scheduler, OSError(errno.ENOSPC, "No space left on device")

    def save_until_full(self, output_dir):
        if self.state.global_step > 2:
            (Path(output_dir) / "optimizer.pt").write_bytes(b"PK")
            raise full
        save(self, output_dir)

    with monkeypatch.context() as patch:
        patch.setattr(SFTTrainer, "_save_optimizer_and_scheduler", save_until_full)
        with pytest.raises(OSError, match="No space left on device"):
            run_sft(tiny_profile, with_traces, tmp_path)
    assert "checkpoint-4 could not be written: [Errno 28] No space left on device" in caplog.text
    trainer = run_sft(tiny_profile, with_traces, tmp_path, resume_from_checkpoint=True)
    assert "Going on from checkpoint-2" in caplog.text
    assert all(torch.equal(adapter, finished[1][name]) for name, adapter in adapters(trainer).items())


def test_a_gpu_profile_keeps_two():
    settings = {method: device_settings(settings_of("t4"), method) for method in ("sft", "grpo")}
    assert [settings[method]["save_total_limit"] for method in settings] == [2, 2]
    assert [settings[method]["save_steps"] for method in settings] == [10, 5]


def test_a_policy_that_goes_on_elsewhere_tells_both_trainings(tiny_profile, with_traces, tmp_path):
    trainer = run_sft(tiny_profile, with_traces, tmp_path / "sft")
    adapter = save_policy(trainer.model, trainer.processing_class, tmp_path / "sft" / "adapter")
    model, processor = load_policy(tiny_profile, adapter=adapter)
    zeros = lambda completions, **_: [0.0] * len(completions)  # noqa: E731
    options = {"max_steps": 1, "output_dir": str(tmp_path / "grpo"), "save_strategy": "no"}
    train_grpo(model, processor, make_scenes(8, seed=5), tiny_profile, reward_funcs=zeros, **options)
    asked = concatenate_datasets([make_scenes(24, seed=3), make_scenes(8, seed=5), make_scenes(4, split="test")])
    found = trained_on(tmp_path / "grpo" / "adapter", asked)
    assert found.is_known and found.ids == set(asked["id"][:32])
    run_sft(tiny_profile, with_traces, tmp_path / "sft", seed=7)  # afresh: what the folder says now is of this one
    assert (tmp_path / "sft" / "previous" / "adapter").is_dir() and not (tmp_path / "sft" / "adapter").exists()
