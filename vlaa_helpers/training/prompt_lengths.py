"""How long prompts are, image tokens included, and which are too long: TRL's GRPO cuts none.

Cutting would not do: a prompt that loses some of its image tokens no longer fits its image.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.images import open_image
from ..data.trl_views import to_grpo

if TYPE_CHECKING:
    import pandas as pd
    from datasets import Dataset

_BATCH_ROWS = 256


@dataclass(frozen=True, eq=False)
class PromptLengths:
    """The length of every prompt, those that were left out too.

    Attributes:
        tokens: of each record, in order, image tokens included.
        image_tokens: those that stand for its image; 0 without one.
        sources: of each record.
        limit: `max_prompt_length`; None is no limit.
    """

    tokens: np.ndarray
    image_tokens: np.ndarray
    sources: tuple[str, ...]
    limit: int | None

    @property
    def fits(self) -> np.ndarray:
        """For each record, whether it was kept."""
        return np.full(len(self.tokens), True) if self.limit is None else self.tokens <= self.limit

    @property
    def longest_kept(self) -> int:
        return int(self.tokens[self.fits].max(initial=0))

    @property
    def by_source(self) -> "pd.DataFrame":
        """A row a source and one for all: records, dropped, and the median and longest prompt in tokens."""
        import pandas as pd

        frame = pd.DataFrame({"source": self.sources, "tokens": self.tokens, "dropped": ~self.fits})
        parts = [*frame.groupby("source", sort=False), ("all", frame)]
        rows = {
            name: (len(part), part["dropped"].sum(), int(part["tokens"].median()), part["tokens"].max())
            for name, part in parts
            if len(part)
        }
        columns = ["records", "dropped", "median", "longest"]
        return pd.DataFrame.from_dict(rows, orient="index", columns=columns).astype(int)

    def __str__(self) -> str:
        table, longest = self.by_source, f"the longest kept has {self.longest_kept:,} tokens"
        if not len(self.tokens):
            return "no prompts"
        if self.limit is None:
            return f"{len(self.tokens):,} prompts, no limit; {longest}"
        dropped = table[table["dropped"] > 0].drop(index="all", errors="ignore")
        if not len(dropped):
            return f"none of {len(self.tokens):,} prompts is longer than {self.limit:,} tokens; {longest}"
        parts = ", ".join(f"{name} {row['dropped']:,} of {row['records']:,}" for name, row in dropped.iterrows())
        return (
            f"left out {(~self.fits).sum():,} of {len(self.tokens):,} prompts, longer than {self.limit:,} tokens "
            f"({parts}); {longest}"
        )


def drop_long_prompts(
    records: "Dataset", processor: Any, max_prompt_length: int | None
) -> tuple["Dataset", PromptLengths]:
    """Leave out records whose prompt, as the policy gets it, has more than `max_prompt_length` tokens.

    Image tokens are counted from the size of each image by the processor's own rule, without decoding it.

    Args:
        records: any, with images or without.
        processor: of the policy; its image processor says how far images are brought down.
        max_prompt_length: in tokens, image tokens included; None drops nothing.

    Returns:
        The records that fit, in order, and the lengths of all.

    Raises:
        ValueError: no prompt fits, or an image that cannot be read or is too narrow for the processor.
    """
    from tqdm.auto import tqdm

    prompts = to_grpo(records).select_columns(["prompt", "source", "id"])
    stored = records.select_columns(["image"]).with_format("arrow")
    count = _image_counter(processor)
    tokens: list[int] = []
    image_tokens: list[int] = []
    for first in tqdm(range(0, len(records), _BATCH_ROWS), unit="batch", leave=False, desc="prompt lengths"):
        places = range(first, min(first + _BATCH_ROWS, len(records)))
        rows = prompts[places.start : places.stop]
        images = stored[places.start : places.stop]["image"].to_pylist()
        found = [0 if image is None else count(image, name) for image, name in zip(images, rows["id"], strict=True)]
        texts = processor.apply_chat_template(rows["prompt"], tokenize=False, add_generation_prompt=True)
        lengths = map(len, processor.tokenizer(texts)["input_ids"])
        # the template writes one token for an image, which the processor then repeats
        tokens += [length - (here > 0) + here for length, here in zip(lengths, found, strict=True)]
        image_tokens += found
    sources = tuple(prompts["source"][:])
    lengths = PromptLengths(np.array(tokens, int), np.array(image_tokens, int), sources, max_prompt_length)
    kept = np.flatnonzero(lengths.fits)
    if len(records) and not len(kept):
        raise ValueError(
            f"no prompt has at most {max_prompt_length:,} tokens, the shortest has {lengths.tokens.min():,}; raise "
            "max_prompt_length, or bring images down further: profile.replace(max_pixels=…)"
        )
    return records if len(kept) == len(records) else records.select(kept), lengths


def _image_counter(processor: Any) -> Any:
    """A function of a stored image and its record's id: how many tokens the image takes in a prompt."""
    area = processor.image_processor.merge_size**2

    @cache
    def tokens(height: int, width: int) -> int:
        return processor.image_processor.get_number_of_image_patches(height, width) // area

    def count(image: Mapping, name: str) -> int:
        try:
            with open_image(image["path"] if image["bytes"] is None else image["bytes"]) as opened:
                width, height = opened.size  # one that an EXIF note turns on its side takes as many tokens
            return tokens(height, width)
        except Exception as error:  # openers raise nearly anything on broken bytes
            raise ValueError(f"the image of record {name} cannot be measured: {error!s:.200}") from error

    return count
