"""The chapters' viewers in JupyterLab, in a headless Chromium: a keyboard goes through them, a screen reader can name
what is there, and nothing is complained of or asked for elsewhere.

JupyterLab runs a chapter's viewer cells and those that they need (`viewer_cells`), in the chapter's smoke mode. One
kernel at a time.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
from browser import Watch, has_browser, nameless, open_browser, open_lab
from conftest import NO_BROWSER, ROOT
from viewer_cells import viewer_calls, viewer_notebook

from vlaa_helpers.dev.notebooks.files import list_notebooks, write_notebook

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.xdist_group("notebooks"),
    pytest.mark.skipif(not has_browser(), reason=NO_BROWSER),
]
CHAPTERS = {path.name[:2]: path for path in list_notebooks(ROOT / "notebooks") if viewer_calls(path)}
ARMS = """from vlaa_helpers import reference_records, reference_responses, view_arms

responses = reference_responses()
view_arms(responses[responses["seed"] == 0], reference_records())"""
DONE = """() => {
    const prompts = [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')].map(each => each.textContent)
    return prompts.length && prompts.every(each => /\\d/.test(each)) || document.querySelector(
        '[data-mime-type="application/vnd.jupyter.error"]')
}"""
WIDGET = ".jp-OutputArea-output > .jupyter-widgets:has(img)"  # a progress bar is a widget too, without one
FOCUSED = "() => document.activeElement.getAttribute('role') || document.activeElement.type"


@pytest.fixture(scope="module")
def lab(tmp_path_factory) -> Iterator[SimpleNamespace]:
    """JupyterLab, its folder, and a browser."""
    folder = tmp_path_factory.mktemp("lab")
    with open_lab(folder) as address, open_browser() as browser:
        yield SimpleNamespace(address=address, folder=folder, browser=browser)


@contextmanager
def executed(lab: SimpleNamespace, name: str, viewers: int) -> Iterator[SimpleNamespace]:
    """A notebook of the lab's folder in the browser, all cells run: its page, and its so many viewers."""
    page, watch = lab.browser.new_page(viewport={"width": 1280, "height": 900}), Watch()
    page.set_default_timeout(60_000)
    watch.over(page)
    page.goto(lab.address.format(place=f"tree/{name}.ipynb"))
    page.get_by_text(re.compile(r"^Python 3 .*\| Idle$")).wait_for()  # cells that are run before that ask for a kernel
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    page.wait_for_function(DONE, timeout=240_000)
    errors = page.locator('[data-mime-type="application/vnd.jupyter.error"]').all_inner_texts()
    assert errors == [], errors[0][-1500:]
    page.locator(WIDGET).nth(viewers - 1).locator("img").first.wait_for()
    yield SimpleNamespace(page=page, watch=watch, views=page.locator(WIDGET).all())
    sessions = lab.address.replace("/lab/{place}", "/api/sessions")
    for session in page.request.get(sessions).json():
        page.request.delete(sessions.replace("/sessions", f"/sessions/{session['id']}"))
    page.close()


def changes(view, before: str) -> str:
    """Wait until a viewer shows another text than before; what it shows then."""
    text = view.locator(".widget-html-content").last
    for _ in range(100):
        if text.inner_html() != before:
            return text.inner_html()
        text.page.wait_for_timeout(100)
    raise AssertionError(f"the viewer still shows {text.inner_text()[:200]!r}")


def go_through(page, view, name: str) -> None:
    """A keyboard moves the field of a name up and down, a mouse the slider behind it; the viewer follows both."""
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


def looks_right(opened: SimpleNamespace) -> None:
    """Everything has a name but the sliders, each of which stands behind a field that has one; nothing went wrong."""
    for view in opened.views:
        snapshot = view.aria_snapshot()
        fields = len(re.findall("- (?:spinbutton|combobox) ", snapshot))
        assert nameless(snapshot) == ["slider"] * view.get_by_role("slider").count(), snapshot
        assert view.get_by_role("slider").count() <= fields, snapshot
    assert opened.watch.complaints == []
    assert opened.watch.elsewhere == [] and opened.watch.asked > 10


WAYS = {
    "01": lambda page, views: go_through(page, views[0], "page"),
    "03": lambda page, views: go_through(page, views[0], "page"),
    "04": lambda page, views: (go_through(page, views[0], "step"), go_through(page, views[0], "group")),
    "05": lambda page, views: (vote(page, views[0]), go_through(page, views[1], "trace")),
    "07": lambda page, views: go_through(page, views[0], "page"),
}
"""How each chapter's viewers are gone through."""


def test_every_chapter_with_a_viewer_is_gone_through():
    assert CHAPTERS.keys() == WAYS.keys()


@pytest.mark.parametrize("number", sorted(WAYS))
def test_a_keyboard_and_a_screen_reader_get_through_the_viewers(lab, number):
    write_notebook(viewer_notebook(CHAPTERS[number]), lab.folder / f"{number}.ipynb")
    viewers = viewer_calls(CHAPTERS[number])
    with executed(lab, number, viewers) as opened:
        assert len(opened.views) == viewers
        for view in opened.views:
            view.scroll_into_view_if_needed()
            assert view.get_by_role("img").count() > 0
        WAYS[number](opened.page, opened.views)
        looks_right(opened)


def test_the_explorer_of_arms_too(lab):
    cell = {"cell_type": "code", "id": "a", "metadata": {}, "source": ARMS, "outputs": [], "execution_count": None}
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    notebook = {"cells": [cell], "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}
    Path(lab.folder, "arms.ipynb").write_text(json.dumps(notebook))
    with executed(lab, "arms", 1) as opened:
        (view,) = opened.views
        shown = view.locator(".widget-html-content").last.inner_html()
        view.get_by_role("combobox", name="second", exact=True).select_option(index=2)
        changes(view, shown)
        go_through(opened.page, view, "question")
        looks_right(opened)
