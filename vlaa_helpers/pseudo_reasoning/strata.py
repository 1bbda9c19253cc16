"""Scores of traces apart by what they are mixed up with: whether the answer is right, and the source of the question.

A score that is high for wrong answers and for hard sources says of a policy with many of both that it is high, whatever
its traces are like. So nothing here is a mean over all alone, and every row says how many responses it is from.

Tables have a row a response: `analyze_traces(rows, records)` beside the columns `arm`, `seed`, `id`, `source`,
`correct` and `has_answer` of what was measured (`reference_responses`, or `EvalReport.to_frame()` with an arm and a
seed).
"""

from collections.abc import Iterator, Sequence
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from ..core.statistics import area_and_pulls, clustered_interval, seeds_interval, wilson_interval

if TYPE_CHECKING:
    import pandas as pd

OUTCOMES = ("right", "wrong", "no answer", "not scored")
"""What became of a response. "no answer" is not right either, but apart: its trace may have been cut off."""
_EXAMPLES = {"arm": '"GRPO"', "seed": "0", "source": '"charts"'}


def outcomes(table: "pd.DataFrame") -> "pd.Series":
    """Which of `OUTCOMES` each response has.

    Args:
        table: with `correct` and `has_answer`, and `value` where some responses could not be scored (NaN there).
    """
    import pandas as pd

    check_columns(table, "correct", "has_answer")
    scored = table["value" if "value" in table else "correct"].notna()
    rows = zip(table["correct"].where(scored, None), table["has_answer"], strict=True)
    names = [outcome_of(correct, has_answer=has_answer) for correct, has_answer in rows]
    return pd.Series(names, index=table.index, name="outcome", dtype=object)


def outcome_of(correct: bool | None, *, has_answer: bool) -> str:
    """Which of `OUTCOMES` a response has; `correct` is None where it could not be scored."""
    if correct is None:
        return "not scored"
    return "right" if correct else "wrong" if has_answer else "no answer"


def score_strata(
    table: "pd.DataFrame", scores: str | Sequence[str] = "pseudo", *, by: Sequence[str] = ("outcome",)
) -> "pd.DataFrame":
    """Means of measures for each policy, over all its responses and in each stratum, with 95% intervals.

    Args:
        table: a row a response; see the top of this file.
        scores: columns to take the mean of, numbers or booleans.
        by: columns that make the strata: "outcome" (`outcomes`), "source", both, or any other of the table; none for
            all responses alone.

    Returns:
        A row for each arm, stratum and measure: `arm`, the columns of `by` ("all" in the first rows of an arm),
        `measure`, `n` (responses that have it), `of` (responses in the stratum), `questions`, `seeds`, `mean`, `low`,
        `high`. The interval is over questions and seeds (`core.statistics.seeds_interval`), or Wilson's for ones and
        zeros of one response a question; where seeds differ much it may reach beyond what a score can be. An empty
        stratum has a row with n = 0 and NaN.

    Raises:
        ValueError: a column that the table lacks.
    """
    import pandas as pd

    names = [scores] if isinstance(scores, str) else list(scores)
    if "outcome" in by and "outcome" not in table:
        table = table.assign(outcome=outcomes(table))
    check_columns(table, "arm", "seed", "id", *by, *names)
    rows = []
    for arm, part in table.groupby("arm", sort=False):
        for levels, stratum in _strata(table, part, by):
            head = {"arm": arm, **dict(zip(by, levels, strict=True))}
            rows += [{**head, "measure": name, **summarize(stratum, name)} for name in names]
    return pd.DataFrame(rows)


def _strata(whole: "pd.DataFrame", part: "pd.DataFrame", by: Sequence[str]) -> Iterator[tuple[tuple, "pd.DataFrame"]]:
    """All rows of a part, then those of each combination of levels that the whole table has, in its order."""
    yield ("all",) * len(by), part
    if not by:
        return
    ranked = {"outcome": OUTCOMES}
    for levels in product(*([n for n in ranked.get(c, whole[c].unique()) if (whole[c] == n).any()] for c in by)):
        there = np.logical_and.reduce([part[column] == level for column, level in zip(by, levels, strict=True)])
        yield levels, part[there]


def summarize(part: "pd.DataFrame", name: str) -> dict[str, float]:
    """`n`, `of`, `questions`, `seeds`, `mean`, `low` and `high` of a column, over questions and seeds."""
    kept = part.dropna(subset=[name])
    low, high = _interval(kept, name)
    return {
        "n": len(kept),
        "of": len(part),
        "questions": kept["id"].nunique(),
        "seeds": kept["seed"].nunique(),
        "mean": float(kept[name].astype(float).mean()),
        "low": low,
        "high": high,
    }


def _interval(part: "pd.DataFrame", name: str) -> tuple[float, float]:
    values = part[name].to_numpy(dtype=float)
    low, high = seeds_interval(values, items=part["id"], seeds=part["seed"])
    if len(values) == 0 or not np.isin(values, (0, 1)).all():
        return low, high
    questions = part["id"].nunique()
    if questions == len(values):
        return wilson_interval(int(values.sum()), questions)
    if low == high:  # all right or all wrong: how sure that is depends on how many questions say so
        return wilson_interval(round(float(values[0])) * questions, questions)
    return max(0.0, low), min(1.0, high)


