"""How Sphinx makes the site from the pages that vlaa_helpers.dev.site.sources lays out. `make site` runs it."""

import tomllib
from pathlib import Path

from docutils import nodes
from docutils.utils.math import MathError, latex2mathml
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.ext.napoleon import GoogleDocstring
from sphinx.util.logging import getLogger
from sphinx.writers.html5 import HTML5Translator

from vlaa_helpers.core.assets import CHECKOUT
from vlaa_helpers.dev.site.api import api_pages

PYPROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))

project = "VLAA Notebooks"
version = release = PYPROJECT["project"]["version"]
copyright = "the authors of VLAA Notebooks, Apache-2.0"
extensions = ["myst_nb"]
smartquotes = False  # many of our quoted words are values: "fraction"

# Pages. Links to headings as GitHub makes them; notebooks show the outputs that are committed.
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
nb_execution_mode = "off"
nb_ipywidgets_js = {}  # widgets stand as their still figures: nothing is fetched to make them move
nb_merge_streams = True

# The API reference. A name in backticks is a link where the site has that name, else it is code.
default_role = "py:obj"
add_module_names = False
python_maximum_signature_line_length = 88

html_theme = "sphinx_book_theme"
html_title = project
html_static_path = ["style.css"]
html_context = {"default_mode": "auto"}
html_css_files = ["style.css"]
html_math_renderer = "mathml"
html_sourcelink_suffix = ""
html_theme_options = {
    "repository_url": PYPROJECT["tool"]["vlaa"]["repository"],
    "use_repository_button": True,
    "use_issues_button": False,
    "navbar_persistent": [],  # the search box of the side bar is enough
    "show_navbar_depth": 1,
}


def visit_math(self: HTML5Translator, node: nodes.math | nodes.math_block) -> None:
    """Write a formula as MathML, which browsers draw by themselves: MathJax would have to be fetched."""
    try:
        formula = str(latex2mathml.tex2mathml(node.astext(), as_block=isinstance(node, nodes.math_block)))
    except MathError as error:
        getLogger(__name__).warning("docutils cannot read the formula: %s", error, location=node)
        formula = ""
    self.body.append(formula)
    raise nodes.SkipNode


def images_as_words(app: Sphinx, tree: nodes.document) -> None:
    """Put its words in place of an image from elsewhere, such as a badge: it would be fetched when the page is read."""
    for image in list(tree.findall(nodes.image)):
        if "://" in image["uri"]:
            image.replace_self(nodes.Text(image["alt"]))


def write_api(app: Sphinx, config: Config) -> None:
    """Write the pages of the API reference beside the others."""
    folder = Path(app.srcdir, "api")
    folder.mkdir()
    for name, text in api_pages(lambda words: str(GoogleDocstring(words))).items():
        (folder / name).write_text(text, encoding="utf-8")


def setup(app: Sphinx) -> None:
    app.connect("config-inited", write_api)
    app.add_html_math_renderer("mathml", (visit_math, None), (visit_math, None))
    app.connect("doctree-read", images_as_words)
