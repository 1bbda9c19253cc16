"""Coordinates of the weights that RL moved most, kept as they are while SFT trains the others (MIFO, 2510.04454).

Of MIFO's importance map only the structure is known, second-hand: how far RL moved each parameter, with a coefficient
for what earlier phases moved; the parameters that it moved most are frozen in SFT and released for the next RL. The
formula, its values and what it is for adapters are ours. A policy here trains adapters, and a coordinate of a layer's
weight moves by a row of `lora_B` times a column of `lora_A`: it stays as it is to the bit when both stay. So rows and
columns are frozen, and with them the block of coordinates where frozen rows cross frozen columns. The other coordinates
of such a row or column still move, by what the half that is free does.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.optim.optimizer import register_optimizer_step_post_hook

from ..policy.weight_updates import DOWN, PREFIX, UP, adapter_updates

Phase = tuple[str | Path | Any, str | Path | Any]
"""The adapter, a folder or a policy, before and after a phase of RL; None before stands for a fresh one."""


@dataclass(frozen=True)
class FrozenBlock:
    """The coordinates of one layer's weight that are to stay: where frozen rows cross frozen columns.

    Attributes:
        rows: shape (out,), True for rows of `lora_B` that are frozen.
        columns: shape (in,), True for columns of `lora_A` that are.
        moved: the share of the layer's importance that lies in the block, 0-1; 0 where RL moved nothing.
    """

    rows: Tensor
    columns: Tensor
    moved: float

    @property
    def share(self) -> float:
        """The share of the layer's coordinates in the block."""
        return float(self.rows.float().mean() * self.columns.float().mean())


def importance_map(phases: Sequence[Phase], *, alpha: float = 0.5) -> Iterator[tuple[str, Tensor]]:
    """How far RL moved each coordinate of each layer's weight: the layer's name and C, shape (out, in).

    C after a phase is alpha times C after the one before, plus the absolute difference that the phase made. That form
    and the default are ours; alpha 0, the last phase alone, is a variant of the paper's.

    Args:
        phases: adapters before and after each RL phase, the oldest first.
        alpha: 0-1, how much of the importance is kept from phase to phase.

    Raises:
        ValueError: no phase, or an alpha out of range; or adapters that are no plain LoRA, or of different layers.
    """
    if not phases or not 0 <= alpha <= 1:
        raise ValueError(f"expected one RL phase or more and an alpha of 0 to 1, got {len(phases)} and {alpha}")
    for parts in zip(*(adapter_updates(after, start=before) for before, after in phases), strict=True):
        total = torch.zeros_like(parts[0][1])
        for _, moved in parts:
            total = alpha * total + moved.abs()
        yield parts[0][0], total


def most_moved(phases: Sequence[Phase], *, share: float = 0.5, alpha: float = 0.5) -> dict[str, FrozenBlock]:
    """In each layer a block of that share of the coordinates, in the rows and columns that RL moved most.

    √share of the rows and √share of the columns, rounded up, those with the largest sums of `importance_map`; a row or
    column that RL never moved is not among them.

    Args:
        phases, alpha: of `importance_map`.
        share: of a layer's coordinates, 0-1; 0 freezes nothing. The default is ours.

    Raises:
        ValueError: a share out of range, or what `importance_map` refuses.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"share is 0 to 1 of a layer's coordinates, got {share}; 0.5 is the default")
    found = {}
    for name, importance in importance_map(phases, alpha=alpha):
        rows, columns = (_largest(importance.sum(dim=dim), math.sqrt(share)) for dim in (1, 0))
        total = float(importance.sum())
        inside = float(importance[rows][:, columns].sum())
        found[name] = FrozenBlock(rows, columns, inside / total if total else 0.0)
    return found


def _largest(sums: Tensor, share: float) -> Tensor:
    """True for that share of the values, rounded up, the largest ones, and never for a 0."""
    chosen = torch.zeros_like(sums, dtype=torch.bool)
    chosen[sums.argsort(descending=True, stable=True)[: math.ceil(share * len(sums) - 1e-6)]] = True
    return chosen & (sums > 0)


@contextmanager
def frozen_coordinates(model: Any, blocks: Mapping[str, FrozenBlock]) -> Iterator[None]:
    """Keep blocks of a policy's weights as they are, to the bit, whatever optimiser steps inside; then release them.

    Their gradients are 0, so that clipping does not count them, and after each step of any optimiser of torch they get
    their values back: momentum and weight decay do not move them either. The rest trains as it would.

    Args:
        model: a policy with a LoRA adapter, as `load_policy` gives it.
        blocks: by layer, as `most_moved` gives them.

    Raises:
        ValueError: the model has no adapter on a layer, or it does not train.
        RuntimeError: at the end, a coordinate that moved all the same: something else than an optimiser of torch did
            that.
    """
    frozen = [
        (parameter, mask.to(parameter.device).expand_as(parameter), parameter.detach().clone())
        for name, block in blocks.items()
        for parameter, mask in (
            (_trained(model, f"{PREFIX}{name}.{UP}.default.weight"), block.rows[:, None]),
            (_trained(model, f"{PREFIX}{name}.{DOWN}.default.weight"), block.columns[None, :]),
        )
    ]

    def put_back(*_: Any) -> None:
        for parameter, mask, value in frozen:
            parameter.data.copy_(torch.where(mask, value, parameter.data))

    handles = [parameter.register_hook(_without(mask)) for parameter, mask, _ in frozen]
    handles.append(register_optimizer_step_post_hook(put_back))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
    for parameter, mask, value in frozen:
        if not torch.equal(parameter.data[mask], value[mask]):
            raise RuntimeError(
                "a frozen coordinate moved: the weights were changed by something else than a torch optimiser's step, "
                "such as a checkpoint of another run. Train again from the adapter that the phase began with"
            )


def _without(mask: Tensor) -> Any:
    return lambda gradient: gradient.masked_fill(mask, 0)


def _trained(model: Any, name: str) -> torch.nn.Parameter:
    try:
        parameter = model.get_parameter(name)
    except AttributeError:
        raise ValueError(f"the model has no {name}; expected a policy from load_policy") from None
    if not parameter.requires_grad:
        raise ValueError(f"{name} does not train; load the policy with trainable=True")
    return parameter
