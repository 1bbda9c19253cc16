"""The chapters' viewers in JupyterLab, in a headless Chromium: a keyboard goes through them, a screen reader can name
what is there, and nothing is complained of or asked for elsewhere.

JupyterLab runs the viewer cells of all chapters and those that they need (`viewer_cells`) as one notebook: a page and a
kernel for each chapter would cost three times as much processor time.
"""

import re
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from browser import Watch, has_browser, nameless, open_browser, open_lab
from conftest import NO_BROWSER
from nbformat.v4 import new_code_cell, new_notebook
from viewer_cells import CHAPTERS, viewer_calls, viewer_notebook

from vlaa_helpers.dev.notebooks.files import write_notebook

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(not has_browser(), reason=NO_BROWSER),
]
DONE = """() => {
    const prompts = [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')].map(each => each.textContent)
    return prompts.length && prompts.every(each => /\\d/.test(each)) || document.querySelector(
        '[data-mime-type="application/vnd.jupyter.error"]')
}"""
WIDGET = ".jp-OutputArea-output > .jupyter-widgets:has(img)"  # a progress bar is a widget too, without one
FOCUSED = "() => document.activeElement.getAttribute('role') || document.activeElement.type"


@pytest.fixture(scope="module")
def opened(tmp_path_factory) -> Iterator[SimpleNamespace]:
    """The viewers of all chapters in JupyterLab, every cell run: the page, what it complains of, chapter to viewers."""
    folder = tmp_path_factory.mktemp("lab")
    chapters = [viewer_notebook(path) for path in CHAPTERS.values()]
    sources = [cell.source for each in chapters for cell in each.cells]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    notebook = new_notebook(cells=[new_code_cell(source) for source in sources], metadata=kernel)
    write_notebook(notebook, folder / "viewers.ipynb")
    with open_lab(folder) as address, open_browser() as browser:
        page, watch = browser.new_page(viewport={"width": 1280, "height": 900}), Watch()
        page.set_default_timeout(60_000)
        watch.over(page)
        page.goto(address.format(place="tree/viewers.ipynb"))
        page.get_by_text(re.compile(r"^Python 3 .*\| Idle$")).wait_for()  # cells run before that ask for a kernel
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        page.wait_for_function(DONE, timeout=240_000)
        errors = page.locator('[data-mime-type="application/vnd.jupyter.error"]').all_inner_texts()
        assert errors == [], errors[0][-1500:]
        counts = {number: viewer_calls(path) for number, path in CHAPTERS.items()}
        page.locator(WIDGET).nth(sum(counts.values()) - 1).locator("img").first.wait_for()
        views = iter(page.locator(WIDGET).all())
        yield SimpleNamespace(
            page=page, watch=watch, views={name: [next(views) for _ in range(n)] for name, n in counts.items()}
        )
        assert next(views, None) is None, "a viewer that no chapter was said to have"


def changes(view, before: str) -> str:
    """Wait until a viewer shows another text than before; what it shows then."""
    text = view.locator(".widget-html-content").last
    for _ in range(100):
        if text.inner_html() != before:
            return text.inner_html()
        text.page.wait_for_timeout(100)
    raise AssertionError(f"the viewer still shows {text.inner_text()[:200]!r}")


def go_through(page, view, name: str) -> None:
    """A keyboard moves the field of a name and the slider behind it, a mouse the slider; the viewer follows all."""
    from playwright.sync_api import expect

    first = view.locator(".widget-html-content").last.inner_html()
    field = view.get_by_role("spinbutton", name=name, exact=True)
    field.focus()
    before = field.input_value()
    page.keyboard.press("ArrowUp")
    second = changes(view, first)
    expect(field).not_to_have_value(before)
    page.keyboard.press("ArrowDown")
    assert changes(view, second) == first
    expect(field).to_have_value(before)
    page.keyboard.press("Tab")
    assert page.evaluate(FOCUSED) == "slider"
    page.keyboard.press("ArrowRight")
    second = changes(view, first)
    page.keyboard.press("ArrowLeft")
    assert changes(view, second) == first
    box = page.locator(":focus").locator("xpath=ancestor::*[contains(@class, 'noUi-target')]").bounding_box()
    page.mouse.click(box["x"] + 0.9 * box["width"], box["y"] + box["height"] / 2)
    changes(view, first)
    expect(field).not_to_have_value(before)


def vote(page, view) -> None:
    """Tab and space choose for each trace; the count appears after the last."""
    choices = view.get_by_role("radio")
    traces = choices.count() // 2
    choices.first.focus()
    for place in range(traces):
        chosen = view.get_by_role("radio", name=f"trace {place + 1}: pseudo", exact=True)
        while not chosen.evaluate("each => each === document.activeElement"):
            assert page.evaluate(FOCUSED) == "radio"
            page.keyboard.press("Tab")
        page.keyboard.press("Space")
        assert chosen.is_checked()
        assert not view.get_by_role("radio", name=f"trace {place + 1}: genuine", exact=True).is_checked()
    view.get_by_text(re.compile(rf"\d of {traces} votes name the label")).wait_for()


def other_arm(page, view) -> None:
    """Another arm chosen in a list shows other responses."""
    shown = view.locator(".widget-html-content").last.inner_html()
    view.get_by_role("combobox", name="second", exact=True).select_option(index=2)
    changes(view, shown)


WAYS = {
    "01": lambda page, views: go_through(page, views[0], "page"),
    "03": lambda page, views: go_through(page, views[0], "page"),
    "04": lambda page, views: (go_through(page, views[0], "step"), go_through(page, views[0], "group")),
    "05": lambda page, views: (vote(page, views[0]), go_through(page, views[1], "trace")),
    "06": lambda page, views: (
        go_through(page, views[0], "step"),
        other_arm(page, views[1]),
        go_through(page, views[1], "question"),
    ),
    "07": lambda page, views: go_through(page, views[0], "page"),
}
"""How the viewers of each chapter are gone through."""


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_keyboard_and_a_screen_reader_get_through_the_viewers(opened, name):
    views, watch = opened.views[name], opened.watch
    for view in views:
        view.scroll_into_view_if_needed()
        assert view.get_by_role("img").count() > 0
    WAYS[name](opened.page, views)
    for view in views:  # all has a name but the sliders, each of which stands behind a field that has one
        snapshot = view.aria_snapshot()
        fields = len(re.findall("- (?:spinbutton|combobox) ", snapshot))
        assert nameless(snapshot) == ["slider"] * view.get_by_role("slider").count(), snapshot
        assert view.get_by_role("slider").count() <= fields, snapshot
    assert watch.complaints == []
    assert watch.elsewhere == [] and watch.asked > 10
