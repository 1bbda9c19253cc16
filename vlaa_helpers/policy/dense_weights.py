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
    """Let the linear layers of a model compute in fewer steps, with dense copies of weights that are stored in 4 bits.

    What they compute is what bitsandbytes and peft compute, up to the order in which a product's terms are added:
    weights are dequantised once, and an adapter's product is added to the layer's in one operation instead of four.
    Adapters stay apart, and train. The copies are given back at the end. Nothing changes where memory is short
    (`has_room`), and for layers that are not plain linear ones with plain LoRA.
    """
    changed = [layer for layer in _quantised(model) if "forward" not in layer.__dict__] if has_room(model) else []
    for layer in changed:
        layer.forward = partial(_dense, layer, dense_weight(layer))
    adapted = [layer for layer in _adapted_layers(model) if "forward" not in layer.__dict__] if changed else []
    for layer in adapted:
        layer.forward = partial(_with_adapters, layer)
    try:
        yield
    finally:
        for layer in (*changed, *adapted):
            del layer.forward


def _dense(layer: Any, weight: Tensor, x: Tensor) -> Tensor:
    bias = None if layer.bias is None else layer.bias.to(weight.dtype)
    return linear(x.to(weight.dtype), weight, bias).to(x.dtype)


def _with_adapters(layer: Any, x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """A LoRA layer: its base, and each active adapter's product added to that in place of a new tensor."""
    names = [] if layer.disable_adapters else [name for name in layer.active_adapters if name in layer.lora_A]
    same_type = all(layer.lora_A[name].weight.dtype == x.dtype for name in names)
    if args or kwargs or not same_type or torch.is_autocast_enabled(x.device.type) or not is_plain(layer):
        return type(layer).forward(layer, x, *args, **kwargs)
    out = layer.base_layer(x)  # (…, out)
    for name in names:
        down, up = layer.lora_A[name].weight, layer.lora_B[name].weight
        product = linear(x.reshape(-1, x.shape[-1]), down)  # (rows, rank)
        out = torch.addmm(out.view(-1, out.shape[-1]), product, up.t(), alpha=layer.scaling[name]).view_as(out)
    return out


def is_plain(layer: Any) -> bool:
    """Whether a layer is a linear one, in 4 bits or not, with plain LoRA adapters or none."""
    from bitsandbytes.nn import Linear4bit
    from peft.tuners.lora import LoraLayer

    base = base_of(layer)
    if type(base) not in (torch.nn.Linear, Linear4bit) or any(part._forward_hooks for part in layer.modules()):
        return False
    if base is layer or layer.disable_adapters:
        return True
    if not isinstance(layer, LoraLayer) or layer.merged:
        return False
    names = [name for name in layer.active_adapters if name in layer.lora_A]
    is_dropping = any(layer.training and getattr(layer.lora_dropout[name], "p", 0) for name in names)
    has_bias = any(layer.lora_B[name].bias is not None for name in names)
    return not (is_dropping or has_bias or any(name in layer.lora_variant for name in names))


def base_of(layer: Any) -> Any:
    """The layer itself, without the shell of its adapters."""
    return layer.get_base_layer() if hasattr(layer, "get_base_layer") else layer


def _quantised(model: Any) -> list[Any]:
    from bitsandbytes.nn import Linear4bit

    layers = [layer for layer in model.modules() if isinstance(layer, Linear4bit)]
    return [layer for layer in layers if layer.weight.quant_state is not None]


def _adapted_layers(model: Any) -> list[Any]:
    from peft.tuners.lora import LoraLayer

    return [layer for layer in model.modules() if isinstance(layer, LoraLayer) and is_plain(layer)]
