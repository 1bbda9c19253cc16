"""What a run was: its data, recipe and settings in one file beside its log, so that a card can be written from it."""

import hashlib
import json
import logging
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .adapter_config import name_without_path
from .note_checks import check_note, check_splits, read_object
from .origin import origins_of
from .record_schema import meta_of
from .shareable import shareable_note
from .whole_files import write_whole

if TYPE_CHECKING:
    import pandas as pd
    from datasets import Dataset

NOTE = "training.json"
"""The file's name, in the `output_dir` of a training."""
SPLITS = "trained_splits.json"
"""Beside the policies of this package: the splits of the mini world that they were trained on."""
SEEN = "vlaa_trained_on"
"""The attribute of a policy that says what it was trained on."""
SEES = ("max_pixels", "dtype")
"""Settings of the profile that change what the policy sees and computes, with the same weights."""
MEND = "Move it away; the card then does without"
READ = 2**16
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
    model: Any = None,
    checkpoint_needs: Sequence[str] = (),
) -> None:
    """Write `training.json`.

    It goes to the hub with the adapter: keys are left out of what the caller set, users and passwords out of addresses,
    and of local paths all but the last part.

    Args:
        method: "SFT" or "GRPO".
        profile: the `Profile` that it ran with.
        recipe: as `sft_recipe` or `grpo_recipe` gives it.
        given: what the caller set over the recipe.
        seed: of the trainer.
        resumed: the run goes on with what is in `folder`.
        model: the policy; what it was trained on before is noted too, and what it is trained on now is noted of it.
        checkpoint_needs: names of files without which the run cannot go on from a checkpoint, beside the usual ones.

    Raises:
        ValueError: resumed, over other records than before: a Trainer passes over as many as it has seen.
    """
    ids = records["id"][:]
    kept = (read_note(folder) or {}) if resumed else {}
    before_it = kept["earlier"] if "earlier" in kept else getattr(model, SEEN, None)
    if (before := kept.get("ids", ids)) != ids:
        raise ValueError(
            f"the run in {folder} trained on {len(before):,} records, and these {len(ids):,} are others, or in another "
            "order; load them as at first to go on, or leave resume_from_checkpoint out to start from the beginning"
        )
    for name in SEES:
        if (now := getattr(profile, name)) != (then := kept.get(name, now)):
            logger.warning(f"{folder} goes on with {name}={now}; it began with {then}, and the card names the last")
    note = {
        "method": method,
        "profile": profile.name,
        "base": name_without_path(profile.model),
        "load_in_4bit": profile.load_in_4bit,
        "lora_rank": profile.lora_rank,
        **{name: getattr(profile, name) for name in SEES},
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
        "images": sorted(set(filter(None, image_digests(records)))),
        "earlier": before_it,
    }
    if model is not None:
        setattr(model, SEEN, _together(before_it, {name: note[name] for name in ("ids", "images")}))
    path = Path(folder) / NOTE
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, json.dumps(shareable_note(note), indent=2, default=str).encode())


def read_note(folder: str | Path) -> dict | None:
    """What `note_run` wrote in a folder; None where there is nothing, as in runs of earlier versions.

    Raises:
        ValueError: a file that is no such note (`core.note_checks`); the message names what is wrong in it.
    """
    path = Path(folder) / NOTE
    if not path.exists():
        return None
    note = read_object(path, MEND)
    check_note(note, path, MEND)
    return note


@dataclass(frozen=True)
class TrainedOn:
    """Which of some records an adapter was trained on.

    Attributes:
        adapter: its folder.
        ids: of the records that it was trained on: itself, or with the same image file.
        by_id, by_image: how many were found by their id, and how many by their image.
        asked: how many records were looked at.
        is_known: whether the adapter tells all that it was trained on. Where it does not, others may be among them.
    """

    adapter: Path
    ids: frozenset[str]
    by_id: int
    by_image: int
    asked: int
    is_known: bool

    def __str__(self) -> str:
        found = f"trained on {len(self.ids)} of {self.asked} records ({self.by_id} by id, {self.by_image} by image)"
        unknown = "" if self.is_known else "; it does not tell all that it was trained on, so there may be more"
        return f"{self.adapter}: {found}{unknown}"


