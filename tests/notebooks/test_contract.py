"""The notebook contract: kept by every notebook on disk, and able to fail in every rule.

`contract.py` says what the rules are. Below, a small sample keeps all of them; each mutation breaks one place of it,
as somebody once did in a real notebook series, and the rule that is meant to see it must.
"""

import ast
import copy
import sys
import types
from pathlib import Path

import contract
import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from vlaa_helpers.dev.notebooks import files as notebook_files

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "notebooks"
NOTEBOOKS = notebook_files.list_notebooks(FOLDER)


# ---- the notebooks on disk ----


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_keeps_the_contract(path):
    page = contract.Page.open(path)
    problems = [f"{name}: {problem}" for name, rule in contract.RULES.items() for problem in rule(page)]
    assert not problems, f"{path.name}\n" + "\n".join(problems)


def test_every_notebook_is_numbered_and_no_number_is_taken_twice():
    numbers = [path.name[:2] for path in NOTEBOOKS]
    assert sorted(FOLDER.glob("*.ipynb")) == NOTEBOOKS, "every notebook is called NN_verb_noun.ipynb"
    assert len(set(numbers)) == len(numbers)


# ---- a sample that keeps it ----

TOP = """\
BADGE

# Count what is left

A policy that lists before it counts is right more often than one that guesses.

**You will**

- predict which answer earns more
- compute one advantage by hand
- read a curve aloud

| Time | Memory | Disk | Network | Token |
|---|---|---|---|---|
| 2 min | 1 GB | 0 | none | none |

[Previous: look](00_look_on.ipynb) · [Next: see](02_see_more.ipynb)
"""
BODY = "## Lists\n\nWhich is larger? Read [the licence](../LICENSE), [above](#lists), [a site](https://example.org/x)."
CLOSING = """\
## Recap

It counts.

## What can still be wrong

Everything.

## Exercises

**1. A number.** (5 minutes, easy) Change N.

<details><summary>Hint</summary>Above.</details> <details><summary>Solution</summary>`N`</details>

**2. And back?** (10 minutes, medium) Change it back. <details><summary>Solution</summary>`N`</details>

**3. Both.** (20 minutes, hard) Do both. <details><summary>Solution</summary>`N`</details>

## Next

[See more](02_see_more.ipynb)
"""
CODE = [
    'import sys\n\nCOLAB = "google.colab" in sys.modules\nif COLAB:\n    %pip install --quiet vlaa-helpers',
    'print("environment: the versions this page was made with")',
    'PROFILE = "mini"  # one name changes the machine\nSEED = 0\nSTEPS = 60',
    "from vlaa_helpers import aha_words\n\naha_words(text=PROFILE)",
    "def later():\n    return total + SEED\n\n\ntotal = sum(k * STEPS for k in range(3))\nlater()",
]


def shown(text):
    return [new_output("stream", name="stdout", text=text)]


@pytest.fixture
def sample(tmp_path):
    """A good notebook with a neighbour on each side, in a project of its own."""
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "LICENSE").write_text("free")
    (tmp_path / "pyproject.toml").write_text('[tool.vlaa]\nrepository = "https://github.com/a/b"\nbranch = "main"\n')
    for name in ["00_look_on", "02_see_more"]:
        nbformat.write(new_notebook(), tmp_path / "notebooks" / f"{name}.ipynb")
    path = tmp_path / "notebooks" / "01_count_left.ipynb"
    nb = new_notebook(metadata={"vlaa": {"smoke": {"STEPS": 2}}})
    nb.cells = [new_markdown_cell(TOP.replace("BADGE", notebook_files.badges(path.name, tmp_path)))]
    for n, source in enumerate(CODE, start=1):
        nb.cells.append(new_code_cell(source, execution_count=n, outputs=shown("ok\n") if n > 1 else []))
    nb.cells[3].metadata["tags"] = ["parameters"]
    nb.cells.insert(4, new_markdown_cell(BODY))
    nb.cells.append(new_markdown_cell(CLOSING))
    notebook_files.stamp(nb)
    nbformat.write(nb, path)
    return contract.Page.open(path)


