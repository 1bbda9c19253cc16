"""Parts of a page: everything is escaped once, images are embedded and small."""

import base64
import io
import re

import matplotlib.pyplot as plt
import pytest
from PIL import Image

from vlaa_helpers.display.html_parts import (
    IMAGE_SIDE,
    Html,
    cell,
    element,
    figure_part,
    image_part,
    interval_image,
    table,
)


def test_text_is_escaped_and_html_is_not_twice():
    inner = element("b", "<script>&\"'")
    assert inner == "<b>&lt;script&gt;&amp;&quot;&#x27;</b>" and isinstance(inner, Html)
    assert (
        element("p", inner, "<", class_="a", title='"x"', id=None)
        == f'<p class="a" title="&quot;x&quot;">{inner}&lt;</p>'
    )
    assert element("img", src="a") == '<img src="a">'


def test_a_table_has_headings_and_a_row_for_all():
    made = table(["a", "b"], [["<x>", 1], ["all", cell("2", class_="up")]], last_is_all=True)
    assert made.count("<tr") == 3 and '<th scope="row">&lt;x&gt;</th><td>1</td>' in made
    assert '<tr class="all"><th scope="row">all</th><td class="up">2</td></tr>' in made


@pytest.mark.parametrize("value", [0.0, 0.25, 1.0])
def test_an_interval_stands_where_it_should(value):
    made = interval_image(value, max(0, value - 0.1), min(1, value + 0.1), (0, 1), "#000000")
    assert float(re.search(r'cx="([\d.]+)"', made)[1]) == pytest.approx(3 + 94 * value, abs=0.06)


def test_an_interval_on_a_scale_without_width_is_drawn():
    assert "nan" not in interval_image(0.0, 0.0, 0.0, (0.0, 0.0), "#000000")


def decoded(part: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(re.search(r"base64,([^\"]+)", part)[1])))


@pytest.mark.parametrize(("size", "kind"), [((112, 112), "PNG"), ((1600, 900), "JPEG")])
def test_a_image_is_embedded_no_larger_than_it_has_to_be(size, kind):
    part = image_part(Image.effect_noise(size, 90).convert("RGB"), 'a "noise"')
    image = decoded(part)
    assert image.format == kind and max(image.size) == min(IMAGE_SIDE, max(size)) and len(part) < 90_000
    assert 'alt="a &quot;noise&quot;"' in part


def test_a_figure_is_embedded_and_closed():
    figure, _ = plt.subplots(figsize=(4.5, 1))
    part = figure_part(figure, "words")
    assert decoded(part).size == (720, 160) and "width:50%" in part and not plt.fignum_exists(figure.number)
