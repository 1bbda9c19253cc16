"""How far the detector's result on planted traces is a finding, and how far it was put in when they were planted."""

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from .benchmark import PSEUDO_KINDS
from .detector import INPUTS, Auc, PseudoReasoningDetector, auc

if TYPE_CHECKING:
    import pandas as pd

PLANTED_BY_FACTS = ("corrupted", "wrong_steps", "borrowed")
"""Kinds of pseudo traces that are planted by false facts: the checker that makes sure that one is false when the trace
is made is the one that the claims of `analyze_traces` are checked with."""
BALANCED = ("words", "cue_rate", "doubt_rate")
"""Measures of what genuine traces were given about as often as pseudo ones, so that it should not rank one above the
other. (Their means differ: hedged traces are short and full of doubts, and others have none.)"""
CIRCULAR = ("claims_false", "claims_share", "distinct_claims_share")
"""Measures that read the facts by which half of the pseudo kinds were made pseudo."""


def validation_table(learned: "pd.DataFrame", tested: "pd.DataFrame") -> "pd.DataFrame":
    """The detector on kinds of imitation that it never saw, and beside it what the benchmark's making decides.

    Args:
        learned, tested: the two splits of the benchmark as tables of `measured`.

    Returns:
        A row a result: `what` (a detector's inputs, or a measure alone), `evaluated`, `kind` (of pseudo trace),
        `status`, `auc` with its 95% interval over pairs, `low` and `high`, and `n` (traces). `evaluated` is "kind
        unseen" (learned from the pairs of the five other kinds), "kind seen" or "alone" (one measure, in the direction
        that `learned` has). `status` says how to read it:

        - "headline": a kind unseen, and its mean over the kinds ("mean": each kind weighs the same).
        - "circular": the inputs read the facts that make traces of this kind pseudo. An area near 1 says that the
          checker agrees with itself.
        - "balanced by construction": planted alike in both classes. An area of 0.5 is no finding.
        - "seen": learned from the same kinds, as no imitation of a real policy is.
    """
    import pandas as pd

    return pd.DataFrame(_rows(learned, tested), columns=[*"what evaluated kind status auc low high n".split()])


def _rows(learned: "pd.DataFrame", tested: "pd.DataFrame") -> Iterator[tuple]:
    for inputs in INPUTS:
        found = {kind: unseen_kind(learned, tested, kind, inputs) for kind in PSEUDO_KINDS}
        for kind, area in found.items():
            yield inputs, "kind unseen", kind, _status(inputs, kind), *_columns(area)
        honest = [area for kind, area in found.items() if _status(inputs, kind) == "headline"]
        left_out = "" if len(honest) == len(found) else ", circular kinds left out"
        yield inputs, "kind unseen", f"mean of {len(honest)}{left_out}", "headline", *_columns(mean_area(honest))
    for inputs, columns in INPUTS.items():
        scores = PseudoReasoningDetector(columns).fit(learned, learned["pseudo"]).score(tested)
        status = "circular" if inputs != "text" else "seen"
        yield inputs, "kind seen", "all", status, *_columns(auc(scores, tested["pseudo"], tested["pair"]))
    for names, status in ((CIRCULAR, "circular"), (BALANCED, "balanced by construction")):
        for name in names:
            yield name, "alone", "all", status, *_columns(measure_area(learned, tested, name)[1])


def _status(inputs: str, kind: str) -> str:
    return "circular" if inputs != "text" and kind in PLANTED_BY_FACTS else "headline"


def _columns(found: Auc) -> tuple:
    return found.value, found.low, found.high, found.n


def pairs_of(table: "pd.DataFrame", kind: str) -> "pd.DataFrame":
    """The pairs whose pseudo trace is of this kind, both traces of each."""
    return table[table["pair"].isin(table["pair"][table["kind"] == kind])]


def unseen_kind(learned: "pd.DataFrame", tested: "pd.DataFrame", kind: str, inputs: str = "text") -> Auc:
    """The area on the pairs of one kind of pseudo trace, for a detector that learned from the other kinds alone.

    Args:
        learned, tested: tables of `measured`.
        kind: one of `benchmark.PSEUDO_KINDS`.
        inputs: one of `detector.INPUTS`.
    """
    part, rest = pairs_of(tested, kind), learned.drop(pairs_of(learned, kind).index)
    scores = PseudoReasoningDetector(INPUTS[inputs]).fit(rest, rest["pseudo"]).score(part)
    return auc(scores, part["pseudo"], part["pair"])


def mean_area(found: Sequence[Auc]) -> Auc:
    """The mean of areas on traces that no two of them share, each weighing the same, for these kinds and no others."""
    value = float(np.mean([area.value for area in found]))
    # an interval may end at 0 or 1, where it was cut: the longer side is whole
    halves = [max(area.high - area.value, area.value - area.low) for area in found]
    half = math.sqrt(sum(side**2 for side in halves)) / len(found)
    return Auc(value, max(0.0, value - half), min(1.0, value + half), sum(area.n for area in found))


def measure_area(learned: "pd.DataFrame", tested: "pd.DataFrame", name: str) -> tuple[bool, Auc]:
    """One measure alone as a detector: whether more of it spoke for pseudo in `learned`, and the area in `tested`."""
    higher = auc(learned[name].astype(float), learned["pseudo"], learned["pair"]).value >= 0.5
    return higher, auc(tested[name].astype(float) * (1 if higher else -1), tested["pseudo"], tested["pair"])
