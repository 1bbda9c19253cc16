"""Rollouts on disk are what the trainer sampled, scored and learned from: each once, whatever happens to the run."""

import shutil
from types import SimpleNamespace

import pandas as pd
import pytest
import torch
from transformers import TrainerCallback
from trl import GRPOTrainer

from vlaa_helpers import (
    AdaptiveKL,
    MixedReward,
    RolloutLog,
    is_garbled,
    load_policy,
    load_rollouts,
    make_scenes,
    to_grpo,
    train_grpo,
)
from vlaa_helpers.training.runner import NeedsTrainer

ROWS = 8  # completions a step: 2 prompts, 4 each


def variety(completions, log_extra=None, **_):
    texts = [completion[0]["content"] for completion in completions]
    if log_extra:
        log_extra("reason", ["long" if len(text) > 20 else "short" for text in texts])
    return [len(set(text)) / 16 for text in texts]


def run(tiny_profile, folder, *, every=1, reward=variety, **config):
    model, processor = load_policy(tiny_profile)
    settings = {"max_steps": 4, "save_steps": 2, "learning_rate": 1e-2, "output_dir": str(folder)} | config
    return train_grpo(
        model, processor, make_scenes(12, seed=3), tiny_profile.replace(micro_batch_size=4), reward_funcs=reward,
        callbacks=[RolloutLog(every=every)], **settings,
    )  # fmt: skip


