"""The card of a build: what went in, which models wrote and judged, what was kept and why the rest was not."""

import json
from pathlib import Path

import pandas as pd

from .model_card import table


def dataset_card(folder: Path, repository: str, licence: str) -> str:
    """A dataset card in Markdown, from a build's `build.json` and `yields.csv`."""
    from huggingface_hub import DatasetCardData

    built = json.loads((folder / "build.json").read_text(encoding="utf-8"))
    yields = pd.read_csv(folder / "yields.csv")
    data = DatasetCardData(
        license=licence,
        task_categories=["visual-question-answering"],
        tags=["vlaa-helpers", "visual-reasoning"],
        configs=[{"config_name": name, "data_files": f"{name}.parquet"} for name in ("sft", "rl") if built[name]],
    )
    roles = [
        {"role": role, "model": model, "prompt version": built["prompts"].get(role, "")}
        for role, model in built["models"].items()
    ]
    parts = [
        f"---\n{data.to_yaml()}\n---",
        f"# {repository.rpartition('/')[2]}",
        f"{built['sft']} records for SFT and {built['rl']} for RL, built from {built['records']} records with VLAA "
        "Notebooks (`vlaa_helpers`) in six steps: caption, reason, rewrite, verify, curate, split.",
        f"## Who wrote it\n\n{table(roles)}",
        f"## What was kept\n\n{table(yields.astype(object).to_dict(orient='records'))}",
        "## Limits\n\nA verified trace has a right answer; its steps were not checked. Questions, images and ground "
        "truths are those of the sources, with their faults. Rejected records are not part of this dataset.",
        f"## Licence\n\n{licence}. Images, questions and the models that wrote the traces have terms of their own.",
    ]
    return "\n\n".join(parts) + "\n"
