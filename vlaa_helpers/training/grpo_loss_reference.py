"""The GRPO objective by hand: small pure functions on tensors, to read it by and to check a trainer against.

Rewards have the shape (prompts, generations). All else is about responses, one below another and padded on the right:
(responses, tokens) for what each token has, (responses,) for advantages. Log-probabilities are of the tokens written.
"""

import torch
from torch import Tensor

LOSS_TYPES = ("grpo", "dapo", "dr_grpo")


def group_advantages(rewards: Tensor, *, scale: bool = True, eps: float = 1e-4) -> Tensor:
    """Advantage of each completion relative to its own group (GRPO, arXiv 2402.03300 §4.1).

    Args:
        rewards: shape (prompts, generations), any range.
        scale: divide by the group's standard deviation; False is Dr. GRPO (arXiv 2503.20783).
        eps: added to the deviation; TRL uses 1e-4.

    Returns:
        Same shape, mean 0 in each row. A group whose rewards are all equal gets zeros: it teaches nothing.

    Raises:
        ValueError: fewer than two generations, so there is nothing to compare with.

    >>> group_advantages(torch.tensor([[1.0, 0.0, 0.0, 1.0]]), scale=False)
    tensor([[ 0.5000, -0.5000, -0.5000,  0.5000]])
    """
    if rewards.shape[1] < 2:
        raise ValueError(f"a group needs at least 2 generations, got {rewards.shape[1]}; set num_generations=4 or more")
    centred = rewards - rewards.mean(dim=1, keepdim=True)
    return centred / (rewards.std(dim=1, keepdim=True) + eps) if scale else centred


def clipped_objective(
    logps: Tensor,
    old_logps: Tensor,
    advantages: Tensor,
    *,
    epsilon: float = 0.2,
    epsilon_high: float | None = None,
) -> Tensor:
    """What each token adds to the objective, to be made large: PPO's clipped ratio times the advantage of its response.

    A token that is already `1 + epsilon_high` times as likely as when it was sampled gains nothing more from a good
    response, and one below `1 - epsilon` loses nothing more to a bad one (arXiv 2402.03300 §4.1; a higher upper bound,
    0.28, is DAPO's, arXiv 2503.14476 §3.1).

    Args:
        logps, old_logps: shape (responses, tokens), under the policy and under the policy that sampled them.
        advantages: shape (responses,).
        epsilon, epsilon_high: how far below and above 1 the ratio counts; `epsilon` on both sides by default.

    Returns:
        Shape (responses, tokens).

    >>> ratios = torch.tensor([[1.0, 1.5, 0.5], [1.0, 1.5, 0.5]])
    >>> clipped_objective(ratios.log(), torch.zeros(2, 3), torch.tensor([1.0, -1.0]))
    tensor([[ 1.0000,  1.2000,  0.5000],
            [-1.0000, -1.5000, -0.8000]])
    """
    ratio = (logps - old_logps).exp()
    kept = ratio.clamp(1 - epsilon, 1 + (epsilon if epsilon_high is None else epsilon_high))
    advantages = advantages[:, None]
    return torch.minimum(ratio * advantages, kept * advantages)


def kl_estimates(logps: Tensor, ref_logps: Tensor) -> dict[str, Tensor]:
    """Three estimates of KL(policy ‖ reference) from the tokens that the policy sampled, in nats a token.

    With r = reference / policy: k1 = -log r has the right mean and may be negative; k2 = (log r)² / 2 is >= 0 and
    biased; k3 = r - 1 - log r is >= 0 and has the right mean. k3 is GRPO's (arXiv 2402.03300, eq. 4) and TRL's; the
    names are from "Approximating KL divergence" (Schulman 2020).

    Args:
        logps, ref_logps: any shape, under the policy and under the reference.

    Returns:
        `k1`, `k2` and `k3`, each of that shape.

    >>> policy, reference = torch.tensor([0.5, 0.5]), torch.tensor([0.25, 0.75])
    >>> {name: k.mean().item() for name, k in kl_estimates(policy.log(), reference.log()).items()}
    {'k1': 0.1438..., 'k2': 0.1612..., 'k3': 0.1438...}
    """
    log_ratio = ref_logps - logps
    return {"k1": -log_ratio, "k2": log_ratio.square() / 2, "k3": log_ratio.exp() - 1 - log_ratio}


