"""Whether a trace agrees with itself: what it gives a value twice, and whether a cue of self-reflection changed any.

Ours, not the paper's, which shows "pseudo aha moments" (cues that trigger no real correction) by example only. What is
read is little and plain, so that what is reported is right: a trace may well contradict itself in ways not seen here.
"""

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any

from ..core.trace_text import cue_spans, step_spans
from ..mini_world.kinds import Statement, in_group
from .arithmetic import Equation, read_equations


@dataclass(frozen=True)
class Assertion:
    """A value that a text gives to something: to a name ("x = 5"), a sum ("5 - 2 = 3"), the answer, or, in the mini
    world, to whatever a statement about the image speaks of."""

    start: int
    end: int
    about: tuple
    value: Any


@dataclass(frozen=True)
class Contradiction:
    """Two assertions that give one thing two values, the first of them not taken back in between."""

    first: Assertion
    second: Assertion


@dataclass(frozen=True)
class SelfCheck:
    """A cue of self-reflection that had something to check: where its first and last word stand, and its effect.

    Attributes:
        start, end: from the first to the last of the cues that have nothing stated between them, in characters.
        changed: whether what follows, up to the next cue, gives something stated before the cue another value.
    """

    start: int
    end: int
    changed: bool


_NUMBER = r"[-−]?\d{1,15}(?:\.\d{1,9})?"
_VALUE = rf"\**\(?(?P<value>{_NUMBER}(?![\w%]|[.,]\d| ?[-+*/×÷^=] ?\d)|A\b(?![ '’]\w)|[B-H]\b(?!['’]))"
_ANSWER = re.compile(
    rf"(?i:\banswer(?: (?:is|should be|must be)|:)|\bit looks like|\\boxed\{{):? ?\**(?i:(?:option|choice) )?{_VALUE}"
)
_IT_IS = re.compile(
    rf"(?i:\b(?:it|that|this)(?: is|'s|’s| should be| must be)(?: actually)?) (?P<value>{_NUMBER})(?![\w%]|[.,]\d)"
)
# A step with one of these speaks of a case or a wish, not of what is so: "when x = 0", "let x = 5", "x = 2 or x = 3".
_CASE = re.compile(
    r"\b(?:if|when|whenever|where|for|at|let|suppose|assume|assuming|say|case|try|test|with|given|set|setting|put|putting|"
    r"substitut\w{1,4}|plug\w{0,5}|take|using|choose|choices?|options?|either|or|roots?|solutions?|would|want|unless|each|not)\b|±",
    re.IGNORECASE,
)
_TAKEN_BACK = re.compile(
    r"\b(?:actually|oops|sorry|no|correction|corrected|instead|rather|redo|reconsider|recalculate|re-?evaluate|revise|now|"
    r"then|next|becomes?|left|remain\w{0,4}|after)\b",
    re.IGNORECASE,
)
_BETWEEN_LISTED = re.compile(r"[\s,.;]*(?:(?:an?|and)\b\s*)?", re.IGNORECASE)
_LOOK_BEGINS = re.compile(r"(?:\bI see(?: an?)?|\bIt is (?:day|night)[.,]?(?: an?)?)\s*\Z", re.IGNORECASE)


def find_contradictions(
    text: str, assertions: Sequence[Assertion] | None = None, cues: Sequence[tuple[int, int]] | None = None
) -> list[Contradiction]:
    """What a text gives two values without taking the first one back: one for each thing, the first such pair.

    This measures whether a text agrees with itself; it measures neither truth nor pseudo-reasoning. One of the two
    values is wrong, or one name was read as one thing where the text meant two; which, it does not say, and a trace
    without a contradiction may be false throughout. Whoever works nothing out has nothing to contradict: of the planted
    traces 8% of the genuine ones have a contradiction and 4% of the pseudo ones, so more of them is no sign of pseudo
    (test AUC 0.479). It is a fault of a policy's traces all the same, but the count grows with what they say: compare
    policies on it with the number of claims beside it.

    Compared are plain values of names ("x = 5", not in a step that speaks of cases: "when x = 0"), of sums ("5 - 2 =
    3"), and of the answer ("the answer is B"). A cue of self-reflection between the two takes the first one back; so
    does, but not for what is said of an image, a word such as "actually" or "now".

    Args:
        text: a trace.
        assertions: those of `read_assertions`, to compare also what is said of a mini-world image ("red 6 … red 5").
        cues: those of `cue_spans` where they are known already.

    >>> [(pair.first.about, pair.second.value) for pair in find_contradictions("x = 5. So x = 6.")]
    [(('name', 'x'), Fraction(6, 1))]
    """
    last: dict[tuple, Assertion] = {}
    pairs: list[Contradiction] = []
    for assertion in read_assertions(text) if assertions is None else assertions:
        earlier = last.get(assertion.about)
        last[assertion.about] = assertion
        if earlier is not None and earlier.value != assertion.value:
            pairs.append(Contradiction(earlier, assertion))
    if not pairs:
        return []
    cues = [start for start, _ in (cue_spans(text) if cues is None else cues)]
    words = sorted([*cues, *(match.start() for match in _TAKEN_BACK.finditer(text))])
    found: dict[tuple, Contradiction] = {}
    for pair in pairs:
        about = pair.first.about
        if not _any_between(words if about[0] in _OF_ANY_TEXT else cues, pair.first.end, pair.second.start):
            found.setdefault(about, pair)
    return list(found.values())


