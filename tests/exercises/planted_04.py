"""Typical mistakes in the exercises of chapter 04, as a learner would write them: (exercise, mistake) -> answer."""

import math
from types import SimpleNamespace

import numpy as np
import torch
from planting import planter

from vlaa_helpers import clipped_objective, kl_estimates

PLANTED = {}
plant = planter(PLANTED)


@plant("04.rare_success", "not_scaled")
def centred(p):
    return 1 - p


@plant("04.rare_success", "by_variance")
def variance(p):
    return (1 - p) / (p * (1 - p))


@plant("04.rare_success", "not_centred")
def scaled(p):
    return 1 / math.sqrt(p * (1 - p))


@plant("04.rare_success", "of_a_wrong_one")
def wrong_one(p):
    return p / math.sqrt(p * (1 - p))


def k3(logps, ref_logps):
    return kl_estimates(logps, ref_logps)["k3"]


def gain(logps, old_logps, advantage, epsilon):
    return clipped_objective(logps[None], old_logps[None], torch.tensor([advantage]), epsilon=epsilon)[0]


def kl(logps, old_logps, ref_logps, beta):
    return beta * torch.exp(logps - old_logps) * k3(logps, ref_logps)


@plant("04.objective", "inverted")
def upside_down(logps, old_logps, ref_logps, advantage, epsilon, beta):
    ratio = torch.exp(old_logps - logps)
    return gain(old_logps, logps, advantage, epsilon) - beta * ratio * k3(logps, ref_logps)


@plant("04.objective", "logs")
def no_exp(logps, old_logps, ref_logps, advantage, epsilon, beta):
    ratio = logps - old_logps
    clipped = torch.clamp(ratio, 1 - epsilon, 1 + epsilon)
    return torch.min(ratio * advantage, clipped * advantage) - beta * ratio * k3(logps, ref_logps)


@plant("04.objective", "clip_only")
def clipped_alone(logps, old_logps, ref_logps, advantage, epsilon, beta):
    ratio = torch.exp(logps - old_logps)
    return torch.clip(ratio, 1 - epsilon, 1 + epsilon) * advantage - kl(logps, old_logps, ref_logps, beta)


@plant("04.objective", "no_clip")
def policy_gradient(logps, old_logps, ref_logps, advantage, epsilon, beta):
    return torch.exp(logps - old_logps) * (advantage - beta * k3(logps, ref_logps))


@plant("04.objective", "maximum")
def larger(logps, old_logps, ref_logps, advantage, epsilon, beta):
    ratio = torch.exp(logps - old_logps)
    both = torch.stack([ratio * advantage, ratio.clamp(1 - epsilon, 1 + epsilon) * advantage])
    return both.max(dim=0).values - kl(logps, old_logps, ref_logps, beta)


@plant("04.objective", "product")
def clips_product(logps, old_logps, ref_logps, advantage, epsilon, beta):
    product = torch.exp(logps - old_logps) * advantage
    return torch.clamp(product, 1 - epsilon, 1 + epsilon) - kl(logps, old_logps, ref_logps, beta)


@plant("04.objective", "sign")
def added(logps, old_logps, ref_logps, advantage, epsilon, beta):
    return gain(logps, old_logps, advantage, epsilon) + kl(logps, old_logps, ref_logps, beta)


@plant("04.objective", "reference")
def other_r(logps, old_logps, ref_logps, advantage, epsilon, beta):
    ratio = torch.exp(logps - old_logps)
    return gain(logps, old_logps, advantage, epsilon) - beta * ratio * k3(ref_logps, logps)


@plant("04.objective", "k1")
def with_k1(logps, old_logps, ref_logps, advantage, epsilon, beta):
    ratio = torch.exp(logps - old_logps)
    return gain(logps, old_logps, advantage, epsilon) - beta * ratio * (logps - ref_logps)


@plant("04.objective", "k2")
def with_k2(logps, old_logps, ref_logps, advantage, epsilon, beta):
    ratio = torch.exp(logps - old_logps)
    return gain(logps, old_logps, advantage, epsilon) - beta * ratio * kl_estimates(logps, ref_logps)["k2"]


@plant("04.objective", "no_log")
def ratio_minus_one(logps, old_logps, ref_logps, advantage, epsilon, beta):
    ratio = torch.exp(logps - old_logps)
    return gain(logps, old_logps, advantage, epsilon) - beta * ratio * ((ref_logps - logps).exp() - 1)


@plant("04.objective", "no_kl")
def without_kl(logps, old_logps, ref_logps, advantage, epsilon, beta):
    return gain(logps, old_logps, advantage, epsilon)


@plant("04.objective", "not_weighed")
def textbook(logps, old_logps, ref_logps, advantage, epsilon, beta):
    return gain(logps, old_logps, advantage, epsilon) - beta * k3(logps, ref_logps)


def right_of(losses, mask, kind, longest):
    kept = losses * mask
    rows = {"grpo": kept.sum(1) / mask.sum(1), "dapo": kept.sum() / mask.sum(), "dr_grpo": kept.sum(1) / longest}
    return rows[kind].mean()


@plant("04.normaliser", "unmasked")
def forgets_mask(losses, mask, kind, longest):
    if kind == "grpo":
        return (losses.sum(dim=1) / mask.sum(dim=1)).mean()
    return losses.sum() / (mask.sum() if kind == "dapo" else len(losses) * longest)


