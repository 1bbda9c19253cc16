"""The kinds of mini-world image, a file each: what is in it, how it is drawn, asked, told, answered, read and checked.

Each kind mirrors one source of VLAA-Thinking (arXiv 2504.11468, Table 1). Images are 112 x 112 pixels, which Qwen2.5-VL
reads as 4 x 4 visual tokens of 28 pixels, and what must be read is aligned with those tokens: a model of a few million
parameters can then learn to see.

`KINDS` has them by name. To add one, derive a class from `Kind` (or from `ThingsKind`, where an image shows coloured
shapes) and call `register_kind` on an instance; `with_options` and `pick_option` serve multiple choice.
"""

from .base import Ask, Kind
from .options import numbers_near, pick_option, with_options
from .readers import Statement
from .registry import KINDS, SOURCES, get_kind, kind_of_description, register_kind
from .things import ThingsKind, in_group
from .words import COLOURS, PLACES, SHAPES, name_of, several

__all__ = [
    "COLOURS", "KINDS", "PLACES", "SHAPES", "SOURCES", "Ask", "Kind", "Statement", "ThingsKind", "get_kind",
    "in_group", "kind_of_description", "name_of", "numbers_near", "pick_option", "register_kind", "several",
    "with_options",
]  # fmt: skip
