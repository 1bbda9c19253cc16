"""Exercises of chapter 00: a strict reward, advantages, an interval over seeds, and what moved an accuracy."""

import math
import re
from statistics import mean, pstdev, stdev

from .by_cases import ByCases, Case
from .exercise import Exercise, Mistake

# ---- a stricter reward ----

STRICT = re.compile(r"\s*<think>((?:(?!</?(?:think|answer)>).)+)</think>\s*<answer>([^<]+)</answer>\s*", re.DOTALL)


def _answer_alone(response: str, gt: str) -> float:
    found = re.findall(r"<answer>(.*?)</answer>", response)
    return float(len(found) == 1 and found[0].strip() == gt)


def _layout_alone(response: str, gt: str) -> float:
    return float(STRICT.fullmatch(response) is not None)


def _strict_reward(response: str, gt: str) -> float:
    return _layout_alone(response, gt) * _answer_alone(response, gt)


def _half_and_half(response: str, gt: str) -> float:
    return 0.5 * _layout_alone(response, gt) + 0.5 * _answer_alone(response, gt)


def _both_blocks_anywhere(response: str, gt: str) -> float:
    return float("<think>" in response and "</think>" in response) * _answer_alone(response, gt)


STRICT_REWARD = Exercise(
    name="00.strict_reward",
    minutes=5,
    difficulty="easy",
    right="an answer without thinking earns nothing now. Thinking that is nonsense still earns 1: nothing reads it.",
    check=ByCases(
        _strict_reward,
        (
            Case(("<think>2 + 1 = 3.</think><answer>3</answer>", "3"), "a strict and right response still earns 1."),
            Case(("<think>Purple monkey.</think>\n<answer>3</answer>", "3"), "the thinking is not scored."),
            Case(("<think>2 + 2 = 4.</think><answer>4</answer>", "3"), "a wrong answer earns nothing."),
            Case(("<answer>3</answer>", "3"), "there is no think block, so the layout is not strict."),
            Case(("<answer>3</answer><think>2 + 1 = 3.</think>", "3"), "the blocks are in the wrong order."),
            Case(("<think>2 + 1 = 3.</think>So: <answer>3</answer>", "3"), "words outside the blocks are not strict."),
            Case(("<think>2 + 1 = 3.</think>The answer is 3.", "3"), "without an answer block there is no answer."),
            Case(("<think>2.</think><answer>3</answer><answer>3</answer>", "3"), "two answer blocks are no answer."),
        ),
    ),
    mistakes=(
        Mistake("answer_alone", "it pays for the answer and never looks at the layout.", (_answer_alone,)),
        Mistake("layout_alone", "it pays for the layout alone: a wrong answer must earn nothing.", (_layout_alone,)),
        Mistake(
            "half_and_half",
            "it adds a part for the layout to a part for the answer: each is paid without the other.",
            (_half_and_half,),
        ),
        Mistake(
            "blocks_anywhere",
            "it asks that both blocks are there, but not for their order, nor that nothing stands outside them.",
            (_both_blocks_anywhere,),
        ),
    ),
)

# ---- advantages ----


def _advantages(rewards: list[float]) -> list[float]:
    centre, spread = mean(rewards), stdev(rewards)
    return [(reward - centre) / (spread + 1e-4) for reward in rewards]


def _not_centred(rewards: list[float]) -> list[float]:
    return [reward / (stdev(rewards) + 1e-4) for reward in rewards]


def _not_scaled(rewards: list[float]) -> list[float]:
    return [reward - mean(rewards) for reward in rewards]


def _by_variance(rewards: list[float]) -> list[float]:
    return [(reward - mean(rewards)) / (stdev(rewards) ** 2 + 1e-4) for reward in rewards]


def _of_population(rewards: list[float]) -> list[float]:
    return [(reward - mean(rewards)) / (pstdev(rewards) + 1e-4) for reward in rewards]


def _nan_where_equal(rewards: list[float]) -> list[float]:
    return _advantages(rewards) if len(set(rewards)) > 1 else [math.nan] * len(rewards)


def _error_where_equal(rewards: list[float]) -> list[float]:
    return [(reward - mean(rewards)) / stdev(rewards) for reward in rewards]


ADVANTAGES = Exercise(
    name="00.advantages",
    minutes=10,
    difficulty="easy",
    right="the one right response of eight gets +2.47, as in the table above, and a group of equal rewards gets zeros.",
    check=ByCases(
        _advantages,
        (
            Case(([1.0, 0.0, 0.0, 1.0],), "advantages are rewards minus their mean, divided by their deviation."),
            Case(([0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0],), "this is the group of eight above."),
            Case(([0.2, 0.9],), "rewards need not be 0 or 1."),
            Case(([1.0, 1.0, 1.0, 1.0],), "equal rewards teach nothing: their advantages are 0."),
        ),
        tolerance=2e-3,
    ),
    mistakes=(
        Mistake("not_centred", "the group's mean is not taken off, so no response is pushed down.", (_not_centred,)),
        Mistake("not_scaled", "the mean is taken off, but nothing is divided by the deviation.", (_not_scaled,)),
        Mistake("by_variance", "it divides by the variance; the deviation is its square root.", (_by_variance,)),
        Mistake(
            "of_population",
            "the deviation is that of a whole population (n); that of a sample divides by n - 1, as torch.std does.",
            (_of_population,),
        ),
        Mistake(
            "zero_by_zero",
            "where all rewards are equal it divides 0 by 0: add a small number, 1e-4, to the deviation.",
            (_nan_where_equal, _error_where_equal),
        ),
    ),
)

