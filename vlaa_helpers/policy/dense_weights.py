"""4-bit weights, dequantised once instead of in each product: the same numbers, for the memory of a dense copy.

bitsandbytes dequantises a layer anew in every forward and backward pass. A mini policy that draws a completion does so
for each of 28 layers and each token. Base weights under adapters do not change, so one copy in compute type will do.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import linear

SPARE = 4
"""Weights are dequantised where so many times their size is free."""


def dense_weight(layer: Any) -> Tensor:
    """The weight of a linear layer, shape (out, in), in compute type: dequantised where it is stored in 4 bits."""
    weight = layer.weight
    state = getattr(weight, "quant_state", None)
    if state is None:
        return weight.detach()
    from bitsandbytes.functional import dequantize_4bit

    return dequantize_4bit(weight.data.view(-1, 1), state).to(layer.compute_dtype or state.dtype)


def has_room(model: Any) -> bool:
    """Whether there is memory for dense copies of a model's 4-bit weights, `SPARE` times over."""
    layers = _quantised(model)
    if not layers:
        return False
    counts = [(layer.in_features * layer.out_features, layer.compute_dtype or torch.float32) for layer in layers]
    size = sum(count * dtype.itemsize for count, dtype in counts)  # bytes
    device = layers[0].weight.device
    if device.type == "cuda":
        free = torch.cuda.mem_get_info(device)[0]
    else:
        import psutil

        free = psutil.virtual_memory().available
    return free > SPARE * size


@contextmanager
def dense_weights(model: Any) -> Iterator[None]:
    """Let the 4-bit layers of a model compute with dense copies of their weights, which are given back at the end.

    What they compute is what bitsandbytes computes, up to the order in which a product's terms are added. Nothing
    changes for layers that are dense already, or where memory is short (`has_room`).
    """
    changed = [layer for layer in _quantised(model) if "forward" not in layer.__dict__] if has_room(model) else []
    for layer in changed:
        layer.forward = partial(_forward, dense_weight(layer), layer)
    try:
        yield
    finally:
        for layer in changed:
            del layer.forward


def _forward(weight: Tensor, layer: Any, x: Tensor) -> Tensor:
    bias = None if layer.bias is None else layer.bias.to(weight.dtype)
    return linear(x.to(weight.dtype), weight, bias).to(x.dtype)


def _quantised(model: Any) -> list[Any]:
    from bitsandbytes.nn import Linear4bit

    layers = [layer for layer in model.modules() if isinstance(layer, Linear4bit)]
    return [layer for layer in layers if layer.weight.quant_state is not None]
