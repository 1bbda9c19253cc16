"""Parts of a self-contained HTML page: escaped elements, tables, intervals as small images, embedded images."""

import base64
import html
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from PIL import Image

IMAGE_SIDE = 336
"""Pixels of the longer side of an embedded image, at most."""


PAGE_INCHES = 9.0
"""A figure of this width takes the whole page; a narrower one less, so that letters are of one size."""


class Html(str):
    """Text that is HTML already; any other string is escaped where it becomes part of an element."""


class Cell(Html):
    """A whole table cell, where one wants a class of its own."""


def cell(*children: object, class_: str | None = None) -> Cell:
    return Cell(element("td", *children, class_=class_))


def element(name: str, *children: object, **attributes: object) -> Html:
    """An element with children in order; an attribute of Python's own name ends in "_"; None leaves one out.

    >>> element("p", "1 < 2", element("b", "!"), class_="note")
    '<p class="note">1 &lt; 2<b>!</b></p>'
    """
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{html.escape(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    inner = "".join(child if isinstance(child, Html) else html.escape(str(child)) for child in children)
    return Html(f"<{name}{given}>" if name in ("img", "meta") else f"<{name}{given}>{inner}</{name}>")


def table(
    header: Sequence[object], rows: Sequence[Sequence[object]], *, last_is_all: bool = False, **kind: Any
) -> Html:
    """A table whose rows start with a heading; `last_is_all` sets the last row off as the sum of the others."""
    head = element("tr", *(element("th", name, scope="col") for name in header))
    body = []
    for place, (name, *values) in enumerate(rows):
        heading = element("th", name, scope="row")
        data = [value if isinstance(value, Cell) else cell(value) for value in values]
        body.append(element("tr", heading, *data, class_="all" if last_is_all and place == len(rows) - 1 else None))
    whole = element("table", element("thead", head), element("tbody", *body), **kind)
    return element("div", whole, class_="wide")


def interval_image(value: float, low: float, high: float, scale: tuple[float, float], colour: str) -> Html:
    """A value and its interval on a line that runs over `scale`, 100 x 12 units."""
    first, last = scale
    span = (last - first) or 1.0
    x, x1, x2 = (3 + 94 * min(1.0, max(0.0, (number - first) / span)) for number in (value, low, high))
    axis = element("line", x1=3, x2=97, y1=6, y2=6, stroke="#dfe3e8", stroke_width=1)
    bar = element("line", x1=f"{x1:.1f}", x2=f"{x2:.1f}", y1=6, y2=6, stroke=colour, stroke_width=3, opacity="0.45")
    dot = element("circle", cx=f"{x:.1f}", cy=6, r="2.6", fill=colour)
    return element("svg", axis, bar, dot, class_="range", viewBox="0 0 100 12", aria_hidden="true")


def figure_part(figure: "Figure", words: str) -> Html:
    """A matplotlib figure as an embedded PNG; `words` stand for it where it cannot be seen. The figure is closed."""
    import matplotlib.pyplot as plt

    width = min(100.0, 100 * figure.get_figwidth() / PAGE_INCHES)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=160)
    plt.close(figure)
    return element(
        "figure", element("img", src=_data_url(buffer.getvalue(), "png"), alt=words, style=f"width:{width:.0f}%")
    )


def image_part(image: "Image.Image", words: str) -> Html:
    """An image, no larger than `PICTURE_SIDE`: a PNG when it is small to begin with, else a JPEG."""
    small = max(image.size) <= IMAGE_SIDE
    buffer, small = io.BytesIO(), image.copy()
    small.thumbnail((IMAGE_SIDE, IMAGE_SIDE))
    if small:
        small.save(buffer, "PNG", optimize=True)
    if not small or buffer.tell() > 60_000:
        buffer = io.BytesIO()
        small.save(buffer, "JPEG", quality=85)
        small = False
    return element("img", src=_data_url(buffer.getvalue(), "png" if small else "jpeg"), alt=words)


def _data_url(data: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
