"""What adapters add to the weights of a model, coordinate by coordinate, and how much of it can be done without.

A LoRA adapter moves the weight of a layer by the product of its two halves, scaled. One product may be had from many
pairs of halves, so what a training moved is measured on products: their coordinates are those of the layer's weight.
"""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from .adapter_checks import check_adapter_files

if TYPE_CHECKING:
    from torch import Tensor

PREFIX = "base_model.model."
"""Of names in a saved adapter and in a `PeftModel`, before the layer's own."""
DOWN, UP = "lora_A", "lora_B"


def adapter_updates(
    adapter: str | Path | Any, *, start: str | Path | Any | None = None
) -> "Iterator[tuple[str, Tensor]]":
    """What an adapter adds to each layer's weight, a layer at a time: its name, and a tensor of shape (out, in).

    Args:
        adapter: the folder of a saved LoRA adapter, or a policy from `load_policy`.
        start: an adapter that the training began with; then it is what was added since.

    Raises:
        FileNotFoundError: no adapter in a folder.
        ValueError: adapters that are no plain LoRA, or of different layers.
    """
    halves, scale = _halves(adapter)
    began, began_scale = ({}, 0.0) if start is None else _halves(start)
    if start is not None and began.keys() != halves.keys():
        odd = sorted(began.keys() ^ halves.keys())[0]
        raise ValueError(f"only one of the two adapters is on {odd}; expected adapters on the same layers")
    for name, (down, up) in halves.items():
        product = scale * (up @ down)  # (out, in)
        if began:
            down, up = began[name]
            product -= began_scale * (up @ down)
        yield name, product


def drop_updates(
    adapter: str | Path | Any,
    share: float,
    *,
    start: str | Path | Any | None = None,
    which: Literal["smallest", "random"] = "smallest",
    seed: int = 0,
) -> "dict[str, Tensor]":
    """What an adapter adds to each layer's weight, with a share of the coordinates of each layer set to 0.

    How redundant an update is shows in the accuracy that is left (MIFO, arXiv 2510.04454, which drops at random; that
    a share is of each layer, and that what is kept is not scaled up, are ours). `apply_updates` puts it on a model.

    Args:
        adapter: the folder of a saved LoRA adapter, or a policy.
        share: of coordinates, 0-1, rounded to a whole number of them.
        start: the adapter that the training began with. What was added since is thinned out, and what `start` adds
            stays whole.
        which: "smallest" drops the coordinates that moved least, "random" any.
        seed: of the random choice.

    Returns:
        By layer a tensor of shape (out, in), as large as all adapted layers together.

    Raises:
        FileNotFoundError: no adapter in a folder.
        ValueError: a share out of range, an unknown `which`, adapters that are no plain LoRA, or of different layers.
    """
    import torch

    if not 0 <= share <= 1:
        raise ValueError(f"share is 0 to 1 of a layer's coordinates, got {share}")
    if which not in ("smallest", "random"):
        raise ValueError(f'which={which!r}: expected "smallest" or "random"')
    rng = torch.Generator().manual_seed(seed)
    whole = dict(adapter_updates(start)) if start is not None else {}
    found = {}
    for name, update in adapter_updates(adapter, start=start):
        flat = update.flatten()
        order = flat.abs().argsort(stable=True) if which == "smallest" else torch.randperm(len(flat), generator=rng)
        flat[order[: round(share * len(flat))]] = 0
        update = flat.view_as(update)
        found[name] = whole[name] + update if whole else update
    return found


@contextmanager
def apply_updates(model: Any, updates: "Mapping[str, Tensor]") -> Iterator[None]:
    """Add updates to the weights of a policy's layers for the time of a `with` block, and take them off to the bit.

    Args:
        model: a policy from `load_policy` with `profile.replace(load_in_4bit=False, dtype="float32")`; its own adapter
            stays, and a fresh one adds nothing.
        updates: by layer, as `drop_updates` gives them.

    Raises:
        ValueError: no such layer, a weight of another shape, or one in 4 or 16 bits, where small updates would be
            rounded away: an adapter computes beside the weight, and keeps them.
    """
    import torch

    weights = {name: _weight_of(model, name, update) for name, update in updates.items()}
    before = {name: weight.detach().clone() for name, weight in weights.items()}
    try:
        with torch.no_grad():
            for name, weight in weights.items():
                weight += updates[name].to(weight.device, weight.dtype)
        yield
    finally:
        with torch.no_grad():
            for name, weight in weights.items():
                weight.copy_(before[name])


def _weight_of(model: Any, name: str, update: "Tensor") -> Any:
    try:
        weight = model.get_parameter(f"{PREFIX}{name}.base_layer.weight")
    except AttributeError:
        raise ValueError(f"the model has no adapted layer {name}; load the adapter's own base: load_policy") from None
    kind = str(weight.dtype).removeprefix("torch.")
    kind = "4 bits" if getattr(weight, "quant_state", None) is not None else kind
    if kind not in ("float32", "float64"):
        raise ValueError(
            f"{name} is stored in {kind}, where small updates are rounded away; load it in full: "
            "load_policy(profile.replace(load_in_4bit=False, dtype='float32'))"
        )
    if weight.shape != update.shape:
        raise ValueError(f"{name} has a weight of shape {tuple(weight.shape)}, its update one of {tuple(update.shape)}")
    return weight


def _halves(adapter: str | Path | Any) -> "tuple[dict[str, tuple[Tensor, Tensor]], float]":
    """By layer `lora_A`, shape (rank, in), and `lora_B`, shape (out, rank), in float32 on the CPU; and their scale."""
    from peft import LoraConfig, PeftConfig, PeftModel, get_peft_model_state_dict
    from peft.utils import load_peft_weights

    if isinstance(adapter, PeftModel):
        config: Any = adapter.peft_config["default"]
        weights = get_peft_model_state_dict(adapter, save_embedding_layers=False)
    else:
        check_adapter_files(adapter)
        config = PeftConfig.from_pretrained(str(adapter))
        weights = load_peft_weights(str(adapter), device="cpu")
    special = [name for name in ("use_dora", "rank_pattern", "alpha_pattern") if getattr(config, name, None)]
    odd = [name for name in weights if not name.endswith((f".{DOWN}.weight", f".{UP}.weight"))]
    if not isinstance(config, LoraConfig) or special or odd:
        what = ", ".join([*special, *odd[:1]]) or str(config.peft_type)
        raise ValueError(f"the adapter has {what}; expected plain LoRA on linear layers, as load_policy attaches it")
    scale = config.lora_alpha / (math.sqrt(config.r) if config.use_rslora else config.r)
    layers = [name.removesuffix(f".{DOWN}.weight") for name in weights if name.endswith(f".{DOWN}.weight")]
    halves = {
        layer.removeprefix(PREFIX): tuple(
            weights[f"{layer}.{half}.weight"].detach().float().cpu() for half in (DOWN, UP)
        )
        for layer in layers
    }
    return halves, scale
