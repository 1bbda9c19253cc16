"""Viewers to click through, each with a picture of itself for where no widget runs: GitHub, a PDF, a printed page."""

import base64
import html
import io
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .images import decode_image

if TYPE_CHECKING:
    from datasets import Dataset
    from matplotlib.figure import Figure


class RecordViewer:
    """What `view_records` gives; a notebook shows it as a widget, or else as its first record's figure."""

    def __init__(self, records: "Dataset"):
        if not len(records):
            raise ValueError("no records to view")
        self.records = records

    def figure(self, index: int = 0) -> "Figure":
        """One record as a matplotlib figure: the picture, and beside it what each step wrote."""
        import matplotlib.pyplot as plt

        from .plots import wrap

        row = self.records[index]
        text = "\n\n".join(f"{name.upper()}\n{wrap(said, width=84)}" for name, said in record_parts(row).items())
        height = max(2.6, 0.155 * (text.count("\n") + 1))
        figure, (left, right) = plt.subplots(1, 2, figsize=(9.5, height), width_ratios=(1, 3), layout="constrained")
        plt.close(figure)
        for axes in (left, right):
            axes.axis("off")
        if row["image"] is not None:
            left.imshow(decode_image(row["image"]))
            left.set_anchor("N")
        right.text(0, 1, text, va="top", fontsize=8, family="monospace", transform=right.transAxes)
        return figure

    def widget(self) -> Any:
        """An ipywidgets box: a slider over the records, the picture, and what each step wrote."""
        import ipywidgets

        slider = ipywidgets.IntSlider(max=len(self.records) - 1, description="record")
        picture, text = ipywidgets.Image(width=224), ipywidgets.HTML()

        def show(_: object = None) -> None:
            row = self.records[slider.value]
            picture.value = b"" if row["image"] is None else _png(decode_image(row["image"]))
            text.value = "".join(
                f"<b>{html.escape(name)}</b><pre style='white-space: pre-wrap'>{html.escape(said)}</pre>"
                for name, said in record_parts(row).items()
            )

        slider.observe(show, names="value")
        show()
        return ipywidgets.VBox([slider, ipywidgets.HBox([picture, text])])

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict:
        return with_fallback(self.widget(), self.figure(), f"{len(self.records)} records")


def view_records(records: "Dataset") -> RecordViewer:
    """A viewer of built records: the picture, the question, what each step of the pipeline wrote, and the verdict.

    Raises:
        ValueError: no records.
    """
    return RecordViewer(records)


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
