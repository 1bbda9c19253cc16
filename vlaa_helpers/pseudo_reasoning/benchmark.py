"""The shipped benchmark of planted traces: genuine reasoning and imitations of it, in pairs (`dev.trace_benchmark`)."""

import json
from typing import TYPE_CHECKING

from ..core.assets import TRACE_BENCHMARK

if TYPE_CHECKING:
    from datasets import Dataset


STYLES = {"listing": 0.3, "direct": 0.2, "corrected": 0.25, "long": 0.25}
"""How genuine traces go, and how often: look and work out; work out only; take back a mistake; by several routes."""
PSEUDO_KINDS = {
    "hedged": "words of doubt around an answer; nothing is worked out",
    "padded": "the question and what is seen, over and over; nothing is worked out",
    "cue_decorated": "cues of self-reflection after which nothing changes",
    "corrupted": "reads like a genuine trace of any style, with something false of the scene in it",
    "wrong_steps": "the right answer after a sum that does not hold, or after a wrong look",
    "borrowed": "a sound trace of another image and its question",
}
SPLITS = ("train", "test")
COLUMNS = ("id", "pair", "split", "label", "kind", "source", "question", "gt", "verifier_type", "response", "meta")


def load_trace_benchmark(split: str | None = None) -> "Dataset":
    """The shipped benchmark: 1,944 traces in pairs about one scene, one genuine and one pseudo.

    Args:
        split: "train" or "test"; the two share neither scene nor phrase. Both when left out.

    Returns:
        A `datasets.Dataset` with the columns of `COLUMNS`. `label` is "genuine" or "pseudo"; `kind` one of `STYLES` or
        `PSEUDO_KINDS`; `meta` is the record's, with the scene facts (`draw_scene` draws the image from them).

    Raises:
        ValueError: an unknown split.
    """
    from datasets import Dataset

    if split not in (None, *SPLITS):
        raise ValueError(f"unknown split {split!r}; expected one of {', '.join(SPLITS)}, or None for both")
    rows = map(json.loads, (TRACE_BENCHMARK / "traces.jsonl").open(encoding="utf-8"))
    return Dataset.from_list([row for row in rows if split in (None, row["split"])])
