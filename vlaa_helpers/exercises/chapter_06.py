"""Exercises of chapter 06: what the best seed flatters, a comparison at equal cost, and a reward that deceives."""

from collections.abc import Sequence
from itertools import combinations, product
from statistics import mean

from .by_cases import ByCases, Case
from .exercise import Exercise, Mistake

# ---- the best of several seeds ----


def _best(seeds: Sequence[float], k: int) -> float:
    """The mean, over all choices of `k` seeds, of the best of them."""
    return mean(max(chosen) for chosen in combinations(seeds, k))


def _flattery(seeds: Sequence[float], k: int) -> float:
    return _best(seeds, k) - mean(seeds)


BEST_SEED = Exercise(
    name="06.best_seed",
    minutes=10,
    difficulty="medium",
    right="it grows with the spread of the seeds and with k, whatever the method is worth: the noisiest gains most.",
    check=ByCases(
        _flattery,
        (
            Case(([0.70, 0.74, 0.72, 0.80, 0.74], 3), "there are ten ways to choose three of five."),
            Case(([0.5, 0.9, 0.4], 1), "the best of one is that one: nothing is gained."),
            Case(([0.7, 0.6], 2), "the better of two, against the mean of both."),
            Case(([0.62, 0.60, 0.61, 0.70], 2), "six pairs; in three of them 0.70 is the better."),
        ),
    ),
    mistakes=(
        Mistake(
            "all",
            "it takes the best of all seeds; somebody who ran k of them has the best of these.",
            (lambda seeds, k: max(seeds) - mean(seeds),),
        ),
        Mistake(
            "first",
            "it takes the first k seeds; which k were run is chance, so average over every choice.",
            (lambda seeds, k: max(seeds[:k]) - mean(seeds),),
        ),
        Mistake(
            "twice",
            "it may choose a seed twice; k seeds are k different ones.",
            (lambda seeds, k: mean(max(chosen) for chosen in product(seeds, repeat=k)) - mean(seeds),),
        ),
        Mistake(
            "best", "that is the best itself; asked for is by how much it flatters, so take off the mean.", (_best,)
        ),
        Mistake(
            "worst",
            "it takes off the worst seed; an honest report has the mean.",
            (lambda seeds, k: _best(seeds, k) - min(seeds),),
        ),
    ),
)

# ---- a comparison at equal cost ----

Points = Sequence[tuple[float, float]]


def _at(points: Points, cost: float) -> float:
    for (x0, y0), (x1, y1) in zip(points, points[1:], strict=False):
        if x0 <= cost <= x1:
            return y0 + (y1 - y0) * (cost - x0) / (x1 - x0)
    return points[-1][1]


def _below(points: Points, cost: float) -> float:
    """The last point that costs no more."""
    return [y for x, y in points if x <= cost][-1]


def _at_equal_cost(first: Points, second: Points) -> float:
    cost = min(first[-1][0], second[-1][0])
    return _at(second, cost) - _at(first, cost)


CURVES = (
    Case(
        ([(0, 0.5), (100, 0.7)], [(0, 0.5), (100, 0.8)]),
        "both end at a cost of 100.",
    ),
    Case(
        ([(0, 0.5), (100, 0.7)], [(0, 0.5), (200, 0.9)]),
        "the first ends at 100, where the second is half way from 0.5 to 0.9.",
    ),
    Case(
        ([(0, 0.4), (50, 0.6), (300, 0.7)], [(0, 0.4), (80, 0.5)]),
        "the second ends at 80, where the first is on its way from 0.6 to 0.7.",
    ),
)

EQUAL_COST = Exercise(
    name="06.equal_cost",
    minutes=15,
    difficulty="medium",
    right="the largest cost that both have paid is the last place where the two can be compared.",
    check=ByCases(_at_equal_cost, CURVES),
    mistakes=(
        Mistake(
            "ends",
            "it compares the two ends, and one of them has cost more.",
            (lambda first, second: second[-1][1] - first[-1][1],),
        ),
        Mistake(
            "below",
            "it takes the last point before that cost; between two points the line counts.",
            (
                lambda first, second: (
                    _below(second, min(first[-1][0], second[-1][0])) - _below(first, min(first[-1][0], second[-1][0]))
                ),
            ),
        ),
        Mistake(
            "swapped",
            "the sign is turned round: second minus first.",
            (lambda first, second: -_at_equal_cost(first, second),),
        ),
    ),
)

# ---- a reward that deceives ----

Looks = Sequence[float]


def _pairs(rewards: Looks) -> list[tuple[int, int]]:
    return [(early, late) for late in range(len(rewards)) for early in range(late)]


def _deceives(rewards: Looks, accuracy: Looks, noise: float) -> bool:
    return any(
        rewards[late] > rewards[early] and accuracy[early] - accuracy[late] > noise for early, late in _pairs(rewards)
    )


