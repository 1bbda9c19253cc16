"""The reward of an arm as plain data, and the TRL reward functions that it stands for."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..rewards.gated import GATES, GatedReward
from ..rewards.leaky import LEAKY
from ..rewards.mixed import MixedReward
from ..rewards.registry import Verifier, get_verifier, verifier_names
from .pinned import FUNCTION, Pinned, pin_function, pin_scorer, the_function

if TYPE_CHECKING:
    from .schema import Given, Node

MIXED = "mixed"
"""The name of the reward that every study has: each record by its own verifier."""


@dataclass(frozen=True)
class Part:
    """One of the functions that a reward is the sum of.

    Attributes:
        verifiers: type of record to the verifier that scores it in the place of its own: a name or a function.
        scorer: of open answers; None is `FactsScorer`.
        function: a TRL reward function; None is the mixed reward.
        weight: factor of its values in the sum.
        gate: one of `GATES`; "" is none.
    """

    verifiers: tuple[tuple[str, "str | Pinned"], ...] = ()
    scorer: Pinned | None = None
    function: Pinned | None = None
    weight: float = 1.0
    gate: str = ""


def reward_functions(parts: Sequence[Part]) -> dict[str, Any]:
    """Arguments of `train_grpo` for a reward: `reward_funcs`, and `reward_weights` where they are not all 1.

    Args:
        parts: none stands for the mixed reward as it is.
    """
    parts = parts or (Part(),)
    options: dict[str, Any] = {"reward_funcs": [_function(part) for part in parts]}
    if any(part.weight != 1 for part in parts):
        options["reward_weights"] = [part.weight for part in parts]
    return options


def _function(part: Part) -> Callable[..., list[float | None]]:
    function = the_function(part.function) if part.function else _mixed(part)
    return GatedReward(function, part.gate) if part.gate else function


def _mixed(part: Part) -> MixedReward:
    from ..rewards.scorers import RewardModelScorer

    scorer = RewardModelScorer(part.scorer.where) if part.scorer else None
    return MixedReward(scorer, verifiers={of: _verifier(verifier) for of, verifier in part.verifiers})


def _verifier(told: "str | Pinned") -> Verifier:
    if isinstance(told, str):
        return LEAKY.get(told) or get_verifier(told)
    return Verifier(told.name, the_function(told))


def read_reward(node: "Node", given: "Given") -> tuple[Part, ...]:
    """A reward of a study's file: a part, or `parts: [part, …]`.

    Raises:
        ValueError: says where, what was found, what was expected.
    """
    if isinstance(node.value, dict) and "parts" in node.value:
        parts = tuple(_read_part(part, given) for part in node.fields("parts")["parts"].entries())
    else:
        parts = (_read_part(node, given),)
    return () if parts == (Part(),) else parts


def _read_part(node: "Node", given: "Given") -> Part:
    at = node.fields("verifiers", "scorer", "function", "weight", "gate")
    if "function" in at and (mixed := {"verifiers", "scorer"} & set(at)):
        node.refuse(f"a `function` together with `{mixed.pop()}`, which is of the mixed reward", "put each into a part")
    verifiers = ()
    if "verifiers" in at:
        named = at["verifiers"].mapping()
        verifiers = tuple(sorted((_type(of, at["verifiers"]), _read_verifier(to, given)) for of, to in named.items()))
    scorer = at["scorer"].text() if "scorer" in at else "facts"
    return Part(
        verifiers=verifiers,
        scorer=None if scorer == "facts" else at["scorer"].pinned(lambda: pin_scorer(scorer)),
        function=_read_function(at["function"], given) if "function" in at else None,
        weight=at["weight"].number() if "weight" in at else 1.0,
        gate=at["gate"].choice(GATES) if "gate" in at else "",
    )


def _type(name: str, node: "Node") -> str:
    if name not in verifier_names():
        node.refuse(f"the type of record {name!r}", f"expected one of {', '.join(verifier_names())}")
    return name


def _read_verifier(node: "Node", given: "Given") -> "str | Pinned":
    text = node.text()
    if text in LEAKY or text in verifier_names():
        return text
    if not FUNCTION.fullmatch(text):
        known = ", ".join((*verifier_names(), *LEAKY))
        node.refuse(repr(text), f"expected one of {known}, or module:function")
    return _read_function(node, given)


def _read_function(node: "Node", given: "Given") -> Pinned:
    return node.pinned(lambda: pin_function(node.text(), given.folder))
