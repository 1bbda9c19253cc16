"""Tables of means to read: value, interval and number in one cell, and words instead of NaN."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

VALUES = ("difference", "mean", "auc", "accuracy")
NUMBERS = ("n", "questions", "pairs", "right")


def interval_table(
    found: "pd.DataFrame", *, rows: str | Sequence[str], columns: str | Sequence[str], form: str = "{:.2f}"
) -> "pd.DataFrame":
    """A table with a row a thing as cells to read: "0.52 (0.49 to 0.55), n = 300", and "none (n = 0)" for NaN.

    Args:
        found: with `low`, `high`, one of `VALUES` and one of `NUMBERS`, such as `score_strata`, `score_auc`,
            `compare_policies` and `ProbeReport.by_outcome` give. Where there is an `of`, the cell says "n = 9 of 12".
        rows, columns: columns of `found` (or levels of its index) that become rows and columns, in their order.
        form: of the value and its bounds.

    Returns:
        A table of texts.

    Raises:
        ValueError: no value or number among the columns, or two rows for one cell.
    """
    rows, columns = ([names] if isinstance(names, str) else list(names) for names in (rows, columns))
    found = found.reset_index()
    value, number = (next((name for name in names if name in found), None) for names in (VALUES, NUMBERS))
    if value is None or number is None:
        raise ValueError(f"no {' or '.join(VALUES)} with one of {', '.join(NUMBERS)} among {', '.join(found.columns)}")
    if found.duplicated([*rows, *columns]).any():
        raise ValueError(f"several rows for one cell; choose some, or name more columns than {[*rows, *columns]}")
    cells = found.assign(cell=[_cell(row, value, number, form) for row in found.to_dict("records")])
    table = cells.pivot(index=rows, columns=columns, values="cell")
    order = [found.set_index(names).index.unique() for names in (rows, columns)]
    table = table.reindex(index=order[0], columns=order[1])
    return table.fillna("none (n = 0)")


def _cell(row: dict, value: str, number: str, form: str) -> str:
    if row[value] != row[value]:
        return f"none (n = 0 of {row['of']:,})" if "of" in row else "none (n = 0)"
    of = f" of {row['of']:,}" if "of" in row and row["of"] != row[number] else ""
    n = _sides(row) if number == "right" else f"n = {row[number]:,}{of}"
    return f"{form.format(row[value])} ({form.format(row['low'])} to {form.format(row['high'])}), {n}"


def _sides(row: dict) -> str:
    """How many there were to compare in an area of `score_auc`."""
    return f"{row['right']:,} right, {row['not_right']:,} not"