@pytest.mark.parametrize("rule", contract.RULES)
def test_the_sample_keeps_the_rule(sample, rule):
    assert contract.RULES[rule](sample) == []


# ---- and one place of it broken at a time ----


def swap(cell, old, new):
    """A mutation: replace text in the source of a cell."""

    def mutate(nb):
        assert old in nb.cells[cell].source
        nb.cells[cell].source = nb.cells[cell].source.replace(old, new, 1)

    return mutate


def add_code(source):
    return lambda nb: nb.cells.insert(-1, new_code_cell(source))


def add_output(output):
    return lambda nb: nb.cells[5].outputs.append(output)


def set_metadata(cell, **metadata):
    return lambda nb: nb.cells[cell].metadata.update(metadata)


def move(old, new):
    return lambda nb: nb.cells.insert(new, nb.cells.pop(old))


SOMEONE = "/".join(["", "home", "someone", "data.json"])
MUTATIONS = [
    ("valid_file", lambda nb: nb.cells[1].update(outputs=3), "not a valid notebook"),
    ("small_file", add_output(new_output("stream", text="x" * 1_000_000)), "at most 1,000,000"),
    ("nothing_hidden", set_metadata(5, jupyter={"source_hidden": True}), "cell 5 is hidden"),
    ("nothing_hidden", set_metadata(5, cellView="form"), "cell 5 is hidden or a form"),
    ("nothing_hidden", set_metadata(5, tags=["skip-execution"]), "skip-execution"),
    ("nothing_hidden", swap(5, "from", "#@title Setup\nfrom"), "cell 5 is a Colab form"),
    ("no_machine_paths", add_output(new_output("stream", text=f"saved {SOMEONE}")), SOMEONE),
    ("no_machine_paths", swap(5, "PROFILE", f'"{SOMEONE}"'), SOMEONE),
    ("no_pictures_in_markdown", swap(4, "Which", "![x](data:image/png;base64,AAAA) Which"), "cell 4 keeps a picture"),
    ("badge_first", swap(0, "[![", "Hello [!["), "does not begin with its badges"),
    ("badge_first", swap(0, "01_count_left", "00_look_on"), "does not begin with its badges"),
    ("one_title", swap(0, "# Count", "## Count"), "0 level-1 headings"),
    ("one_title", swap(4, "## Lists", "# Lists"), "2 level-1 headings"),
    ("one_claim", swap(0, "A policy that", "A policy is a thing. It"), "not one sentence"),
    (
        "one_claim",
        swap(0, "A policy that lists before it counts is right more often than one that guesses.\n", ""),
        "not",
    ),
    ("one_claim", swap(0, "A policy", "- A policy"), "no claim"),
    ("you_will", swap(0, "- read a curve aloud\n", ""), "has 2 list items"),
    ("you_will", swap(0, "You will", "You may"), "has 0 list items"),
    ("cost_table", swap(0, "| Token", "| Fun"), "lacks Token"),
    ("cost_table", swap(0, "| Time | Memory", "| Mood | Weather"), "lacks Time, Memory"),
    ("links_to_neighbours", swap(0, "00_look_on", "02_see_more"), "no 'Previous' link to 00_look_on"),
    ("links_to_neighbours", swap(0, "Next: see", "onwards"), "no 'Next' link to 02_see_more"),
    ("links_to_neighbours", swap(7, "02_see_more", "00_look_on"), "the closing 'Next' does not link"),
    ("opening_cells", set_metadata(3, tags=[]), "0 code cells are tagged"),
    ("opening_cells", set_metadata(5, tags=["parameters"]), "2 code cells are tagged"),
    ("opening_cells", move(3, 2), "not the third code cell"),
    ("opening_cells", move(1, 2), "not the setup"),
    ("opening_cells", swap(1, "--quiet", "--quiet torch"), "installs torch"),
    ("opening_cells", swap(2, "environment: the versions", "nothing:"), "not the environment report"),
    ("opening_cells", swap(3, "SEED", "sed"), "have no SEED"),
    ("closing_sections", swap(7, "## What can still be wrong", "## Limits"), "expected"),
    ("closing_sections", swap(7, "## Next", "## Thanks\n\n## Next\n\n## Adverts"), "expected"),
    ("exercises", swap(7, "<summary>Solution", "<summary>Answer"), "2 exercises"),
    ("exercises", swap(7, "(10 minutes, medium) ", ""), "3 tasks, 2 of them with time and difficulty, 3 solutions"),
    ("exercises", swap(7, "(20 minutes, hard)", "(20 minutes, tricky)"), "3 tasks, 2 of them with time"),
    ("exercises", swap(7, "</details>", ""), "not closed"),
    ("short_texts", swap(4, "Which", "word " * 120 + "Which"), "cell 4 has"),
    ("short_texts", swap(7, "It counts.", "It counts. " * 60), "cell 7 has"),
    ("cells_parse", add_code("print('a'"), "cell 7 is not Python 3.11"),
    ("cells_parse", add_code("type Row = dict"), "cell 7 is not Python 3.11"),
    ("short_cells", add_code("\n".join(["x = 1"] * 26)), "cell 7 has 26 lines"),
    ("narrow_lines", add_code("x = 1\ny = '" + "a" * 83 + "'"), "cell 7, line 2 has 89 characters"),
    ("no_dead_code", add_code("if False:\n    later()"), "never runs"),
    ("no_dead_code", add_code("if 0:\n    later()"), "never runs"),
    ("names_are_bound", add_code("print(totale)"), "cell 7 uses totale"),
    ("names_are_bound", swap(6, "total + SEED", "totale + SEED"), "cell 6 uses totale, which no cell binds"),
    ("names_are_bound", swap(5, "PROFILE", "total"), "cell 5 uses total, which no cell up to it binds"),
    ("names_are_bound", swap(6, "k * STEPS", "k * STEPZ"), "uses STEPZ"),
    ("names_are_bound", add_code("from math import *"), "imports *"),
    ("calls_fit", swap(5, "text=", "path="), "no keyword path"),
    ("calls_fit", swap(5, "text=PROFILE", "PROFILE, 2"), "too many positional"),
    ("calls_fit", swap(5, "import aha_words", "import aha_wordz as aha_words"), "fails"),
    ("calls_fit", add_code("from vlaa_helpers import steps as s\ns.rewrite(record=1)"), "missing a required argument"),
    ("calls_fit", add_code("from vlaa_helpers import steps as s\ns.rewrote()"), "has no rewrote"),
    (
        "public_names_only",
        add_code("from vlaa_helpers.core.trace_text import aha_words"),
        "vlaa_helpers.core.trace_text",
    ),
    (
        "public_names_only",
        add_code("def f():\n    import vlaa_helpers.cli as c"),
        "cell 7 reaches for vlaa_helpers.cli",
    ),
    ("public_names_only", add_code("from vlaa_helpers import evaluate, core"), "cell 7 reaches for vlaa_helpers.core"),
    ("calls_fit", add_code("from trl import GRPOConfig\nGRPOConfig(max_prompt_length=9)"), "max_prompt_length"),
    ("parameters_hold", lambda nb: nb.metadata["vlaa"]["smoke"].update(STEP=2), "parameter STEP is not assigned"),
    ("parameters_hold", lambda nb: nb.metadata.pop("vlaa"), "smoke"),
    ("parameters_hold", swap(6, "STEPS", "60"), "the parameter STEPS is used nowhere"),
    ("parameters_hold", add_code("STEPS = 90"), "cell 7 assigns the parameter STEPS again"),
    ("writes_below_its_own_folder", add_code('print("runs/07/base")'), "names runs/07/base; expected runs/01"),
    ("writes_below_its_own_folder", add_code('print(f"runs/{len([])}")'), "cell 7 names runs/; expected runs/01"),
    ("writes_below_its_own_folder", swap(3, "STEPS", "RUNS = 'runs/1'\nSTEPS"), "RUNS is runs/1; expected runs/01"),
    ("outputs_present", lambda nb: [nb.cells[i].update(outputs=[]) for i in (2, 3, 5)], "1 of 5 code cells"),
    ("outputs_clean", add_output(new_output("error", ename="KeyError", evalue="", traceback=[])), "KeyError"),
    ("outputs_clean", add_output(new_output("stream", name="stderr", text="warning")), "stderr"),
    ("outputs_clean", add_output(new_output("stream", text="1%\r2%")), "progress bar"),
    ("outputs_clean", add_output(new_output("display_data", {notebook_files.WIDGET_VIEW: {}})), "a widget"),
    ("outputs_clean", lambda nb: nb.metadata.update(widgets={}), "widget state"),
    ("outputs_belong", swap(6, "range(3)", "range(4)"), "cell 6 changed"),
    ("outputs_belong", lambda nb: nb.cells.pop(5), "execution counts"),
    ("outputs_belong", move(6, 5), "execution counts"),
    ("links_resolve", swap(4, "../LICENSE", "../LICENCE"), "leads nowhere"),
    ("links_resolve", swap(4, "../LICENSE", "../../elsewhere"), "out of the repository"),
]


