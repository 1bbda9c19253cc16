"""The mixed reward: each sample to its verifier, what the trainer is told, and what counts as right."""

import json
import math

import pytest
from reward_samples import META, length_scorer, said

from vlaa_helpers.rewards.mixed import MixedReward, is_correct
from vlaa_helpers.rewards.score import Reason, Score


def batch():
    rows = [
        ("digit", said("3"), "3", 1.0),
        ("choice", said("A, B"), "B", 0.0),
        ("math", said("1 + 2x"), "y = 2x + 1", 1.0),
        ("box", said("[0, 0, 0.5, 1]"), "[0.0, 0.0, 1.0, 1.0]", 0.5),
        ("digit", "3", "3", 0.0),
        ("open_ended", said("A red circle at the top left. It is day."), "It is day.", 1 - math.exp(-0.2)),
        ("digit", said("3"), "4", 0.0),
    ]
    kinds, completions, truths, values = (list(column) for column in zip(*rows, strict=True))
    return kinds, completions, truths, values


def test_each_sample_goes_to_its_own_verifier_in_order():
    kinds, completions, truths, values = batch()
    got = MixedReward()(completions, kinds, truths, meta=[META] * len(kinds))
    assert got == pytest.approx(values)
    backwards = MixedReward()(completions[::-1], kinds[::-1], truths[::-1], meta=[META] * len(kinds))
    assert backwards == pytest.approx(values[::-1])


def test_strings_and_message_lists_are_worth_the_same():
    kinds, completions, truths, values = batch()
    chats = [[{"role": "assistant", "content": text}] for text in completions]
    parts = [[{"role": "assistant", "content": [{"type": "text", "text": text}]}] for text in completions]
    for form in (chats, parts):
        assert MixedReward()(form, kinds, truths, meta=[META] * len(kinds)) == pytest.approx(values)


def test_the_trainer_s_way_of_calling_it():
    """The keyword arguments of TRL 1.16's `GRPOTrainer._calculate_rewards`."""
    kinds, completions, truths, values = batch()
    metrics, extra = {}, {}
    reward = MixedReward()
    got = reward(
        prompts=[[{"role": "user", "content": "?"}]] * 7,
        completions=[[{"role": "assistant", "content": text}] for text in completions],
        completion_ids=[[1, 2]] * 7,
        images=[[]] * 7,
        verifier_type=kinds,
        gt=truths,
        source=["s"] * 7,
        id=[str(k) for k in range(7)],
        question=["?"] * 7,
        meta=[META] * 7,
        trainer_state=object(),
        log_extra=extra.__setitem__,
        log_metric=metrics.__setitem__,
    )
    assert got == pytest.approx(values) and all(isinstance(value, float) for value in got)
    assert reward.__name__ == "mixed_reward"
    reasons = ["correct", "ambiguous", "correct", "partial", "no_answer", "partial", "wrong"]
    assert extra == {"reason": reasons} and all(type(reason) is str for reason in extra["reason"])
    assert metrics == pytest.approx(
        {
            "reward/digit": 1 / 3,
            "reward/choice": 0.0,
            "reward/math": 1.0,
            "reward/box": 0.5,
            "reward/open_ended": 1 - math.exp(-0.2),
            "reason/correct": 2 / 7,
            "reason/partial": 2 / 7,
            "reason/wrong": 1 / 7,
            "reason/no_answer": 1 / 7,
            "reason/ambiguous": 1 / 7,
            "reason/unreadable": 0.0,  # named too: the trainer averages over the calls that name a metric
            "reason/out_of_range": 0.0,
            "reason/not_scored": 0.0,
            "reason/not_better": 0.0,
            "strict": 6 / 7,
            "cues": 0.0,
        }
    )


@pytest.mark.parametrize(("kind", "gt"), [("digit", "3"), ("choice", "B"), ("math", "5"), ("box", "[0, 0, 1, 1]")])
def test_a_record_without_a_question_is_scored(kind, gt):
    columns = {"question": [None], "verifier_type": [kind], "gt": [gt]}
    assert MixedReward()([said(f"The answer is {gt}")], **columns) == [1.0]


