"""Images in every form they take: one decoding, one hash, and errors that say what the bytes are."""

import base64
import io

import pytest
from PIL import Image
from row_files import encoded

from vlaa_helpers.core.images import check_image, data_url, decode_image, find_image, image_hash, image_roots, png_bytes


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
