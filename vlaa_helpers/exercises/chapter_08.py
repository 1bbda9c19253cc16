"""Exercises of chapter 08: the gradient of TrSFT, a port of PEAR with a bug, and the effective sample size."""

import math
from typing import TYPE_CHECKING

from .by_cases import ByCases, Case
from .exercise import Exercise, Mistake, wrongly

if TYPE_CHECKING:
    from torch import Tensor

# ---- the gradient of TrSFT ----


def _gradient(p: list[float], token: int, alpha: float, how: str = "") -> list[float]:
    """The gradient of TrSFT's loss with respect to the logits; `how` names the one thing that is done wrongly."""
    weight = {"sft": 1.0, "dft": p[token], "not_capped": p[token] / alpha}.get(how, min(p[token] / alpha, 1.0))
    away = [each - (k == token) for k, each in enumerate(p)]
    below = {"through_the_weight": p[token] < alpha, "through_at_alpha": p[token] <= alpha}
    if below.get(how):
        weight *= 1 + math.log(p[token])
    found = [weight * each for each in away]
    if how == "own_logit":
        return [each if k == token else 0.0 for k, each in enumerate(found)]
    return [-each for each in found] if how == "sign" else found


TRSFT_GRADIENT = Exercise(
    name="08.trsft_gradient",
    minutes=15,
    difficulty="medium",
    right="an unlikely token pulls with p / alpha, where SFT pulls with nearly 1 however unlikely it is.",
    check=ByCases(
        _gradient,
        (
            Case(
                ([0.5, 0.3, 0.2], 0, 0.1), "from alpha on it is SFT's gradient: p - 1 for the token, p for the others."
            ),
            Case(([0.02, 0.9, 0.08], 0, 0.1), "below alpha it is SFT's gradient times p / alpha, and p is 0.02 here."),
            Case(([0.7, 0.29, 0.01], 2, 0.05), "alpha is another here."),
            Case(([0.7, 0.2, 0.1], 2, 0.1), "at alpha itself both are the same."),
        ),
    ),
    mistakes=(
        Mistake("sft", "that is SFT's gradient: an unlikely token has to count less.", wrongly(_gradient, "sft")),
        Mistake(
            "dft", "that weight is p, DFT's; TrSFT's is p / alpha, and 1 from alpha on.", wrongly(_gradient, "dft")
        ),
        Mistake(
            "not_capped",
            "p / alpha grows above 1 for likely tokens; it is cut off there.",
            wrongly(_gradient, "not_capped"),
        ),
        Mistake(
            "through_the_weight",
            "the weight is differentiated too; it is a constant in the loss (detached).",
            wrongly(_gradient, "through_the_weight", "through_at_alpha"),
        ),
        Mistake("sign", "that points uphill: the loss is minus the log-probability.", wrongly(_gradient, "sign")),
        Mistake(
            "own_logit",
            "only the token's own logit moves; the softmax pushes the others the other way.",
            wrongly(_gradient, "own_logit"),
        ),
    ),
)

# ---- a port of PEAR with a bug ----


def _pear(logps: "Tensor", behaviour: "Tensor", mask: "Tensor", gamma: float, how: str = "") -> "Tensor":
    """PEAR's weights of tokens, (responses, tokens); `how` names the one thing that is done wrongly."""
    import torch

    ratios = logps - behaviour
    ratios = ratios if how == "not_clipped" else ratios.clamp(-0.08, 0.3)
    ratios = ratios if how in ("padded_ratios", "port") else ratios * mask
    ahead = ratios.flip(1).cumsum(1).flip(1)  # its own and all later ones
    after = ahead if how == "own_ratio" else ahead - ratios
    counted = mask.to(logps.dtype)
    later = counted.flip(1).cumsum(1).flip(1) - counted
    if how in ("width", "port"):
        later = logps.shape[1] - 1 - torch.arange(logps.shape[1]).expand_as(logps).to(logps.dtype)
    if how == "before":
        after, later = ratios.cumsum(1) - ratios, counted.cumsum(1) - counted
    if how == "from_the_left":
        later = counted.cumsum(1) - counted
    weights = (after + later * math.log(gamma)).exp()
    return weights if how == "unmasked" else weights * mask


