"""What a run was: its data, recipe and settings in one file beside its log, so that a card can be written from it."""

import json
import logging
from collections import Counter
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .origin import origins_of
from .whole_files import write_whole

if TYPE_CHECKING:
    import pandas as pd
    from datasets import Dataset

NOTE = "training.json"
"""The file's name, in the `output_dir` of a training."""
logger = logging.getLogger(__name__)
_VERSIONS = ("torch", "transformers", "trl", "peft", "bitsandbytes", "datasets", "vlaa-helpers")


def note_run(
    folder: str | Path,
    *,
    method: str,
    profile: Any,
    records: "Dataset",
    recipe: "pd.DataFrame",
    given: dict,
    seed: int,
    resumed: bool = False,
    checkpoint_needs: Sequence[str] = (),
) -> None:
    """Write `training.json`.

    Args:
        method: "SFT" or "GRPO".
        profile: the `Profile` that it ran with.
        recipe: as `sft_recipe` or `grpo_recipe` gives it.
        given: what the caller set over the recipe.
        seed: of the trainer.
        resumed: the run goes on with what is in `folder`.
        checkpoint_needs: names of files without which the run cannot go on from a checkpoint, beside the usual ones.

    Raises:
        ValueError: resumed, over other records than before: a Trainer passes over as many as it has seen.
    """
    ids = records["id"][:]
    if resumed and (before := (read_note(folder) or {}).get("ids", ids)) != ids:
        raise ValueError(
            f"the run in {folder} trained on {len(before):,} records, and these {len(ids):,} are others, or in another "
            "order; load them as at first to go on, or leave resume_from_checkpoint out to start from the beginning"
        )
    note = {
        "method": method,
        "profile": profile.name,
        "base": Path(profile.model).name if Path(profile.model).is_absolute() else profile.model,
        "load_in_4bit": profile.load_in_4bit,
        "lora_rank": profile.lora_rank,
        "records": len(records),
        "data": origins_of(records),
        "seed": seed,
        "sources": dict(sorted(Counter(records["source"][:]).items())),
        "verifiers": dict(sorted(Counter(records["verifier_type"][:]).items())),
        "recipe": [{"setting": name, **row} for name, row in recipe.to_dict(orient="index").items()],
        "given": {name: value for name, value in given.items() if name not in ("output_dir", "resume_from_checkpoint")},
        "checkpoint_needs": list(checkpoint_needs),
        "versions": {name: version(name) for name in _VERSIONS},
        "ids": ids,
    }
    path = Path(folder) / NOTE
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, json.dumps(note, indent=2, default=str).encode())


def read_note(folder: str | Path) -> dict | None:
    """What `note_run` wrote in a folder; None where there is nothing, as in runs of earlier versions.

    Raises:
        ValueError: a file that is no such note.
    """
    path = Path(folder) / NOTE
    if not path.exists():
        return None
    try:
        note: Any = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is broken: {error}. Move it away; the card then does without") from None
    if not isinstance(note, dict) or not note.keys() >= {"method", "base", "records", "sources", "recipe"}:
        raise ValueError(f"{path} is no note of a training; move it away, and the card does without")
    return note


def trained_ids(adapter: str | Path) -> set[str]:
    """Ids of the records that an adapter was trained on, as the `training.json` beside it or in it has them.

    None is known, and a warning says so, where there is no such file, or one of an earlier version.
    """
    notes = [note for folder in (Path(adapter), Path(adapter).parent) if (note := read_note(folder))]
    ids = {name for note in notes[:1] for name in note.get("ids", ())}
    if not ids:
        logger.warning(f"no {NOTE} names what {adapter} was trained on: it may have seen what it is asked")
    return ids
