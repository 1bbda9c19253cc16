"""Typical mistakes in the exercises of chapter 02, as a learner would write them: (exercise, mistake) -> answer."""

import numpy as np
from planting import planter
from torch.nn.functional import cross_entropy

PLANTED = {}
plant = planter(PLANTED)


@plant("02.step_loss", "mean_of_means")
def mean_of_means(losses, tokens):
    return np.mean(losses)


@plant("02.step_loss", "sum_of_means")
def added(losses, tokens):
    return np.sum(losses)


@plant("02.step_loss", "not_divided")
def dot(losses, tokens):
    return np.dot(losses, tokens)


@plant("02.step_loss", "by_batches")
def mean_of_products(losses, tokens):
    return np.mean(np.array(losses) * np.array(tokens))


def padded(prompt, completion, length, pad):
    ids = [*prompt, *completion]
    while len(ids) < length:
        ids.append(pad)
    return ids


@plant("02.labels", "prompt")
def learns_prompt(prompt, completion, length, pad):
    ids = padded(prompt, completion, length, pad)
    end = len(prompt) + len(completion)
    return ids, ids[:end] + [-100] * (length - end)


@plant("02.labels", "padding")
def learns_padding(prompt, completion, length, pad):
    ids = padded(prompt, completion, length, pad)
    return ids, [-100 if k < len(prompt) else token for k, token in enumerate(ids)]


@plant("02.labels", "all")
def learns_all(prompt, completion, length, pad):
    ids = padded(prompt, completion, length, pad)
    return ids, ids.copy()


@plant("02.labels", "end")
def by_token(prompt, completion, length, pad):
    ids = padded(prompt, completion, length, pad)
    return ids, [-100 if token == pad or k < len(prompt) else token for k, token in enumerate(ids)]


@plant("02.labels", "shifted")
def already_shifted(prompt, completion, length, pad):
    ids = padded(prompt, completion, length, pad)
    labels = [-100] * (len(prompt) - 1) + completion + [-100] * (length - len(prompt) - len(completion) + 1)
    return ids, labels


@plant("02.labels", "pads")
def pad_in_labels(prompt, completion, length, pad):
    ids = padded(prompt, completion, length, pad)
    return ids, [pad] * len(prompt) + ids[len(prompt) :]


@plant("02.sft_loss", "not_shifted")
def same_place(logits, labels):
    return cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=-100)


@plant("02.sft_loss", "wrong_way")
def backwards(logits, labels):
    return cross_entropy(logits[:, 1:].flatten(0, 1), labels[:, :-1].flatten())


@plant("02.sft_loss", "all_tokens")
def over_all(logits, labels):
    targets = labels[:, 1:].flatten()
    return cross_entropy(logits[:, :-1].flatten(0, 1), targets, reduction="none").mean()


@plant("02.sft_loss", "row_by_row")
def rows_first(logits, labels):
    rows = [cross_entropy(row[:-1], targets[1:]) for row, targets in zip(logits, labels, strict=True)]
    return sum(rows) / len(rows)


@plant("02.sft_loss", "sum")
def summed(logits, labels):
    return cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten(), reduction="sum")


@plant("02.sft_loss", "sign")
def mean_logp(logits, labels):
    return -cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten())


@plant("02.sft_loss", "no_softmax")
def gathers_logits(logits, labels):
    targets = labels[:, 1:]
    there = targets >= 0
    return -logits[:, :-1].gather(2, targets.clamp(min=0).unsqueeze(2)).squeeze(2)[there].mean()


@plant("02.sft_loss", "no_log")
def mean_probability(logits, labels):
    targets = labels[:, 1:]
    there = targets >= 0
    return -logits[:, :-1].softmax(2).gather(2, targets.clamp(min=0).unsqueeze(2)).squeeze(2)[there].mean()


@plant("02.sft_loss", "detached")
def a_number(logits, labels):
    return cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten()).item()


@plant("02.format_alone", "all_right")
def all_right(accuracy, no_answer, no_answer_after):
    return accuracy + (no_answer - no_answer_after)


@plant("02.format_alone", "of_all_responses")
def of_all(accuracy, no_answer, no_answer_after):
    return accuracy * (1 + no_answer - no_answer_after)


@plant("02.format_alone", "not_divided")
def times_answered(accuracy, no_answer, no_answer_after):
    return (1 - no_answer_after) * accuracy


@plant("02.format_alone", "upside_down")
def upside_down(accuracy, no_answer, no_answer_after):
    return accuracy / (1 - no_answer_after) * (1 - no_answer)
