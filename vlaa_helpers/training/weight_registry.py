"""The weightings of the SFT loss: those that come with the package, and those that are registered besides."""

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd
from torch import Tensor

from . import weight_formulas as formulas

PER_TOKEN = ("behaviour_logps", "entropies")
"""What a weighting is given besides, if it has a parameter of that name; without a default it must be there."""


@dataclass(frozen=True)
class TokenWeighting:
    """How much each token of a response counts in the SFT loss.

    Attributes:
        name: what `token_weights` and `train_sft` call it: small letters, digits and "_".
        function: `(logps, mask, *, …) -> weights`, all of shape (responses, tokens). A parameter `behaviour_logps` or
            `entropies` is given those; parameters with other names are settings, and need defaults.
        doc: the weight in words or as a formula, and where it comes from.
    """

    name: str
    function: Callable[..., Tensor]
    doc: str = ""


_PEAR = "(PEAR, arXiv 2602.01058; the form is second-hand, from notes and a port of others)"
BUILT_IN = (
    TokenWeighting("sft", formulas.sft, "1: plain SFT"),
    TokenWeighting("dft", formulas.dft, "p (DFT, arXiv 2508.05629), as TRL's loss_type='dft'"),
    TokenWeighting("trsft", formulas.trsft, "min(p / alpha, 1) (TrSFT of TRAPO, arXiv 2512.17636, from its code)"),
    TokenWeighting("pear_sequence", formulas.pear_sequence, f"product of all ratios of a response {_PEAR}"),
    TokenWeighting("pear_token", formulas.pear_token, f"product of the ratios of later tokens, gamma for each {_PEAR}"),
    TokenWeighting("pear_block", formulas.pear_block, f"product of the ratios of later blocks, gamma a token {_PEAR}"),
    TokenWeighting(
        "entropy_top",
        formulas.entropy_top,
        "1 for the tokens of highest entropy, 0 for the others (MIFO, arXiv 2510.04454, second-hand; its share was not "
        "found: the default is ours, and so is that it is a share of each response)",
    ),
)
_registered = {weighting.name: weighting for weighting in BUILT_IN}


def get_weighting(name: str) -> TokenWeighting:
    """The weighting of this name.

    Raises:
        ValueError: there is none; says which there are, and how to register one.
    """
    if name not in _registered:
        raise ValueError(
            f"unknown weighting {name!r}; expected one of {', '.join(_registered)}. For one of your own: "
            f"register_token_weighting(TokenWeighting({name!r}, function))"
        )
    return _registered[name]


def register_token_weighting(weighting: TokenWeighting) -> None:
    """Make a weighting known to `token_weights` and `train_sft`.

    Registering one of your own again replaces it, so a notebook's cell may be run twice. The built-in ones stay.

    Raises:
        ValueError: the name is a built-in weighting's, or has other characters than small letters, digits and "_".
        TypeError: no `TokenWeighting`, or its function cannot be called as `function(logps, mask)` with
            `behaviour_logps` and `entropies` where it asks for them.

    >>> import torch
    >>> from vlaa_helpers import token_weights
    >>> register_token_weighting(TokenWeighting("focal", lambda logps, mask, power=2.0: (1 - logps.exp()) ** power))
    >>> token_weights("focal", torch.tensor([[0.5, 0.9]]).log(), torch.ones(1, 2), power=1.0)
    tensor([[0.5000, 0.1000]])
    >>> _ = _registered.pop("focal")
    """
    if not isinstance(weighting, TokenWeighting):
        example = 'register_token_weighting(TokenWeighting("name", function))'
        raise TypeError(f"expected a TokenWeighting, got {weighting!r:.60}; write {example}")
    name = weighting.name
    if name in {built_in.name for built_in in BUILT_IN}:
        raise ValueError(f"the name {name!r} is taken by a built-in weighting; give yours another, such as 'my_{name}'")
    if not isinstance(name, str) or not re.fullmatch("[a-z0-9_]+", name):
        raise ValueError(f"weighting name {name!r}; expected small letters, digits and _ alone")
    given = {each: None for each in PER_TOKEN if reads(weighting.function, each)}
    try:
        inspect.signature(weighting.function).bind("logps", "mask", **given)
    except TypeError as error:
        raise TypeError(
            f"the function of weighting {name!r} {error}; expected (logps, mask, *, …) -> weights, with a default for "
            f"each setting. {' and '.join(PER_TOKEN)} are given to a function that has them"
        ) from None
    _registered[name] = weighting


def weighting_table() -> pd.DataFrame:
    """The weightings there are: a row a method, with the `weight` of a token, its source, and `settings` by default.

    `reads` says what else than the policy's log-probabilities a method needs: `behaviour_logps` or `entropies`.
    """
    rows = {}
    for name, weighting in _registered.items():
        parameters = inspect.signature(weighting.function).parameters
        settings = {each: found.default for each, found in parameters.items() if found.default is not found.empty}
        rows[name] = {
            "weight": weighting.doc,
            "reads": ", ".join(each for each in PER_TOKEN if each in parameters),
            "settings": ", ".join(f"{each}={value}" for each, value in settings.items() if each not in PER_TOKEN),
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def reads(function: Callable, name: str, *, without_fail: bool = False) -> bool:
    """Whether a function has a parameter of this name (`without_fail`: one that has no default)."""
    found = inspect.signature(function).parameters.get(name)
    return found is not None and not (without_fail and found.default is not found.empty)
