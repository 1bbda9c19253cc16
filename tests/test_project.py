"""The project keeps its own promises: one place for each fact, the floors of the package, and no test left out."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from vlaa_helpers.dev.notebooks import files as notebook_files

ROOT = Path(__file__).resolve().parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PACKAGE = ROOT / "vlaa_helpers"
MODULES = sorted(path.stem for path in PACKAGE.glob("*.py") if path.stem not in {"__init__", "__main__"})

# From the ground up: a module imports only from the rows above its own. Floors 1 and 2 never import torch.
FLOORS = [
    (1, {"answers", "compact_set", "drawing", "images", "intervals", "paper", "polynomials", "prompts", "rows"}),
    (1, {"math_worker"}),
    (1, {"mathematics", "records", "scene_kinds", "scenes", "voices"}),
    (1, {"duplicates", "views"}),
    (2, {"arithmetic", "captions", "chat", "mini_corpus", "planted_words", "ray_engine", "statements", "traces"}),
    (2, {"claims", "consistency", "planted", "scorers"}),
    (2, {"corruptions", "reports", "rewards", "trace_table"}),
    (2, {"detector", "probe_reports", "teachers"}),
    (2, {"detector_tables", "journal", "steps", "trace_marks"}),
    (2, {"pipeline"}),
    (3, {"decoding", "environment", "kl_control", "objective", "profiles"}),
    (3, {"models", "prefix_cache"}),
    (3, {"training"}),
    (3, {"batch_plan", "batches", "generation", "prompt_lengths"}),
    (4, {"adapters", "branches", "evaluation", "mini_vlm", "perplexity", "rollouts", "sft", "shared_prefix"}),
    (4, {"grpo", "mini_reward", "probes", "progress", "rehearsal", "true_size"}),
    (5, {"html_parts", "notebook_files"}),
    (5, {"mini_card", "plots"}),
    (5, {"benchmarks", "report_runs", "series", "step_benchmark", "studies", "widgets"}),
    (5, {"html_report", "prefix_benchmark", "reference_policies", "trace_views"}),
    (5, {"cli"}),
    (5, {"__main__"}),
]
# The one row whose modules may import each other: the mini world is one concern in three files, and its records
# are read, like any others, through `records`.
TOGETHER = {"records", "scene_kinds", "scenes", "voices"}
ROW_OF = {module: row for row, (_, modules) in enumerate(FLOORS) for module in modules}
NO_TORCH = [
    m
    for m in MODULES
    if m in {"notebook_files", "series"} or m in set().union(*(names for floor, names in FLOORS if floor < 3))
]
# What comes with a dependency and is imported by name: module's distribution -> the dependency that declares it.
COMES_WITH = {
    "jupyter-client": "nbclient",
    "packaging": "transformers",
    "psutil": "accelerate",
    "pyarrow": "datasets",
    "safetensors": "transformers",
    "tokenizers": "transformers",
}


def project_files() -> list[Path]:
    """The files that are, or would be, committed."""
    command = ["git", "ls-files", "-co", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if listed.returncode == 0 and listed.stdout:
        return [path for line in listed.stdout.splitlines() if (path := ROOT / line).is_file()]
    left_out = {
        ".git",
        ".venv",
        ".venv-canary",
        "runs",
        "__pycache__",
        ".pytest_cache",
        ".ruff_cache",
        ".hypothesis",
    }  # no git here
    return [path for path in ROOT.rglob("*") if path.is_file() and not left_out & set(path.relative_to(ROOT).parts)]


def project_texts() -> dict[str, str]:
    texts = {}
    for path in project_files():
        try:
            texts[str(path.relative_to(ROOT))] = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # an image, weights
    return texts


# ---- dependencies ----


def test_environment_yml_mirrors_pyproject():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    conda = [entry for entry in environment["dependencies"] if isinstance(entry, str)]
    (pip,) = [entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict)]
    assert conda == ["python" + PYPROJECT["project"]["requires-python"], "pip"]
    assert pip == [*PYPROJECT["project"]["dependencies"], "-e ."]


def test_every_range_is_closed_and_holds_what_is_installed():
    from importlib.metadata import version

    from packaging.requirements import Requirement

    extras = PYPROJECT["project"]["optional-dependencies"]
    for text in PYPROJECT["project"]["dependencies"] + [line for lines in extras.values() for line in lines]:
        requirement = Requirement(text)
        assert {part.operator for part in requirement.specifier} == {">=", "<"}, text
        assert version(requirement.name) in requirement.specifier, text


def imports_of(tree: ast.AST) -> set[tuple[int, str]]:
    """Level and module of every import in a file, inside functions too."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {(0, alias.name) for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add((node.level, node.module))
    return found


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_everything_imported_is_a_declared_dependency():
    from importlib.metadata import packages_distributions, requires

    from packaging.requirements import Requirement

    extras = [
        line
        for name, lines in PYPROJECT["project"]["optional-dependencies"].items()
        if name != "test"
        for line in lines
    ]
    declared = {normal(Requirement(text).name) for text in PYPROJECT["project"]["dependencies"] + extras}
    for part, whole in COMES_WITH.items():
        assert whole in declared and part in {normal(Requirement(text).name) for text in requires(whole)}
    distributions = packages_distributions()
    for path in PACKAGE.glob("*.py"):
        for level, module in imports_of(ast.parse(path.read_text())):
            top = module.split(".")[0]
            if level or top in sys.stdlib_module_names or top == "vlaa_helpers":
                continue
            owners = {normal(name) for name in distributions.get(top, [])}
            assert owners & (declared | set(COMES_WITH)), f"{path.name} imports {top}, which pyproject.toml lacks"


