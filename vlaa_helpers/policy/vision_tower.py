"""The frozen vision tower of a policy: in float32 where the rest is in float16, and its features looked at.

In float16 the tower of Qwen2.5-VL overflows on some images: values above 65,504 become infinite, then not a number
(vllm-project/vllm#13968; a checkerboard of 56 pixels is enough, ollama/ollama#18070). GPUs without bfloat16, a T4 among
them, compute in float16, so there the tower has float32 weights and runs outside autocast, which would otherwise turn
its products back into float16. For Qwen2.5-VL-3B that takes 1.3 GB more than float16.
"""

import hashlib
import logging
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from functools import update_wrapper
from typing import Any

import torch
from peft.tuners.tuners_utils import BaseTunerLayer
from torch import Tensor

from ..core.help_page import help_at
from .decode_stack import MODEL_TYPES, whole_model

logger = logging.getLogger(__name__)


NOT_FINITE = '"features are not finite"'


class ImageFeaturesError(ValueError):
    """The vision tower gave features of an image that are not finite.

    Attributes:
        digest: of the image's pixel values, which finds the image again (`naming_images`).
    """

    def __init__(self, message: str, digest: str):
        super().__init__(message)
        self.digest = digest


def guard_tower(model: Any) -> Any:
    """Let the vision tower of a Qwen-VL run in float32 where the model is in float16, and refuse features that are not
    finite.

    Models of other types are left as they are. The model is changed in place and given back. Calling it again changes
    nothing.
    """
    whole = whole_model(model)
    if whole.config.model_type in MODEL_TYPES and guard_of(model) is None:
        if whole.model.visual.dtype == torch.float16:
            whole.model.visual.float()
        whole.model.get_image_features = GuardedTower(whole.model)
    return model


def guard_of(model: Any) -> "GuardedTower | None":
    """What `guard_tower` put on a model; None where there is none."""
    inner = getattr(whole_model(model), "model", None)
    return getattr(inner, "__dict__", {}).get("get_image_features")


class GuardedTower:
    """Stands in for `get_image_features` of a Qwen-VL (`guard_tower`)."""

    def __init__(self, inner: Any):
        self.inner, self.plain, self.cache = inner, inner.get_image_features, None
        update_wrapper(self, self.plain)

    def __call__(self, pixel_values: Tensor, image_grid_thw: Tensor, **settings: Any) -> Any:
        """As the model's own: `pooler_output` has a tensor an image, shape (image tokens, width), in the type of the
        text embeddings.

        Args:
            pixel_values: patches of all images, shape (patches, values).
            image_grid_thw: patches of each image in time, height and width, shape (images, 3).

        Raises:
            ImageFeaturesError: features that are not finite.
        """
        frozen = not any(parameter.requires_grad for parameter in self.inner.visual.parameters())
        with torch.no_grad() if frozen else nullcontext():
            if self.cache is None or not frozen:
                return self._checked(pixel_values, image_grid_thw, **settings)
            return self.cache.look_up(self._checked, pixel_values, image_grid_thw, **settings)

    def _checked(self, pixel_values: Tensor, image_grid_thw: Tensor, **settings: Any) -> Any:
        kind = pixel_values.device.type
        halves = torch.is_autocast_enabled(kind) and torch.get_autocast_dtype(kind) == torch.float16
        with torch.autocast(kind, enabled=False) if halves else nullcontext():  # a tower in float32 stays there
            output = self.plain(pixel_values, image_grid_thw, **settings)
        dtype = self.inner.get_input_embeddings().weight.dtype
        layers = [tuple(features.to(dtype) for features in images) for images in _layers(output)]
        sums = torch.stack([features.sum(dtype=torch.float32) for images in layers for features in images])
        if not sums.isfinite().all():
            self._refuse(layers, pixel_values, image_grid_thw)
        return _with(output, layers)

    def _refuse(self, layers: list[tuple[Tensor, ...]], pixel_values: Tensor, image_grid_thw: Tensor) -> None:
        sizes = image_grid_thw.prod(-1).tolist()
        patch = self.inner.visual.config.patch_size
        images = zip(zip(*layers, strict=True), pixel_values.split(sizes), strict=True)
        for place, (parts, pixels) in enumerate(images, start=1):
            features = torch.cat(parts)  # (image tokens of all layers, width)
            lost = int((~features.isfinite()).sum())
            if lost:
                height, width = (int(side) * patch for side in image_grid_thw[place - 1, 1:])
                seen = "" if pixels.isfinite().all() else "; its pixel values are not finite already"
                raise ImageFeaturesError(
                    f"image {place} of {len(sizes)} in the batch ({width} × {height} pixels): {lost:,} of "
                    f"{features.numel():,} features are not finite in {str(features.dtype).removeprefix('torch.')}"
                    f"{seen}; expected all to be. Leave the image out, or load the policy with "
                    f'profile.replace(dtype="float32"). More: {help_at(NOT_FINITE)}',
                    digest_of_pixels(pixels),
                )


