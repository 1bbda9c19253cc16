"""The KL coefficient follows the KL by the rule, is logged, and survives a stop of the run."""

import csv
import json
import math
import shutil

import pytest
import torch
from trl import GRPOTrainer

from vlaa_helpers import AdaptiveKL, load_policy, make_scenes, save_policy, train_grpo
from vlaa_helpers.evaluation.runner import fingerprint

STEPS, SAMPLES = 5, 8


@pytest.mark.parametrize(
    ("kl", "expected"),
    [
        (0.50, 0.00100),  # on target
        (0.55, 0.00101),  # 10% above: 1 + 0.1 · 10/100
        (0.45, 0.00099),  # 10% below
        (0.60, 0.00102),  # 20% above: at the bound
        (0.61, 0.00102),  # and beyond it
        (50.0, 0.00102),
        (0.40, 0.00098),  # 20% below: at the bound
        (0.39, 0.00098),  # and beyond it
        (0.00, 0.00098),
    ],
)
def test_the_rule_by_hand(kl, expected):
    assert AdaptiveKL(0.5, horizon=100).follow(0.001, kl=kl, samples=10) == pytest.approx(expected, rel=1e-12)


def test_the_paper_s_step_by_hand():
    """2,048 completions a rollout, horizon 10,000, target 5e-4: at most 0.2 · 0.2048 = 4.096% a step."""
    controller = AdaptiveKL(5e-4)
    assert controller.follow(1e-3, kl=1.0, samples=2_048) == pytest.approx(0.00104096)
    assert controller.follow(1e-3, kl=0.0, samples=2_048) == pytest.approx(0.00095904)
    assert AdaptiveKL(5e-4, horizon=math.inf).follow(1e-3, kl=1.0, samples=2_048) == 1e-3


def test_a_target_that_cannot_be():
    with pytest.raises(ValueError, match="must be above 0, got target=0, horizon=10000"):
        AdaptiveKL(0)


# ---- in a trainer ----


def run(tiny_profile, folder, target=None, **config):
    """An adapter that does something goes on by GRPO; the coefficient changes by up to 16% a step."""
    model, processor = load_policy(tiny_profile)
    with torch.no_grad():
        generator = torch.Generator().manual_seed(1)
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                parameter.add_(0.05 * torch.randn(parameter.shape, generator=generator))

    def reward(completions, **_):
        return [len(set(completion[0]["content"])) / 16 for completion in completions]

    callbacks = [AdaptiveKL(target, horizon=10)] if target else []
    return train_grpo(
        model, processor, make_scenes(8, seed=3), tiny_profile.replace(micro_batch_size=4), reward_funcs=reward,
        output_dir=str(folder), callbacks=callbacks,
        **({"beta": 0.5, "max_steps": STEPS, "save_steps": 2, "learning_rate": 1e-2, "warmup_steps": 0} | config),
    )  # fmt: skip


def adapters(trainer):
    return {name: p.detach().clone() for name, p in trainer.model.named_parameters() if "lora_" in name}


def log_of(folder):
    with (folder / "log.csv").open() as file:
        return [
            {name: value for name, value in row.items() if "time" not in name and name != "num_tokens"}
            for row in csv.DictReader(file)
        ]


def replay(kls, target):
    """The coefficients that the rule gives, the last one for a step that is still to come."""
    found = [0.5]
    for kl in kls:
        error = max(-0.2, min(0.2, kl / target - 1))
        found.append(found[-1] * (1 + error * SAMPLES / 10))
    return found


def recorded(patch, owner, name, record):
    """Have `record(trainer)` called before each call of a method."""
    original = getattr(owner, name)

    def method(self, *args, **kwargs):
        record(self)
        return original(self, *args, **kwargs)

    patch.setattr(owner, name, method)


@pytest.fixture(scope="module")
def target(tiny_profile, tmp_path_factory):
    """A little above the least KL that the run has without a controller, after the first step's, which is 0."""
    trainer = run(tiny_profile, tmp_path_factory.mktemp("alone"))
    return 1.05 * min(row["kl"] for row in trainer.state.log_history[1:STEPS])


@pytest.fixture(scope="module")
def whole(target, tiny_profile, tmp_path_factory):
    """A run, uninterrupted: its trainer, adapters (the reference too), log, and `beta` at each of its passes."""
    folder, betas = tmp_path_factory.mktemp("whole"), []
    with pytest.MonkeyPatch.context() as patch:
        recorded(patch, GRPOTrainer, "_compute_loss", lambda trainer: betas.append(trainer.beta))
        trainer = run(tiny_profile, folder, target)
    return trainer, adapters(trainer), log_of(folder), betas


@pytest.fixture(scope="module")
def stopped(target, tiny_profile, tmp_path_factory):
    """The folder of the same run, stopped in the second half of step 4."""
    folder, passes = tmp_path_factory.mktemp("stopped"), []

    def count(trainer):
        passes.append(1)
        if len(passes) == 2 * 3 + 2:
            torch.rand(3)  # what an unfinished step has drawn must not matter
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        recorded(patch, GRPOTrainer, "training_step", count)
        run(tiny_profile, folder, target)
    return folder


