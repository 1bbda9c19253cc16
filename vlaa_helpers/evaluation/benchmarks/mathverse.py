"""MathVerse vision-only (arXiv 2403.14624): 788 problems whose whole text is in the image."""

from collections.abc import Mapping

from .base import Benchmark, Item, words

_ASK = {
    "multi-choice": "Answer the question shown in the image. Give the letter of the right option.",
    "free-form": "Answer the question shown in the image. Give the final value.",
}


def read_mathverse(row: Mapping) -> Item:
    """A row of MathVerse's "Vision Only": the file has no words of the question, so we ask for what it shows."""
    kind = words(row["question_type"])
    judge = "choice" if kind == "multi-choice" else "math"
    question = words(row["question"]).strip() or _ASK.get(kind, _ASK["free-form"])
    kept = {"question_type": kind, "problem_index": row["problem_index"]}
    return Item(words(row["sample_index"]), row["image"], question, words(row["answer"]).strip(), judge, meta=kept)


MATHVERSE = Benchmark(
    "mathverse_vision_only",
    "AI4Math/MathVerse",
    "testmini.parquet",
    ("sample_index", "problem_index", "problem_version", "question", "image", "answer", "question_type"),
    read_mathverse,
    keep=lambda row: row["problem_version"] == "Vision Only",
    size=788,
)
