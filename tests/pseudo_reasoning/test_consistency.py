"""Contradictions and self-corrections: planted ones are found, and what only looks like one is not."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vlaa_helpers.core.trace_text import cue_spans
from vlaa_helpers.mini_world.statement_parser import read_statements
from vlaa_helpers.pseudo_reasoning.consistency import find_contradictions, find_self_checks, read_assertions


def about(pairs):
    return [(pair.first.about, pair.first.value, pair.second.value) for pair in pairs]


CONTRADICTIONS = [
    ("x = 5. So x = 6.", [(("name", "x"), 5, 6)]),
    ("x is 5, as seen. That makes 7.\nHence x = 6.", [(("name", "x"), 5, 6)]),
    ("x = 2 + 3 = 5. We get x = 4.", [(("name", "x"), 5, 4)]),
    ("\\( \\angle ABC = 40^\\circ \\).\nSo \\( \\angle ABC = 50^\\circ \\).", [(("name", "angleABC"), 40, 50)]),
    ("a_1 = 2. b = 7. Thus a_1 = 3.", [(("name", "a_1"), 2, 3)]),
    ("5 - 2 = 3. But 5-2 is 4.", [(("sum", "5-2"), 3, 4)]),
    ("The answer is 4. So the answer is 5.", [(("answer",), 4, 5)]),
    ("The answer is B. \\boxed{C}", [(("answer",), "B", "C")]),
    ("It looks like 4. The answer should be **5**.", [(("answer",), 4, 5)]),
    ("Wait. x = 5. So x = 6. x = 7. x = 5.", [(("name", "x"), 5, 6)]),  # one for each thing
]


@pytest.mark.parametrize(("text", "expected"), CONTRADICTIONS)
def test_planted_contradictions(text, expected):
    found = find_contradictions(text)
    assert about(found) == expected
    assert all(text[pair.first.start : pair.first.end] and pair.first.end <= pair.second.start for pair in found)


@pytest.mark.parametrize(
    "text",
    [
        "x = 5. So x = 5, and x = 5.0, x = 10/2.",
        "x = 5. Wait, x = 6.",  # taken back
        "x = 5. Actually, x = 6.",
        "x = 5. No: x = 6.",
        "x = 5. Now x = 6.",  # another time
        "x = 5. After that, x = 6.",
        "x = 2 or x = 3.",  # roots
        "The roots: x = 2. The other: x = 3, a solution.",
        "When x = 0, y = 1. When x = 1, y = 3.",  # points
        "x = 0, y = 1. x = 1, y = 3.",
        "If x = 5, all is well. If x = 6, not.",
        "Let x = 5. Let x = 6.",
        "n = 1: 2. n = 2: 4.",  # a table
        "Case 1: x = 2.\nCase 2: x = 3.",
        "x = 5y. x = 6.",
        "2x = 10. x = 5. x + 1 = 6. -x = -5. 3 - x = 2.",
        "x_1 = 2. x_2 = 3.",
        "A = 40. B = 50.",
        "5 - 2 = 3. 5 - 3 = 2. 6 - 2 = 4.",
        "The answer is not 4. The answer is 5.",
        "The answer is A yellow square. The answer is A.",
        "The answer is 5 - 2. The answer is 3.",
        "The answer is y = 2x + 1. The answer is y = 2x + 2.",  # not read: only numbers and letters are
        "The sum is 5. The sum is 7.",  # of other things, it may be
        "There are 5 objects. There are 4 objects left.",
        "",
    ],
)
def test_what_is_no_contradiction(text):
    assert find_contradictions(text) == []


CHECKS = [
    ("2 + 2 = 5. Wait, 2 + 2 = 4.", [("Wait", True)]),
    ("2 + 2 = 4. Wait, let me double-check. 2 + 2 = 4.", [("Wait, let me double-check", False)]),
    ("2 + 2 = 5. Wait, that's wrong, it is 4.", [("Wait", True)]),
    ("2 + 2 = 4. Wait, yes: it is 4.", [("Wait", False)]),
    (
        "x = 5. Hmm, I should check. x = 6. Alternatively, x = 6.",
        [("Hmm, I should check", True), ("Alternatively", False)],
    ),
    ("The answer is B. Wait. The answer is C. Hmm. The answer is B.", [("Wait", True), ("Hmm", True)]),
    ("x = 5. Wait, y = 6.", [("Wait", False)]),  # new, but nothing said before is changed
    ("x = 5. Wait, maybe it is different. I am not sure.", [("Wait", False)]),
    ("x = 5. Wait. Hmm. Alternatively, a mistake? x = 6.", [("Wait. Hmm. Alternatively, a mistake", True)]),
    ("Hmm, let me see. Wait, x = 5.", []),  # nothing to check yet
    ("x = 5. The waiter leans against it. x = 6.", []),
    ("x = 5. Actually, x = 6.", []),  # no cue of the paper's
    ("Wait, wait, wait.", []),
    ("", []),
]


@pytest.mark.parametrize(("text", "expected"), CHECKS)
def test_planted_self_checks(text, expected):
    assert [(text[check.start : check.end], check.changed) for check in find_self_checks(text)] == expected


# ---- with what is said of an image: (source, text, contradictions, changed of each self-check) ----

IMAGES = [
    ("charts", "I see bars: red 6, blue 2. red 5, blue 2. 5 - 2 = 3.", [("value", "red")], []),
    ("charts", "I see bars: red 6. Wait, I am not sure. I see bars: red 5.", [], [True]),
    ("charts", "I see bars: red 6. Wait, I am not sure. I see bars: red 6.", [], [False]),
    ("charts", "I see bars: red 6. The highest is red. The highest is blue.", [("extreme", "highest")], []),
    ("charts", "I see bars: red 6. Now red 5.", [("value", "red")], []),  # an image does not change with time
    ("angles", "50 at the top, x at the left. 50 + 60 = 110. 60 at the top", [("label", "top")], []),
    ("angles", "50 at the top, x at the left. Wait. 50 at the top, x at the right.", [], [False]),
    ("angles", "50 at the top, x at the left. Wait. x at the top, 50 at the left.", [], [True]),
    ("functions", "a red line through (0, 1) and (1, 3). y goes from 2 to 3", [("y", 0.0)], []),
    ("functions", "through (0, 1). One step right of 0, y goes from 1 to 3, so a is 2 and b is 1.", [], []),
    ("functions", "so a is 2. Hmm, so a is 3.", [], [True]),
    (
        "boxes",
        "I see red star [0.1, 0.1, 0.5, 0.5]. The red star [0.1, 0.1, 0.6, 0.6].",
        [("box", ("red", "star"))],
        [],
    ),
    ("boxes", "I see red star [0.1, 0.1, 0.5, 0.5], red star [0.6, 0.6, 0.9, 0.9].", [], []),  # two of them
    ("boxes", "I see red star [0.1, 0.1, 0.5, 0.5]. Wait. I see blue star [0.1, 0.1, 0.5, 0.5].", [], [True]),
    ("stories", "It is day. A red star at the top left. It is night.", [("time", "time")], []),
    ("stories", "It is day. A red star at the top left. On the left: 2 objects.", [("region", "left")], []),
    ("stories", "It is day. A red star at the top left. On the left: 1 object.", [], []),
    ("stories", "It is day. A red star at the top left. Hmm. It is day. A blue star at the top left.", [], [True]),
    ("blocks", "I see red star, blue star. That is 3 objects.", [("count", (None, None))], []),
    ("blocks", "I see red star, blue star. That is 2 objects. Subtract all stars: 1.", [("taken", (None, "star"))], []),
    ("blocks", "I see red star, red circle. Subtract all stars: 1. Then remove every red object: 1.", [], []),
    ("blocks", "I see red star, red circle. Wait, maybe I should check again. I see red star.", [], [True]),
    ("blocks", "I see red star, red circle. Wait. I see red circle, red star.", [], [False]),
    ("blocks", "I see red star. That is 1 object. Let me check. That is 1 object.", [], [False]),
]


@pytest.mark.parametrize(("source", "text", "contradictions", "changed"), IMAGES)
def test_what_is_said_of_a_image_counts(source, text, contradictions, changed):
    assertions = read_assertions(text, read_statements(source, text))
    assert [pair.first.about for pair in find_contradictions(text, assertions)] == contradictions
    assert [check.changed for check in find_self_checks(text, assertions)] == changed


def test_assertions_have_places_and_values():
    text = "So x = 2 + 3 = 5. The answer is B."
    found = [(text[each.start : each.end], each.about, each.value) for each in read_assertions(text)]
    assert found == [
        ("= 2 + 3 = 5", ("name", "x"), Fraction(5)),
        ("2 + 3 = 5", ("sum", "2+3"), Fraction(5)),
        ("answer is B", ("answer",), "B"),
    ]


pieces = st.sampled_from(
    "x = 5 . Wait , it is 6 2 + 2 3 answer B \\boxed{ red star at the top left I see 7 [ 0.5 ] angle".split()
)


@given(
    st.one_of(st.text(), st.lists(pieces, max_size=25).map(" ".join)), st.sampled_from(["charts", "stories", "blocks"])
)
def test_any_text_is_read(text, source):
    for assertions in (read_assertions(text), read_assertions(text, read_statements(source, text))):
        starts = [assertion.start for assertion in assertions]
        assert starts == sorted(starts)
        for pair in find_contradictions(text, assertions):
            assert pair.first.value != pair.second.value and pair.first.about == pair.second.about
        assert len(find_self_checks(text, assertions)) <= len(cue_spans(text))
