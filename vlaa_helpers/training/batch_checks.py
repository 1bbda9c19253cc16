"""Checks that images and the tokens that stand for them agree, before a training run finds out at step 2,000."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datasets import Dataset


def check_batch(
    inputs: Mapping, examples: Sequence[Mapping], processor: Any, *, names: Sequence[str] | None = None
) -> list[int]:
    """Compare, sample by sample, the image tokens in `input_ids` with what `image_grid_thw` asks for.

    Args:
        inputs: what a collator or processor made: `input_ids` of shape (samples, tokens), and `image_grid_thw` of shape
            (images, 3) when there are any: patches in time, height and width of each image, in order.
        examples: the same samples before that, each with its list of `images`.
        processor: of the model.
        names: of the samples, for the message; by default their places in the batch.

    Returns:
        Image tokens of each sample.

    Raises:
        ValueError: the first sample where the two differ, with both numbers. The model would stop there with "Image
            features and image tokens do not match", or give one sample another's image.
    """
    names = names or [f"sample {k}" for k in range(len(examples))]
    counts = [len(example.get("images") or []) for example in examples]
    grids = inputs.get("image_grid_thw")
    grids = [] if grids is None else grids.tolist()
    if len(grids) != sum(counts):
        raise ValueError(f"the batch holds {len(grids)} images and its samples bring {sum(counts)}")
    area = processor.image_processor.merge_size**2
    found = (inputs["input_ids"] == processor.image_token_id).sum(dim=1).tolist()
    for name, count, tokens in zip(names, counts, found, strict=True):
        mine, grids = grids[:count], grids[count:]
        expected = sum(time * height * width // area for time, height, width in mine)
        if tokens != expected:
            raise ValueError(
                f"{name}: {tokens} image tokens in its text, and its {count} images ask for {expected}. A limit on "
                f"length cut the prompt (set max_length=None, or lower profile.max_pixels), or the text itself holds "
                f"{processor.image_token!r}"
            )
    return found


def longest(records: "Dataset", n: int) -> list[int]:
    """Places of the `n` records with the longest text, those with an image first."""
    import numpy as np
    import pyarrow.compute as pc

    table = records.select_columns(["image", "question", "reasoning", "response"]).with_format("arrow")[:]
    length = sum(
        pc.utf8_length(pc.fill_null(table[name], "")).to_numpy() for name in ("question", "reasoning", "response")
    )
    has_image = pc.is_valid(table["image"]).to_numpy(zero_copy_only=False)
    return np.lexsort((-length, ~has_image))[:n].tolist()
