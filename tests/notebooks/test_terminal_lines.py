"""The commands that chapter 7 prints are those of its own parameters, and the command line takes them."""

import ast
import shlex
from pathlib import Path

import pytest

from vlaa_helpers import cli
from vlaa_helpers.dev.notebooks.files import list_notebooks, parameter_values, parameters_cell, read_notebook

(CHAPTER,) = [
    path for path in list_notebooks(Path(__file__).resolve().parents[2] / "notebooks") if path.stem[:2] == "07"
]


@pytest.fixture(scope="module")
def commands():
    """The lines that the notebook's stored output holds, as arguments."""
    nb = read_notebook(CHAPTER)
    texts = ["".join(output.get("text", "")) for cell in nb.cells for output in cell.get("outputs", [])]
    (text,) = [text for text in texts if text.startswith("vlaa grpo ")]
    return [shlex.split(line)[1:] for line in text.replace("\\\n", " ").splitlines()]


def options_of(arguments, monkeypatch):
    """What the command line makes of them; nothing is carried out."""
    seen = []
    for name in ("_grpo", "_evaluate"):
        monkeypatch.setattr(cli, name, seen.append)
    monkeypatch.setattr("vlaa_helpers.publishing.commands._push", seen.append)
    cli.main(arguments)
    return vars(seen[0])


def test_the_command_line_takes_them(commands, monkeypatch):
    assert [arguments[0] for arguments in commands] == ["grpo", "evaluate", "evaluate", "push"]
    grpo, before, after, push = (options_of(arguments, monkeypatch) for arguments in commands)
    assert after["adapter"] == grpo["out"] / "adapter" and after["against"] == before["out"]
    assert push["run"] == grpo["out"] and push["evaluation"] == [f"before={before['out']}", f"after={after['out']}"]


def test_they_say_what_the_parameters_say(commands, monkeypatch):
    found = parameter_values(parameters_cell(read_notebook(CHAPTER)).source)
    given = {name: ast.literal_eval(values[-1]) for name, values in found.items()}
    grpo, before, after, push = (options_of(arguments, monkeypatch) for arguments in commands)
    assert (grpo["limit"], grpo["set"]) == (given["RECORDS"], [f"max_steps={given['GRPO_STEPS']}"])
    assert (list(grpo["sources"]), grpo["recipe"], grpo["seed"]) == (given["SOURCES"], "vlaa", given["SEED"])
    for asked in (before, after):
        assert (asked["source"], asked["n"]) == (given["BENCHMARK"], given["QUESTIONS"])
        assert asked["batch_size"] is asked["max_new_tokens"] is None  # the profile's, as in the notebook
    assert push["repository"] == given["REPOSITORY"]
