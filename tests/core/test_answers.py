"""Reading responses: which layouts are strict, which answers are told, and that hostile text costs nothing."""

import re

import pytest
from cpu_budget import cpu_budget
from hypothesis import given
from hypothesis import strategies as st

from vlaa_helpers.core.answers import (
    DIRECT_PROMPT,
    SYSTEM_PROMPT,
    FormatProblem,
    completion_text,
    extract_answer,
    parse_response,
)

GOOD = "<think>one and two</think><answer>3</answer>"


def test_the_prompts_are_the_ones_the_mini_model_learnt():
    assert DIRECT_PROMPT == "You answer questions about pictures. Give only the result between <answer> and </answer>."
    assert SYSTEM_PROMPT == (
        "You answer questions about pictures. Think first between <think> and </think>, then give only the result "
        "between <answer> and </answer>."
    )


@pytest.mark.parametrize(
    "text",
    [GOOD, "\n <think>\none and two\n</think>\n\n<answer>\n3\n</answer> \n"],
    ids=["tight", "with blanks"],
)
def test_strict_layouts(text):
    response = parse_response(text)
    assert response.is_strict and response.problem is None
    assert (response.think, response.answer) == ("one and two", "3")


# text, lenient answer, problem
LAYOUTS = [
    ("", None, "no_answer"),
    ("the answer is 3", None, "no_answer"),
    ("<think>a</think> 3", None, "no_answer"),
    ("<think>a <answer>3</answer></think>", None, "no_answer"),
    ("3</answer>", None, "no_answer"),
    ("<answer>3</answer><answer>4</answer>", None, "several_answers"),
    ("<think>a</think><answer>3</answer><answer>3</answer>", None, "several_answers"),
    ("<think>a</think><answer></answer><answer>3</answer>", None, "several_answers"),
    ("<think>a</think><answer> \n </answer>", None, "empty_answer"),
    ("<think>a</think><answer><answer>3</answer></answer>", None, "nested_answer"),
    ("<think>a</think><answer>3 <think>b</think></answer>", None, "nested_answer"),
    ("<think>a</think><answer>3", None, "unclosed_answer"),
    ("<think>a</think><answer>3</answer><answer>", None, "unclosed_answer"),
    ("<think>a", None, "unclosed_think"),
    ("<think>a <answer>3</answer>", None, "unclosed_think"),
    ("<answer>3</answer><think>a", None, "unclosed_think"),
    ("<answer>3</answer>", "3", "no_think"),
    ("so it is <answer>3</answer>", "3", "no_think"),
    ("<think>a</think><think>b</think><answer>3</answer>", "3", "several_thinks"),
    ("<think>a<think>b</think><answer>3</answer>", "3", "several_thinks"),
    ("<think> </think><answer>3</answer>", "3", "empty_think"),
    ("a</think><answer>3</answer>", "3", "unopened_think"),
    ("a <answer>4</answer> b</think><answer>3</answer>", "3", "unopened_think"),
    ("<answer>3</answer><think>a</think>", "3", "answer_before_think"),
    ("<think>a</think><answer>3</answer></answer>", "3", "stray_tag"),
    ("<think>a</think></think><answer>3</answer>", "3", "stray_tag"),
    ("<THINK>a</THINK><answer>3</answer>", "3", "loose_tag"),
    ("<think>a</think><answer >3</ answer>", "3", "loose_tag"),
    ("<think>a</think>So: <answer>3</answer>", "3", "text_outside_tags"),
    ("<think>a</think><answer>3</answer>.", "3", "text_outside_tags"),
    ("Sure! <think>a</think><answer>3</answer>", "3", "text_outside_tags"),
]


@pytest.mark.parametrize(("text", "answer", "problem"), LAYOUTS)
def test_loose_layouts(text, answer, problem):
    response = parse_response(text)
    assert (response.answer, response.problem, response.is_strict) == (answer, problem, False)


def test_every_problem_has_a_layout_and_a_line_in_the_docs():
    assert {problem for _, _, problem in LAYOUTS} == set(FormatProblem)
    for problem in FormatProblem:
        assert re.search(rf"^ *{problem}: ", FormatProblem.__doc__, re.MULTILINE)  # 3.13 takes the indent away


def test_answer_tags_inside_the_thinking_are_mentions():
    response = parse_response("<think>I put it in <answer>9</answer> tags</think><answer>3</answer>")
    assert response.answer == "3" and response.is_strict
    assert response.think == "I put it in <answer>9</answer> tags"


