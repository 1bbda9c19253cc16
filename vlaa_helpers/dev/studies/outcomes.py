"""What became of every question: a row a response of each arm, small enough to ship, and all that the claims need."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...evaluation.eval_report import load_report
from ...study.arms import Arm, Lab, arm_digest
from ...study.measures import Measure, records_of, with_texts
from ...study.training import arm_folder

if TYPE_CHECKING:
    import pandas as pd

KEY = ["profile", "arm", "seed"]
ASKED = ["set", "decoding", "images_shown"]


def outcomes_path(name: str, tables: Path) -> Path:
    """The file of a study's outcomes."""
    return tables / f"{name}_outcomes.parquet"


def read_outcomes(name: str, tables: Path) -> "pd.DataFrame":
    """Outcomes of a study: `profile`, `arm`, `seed`, `policy` (its digest), `set`, `decoding`, `images_shown`, `id`,
    `source`, `correct`, `words` and `claims_true` (0-1, NaN where nothing is claimed); no rows where none are kept."""
    import pandas as pd

    path = outcomes_path(name, tables)
    if not path.exists():
        return pd.DataFrame(columns=[*KEY, "policy", *ASKED, "id", "source", "correct", "words", "claims_true"])
    return pd.read_parquet(path)


def write_outcomes(name: str, parts: "Sequence[pd.DataFrame]", tables: Path) -> None:
    """Write a study's outcomes so that a reader, or a kill, finds the old file or the new one."""
    import pandas as pd

    table = pd.concat(parts, ignore_index=True)
    words = [*KEY, "policy", *ASKED, "id", "source"]
    table = table.astype({name: "category" for name in words if name != "seed"} | {"seed": "int16"})
    table = table.astype({"correct": "float32", "words": "int16", "claims_true": "float32"})
    path = outcomes_path(name, tables)
    draft = path.with_name(f".{path.name}.tmp")
    table.to_parquet(draft, compression="zstd", compression_level=19, index=False, row_group_size=len(table) or 1)
    draft.replace(path)


def outcomes_of(arm: Arm, measures: Sequence[Measure], lab: Lab) -> "pd.DataFrame | None":
    """An arm's outcomes from its responses; None while some of them are not in the run folder."""
    import pandas as pd

    frames = []
    for measure in measures:
        frame = _frame(arm_folder(arm, lab) / measure.folder, measure)
        if frame is None:
            return None
        asked = {"set": measure.held, "decoding": measure.decoding, "images_shown": measure.images}
        frames.append(frame[["id", "source", "correct", "words", "claims_true"]].assign(**asked))
    return pd.concat(frames).assign(profile=arm.profile, arm=arm.name, seed=arm.seed, policy=arm_digest(arm, lab))


def _frame(folder: Path, measure: Measure) -> "pd.DataFrame | None":
    if not folder.exists():
        return None
    try:
        frame = load_report(folder).to_frame()
    except ValueError:  # not all responses are there yet
        return None
    return with_texts(frame, _records(measure))


@cache
def _records(measure: Measure) -> Any:
    return records_of(measure)