@pytest.mark.parametrize(
    ("rule", "mutate", "seen"), MUTATIONS, ids=[f"{k}-{rule}" for k, (rule, _, _) in enumerate(MUTATIONS)]
)
def test_a_broken_notebook_is_seen(sample, rule, mutate, seen):
    nb = copy.deepcopy(sample.nb)
    mutate(nb)
    sample.path.write_text(nbformat.v4.writes(nb) if rule != "valid_file" else sample.path.read_text())
    problems = contract.RULES[rule](contract.Page(sample.path, nb, sample.root))
    assert any(seen in problem for problem in problems), problems


def test_every_rule_is_seen_to_fail():
    assert {rule for rule, _, _ in MUTATIONS} == set(contract.RULES)


# ---- corners ----


@pytest.mark.parametrize(
    ("source", "plain"),
    [
        ("%matplotlib inline\nx = 1", "pass\nx = 1"),
        ("if a:\n    !ls\nfiles = !ls", "if a:\n    pass\nfiles = None"),
        ("%%bash\nls -l", "pass"),
        ("plot_curves?", "pass"),
        ('x = """\n%d of\n!"""', 'x = """\n%d of\n!"""'),
    ],
)
def test_magics_are_taken_out(source, plain):
    assert contract.plain_python(source) == plain


