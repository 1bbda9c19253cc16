"""One fact of a trace changed: exactly one span, false afterwards, and what follows from it known."""

import json
from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vlaa_helpers import corrupt_trace, find_claims
from vlaa_helpers.mini_world import response_styles
from vlaa_helpers.mini_world.kinds import KINDS, SOURCES
from vlaa_helpers.mini_world.scenes import scene_records
from vlaa_helpers.pseudo_reasoning.arithmetic import find_arithmetic
from vlaa_helpers.pseudo_reasoning.corruptions import is_said_again


def careful(row):
    """The trace of the careful style, its answer, facts and task."""
    meta = json.loads(row["meta"])
    steps, answer = response_styles.solve(row["source"], meta["facts"], meta["task"])
    return f"{KINDS[row['source']].words(meta['facts'])} {steps}", answer, meta["facts"], meta["task"]


ROWS = [row for split in ("train", "shifted") for row in scene_records(90, seed=5, split=split)]


def test_one_span_changes_and_one_claim_is_false_afterwards():
    kinds = Counter()
    for row in ROWS:
        trace, answer, facts, _ = careful(row)
        change = corrupt_trace(trace, row, answer=answer)
        before, after = change.prefix(trace), change.corrupted_prefix(trace)
        assert trace.startswith(before) and before[: change.start] == after[: change.start]
        assert before[change.end :] == after[len(after) - len(before) + change.end :]
        assert (before[change.start : change.end], change.original) == (
            change.original,
            before[change.start :][: len(change.original)],
        )
        assert change.replacement != change.original
        verdicts = [claim.verdict for claim in find_claims(row["source"], facts, after)]
        assert verdicts == ["true"] * (len(verdicts) - 1) + ["false"], (trace, change)
        assert {claim.verdict for claim in find_claims(row["source"], facts, before)} == {"true"}
        kinds[change.kind] += 1
    assert len(kinds) >= 9, kinds


def test_a_change_matters_to_the_answer_where_one_can():
    for row in ROWS:
        trace, answer, _, _ = careful(row)
        change = corrupt_trace(trace, row, answer=answer)
        assert change.decisive == bool(change.implied and answer not in change.implied)
    assert sum(corrupt_trace(careful(row)[0], row).decisive for row in ROWS) > 0.95 * len(ROWS)


def scene(source, facts, task):
    return {"source": source, "meta": json.dumps({"facts": facts, "task": task})}


CHART = {"style": "bar", "colours": ["red", "blue", "green"], "values": [6, 2, 3]}
DIFFERENCE = {"kind": "difference", "first": "red", "second": "blue", "options": [str(k) for k in range(-7, 8)]}


def test_the_implied_answer_is_what_the_changed_fact_leads_to():
    trace, values = "I see bars: red 6, blue 2, green 3. red 6, blue 2. 6 - 2 = 4.", {"red": 6, "blue": 2, "green": 3}
    seen = set()
    for seed in range(40):
        change = corrupt_trace(trace, scene("charts", CHART, DIFFERENCE), seed=seed)
        colour = change.corrupted_prefix(trace).rstrip(".,").split()[-2]
        after = {**values, colour: int(change.replacement)}
        assert change.kind == "value" and change.decisive and colour != "green"
        assert change.implied == (str(after["red"] - after["blue"]),)
        seen.add((colour, change.start))
    assert len(seen) == 4  # each of the two bars, where it is first said and where it is said again


def test_after_a_false_claim_it_is_not_known_what_is_implied():
    trace = "I see bars: red 5, blue 2, green 3. 5 - 2 = 3."
    for seed in range(10):
        change = corrupt_trace(trace, scene("charts", CHART, DIFFERENCE), seed=seed)
        assert change.original != "5" and change.implied == () and not change.decisive


def test_a_curve_through_a_changed_point_has_two_readings():
    facts = {"family": "line", "a": 2, "b": -1, "mark": 1, "colour": "red"}
    trace = "I see a red line through (0, -1) and (1, 1)."
    found = {}
    for seed in range(60):
        change = corrupt_trace(trace, scene("functions", facts, {"kind": "expression"}), seed=seed)
        found[change.corrupted_prefix(trace)] = change.implied
    assert found["I see a red line through (0, 2)"] == ("y = 2x + 2", "y = -x + 2")
    assert found["I see a red line through (0, -1) and (1, 3)."] == ("y = 4x - 1",)
    assert found["I see a red parabola"] == ("y = 2x^2 - 1",)


