"""How much each token of a response counts in the SFT loss, by a method of the registry or a function."""

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from .weight_registry import BUILT_IN, PER_TOKEN, get_weighting, reads

WHENCE = {
    "behaviour_logps": "score the responses once with the policy that wrote them: add_behaviour_logps(…)",
    "entropies": "of the policy's distribution at each token, in nats",
}
TOLERANCE = 1e-3
"""A log-probability may be above 0 by rounding."""


def token_weights(
    method: str | Callable[..., Tensor],
    logps: Tensor,
    mask: Tensor,
    *,
    behaviour_logps: Tensor | None = None,
    entropies: Tensor | None = None,
    **settings: Any,
) -> Tensor:
    """How much each token of a response counts in the SFT loss, by one of the methods of `weighting_table()`.

    The loss is then Σ -weight · log p over the tokens of a step, divided by how many there are, and the weights are
    constants in it. With p the policy's probability of a token, "sft" has 1, "dft" p, "trsft" min(p / alpha, 1).
    The three methods of PEAR weigh a token by what follows it: by how likely the policy would go on as the behaviour
    policy did, the one that wrote the responses. "entropy_top" keeps the tokens where the policy is least sure.
    `settings`, defaults, sources and what is second-hand are in the table.

    Args:
        method: a name, or a function as `TokenWeighting` describes it.
        logps: shape (responses, tokens), under the policy that is trained, at most 0.
        mask: the same shape, 1 for tokens that count, 0 for prompt and padding, wherever they stand.
        behaviour_logps: the same shape, of the same tokens under the behaviour policy (`add_behaviour_logps`).
        entropies: the same shape, of the policy's distribution at each token, in nats.
        **settings: of the method: `alpha=0.05`, …

    Returns:
        The same shape, in float32 (float64 for such `logps`), without gradient, 0 where the mask is.

    Raises:
        ValueError: an unknown name, a setting out of range, other shapes, log-probabilities above 0, what the method
            reads is not given, or weights that are not finite.
        TypeError: a setting that the method does not have.

    >>> logps, mask = torch.tensor([[0.01, 0.05, 0.4, 1.0]]).log(), torch.tensor([[1, 1, 1, 0]])
    >>> token_weights("dft", logps, mask)
    tensor([[0.0100, 0.0500, 0.4000, 0.0000]])
    >>> token_weights("trsft", logps, mask)
    tensor([[0.1000, 0.5000, 1.0000, 0.0000]])
    >>> token_weights("pear_token", logps, mask, behaviour_logps=logps, gamma=0.9)
    tensor([[0.8100, 0.9000, 1.0000, 0.0000]])
    """
    name = method if isinstance(method, str) else getattr(method, "__name__", "weighting")
    function = get_weighting(method).function if isinstance(method, str) else method
    counted = mask.bool()
    given = {"logps": logps, "mask": mask, "behaviour_logps": behaviour_logps, "entropies": entropies}
    _check_shapes(given)
    beside = {each: _clean(given[each], counted) for each in PER_TOKEN if reads(function, each)}
    for each, values in beside.items():
        if values is None and reads(function, each, without_fail=True):
            raise ValueError(f"{name} reads {each}, which was not given; {WHENCE[each]}")
    try:
        inspect.signature(function).bind(logps, counted, **beside, **settings)
    except TypeError as error:
        raise TypeError(f"{name}: {error}; weighting_table() lists its settings") from None
    known: Tensor = _clean(logps, counted)
    if (known > TOLERANCE).any():
        raise ValueError(f"logps up to {known.max().item():.2f}; expected log-probabilities, at most 0: log p, not p")
    weights: Any = function(known, counted, **beside, **settings)
    if not isinstance(weights, Tensor):
        raise ValueError(f"{name} gave {weights!r:.60}; expected a tensor of weights, shape {tuple(logps.shape)}")
    if weights.shape != logps.shape:
        raise ValueError(f"{name} gave weights of shape {tuple(weights.shape)} for tokens of {tuple(logps.shape)}")
    weights = weights.detach().to(known.dtype).masked_fill(~counted, 0)
    if not weights.isfinite().all():
        raise ValueError(f"{name} gave {int((~weights.isfinite()).sum())} weights that are not finite")
    return weights


def weighting_function(method: str | Callable[..., Tensor]) -> tuple[Callable[..., Tensor], dict[str, Any]]:
    """The function behind a method, and its settings: of a name, of a function, or of `partial(token_weights, …)`.

    Raises:
        ValueError: an unknown name.
        TypeError: a partial that names no method, or what is neither a name nor a function.
    """
    settings: dict[str, Any] = {}
    while isinstance(method, partial) and method.func is token_weights:
        settings = method.keywords | settings
        if not method.args and "method" not in settings:
            raise TypeError(f"{method} names no method; write partial(token_weights, 'trsft', alpha=0.05)")
        method = method.args[0] if method.args else settings.pop("method")
    if not isinstance(method, str) and not callable(method):
        raise TypeError(f"got {method!r}; expected one name of weighting_table(), or a function")
    return (get_weighting(method).function if isinstance(method, str) else method), settings


def check_method(method: str | Callable[..., Tensor], *, behaviour: bool = False) -> None:
    """Refuse a weighting that cannot work, before anything is sampled or trained with it.

    A method of ours weighs four made-up tokens; a function of one's own is held against its parameters, and not called.

    Args:
        behaviour: whether there will be behaviour log-probabilities.

    Raises:
        ValueError, TypeError: what `token_weights` would raise.
    """
    function, settings = weighting_function(method)
    logps = torch.tensor([[-2.0, -1.0, -0.5, -0.1]])
    given = {"behaviour_logps": logps - 0.1 if behaviour else None, "entropies": -logps}
    if any(function is weighting.function for weighting in BUILT_IN):
        token_weights(function, logps, torch.ones_like(logps), **given, **settings)
    else:
        inspect.signature(function).bind(
            logps, logps, **{name: each for name, each in given.items() if reads(function, name)}, **settings
        )


def _check_shapes(given: dict[str, Tensor | None]) -> None:
    shapes = {each: tuple(values.shape) for each, values in given.items() if values is not None}
    if len(set(shapes.values())) > 1 or len(shapes["logps"]) != 2:
        said = ", ".join(f"{each} {shape}" for each, shape in shapes.items())
        raise ValueError(f"expected one shape (responses, tokens), got {said}")


def _clean(values: Tensor | None, counted: Tensor) -> Tensor | None:
    """Without gradient, in float32 or better, 0 where a token does not count: nothing there may reach a weight."""
    if values is None:
        return None
    exact = torch.promote_types(values.dtype, torch.float32)
    return values.detach().to(exact).masked_fill(~counted, 0)
