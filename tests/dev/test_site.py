"""The site before Sphinx: what it is given. And what the check of built pages sees."""

import json
import re
import tomllib

import pandas as pd
import pytest
from conftest import ROOT

import vlaa_helpers
from vlaa_helpers.dev.site import api, sources
from vlaa_helpers.dev.site.check import problems_of

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["vlaa"]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
FIGURE = {"output_type": "display_data", "data": {"image/png": "", "text/plain": "<Figure size 700x300 with 1 Axes>"}}
VIEWER = {"output_type": "execute_result", "data": {"image/png": "", "text/plain": ["48 pages"]}}


def as_it_is(words: str) -> str:
    return words


# ---- what Sphinx is given ----


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("profiles.md#memory", "profiles.md#memory"),
        ("../notebooks/00_start_here.ipynb", "../notebooks/00_start_here.ipynb"),
        ("../README.md", "../index.md"),
        ("../vlaa_helpers/cli.py", f"{PROJECT['repository']}/blob/{PROJECT['branch']}/vlaa_helpers/cli.py"),
        ("../vlaa_helpers/dev", f"{PROJECT['repository']}/tree/{PROJECT['branch']}/vlaa_helpers/dev"),
        ("accuracy.png", "accuracy.png"),
        ("gone.md", "gone.md"),  # Sphinx complains of it
        ("https://arxiv.org/abs/2504.11468", "https://arxiv.org/abs/2504.11468"),
    ],
)
def test_links_to_what_is_no_page_lead_to_the_repository(link, expected):
    assert sources.repository_links(f"see [this]({link}).", ROOT / "docs") == f"see [this]({expected})."


