"""Exercises of chapter 04: a rare success, the objective of a token, normalisers, a sampler, and a leaky reward."""

import math
from typing import TYPE_CHECKING

from .by_cases import ByCases, Case
from .exercise import Exercise, Mistake, wrongly
from .leaky_run import LEAKY_REWARD

if TYPE_CHECKING:
    from torch import Tensor

# ---- a rare success ----


def _rare_success(p: float) -> float:
    return ((1 - p) / p) ** 0.5


RARE_SUCCESS = Exercise(
    name="04.rare_success",
    minutes=10,
    difficulty="easy",
    right="one success in ten is pushed nine times as hard as nine in ten: the scaling favours what is rare.",
    check=ByCases(
        _rare_success,
        (
            Case((0.1,), "a share p of ones has the mean p and the deviation √(p (1 - p))."),
            Case((0.5,), "half of them right: the advantage is 1."),
            Case((0.9,), "a success that is common hardly stands out."),
        ),
    ),
    mistakes=(
        Mistake(
            "not_scaled",
            "that is the advantage before it is divided by the deviation of the group.",
            (lambda p: 1 - p,),
        ),
        Mistake("by_variance", "it divides by the variance p (1 - p); the deviation is its root.", (lambda p: 1 / p,)),
        Mistake("not_centred", "the mean is not taken off: a right one has 1 - p.", (lambda p: (p * (1 - p)) ** -0.5,)),
        Mistake(
            "of_a_wrong_one", "that is how far a wrong one lies below the mean.", (lambda p: (p / (1 - p)) ** 0.5,)
        ),
    ),
)

# ---- the objective of a token ----


def _objective(
    logps: "Tensor", old: "Tensor", ref: "Tensor", advantage: float, epsilon: float, beta: float, how: str = ""
) -> "Tensor":
    """The objective of each token; `how` names the one thing that is done wrongly."""
    import torch

    ratio = (old - logps).exp() if how == "inverted" else logps - old if how == "logs" else (logps - old).exp()
    clipped = ratio.clamp(1 - epsilon, 1 + epsilon)
    gains = ratio * advantage, clipped * advantage
    gain = {"clip_only": gains[1], "no_clip": gains[0], "maximum": torch.maximum(*gains)}.get(
        how, torch.minimum(*gains)
    )
    if how == "product":
        gain = gains[0].clamp(1 - epsilon, 1 + epsilon)
    log_r = logps - ref if how == "reference" else ref - logps
    kl = {"k1": -log_r, "k2": log_r**2 / 2, "ratio_kl": log_r.exp() - 1}.get(how, log_r.exp() - 1 - log_r)
    weighed = kl if how == "not_weighed" else ratio * kl
    return gain + beta * weighed if how == "sign" else gain if how == "no_kl" else gain - beta * weighed


def _tokens() -> tuple[Case, ...]:
    import torch

    def case(ratios: list[float], drift: list[float], advantage: float, beta: float, asks: str) -> Case:
        old = torch.linspace(-2.5, -0.5, len(ratios))
        logps = old + torch.tensor(ratios).log()
        shown = f"ratios {ratios}, log(policy / reference) {drift}, advantage {advantage:g}, epsilon 0.2, beta {beta:g}"
        return Case((logps, old, logps - torch.tensor(drift), advantage, 0.2, beta), asks, shown)

    level = [0.0, 0.0, 0.0]
    return (
        case([1.0, 1.1, 0.9], level, 2.0, 0.0, "without clip and KL it is the ratio times the advantage."),
        case([1.0, 1.5, 0.5], level, 1.0, 0.0, "a good token that is already likelier gains no more than 1.2."),
        case([1.0, 1.5, 0.5], level, -1.0, 0.0, "a bad token that became likelier is not clipped; one less likely is."),
        case(
            [1.0, 1.0, 1.0],
            [0.0, 0.7, -0.7],
            0.0,
            0.5,
            "only the KL counts: k3 is r - 1 - log r, r = ref / policy.",
        ),
        case(
            [1.0, 1.5, 0.5],
            [0.3, -0.2, 0.9],
            -0.5,
            0.1,
            "both count: the smaller gain, less beta times the ratio times k3.",
        ),
    )


def _wrong(how: str) -> tuple:
    return (lambda *given: _objective(*given, how=how),)


