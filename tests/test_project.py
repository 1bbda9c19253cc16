"""The project keeps its own promises: one place for each fact, every dependency declared, and no test left out."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import conftest
import pytest
import yaml

from vlaa_helpers.dev.notebooks import files as notebook_files

ROOT = Path(__file__).resolve().parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
# What comes with a dependency and is imported by name: distribution -> the dependency that declares it.
COMES_WITH = {
    "httpx2": "openai",
    "jupyter-client": "nbclient",
    "latex2sympy2-extended": "math-verify",
    "packaging": "transformers",
    "psutil": "accelerate",
    "pyarrow": "datasets",
    "safetensors": "transformers",
    "sympy": "torch",
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
        ".venv-oldest",
        ".venv-colab",
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
    lab = PYPROJECT["project"]["optional-dependencies"]["lab"]
    assert pip == [*PYPROJECT["project"]["dependencies"], *lab, "-e ."]


def test_the_oldest_versions_are_the_floors():
    """`make test-oldest` runs on what pyproject.toml promises, to the minor version."""
    oldest = dict(line.split("==") for line in (ROOT / "tests" / "oldest.txt").read_text().splitlines() if "==" in line)
    floors = dict(re.match(r"([\w-]+)>=([\d.]+),", text).groups() for text in PYPROJECT["project"]["dependencies"])
    named = floors.keys() & oldest.keys()
    assert named == {
        "torch", "torchvision", "numpy", "pandas", "pillow", "matplotlib", "ipywidgets", "scikit-learn", "scipy",
        "accelerate", "filelock", "tqdm",
    }  # fmt: skip
    for name in named:
        assert oldest[name].split(".")[:2] == floors[name].split(".")[:2], name


def test_the_imitation_of_colab_has_what_gets_in_the_way_there():
    """`make test-colab` begins with an old pyarrow, which pandas loads, and a torchao that peft refuses."""
    from packaging.requirements import Requirement

    colab, oldest = (
        dict(line.split("==") for line in (ROOT / "tests" / name).read_text().splitlines() if "==" in line)
        for name in ("colab.txt", "oldest.txt")
    )
    assert (colab["pyarrow"], colab["torchao"], colab["datasets"]) == ("18.1.0", "0.10.0", "4.0.0")
    for name in oldest.keys() & colab.keys():
        assert fnmatch(colab[name], oldest[name]), name
    assert oldest.keys() - colab.keys() == set()
    ours = {normal(Requirement(text).name) for text in PYPROJECT["project"]["dependencies"]}
    assert ours - {normal(name) for name in colab} == {"bitsandbytes", "math-verify", "trl"}


def test_every_range_is_closed_and_holds_what_is_installed():
    from importlib.metadata import distributions, version

    from packaging.requirements import Requirement

    extras = PYPROJECT["project"]["optional-dependencies"]
    elsewhere = {"lmms-eval"}  # `make test-eval` has an environment of its own
    installed = {normal(distribution.name) for distribution in distributions()}
    skipped = extras["browser"] + extras["site"]  # their tests are skipped without them
    elsewhere |= {Requirement(text).name for text in skipped} - installed
    pins = [Requirement(line) for line in (ROOT / "tests/oldest.txt").read_text().splitlines() if "==" in line]
    on_colab = {pin.name: pin.specifier for pin in pins}  # `make test-oldest` has its older ipykernel, not the lab's
    for text in PYPROJECT["project"]["dependencies"] + [line for lines in extras.values() for line in lines]:
        requirement = Requirement(text)
        assert {part.operator for part in requirement.specifier} == {">=", "<"}, text
        if requirement.name in elsewhere:
            continue
        found = version(requirement.name)
        of_colab = text in extras["lab"] and found in on_colab.get(requirement.name, ())
        assert of_colab or found in requirement.specifier, text


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def run_deptry(folder: Path) -> tuple[int, str]:
    """Compare what the package in a folder imports with what its pyproject.toml declares."""
    command = [sys.executable, "-m", "deptry", "--no-ansi", "."]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    return run.returncode, run.stdout + run.stderr


def test_everything_imported_is_a_declared_dependency_and_the_reverse():
    status, said = run_deptry(ROOT)
    assert status == 0, said


@pytest.mark.parametrize(
    ("source", "seen"),
    [
        ("import no_such_package", "'no_such_package' imported but missing from the dependency definitions"),
        ("def later():\n    import regex", "'regex' imported but it is a transitive dependency"),
        ("import hypothesis", "'hypothesis' imported but declared as a dev dependency"),
        ("", "'trl' defined as a dependency but not used in the codebase"),
    ],
)
def test_an_undeclared_dependency_is_seen(tmp_path, source, seen):
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())
    (tmp_path / "vlaa_helpers").mkdir()
    (tmp_path / "vlaa_helpers" / "__init__.py").write_text(source + "\n")
    status, said = run_deptry(tmp_path)
    assert status == 1 and seen in said, said


def test_what_comes_with_a_dependency_still_does():
    from importlib.metadata import requires

    from packaging.requirements import Requirement

    assert {normal(name) for name in PYPROJECT["tool"]["deptry"]["per_rule_ignores"]["DEP003"]} == set(COMES_WITH)
    lab = PYPROJECT["project"]["optional-dependencies"]["lab"]
    declared = {normal(Requirement(text).name) for text in [*PYPROJECT["project"]["dependencies"], *lab]}
    for part, whole in COMES_WITH.items():
        assert whole in declared and part in {normal(Requirement(text).name) for text in requires(whole)}


# ---- tests that run ----


def test_every_test_is_where_make_test_looks():
    looked_at = [ROOT / folder for folder in PYPROJECT["tool"]["pytest"]["ini_options"]["testpaths"]]
    assert "-m pytest $(WORKERS) $(ARGS)" in (ROOT / "Makefile").read_text()  # no paths: testpaths decide
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


SHARED = """
import os
import pytest