# ---- floors ----


def package_imports(tree: ast.AST) -> list[tuple[int, str]]:
    """Line and name of every module of the package that a file imports, inside functions too."""
    found = []
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name.removeprefix("vlaa_helpers.") for alias in node.names if "vlaa_helpers" in alias.name]
        elif isinstance(node, ast.ImportFrom) and (node.level or (node.module or "").startswith("vlaa_helpers")):
            inner = (node.module or "").removeprefix("vlaa_helpers").strip(".")
            names = [inner] if inner else [alias.name for alias in node.names]
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            argument = ast.unparse(node.args[0]) if node.args else ""
            names = ["import_module"] if "__package__" in argument or "vlaa_helpers" in argument else []
        found += [(node.lineno, name.split(".")[0]) for name in names]
    return found


@pytest.mark.parametrize("module", MODULES)
def test_module_imports_from_below_only(module):
    row = ROW_OF.get(module)
    assert row is not None, f"vlaa_helpers/{module}.py has no floor: add it to FLOORS in {Path(__file__).name}"
    for line, name in package_imports(ast.parse((PACKAGE / f"{module}.py").read_text())):
        assert name in ROW_OF, f"{module} line {line}: {name} is no module; write `from .module import what`"
        allowed = ROW_OF[name] < row or {module, name} <= TOGETHER
        assert allowed, f"{module} (floor {FLOORS[row][0]}) line {line} imports {name}, which is not below it"


def run_python(code: str) -> str:
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return run.stdout.strip()


def test_importing_the_package_is_quick_and_imports_no_torch():
    code = (
        "import time; t = time.perf_counter(); import vlaa_helpers; seconds = time.perf_counter() - t\n"
        "import sys; assert not {'torch', 'transformers', 'datasets'} & set(sys.modules); print(seconds)"
    )
    assert min(float(run_python(code)) for _ in range(3)) < 0.3  # best of three: the machine may be busy


@pytest.mark.parametrize("module", NO_TORCH)
def test_module_imports_without_torch(module):
    code = f"import sys, vlaa_helpers.{module}; print(sorted({{'torch', 'transformers'}} & set(sys.modules)))"
    assert run_python(code) == "[]"


# ---- tests that run ----


def test_every_test_is_where_make_test_looks():
    looked_at = [ROOT / folder for folder in PYPROJECT["tool"]["pytest"]["ini_options"]["testpaths"]]
    assert "-m pytest -n 2 --dist loadgroup $(ARGS)" in (ROOT / "Makefile").read_text()  # no paths: testpaths decide
    for path in project_files():
        if path.suffix != ".py":
            continue
        body = ast.parse(path.read_text()).body
        tests = [node.name for node in body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")]
        for node in body:
            if isinstance(node, ast.ClassDef):
                inner = [n.name for n in node.body if isinstance(n, ast.FunctionDef) and n.name.startswith("test_")]
                assert not inner or node.name.startswith("Test"), f"{path.name}: {node.name} is not collected"
                assert len(inner) == len(set(inner)), f"{path.name}: a test of {node.name} hides another of its name"
                tests += [f"{node.name}.{name}" for name in inner]
        assert len(tests) == len(set(tests)), f"{path.name}: a test hides another of the same name"
        if tests:
            assert path.name.startswith("test_"), f"{path.name} has tests, but is not called test_*.py"
            assert any(path.is_relative_to(folder) for folder in looked_at), f"{path} is not under testpaths"


def test_ci_runs_exactly_the_readme_s_test_command():
    lines = (ROOT / ".ci" / "run").read_text().splitlines()
    assert lines == [
        "#!/usr/bin/env bash",
        "set -euo pipefail",
        'cd "$(dirname "$0")/.."',
        "python3 --version",
        "make test",
    ]
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
    fences = re.findall(r"^```\w*\n(.*?)^```", (ROOT / "README.md").read_text(), flags=re.M | re.S)
    commands = [line.partition("#")[0].strip() for fence in fences for line in fence.splitlines()]
    assert "make test" in commands, "README.md has no code line `make test`"


ALLOWED = """
import pytest

@pytest.mark.gpu
def test_on_gpu():
    pass

def test_on_samples(real_samples):
    pass

def test_kept():
    pass
"""
LEFT_OUT = """
import conftest
import pytest

def test_kept_but_skipped():
    pytest.skip("later")

def test_kept_but_falsely_on_gpu():
    pytest.skip(conftest.NO_CUDA)

def test_dropped():
    pass
"""


def run_guarded(folder: Path, workers: int, *options: str, **files: str) -> tuple[int, str]:
    """Run pytest with this project's conftest on test files written into `folder`; return its status and output."""
    (folder / "tests").mkdir()
    for name, source in files.items():
        (folder / "tests" / f"{name}.py").write_text(source)
    (folder / "tests" / "conftest.py").write_text((ROOT / "tests" / "conftest.py").read_text())
    (folder / "torch.py").write_text("class cuda:\n    is_available = staticmethod(lambda: False)\n")
    (folder / "pytest.ini").write_text("[pytest]\nmarkers =\n    gpu: needs CUDA\n")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "VLAA_"))}
    environment |= {"VLAA_WHOLE_SUITE": "1", "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-n", str(workers), *options, "tests"]
    run = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    return run.returncode, run.stdout + run.stderr


