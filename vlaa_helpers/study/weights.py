"""How much each token of a trace counts in a stage of SFT, as plain data, and what the weights were like."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from .arms import Arm, Lab, arm_digest, later, short_digest, untold
from .pinned import FUNCTION, Pinned, pin_function, the_function
from .schema import Config, Given, Node
from .training import policy_of

if TYPE_CHECKING:
    import pandas as pd
    from datasets import Dataset

LOOKED_AT = 128
"""Traces, the first of a stage, whose weights are noted before and after it."""
LOG_WEIGHT = "log_weight_clip"
LOG_RATIO = "log_ratio_clip"


@dataclass(frozen=True)
class Weights:
    """A weighting of the SFT loss.

    Attributes:
        method: a name of `weighting_table()`, or of the function.
        settings: of the method, in the order of their names; bounds are tuples.
        function: one of a file beside the study's; None for a name of the registry.
        behaviour: name of the arm whose policy stands for who wrote the traces; "" where the method does not ask.
            The stage keeps the arm itself, and a digest tells of that.
    """

    method: str
    settings: Config = ()
    function: Pinned | None = later(None)
    behaviour: str = untold("")

    def bound(self) -> Callable[..., Any]:
        """What `train_sft` takes as `token_weights`."""
        from ..training.weigh_tokens import token_weights

        method: Any = the_function(self.function) if self.function else self.method
        return partial(token_weights, method, **dict(self.settings))

    def __str__(self) -> str:
        return " ".join([self.method, *(f"{name}={value}" for name, value in self.settings)])


def read_weights(node: Node, given: Given) -> Weights:
    """The weighting that a file names: `dft`, `{method: trsft, alpha: 0.05}` or `mine:focal`, with `behaviour`.

    Raises:
        ValueError: an unknown method, a setting that it does not have or that is out of range; says where.
    """
    at = {"method": node} if isinstance(node.value, str) else node.mapping(empty=False)
    if "method" not in at:
        node.refuse("there is no method", "add method: …, a name of weighting_table()")
    method = at.pop("method")
    behaviour = at.pop("behaviour").text() if "behaviour" in at else ""
    named = FUNCTION.fullmatch(method.text())
    pinned = method.pinned(lambda: pin_function(method.text(), given.folder)) if named else None
    settings = tuple(sorted((name, _value(each)) for name, each in at.items()))
    weights = Weights(method.text(), settings, pinned, behaviour)
    _check(weights, node)
    if behaviour and not asks_for_behaviour(weights):
        node.refuse(
            f"`behaviour` with {method.text()}, which does not ask how likely the writer was to write a token",
            "leave it out",
        )
    return weights


def asks_for_behaviour(weights: Weights) -> bool:
    """Whether a weighting needs log-probabilities of who wrote the traces."""
    from ..training.weight_registry import reads

    return reads(_function(weights), "behaviour_logps", without_fail=True)


def _function(weights: Weights) -> Callable[..., Any]:
    from ..training.weigh_tokens import weighting_function

    return weighting_function(weights.bound())[0]


def _value(node: Node) -> Any:
    if isinstance(node.value, list):
        return tuple(each.number() for each in node.entries())
    if not (node.is_plain or isinstance(node.value, str)):
        node.refuse(f"got {node.shown}", "expected a number, text, true or false, or bounds [low, high]")
    return node.value


def _check(weights: Weights, node: Node) -> None:
    from ..training.weigh_tokens import check_method

    try:
        check_method(weights.bound(), behaviour=True)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{node.where}: {error}") from error


def with_behaviour(records: "Dataset", writer: Arm, lab: Lab) -> "tuple[Dataset, float]":
    """Records with log-probabilities of an arm's policy: each trace is scored once, and kept in the run folder.

    Returns:
        The records with a column `behaviour`, and the seconds of the processor that scoring them took.
    """
    import time

    from filelock import FileLock

    from ..policy.weights_digest import weights_digest
    from ..training.behaviour_logps import add_behaviour_logps

    model, processor = policy_of(writer, lab)
    name = short_digest([arm_digest(writer, lab), weights_digest(model)])
    path = lab.runs / "traces" / f"behaviour-{name}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    begin = time.process_time()
    with FileLock(f"{path}.lock"):  # arms that differ in the weighting alone read the same scores
        scored = add_behaviour_logps(model, processor, records, path=path)
    return scored, time.process_time() - begin


def weights_noted(model: Any, processor: Any, records: "Dataset", weights: Weights, when: str) -> dict[str, float]:
    """What a weighting makes of the first traces under a policy, as notes of a stage whose names begin with `when`.

    `ess` is the effective sample size (Σw)² / Σw² within a trace as a share of its tokens, meant over traces, and
    `ess_traces` that of the traces' mean weights as a share of the traces, 0-1; `weight` the mean. Where the method
    reads behaviour log-probabilities: `log_ratio`, the mean log of policy over behaviour; `ratio_low` and `ratio_high`,
    the shares of tokens whose log-ratio is cut off at either bound; `weight_low` and `weight_high`, the shares whose
    weight is at either bound of its log.
    """
    from ..training.weighted_traces import trace_weights

    looked_at = records.select(range(min(LOOKED_AT, len(records))))
    table = trace_weights(model, processor, looked_at, weights.bound())
    bounds = _bounds(weights) if "behaviour_logp" in table else {}
    return {f"{when}_{name}": value for name, value in summary(table, bounds).items()}


def summary(table: "pd.DataFrame", bounds: Mapping[str, tuple[float, float]]) -> dict[str, float]:
    """The notes of `weights_noted`, from a table of `trace_weights` and the bounds of log-ratio and log-weight."""
    import numpy as np

    by_trace = table.groupby("id", sort=False)["weight"]
    sums, squares, counts = by_trace.sum(), by_trace.agg(lambda w: float((w**2).sum())), by_trace.size()
    some = squares > 0
    inside = (sums[some] ** 2 / (squares[some] * counts[some])).mean() if some.any() else 0.0
    means = sums / counts  # of a trace: with weights of 1 long and short ones count alike
    across = float(means.sum() ** 2 / ((means**2).sum() * len(means))) if some.any() else 0.0
    found = {"weight": float(table["weight"].mean()), "ess": float(inside), "ess_traces": across}
    if LOG_RATIO in bounds:
        ratio, (low, high) = table["logp"] - table["behaviour_logp"], bounds[LOG_RATIO]
        found |= {"log_ratio": float(ratio.mean())}
        found |= {"ratio_low": float((ratio < low).mean()), "ratio_high": float((ratio > high).mean())}
    if LOG_WEIGHT in bounds:
        logs, (low, high) = np.log(table["weight"].clip(lower=1e-30)), bounds[LOG_WEIGHT]
        found |= {"weight_low": float((logs <= low + 1e-4).mean()), "weight_high": float((logs >= high - 1e-4).mean())}
    return found


def _bounds(weights: Weights) -> dict[str, tuple[float, float]]:
    parameters = inspect.signature(_function(weights)).parameters
    given = dict(weights.settings)
    return {name: given.get(name, parameters[name].default) for name in (LOG_RATIO, LOG_WEIGHT) if name in parameters}
