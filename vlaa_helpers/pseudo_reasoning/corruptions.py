"""One fact of a trace changed, so that a policy can be asked to go on from it: does its answer follow?

"Adding mistakes" in arXiv 2307.13702 has a model write the mistake. Here it is made by rule, so it needs no model and
what was changed is known. In the mini world a true claim becomes a false one; elsewhere a number becomes another.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from random import Random

from ..core.record_schema import meta_of
from ..core.trace_text import step_spans
from ..mini_world.claims import Claim, find_claims
from ..mini_world.kinds import KINDS, Kind, Statement
from ..mini_world.statement_parser import read_statements
from .arithmetic import find_arithmetic


@dataclass(frozen=True)
class Corruption:
    """A change of one span of a trace.

    Attributes:
        start, end: the span that changes, in characters of the trace.
        stop: where the fact that it is part of ends, with the full stop or comma after it; what comes then is left to
            the policy. (Signs that follow each other may be one token: a cut between them would be a foreign start.)
        original, replacement: the words of the span before and after.
        kind: one of `claims.CLAIM_KINDS`, "arithmetic" (a result that no longer holds), or "number" or "letter" (of
            any text).
        implied: the answers that the changed fact leads to; empty where that is not known.
        decisive: whether the answers implied are others than without the change.
    """

    start: int
    end: int
    stop: int
    original: str
    replacement: str
    kind: str
    implied: tuple[str, ...] = ()
    decisive: bool = False

    def prefix(self, trace: str) -> str:
        """The trace up to and including the fact, as it was."""
        return trace[: self.stop]

    def corrupted_prefix(self, trace: str) -> str:
        """The same with the span changed."""
        return trace[: self.start] + self.replacement + trace[self.end : self.stop]


def corrupt_trace(
    trace: str, record: Mapping | None = None, *, answer: str | None = None, seed: int = 0
) -> Corruption | None:
    """Pick one fact of a trace and change it; None when there is nothing to change.

    Tried in this order: a true claim about a mini-world image, which `find_claims` calls false afterwards (one that
    decides the answer, if there is any); a sum that holds, whose result changes; a number, one digit of which changes;
    the letter of an option. The same trace, record and seed give the same change.

    The answer implied is known in the mini world where every claim up to the change is true: it is what the question
    has for an answer in a scene that differs in this one fact. Elsewhere it is known where the given answer itself
    stands in the trace and is changed there.

    Args:
        trace: without tags (`trace_text.trace_of`).
        record: a row with `source` and `meta`; its facts are used where it is of the mini world.
        answer: the answer that was given after the trace.

    >>> corrupt_trace("6 - 2 = 4. So it is 4.", answer="4").corrupted_prefix("6 - 2 = 4. So it is 4.")
    '6 - 2 = 6.'
    """
    rng = Random(f"{seed}/{trace}")
    scene = _scene_of(record)
    if scene is None:
        return _corrupt_text(trace, answer, rng, ())
    return _corrupt_claim(trace, scene, rng) or _corrupt_text(trace, answer, rng, scene.kind.answer_numbers)


def is_said_again(change: Corruption, trace: str, continued: str, record: Mapping | None = None) -> bool | None:
    """Whether a trace that goes on from the changed fact says, in a later step, what had stood there.

    Args:
        trace: the one that was changed.
        continued: what became of it: it starts with `change.corrupted_prefix(trace)`.

    Returns:
        None for a change of kind "number" or "letter", of which it cannot be told.
    """
    cut = len(change.corrupted_prefix(trace))
    later = next((end for _, end in step_spans(continued) if end >= cut), len(continued))
    if change.kind == "arithmetic":
        stated = next(found.text for found in find_arithmetic(trace) if found.start <= change.start < found.end)
        return any(found.start >= later and found.text == stated for found in find_arithmetic(continued))
    if change.kind in ("number", "letter"):
        return None
    said = read_statements(record["source"], change.prefix(trace))[-1]
    again = [each for each in read_statements(record["source"], continued) if each.start >= later]
    return any((each.kind, each.about, each.says) == (said.kind, said.about, said.says) for each in again)


# ---- the mini world ----


@dataclass(frozen=True)
class _Scene:
    """A mini-world record, as far as a change of its trace needs it."""

    kind: Kind
    facts: dict
    task: dict


def _scene_of(record: Mapping | None) -> _Scene | None:
    """The scene of a mini-world record; None for any other."""
    meta = meta_of(record or {})
    known = "facts" in meta and "task" in meta and record.get("source") in KINDS
    return _Scene(KINDS[record["source"]], meta["facts"], meta["task"]) if known else None


_SIGNS = re.compile(r"[^\w\s]*+[\r\n]*+")


@cache
def _others(swaps: Sequence[Sequence[str]]) -> dict[str, list[str]]:
    return {word: [other for other in words if other != word] for words in swaps for word in words}


@cache
def _spot(swaps: Sequence[Sequence[str]]) -> re.Pattern[str]:
    """A word that can be swapped, or a number."""
    words = "|".join(map(re.escape, _others(swaps)))
    return re.compile(rf"\b(?:{words})(?=s?\b)|(?<![\w.])[-−]?\d+(?:\.\d+)?(?![\w.]\d)", re.IGNORECASE)


def _past_signs(trace: str, place: int) -> int:
    return _SIGNS.match(trace, place).end()


def _corrupt_claim(trace: str, scene: _Scene, rng: Random) -> Corruption | None:
    """The first change that is decisive, claims and changes in random order; else the first of all."""
    kind, facts, task = scene.kind, scene.facts, scene.task
    claims, said = find_claims(kind.name, facts, trace), read_statements(kind.name, trace)
    truth = kind.solve(facts, task)[1]
    first = None
    for place in rng.sample(range(len(claims)), len(claims)):
        claim = claims[place]
        if claim.verdict != "true":
            continue
        is_known = all(other.verdict != "false" for other in claims[:place])
        for start, end, replacement in _edits(trace, claim, kind, rng):
            stop, original = _past_signs(trace, claim.end), trace[start:end]
            change = Corruption(start, end, stop, original, replacement, claim.kind)
            new = _becomes_false(kind.name, facts, trace, change)
            if new is None:
                continue
            implied = kind.implied(facts, task, said[place], new) if is_known else ()
            change = replace(change, implied=implied, decisive=_differ(implied, truth))
            if change.decisive:
                return change
            first = first or change
    return first


def _differ(implied: tuple[str, ...], answer: str) -> bool:
    return bool(implied) and answer not in implied


def _edits(trace: str, claim: Claim, kind: Kind, rng: Random) -> Iterator[tuple[int, int, str]]:
    """Every way to change one word or number of a claim, in random order."""
    others, numbers = _others(kind.swaps), kind.claim_numbers.get(claim.kind, ())
    edits = []
    for spot in _spot(kind.swaps).finditer(trace, claim.start, claim.end):
        word = spot[0].lower()
        for other in others.get(word) or numbers:
            if other != word:
                edits.append((*spot.span(), other.capitalize() if spot[0][0].isupper() else other))
    return iter(rng.sample(edits, len(edits)))


def _becomes_false(source: str, facts: dict, trace: str, change: Corruption) -> Statement | None:
    """The changed statement, if it is false now and every claim before it is what it was."""
    before = find_claims(source, facts, change.prefix(trace))
    text = change.corrupted_prefix(trace)
    after = find_claims(source, facts, text)
    if len(before) != len(after) or not after or after[-1].verdict != "false" or after[-1].start > change.start:
        return None
    if before[-1].verdict != "true" or before[-1].kind != after[-1].kind:
        return None
    if [claim.verdict for claim in before[:-1]] != [claim.verdict for claim in after[:-1]]:
        return None
    new = read_statements(source, text)[-1]
    if new.kind == "box" and not (new.says[0] < new.says[2] and new.says[1] < new.says[3]):
        return None  # no box at all: too easy to tell
    return new


# ---- any text ----

_NUMBER = re.compile(r"(?<![\w.,])\d+(?:\.\d+)?(?![\w]|[.,]\d)")
_LAST_NUMBER = re.compile(r"\d+(?:\.\d+)?(?=\D*\Z)")
_LETTER = re.compile(r"(?<!\w)[A-H](?!\w)")


def _corrupt_text(trace: str, answer: str | None, rng: Random, numbers: Sequence[str]) -> Corruption | None:
    """Another of `numbers` where there are any, else a number with another digit; or another letter."""
    spots = []
    for found in find_arithmetic(trace):
        result = _LAST_NUMBER.search(found.text)
        if found.holds and result:
            start = found.start + result.start()
            spots.append((start, start + len(result[0]), found.end, "arithmetic"))
    if not spots:
        heads = {start for start, _ in step_spans(trace)}  # "1. Add" counts its step, and states nothing
        spots = [
            (*m.span(), m.end(), "number")
            for m in _NUMBER.finditer(trace)
            if m.start() not in heads or trace[m.end() : m.end() + 1] not in (".", ")")
        ]
    if not spots and answer and _LETTER.fullmatch(answer):
        spots = [(*m.span(), m.end(), "letter") for m in _LETTER.finditer(trace) if m[0] == answer]
    if not spots:
        return None
    start, end, stop, kind = rng.choice(spots)
    original = trace[start:end]
    others = [other for other in ("ABCD" if kind == "letter" else numbers) if other != original]
    replacement = rng.choice(others) if others else _other_number(original, rng)
    implied, stop = _in_answer(trace, answer, start, end, stop, replacement)
    stop = _past_signs(trace, stop)
    return Corruption(start, end, stop, original, replacement, kind, implied, _differ(implied, answer or ""))


def _other_number(number: str, rng: Random) -> str:
    """The number with its first digit changed, to no zero: as long as before, and clearly another."""
    place = next((k for k, digit in enumerate(number) if digit in "123456789"), 0)
    digit = rng.choice([d for d in "123456789" if d != number[place]])
    return number[:place] + digit + number[place + 1 :]


def _in_answer(
    trace: str, answer: str | None, start: int, end: int, stop: int, replacement: str
) -> tuple[tuple[str, ...], int]:
    """Where the given answer stands in the trace around the span: that answer changed, and the end of it."""
    for match in re.finditer(rf"(?<!\w){re.escape(answer)}(?!\w)", trace) if answer else ():
        if match.start() <= start and end <= match.end():
            changed = trace[match.start() : start] + replacement + trace[end : match.end()]
            return (changed,), max(stop, match.end())
    return (), stop
