"""What each verifier says of a ground truth before a run meets it, and that scoring agrees."""

import json

import pytest
from reward_samples import RIGHT, said

from vlaa_helpers.rewards.box import box_reward, check_box
from vlaa_helpers.rewards.registry import BUILT_IN, Verifier, get_verifier

QUESTION = "Which? A) red B) blue C) green"
SIZE = json.dumps({"image_size": [640, 480]})


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_one_is_let_through(name):
    assert get_verifier(name).check_gt(RIGHT[name], "", "") is None


@pytest.mark.parametrize(
    ("name", "gt", "question", "meta", "words"),
    [
        ("digit", "many", "", "", "not a number; mend the record"),
        ("digit", "three", "", "", "write gt '3'"),
        ("digit", "−3", "", "", "write gt '-3'"),
        ("digit", "", "", "", "not a number"),
        ("choice", "purple", QUESTION, "", "names no option"),
        ("choice", "A or B", QUESTION, "", "names no option"),
        ("choice", "D", QUESTION, "", "none of the question's options A, B, C"),
        ("choice", "A) blue", QUESTION, "", "names no option"),
        ("math", "a straight line", "", "", "not mathematics"),
        ("math", "$x$ and $y$", "", "", "not mathematics"),
        ("math", r"\foo{5}", "", "", "not mathematics"),
        ("math", "x" * 600, "", "", "not mathematics"),
        ("box", "the cup", "", "", "is not a box; expected"),
        ("box", "[128, 96, 384, 288]", "", "", "pixels or thousandths, where fractions are asked; divide"),
        ("box", "[128, 96, 384, 288]", "", SIZE, "[0.2, 0.2, 0.6, 0.6]"),
        ("box", "[0.2, 0.2, 0.2, 0.6]", "", "", "no area"),
        ("open_ended", " … ", "", "", "has no word"),
    ],
)
def test_what_is_wrong_is_said_with_its_mend(name, gt, question, meta, words):
    assert words in get_verifier(name).check_gt(gt, question, meta)
    if name not in ("open_ended",) and "none of the question" not in words:
        with pytest.raises(ValueError):
            get_verifier(name).score(said(RIGHT[name]), gt, question=question)


@pytest.mark.parametrize("gt", ["9^{9^{9^{9}}}", "(99999999!)!", "x = 9^{9^{9^{9}}}"])
def test_a_truth_that_takes_too_long_to_work_out_is_refused(gt):
    assert "takes longer than 1 s of processor time" in get_verifier("math").check_gt(gt, "", "")


@pytest.mark.parametrize("gt", ["B", "b", "(B)", "[B]", "B) blue", "blue", "B."])
def test_a_choice_is_understood_in_any_writing(gt):
    assert get_verifier("choice").check_gt(gt, QUESTION, "") is None
    values = [get_verifier("choice").score(said(letter), gt, question=QUESTION).value for letter in "ABC"]
    assert values == [0, 1, 0]


def test_one_s_own_verifier_lets_everything_through_unless_it_says_otherwise():
    score = BUILT_IN[0].score
    assert Verifier("mine", score).check_gt("anything", "", "") is None
    assert Verifier("mine", score, check_gt=lambda gt, question, meta: f"{gt}!").check_gt("no", "", "") == "no!"


ODD_SIZES = ["100x100", ["100", "100"], [100], 100, True, [100, 100, 3], [None, None], [100, 0], [True, True], {}, []]
ODD_SIZES += [{"width": 100}, {"width": 100, "height": "100"}, [float("inf"), 100], [10**400, 100]]


@pytest.mark.parametrize("size", ODD_SIZES, ids=lambda size: repr(size)[:30])
@pytest.mark.parametrize("gt", ["[10, 20, 30, 40]", "[0.1, 0.2, 0.3, 0.4]"])
def test_a_size_that_is_none_is_said(gt, size):
    meta = json.dumps({"image_size": size})
    said = check_box(gt, meta=meta)
    assert said.startswith(f"image_size is {json.loads(meta)['image_size']!r:.80}; expected [width, height] or")
    assert said.endswith("two numbers of pixels above 0. Correct it, or leave it out")
    with pytest.raises(ValueError, match="image_size is .*expected"):
        box_reward("<answer>[10, 20, 30, 40]</answer>", "[0.1, 0.2, 0.3, 0.4]", meta=meta, frame="pixel")


def test_a_size_may_be_named():
    meta = json.dumps({"image_size": {"width": 100, "height": 200}})
    assert check_box("[10, 20, 30, 40]", meta=meta).endswith("by its height: [0.1, 0.1, 0.3, 0.2]")
    answer = "<answer>[10, 20, 30, 40]</answer>"
    assert box_reward(answer, "[0.1, 0.1, 0.3, 0.2]", meta=meta, frame="pixel").value == 1
    assert check_box("[0.1, 0.1, 0.3, 0.2]", meta=json.dumps({"image_size": None})) is None
