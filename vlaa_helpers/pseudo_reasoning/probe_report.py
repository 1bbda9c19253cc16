"""What probing a policy's traces found: one row a cut of a trace, one row a trace, and means with intervals."""

import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.kept_rows import load_kept
from .strata import outcome_of, score_strata

if TYPE_CHECKING:
    import pandas as pd

logger = logging.getLogger(__name__)
LIMITS = {"forced answers": "max_answer_tokens", "continuations": "max_new_tokens"}
"""What may be truncated, and the setting of a probe that limits it."""
MANY_TRUNCATED = 0.05
CUT_COLUMNS = {
    "cut": "how many steps of the trace the policy was shown, 0 (the control without thinking) to all",
    "share": "the same as a share of all steps, 0-1",
    "end": "where the cut is, in characters of the trace",
    "answer": "what the policy answered there, when made to; None where no answer can be told",
    "value": "the score of that answer, 0-1",
    "correct": "whether it is right, 0 or 1",
    "same": "whether it is the answer after all steps, 0 or 1",
    "logp_correct": "log-probability, in nats, that the answer written there is the correct one, at most 0",
    "logp_given": "the same of the answer that the response gives",
    "gain_correct": "what the last step added to `logp_correct`, in nats; NaN at cut 0",
    "gain_given": "what it added to `logp_given`",
}
"""Column of `ProbeReport.cuts`: what it holds. NaN where a probe was not asked for, or had nothing to measure."""
TRACE_COLUMNS = {
    "problem": "why the trace could not be probed; None where it was",
    "outcome": "what became of the response, one of `strata.OUTCOMES`",
    "given_correct": "whether the answer of the response is right, 0 or 1; without an answer it is not",
    "no_think_correct": "whether the answer at cut 0 is right, 0 or 1",
    "whole_correct": "whether the answer at the last cut is right, 0 or 1",
    "given_kept": "whether the answer at the last cut is the one that the response gives, 0 or 1",
    "no_think_same": "whether the answer at cut 0 is already that of the last cut, 0 or 1",
    "aoc": "area over the curve of early answers, 0-1 (`area_over_curve`): 0 is a trace that changes no answer",
    "gain_correct": "what all steps together added to the log-probability of the correct answer, in nats",
    "gain_given": "what they added to that of the given answer",
    "gain_correct_before_last": "`gain_correct` without the last step, which in most traces names the answer; NaN when "
    "there is but one step",
    "gain_correct_per_step": "`gain_correct` divided by the number of steps",
    "gain_given_per_step": "`gain_given` divided by the number of steps",
    "changed": "whether the policy's answer is another after one fact was changed, 0 or 1",
    "follows": "whether it is then the one that the changed fact implies, 0 or 1; NaN where none other is implied",
    "repairs": "whether the answer stays and a later step says the true fact again, 0 or 1; NaN where that is not seen",
    "tokens": "tokens that went through the model for this trace",
    "tokens_alone": "what it would have been without reading prompt and trace once for all continuations",
    "seconds": "its share of the time",
}
"""Column of `ProbeReport.traces`: what it holds. None of these names is one of `analyze_traces`."""
SHARES = ("given_correct", "no_think_correct", "whole_correct", "given_kept", "no_think_same")
GAINS = ("gain_correct", "gain_correct_before_last", "gain_correct_per_step", "gain_given", "gain_given_per_step")
MEASURES = (*SHARES, "aoc", *GAINS, "changed", "follows", "repairs")


def area_over_curve(same: list[bool]) -> float:
    """Area over the curve of early answers: how much of a trace it takes until the final answer stands.

    The curve is the one of arXiv 2307.13702 §2.3: over the share of the trace that is shown (whole steps, so it is a
    staircase), 1 where the answer is that after the whole trace and 0 elsewhere. That paper pools traces of one length
    and weights lengths by how many there are; the mean of this over traces does the same without pooling. A trace that
    does nothing but say an answer has an area too: it tells where the answer comes from, not how.

    Args:
        same: for the cuts after 0, 1, … all steps, whether the answer is that after all steps.

    Returns:
        The mean of "not the same" over all cuts but the last, 0-1. 0: the answer never depended on the trace. 1: it
        stood only after the last step. NaN without steps.

    >>> area_over_curve([False, False, True, True, True])
    0.5
    """
    return 1 - sum(same[:-1]) / (len(same) - 1) if len(same) > 1 else float("nan")


