"""Ratios of three and more numbers, `3:4:5`: Math-Verify reads them as quotients of quotients."""

from collections.abc import Callable
from itertools import combinations

MAX_TERMS = 6


def same_ratio(gold: str, said: str, is_same: Callable[[str, str], bool]) -> bool | None:
    """Whether two ratios are the same but for a factor; None where neither has three terms.

    Args:
        is_same: whether two formulas are the same.

    >>> same_ratio("1:2:3", "2:4:6", lambda a, b: eval(a) == eval(b)), same_ratio("1:2", "2:4", str.__eq__)
    (True, None)
    """
    first, second = gold.split(":"), said.split(":")
    if max(len(first), len(second)) < 3:
        return None
    if len(first) != len(second) or len(first) > MAX_TERMS or not all(map(str.strip, first + second)):
        return False
    if any(is_same(term, "0") for term in second):
        return False
    pairs = combinations(zip(first, second, strict=True), 2)
    return all(is_same(f"({a})*({d})", f"({c})*({b})") for (a, b), (c, d) in pairs)
