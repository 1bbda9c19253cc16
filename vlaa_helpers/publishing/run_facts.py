"""What a folder's own files say of the model in it: how it was trained, where it stopped, how right it is."""

import csv
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..core.adapter_config import ADAPTER_CONFIG, name_without_path, read_adapter_config
from ..core.assets import MINI_VLMS
from ..core.printable import one_line
from ..core.run_note import NOTE, read_note
from ..core.shareable import shareable_note, shareable_text
from ..evaluation.eval_report import EvalReport, load_report
from ..policy.adapters import MERGE_REPORT


@dataclass(frozen=True)
class RunFacts:
    """What is known of a model; every text but `merge_report` is on one line, so that it fakes no heading of a card.

    Attributes:
        folder: where its weights are: an adapter, or a whole (merged) model.
        home: where `training.json` and `log.csv` of this run are, if it has any.
        is_merged: whether it is a whole model.
        base: the model below the adapter, as its own file names it; a hub id, or the name of a folder, without path.
        note: `training.json` as it may be published (`core.shareable`), None where there is none.
        last_row: the last row of `log.csv`, {} where there is none.
        merge_report: what `vlaa merge` said, "" for an adapter.
        reports: evaluations by name, the first one being what the others are compared with.
    """

    folder: Path
    home: Path
    is_merged: bool
    base: str
    note: dict | None
    last_row: dict[str, str]
    merge_report: str
    reports: dict[str, EvalReport]

    @property
    def is_base_local(self) -> bool:
        """Whether the base is a folder of the writer's machine, which a reader does not have."""
        return "/" not in self.base

    @property
    def is_base_packaged(self) -> bool:
        """Whether the base is one of the package's own mini VLMs, by its name."""
        return self.profile_name != "auto"

    @property
    def profile_name(self) -> str:
        """The profile that loads the base: that of a mini VLM of the package by its name, else "auto"."""
        return next((name for name, folder in MINI_VLMS.items() if folder.name == self.base), "auto")


def read_facts(run: str | Path, evaluations: Sequence[str] = ()) -> RunFacts:
    """What the files of a run say: of a training's folder, of a saved adapter, or of a merged model.

    Args:
        evaluations: folders that `evaluate(…, out=…)` wrote, as FOLDER or NAME=FOLDER.

    Raises:
        FileNotFoundError: no model there, or no report in one of the evaluations.
        ValueError: an evaluation that did not come to its end, or a broken file; the message names it.
    """
    run = Path(run)
    places = (run, run / "adapter")
    adapter = next((place for place in places if (place / ADAPTER_CONFIG).exists()), None)
    is_merged = adapter is None and (run / "config.json").exists()
    if adapter is None and not is_merged:
        raise FileNotFoundError(
            f"{run} holds no model; expected adapter/ as `vlaa sft` and `vlaa grpo` leave it, an adapter_config.json, "
            "or a merged model (`vlaa merge`). A build is pushed as a dataset: its folder has a build.json"
        )
    home = _home(run)
    raw = read_note(home)
    note = None if raw is None else _flat(shareable_note(raw))
    folder = adapter or run
    named = dict(pair.split("=", 1) if "=" in pair else (Path(pair).name, pair) for pair in evaluations)
    merge_report = run / MERGE_REPORT
    return RunFacts(
        folder,
        home,
        is_merged,
        _base(folder, note),
        note,
        _flat(_last_row(home / "log.csv")),
        shareable_text(_read_text(merge_report)) if is_merged and merge_report.exists() else "",
        {one_line(name): load_report(path) for name, path in named.items()},
    )


def _home(run: Path) -> Path:
    """Where a run's note and log are: in its folder, or of one called `adapter` above it, beside a note."""
    here = run.resolve()
    is_above = here.name == "adapter" and not (run / NOTE).exists() and (here.parent / NOTE).exists()
    return here.parent if is_above else run


def _base(folder: Path, note: dict | None) -> str:
    if not (folder / ADAPTER_CONFIG).exists():
        return name_without_path(str(note["base"])) if note else "unknown"
    return name_without_path(read_adapter_config(folder)["base_model_name_or_path"])


def _flat(value: Any) -> Any:
    """A value of JSON whose texts, those of keys too, are on one line each."""
    if isinstance(value, dict):
        return {_flat(name): _flat(held) for name, held in value.items()}
    if isinstance(value, list):
        return [_flat(held) for held in value]
    return one_line(value) if isinstance(value, str) else value


def _last_row(path: Path) -> dict[str, str]:
    """The last row of a log.

    Raises:
        ValueError: a log that is no UTF-8, or no CSV; the message names it.
    """
    if not path.exists():
        return {}
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = deque(csv.DictReader(file), maxlen=1)
    except (csv.Error, UnicodeDecodeError) as error:
        raise ValueError(
            f"{path} is no log of a training: {error}; expected CSV in UTF-8. Move it away; the card then does without"
        ) from None
    return {name: shareable_text(value) for name, value in rows[-1].items() if name and value} if rows else {}


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is no UTF-8: {error}. Save it so, or move it away") from None
