"""The mixed reward: what each verifier accepts, that no listing or odd text pays, and what the trainer is told."""

import json
import math
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from vlaa_helpers.core.boxes import box_iou
from vlaa_helpers.mini_world.scenes import scene_records
from vlaa_helpers.rewards.box import box_reward, read_box
from vlaa_helpers.rewards.choice import choice_reward, options_of
from vlaa_helpers.rewards.digit import digit_reward
from vlaa_helpers.rewards.math_compare import compare
from vlaa_helpers.rewards.mathematics import math_reward
from vlaa_helpers.rewards.mixed import VERIFIERS, MixedReward, is_correct
from vlaa_helpers.rewards.open_ended import open_ended_reward
from vlaa_helpers.rewards.score import Reason, Score
from vlaa_helpers.rewards.scorers import FactsScorer, Question

RIGHT = {"digit": "3", "choice": "B", "math": "y = 2x + 1", "box": "[0.10, 0.20, 0.50, 0.60]"}
META = json.dumps(
    {
        "facts": {
            "time": "day",
            "objects": [
                {"colour": "red", "shape": "circle", "place": "top left"},
                {"colour": "blue", "shape": "star", "place": "top right"},
                {"colour": "green", "shape": "square", "place": "bottom left"},
            ],
        },
        "task": {"wanted": ["A red circle at the top left.", "A blue star at the top right.", "It is day."]},
    }
)


def said(answer: str, think: str = "I look.") -> str:
    return f"<think>{think}</think><answer>{answer}</answer>"


def length_scorer(questions, answers):
    return [float(len(answer)) for answer in answers]


def all_verifiers():
    yield from ((name, verify, RIGHT[name]) for name, verify in VERIFIERS.items())
    yield "open_ended", lambda r, gt, **more: open_ended_reward(r, gt, scorer=length_scorer, **more), "a"


# ---- the gate ----

NO_ANSWER = [
    "",
    "{}",
    "the answer is {}",
    "<think>I look.</think>{}",
    "<think>I look. <answer>{}</answer></think>",
    "<think>I look.</think><answer></answer>",
    "<think>I look.</think><answer> \n </answer>",
    "<think>I look.</think><answer>{}",
    "<think>I look. <answer>{}</answer>",
    "<think>I look.</think><answer>{}</answer><answer>{}</answer>",
    "<think>I look.</think><answer><answer>{}</answer></answer>",
]


@pytest.mark.parametrize("template", NO_ANSWER)
@pytest.mark.parametrize(("name", "verify", "right"), list(all_verifiers()), ids=[v[0] for v in all_verifiers()])
def test_without_an_answer_nothing_is_worth_anything(name, verify, right, template):
    assert verify(template.replace("{}", right), right) == Score(0.0, Reason.NO_ANSWER)


@pytest.mark.parametrize("name", VERIFIERS)
def test_the_right_answer_gets_full_marks_whatever_the_thinking_says(name):
    for think in ("so it is", "7, no, A) and [0, 0, 1, 1] and x^2", "I give up"):
        assert VERIFIERS[name](said(RIGHT[name], think), RIGHT[name]) == Score(1.0, Reason.CORRECT)


def test_an_open_answer_is_not_scored_without_an_answer():
    def never(questions, answers):
        raise AssertionError("asked to score a response without an answer")

    assert open_ended_reward("I see a cat", "a cat", scorer=never) == Score(0.0, Reason.NO_ANSWER)


# ---- digit ----


