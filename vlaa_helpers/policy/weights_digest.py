"""A short name for the weights that a policy computes with, to tell whether two files were made by one policy."""

import hashlib
from typing import Any

SAMPLED = 64
"""Values of each tensor of the base, evenly spaced, that count; adapters count whole."""


def weights_digest(model: Any) -> str:
    """A digest of a policy's weights, 16 characters: the same for the same weights, loaded in the same precision.

    Adapters that are switched off or that add nothing do not count: a fresh policy has the digest of its base.
    """
    sha = hashlib.sha256()
    for name, weight in sorted(model.named_parameters()):
        if ".lora_" not in name:
            flat = weight.detach().flatten()
            _add(sha, name.removeprefix("base_model.model.").replace(".base_layer", ""), flat[:: _stride(flat)])
    for name, layer in sorted(model.named_modules()):
        if hasattr(layer, "lora_A") and not layer.disable_adapters:
            for adapter in layer.active_adapters:
                down, up = (half[adapter].weight.detach() for half in (layer.lora_A, layer.lora_B))
                if up.any() and layer.scaling[adapter]:
                    _add(sha, f"{name} {layer.scaling[adapter]}", down, up)
    return sha.hexdigest()[:16]


def _stride(flat: Any) -> int:
    return max(1, len(flat) // SAMPLED)


def _add(sha: Any, name: str, *tensors: Any) -> None:
    sha.update(name.encode())
    for tensor in tensors:
        sha.update(tensor.float().cpu().contiguous().numpy().tobytes())