# ---- an interval over seeds ----

T_975 = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776}
"""Student's t, 97.5%, by degrees of freedom."""


def _interval(values: list[float], half: float) -> list[float]:
    return [mean(values) - half, mean(values) + half]


def _seed_interval(values: list[float]) -> list[float]:
    return _interval(values, T_975[len(values) - 1] * stdev(values) / math.sqrt(len(values)))


SEED_INTERVAL = Exercise(
    name="00.seed_interval",
    minutes=10,
    difficulty="medium",
    right="three runs say little about a fourth. The intervals above are of one run each, not of a method.",
    check=ByCases(
        _seed_interval,
        (
            Case(([0.60, 0.66, 0.72],), "the interval is mean ± t · s / √n, with t for n - 1 degrees of freedom."),
            Case(([0.50, 0.70, 0.55, 0.65, 0.60],), "with five runs there are four degrees of freedom: t is smaller."),
            Case(([0.4, 0.6],), "two runs leave one degree of freedom."),
        ),
    ),
    mistakes=(
        Mistake(
            "normal",
            "it uses 1.96, which is for many runs; for n runs it is Student's t with n - 1 degrees of freedom.",
            (lambda v: _interval(v, 1.96 * stdev(v) / math.sqrt(len(v))),),
        ),
        Mistake(
            "of_one_run",
            "it is the spread of single runs; that of their mean is smaller by √n.",
            (lambda v: _interval(v, T_975[len(v) - 1] * stdev(v)), lambda v: _interval(v, 1.96 * stdev(v))),
        ),
        Mistake(
            "of_population",
            "the deviation divides by n, as numpy.std does; that of a sample divides by n - 1 (ddof=1).",
            (lambda v: _interval(v, T_975[len(v) - 1] * pstdev(v) / math.sqrt(len(v))),),
        ),
        Mistake(
            "range", "it is the lowest and the highest run; another run may lie outside.", (lambda v: [min(v), max(v)],)
        ),
        Mistake(
            "degrees",
            "it takes t for n degrees of freedom; one of them went into the mean, so n - 1 are left.",
            (lambda v: _interval(v, {2: 4.303, 3: 3.182, 5: 2.571}[len(v)] * stdev(v) / math.sqrt(len(v))),),
        ),
        Mistake(
            "one_sided",
            "it leaves 5% above; of a 95% interval 2.5% lie above and 2.5% below, so ask for the 0.975 point of t.",
            (lambda v: _interval(v, {1: 6.314, 2: 2.920, 4: 2.132}[len(v) - 1] * stdev(v) / math.sqrt(len(v))),),
        ),
    ),
)

# ---- what moved: the shares or the skill ----

Styles = dict[str, tuple[float, float]]


def _accuracy(shares: Styles, rates: Styles) -> float:
    return sum(shares[style][0] * rates[style][1] for style in shares)


def _what_moved(before: Styles, after: Styles) -> list[float]:
    by_shares = _accuracy(after, before)
    return [by_shares - _accuracy(before, before), _accuracy(after, after) - by_shares]


def _rates_first(before: Styles, after: Styles) -> list[float]:
    by_rates = _accuracy(before, after)
    return [_accuracy(after, after) - by_rates, by_rates - _accuracy(before, before)]


def _each_from_the_start(before: Styles, after: Styles) -> list[float]:
    start = _accuracy(before, before)
    return [_accuracy(after, before) - start, _accuracy(before, after) - start]


def _not_weighted(before: Styles, after: Styles) -> list[float]:
    moved = [[after[style][k] - before[style][k] for style in before] for k in (0, 1)]
    return [sum(moved[0]) / len(before), sum(moved[1]) / len(before)]


def _levels(before: Styles, after: Styles) -> list[float]:
    return [_accuracy(after, before), _accuracy(after, after)]


WHAT_MOVED = Exercise(
    name="00.what_moved",
    minutes=15,
    difficulty="medium",
    right="the two parts add up to the whole gain. Taken in the other order they would be other parts of the same sum.",
    check=ByCases(
        _what_moved,
        (
            Case(
                (
                    {"careful": (0.2, 0.6), "shortcut": (0.8, 0.2)},
                    {"careful": (0.8, 0.9), "shortcut": (0.2, 0.3)},
                ),
                "first the shares take their values after training, then the accuracies.",
            ),
            Case(
                ({"careful": (0.5, 0.6), "shortcut": (0.5, 0.2)}, {"careful": (0.9, 0.6), "shortcut": (0.1, 0.2)}),
                "here the accuracies stay, so the second part is 0.",
            ),
            Case(
                (
                    {"careful": (0.3, 0.6), "shortcut": (0.5, 0.2), "ramble": (0.2, 0.1)},
                    {"careful": (0.3, 0.8), "shortcut": (0.5, 0.3), "ramble": (0.2, 0.4)},
                ),
                "here the shares stay, so the first part is 0.",
            ),
        ),
    ),
    mistakes=(
        Mistake(
            "rates_first",
            "it changes the accuracies first; the task lets the shares change first.",
            (_rates_first,),
        ),
        Mistake(
            "both_from_before",
            "both parts start from the values before training, so they do not add up to the whole gain.",
            (_each_from_the_start,),
        ),
        Mistake(
            "not_weighted",
            "it takes plain means over styles; a style counts by the share of responses that it has.",
            (_not_weighted,),
        ),
        Mistake("levels", "it gives accuracies; the parts are what each step adds to the one before.", (_levels,)),
    ),
)

EXERCISES = (STRICT_REWARD, ADVANTAGES, SEED_INTERVAL, WHAT_MOVED)