def score_auc(table: "pd.DataFrame", score: str = "pseudo") -> "pd.DataFrame":
    """How well a score tells right answers from others, within each policy: over all sources, within sources, in each.

    Args:
        table: a row a response; see the top of this file.
        score: a column, higher for what is suspicious; responses without it (NaN) are left out, as are unscored ones.

    Returns:
        Rows for each arm: source "all" compares any two responses, so that it also holds which sources are hard;
        "within sources" only those of one source, each pair counted once; then each source. `auc` is the chance that
        a response that is not right scores above one that is, with its 95% interval over questions and seeds, `low`
        and `high`; `right`, `not_right` and, of these, `no_answer` are numbers of responses. NaN where one of the
        two is missing.

    Raises:
        ValueError: a column that the table lacks.
    """
    import pandas as pd

    check_columns(table, "arm", "seed", "id", "source", score)
    table = table.assign(outcome=outcomes(table))
    table = table[table[score].notna() & (table["outcome"] != "not scored")]
    rows = []
    for arm, part in table.groupby("arm", sort=False):
        each = {source: [part[part["source"] == source]] for source in table["source"].unique()}
        for source, pieces in {"all": [part], "within sources": [p for [p] in each.values()], **each}.items():
            counts = pd.concat(pieces)["outcome"].value_counts()
            found = dict(zip(("auc", "low", "high"), _area(pieces, score), strict=True))
            right, no_answer = (int(counts.get(name, 0)) for name in ("right", "no answer"))
            counted = {"right": right, "not_right": int(counts.sum()) - right, "no_answer": no_answer}
            rows.append({"arm": arm, "source": source, **found, **counted})
    return pd.DataFrame(rows)


def _area(pieces: "Sequence[pd.DataFrame]", score: str) -> tuple[float, float, float]:
    """The area over pairs of responses from the same piece, and its interval."""
    import pandas as pd

    found = []
    for piece in pieces:
        right = (piece["outcome"] == "right").to_numpy()
        if pairs := int(right.sum() * (~right).sum()):
            found.append((pairs, piece, *area_and_pulls(piece[score].to_numpy(dtype=float), ~right)))
    total = sum(pairs for pairs, *_ in found)
    if not total:
        return (float("nan"),) * 3
    value = sum(pairs * area for pairs, _, area, _ in found) / total
    pulls = np.concatenate([pairs / total * pulls for pairs, *_, pulls in found])
    used = pd.concat([piece for _, piece, *_ in found])
    low, high = clustered_interval(value, pulls, items=used["id"], seeds=used["seed"])
    return value, max(0.0, low), min(1.0, high)


def score_bins(table: "pd.DataFrame", score: str = "pseudo", *, bins: int = 5) -> "pd.DataFrame":
    """Accuracy for each policy where its score is low and where it is high, in bins of equal width.

    Args:
        table: a row a response; see the top of this file.
        score: a column in 0-1.

    Returns:
        A row for each arm and bin with responses: `arm`, `start` and `end` of the bin, `n`, `of` (all responses of the
        arm) and the share of those that are `garbled` (where the table says), `no_answer` (how many of the n have none;
        they count as not right), `score` (mean), `accuracy` with its 95% interval over questions and seeds, `low` and
        `high`. Responses without a score are the last row of an arm,
        with `start` and `end` NaN; those that could not be scored for correctness are left out.

    Raises:
        ValueError: a column that the table lacks, or scores outside 0-1.
    """
    import pandas as pd

    check_columns(table, "arm", "seed", "id", score)
    table = table.assign(outcome=outcomes(table))
    table = table[table["outcome"] != "not scored"]
    table = table.assign(right=(table["outcome"] == "right").astype(float))
    given = table[score].dropna()
    if not given.between(0, 1).all():
        raise ValueError(f"{score} runs from {given.min():.2f} to {given.max():.2f}; expected a score in 0-1")
    rows = []
    for arm, part in table.groupby("arm", sort=False):
        place = np.minimum(part[score] * bins // 1, bins - 1).fillna(bins)
        for k, some in part.groupby(place):
            start, end = (float("nan"),) * 2 if k == bins else (k / bins, (k + 1) / bins)
            low, high = _interval(some, "right")
            row = {"arm": arm, "start": start, "end": end, "n": len(some), "of": len(part)}
            if "garbled" in part:
                row["garbled"] = part["garbled"].mean()
            row |= {"no_answer": int((some["outcome"] == "no answer").sum()), "score": some[score].mean()}
            rows.append({**row, "accuracy": some["right"].mean(), "low": low, "high": high})
    return pd.DataFrame(rows)


def check_columns(table: "pd.DataFrame", *names: str) -> None:
    """Raise when a table of responses lacks a column, saying which and how to add it."""
    if missing := [name for name in names if name not in table]:
        example = ", ".join(f"{name}={_EXAMPLES.get(name, '…')}" for name in missing)
        raise ValueError(
            f"the table has no {', '.join(missing)}; it has {', '.join(map(str, table.columns))}. Join the "
            f"measures and the columns of the responses in one table, or add it: table.assign({example})"
        )
