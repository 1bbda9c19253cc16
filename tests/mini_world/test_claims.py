"""Claims about mini-world images: each is found, with the right verdict, in scripted and in model-written text."""

import json
from collections import Counter
from pathlib import Path
from random import Random

import pytest
from cpu_budget import cpu_budget
from hypothesis import given
from hypothesis import strategies as st

from vlaa_helpers import ScriptedTeacher
from vlaa_helpers.mini_world import response_styles
from vlaa_helpers.mini_world.claims import CLAIM_KINDS, VERDICTS, find_claims
from vlaa_helpers.mini_world.kinds import KINDS, SOURCES
from vlaa_helpers.mini_world.scenes import check_facts, scene_records


def thing(name, **where):
    colour, shape = name.split()
    return {"colour": colour, "shape": shape, **where}


BLOCKS = {
    "objects": [
        thing(name, row=k // 4, column=k % 4)
        for k, name in enumerate(["red circle", "red circle", "blue star", "red star"])
    ]
}
ANGLES = {"angles": [50, 60, 70], "unknown": 1, "apex": 0}
CHARTS = {"style": "bar", "colours": ["red", "green", "blue", "purple"], "values": [6, 2, 5, 2]}
FUNCTIONS = {"family": "line", "a": 2, "b": -1, "mark": 1, "colour": "red"}
BOXES = {
    "objects": [
        thing("red circle", box=[0.0, 0.0, 0.5, 0.5]),
        thing("blue star", box=[0.5, 0.5, 1.0, 1.0]),
    ]
}
STORIES = {"time": "day", "objects": [thing("red circle", place="top left"), thing("blue star", place="bottom left")]}
FACTS = dict(zip(SOURCES, (BLOCKS, ANGLES, CHARTS, FUNCTIONS, BOXES, STORIES), strict=True))

T, F, N = VERDICTS
PLANTED = [
    # what is there, and how many; a listing ends with its sentence
    ("blocks", "I see red circle, blue star.", [("red circle", T), ("blue star", T)]),
    ("blocks", "I see red circle, red circle, red circle.", [("red circle", T), ("red circle", T), ("red circle", F)]),
    ("blocks", "I see blue star. I see blue star.", [("blue star", T), ("blue star", T)]),
    ("blocks", "A RED CIRCLE and a green-star", [("RED CIRCLE", T), ("green-star", F)]),
    ("blocks", "That is 4 objects. There are 5 objects.", [("That is 4 objects", T), ("There are 5 objects", F)]),
    ("blocks", "I see 2 red circles and three stars.", [("I see 2 red circles", T), ("three stars", F)]),
    ("blocks", "There are no green objects.", [("There are no green objects", T)]),
    # operations: the things are not claimed, their number is, of what is left
    ("blocks", "Add 1 green star. Then add 2 red circles.", []),
    ("blocks", "Subtract all stars: 2. Then remove every red object: 2.", [("stars: 2", T), ("red object: 2", T)]),
    ("blocks", "Subtract all stars: 2. Then remove every red object: 3.", [("stars: 2", T), ("red object: 3", F)]),
    ("blocks", "Subtract all stars: 2. Wait. Subtract all stars: 2.", [("stars: 2", T), ("stars: 2", T)]),
    ("blocks", "4 - 2 = 2. 2 objects are left, 1 red circle left. It looks like 4.", []),
    ("blocks", "a red cir", []),
    ("blocks", "bored circle, red circled, starred", []),
    ("blocks", "red circle at the top left", [("red circle at the top left", N)]),  # no corner in the facts of blocks
    ("blocks", "green circle at the top left", [("green circle at the top left", F)]),
    # labels: x stands where x stands, whatever the angle is
    (
        "angles",
        "50 at the top, x at the left, 60 at the right",
        [("50 at the top", T), ("x at the left", T), ("60 at the right", F)],
    ),
    ("angles", "60 at the left", [("60 at the left", F)]),
    ("angles", "The angle at the top is 50.", [("top is 50", T)]),
    ("angles", "50 at the pic, 60 at the pic", [("50 at the pic", N), ("60 at the pic", F)]),
    ("angles", "50 + 70 = 120. 180 - 120 = 60, near 60. It looks like B.", []),
    ("angles", "a red circle", [("red circle", F)]),  # of another kind of image, and not here
    # charts
    ("charts", "I see bars: red 6, green 3.", [("bars", T), ("red 6", T), ("green 3", F)]),
    ("charts", "I see points: yellow 6", [("points", F), ("yellow 6", F)]),
    ("charts", "The red bar is 6, blue is 5.5", [("red bar is 6", T), ("blue is 5.5", F)]),
    ("charts", "The highest is red. Blue is the tallest.", [("The highest is red", T), ("Blue is the tallest", F)]),
    ("charts", "The lowest is green 2.", [("The lowest is green", T), ("green 2", T)]),
    ("charts", "Which bar is the highest? red (A), blue (B). The answer is red.", []),
    # functions
    ("functions", "a red line through (0, -1) and (1, 1)", [("red line", T), ("(0, -1)", T), ("(1, 1)", T)]),
    ("functions", "a red vee through (0, 1), (2, 3)", [("red vee", F), ("(0, 1)", F), ("(2, 3)", T)]),
    ("functions", "One step right of 0, y goes from -1 to 1", [("One step right of 0, y goes from -1 to 1", T)]),
    ("functions", "One step left of 0, y goes from -1 to 1", [("One step left of 0, y goes from -1 to 1", F)]),
    ("functions", "y goes from -1 to -3", [("y goes from -1 to -3", T)]),
    ("functions", "y goes from -1 to t. y goes from 3 to t", [("y goes from -1 to t", N), ("y goes from 3 to t", F)]),
    ("functions", "so a is 2 and b is 1", [("a is 2", T), ("b is 1", F)]),
    ("functions", "through (0", [("(0", N)]),
    ("functions", "through (0, 5", [("(0, 5", F)]),
    ("functions", "It looks like y = 2x - 1. a is 2x, a line", []),
    # boxes
    ("boxes", "red circle [0.0, 0.0, 0.5, 0.5]", [("red circle [0.0, 0.0, 0.5, 0.5]", T)]),
    ("boxes", "red circle [0.1, 0.0, 0.5, 0.5]", [("red circle [0.1, 0.0, 0.5, 0.5]", T)]),
    ("boxes", "red circle [0.5, 0.5, 1.0, 1.0]", [("red circle [0.5, 0.5, 1.0, 1.0]", F)]),
    ("boxes", "red circle [0.5, 0.5, 0.0, 0.0]", [("red circle [0.5, 0.5, 0.0, 0.0]", F)]),
    ("boxes", "red circle [0.0, 0.0, 0.5, 0.5 The", [("red circle [0.0, 0.0, 0.5, 0.5", T)]),
    ("boxes", "red circle [0.0, 0.0, 0.5", [("red circle [0.0, 0.0, 0.5", N)]),
    ("boxes", "red circle [0.0, 0.0, 0.5, 0.5ow", [("red circle [0.0, 0.0, 0.5, 0.5", N)]),
    ("boxes", "red circle [0.0, 0.0, 0.5, 0.5 0.1]", [("red circle [0.0, 0.0, 0.5, 0.5 0.1]", N)]),
    ("boxes", "red star [0.0, 0.0", [("red star [0.0, 0.0", F)]),  # whatever its box: there is none
    ("boxes", "The highest is the red circle.", [("The highest is the red circle", T)]),
    ("boxes", "It looks like [0.0, 0.0, 0.5, 0.5].", []),
    # stories
    ("stories", "A red circle at the top left.", [("red circle at the top left", T)]),
    ("stories", "A red circle in the upper left corner", [("red circle in the upper left", T)]),
    ("stories", "The bottom left has a blue star.", [("bottom left has a blue star", T)]),
    ("stories", "A red circle at the bottom left.", [("red circle at the bottom left", F)]),
    ("stories", "A red circle at the top.", [("red circle at the top", T)]),
    ("stories", "A red circle at the top line.", [("red circle at the top", N)]),
    ("stories", "A red star at the top line.", [("red star at the top", F)]),
    ("stories", "A red circle at the blue star at", [("red circle at the", N), ("blue star", T)]),
    ("stories", "It is day. It is night.", [("It is day", T), ("It is night", F)]),
    ("stories", "On the left: 2 objects. At the top: 2", [("On the left: 2 objects", T), ("At the top: 2", F)]),
    ("stories", "In the picture: 3 objects.", [("In the picture: 3 objects", F)]),
    ("stories", "One day it may be different. At the top left of all", []),
    ("charts", "It is day.", [("It is day", N)]),
]


@pytest.mark.parametrize(("source", "text", "expected"), PLANTED)
def test_planted_claims(source, text, expected):
    claims = find_claims(source, FACTS[source], text)
    assert [(claim.text, claim.verdict) for claim in claims] == expected
    assert all(text[claim.start : claim.end] == claim.text and claim.kind in CLAIM_KINDS for claim in claims)


def test_every_kind_of_claim_is_planted():
    found = {claim.kind for source, text, _ in PLANTED for claim in find_claims(source, FACTS[source], text)}
    assert found == set(CLAIM_KINDS)


def rows(n=240, seed=3):
    for split in ("train", "test", "shifted"):
        for difficulty in (0, 1, 2):
            yield from scene_records(n, seed=seed, split=split, difficulty=difficulty)


def test_what_the_careful_say_is_all_true():
    teacher = ScriptedTeacher(omissions=0, hallucinations=0, slips=0)
    for row in rows(120):
        meta = json.loads(row["meta"])
        careful = response_styles.respond(
            row["source"], meta["facts"], meta["task"], Random(row["id"]), style="careful", keep_format=True
        )
        taught = teacher.ask("reason", row, {"caption": teacher.ask("caption", row, {}).text}).text
        for text in (careful, taught):
            claims = find_claims(row["source"], meta["facts"], text)
            assert claims and {claim.verdict for claim in claims} == {"true"}, text


COUNTED = {"object", "label", "value", "curve", "point", "box", "place", "time"}


def test_a_description_gets_the_verdicts_of_check_facts():
    """Two readers written apart: `check_facts` reads only what `KINDS[…].words` writes."""
    for row in rows():
        source, facts = row["source"], json.loads(row["meta"])["facts"]
        text = KINDS[source].words(response_styles.misread(source, facts, Random(row["id"])))
        verdicts = Counter(claim.verdict for claim in find_claims(source, facts, text) if claim.kind in COUNTED)
        assert (verdicts["true"], verdicts["false"]) == check_facts(source, facts, text)[:2], text


# ---- the hand-checked sample ----

CHECKED = [json.loads(line) for line in (Path(__file__).parents[1] / "samples" / "checked_claims.jsonl").open()]


def matches(claims, labelled):
    """How many claims are a labelled one: half of both spans together is shared, and the verdict is the same."""
    free, count = list(labelled), 0
    for claim in claims:
        for each in free:
            shared = min(claim.end, each["end"]) - max(claim.start, each["start"])
            both = max(claim.end, each["end"]) - min(claim.start, each["start"])
            if 2 * shared >= both and claim.verdict == each["verdict"]:
                free.remove(each)
                count += 1
                break
    return count


@pytest.mark.parametrize("part", [1, 2])
def test_claims_of_model_written_traces(part):
    """Precision and recall of at least 0.97 on model-written responses whose claims were marked by hand.

    How the sample was made: responses to test, shifted and text scenes were drawn by seed from the mini VLM (sampled
    at temperature 1.0 and 1.3), from the weak one, and from the mini VLM after 100 steps of SFT on scripted traces,
    which garbles much; mostly ones of 60 characters or more, as shorter ones hold hardly a claim. Each was read next to
    its facts, and each claim in it written down with a verdict and, where it is not simply as the facts have it, the
    reason; a script only looked up where the quoted words stand. Round 1 (98 responses, 506 claims) was marked before
    `find_claims` was run on anything, but its texts were known when the patterns were written; round 2 (60 responses,
    364 claims) was drawn and marked afterwards, before `find_claims` was run on it. First run: precision 0.998 and
    recall 0.996 on round 1, both 0.997 on round 2. The faults were mended since, so both samples are known ones now.
    """
    found = labelled = right = 0
    for row in (row for row in CHECKED if row["round"] == part):
        claims = find_claims(row["source"], row["facts"], row["text"])
        found, labelled = found + len(claims), labelled + len(row["claims"])
        right += matches(claims, row["claims"])
    assert labelled >= 200
    assert right / found >= 0.97 and right / labelled >= 0.97, (right, found, labelled)


def test_the_sample_is_sound():
    assert {row["source"] for row in CHECKED} == set(SOURCES) and len({row["writer"] for row in CHECKED}) >= 4
    for row in CHECKED:
        starts = [claim["start"] for claim in row["claims"]]
        assert starts == sorted(starts), row["id"]
        for claim in row["claims"]:
            assert row["text"][claim["start"] : claim["end"]] == claim["quote"] and claim["why"]
            assert claim["verdict"] in VERDICTS
    verdicts = Counter(claim["verdict"] for row in CHECKED for claim in row["claims"])
    assert verdicts["true"] > 400 and verdicts["false"] > 200


# ---- any text ----

words = st.sampled_from(
    "red blue circle star circles at the top left right bottom : [ 0.5, ] ( 0, 1 ) is 3 6 x highest a b y goes from to "
    "one step I see It day That objects Subtract all Then add . line through and On in picture \u0130".split()
)


@given(st.sampled_from(SOURCES), st.one_of(st.text(), st.lists(words, max_size=20).map(" ".join)))
def test_any_text_is_read(source, text):
    claims = find_claims(source, FACTS[source], text)
    assert all(text[claim.start : claim.end] == claim.text and claim.verdict in VERDICTS for claim in claims)
    assert [claim.start for claim in claims] == sorted(claim.start for claim in claims)


@pytest.mark.parametrize("source", SOURCES)
def test_a_long_hostile_text_takes_linear_time(source):
    units = (
        "red circle ",
        "red circle [",
        "[0.1, ",
        "1",
        "(0, ",
        "red ",
        "Subtract all ",
        "I see red circle, ",
        "top left ",
        "no ",
    )
    for unit in units:
        with cpu_budget(30):  # 0.3 s where this was written
            find_claims(source, FACTS[source], unit * (300_000 // len(unit)))