@pytest.mark.parametrize(
    "answer",
    [
        "3",
        " 3 ",
        "3.",
        "3.0",
        "+3",
        "03",
        "three",
        "Three.",
        "There are 3",
        "3 objects",
        "There are three left.",
        "**3**",
    ],
)
def test_digit_accepts_one_number_whatever_stands_round_it(answer):
    assert digit_reward(said(answer), "3") == Score(1.0, Reason.CORRECT)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("4", "wrong"),
        ("-3", "wrong"),
        ("3.01", "wrong"),
        (".3", "wrong"),
        ("33", "wrong"),
        ("0 1 2 3 4 5", "ambiguous"),
        ("3 or 4", "ambiguous"),
        ("2, 3", "ambiguous"),
        ("2 + 1 = 3", "ambiguous"),
        ("the one on the left is 3", "ambiguous"),
        ("three, no, 3", "ambiguous"),
        ("thirty", "unreadable"),
        ("none", "unreadable"),
        ("-", "unreadable"),
        ("I looked at the picture again and again, and I think that it is 3", "unreadable"),
    ],
)
def test_digit_refuses_everything_else(answer, reason):
    assert digit_reward(said(answer), "3") == Score(0.0, Reason(reason))


def test_digit_reads_a_truth_written_with_a_decimal():
    assert digit_reward(said("3"), "3.0").value == 1


@pytest.mark.parametrize("gt", ["", "three", "B", "3 objects"])
def test_a_count_that_is_no_number_is_an_error(gt):
    with pytest.raises(ValueError, match="is not a number; mend the record"):
        digit_reward(said("3"), gt)


# ---- choice ----

QUESTIONS = {
    "lines": "Which?\nA) 10\nB) 40\nC) 5\nD) A red star",
    "dots": "Which? A. 10 B. 40 C. 5 D. A red star",
    "colons": "Which?\nChoices:\nA: 10\nB: 40\nC: 5\nD: A red star",
    "brackets": "Which? (A) 10 (B) 40 (C) 5 (D) A red star",
    "last": "Which? Choose one option: 10 (A), 40 (B), 5 (C), A red star (D).",
}


@pytest.mark.parametrize("form", QUESTIONS)
def test_options_are_read_in_any_form(form):
    expected = {"A": "10", "B": "40", "C": "5", "D": "A red star"}
    found = options_of(QUESTIONS[form])
    assert {letter: text.removeprefix("Choose one option: ") for letter, text in found.items()} == expected


@pytest.mark.parametrize("question", ["", "What is at (A)?", "How many?", "B) 3 C) 4", "See figure (B) and (A)."])
def test_a_question_without_options_has_none(question):
    assert len(options_of(question)) < 2


def test_the_options_of_every_mini_question_are_read():
    for row in scene_records(60, sources=["angles", "charts"], seed=2):
        options = options_of(row["question"])
        assert list(options.values()) == json.loads(row["meta"])["task"]["options"]


@pytest.mark.parametrize("form", QUESTIONS)
@pytest.mark.parametrize(
    ("answer", "right", "reason"),
    [
        ("40", "B", "correct"),
        ("40.", "B", "correct"),
        ("a RED star", "D", "correct"),
        ("10", "B", "wrong"),
        ("C: 5", "C", "correct"),
        ("C: 40", "C", "ambiguous"),
        ("C: 40", "B", "ambiguous"),
        ("50", "B", "unreadable"),
        ("Answer: **B**", "B", "correct"),
        ("The answer is (B).", "B", "correct"),
        ("Option B", "B", "correct"),
        ("answer", "B", "unreadable"),
    ],
)
def test_the_text_of_an_option_stands_for_its_letter(form, answer, right, reason):
    assert choice_reward(said(answer), right, question=QUESTIONS[form]).reason == reason


def test_a_text_that_two_options_have_names_none():
    question = "A) 3 B) 3 C) 4 D) 5"
    assert choice_reward(said("3"), "A", question=question).reason == Reason.UNREADABLE
    assert choice_reward(said("A) 3"), "A", question=question).reason == Reason.CORRECT


def test_repeating_the_question_earns_nothing():
    for question in QUESTIONS.values():
        for right in "ABCD":
            assert choice_reward(said(question), right, question=question).value == 0


@pytest.mark.parametrize("answer", ["B", "b", "(B)", "B.", "B)", "(b)", "B) 40", "B: 40", "B. a red circle", "B, 40"])
def test_choice_accepts_one_letter_with_or_without_its_text(answer):
    assert choice_reward(said(answer), "B") == Score(1.0, Reason.CORRECT)


