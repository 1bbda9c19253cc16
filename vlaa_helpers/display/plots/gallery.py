"""Images of records, each with the words that belong to it."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt

from ...core.images import decode_image

if TYPE_CHECKING:
    from datasets import Dataset
    from matplotlib.figure import Figure


def show_records(records: "Dataset", *, columns: int = 3) -> "Figure":
    """The images of some records, each with its question and ground truth."""
    return _gallery(
        [(row["image"], f"{row['source']}\n{wrap(row['question'])}\n→ {row['gt']}") for row in records], columns
    )


def show_responses(
    records: "Dataset", responses: Sequence[str] | Mapping[str, Sequence[str]], *, columns: int = 3
) -> "Figure":
    """The images of some records, each with what a model said about it, or what several said, by arm."""
    arms = responses if isinstance(responses, Mapping) else {"": responses}
    said = [
        "\n\n".join(wrap(f"{arm}: {text}" if arm else text) for arm, text in zip(arms, texts, strict=True))
        for texts in zip(*arms.values(), strict=True)
    ]
    texts = [f"{wrap(row['question'])}\n\n{text}" for row, text in zip(records, said, strict=True)]
    return _gallery([(row["image"], text) for row, text in zip(records, texts, strict=True)], columns)


def _gallery(cells: list[tuple[Any, str]], columns: int) -> "Figure":
    rows = -(-len(cells) // columns)
    lines = max(text.count("\n") + 1 for _, text in cells)
    figure, panels = plt.subplots(
        rows, columns, figsize=(3.1 * columns, (2.1 + 0.15 * lines) * rows), squeeze=False, layout="constrained"
    )
    for axes in panels.flat:
        axes.axis("off")
    for axes, (image, text) in zip(panels.flat, cells, strict=False):
        if image is not None:
            axes.imshow(decode_image(image))
        axes.set_title(text, fontsize=8, loc="left", wrap=False, parse_math=False)  # $5 is no formula
    return figure


def wrap(text: str, width: int = 46) -> str:
    """Long lines broken between words; line breaks kept."""
    return "\n".join(part for line in text.splitlines() for part in textwrap.wrap(line, width) or [""])
