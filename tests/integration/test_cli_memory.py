"""Out of memory at the command line: what to change, in options of the command, and an exit status that says so."""

import re

import pytest
import torch
from transformers import AutoModelForImageTextToText

from vlaa_helpers import load_policy
from vlaa_helpers.cli import main
from vlaa_helpers.core.command_line import changed
from vlaa_helpers.policy.adapters import save_policy
from vlaa_helpers.policy.profiles import settings_of

ON_A_GPU = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nMore lines")
ON_A_CPU = RuntimeError("[enforce fail at alloc_cpu.cpp:118] err == 0. DefaultCPUAllocator: can't allocate memory: you")
OF_NUMPY = MemoryError("Unable to allocate 90.0 GiB for an array")
FULL = [ON_A_GPU, ON_A_CPU, OF_NUMPY, MemoryError()]
IDS = ["CUDA", "CPU", "numpy", "Python"]
LADDER = r"(?s)grpo on mini: about .*too much\? In this order:.* MiB  --change max_pixels=6272\n.*--change lora_rank=4"


@pytest.fixture
def policy(tiny_profile):
    return ["--profile", "mini", "--model", tiny_profile.model]


def raiser(error):
    def fail(*args, **kwargs):
        raise error

    return fail


def said(capsys, *command):
    with pytest.raises(SystemExit) as stopped:
        main([str(word) for word in command])
    assert stopped.value.code == 2
    words = capsys.readouterr().err
    assert "Traceback" not in words and "profile.replace(" not in words
    return words


@pytest.mark.parametrize("error", FULL, ids=IDS)
@pytest.mark.parametrize("where", ["GRPOTrainer.training_step", "GRPOTrainer.__init__"])
def test_training_answers_with_the_ladder(error, where, policy, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(f"trl.{where}", raiser(error))
    command = ["grpo", "mini", "--n", "8", *policy, "--out", tmp_path, "--set", "max_steps=1"]
    words = said(capsys, *command)
    assert (str(error).partition("\n")[0] or "out of memory: MemoryError") in words
    assert re.search(LADDER, words), words


@pytest.mark.parametrize("error", FULL, ids=IDS)
def test_an_evaluation_says_which_options_to_change(error, policy, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("vlaa_helpers.policy.generation.generate_responses", raiser(error))
    words = said(capsys, "evaluate", "mini", "--n", "4", *policy, "--batch-size", "8", "--out", tmp_path)
    wanted = "--batch-size 4 (it is 8); --max-new-tokens 48" if error in FULL[:2] else "--batch-size 1, --change max_p"
    assert wanted in words


@pytest.mark.parametrize("error", FULL, ids=IDS)
def test_a_merge_says_what_to_change(error, policy, tiny_profile, tmp_path, capsys, monkeypatch):
    adapter = save_policy(*load_policy(tiny_profile), tmp_path / "adapter")
    monkeypatch.setattr(AutoModelForImageTextToText, "from_pretrained", raiser(error))
    words = said(capsys, "merge", adapter, tmp_path / "merged", *policy)
    assert ("--dtype bfloat16 takes half of it; on the CPU" if error in FULL[:2] else "In this order: ") in words
    assert not (tmp_path / "merged" / "config.json").exists()


def test_another_error_is_none_of_memory(policy, tmp_path, monkeypatch):
    monkeypatch.setattr("vlaa_helpers.policy.generation.generate_responses", raiser(RuntimeError("device-side assert")))
    with pytest.raises(RuntimeError, match="device-side assert"):
        main(["evaluate", "mini", "--n", "4", *policy, "--out", str(tmp_path)])


def test_the_options_of_the_ladder_are_taken(policy, tmp_path, capsys):
    command = ["evaluate", "mini", "--n", "2", *policy, "--max-new-tokens", "2", "--out", str(tmp_path)]
    main([*command, "--change", "max_pixels=6272", "--change", "lora_rank=4", "--change", "load_in_4bit=false"])
    assert "profile mini:" in capsys.readouterr().out
    for change, words in {
        "max_pixel=1": "--change max_pixel=1: expected NAME=VALUE with a field of Profile; did you mean max_pixels",
        "max_pixels=few": "--change max_pixels=few: expected a value like the profile's, 12544",
        "load_in_4bit=0": "--change load_in_4bit=0: expected a value like the profile's, True",
    }.items():
        assert words in said(capsys, *command, "--change", change)


@pytest.mark.parametrize(
    ("name", "options", "in_4bit"),
    [
        ("t4", [], True),
        ("t4", ["--no-4bit"], False),
        ("a100", [], False),
        ("a100", ["--change", "load_in_4bit=true"], True),
    ],
)
def test_a_command_takes_the_bits_of_the_profile(name, options, in_4bit, tmp_path, monkeypatch, capsys):
    loaded = []

    def load(profile, **_):
        loaded.append(profile)
        raise ValueError("that is all")

    monkeypatch.setattr("vlaa_helpers.policy.profiles.get_profile", settings_of)
    monkeypatch.setattr("vlaa_helpers.policy.loading.load_policy", load)
    command = ["evaluate", "mini", "--profile", name, *options, "--out", tmp_path]
    assert "that is all" in said(capsys, *command) and [one.load_in_4bit for one in loaded] == [in_4bit]


def test_a_profile_takes_values_of_its_types():
    profile = changed(settings_of("t4"), ["grpo_learning_rate=1", "max_pixels=131072", "device=cpu"])
    assert (profile.grpo_learning_rate, profile.max_pixels, profile.device) == (1, 131_072, "cpu")
