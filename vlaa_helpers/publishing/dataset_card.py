"""The card of a build: what went in, which models wrote and judged, what was kept and why the rest was not."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from ..core.built_records import read_built
from ..core.origin import read_build
from ..core.record_schema import meta_of
from .model_card import table

GIVEN = "not known: it came with the records"


def dataset_card(folder: Path, repository: str, licence: str) -> str:
    """A dataset card in Markdown, from a build's `build.json`, `yields.csv` and the notes of its records.

    Raises:
        FileNotFoundError: one of the files is not there.
        ValueError: a `build.json` that is none.
    """
    from huggingface_hub import DatasetCardData

    built = read_build(folder)
    yields = pd.read_csv(folder / "yields.csv")
    data = DatasetCardData(
        license=licence,
        task_categories=["visual-question-answering"],
        tags=["vlaa-helpers", "visual-reasoning"],
        configs=[{"config_name": name, "data_files": f"{name}.parquet"} for name in ("sft", "rl") if built[name]],
    )
    roles, as_they_came = _writers(folder, built)
    apart = f"\n\n{as_they_came} of the records went through no step: their sources are for RL alone."
    parts = [
        f"---\n{data.to_yaml()}\n---",
        f"# {repository.rpartition('/')[2]}",
        f"{built['sft']} records for SFT and {built['rl']} for RL, built from {built['records']} records with VLAA "
        "Notebooks (`vlaa_helpers`) in six steps: caption, reason, rewrite, verify, curate, split.",
        f"## Who wrote it\n\n{table(roles)}{apart if as_they_came else ''}",
        f"## What was kept\n\n{table(yields.astype(object).to_dict(orient='records'))}",
        "## Limits\n\nA verified trace has a right answer; its steps were not checked. Questions, images and ground "
        "truths are those of the sources, with their faults. Rejected records are not part of this dataset.",
        f"## Licence\n\n{licence}. Images, questions and the models that wrote the traces have terms of their own.",
    ]
    return "\n\n".join(parts) + "\n"


def _writers(folder: Path, built: Mapping) -> tuple[list[dict], int]:
    """Who wrote the texts of the records that were kept, as each of them notes it, and how many note nothing.

    Of each role come first those who wrote most. A model that was to write and wrote none of them has 0 records. A text
    that came with the records is that of the model that an earlier build noted, or of nobody we know.
    """
    counts = {role: Counter({(model, built["prompts"].get(role, "")): 0}) for role, model in built["models"].items()}
    as_they_came = 0
    for name in ("sft", "rl"):
        records = read_built(folder / f"{name}.arrow").select_columns("meta")
        for batch in records.iter(batch_size=1000):
            for meta in batch["meta"]:
                notes = meta_of({"meta": meta}).get("provenance") or {}
                as_they_came += not notes
                for role in counts.keys() & (notes.keys() if isinstance(notes, Mapping) else set()):
                    if (who := _writer(notes[role])) is not None:
                        counts[role][who] += 1
    rows = [
        {"role": role, "model": model, "prompt version": version, "records": n}
        for role, found in counts.items()
        for (model, version), n in found.most_common()
    ]
    return rows, as_they_came


def _writer(note: object) -> tuple[str, str] | None:
    """The model and the version of the prompt that a record's note on a step names; None where there is no text."""
    if not isinstance(note, Mapping) or note.get("by") == "given" and note.get("text") == "":
        return None
    if note.get("by") == "given":
        return str(note.get("earlier", GIVEN)), ""
    return str(note.get("by", GIVEN)), str(note.get("prompt", ""))