@pytest.mark.parametrize("workers", [0, 2])
def test_an_allowed_skip_keeps_the_run_green(tmp_path, workers):
    status, output = run_guarded(tmp_path, workers, test_allowed=ALLOWED)
    assert status == 0 and "1 passed, 2 skipped" in output, output


@pytest.mark.parametrize("workers", [0, 2])
def test_a_test_that_is_left_out_fails_the_run(tmp_path, workers):
    files = {
        "test_allowed": ALLOWED,
        "test_left": LEFT_OUT,
        "test_module": "import pytest\npytest.importorskip('no_such')\ndef test_kept(): pass",
        "test_typo": "def tset_kept(): pass",
    }
    status, output = run_guarded(tmp_path, workers, "-k", "kept or allowed", **files)
    section = output.partition("tests that were left out")[2]
    for line in [
        "test_kept_but_skipped was skipped (later)",
        "test_kept_but_falsely_on_gpu was skipped (gpu test",
        "test_module.py was skipped (could not import 'no_such'",
        "test_dropped was deselected",
        "test_typo.py gave no tests",
    ]:
        assert line in section, output
    assert status == 1 and "on_samples" not in section, output


# ---- files ----


def test_badges_are_up_to_date():
    differ = notebook_files.update_badges(ROOT, check=True)
    assert differ == [], "mend with: python -m vlaa_helpers.dev.notebooks.run badges"


def test_readme_lists_the_notebooks_on_disk():
    readme = (ROOT / "README.md").read_text()
    on_disk = {path.name for path in notebook_files.list_notebooks(ROOT / "notebooks")}
    assert set(re.findall(r"\(notebooks/([\w.-]+\.ipynb)\)", readme)) == on_disk


def test_no_file_is_too_large():
    assert {path.name: path.stat().st_size for path in project_files() if path.stat().st_size > 26_000_000} == {}


def test_the_repository_address_stands_in_one_place():
    address = PYPROJECT["tool"]["vlaa"]["repository"].removeprefix("https://")
    holders = {name for name, text in project_texts().items() if address in text and not name.endswith(".ipynb")}
    assert holders <= {"pyproject.toml", "README.md"}  # README: the clone line and badges, checked above


def test_no_machine_paths_and_no_package_hosts():
    hosts = re.compile(
        r"\b(?:pypi|pythonhosted|anaconda|jfrog)\.(?:org|com|io)\b|--(?:extra-)?index-url|--find[-]links", re.I
    )
    found = {}
    for name, text in project_texts().items():
        text = (
            text
            if not name.endswith(".ipynb")
            else notebook_files.notebook_text(notebook_files.read_notebook(ROOT / name))
        )
        if hits := notebook_files.machine_paths(text) + hosts.findall(text):
            found[name] = hits[:3]
    assert found == {}


@pytest.mark.parametrize("command", [["check"], ["format", "--check"]], ids=["check", "format"])
def test_ruff_is_content(command):
    run = subprocess.run(
        [sys.executable, "-m", "ruff", *command, "--output-format", "concise", "."],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, f"{run.stdout}{run.stderr}\nmend with: make format"


@pytest.mark.parametrize("module", MODULES)
def test_regular_expressions_have_no_possessive_groups(module):
    """Python 3.11 before .5 reads `(…)*+` and `(?>…)` wrongly; a possessive character class is fine."""
    found = re.findall(r".*(?:(?<!\\)\)[*+?]\+|\(\?>).*", (PACKAGE / f"{module}.py").read_text())
    assert not found, found
