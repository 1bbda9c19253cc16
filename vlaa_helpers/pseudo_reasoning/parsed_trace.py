"""A response taken apart once, for every measure that looks at it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from ..core.answers import Response, parse_response
from ..core.record_schema import meta_of
from ..core.trace_text import count_doubts, count_phrases, cue_spans, step_spans, trace_of
from ..mini_world.claims import Claim, check_statements
from ..mini_world.kinds import KINDS
from ..mini_world.statement_parser import Statement, read_statements
from .arithmetic import Arithmetic, Equation, check_equations, read_equations
from .consistency import (
    Assertion,
    Contradiction,
    SelfCheck,
    find_contradictions,
    find_self_checks,
    read_assertions,
)


@dataclass(frozen=True)
class ParsedTrace:
    """A response and what can be read in it; each part is read when it is first asked for, and kept.

    Places are in characters of `trace`. Without facts there are no statements and no claims.

    Attributes:
        response: what the model wrote, tags included.
        source: the kind of image, one of the mini world's, or None.
        facts: what the image shows, as `meta` of its record has it, or None (`facts_of`).

    >>> parsed = ParsedTrace("<think>Wait, 2 + 2 = 5.</think><answer>5</answer>")
    >>> len(parsed.words), parsed.cues, [sum.holds for sum in parsed.arithmetic]
    (6, [(0, 4)], [False])
    """

    response: str
    source: str | None = None
    facts: Mapping | None = None

    @cached_property
    def parts(self) -> Response:
        """The think block, the answer, and what is wrong with the format."""
        return parse_response(self.response)

    @cached_property
    def trace(self) -> str:
        """The thinking: what the think blocks hold; without one, all that stands before an answer block."""
        return trace_of(self.response) if self.parts.think is None else self.parts.think

    @cached_property
    def words(self) -> list[str]:
        """The pieces between white space."""
        return self.trace.split()

    def per_100_words(self, count: int) -> float:
        """A count as a rate for 100 words; 0 without a word."""
        return count * (100 / len(self.words)) if self.words else 0.0

    @cached_property
    def steps(self) -> list[tuple[int, int]]:
        """Where its sentences and lines stand (`trace_text.step_spans`)."""
        return step_spans(self.trace)

    @cached_property
    def cues(self) -> list[tuple[int, int]]:
        """Where cues of self-reflection stand as whole words (`trace_text.cue_spans`)."""
        return cue_spans(self.trace)

    @cached_property
    def aha_substrings(self) -> list[tuple[int, int]]:
        """Where the paper's eight keywords stand, inside other words too."""
        return cue_spans(self.trace, whole_words=False)

    @cached_property
    def phrases(self) -> dict[str, int]:
        """How often each of the four phrases of the paper's figure 7 occurs."""
        return count_phrases(self.trace)

    @cached_property
    def doubts(self) -> int:
        """How many words of doubt there are (`trace_text.count_doubts`)."""
        return count_doubts(self.trace)

    @cached_property
    def equations(self) -> list[Equation]:
        """Chains of numbers, sums and signs of equality."""
        return read_equations(self.trace)

    @cached_property
    def arithmetic(self) -> list[Arithmetic]:
        """Its arithmetic statements, each with whether it holds."""
        return check_equations(self.trace, self.equations)

    @cached_property
    def statements(self) -> list[Statement]:
        """What it says about its mini-world image."""
        return [] if self.facts is None else read_statements(self.source, self.trace)

    @cached_property
    def claims(self) -> list[Claim]:
        """The statements, each held against the facts."""
        return [] if self.facts is None else check_statements(self.source, self.facts, self.statements, self.trace)

    @cached_property
    def distinct_claims(self) -> list[Claim]:
        """The claims, each once however often it is repeated and in whatever words: the first time it was made.

        Two are one when they say the same of the same thing and have one verdict. Counting down ("2 red ones, …, 2 red
        ones") may be right once and wrong the next time, and is then two.
        """
        first = {}
        for said, claim in zip(self.statements, self.claims, strict=True):
            first.setdefault((said.kind, repr(said.about), repr(said.says), claim.verdict), claim)
        return list(first.values())

    @cached_property
    def assertions(self) -> list[Assertion]:
        """Every value that it gives to something."""
        return read_assertions(self.trace, self.statements, self.equations)

    @cached_property
    def self_checks(self) -> list[SelfCheck]:
        """Cues with something stated before them, each with whether that changed."""
        return find_self_checks(self.trace, self.assertions, self.cues)

    @cached_property
    def contradictions(self) -> list[Contradiction]:
        """Things that it gives two values, none taken back."""
        return find_contradictions(self.trace, self.assertions, self.cues)


def parse_trace(response: str, record: Mapping | None = None) -> ParsedTrace:
    """A response and, when its record has some, the facts that it can be held against."""
    facts = None if record is None else facts_of(record)
    return ParsedTrace(response) if facts is None else ParsedTrace(response, record["source"], facts)


def facts_of(record: Mapping) -> Mapping | None:
    """The facts of a mini-world record; None for any other."""
    facts = meta_of(record).get("facts")
    return facts if isinstance(facts, Mapping) and record.get("source") in KINDS else None
