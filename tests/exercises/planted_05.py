"""Typical mistakes in the exercises of chapter 05, as a learner would write them: (exercise, mistake) -> answer."""

import numpy as np
import pandas as pd
from planting import planter
from sklearn.metrics import roc_auc_score

PLANTED = {}
plant = planter(PLANTED)


@plant("05.auc", "ties_lost")
def strictly_above(genuine, pseudo):
    return np.mean([p > g for p in pseudo for g in genuine])


@plant("05.auc", "ties_won")
def at_least(genuine, pseudo):
    return np.mean([p >= g for p in pseudo for g in genuine])


@plant("05.auc", "swapped")
def wrong_labels(genuine, pseudo):
    return roc_auc_score([1] * len(genuine) + [0] * len(pseudo), [*genuine, *pseudo])


@plant("05.auc", "sum")
def pairs(genuine, pseudo):
    won = 0
    for p in pseudo:
        for g in genuine:
            won += 1 if p > g else 0.5 if p == g else 0
    return won


@plant("05.auc", "side_by_side")
def zipped(genuine, pseudo):
    won = [1 if p > g else 0.5 if p == g else 0 for g, p in zip(genuine, pseudo, strict=False)]
    return sum(won) / len(won)


def repeated(trace):
    sentences = [sentence.strip() for sentence in trace.split(".") if sentence.strip()]
    return 1 - len(set(sentences)) / max(1, len(sentences))


PLANTED |= {
    ("05.padded", "constant"): lambda trace: 0.5,
    ("05.padded", "upside_down"): lambda trace: len(set(trace.split())) / len(trace.split()),
    ("05.padded", "length"): lambda trace: float(len(trace.strip().split(" "))),
    ("05.padded", "characters"): lambda trace: len(trace) / 100,
    ("05.padded", "steps"): lambda trace: len(trace.split(".")),
    ("05.padded", "another"): lambda trace: trace.lower().count("let me"),
}


def shares(rows):
    """Questions by cue, and how many responses are right in each: NaN where there is none."""
    return pd.DataFrame(rows).astype({"right": float}).pivot_table(index="question", columns="cue", values="right")


@plant("05.within_questions", "pooled")
def over_all_responses(rows):
    means = pd.DataFrame(rows).groupby("cue")["right"].mean()
    return means[True] - means[False]


@plant("05.within_questions", "pooled_where_both")
def over_some_responses(rows):
    both = shares(rows).dropna().index
    return over_all_responses([row for row in rows if row["question"] in both])


@plant("05.within_questions", "missing_is_wrong")
def filled_with_zero(rows):
    table = shares(rows).fillna(0)
    return (table[True] - table[False]).mean()


@plant("05.within_questions", "over_all")
def over_all_questions(rows):
    table = shares(rows)
    return (table[True] - table[False]).sum() / len(table)


@plant("05.within_questions", "sign")
def without_minus_with(rows):
    table = shares(rows).dropna()
    return (table[False] - table[True]).mean()


@plant("05.area_over_curve", "under")
def under(same):
    return np.mean(same[:-1])


@plant("05.area_over_curve", "with_last")
def all_cuts(same):
    return np.mean(~np.array(same))


@plant("05.area_over_curve", "without_first")
def behind_the_first(same):
    return 1 - np.mean(same[1:-1])


@plant("05.area_over_curve", "first_time")
def first_seen(same):
    return np.argmax(same) / (len(same) - 1)
