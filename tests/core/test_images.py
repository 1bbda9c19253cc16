"""Images in every form they take: one decoding, one hash, and errors that say what the bytes are."""

import base64
import io
import os
import re
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from row_files import cmyk_profile, encoded, encoded_png

import vlaa_helpers
from vlaa_helpers.core.images import (
    IMAGE_FORMATS,
    MAX_BYTES,
    MAX_PIXELS,
    check_image,
    data_url,
    decode_image,
    find_image,
    image_hash,
    image_roots,
    open_image,
    png_bytes,
    read_image_file,
)


def test_every_form_of_an_image_has_one_hash(tmp_path):
    data = encoded(mode="RGBA")
    path = tmp_path / "a.png"
    path.write_bytes(data)
    image = Image.open(path)
    lossless = io.BytesIO()
    image.convert("RGB").save(lossless, "TIFF")
    forms = [data, path, str(path), image, {"bytes": data, "path": None}, {"bytes": None, "path": str(path)}]
    assert {image_hash(form) for form in [*forms, lossless.getvalue()]} == {image_hash(data)}
    assert all(decode_image(form).mode == "RGB" for form in forms)
    assert image_hash(encoded(seed=1)) != image_hash(encoded(seed=2))
    assert image_hash(Image.new("RGB", (2, 8))) != image_hash(Image.new("RGB", (4, 4)))


@pytest.mark.parametrize(("form", "kind"), [("PNG", "png"), ("JPEG", "jpeg"), ("GIF", "gif"), ("WEBP", "webp")])
def test_data_urls_keep_the_bytes_that_browsers_know(form, kind):
    data = encoded(form)
    for given in (data, {"bytes": data, "path": None}):
        head, _, body = data_url(given).partition(",")
        assert head == f"data:image/{kind};base64" and base64.b64decode(body) == data


def test_anything_else_becomes_a_png():
    red, tiff = Image.new("RGB", (4, 4), "red"), io.BytesIO()
    red.save(tiff, "TIFF")
    for given in (red, tiff.getvalue()):
        head, _, body = data_url(given).partition(",")
        assert head == "data:image/png;base64" and base64.b64decode(body) == png_bytes(given)
        assert decode_image(base64.b64decode(body)).getpixel((0, 0)) == (255, 0, 0)


