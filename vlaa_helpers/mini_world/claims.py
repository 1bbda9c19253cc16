"""Whether what a text says about a mini-world image is true: every claim, where it stands, and a verdict.

The paper shows pseudo reasoning by example and has no measure of it (arXiv 2504.11468). In the mini world the facts of
an image are known, so each claim can be held against them: the measure is ours, and holds only there.
"""

from dataclasses import dataclass

from .kinds import KINDS, Statement, get_kind, in_group
from .kinds.base import Check
from .statement_parser import read_statements

VERDICTS = ("true", "false", "not checkable")
CLAIM_KINDS = {
    "object": "a thing is there; the n-th mention in one listing claims n of them",
    "box": "a thing is in a box: true from an overlap (IoU) of 0.5 with its own",
    "place": "a thing is in a corner, or in a half, of the picture",
    "count": "how many things there are, of a group or in all",
    "taken": "how many things an operation takes away, of those that the operations before it left",
    "region": "how many things are in a half of the picture, or in all of it",
    "time": "it is day, or night",
    "label": "what is written at a corner of the triangle",
    "style": "the chart has bars, or points",
    "value": "how high a colour's bar or point is",
    "extreme": "what is highest, or lowest",
    "curve": "the colour and kind of the curve",
    "point": "the curve passes through a point",
    "change": "what y is at 0, and one step to a side",
    "coefficient": "what a, or b, is",
}
"""Kinds of claims about the six kinds of image. One of your own brings others in its `checks`, or "fact" by default."""


@dataclass(frozen=True)
class Claim:
    """A claim about an image.

    Attributes:
        start, end: where it stands in the text, in characters.
        text: as written.
        verdict: "true", "false" or "not checkable". A claim that is cut off or garbled is false when nothing that could
            stand there makes it true (a thing that is not in the image), and not checkable otherwise. So is a claim
            about what the facts do not hold (the corner of a block, the time of day of a chart).
        kind: one of `CLAIM_KINDS`, or what a kind of image of your own calls it.
    """

    start: int
    end: int
    text: str
    verdict: str
    kind: str


def find_claims(source: str, facts: dict, text: str) -> list[Claim]:
    """Every claim about a mini-world image in a text, in the order of the text, each held against the facts.

    Args:
        source: one of `kinds.KINDS`, the kind of image.
        facts: what the image shows, as `meta` of its record has it.
        text: a trace, a response or any other text. Bare answers ("It looks like 4.") and operations ("Add 1 red star")
            are no claims. Time is linear in its length.

    >>> facts = {"style": "bar", "colours": ["red", "blue"], "values": [6, 2]}
    >>> [(claim.text, claim.verdict) for claim in find_claims("charts", facts, "I see bars: red 6, blue 5.")]
    [('bars', 'true'), ('red 6', 'true'), ('blue 5', 'false')]
    """
    return check_statements(source, facts, read_statements(source, text), text)


def check_statements(source: str, facts: dict, statements: list[Statement], text: str) -> list[Claim]:
    """The statements of `read_statements` as claims, with a verdict each."""
    removal, own = _Removal(facts), get_kind(source).checks
    claims = []
    for said in statements:
        if said.kind in ("taken", "count"):
            holds = removal.check(said)
        else:
            check = own.get(said.kind) or _foreign_check(said.kind)
            holds = check(facts, said.about, said.says)
        verdict = "not checkable" if holds is None else "true" if holds else "false"
        claims.append(Claim(said.start, said.end, text[said.start : said.end], verdict, said.kind))
    return claims


def _foreign_check(claim_kind: str) -> Check:
    """The check of a claim that is about another kind of image."""
    for kind in KINDS.values():
        if claim_kind in kind.checks:
            return kind.checks[claim_kind]
    raise ValueError(f"no kind has a check for claims of kind {claim_kind!r}, which a reader gives; add it to `checks`")


class _Removal:
    """Counts groups as a trace takes them away one after the other; it may start again."""

    def __init__(self, facts: dict):
        self.things = facts.get("objects", [])
        self.left, self.gone = self.things, set()

    def check(self, said: Statement) -> bool:
        group = said.about
        if said.kind == "count":
            if group == (None, None):  # "That is 5 objects": the working starts (again)
                self.left, self.gone = self.things, set()
            return said.says == sum(in_group(thing, *group) for thing in self.things)
        if group in self.gone:
            self.left, self.gone = self.things, set()
        kept = [thing for thing in self.left if not in_group(thing, *group)]
        holds = said.says == len(self.left) - len(kept)
        self.left = kept
        self.gone.add(group)
        return holds