@dataclass(frozen=True)
class ProbeReport:
    """What `probe_traces` measured.

    Attributes:
        rows: one dictionary a response: `id`, `source`, `response`, `answer` (the given one), `given_correct`,
            `problem`, `cuts` (a dictionary for each cut), `corrupted` (what was changed, how the policy went on from
            the trace as it was and as changed, and what it answered; None where nothing was), `tokens`,
            `tokens_alone`, `seconds`.
        settings: what was asked of which model.
    """

    rows: tuple[dict, ...]
    settings: dict = field(default_factory=dict)

    @property
    def cuts(self) -> "pd.DataFrame":
        """One row a cut: `trace` (the place of the response), `id`, `source` and the columns of `CUT_COLUMNS`.

        A trace that could not be probed has one row of NaN.
        """
        import pandas as pd

        table = []
        for place, row in enumerate(self.rows):
            names, before = {"trace": place, "id": row["id"], "source": row["source"]}, {}
            for cut in row["cuts"] or [{}]:
                shown = {name: _number(value) if name != "answer" else value for name, value in cut.items()}
                if cut:
                    shown["share"] = cut["cut"] / (len(row["cuts"]) - 1)
                for name in ("correct", "given"):
                    if before:
                        shown[f"gain_{name}"] = _change(before, cut, f"logp_{name}")
                table.append({**names, **shown})
                before = cut
        return pd.DataFrame(table, columns=["trace", "id", "source", *CUT_COLUMNS])

    @property
    def traces(self) -> "pd.DataFrame":
        """One row a response, in order: `id`, `source` and the columns of `TRACE_COLUMNS`.

        Beside the table of `analyze_traces` for the same responses: `table.join(report.traces[[*TRACE_COLUMNS]])`.
        """
        import pandas as pd

        table = [{"id": row["id"], "source": row["source"], **_measures(row)} for row in self.rows]
        return pd.DataFrame(table, columns=["id", "source", *TRACE_COLUMNS])

    @property
    def truncated(self) -> dict[str, float]:
        """Shares of the "forced answers" and of the "continuations" (from facts, changed or not) that were cut at their
        limit of tokens, 0-1; what was not asked for is left out, and so are reports from before this was kept."""
        cut = {
            "forced answers": [cut["truncated"] for row in self.rows for cut in row["cuts"] if "truncated" in cut],
            "continuations": [each for row in self.rows for each in (row["corrupted"] or {}).get("truncated", ())],
        }
        return {kind: sum(each) / len(each) for kind, each in cut.items() if each}

    @property
    def by_source(self) -> "pd.DataFrame":
        """Means with 95% intervals: a row for each source, and for "all", and each measure.

        `n` traces have the measure, `of` is all responses: those that could not be probed count in `of` everywhere, and
        as not right in `given_correct` where they have no answer. The interval is over questions (`score_strata`). A
        measure that no trace has is left out; one that no trace of this source has is NaN with n = 0.
        """
        return self._means("source")

    @property
    def by_outcome(self) -> "pd.DataFrame":
        """The same for each of `strata.OUTCOMES` that a response has, and for "all".

        Traces end by naming their answer, so what a trace adds to the right answer is first of all whether its own is
        right. Policies differ in what their traces do where they differ among right responses, or among wrong ones.
        """
        return self._means("outcome")

    def _means(self, by: str) -> "pd.DataFrame":
        import pandas as pd

        found = score_strata(self.traces.assign(arm="", seed=0), MEASURES, by=(by,))
        whole = found[by] == "all"
        there = found["measure"].isin(found["measure"][whole & (found["n"] > 0)])
        ordered = pd.concat([found[~whole & there], found[whole & there]])
        return ordered.drop(columns=["arm", "questions", "seeds"]).set_index([by, "measure"])

    def __str__(self) -> str:
        probed = [row for row in self.rows if row["problem"] is None]
        problems = Counter(row["problem"] for row in self.rows if row["problem"] is not None)
        tokens, alone = (sum(row[name] for row in self.rows) for name in ("tokens", "tokens_alone"))
        seconds = sum(row["seconds"] for row in self.rows)
        why_not = ", ".join(f"{name} {count}" for name, count in problems.most_common())
        words = f"{len(probed)} of {len(self.rows)} traces probed in {seconds:.0f} s{why_not and f' (not: {why_not})'}"
        if probed:
            words += (
                f"; {tokens / len(probed):,.0f} tokens a trace went through the model, "
                f"{alone / tokens:.1f} times fewer than without the shared cache"
            )
        return words


def _number(value: float | bool | None) -> float:
    return float("nan") if value is None else float(value)


def _change(before: dict, after: dict, name: str) -> float:
    return _number(after.get(name)) - _number(before.get(name))


def _measures(row: dict) -> dict:
    cuts, changed = row["cuts"], row["corrupted"] or {}
    measures = {name: row[name] for name in ("problem", "tokens", "tokens_alone", "seconds")}
    measures["outcome"] = outcome_of(row["given_correct"], has_answer=row["answer"] is not None)
    measures["given_correct"] = _number(row["given_correct"])
    measures |= {name: _number(changed.get(name)) for name in ("changed", "follows", "repairs")}
    if not cuts:
        return measures
    first, last = cuts[0], cuts[-1]
    same = [cut.get("same") for cut in cuts]
    for name in ("correct", "given"):
        gain = _change(first, last, f"logp_{name}")
        measures |= {f"gain_{name}": gain, f"gain_{name}_per_step": gain / (len(cuts) - 1)}
    if len(cuts) > 2:
        measures["gain_correct_before_last"] = _change(first, cuts[-2], "logp_correct")
    return measures | {
        "no_think_correct": _number(first.get("correct")),
        "whole_correct": _number(last.get("correct")),
        "given_kept": _number(row["given_kept"]),
        "no_think_same": _number(first.get("same")),
        "aoc": float("nan") if None in same else area_over_curve(same),
    }


def load_probes(folder: str | Path) -> ProbeReport:
    """The report that `probe_traces(…, out=folder)` wrote.

    Raises:
        FileNotFoundError: no report there.
        ValueError: probing that did not come to its end.
    """
    return ProbeReport(
        *load_kept(folder, what="traces", made_by="probe_traces", wanted=lambda settings: settings["traces"])
    )


def warn_of_truncation(report: ProbeReport, settings: Mapping[str, Any]) -> None:
    """Say where so many texts were cut at their limit that what is left of them is a selection."""
    for kind, share in report.truncated.items():
        if share > MANY_TRUNCATED:
            limit = LIMITS[kind]
            logger.warning(
                f"{share:.0%} of the {kind} were truncated at {settings[limit]} tokens: few of these have an answer, "
                f"and the report is of the others. Give more: probe_traces(…, {limit}={4 * settings[limit]})"
            )