def test_choice_takes_the_article_a_for_a_word():
    assert choice_reward(said("B) A linear rise"), "B").reason == Reason.CORRECT
    assert choice_reward(said("B) A linear rise"), "A").reason == Reason.WRONG


@pytest.mark.parametrize("gt", ["(B)", "b", "B"])
def test_choice_reads_the_truth_in_any_writing(gt):
    assert choice_reward(said("B"), gt).value == 1


@pytest.mark.parametrize("right", "ABCD")
@pytest.mark.parametrize(
    "answer",
    [
        "A, B, C, D",
        "A B C D",
        "A/B/C/D",
        "A;B;C;D",
        "a, b, c, d",
        "a) b) c) d)",
        "(a) (b) (c) (d)",
        "A) 10\nB) 20\nC) 30\nD) 40",
        "A or B or C or D",
        "A and B and C and D",
        "A, or maybe B, or C, or D",
        "A & B & C & D",
    ],
)
def test_listing_the_options_never_pays(answer, right):
    assert choice_reward(said(answer), right) == Score(0.0, Reason.AMBIGUOUS)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("C", "wrong"),
        ("C) 40", "wrong"),
        ("Z", "wrong"),
        ("40", "unreadable"),
        ("BB", "unreadable"),
        ("ABCD", "unreadable"),
        ("It is surely B", "unreadable"),
        ("?", "unreadable"),
    ],
)
def test_choice_refuses_everything_else(answer, reason):
    assert choice_reward(said(answer), "B") == Score(0.0, Reason(reason))


# ---- math ----


@pytest.mark.parametrize(
    ("answer", "gt"),
    [
        ("y = 1 + 2x", "y = 2x + 1"),
        ("2x + 1", "y = 2x + 1"),
        ("f(x) = 2x + 1", "y = 2x + 1"),
        ("$y = 2x+1$", "y = 2x + 1"),
        (r"\boxed{2x+1}", "y = 2x + 1"),
        (r"2 \cdot x + 1", "2x + 1"),
        ("y=|x|-1", "y = |x| - 1"),
        ("-1 + x^2", "x^2 - 1"),
        (r"\frac{1}{2}", "0.5"),
        (r"\dfrac{10}{2}", "5"),
        (r"12\pi", r"3 \cdot 4 \pi"),
        ("x^3y^2", "y^2x^3"),
        ("(x+1)^{2}(x-1)^{2}", "(x^2-1)^2"),
        ("e^{-x^2/2}", r"e^{-\frac{x^2}{2}}"),
        ("x=3", "3"),
        (r"\int_0^1 x^2 dx", r"\int_0^1 x^2 dx"),
        (r"\[ y = 2x + 1 \]", r"\boxed{y = 2x + 1}"),
        (r"\(2x+1\)", r"$$ 2x + 1 $$"),
        ("y = 2x + 1", r"Output 4: \[ \boxed{y = 2x + 1} \]"),
        ("Answer: 2x + 1.", "y = 2x + 1"),
        ("The final answer is: **2x + 1**", "y = 2x + 1"),
        (r"-5\sin(-5x)", "y = -5 * sin(-5 * x)"),
        (r"2\pi", "2 * pi"),
        (r"\boxed{\frac{1}{2}}", "0.5"),
    ],
)
def test_math_accepts_what_is_the_same(answer, gt):
    assert math_reward(said(answer), gt) == Score(1.0, Reason.CORRECT)


@pytest.mark.parametrize(
    "answer",
    ["6", "-5", "50", "4 or 5", "5 or 6", "4, 5", "5, 6", "{4, 5}", "4 5", "5 4", "$5$ and $4$", "[4, 6]", "x > 4"]
    + [r"\boxed{4}, \boxed{5}", r"\boxed{5} \boxed{4}", r"\pm 5", "x = 5 or x = 6", "1 = 2 = 5 = 3"],
)
def test_math_gives_nothing_for_another_value_or_for_several(answer):
    score = math_reward(said(answer), "5")
    assert score.value == 0 and score.reason in {Reason.WRONG, Reason.AMBIGUOUS, Reason.UNREADABLE}