@pytest.fixture(scope="module")
def made():
    with open("made", "a") as file:
        file.write(os.environ["PYTEST_XDIST_WORKER"])

@pytest.mark.parametrize("k", range(20))
def test_shared(k, made):
    pass
"""


def test_what_the_tests_of_a_file_share_is_made_once(tmp_path):
    """As `make test` spreads them: a fixture of a file is not made again on the other worker."""
    (workers,) = re.findall(r"^WORKERS := (.*)$", (ROOT / "Makefile").read_text(), re.M)
    _, number, *options = workers.split()
    status, output = run_guarded(tmp_path, int(number), *options, test_shared=SHARED, test_other="def test_it(): pass")
    assert status == 0 and "21 passed" in output, output
    assert (tmp_path / "made").read_text() in ("gw0", "gw1")


def test_the_longest_files_are_there_and_come_first(request):
    assert [name for name in conftest.LONGEST if not (ROOT / "tests" / name).is_file()] == []
    files = list(
        dict.fromkeys(
            item.path.relative_to(ROOT / "tests").as_posix()
            for item in request.session.items
            if item.path.is_relative_to(ROOT / "tests")
        )
    )
    known = [name for name in files if name in conftest.LONGEST]
    assert files[: len(known)] == known == sorted(known, key=conftest.LONGEST.index)


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


def unknown_modules(text: str) -> list[str]:
    """Dotted paths into the package, and arguments of `python -m`, that lead to no module and no name of one."""
    from importlib import import_module

    unknown = []
    for path in sorted(set(re.findall(r"\bvlaa_helpers(?:\.[a-z_0-9]+)+", text))):
        parts = path.split(".")
        modules = [name for k in range(1, len(parts) + 1) if _is_module(name := ".".join(parts[:k]))]
        rest = parts[len(modules) :]
        if len(rest) > 1 or (rest and not hasattr(import_module(modules[-1]), rest[0])):
            unknown.append(path)
    return unknown


def _is_module(name: str) -> bool:
    place = ROOT.joinpath(*name.split("."))
    return place.is_dir() or place.with_suffix(".py").is_file()


def test_module_paths_in_texts_lead_somewhere():
    texts = {name: text for name, text in project_texts().items() if not name.startswith("tests/")}
    found = {name: unknown for name, text in texts.items() if (unknown := unknown_modules(text))}
    assert found == {}


def test_a_module_path_that_leads_nowhere_is_seen():
    text = "python -m vlaa_helpers.studies; vlaa_helpers.policy.load_policy(); vlaa_helpers.dev.studies"
    assert unknown_modules(text) == ["vlaa_helpers.studies"]


@pytest.mark.parametrize("command", [["check"], ["format", "--check"]], ids=["check", "format"])
def test_ruff_is_content(command):
    run = subprocess.run(
        [sys.executable, "-m", "ruff", *command, "--output-format", "concise", "."],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, f"{run.stdout}{run.stderr}\nmend with: make format"
