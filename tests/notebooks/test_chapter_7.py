"""What chapter 7 says of the paper and of our profiles is what the package has."""

import re

from vlaa_helpers import grpo_recipe
from vlaa_helpers.dev.notebooks.files import ROOT, list_notebooks, read_notebook
from vlaa_helpers.policy.profiles import settings_of
from vlaa_helpers.training.runner import device_settings


def test_completions_a_prompt_are_ours_and_the_paper_s_where_it_says_so():
    assert grpo_recipe(settings_of("a100"), "vlaa").loc["num_generations", "source"] == "ours; the paper: 4"
    assert [settings_of(name).num_generations for name in ("t4", "l4", "a100")] == [4, 8, 8]
    (path,) = (path for path in list_notebooks(ROOT / "notebooks") if path.stem.startswith("07"))
    text = "\n".join(cell.source for cell in read_notebook(path).cells)
    assert "ours on an L4 or A100; the paper and a T4 have 4" in text and "the paper samples four" in text
    assert not re.search(r"(eight|\b8\b)[^.\n]{0,40}as the paper has", text)


def cells():
    (path,) = (path for path in list_notebooks(ROOT / "notebooks") if path.stem.startswith("07"))
    return {cell["id"]: cell for cell in read_notebook(path).cells}


def printed(name):
    return "".join(output.get("text", "") for output in cells()[name].outputs)


def test_the_top_names_the_hours_and_the_disk_that_the_cells_below_print():
    (row,) = [line for line in cells()["c00"].source.splitlines() if line.startswith("| a T4 |")]
    hours = re.search(r"^in all +([\d.]+) hours$", printed("c31b"), flags=re.M)[1]
    assert f"about {hours} hours and the downloads, estimated below and not run yet" in row
    disk = re.search(r"^grpo on t4: about ([\d.]+) GB of disk", printed("c15c"))[1]
    assert f"about {round(float(disk))} GB and the archives of images, estimated below" in row
    memory = re.search(r"^grpo on t4: about ([\d.]+) GiB", printed("c12"))[1]
    assert f"{round(float(memory))} GiB on the GPU, predicted" in row


def test_checkpoints_are_as_far_apart_as_a_gpu_profile_saves():
    saved = {device_settings(settings_of(name), "grpo")["save_steps"] for name in ("t4", "l4", "a100")}
    source = cells()
    assert saved == {5} and "every = 5  # steps between two checkpoints" in source["c31e"].source
    assert "a checkpoint is written every 5 steps" in source["c22b"].source
    apart = float(re.search(r"a checkpoint every ([\d.]+)", printed("c31e"))[1])
    assert round(apart) == 9  # as TROUBLESHOOTING.md and `device_settings` say
    assert "every 5 steps of GRPO, about nine" in (ROOT / "TROUBLESHOOTING.md").read_text(encoding="utf-8")
