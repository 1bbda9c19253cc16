"""Typical mistakes in the exercises of chapter 07, as a learner would write them: (exercise, mistake) -> answer."""

import numpy as np
import pandas as pd
from planting import planter

PLANTED = {}
plant = planter(PLANTED)


@plant("07.questions_needed", "whole_width")
def width_is_gain(gain, changed):
    return np.ceil(changed * (1.96 / (gain / 2)) ** 2)


@plant("07.questions_needed", "one_deviation")
def one_sigma(gain, changed):
    return int(changed / gain / gain)


@plant("07.questions_needed", "not_squared")
def root_of_n(gain, changed):
    return 1.96 * np.sqrt(changed) / gain


@plant("07.questions_needed", "not_paired")
def two_samples(gain, changed):
    p = 0.5
    return round(2 * p * (1 - p) * (1.96 / gain) ** 2)


def table(before, after):
    """Questions that both runs answered, as numbers."""
    return pd.DataFrame({"before": before, "after": after}).dropna().astype(float)


def interval(gaps, half):
    return gaps.mean(), gaps.mean() - half, gaps.mean() + half


@plant("07.paired_interval", "side_by_side")
def two_proportions(before, after):
    rows = table(before, after)
    variance = (rows.mean() * (1 - rows.mean())).sum() / len(rows)
    return interval(rows["after"] - rows["before"], 1.96 * variance**0.5)


def mean_interval(gaps, ddof=1):
    return interval(gaps, 1.96 * gaps.std(ddof=ddof) / np.sqrt(len(gaps)))


@plant("07.paired_interval", "order")
def by_place(before, after):
    n = min(len(before), len(after))
    return mean_interval(np.array([*after.values()][:n], dtype=float) - np.array([*before.values()][:n], dtype=float))


@plant("07.paired_interval", "missing_is_wrong")
def filled(before, after):
    rows = pd.DataFrame({"before": before, "after": after}).fillna(False).astype(float)
    return mean_interval(rows["after"] - rows["before"])


@plant("07.paired_interval", "changed_share")
def from_the_table(before, after):
    rows = table(before, after)
    changed = (rows["before"] != rows["after"]).mean()
    return interval(rows["after"] - rows["before"], 1.96 * np.sqrt(changed / len(rows)))


@plant("07.paired_interval", "of_one_question")
def spread(before, after):
    rows = table(before, after)
    gaps = rows["after"] - rows["before"]
    return interval(gaps, 1.96 * gaps.std())


@plant("07.paired_interval", "one_error")
def standard_error(before, after):
    rows = table(before, after)
    gaps = rows["after"] - rows["before"]
    return interval(gaps, gaps.sem())


@plant("07.paired_interval", "changed_alone")
def only_changed(before, after):
    rows = table(before, after)
    gaps = rows["after"] - rows["before"]
    return mean_interval(gaps[gaps != 0])


@plant("07.paired_interval", "of_population")
def with_numpy(before, after):
    gaps = np.array([float(after[name]) - before[name] for name in after if name in before])
    return mean_interval(gaps, ddof=0)


@plant("07.paired_interval", "sign")
def before_minus_after(before, after):
    rows = table(before, after)
    return mean_interval(rows["before"] - rows["after"])


def tokens(step, generations=None):
    return step["prompts"] * (step["prompt"] + (generations or step["generations"]) * step["completion"])


def a_token(model):
    return 2 * model["kv_heads"] * model["width"] * model["layers"] * 2


@plant("07.kv_cache", "heads")
def all_heads(model, step):
    return 2 * model["heads"] * model["width"] * model["layers"] * 2 * tokens(step)


@plant("07.kv_cache", "half")
def keys_alone(model, step):
    return model["kv_heads"] * model["width"] * model["layers"] * 2 * tokens(step)


@plant("07.kv_cache", "quarter")
def numbers_of_keys(model, step):
    return model["kv_heads"] * model["width"] * model["layers"] * tokens(step)


