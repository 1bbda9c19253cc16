"""Pages to go through, each an image beside text, with a figure for where no widget runs: GitHub, a PDF, a page."""

import base64
import html
import io
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ..core.images import decode_image, png_bytes

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Slides:
    """Numbered pages: a notebook shows a widget with sliders, or else the first page as a figure.

    A subclass says what is on a page: `figure` and `image_and_html`. One that is not gone through page by page has
    `sliders` of its own.

    Args:
        count: pages there are.
        unit: what the slider calls a page.
        summary: words for where not even a figure can be shown.
    """

    def __init__(self, count: int, unit: str, summary: str):
        self.count, self.unit, self.summary = count, unit, summary

    def figure(self, number: int = 0) -> "Figure":
        """One page as a matplotlib figure."""
        raise NotImplementedError

    def image_and_html(self, number: int) -> tuple[Any, str]:
        """What the widget shows of a page: an image in any form, or None, and HTML whose texts are escaped."""
        raise NotImplementedError

    def sliders(self) -> tuple[Sequence[Any], Callable[[], int]]:
        """The sliders of the widget, and what tells the page that they stand at."""
        import ipywidgets

        slider = ipywidgets.IntSlider(max=self.count - 1, description=self.unit)
        return [slider], lambda: slider.value

    def widget(self) -> Any:
        """An ipywidgets box: the sliders above, the image and the text below."""
        import ipywidgets

        sliders, number = self.sliders()
        shown, text = ipywidgets.Image(width=224), ipywidgets.HTML()

        def show(_: object = None) -> None:
            image, words = self.image_and_html(number())
            shown.value = b"" if image is None else png_bytes(image)
            text.value = words

        for slider in sliders:
            slider.observe(show, names="value")
        show()
        above = sliders[0] if len(sliders) == 1 else ipywidgets.HBox(sliders)
        return ipywidgets.VBox([above, ipywidgets.HBox([shown, text])])

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict:
        return with_fallback(self.widget(), self.figure(), self.summary)


def with_fallback(widget: Any, figure: "Figure", words: str) -> dict[str, Any]:
    """The forms of one output: the widget where it can run, else the figure, else words."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=90)
    forms = {"text/plain": words, "image/png": base64.b64encode(buffer.getvalue()).decode()}
    view = {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}  # what ipywidgets 7 and 8 both display
    return {"application/vnd.jupyter.widget-view+json": view, **forms}


def page_figure(image: Any, height: float, *, text_width: float = 3) -> tuple["Figure", Any]:
    """A figure of 9.5 inches by `height` with an image (or None) on the left, and the empty axes on the right of it.

    Args:
        text_width: of the right axes, in widths of the left ones.
    """
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(
        1, 2, figsize=(9.5, height), width_ratios=(1, text_width), layout="constrained"
    )
    plt.close(figure)
    draw_image(left, image)
    right.axis("off")
    return figure, right


def draw_image(axes: Any, image: Any) -> None:
    """An image at the top of axes without a frame; nothing for None."""
    axes.axis("off")
    if image is not None:
        axes.imshow(decode_image(image))
        axes.set_anchor("N")


def text_html(text: str) -> str:
    """Text that keeps its line breaks, escaped."""
    return f"<pre style='white-space: pre-wrap'>{html.escape(text)}</pre>"
