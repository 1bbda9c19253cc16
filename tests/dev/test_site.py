"""The site: what Sphinx is given, what the check sees, and, where Sphinx is installed, the built pages."""

import json
import re
from importlib.util import find_spec

import pandas as pd
import pytest
from conftest import NO_SPHINX, ROOT

import vlaa_helpers
from vlaa_helpers.dev.site import api, build, sources
from vlaa_helpers.dev.site.check import Site, problems_of

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
        ("../vlaa_helpers/cli.py", "https://github.com/vlaa-notebooks/vlaa-notebooks/blob/main/vlaa_helpers/cli.py"),
        ("../vlaa_helpers/dev", "https://github.com/vlaa-notebooks/vlaa-notebooks/tree/main/vlaa_helpers/dev"),
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
    def no_table(name):
        raise ValueError("no table")

    monkeypatch.setattr(sources, "reference_table", no_table)
    assert sources.claims_table() == sources.NO_CLAIMS
    table = pd.DataFrame({"claim": ["a | b"], "verdict": ["cannot tell"]})
    monkeypatch.setattr(sources, "reference_table", {"claims": table}.get)
    assert sources.claims_table() == "| claim | verdict |\n| --- | --- |\n| a \\| b | cannot tell |"


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
<img src="data:image/png;base64,AA=="><p style="background: url(own.png)">text</p>"""


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
        ("index.html", '<img src="gone.png">', "index.html: gone.png: no such file"),
        ("index.html", '<script src="https://cdn.example.org/a.js"></script>', "https://cdn.example.org/a.js"),
        ("index.html", '<link rel="preconnect" href="//fonts.example.org">', "//fonts.example.org"),
        ("index.html", '<img srcset="own.png 1x, https://example.org/b.png 2x">', "https://example.org/b.png"),
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
    expected = seen if ": no such " in seen else f"{file} fetches {seen}"
    assert problems_of(pages) == [expected]


# ---- the built pages ----

needs_sphinx = [
    pytest.mark.site,
    pytest.mark.xdist_group("site"),
    pytest.mark.skipif(find_spec("sphinx") is None or find_spec("myst_nb") is None, reason=NO_SPHINX),
]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    build.build_site(folder)
    return folder


def marked(test):
    for mark in needs_sphinx:
        test = mark(test)
    return test


@marked
def test_the_site_has_all_pages_and_no_problem(site):
    expected = {f"notebooks/{path.stem}.html" for path in NOTEBOOKS}
    expected |= {f"docs/{path.stem}.html" for path in (ROOT / "docs").glob("*.md")}
    expected |= {f"api/{name.removesuffix('.rst')}.html" for name in api.api_pages(as_it_is)}
    expected |= {"index.html", "glossary.html", "papers.html", "search.html", "TROUBLESHOOTING.html"}
    assert expected <= {path.relative_to(site).as_posix() for path in site.rglob("*.html")}
    assert problems_of(site) == []


@marked
def test_pages_show_what_is_committed_and_search_finds_it(site):
    for path in NOTEBOOKS:
        outputs = [out for cell in json.loads(path.read_text())["cells"] for out in cell.get("outputs", ())]
        stored = sum("image/png" in output.get("data", {}) for output in outputs)
        page = (site / "notebooks" / f"{path.stem}.html").read_text()
        assert page.count('src="../_images/') == stored, path.name
    assert "<math" in (site / "notebooks" / "02_train_sft.html").read_text()  # no script has to draw formulas
    index = (site / "searchindex.js").read_text()
    assert all(f'"notebooks/{path.stem}"' in index for path in NOTEBOOKS) and '"advantag"' in index


@marked
def test_every_public_name_has_a_place_to_link_to(site):
    places = {place for page in Site(site).pages.values() for place in page.places}
    assert {
        name for name in vlaa_helpers.__all__ if not {f"vlaa_helpers.{name}", f"module-vlaa_helpers.{name}"} & places
    } == set()


@marked
def test_a_warning_of_sphinx_is_an_error(monkeypatch, tmp_path):
    def one_page(folder):
        folder.mkdir()
        (folder / "conf.py").write_text('extensions = ["myst_nb"]\n')
        (folder / "index.md").write_text("# Title\n\n[nowhere](gone.md)\n")

    monkeypatch.setattr(build, "write_sources", one_page)
    with pytest.raises(RuntimeError, match="index.md:3: WARNING: .*gone.md"):
        build.build_site(tmp_path / "pages")
    assert build.main(["--out", str(tmp_path / "pages")]) == 1
