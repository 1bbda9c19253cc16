"""Small notebooks made here: what is run, what is written, what is refused."""

import csv
import json
import os

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from vlaa_helpers.dev.notebooks import files as notebook_files
from vlaa_helpers.dev.notebooks import run as series

PARAMETERS = {"tags": ["parameters"]}


def write(path, *cells, smoke=None):
    """Write a notebook of code cells; the one that starts with `# parameters` gets the tag."""
    nb = new_notebook(cells=[new_markdown_cell("# Title")])
    for source in cells:
        nb.cells.append(new_code_cell(source, metadata=PARAMETERS if source.startswith("# parameters") else {}))
    if smoke is not None:
        nb.metadata["vlaa"] = {"smoke": smoke}
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(nb, path)
    return path


def parameters_notebook(source):
    return new_notebook(cells=[new_code_cell(source, metadata=PARAMETERS)])


# ---- finding ----


def test_notebooks_are_listed_in_reading_order(tmp_path):
    for name in ["10_read_curves", "02_build_data", "00_start_here", "Untitled", "draft_03"]:
        write(tmp_path / f"{name}.ipynb", "1")
    names = [path.stem for path in notebook_files.list_notebooks(tmp_path)]
    assert names == ["00_start_here", "02_build_data", "10_read_curves"]


# ---- parameters ----


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("STEPS = 60", "STEPS = 2"),
        ("STEPS = (\n    30\n    * 2\n)  # a comment\nSEED = 0", "STEPS = (\n    2\n)  # a comment\nSEED = 0"),
        ("STEPS: int = 60", "STEPS: int = 2"),
        ('NAME = "é—ü"; STEPS = 60; OTHER = 1', 'NAME = "é—ü"; STEPS = 2; OTHER = 1'),
        ("STEPS = 60\nSTEPS = 61", "STEPS = 2\nSTEPS = 2"),
        ("FIRST = STEPS = 60", "FIRST = STEPS = 2"),
    ],
)
def test_an_override_replaces_the_assigned_value_and_nothing_else(source, expected):
    nb = parameters_notebook(source)
    notebook_files.set_parameters(nb, {"STEPS": 2})
    assert nb.cells[0].source == expected


def test_several_overrides_and_any_literal():
    nb = parameters_notebook('PROFILE = "mini"\nSTEPS = 60\nKINDS = None')
    notebook_files.set_parameters(nb, {"KINDS": ["blocks", 'a "quoted" one'], "PROFILE": "t4", "STEPS": 1})
    values = {}
    exec(nb.cells[0].source, values)
    assert (values["PROFILE"], values["STEPS"], values["KINDS"]) == ("t4", 1, ["blocks", 'a "quoted" one'])


@pytest.mark.parametrize(
    "source",
    [
        "STEP = 60",
        "if True:\n    STEPS = 60",
        "STEPS += 1",
        "STEPS: int",
        "A, STEPS = 1, 2",
        "f(STEPS=3)",
        "# STEPS = 60",
    ],
)
def test_an_override_that_would_not_apply_is_refused(source):
    nb = parameters_notebook(f"{source}\nSEED = 0")
    with pytest.raises(ValueError, match=r"parameter STEPS is not assigned .*SEED"):
        notebook_files.set_parameters(nb, {"STEPS": 2, "SEED": 1})
    assert nb.cells[0].source == f"{source}\nSEED = 0"


def test_an_override_must_be_a_literal():
    with pytest.raises(ValueError, match="STEPS: .* is not a literal"):
        notebook_files.set_parameters(parameters_notebook("STEPS = 60"), {"STEPS": object()})


@pytest.mark.parametrize("tagged", [0, 2])
def test_there_is_exactly_one_parameters_cell(tagged):
    nb = new_notebook(cells=[new_code_cell("STEPS = 1", metadata=PARAMETERS) for _ in range(tagged)])
    with pytest.raises(ValueError, match=f"{tagged} code cells are tagged"):
        notebook_files.set_parameters(nb, {"STEPS": 2})
    notebook_files.set_parameters(nb, {})  # nothing to set, nothing to miss


# ---- running ----

FIGURE = """
import base64
from IPython.display import Image
Image(base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="))
"""


