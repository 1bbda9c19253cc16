"""Counting: the answer gives one number."""

import re

from .score import Reason, Score, right_or_wrong, score_answer

NUMBER = re.compile(r"[-+]?(?:\d+(?:\.\d+)?|\.\d+)")
"""A number in digits, with a sign and a decimal point where it has them."""
_NUMBER_WORDS = {
    word: number
    for number, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen twenty".split()
    )
}
_COUNT = re.compile(rf"{NUMBER.pattern}|\b(?:{'|'.join(_NUMBER_WORDS)})\b", re.IGNORECASE)
MAX_COUNT_WORDS = 12
"""A longer answer is reasoning, not a count."""


def digit_reward(response: str, gt: str, *, question: str = "", meta: str = "") -> Score:
    """1 when the answer gives the number `gt` and no other, else 0; used for counting (CLEVR-Math).

    "3", "3.0", "three" and "There are 3" all give one number, so all count: no second reading is possible. With two
    numbers ("3 or 4", "2 + 1 = 3") the answer is `ambiguous`, whatever they are.

    Raises:
        ValueError: `gt` is no number.

    >>> digit_reward("<think>…</think><answer>There are three.</answer>", "3").value
    1.0
    """
    if not NUMBER.fullmatch(gt.strip()):
        raise ValueError(
            f"the ground truth {gt!r:.80} is not a number; mend the record, or give it another verifier_type"
        )

    def decide(answer: str) -> Score:
        numbers = _COUNT.findall(answer)
        if len(numbers) > 1:
            return Score(0.0, Reason.AMBIGUOUS)
        if not numbers or len(answer.split()) > MAX_COUNT_WORDS:
            return Score(0.0, Reason.UNREADABLE)
        return right_or_wrong(float(_NUMBER_WORDS.get(numbers[0].lower(), numbers[0])) == float(gt))

    return score_answer(response, decide)
