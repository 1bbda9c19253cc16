"""The face of the package: importing it is light, every name it offers is there, a wrong one is told the right ones.

That the import is quick is checked in test_project.py.
"""

import subprocess
import sys

import pytest

import vlaa_helpers

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


@pytest.mark.parametrize("name", vlaa_helpers.__all__)
def test_every_public_name_resolves(name):
    value = getattr(vlaa_helpers, name)
    assert getattr(value, "__name__", name) == name and name in dir(vlaa_helpers)
    assert getattr(vlaa_helpers, name) is value


def test_a_star_import_gives_them_all():
    space = {}
    exec("from vlaa_helpers import *", space)
    assert set(vlaa_helpers.__all__) <= set(space)


def test_an_unknown_name_is_told_the_known_ones():
    with pytest.raises(AttributeError, match="no attribute 'MixedRewards'; it offers .*MixedReward, .*train_grpo"):
        vlaa_helpers.MixedRewards  # noqa: B018
    with pytest.raises(ImportError, match="MixedRewards"):
        from vlaa_helpers import MixedRewards  # noqa: F401


def test_the_version_is_the_project_s(root):
    import tomllib

    assert tomllib.loads((root / "pyproject.toml").read_text())["project"]["version"] == vlaa_helpers.__version__
