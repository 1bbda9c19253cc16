"""Verifiers against answers that are made up: never an exception, never a wrong one paid, never a right one lost.

    make test ARGS="tests/rewards/test_fuzz.py"                                   20,000 cases, the same on every run
    VLAA_FUZZ_CASES=1000000 make test ARGS="tests/rewards/test_fuzz.py"           a million others

What fails in the second way is shrunk and written to `tests/samples/fuzz_failures.jsonl`; every run replays that file.
What an answer is worth is known here because it is made from the ground truth, not read.
"""

import json
import os
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reward_samples import RIGHT, responses, said

from vlaa_helpers.core.boxes import box_iou
from vlaa_helpers.rewards.registry import get_verifier
from vlaa_helpers.rewards.score import Reason

DEFAULT = 20_000
CASES = int(os.environ.get("VLAA_FUZZ_CASES", DEFAULT))
FAILURES = Path(__file__).parents[1] / "samples" / "fuzz_failures.jsonl"
SHARES = {"digit": 0.2, "choice": 0.2, "box": 0.2, "math": 0.12, "any": 0.12, "beside": 0.13, "beside math": 0.03}
BATCH = 10
"""Cases an example: most of an example's cost is Hypothesis's own."""


def fuzzed(name, strategy):
    """Runs a test on `SHARES[name]` of the cases, a list of `BATCH` at a time; saves what fails in a search."""

    def decorate(test):
        @settings(
            max_examples=max(1, int(CASES * SHARES[name] / BATCH)),
            derandomize=CASES == DEFAULT,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(cases=st.lists(strategy, min_size=BATCH, max_size=BATCH))
        def search(cases):
            for case in cases:
                latest[:] = case
                check(*case)

        @pytest.mark.timeout(0 if CASES > DEFAULT else 120)
        def run():
            try:
                search()
            except Exception:  # Hypothesis has shrunk it, and tried the smallest last
                if CASES > DEFAULT:
                    with FAILURES.open("a", encoding="utf-8") as file:
                        file.write(json.dumps(latest) + "\n")
                raise

        latest: list = []
        run.__doc__ = test.__doc__
        return run

    return decorate


def check(name, gt, answer, question, value):
    """One case: the score of an answer is `value`, or any share where that is None."""
    score = get_verifier(name).score(answer if value is None else said(answer), gt, question=question)
    assert 0 <= score.value <= 1 and (score.value > 0) == (score.reason in {Reason.CORRECT, Reason.PARTIAL})
    assert value is None or score.value == pytest.approx(value, abs=1e-9), (name, gt, answer, question, score)


@pytest.mark.parametrize("case", [json.loads(line) for line in FAILURES.read_text().splitlines()] or [None], ids=str)
def test_a_saved_failure(case):
    if case is not None:
        check(*case)


# ---- any text ----

PIECES = st.sampled_from(
    ["A", "B)", "(C)", "J", " or ", " and ", "not ", "3", "−", "½", "²", "three", " hundred ", "one ", "%", "\\boxed{"]
    + ["}", "$", "[0.1, ", "0.5]", "bbox_2d: ", "'", '"', "e-1", "y", "=", "2x", "+1", "√", "\\frac{", "\\text{", "`"]
    + [" ", "\n", "the answer is ", "about ", "km", " m", ",", ";", "&", "\\\\", "\\begin{align}", "\ud800", "٣", "x"]
)
TEXTS = st.one_of(st.lists(PIECES, max_size=12).map("".join).map(said), responses)


@st.composite
def any_text(draw):
    name = draw(st.sampled_from(["digit", "choice", "box", "math"]))
    question = draw(st.sampled_from(["", "Which? A) 3 B) red C) A", "3 (A), three (B)"]))
    return name, RIGHT[name], draw(TEXTS), question, None


@fuzzed("any", any_text())
def test_any_text_gets_a_share():
    """No text raises, and what is paid says so."""


# ---- counts ----

SMALL = "zero one two three four five six seven eight nine ten eleven twelve".split()
NEUTRAL = ["{}", " {} ", "{}.", "**{}**", "${}$", "\\boxed{{{}}}", "({})", "There are {}", "The answer is {}.", "{}!"]
NEUTRAL += ["Answer: {}", "{} objects", "`{}`", "x = {}", "{} cubes are left", "\\text{{{}}}"]
SPOILT = ["not {}", "more than {}", "{} or more", "about {}", "{}%", "{}/7", "{}²", "{}½", "{} hundred", "no {}", "~{}"]
SPOILT += ["at least {}", "{} or 99", "{}, 99", "{}rd", "half of {}", "\\sqrt{{{}}}", ">{}", "{}+", "fewer than {}"]
SPOILT += ["{} percent", "{} dozen", "{} and a half", "{}e5", "{}99", "isn't {}", "nearly {}", "{} thousand", "{}x"]


@st.composite
def counts(draw):
    gold, number = draw(st.integers(1, 12)), draw(st.integers(1, 12))
    written = draw(st.sampled_from([str(number), SMALL[number], f"{number}.0", SMALL[number].title()]))
    if draw(st.booleans()):
        return "digit", str(gold), draw(st.sampled_from(NEUTRAL)).format(written), "", int(number == gold)
    spoilt = draw(st.sampled_from([*SPOILT, "−{}", "minus {}", "-{}"]))
    return "digit", str(number), spoilt.format(draw(st.sampled_from([str(number), SMALL[number]]))), "", 0


@fuzzed("digit", counts())
def test_counts():
    """A number is worth what it is in any dress, and nothing once it is bounded, negated or part of another."""


# ---- options ----

COLOURS = "red blue green pink black white grey brown teal gold lime navy plum rust sand rose".split()
LETTERS = "ABCDEFGHIJKLMNOP"
NAMES = ["{0}", "({0})", "[{0}]", "{0}.", "{0}!", "{0}) {1}", "{0}: {1}", "{0} ({1})", "{1}", "{1} ({0})", "**{0}**"]
NAMES += [
    "\\boxed{{{0}}}",
    "${0}$",
    "The answer is {0}.",
    "Option {0}",
    "{0} - {1}",
    "\\boxed{{\\text{{{0}}}}}",
    "`{0}`",
]
SEVERAL = ["{0}, {2}", "{0} or {2}", "{0}) {3}", "{1} and {3}", "[{0}, {2}]", "{0}/{2}", "{0}) {1}, {2}) {3}", "{0}{2}"]
SEVERAL += ["not {0}", "{0} is wrong", "all but {0}", "\\boxed{{{0}}} \\boxed{{{2}}}", "{0} {2}", "{0}? No, {2}"]
SEVERAL += ["{0}, not", "{0}: wrong", "{0}) incorrect", "{0} (no)"]


@st.composite
def options(draw):
    count = draw(st.integers(2, 16))
    texts = draw(st.permutations(COLOURS))[:count]
    form = draw(st.sampled_from(["{0}) {1}\n", "({0}) {1} ", "{0}. {1} ", "{1} ({0}), "]))
    question = "Which one? " + "".join(form.format(*pair) for pair in zip(LETTERS, texts, strict=False))
    gold, named, other = (draw(st.integers(0, count - 1)) for _ in range(3))
    if draw(st.booleans()):
        answer = draw(st.sampled_from(NAMES)).format(LETTERS[named], texts[named])
        return "choice", LETTERS[gold], answer, question, int(named == gold)
    other = other if other != gold else (gold + 1) % count
    answer = draw(st.sampled_from(SEVERAL)).format(LETTERS[gold], texts[gold], LETTERS[other], texts[other])
    return "choice", LETTERS[gold], answer, question, 0


@fuzzed("choice", options())
def test_options():
    """One option in any writing is worth what it is; two, and one taken back, nothing."""


# ---- boxes ----

FORMS = ["[{}, {}, {}, {}]", "{}, {}, {}, {}", "({}, {}), ({}, {})", "bbox_2d: [{}, {}, {}, {}]", "({} {} {} {})"]
FORMS += [
    "{{'bbox_2d': [{}, {}, {}, {}], 'label': 'cup 3'}}",
    '[{{"bbox_2d": [{}, {}, {}, {}]}}]',
    "Here: [{},{},{},{}].",
]
FORMS += ["x1={}, y1={}, x2={}, y2={}", '{{"x2": {2}, "x1": {0}, "y2": {3}, "y1": {1}}}', "\\boxed{{[{}, {}, {}, {}]}}"]
WORTHLESS = [
    "[{}, {}, {}]",
    "[{0}, {1}, {2}, {3}, {0}]",
    "[{0}, {1}, {2}, {3}] or [{0}, {1}, {2}, 1.0]",
    "[{}%, {}%, {}%, {}%]",
]
WORTHLESS += ['{{"x": {}, "y": {}, "w": {}, "h": {}}}', "[{}1e9, {}, {}, {}]", "[-1{}, {}, {}, {}]"]
corner = st.integers(0, 100)


@st.composite
def boxes(draw):
    gold = sorted(draw(st.sets(corner, min_size=2, max_size=2))), sorted(draw(st.sets(corner, min_size=2, max_size=2)))
    box = [draw(corner) for _ in range(4)]
    truth = [gold[0][0] / 100, gold[1][0] / 100, gold[0][1] / 100, gold[1][1] / 100]
    style = draw(st.sampled_from(["{:.2f}", "{:.4f}", "{:.1e}", "+{:.2f}"]))
    if draw(st.booleans()):
        written = [style.format(value / 100) for value in box]
        x1, y1, x2, y2 = map(float, written)
        ordered = (min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2))
        return "box", str(truth), draw(st.sampled_from(FORMS)).format(*written), "", box_iou(ordered, truth)
    return "box", str(truth), draw(st.sampled_from(WORTHLESS)).format(*(f"{value:.2f}" for value in truth)), "", 0