def digest_of_pixels(pixels: Tensor) -> str:
    """A short name for the pixel values of one image, shape (patches, values)."""
    return hashlib.blake2b(pixels.detach().float().cpu().numpy().tobytes(), digest_size=16).hexdigest()


@contextmanager
def naming_images(processor: Any, images: Callable[[], Iterable[tuple[str, Any]]]) -> Iterator[None]:
    """Put the name of an image into an `ImageFeaturesError`, whoever computes in here.

    Args:
        processor: what made pixel values of the images.
        images: gives (name, image or None) of all that may be shown; asked in case of an error only.
    """
    try:
        yield
    except ImageFeaturesError as error:
        for name, image in images():
            if image is None:
                continue
            fields = processor.image_processor(images=[image.convert("RGB")], return_tensors="pt")
            if digest_of_pixels(fields["pixel_values"]) == error.digest:
                raise ImageFeaturesError(f"record {name}: {error}", error.digest) from None
        raise


# ---- a cache ----


@contextmanager
def image_cache(model: Any, gib: float) -> Iterator["ImageCache | None"]:
    """Keep the features of images while in here: a frozen tower gives the same ones each time.

    GRPO shows an image to the tower when it samples, for the log-probabilities of the reference and of the old policy
    and in the loss, and again in each later pass over the records. Each image goes through the tower by itself, so that
    its features do not depend on which others are in its batch.

    Args:
        model: guarded, as `load_policy` gives it. Else nothing is kept, and nothing of a tower that has adapters: those
            can be switched off, as the reference of GRPO does, and then the features are others.
        gib: of host memory for features, those unused for the longest are dropped; 0 keeps nothing. An image of 262,144
            pixels takes 1.4 MB in Qwen2.5-VL-3B and 16 bits.

    Raises:
        ValueError: `gib` is below 0.
    """
    if gib < 0:
        raise ValueError(f"image_cache_gib={gib}; expected 0, which keeps nothing, or more")
    guard = guard_of(model) if gib else None
    if gib and (reason := _uncacheable_reason(guard)):
        logger.warning(f"image_cache_gib={gib:g}: no features are kept, because the vision tower {reason}")
        guard = None
    if guard is None:
        yield None
        return
    guard.cache = ImageCache(int(gib * 2**30))
    try:
        yield guard.cache
    finally:
        guard.cache = None


def _uncacheable_reason(guard: GuardedTower | None) -> str | None:
    if guard is None:
        return "was not loaded by load_policy"
    if any(isinstance(part, BaseTunerLayer) for part in guard.inner.visual.modules()):
        return "has adapters"
    return None


class ImageCache:
    """Features by the digest of an image's pixel values, in host memory.

    Attributes:
        hits, misses: images that were found, and that went through the tower.
        bytes: that are held now.
    """

    def __init__(self, limit: int):
        self.limit, self.bytes, self.hits, self.misses = limit, 0, 0, 0
        self._held: OrderedDict[str, Any] = OrderedDict()

    def look_up(self, compute: Callable, pixel_values: Tensor, image_grid_thw: Tensor, **settings: Any) -> Any:
        """What `compute` gives for these images, from the cache where they were seen before."""
        found = []
        sizes = image_grid_thw.prod(-1).tolist()
        for pixels, grid in zip(pixel_values.split(sizes), image_grid_thw, strict=True):
            key = f"{digest_of_pixels(pixels)} {tuple(grid.tolist())}"
            if key in self._held:
                self.hits += 1
                self._held.move_to_end(key)
            else:
                self.misses += 1
                self._keep(key, compute(pixels, grid[None], **settings))
            found.append(_moved(self._held[key], pixel_values.device))
            self._trim()
        return _joined(found)

    def _keep(self, key: str, output: Any) -> None:
        self._held[key] = _moved(output, "cpu")
        self.bytes += _size(output)

    def _trim(self) -> None:
        while self.bytes > self.limit:
            self.bytes -= _size(self._held.popitem(last=False)[1])


def _layers(output: Any) -> list[tuple[Tensor, ...]]:
    """Features of each image: those that stand for its tokens, and with Qwen3-VL those added in deeper layers."""
    return [output.pooler_output, *(getattr(output, "deepstack_features", None) or ())]


def _size(output: Any) -> int:
    return sum(part.nbytes for parts in _layers(output) for part in parts)


def _moved(output: Any, device: Any) -> Any:
    return _with(output, [tuple(part.to(device) for part in parts) for parts in _layers(output)])


def _joined(outputs: list[Any]) -> Any:
    parts = zip(*map(_layers, outputs), strict=True)
    return _with(outputs[0], [tuple(part for parts in images for part in parts) for images in parts])


def _with(output: Any, layers: list[tuple[Tensor, ...]]) -> Any:
    """The same with these features, and without the last hidden state, which is large and read by no model."""
    deep = {"deepstack_features": layers[1:]} if getattr(output, "deepstack_features", None) else {}
    return type(output)(pooler_output=layers[0], **deep)