def test_the_same_seed_gives_the_same_change():
    trace, answer, *_ = careful(ROWS[0])
    assert corrupt_trace(trace, ROWS[0], seed=3) == corrupt_trace(trace, ROWS[0], seed=3)
    assert len({corrupt_trace(trace, ROWS[0], seed=seed) for seed in range(20)}) > 3


@pytest.mark.parametrize(
    ("trace", "answer", "kept", "original", "kind", "implied"),
    [
        ("Then 12 + 5 = 17, of course. So 99.", "17", "Then 12 + 5 = ", "17", "arithmetic", True),
        ("Then 12 + 5 = 17, of course. So 99.", "99", "Then 12 + 5 = ", "17", "arithmetic", False),
        ("1. Add.\n2. There are 7 left.", "7", "1. Add.\n2. There are ", "7", "number", True),
        ("About 3.5 m.", None, "About ", "3.5", "number", False),
        ("It looks like B.", "B", "It looks like ", "B", "letter", True),
        ("The box is [0.125, 0.5, 1].", "[0.125, 0.5, 1]", "The box is [", None, "number", True),
    ],
)
@pytest.mark.parametrize("record", [None, {"source": "charts", "meta": "no JSON"}, {"source": "clevr", "meta": None}])
def test_any_text_has_a_number_or_a_letter_changed(trace, answer, kept, original, kind, implied, record):
    change = corrupt_trace(trace, record, answer=answer)
    text = change.corrupted_prefix(trace)
    assert text.startswith(kept) and change.kind == kind and original in (None, change.original)
    assert len(change.replacement) == len(change.original) and bool(change.implied) == implied
    if implied:
        assert change.implied[0] in text and change.implied[0] != answer and change.decisive
    if kind == "arithmetic":
        assert not find_arithmetic(text)[0].holds


@pytest.mark.parametrize("trace", ["", "This is easy to tell.", "1. Look.", "x2 and 3y"])
def test_nothing_to_change(trace):
    assert corrupt_trace(trace, answer="it is day") is None


def test_a_cut_never_parts_signs_that_follow_each_other():
    assert corrupt_trace("It is (7).\nNo.").prefix("It is (7).\nNo.") == "It is (7).\n"


def test_whether_the_true_fact_is_said_again():
    record = scene("charts", CHART, DIFFERENCE)
    trace = "I see bars: red 6, blue 2, green 3. 6 - 2 = 4."
    change = next(c for seed in range(99) if (c := corrupt_trace(trace, record, seed=seed)).original == "6")
    start = change.corrupted_prefix(trace)
    assert is_said_again(change, trace, f"{start} blue 2, green 3. Wait, red 6, blue 2.", record)
    assert not is_said_again(change, trace, f"{start} blue 2, green 3. 6 - 2 = 4.", record)
    assert not is_said_again(change, trace, f"{start} red 6, blue 2.", record)  # in the same breath
    sums = "3 + 4 = 7. So it is 7."
    change = corrupt_trace(sums)
    start = change.corrupted_prefix(sums)
    assert is_said_again(change, sums, f"{start} No: 3 + 4 = 7.") and not is_said_again(change, sums, f"{start} So 7.")
    change = corrupt_trace("About 7.")
    assert is_said_again(change, "About 7.", "About 8. No, 7.") is None


WORDS = st.sampled_from(
    "red blue circle at the top left [ 0.5, ] ( 0, 1 ) is 3 6 = + A B x highest a b y goes from to I see day .".split()
)


@given(st.sampled_from(SOURCES), st.one_of(st.text(), st.lists(WORDS).map(" ".join)), st.one_of(st.none(), st.text()))
def test_any_text_is_taken(source, trace, answer):
    row = next(row for row in ROWS if row["source"] == source)
    change = corrupt_trace(trace, row, answer=answer)
    if change is not None:
        assert trace[change.start : change.end] == change.original != change.replacement
        assert change.end <= change.stop <= len(trace)


def test_styles_can_be_corrupted():
    """Ramblings state wrong things first, shortcuts hardly anything: what can be changed still is."""
    found = Counter()
    for row in ROWS:
        meta = json.loads(row["meta"])
        for style in response_styles.STYLES:
            response = response_styles.respond(
                row["source"], meta["facts"], meta["task"], Random(row["id"]), style=style, keep_format=True
            )
            think, _, answer = (
                response.removesuffix("</answer>").removeprefix("<think>").partition("</think>\n<answer>")
            )
            found[style] += corrupt_trace(think, row, answer=answer) is not None
    assert found["careful"] == found["ramble"] == len(ROWS) and found["shortcut"] > 0.7 * len(ROWS)
