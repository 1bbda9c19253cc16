"""AI2D test (arXiv 1603.07396): 3,088 choices about diagrams of school books."""

from collections.abc import Mapping

from .base import Benchmark, Item, letter_at, lettered, words


def read_ai2d(row: Mapping) -> Item:
    """A row of AI2D: the answer is the place of an option, from 0, as text."""
    options = lettered(row["options"] or ())
    return Item("", row["image"], words(row["question"]), letter_at(row["answer"], options), "choice", options)


AI2D = Benchmark(
    "ai2d",
    "lmms-lab/ai2d",
    "*test-*.parquet",
    ("question", "options", "answer", "image"),
    read_ai2d,
    size=3088,
)