def test_a_line_below_a_viewer_says_that_it_stands_still(tmp_path):
    cells = [
        {"cell_type": "code", "id": name, "metadata": {}, "source": "1", "outputs": [output], "execution_count": 1}
        for name, output in (("a", FIGURE), ("b", VIEWER))
    ]
    path = tmp_path / "00_small.ipynb"
    path.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    page = json.loads(sources.notebook_page(path))
    assert [cell["id"] for cell in page["cells"]] == ["a", "b", "b-still"]
    assert page["cells"][2]["source"].startswith("*A viewer (48 pages), as a still figure.")


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("plot(log, title='It falls');", "Figure: It falls"),
        ("axes.set_title('Left')\nother.set_title('Right')", "Figure: Left; Right"),
        ("found = 'Up'\nfound = found if mini else 'Accuracy'\nplot(title=found)", "Figure: Up"),
        ("plot(title='Up' if mini else name)", "Figure: Up"),
        ("%pip install x\nshow_records(records);", "Pictures with their questions"),
        ("view_traces(asked, said)", "The first page of a viewer"),
        ("figure.savefig(name)", "Figure, described below: The base grows, and SFT does not."),
    ],
)
def test_a_figure_has_words_for_who_does_not_see_it(tmp_path, code, words):
    cell = {"cell_type": "code", "id": "a", "metadata": {}, "source": code, "outputs": [FIGURE], "execution_count": 1}
    below = {
        "cell_type": "markdown",
        "id": "b",
        "metadata": {},
        "source": "The **base** grows, and `SFT` does not. So.",
    }
    path = tmp_path / "00_small.ipynb"
    path.write_text(json.dumps({"cells": [cell, below], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    shown = json.loads(sources.notebook_page(path))["cells"][0]
    assert shown["metadata"]["mystnb"] == {"image": {"alt": words}}


def test_each_viewer_of_the_series_has_such_a_line():
    calls = re.compile(r"^(?:vote = )?(?:view_\w+|vote_on)\(", re.MULTILINE)
    for path in NOTEBOOKS:
        page = json.loads(sources.notebook_page(path))["cells"]
        calling = [cell for cell in page if cell["cell_type"] == "code" and calls.search("".join(cell["source"]))]
        assert sum(cell["id"].endswith("-still") for cell in page) == len(calling), path.name


def test_the_first_page_has_the_figure_the_commands_and_the_chapters():
    page = sources.first_page()
    assert "](docs/accuracy.png)" in page and "\nmake run\nmake test\n" in page
    assert all(f"](notebooks/{path.name})" in page for path in NOTEBOOKS)
    assert "## In a notebook of your own" not in page


def test_a_readme_without_its_notebooks_is_an_error(monkeypatch, tmp_path):
    (tmp_path / "README.md").write_text("# Title\n\n## Two commands\n")
    monkeypatch.setattr(sources, "CHECKOUT", tmp_path)
    with pytest.raises(ValueError, match='README.md has no section "## Notebooks"'):
        sources.first_page()


def test_verdicts_come_from_the_shipped_table(monkeypatch):
    both = {"effect": 0.03, "low": 0.01, "high": 0.05, "at_least": 0.02, "at_most": None, "printed": None}
    rows = [{"claim": "a | b", "base": base, "paper": "2504.11468"} | both for base in ("shipped", "another seed")]
    monkeypatch.setattr(sources, "reference_table", {"claims": pd.DataFrame(rows)}.get)
    assert sources.claims_table().splitlines() == [
        "| claim | shipped | another seed | bases | verdict | paper | printed |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        "| a \\| b | +0.030 (+0.010 to +0.050) | +0.030 (+0.010 to +0.050) | 2 | cannot tell | 2504.11468 |  |",
    ]


def test_every_public_name_is_in_the_reference_with_words():
    pages = api.api_pages(as_it_is)
    entries = re.findall(
        r"^\.\. py:(?!current)\w+:: (?:vlaa_helpers\.)?(\w+).*\n(?:   :.*\n)*\n(.*)", "\n".join(pages.values()), re.M
    )
    without = [name for name, words in entries if name in vlaa_helpers.__all__ and not words.strip()]
    assert set(vlaa_helpers.__all__) <= {name for name, _ in entries} and without == []


def test_a_name_that_its_module_lacks_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(api, "CHECKOUT", tmp_path)
    (tmp_path / "__init__.py").write_text("")
    (tmp_path / "__init__.pyi").write_text("from .digit import digit_reward as digit_reward\n")
    (tmp_path / "digit.py").write_text("def digit():\n    pass\n")
    with pytest.raises(LookupError, match="digit.py does not define digit_reward"):
        api.find_definition(tmp_path, "digit_reward")


# ---- what the check sees ----

GOOD = """<head><link rel="stylesheet" href="own.css"><script src="own.js"></script></head>
<h1 id="top">Title</h1><a href="#top">up</a> <a href="sub/other.html#there">other</a> <a href="https://arxiv.org">paper</a>
<img src="data:image/png;base64,AA==" alt="a figure"><p style="background: url(own.png)">text</p>"""


@pytest.fixture
def pages(tmp_path):
    """A small site without a problem."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "index.html").write_text(GOOD)
    (tmp_path / "sub" / "other.html").write_text('<p id="there"><a href="../index.html">back</a></p>')
    (tmp_path / "own.css").write_text("p { background: url('own.png') }")
    (tmp_path / "own.js").write_text('// from https://example.org\nelement("http://www.w3.org/2000/svg")')
    (tmp_path / "own.png").touch()
    return tmp_path


def test_a_good_site_has_no_problem(pages):
    assert problems_of(pages) == []


@pytest.mark.parametrize(
    ("file", "more", "seen"),
    [
        ("index.html", '<a href="gone.html">', "index.html: gone.html: no such file"),
        ("index.html", '<a href="sub/other.html#gone">', "index.html: sub/other.html#gone: no such place in the page"),
        ("index.html", '<a href="#gone">', "index.html: #gone: no such place in the page"),
        ("sub/other.html", '<a href="../../outside.html">', "sub/other.html: ../../outside.html: no such file"),
        ("index.html", '<img src="gone.png" alt="a figure">', "index.html: gone.png: no such file"),
        ("index.html", '<img src="own.png">', "index.html: own.png: image without an alternative text"),
        ("index.html", '<img src="own.png" alt=" ">', "index.html: own.png: image without an alternative text"),
        ("index.html", '<img src="own.png" alt="own.png">', "index.html: own.png: image without an alternative text"),
        ("index.html", '<script src="https://cdn.example.org/a.js"></script>', "https://cdn.example.org/a.js"),
        ("index.html", '<link rel="preconnect" href="//fonts.example.org">', "//fonts.example.org"),
        (
            "index.html",
            '<img alt="a figure" srcset="own.png 1x, https://example.org/b.png 2x">',
            "https://example.org/b.png",
        ),
        ("index.html", "<style>@import 'https://example.org/c.css';</style>", "https://example.org/c.css"),
        ("index.html", '<p style="background: url(https://example.org/d.png)">', "https://example.org/d.png"),
        ("index.html", '<script>fetch("https://example.org/e")</script>', "https://example.org/e"),
        ("own.css", "@font-face { src: url(https://example.org/f.woff2) }", "https://example.org/f.woff2"),
        ("own.js", 'import("https://example.org/g.js")', "https://example.org/g.js"),
    ],
)
def test_what_is_wrong_is_seen(pages, file, more, seen):
    with (pages / file).open("a") as page:
        page.write(more)
    expected = seen if seen.startswith(f"{file}: ") else f"{file} fetches {seen}"
    assert problems_of(pages) == [expected]
