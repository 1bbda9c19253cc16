"""Checks that nothing of a batch was cut away: image tokens agree with images, and what is learned has its end.

Held before a training run finds out at step 2,000, or never: a completion without its end raises nothing.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datasets import Dataset


def check_batch(
    inputs: Mapping, examples: Sequence[Mapping], processor: Any, *, names: Sequence[str] | None = None
) -> list[int]:
    """Compare, sample by sample, the image tokens in `input_ids` with what `image_grid_thw` asks for; look for the end.

    Args:
        inputs: what a collator or processor made: `input_ids` of shape (samples, tokens), and `image_grid_thw` of shape
            (images, 3) when there are any: patches in time, height and width of each image, in order. `labels` of shape
            (samples, tokens), where there are any, hold the tokens that are learned, and -100 elsewhere.
        examples: the same samples before that, each with its list of `images`.
        processor: of the model.
        names: of the samples, for the message; by default their places in the batch.

    Returns:
        Image tokens of each sample.

    Raises:
        ValueError: the first sample where the two differ, with both numbers. The model would stop there with "Image
            features and image tokens do not match", or give one sample another's image. Or the first sample whose
            labels lack the end token: the model would learn from it not to stop, and no error would say so.
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
    if inputs.get("labels") is not None:
        _check_ends(inputs["labels"], processor.tokenizer, names)
    return found


def _check_ends(labels: Any, tokenizer: Any, names: Sequence[str]) -> None:
    ends = (labels == tokenizer.eos_token_id).any(dim=1).tolist()  # (samples, tokens) to (samples,)
    for name, has_end in zip(names, ends, strict=True):
        if not has_end:
            raise ValueError(
                f"{name}: its labels lack {tokenizer.eos_token!r}, with which a completion ends. A limit on length cut "
                "it (set max_length=None; TRL cuts at 1,024 tokens where nothing is said), or the chat template ends "
                "it with another token"
            )


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
