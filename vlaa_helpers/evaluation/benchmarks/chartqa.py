"""ChartQA test (arXiv 2203.10244): 2,500 questions whose answers are numbers, names, yes or no."""

from collections.abc import Mapping

from ...rewards.registry import Verifier
from ...rewards.relaxed import check_relaxed, relaxed_reward
from .base import Benchmark, Item, words

RELAXED = Verifier("relaxed", relaxed_reward, check_gt=check_relaxed)


def read_chartqa(row: Mapping) -> Item:
    """A row of ChartQA: rows have no name; `type` says which half one is of."""
    gt = words(row["answer"]).strip()
    return Item("", row["image"], words(row["question"]), gt, "relaxed", meta={"type": row["type"]})


CHARTQA = Benchmark(
    "chartqa",
    "lmms-lab/ChartQA",
    "*test-*.parquet",
    ("type", "question", "answer", "image"),
    read_chartqa,
    verifiers=(RELAXED,),
    size=2500,
)