@plant("07.kv_cache", "float32")
def four_bytes(model, step):
    return 4 * 2 * model["kv_heads"] * model["width"] * model["layers"] * tokens(step)


@plant("07.kv_cache", "copied_prompts")
def rows_times_length(model, step):
    return a_token(model) * step["prompts"] * step["generations"] * (step["prompt"] + step["completion"])


@plant("07.kv_cache", "one_completion")
def one_each(model, step):
    return a_token(model) * tokens(step, generations=1)


@plant("07.kv_cache", "one_prompt")
def one_group(model, step):
    return a_token(model) * tokens(step) // step["prompts"]


@plant("07.kv_cache", "completions_alone")
def without_prompts(model, step):
    return a_token(model) * step["prompts"] * step["generations"] * step["completion"]


@plant("07.kv_cache", "one_layer")
def forgets_layers(model, step):
    return 2 * 2 * model["kv_heads"] * model["width"] * tokens(step)


@plant("07.kv_cache", "unit")
def in_mib(model, step):
    return a_token(model) * tokens(step) / 1024**2


@plant("07.kept_steps", "between_checkpoints")
def whole_steps(minutes, a_step, every, goal):
    done = 0
    for free in minutes:
        done = min(done + int(free / a_step), goal)
    return done


@plant("07.kept_steps", "minutes_add_up")
def one_long_session(minutes, a_step, every, goal):
    steps = int(sum(minutes) / a_step)
    return goal if steps >= goal else steps - steps % every


@plant("07.kept_steps", "nearest")
def rounds(minutes, a_step, every, goal):
    kept = 0
    for free in minutes:
        kept += every * round(free / (a_step * every))
    return min(kept, goal)


@plant("07.kept_steps", "afresh")
def the_longest(minutes, a_step, every, goal):
    steps = int(max(minutes) / a_step)
    return goal if steps >= goal else steps - steps % every


@plant("07.kept_steps", "beyond")
def no_end(minutes, a_step, every, goal):
    return every * sum(int(free / (a_step * every)) for free in minutes)


@plant("07.kept_steps", "checkpoints")
def counts_saves(minutes, a_step, every, goal):
    return sum(int(free / (a_step * every)) for free in minutes)


@plant("07.kept_steps", "end")
def no_save_at_the_end(minutes, a_step, every, goal):
    return min(goal, no_end(minutes, a_step, every, goal))


def price_of_seconds(card):
    return card["price"] / card["gpus"] / 3600


@plant("07.affordable", "nothing_written")
def products_alone(dollars, card, operations, at_a_time, longest):
    return dollars / price_of_seconds(card) / (operations / card["peak"] / card["used"])


@plant("07.affordable", "each_waits")
def waits_alone(dollars, card, operations, at_a_time, longest):
    seconds = operations / card["peak"] / card["used"] + longest * card["token"]
    return dollars / price_of_seconds(card) / seconds


def seconds_of_one(card, operations, at_a_time, longest):
    return operations / card["peak"] / card["used"] + longest * card["token"] / at_a_time


@plant("07.affordable", "one_card")
def forgets_cards(dollars, card, operations, at_a_time, longest):
    hours = seconds_of_one(card, operations, at_a_time, longest) / 3600
    return dollars / (hours * card["price"])


@plant("07.affordable", "full_rate")
def published_rate(dollars, card, operations, at_a_time, longest):
    seconds = operations / card["peak"] + longest * card["token"] / at_a_time
    return dollars / price_of_seconds(card) / seconds


@plant("07.affordable", "hours")
def price_a_second(dollars, card, operations, at_a_time, longest):
    return dollars * card["gpus"] / card["price"] / seconds_of_one(card, operations, at_a_time, longest)


@plant("07.affordable", "batches")
def whole_batches(dollars, card, operations, at_a_time, longest):
    batch = at_a_time * operations / card["peak"] / card["used"] + longest * card["token"]
    return dollars / (price_of_seconds(card) * batch)
