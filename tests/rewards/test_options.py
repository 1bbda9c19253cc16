"""The options of a question: up to 26 of them, read once, in linear time."""

import pytest
from cpu_budget import cpu_budget

from vlaa_helpers.rewards import options
from vlaa_helpers.rewards.choice import choice_reward
from vlaa_helpers.rewards.options import options_of, read_options

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@pytest.mark.parametrize("count", [2, 8, 9, 12, 26])
@pytest.mark.parametrize("form", ["{letter}) text {k}\n", "({letter}) text {k} ", "{letter}: text {k}\n"])
def test_any_number_of_options(count, form):
    listed = {LETTERS[k]: f"text {k}" for k in range(count)}
    assert options_of("Which? " + "".join(form.format(letter=LETTERS[k], k=k) for k in range(count))) == listed
    assert options_of("Which? " + ", ".join(f"text {k} ({LETTERS[k]})" for k in range(count))) == listed


@pytest.mark.parametrize(
    ("question", "texts"),
    [
        ("Of A: 3 and B: 4, which is it?\nA) 3\nB) 4\nC) 5", ["3", "4", "5"]),  # the longer run
        ("A) see C. Elegans B) see A) C) none", ["see C. Elegans", "see A)", "none"]),  # other marks are text
        ("A) B\nB) A", ["B", "A"]),
        ("A)\nB)\nC)", ["", "", ""]),
    ],
)
def test_marks_that_are_text(question, texts):
    assert list(options_of(question).values()) == texts


@pytest.mark.parametrize(
    "question",
    [
        "Choices:\nA:145°\nB:125°\nC:55°",
        "Choices: A:145° B:125° C:55°",
        "Choices:\nA：145°\nB：125°\nC：55°",
        "Which?\nA.145°\nB.125°\nC.55°",
        "Which? (a) 145° (b) 125° (c) 55°",
        "Which?\na) 145°\nb) 125°\nc) 55°",
        "Which?\nA 145°\nB 125°\nC 55°",
    ],
)
def test_a_layout_of_options(question):
    assert options_of(question) == {"A": "145°", "B": "125°", "C": "55°"}
    for wrong in ("A: 125°", "a: 145°, c: 55°", "(b) 145°", "A:125°"):
        assert choice_reward(f"<answer>{wrong}</answer>", "A", question=question).value == 0
    for right in ("A", "a", "A: 145°", "145°", "145", "145 degrees", "$145^\\circ$"):
        assert choice_reward(f"<answer>{right}</answer>", "A", question=question).value == 1


@pytest.mark.parametrize("question", ["A line and B", "At 5 A.M. and 6 B.C.", "f(a) and f(b)", "A\nB\nC"])
def test_letters_that_mark_no_options(question):
    assert options_of(question) == {}


@pytest.mark.parametrize(
    "question",
    [" " * 100_000, "(" * 100_000, "a " * 50_000 + "(B)", "A) " * 30_000, "A: " * 30_000 + "B: ", "x (A)" * 20_000]
    + [
        " " * 100_000 + "(A)",
        "the " * 30_000 + "answer",
        "a) " * 30_000,
        "A \n" * 30_000,
        "A:x " * 30_000,
        "A" * 100_000,
        ", " * 50_000 + "(A), (B)",
    ],
    ids=lambda question: f"{question[:6]!r}…",
)
def test_long_questions_and_answers_take_linear_time(question):
    with cpu_budget(2):
        options_of(question)
        choice_reward(f"<answer>{question}</answer>", "A")


def test_a_question_is_read_once(monkeypatch):
    read_options.cache_clear()
    calls, read = [], options._listed
    monkeypatch.setattr(options, "_listed", lambda question: calls.append(question) or read(question))
    for answer in ("red", "blue", "A (blue)"):
        choice_reward(f"<answer>{answer}</answer>", "A", question="Which colour? A) red B) blue")
    assert len(calls) == 1


@pytest.mark.parametrize(
    "question",
    [
        "What is it?\nA. a heart\nB. a kidney\nAnswer with the option's letter from the given choices directly.",
        "What is it?\nA. a heart\nB. a kidney\n\nThink step by step.",
        "What is it? A) a heart B) a kidney\nPlease select the correct option.",
        "What is it? (A) a heart (B) a kidney. Answer with the letter.",
    ],
)
def test_an_instruction_behind_the_options_is_none_of_their_text(question):
    assert options.options_of(question)["B"].rstrip(".") == "a kidney"
    assert choice_reward("<answer>a kidney</answer>", "B", question=question).value == 1


def test_an_option_of_several_lines_keeps_them():
    assert options.options_of("Which?\nA. one\nline\nB. two\nlines")["B"] == "two\nlines"