def _any_between(places: list[int], start: int, stop: int) -> bool:
    return bisect_left(places, start) < bisect_right(places, stop)


def find_self_checks(
    text: str, assertions: Sequence[Assertion] | None = None, cues: Sequence[tuple[int, int]] | None = None
) -> list[SelfCheck]:
    """The cues of self-reflection that had something to check, each with whether anything changed.

    Cues are the paper's, as whole words (`cue_spans`). Those with nothing stated between them are one self-check;
    before anything was stated there is nothing to check. `changed` when something stated before has another value
    afterwards, up to the next self-check: a productive self-correction. Otherwise it is an empty one, whether what was
    said is repeated or dropped.

    Args:
        text, assertions, cues: as for `find_contradictions`.

    >>> [check.changed for check in find_self_checks("2 + 2 = 5. Wait, 2 + 2 = 4. Let me check. 2 + 2 = 4.")]
    [True, False]
    """
    assertions = read_assertions(text) if assertions is None else assertions
    if not assertions:
        return []
    starts = [assertion.start for assertion in assertions]
    episodes: list[list[int]] = []
    for start, end in cue_spans(text) if cues is None else cues:
        if episodes and not _any_between(starts, episodes[-1][1], start):
            episodes[-1][1] = end
        else:
            episodes.append([start, end])
    known: dict[tuple, Any] = {}
    checks, place = [], 0
    for (start, end), (following, _) in pairwise([*episodes, [len(text) + 1, 0]]):
        while place < len(assertions) and starts[place] < start:
            known[assertions[place].about] = assertions[place].value
            place += 1
        had_something, changed = bool(known), False
        while place < len(assertions) and starts[place] < following:
            about, value = assertions[place].about, assertions[place].value
            changed |= about in known and known[about] != value
            known[about] = value
            place += 1
        if had_something:
            checks.append(SelfCheck(start, end, changed))
    return checks


def read_assertions(
    text: str, statements: Sequence[Statement] = (), equations: Sequence[Equation] | None = None
) -> list[Assertion]:
    """Every value that a text gives to something, in order; see `find_contradictions` for what is read.

    Args:
        text: a trace.
        statements: what it says of a mini-world image (`read_statements`). A listing also says how many things there
            are, in all and of each group that is counted.
        equations: those of the text (`read_equations`) where they are known already.
    """
    found = [*_names_and_sums(text, read_equations(text) if equations is None else equations), *_answers(text)]
    if statements:
        ends = [said.end for said in statements]  # sorted, as the starts are
        found = [a for a in found if not _overlaps(a, statements, ends)] + list(_of_the_image(text, statements))
    found.sort(key=lambda assertion: assertion.start)
    return _resolve_it(text, found)


def _overlaps(assertion: Assertion, statements: Sequence[Statement], ends: list[int]) -> bool:
    place = bisect_right(ends, assertion.start)
    return place < len(ends) and statements[place].start < assertion.end


def _names_and_sums(text: str, equations: Sequence[Equation]) -> Iterator[Assertion]:
    named: list[Assertion] = []
    for equation in equations:
        for left, right in pairwise(equation.sides):
            total, number = (left, right) if left.is_sum else (right, left)
            if total.is_sum and not number.is_sum and total.value is not None and number.value is not None:
                key = re.sub(r"\s+", "", total.text)
                yield Assertion(left.start, right.end, ("sum", key), number.value)
        value = equation.sides[-1].value
        if equation.name and value is not None and text[equation.end : equation.end + 1] != ":":
            named.append(Assertion(equation.start, equation.end, ("name", equation.name), value))
    yield from _not_of_cases(text, named) if named else ()


def _not_of_cases(text: str, named: list[Assertion]) -> Iterator[Assertion]:
    """Leave out names that a step gives several values (a list), or an x with a y (a point), and steps about cases."""
    steps = step_spans(text)
    starts = [start for start, _ in steps]
    by_step: dict[int, list[Assertion]] = {}
    for assertion in named:
        by_step.setdefault(bisect_right(starts, assertion.start) - 1, []).append(assertion)
    for step, given in by_step.items():
        values: dict[str, set[Fraction]] = {}
        for assertion in given:
            values.setdefault(assertion.about[1].lower(), set()).add(assertion.value)
        if not {"x", "y"} <= set(values) and not _CASE.search(text, *steps[max(0, step)]):
            yield from (assertion for assertion in given if len(values[assertion.about[1].lower()]) == 1)