@pytest.mark.parametrize("answer", ["$", r"\\", "{}", "?", "∑"])
def test_math_that_cannot_be_read(answer):
    assert math_reward(said(answer), "5").value == 0


@pytest.mark.parametrize("gt", ["", " ", "$$", "y = "])
def test_a_truth_that_is_not_mathematics_is_an_error(gt):
    with pytest.raises(ValueError, match="is not mathematics; mend the record"):
        math_reward(said("5"), gt)


HOSTILE = [
    "9^{9^{9}}",
    "9^9^9",
    "9**9**9",
    "(((9^{99})^{99})^{99})",
    "10^{9*9*9*9*9*9*9*9*9}",
    "(1, 10^{9*9*9*9*9*9*9*9*9})",
    r"\sqrt[10^{9*9*9*9*9*9*9*9*9}]{3}",
    r"\left(" * 5,
    r"\left(" * 40,
    "(" * 190,
    "{" * 190,
    "{" * 90 + "x" + "}" * 90,
    r"\sqrt{" * 40,
    r"\frac{" * 30,
    "x" * 10_000,
    "9" * 10_000,
    "(" * 10_000,
    "^" * 10_000,
    "99999999!",
    "(99!)!",
    "9!!!",
    "9^{9}!",
    r"\Gamma(99999999)",
    r"\gamma(9999999)",
    r"\binom{99999999}{49999999}",
    r"\exp(\exp(\exp(99)))",
    "(x+y+z+w)^{99}",
    r"(x+y+z+w)^{9\cdot 9}",
    "(a+b)(c+d)(e+f)(g+h)(i+j)(k+l)(m+n)(o+p)(q+r)(s+t)(u+v)(w+z)",
    r"\sum_{i=1}^{999999999} \frac{1}{i}",
    r"\prod_{i=1}^{99999} i",
    r"\int e^{-x^2}\sin(x)^{9} dx",
    r"\begin{pmatrix}1&2\\3&4\end{pmatrix}^{99999999}",
    r"\det\begin{pmatrix}10^{9*9*9*9*9*9*9*9}&2\\3&4\end{pmatrix}",
    r"\frac{1}{0}",
    r"(x+1)^{\frac{1}{0}}",
    "\x00\ud800",
]


@pytest.fixture(scope="module")
def warm():
    """Math-Verify takes a second to import; the limits of tests are not for that."""
    assert math_reward(said("5.0"), "5").value == 1


@pytest.mark.timeout(60)
@pytest.mark.parametrize("answer", HOSTILE, ids=lambda answer: ascii(answer[:24]))
def test_hostile_mathematics_is_worth_nothing_and_is_soon_over(warm, answer):
    compare.cache_clear()
    assert compare("5", "6") == "different"  # the process that compares is up again after the one before
    assert math_reward(said(answer), "y = 2x + 1").value == 0


def test_math_works_off_the_main_thread():
    with ThreadPoolExecutor(1) as pool:
        scores = list(pool.map(lambda k: math_reward(said(f"{k} + 4321x"), f"4321x + {k}"), range(3)))
    assert scores == [Score(1.0, Reason.CORRECT)] * 3


# ---- boxes ----

corner = st.integers(-100, 100).map(lambda k: k / 20)
boxes = st.tuples(corner, corner, corner, corner)
real_boxes = boxes.filter(lambda b: b[0] < b[2] and b[1] < b[3])


@given(boxes, boxes)
def test_iou_is_symmetric_and_a_share(a, b):
    assert box_iou(a, b) == box_iou(b, a)
    assert 0 <= box_iou(a, b) <= 1


@given(real_boxes)
def test_iou_of_a_box_with_itself_is_one(box):
    assert box_iou(box, box) == 1


@given(real_boxes, real_boxes)
def test_iou_equals_the_exact_one(a, b):
    a, b = [Fraction(v) for v in a], [Fraction(v) for v in b]
    shared = max(0, min(a[2], b[2]) - max(a[0], b[0])) * max(0, min(a[3], b[3]) - max(a[1], b[1]))
    total = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)) - shared
    assert box_iou([float(v) for v in a], [float(v) for v in b]) == pytest.approx(float(shared / total), abs=1e-12)