def _batches() -> tuple[Case, ...]:
    import torch

    def case(mask: list[list[int]], gamma: float, asks: str, words: str) -> Case:
        shape = len(mask), len(mask[0])
        places = torch.arange(shape[0] * shape[1], dtype=torch.float64).view(shape)
        behaviour = -1 - 0.1 * places
        counted = torch.tensor(mask)
        logps = behaviour + torch.where(counted == 1, 0.25 * torch.sin(2 * places + 1), torch.tensor(-3.0).double())
        return Case((logps, behaviour, counted, gamma), asks, f"{words}, gamma={gamma:g}")

    whole = [[1, 1, 1, 1]]
    return (
        case(whole, 1.0, "the product of the clipped ratios of the tokens that follow.", "a whole row"),
        case(whole, 0.9, "gamma counts once for each token that follows.", "a whole row"),
        case([[1, 1, 1, 0, 0]], 0.9, "tokens after the last one count for nothing.", "a row with padding after it"),
        case([[0, 0, 1, 1, 1]], 0.9, "nor do those before it.", "a row with padding before it"),
        case([[1, 1, 1, 1], [1, 1, 0, 0]], 0.5, "a row does not depend on its neighbour's length.", "two rows"),
    )


PADDING_BUG = Exercise(
    name="08.padding_bug",
    minutes=20,
    difficulty="hard",
    right="a response now has the same weights alone and in any batch; the bug made the shortest count least.",
    check=ByCases(_pear, _batches),
    mistakes=(
        Mistake("port", "that is the port as it was: padding still counts.", wrongly(_pear, "port")),
        Mistake(
            "width",
            "the exponent of gamma still counts padding: count the tokens that follow, and not the places.",
            wrongly(_pear, "width"),
        ),
        Mistake(
            "padded_ratios", "the ratios of padding are still added up: set them to 0.", wrongly(_pear, "padded_ratios")
        ),
        Mistake(
            "own_ratio",
            "the ratio of the token itself is in it; only what follows counts.",
            wrongly(_pear, "own_ratio"),
        ),
        Mistake(
            "before", "that is what stands before the token; PEAR weighs by what follows.", wrongly(_pear, "before")
        ),
        Mistake(
            "from_the_left",
            "the exponent of gamma counts the tokens before: sum the mask from the right.",
            wrongly(_pear, "from_the_left"),
        ),
        Mistake("not_clipped", "the log-ratios are not clipped any more.", wrongly(_pear, "not_clipped")),
        Mistake(
            "unmasked", "padding has a weight: it is multiplied by the mask at the end.", wrongly(_pear, "unmasked")
        ),
    ),
)

# ---- effective sample size ----


def _effective(weights: list[float], how: str = "") -> float:
    total, squares, n = sum(weights), sum(each * each for each in weights), len(weights)
    if how == "mean":
        return total / n
    if squares == 0:
        return float("nan") if how == "nothing" else 0.0
    found = {"tokens": total**2 / squares, "inverted": squares / total**2, "no_square": total / squares}
    return {**found, "inverted_share": squares / total**2 / n}.get(how, total**2 / squares / n)


def _raises(weights: list[float]) -> float:
    return sum(weights) ** 2 / sum(each * each for each in weights) / len(weights)


EFFECTIVE_SIZE = Exercise(
    name="08.effective_size",
    minutes=10,
    difficulty="easy",
    right="it is 1 for equal weights, whatever their size, and 1 / n where one token has all of it.",
    check=ByCases(
        _effective,
        (
            Case(([1.0, 1.0, 1.0, 1.0],), "four equal weights: all four tokens are in effect."),
            Case(([3.0, 3.0],), "twice as large weights are as equal as before."),
            Case(([2.0, 0.0, 0.0, 0.0],), "one of four tokens is in effect: a quarter."),
            Case(([2.0, 2.0, 1.0],), "(Σw)² / Σw², as a share of the tokens."),
            Case(([0.0, 0.0],), "without any weight nothing is in effect: 0."),
        ),
    ),
    mistakes=(
        Mistake(
            "tokens",
            "that is how many tokens are in effect; divide by how many there are.",
            wrongly(_effective, "tokens"),
        ),
        Mistake(
            "inverted", "it is upside down: (Σw)² stands above.", wrongly(_effective, "inverted", "inverted_share")
        ),
        Mistake("no_square", "the sum of the weights is squared too.", wrongly(_effective, "no_square")),
        Mistake(
            "mean", "that is the mean weight; equal weights of any size are to give 1.", wrongly(_effective, "mean")
        ),
        Mistake(
            "nothing", "without any weight it divides by 0; give 0 there.", (*wrongly(_effective, "nothing"), _raises)
        ),
    ),
)

EXERCISES = (EFFECTIVE_SIZE, TRSFT_GRADIENT, PADDING_BUG)
