"""The cells of a chapter that its viewers stand on: those, and no others, run in the browser."""

import ast
import builtins
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

from conftest import ROOT
from nbformat.v4 import new_code_cell

from vlaa_helpers.dev.notebooks.files import list_notebooks, read_notebook, set_parameters, smoke_parameters

if TYPE_CHECKING:
    from nbformat import NotebookNode

IMPORT = re.compile(r"^(?:from [\w.]+ )?import (?:\([^)]*\)|.*)$", re.MULTILINE)
VIEWER = re.compile(r"^(?:vote = )?(view_\w+|vote_on)\(", re.MULTILINE)

FEWER = {"01": {"RECORDS": 60}}
"""Parameters of chapters, beyond their smoke mode."""
ROLLOUTS = """import json
from pathlib import Path

import torch

from vlaa_helpers import get_profile, group_advantages, reference_records, reference_responses

profile, FOLDER
train = reference_records().select(range(6))
said = reference_responses("GRPO", decoding="sampled")
said = said[said["seed"] < 2]  # four a seed: groups of eight
Path(trained).mkdir(parents=True)
with Path(trained, "rollouts.jsonl").open("w") as file:
    for place, record in enumerate(train.remove_columns(["image", "response"])):
        rows = said[said["id"] == record["id"]].to_dict("records")
        advantages = group_advantages(torch.tensor([[row["value"] for row in rows]]))[0]
        for row, advantage in zip(rows, advantages.tolist(), strict=True):
            where = {"step": (1, 10, 20)[place // 2], "group": place % 2}
            said_so = {"completion": row["response"], "reward": row["value"], "advantage": advantage}
            file.write(json.dumps({**record, **row, **where, **said_so}) + "\\n")
"""
"""Rollouts of a run that was not made: kept responses of a shipped policy, three steps of two groups."""
GIVEN = {
    "04": ROLLOUTS.replace("profile, FOLDER", 'profile, trained = get_profile(PROFILE), "kept/04"'),
    "05": """from vlaa_helpers import get_profile, policy_adapter, reference_records

profile, limits = get_profile(PROFILE), {"batch_size": 128, "max_new_tokens": 128}
adapters = {"GRPO": policy_adapter("GRPO")}
asked = blind_asked = reference_records().select(range(4))
""",
    "06": ROLLOUTS.replace("profile, FOLDER", 'here = "kept/06"\ntrained = f"{here}/likes_cues-{LIVE_STEPS}"'),
}
"""What chapters show that takes a minute or more to make: here from what the package holds, or of one policy alone.

Chapters 04 and 06 train for four steps in their smoke mode, of which the log keeps the first: nothing to go through."""


def viewer_calls(path: Path) -> int:
    """How many cells of a notebook show a viewer."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return sum(cell["cell_type"] == "code" and VIEWER.search("".join(cell["source"])) is not None for cell in cells)


CHAPTERS = {path.name[:2]: path for path in list_notebooks(ROOT / "notebooks") if viewer_calls(path)}
"""Number to notebook, of chapters that show a viewer."""


class Names(ast.NodeVisitor):
    """Names that a cell needs from cells before it, those that it binds, and those whose parts it changes.

    >>> names = Names("f = table['a']\\ntable['b'] = [x + y for x in f]")
    >>> sorted(names.needed), sorted(names.bound), sorted(names.changed)
    (['table', 'y'], ['f'], ['table'])
    """

    def __init__(self, source: str):
        self.needed: set[str] = set()
        self.bound: set[str] = set()
        self.changed: set[str] = set()
        self.visit(ast.parse(re.sub(r"^(\s*)[%!].*$", r"\1pass", source, flags=re.MULTILINE)))

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            self.needed |= {node.id} - self.bound
        else:
            self.bound.add(node.id)

    def visit_Assign(self, node: ast.Assign | ast.NamedExpr) -> None:
        self.visit(node.value)  # what is assigned is read before the names are bound
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            self.visit(target)

    visit_NamedExpr = visit_Assign

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Name):
            self.needed |= {node.target.id} - self.bound
        self.generic_visit(node)

    def visit_For(self, node: ast.For) -> None:
        for part in (node.iter, node.target, *node.body, *node.orelse):
            self.visit(part)

    def visit_Subscript(self, node: ast.Subscript | ast.Attribute) -> None:
        base: ast.expr = node
        while isinstance(base, ast.Subscript | ast.Attribute):
            base = base.value
        if isinstance(node.ctx, ast.Store) and isinstance(base, ast.Name):
            self.changed.add(base.id)
        self.generic_visit(node)

    visit_Attribute = visit_Subscript

    def visit_alias(self, node: ast.alias) -> None:
        self.bound.add((node.asname or node.name).split(".")[0])

    def _inside(self, local: set[str], *parts: ast.AST) -> None:
        """Visit parts with a scope of their own."""
        outside, self.bound = self.bound, self.bound | local
        for part in parts:
            self.visit(part)
        self.bound = outside

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        own = {node.name} - {None} - self.bound  # Python unbinds it after the handler
        self.bound |= own
        self.generic_visit(node)
        self.bound -= own

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.Lambda) -> None:
        if isinstance(node, ast.FunctionDef):
            self.bound.add(node.name)
        arguments = {part.arg for part in ast.walk(node.args) if isinstance(part, ast.arg)}
        body = node.body if isinstance(node.body, list) else [node.body]
        self._inside(arguments, node.args, *body)

    visit_Lambda = visit_FunctionDef

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self.bound.add(node.name)
        self._inside(set(), *node.bases, *node.body)

    def visit_ListComp(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp) -> None:
        parts = [part for each in node.generators for part in (each.iter, each.target, *each.ifs)]
        kept = (node.key, node.value) if isinstance(node, ast.DictComp) else (node.elt,)
        self._inside(set(), *parts, *kept)

    visit_SetComp = visit_GeneratorExp = visit_DictComp = visit_ListComp


def viewer_notebook(path: Path) -> "NotebookNode":
    """A chapter in its smoke mode, cut down to its viewers and the cells that give them what they show.

    What is `GIVEN` comes from a cell after the parameters; cells that would make it are left out. Of a cell that is
    needed for nothing but what it imports, the imports stay.

    Raises:
        ValueError: names that no cell before them binds.
    """
    notebook = read_notebook(path)
    given = GIVEN.get(path.name[:2], "")
    set_parameters(notebook, smoke_parameters(notebook) | FEWER.get(path.name[:2], {}))
    at_hand = Names(given).bound
    wanted, kept = set(), []
    for cell in reversed([cell for cell in notebook.cells if cell.cell_type == "code"]):
        if "parameters" in cell.metadata.get("tags", []):
            wanted |= Names(given).needed
            kept.insert(0, new_code_cell(given))
        imports = IMPORT.findall(cell.source)
        names, imported = Names(cell.source), Names("\n".join(imports)).bound
        cell.outputs, cell.execution_count = [], None
        if VIEWER.search(cell.source) or wanted & (names.bound - imported | names.changed):
            wanted = (wanted - names.bound) | names.needed - at_hand
            kept.insert(0, cell)
        elif wanted & imported:
            wanted -= imported
            cell.source = "\n".join(imports)
            kept.insert(0, cell)
    if lost := wanted - set(dir(builtins)) - {"display"}:
        raise ValueError(
            f"{path.name}: no cell before the viewers binds {', '.join(sorted(lost))}; mend `Names` or GIVEN"
        )
    notebook.cells = [cell for cell in kept if cell.source]
    return notebook
