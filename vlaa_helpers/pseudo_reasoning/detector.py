"""How well measures of a trace tell genuine reasoning from imitation: each measure alone, and all in one score.

Ours, not the paper's, which has no measure (arXiv 2504.11468). The labels are those of planted traces (`benchmark`), so
what is validated is the detection of these kinds of imitation, in the mini world (`dev.trace_benchmark.validate`).
"""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..core.statistics import Z95, area_and_pulls, wilson_interval
from .benchmark import load_trace_benchmark
from .measures import analyze_traces

if TYPE_CHECKING:
    import pandas as pd

_TEXT = (
    "has_think", "words", "steps", "aha_substrings", "aha_substring_rate", "cues", "cue_rate", "alternatively",
    "double-check", "i should check", "wait", "doubts", "doubt_rate", "repetition", "arithmetic", "arithmetic_holds",
    "arithmetic_share", "self_checks", "self_checks_changed", "changed_share", "contradictions",
)  # fmt: skip
_FACTS = ("claims", "claims_true", "claims_false", "claims_not_checkable", "claims_share")
INPUTS = {"text": _TEXT, "text and facts": (*_TEXT, *_FACTS)}
"""The columns of `analyze_traces` that the shipped detector looks at: those of any text, and those that need facts too.

Named one by one, so that its scores stay what they are when a measure is added. A name more here is a new detector:
its tables are made anew then (`dev.trace_benchmark.validate`).
"""


@dataclass(frozen=True)
class Auc:
    """Chance that a pseudo trace scores above a genuine one (ties count half), 0-1, its 95% interval, and how many."""

    value: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        return f"{self.value:.3f} (95% {self.low:.3f} to {self.high:.3f}), n = {self.n}"


def auc(scores: Sequence[float], pseudo: Sequence[bool], groups: Sequence | None = None) -> Auc:
    """The area under the ROC curve of a score, with DeLong's interval for clustered traces (Obuchowski 1997).

    Args:
        scores: one a trace, higher for pseudo; NaN leaves the trace out.
        pseudo: which traces are.
        groups: traces of one group (a pair about one scene) are not independent; each its own when left out.

    Raises:
        ValueError: no pseudo trace with a score, or no genuine one.

    >>> print(auc([3, 2, 2, 1], [True, True, False, False]))
    0.875 (95% 0.592 to 1.000), n = 4
    """
    scores, pseudo = np.asarray(scores, dtype=float), np.asarray(pseudo, dtype=bool)
    groups = np.arange(len(scores)) if groups is None else np.asarray(list(groups))
    there = ~np.isnan(scores)
    scores, pseudo = scores[there], pseudo[there]
    if pseudo.all() or not pseudo.any():
        raise ValueError(f"{pseudo.sum()} pseudo and {(~pseudo).sum()} genuine traces with a score; expected both")
    value, pulls = area_and_pulls(scores, pseudo)
    _, cluster = np.unique(groups[there], return_inverse=True)
    sums = np.bincount(cluster, weights=pulls)
    half = Z95 * np.sqrt(len(sums) / max(1, len(sums) - 1) * (sums**2).sum())
    return Auc(value, float(max(0, value - half)), float(min(1, value + half)), len(scores))


class PseudoReasoningDetector:
    """Logistic regression over measures of a trace: how likely it is to be an imitation of reasoning.

    Columns are standardised; where a measure is not there (NaN), its median stands in and a column says so.

    Args:
        columns: of the tables that it will be given: those of `analyze_traces`, and any others, such as probes'.
        strength: inverse strength of the L2 penalty, scikit-learn's `C`.
    """

    def __init__(self, columns: Sequence[str] = INPUTS["text"], *, strength: float = 1.0):
        from sklearn.impute import SimpleImputer
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        self.columns = list(columns)
        self.pipeline = make_pipeline(
            SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True),
            StandardScaler(),
            LogisticRegression(C=strength, max_iter=2000),
        )

    def fit(self, table: "pd.DataFrame", pseudo: Sequence[bool]) -> "PseudoReasoningDetector":
        """Learn from a table of measures, one row a trace, and which of them are pseudo; returns itself."""
        self.pipeline.fit(self._features(table), np.asarray(pseudo, dtype=bool))
        return self

    def score(self, table: "pd.DataFrame") -> np.ndarray:
        """The probability (0-1) of each trace to be pseudo, where half of them are, as among the planted ones.

        A row without a trace (no `words`) has NaN: there is nothing to judge.

        Raises:
            ValueError: a column that it learned from is missing.
        """
        features = self._features(table)
        scores = self.pipeline.predict_proba(features)[:, 1] if len(table) else np.empty(0)
        return np.where(table["words"] > 0, scores, np.nan) if "words" in table else scores

    def _features(self, table: "pd.DataFrame") -> np.ndarray:
        if missing := [name for name in self.columns if name not in table]:
            raise ValueError(
                f"the table has no {', '.join(missing)}; analyze_traces(responses) gives the measures of text, "
                "analyze_traces(responses, records) those of facts too"
            )
        return table[self.columns].to_numpy(dtype=float)


def measured(rows: "Sequence[Mapping]") -> "pd.DataFrame":
    """Rows of the benchmark as a table: their columns, `pseudo` (whether they are), and every measure of the traces."""
    import pandas as pd

    rows = list(rows)
    labels = pd.DataFrame(rows)[["pair", "label", "kind", "response"]]
    return pd.concat([labels.assign(pseudo=labels["label"] == "pseudo"), analyze_traces(rows, rows)], axis=1)


@functools.cache
def trained_detector(inputs: str = "text") -> PseudoReasoningDetector:
    """A detector fitted on the train split of the shipped benchmark, in about a second; kept after the first call.

    Args:
        inputs: "text" for tables of text alone, "text and facts" for those made with mini-world records. Learned from
            short traces about coloured shapes: on other text the level of its score means nothing.

    Raises:
        ValueError: other inputs.
    """
    if inputs not in INPUTS:
        raise ValueError(f"unknown inputs {inputs!r}; expected one of {', '.join(map(repr, INPUTS))}")
    rows = list(load_trace_benchmark("train"))
    table = analyze_traces(rows, rows, measures=INPUTS[inputs])
    return PseudoReasoningDetector(INPUTS[inputs]).fit(table, [row["label"] == "pseudo" for row in rows])


def calibration(scores: np.ndarray, pseudo: Sequence[bool], *, bins: int = 10) -> "pd.DataFrame":
    """Whether the probabilities mean what they say: a row a bin of equal width that has traces.

    Returns:
        `n`, `predicted` (mean score), `observed` (share that is pseudo) with its 95% Wilson bounds `low` and `high`.
    """
    import pandas as pd

    pseudo = np.asarray(pseudo, dtype=bool)
    place = np.minimum((np.asarray(scores) * bins).astype(int), bins - 1)
    rows = []
    for k in np.unique(place):
        there = place == k
        low, high = wilson_interval(int(pseudo[there].sum()), int(there.sum()))
        row = {"n": int(there.sum()), "predicted": scores[there].mean(), "observed": pseudo[there].mean()}
        rows.append({**row, "low": low, "high": high})
    return pd.DataFrame(rows)
