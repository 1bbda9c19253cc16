"""Typical mistakes in the exercises of chapter 08, as a learner would write them: (exercise, mistake) -> answer."""

import math

import torch
from planting import planter

PLANTED = {}
plant = planter(PLANTED)


def one_hot(p, token):
    return [float(k == token) for k in range(len(p))]


@plant("08.trsft_gradient", "sft")
def plain(p, token, alpha):
    return [each - hit for each, hit in zip(p, one_hot(p, token), strict=True)]


@plant("08.trsft_gradient", "dft")
def by_p(p, token, alpha):
    return [p[token] * each for each in plain(p, token, alpha)]


@plant("08.trsft_gradient", "not_capped")
def by_share(p, token, alpha):
    return [p[token] / alpha * each for each in plain(p, token, alpha)]


@plant("08.trsft_gradient", "through_the_weight")
def with_autograd(p, token, alpha):
    if p[token] >= alpha:
        return plain(p, token, alpha)
    logits = torch.tensor(p, dtype=torch.float64).log().requires_grad_()
    now = logits.softmax(dim=0)[token]
    (-now / alpha * now.log()).backward()
    return logits.grad


@plant("08.trsft_gradient", "sign")
def uphill(p, token, alpha):
    weight = min(1, p[token] / alpha)
    return [weight * (hit - each) for each, hit in zip(p, one_hot(p, token), strict=True)]


@plant("08.trsft_gradient", "own_logit")
def one_logit(p, token, alpha):
    return [min(1, p[token] / alpha) * (p[token] - 1) * hit for hit in one_hot(p, token)]


@plant("08.padding_bug", "port")
def port(logps, behaviour, mask, gamma):
    ratios = (logps - behaviour).clamp(-0.08, 0.3)
    after = ratios.flip(1).cumsum(1).flip(1) - ratios
    later = logps.shape[1] - 1 - torch.arange(logps.shape[1])
    return (after + later * math.log(gamma)).exp() * mask


@plant("08.padding_bug", "width")
def ratios_alone(logps, behaviour, mask, gamma):
    ratios = (logps - behaviour).clamp(-0.08, 0.3) * mask
    after = ratios.flip(1).cumsum(1).flip(1) - ratios
    later = logps.shape[1] - 1 - torch.arange(logps.shape[1])
    return (after + later * math.log(gamma)).exp() * mask


def tokens_after(mask):
    return mask.flip(1).cumsum(1).flip(1) - mask


@plant("08.padding_bug", "padded_ratios")
def exponent_alone(logps, behaviour, mask, gamma):
    ratios = (logps - behaviour).clamp(-0.08, 0.3)
    after = ratios.flip(1).cumsum(1).flip(1) - ratios
    return (after + tokens_after(mask) * math.log(gamma)).exp() * mask


@plant("08.padding_bug", "own_ratio")
def with_its_own(logps, behaviour, mask, gamma):
    ratios = (logps - behaviour).clamp(-0.08, 0.3) * mask
    return (ratios.flip(1).cumsum(1).flip(1) + tokens_after(mask) * math.log(gamma)).exp() * mask


@plant("08.padding_bug", "before")
def what_stands_before(logps, behaviour, mask, gamma):
    ratios = (logps - behaviour).clamp(-0.08, 0.3) * mask
    before = ratios.cumsum(1) - ratios
    return (before + (mask.cumsum(1) - mask) * math.log(gamma)).exp() * mask


@plant("08.padding_bug", "from_the_left")
def counts_what_came(logps, behaviour, mask, gamma):
    ratios = (logps - behaviour).clamp(-0.08, 0.3) * mask
    after = ratios.flip(1).cumsum(1).flip(1) - ratios
    return (after + (mask.cumsum(1) - mask) * math.log(gamma)).exp() * mask


@plant("08.padding_bug", "not_clipped")
def raw_ratios(logps, behaviour, mask, gamma):
    ratios = (logps - behaviour) * mask
    after = ratios.flip(1).cumsum(1).flip(1) - ratios
    return (after + tokens_after(mask) * math.log(gamma)).exp() * mask


@plant("08.padding_bug", "unmasked")
def without_the_end(logps, behaviour, mask, gamma):
    ratios = (logps - behaviour).clamp(-0.08, 0.3) * mask
    after = ratios.flip(1).cumsum(1).flip(1) - ratios
    return (after + tokens_after(mask) * math.log(gamma)).exp()


@plant("08.effective_size", "tokens")
def how_many(weights):
    squares = sum(w**2 for w in weights)
    return sum(weights) ** 2 / squares if squares else 0


@plant("08.effective_size", "inverted")
def upside_down(weights):
    total = sum(weights)
    return sum(w**2 for w in weights) / total**2 if total else 0.0


@plant("08.effective_size", "no_square")
def no_square(weights):
    squares = sum(w**2 for w in weights)
    return sum(weights) / squares if squares else 0.0


@plant("08.effective_size", "mean")
def mean(weights):
    return sum(weights) / len(weights)


@plant("08.effective_size", "nothing")
def divides(weights):
    w = torch.tensor(weights)
    return (w.sum() ** 2 / w.square().sum() / len(w)).item()