@pytest.fixture(scope="module")
def good_run(tmp_path_factory):
    """One notebook executed with an override, and its original text."""
    folder = tmp_path_factory.mktemp("good")
    cells = ["# parameters\nSTEPS = 60", "import pathlib, sys\nprint(STEPS, sys.executable)", FIGURE, FIGURE]
    path = write(folder / "notebooks" / "01_try_it.ipynb", *cells, 'pathlib.Path("made.txt").write_text("x")')
    text = path.read_text()
    return path, text, folder / "out", series.run_notebook(path, folder / "out", parameters={"STEPS": 2})


def test_a_good_run_is_reported(good_run):
    _, _, _, run = good_run
    assert (run.name, run.status, run.error, run.cells) == ("01_try_it", "ok", None, 5)
    assert 0 < run.seconds < 120
    assert 10 < run.peak_memory_mb < 4000  # a Python kernel is tens of MiB


def test_the_executed_copy_has_the_override_and_the_original_is_untouched(good_run):
    import sys

    path, text, out, _ = good_run
    executed = nbformat.read(out / "notebooks" / path.name, as_version=4)
    assert executed.cells[1].source == "# parameters\nSTEPS = 2"
    assert executed.cells[2].outputs[0].text == f"2 {sys.executable}\n"  # and the kernel is this very Python
    assert path.read_text() == text
    assert notebook_files.stale_cells(executed) == []


def test_figures_are_extracted_in_order(good_run):
    _, _, out, run = good_run
    assert [path.name for path in run.figures] == ["01_try_it-1.png", "01_try_it-2.png"]
    assert all(path.parent == out / "figures" and path.read_bytes().startswith(b"\x89PNG") for path in run.figures)


def test_what_a_notebook_writes_lands_in_its_scratch_folder(good_run):
    path, _, out, _ = good_run
    assert (out / "scratch" / "01_try_it" / "made.txt").is_file()
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_a_folder_to_run_in_stays_as_it_is(tmp_path):
    (tmp_path / "drive").mkdir()
    (tmp_path / "drive" / "left.txt").write_text("by an earlier chapter")
    path = write(tmp_path / "notebooks" / "01_try_it.ipynb", 'assert open("left.txt").read()')
    run = series.run_notebook(path, tmp_path / "out", folder=tmp_path / "drive")
    assert (run.status, run.error) == ("ok", None) and not (tmp_path / "out" / "scratch").exists()


def test_a_failure_is_recorded_with_the_outputs_so_far(tmp_path):
    path = write(tmp_path / "02_fail_here.ipynb", "print('before')", "1 / 0", "print('after')")
    run = series.run_notebook(path, tmp_path / "out")
    assert (run.status, run.cells, run.error) == ("failed", 2, "cell 2: ZeroDivisionError: division by zero")
    copy = nbformat.read(tmp_path / "out" / "notebooks" / path.name, as_version=4)
    assert copy.cells[1].outputs[0].text == "before\n"
    assert copy.cells[2].outputs[0].ename == "ZeroDivisionError"
    assert copy.cells[3].outputs == [] and copy.cells[3].execution_count is None


def test_a_cell_that_takes_too_long_is_recorded(tmp_path):
    path = write(tmp_path / "03_take_long.ipynb", "import time; time.sleep(60)")
    run = series.run_notebook(path, tmp_path / "out", timeout=1)
    assert run.status == "failed" and "no end after 1 s" in run.error


def test_a_kernel_that_dies_is_recorded(tmp_path):
    path = write(tmp_path / "04_lose_kernel.ipynb", "1", "import os; os._exit(1)")
    run = series.run_notebook(path, tmp_path / "out")
    assert run.status == "failed" and run.error.startswith("cell 2: the kernel died")


@pytest.mark.parametrize(("last", "status"), [("1", "ok"), ("1 / 0", "failed"), ("time.sleep(60)", "failed")])
def test_no_kernel_is_left_behind(last, status, tmp_path):
    """Each holds the model of its notebook, gigabytes over a series."""
    path = write(tmp_path / "05_leave.ipynb", "import os, time\nprint(os.getpid())", last)
    assert series.run_notebook(path, tmp_path / "out", timeout=2).status == status
    copy = nbformat.read(tmp_path / "out" / "notebooks" / path.name, as_version=4)
    with pytest.raises(ProcessLookupError):
        os.kill(int(copy.cells[1].outputs[0].text), 0)


