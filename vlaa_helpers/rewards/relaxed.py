"""ChartQA's relaxed accuracy: a number may be 5% off, any other answer must be the same words."""

import re

from .score import Score, right_or_wrong, score_answer

TOLERANCE = 0.05
"""How far a number may be off, as a share of the ground truth (arXiv 2203.10244 §5.1)."""

_NUMBER = re.compile(r"[-+]?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d+)?")
_AROUND = re.compile(r"\\(?:boxed|text|mathrm)\b|[*_`$\"'{}\[\]\\]")


def relaxed_reward(response: str, gt: str, *, question: str = "", meta: str = "") -> Score:
    """1 when the answer is the number `gt` or at most 5% off, or the same words; used for ChartQA.

    "23%" counts as 23 and as 0.23; thousands may be parted by commas. Words are compared without capitals, quotes and a
    full stop. Years are numbers here, as in the published measure: 2010 is within 5% of 2014.

    Raises:
        ValueError: `gt` is empty, see `check_relaxed`.

    >>> relaxed_reward("<answer>104</answer>", "100").value, relaxed_reward("<answer>106</answer>", "100").value
    (1.0, 0.0)
    >>> relaxed_reward("<answer>South Korea.</answer>", "South korea").value
    1.0
    """
    if problem := check_relaxed(gt):
        raise ValueError(problem)
    return score_answer(response, lambda answer: right_or_wrong(_is_close(answer, gt) or _plain(answer) == _plain(gt)))


def check_relaxed(gt: str, question: str = "", meta: str = "") -> str | None:
    """What is wrong with a ground truth, and the mend; None where it has a word or a number."""
    return None if _plain(gt) else f"the ground truth {gt!r:.40} is empty; mend the record"


def _is_close(answer: str, gt: str) -> bool:
    return any(abs(said - true) <= TOLERANCE * abs(true) for said in _values(answer) for true in _values(gt))


def _values(text: str) -> list[float]:
    """What a text can mean as a number; nothing when it is none."""
    plain = _AROUND.sub("", text).strip().removesuffix(".").lstrip("$€£ ")
    bare = plain.removesuffix("%").strip()
    if not _NUMBER.fullmatch(bare) or not any(sign.isdigit() for sign in bare):
        return []
    value = float(bare.replace(",", ""))
    return [value, value / 100] if plain.endswith("%") else [value]


def _plain(text: str) -> str:
    return " ".join(_AROUND.sub("", text).split()).rstrip(".").casefold()
