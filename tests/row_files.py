"""Rows and images that the tests of records, images and views write to files with the `write_rows` fixture."""

import io

import numpy as np
from PIL import Image

SFT_TEXT = "<think>one and two</think>\n<answer>3</answer>"
ROW = {"id": "r-1", "question": "How many?", "gt": "3", "verifier_type": "digit"}


def encoded(form="PNG", size=(8, 6), mode="RGB", seed=0):
    buffer = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 255, (size[1], size[0], len(mode)), dtype=np.uint8)
    Image.fromarray(pixels).save(buffer, form)
    return buffer.getvalue()
