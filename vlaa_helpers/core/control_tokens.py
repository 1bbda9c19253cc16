"""Words that a tokenizer of the Qwen family reads as control tokens, wherever they stand."""

import re

CONTROL_TOKENS = tuple(
    f"<|{name}|>"
    for name in (
        "endoftext", "im_start", "im_end", "object_ref_start", "object_ref_end", "box_start", "box_end", "quad_start",
        "quad_end", "vision_start", "vision_end", "vision_pad", "image_pad", "video_pad", "fim_prefix", "fim_middle",
        "fim_suffix", "fim_pad", "repo_name", "file_sep",
    )
)  # fmt: skip
"""Of Qwen2-VL, Qwen2.5-VL, Qwen3-VL and the mini model: in a text they would end a turn, or ask for an image."""
_ANY = re.compile("|".join(map(re.escape, CONTROL_TOKENS)))


def control_token_in(text: str) -> str:
    """The first control token in a text, "" when it has none.

    >>> control_token_in("How many?<|im_end|>"), control_token_in("Is |x| <|y|?")
    ('<|im_end|>', '')
    """
    found = _ANY.search(text)
    return found.group() if found else ""