@pytest.mark.parametrize(
    ("a", "b", "iou"),
    [
        ((0, 0, 1, 1), (2, 2, 3, 3), 0),
        ((0, 0, 1, 1), (1, 0, 2, 1), 0),  # they touch
        ((0, 0, 2, 2), (1, 1, 3, 3), 1 / 7),
        ((0, 0, 2, 2), (0, 0, 1, 2), 1 / 2),
        ((0, 0, 4, 4), (1, 1, 3, 3), 1 / 4),
        ((0, 0, 0, 1), (0, 0, 1, 1), 0),
        ((1, 1, 0, 0), (0, 0, 1, 1), 0),
    ],
)
def test_iou_by_hand(a, b, iou):
    assert box_iou(a, b) == pytest.approx(iou)


@pytest.mark.parametrize(
    ("text", "box"),
    [
        ("[0.1, 0.2, 0.5, 0.6]", [0.1, 0.2, 0.5, 0.6]),
        ("[.1, .2, .5, .6]", [0.1, 0.2, 0.5, 0.6]),
        ("(0,0) (1,1)", [0, 0, 1, 1]),
        ("x1=", None),
        ("[0.1, 0.2, 0.5]", None),
        ("[0.5, 0.2, 0.1, 0.6]", [0.1, 0.2, 0.5, 0.6]),  # corners in another order: the same box
        ("[0.1, 0.2, 0.1, 0.6]", [0.1, 0.2, 0.1, 0.6]),
        ('{"bbox_2d": [0.1, 0.2, 0.5, 0.6], "label": "cup 7"}', [0.1, 0.2, 0.5, 0.6]),
        ('{"x1": 0.1, "y1": 0.2, "x2": 0.5, "y2": 0.6}', [0.1, 0.2, 0.5, 0.6]),
        ('[{"bbox_2d": [0, 0, 1, 1]}, {"bbox_2d": [0, 0, 1, 1]}]', None),
        ("[0, 0, " + "9" * 400 + ", 1]", None),
    ],
)
def test_read_box(text, box):
    assert read_box(text) == box


@pytest.mark.parametrize(
    ("answer", "value", "reason"),
    [
        ("[0.0, 0.0, 1.0, 1.0]", 1.0, "correct"),
        ("0 0 1 1", 1.0, "correct"),
        ("[0.0, 0.0, 0.5, 1.0]", 0.5, "partial"),
        ("[0.0, 0.0, 0.3, 1.0]", 0.3, "partial"),
        ("[1.0, 1.0, 0.0, 0.0]", 1.0, "correct"),
        ("[2, 2, 3, 3]", 0.0, "out_of_range"),
        ("[-0.1, 0, 1, 1]", 0.0, "out_of_range"),
        ("[0, 0, 1000, 1000]", 0.0, "out_of_range"),
        ("[0, 0, 1, 1] [0, 0, 0.5, 1]", 0.0, "ambiguous"),
        ("[0, 0, 1, 1, 1]", 0.0, "ambiguous"),
        ("[0, 0, 1]", 0.0, "unreadable"),
        ("[1, 0, 0, 1]", 1.0, "correct"),
        ("[0, 0, 0, 0]", 0.0, "wrong"),
        ("[0.2, 0.2, 0.2, 0.9]", 0.0, "wrong"),
        ("left", 0.0, "unreadable"),
    ],
)
def test_box_reward_is_the_iou(answer, value, reason):
    score = box_reward(said(answer), "[0.0, 0.0, 1.0, 1.0]")
    assert (score.value, score.reason) == (pytest.approx(value), reason)


@pytest.mark.parametrize(
    ("answer", "options", "value"),
    [
        ("[0, 0, 500, 1000]", {"frame": "thousand"}, 0.5),
        ("[0, 0, 1001, 1000]", {"frame": "thousand"}, 0.0),
        ("[0, 0, 320, 240]", {"frame": "pixel", "size": (640, 240)}, 0.5),
        ("[0, 0, 640, 241]", {"frame": "pixel", "size": (640, 240)}, 0.0),
    ],
)
def test_boxes_in_a_named_frame(answer, options, value):
    assert box_reward(said(answer), "[0.0, 0.0, 1.0, 1.0]", **options).value == pytest.approx(value)


