"""When a policy is given the beginning of an expert's trace, and how much of it (TRAPO, arXiv 2512.17636)."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

from torch import Tensor

from .weigh_tokens import check_method, weighting_function
from .weight_registry import reads


class MicroGroup(NamedTuple):
    """Generations of a group that begin alike.

    Attributes:
        size: how many they are.
        length: the share of the expert's trace that they go on from, 0-1.
        below: they are given it where the mean return of the group's earlier generations is below this, and else begin
            themselves. The mean of none is 0.
    """

    size: int
    length: float
    below: float


TRAPO = (MicroGroup(4, 0.0, -1.0), MicroGroup(2, 0.2, 0.5), MicroGroup(1, 0.5, 0.7), MicroGroup(1, 1.0, 0.9))
"""TRAPO's setting, second-hand; its released code has lengths 0, 1/4, 1/2, 1 and thresholds 1/2, 2/3, 1."""


def hint_schedule(returns: Sequence[float], micro_groups: Sequence[MicroGroup] = TRAPO) -> float:
    """How much of an expert's trace the next micro-group of a group goes on from (TRAPO's rule, arXiv 2512.17636).

    Args:
        returns: of the group's generations so far, in the order of its micro-groups.
        micro_groups: all of the group, in order; TRAPO's by default.

    Returns:
        A share of the trace, 0-1. 0 is no hint: the mean return has reached the micro-group's threshold.

    Raises:
        ValueError: returns that are not finite, or that are not those of whole micro-groups with one still to come.

    >>> hint_schedule([]), hint_schedule([0, 0, 0, 1]), hint_schedule([0, 0, 1, 1])
    (0.0, 0.2, 0.0)
    """
    starts = [0, *accumulate(size for size, _, _ in micro_groups)][:-1]
    if len(returns) not in starts:
        raise ValueError(
            f"{len(returns)} returns; expected {' or '.join(map(str, starts))}, for a micro-group begins after so many "
            f"generations: give the returns of whole micro-groups, and ask before the last"
        )
    if not all(math.isfinite(value) for value in returns):
        raise ValueError(f"returns {list(returns)}; expected finite numbers, give 0 for what could not be scored")
    _, length, below = micro_groups[starts.index(len(returns))]
    mean = sum(returns) / len(returns) if returns else 0.0
    return length if mean < below else 0.0


def _can_be(group: MicroGroup) -> bool:
    whole = isinstance(group.size, int) and group.size >= 1
    return whole and 0 <= group.length <= 1 and not math.isnan(group.below)


@dataclass(frozen=True)
class Hints:
    """Beginnings of expert traces inside GRPO's groups: TRAPO (arXiv 2512.17636), `train_grpo(…, hints=Hints())`.

    A group's micro-groups are sampled one after the other, each with or without a hint as `hint_schedule` says of the
    returns before it: 1 for right and 0 for wrong, by the `MixedReward` among the rewards, or without one what the
    rewards add up to. Tokens of the policy get the loss of GRPO, with all of the group as its baseline; tokens of the
    expert, Σ -weight · log p over the same divisor.

    Attributes:
        micro_groups: their sizes add up to `num_generations`; tuples `(size, length, below)` will do.
        token_weights: of the expert's tokens: a method of `weighting_table()`, or a function, as in `train_sft`.

    Raises:
        ValueError: no micro-group, a size that is no whole number from 1, a length outside 0-1; a weighting that is
            unknown, has a setting out of range, or reads behaviour log-probabilities.
        TypeError: a setting that the weighting does not have, or no function of log-probabilities and mask.
    """

    micro_groups: tuple[MicroGroup, ...] = TRAPO
    token_weights: str | Callable[..., Tensor] = "trsft"

    def __post_init__(self) -> None:
        object.__setattr__(self, "micro_groups", tuple(MicroGroup(*each) for each in self.micro_groups))
        wrong = [each for each in self.micro_groups if not _can_be(each)]
        if wrong or not self.micro_groups:
            found = wrong[0] if wrong else "none"
            raise ValueError(
                f"micro-groups: got {found}; expected a size of 1 or more, and a length from 0 to 1; sizes are whole"
            )
        function, _ = weighting_function(self.token_weights)
        if reads(function, "behaviour_logps", without_fail=True):
            raise ValueError(
                f"token_weights={self.token_weights!r} reads how likely the expert was to write its tokens, which "
                "rollouts do not know; expected a weighting of the policy's own probabilities: 'trsft', 'dft', 'sft'"
            )
        check_method(self.token_weights)

    @property
    def generations(self) -> int:
        """Of a group."""
        return sum(each.size for each in self.micro_groups)

    @property
    def stages(self) -> tuple[MicroGroup, ...]:
        """The micro-groups as they are sampled: all at once where none is ever given a hint."""
        if any(each.length for each in self.micro_groups):
            return self.micro_groups
        return (MicroGroup(self.generations, 0.0, 0.0),)
