"""Marks of runs whose responses are in part no text: their accuracy and length say nothing about reasoning."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ...evaluation.eval_report import EvalReport
from ...mini_world.garbled import GARBLED_LIMIT

if TYPE_CHECKING:
    import pandas as pd

LAST = 10
"""Logged steps, at the end of a run, over which its garbled completions are counted."""


def run_label(name: str, garbled: float) -> str:
    """The name of a run as figures and tables show it, marked where too many of its responses are garbled.

    Args:
        garbled: share of its responses, 0-1.

    >>> run_label("base", 0.004), run_label("SFT", 0.123)
    ('base', 'SFT (garbled 12%)')
    """
    return f"{name} ({garbled_words(garbled)})" if garbled > GARBLED_LIMIT else name


def garbled_words(share: float) -> str:
    """`garbled_words(0.123)` is "garbled 12%"."""
    return f"garbled {share:.0%}" if share >= 0.1 else f"garbled {share:.1%}"


def share_in_log(log: Sequence[Mapping[str, Any]]) -> float:
    """The share of garbled responses that a training ended with, 0-1; 0 where its log does not say.

    That of the last held-out evaluation; without one, the mean over the completions of the last `LAST` logged steps.
    """
    for name, last in (("held_out/garbled", 1), ("garbled", LAST)):
        values = [float(row[name]) for row in log if row.get(name) not in (None, "")][-last:]
        if values:
            return sum(values) / len(values)
    return 0.0


def share_in_responses(responses: "EvalReport | pd.DataFrame") -> float:
    """The share of garbled responses, 0-1, of a report or of its rows; 0 where the rows do not say."""
    if isinstance(responses, EvalReport):
        return responses.garbled
    return float(responses["garbled"].mean()) if "garbled" in responses else 0.0


def share_in_table(runs: "pd.DataFrame") -> float:
    """The share of garbled responses, 0-1, of the worst of some runs, a row each; 0 where the table does not say."""
    return float(runs["garbled"].max()) if "garbled" in runs else 0.0
