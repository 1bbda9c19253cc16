"""All measures of reasoning traces in one table: one row a response, one column a measure."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..core.answers import completion_text, parse_response
from ..core.trace_text import count_doubts, count_phrases, cue_spans, repetition_rate, step_spans, trace_of
from ..mini_world.claims import check_statements
from ..mini_world.kinds import KINDS
from ..mini_world.statement_parser import read_statements
from .arithmetic import check_equations, read_equations
from .consistency import find_contradictions, find_self_checks, read_assertions

if TYPE_CHECKING:
    import pandas as pd

TEXT_COLUMNS = {
    "has_think": "whether there is a think block, closed or not",
    "words": "length of the trace: pieces between white space, 0 or more",
    "steps": "sentences and lines, 0 or more (`traces.step_spans`)",
    "aha_substrings": "the paper's eight keywords anywhere, inside other words too, 0 or more (`traces.cue_spans`)",
    "aha_substring_rate": "the same for 100 words",
    "cues": "the eight keywords and 'i should check' as whole words, 0 or more (`traces.cue_spans`)",
    "cue_rate": "the same for 100 words",
    "alternatively": "this phrase of the paper's figure 7 anywhere, 0 or more, like the next three (`count_phrases`)",
    "double-check": "this phrase",
    "i should check": "this phrase",
    "wait": "this phrase",
    "doubts": "words of doubt of our list, 0 or more (`traces.count_doubts`)",
    "doubt_rate": "the same for 100 words",
    "repetition": "share of four-word sequences that came before, 0-1 (`traces.repetition_rate`)",
    "arithmetic": "arithmetic statements, 0 or more (`arithmetic.find_arithmetic`)",
    "arithmetic_holds": "those that hold",
    "arithmetic_share": "share that hold, 0-1; NaN without any",
    "self_checks": "cues with something stated before them, 0 or more (`consistency.find_self_checks`)",
    "self_checks_changed": "those after which something stated before has another value",
    "changed_share": "share of those, 0-1; NaN without any self-check",
    "contradictions": "things given two values, none taken back, 0 or more (`consistency.find_contradictions`)",
}
"""Column: what it holds of a trace, its range and where its definition stands."""
FACT_COLUMNS = {
    "claims": "claims about the image, 0 or more (`claims.find_claims`)",
    "claims_true": "those that are true",
    "claims_false": "those that are false",
    "claims_not_checkable": "those that cannot be held against the facts",
    "claims_share": "share of true ones among true and false ones, 0-1; NaN without any",
}
"""The same with records of the mini world; NaN throughout for a record without facts."""


def analyze_traces(
    responses: Sequence[str | Mapping | Sequence[Mapping]], records: Sequence[Mapping] | None = None
) -> "pd.DataFrame":
    """Measure the reasoning of responses: one row a response, in order, one column a measure.

    Measured is the trace: what the think blocks of a response hold; without one, all that stands before an answer block
    (`traces.trace_of`). The eight keywords and the four phrases of figure 7 are the paper's (arXiv 2504.11468); it
    defines pseudo reasoning in words only, so the other measures are ours. Any text is accepted, in time linear in its
    length.

    Args:
        responses: texts, completions as TRL gives them, or rows with a `response`, such as `EvalReport.rows`.
        records: rows of the mini world, with `source` and `meta`. What a trace says of its image is then held against
            the facts, and counts in `self_checks` and `contradictions` too. One record for each response in the same
            order; or, when the responses are rows with an `id`, in any order, found by their `id`.

    Returns:
        `id` and `source` where the rows have them, then the columns of `TEXT_COLUMNS`, then with records those of
        `FACT_COLUMNS`; the two say what each holds, and its range. Rates are per 100 words, shares 0-1.

    Raises:
        TypeError: responses is one string, or holds something that is no response.
        ValueError: not one record a response, a row without a `response`, or with an `id` that no record has.

    >>> table = analyze_traces(["<think>2 + 2 = 5. Wait, 2 + 2 = 4.</think><answer>4</answer>"])
    >>> table[["words", "cues", "arithmetic", "arithmetic_holds", "self_checks_changed"]].values.tolist()
    [[11, 1, 2, 1, 1]]
    """
    import pandas as pd

    if isinstance(responses, str):
        raise TypeError("responses is one string; pass a list of responses, such as [response]")
    responses = list(responses)
    rows = [response if isinstance(response, Mapping) else {} for response in responses]
    texts = [response_text(each) for each in responses]
    table = []
    for row, text, record in zip(rows, texts, _records_of(responses, records), strict=True):
        names = {name: given[name] for given in (record or {}, row) for name in ("id", "source") if name in given}
        table.append({**names, **_measure(text, record)})
    names = [name for name in ("id", "source") if any(name in row for row in table)]
    return pd.DataFrame(table, columns=[*names, *TEXT_COLUMNS, *(() if records is None else FACT_COLUMNS)])


def response_text(response: str | Mapping | Sequence[Mapping]) -> str:
    """The text of a response: a string, a completion as TRL gives it, or a row with a `response`."""
    if isinstance(response, Mapping):
        if "response" not in response:
            raise ValueError(f"a row without a response; it has {', '.join(map(str, response)) or 'nothing'}")
        response = response["response"]
    return completion_text(response)


def record_places(responses: Sequence[Any], ids: Sequence[Any]) -> list[int]:
    """The place of each response's record among the records with these ids (None for a record without one).

    Rows with an `id` find theirs by it; else there is one record for each response, in the same order.
    """
    rows = [response if isinstance(response, Mapping) else {} for response in responses]
    if rows and all("id" in row for row in rows):
        place_of = {name: place for place, name in enumerate(ids) if name is not None}
        if lost := [row["id"] for row in rows if row["id"] not in place_of]:
            raise ValueError(f"no record has the id {lost[0]!r} of a response; pass the records that were asked about")
        return [place_of[row["id"]] for row in rows]
    if len(ids) != len(rows):
        raise ValueError(
            f"{len(rows)} responses and {len(ids)} records; give one record for each response, in the same order, "
            "or rows with an id as responses (report.rows)"
        )
    return list(range(len(rows)))


def _records_of(responses: list, records: Sequence[Mapping] | None) -> list[Mapping | None]:
    """The record of each response, or None each."""
    if records is None:
        return [None] * len(responses)
    if hasattr(records, "select_columns"):  # a Dataset: leave its images undecoded
        records = records.select_columns([name for name in ("id", "source", "meta") if name in records.column_names])
    records = list(records)
    return [records[place] for place in record_places(responses, [record.get("id") for record in records])]


def _measure(text: str, record: Mapping | None) -> dict[str, Any]:
    trace = trace_of(text)
    facts = facts_of(record) if record is not None else None
    statements = [] if facts is None else read_statements(record["source"], trace)
    words = len(trace.split())
    per_100 = 100 / words if words else 0.0
    aha, cues, doubts = len(cue_spans(trace, whole_words=False)), len(cue_spans(trace)), count_doubts(trace)
    equations = read_equations(trace)
    assertions = read_assertions(trace, statements, equations)
    sums, checks = check_equations(trace, equations), find_self_checks(trace, assertions)
    hold, changed = sum(each.holds for each in sums), sum(check.changed for check in checks)
    measures = {
        "has_think": parse_response(text).think is not None,
        "words": words,
        "steps": len(step_spans(trace)),
        "aha_substrings": aha,
        "aha_substring_rate": aha * per_100,
        "cues": cues,
        "cue_rate": cues * per_100,
        **count_phrases(trace),
        "doubts": doubts,
        "doubt_rate": doubts * per_100,
        "repetition": repetition_rate(trace),
        "arithmetic": len(sums),
        "arithmetic_holds": hold,
        "arithmetic_share": hold / len(sums) if sums else float("nan"),
        "self_checks": len(checks),
        "self_checks_changed": changed,
        "changed_share": changed / len(checks) if checks else float("nan"),
        "contradictions": len(find_contradictions(trace, assertions)),
    }
    if facts is not None:
        verdicts = [claim.verdict for claim in check_statements(record["source"], facts, statements, trace)]
        true, false = verdicts.count("true"), verdicts.count("false")
        measures |= {
            "claims": len(verdicts),
            "claims_true": true,
            "claims_false": false,
            "claims_not_checkable": len(verdicts) - true - false,
            "claims_share": true / (true + false) if true + false else float("nan"),
        }
    return measures


def facts_of(record: Mapping) -> dict | None:
    """The facts of a mini-world record; None for any other."""
    meta = record.get("meta") or {}
    if isinstance(meta, str):
        try:
            meta = json.loads(meta)
        except ValueError:  # meta of other data sets may be anything
            return None
    facts = meta.get("facts") if isinstance(meta, Mapping) else None
    return facts if isinstance(facts, Mapping) and record.get("source") in KINDS else None