def test_format_and_cues_are_counted():
    metrics = {}
    texts = ["Wait, it is 3", said("3"), "<think>Let me check.</think> <answer>3</answer>", "<answer>3</answer>"]
    MixedReward()(texts, ["digit"] * 4, ["3"] * 4, log_metric=metrics.__setitem__)
    assert metrics["strict"] == 0.5 and metrics["cues"] == 0.5


def test_no_completions_give_no_rewards():
    metrics = {}
    assert MixedReward()([], [], [], log_metric=metrics.__setitem__) == [] and metrics == {}


def test_scorer_and_beta_are_used():
    reward = MixedReward(scorer=length_scorer, beta=1.0)
    assert reward([said("abc")], ["open_ended"], ["a"]) == pytest.approx([1 - math.exp(-2)])


def test_an_unknown_verifier_type_is_named():
    with pytest.raises(
        ValueError, match="unknown verifier_type 'vibes'; expected one of digit, choice, math, box, open_"
    ):
        MixedReward()([said("3")], ["vibes"], ["3"])


# ---- what the verifiers get of it ----


def test_frames_reach_the_mixed_reward():
    meta = json.dumps({"image_size": [640, 240]})
    for frame, answer in (("thousand", "[0, 0, 500, 1000]"), ("pixel", "[0, 0, 320, 240]")):
        score = MixedReward(box_frame=frame).score(said(answer), "[0.0, 0.0, 1.0, 1.0]", "box", meta=meta)
        assert score.value == pytest.approx(0.5)


def test_references_are_scored_once_and_answers_in_one_batch():
    calls = []

    def scorer(questions, answers):
        calls.append(list(answers))
        return [float(len(answer)) for answer in answers]

    reward = MixedReward(scorer=scorer)
    for _ in range(2):
        reward([said("abc"), said("ab"), "no answer"], ["open_ended"] * 3, ["a"] * 3)
    assert calls == [["abc", "ab", "a"], ["abc", "ab"]]


@pytest.mark.parametrize("broken", ["answer", "reference"])
def test_what_a_scorer_cannot_say_is_left_out_not_zero(broken):
    def scorer(questions, answers):
        return [None if answer == {"answer": "abc", "reference": "a"}[broken] else 1.0 for answer in answers]

    metrics = {}
    reward = MixedReward(scorer=scorer)
    assert reward([said("abc")], ["open_ended"], ["a"], log_metric=metrics.__setitem__) == [None]
    assert metrics["reason/not_scored"] == 1 and "reward/open_ended" not in metrics
    assert is_correct(Score(None, Reason.NOT_SCORED), "open_ended") is False


@pytest.mark.parametrize("columns", [{}, {"gt": ["3"]}, {"verifier_type": ["digit"]}])
def test_missing_columns_are_named(columns):
    with pytest.raises(ValueError, match=r"needs the columns verifier_type and gt.*train on to_grpo\(records\)"):
        MixedReward()([said("3")], **columns)
    with pytest.raises(ValueError, match="got answer, question"):
        MixedReward()([said("3")], question=["?"], answer=["3"])


@pytest.mark.parametrize("column", ["verifier_type", "gt", "meta", "question"])
def test_columns_of_different_lengths_are_an_error(column):
    columns = {"verifier_type": ["digit"] * 2, "gt": ["3"] * 2, "meta": [""] * 2, "question": [""] * 2}
    columns[column] = columns[column][:1]
    with pytest.raises(ValueError):
        MixedReward()([said("3")] * 2, **columns)


# ---- what counts as right ----


@pytest.mark.parametrize(
    ("kind", "value", "right"),
    [
        ("digit", 1.0, True),
        ("digit", 0.0, False),
        ("math", 0.99, False),
        ("box", 0.5, True),
        ("box", 0.49, False),
        ("open_ended", 0.01, True),
        ("open_ended", 0.0, False),
    ],
)
def test_is_correct(kind, value, right):
    assert is_correct(Score(value, Reason.PARTIAL), kind) is right
