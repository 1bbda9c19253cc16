"""Multiple choice: one option by its letter or its text; no listing pays."""

import json

import pytest
from reward_samples import said

from vlaa_helpers.mini_world.scenes import scene_records
from vlaa_helpers.rewards.choice import choice_reward, options_of
from vlaa_helpers.rewards.score import Reason, Score

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
    assert choice_reward(said("B) A red bar"), "B").reason == Reason.CORRECT
    assert choice_reward(said("B) A red bar"), "A").reason == Reason.WRONG


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


@pytest.mark.parametrize(
    "answer",
    ["B: ruled out", "B (rejected)", "B, but more likely c", "b: 50%, c: 50%", "B) not shown", "B) c", "B) 50%"]
    + ["B) probably", "B: maybe a", "B) a guess", "B) 40 or 50", "B) a"],
)
def test_a_remark_where_the_question_lists_no_options(answer):
    assert choice_reward(said(answer), "B", question="Which panel shows it?").value == 0


@pytest.mark.parametrize(
    ("answer", "value"),
    [("Not red: B", 0), ("B) blue, never red", 0), ("B, which is not right", 0), ("B, that is right", 1)],
)
def test_a_remark_that_negates(answer, value):
    assert choice_reward(said(answer), "B", question="Is it never so? A) red B) blue").value == value


@pytest.mark.parametrize(
    ("answer", "value"),
    [
        ("The cube is blue", 1),
        ("It is blue.", 1),
        ("The cube is blue, so the answer is B.", 1),
        ("The cube is blue, so the answer is A.", 0),
        ("The red cube is blue", 0),
        ("The ball is blue", 0),
        ("The cube is not blue", 0),
        ("Is blue the cube", 0),
    ],
)
def test_a_sentence_that_answers_the_question(answer, value):
    question = "What colour is the cube? A) red B) blue"
    assert choice_reward(said(answer), "B", question=question).value == value


def test_no_sentence_answers_a_question_that_negates():
    question = "Which ball is not shown? A) red B) blue"
    assert choice_reward(said("Blue is shown"), "B", question=question).value == 0


@pytest.mark.parametrize(
    ("answer", "gt"),
    [
        ("blue bar", "B"),
        ("The blue bar.", "B"),
        ("It is the dark blue bar", "C"),
        ("（Ｂ）", "B"),
        ("Ｂ：ｂｌｕｅ", "B"),
    ],
)
def test_the_noun_that_is_asked_for_and_full_width_letters(answer, gt):
    question = "Which bar is the highest? A) red B) blue C) dark blue"
    assert [choice_reward(said(answer), right, question=question).value for right in "ABC"] == [gt == r for r in "ABC"]


@pytest.mark.parametrize("answer", ["blue panel", "blue bar bar", "not the blue bar", "the blue bar or the red bar"])
def test_another_noun_is_not_read(answer):
    question = "Which bar is the highest? A) red B) blue C) dark blue"
    assert choice_reward(said(answer), "B", question=question).value == 0
