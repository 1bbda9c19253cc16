"""A verifier written in a notebook: registered once, and known from the file of rows to the last probe."""

import re

import pytest
from row_files import encoded

from vlaa_helpers import (
    EvaluateEvery,
    MixedReward,
    Reason,
    Score,
    Verifier,
    evaluate,
    load_policy,
    load_records,
    preflight,
    probe_traces,
    register_verifier,
    score_answer,
    train_grpo,
)
from vlaa_helpers.evaluation import runner
from vlaa_helpers.pseudo_reasoning.probes import same_answer
from vlaa_helpers.rewards import registry
from vlaa_helpers.training import preflight_check

METRES = {"mm": 0.001, "cm": 0.01, "m": 1.0}


def length_of(text):
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(mm|cm|m)?", text.strip())
    return (float(found[1]), found[2]) if found else (None, None)


def unit_reward(response, gt, *, question="", meta=""):
    """1 for the right length in any unit, 0.5 for the right number without one."""
    right, right_unit = length_of(gt)

    def decide(answer):
        number, unit = length_of(answer)
        if number is None:
            return Score(0.0, Reason.UNREADABLE)
        if unit is None:
            return Score(0.5, Reason.PARTIAL) if number == right else Score(0.0, Reason.WRONG)
        same = abs(number * METRES[unit] - right * METRES[right_unit]) < 1e-9
        return Score(1.0, Reason.CORRECT) if same else Score(0.0, Reason.WRONG)

    if right_unit is None:
        raise ValueError(f"the ground truth {gt!r} is no length with a unit; mend the record")
    return score_answer(response, decide)


UNIT = Verifier("unit", unit_reward, is_correct=lambda score: score.value >= 0.5)


@pytest.fixture(autouse=True)
def only_built_in(monkeypatch):
    """A test starts with the built-in verifiers, and what it registers is forgotten after it."""
    monkeypatch.setattr(registry, "_registered", {verifier.name: verifier for verifier in registry.BUILT_IN})


@pytest.fixture
def unit(only_built_in):
    register_verifier(UNIT)


@pytest.fixture
def rows(write_rows):
    """A file of rows about images, each with the verifier type that is to be registered."""
    names = [f"ruler-{k}" for k in range(4)]
    return write_rows(
        *(
            {"id": name, "image": f"{name}.png", "question": "How long?", "gt": f"{k + 1} cm", "verifier_type": "Unit"}
            for k, name in enumerate(names)
        ),
        images={f"{name}.png": encoded(size=(112, 112), seed=k) for k, name in enumerate(names)},
    )


def said(answer):
    return f"<think>I look. It is {answer}.</think>\n<answer>{answer}</answer>"


def planted(monkeypatch, answers):
    """Answers by record instead of what the policy says, in place of drawing from it."""

    def draw(model, processor, prompts, sampling, **_):
        texts = [said(answers[name]) for name in prompts["id"] for _ in range(sampling.samples)]
        yield prompts[:], [(text, 5, False) for text in texts]

    for module in (runner, preflight_check):
        monkeypatch.setattr(module, "response_batches", draw)


def test_before_it_is_registered_its_rows_are_refused_with_what_to_do(rows):
    with pytest.raises(ValueError) as caught:
        load_records(rows)
    assert "0 records, 4 rows left out, 4 reports (unknown_verifier_type 4)" in str(caught.value)
    assert (
        "verifier_type 'Unit'; expected one of digit, choice, math, box, open_ended. "
        "Correct it, or first register_verifier(Verifier('unit', score))."
    ) in str(caught.value)
    with pytest.raises(ValueError, match=r"unknown verifier_type 'unit'; .*register_verifier\(Verifier\('unit', score"):
        load_records(rows, verifier_type="unit")
    with pytest.raises(ValueError, match="unknown verifier_type 'unit'"):
        MixedReward()([said("3 cm")], ["unit"], ["3 cm"])


def test_rows_get_it_by_name_or_by_argument(unit, rows, write_rows):
    assert set(load_records(rows)["verifier_type"]) == {"unit"}
    plain = write_rows({"question": "How long?", "answer": "3 cm"}, name="plain.jsonl")
    assert load_records(plain, verifier_type="unit")["verifier_type"][:] == ["unit"]


def test_a_policy_is_trained_evaluated_and_probed_with_it(unit, rows, tiny_profile, tmp_path):
    records, reward = load_records(rows), MixedReward()
    assert reward([said("20 mm"), said("2"), said("2 m"), "2 cm"], ["unit"] * 4, ["2 cm"] * 4) == [1.0, 0.5, 0.0, 0.0]
    model, processor = load_policy(tiny_profile)
    watch = EvaluateEvery(records, processor, [0, 2], max_new_tokens=4)
    trainer = train_grpo(
        model, processor, records, tiny_profile, reward_funcs=reward, max_steps=2, output_dir=str(tmp_path),
        callbacks=[watch],
    )  # fmt: skip
    steps = [row for row in trainer.state.log_history if "reward/unit" in row]
    assert [row["step"] for row in steps] == [1, 2] and all("reason/no_answer" in row for row in steps)
    assert sorted(watch.reports) == [0, 2]
    assert len(evaluate(model, processor, records, max_new_tokens=4).rows) == 4
    assert set(preflight(model, processor, records, reward, generations=2, max_new_tokens=4).by_verifier) == {"unit"}
    responses = [said("10 mm"), said("2"), said("3 m"), said("4 cm")]
    report = probe_traces(model, processor, records, responses, probes=["partial"], max_answer_tokens=4)
    assert [row["given_correct"] for row in report.rows] == [True, True, False, True]


def test_accuracy_and_preflight_ask_it_what_is_right(unit, rows, tiny_profile, monkeypatch):
    records, (model, processor) = load_records(rows), load_policy(tiny_profile)
    planted(monkeypatch, {"ruler-0": "10 mm", "ruler-1": "2", "ruler-2": "3 m", "ruler-3": "far"})
    report = evaluate(model, processor, records)
    assert [(row["value"], row["reason"], row["correct"]) for row in report.rows] == [
        (1.0, "correct", True),
        (0.5, "partial", True),  # by its own is_correct
        (0.0, "wrong", False),
        (0.0, "unreadable", False),
    ]
    tried = preflight(model, processor, records, MixedReward(), generations=2)
    assert tried.by_verifier == {"unit": 0.375} and tried.reasons["unreadable"] == 0.25


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [("3 cm", "3  CM", True), ("3 cm", "30 mm", True), ("3", "3 cm", True), ("3 cm", "3 m", False), ("3", "4", False)],
)
def test_two_answers_are_one_when_either_is_right_by_the_other(unit, a, b, same):
    record = {"verifier_type": "unit", "question": "How long?", "meta": "{}"}
    assert same_answer(a, b, record, MixedReward()) == same_answer(b, a, record, MixedReward()) == same


def test_its_own_word_on_what_is_the_same_counts():
    register_verifier(Verifier("unit", unit_reward, same_answer=lambda a, b, question: question == "Any?"))
    for question in ("Any?", "How long?"):
        record = {"verifier_type": "unit", "question": question, "meta": "{}"}
        assert same_answer("3 cm", "4 cm", record, MixedReward()) is (question == "Any?")


def test_a_ground_truth_it_cannot_read_stops_the_run(unit):
    with pytest.raises(ValueError, match="the ground truth '3' is no length with a unit"):
        MixedReward()([said("3 cm")], ["unit"], ["3"])
