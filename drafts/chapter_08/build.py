"""Write the draft of chapter 08 as a notebook without outputs: cells below, in their order.

python drafts/chapter_08/build.py [--place]

`--place` puts the exercises beside it: `chapter_08.py` into `vlaa_helpers/exercises`, `planted_08.py` into
`tests/exercises`. The comparison reads the tables of the study `prepare`, which have to be shipped first.
"""

import argparse
import shutil
from pathlib import Path

import nbformat
from cells import CELLS
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from vlaa_helpers.dev.notebooks import files

NAME = "08_prepare_for_rl.ipynb"
HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SMOKE = {"SFT_RECORDS": 32, "RL_STEPS": 2, "TEST_PER_SOURCE": 2, "LOOKED_AT": 8}


def build() -> nbformat.NotebookNode:
    """The notebook: badges, the three opening cells, and the cells of `CELLS`."""
    cells = []
    for place, (kind, source, *tags) in enumerate(CELLS):
        source = source.strip("\n")
        if place == 0:
            source = f"{files.badges(NAME, ROOT)}\n\n{source}"
        if source == "SETUP":
            source = files.setup_cell(ROOT)
        cell = new_markdown_cell(source) if kind == "text" else new_code_cell(source)
        cell["id"] = f"prepare-{place:02d}"
        if tags:
            cell.metadata["tags"] = list(tags)
        cells.append(cell)
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    about = {"kernelspec": kernel, "language_info": {"name": "python"}, "vlaa": {"smoke": SMOKE}}
    return new_notebook(cells=cells, metadata=about)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--place", action="store_true", help="put the exercises into the package and its tests")
    nbformat.write(build(), ROOT / "notebooks" / NAME)
    if parser.parse_args().place:
        shutil.copy(HERE / "chapter_08.py", ROOT / "vlaa_helpers" / "exercises")
        shutil.copy(HERE / "planted_08.py", ROOT / "tests" / "exercises")


if __name__ == "__main__":
    main()
