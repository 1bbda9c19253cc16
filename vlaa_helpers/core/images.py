"""Images as records hold them: encoded bytes or a path, checked when read, decoded only when somebody looks."""

import base64
import hashlib
import io
import os
from collections.abc import Iterable, Mapping
from itertools import dropwhile
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image, ImageFile

_WEB_FORMATS = {b"\x89PNG": "png", b"\xff\xd8\xff": "jpeg", b"GIF8": "gif", b"RIFF": "webp"}
IMAGE_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "AVIF")
"""What is read, as Pillow names it. Pillow reads some forty formats more, among them EPS, which is a program: it would
be run by Ghostscript."""
MAX_BYTES = 512 * 2**20
"""Of an image's file; `MAX_PIXELS` of four channels with 16 bits take as much without compression."""
MAX_RATIO = 200
"""Longer side to shorter side, at most: the processors of Qwen-VL raise an error on more, in the middle of a run."""
MAX_PIXELS = 64_000_000
"""Pixels of an image, at most; a larger one is refused from its header, before anything is decoded. RGB takes 3 bytes a
pixel, and a model sees 12,845,056 of them at the very most (Qwen2.5-VL's `max_pixels`)."""


def open_image(source: "bytes | str | os.PathLike | IO[bytes]") -> "ImageFile.ImageFile":
    """An image opened by its header, as yet not decoded: the one way to open what comes from outside.

    Raises:
        ValueError: none of `IMAGE_FORMATS`, whatever its name ends in.
        FileNotFoundError: a path that is not there.
    """
    from PIL import Image, UnidentifiedImageError

    file = io.BytesIO(source) if isinstance(source, bytes | bytearray | memoryview) else source
    try:
        return Image.open(file, formats=IMAGE_FORMATS)
    except UnidentifiedImageError:
        *others, last = IMAGE_FORMATS
        raise ValueError(
            f"not read as {', '.join(others)} or {last}; any other form, such as EPS or SVG, wants exporting as PNG"
        ) from None


def decode_image(value: "Image.Image | bytes | Mapping | str | os.PathLike") -> "Image.Image":
    """An RGB image from any form an image takes here: PIL, encoded bytes, `{"bytes", "path"}`, or a path.

    Upright by its EXIF note, first frame of an animation, transparency dropped as the processors of Qwen-VL do. Sixteen
    bits a channel become eight; CMYK is converted by its colour profile where it has one.

    Raises:
        ValueError: None (a text-only record), what is neither bytes nor a path, bytes that are no image, more than
            `MAX_PIXELS`, or 32-bit numbers, which have no agreed range.
        FileNotFoundError: a path that is not there.
    """
    from PIL import Image

    if isinstance(value, Mapping):
        encoded, path = value.get("bytes"), value.get("path")
        if not isinstance(encoded, bytes | bytearray | memoryview | None):
            raise ValueError(f"the image's bytes are {encoded!r:.60}; expected those of a PNG, JPEG or the like")
        value = encoded or path
    if value is None:
        raise ValueError("no image: a text-only record has None; test for it before decoding")
    if isinstance(value, Image.Image):
        return _as_rgb(value)
    is_bytes = isinstance(value, bytes | bytearray | memoryview)
    if not is_bytes and not isinstance(value, str | os.PathLike):
        raise ValueError(f"the image is {value!r:.60}; expected a PIL image, encoded bytes, or a path")
    try:
        with open_image(value) as image:
            _require_size(image)
            return _as_rgb(image)
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


def _as_rgb(image: "Image.Image") -> "Image.Image":
    """An opened image in RGB, upright: what `decode_image` makes of it.

    Raises:
        ValueError: 32-bit numbers, which have no agreed range.
    """
    from PIL import Image, ImageOps

    sixteen = image.mode.startswith("I;16") or (image.mode == "I" and image.format in ("PNG", "PPM"))
    if image.mode in ("I", "F") and not sixteen:
        raise ValueError(f"32-bit numbers (mode {image.mode}) have no agreed range; export it with 8 bits a channel")
    image = ImageOps.exif_transpose(image)
    if sixteen:  # Pillow would cut every value at 255, which leaves a white image
        import numpy as np

        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    elif image.mode == "CMYK" and image.info.get("icc_profile"):
        return _by_profile(image)
    return image.convert("RGB")


