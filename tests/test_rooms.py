"""The house: rooms on floors, few arrows between them, no circle, small files, and torch only where it is needed.

The floors themselves stand in pyproject.toml, where import-linter reads them.
"""

import ast
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "vlaa_helpers"
FILES = sorted(PACKAGE.rglob("*.py"))
MAX_ARROWS = 72
MAX_LINES = 400
MAX_BODY = 60
WITH_TORCH = {"policy", "training", "dev"}
"""Rooms whose modules may import torch at their top; the others do so inside functions, if at all."""


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def room_of(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


# ---- floors ----


def lint_imports(folder: Path) -> tuple[int, str]:
    """Run import-linter on the checkout in a folder; give its status and what it says."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", "--no-logo"]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    return run.returncode, run.stdout + run.stderr


def test_rooms_import_only_from_below():
    status, said = lint_imports(ROOT)
    assert status == 0, said


@pytest.fixture
def copied_checkout(tmp_path) -> Path:
    """The package's Python files and pyproject.toml, to be broken."""
    shutil.copytree(PACKAGE, tmp_path / "vlaa_helpers", ignore=shutil.ignore_patterns("assets", "__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


UPWARDS = "def later():\n    from ..training.grpo import train_grpo\n    return train_grpo\n"
FOR_TYPES = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from ..evaluation import EvalReport\n"
BESIDE = "from ..pipeline.steps import caption\n"


@pytest.mark.parametrize(
    ("files", "seen"),
    [
        ({"core/extra.py": UPWARDS}, "vlaa_helpers.core is not allowed to import vlaa_helpers.training"),
        ({"data/extra.py": FOR_TYPES}, "vlaa_helpers.data is not allowed to import vlaa_helpers.evaluation"),
        ({"policy/extra.py": BESIDE}, "vlaa_helpers.policy is not allowed to import vlaa_helpers.pipeline"),
        ({"display/extra.py": "from ..dev import studies\n"}, "Nothing imports dev BROKEN"),
        ({"attic.py": ""}, "vlaa_helpers.attic"),
        ({"core/extra.py": "from . import more\n", "core/more.py": "from . import extra\n"}, "inside one BROKEN"),
    ],
    ids=["inside a function", "for types", "the same floor", "dev", "a room without a floor", "a circle"],
)
def test_a_wrong_import_is_seen(copied_checkout, files, seen):
    for name, source in files.items():
        (copied_checkout / "vlaa_helpers" / name).write_text(source)
    status, said = lint_imports(copied_checkout)
    assert status == 1 and seen in said, said


def test_contributing_has_a_map_of_all_rooms():
    rooms = {path.parent.name for path in PACKAGE.glob("*/__init__.py")} | {"reference.py"}
    assert (
        set(re.findall(r"^\| \[`([\w.]+)`\]\(vlaa_helpers/\1\)", (ROOT / "CONTRIBUTING.md").read_text(), re.M)) == rooms
    )


def test_few_arrows_between_rooms():
    graph = grimp.build_graph("vlaa_helpers", cache_dir=None)
    arrows = {
        (room_of(importer), room_of(imported))
        for importer in graph.modules
        for imported in graph.find_modules_directly_imported_by(importer)
    }
    arrows = {(above, below) for above, below in arrows if above and below and above != below}
    assert 20 < len(arrows) <= MAX_ARROWS, sorted(arrows)


# ---- sizes ----


def long_bodies(source: str) -> list[tuple[str, int]]:
    """Name and length of each function whose body, without its docstring, has more than `MAX_BODY` lines."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) is not None else node.body
            lines = body[-1].end_lineno - body[0].lineno + 1 if body else 0
            found += [(node.name, lines)] if lines > MAX_BODY else []
    return found


def test_files_and_functions_are_small():
    files = {module_of(path): len(path.read_text().splitlines()) for path in FILES}
    assert {name: lines for name, lines in files.items() if lines > MAX_LINES} == {}, "split it along what it does"
    bodies = {module_of(path): long_bodies(path.read_text()) for path in FILES}
    assert {name: found for name, found in bodies.items() if found} == {}, "give a part of it a name of its own"


def test_a_long_body_is_seen():
    lines = ["    x = 1"] * (MAX_BODY + 1)
    assert long_bodies("\n".join(["def short():", '    """Long.', *lines, '    """', "    x = 1"])) == []
    assert long_bodies("\n".join(["def long():", *lines])) == [("long", MAX_BODY + 1)]


# ---- torch ----

LIGHT = [module_of(path) for path in FILES if room_of(module_of(path)) not in WITH_TORCH and path.stem != "__main__"]
LIGHT += [module_of(path) for path in FILES if path.parent.name in {"notebooks", "trace_benchmark"}]
IMPORT_EACH = """
import importlib, json, sys
came_with = {}
for module in json.loads(sys.argv[1]):
    before = set(sys.modules)
    importlib.import_module(module)
    came_with[module] = sorted({"torch", "transformers"} & (set(sys.modules) - before))
print(json.dumps(came_with))
"""


@pytest.fixture(scope="module")
def came_with() -> dict[str, list[str]]:
    """What heavy modules each light one brought, imported one after the other in a process of their own."""
    command = [sys.executable, "-c", IMPORT_EACH, json.dumps(LIGHT)]
    return json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout)


@pytest.mark.parametrize("module", LIGHT)
def test_module_imports_without_torch(came_with, module):
    assert came_with[module] == []


def test_importing_the_package_is_quick_and_imports_no_torch():
    code = (
        "import time; t = time.perf_counter(); import vlaa_helpers; seconds = time.perf_counter() - t\n"
        "import sys; assert not {'torch', 'transformers', 'datasets'} & set(sys.modules); print(seconds)"
    )
    command = [sys.executable, "-c", code]
    runs = [subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout for _ in range(3)]
    assert min(map(float, runs)) < 0.3  # best of three: the machine may be busy


# ---- words ----


@pytest.mark.parametrize("module", [module_of(path) for path in FILES])
def test_regular_expressions_have_no_possessive_groups(module):
    """Python 3.11 before .5 reads `(…)*+` and `(?>…)` wrongly; a possessive character class is fine."""
    path = next(path for path in FILES if module_of(path) == module)
    found = re.findall(r".*(?:(?<!\\)\)[*+?]\+|\(\?>).*", path.read_text())
    assert not found, found
