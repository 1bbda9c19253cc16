"""pass@k of an arm, and beside it what guessing among the answers would reach."""

from collections.abc import Sequence
from typing import Any

from ...evaluation.guessing import guess_pass_curve
from ...study.arms import Arm, Lab
from ...study.measures import Measure, ask, records_of

MANY = (Measure("test", "sampled", 50, samples=16),)
KS = (1, 2, 4, 8, 16)


def pass_rows(arm: Arm, measures: Sequence[Measure], lab: Lab) -> list[dict[str, Any]]:
    """A row a source and k: `pass_at` with its 95% bounds, n, `guess`, pass@k of guessing, and the share `garbled`."""
    rows = []
    for measure, report in ask(arm, measures, lab).items():
        ks = [k for k in KS if k <= measure.samples]
        guess = guess_pass_curve(records_of(measure), ks).set_index(["source", "k"])["pass_at"]
        for source in (*report.by_source.index[:-1], "all"):
            table = report.pass_curve(ks, source=None if source == "all" else source).round(4)
            for row in table.to_dict("records"):
                beside = {"guess": round(guess[source, row["k"]], 4), "garbled": round(report.garbled, 4)}
                rows.append({"source": source, "n": table.attrs["n"], **row, **beside})
    return rows
