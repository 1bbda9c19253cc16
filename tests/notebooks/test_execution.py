"""Every notebook, executed from top to bottom in its smoke mode: headless, offline, in an empty folder."""

from pathlib import Path

import pytest

from vlaa_helpers.dev.notebooks.files import list_notebooks, read_notebook, smoke_parameters
from vlaa_helpers.dev.notebooks.run import run_notebook

NOTEBOOKS = list_notebooks(Path(__file__).resolve().parents[2] / "notebooks")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs_in_smoke_mode(path, tmp_path):
    run = run_notebook(path, tmp_path, parameters=smoke_parameters(read_notebook(path)), timeout=240)
    assert (run.status, run.error) == ("ok", None)