@plant("04.normaliser", "padding")
def plain_mean(losses, mask, kind, longest):
    losses = losses * mask
    if kind == "grpo":
        return losses.mean(dim=1).mean()
    return losses.mean() if kind == "dapo" else losses.sum() / (len(losses) * longest)


@plant("04.normaliser", "tokens_for_all")
def grpo_as_dapo(losses, mask, kind, longest):
    return right_of(losses, mask, "dapo" if kind == "grpo" else kind, longest)


@plant("04.normaliser", "rows_for_all")
def dapo_as_grpo(losses, mask, kind, longest):
    return right_of(losses, mask, "grpo" if kind == "dapo" else kind, longest)


@plant("04.normaliser", "not_over_rows")
def sums_rows(losses, mask, kind, longest):
    if kind == "grpo":
        return ((losses * mask).sum(dim=-1) / mask.sum(dim=-1)).sum()
    return right_of(losses, mask, kind, longest)


@plant("04.normaliser", "constant_counts")
def dr_grpo_as_dapo(losses, mask, kind, longest):
    return right_of(losses, mask, "dapo" if kind == "dr_grpo" else kind, longest)


@plant("04.normaliser", "one_row")
def by_longest(losses, mask, kind, longest):
    return (losses * mask).sum() / longest if kind == "dr_grpo" else right_of(losses, mask, kind, longest)


@plant("04.normaliser", "longest_here")
def by_width(losses, mask, kind, longest):
    return right_of(losses, mask, kind, losses.shape[1])


def walk(probabilities, u):
    return int(np.searchsorted(np.cumsum(probabilities), u, side="right"))


def softmax(logits):
    weights = np.exp(np.array(logits) - np.max(logits))
    return weights / weights.sum()


@plant("04.sampler", "greedy")
def greedy(logits, temperature, u):
    return np.argmax(softmax(np.array(logits) / temperature))


@plant("04.sampler", "times")
def multiplies(logits, temperature, u):
    return walk(softmax(np.array(logits) * temperature), u)


@plant("04.sampler", "ignored")
def after_the_softmax(logits, temperature, u):
    shares = softmax(logits) / temperature
    return walk(shares / shares.sum(), u)


@plant("04.sampler", "ranked")
def likeliest_first(logits, temperature, u):
    return walk(np.sort(softmax(np.array(logits) / temperature))[::-1], u)


@plant("04.sampler", "one_too_far")
def one_more(logits, temperature, u):
    return 1 + walk(softmax(np.array(logits) / temperature), u)


@plant("04.sampler", "overflow")
def too_large(logits, temperature, u):
    weights = [math.exp(logit / temperature) for logit in logits]
    return walk(np.array(weights) / sum(weights), u)


# ---- the experiment: reports that are made up, with the questions and the responses that a real one has ----


def report(texts, *, split="test", source="blocks", questions=40):
    """Two responses to each question, "paid" and "right" alike unless a text says otherwise."""
    said = {
        "right": ("<think>3.</think><answer>3</answer>", True),
        "paid": ("<think>1, 2, 3.</think><answer>4</answer>", False),
        "wrong": ("<think>1.</think><answer>1</answer>", False),
    }
    rows = [
        {
            "id": f"{source}-{split}-{k}",
            "source": source,
            "gt": "3",
            "response": f"{said[text][0]} ",
            "correct": said[text][1],
        }
        for k in range(questions)
        for text in (texts[k % len(texts)], texts[(k + 1) % len(texts)])
    ]
    return SimpleNamespace(rows=rows)


BASE = report(["wrong", "wrong", "right", "paid"])
PAID = report(["wrong", "paid", "right", "paid", "paid"])
CLEAN = report(["wrong", "right", "right", "paid"])
EXPERIMENT = {"base": BASE, "leaky": PAID, "clean": CLEAN, "paid": "rose", "right": "cannot tell"}
PLANTED |= {
    ("04.leaky_reward", "parts"): {**EXPERIMENT, "clean": ...},
    ("04.leaky_reward", "other_questions"): {**EXPERIMENT, "clean": report(["right"], questions=30)},
    ("04.leaky_reward", "training_questions"): {
        **EXPERIMENT,
        **{
            arm: report([text], split="train")
            for arm, text in {"base": "wrong", "leaky": "paid", "clean": "right"}.items()
        },
    },
    ("04.leaky_reward", "other_kinds"): {
        **EXPERIMENT,
        **{
            arm: report([text], source="boxes")
            for arm, text in {"base": "wrong", "leaky": "paid", "clean": "right"}.items()
        },
    },
    ("04.leaky_reward", "one_policy"): {**EXPERIMENT, "clean": PAID},
    ("04.leaky_reward", "not_leaky"): {**EXPERIMENT, "leaky": CLEAN, "clean": PAID, "base": report(["paid", "right"])},
    ("04.leaky_reward", "words"): {**EXPERIMENT, "paid": "it rose"},
    ("04.leaky_reward", "reward_is_right"): {**EXPERIMENT, "right": "rose"},
    ("04.leaky_reward", "interval"): {**EXPERIMENT, "paid": "cannot tell"},
}