def test_beta_follows_the_logged_kl(whole, target):
    trainer, _, log, betas = whole
    kls = [row["kl"] for row in trainer.state.log_history[:STEPS]]
    bounds = [(kl > 0.8 * target) + (kl > 1.2 * target) for kl in kls]
    assert set(bounds) == {0, 1, 2}  # below the lower bound, between the two, and above the upper one
    expected = replay(kls, target)
    logged = [row["kl_coefficient"] for row in trainer.state.log_history[:STEPS]]
    assert logged == pytest.approx(expected[:-1])
    assert [float(row["kl_coefficient"]) for row in log] == logged
    assert betas == [coefficient for coefficient in logged for _ in range(2)]  # two passes a step
    assert trainer.beta == pytest.approx(expected[-1]) and trainer.args.beta == 0.5


def test_seldom_logging_changes_nothing_but_the_log(whole, target, tiny_profile, tmp_path):
    trainer, expected, log, _ = whole
    seldom = run(tiny_profile, tmp_path, target, logging_steps=2)
    assert seldom.beta == trainer.beta
    assert all(torch.equal(adapter, expected[name]) for name, adapter in adapters(seldom).items())
    every = [float(row["kl_coefficient"]) for row in log]
    rows = [float(row["kl_coefficient"]) for row in log_of(tmp_path)]
    assert rows == pytest.approx([(every[0] + every[1]) / 2, (every[2] + every[3]) / 2])


@pytest.mark.parametrize("lost", [False, True], ids=["interrupted", "killed"])
def test_a_resumed_run_goes_on_with_its_coefficient(lost, whole, stopped, target, tiny_profile, tmp_path):
    trainer, expected, log, _ = whole
    folder = tmp_path / "run"
    shutil.copytree(stopped, folder)
    if lost:  # as after a power cut: nothing could be saved, and step 2 is on disk
        shutil.rmtree(folder / "checkpoint-3")
    step = 2 if lost else 3
    state = json.loads((folder / f"checkpoint-{step}" / "trainer_state.json").read_text())
    kept = state["stateful_callbacks"]["AdaptiveKL"]
    assert kept["attributes"]["coefficient"] == float(log[step]["kl_coefficient"]) != 0.5
    torch.rand(11)
    resumed = run(tiny_profile, folder, target, resume_from_checkpoint=True)
    assert resumed.beta == trainer.beta
    assert all(torch.equal(adapter, expected[name]) for name, adapter in adapters(resumed).items())
    assert log_of(folder) == log


def test_a_controller_may_join_a_run_that_is_resumed(target, tiny_profile, tmp_path):
    run(tiny_profile, tmp_path, max_steps=1)
    trainer = run(tiny_profile, tmp_path, target, max_steps=3, resume_from_checkpoint=True)
    first, *rest = [row for row in trainer.state.log_history if "kl" in row]
    assert "kl_coefficient" not in first
    expected = replay([row["kl"] for row in rest], target)
    assert [row["kl_coefficient"] for row in rest] == pytest.approx(expected[:-1])
    assert trainer.beta == pytest.approx(expected[-1])


def test_a_second_run_starts_anew(tiny_profile, tmp_path):
    """The reference is the policy as it is then, and a controller that has run before starts from beta again."""
    model, processor = load_policy(tiny_profile)
    controller = AdaptiveKL(0.005, horizon=10)

    def reward(completions, **_):
        return [len(set(completion[0]["content"])) / 16 for completion in completions]

    for _ in range(2):
        trainer = train_grpo(
            model, processor, make_scenes(8, seed=3), tiny_profile, reward_funcs=reward, beta=0.5, warmup_steps=0,
            learning_rate=1e-2, max_steps=2, save_strategy="no", output_dir=str(tmp_path), callbacks=[controller],
        )  # fmt: skip
        log = trainer.state.log_history
        assert log[0]["kl"] == pytest.approx(0, abs=1e-9) and log[1]["kl"] > 1e-5
        assert log[0]["kl_coefficient"] == 0.5
    assert list(model.peft_config) == ["default", "ref"]
    folder = save_policy(model, processor, tmp_path / "policy")
    assert not (folder / "ref").exists()
    assert fingerprint(load_policy(tiny_profile, adapter=folder)[0]) == fingerprint(model)  # the reference left out


def test_no_reference_no_controller(tiny_profile, tmp_path):
    with pytest.raises(ValueError, match="no coefficient to start from: give a beta above 0"):
        run(tiny_profile, tmp_path, 0.02, beta=0.0)


def test_a_controller_of_no_trainer_says_so():
    """As the Trainer makes one when it restores callbacks from a checkpoint itself."""
    controller = AdaptiveKL.from_state(AdaptiveKL(0.005, horizon=10).state())
    assert (controller.target, controller.horizon) == (0.005, 10)
    with pytest.raises(RuntimeError, match=r"call attach\(trainer\), and leave restore_callback_states"):
        controller.on_train_begin(None, None, None)
