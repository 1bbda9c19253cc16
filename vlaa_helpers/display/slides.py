"""Pages to go through, each an image beside text, with a figure for where no widget runs: GitHub, a PDF, a page."""

import base64
import html
import io
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..core.images import decode_image, png_bytes
from ..pseudo_reasoning.parsed_trace import facts_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Slides:
    """Numbered pages: a notebook shows a widget with sliders, or else the first page as a figure.

    A subclass says what is on a page: `figure` and `record_and_html`. One that is not gone through page by page has
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

    def record_and_html(self, number: int) -> tuple[Mapping, str]:
        """What the widget shows of a page: the record whose image it is, and HTML whose texts are escaped."""
        raise NotImplementedError

    def sliders(self) -> tuple[Sequence[Any], Callable[[], int]]:
        """The sliders of the widget, and what tells the page that they stand at."""
        import ipywidgets

        slider = ipywidgets.IntSlider(max=self.count - 1, description=self.unit)
        return [slider], lambda: slider.value

    def widget(self) -> Any:
        """An ipywidgets box: the sliders and their fields above, the image and the text below."""
        import ipywidgets

        sliders, number = self.sliders()
        shown, text = ipywidgets.HTML(), ipywidgets.HTML()

        def show(_: object = None) -> None:
            record, words = self.record_and_html(number())
            shown.value = picture_html(record)
            text.value = words

        for slider in sliders:
            slider.observe(show, names="value")
        show()
        return ipywidgets.VBox([control_row(sliders), ipywidgets.HBox([shown, text])])

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict:
        return with_fallback(self.widget(), self.figure(), self.summary)


def control_row(sliders: Sequence[Any]) -> Any:
    """Sliders and lists side by side, each slider behind a field for numbers that holds the same value.

    The handle of an ipywidgets slider has no name that a screen reader could say. A field for numbers has the slider's
    description as its name, and comes first. Arrow keys move either of them.
    """
    import ipywidgets

    parts: list[Any] = []
    for slider in sliders:
        if isinstance(slider, ipywidgets.IntSlider | ipywidgets.SelectionSlider):
            parts += [_field_of(slider), slider]
            slider.description, slider.readout, slider.layout.width = "", False, "200px"
        else:
            parts.append(slider)
    return ipywidgets.HBox(parts, layout=ipywidgets.Layout(flex_flow="row wrap"))


def _field_of(slider: Any) -> Any:
    """A field for numbers that moves a slider and is moved by it; it skips numbers that the slider does not have.

    Where a choice has but one number, neither can be moved.
    """
    import ipywidgets

    chosen = isinstance(slider, ipywidgets.SelectionSlider)
    low, high = (slider.options[0], slider.options[-1]) if chosen else (slider.min, slider.max)
    field = ipywidgets.BoundedIntText(slider.value, min=low, max=high, description=slider.description)
    field.layout.width = "170px"
    if not chosen:
        ipywidgets.link((slider, "max"), (field, "max"))
        ipywidgets.link((slider, "value"), (field, "value"))
        return field

    def follow(change: Mapping) -> None:
        up = change["new"] > slider.value
        beyond = [option for option in slider.options if (option >= field.value if up else option <= field.value)]
        slider.value = field.value = beyond[0 if up else -1]

    field.disabled = slider.disabled = low == high
    field.observe(follow, names="value")
    ipywidgets.dlink((slider, "value"), (field, "value"))
    return field


def picture_html(record: Mapping, width: int = 224) -> str:
    """The image of a record as HTML with an alternative text, "" where the record has none.

    Args:
        width: in pixels.
    """
    if record["image"] is None:
        return ""
    data = base64.b64encode(png_bytes(record["image"])).decode()
    words = html.escape(picture_words(record), quote=True)
    return f"<img src='data:image/png;base64,{data}' alt='{words}' width='{width}' style='max-width: none'>"


def picture_words(record: Mapping) -> str:
    """What a screen reader says in place of an image: the scene in words where its facts are known."""
    from ..mini_world.kinds import get_kind

    facts = facts_of(record)
    return "image of the question" if facts is None else get_kind(record["source"]).words(facts)


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
