"""Images as records hold them: encoded bytes or a path, checked when read, decoded only when somebody looks."""

import base64
import hashlib
import io
import os
from collections.abc import Iterable, Mapping
from itertools import dropwhile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

_WEB_FORMATS = {b"\x89PNG": "png", b"\xff\xd8\xff": "jpeg", b"GIF8": "gif", b"RIFF": "webp"}


def decode_image(value: "Image.Image | bytes | Mapping | str | os.PathLike") -> "Image.Image":
    """An RGB image from any form an image takes here: PIL, encoded bytes, `{"bytes", "path"}`, or a path.

    Upright by its EXIF note, first frame of an animation, transparency dropped as the processors of Qwen-VL do.

    Raises:
        ValueError: None (a text-only record), or bytes that are no image.
        FileNotFoundError: a path that is not there.
    """
    from PIL import Image, ImageOps

    if isinstance(value, Mapping):
        value = value.get("bytes") or value.get("path")
    if value is None:
        raise ValueError("no image: a text-only record has None; test for it before decoding")
    if isinstance(value, Image.Image):
        return value.convert("RGB")
    is_bytes = isinstance(value, bytes | bytearray | memoryview)
    try:
        with Image.open(io.BytesIO(value) if is_bytes else value) as image:
            return ImageOps.exif_transpose(image).convert("RGB")
    except FileNotFoundError:
        raise
    except Exception as error:  # decoders raise nearly anything on broken bytes
        seen = f"{len(value)} bytes, first {bytes(value[:12])!r}" if is_bytes else str(value)
        raise ValueError(f"not an image that can be decoded: {seen} ({error})") from error


def image_hash(image: "Image.Image | bytes | Mapping | str | os.PathLike") -> str:
    """SHA-256 of what the image shows: its size and RGB pixels, so re-encoding without loss does not change it."""
    shown = decode_image(image)
    return hashlib.sha256(f"{shown.width}x{shown.height}:".encode() + shown.tobytes()).hexdigest()


def png_bytes(image: "Image.Image | bytes | Mapping | str | os.PathLike") -> bytes:
    """Any form of an image that `decode_image` takes, as PNG."""
    buffer = io.BytesIO()
    decode_image(image).save(buffer, "PNG")
    return buffer.getvalue()


def data_url(image: "Image.Image | bytes | Mapping | str | os.PathLike") -> str:
    """An image as a data URL; PNG, JPEG, GIF and WebP bytes as they are, anything else as PNG."""
    data = image.get("bytes") if isinstance(image, Mapping) else image
    known = (kind for start, kind in _WEB_FORMATS.items() if isinstance(data, bytes) and data.startswith(start))
    kind = next(known, None)
    if kind is None:
        kind, data = "png", png_bytes(image)
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def check_image(data: bytes) -> None:
    """Make sure that encoded bytes are one whole image, more cheaply than by decoding it.

    PNG has checksums; anything else is decoded, JPEG at an eighth of its size.

    Raises:
        ValueError: they are not; says how many bytes there are, the first of them, and what the decoder said.
    """
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data)) as image:
            if image.format == "PNG":
                image.verify()
            else:
                image.draft(None, (1, 1))
                image.load()
    except Exception as error:  # decoders raise nearly anything on broken bytes
        raise ValueError(f"{len(data)} bytes, first {data[:12]!r}; {error!s:.80}") from error


def image_path_parts(name: str) -> tuple[str, ...]:
    """Folders and file of an image path as a data set writes it.

    >>> image_path_parts("/clevr_math\\\\a.png")
    ('clevr_math', 'a.png')
    """
    return PurePosixPath(name.replace("\\", "/").lstrip("/")).parts


def image_roots(root: str | os.PathLike) -> list[Path]:
    """Where the image paths of a data set may start: `root`, or the folder "images" in it.

    Raises:
        FileNotFoundError: no such folder; says what there is beside it.
    """
    root = Path(root).expanduser()
    if not root.is_dir():
        raise FileNotFoundError(
            f'image_root {root}: no such folder. {nearby_words(root)} Pass the folder that holds "clevr_math", '
            '"arxivqa", and so on; or missing_images="keep" for the text alone.'
        )
    return [root, root / "images"]


def nearby_words(path: Path) -> str:
    """What there is where a path stops leading anywhere, for an error about it."""
    folder = next(folder for folder in (path, *path.absolute().parents) if folder.is_dir())
    names = sorted(entry.name + "/" * entry.is_dir() for entry in folder.iterdir())
    some = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    return f"{folder} holds {some or 'nothing'}."


def find_image(name: str, roots: Iterable[Path]) -> Path | None:
    """Where an image is, None when it is absent.

    Paths of the VLAA-Thinking release may start with a slash or carry an "images" level once too often. A path that is
    absolute and there is taken as it is.

    Raises:
        ValueError: a path that leaves the roots by "..", or none at all.
    """
    parts = image_path_parts(name)
    if ".." in parts or not parts:
        raise ValueError(f'{name!r}; expected a path below image_root. Remove the ".." from it.')
    shorter = tuple(dropwhile(lambda part: part == "images", parts))
    shortest = tuple(part for part in parts if part != "images")
    ways = dict.fromkeys(way for way in (parts, shorter, shortest) if way)
    candidates = [root.joinpath(*way) for root in roots for way in ways]
    if Path(name).is_absolute():
        candidates.append(Path(name))
    return next((path for path in candidates if os.path.isfile(path)), None)  # False, not an error, for odd names
