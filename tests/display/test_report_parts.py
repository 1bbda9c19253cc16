"""Parts of a report: intervals stand where they should, images travel inside the file and are small."""

import base64
import io

import matplotlib.pyplot as plt
import pytest
from PIL import Image

from vlaa_helpers.display.report_parts import IMAGE_SIDE, embed_figure, embed_image, interval_bar


@pytest.mark.parametrize("value", [0.0, 0.25, 1.0])
def test_an_interval_stands_where_it_should(value):
    made = interval_bar(value, max(0, value - 0.1), min(1, value + 0.1), (0, 1), "#000000")
    assert made.value == pytest.approx(3 + 94 * value) and 3 <= made.low <= made.value <= made.high <= 97


def test_an_interval_on_a_scale_without_width_is_drawn():
    made = interval_bar(0.0, 0.0, 0.0, (0.0, 0.0), "#000000")
    assert (made.value, made.low, made.high) == (3, 3, 3)


def decoded(url: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(url.partition("base64,")[2])))


@pytest.mark.parametrize(("size", "kind"), [((112, 112), "PNG"), ((1600, 900), "JPEG")])
def test_an_image_is_embedded_no_larger_than_it_has_to_be(size, kind):
    url = embed_image(Image.effect_noise(size, 90).convert("RGB"))
    image = decoded(url)
    assert url.startswith(f"data:image/{kind.lower()};base64,")
    assert image.format == kind and max(image.size) == min(IMAGE_SIDE, max(size)) and len(url) < 90_000


def test_a_large_image_of_few_colours_stays_exact():
    image = decoded(embed_image(Image.new("RGB", (1600, 900), "#e08214")))
    assert image.format == "PNG" and image.size == (336, 189) and image.getpixel((5, 5)) == (0xE0, 0x82, 0x14)


def test_a_figure_is_embedded_and_closed():
    figure, _ = plt.subplots(figsize=(4.5, 1))
    part = embed_figure(figure, "words")
    assert decoded(part.source).size == (720, 160) and part.width == 50 and part.words == "words"
    assert not plt.fignum_exists(figure.number)
