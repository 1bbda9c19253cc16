"""One fact of a trace changed, so that a policy can be asked to go on from it: does its answer follow?

"Adding mistakes" in arXiv 2307.13702 has a model write the mistake. Here it is made by rule, so it needs no model and
what was changed is known. In the mini world a true claim becomes a false one; elsewhere a number becomes another.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from random import Random

from ..core.trace_text import step_spans
from ..mini_world.claims import find_claims
from ..mini_world.response_styles import solve
from ..mini_world.scene_kinds import (
    ANGLE_PLACES,
    BOX_UNIT,
    COLOURS,
    FAMILIES,
    KINDS,
    SHAPES,
    box_words,
    extreme_objects,
    name_of,
)
from ..mini_world.statement_parser import Statement, read_statements
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
        trace: without tags (`traces.trace_of`).
        record: a row with `source` and `meta`; its facts are used where it is of the mini world.
        answer: the answer that was given after the trace.

    >>> corrupt_trace("6 - 2 = 4. So it is 4.", answer="4").corrupted_prefix("6 - 2 = 4. So it is 4.")
    '6 - 2 = 6.'
    """
    rng = Random(f"{seed}/{trace}")
    facts, task = _scene(record)
    found = None if facts is None else _corrupt_claim(trace, record["source"], facts, task, rng)
    return found or _corrupt_text(trace, answer, rng, () if facts is None else _NUMBERS.get(record["source"], ()))


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


def _scene(record: Mapping | None) -> tuple[dict | None, dict]:
    """Facts and task of a mini-world record; no facts for any other."""
    meta = (record or {}).get("meta") or {}
    if isinstance(meta, str):
        try:
            meta = json.loads(meta)
        except ValueError:  # meta of other data sets may be anything
            meta = {}
    known = isinstance(meta, Mapping) and "facts" in meta and "task" in meta and record.get("source") in KINDS
    return (meta["facts"], meta["task"]) if known else (None, {})


# ---- the mini world ----

_WORDS = (COLOURS, SHAPES, tuple(FAMILIES), ("top", "bottom"), ("left", "right"), ("day", "night"), ("bar", "point"))
_OTHERS = {word: [other for other in words if other != word] for words in _WORDS for word in words}
_SPOT = re.compile(rf"\b(?:{'|'.join(_OTHERS)})(?=s?\b)|(?<![\w.])[-−]?\d+(?:\.\d+)?(?![\w.]\d)", re.IGNORECASE)
_SIGNS = re.compile(r"[^\w\s]*+[\r\n]*+")
_VALUES = {
    "label": [str(angle) for angle in range(20, 141, 10)],
    "value": [str(value) for value in range(1, 9)],
    "box": [f"{k * BOX_UNIT:.3f}" for k in range(9)],
    **dict.fromkeys(("point", "change", "coefficient"), [str(value) for value in range(-3, 4)]),
    **dict.fromkeys(("count", "taken", "region"), [str(count) for count in range(9)]),
}
"""Numbers that a claim of each kind may have: a change should not be told by its size alone."""
_NUMBERS = {"blocks": _VALUES["count"], "functions": ["1", "2", "3"], "boxes": _VALUES["box"]}
"""Numbers that an answer to a question of each source may have."""


def _past_signs(trace: str, place: int) -> int:
    return _SIGNS.match(trace, place).end()


def _corrupt_claim(trace: str, source: str, facts: dict, task: dict, rng: Random) -> Corruption | None:
    """The first change that is decisive, claims and changes in random order; else the first of all."""
    claims, said = find_claims(source, facts, trace), read_statements(source, trace)
    truth = solve(source, facts, task)[1]
    first = None
    for place in rng.sample(range(len(claims)), len(claims)):
        claim = claims[place]
        if claim.verdict != "true":
            continue
        is_known = all(other.verdict != "false" for other in claims[:place])
        for start, end, replacement in _edits(trace, claim.start, claim.end, claim.kind, rng):
            stop, original = _past_signs(trace, claim.end), trace[start:end]
            change = Corruption(start, end, stop, original, replacement, claim.kind)
            new = _becomes_false(source, facts, trace, change)
            if new is None:
                continue
            implied = _implied(source, facts, task, said[place], new) if is_known else ()
            change = replace(change, implied=implied, decisive=_differ(implied, truth))
            if change.decisive:
                return change
            first = first or change
    return first


