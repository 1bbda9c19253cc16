"""Checks of records' words against the tokens that a processor reads in them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .loading import image_token_ids

if TYPE_CHECKING:
    from datasets import Dataset


def check_texts(records: "Dataset", processor: Any, *, columns: Sequence[str] = ("question", "response")) -> None:
    """Refuse records whose words would be read as images or as other control tokens.

    Args:
        columns: the ones that the model is shown.

    Raises:
        ValueError: the first record with a special token of the processor in one of its columns.
        TypeError: a tokenizer in place of a processor.
    """
    import pyarrow.compute as pc

    image_ids = image_token_ids(processor)  # refuses a tokenizer
    tokenizer = processor.tokenizer
    for_images = tokenizer.convert_ids_to_tokens(image_ids)
    texts = records.select_columns(["id", *columns]).with_format("arrow")[:]
    for column in columns:
        for token in dict.fromkeys([*for_images, *tokenizer.all_special_tokens]):
            row = pc.index(pc.match_substring(texts[column], token), True).as_py()
            if row < 0:
                continue
            if token in for_images:
                why = "which stands for an image; take it out. An image belongs in the image column alone"
            else:
                why = "a control token of the model, such as ends a turn; take it out, or write it with a space in it"
            raise ValueError(f"record {texts['id'][row]}: its {column} holds {token!r}, {why}")