def _first_and_last(rewards: Looks, accuracy: Looks, noise: float) -> bool:
    return rewards[-1] > rewards[0] and accuracy[0] - accuracy[-1] > noise


def _any_fall(rewards: Looks, accuracy: Looks, noise: float) -> bool:
    return any(accuracy[early] - accuracy[late] > noise for early, late in _pairs(rewards))


def _no_noise(rewards: Looks, accuracy: Looks, noise: float) -> bool:
    return _deceives(rewards, accuracy, 0.0)


def _neighbours(rewards: Looks, accuracy: Looks, noise: float) -> bool:
    steps = zip(rewards, rewards[1:], accuracy, accuracy[1:], strict=False)
    return any(after > before and then - now > noise for before, after, then, now in steps)


def _any_order(rewards: Looks, accuracy: Looks, noise: float) -> bool:
    looks = list(zip(rewards, accuracy, strict=True))
    return any(after > before and then - now > noise for before, then in looks for after, now in looks)


def _apart(rewards: Looks, accuracy: Looks, noise: float) -> bool:
    return any(rewards[late] > rewards[early] for early, late in _pairs(rewards)) and _any_fall(
        rewards, accuracy, noise
    )


def _from_the_best(rewards: Looks, accuracy: Looks, noise: float) -> bool:
    best = max(range(len(accuracy)), key=lambda look: accuracy[look])
    return rewards[-1] > rewards[best] and accuracy[best] - accuracy[-1] > noise


def _noise_of_both(rewards: Looks, accuracy: Looks, noise: float) -> bool:
    return any(
        rewards[late] - rewards[early] > noise and accuracy[early] - accuracy[late] > noise
        for early, late in _pairs(rewards)
    )


def _unlike(rewards: Looks, accuracy: Looks, noise: float) -> bool:
    return max(rewards) - rewards[0] > max(accuracy) - accuracy[0]


DECEPTIVE = Exercise(
    name="06.deceptive",
    minutes=20,
    difficulty="medium",
    right="it sees a fall wherever it begins, and lets chance and honest failures pass. `deceptive_reward_index` adds "
    "where it happened and by how much.",
    check=ByCases(
        _deceives,
        (
            Case(([0.2, 0.5, 0.8], [0.5, 0.6, 0.7], 0.05), "both rise: nothing deceives."),
            Case(([0.2, 0.5, 0.8], [0.5, 0.8, 0.6], 0.05), "accuracy rises, then falls while the reward goes on."),
            Case(([0.2, 0.5, 0.8], [0.7, 0.6, 0.4], 0.05), "the plain case: one up, one down."),
            Case(([0.8, 0.5, 0.2], [0.7, 0.6, 0.4], 0.05), "both fall: a run that fails, and says so."),
            Case(([0.2, 0.5, 0.8], [0.60, 0.57, 0.58], 0.05), "a fall of 0.03 is within the noise of 0.05."),
            Case(([0.2, 0.4, 0.6, 0.8], [0.80, 0.77, 0.74, 0.71], 0.05), "each step is small, the fall is not."),
            Case(([0.1, 0.9], [0.5, 0.6], 0.05), "the reward rises faster than accuracy, and that is no fall."),
            Case(([0.8, 0.5, 0.2], [0.4, 0.6, 0.7], 0.05), "read backwards it would deceive; time goes one way."),
            Case(
                ([0.2, 0.8, 0.5], [0.5, 0.7, 0.6], 0.05), "the reward rises first, accuracy falls later: no one pair."
            ),
            Case(
                ([0.2, 0.5, 0.8, 0.9], [0.7, 0.5, 0.6, 0.8], 0.05), "accuracy falls and comes back: the fall was there."
            ),
            Case(([0.50, 0.52], [0.7, 0.6], 0.05), "noise is of accuracy; the reward has risen by 0.02."),
        ),
    ),
    mistakes=(
        Mistake(
            "ends", "it looks at the first and the last alone; a run may rise first and fall later.", (_first_and_last,)
        ),
        Mistake("any_fall", "it flags any fall; where the reward falls too, nothing deceives.", (_any_fall,)),
        Mistake("no_noise", "it flags falls that are within the noise.", (_no_noise,)),
        Mistake("neighbours", "it compares neighbours alone; a slow fall is made of small ones.", (_neighbours,)),
        Mistake("gaps", "it compares how fast the two rise; asked for is a fall.", (_unlike,)),
        Mistake("any_order", "it takes the later look for the earlier one as well; time goes one way.", (_any_order,)),
        Mistake("apart", "the rise and the fall have to be between the same two looks.", (_apart,)),
        Mistake("from_the_best", "it starts at the best look and ends at the last; try every pair.", (_from_the_best,)),
        Mistake("noise_of_both", "it asks the reward to rise by more than noise; any rise counts.", (_noise_of_both,)),
    ),
)

EXERCISES = (BEST_SEED, EQUAL_COST, DECEPTIVE)
