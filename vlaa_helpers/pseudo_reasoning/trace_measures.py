"""The measures that come with the package: each a function of a trace, and a line about what it holds."""

from collections.abc import Callable
from dataclasses import dataclass

from ..core.trace_text import repetition_rate
from .parsed_trace import ParsedTrace


@dataclass(frozen=True)
class Measure:
    """A column of `analyze_traces`.

    Attributes:
        name: of the column.
        function: from a `ParsedTrace` to a number, NaN where there is nothing to measure; called once a response.
        doc: what it holds of a trace, and its range.
        needs_facts: whether it looks at the facts of a mini-world record. Then the column comes only with records, and
            is NaN for a record without facts, for which the function is not called.
    """

    name: str
    function: Callable[[ParsedTrace], float]
    doc: str
    needs_facts: bool = False


def arithmetic_holds(trace: ParsedTrace) -> int:
    return sum(each.holds for each in trace.arithmetic)


def self_checks_changed(trace: ParsedTrace) -> int:
    return sum(check.changed for check in trace.self_checks)


def claims_share(trace: ParsedTrace) -> float:
    true = claims_with(trace, "true")
    return share(true, true + claims_with(trace, "false"))


def distinct_with(trace: ParsedTrace, *verdicts: str) -> int:
    return sum(claim.verdict in verdicts for claim in trace.distinct_claims)


def claims_with(trace: ParsedTrace, verdict: str) -> int:
    return sum(claim.verdict == verdict for claim in trace.claims)


def share(part: int, whole: int) -> float:
    """`part` of `whole`, 0-1; NaN without any."""
    return part / whole if whole else float("nan")


BUILT_IN = (
    Measure(
        "has_think",
        lambda trace: trace.parts.think is not None,
        "whether there is a think block, closed or not",
    ),
    Measure(
        "words",
        lambda trace: len(trace.words),
        "length of the trace: pieces between white space, 0 or more",
    ),
    Measure(
        "steps",
        lambda trace: len(trace.steps),
        "sentences and lines, 0 or more (`trace_text.step_spans`)",
    ),
    Measure(
        "aha_substrings",
        lambda trace: len(trace.aha_substrings),
        "the paper's eight keywords anywhere, inside other words too, 0 or more (`trace_text.cue_spans`)",
    ),
    Measure(
        "aha_substring_rate",
        lambda trace: trace.per_100_words(len(trace.aha_substrings)),
        "the same for 100 words",
    ),
    Measure(
        "cues",
        lambda trace: len(trace.cues),
        "the eight keywords and 'i should check' as whole words, 0 or more (`trace_text.cue_spans`)",
    ),
    Measure(
        "cue_rate",
        lambda trace: trace.per_100_words(len(trace.cues)),
        "the same for 100 words",
    ),
    Measure(
        "alternatively",
        lambda trace: trace.phrases["alternatively"],
        "this phrase of the paper's figure 7 anywhere, 0 or more, like the next three (`trace_text.count_phrases`)",
    ),
    Measure("double-check", lambda trace: trace.phrases["double-check"], "this phrase"),
    Measure("i should check", lambda trace: trace.phrases["i should check"], "this phrase"),
    Measure("wait", lambda trace: trace.phrases["wait"], "this phrase"),
    Measure(
        "doubts",
        lambda trace: trace.doubts,
        "words of doubt of our list, 0 or more (`trace_text.count_doubts`)",
    ),
    Measure(
        "doubt_rate",
        lambda trace: trace.per_100_words(trace.doubts),
        "the same for 100 words",
    ),
    Measure(
        "repetition",
        lambda trace: repetition_rate(trace.trace),
        "share of four-word sequences that came before, 0-1 (`trace_text.repetition_rate`)",
    ),
    Measure(
        "arithmetic",
        lambda trace: len(trace.arithmetic),
        "arithmetic statements, 0 or more (`arithmetic.find_arithmetic`)",
    ),
    Measure("arithmetic_holds", arithmetic_holds, "those that hold"),
    Measure(
        "arithmetic_share",
        lambda trace: share(arithmetic_holds(trace), len(trace.arithmetic)),
        "share that hold, 0-1; NaN without any",
    ),
    Measure(
        "self_checks",
        lambda trace: len(trace.self_checks),
        "cues with something stated before them, 0 or more (`consistency.find_self_checks`)",
    ),
    Measure(
        "self_checks_changed",
        self_checks_changed,
        "those after which something stated before has another value",
    ),
    Measure(
        "changed_share",
        lambda trace: share(self_checks_changed(trace), len(trace.self_checks)),
        "share of those, 0-1; NaN without any self-check",
    ),
    Measure(
        "contradictions",
        lambda trace: len(trace.contradictions),
        "things given two values, none taken back, 0 or more; whether a trace agrees with itself, not whether it is "
        "genuine (`consistency.find_contradictions`)",
    ),
    Measure(
        "claims",
        lambda trace: len(trace.claims),
        "claims about the image, 0 or more (`claims.find_claims`)",
        needs_facts=True,
    ),
    Measure("claims_true", lambda trace: claims_with(trace, "true"), "those that are true", needs_facts=True),
    Measure("claims_false", lambda trace: claims_with(trace, "false"), "those that are false", needs_facts=True),
    Measure(
        "claims_not_checkable",
        lambda trace: claims_with(trace, "not checkable"),
        "those that cannot be held against the facts",
        needs_facts=True,
    ),
    Measure(
        "claims_share",
        claims_share,
        "share of true ones among true and false ones, 0-1, each repetition counted; NaN without any",
        needs_facts=True,
    ),
    Measure(
        "distinct_claims",
        lambda trace: distinct_with(trace, "true", "false"),
        "different claims that are true or false, however often repeated, 0 or more (`ParsedTrace.distinct_claims`)",
        needs_facts=True,
    ),
    Measure(
        "distinct_claims_share",
        lambda trace: share(distinct_with(trace, "true"), distinct_with(trace, "true", "false")),
        "share of true ones among these, 0-1: saying a true thing again does not raise it; NaN without any",
        needs_facts=True,
    ),
)
"""In the order of their columns, those that need facts last."""
