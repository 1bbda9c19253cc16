"""What the template of a report lays out: table cells, intervals on a scale, images that travel inside the file."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..core.images import data_url

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from PIL import Image

IMAGE_SIDE = 336
"""Pixels of the longer side of an embedded image, at most."""
PNG_BYTES = 60_000
PAGE_INCHES = 9.0
"""A figure of this width takes the whole page; a narrower one less, so that letters are of one size."""


@dataclass(frozen=True)
class Bar:
    """A value and its interval as places on a line that runs from 3 to 97."""

    value: float
    low: float
    high: float
    colour: str


@dataclass(frozen=True)
class Cell:
    """One cell or heading of a table.

    Attributes:
        small: words below the text.
        kind: class of the cell in the style sheet, such as "up", "down" or "differs".
        chip: colour of the dot before the text, for the name of a run.
        bar: an interval below the words.
    """

    text: str
    small: str = ""
    kind: str = ""
    chip: str = ""
    bar: Bar | None = None


@dataclass(frozen=True)
class Table:
    """A table whose rows start with a heading.

    Attributes:
        last_is_all: sets the last row off as the sum of the others.
        kind: class of the table in the style sheet; "words" for cells that hold text and no numbers.
    """

    header: Sequence[str | Cell]
    rows: Sequence[Sequence[str | Cell]]
    last_is_all: bool = False
    kind: str = ""


@dataclass(frozen=True)
class EmbeddedFigure:
    """A figure inside the file: its data URL, the words that stand for it where it cannot be seen, its width in %."""

    source: str
    words: str
    width: float


def interval_bar(value: float, low: float, high: float, scale: tuple[float, float], colour: str) -> Bar:
    """Where a value and its interval stand on a line that runs over `scale`; what lies outside stands at its ends.

    >>> interval_bar(0.5, 0.25, 2.0, (0, 1), "#000000")
    Bar(value=50.0, low=26.5, high=97.0, colour='#000000')
    """
    first, last = scale
    span = (last - first) or 1.0
    return Bar(*(3 + 94 * min(1.0, max(0.0, (number - first) / span)) for number in (value, low, high)), colour)


def embed_figure(figure: "Figure", words: str) -> EmbeddedFigure:
    """A matplotlib figure as a PNG inside the file. The figure is closed."""
    import matplotlib.pyplot as plt

    width = min(100.0, 100 * figure.get_figwidth() / PAGE_INCHES)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=160)
    plt.close(figure)
    return EmbeddedFigure(data_url(buffer.getvalue()), words, width)


def embed_image(image: "Image.Image") -> str:
    """A data URL of an image, no larger than `IMAGE_SIDE`: a PNG, or a JPEG where that takes more than `PNG_BYTES`."""
    buffer, shown = io.BytesIO(), image.copy()
    shown.thumbnail((IMAGE_SIDE, IMAGE_SIDE))
    shown.save(buffer, "PNG", optimize=True)
    if buffer.tell() > PNG_BYTES:
        buffer = io.BytesIO()
        shown.save(buffer, "JPEG", quality=85)
    return data_url(buffer.getvalue())
