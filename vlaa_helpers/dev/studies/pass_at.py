"""pass@k of an arm, and beside it what guessing among the answers would reach."""

from collections.abc import Sequence
from typing import Any

from ...evaluation.guessing import free_form_sources, guess_pass_curve
from ...study.arms import Arm, Lab
from ...study.measures import Measure, ask, records_of

MANY = (Measure("test", "sampled", 50, samples=16),)
KS = (1, 2, 4, 8, 16)


def pass_rows(arm: Arm, measures: Sequence[Measure], lab: Lab) -> list[dict[str, Any]]:
    """A row a source and k: `pass_at` with its 95% bounds, n, `guess`, pass@k of guessing, and the share `garbled`.

    After the sources come "free-form", those without options together, and "all".
    """
    rows = []
    for measure, report in ask(arm, measures, lab).items():
        ks = [k for k in KS if k <= measure.samples]
        records = records_of(measure)
        guess = guess_pass_curve(records, ks).set_index(["source", "k"])["pass_at"]
        groups = {source: [source] for source in report.by_source.index[:-1]}
        groups |= {"free-form": free_form_sources(records), "all": list(groups)}
        for source, several in groups.items():
            table = report.pass_curve(ks, source=several).round(4)
            for row in table.to_dict("records"):
                beside = {"guess": round(guess[source, row["k"]], 4), "garbled": round(report.garbled, 4)}
                rows.append({"source": source, "n": table.attrs["n"], **row, **beside})
    return rows
