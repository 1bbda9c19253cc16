"""The kinds there are: six that come with the package, and any that a notebook adds."""

import re

from .angles import Angles
from .base import Kind
from .blocks import Blocks
from .boxes import Boxes
from .charts import Charts
from .functions import Functions
from .stories import Stories

_OWN = (Blocks(), Angles(), Charts(), Functions(), Boxes(), Stories())
SOURCES = tuple(kind.name for kind in _OWN)
"""The six that come with the package, whatever else is registered."""
KINDS: dict[str, Kind] = {kind.name: kind for kind in _OWN}
"""Every kind by its name, in the order of registration; `del KINDS[name]` takes one of your own out again."""


def register_kind(kind: Kind) -> None:
    """Add a kind of your own to the mini world: from then on all of the package knows it.

    A cell that registers may be run again: a kind of your own takes the place of the one that had its name.

    Args:
        kind: an instance of a class derived from `Kind`, whose documentation says what it must give.

    Raises:
        TypeError: no instance of a `Kind`.
        ValueError: a name of the package's own kinds or one that cannot be part of an id, or an attribute is missing.

    >>> class FewBlocks(Blocks):
    ...     name = "few_blocks"
    ...     def sample(self, rng, difficulty, shifted):
    ...         facts = super().sample(rng, 0, shifted)
    ...         return {"objects": facts["objects"][:3]}
    >>> register_kind(FewBlocks())
    >>> get_kind("few_blocks").words({"objects": [{"colour": "red", "shape": "star"}]})
    'I see red star.'
    >>> del KINDS["few_blocks"]
    """
    if not isinstance(kind, Kind):
        example = f"{kind.__name__}()" if isinstance(kind, type) else "MyKind()"
        raise TypeError(f"register_kind takes an instance of a Kind, got {kind!r}; write register_kind({example})")
    missing = [name for name in ("name", "verifier_type", "statement") if not hasattr(kind, name)]
    if missing:
        raise ValueError(f"{type(kind).__name__} has no {' and no '.join(missing)}; set it in the class")
    if kind.name in SOURCES:
        raise ValueError(f"{kind.name!r} is a kind that comes with the package; give yours another name")
    if not re.fullmatch(r"\w+", kind.name):
        raise ValueError(f"a kind's name is one word of letters, digits and underscores, got {kind.name!r}")
    KINDS[kind.name] = kind


def get_kind(name: str) -> Kind:
    """The kind of this name.

    Raises:
        ValueError: there is none; says which there are.
    """
    if name not in KINDS:
        known = ", ".join(KINDS)
        raise ValueError(
            f"unknown mini-world source {name!r}; expected any of {known}. register_kind() adds one of your own."
        )
    return KINDS[name]


def kind_of_description(meta: dict) -> Kind:
    """The kind of the record that an open-ended question belongs to, from its `meta`.

    `meta` does not name its source. Stories are the package's only open-ended kind; one of your own writes its name
    into the task: `{"kind": …, "wanted": […], "source": "…"}`.
    """
    return get_kind(meta["task"].get("source", "stories"))