def test_images_that_cannot_be_decoded(tmp_path):
    with pytest.raises(ValueError, match="text-only"):
        decode_image(None)
    with pytest.raises(ValueError, match=r"5 bytes, first b'hello'"):
        decode_image(b"hello")
    with pytest.raises(FileNotFoundError):
        decode_image(tmp_path / "no.png")


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "WEBP", "BMP"])
def test_whole_and_broken_images(form):
    data = encoded(form, size=(64, 64))
    check_image(data)
    for broken in (b"", b"hello", data[: len(data) // 2]):
        with pytest.raises(ValueError, match=rf"^{len(broken)} bytes, first b['\"]"):
            check_image(broken)


@pytest.mark.parametrize("value", [5, 1.5, [], ["a.png"], object(), {"bytes": "abc"}, {"bytes": 5, "path": "a.png"}])
def test_what_is_neither_bytes_nor_a_path_is_no_image(value):
    with pytest.raises(ValueError, match="the image('s bytes)? (is|are) .*; expected"):
        decode_image(value)


def test_a_png_with_a_changed_byte_is_broken():
    data = bytearray(encoded(size=(64, 64)))
    data[200] ^= 1
    with pytest.raises(ValueError, match="bytes, first"):
        check_image(bytes(data))


def test_finding_an_image(tmp_path):
    path = tmp_path / "images" / "vg" / "a.png"
    path.parent.mkdir(parents=True)
    path.write_bytes(encoded())
    roots = image_roots(tmp_path)
    for name in ("vg/a.png", "/vg/a.png", "images/vg/a.png", "/images/vg/images/a.png", "vg\\a.png", str(path)):
        assert find_image(name, roots) == path
    for name in ("a.png", "vg", "vg/b.png", "/etc/no-such", "x" * 5000, "a\x00b"):
        assert find_image(name, roots) is None
    for name in ("../a.png", "vg/../vg/a.png", "", "/", "..\\a.png"):
        with pytest.raises(ValueError, match="expected a path below image_root"):
            find_image(name, roots)
    with pytest.raises(FileNotFoundError, match=r"no such folder.*holds images/"):
        image_roots(tmp_path / "pictures")


def test_a_image_stands_upright():
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    buffer = io.BytesIO()
    Image.new("RGB", (8, 6)).save(buffer, "JPEG", exif=exif)
    assert decode_image(buffer.getvalue()).size == (6, 8)


def saved(image, form, **options):
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


SIXTEEN = np.array([[0, 255, 256, 0x7FFF], [0x8000, 0xC000, 0xFF00, 0xFFFF]], dtype=np.uint16)


@pytest.mark.parametrize("form", ["PNG", "TIFF", "PPM"])
def test_sixteen_bits_become_eight(form):
    image = Image.fromarray(SIXTEEN)
    data = saved(image, form)
    assert check_image(data) is False  # a plain convert("RGB") shows it white
    for given in (data, {"bytes": data, "path": None}, image):
        shown = np.asarray(decode_image(given))
        assert shown.shape == (2, 4, 3) and (shown == (SIXTEEN >> 8)[..., None]).all()


def test_sixteen_bits_of_each_colour_become_eight():
    rows = b"".join(b"\0" + struct.pack(">6H", 0xC000, 0x8000, 0x4000, 0xFFFF, 0, 255) for _ in range(2))
    data = encoded_png(2, 2, rows, depth=16)
    assert check_image(data) and decode_image(data).tobytes() == bytes([192, 128, 64, 255, 0, 0] * 2)


@pytest.mark.parametrize("form", ["JPEG", "TIFF"])
def test_cmyk_keeps_its_colours(form):
    red = Image.new("RGB", (16, 16), (200, 50, 20)).convert("CMYK")
    data = saved(red, form)
    assert check_image(data) is False and decode_image(data).getpixel((8, 8)) == (200, 50, 20)
    green = saved(red, form, icc_profile=cmyk_profile())  # a profile in which each ink is green
    r, g, b = decode_image(green).getpixel((8, 8))
    assert g > 100 > max(r, b)
    assert decode_image(saved(red, form, icc_profile=b"nonsense")).getpixel((8, 8)) == (200, 50, 20)


@pytest.mark.parametrize("mode", ["I", "F"])
def test_numbers_without_a_range_are_refused(mode):
    data = saved(Image.new(mode, (4, 4)), "TIFF")
    for read in (check_image, decode_image):
        with pytest.raises(ValueError, match=f"mode {mode}. have no agreed range; export it with 8 bits"):
            read(data)


def test_a_png_that_fails_only_when_decoded_is_broken():
    check_image(encoded_png(8, 8, (b"\0" + bytes(24)) * 8))
    broken = encoded_png(8, 8, (b"\x09" + bytes(24)) * 8)  # no such filter
    with Image.open(io.BytesIO(broken)) as image:
        image.verify()  # its checksums are right
    with pytest.raises(ValueError, match="bytes, first b'.x89PNG"):
        check_image(broken)


def test_too_many_pixels_are_refused_before_decoding(monkeypatch):
    side = int(MAX_PIXELS**0.5) + 1
    data = encoded_png(side, side, b"")
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda *_: pytest.fail("was decoded"))
    for read in (check_image, decode_image):
        with pytest.raises(
            ValueError, match=rf"{side} × {side} are 64,0\d\d,\d\d\d pixels; expected at most 64,000,000"
        ):
            read(data)


@pytest.mark.parametrize("size", [(1, 100_000), (100_000, 1), (1, 201)])
def test_an_image_that_no_processor_takes_is_refused(size):
    with pytest.raises(ValueError, match=f"{size[0]} × {size[1]}: one side is over 200 times the other"):
        check_image(saved(Image.new("L", size), "PNG"))
    check_image(saved(Image.new("L", (1, 200)), "PNG"))


def test_a_file_too_large_is_not_read(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    path.write_bytes(b"x")
    assert read_image_file(path) == b"x"
    os.truncate(path, MAX_BYTES + 1)  # takes no room
    monkeypatch.setattr("pathlib.Path.read_bytes", lambda _: pytest.fail("was read"))
    with pytest.raises(ValueError, match=r"536,870,913 bytes; expected at most 536,870,912"):
        read_image_file(path)


@pytest.mark.parametrize("name", ["a.eps", "a.png", "a.tiff"])
def test_programs_are_not_run(tmp_path, monkeypatch, name):
    monkeypatch.setattr("PIL.EpsImagePlugin.Ghostscript", lambda *_, **__: pytest.fail("was run"))
    data = saved(Image.new("RGB", (4, 4)), "EPS")
    (tmp_path / name).write_bytes(data)
    with pytest.raises(pytest.fail.Exception), Image.open(tmp_path / name) as image:
        image.load()
    reason = r"not read as PNG, JPEG, .* or AVIF; any other form, such as EPS or SVG, wants exporting as PNG"
    for read, given in ((check_image, data), (decode_image, data), (decode_image, tmp_path / name), (open_image, data)):
        with pytest.raises(ValueError, match=reason):
            read(given)


def test_only_known_formats_are_read():
    Image.init()
    assert set(IMAGE_FORMATS) <= set(Image.OPEN)
    for form in ("EPS", "PCX", "SGI", "TGA", "ICNS", "ICO", "DDS", "IM", "JPEG2000"):
        with pytest.raises(ValueError, match="not read as PNG"):
            open_image(saved(Image.new("RGB", (16, 16)), form))


def test_nothing_else_opens_images():
    """Pillow opens any of its formats where it is not told which."""
    package = Path(vlaa_helpers.__file__).parent
    pattern = re.compile(r"Image\.open\(|PILImage\.open\(|from PIL\.Image import|\bimread\(|ImageFile\.Parser")
    found = [(path.name, line) for path in package.rglob("*.py") for line in path.open() if pattern.search(line)]
    assert found == [("images.py", "        return Image.open(file, formats=IMAGE_FORMATS)\n")]


def test_links_lead_no_further_than_the_root(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a.png").write_bytes(encoded())
    root = tmp_path / "images"
    (root / "vg").mkdir(parents=True)
    (root / "vg" / "a.png").write_bytes(encoded())
    (root / "inside.png").symlink_to("vg/a.png")
    (root / "file.png").symlink_to(tmp_path / "elsewhere" / "a.png")
    (root / "folder").symlink_to(tmp_path / "elsewhere")
    assert find_image("inside.png", [root]) == root / "inside.png"
    for name in ("file.png", "folder/a.png"):
        with pytest.raises(ValueError, match=r"is a link to .*elsewhere/a\.png, outside of .*/images\. Copy"):
            find_image(name, [root])
    (tmp_path / "linked").symlink_to(root)  # the root itself may be a link
    assert find_image("vg/a.png", [tmp_path / "linked"]) == tmp_path / "linked" / "vg" / "a.png"
    assert find_image("missing.png", [root]) is None


def test_absolute_paths_lead_no_further_than_the_root(tmp_path):
    root, outside = tmp_path / "images", tmp_path / "secret.png"
    root.mkdir()
    for path in (outside, root / "a.png"):
        path.write_bytes(encoded())
    (tmp_path / "images-2").mkdir()  # begins like the root
    (tmp_path / "images-2" / "b.png").write_bytes(encoded())
    (root / "loop.png").symlink_to("loop.png")
    assert find_image(str(root / "a.png"), [root]) == root / "a.png"
    for path in (outside, tmp_path / "images-2" / "b.png"):
        with pytest.raises(ValueError, match=rf"'{path}' is outside of image_root {root}\. Copy the images there"):
            find_image(str(path), [root])
    for name in (str(tmp_path / "no.png"), str(root), "/dev/zero", "loop.png", "file:///etc/passwd", "a/" * 10_000):
        assert find_image(name, [root]) is None


def test_links_of_the_hub_s_cache_are_followed(tmp_path):
    blob = tmp_path / "datasets--a--b" / "blobs" / "123"
    blob.parent.mkdir(parents=True)
    blob.write_bytes(encoded())
    root = tmp_path / "datasets--a--b" / "snapshots" / "main" / "images"
    root.mkdir(parents=True)
    (root / "a.png").symlink_to(os.path.relpath(blob, root))
    assert find_image("a.png", [root]) == root / "a.png"
    (root / "b.png").symlink_to(tmp_path / "datasets--a--b" / "other.png")
    (tmp_path / "datasets--a--b" / "other.png").write_bytes(encoded())
    with pytest.raises(ValueError, match="outside of image_root"):
        find_image("b.png", [root])
