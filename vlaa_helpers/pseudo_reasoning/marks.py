"""What to mark in a trace when it is shown: claims that are true or false, sums that do not hold, cues."""

import html
from collections.abc import Mapping
from dataclasses import dataclass

from ..core.trace_text import cue_spans
from ..mini_world.claims import find_claims
from .arithmetic import find_arithmetic
from .parsed_trace import facts_of

MARKS = {
    "true": "true of the image",
    "false": "false of the image",
    "unchecked": "about the image, cannot be checked",
    "wrong": "a sum that does not hold",
    "cue": "a cue of self-reflection",
}
"""Kind of mark: what it says of the words it is on. Where two would overlap, the earlier in this list stays."""

SYMBOLS = {"true": "✓", "false": "✗", "unchecked": "?", "wrong": "≠", "cue": ""}
"""What stands after the words of a mark, so that it is told apart without colour; a cue is underlined alone."""


@dataclass(frozen=True)
class Mark:
    """Where a mark stands, in characters, and its kind, one of `MARKS`."""

    start: int
    end: int
    kind: str


def cue_marks(text: str, *, whole_words: bool = True) -> list[Mark]:
    """The marks of cues alone, in any text; `whole_words` as in `trace_text.cue_spans`."""
    return [Mark(*span, "cue") for span in cue_spans(text, whole_words=whole_words)]


def find_marks(trace: str, record: Mapping | None = None) -> list[Mark]:
    """The marks of a trace, in order, none overlapping another.

    Args:
        trace: the thinking of a response (`trace_text.trace_of`).
        record: with `source` and `meta`; claims are marked only where it is of the mini world.

    >>> [(mark.kind, "I see 2 + 2 = 5. Wait!"[mark.start:mark.end]) for mark in find_marks("I see 2 + 2 = 5. Wait!")]
    [('wrong', '2 + 2 = 5'), ('cue', 'Wait')]
    """
    facts = facts_of(record) if record is not None else None
    claims = find_claims(record["source"], facts, trace) if facts is not None else []
    kind_of = {"true": "true", "false": "false", "not checkable": "unchecked"}
    found = [Mark(claim.start, claim.end, kind_of[claim.verdict]) for claim in claims]
    found += [Mark(said.start, said.end, "wrong") for said in find_arithmetic(trace) if not said.holds]
    found += cue_marks(trace)
    rank = list(MARKS)
    kept: list[Mark] = []
    for mark in sorted(found, key=lambda mark: (rank.index(mark.kind), mark.start)):
        if all(mark.end <= other.start or other.end <= mark.start for other in kept):
            kept.append(mark)
    return sorted(kept, key=lambda mark: mark.start)


def marked_html(trace: str, marks: list[Mark]) -> str:
    """A trace as HTML, escaped; each mark a `<mark>` with its kind as class and its meaning as title, and its symbol
    after the words."""
    parts, end = [], 0
    for mark in marks:
        words = html.escape(trace[mark.start : mark.end])
        parts += [html.escape(trace[end : mark.start])]
        symbol = SYMBOLS[mark.kind] and f"<sup>{SYMBOLS[mark.kind]}</sup>"
        parts += [f'<mark class="{mark.kind}" title="{MARKS[mark.kind]}">{words}{symbol}</mark>']
        end = mark.end
    return "".join(parts) + html.escape(trace[end:])
