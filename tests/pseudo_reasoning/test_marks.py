"""Marks stand where the finders say, never overlap, and become escaped HTML."""

import re

from hypothesis import given
from hypothesis import strategies as st

from vlaa_helpers.pseudo_reasoning.marks import MARKS, SYMBOLS, cue_marks, find_marks, marked_html

CHART = {"source": "charts", "meta": {"facts": {"style": "bar", "colours": ["red", "blue"], "values": [6, 2]}}}
TRACE = "I see bars: red 6, blue 3. Wait, 6 - 3 = 4. It is day."


def marked(trace: str, record: dict | None = None) -> list[tuple[str, str]]:
    return [(mark.kind, trace[mark.start : mark.end]) for mark in find_marks(trace, record)]


def test_claims_sums_and_cues_are_marked():
    said = [("true", "bars"), ("true", "red 6"), ("false", "blue 3"), ("cue", "Wait"), ("wrong", "6 - 3 = 4")]
    assert marked(TRACE, CHART) == [*said, ("unchecked", "It is day")]


def test_without_facts_claims_are_not_marked():
    assert marked(TRACE) == [("cue", "Wait"), ("wrong", "6 - 3 = 4")]
    assert marked(TRACE, {"source": "clevr_math", "meta": "{}"}) == marked(TRACE)


def test_a_right_sum_and_a_word_inside_a_word_are_not_marked():
    assert marked("The waiter has 6 - 2 = 4.", CHART) == []


def test_cues_alone_are_marked_as_whole_words_or_as_the_paper_counts_them():
    text = "The waiter CHECKs again."
    assert [text[mark.start : mark.end] for mark in cue_marks(text)] == ["again"]
    anywhere = cue_marks(text, whole_words=False)
    assert [text[mark.start : mark.end] for mark in anywhere] == ["wait", "CHECK", "again"]
    assert {mark.kind for mark in anywhere} == {"cue"}


def test_each_kind_but_cues_has_a_symbol_of_its_own():
    """Told apart without colour: true from false, and false from a sum that does not hold."""
    assert SYMBOLS.keys() == MARKS.keys() and SYMBOLS["cue"] == ""
    assert len(set(SYMBOLS.values())) == len(MARKS)


def test_what_is_marked_is_escaped():
    trace = "<script> Wait & red 5"
    assert marked_html(trace, find_marks(trace, CHART)) == (
        '&lt;script&gt; <mark class="cue" title="a cue of self-reflection">Wait</mark> &amp; '
        '<mark class="false" title="false of the image">red 5<sup>✗</sup></mark>'
    )


@given(st.lists(st.sampled_from(["red 6", "blue 3", "wait", "6 - 3 = 4", "bars", ". ", ", ", " ", "<"])).map("".join))
def test_marks_never_overlap_and_all_text_is_kept(trace):
    marks = find_marks(trace, CHART)
    assert all(a.end <= b.start for a, b in zip(marks, marks[1:], strict=False))
    assert all(mark.kind in MARKS and mark.start < mark.end for mark in marks)
    plain = re.sub("<sup>.</sup>", "", marked_html(trace, marks))
    for mark in marks:
        plain = plain.replace(f'<mark class="{mark.kind}" title="{MARKS[mark.kind]}">', "")
    assert plain.replace("</mark>", "").replace("&lt;", "<") == trace
