"""Held-out accuracy along a run: measured at the right moments, in the log, and without a trace in what is learned."""

import csv
import random
import shutil

import numpy as np
import pytest
import torch

from vlaa_helpers import (
    EvaluateEvery,
    compare_reports,
    evaluate,
    load_policy,
    make_scenes,
    train_grpo,
    train_sft,
)
from vlaa_helpers.training import held_out

HELD_OUT = make_scenes(12, split="test", seed=5)
COLUMNS = ["held_out/accuracy", "held_out/low", "held_out/high", "held_out/no_answer", "held_out/garbled"]
QUICK = {"max_new_tokens": 8}


def variety(completions, **_):
    return [len(set(completion[0]["content"])) / 16 for completion in completions]


def run(tiny_profile, folder, steps=None, *, options=QUICK, **config):
    model, processor = load_policy(tiny_profile)
    watch = [] if steps is None else [EvaluateEvery(HELD_OUT, processor, steps, **options)]
    settings = {"max_steps": 5, "save_steps": 2, "learning_rate": 1e-2, "output_dir": str(folder)} | config
    trainer = train_grpo(
        model, processor, make_scenes(8, seed=3), tiny_profile.replace(micro_batch_size=4), reward_funcs=variety,
        callbacks=watch, **settings,
    )  # fmt: skip
    return trainer, *watch


def log_of(folder):
    with (folder / "log.csv").open() as file:
        return list(csv.DictReader(file))


def without(rows, names):
    """Rows without what tells time, TRL's count of tokens (a resume starts it again) and some columns."""
    dropped = {*names, "num_tokens"}
    return [{k: v for k, v in row.items() if "time" not in k and k not in dropped} for row in rows]


def adapters(trainer):
    return {name: p.detach().clone() for name, p in trainer.model.named_parameters() if p.requires_grad}


@pytest.fixture(scope="module")
def watched(tiny_profile, tmp_path_factory):
    """A run that is evaluated every other step: (trainer, callback, folder)."""
    folder = tmp_path_factory.mktemp("watched")
    return *run(tiny_profile, folder, 2, options={**QUICK, "samples": 2}), folder


def test_each_report_is_of_the_policy_after_that_step(watched, tiny_profile):
    _, watch, folder = watched
    assert list(watch.reports) == [0, 2, 4, 5]
    for step, policy in [(0, None), (4, "checkpoint-4"), (5, "checkpoint-5")]:
        model, processor = load_policy(tiny_profile, adapter=policy and folder / policy)
        report = evaluate(model, processor, HELD_OUT, samples=2, **QUICK)
        assert [row["response"] for row in report.rows] == [row["response"] for row in watch.reports[step].rows]
    assert compare_reports(watch.reports[0], watch.reports[5]).n == len(HELD_OUT)
    assert watch.reports[0].rows != watch.reports[5].rows


def test_the_numbers_stand_beside_those_of_the_step(watched):
    trainer, watch, folder = watched
    history = [row for row in trainer.state.log_history if "train_runtime" not in row]
    assert [row["step"] for row in history] == [0, 1, 2, 3, 4, 5]
    for row in history:
        assert ("held_out/accuracy" in row) == (row["step"] in watch.reports)
        assert ("reward" in row) == (row["step"] > 0)
    report, row = watch.reports[4], history[4]
    assert [row[name] for name in COLUMNS] == [
        report.accuracy, *report.interval, report.format_failures, report.garbled,
    ]  # fmt: skip
    assert report.garbled > 0.9  # random weights write no text
    rows = log_of(folder)
    assert [row["step"] for row in rows] == list("012345") and rows[0]["reward"] == rows[1]["held_out/low"] == ""
    assert [float(rows[4][name]) for name in COLUMNS] == [history[4][name] for name in COLUMNS]


def test_it_leaves_the_run_as_it_is(watched, tiny_profile, tmp_path):
    trainer, _, folder = watched
    plain, *_ = run(tiny_profile, tmp_path)
    assert without(log_of(folder)[1:], COLUMNS) == without(log_of(tmp_path), [])
    mine = adapters(trainer)
    assert all(torch.equal(mine[name], adapter) for name, adapter in adapters(plain).items())


def test_an_evaluation_touches_no_random_state(tiny_profile, tmp_path):
    model, processor = load_policy(tiny_profile)
    states = lambda: (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist())  # noqa: E731
    for training in (True, False):
        model.train(training)
        before = states()
        evaluate(model, processor, HELD_OUT.select(range(2)), samples=2, out=tmp_path / str(training), **QUICK)
        assert states() == before and model.training is training


@pytest.mark.parametrize("moment", [2, 4], ids=["at step 2", "at step 4"])
def test_interrupted_in_an_evaluation_and_resumed_is_the_same(watched, tiny_profile, tmp_path, monkeypatch, moment):
    trainer, watch, folder = watched

    def interrupted(*args, out, **options):
        if out.name == f"step-{moment}":
            torch.rand(3)
            raise KeyboardInterrupt
        return evaluate(*args, out=out, **options)

    options = {**QUICK, "samples": 2}
    with monkeypatch.context() as patch:
        patch.setattr(held_out, "evaluate", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run(tiny_profile, tmp_path, 2, options=options)
    if moment == 4:
        shutil.rmtree(tmp_path / "checkpoint-4")  # back to a step that was evaluated; its checkpoint does not know
    resumed, again = run(tiny_profile, tmp_path, 2, options=options, resume_from_checkpoint=True)
    assert without(log_of(tmp_path), []) == without(log_of(folder), [])
    mine = adapters(resumed)
    assert all(torch.equal(mine[name], adapter) for name, adapter in adapters(trainer).items())
    assert list(again.reports) == list(watch.reports)
    for step, report in again.reports.items():
        assert [row["response"] for row in report.rows] == [row["response"] for row in watch.reports[step].rows]


def test_chosen_steps_between_those_that_are_logged(tiny_profile, tmp_path):
    trainer, watch = run(tiny_profile, tmp_path, [3], logging_steps=2, max_steps=4)
    plain, *_ = run(tiny_profile, tmp_path / "plain", logging_steps=2, max_steps=4)
    assert list(watch.reports) == [3]
    assert [row["step"] for row in log_of(tmp_path)] == ["2", "3", "4"]
    assert without([log_of(tmp_path)[k] for k in (0, 2)], COLUMNS) == without(log_of(tmp_path / "plain"), [])
    assert "train_runtime" in trainer.state.log_history[-1]


def test_it_watches_sft_too_and_a_fresh_run_starts_anew(tiny_profile, tmp_path, with_traces):
    for seed in (0, 1):
        model, processor = load_policy(tiny_profile, seed=seed)
        watch = EvaluateEvery(HELD_OUT, processor, [0, 1], **QUICK)
        settings = {"batch_size": 4, "max_steps": 1, "output_dir": str(tmp_path)}
        train_sft(model, processor, with_traces(make_scenes(4)), tiny_profile, callbacks=[watch], **settings)
        assert list(watch.reports) == [0, 1] and log_of(tmp_path)[1]["held_out/accuracy"] != ""
    assert (tmp_path / "previous" / "held_out" / "step-1").is_dir()


def test_a_rhythm_that_means_nothing_is_refused():
    with pytest.raises(ValueError, match=r"steps=0: expected a number from 1, or the steps themselves"):
        EvaluateEvery(HELD_OUT, None, 0)