OBJECTIVE = Exercise(
    name="04.objective",
    minutes=20,
    difficulty="hard",
    right="this is what GRPO makes large: the smaller of two gains, less the KL. The loss is minus its mean.",
    check=ByCases(_objective, _tokens),
    mistakes=(
        Mistake(
            "inverted",
            "the ratio is upside down: probability now over probability when it was written.",
            _wrong("inverted"),
        ),
        Mistake("logs", "a difference of log-probabilities is the log of the ratio: take exp.", _wrong("logs")),
        Mistake(
            "clip_only",
            "it always takes the clipped gain; the smaller of the two counts, so a bad token is still pushed down.",
            _wrong("clip_only"),
        ),
        Mistake("no_clip", "the ratio is never clipped.", _wrong("no_clip")),
        Mistake("maximum", "it takes the larger of the two gains; the smaller one counts.", _wrong("maximum")),
        Mistake("product", "it clips the product; only the ratio is clipped.", _wrong("product")),
        Mistake("sign", "the KL is added; drifting away from the reference would be paid for.", _wrong("sign")),
        Mistake("reference", "r is reference over policy; here it is policy over reference.", _wrong("reference")),
        Mistake("k1", "that KL is k1, -log r, which may fall below zero; k3 is r - 1 - log r.", _wrong("k1")),
        Mistake("k2", "that KL is k2, (log r)² / 2; k3 is r - 1 - log r.", _wrong("k2")),
        Mistake("no_log", "the KL lacks - log r: r - 1 alone may fall below zero.", _wrong("ratio_kl")),
        Mistake("no_kl", "the KL is missing.", _wrong("no_kl")),
        Mistake("not_weighed", "k3 is weighed by the ratio, as in `my_loss` above and in TRL.", _wrong("not_weighed")),
    ),
)

# ---- normalisers ----


def _normalise(losses: "Tensor", mask: "Tensor", kind: str, longest: int, how: str = "") -> "Tensor":
    """The loss of a step by one of three normalisers; `how` names the one thing that is done wrongly."""
    kept = losses * mask
    rows = len(losses)
    if how == "unmasked":
        kept = losses
    if kind == "grpo":
        if how == "padding":
            return kept.mean()
        if how == "tokens_for_all":
            return kept.sum() / mask.sum()
        return (kept.sum(dim=1) / mask.sum(dim=1)).sum() / (1 if how == "not_over_rows" else rows)
    if kind == "dapo":
        if how == "padding":
            return kept.mean()
        means = kept.sum(dim=1) / mask.sum(dim=1)
        return means.mean() if how == "rows_for_all" else kept.sum() / mask.sum()
    if how == "longest_here":
        return kept.mean()
    return kept.sum() / (mask.sum() if how == "constant_counts" else longest if how == "one_row" else rows * longest)


def _losses() -> tuple[Case, ...]:
    import torch

    losses = torch.tensor([[-1.0, -9.0, -9.0, -9.0], [0.5, 1.5, 1.0, -9.0], [2.0, 2.0, 9.0, 9.0]])
    mask = torch.tensor([[1, 0, 0, 0], [1, 1, 1, 0], [1, 1, 0, 0]])
    said = {
        "grpo": "grpo takes the mean over the tokens of each response, then over responses.",
        "dapo": "dapo takes the mean over all tokens.",
        "dr_grpo": "dr_grpo divides the sum by all the tokens that the responses could have had.",
    }
    shown = "losses of responses with 1, 3 and 2 tokens, mask"
    return tuple(Case((losses, mask, kind, 5), asks, f"{shown}, {kind!r}, longest=5") for kind, asks in said.items())


NORMALISER = Exercise(
    name="04.normaliser",
    minutes=15,
    difficulty="medium",
    right="with grpo a token of a long response counts less, so a long wrong answer is punished less for each.",
    check=ByCases(_normalise, _losses),
    mistakes=(
        Mistake("unmasked", "padding is counted: multiply by the mask first.", wrongly(_normalise, "unmasked")),
        Mistake(
            "padding",
            "it divides by all places, padding too; divide by the tokens that the mask counts.",
            wrongly(_normalise, "padding"),
        ),
        Mistake(
            "tokens_for_all",
            "grpo is computed like dapo: take the mean of each response first.",
            wrongly(_normalise, "tokens_for_all"),
        ),
        Mistake(
            "rows_for_all",
            "dapo is computed like grpo: all tokens of the batch weigh the same.",
            wrongly(_normalise, "rows_for_all"),
        ),
        Mistake(
            "not_over_rows",
            "grpo adds the means of the responses up; it takes their mean.",
            wrongly(_normalise, "not_over_rows"),
        ),
        Mistake(
            "constant_counts",
            "dr_grpo divides by the tokens that were written; it divides by a constant.",
            wrongly(_normalise, "constant_counts"),
        ),
        Mistake(
            "one_row",
            "dr_grpo divides by the tokens of one response; each response could have had `longest`.",
            wrongly(_normalise, "one_row"),
        ),
        Mistake(
            "longest_here",
            "dr_grpo divides by the width of this batch, which differs from step to step; take `longest`.",
            wrongly(_normalise, "longest_here"),
        ),
    ),
)

