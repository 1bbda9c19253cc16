"""Typical mistakes in the exercises of chapter 06, as a learner would write them: (exercise, mistake) -> answer."""

from math import comb

import numpy as np
from planting import planter

PLANTED = {}
plant = planter(PLANTED)


@plant("06.best_seed", "all")
def of_all(seeds, k):
    return np.max(seeds) - np.mean(seeds)


@plant("06.best_seed", "first")
def of_the_first(seeds, k):
    return sorted(seeds[:k])[-1] - np.mean(seeds)


@plant("06.best_seed", "twice")
def drawn_with_replacement(seeds, k):
    below = np.arange(1, len(seeds) + 1) / len(seeds)
    chance = np.diff(np.concatenate([[0], below]) ** k)
    return np.sum(np.sort(seeds) * chance) - np.mean(seeds)


@plant("06.best_seed", "best")
def expected_best(seeds, k):
    ranked, n = sorted(seeds), len(seeds)
    return sum(seed * comb(place, k - 1) for place, seed in enumerate(ranked)) / comb(n, k)


@plant("06.best_seed", "worst")
def above_the_worst(seeds, k):
    return expected_best(seeds, k) - min(seeds)


def line(points, cost):
    return float(np.interp(cost, *zip(*points, strict=True)))


@plant("06.equal_cost", "ends")
def last_points(first, second):
    return second[-1][1] - first[-1][1]


@plant("06.equal_cost", "below")
def stairs(first, second):
    cost = min(first[-1][0], second[-1][0])
    heights = [max((x, y) for x, y in points if x <= cost)[1] for points in (first, second)]
    return heights[1] - heights[0]


@plant("06.equal_cost", "swapped")
def first_minus_second(first, second):
    cost = min(first[-1][0], second[-1][0])
    return line(first, cost) - line(second, cost)


@plant("06.deceptive", "ends")
def begin_and_end(rewards, accuracy, noise):
    return bool(rewards[-1] > rewards[0] and accuracy[-1] < accuracy[0] - noise)


@plant("06.deceptive", "any_fall")
def below_its_best(rewards, accuracy, noise):
    best = np.maximum.accumulate(accuracy)
    return bool((best - accuracy > noise).any())


@plant("06.deceptive", "no_noise")
def every_fall(rewards, accuracy, noise):
    n = range(len(rewards))
    return any(rewards[k] > rewards[j] and accuracy[k] < accuracy[j] for k in n for j in range(k))


@plant("06.deceptive", "neighbours")
def step_by_step(rewards, accuracy, noise):
    return bool(((np.diff(rewards) > 0) & (np.diff(accuracy) < -noise)).any())


@plant("06.deceptive", "gaps")
def rises_faster(rewards, accuracy, noise):
    return max(rewards) - rewards[0] > max(accuracy) - accuracy[0]


@plant("06.deceptive", "any_order")
def product_of_looks(rewards, accuracy, noise):
    n = range(len(rewards))
    return any(rewards[k] > rewards[j] and accuracy[j] - accuracy[k] > noise for j in n for k in n)


@plant("06.deceptive", "apart")
def a_rise_and_a_fall(rewards, accuracy, noise):
    rise = np.max(np.asarray(rewards) - np.minimum.accumulate(rewards)) > 0
    return bool(rise and np.max(np.maximum.accumulate(accuracy) - accuracy) > noise)


@plant("06.deceptive", "from_the_best")
def since_the_best(rewards, accuracy, noise):
    best = int(np.argmax(accuracy))
    return bool(rewards[-1] > rewards[best] and accuracy[best] - accuracy[-1] > noise)


@plant("06.deceptive", "noise_of_both")
def both_beyond_noise(rewards, accuracy, noise):
    n = range(len(rewards))
    return any(rewards[k] - rewards[j] > noise and accuracy[j] - accuracy[k] > noise for k in n for j in range(k))
