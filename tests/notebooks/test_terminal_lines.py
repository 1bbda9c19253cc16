"""The commands that chapter 7 prints are those of its parameters, and the command line takes them.

The cell is run by itself, with parameters of the test's own: the training above it is not.
"""

import ast
import io
import shlex
from contextlib import redirect_stdout
from pathlib import Path
from types import SimpleNamespace

import pytest

from vlaa_helpers import cli, get_profile
from vlaa_helpers.dev.notebooks.files import list_notebooks, parameter_values, parameters_cell, read_notebook
from vlaa_helpers.policy.profiles import settings_of

(CHAPTER,) = [
    path for path in list_notebooks(Path(__file__).resolve().parents[2] / "notebooks") if path.stem[:2] == "07"
]
NOTEBOOK = read_notebook(CHAPTER)
(CELL,) = [cell for cell in NOTEBOOK.cells if cell.cell_type == "code" and "vlaa grpo " in cell.source]
PARAMETERS = {
    name: ast.literal_eval(values[-1]) for name, values in parameter_values(parameters_cell(NOTEBOOK).source).items()
}
OWN = {
    "SEED": 5,
    "SOURCES": ["geoqa170k", "coco"],
    "RECORDS": 77,
    "GRPO_STEPS": 9,
    "QUESTIONS": 33,
    "RUNS": "my drive/07",
}
OWN |= {"BENCHMARK": "ai2d", "REPOSITORY": "someone/else"}


def printed(parameters: dict, profile) -> str:
    """What the cell prints with these parameters under a profile; on the mini lab the commands are those of a T4."""
    parameters = {
        **parameters,
        "tested": f"{parameters['BENCHMARK']}-{parameters['QUESTIONS']}",
    }  # as a cell above says
    fits = SimpleNamespace(profile=settings_of("t4") if profile.data == "mini" else profile)
    with redirect_stdout(io.StringIO()) as out:
        exec(CELL.source, {**parameters, "profile": profile, "fits": fits})
    return out.getvalue()


def commands_of(text: str) -> list[list[str]]:
    """Its lines as arguments of `vlaa`, the folder of the first line put in."""
    first, *lines = text.replace("\\\n", " ").splitlines()
    (folder,) = shlex.split(first.removeprefix("at="))
    return [[word.replace("$at", folder) for word in shlex.split(line)[1:]] for line in lines]


def options_of(arguments, monkeypatch):
    """What the command line makes of them; nothing is carried out."""
    seen = []
    monkeypatch.setattr(cli, "_grpo", seen.append)
    monkeypatch.setattr("vlaa_helpers.evaluation.commands._evaluate", seen.append)
    monkeypatch.setattr("vlaa_helpers.publishing.commands._push", seen.append)
    cli.main(arguments)
    return vars(seen[0])


CASES = [(PARAMETERS, get_profile("mini")), (PARAMETERS | OWN, get_profile("mini")), (OWN, settings_of("a100"))]


@pytest.mark.parametrize(("given", "profile"), CASES, ids=["as they stand", "others", "on an a100"])
def test_the_command_line_takes_them_and_they_say_what_the_parameters_say(given, profile, monkeypatch):
    commands = commands_of(printed(given, profile))
    assert [arguments[0] for arguments in commands] == ["grpo", "evaluate", "evaluate", "push"]
    grpo, before, after, push = (options_of(arguments, monkeypatch) for arguments in commands)
    assert after["adapter"] == grpo["out"] / "adapter" and after["against"] == before["out"]
    assert push["run"] == grpo["out"] and push["evaluation"] == [
        f"before={before['out']}", f"after={after['out']}",
    ]  # fmt: skip
    assert (grpo["limit"], grpo["set"]) == (given["RECORDS"], [f"max_steps={given['GRPO_STEPS']}"])
    assert (list(grpo["sources"]), grpo["recipe"], grpo["seed"]) == (given["SOURCES"], "vlaa", given["SEED"])
    assert grpo["out"].is_relative_to(given["RUNS"])
    assert {one["profile"] for one in (grpo, before, after)} == {"t4" if profile.data == "mini" else profile.name}
    for asked in (before, after):
        assert (asked["source"], asked["n"], asked["seed"]) == (given["BENCHMARK"], given["QUESTIONS"], given["SEED"])
        assert asked["batch_size"] is asked["max_new_tokens"] is None  # the profile's, as in the notebook
    assert push["repository"] == given["REPOSITORY"]


@pytest.mark.parametrize("name", ["SEED", "SOURCES", "RECORDS", "GRPO_STEPS", "QUESTIONS", "BENCHMARK"])
def test_nothing_is_written_where_other_parameters_wrote(name):
    outs = [
        {arguments[0] + str(k): arguments[arguments.index("--out") + 1] for k, arguments in enumerate(commands[:3])}
        for commands in (
            commands_of(printed(given, get_profile("mini"))) for given in (PARAMETERS, PARAMETERS | {name: OWN[name]})
        )
    ]
    alike = {command for command in outs[0] if outs[0][command] == outs[1][command]}
    spared = {"GRPO_STEPS": {"evaluate1"}, "QUESTIONS": {"grpo0"}, "BENCHMARK": {"grpo0"}}  # what does not depend on it
    assert alike == spared.get(name, set())


def test_the_stored_output_is_what_the_cell_prints():
    (output,) = CELL.outputs
    assert output["text"] == printed(PARAMETERS, get_profile("mini"))
