"""MathVista testmini (arXiv 2310.02255): 540 choices, 418 integers, 40 decimals and 2 lists."""

from collections.abc import Mapping

from .base import Benchmark, Item, letter_of, lettered, words

_PLACES = {1: "one decimal place", 2: "two decimal places"}


def read_mathvista(row: Mapping) -> Item:
    """A row of MathVista. The answer to a choice is the option's text; a decimal says how many places it has."""
    question, gt = words(row["question"]), words(row["answer"])
    if unit := words(row["unit"]):
        question += f" (Unit: {unit})"
    options = lettered(row["choices"] or ())
    if row["question_type"] == "multi_choice":
        gt, judge = letter_of(gt, options), "choice"
    elif row["answer_type"] == "integer":
        judge = "digit"
    else:
        judge = "math"
        if places := _PLACES.get(row["precision"]):
            question += f" Give the answer to {places}."
    kept = {name: row[name] for name in ("question_type", "answer_type", "precision")}
    return Item(words(row["pid"]), row["decoded_image"], question, gt, judge, options, kept)


MATHVISTA = Benchmark(
    "mathvista_testmini",
    "AI4Math/MathVista",
    "data/testmini-*.parquet",
    ("pid", "question", "decoded_image", "choices", "unit", "precision", "answer", "question_type", "answer_type"),
    read_mathvista,
    size=1000,
)
