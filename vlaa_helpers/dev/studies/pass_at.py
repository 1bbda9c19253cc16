"""pass@k of an arm, and beside it what guessing among the answers would reach."""

import json
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ...core.record_schema import meta_of
from .arms import Arm, Lab
from .measures import Measure, ask, records_of

if TYPE_CHECKING:
    from datasets import Dataset

MANY = (Measure("test", "sampled", 50, samples=16),)
KS = (1, 2, 4, 8, 16)


def pass_rows(arm: Arm, measures: Sequence[Measure], lab: Lab) -> list[dict[str, Any]]:
    """A row a source and k: `pass_at` with its 95% bounds, n, and `guess`, pass@k of guessing."""
    rows = []
    for measure, report in ask(arm, measures, lab).items():
        chances = guess_chances(records_of(measure))
        ks = [k for k in KS if k <= measure.samples]
        for source in (*report.by_source.index[:-1], "all"):
            table = report.pass_curve(ks, source=None if source == "all" else source).round(4)
            among = [p for name, parts in chances.items() if source in (name, "all") for p in parts]
            for row in table.to_dict("records"):
                guess = sum(1 - (1 - p) ** int(row["k"]) for p in among) / len(among)
                rows.append({"source": source, "n": table.attrs["n"], **row, "guess": round(guess, 4)})
    return rows


def guess_chances(records: "Dataset") -> dict[str, list[float]]:
    """By source, each question's chance that a guess is right, 0-1.

    With options, one of them; without, as often as the source's most frequent ground truth occurs.
    """
    truths: dict[str, list[str]] = {}
    options: dict[str, list[int]] = {}
    for row in records.remove_columns("image"):
        truths.setdefault(row["source"], []).append(json.dumps(row["gt"]))
        options.setdefault(row["source"], []).append(len(meta_of(row)["task"].get("options", ())))
    chances = {}
    for source, found in truths.items():
        often = Counter(found).most_common(1)[0][1] / len(found)
        chances[source] = [1 / count if count else often for count in options[source]]
    return chances