@pytest.fixture(scope="module")
def whole(tiny_profile, tmp_path_factory):
    """A run that keeps each step, and what its loss saw: (trainer, folder, step to its [(text, advantage)])."""
    seen, folder = {}, tmp_path_factory.mktemp("whole")
    original = GRPOTrainer._compute_loss

    def listening(self, model, inputs):
        pairs = zip(inputs["completion_ids"], inputs["completion_mask"].bool(), inputs["advantages"], strict=True)
        seen.setdefault(self.state.global_step + 1, []).extend(
            (self.processing_class.decode(ids[mask], skip_special_tokens=True), advantage.item())
            for ids, mask, advantage in pairs
        )
        return original(self, model, inputs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(GRPOTrainer, "_compute_loss", listening)
        trainer = run(tiny_profile, folder)
    return trainer, folder, seen


def test_the_rows_are_what_the_loss_saw(whole):
    _, folder, seen = whole
    rollouts = load_rollouts(folder)
    assert sorted(set(rollouts["step"])) == [1, 2, 3, 4]
    for step, rows in rollouts.groupby("step"):
        assert sorted(zip(rows["completion"], rows["advantage"], strict=True)) == sorted(seen[step])
        assert rows["advantage"].abs().max() > 0.5


def test_a_row_tells_its_record_reward_and_length(whole):
    trainer, folder, _ = whole
    rollouts = load_rollouts(folder)
    records = {row["id"]: row for row in make_scenes(12, seed=3)}
    for _, group in rollouts.groupby(["step", "group"]):
        assert len(group) == 4 and group["id"].nunique() == 1
        for row in group.to_dict("records"):
            record = records[row["id"]]
            assert all(row[name] == record[name] for name in ("source", "question", "verifier_type", "gt"))
            assert row["reward"] == pytest.approx(len(set(row["completion"])) / 16)
            assert row["reason"] == ("long" if len(row["completion"]) > 20 else "short")
        assert group["advantage"].mean() == pytest.approx(0, abs=1e-5)
    log = {row["step"]: row for row in trainer.state.log_history if "reward" in row}
    for step, rows in rollouts.groupby("step"):
        assert sorted(set(rows["group"])) == [0, 1] and len(rows) == ROWS
        assert rows["reward"].mean() == pytest.approx(log[step]["reward"])
        assert rows["tokens"].mean() == pytest.approx(log[step]["completions/mean_length"])
        assert rows["truncated"].mean() == pytest.approx(log[step]["completions/clipped_ratio"])


def test_garbled_completions_are_noted_and_logged(whole):
    trainer, folder, _ = whole
    rollouts = load_rollouts(folder)
    for row in rollouts.to_dict("records"):
        assert row["garbled"] == is_garbled(row["completion"], row["source"], truncated=row["truncated"])
    log = {row["step"]: row for row in trainer.state.log_history if "reward" in row}
    for step, rows in rollouts.groupby("step"):
        assert rows["garbled"].mean() == pytest.approx(log[step]["garbled"])
    assert rollouts["garbled"].mean() > 0.9  # random weights write no text


def test_words_of_other_data_sets_are_not_garbled(tiny_profile, tmp_path):
    """Records that are not of the mini world, one of whose sources has a kind's name: only broken bytes count."""
    model, processor = load_policy(tiny_profile)
    records = make_scenes(12, seed=3).map(lambda row, k: {"id": f"mine-{k}"}, with_indices=True)
    train_grpo(
        model, processor, records, tiny_profile, reward_funcs=variety, callbacks=[RolloutLog(every=9)], max_steps=1,
        output_dir=str(tmp_path), max_completion_length=3,
    )  # fmt: skip
    rollouts = load_rollouts(tmp_path)
    for row in rollouts.to_dict("records"):
        assert row["garbled"] == is_garbled(row["completion"], truncated=row["truncated"])
    assert any(row["garbled"] != is_garbled(row["completion"], row["source"]) for row in rollouts.to_dict("records"))


def test_listening_changes_nothing(whole, tiny_profile, tmp_path):
    trainer, _, _ = whole
    model, processor = load_policy(tiny_profile)
    plain = train_grpo(
        model, processor, make_scenes(12, seed=3), tiny_profile.replace(micro_batch_size=4), reward_funcs=variety,
        max_steps=2, learning_rate=1e-2, lr_scheduler_type="constant", output_dir=str(tmp_path / "plain"),
    )  # fmt: skip
    kept = run(tiny_profile, tmp_path / "kept", every=5, max_steps=2, lr_scheduler_type="constant")
    assert [row.get("loss") for row in plain.state.log_history] == [row.get("loss") for row in kept.state.log_history]
    ours = dict(kept.model.named_parameters())
    assert all(torch.equal(value, ours[name]) for name, value in plain.model.named_parameters())
    assert set(load_rollouts(tmp_path / "kept")["step"]) == {1}  # the first, and none of the others


def test_rows_of_a_step_are_not_doubled_by_a_resume(whole, tiny_profile, tmp_path, monkeypatch):
    """Stopped in step 4; what is saved of step 3 is lost, so steps 3 and 4 are drawn again."""
    _, folder, _ = whole
    original, passes = GRPOTrainer.training_step, []

    def training_step(self, *args, **kwargs):
        passes.append(1)
        if len(passes) == 8:
            raise KeyboardInterrupt
        return original(self, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(GRPOTrainer, "training_step", training_step)
        with pytest.raises(KeyboardInterrupt):
            run(tiny_profile, tmp_path)
    shutil.rmtree(tmp_path / "checkpoint-3")
    assert set(load_rollouts(tmp_path)["step"]) == {1, 2, 3}
    with (tmp_path / "rollouts.jsonl").open("a") as file:
        file.write('{"step": 3, "gro')  # as a kill in the middle of a line leaves it
    run(tiny_profile, tmp_path, resume_from_checkpoint=True)
    assert (tmp_path / "rollouts.jsonl").read_text() == (folder / "rollouts.jsonl").read_text()


def test_a_fresh_run_sets_the_rollouts_of_an_earlier_one_aside(tiny_profile, tmp_path):
    run(tiny_profile, tmp_path, max_steps=1)
    first = (tmp_path / "rollouts.jsonl").read_text()
    run(tiny_profile, tmp_path, max_steps=1, seed=7)
    assert (tmp_path / "previous" / "rollouts.jsonl").read_text() == first
    assert len(load_rollouts(tmp_path)) == ROWS and (tmp_path / "rollouts.jsonl").read_text() != first


@pytest.mark.parametrize(
    ("passes", "rows"), [(1, ROWS), (4, 2 * ROWS)], ids=["two generation batches a step", "one in two steps"]
)
def test_other_rhythms_of_sampling(tiny_profile, tmp_path, passes, rows):
    run(tiny_profile, tmp_path, steps_per_generation=passes, max_steps=2)
    rollouts = load_rollouts(tmp_path)
    for _, step in rollouts.groupby("step"):
        assert len(step) == rows and step["group"].tolist() == [k // 4 for k in range(rows)]
        assert step["advantage"].notna().all() and (step.groupby("group")["advantage"].sum().abs() < 1e-4).all()
    drawn = [set(step["completion"]) for _, step in rollouts.groupby("step")]
    assert (drawn[0] == drawn[1]) == (passes == 4)


def test_several_rewards_unscored_completions_and_notes_of_ones_own(tiny_profile, tmp_path):
    def sometimes(completions, log_extra=None, **_):
        if log_extra:
            log_extra("halves", [0.5] * len(completions))
            log_extra("too_few", [1])
        return [None if k % 2 else 1.0 for k in range(len(completions))]

    def never_odd(completions, **_):
        return [None if k % 2 else 0.25 * (k % 4) for k in range(len(completions))]

    run(tiny_profile, tmp_path, reward=[sometimes, never_odd], reward_weights=[1.0, 2.0], max_steps=1)
    rows = load_rollouts(tmp_path)
    assert rows["reward"].iloc[::2].tolist() == [1.0, 2.0] * 2 and rows["reward"].iloc[1::2].isna().all()
    assert (rows["advantage"].iloc[1::2] == 0).all() and (rows["advantage"].iloc[::2] != 0).all()
    assert rows["reward/never_odd"].iloc[:4].fillna(-1).tolist() == [0, -1, 0.5, -1]
    assert (rows["halves"] == 0.5).all() and (rows["reason"] == "").all() and "too_few" not in rows


def test_an_evaluation_of_trl_s_is_not_a_step(tiny_profile, tmp_path):
    trainer = run(tiny_profile, tmp_path, max_steps=1, per_device_eval_batch_size=4)
    trainer.evaluate(to_grpo(make_scenes(1)))
    assert not trainer.callback_handler.callbacks[-2]._waiting
    assert len(load_rollouts(tmp_path)) == ROWS


def test_the_log_has_every_column_a_run_is_watched_by(tiny_profile, tmp_path):
    run(tiny_profile, tmp_path, reward=MixedReward(), beta=0.01, max_steps=2)
    log = pd.read_csv(tmp_path / "log.csv")
    kinds = set(load_rollouts(tmp_path)["verifier_type"])
    columns = {
        *(f"reward/{kind}" for kind in kinds), "reason/no_answer", "reason/correct", "strict", "cues", "reward",
        "reward_std", "frac_reward_zero_std", "completions/mean_length", "completions/clipped_ratio", "entropy", "kl",
        "garbled",
    }  # fmt: skip
    assert kinds and columns <= set(log.columns)
    assert log[sorted(columns - {f"reward/{kind}" for kind in kinds})].notna().all(axis=None)


def test_an_asynchronous_reward_is_heard_too(tiny_profile, tmp_path):
    async def later(completions, log_extra, **_):
        log_extra("reason", ["later"] * len(completions))
        return [k / 8 for k in range(len(completions))]

    run(tiny_profile, tmp_path, reward=[variety, later], reward_weights=[0.0, 1.0], max_steps=1)
    rows = load_rollouts(tmp_path)
    assert rows["reward"].tolist() == rows["reward/later"].tolist() == [k / 8 for k in range(ROWS)]
    assert rows["reward/variety"].tolist() == [len(set(text)) / 16 for text in rows["completion"]]
    assert (rows["reason"] == "").all()  # both noted one, so nobody knows whose it is


def test_a_callback_that_needs_its_trainer_is_told_from_others(tmp_path):
    assert isinstance(RolloutLog(tmp_path), NeedsTrainer) and isinstance(AdaptiveKL(0.1), NeedsTrainer)
    assert not isinstance(TrainerCallback(), NeedsTrainer)


def test_what_cannot_work_is_told(tmp_path):
    judge = SimpleNamespace(reward_funcs=[torch.nn.Linear(1, 1)], reward_func_names=["judge"])
    with pytest.raises(ValueError, match="the reward judge is a model; put it into a function"):
        RolloutLog(tmp_path).attach(judge)
    with pytest.raises(ValueError, match="every=0: expected 1"):
        RolloutLog(every=0)
    with pytest.raises(RuntimeError, match=r"call attach\(trainer\) before"):
        RolloutLog(tmp_path).on_train_begin(None, None, None)
    with pytest.raises(FileNotFoundError, match="no rollouts in .*rollouts.jsonl; train with callbacks="):
        load_rollouts(tmp_path)