def test_frames_reach_the_mixed_reward():
    meta = json.dumps({"image_size": [640, 240]})
    for frame, answer in (("thousand", "[0, 0, 500, 1000]"), ("pixel", "[0, 0, 320, 240]")):
        score = MixedReward(box_frame=frame).score(said(answer), "[0.0, 0.0, 1.0, 1.0]", "box", meta=meta)
        assert score.value == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("options", "gt", "words"),
    [
        ({"frame": "inches"}, "[0, 0, 1, 1]", "unknown frame 'inches'; expected one of fraction, thousand, pixel"),
        ({"frame": "pixel"}, "[0, 0, 1, 1]", r"needs size=\(width, height\)"),
        ({}, "the cup", "ground truth 'the cup' is not a box"),
    ],
)
def test_what_a_box_cannot_be_compared_with_is_said(options, gt, words):
    with pytest.raises(ValueError, match=words):
        box_reward(said("[0, 0, 1, 1]"), gt, **options)


# ---- open-ended ----


def by_number(questions, answers):
    return [float(answer) for answer in answers]


@pytest.mark.parametrize(
    ("margin", "beta", "value"),
    [(1, 0.2, 0.181269246922), (2, 0.2, 0.329679953964), (5, 0.2, 0.632120558829), (3, 1.0, 0.950212931632)],
)
def test_open_ended_formula_by_hand(margin, beta, value):
    score = open_ended_reward(said(str(10 + margin)), "10", scorer=by_number, beta=beta)
    assert (score.value, score.reason) == (pytest.approx(value, abs=1e-11), Reason.PARTIAL)
    assert score.value == pytest.approx(1 - math.exp(-beta * margin))


def test_the_default_beta_is_the_cited_one():
    assert open_ended_reward(said("1"), "0", scorer=by_number).value == pytest.approx(1 - math.exp(-0.2))
    assert MixedReward().beta == 0.2


@pytest.mark.parametrize("answer", ["10", "9.5", "-3", "nan", "-inf"])
def test_an_open_answer_that_is_not_better_gets_nothing(answer):
    assert open_ended_reward(said(answer), "10", scorer=by_number) == Score(0.0, Reason.NOT_BETTER)


@given(st.floats(0.001, 50), st.floats(0.001, 50), st.floats(0.01, 2))
def test_open_ended_grows_with_the_margin_and_stays_a_share(a, b, beta):
    low, high = (open_ended_reward(said(str(m)), "0", scorer=by_number, beta=beta).value for m in sorted((a, b)))
    assert 0 < low <= high <= 1
    assert low < high or high == pytest.approx(1) or a == pytest.approx(b)


def test_the_scorer_sees_the_question_and_the_meta_for_answer_and_reference():
    seen = []

    def scorer(questions, answers):
        seen.extend(zip(questions, answers, strict=True))
        return [1.0, 0.0]

    open_ended_reward(said("cat"), "dog", scorer=scorer, question="what?", meta="m")
    assert seen == [(Question("what?", "m"), "cat"), (Question("what?", "m"), "dog")]


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


# ---- facts ----


@pytest.mark.parametrize(
    ("answer", "points"),
    [
        ("", 0),
        ("Something pretty.", 0),
        ("A red circle at the top left.", 1),
        ("A red circle at the top left. A blue star at the top right. It is day.", 3),
        ("A red circle at the top left. A red circle at the top left.", 1),  # repeating gains nothing
        ("A green square at the bottom left.", 0),  # true, but not what was asked for
        ("A red star at the top left.", -1),
        ("A red star at the top left. A red star at the top left.", -1),
        ("It is night.", -1),
        ("It is day. It is night.", 0),
        ("A red circle at the top left. A blue star at the top left.", 0),
    ],
)
def test_facts_scorer_on_a_hand_made_scene(answer, points):
    assert FactsScorer()([Question("", META)], [answer]) == [points]


