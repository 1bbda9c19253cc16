"""Plans of a GRPO step against TRL's own configuration: what one accepts, the other does, with the same numbers."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trl import GRPOConfig

from vlaa_helpers import get_profile, plan_batch

PROFILE = get_profile("mini")
AMOUNTS = {
    "prompts": st.integers(-1, 24),
    "generations": st.integers(-1, 16),
    "processes": st.integers(0, 9),
    "micro": st.integers(-1, 40),
}


def trl_config(processes, **config):
    """TRL's configuration as each of that many processes would make it."""
    world = type("World", (GRPOConfig,), {"world_size": property(lambda self: processes)})
    return world(output_dir="unused", use_cpu=True, bf16=False, report_to="none", **config)


@settings(max_examples=150)
@given(**AMOUNTS)
def test_what_is_planned_is_what_trl_does(prompts, generations, processes, micro):
    profile = PROFILE.replace(micro_batch_size=micro)
    total = prompts * generations
    try:
        plan = plan_batch(profile, generations, prompts_per_step=prompts, processes=processes)
    except ValueError:
        if min(prompts, processes, micro) < 1:
            return  # senseless, whoever is asked
        with pytest.raises((ValueError, ZeroDivisionError)):  # TRL divides by num_generations=0
            trl_config(
                processes, num_generations=generations, per_device_train_batch_size=1, generation_batch_size=total
            )
        return
    config = trl_config(processes, **plan.config)
    assert config.generation_batch_size == plan.completions == total
    assert config.steps_per_generation == plan.steps_per_generation == plan.accumulation
    assert config.per_device_train_batch_size * config.gradient_accumulation_steps == plan.sampled_at_once
    assert plan.per_device <= micro and plan.sampled_at_once * processes == total
    assert 3 <= len(str(plan).splitlines()) <= 5


@given(**{name: st.integers(1, 20) for name in AMOUNTS})
def test_the_nearest_settings_that_a_refusal_names_work(prompts, generations, processes, micro):
    profile = PROFILE.replace(micro_batch_size=micro)
    asked = {"num_generations": generations, "prompts_per_step": prompts, "processes": processes}
    try:
        plan_batch(profile, **asked)
    except ValueError as refusal:
        if generations < 2:
            assert "at least 2 generations" in str(refusal)
            return
        named = re.findall(r"(\w+)=([\d or]+)", str(refusal).partition("nearest are ")[2])
        assert [name for name, _ in named] == ["prompts_per_step", "num_generations", "processes"]
        for name, values in named:
            for value in re.findall(r"\d+", values):
                plan_batch(profile, **(asked | {name: int(value)}))


def test_a_refusal_reads_well():
    with pytest.raises(ValueError) as refusal:
        plan_batch(PROFILE, 3, prompts_per_step=7, processes=2)
    assert str(refusal.value) == (
        "7 prompts × 3 completions = 21 completions do not divide among 2 processes; nearest are "
        "prompts_per_step=6 or 8; or num_generations=2 or 4; or processes=1 or 3"
    )
    with pytest.raises(ValueError, match="micro_batch_size=0, and a completion cannot be cut in two; set .*=1 or more"):
        plan_batch(PROFILE.replace(micro_batch_size=0))


@pytest.mark.parametrize("records", [0, 5, 8, 19])
def test_too_few_records_for_a_step_are_refused(records):
    """TRL's sampler gives nothing for them, and training ends where it began."""
    from trl.trainer.utils import RepeatSampler

    plan = plan_batch(PROFILE, 4, processes=1)
    drawn = list(RepeatSampler(range(records), mini_repeat_count=4, batch_size=plan.prompts))
    if drawn:
        assert plan_batch(PROFILE, 4, processes=1, records=records) == plan
        return
    with pytest.raises(ValueError, match=f"{records} records do not fill a step of 8 prompts: nothing would be traine"):
        plan_batch(PROFILE, 4, processes=1, records=records)


def test_processes_are_those_that_were_started(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert plan_batch(PROFILE, 4).processes == 1
    monkeypatch.setenv("WORLD_SIZE", "4")
    assert plan_batch(PROFILE, 4).processes == 4


def test_a_plan_in_words():
    words = str(plan_batch(PROFILE.replace(micro_batch_size=16), 2, prompts_per_step=31, processes=1))
    assert words.splitlines() == [
        "31 prompts × 2 completions = 62 completions a step",
        "sampled: 62 at once on 1 device, before each step",
        "trained on: 2 at once on 1 device (at most 16, but 62 only divides by less), accumulation 31",
        "advantages: the better one gets +0.707 and the other -0.707, however much or little they differ; "
        "a group whose rewards are all equal gets 0",
    ]


@pytest.mark.parametrize("generations", [2, 3, 4, 8])
def test_the_advantages_are_trl_s(generations):
    """One right among the group, by the formula of `GRPOTrainer._generate_and_score_completions`."""
    import torch
    from trl.trainer.utils import nanstd

    rewards = torch.zeros(generations)
    rewards[0] = 1
    advantages = (rewards - rewards.mean()) / (nanstd(rewards) + 1e-4)
    line = str(plan_batch(PROFILE, generations)).splitlines()[-1]
    high, low = map(float, re.findall(r"[+-]\d\.\d+", line))
    assert advantages[0].item() == pytest.approx(high, abs=6e-3) and advantages[1].item() == pytest.approx(
        low, abs=6e-3
    )