def test_thinking_survives_without_an_answer():
    assert parse_response("<think>one, two").think == "one, two"
    assert parse_response("one, two</think> three").think == "one, two"
    assert parse_response("<think>a</think>\n<think>b</think>").think == "a\n\nb"
    assert parse_response("three").think is None


def test_a_prefilled_think_tag():
    text = GOOD.removeprefix("<think>")
    assert parse_response(text, prefilled_think=True) == parse_response(GOOD)
    assert extract_answer(text) == extract_answer(text, prefilled_think=True) == "3"
    assert not parse_response(text).is_strict
    assert parse_response("<answer>3</answer>", prefilled_think=True).problem == "unclosed_think"
    assert parse_response(GOOD, prefilled_think=True).problem == "several_thinks"  # the model wrote the tag again


def test_letters_that_only_look_like_a_tag_are_text():
    assert extract_answer("<an\u017fwer>3</an\u017fwer>") is None  # a long s folds to s where case is ignored
    assert extract_answer("<answers>3</answers>") is None
    assert extract_answer("<think>a<b</think><answer>x < 3</answer>") == "x < 3"


pieces = st.one_of(
    st.sampled_from(["<think>", "</think>", "<answer>", "</answer>", "<Answer >", "< /think>", "<", ">", "/", " "]),
    st.text(max_size=5),
)
tagged_text = st.one_of(st.text(), st.lists(pieces, max_size=12).map("".join))
plain_text = st.text(min_size=1).filter(lambda text: "<" not in text and text.strip())


@given(tagged_text, st.booleans())
def test_any_text_is_read_and_the_two_readings_agree(text, prefilled_think):
    response = parse_response(text, prefilled_think=prefilled_think)
    assert response.is_strict == (response.problem is None)
    assert extract_answer(text, prefilled_think=prefilled_think) == response.answer
    if response.is_strict:
        assert response.think and response.answer
    if response.answer is not None:
        assert response.answer == response.answer.strip() != ""
        assert response.answer in text
    else:
        assert response.problem in list(FormatProblem)[:6]


@given(tagged_text)
def test_prefilling_is_the_same_as_writing_the_tag(text):
    assert parse_response(text, prefilled_think=True) == parse_response("<think>" + text)


@given(plain_text, plain_text)
def test_wrapped_text_comes_back(think, answer):
    response = parse_response(f"<think>{think}</think>\n<answer>{answer}</answer>")
    assert response.is_strict
    assert (response.think, response.answer) == (think.strip(), answer.strip())


@pytest.mark.parametrize(
    "unit",
    ["<answer>", "<think>", "</think>", "<answer></answer>", "<", "< ", "< /", "<answer", "<answer ", " ", "<think>a"],
)
def test_a_hostile_megabyte_takes_linear_time(unit):
    once, often = "<" + unit * (1_000_000 // len(unit)), unit * (1_000_000 // len(unit))
    for text in (once, often, "<" + " " * 1_000_000):
        with cpu_budget(20):  # 0.1 s where this was written
            parse_response(text)


def test_completion_text_takes_what_trl_gives():
    parts = [{"type": "text", "text": "<think>a</think>"}, {"type": "text", "text": "<answer>3</answer>"}]
    text = "<think>a</think><answer>3</answer>"
    assert completion_text(text) == text
    assert completion_text([{"role": "assistant", "content": text}]) == text
    assert completion_text([{"role": "assistant", "content": parts}]) == text
    assert completion_text([{"role": "assistant", "content": [{"type": "image", "text": None}, *parts]}]) == text
    assert completion_text([{"role": "assistant", "content": None}]) == ""
    assert completion_text([]) == ""


def test_completion_text_leaves_out_what_others_said():
    turns = [
        {"role": "assistant", "content": "<think>a</think>"},
        {"role": "tool", "content": "<answer>9</answer>"},
        {"role": "assistant", "content": "<answer>3</answer>"},
    ]
    assert extract_answer(completion_text(turns)) == "3"


@pytest.mark.parametrize(
    "completion", [None, 3, ["text"], {"role": "assistant"}, [{"role": "assistant", "content": 3}]]
)
def test_completion_text_refuses_other_things(completion):
    with pytest.raises(TypeError, match="list of"):
        completion_text(completion)