@fuzzed("box", boxes())
def test_boxes():
    """A box is worth its IoU in any writing; several, fewer numbers and other frames nothing."""


# ---- lines ----

LINES = ["y = {a}x + {b}", "{a}x + {b}", "f(x) = {a}x + {b}", "{b} + {a}x = y", "{a}x - y + {b} = 0", "y - {b} = {a}x"]
LINES += ["$y = {a}x + {b}$", "`y = {a}x + {b}`", "\\boxed{{y = {a}x + {b}}}", "{k}y = {ka}x + {kb}", "y = {a}·x + {b}"]
LINES += [
    "The line is y = {a}x + {b}.",
    "\\begin{{align}} y &= {a}x + {b} \\end{{align}}",
    "y = \\frac{{{ka}}}{{{k}}}x + {b}",
]
NOT_LINES = [
    "y^2 = {a}x + {b}",
    "x = {a}x + {b}",
    "1/y = {a}x + {b}",
    "y > {a}x + {b}",
    "not y = {a}x + {b}",
    "z = {a}x + {b}",
]
NOT_LINES += [
    "y = {a}x + {b} or y = {a}x - {b}",
    "about {a}x + {b}",
    "|y| = {a}x + {b}",
    "y ≈ {a}x + {b}",
    "{a}x = {b}",
]
NOT_LINES += ["y + 1 = {a}x + {b}", "y = {a}x² + {b}", "y = √{a}x + {b}", "y = {a}x + {b}%", "y = {a}x + {b}, x = 1"]


