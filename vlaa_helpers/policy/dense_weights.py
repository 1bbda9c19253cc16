"""Linear layers in fewer steps: 4-bit weights dequantised once, adapters added to their layer in one operation.

bitsandbytes dequantises a layer anew in every forward and backward pass; a mini policy that samples a completion does
so for each of 28 layers and each token. Base weights under adapters do not change, so one copy in compute type will do.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import linear

from .free_memory import free_memory
from .tested_versions import untested_reason

SPARE = 4
"""Weights are dequantised where so many times their size is free."""


def dense_weight(layer: Any) -> Tensor:
    """The weight of a linear layer, shape (out, in), in compute type: dequantised where it is stored in 4 bits.

    Inside `dense_weights` it is the copy that the layer computes with.
    """
    kept = copy_of(layer)
    if kept is not None:
        return kept
    weight = layer.weight
    state = getattr(weight, "quant_state", None)
    if state is None:
        return weight.detach()
    from bitsandbytes.functional import dequantize_4bit

    return dequantize_4bit(weight.data.view(-1, 1), state).to(layer.compute_dtype or state.dtype)


def copy_of(layer: Any) -> Tensor | None:
    """The dense copy that a layer computes with at present; None outside `dense_weights`."""
    forward = layer.__dict__.get("forward")
    if not (isinstance(forward, partial) and forward.func is _dense):
        return None
    _, dense, packed, stamp = forward.args
    return dense if packed is layer.weight and _stamp(packed) == stamp else None


def has_room(layers: Sequence[Any]) -> bool:
    """Whether there is memory for dense copies of these linear layers, `SPARE` times over."""
    if not layers:
        return True
    dtypes = [getattr(layer, "compute_dtype", None) or layer.weight.dtype for layer in layers]
    sizes = zip(layers, dtypes, strict=True)
    size = sum(layer.in_features * layer.out_features * dtype.itemsize for layer, dtype in sizes)  # bytes
    device = layers[0].weight.device
    return free_memory(device) > SPARE * size


@contextmanager
def dense_weights(model: Any) -> Iterator[None]:
    """Let the linear layers of a model compute in fewer steps, with dense copies of weights that are stored in 4 bits.

    What they compute is what bitsandbytes and peft compute, up to the order in which a product's terms are added:
    weights are dequantised once, and an adapter's product is added to the layer's in one operation instead of four,
    with weights in 4 bits or not. Adapters stay apart, and train. The copies are given back at the end. Nothing changes
    where memory is short
    (`has_room`), for layers that are not plain linear ones with plain LoRA, for weights that are packed (`is_packed`),
    for a layer whose weight is replaced or written to meanwhile (a merge, a state dictionary that is loaded), in
    replicas of `DataParallel`, and with releases of peft and bitsandbytes that this was not tested with. A deep copy of
    the model made inside holds the copies, unused; state dictionaries have none of them.
    """
    is_replicated = any(isinstance(module, torch.nn.DataParallel) for module in model.modules())
    layers, changed = _quantised(model), []
    try:
        if not is_replicated and has_room(layers) and not untested_reason("peft", "bitsandbytes"):
            changed = [layer for layer in (*layers, *_adapted_layers(model)) if "forward" not in layer.__dict__]
            for layer in changed:
                if hasattr(layer, "get_base_layer"):
                    layer.forward = partial(_with_adapters, layer)
                else:
                    layer.forward = partial(_dense, layer, dense_weight(layer), layer.weight, _stamp(layer.weight))
        yield
    finally:
        for layer in changed:
            layer.__dict__.pop("forward", None)


def _stamp(weight: Tensor) -> tuple[int, int]:
    """What changes with the data of a weight: where it lies, and how often it was written to."""
    return weight.data_ptr(), 0 if weight.is_inference() else weight._version


def _dense(layer: Any, weight: Tensor, packed: Tensor, stamp: tuple[int, int], x: Tensor) -> Tensor:
    if layer.weight is not packed or _stamp(packed) != stamp:
        return type(layer).forward(layer, x)
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
    return unplain_reason(layer) is None


def unplain_reason(layer: Any) -> str | None:
    """What a layer is or has that a plain linear layer with plain LoRA has not, as "has …" or "is …"; else None."""
    from bitsandbytes.nn import Linear4bit

    base = base_of(layer)
    if type(base) not in (torch.nn.Linear, Linear4bit):
        return f"is a {type(base).__name__}, expected Linear or Linear4bit"
    if is_packed(base):
        return "has a weight that bitsandbytes has packed for inference"
    if any(map(is_altered, layer.modules())):
        return "has hooks or a forward pass of one's own"
    return None if base is layer else _unplain_adapter(layer)


def _unplain_adapter(layer: Any) -> str | None:
    from peft.tuners import lora

    if type(layer) not in (lora.Linear, lora.Linear4bit):  # AdaLoRA and others derive from them, and compute otherwise
        return f"has adapters of the kind {type(layer).__module__}.{type(layer).__name__}, expected plain LoRA"
    if layer.merged:  # also where adapters are off: it is unmerged for that
        return "has merged adapters"
    if layer.disable_adapters:
        return None
    for name in (name for name in layer.active_adapters if name in layer.lora_A):
        if name in layer.lora_variant:
            return f"has adapters of the kind {type(layer.lora_variant[name]).__name__}, expected plain LoRA"
        if layer.training and getattr(layer.lora_dropout[name], "p", 0):
            return "has LoRA dropout in train mode"
        if layer.lora_B[name].bias is not None:
            return "has adapters with a bias (lora_bias)"
        if any(type(part) is not torch.nn.Linear for part in (layer.lora_A[name], layer.lora_B[name])):
            return "has adapters in modules of another class than Linear"  # shards of FSDP
    return None


def is_packed(layer: Any) -> bool:
    """Whether bitsandbytes has packed a 4-bit weight for its own product on CPUs with AVX512-BF16 (bitsandbytes 0.50).

    It does so in the first forward pass in eval mode, where `keep_4bit_trainable` does not keep it from that. The
    bytes are in another order then, and `dequantize_4bit` takes them for what they are not.
    """
    return bool(getattr(getattr(layer.weight, "quant_state", None), "packing_format_for_cpu", False))


def is_altered(module: Any) -> bool:
    """Whether somebody else listens to a module or has put another forward pass in its place."""
    forward = module.__dict__.get("forward")
    is_ours = isinstance(forward, partial) and forward.func in (_dense, _with_adapters)
    is_replica = getattr(module, "_is_replica", False)  # of DataParallel: it has the forward of the first
    return is_heard(module) or is_replica or (forward is not None and not is_ours)


def is_heard(module: Any) -> bool:
    """Whether somebody listens to a module, forwards or backwards."""
    backward = module._backward_hooks or module._backward_pre_hooks
    return bool(module._forward_hooks or module._forward_pre_hooks or backward)


def base_of(layer: Any) -> Any:
    """The layer itself, without the shell of its adapters."""
    return layer.get_base_layer() if hasattr(layer, "get_base_layer") else layer


def _quantised(model: Any) -> list[Any]:
    from bitsandbytes.nn import Linear4bit

    layers = [layer for layer in model.modules() if isinstance(layer, Linear4bit)]
    return [layer for layer in layers if layer.weight.quant_state is not None and not is_packed(layer)]


def _adapted_layers(model: Any) -> list[Any]:
    from peft.tuners.lora import LoraLayer

    return [layer for layer in model.modules() if isinstance(layer, LoraLayer) and is_plain(layer)]