# ---- a sampler ----


def _shares(logits: list[float], temperature: float) -> list[float]:
    top = max(logits)
    weights = [math.exp((logit - top) / temperature) for logit in logits]
    return [weight / sum(weights) for weight in weights]


def _walk(shares: list[float], u: float) -> int:
    passed = 0.0
    for token, share in enumerate(shares):
        passed += share
        if passed > u:
            return token
    return len(shares) - 1


def _draw(logits: list[float], temperature: float, u: float) -> int:
    return _walk(_shares(logits, temperature), u)


def _overflows(logits: list[float], temperature: float, u: float) -> int:
    weights = [math.exp(logit / temperature) for logit in logits]
    return _walk([weight / sum(weights) for weight in weights], u)


def _where_too_large(given: int | None) -> tuple:
    """What an overflow leads to that raises no error: nan in every share, so that no sum is ever above u."""
    return (lambda logits, temperature, u: given if max(logits) / temperature > 700 else _draw(logits, temperature, u),)


def _ranked(logits: list[float], temperature: float, u: float) -> int:
    return _walk(sorted(_shares(logits, temperature), reverse=True), u)


LOGITS = [1.0, 3.0, 2.0, 0.0]

SAMPLER = Exercise(
    name="04.sampler",
    minutes=15,
    difficulty="medium",
    right="one random number draws a token, as in `train_grpo`; TRL takes one for each word of the vocabulary.",
    check=ByCases(
        _draw,
        (
            *(
                Case((LOGITS, 1.0, u), "it draws the first token at which the sum of probabilities exceeds u.")
                for u in (0.05, 0.5)
            ),
            *(
                Case((LOGITS, 1.0, u), "it draws the first token at which the sum of probabilities exceeds u.")
                for u in (0.72, 0.9, 0.99)
            ),
            *(
                Case((LOGITS, 0.2, u), "a low temperature sharpens: nearly all draws are the likeliest token.")
                for u in (0.02, 0.99)
            ),
            *(
                Case((LOGITS, 5.0, u), "a high temperature flattens: the tokens come nearly evenly.")
                for u in (0.2, 0.3, 0.7, 0.85)
            ),
            Case(
                ([90.0, 100.0, 99.9], 0.05, 0.5),
                "logits may be large, and exp of a large number is no number any more.",
            ),
            Case(
                ([90.0, 100.0, 99.9], 0.05, 0.95),
                "logits may be large, and exp of a large number is no number any more.",
            ),
        ),
    ),
    mistakes=(
        Mistake(
            "greedy",
            "it takes the likeliest token whatever u is: that is greedy decoding.",
            (lambda logits, temperature, u: logits.index(max(logits)),),
        ),
        Mistake(
            "times",
            "logits are divided by the temperature, not multiplied.",
            (lambda logits, t, u: _draw(logits, 1 / t, u),),
        ),
        Mistake(
            "ignored",
            "the temperature changes nothing: it divides the logits, before the softmax, not the probabilities.",
            (lambda logits, temperature, u: _draw(logits, 1.0, u),),
        ),
        Mistake("ranked", "it gives the place among tokens sorted by probability; give the token.", (_ranked,)),
        Mistake(
            "one_too_far",
            "it goes one token too far: stop at the token whose probability takes the sum above u.",
            (
                lambda logits, t, u: min(_draw(logits, t, u) + 1, len(logits) - 1),
                lambda logits, t, u: _draw(logits, t, u) + 1,
            ),
        ),
        Mistake(
            "overflow",
            "exp of a large number overflows: take the largest logit off all of them first; that changes no share.",
            (_overflows, *_where_too_large(None), *_where_too_large(0), *_where_too_large(2)),
        ),
    ),
)

EXERCISES = (RARE_SUCCESS, OBJECTIVE, NORMALISER, SAMPLER, LEAKY_REWARD)
