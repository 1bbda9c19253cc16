"""MATH-Vision testmini (arXiv 2402.14804): 191 choices, most with options in the image, and 113 short answers."""

import re
from collections.abc import Mapping

from .base import Benchmark, Item, lettered, words

_MARK = re.compile(r"\s*<image\d+>")


def read_mathvision(row: Mapping) -> Item:
    """A row of MATH-Vision.

    Its marks `<image1>` are left out of the question: there is one image, with all parts, and it comes first. Options
    that are only their own letters are said in one line, since the image holds what they stand for.
    """
    question, gt = _MARK.sub("", words(row["question"])), words(row["answer"]).strip()
    options = lettered([_MARK.sub(" (in the image)", text).strip() for text in row["options"] or ()])
    is_choice = bool(options) or re.fullmatch("[A-E]", gt) is not None
    if options and list(options) == list(options.values()):
        question, options = f"{question}\nThe image shows the options {', '.join(options)}.", {}
    kept = {name: row[name] for name in ("subject", "level")}
    judge = "choice" if is_choice else "math"
    return Item(words(row["id"]), row["decoded_image"], question, gt, judge, options, kept)


MATHVISION = Benchmark(
    "mathvision_testmini",
    "MathLLMs/MathVision",
    "data/testmini-*.parquet",
    ("id", "question", "options", "decoded_image", "answer", "subject", "level"),
    read_mathvision,
    size=304,
)
