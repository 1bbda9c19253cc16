"""Tables that grow arm by arm: a CSV each, written whole and then put in place, by one process at a time.

The table of a plan holds hundreds of runs and is compressed in the package.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...study.arms import Lab

if TYPE_CHECKING:
    import pandas as pd


def table_path(name: str, lab: Lab) -> Path:
    """The file of a table."""
    return lab.tables / f"{name}.csv"


def plan_table(name: str, tables: Path) -> Path:
    """The file of a plan's table in the package."""
    return tables / f"{name}.csv.gz"


def read_table(name: str, lab: Lab) -> "pd.DataFrame":
    """What a table holds so far; without rows and columns where it has not begun."""
    import pandas as pd

    path = table_path(name, lab)
    return pd.read_csv(path) if path.exists() else pd.DataFrame()


def put_rows(name: str, rows: Sequence[Mapping[str, Any]], key: Sequence[str], lab: Lab) -> None:
    """Put an arm's rows into a table, in the place of those that have the same key.

    Args:
        rows: all with the same values of the columns `key`.
    """
    import pandas as pd
    from filelock import FileLock

    (lab.runs / "locks").mkdir(parents=True, exist_ok=True)
    with FileLock(lab.runs / "locks" / f"{name}.lock"):
        table = read_table(name, lab)
        if len(table):
            same = pd.concat([table[column] == rows[0][column] for column in key], axis=1).all(axis=1)
            table = table[~same]
        table = pd.concat([table, pd.DataFrame(rows)], ignore_index=True) if len(table) else pd.DataFrame(rows)
        write_whole(table, table_path(name, lab))


def write_whole(table: "pd.DataFrame", path: Path) -> None:
    """Write a CSV so that a reader, or a kill, finds the old one or the new one.

    It is compressed where its name ends in `.gz`; the same table gives the same file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.tmp")
    packed: Any = {"method": "gzip", "mtime": 0} if path.suffix == ".gz" else None
    table.convert_dtypes().to_csv(draft, index=False, compression=packed)  # whole numbers beside blanks stay whole
    draft.replace(path)
