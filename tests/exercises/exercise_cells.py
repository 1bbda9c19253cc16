"""The exercises of a notebook, read out of its cells."""

import ast
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from vlaa_helpers.dev.notebooks.files import list_notebooks, read_notebook

NOTEBOOKS = {path.name[:2]: path for path in list_notebooks(Path(__file__).resolve().parents[2] / "notebooks")}


@dataclass(frozen=True)
class ExerciseCells:
    """What a notebook holds of one exercise: the text of its task, its stub cell, and what is folded away below."""

    name: str
    task: str
    stub: str
    shown: str  # what the stub printed when the notebook was stored
    below: str

    @property
    def solution(self) -> str:
        found = re.search(r"<summary>Solution</summary>\s*```python\n(.*?)```.*?</details>", self.below, re.DOTALL)
        assert found, f"{self.name}: no solution is folded away below its stub cell"
        return found[1]

    @property
    def hint(self) -> str:
        found = re.search(r"<details><summary>Hint</summary>\n\n(.+?)\n\n</details>", self.below, re.DOTALL)
        assert found, f"{self.name}: no hint is folded away below its stub cell"
        return found[1]

    @property
    def check(self) -> str:
        """The call of the check: the last line of the stub."""
        return ast.unparse(ast.parse(self.stub).body[-1])


@cache
def exercises_in(chapter: str) -> tuple[ExerciseCells, ...]:
    """The exercises of a chapter's notebook: each code cell with a `check_exercise("NN.name", …)`."""
    cells = read_notebook(NOTEBOOKS[chapter]).cells
    found = []
    for place, cell in enumerate(cells):
        called = re.search(r"check_exercise\(\"([\w.]+)\"", cell.source) if cell.cell_type == "code" else None
        if called:
            shown = "".join(output.get("text", "") for output in cell.outputs)
            around = cells[place - 1].source, cells[place + 1].source
            found.append(ExerciseCells(called[1], around[0], cell.source, shown, around[1]))
    return tuple(found)