# ---- stamps ----


def executed(*sources):
    nb = new_notebook()
    for n, source in enumerate(sources, start=1):
        output = new_output("stream", name="stdout", text="x\n")
        nb.cells.append(new_code_cell(source, execution_count=n, outputs=[output] if "print" in source else []))
    notebook_files.stamp(nb)
    return nb


def test_a_stamped_notebook_is_fresh_and_one_without_outputs_too():
    assert notebook_files.stale_cells(executed("a = 1", "print(a)")) == []
    assert notebook_files.stale_cells(new_notebook(cells=[new_code_cell("a = 1"), new_code_cell("")])) == []


def test_an_edited_cell_is_stale_with_or_without_output():
    nb = executed("a = 1", "print(a)")
    nb.cells[0].source = "a = 2"
    assert notebook_files.stale_cells(nb) == [0]
    nb.cells[1].source = "print(a + 1)"
    assert notebook_files.stale_cells(nb) == [0, 1]


def test_a_cell_run_by_hand_is_stale():
    nb = executed("a = 1", "print(a)")
    del nb.cells[1].metadata["vlaa"]
    assert notebook_files.stale_cells(nb) == [1]
    nb = new_notebook(cells=[new_code_cell("print(1)", outputs=[new_output("stream", text="1\n")])])
    assert notebook_files.stale_cells(nb) == [0]


def test_an_added_cell_is_stale():
    nb = executed("a = 1", "print(a)")
    nb.cells.insert(1, new_code_cell("a = 5"))
    assert notebook_files.stale_cells(nb) == [1]


# ---- cleaning ----


def test_progress_bars_widgets_and_warnings_are_dropped_and_the_rest_is_kept():
    widget = {notebook_files.WIDGET_VIEW: {"model_id": "1"}, "text/plain": "HBox(...)"}
    with_fallback = {
        notebook_files.WIDGET_VIEW: {"model_id": "2"},
        "text/plain": "Viewer()",
        "text/html": "<b>still</b>",
    }
    outputs = [
        new_output("stream", name="stderr", text="100%|##########| 3/3"),
        new_output("stream", name="stdout", text="step 1\rstep 2\rstep 3\ndone\r\n"),
        new_output("stream", name="stdout", text="\r\n"),
        new_output("display_data", data=widget),
        new_output("display_data", data=with_fallback),
        new_output("execute_result", data={"text/plain": "42"}, execution_count=1),
    ]
    nb = new_notebook(cells=[new_code_cell("f()", outputs=outputs, metadata={"execution": {"x": "y"}})])
    nb.metadata["widgets"] = {"state": "large"}
    notebook_files.clean_outputs(nb)
    kept = nb.cells[0].outputs
    assert [output.output_type for output in kept] == ["stream", "display_data", "execute_result"]
    assert kept[0].text == "step 3\ndone\n"
    assert kept[1].data == {"text/plain": "Viewer()", "text/html": "<b>still</b>"}
    assert "widgets" not in nb.metadata and "execution" not in nb.cells[0].metadata


