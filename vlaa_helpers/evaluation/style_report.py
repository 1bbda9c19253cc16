"""How often a policy answers in each style of the mini world, and how right it is in each."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..core.statistics import bootstrap_interval, wilson_interval
from ..mini_world.style_classifier import STYLE_NAMES, style_of
from .eval_report import EvalReport

if TYPE_CHECKING:
    import pandas as pd


def style_shares(report: "EvalReport | pd.DataFrame", by: str | Sequence[str] | None = None) -> "pd.DataFrame":
    """The share of each style in some responses, and the accuracy within it.

    Args:
        report: what `evaluate` returned, or rows with `id`, `source`, `response`, `correct` and `value`, such as
            `reference_responses()`.
        by: a column, or several, to part the responses by: "source", or ["arm", "decoding"].

    Returns:
        A row a style (for each part): `n` responses, `share` (0-1) with its 95% bounds `low` and `high`, and `accuracy`
        among those that could be scored, NaN where there are none. The interval is Wilson's for one response an item,
        else it comes from resampling items. The shares of a part sum to 1.

    Raises:
        ValueError: no responses, or some about a source of which `style_of` knows nothing.
    """
    import pandas as pd

    frame = report.to_frame() if isinstance(report, EvalReport) else report
    if not len(frame):
        raise ValueError("no responses to tell the style of; give the report of an evaluation that came to its end")
    frame = frame.assign(style=_styles(frame))
    if by is None:
        return _shares(frame)
    columns = [by] if isinstance(by, str) else list(by)
    parts = {key: _shares(part) for key, part in frame.groupby(columns, sort=False)}
    return pd.concat(parts, names=columns)


def style_columns(frame: "pd.DataFrame") -> dict[str, float]:
    """The share of each style (0-1, four decimals) in rows with `source` and `response`: columns of a study's table."""
    shares = _styles(frame).value_counts(normalize=True)
    return {style: round(float(shares.get(style, 0.0)), 4) for style in STYLE_NAMES}


def _styles(frame: "pd.DataFrame") -> "pd.Series":
    import pandas as pd

    styles = [style_of(source, text) for source, text in zip(frame["source"], frame["response"], strict=True)]
    return pd.Series(styles, index=frame.index, dtype=object)


def _shares(frame: "pd.DataFrame") -> "pd.DataFrame":
    import pandas as pd

    rows = {}
    for style in STYLE_NAMES:
        chosen = frame["style"] == style
        low, high = _interval(chosen, frame["id"])
        accuracy = frame.loc[chosen & frame["value"].notna(), "correct"].astype(float).mean()
        rows[style] = {"n": chosen.sum(), "share": chosen.mean(), "low": low, "high": high, "accuracy": accuracy}
    return pd.DataFrame(rows).T.astype({"n": int}).rename_axis("style")


def _interval(chosen: "pd.Series", items: "pd.Series") -> tuple[float, float]:
    if items.is_unique:
        return wilson_interval(int(chosen.sum()), len(chosen))
    return bootstrap_interval(chosen.groupby(items).mean().to_numpy())