def _answers(text: str) -> Iterator[Assertion]:
    for match in _ANSWER.finditer(text):
        yield Assertion(*match.span(), ("answer",), _plain(match["value"]))


def _plain(value: str) -> Fraction | str:
    return value if value.isalpha() else Fraction(value.replace("−", "-"))


def _resolve_it(text: str, found: list[Assertion]) -> list[Assertion]:
    """Add what "it is 7" says in a step with a cue before it: another value for what was last given a number."""
    said = list(_IT_IS.finditer(text))
    if not said or not found:
        return found
    cues, steps = [end for _, end in cue_spans(text)], step_spans(text)
    starts, begins = [start for start, _ in steps], [assertion.start for assertion in found]
    added = []
    for match in said:
        step = steps[max(0, bisect_right(starts, match.start()) - 1)]
        place = bisect_left(begins, match.start()) - 1
        if place < 0 or not _any_between(cues, step[0], match.start()) or begins[place] > step[0]:
            continue
        if isinstance(found[place].value, Fraction):
            added.append(Assertion(*match.span(), found[place].about, _plain(match["value"])))
    return sorted([*found, *added], key=lambda assertion: assertion.start) if added else found


_OF_ANY_TEXT = {"name", "sum", "answer"}
"""What any text gives values to; all else is said of a mini-world image."""
_NO_VALUE = {"object", "fact", "place", "point", "change"}
"""Statements that do not give one value to what they are about: naming a thing again is no other value for it."""
_COUNTS = {"count", "taken", "region"}


def _of_the_image(text: str, statements: Sequence[Statement]) -> Iterator[Assertion]:
    looks = list(_looks(text, statements))
    doubled = set()  # two green squares in one listing are two squares, not one in two places
    for look in looks:
        abouts = Counter(about for said in look for about, _ in _pairs(said))
        doubled |= {(said.start, about) for said in look for about, _ in _pairs(said) if abouts[about] > 1}
    for said in statements:
        for about, value in _pairs(said):
            if (said.start, about) not in doubled:
                yield Assertion(said.start, said.end, about, value)
    asked = list(dict.fromkeys((said.kind, said.about) for said in statements if said.kind in _COUNTS))
    for look in looks:
        start, end = look[0].start, look[-1].end
        for about, value in _what_a_look_says(look, asked):
            yield Assertion(start, end, about, value)


def _pairs(said: Statement) -> Iterator[tuple[tuple, Any]]:
    if said.kind == "point" and said.says is not None:
        yield ("y", said.about), said.says
    elif said.kind == "change":
        first, last = said.says
        yield ("y", 0.0), first
        if said.about and last is not None:
            yield ("y", 1.0 if said.about == "right" else -1.0), last
    elif said.kind == "place" and said.says and len(said.says) == 2:
        yield ("place", said.says), said.about
    elif said.kind not in _NO_VALUE and None not in (said.about, said.says):
        yield (said.kind, said.about), said.says


def _looks(text: str, statements: Sequence[Statement]) -> Iterator[list[Statement]]:
    """Listings of what is in the image: two things or more in a row, or what follows "I see" or "It is day"."""
    things = [said for said in statements if said.kind in ("object", "box", "place")]
    runs: list[list[Statement]] = []
    for said in things:
        gap = text[runs[-1][-1].end : said.start] if runs and said.start - runs[-1][-1].end < 12 else "no run"
        if _BETWEEN_LISTED.fullmatch(gap):
            runs[-1].append(said)
        else:
            runs.append([said])
    for run in runs:
        if len(run) > 1 or _LOOK_BEGINS.search(text[max(0, run[0].start - 20) : run[0].start]):
            yield run


def _what_a_look_says(look: list[Statement], asked: list[tuple]) -> Iterator[tuple[tuple, Any]]:
    """The things of a listing, and how many there are of what the trace gives a number for."""
    yield ("things",), Counter(said.about for said in look)
    things = [{"colour": said.about[0], "shape": said.about[1]} for said in look]
    placed = all(said.kind == "place" and said.says and len(said.says) == 2 for said in look)
    for kind, what in asked:
        if kind == "region":
            if placed or what == "picture":
                yield (kind, what), sum(what == "picture" or what in said.says for said in look)
            continue
        left = things if kind == "taken" else [{"colour": said.about[0], "shape": said.about[1]} for said in look]
        kept = [thing for thing in left if not in_group(thing, *what)]
        yield (kind, what), len(left) - len(kept)
        if kind == "taken":
            things = kept
