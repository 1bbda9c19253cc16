"""All measures of reasoning traces in one table: one row a response, one column a measure."""

import inspect
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..core.answers import completion_text
from .parsed_trace import ParsedTrace, parse_trace
from .trace_measures import BUILT_IN, Measure

if TYPE_CHECKING:
    import pandas as pd

TEXT_COLUMNS = {measure.name: measure.doc for measure in BUILT_IN if not measure.needs_facts}
"""Column of a measure that comes with the package: what it holds of a trace, and its range."""
FACT_COLUMNS = {measure.name: measure.doc for measure in BUILT_IN if measure.needs_facts}
"""The same of those that need records of the mini world; NaN throughout for a record without facts."""
MEASURES = {measure.name: measure for measure in BUILT_IN}
"""All measures by name, registered ones last; `MEASURES.pop(name)` takes one out again."""
TAKEN = ("id", "source", "pair", "split", "label", "kind", "response", "pseudo", "correct", "place")
"""Names of columns that stand beside the measures in tables of the package."""


def register_measure(measure: Measure) -> None:
    """Make a measure a column of `analyze_traces`, after those that are there.

    One of your own with the same name is replaced, so that a notebook's cell may run twice. The shipped detector keeps
    looking at its own columns alone (`detector.INPUTS`).

    Raises:
        TypeError: no `Measure`, or a function that does not take one trace.
        ValueError: a name that the package itself uses for a column.

    >>> register_measure(Measure("questions", lambda trace: trace.trace.count("?"), "question marks, 0 or more"))
    >>> analyze_traces(["<think>Is it 3? Or 4?</think><answer>3</answer>"])["questions"].tolist()
    [2]
    >>> _ = MEASURES.pop("questions")
    """
    if not isinstance(measure, Measure):
        example = 'register_measure(Measure("name", function, "what it holds"))'
        raise TypeError(f"expected a Measure, got {measure!r:.60}; write {example}")
    try:
        inspect.signature(measure.function).bind("a parsed trace")
    except TypeError as error:
        raise TypeError(f"the function of measure {measure.name!r} {error}; expected a function of one trace") from None
    if measure.name in {*TEXT_COLUMNS, *FACT_COLUMNS, *TAKEN}:
        raise ValueError(f"{measure.name!r} is a column of the package already; give the measure another name")
    MEASURES.pop(measure.name, None)
    MEASURES[measure.name] = measure


def analyze_traces(
    responses: Sequence[str | Mapping | Sequence[Mapping]],
    records: Sequence[Mapping] | None = None,
    *,
    measures: Sequence[str] | None = None,
) -> "pd.DataFrame":
    """Measure the reasoning of responses: one row a response, in order, one column a measure.

    Measured is the trace: what the think blocks of a response hold; without one, all that stands before an answer block
    (`trace_text.trace_of`). The eight keywords and the four phrases of figure 7 are the paper's (arXiv 2504.11468); it
    defines pseudo reasoning in words only, so the other measures are ours. Any text is accepted, in time linear in its
    length.

    Args:
        responses: texts, completions as TRL gives them, or rows with a `response`, such as `EvalReport.rows`.
        records: rows of the mini world, with `source` and `meta`. What a trace says of its image is then held against
            the facts, and counts in `self_checks` and `contradictions` too. One record for each response in the same
            order; or, when the responses are rows with an `id`, in any order, found by their `id`.
        measures: names of the measures to take; all registered ones when left out.

    Returns:
        `id` and `source` where the rows have them, then the columns of `TEXT_COLUMNS`, then with records those of
        `FACT_COLUMNS`; the two say what each holds, and its range. Rates are per 100 words, shares 0-1. Measures of
        your own (`register_measure`) come after those of their kind.

    Raises:
        TypeError: responses is one string, or holds something that is no response.
        ValueError: not one record a response, a row without a `response`, with an `id` that no record has, an unknown
            measure, or one that needs facts and no records.

    >>> table = analyze_traces(["<think>2 + 2 = 5. Wait, 2 + 2 = 4.</think><answer>4</answer>"])
    >>> table[["words", "cues", "arithmetic", "arithmetic_holds", "self_checks_changed"]].values.tolist()
    [[11, 1, 2, 1, 1]]
    """
    import pandas as pd

    if isinstance(responses, str):
        raise TypeError("responses is one string; pass a list of responses, such as [response]")
    chosen = _chosen(measures, with_records=records is not None)
    responses = list(responses)
    rows = [response if isinstance(response, Mapping) else {} for response in responses]
    texts = [response_text(each) for each in responses]
    table = []
    for row, text, record in zip(rows, texts, _records_of(responses, records), strict=True):
        names = {name: given[name] for given in (record or {}, row) for name in ("id", "source") if name in given}
        table.append({**names, **_measure(parse_trace(text, record), chosen)})
    names = [name for name in ("id", "source") if any(name in row for row in table)]
    return pd.DataFrame(table, columns=[*names, *(measure.name for measure in chosen)])


def _chosen(names: Sequence[str] | None, *, with_records: bool) -> list[Measure]:
    """The measures of a table in the order of its columns: all that there are, or those of these names."""
    if names is None:
        facts = [measure for measure in MEASURES.values() if measure.needs_facts and with_records]
        return [*(measure for measure in MEASURES.values() if not measure.needs_facts), *facts]
    known = MEASURES | {measure.name: measure for measure in BUILT_IN}  # the package's own, whatever was registered
    if unknown := [name for name in names if name not in known]:
        raise ValueError(f"unknown measures {', '.join(map(repr, unknown))}; expected any of {', '.join(known)}")
    found = [known[name] for name in names]
    if not with_records and (factual := [measure.name for measure in found if measure.needs_facts]):
        raise ValueError(f"{', '.join(factual)} can be measured only against facts; pass the mini-world records too")
    return found


def _measure(trace: ParsedTrace, measures: list[Measure]) -> dict[str, float]:
    has_facts = trace.facts is not None
    return {each.name: each.function(trace) for each in measures if has_facts or not each.needs_facts}


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