def _by_profile(image: "Image.Image") -> "Image.Image":
    """CMYK in the colours that its profile says; Pillow's own conversion takes no notice of it."""
    from PIL import ImageCms

    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
        return ImageCms.profileToProfile(image, profile, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError):  # a profile that is broken, or not one of CMYK
        return image.convert("RGB")


def _require_size(image: "Image.Image") -> None:
    if (pixels := image.width * image.height) > MAX_PIXELS:
        raise ValueError(f"{image.width} × {image.height} are {pixels:,} pixels; expected at most {MAX_PIXELS:,}")


def _require_shape(image: "Image.Image") -> None:
    if max(image.size) > MAX_RATIO * min(image.size):
        raise ValueError(
            f"{image.width} × {image.height}: one side is over {MAX_RATIO} times the other, which no processor takes"
        )


def check_image_header(file: "bytes | IO[bytes]") -> None:
    """Make sure, by its header alone, that an image is one that is read here, neither too large nor too narrow.

    Raises:
        ValueError: it is not; says why.
    """
    try:
        with open_image(file) as image:
            _require_size(image)
            _require_shape(image)
    except Exception as error:  # openers raise nearly anything on broken bytes
        raise ValueError(f"{error!s:.140}") from error


def read_image_file(path: Path) -> bytes:
    """The bytes of an image's file.

    Raises:
        OSError: it cannot be read.
        ValueError: more than `MAX_BYTES`, found before any of it is read.
    """
    if (size := path.stat().st_size) > MAX_BYTES:
        raise ValueError(f"{size:,} bytes; expected at most {MAX_BYTES:,}")
    return path.read_bytes()


def check_image(data: bytes) -> bool:
    """Make sure that encoded bytes are one whole image that `decode_image` and the processors of a policy take.

    JPEG is decoded at an eighth.

    Returns:
        Whether a plain `image.convert("RGB")`, as TRL and the processors do it, shows the image rightly. It does not
        where `_as_rgb` does more: 16 bits a channel, and CMYK.

    Raises:
        ValueError: they are not; says how many bytes there are, the first of them, and what the decoder said.
    """
    try:
        with open_image(data) as image:
            _require_size(image)
            _require_shape(image)
            plain = image.mode not in ("I", "CMYK") and not image.mode.startswith("I;16")
            if image.format == "PNG":
                image.verify()  # its checksums, which decoding does not look at
        with open_image(data) as image:
            image.draft(None, (1, 1))
            _as_rgb(image)
        return plain
    except Exception as error:  # decoders raise nearly anything on broken bytes
        raise ValueError(f"{len(data)} bytes, first {data[:12]!r}; {error!s:.140}") from error


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

    Paths of the VLAA-Thinking release may start with a slash or carry an "images" level once too often.

    Raises:
        ValueError: a path that leaves the roots, by "..", by a link or from the first, or none at all.
    """
    roots, parts = list(roots), image_path_parts(name)
    if ".." in parts or not parts:
        raise ValueError(f'{name!r}; expected a path below image_root. Remove the ".." from it.')
    shorter = tuple(dropwhile(lambda part: part == "images", parts))
    shortest = tuple(part for part in parts if part != "images")
    ways = dict.fromkeys(way for way in (parts, shorter, shortest) if way)
    below = (root.joinpath(*way) for root in roots for way in ways)
    absolute = [Path(name)] if Path(name).is_absolute() else []
    found = next((path for path in (*below, *absolute) if os.path.isfile(path)), None)  # False for odd names
    if found is not None:
        _require_below(found, roots)
    return found


def _require_below(path: Path, roots: list[Path]) -> None:
    """Refuse a path or link that leaves the roots: a data set must not reach files that are not its own.

    The hub's cache is made of links from its snapshots to its blobs: those are followed.
    """
    real = Path(os.path.realpath(path))
    for root in roots:
        home = Path(os.path.realpath(root))
        cache = [snapshots.with_name("blobs") for snapshots in (home, *home.parents) if snapshots.name == "snapshots"]
        if any(real.is_relative_to(folder) for folder in (home, *cache)):
            return
    seen = "is" if real == path else f"is a link to {real},"
    raise ValueError(
        f"{str(path)!r} {seen} outside of image_root {roots[0]}. Copy the images there, or pass the folder that really "
        "holds them as image_root."
    )
