"""Chapter 06: how many seeds, a detector of deceptive rewards, and a reward that is mended."""

from collections.abc import Callable, Sequence
from typing import Any

from .exercise import Exercise

SPREAD = 0.017
"""Of the difference between two arms from seed to seed, as in the chapter's first table."""
LOGS: dict[str, tuple[list[float], list[float], str]] = {
    "deceptive": (
        [0.2, 0.6, 0.9, 1.2],
        [0.5, 0.8, 0.6, 0.6],
        "accuracy ends above its start there, so compare with the best look, not with the first",
    ),
    "noise": ([0.2, 0.6, 0.7, 0.8], [0.3, 0.7, 0.72, 0.69], "a loss of three points is less than the noise of five"),
    "collapsed": ([0.2, 0.6, 0.3, 0.1], [0.5, 0.8, 0.4, 0.2], "the reward fell too, so nobody was deceived"),
    "early": (
        [0.5, 0.6, 0.3, 0.2],
        [0.6, 0.5, 0.7, 0.7],
        "compare with the best look: after that one nothing fell",
    ),
    "late": (
        [0.2, 0.9, 0.6, 0.5],
        [0.5, 0.6, 0.8, 0.6],
        "the reward is above its start, and yet it fell after the best look",
    ),
    "healthy": ([0.2, 0.5, 0.7, 0.8], [0.3, 0.6, 0.7, 0.7], "nothing fell there"),
}
"""Rewards and accuracies at four looks, and why the answer is what it is."""
RESPONSES = (
    "<think>Wait.</think><answer>3</answer>",
    "<think>Wait, 3?</think><answer>4</answer>",
    "<think>One.</think><answer>3</answer>",
    "<think>Wait.</think><answer>[0.2, 0.2, 0.6, 0.58]</answer>",
)
"""Of two records that count and have 3 objects, and one with the box of `BOX`, which the answer overlaps by 0.95."""
BOX = "[0.2, 0.2, 0.6, 0.6]"


def _seeds(seeds_needed: Callable[[float, float], int]) -> str:
    four, two, ten = (seeds_needed(gap, SPREAD) for gap in (0.04, 0.02, 0.10))
    if [four, two, ten] == [4, 6, 3]:
        return ""
    if [four, two, ten] == [1, 3, 1]:
        return "1.96 is for many seeds; with few, Student's t is wider, and one seed has no spread at all"
    if 1 in (four, two, ten):
        return "one seed has no spread; begin with two"
    if four < 4:
        return (
            f"{four} seeds are too few for 4 points with a spread of 1.7: the half width is t · spread / √n, where t "
            "has n - 1 degrees of freedom"
        )
    return (
        f"got {four}, {two} and {ten} for gaps of 4, 2 and 10 points; expected the smallest n whose half width is "
        "below the gap"
    )


def _detector(is_deceptive: Callable[[Sequence[float], Sequence[float]], bool]) -> str:
    for name, (reward, accuracy, why) in LOGS.items():
        if bool(is_deceptive(reward, accuracy)) != (name == "deceptive"):
            return f"on the log that is {name}: {why}"
    return ""


def _mended(likes_cues_where_right: Callable[..., Sequence[float]]) -> str:
    columns: dict[str, Any] = {
        "gt": ["3", "3", "3", BOX],
        "verifier_type": ["digit", "digit", "digit", "box"],
        "question": ["How many?"] * 3 + ["Where?"],
        "meta": ["{}"] * 4,
    }
    completions = [[{"role": "assistant", "content": text}] for text in RESPONSES]
    paid = [bool(value) for value in likes_cues_where_right(completions, **columns)]
    if len(paid) == 4 and paid[1]:
        return "the second response has a cue and a wrong answer, and is paid"
    if len(paid) == 4 and paid[2]:
        return "the third response is right without a cue; this reward is for cues, the mixed reward pays for answers"
    if paid == [True, False, False, False]:
        return "a box that overlaps by 0.95 is right too: ask whether an answer is correct, not whether it earns 1"
    return "" if paid == [True, False, False, True] else f"paid {paid}; expected the right ones with a cue, 1st and 4th"


EXERCISES = {
    "seeds": Exercise(
        10, "middle", _seeds, "half the gap asks for half as many seeds again, and two are hardly ever enough"
    ),
    "detector": Exercise(
        15, "middle", _detector, "a rank correlation over the whole run would have missed the deceptive one"
    ),
    "mend": Exercise(15, "hard", _mended, "train with it in the place of likes_cues, and watch held-out accuracy"),
}
