"""We-Math testmini (arXiv 2407.01284): 1,740 choices, in chains of two or three steps and the problem they make up."""

import re
from collections.abc import Mapping

from .base import Benchmark, Item, UnreadableRow, words

_MARK = re.compile(r"(?:^|(?<=[;\s]))([A-H])[.．](?!\s*(?:;|$))\s*")


def read_wemath(row: Mapping) -> Item:
    """A row of We-Math. A chain's rows share their `ID`; `key` says which step one is, so both name the record."""
    options = split_options(words(row["option"]))
    gt = words(row["answer"]).strip()
    if gt not in options:
        raise UnreadableRow("bad_gt", f"answer {gt!r:.20} is none of the options {', '.join(options)}")
    kept = {"key": row["key"], "knowledge concept": row["knowledge concept"]}
    name = f"{row['ID']}-{row['key']}"
    return Item(name, row["image_path"], words(row["question"]), gt, "choice", options, kept)


def split_options(text: str) -> dict[str, str]:
    """The options of "A. 16;B. 18; C. No correct answer", by letter.

    A letter counts as a mark when it is the one that follows, or when that one does not come any more: texts of options
    have letters too.

    >>> split_options("A. 16;B. 18; C. No correct answer")
    {'A': '16', 'B': '18', 'C': 'No correct answer'}
    >>> split_options("A. Yes, to ;O.;B. No.; F. No correct answer")
    {'A': 'Yes, to ;O.', 'B': 'No.', 'F': 'No correct answer'}
    """
    left, taken = list(_MARK.finditer(text)), []
    while left:
        last = taken[-1][1] if taken else "@"  # the sign before "A"
        following = [mark for mark in left if mark[1] == chr(ord(last) + 1)] or [m for m in left if m[1] > last]
        if not following:
            break
        taken.append(following[0])
        left = [mark for mark in left if mark.start() > following[0].start()]
    if not taken:
        return {}
    ends = [*(mark.start() for mark in taken[1:]), len(text)]
    return {mark[1]: text[mark.end() : end].strip("; \n") for mark, end in zip(taken, ends, strict=True)}


WEMATH = Benchmark(
    "wemath_testmini",
    "We-Math/We-Math",
    "*testmini-*.parquet",
    ("ID", "key", "knowledge concept", "question", "option", "answer", "image_path"),
    read_wemath,
    size=1740,
)
