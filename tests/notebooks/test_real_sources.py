"""Chapters 0 to 4 with a GPU profile: the released data by name, from a hub on loopback, and a model of two layers.

A startup file gives the kernel what no test has: settings of `t4` on a CPU, a model with random weights in place of the
3B one, and where COCO's images lie. All else is the notebook's own code. With VLAA_TRUE_WIDTH=1 the layers are as wide
as those of Qwen2.5-VL-3B, which takes minutes a notebook.
"""

import io
import os
import zipfile
from pathlib import Path

import pytest
from hub_server import HubServer
from release_files import REPO, images_of, json_lines, rows_of, tar_gz
from tiny_size import TINY

from vlaa_helpers.dev.notebooks.files import list_notebooks, read_notebook, smoke_parameters
from vlaa_helpers.dev.notebooks.run import run_notebook

NOTEBOOKS = list_notebooks(Path(__file__).resolve().parents[2] / "notebooks")[:5]
ROWS = 40  # of each source
STARTUP = """
from vlaa_helpers.data import released
from vlaa_helpers.policy import profiles

released.ELSEWHERE = {"coco": (SITE,)}
small = {"model": MODEL, "device": "cpu", "dtype": "float32", "max_completion_length": 6, "lora_rank": 4}
small |= {"prompts_per_step": 2, "num_generations": 2, "micro_batch_size": 4, "sft_batch_size": 4, "test_per_source": 2}
profiles.get_profile = lambda name: profiles.settings_of(name).replace(**small)
"""


def traced(rows: list[dict]) -> list[dict]:
    """Rows of the release's SFT file: every third trace has a cue, every seventh a wrong answer."""
    return [
        {**row, "ds_answer": f"<think>\n{'Wait, I ' * (k % 3 == 0)}look.\n</think>\n\nSo it is {gt}."}
        for k, row in enumerate(rows)
        for gt in [row["gt"] if k % 7 else "unclear"]
    ]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """The folder of a model with two layers of each kind."""
    from transformers import AutoProcessor

    from vlaa_helpers import get_profile
    from vlaa_helpers.dev.benchmarks.random_qwen import TRUE_WIDTH, save_random_model

    folder = tmp_path_factory.mktemp("two_layers")
    size = TRUE_WIDTH if os.environ.get("VLAA_TRUE_WIDTH") == "1" else TINY
    save_random_model(folder, AutoProcessor.from_pretrained(get_profile("mini").model), size)
    return folder


@pytest.fixture
def release(model, tmp_path, monkeypatch):
    """A hub with rows of five sources for both splits, which kernels ask from here on under a profile as above."""
    sources = ["clevr_math", "geoqa170k", "synthesis", "arxivqa", "coco"]
    rows = {source: rows_of(source, ROWS) for source in sources}
    images = {source: images_of(source, ROWS, first=k * ROWS) for k, source in enumerate(sources)}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in images.pop("coco").items():
            archive.writestr(name.replace("coco/", "train2017/"), data)
    with HubServer() as hub:
        files = hub.repos[REPO]
        files["VLAA-Thinking-GRPO-25K.json"] = json_lines(row for some in rows.values() for row in some)
        with_traces = (row for source in ("clevr_math", "synthesis", "arxivqa") for row in traced(rows[source]))
        files["VLAA-Thinking-SFT-126K.json"] = json_lines(with_traces)
        files |= {f"images/{source}.tar.gz": tar_gz(members) for source, members in images.items()}
        hub.plain["/train2017.zip"] = buffer.getvalue()
        startup = tmp_path / "ipython" / "profile_default" / "startup" / "profile.py"
        startup.parent.mkdir(parents=True)
        startup.write_text(f"MODEL, SITE = {str(model)!r}, {hub.cdn + '/train2017.zip'!r}\n{STARTUP}")
        settings = {"IPYTHONDIR": str(tmp_path / "ipython"), "HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "home")}
        for name in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "TRANSFORMERS_OFFLINE"):
            monkeypatch.setenv(name, "0")
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        yield hub


@pytest.mark.xdist_group("notebooks")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs_on_the_released_data(path, release, tmp_path):
    parameters = {**smoke_parameters(read_notebook(path)), "PROFILE": "t4"}
    run = run_notebook(path, tmp_path / "out", parameters=parameters, timeout=240)
    assert (run.status, run.error) == ("ok", None)
    assert any(name.endswith(".json") for name in release.asked("cdn"))
