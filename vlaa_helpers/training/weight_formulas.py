"""Weights of the tokens of an SFT response: a function a method, each on one screen beside its source.

A function takes `logps` and `mask` of shape (responses, tokens), and by name what else it reads: `behaviour_logps`,
`entropies`, settings. It is called by `token_weights`, which has detached the log-probabilities, put zeros where `mask`
is False, and puts zeros there again in what comes back.

PEAR's three forms and the values of its settings come from notes and a port of others, not from the paper itself: check
them against arXiv 2602.01058 before they are quoted as its authors'.
"""

import math

import torch
from torch import Tensor

Range = tuple[float, float]

LOG_RATIO_CLIP: Range = (-0.08, 0.3)
"""PEAR: bounds of the log-ratio of one token (second-hand)."""
LOG_WEIGHT_CLIP: Range = (-10.0, 5.0)
"""PEAR: bounds of the log of a weight (second-hand; a port of others bounds the weight itself to 0.1-10)."""


def sft(logps: Tensor, mask: Tensor) -> Tensor:
    return torch.ones_like(logps)


def dft(logps: Tensor, mask: Tensor) -> Tensor:
    return logps.exp()


def trsft(logps: Tensor, mask: Tensor, *, alpha: float = 0.1) -> Tensor:
    """Takes the gradient of 1/p to that of 1/max(p, alpha): no token pulls harder than one of probability `alpha`."""
    if not 0 < alpha <= 1:
        raise ValueError(f"alpha is a probability above 0, up to 1; got {alpha}. TRAPO's is 0.1, and 1 is DFT")
    return (logps - math.log(alpha)).clamp(max=0).exp()


def pear_sequence(
    logps: Tensor,
    mask: Tensor,
    *,
    behaviour_logps: Tensor,
    log_ratio_clip: Range = LOG_RATIO_CLIP,
    log_weight_clip: Range = LOG_WEIGHT_CLIP,
) -> Tensor:
    """One weight a response: the product of all its ratios."""
    ratios = clipped_log_ratios(logps, mask, behaviour_logps, log_ratio_clip)
    whole = ratios.sum(dim=1, keepdim=True).expand_as(logps)
    return _within(whole, log_weight_clip, "log_weight_clip").exp()


def pear_token(
    logps: Tensor,
    mask: Tensor,
    *,
    behaviour_logps: Tensor,
    gamma: float = 0.999,
    log_ratio_clip: Range = LOG_RATIO_CLIP,
    log_weight_clip: Range = LOG_WEIGHT_CLIP,
) -> Tensor:
    """The product of the ratios of the tokens that follow, times gamma for each of them; 1 for the last token."""
    return pear_block(
        logps,
        mask,
        behaviour_logps=behaviour_logps,
        block=1,
        gamma=gamma,
        log_ratio_clip=log_ratio_clip,
        log_weight_clip=log_weight_clip,
    )


def pear_block(
    logps: Tensor,
    mask: Tensor,
    *,
    behaviour_logps: Tensor,
    block: int = 4,
    gamma: float = 0.999,
    log_ratio_clip: Range = LOG_RATIO_CLIP,
    log_weight_clip: Range = LOG_WEIGHT_CLIP,
) -> Tensor:
    """As `pear_token`, of the blocks that follow a token's own; blocks are counted from the first response token."""
    if block < 1 or block != int(block):
        raise ValueError(
            f"a block has 1 token or more, a whole number, got block={block}; 4 is the default, and 1 is pear_token"
        )
    if not 0 < gamma <= 1:
        raise ValueError(f"gamma is above 0, up to 1; got {gamma}. 0.999 is the default, and 1 discounts nothing")
    ratios = clipped_log_ratios(logps, mask, behaviour_logps, log_ratio_clip)
    place = mask.long().cumsum(dim=1) - 1  # among the response's tokens, whatever stands before or between them
    block_of = place.clamp(min=0) // block
    after = math.log(gamma) * in_later_blocks(mask.to(logps.dtype), block_of) + in_later_blocks(ratios, block_of)
    return _within(after, log_weight_clip, "log_weight_clip").exp()


def entropy_top(logps: Tensor, mask: Tensor, *, entropies: Tensor, share: float = 0.2) -> Tensor:
    """1 for the `share` of a response's tokens where the policy is least sure, rounded up, and 0 for the others."""
    if not 0 < share <= 1:
        raise ValueError(f"share is above 0, up to 1, of a response's tokens; got {share}. 0.2 is the default")
    kept = (mask.sum(dim=1, keepdim=True).double() * share - 1e-6).ceil().clamp(min=1)  # 0.07 * 100 > 7
    order = entropies.masked_fill(~mask, -math.inf).argsort(dim=1, descending=True, stable=True)
    return (order.argsort(dim=1) < kept).to(logps.dtype)


def clipped_log_ratios(logps: Tensor, mask: Tensor, behaviour_logps: Tensor, bounds: Range = LOG_RATIO_CLIP) -> Tensor:
    """PEAR's d: log of policy over behaviour for each token, within bounds; 0 where `mask` is False."""
    return _within(logps - behaviour_logps, bounds, "log_ratio_clip").masked_fill(~mask, 0)


def _within(values: Tensor, bounds: Range, name: str) -> Tensor:
    low, high = bounds
    if not low <= high:  # torch would set all values to the second
        raise ValueError(f"{name} is (lowest, highest), got {bounds}; of a log, not of the ratio or weight itself")
    return values.clamp(low, high)


def in_later_blocks(values: Tensor, block_of: Tensor) -> Tensor:
    """For each token, the sum of `values` over the blocks after its own; shape (responses, tokens) throughout."""
    sums = torch.zeros_like(values).scatter_add(1, block_of, values)  # column b: block b
    from_here = sums.flip(1).cumsum(dim=1).flip(1)
    later = torch.nn.functional.pad(from_here[:, 1:], (0, 1))
    return later.gather(1, block_of)
