"""The pages of the site, built once: all there, nothing broken, nothing fetched, and what they show is committed."""

import json
from importlib.util import find_spec

import pytest
from browser import Watch, has_browser, open_browser
from conftest import NO_BROWSER, NO_SPHINX, ROOT

import vlaa_helpers
from vlaa_helpers.dev.site import api, build
from vlaa_helpers.dev.site.check import Site, problems_of

pytestmark = [
    pytest.mark.site,
    pytest.mark.skipif(not find_spec("sphinx_book_theme") or not find_spec("myst_nb"), reason=NO_SPHINX),
]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    build.build_site(folder)
    return folder


def test_the_site_has_all_pages_and_no_problem(site):
    expected = {f"notebooks/{path.stem}.html" for path in NOTEBOOKS}
    expected |= {f"docs/{path.stem}.html" for path in (ROOT / "docs").glob("*.md")}
    expected |= {f"api/{name.removesuffix('.rst')}.html" for name in api.api_pages(str)}
    expected |= {"index.html", "glossary.html", "papers.html", "search.html", "TROUBLESHOOTING.html"}
    assert expected <= {path.relative_to(site).as_posix() for path in site.rglob("*.html")}
    assert problems_of(site) == []


def test_pages_show_what_is_committed_and_search_finds_it(site):
    for path in NOTEBOOKS:
        outputs = [out for cell in json.loads(path.read_text())["cells"] for out in cell.get("outputs", ())]
        stored = sum("image/png" in output.get("data", {}) for output in outputs)
        page = (site / "notebooks" / f"{path.stem}.html").read_text()
        assert page.count('src="../_images/') == stored, path.name
    assert "<math" in (site / "notebooks" / "02_train_sft.html").read_text()  # no script has to draw formulas
    index = (site / "searchindex.js").read_text()
    assert all(f'"notebooks/{path.stem}"' in index for path in NOTEBOOKS) and '"advantag"' in index


def test_every_public_name_has_a_place_to_link_to(site):
    places = {place for page in Site(site).pages.values() for place in page.places}
    assert {
        name for name in vlaa_helpers.__all__ if not {f"vlaa_helpers.{name}", f"module-vlaa_helpers.{name}"} & places
    } == set()


SCROLLING_CODE = """() => [...document.querySelectorAll('.cell_input pre')].filter(each =>
    each.scrollWidth > each.clientWidth + 1 && each.textContent.split('\\n').every(line => line.length <= 88)
).map(each => each.textContent)"""


@pytest.mark.browser
@pytest.mark.skipif(not has_browser(), reason=NO_BROWSER)
@pytest.mark.parametrize("width", [1280, 390])
def test_pages_fit_a_screen_and_a_phone_and_ask_for_nothing(site, width):
    pages = [path for path in sorted(site.rglob("*.html")) if "_static" not in path.parts]
    wide, scrolling, watch = [], [], Watch()
    with open_browser() as browser:
        page = browser.new_page(viewport={"width": width, "height": 844})
        watch.over(page)
        for path in pages:
            page.goto(path.as_uri(), wait_until="load")
            if (needed := page.evaluate("document.documentElement.scrollWidth")) > width:
                wide.append(f"{path.relative_to(site)}: {needed} pixels")
            scrolling += page.evaluate(SCROLLING_CODE)
    assert wide == []
    assert width < 600 or scrolling == []  # 88 characters fit a screen
    assert watch.complaints == []
    assert watch.elsewhere == [] and watch.asked > 5 * len(pages)


def test_a_warning_of_sphinx_is_an_error(monkeypatch, tmp_path):
    def one_page(folder):
        folder.mkdir()
        (folder / "conf.py").write_text('extensions = ["myst_nb"]\n')
        (folder / "index.md").write_text("# Title\n\n[nowhere](gone.md)\n")

    monkeypatch.setattr(build, "write_sources", one_page)
    with pytest.raises(RuntimeError, match="index.md:3: WARNING: .*gone.md"):
        build.build_site(tmp_path / "pages")
    assert build.main(["--out", str(tmp_path / "pages")]) == 1