def grpo_loss(
    logps: Tensor,
    old_logps: Tensor,
    ref_logps: Tensor | None,
    mask: Tensor,
    advantages: Tensor,
    *,
    beta: float = 0.0,
    epsilon: float = 0.2,
    epsilon_high: float | None = None,
    loss_type: str = "grpo",
    max_completion_length: int | None = None,
    use_bias_correction_kl: bool = True,
) -> Tensor:
    """The loss of a whole step, all its responses at once: minus the clipped objective, plus `beta` times k3.

    The loss types differ in the weight of a token. "grpo" takes the mean over the tokens of each response, then over
    responses: a token of a long response counts less (arXiv 2402.03300 §4.1, and the paper, arXiv 2504.11468 §4).
    "dapo" takes the mean over all tokens (arXiv 2503.14476 §3.3). "dr_grpo" divides by a constant, the tokens that the
    responses could have had (arXiv 2503.20783 §3.2).

    Args:
        logps, old_logps: as in `clipped_objective`.
        ref_logps: under the reference; None where `beta` is 0.
        mask: shape (responses, tokens), 1 for tokens that count and 0 for padding. A response without any adds nothing,
            and counts as a response.
        advantages: shape (responses,).
        beta: KL coefficient, >= 0.
        epsilon, epsilon_high: as in `clipped_objective`.
        loss_type: "grpo", "dapo" or "dr_grpo".
        max_completion_length: tokens that a response may have; "dr_grpo" needs it.
        use_bias_correction_kl: weigh k3 by the ratio, as TRL does unless told otherwise. Where the ratio is 1 that
            changes only the gradient: from that of KL(reference ‖ policy), which arXiv 2402.03300 has without meaning
            it, to that of KL(policy ‖ reference) (arXiv 2512.02556).

    Returns:
        A scalar.

    Raises:
        ValueError: an unknown loss type, "dr_grpo" without `max_completion_length`, or `beta` without `ref_logps`.

    >>> logps = torch.zeros(2, 3)
    >>> mask = torch.tensor([[1, 0, 0], [1, 1, 1]])
    >>> for loss_type in LOSS_TYPES:
    ...     advantages = torch.tensor([2.0, -1.0])
    ...     print(grpo_loss(logps, logps, None, mask, advantages, loss_type=loss_type, max_completion_length=5))
    tensor(-0.5000)
    tensor(0.2500)
    tensor(0.1000)
    """
    if loss_type not in LOSS_TYPES:
        raise ValueError(f"unknown loss type {loss_type!r}; expected one of {', '.join(LOSS_TYPES)}")
    if loss_type == "dr_grpo" and max_completion_length is None:
        raise ValueError("dr_grpo divides by the tokens that a response may have: give max_completion_length")
    if beta and ref_logps is None:
        raise ValueError(f"beta={beta} asks for a KL: give ref_logps, or beta=0")
    losses = -clipped_objective(logps, old_logps, advantages, epsilon=epsilon, epsilon_high=epsilon_high)
    if beta:
        kl = kl_estimates(logps, ref_logps)["k3"]
        losses = losses + beta * (kl * (logps - old_logps).exp() if use_bias_correction_kl else kl)
    losses = losses * mask
    if loss_type == "grpo":
        return (losses.sum(dim=1) / mask.sum(dim=1).clamp(min=1)).mean()
    if loss_type == "dapo":
        return losses.sum() / mask.sum().clamp(min=1)
    return losses.sum() / (len(losses) * max_completion_length)
