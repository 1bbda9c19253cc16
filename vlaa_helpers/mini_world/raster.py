"""Pen work of the mini world: a tinted sheet, four shapes, small numbers. No fonts, so bytes depend on Pillow alone."""

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

SIZE = 112
PALETTE = {
    "red": (214, 39, 40),
    "green": (44, 150, 60),
    "blue": (36, 90, 200),
    "yellow": (240, 205, 30),
    "purple": (150, 60, 190),
    "orange": (250, 130, 20),
}

GLYPHS = {
    "0": "111101101101111",
    "1": "010110010010111",
    "2": "111001111100111",
    "3": "111001111001111",
    "4": "101101111001001",
    "5": "111100111001111",
    "6": "111100111101111",
    "7": "111001010010010",
    "8": "111101111101111",
    "9": "111101111001111",
    "x": "101101010101101",
}
"""3 x 5 pixel glyphs, row by row."""


def blank(tint: tuple[int, int, int]) -> "Image.Image":
    """A light sheet with a faint gradient (redder to the right, greener downwards), which helps a small vision tower to
    learn positions; `tint` (0-9 a channel) makes otherwise equal scenes distinct images."""
    import numpy as np
    from PIL import Image

    ramp = np.linspace(0, 24, SIZE, dtype=np.uint8)
    sheet = np.empty((SIZE, SIZE, 3), dtype=np.uint8)
    sheet[..., 0] = 216 + tint[0] + ramp[None, :]
    sheet[..., 1] = 216 + tint[1] + ramp[:, None]
    sheet[..., 2] = 228 + tint[2]
    return Image.fromarray(sheet)


def draw_shape(image: "Image.Image", shape: str, colour: str, box: tuple[int, int, int, int]) -> None:
    """Fill `shape` so that it touches all four sides of `box` (x1, y1, x2, y2 in pixels)."""
    from PIL import ImageDraw

    x1, y1, x2, y2 = box
    x2, y2 = x2 - 1, y2 - 1
    pen, fill, edge = ImageDraw.Draw(image), PALETTE[colour], (30, 30, 30)
    if shape == "circle":
        pen.ellipse((x1, y1, x2, y2), fill=fill, outline=edge)
    elif shape == "square":
        pen.rectangle((x1, y1, x2, y2), fill=fill, outline=edge)
    elif shape == "triangle":
        pen.polygon([((x1 + x2) // 2, y1), (x1, y2), (x2, y2)], fill=fill, outline=edge)
    elif shape == "star":
        pen.polygon(_star(x1, y1, x2, y2), fill=fill, outline=edge)
    else:
        raise ValueError(f"unknown shape {shape!r}; expected circle, square, triangle or star")


def _star(x1: int, y1: int, x2: int, y2: int) -> list[tuple[float, float]]:
    """A four-pointed star: tips in the middle of each side."""
    cx, cy, rx, ry = (x1 + x2) / 2, (y1 + y2) / 2, (x2 - x1) / 2, (y2 - y1) / 2
    return [
        (cx + rx * r * math.cos(k * math.pi / 4), cy + ry * r * math.sin(k * math.pi / 4))
        for k, r in enumerate((1, 0.42) * 4)
    ]


def draw_number(image: "Image.Image", text: str, centre: tuple[int, int]) -> None:
    """Write digits (or x) in block glyphs: three pixels a dot up to two characters, two pixels for three."""
    from PIL import ImageDraw

    dot = 3 if len(text) <= 2 else 2
    pen = ImageDraw.Draw(image)
    left, top = centre[0] - (4 * len(text) - 1) * dot // 2, centre[1] - 5 * dot // 2
    for place, character in enumerate(text):
        for k, bit in enumerate(GLYPHS[character]):
            if bit == "1":
                x, y = left + (4 * place + k % 3) * dot, top + (k // 3) * dot
                pen.rectangle((x, y, x + dot - 1, y + dot - 1), fill=(20, 20, 20))
