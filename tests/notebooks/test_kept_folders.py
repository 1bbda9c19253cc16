"""What a chapter keeps for a GPU profile lies in a folder that is named after all parameters that decide it.

The statements that make the names are run by themselves: with another value of a parameter the name must be another.
"""

import ast
from pathlib import Path

import pytest

from vlaa_helpers.dev.notebooks.files import list_notebooks, parameter_values, parameters_cell, read_notebook
from vlaa_helpers.policy.profiles import settings_of

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = {path.stem[:2]: path for path in list_notebooks(ROOT / "notebooks")}
DECIDED = {  # the chapter's name of a folder, or what is asked with `out`: by what
    ("00", "here"): ("PROFILE", "SEED", "TRAINING_RECORDS", "SOURCES", "RUNS"),
    ("00", "sampled"): ("SAMPLES", "TRAINING_RECORDS", "SOURCES"),
    ("02", "here"): ("PROFILE", "SEED", "SFT_RECORDS", "SOURCES", "RUNS"),
    ("03", "out"): ("PROFILE", "SEED", "PROMPTS", "GENERATIONS", "SOURCES"),
    ("04", "here"): ("PROFILE", "SEED", "RECORDS", "SOURCES", "RUNS"),
    ("04", "tried"): ("TRIED", "RECORDS", "SOURCES"),
    ("07", "here"): ("PROFILE", "SEED", "RECORDS", "SOURCES", "RUNS"),
    ("07", "tried"): ("TRIED", "RECORDS", "SOURCES"),
    ("07", "before"): ("BENCHMARK", "QUESTIONS", "RECORDS", "SOURCES"),
    ("07", "after"): ("BENCHMARK", "QUESTIONS", "GRPO_STEPS"),
}
OTHER = {"PROFILE": "l4", "SEED": 7, "SOURCES": ["arxivqa"], "RUNS": "drive", "GENERATIONS": 3, "BENCHMARK": "ai2d"}


def names_of(statement) -> set[str]:
    """What a statement assigns, or adds to."""
    targets = getattr(statement, "targets", None) or [getattr(statement, "target", None)]
    return {target.id for target in targets if isinstance(target, ast.Name)}


def made_by(tree: ast.Module, name: str) -> list[ast.stmt]:
    """The statements that make a string of this name, `if`s around them with nothing else in them."""
    found = []
    for statement in tree.body:
        if isinstance(statement, ast.If):
            within = {key: made_by(ast.Module(getattr(statement, key), []), name) for key in ("body", "orelse")}
            if any(within.values()):
                found.append(ast.If(statement.test, within["body"] or [ast.Pass()], within["orelse"]))
        elif name in names_of(statement) and isinstance(statement.value, ast.JoinedStr):
            found.append(statement)
    return found


def kept_as(tree: ast.Module, name: str) -> list[ast.stmt]:
    """`name = …` of the folder that is given as `out` where `name` is assigned or is a dictionary's key."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and name in names_of(node) and not isinstance(node.value, ast.JoinedStr):
            asked = node.value
        elif isinstance(node, ast.Dict):
            keys = [getattr(key, "value", None) for key in node.keys]
            asked = node.values[keys.index(name)] if name in keys else None
        else:
            continue
        for call in ast.walk(asked) if asked else ():
            for word in getattr(call, "keywords", ()):
                if word.arg == "out":
                    return [ast.Assign([ast.Name(name, ast.Store())], word.value)]
    return []


def folder_of(chapter: str, name: str, parameters: dict) -> str:
    cells = [cell.source for cell in read_notebook(CHAPTERS[chapter]).cells if cell.cell_type == "code"]
    trees = [ast.parse("".join(line for line in cell.splitlines(True) if "%pip" not in line)) for cell in cells[2:]]
    space = {**parameters, "profile": settings_of(parameters["PROFILE"])}
    space |= {"generations": parameters.get("GENERATIONS") or space["profile"].num_generations}
    space |= {"name": "base", "kept": lambda place: f"{space['here']}/{place}"}
    for wanted in ("here", "folder", "tested"):
        space = run([one for tree in trees for one in made_by(tree, wanted)], space)
    for tree in trees:
        if found := made_by(tree, name) or kept_as(tree, name):
            return run(found, space)[name]
    raise AssertionError(f"chapter {chapter} makes no folder for {name}")


def run(statements: list[ast.stmt], space: dict) -> dict:
    exec(compile(ast.fix_missing_locations(ast.Module(statements, [])), "cell", "exec"), space)
    return space


@pytest.mark.parametrize(("chapter", "name"), DECIDED)
def test_another_value_of_a_parameter_is_another_folder(chapter, name):
    given = parameter_values(parameters_cell(read_notebook(CHAPTERS[chapter])).source).items()
    parameters = {key: ast.literal_eval(values[-1]) for key, values in given} | {"PROFILE": "t4"}
    if chapter == "03":
        parameters["GENERATIONS"] = None
    folder = folder_of(chapter, name, parameters)
    for key in DECIDED[chapter, name]:
        other = OTHER[key] if key in OTHER else parameters[key] // 2
        assert folder_of(chapter, name, parameters | {key: other}) != folder, key