def trained_on(adapter: str | Path, records: "Dataset") -> TrainedOn:
    """Find the records that an adapter was trained on, so that nobody asks it what it was taught.

    `train_sft` and `train_grpo` note ids and images of their records in `training.json`, those of the policy that they
    went on from included. An image counts as the same where its file is: byte for byte, not when it was saved anew.

    Args:
        adapter: its folder, as `save_policy` writes it, in the `output_dir` of its training; or a checkpoint of that.
        records: that are to be asked.

    Returns:
        A `TrainedOn`. Its `is_known` is False, and a warning says so, for an adapter without such a note, with one of
        an earlier version, or that went on from an adapter without.

    >>> from vlaa_helpers import make_scenes, policy_adapter
    >>> trained_on(policy_adapter("SFT"), make_scenes(6, split="test")).ids
    frozenset()
    """
    seen = seen_by(adapter)
    ids, images, splits = set(seen["ids"]), set(seen["images"]), set(seen.get("splits", ()))
    rows = list(zip(records["id"][:], image_digests(records), records["meta"][:], strict=True))
    by_id = {
        name for name, _, meta in rows if name in ids or (splits and meta_of({"meta": meta}).get("split") in splits)
    }
    by_image = {name for name, image, _ in rows if image and image in images}
    if not seen["is_known"]:
        logger.warning(
            f"{adapter} does not tell all that it was trained on ({NOTE} with ids and images, beside it or in it): it "
            "may have seen what it is asked"
        )
    counts = {"by_id": len(by_id), "by_image": len(by_image), "asked": len(rows)}
    return TrainedOn(Path(adapter), frozenset(by_id | by_image), **counts, is_known=seen["is_known"])


def seen_by(adapter: str | Path) -> dict[str, Any]:
    """What an adapter was trained on, as far as the files beside it or in it tell: `ids`, `images`, `is_known`; for the
    policies of this package `splits`, those of the mini world.

    Raises:
        ValueError: such a file that is broken.
    """
    for folder in (Path(adapter), Path(adapter).parent):
        if (path := folder / SPLITS).exists():
            mend = 'Move it away, or write {"splits": ["train"]}'
            said = read_object(path, mend)
            check_splits(said, path, mend)
            return {"ids": [], "images": [], "is_known": True} | said
        if note := read_note(folder):
            return _together(note.get("earlier"), {name: note.get(name) for name in ("ids", "images")})
    return {"ids": [], "images": [], "is_known": False}


def _together(earlier: dict | None, now: dict) -> dict[str, Any]:
    """What a policy has seen after one training more; `now` has None where a note of an earlier version is silent."""
    before = earlier or {"ids": [], "images": [], "is_known": True}
    known = before["is_known"] and None not in now.values()
    both = {name: sorted({*before[name], *(now[name] or ())}) for name in ("ids", "images")}
    return both | {"is_known": known} | ({"splits": before["splits"]} if "splits" in before else {})


def image_digests(records: "Dataset") -> Iterator[str]:
    """A short name of each record's image file, by its size and its first `READ` bytes; "" for a record of text."""
    from datasets import Image

    for batch in records.select_columns(["image"]).cast_column("image", Image(decode=False)).iter(batch_size=256):
        for image in batch["image"]:
            yield "" if image is None else _file_digest(image)


def _file_digest(image: dict) -> str:
    if (data := image["bytes"]) is not None:
        size, start = len(data), data[:READ]
    else:
        with open(image["path"], "rb") as file:
            start, size = file.read(READ), os.fstat(file.fileno()).st_size
    return hashlib.sha256(f"{size}:".encode() + start).hexdigest()[:16]


def trained_ids(adapter: str | Path) -> set[str]:
    """Ids of the records that an adapter was trained on, as the `training.json` beside it or in it has them.

    None is known, and a warning says so, where there is no such file, or one of an earlier version.
    """
    notes = [note for folder in (Path(adapter), Path(adapter).parent) if (note := read_note(folder))]
    ids = {name for note in notes[:1] for name in note.get("ids", ())}
    if not ids:
        logger.warning(f"no {NOTE} names what {adapter} was trained on: it may have seen what it is asked")
    return ids