def test_images_are_stored_with_a_palette():
    import base64
    import io

    import numpy as np
    from PIL import Image

    shade = np.random.default_rng(0).integers(0, 300, (120, 160))
    drawn = np.stack([shade * 255 // 300, shade // 3, 255 - shade // 2], axis=-1).astype("uint8")
    buffer = io.BytesIO()
    Image.fromarray(drawn).save(buffer, "PNG")
    before = base64.b64encode(buffer.getvalue()).decode()
    cell = new_code_cell("f()", outputs=[new_output("display_data", data={"image/png": before})])
    for _ in range(2):  # and cleaning twice changes nothing more
        notebook_files.clean_outputs(new_notebook(cells=[cell]))
        after = cell.outputs[0].data["image/png"]
        image = Image.open(io.BytesIO(base64.b64decode(after)))
        assert image.mode == "P" and len(after) <= len(before)
        assert np.abs(np.asarray(image.convert("RGB")).astype(int) - drawn).max() <= 8
        before = after


def test_machine_paths_are_found_and_other_slashes_are_not(root, tmp_path):
    from pathlib import Path

    someone = "/".join(["", "home", "someone", "data"])
    assert notebook_files.machine_paths(f"saved to {someone}/x.csv.") == [f"{someone}/x.csv."]
    assert notebook_files.machine_paths(f"in {root / 'runs'}")
    assert notebook_files.machine_paths(f"in {Path.home() / 'x'}")
    assert notebook_files.machine_paths("C:" + r"\Users\me") == ["C:" + r"\Users\me"]
    fine = "runs/home/x https://example.org/home/x 3/4 and /think ~/data ./tmp/x a/root/b </answer>"
    assert notebook_files.machine_paths(fine) == []


# ---- badges ----

PYPROJECT = '[tool.vlaa]\nrepository = "https://github.com/someone/fork"\nbranch = "trunk"\n'


@pytest.fixture
def badge_tree(tmp_path):
    """A project whose badges still name another repository."""
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    old = "https://colab.research.google.com/github/old/name/blob/main/notebooks"
    badge = f"[![Open in Colab]({notebook_files.BADGE_IMAGE})]"
    kaggle = f"[![Open in Kaggle]({notebook_files.KAGGLE_IMAGE})]"
    older = "https://kaggle.com/kernels/welcome?src=https://github.com/old/name/blob/main/notebooks"
    (tmp_path / "README.md").write_text(
        f"{badge}({old}/00_start_here.ipynb)\n{badge}({old}/01_look_on.ipynb) {kaggle}({older}/01_look_on.ipynb)\n"
        f"| [Look on](notebooks/01_look_on.ipynb) | {badge}({old}/00_start_here.ipynb) |\n"
    )
    for name in ["00_start_here", "01_look_on"]:
        nb = new_notebook(
            cells=[new_markdown_cell(f"{badge}({old}/00_start_here.ipynb)\n# é\n\n[next]({old}/02_z.ipynb)")]
        )
        (tmp_path / "notebooks").mkdir(exist_ok=True)
        nbformat.write(nb, tmp_path / "notebooks" / f"{name}.ipynb")
    return tmp_path


def test_badges_are_rewritten_from_pyproject(badge_tree):
    names = ["00_start_here.ipynb", "01_look_on.ipynb", "README.md"]
    assert [path.name for path in notebook_files.update_badges(badge_tree)] == names
    link = "https://colab.research.google.com/github/someone/fork/blob/trunk/notebooks"
    first, second = (notebook_files.badges(name, badge_tree) for name in names[:2])
    readme = (badge_tree / "README.md").read_text()
    assert readme == f"{first}\n{second}\n| [Look on](notebooks/01_look_on.ipynb) | {second} |\n"
    assert "?src=https://github.com/someone/fork/blob/trunk/notebooks/00_start_here.ipynb)" in first
    cell = notebook_files.read_notebook(badge_tree / "notebooks" / "01_look_on.ipynb").cells[0].source
    assert cell.startswith(f"{second}\n")  # a copied badge opens its own file
    assert f"[next]({link}/02_z.ipynb)" in cell
    assert notebook_files.update_badges(badge_tree) == []


def test_badges_check_names_the_files_and_changes_nothing(badge_tree, capsys):
    before = (badge_tree / "README.md").read_text()
    assert series.main(["--root", str(badge_tree), "badges", "--check"]) == 1
    assert "README.md: badges differ" in capsys.readouterr().out
    assert (badge_tree / "README.md").read_text() == before
    assert series.main(["--root", str(badge_tree), "badges"]) == 0
    assert series.main(["--root", str(badge_tree), "badges", "--check"]) == 0


def test_setup_cells_are_rewritten_and_nothing_else(badge_tree):
    """Not the stored outputs, and no cell that only happens to be first."""
    old = 'import sys\n\nif "google.colab" in sys.modules:\n    %pip install vlaa-helpers'
    for name, source in {"02_set_up": old, "03_begin_otherwise": "1 + 1"}.items():
        cells = [new_code_cell(source, execution_count=1), new_code_cell("print(2)", execution_count=2)]
        cells[1].outputs = [new_output("stream", text="2\n")]
        nb = new_notebook(cells=cells)
        notebook_files.stamp(nb)
        nbformat.write(nb, badge_tree / "notebooks" / f"{name}.ipynb")
    set_up, other = (badge_tree / "notebooks" / f"{name}.ipynb" for name in ("02_set_up", "03_begin_otherwise"))
    before = other.read_bytes(), notebook_files.read_notebook(set_up)
    notebook_files.update_badges(badge_tree)
    nb = notebook_files.read_notebook(set_up)
    assert nb.cells[0].source == notebook_files.setup_cell(badge_tree) != old
    assert "git+https://github.com/someone/fork\n" in nb.cells[0].source
    assert notebook_files.stale_cells(nb) == [] and nb.cells[1] == before[1].cells[1]
    assert other.read_bytes() == before[0] and notebook_files.update_badges(badge_tree) == []


# ---- the commands ----


def test_run_goes_on_after_a_failure_and_says_so(tmp_path, capsys):
    folder = tmp_path / "notebooks"
    write(folder / "00_fail_first.ipynb", "1 / 0")
    write(folder / "01_then_work.ipynb", "# parameters\nSTEPS = 60", "print(STEPS)", smoke={"STEPS": 2})
    write(folder / "02_miss_one.ipynb", "# parameters\nSTEPS = 60", smoke={"STEP": 2})
    out = tmp_path / "runs"
    assert series.main(["--root", str(tmp_path), "run", "--smoke", "--out", str(out)]) == 1
    printed = capsys.readouterr().out
    assert "00_fail_first  failed" in printed and "01_then_work  ok" in printed and f"{out}/summary.md" in printed
    rows = list(csv.DictReader((out / "summary.csv").open()))
    assert [row["status"] for row in rows] == ["failed", "ok", "failed"]
    assert "parameter STEP is not assigned" in rows[2]["error"]
    assert (out / "summary.md").read_text().count("\n") == 5
    assert json.loads((out / "notebooks" / "01_then_work.ipynb").read_text())["cells"][2]["outputs"][0]["text"] == [
        "2\n"
    ]


def test_notebooks_are_picked_by_number_or_name(tmp_path):
    for name in ["00_a", "01_b"]:
        write(tmp_path / f"{name}.ipynb", "1")
    assert [p.stem for p in series._pick(["01", "notebooks/00_a.ipynb", "01_b"], tmp_path)] == ["01_b", "00_a"]
    with pytest.raises(SystemExit, match="no notebook 07 .*00_a, 01_b"):
        series._pick(["07"], tmp_path)


def test_refresh_writes_the_notebook_back_clean_and_stamped(tmp_path):
    path = write(
        tmp_path / "notebooks" / "00_a.ipynb", "# parameters\nN = 3", "import sys\nprint(N, file=sys.stderr)\nN"
    )
    assert series.main(["--root", str(tmp_path), "refresh", "00", "--out", str(tmp_path / "runs")]) == 0
    nb = notebook_files.read_notebook(path)
    assert [o.output_type for o in nb.cells[2].outputs] == ["execute_result"]
    assert [c.execution_count for c in nb.cells[1:]] == [1, 2] and notebook_files.stale_cells(nb) == []
    assert nb.cells[1].metadata["tags"] == ["parameters"]


@pytest.mark.parametrize("last", ["1 / 0", "import os; print(os.getcwd())"])
def test_refresh_leaves_the_file_alone_when_it_fails_or_shows_this_machine(tmp_path, last):
    path = write(tmp_path / "notebooks" / "00_a.ipynb", "print(1)", last)
    before = path.read_text()
    run = series.refresh_notebook(path, tmp_path / "runs")
    assert run.status == "failed" and ("paths of this machine" in run.error or "ZeroDivision" in run.error)
    assert path.read_text() == before


def test_a_chapter_that_takes_too_long_is_named():
    runs = [
        series.NotebookRun(name, "ok", seconds, 1, 0.0, (), None) for name, seconds in (("00_a", 299), ("01_b", 412))
    ]
    assert series._summary(runs).splitlines()[-2:] == ["", "Longer than the 300 s that a chapter may take: 01_b 412 s"]
    assert "Longer" not in series._summary(runs[:1])
