"""The face of the package and of its rooms: light to import, complete, known to editors, and clear about wrong names.

That the import is quick is checked in test_project.py.
"""

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import vlaa_helpers
from vlaa_helpers.core.lazy_face import read_stub

PACKAGE = Path(vlaa_helpers.__file__).parent
FACES = {
    ".".join(["vlaa_helpers", *stub.parent.relative_to(PACKAGE).parts]): stub for stub in PACKAGE.rglob("__init__.pyi")
}
NAMES_OF_FACES = [(package, name) for package, stub in FACES.items() for name in read_stub(stub)]

PUBLIC = """
EvalReport FactsScorer MixedReward Reason SYSTEM_PROMPT Score box_reward check_facts choice_reward compare_reports
decode_image digit_reward draw_scene evaluate extract_answer get_profile image_hash load_policy load_records make_scenes
math_reward open_ended_reward parameter_table parse_response plot_accuracy plot_training read_records show_records
show_responses to_grpo to_sft train_grpo train_sft
""".split()


def run_python(code: str) -> str:
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=vlaa_helpers.__path__[0] + "/.."
    )
    assert run.returncode == 0, run.stderr
    return run.stdout.strip()


def test_importing_the_package_imports_nothing_heavy():
    heavy = {"torch", "transformers", "datasets", "trl", "peft", "matplotlib", "pandas", "numpy", "PIL", "math_verify"}
    code = f"import sys, vlaa_helpers; dir(vlaa_helpers); print(sorted({heavy!r} & set(sys.modules)))"
    assert run_python(code) == "[]"


def test_a_rule_reward_comes_without_torch():
    code = (
        "import sys\nfrom vlaa_helpers import MixedReward\n"
        "print(MixedReward()(['<answer>3</answer>'], ['digit'], ['3']), 'torch' in sys.modules)"
    )
    assert run_python(code) == "[1.0] False"


def test_the_public_names_are_kept():
    assert set(PUBLIC) <= set(vlaa_helpers.__all__)  # more may come; none may go


@pytest.mark.parametrize(("package", "name"), NAMES_OF_FACES)
def test_every_name_of_a_face_resolves(package, name):
    face = import_module(package)
    value = getattr(face, name)
    assert name in face.__all__ and name in dir(face) and getattr(face, name) is value
    assert getattr(value, "__name__", name).rpartition(".")[2] == name


def test_every_room_but_the_workshop_has_a_face():
    rooms = {f"vlaa_helpers.{path.parent.name}" for path in PACKAGE.glob("*/__init__.py")}
    assert set(FACES) == {"vlaa_helpers", *rooms} - {"vlaa_helpers.dev"}
    for package in (*rooms, *(f"vlaa_helpers.dev.{path.parent.name}" for path in PACKAGE.glob("dev/*/__init__.py"))):
        assert import_module(package).__doc__, f"{package} does not say what a stranger finds there"


def hidden_names(stub: Path) -> set[str]:
    """Names of a face that a module has too: importing `rewards/digit.py` binds `rewards.digit` to the module."""
    modules = {path.stem for path in stub.parent.iterdir() if path.suffix == ".py" or path.is_dir()}
    return {name for name, home in read_stub(stub).items() if home is not None} & modules


@pytest.mark.parametrize("package", FACES)
def test_no_module_hides_a_name_of_its_face(package):
    assert hidden_names(FACES[package]) == set()


def test_a_hidden_name_is_seen(tmp_path):
    (tmp_path / "__init__.pyi").write_text("from . import steps as steps\nfrom .digit import digit as digit\n")
    for name in ("digit.py", "steps.py"):
        (tmp_path / name).touch()
    assert hidden_names(tmp_path / "__init__.pyi") == {"digit"}


def test_a_star_import_gives_them_all():
    space = {}
    exec("from vlaa_helpers import *", space)
    assert set(vlaa_helpers.__all__) <= set(space)


def test_an_unknown_name_is_told_the_known_ones():
    with pytest.raises(AttributeError, match="no attribute 'MixedRewards'; it offers .*MixedReward, .*train_grpo"):
        vlaa_helpers.MixedRewards  # noqa: B018
    with pytest.raises(ImportError, match="MixedRewards"):
        from vlaa_helpers import MixedRewards  # noqa: F401


def test_what_a_fresh_colab_imports_needs_no_other_package():
    """The setup cell asks for `install_missing` when nothing but the package itself is installed."""
    code = f"import sys; sys.path.insert(0, {str(PACKAGE.parent)!r}); from vlaa_helpers import install_missing"
    run = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("room", [package for package in FACES if package != "vlaa_helpers"])
def test_importing_a_room_imports_nothing_heavy(room):
    heavy = {"torch", "transformers", "datasets", "trl", "peft", "matplotlib", "pandas", "numpy", "PIL", "math_verify"}
    assert run_python(f"import sys, {room}; dir({room}); print(sorted({heavy!r} & set(sys.modules)))") == "[]"


def check_types(file: Path) -> str:
    """Run a type checker over a file; return what it complains about, "" when it is content."""
    command = [sys.executable, "-m", "pyrefly", "check", "--preset", "strict", "--output-format", "min-text"]
    paths = ["--python-interpreter-path", sys.executable, "--search-path", str(PACKAGE.parent)]
    run = subprocess.run([*command, *paths, str(file)], capture_output=True, text=True)
    return "" if run.returncode == 0 else run.stdout + run.stderr


SCRIPT = Path(__file__).parent / "samples" / "uses_the_face.py"


def test_a_type_checker_knows_the_face():
    assert (PACKAGE / "py.typed").exists()
    assert check_types(SCRIPT) == ""


@pytest.mark.parametrize(
    ("old", "new", "seen"),
    [
        ("report.accuracy, float", "report.accuracy, int", "assert_type(float, int) failed"),
        ("    MixedReward,", "    MixedRewards as MixedReward,", "Could not import `MixedRewards`"),
        ("evaluate(trainer.model, processor,", "evaluate(trainer.model,", "Missing argument"),
        ("report.accuracy, float", "report.accurate, float", "no attribute `accurate`"),
    ],
)
def test_the_type_checker_sees_what_is_wrong(tmp_path, old, new, seen):
    source = SCRIPT.read_text()
    assert old in source
    (tmp_path / "script.py").write_text(source.replace(old, new))
    assert seen in check_types(tmp_path / "script.py")


def test_the_version_is_the_project_s(root):
    import tomllib

    assert tomllib.loads((root / "pyproject.toml").read_text())["project"]["version"] == vlaa_helpers.__version__
