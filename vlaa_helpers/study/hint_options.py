"""Hints of a stage of GRPO, as plain data: beginnings of expert traces inside its groups (TRAPO)."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .schema import Given, Node
from .weights import Weights, asks_for_behaviour, read_weights

if TYPE_CHECKING:
    from ..training.hints import Hints

TRSFT = Weights("trsft")


@dataclass(frozen=True)
class HintOptions:
    """What `Hints` is made of.

    Attributes:
        weights: of the expert's tokens.
        micro_groups: size, share of the trace and threshold of each; none stand for TRAPO's.
    """

    weights: Weights = TRSFT
    micro_groups: tuple[tuple[int, float, float], ...] = ()

    def made(self) -> "Hints":
        """What `train_grpo` takes as `hints`."""
        from ..training.hints import Hints

        options: dict[str, Any] = {"micro_groups": self.micro_groups} if self.micro_groups else {}
        return Hints(token_weights=self.weights.bound(), **options)


def read_hints(node: Node, given: Given) -> HintOptions | None:
    """`hints: true`, or `hints: {weights: sft, micro_groups: [[4, 0, -1], …]}`; `false` is none.

    Raises:
        ValueError: an unknown weighting, or one that asks for behaviour log-probabilities; micro-groups that cannot be.
    """
    if isinstance(node.value, bool):
        return HintOptions() if node.value else None
    at = node.fields("weights", "micro_groups")
    weights = read_weights(at["weights"], given) if "weights" in at else TRSFT
    if asks_for_behaviour(weights):
        at["weights"].refuse(
            f"{weights.method} asks how likely the expert was to write its tokens, which rollouts do not know",
            "expected a weighting of the policy's own probabilities, such as trsft, dft or sft",
        )
    groups = tuple(_read_group(each) for each in at["micro_groups"].entries()) if "micro_groups" in at else ()
    options = HintOptions(weights, groups)
    node.pinned(options.made)
    return options


def _read_group(node: Node) -> tuple[int, float, float]:
    parts = node.entries()
    if len(parts) != 3:
        node.refuse(f"got {node.shown}", "expected [size, share of the trace, threshold], such as [2, 0.2, 0.5]")
    size, length, below = parts
    return size.count(), length.number(), below.number()