@pytest.mark.parametrize("meta", ["", "{}", "null", "[]", "3", "not json", '{"task": {}}', '{"task": {"wanted": []}}'])
def test_facts_scorer_says_when_there_are_no_facts(meta):
    with pytest.raises(ValueError, match=r"no scene facts in its meta.*MixedReward\(scorer=…\)"):
        FactsScorer()([Question("", meta)], ["It is day."])


def test_in_the_mini_world_everything_asked_for_beats_the_reference():
    for row in scene_records(20, sources=["stories"], seed=5):
        full = " ".join(json.loads(row["meta"])["task"]["wanted"])
        reward = MixedReward()
        best = reward.score(said(full), row["gt"], "open_ended", meta=row["meta"])
        same = reward.score(said(row["gt"]), row["gt"], "open_ended", meta=row["meta"])
        assert best.value > 0 and same == Score(0.0, Reason.NOT_BETTER)


# ---- any text ----

pieces = st.sampled_from(
    ["<think>", "</think>", "<answer>", "</answer>", "3", "B", "A) ", ", ", "[0.1, ", "0.5]", " or ", "=", "x", "\n"]
    + ["^{", "}", "(", ")", "\\frac{", "\\sqrt{", "\\left(", "$", "\\", "!", "-", "e", "9", "+", "\\boxed{", "²", "٣"]
)
contents = st.one_of(st.text(max_size=40), st.lists(pieces, max_size=14).map("".join))
responses = st.one_of(contents, contents.map(said))


@pytest.mark.parametrize("name", [name for name in VERIFIERS if name != "math"])
@settings(max_examples=200)
@given(response=responses)
@example(response=said("9" * 5000))
@example(response=said("٣"))
@example(response=said("a) " * 3000 + "!"))
def test_any_text_gets_a_share(name, response):
    score = VERIFIERS[name](response, RIGHT[name])
    assert 0 <= score.value <= 1 and isinstance(score.reason, Reason)
    assert (score.value > 0) == (score.reason in {Reason.CORRECT, Reason.PARTIAL})


@settings(max_examples=150)
@given(response=responses)
def test_any_text_gets_a_share_from_math(warm, response):
    score = math_reward(response, "y = 2x + 1")
    assert score.value in (0, 1) and (score.value == 1) == (score.reason is Reason.CORRECT)


@given(response=responses)
def test_any_text_gets_a_share_as_an_open_answer(response):
    assert 0 <= open_ended_reward(response, "It is", scorer=length_scorer).value <= 1


# ---- the mixed reward ----


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


def test_a_sixth_verifier_can_be_added():
    def yes_no_reward(response, gt, *, question=""):
        return Score(float(gt in response), Reason.CORRECT if gt in response else Reason.WRONG)

    reward = MixedReward(verifiers={"yes_no": yes_no_reward})
    assert reward([said("yes"), said("no"), said("3")], ["yes_no", "yes_no", "digit"], ["yes", "yes", "3"]) == [1, 0, 1]
    with pytest.raises(ValueError, match="expected one of .*open_ended, yes_no"):
        reward([said("yes")], ["vibes"], ["yes"])


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


# ---- a hand-labelled table ----

LABELLED = [json.loads(line) for line in (Path(__file__).parents[1] / "samples" / "labelled_answers.jsonl").open()]


@pytest.mark.parametrize("row", LABELLED, ids=lambda row: f"{row['verifier_type']}: {row['why']}")
def test_a_hand_labelled_answer(row):
    score = MixedReward().score(
        row["response"], row["gt"], row["verifier_type"], question=row["question"], meta=row.get("meta", "")
    )
    assert score.value == pytest.approx(row["value"], abs=1e-6), (row, score)


def test_the_table_is_large_and_covers_every_verifier():
    assert len(LABELLED) >= 150
    assert set(VERIFIERS) | {"open_ended"} == {row["verifier_type"] for row in LABELLED}