def _differ(implied: tuple[str, ...], answer: str) -> bool:
    return bool(implied) and answer not in implied


def _edits(trace: str, start: int, end: int, kind: str, rng: Random) -> Iterator[tuple[int, int, str]]:
    """Every way to change one word or number of a claim, in random order."""
    edits = []
    for spot in _SPOT.finditer(trace, start, end):
        word = spot[0].lower()
        for other in _OTHERS.get(word) or _VALUES.get(kind, ()):
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


def _implied(source: str, facts: dict, task: dict, old: Statement, new: Statement) -> tuple[str, ...]:
    """The answers of scenes that differ from the true one in what was changed; none where no scene is meant."""
    answer = solve(source, facts, task)[1]
    if source == "blocks" and old.kind in ("count", "taken"):
        if old.kind == "count" and old.about != (None, None):
            return ()
        value = int(answer) + (new.says - old.says) * (1 if old.kind == "count" else -1)
        return (str(value),) if value >= 0 else ()
    if old.kind == "extreme" and task["kind"] == old.about:  # what is named is the answer, or its box is
        if source == "charts":
            return (new.says,) if new.says in task["options"] else ()
        return tuple(box_words(thing["box"]) for thing in facts["objects"] if _name(thing) == new.says)
    scenes = [scene for scene in _scenes_with(facts, old, new) if _has_one_answer(source, scene, task)]
    return tuple(dict.fromkeys(solve(source, scene, task)[1] for scene in scenes))


def _has_one_answer(source: str, scene: dict, task: dict) -> bool:
    """Whether the question still asks for one thing: what it names may be gone, what is highest may be two."""
    kind = task["kind"]
    if source == "charts" and kind in ("highest", "lowest"):
        return scene["values"].count((max if kind == "highest" else min)(scene["values"])) == 1
    if source == "boxes":
        objects = scene["objects"]
        named = [thing for thing in objects if name_of(thing) == task["target"]]
        return len(named if kind == "named" else extreme_objects(objects, kind)) == 1
    return True


def _name(thing: dict) -> tuple[str, str]:
    return thing["colour"], thing["shape"]


def _scenes_with(facts: dict, old: Statement, new: Statement) -> list[dict]:
    """The scene with one fact as the changed statement has it; two readings for a curve through a changed point."""
    scene = deepcopy(facts)
    if old.kind in ("object", "place", "box"):
        thing = next(thing for thing in scene["objects"] if _name(thing) == old.about)
        thing["colour"], thing["shape"] = new.about
        if old.kind == "box":
            thing["box"] = list(new.says)
        elif old.kind == "place" and old.says != new.says:
            if len(new.says) < 2:
                return []
            thing["place"] = " ".join(new.says)
    elif old.kind == "time":
        scene["time"] = new.says
    elif old.kind == "label" and old.about == new.about and new.says.isdigit():
        scene["angles"][ANGLE_PLACES.index(old.about)] = int(new.says)
    elif old.kind == "value" and old.about == new.about:
        scene["values"][scene["colours"].index(old.about)] = int(new.says)
    elif old.kind == "curve" and new.says[1] != old.says[1]:
        scene["family"] = new.says[1]
    elif old.kind in ("point", "change", "coefficient"):
        return _curves_with(scene, old, new)
    else:
        return []
    return [scene]


def _curves_with(facts: dict, old: Statement, new: Statement) -> list[dict]:
    """Curves y = a f(x) + b with the changed number; f is 1 at the marked point, or -1 for a line marked at -1."""
    a, b = facts["a"], facts["b"]
    factor = facts["mark"] if facts["family"] == "line" else 1
    end = a * factor + b
    if old.kind == "coefficient":
        pairs = [(new.says, b) if old.about == "a" else (a, new.says)]
    else:
        if old.kind == "change":
            (start, last), is_start = new.says, new.says[0] != old.says[0]
        elif old.about != new.about or old.about not in (0, facts["mark"]):
            return []
        else:
            start, last, is_start = new.says, new.says, old.about == 0
        # a curve with another height at 0 either keeps its slope or still goes through its other point
        pairs = [(a, start), ((end - start) * factor, start)] if is_start else [((last - b) * factor, b)]
    return [{**facts, "a": int(a), "b": int(b)} for a, b in pairs if a]


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