def train_sft(model, processor, records, profile, **config):
    """Stands for the package's: what it does not name goes to TRL's SFTConfig."""


@pytest.mark.parametrize(
    ("call", "problems"),
    [
        ("train_sft(m, p, r, f, max_steps=2, learning_rate=1e-4)", []),
        ("train_sft(m, p, r, f, max_stepz=2)", ["no keyword max_stepz"]),
        ("train_sft(m, p, r, max_steps=2)", ["missing a required argument: 'profile'"]),
        ("train_sft(*all_of_it, **more)", []),
    ],
)
def test_the_config_of_a_trainer_is_checked_against_trl(call, problems):
    assert contract._call_problems(train_sft, "train_sft", ast.parse(call).body[0].value) == problems


def test_a_function_the_notebook_builds_itself_is_not_the_package_s(sample):
    sample.nb.cells[6].source = "def aha_words(anything):\n    pass\n\n\naha_words(anything=1)"
    assert contract.calls_fit(sample) == []


def test_every_notebook_begins_with_the_setup_cell():
    """One cell, in one place: `make test-colab` runs it in a kernel like Colab's, `… run badges` writes it."""
    for path in NOTEBOOKS:
        first = next(filter(notebook_files.has_code, notebook_files.read_notebook(path).cells))
        assert first.source == notebook_files.setup_cell(), path.name


@pytest.mark.parametrize("where", ["here", "colab", "kaggle"])
def test_the_setup_cell_installs_on_colab_and_kaggle_alone(where, monkeypatch):
    called = []
    monkeypatch.setattr("vlaa_helpers.install_missing", lambda: called.append(where))
    if where == "kaggle":
        monkeypatch.setenv("KAGGLE_KERNEL_RUN_TYPE", "Interactive")
    if where == "colab":
        monkeypatch.setitem(sys.modules, "google.colab", types.ModuleType("google.colab"))
    exec(contract.plain_python(notebook_files.setup_cell()), {})
    assert called == [] if where == "here" else called == [where]
