"""The built wheel, installed into a fresh environment: it holds every file, and works from them alone."""

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest


def run(*command: str | Path, cwd: Path) -> str:
    """Run a command that sees nothing of the checkout; give what it prints, or fail with what it said."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST_"))}
    done = subprocess.run([str(part) for part in command], cwd=cwd, env=kept, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(root, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", out, cwd=root)
    (built,) = out.glob("vlaa_helpers-*.whl")
    return built


@pytest.fixture(scope="module")
def fresh(wheel, tmp_path_factory) -> Path:
    """The `bin` of a fresh environment with the wheel in it; its dependencies are borrowed from the running one.

    A folder named in a `.pth` file is searched, but its own `.pth` files are not read, so that an editable install of
    the checkout does not come along.
    """
    home = tmp_path_factory.mktemp("fresh")
    run(sys.executable, "-m", "venv", home / "venv", cwd=home)
    python = home / "venv" / "bin" / "python"
    run(python, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", wheel, cwd=home)
    packages = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=home).strip())
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python.parent


def test_every_file_of_the_package_is_in_the_wheel(root, wheel):
    there = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    files = (path for path in (root / "vlaa_helpers").rglob("*") if path.is_file() and path.suffix != ".pyc")
    assert there == {str(path.relative_to(root)) for path in files}
    assert {"vlaa_helpers/py.typed", "vlaa_helpers/__init__.pyi", "vlaa_helpers/rewards/__init__.pyi"} <= there


def test_the_package_comes_from_the_wheel(fresh, root, tmp_path):
    code = (
        "import sys, vlaa_helpers\n"
        "from vlaa_helpers.core.assets import ASSETS\n"
        "print(vlaa_helpers.__file__, ASSETS, *sys.path, sep='\\n')"
    )
    file, assets, *search = run(fresh / "python", "-c", code, cwd=tmp_path).splitlines()
    home = fresh.parent
    assert Path(file).is_relative_to(home) and Path(assets).is_relative_to(home), file
    assert str(root) not in search


def test_it_evaluates_and_reports(fresh, tmp_path):
    asked = ("evaluate", "mini", "--profile", "mini", "--n", "6", "--max-new-tokens", "24")
    said = run(fresh / "vlaa", *asked, "--out", "runs/base", cwd=tmp_path)
    assert "accuracy " in said and "n = 6" in said
    run(fresh / "vlaa", "report", "base=runs/base", "--out", "report.html", cwd=tmp_path)
    page = (tmp_path / "report.html").read_text()
    assert "<style>" in page and "base" in page


def test_readers_of_shipped_runs_find_their_files(fresh, tmp_path):
    code = (
        "from vlaa_helpers import MINI_REWARD, load_trace_benchmark, policy_adapter, reference_table\n"
        "print(len(reference_table('sft_sizes')) > 0, len(load_trace_benchmark('test')) > 0)\n"
        "print((MINI_REWARD / 'model.safetensors').exists(), (policy_adapter('GRPO') / 'adapter_config.json').exists())"
    )
    assert run(fresh / "python", "-c", code, cwd=tmp_path).split() == ["True"] * 4