@st.composite
def lines(draw):
    a, b = draw(st.integers(2, 9)), draw(st.integers(1, 9))
    if not draw(st.booleans()):
        return "math", f"y = {a}x + {b}", draw(st.sampled_from(NOT_LINES)).format(a=a, b=b), "", 0
    c, d, k = draw(st.sampled_from([a, a, a + 1])), draw(st.sampled_from([b, b, b + 1])), draw(st.integers(2, 9))
    answer = draw(st.sampled_from(LINES)).format(a=c, b=d, k=k, ka=k * c, kb=k * d)
    same = Fraction(c) == a and d == b
    return "math", f"y = {a}x + {b}", answer, "", int(same)


@fuzzed("math", lines())
def test_lines():
    """A straight line is the same line in any writing, and another one with any other left side."""


# ---- what no list in the code knows: any sign of Unicode, words without a vowel ----

WRITTEN = {
    "digit": ["{}", "There are {}", "{} cubes"],
    "choice": ["{}) blue", "{}: blue", "{}. The bar"],
    "box": ["[{}]", "The box is [{}]", "{{'bbox_2d': [{}]}}"],
    "math": ["{}", "x = {}", "${}$", "The answer is {}"],
}
GOLD = {"digit": "3", "choice": "B", "box": "0.1, 0.2, 0.5, 0.6", "math": "5"}
BAR = "Which bar is it? A) red B) blue C) green"
# signs, and letters of other scripts; "+3", "= 3" and "$3$" are right
SIGNS = st.characters(categories=["Sm", "So", "Sc", "Sk", "Pd", "No", "Nl", "Lo"], exclude_characters="+=$`°")
WORDS = st.text("bcdfghjklmnpqrstvwxz", min_size=5, max_size=9)


@st.composite
def beside(draw, names):
    name = draw(st.sampled_from(names))
    answer = draw(st.sampled_from(WRITTEN[name])).format(GOLD[name])
    word, sign = draw(WORDS), draw(SIGNS)
    forms = [f"{word} {answer}", f"{answer} {word}", f"{word}: {answer}", f"{answer}, {word}", f"{answer} ({word})"]
    if name == "choice":
        forms = [f"{answer} {word}", f"{answer}, {word}", f"{sign}{answer}", f"{answer} {sign}"]
    else:
        forms += [f"{sign}{answer}", f"{sign} {answer}", f"{answer}{sign}", f"{answer} {sign}"]
    gold = f"[{GOLD[name]}]" if name == "box" else GOLD[name]
    return name, gold, draw(st.sampled_from(forms)), BAR if name == "choice" else "", 0


@fuzzed("beside", beside(["digit", "choice", "box"]))
def test_what_stands_beside_an_answer():
    """A sign or a word that is not known to change nothing is never paid."""


@fuzzed("beside math", beside(["math"]))
def test_what_stands_beside_a_formula():
    """The same for mathematics, where an unknown word behind a number is its unit."""
