"""Verifiers against answers that are made up: never an exception, never a wrong one paid, never a right one lost.

    make test ARGS="tests/rewards/test_fuzz.py"                                   20,000 cases, the same on every run
    VLAA_FUZZ_CASES=1000000 make test ARGS="tests/rewards/test_fuzz.py"           a million others

What fails in the second way is written to `tests/samples/fuzz_failures.jsonl`; every run replays that file. What an
answer is worth is known here because it is made from the ground truth, not read. Texts of any kind are made, and made
shorter when they fail, by Hypothesis; all others are drawn from a few lists and are short as they are, so a plain
random draw does, in about a sixth of the time.
"""

import json
import os
import unicodedata
from fractions import Fraction
from pathlib import Path
from random import Random

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
SHARES = {"digit": 0.24, "choice": 0.24, "box": 0.24, "beside": 0.12, "any": 0.08}
SHARES |= {"math": 0.05, "beside math": 0.02, "truths": 0.01}  # a comparison by Math-Verify takes milliseconds
BATCH = 10
"""Cases an example of Hypothesis: most of an example's cost is its own."""


def cases_of(name):
    return max(1, int(CASES * SHARES[name]))


def save_in_a_search(case):
    if CASES > DEFAULT:
        with FAILURES.open("a", encoding="utf-8") as file:
            file.write(json.dumps(case) + "\n")


def fuzzed(name):
    """Turns `(rng) -> case` into a test of `SHARES[name]` of the cases; other ones on each search."""

    def decorate(draw):
        @pytest.mark.timeout(0 if CASES > DEFAULT else 120)
        def run():
            rng = Random(name if CASES == DEFAULT else None)
            for _ in range(cases_of(name)):
                case = draw(rng)
                try:
                    check(*case)
                except Exception:
                    save_in_a_search(case)
                    raise

        run.__doc__ = draw.__doc__
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


