"""Exercises of chapter 02: what each token weighs, labels, the loss, and how much of a gain is format."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .by_cases import ByCases, Case
from .exercise import Exercise, Mistake, Verdict

if TYPE_CHECKING:
    from torch import Tensor

# ---- what each token weighs ----


def _step_loss(losses: list[float], tokens: list[int]) -> float:
    return sum(loss * n for loss, n in zip(losses, tokens, strict=True)) / sum(tokens)


def _mean_of_means(losses: list[float], tokens: list[int]) -> float:
    return sum(losses) / len(losses)


def _sum_of_means(losses: list[float], tokens: list[int]) -> float:
    return sum(losses)


def _not_divided(losses: list[float], tokens: list[int]) -> float:
    return sum(loss * n for loss, n in zip(losses, tokens, strict=True))


def _by_batches(losses: list[float], tokens: list[int]) -> float:
    return _not_divided(losses, tokens) / len(losses)


STEP_LOSS = Exercise(
    name="02.step_loss",
    minutes=5,
    difficulty="easy",
    right="with the mean of the two means, 2.0, the ten tokens would have weighed nine times as much as the others.",
    check=ByCases(
        _step_loss,
        (
            Case(([3.0, 1.0], [10, 90]), "each of the 100 tokens weighs the same."),
            Case(([2.0, 4.0, 6.0], [30, 20, 50]), "there may be more micro batches than two."),
        ),
    ),
    mistakes=(
        Mistake("mean_of_means", "each micro batch weighs the same; each token should.", (_mean_of_means,)),
        Mistake("sum_of_means", "it adds the means up: more micro batches would be a larger loss.", (_sum_of_means,)),
        Mistake("not_divided", "it is the sum over all tokens; divide by their number.", (_not_divided,)),
        Mistake(
            "by_batches", "it divides by the number of micro batches; divide by the number of tokens.", (_by_batches,)
        ),
    ),
)

# ---- labels ----

IGNORED = -100
Labels = tuple[list[int], list[int]]


def _labels(prompt: list[int], completion: list[int], length: int, pad: int) -> Labels:
    padding = length - len(prompt) - len(completion)
    ids = prompt + completion + [pad] * padding
    return ids, [IGNORED] * len(prompt) + completion + [IGNORED] * padding


def _prompt_learned(prompt: list[int], completion: list[int], length: int, pad: int) -> Labels:
    ids, labels = _labels(prompt, completion, length, pad)
    return ids, prompt + labels[len(prompt) :]


def _padding_learned(prompt: list[int], completion: list[int], length: int, pad: int) -> Labels:
    ids, labels = _labels(prompt, completion, length, pad)
    return ids, labels[: len(prompt)] + ids[len(prompt) :]


def _all_learned(prompt: list[int], completion: list[int], length: int, pad: int) -> Labels:
    ids = _labels(prompt, completion, length, pad)[0]
    return ids, ids


def _masked_by_id(prompt: list[int], completion: list[int], length: int, pad: int) -> Labels:
    ids, labels = _labels(prompt, completion, length, pad)
    return ids, [IGNORED if token == pad else token for token in labels]


def _shifted(prompt: list[int], completion: list[int], length: int, pad: int) -> Labels:
    ids, labels = _labels(prompt, completion, length, pad)
    return ids, [*labels[1:], IGNORED]


def _pads_as_labels(prompt: list[int], completion: list[int], length: int, pad: int) -> Labels:
    ids, labels = _labels(prompt, completion, length, pad)
    return ids, [pad if token == IGNORED else token for token in labels]


LABELS = Exercise(
    name="02.labels",
    minutes=10,
    difficulty="medium",
    right="the model learns to stop, also where the token that ends a response is the one that pads it.",
    check=ByCases(
        _labels,
        (
            Case(([11, 12, 13], [21, 22, 2], 8, 0), "only tokens of the completion have a label; all else has -100."),
            Case(([11], [21, 22, 23, 24, 2], 6, 0), "here nothing is padded."),
            Case(
                ([11, 12], [21, 2], 6, 2),
                "the completion ends in token 2, and token 2 pads: its own keeps its label.",
            ),
        ),
    ),
    mistakes=(
        Mistake("prompt", "the prompt has labels: the model would learn to ask the question.", (_prompt_learned,)),
        Mistake("padding", "the padding has labels: the model would learn to write it.", (_padding_learned,)),
        Mistake("all", "every token has a label; only those of the completion are learned.", (_all_learned,)),
        Mistake(
            "end",
            "it takes the label from each token like the padding's, so the end of the completion is never learned.",
            (_masked_by_id,),
        ),
        Mistake(
            "shifted", "the labels are shifted by one; the model does that itself, and would do it twice.", (_shifted,)
        ),
        Mistake("pads", "a token without a label has -100 there, not the token of the padding.", (_pads_as_labels,)),
    ),
)

# ---- the loss ----


def _picked(logits: "Tensor", labels: "Tensor") -> "Tensor":
    """Log-probability of each label, any where it is ignored."""
    return logits.log_softmax(dim=-1).gather(-1, labels.clamp(min=0)[..., None])[..., 0]


def _mean(values: "Tensor", counted: "Tensor") -> "Tensor":
    return (values * counted).sum() / counted.sum()


def _sft_loss(logits: "Tensor", labels: "Tensor") -> "Tensor":
    return -_mean(_picked(logits[:, :-1], labels[:, 1:]), labels[:, 1:] != IGNORED)


def _not_shifted(logits: "Tensor", labels: "Tensor") -> "Tensor":
    return -_mean(_picked(logits, labels), labels != IGNORED)


def _shifted_the_other_way(logits: "Tensor", labels: "Tensor") -> "Tensor":
    return -_mean(_picked(logits[:, 1:], labels[:, :-1]), labels[:, :-1] != IGNORED)


def _counts_all(logits: "Tensor", labels: "Tensor") -> "Tensor":
    values = _picked(logits[:, :-1], labels[:, 1:]) * (labels[:, 1:] != IGNORED)
    return -values.mean()


def _row_by_row(logits: "Tensor", labels: "Tensor") -> "Tensor":
    counted = labels[:, 1:] != IGNORED
    return -((_picked(logits[:, :-1], labels[:, 1:]) * counted).sum(dim=1) / counted.sum(dim=1)).mean()


def _sum(logits: "Tensor", labels: "Tensor") -> "Tensor":
    return -(_picked(logits[:, :-1], labels[:, 1:]) * (labels[:, 1:] != IGNORED)).sum()


def _sign(logits: "Tensor", labels: "Tensor") -> "Tensor":
    return -_sft_loss(logits, labels)


def _raw_logits(logits: "Tensor", labels: "Tensor") -> "Tensor":
    values = logits[:, :-1].gather(-1, labels[:, 1:].clamp(min=0)[..., None])[..., 0]
    return -_mean(values, labels[:, 1:] != IGNORED)


def _probabilities(logits: "Tensor", labels: "Tensor") -> "Tensor":
    return -_mean(_picked(logits[:, :-1], labels[:, 1:]).exp(), labels[:, 1:] != IGNORED)


def _logits_and_labels() -> tuple[Case, ...]:
    import torch

    def case(labels: list[list[int]], asks: str) -> Case:
        rows, tokens = len(labels), len(labels[0])
        logits = 3 * torch.sin(torch.arange(rows * tokens * 7.0) ** 1.5).reshape(rows, tokens, 7)
        shown = f"logits of shape ({rows}, {tokens}, 7), labels {labels}"
        return Case((logits.requires_grad_(), torch.tensor(labels)), asks, shown)

    return (
        case([[-100, -100, 3, 1, 6]], "the loss is the mean of -log p over the tokens that have a label."),
        case([[-100, 2, 5, 0, 6], [-100, -100, -100, 4, 6]], "all tokens of the batch weigh the same."),
        case([[-100, 3, 6, -100, -100], [-100, -100, 1, 1, 6]], "what has the label -100 does not count."),
    )


def _has_gradient(exercise: Exercise, answer: Callable[..., Any]) -> Verdict | None:
    case = _logits_and_labels()[0]
    loss = answer(*case.given)
    if getattr(loss, "requires_grad", False):
        return None
    told = {"case": case.call(answer), "seen": "no gradient", "expected": "a tensor that backward() can be called on"}
    return exercise.not_yet("detached", **told)


SFT_LOSS = Exercise(
    name="02.sft_loss",
    minutes=20,
    difficulty="medium",
    right="this is the loss that `SFTTrainer` makes small, and backward() goes through it.",
    check=ByCases(_sft_loss, _logits_and_labels, also=_has_gradient),
    mistakes=(
        Mistake(
            "not_shifted",
            "the logits at a place predict the next token; here they are held against the same one.",
            (_not_shifted,),
        ),
        Mistake(
            "wrong_way",
            "the shift goes the wrong way: logits[:, :-1] predict labels[:, 1:].",
            (_shifted_the_other_way,),
        ),
        Mistake("all_tokens", "it divides by all tokens; those with the label -100 do not count.", (_counts_all,)),
        Mistake(
            "row_by_row",
            "it takes the mean of each row first, so a token of a short completion weighs more than another.",
            (_row_by_row,),
        ),
        Mistake("sum", "it is a sum; divide by the number of tokens that have a label.", (_sum,)),
        Mistake("sign", "the sign is wrong: a likelier completion must have a smaller loss.", (_sign,)),
        Mistake(
            "no_softmax",
            "logits are no log-probabilities yet: log_softmax over the last dimension comes first.",
            (_raw_logits,),
        ),
        Mistake("no_log", "it is the mean of p; the loss is the mean of -log p.", (_probabilities,)),
        Mistake("detached", "the number is right, but nothing can be learned from it: its gradient was cut off."),
    ),
)

# ---- how much of a gain is format ----


def _format_alone(accuracy: float, no_answer: float, no_answer_after: float) -> float:
    return accuracy * (1 - no_answer_after) / (1 - no_answer)


def _all_right(accuracy: float, no_answer: float, no_answer_after: float) -> float:
    return accuracy + no_answer - no_answer_after


def _of_all_responses(accuracy: float, no_answer: float, no_answer_after: float) -> float:
    return accuracy + accuracy * (no_answer - no_answer_after)


def _not_divided_by_answered(accuracy: float, no_answer: float, no_answer_after: float) -> float:
    return accuracy * (1 - no_answer_after)


def _upside_down(accuracy: float, no_answer: float, no_answer_after: float) -> float:
    return accuracy * (1 - no_answer) / (1 - no_answer_after)


FORMAT_ALONE = Exercise(
    name="02.format_alone",
    minutes=10,
    difficulty="easy",
    right="the rest of a gain is then not format. It may still be style: chapter 0 takes that apart too.",
    check=ByCases(
        _format_alone,
        (
            Case(
                (0.30, 0.25, 0.0),
                "of the 75% that had an answer two in five were right; let all of them be right as often.",
            ),
            Case((0.316, 0.261, 0.014), "these are the sampled responses of the base, and the share after SFT."),
            Case((0.50, 0.10, 0.10), "where no answer comes back, nothing changes."),
        ),
    ),
    mistakes=(
        Mistake(
            "all_right",
            "it counts each answer that comes back as right; let them be right as often as the others.",
            (_all_right,),
        ),
        Mistake(
            "of_all_responses",
            "it lets them be right as often as all responses; take those that had an answer.",
            (_of_all_responses,),
        ),
        Mistake(
            "not_divided",
            "accuracy is of all responses; divide by the share with an answer to get how often an answer is right.",
            (_not_divided_by_answered,),
        ),
        Mistake("upside_down", "the fraction is upside down: with more answers accuracy cannot fall.", (_upside_down,)),
    ),
)

EXERCISES = (STEP_LOSS, LABELS, SFT_LOSS, FORMAT_ALONE)
