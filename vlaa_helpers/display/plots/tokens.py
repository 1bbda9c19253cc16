"""Text token by token, coloured by what a token counts for."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import numpy as np

from .style import ARM_COLOURS

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_loss_mask(tokens: Sequence[str], in_loss: Sequence[bool], *, title: str, columns: int = 110) -> "Figure":
    """A tokenised sample, token by token; those that the loss sees are coloured. A run of equal tokens is drawn once.

    Args:
        tokens: as text.
        in_loss: for each token, whether its label counts.
        columns: characters a line.
    """
    runs: list[list] = []
    for token, counts in zip(tokens, in_loss, strict=True):
        if runs and runs[-1][:2] == [token, counts]:
            runs[-1][2] += 1
        else:
            runs.append([token, counts, 1])
    texts = [(token + (f" ×{times}" if times > 1 else ""), counts) for token, counts, times in runs]
    return _draw_tokens([("", texts)], lambda counts: ARM_COLOURS["SFT"] if counts else "#e6e6e6", title, columns)


def plot_tokens(
    responses: Mapping[str, Sequence[tuple[str, float]]], *, title: str, columns: int = 110, scale: float | None = None
) -> "Figure":
    """Responses token by token, blue where a token's value is above zero and red where it is below.

    Args:
        responses: by the words that stand over each; its tokens as text, each with a value.
        title: the message, as a sentence.
        columns: characters a line.
        scale: the value, up or down, of the strongest colour; the largest there is by default.
    """
    values = np.abs([value for tokens in responses.values() for _, value in tokens])
    most = scale or max(values.max(initial=0.0), 1e-12)
    shades = plt.get_cmap("RdBu")
    return _draw_tokens(
        list(responses.items()), lambda value: shades(0.5 + 0.35 * np.clip(value / most, -1, 1)), title, columns
    )


def _draw_tokens(blocks: Sequence[tuple[str, Sequence[tuple]]], colour_of: Any, title: str, columns: int) -> "Figure":
    """Blocks of (token, value) under a line of words each, wrapped at `columns` characters."""
    line, drawn = 0, []
    for words, tokens in blocks:
        if words:
            drawn.append((0, line, words, None))
            line += 1
        column = 0
        for token, value in tokens:
            text = token.replace("\n", "⏎")
            if column + len(text) > columns:
                line, column = line + 1, 0
            drawn.append((column, line, text, value))
            column += len(text) + 0.5
            if token.endswith("\n"):
                line, column = line + 1, 0
        line += 1.4 if column else 0.4
    last = max(line for _, line, *_ in drawn)
    width = 0.6 * 8 / 72  # inches: a monospaced character of 8 points
    figure, axes = plt.subplots(figsize=(columns * width + 0.2, 0.24 * (last + 1) + 0.5), layout="constrained")
    for column, line, text, value in drawn:
        if value is None:
            axes.text(column, -line, text, fontsize=8, weight="bold", va="center", parse_math=False)
            continue
        box = {"boxstyle": "square,pad=0.12", "facecolor": colour_of(value), "edgecolor": "none"}
        axes.text(column, -line, text, fontsize=8, family="monospace", va="center", bbox=box, parse_math=False)
    axes.set(xlim=(0, columns), ylim=(-last - 0.7, 0.7), title=title)
    axes.axis("off")
    return figure
