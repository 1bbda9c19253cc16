"""LogicVista (arXiv 2407.04973): 448 choices; five have several right letters, a figure or nothing as answer."""

import re
from collections.abc import Mapping

from .base import Benchmark, Item, UnreadableRow, words

_TIGHT = re.compile(r"(\([A-H]\))(?=\S)")


def read_logicvista(row: Mapping) -> Item:
    """A row of LogicVista. The question lists its options itself; "(B)False" gets its blank, or it would be misread."""
    gt = words(row["answer"]).strip()
    if not re.fullmatch("[A-H]", gt):
        fix = "expected one letter: the choice verifier takes one option, so this needs a free-form judge"
        raise UnreadableRow("needs_judge" if gt else "no_gt", f"answer {gt!r:.40}; {fix}")
    question = _TIGHT.sub(r"\1 ", words(row["question"]))
    return Item(words(row["id"]), row["image"], question, gt, "choice", meta={"skill": row["skill"]})


LOGICVISTA = Benchmark(
    "logicvista",
    "lscpku/LogicVista",
    "*test-*.parquet",
    ("id", "question", "answer", "image", "skill"),
    read_logicvista,
    size=448,
)
