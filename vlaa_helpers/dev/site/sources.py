"""What Sphinx reads: the notebooks and pages of the checkout, laid out as there.

Only the API reference is missing; `site/conf.py` adds it, since Sphinx has to turn docstrings into field lists first.
"""

import json
import os
import re
import shutil
import tomllib
from pathlib import Path

from ...core.assets import CHECKOUT
from ...reference import reference_table
from ...study.verdicts import verdict_table
from ..notebooks.files import list_notebooks
from .figure_words import figure_words

PAGES = ("CONTRIBUTING.md", "TROUBLESHOOTING.md")
"""Pages of the checkout's top folder that are pages of the site; README.md becomes a part of its first page."""
LINK = re.compile(r"(\]\()([^)\s:#]+)(#[^)\s]*)?\)")
"""A Markdown link to a file beside this one; an address or an anchor of the same page is none."""


def write_sources(folder: Path) -> None:
    """Lay out in an empty folder everything that Sphinx reads.

    Raises:
        ValueError: README.md has no section "Notebooks", with which the part for the first page ends.
    """
    shutil.copytree(CHECKOUT / "site", folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(CHECKOUT / "docs", folder / "docs")
    for path in (*(CHECKOUT / name for name in PAGES), *(CHECKOUT / "docs").glob("*.md")):
        text = path.read_text(encoding="utf-8")
        _write(folder / path.relative_to(CHECKOUT), repository_links(text, path.parent))
    for path in list_notebooks(CHECKOUT / "notebooks"):
        _write(folder / "notebooks" / path.name, notebook_page(path))
    _fill(folder / "index.md", "README", first_page())
    _fill(folder / "index.md", "CHAPTERS", chapters())
    _fill(folder / "papers.md", "CLAIMS", claims_table())


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _fill(path: Path, mark: str, text: str) -> None:
    """Put a text in place of the line that is a mark."""
    page = path.read_text(encoding="utf-8")
    path.write_text(re.sub(rf"^{mark}$", lambda _: text, page, flags=re.MULTILINE), encoding="utf-8")


def repository_links(text: str, folder: Path) -> str:
    """Turn links to files that are no pages of the site into links to the repository.

    Args:
        text: Markdown of a file in `folder`. A link to a file that is not there stays: Sphinx then complains of it.
    """
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["vlaa"]

    def replace(found: re.Match[str]) -> str:
        target = Path(os.path.normpath(folder / found[2]))
        if target == CHECKOUT / "README.md":
            return f"]({os.path.relpath(CHECKOUT / 'index.md', folder)})"
        if not target.exists() or is_page(target) or target.suffix == ".png":
            return found[0]
        view = "tree" if target.is_dir() else "blob"
        path = target.relative_to(CHECKOUT).as_posix()
        return f"]({project['repository']}/{view}/{project['branch']}/{path}{found[3] or ''})"

    return LINK.sub(replace, text)


def is_page(path: Path) -> bool:
    """Whether a file of the checkout is a page of the site."""
    name = path.relative_to(CHECKOUT).as_posix()
    return name in PAGES or re.fullmatch(r"docs/[^/]+\.md|notebooks/[^/]+\.ipynb", name) is not None


def notebook_page(path: Path) -> str:
    """A notebook as a page: links as in `repository_links`, words for figures, a line below each viewer's figure."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    cells = []
    for cell, below in zip(notebook["cells"], [*notebook["cells"][1:], None], strict=True):
        if cell["cell_type"] == "markdown":
            cell = {**cell, "source": repository_links("".join(cell["source"]), path.parent)}
        elif any("image/png" in output.get("data", {}) for output in cell.get("outputs", ())):
            words = {"mystnb": {"image": {"alt": figure_words(cell, below)}}}
            cell = {**cell, "metadata": {**cell["metadata"], **words}}
        cells.append(cell)
        words = [words for output in cell.get("outputs", ()) if (words := viewer_words(output))]
        if words:
            note = f"*A viewer ({words[0]}), as a still figure. Run the notebook to use its sliders and buttons.*"
            cells.append({"cell_type": "markdown", "id": f"{cell['id']}-still", "metadata": {}, "source": note})
    return json.dumps({**notebook, "cells": cells})


def viewer_words(output: dict) -> str:
    """What a viewer says of itself where no widget runs ("48 pages"), "" for any other output."""
    forms = output.get("data", {})
    words = "".join(forms.get("text/plain", ""))
    return words if "image/png" in forms and not words.startswith("<") else ""  # other images show a repr, <Figure …>


def first_page() -> str:
    """README.md up to the end of its section "Notebooks"."""
    readme = (CHECKOUT / "README.md").read_text(encoding="utf-8")
    found = re.match(r".*?^## Notebooks\n.*?(?=^## )", readme, flags=re.DOTALL | re.MULTILINE)
    if found is None:
        raise ValueError('README.md has no section "## Notebooks" with another after it; the first page ends with it')
    return repository_links(found[0], CHECKOUT)


def chapters() -> str:
    """Entries of the table of contents: the number of each notebook, and its title up to the colon."""
    entries = []
    for path in list_notebooks(CHECKOUT / "notebooks"):
        first_cell = "".join(json.loads(path.read_text(encoding="utf-8"))["cells"][0]["source"])
        title = re.findall(r"^# ([^:\n]+)", first_cell, flags=re.MULTILINE)[0]
        entries.append(f"{path.name[:2]} {title} <notebooks/{path.stem}>")
    return "\n".join(entries)


def claims_table() -> str:
    """The verdict on each shipped claim in Markdown, with its paper and that paper's number."""
    effects = reference_table("claims")
    said = effects.drop_duplicates("claim").set_index("claim")[["paper", "printed"]]
    table = verdict_table(effects).join(said).reset_index().fillna("").astype(str)
    rows = [list(table.columns), ["---"] * table.shape[1], *table.to_numpy().tolist()]
    return "\n".join("| " + " | ".join(text.replace("|", "\\|") for text in row) + " |" for row in rows)