@settings(
    max_examples=max(1, cases_of("any") // BATCH),
    derandomize=CASES == DEFAULT,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(cases=st.lists(any_text(), min_size=BATCH, max_size=BATCH))
def search_any_text(cases):
    for case in cases:
        latest[:] = case
        check(*case)


latest: list = []


@pytest.mark.timeout(0 if CASES > DEFAULT else 120)
def test_any_text_gets_a_share():
    """No text raises, and what is paid says so."""
    try:
        search_any_text()
    except Exception:  # Hypothesis has shrunk it, and tried the smallest last
        save_in_a_search(latest)
        raise


# ---- counts ----

SMALL = "zero one two three four five six seven eight nine ten eleven twelve".split()
NEUTRAL = ["{}", " {} ", "{}.", "**{}**", "${}$", "\\boxed{{{}}}", "({})", "There are {}", "The answer is {}.", "{}!"]
NEUTRAL += ["Answer: {}", "{} objects", "`{}`", "x = {}", "{} cubes are left", "\\text{{{}}}"]
SPOILT = ["not {}", "more than {}", "{} or more", "about {}", "{}%", "{}/7", "{}²", "{}½", "{} hundred", "no {}", "~{}"]
SPOILT += ["at least {}", "{} or 99", "{}, 99", "{}rd", "half of {}", "\\sqrt{{{}}}", ">{}", "{}+", "fewer than {}"]
SPOILT += ["{} percent", "{} dozen", "{} and a half", "{}e5", "{}99", "isn't {}", "nearly {}", "{} thousand", "{}x"]


@fuzzed("digit")
def test_counts(rng):
    """A number is worth what it is in any dress, and nothing once it is bounded, negated or part of another."""
    gold, number = rng.randint(1, 12), rng.randint(1, 12)
    written = rng.choice([str(number), SMALL[number], f"{number}.0", SMALL[number].title()])
    if rng.random() < 0.5:
        return "digit", str(gold), rng.choice(NEUTRAL).format(written), "", int(number == gold)
    spoilt = rng.choice([*SPOILT, "−{}", "minus {}", "-{}"])
    return "digit", str(number), spoilt.format(rng.choice([str(number), SMALL[number]])), "", 0


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


@fuzzed("choice")
def test_options(rng):
    """One option in any writing is worth what it is; two, and one taken back, nothing."""
    count = rng.randint(2, 16)
    texts = rng.sample(COLOURS, count)
    form = rng.choice(["{0}) {1}\n", "({0}) {1} ", "{0}. {1} ", "{1} ({0}), "])
    question = "Which one? " + "".join(form.format(*pair) for pair in zip(LETTERS, texts, strict=False))
    gold, named, other = (rng.randint(0, count - 1) for _ in range(3))
    if rng.random() < 0.5:
        answer = rng.choice(NAMES).format(LETTERS[named], texts[named])
        return "choice", LETTERS[gold], answer, question, int(named == gold)
    other = other if other != gold else (gold + 1) % count
    answer = rng.choice(SEVERAL).format(LETTERS[gold], texts[gold], LETTERS[other], texts[other])
    return "choice", LETTERS[gold], answer, question, 0


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


@fuzzed("box")
def test_boxes(rng):
    """A box is worth its IoU in any writing; several, fewer numbers and other frames nothing."""
    gold = sorted(rng.sample(range(101), 2)), sorted(rng.sample(range(101), 2))
    box = [rng.randint(0, 100) for _ in range(4)]
    truth = [gold[0][0] / 100, gold[1][0] / 100, gold[0][1] / 100, gold[1][1] / 100]
    style = rng.choice(["{:.2f}", "{:.4f}", "{:.1e}", "+{:.2f}"])
    if rng.random() < 0.5:
        written = [style.format(value / 100) for value in box]
        x1, y1, x2, y2 = map(float, written)
        ordered = (min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2))
        return "box", str(truth), rng.choice(FORMS).format(*written), "", box_iou(ordered, truth)
    return "box", str(truth), rng.choice(WORTHLESS).format(*(f"{value:.2f}" for value in truth)), "", 0


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


@fuzzed("math")
def test_lines(rng):
    """A straight line is the same line in any writing, and another one with any other left side."""
    a, b = rng.randint(2, 9), rng.randint(1, 9)
    if rng.random() < 0.5:
        return "math", f"y = {a}x + {b}", rng.choice(NOT_LINES).format(a=a, b=b), "", 0
    c, d, k = rng.choice([a, a, a + 1]), rng.choice([b, b, b + 1]), rng.randint(2, 9)
    answer = rng.choice(LINES).format(a=c, b=d, k=k, ka=k * c, kb=k * d)
    same = Fraction(c) == a and d == b
    return "math", f"y = {a}x + {b}", answer, "", int(same)


# ---- what no list in the code knows: any sign of Unicode, words without a vowel ----

WRITTEN = {
    "digit": ["{}", "There are {}", "{} cubes"],
    "choice": ["{}) blue", "{}: blue", "{}. The bar"],
    "box": ["[{}]", "The box is [{}]", "{{'bbox_2d': [{}]}}"],
    "math": ["{}", "x = {}", "${}$", "The answer is {}"],
}
GOLD = {"digit": "3", "choice": "B", "box": "0.1, 0.2, 0.5, 0.6", "math": "5"}
BAR = "Which bar is it? A) red B) blue C) green"
# signs, and letters of other scripts; "+3", "= 3" and "$3$" are right in any width of their signs, and so is "5 ㎏"
# where no unit is asked for
UNITS = range(0x3371, 0x33E0)
SIGNS = [
    sign
    for sign in map(chr, range(0x20000))
    if unicodedata.category(sign) in ("Sm", "So", "Sc", "Sk", "Pd", "No", "Nl", "Lo")
    and sign not in "+=$`°＋＝＄｀﹢﹦﹩"
    and ord(sign) not in UNITS
]
CONSONANTS = "bcdfghjklmnpqrstvwxz"


def beside(rng, name):
    answer = rng.choice(WRITTEN[name]).format(GOLD[name])
    word, sign = "".join(rng.choices(CONSONANTS, k=rng.randint(5, 9))), rng.choice(SIGNS)
    forms = [f"{word} {answer}", f"{answer} {word}", f"{word}: {answer}", f"{answer}, {word}", f"{answer} ({word})"]
    if name == "choice":
        forms = [f"{answer} {word}", f"{answer}, {word}", f"{sign}{answer}", f"{answer} {sign}"]
    else:
        forms += [f"{sign}{answer}", f"{sign} {answer}", f"{answer}{sign}", f"{answer} {sign}"]
    gold = f"[{GOLD[name]}]" if name == "box" else GOLD[name]
    return name, gold, rng.choice(forms), BAR if name == "choice" else "", 0


@fuzzed("beside")
def test_what_stands_beside_an_answer(rng):
    """A sign or a word that is not known to change nothing is never paid."""
    return beside(rng, rng.choice(["digit", "choice", "box"]))


@fuzzed("beside math")
def test_what_stands_beside_a_formula(rng):
    """The same for mathematics, where an unknown word behind a number is its unit."""
    return beside(rng, "math")


# ---- mathematics of every kind against every other kind ----

KINDS = ["{a}", "-{a}", "{a}x + {b}", r"\pm {a}", r"{a} \pm \sqrt{{{b}}}", "({a}, {b})", "[{a}, {b})"]
KINDS += [r"(-\infty, {a})", r"[{a}, {b}] \cup (7, \infty)", r"\emptyset", r"\{{{a}, {b}\}}"]
KINDS += [r"\begin{{pmatrix}} {a} \\ {b} \end{{pmatrix}}"]
KINDS += ["{a}x", "{a}i", "{a}:{b}", "{a}%", "{a} cm", "y", "xy", r"\frac{{{a}}}{{x}}", "|x|", r"\sqrt{{x}}"]
RELATIONS = ["x = {}", "y = {}", "f(x) = {}", "(x, y) = {}", "2x = {}", r"x \in {}", "x > {}", r"{} \le x"]
RELATIONS += [
    r"x \neq {}",
    "{}",
    "{}",
    "A = {}",
    "{} = 0",
    "0 = {}",
    "x = {} = y",
    r"{} \land q",
    "x = {} or x = 1",
    "y = 1, x = {}",
]


def formula(rng):
    a, b = sorted(rng.sample(range(1, 10), 2))
    return rng.choice(RELATIONS).format(rng.choice(KINDS).format(a=a, b=b))


@fuzzed("truths")
def test_a_truth_of_any_kind_ends_no_run(rng):
    """Any answer gets a share; a ground truth that the check at loading reports is one that is never scored."""
    gt, answer = formula(rng), formula(rng)
    return "math", RIGHT["math"] if get_verifier("math").check_gt(gt, "", "") else gt, answer, "", None
