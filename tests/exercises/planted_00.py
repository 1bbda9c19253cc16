"""Typical mistakes in the exercises of chapter 00, as a learner would write them: (exercise, mistake) -> answer."""

import re

import numpy as np
import torch
from planting import planter
from scipy import stats

from vlaa_helpers import digit_reward, group_advantages, parse_response

PLANTED = {}
plant = planter(PLANTED)


@plant("00.strict_reward", "answer_alone")
def strict_reward(response, gt):
    return digit_reward(response, gt)


@plant("00.strict_reward", "layout_alone")
def layout(response, gt):
    return 1 if parse_response(response).is_strict else 0


@plant("00.strict_reward", "half_and_half")
def bonus(response, gt):
    return 0.5 * parse_response(response).is_strict + 0.5 * digit_reward(response, gt).value


@plant("00.strict_reward", "blocks_anywhere")
def has_think(response, gt):
    return digit_reward(response, gt).value if re.search("<think>.*</think>", response) else 0


@plant("00.advantages", "not_centred")
def no_mean(rewards):
    rewards = torch.tensor(rewards)
    return rewards / (rewards.std() + 1e-4)


@plant("00.advantages", "not_scaled")
def no_std(rewards):
    return group_advantages(torch.tensor([rewards]), scale=False)[0]


@plant("00.advantages", "by_variance")
def variance(rewards):
    rewards = torch.tensor(rewards)
    return (rewards - rewards.mean()) / (rewards.var() + 1e-4)


@plant("00.advantages", "of_population")
def with_numpy(rewards):
    rewards = np.array(rewards)
    return (rewards - rewards.mean()) / (rewards.std() + 1e-4)


@plant("00.advantages", "zero_by_zero")
def no_epsilon(rewards):
    rewards = torch.tensor(rewards)
    return (rewards - rewards.mean()) / rewards.std()


def half_of(accuracies, t, ddof=1, root=True):
    return t * np.std(accuracies, ddof=ddof) / (len(accuracies) ** 0.5 if root else 1)


@plant("00.seed_interval", "normal")
def normal(accuracies):
    half = half_of(accuracies, stats.norm.ppf(0.975))
    return np.mean(accuracies) - half, np.mean(accuracies) + half


@plant("00.seed_interval", "of_one_run")
def no_root(accuracies):
    half = half_of(accuracies, stats.t.ppf(0.975, len(accuracies) - 1), root=False)
    return np.mean(accuracies) - half, np.mean(accuracies) + half


@plant("00.seed_interval", "of_population")
def numpy_std(accuracies):
    half = half_of(accuracies, stats.t.ppf(0.975, len(accuracies) - 1), ddof=0)
    return np.mean(accuracies) - half, np.mean(accuracies) + half


@plant("00.seed_interval", "range")
def lowest_and_highest(accuracies):
    return sorted(accuracies)[0], sorted(accuracies)[-1]


@plant("00.seed_interval", "degrees")
def n_degrees(accuracies):
    half = half_of(accuracies, stats.t.ppf(0.975, df=len(accuracies)))
    return np.mean(accuracies) - half, np.mean(accuracies) + half


@plant("00.seed_interval", "one_sided")
def point_95(accuracies):
    half = half_of(accuracies, stats.t.ppf(0.95, df=len(accuracies) - 1))
    return np.mean(accuracies) - half, np.mean(accuracies) + half


def dot(shares, accuracies):
    return sum(share * accuracy for (share, _), (_, accuracy) in zip(shares.values(), accuracies.values(), strict=True))


@plant("00.what_moved", "rates_first")
def other_order(before, after):
    middle = dot(before, after)
    return dot(after, after) - middle, middle - dot(before, before)


@plant("00.what_moved", "both_from_before")
def no_order(before, after):
    return dot(after, before) - dot(before, before), dot(before, after) - dot(before, before)


@plant("00.what_moved", "not_weighted")
def plain_means(before, after):
    return tuple(np.mean([after[style][k] - before[style][k] for style in before]) for k in range(2))


@plant("00.what_moved", "levels")
def accuracies_not_changes(before, after):
    return dot(after, before), dot(after, after)
