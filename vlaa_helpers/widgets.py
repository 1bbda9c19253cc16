"""Viewers to click through, each with a picture of itself for where no widget runs: GitHub, a PDF, a printed page."""

import base64
import html
import io
import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .images import decode_image

if TYPE_CHECKING:
    from datasets import Dataset
    from matplotlib.figure import Figure

    from .rewards import Score


class Viewer:
    """Pages to click through, each a picture with named texts; a notebook shows a widget, or else the first page.

    Args:
        pages: how many.
        page: number to (image or None, name to text).
    """

    def __init__(self, pages: int, page: Callable[[int], tuple[Any, dict[str, str]]]):
        if not pages:
            raise ValueError("nothing to view: no records")
        self.pages, self.page = pages, page

    def figure(self, number: int = 0) -> "Figure":
        """One page as a matplotlib figure: the picture, and the texts beside it."""
        import matplotlib.pyplot as plt

        from .plots import wrap

        image, parts = self.page(number)
        text = "\n\n".join(f"{name.upper()}\n{wrap(said, width=84)}" for name, said in parts.items())
        height = max(2.6, 0.155 * (text.count("\n") + 1))
        figure, (left, right) = plt.subplots(1, 2, figsize=(9.5, height), width_ratios=(1, 3), layout="constrained")
        plt.close(figure)
        for axes in (left, right):
            axes.axis("off")
        if image is not None:
            left.imshow(decode_image(image))
            left.set_anchor("N")
        right.text(0, 1, text, va="top", fontsize=8, family="monospace", transform=right.transAxes, parse_math=False)
        return figure

    def widget(self) -> Any:
        """An ipywidgets box: a slider over the pages, the picture, and the texts."""
        import ipywidgets

        slider = ipywidgets.IntSlider(max=self.pages - 1, description="page")
        picture, text = ipywidgets.Image(width=224), ipywidgets.HTML()

        def show(_: object = None) -> None:
            image, parts = self.page(slider.value)
            picture.value = b"" if image is None else _png(decode_image(image))
            text.value = "".join(
                f"<b>{html.escape(name)}</b><pre style='white-space: pre-wrap'>{html.escape(said)}</pre>"
                for name, said in parts.items()
            )

        slider.observe(show, names="value")
        show()
        return ipywidgets.VBox([slider, ipywidgets.HBox([picture, text])])

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict:
        return with_fallback(self.widget(), self.figure(), f"{self.pages} pages")


def view_records(records: "Dataset") -> Viewer:
    """A viewer of built records: the picture, the question, what each step of the pipeline wrote, and the verdict.

    Raises:
        ValueError: no records.
    """
    return Viewer(len(records), lambda number: (records[number]["image"], record_parts(records[number])))


def view_scores(records: "Dataset", responses: "Sequence[str]", scores: "Sequence[Score]") -> Viewer:
    """A viewer of scored responses: the picture, the question, the response, its reward and the reason.

    Raises:
        ValueError: no records, or not one response and one score for each.
    """
    if not len(records) == len(responses) == len(scores):
        raise ValueError(
            f"{len(records)} records, {len(responses)} responses and {len(scores)} scores; expected as many"
        )

    def page(number: int) -> tuple[Any, dict[str, str]]:
        row, score = records[number], scores[number]
        value = "left out" if score.value is None else f"{score.value:.2f}"
        parts = {
            "question": row["question"],
            "ground truth": f"{row['gt']}  ({row['verifier_type']})",
            "response": responses[number],
            "reward": f"{value}  {score.reason}",
        }
        return row["image"], parts

    return Viewer(len(records), page)


def record_parts(row: Mapping) -> dict[str, str]:
    """What there is to read in a record, in the order it came about: name to text."""
    notes = json.loads(row["meta"] or "{}").get("provenance", {})
    said = {step: note.get("text", "") for step, note in notes.items()}
    rewritten = said.get("rewrite", "")
    cues = notes.get("split", {}).get("cues", {}).get("substring", [])
    parts = {
        "question": row["question"],
        "ground truth": row["gt"],
        "caption": row["caption"],
        "trace": said.get("reason", "") or row["response"],
        "rewritten": rewritten if rewritten != said.get("reason") else "",
        "verdict": said.get("verify", ""),
        "cues": ", ".join(cues) or ("none" if notes.get("split") else ""),
    }
    return {name: text for name, text in parts.items() if text}


def with_fallback(widget: Any, figure: "Figure", words: str) -> dict[str, str]:
    """The forms of one output: the widget where it can run, else the figure, else words."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=90)
    forms = {"text/plain": words, "image/png": base64.b64encode(buffer.getvalue()).decode()}
    return {**widget._repr_mimebundle_(), **forms}


def _png(image: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()
