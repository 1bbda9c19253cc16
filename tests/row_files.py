"""Rows and images that the tests of records, images and views write to files with the `write_rows` fixture."""

import io
import struct
import zlib

import numpy as np
from PIL import Image

SFT_TEXT = "<think>one and two</think>\n<answer>3</answer>"
ROW = {"id": "r-1", "question": "How many?", "gt": "3", "verifier_type": "digit"}


def encoded(form="PNG", size=(8, 6), mode="RGB", seed=0):
    buffer = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 255, (size[1], size[0], len(mode)), dtype=np.uint8)
    Image.fromarray(pixels).save(buffer, form)
    return buffer.getvalue()


def encoded_png(width: int, height: int, rows: bytes, *, depth: int = 8) -> bytes:
    """A PNG in RGB with these bytes as its rows, each with a filter byte before it; they need not fit its size."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def cmyk_profile() -> bytes:
    """The smallest colour profile of CMYK (ICC.1, lut8Type): no ink is white, all of it black, any other green."""
    ramp = bytes(range(256))
    lut = b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + struct.pack(">9i", *(65536 * (k % 4 == 0) for k in range(9)))
    lut += ramp * 4 + bytes([255, 128, 128, *[128, 78, 178] * 14, 0, 128, 128]) + ramp * 3  # L*, a*, b*
    head = struct.pack(">I4sI4s4s4s", 0, b"none", 0x02400000, b"prtr", b"CMYK", b"Lab ") + bytes(12) + b"acsp"
    head += bytes(28) + struct.pack(">3i", 0xF6D6, 0x10000, 0xD32D)
    body = head.ljust(128, b"\0") + struct.pack(">I4sII", 1, b"A2B0", 144, len(lut)) + lut
    return struct.pack(">I", len(body)) + body[4:]
