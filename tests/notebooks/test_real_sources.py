"""Every chapter with a GPU profile: the released data by name, from a hub on loopback, and a model of two layers.

All of them run in one folder, as on a Drive, and two a second time, as in a new session.

A startup file gives the kernel what no test has: settings of `t4` on a CPU, a model with random weights in place of
the 3B one, and where COCO's images lie. It also has room for one policy alone, with its trainer: by `estimate_memory` a
step of GRPO takes 7.6 GiB of a T4's 14.6, a second policy with its trainer 5.7, and CUDA and fragments want 2. And it
notes the titles of figures. All else is the notebook's own code. With VLAA_TRUE_WIDTH=1 the layers are as wide as those
of Qwen2.5-VL-3B, which takes minutes a notebook.
"""

import io
import json
import os
import shutil
import zipfile
from pathlib import Path

import pytest
from benchmark_files import FILES, write_benchmark
from hub_server import HubServer
from release_files import REPO, images_of, json_lines, rows_of, tar_gz
from tiny_size import TINY

from vlaa_helpers import policy_adapter
from vlaa_helpers.core.assets import MINI_VLMS
from vlaa_helpers.dev.notebooks.files import list_notebooks, read_notebook, smoke_parameters
from vlaa_helpers.dev.notebooks.run import run_notebook

NOTEBOOKS = list_notebooks(Path(__file__).resolve().parents[2] / "notebooks")
ROWS = 40  # of each source
BENCHMARK = "mathvision_testmini"
WIDE = os.environ.get("VLAA_TRUE_WIDTH") == "1"
A_CELL, A_TEST = (1800, 7200) if WIDE else (240, 300)  # seconds
STARTUP = """
def set_up():  # a startup file shares its names with the notebook
    import gc
    import weakref

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from vlaa_helpers.data import released
    from vlaa_helpers.policy import loading, profiles

    released.ELSEWHERE = {"coco": (SITE,)}
    small = {"model": MODEL, "device": "cpu", "dtype": "float32", "max_completion_length": LENGTH, "lora_rank": 4}
    small |= {"prompts_per_step": 2, "num_generations": 2, "micro_batch_size": 4, "sft_batch_size": 4}
    small |= {"test_per_source": 2}
    mini = profiles.get_profile("mini")  # a chapter may look at the mini lab beside its own profile
    profiles.get_profile = lambda name: mini if name == "mini" else profiles.settings_of(name).replace(**small)
    held, load_policy = [], loading.load_policy

    def load_alone(*args, **options):
        gc.collect()
        if any(policy() is not None for policy in held):
            raise MemoryError("another policy is held: a T4 has no room for two")
        loaded = load_policy(*args, **options)
        held.append(weakref.ref(loaded[0]))
        return loaded

    def noting(method):
        def note(self, title, *args, **options):
            with open(TITLES, "a") as file:
                file.write(str(title) + "\\n")
            return method(self, title, *args, **options)

        return note

    loading.load_policy = load_alone
    Axes.set_title, Figure.suptitle = noting(Axes.set_title), noting(Figure.suptitle)


set_up()
del set_up
"""
FINDINGS = {
    "SFT: the loss falls, then stays",
    "NF4 rounds most weights, the small ones, more finely",
    "One step makes some tokens likelier (blue) and others less likely (red)",
    "After SFT it answers as the teacher does, after GRPO mostly carefully",
    "Sampled accuracy rises in every source after either stage",
    "Of the records that are lost, nearly all are lost at the judge",
    "Healthy: the loss falls quickly, then slowly",
    "The lowest curve is not the best run",
    "After SFT four of six sources are right more often",
    "A healthy run: reward and format rise, entropy falls, fewer groups teach",
    "Groups of equal rewards show both sick runs from the first step",
    "After 40 steps four of six sources are right more often",
    "The forced answer is seldom the final one before the last step",
    "Without its picture each policy is at guessing or below, except on angles",
}
"""What the mini lab found: no title for a figure of other data."""
AGAIN = {"00_start_here": {}, "04_train_grpo": {"SICK_STEPS": 0, "TWIN_STEPS": 0}}
"""Chapters to run a second time, resumed, with these parameters: they train nothing again."""


def traced(rows: list[dict]) -> list[dict]:
    """Rows of the release's SFT file: long traces without a cue, and no ground truth of their own."""
    return [
        {name: row[name] for name in ("id", "image", "question")}
        | {"answer": f"<think>\n{'I look at it. ' * 75}\n</think>\n\n<answer>\n{row['gt']}\n</answer>"}
        for row in rows
    ]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """The folder of a model with two layers of each kind."""
    from transformers import AutoProcessor

    from vlaa_helpers import get_profile
    from vlaa_helpers.dev.benchmarks.random_qwen import TRUE_WIDTH, save_random_model

    folder = tmp_path_factory.mktemp("two_layers")
    size = TRUE_WIDTH if WIDE else TINY
    save_random_model(folder, AutoProcessor.from_pretrained(get_profile("mini").model), size)
    return folder


@pytest.fixture
def release(model, request, tmp_path, monkeypatch):
    """A hub with rows of five sources for both splits, which kernels ask from here on under a profile as above.

    Chapter 5 cuts traces, and random weights write none: there the model is the mini VLM.
    """
    cuts_traces = request.node.callspec.params["path"].stem == "05_find_pseudo_reasoning"
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
        place, (asked, *_) = FILES[BENCHMARK]
        questions = [{**asked, "id": str(k)} for k in range(15)]
        file = write_benchmark(tmp_path / "benchmark", BENCHMARK, questions) / place
        hub.repos["MathLLMs/MathVision"] = {place: file.read_bytes()}
        startup = tmp_path / "ipython" / "profile_default" / "startup" / "profile.py"
        startup.parent.mkdir(parents=True)
        places = {"SITE": f"{hub.cdn}/train2017.zip", "TITLES": str(tmp_path / "titles")}
        places |= {"MODEL": str(MINI_VLMS["mini"] if cuts_traces else model), "LENGTH": 64 if cuts_traces else 6}
        startup.write_text("".join(f"{name} = {value!r}\n" for name, value in places.items()) + STARTUP)
        settings = {"IPYTHONDIR": str(tmp_path / "ipython"), "HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "home")}
        for name in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "TRANSFORMERS_OFFLINE"):
            monkeypatch.setenv(name, "0")
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        yield hub


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """One folder for all chapters, as on a Drive."""
    return tmp_path_factory.mktemp("drive")


def trainings(folder):
    """Checkpoints and when each was written."""
    return {path: path.stat().st_mtime_ns for path in folder.rglob("trainer_state.json")}


def leave_an_adapter(folder):
    """As chapter 4 does: one of the mini VLM, trained on all records of one source."""
    shutil.copytree(policy_adapter("GRPO"), folder / "adapter")
    ids = [row["id"] for row in rows_of("clevr_math", ROWS)]
    note = {"method": "GRPO", "base": "a/b", "records": len(ids), "sources": {}, "recipe": [], "ids": ids}
    (folder / "training.json").write_text(json.dumps(note))


@pytest.mark.timeout(A_TEST)
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs_on_the_released_data(path, release, place, tmp_path):
    parameters = {**smoke_parameters(read_notebook(path)), "PROFILE": "t4"}
    if path.stem == "05_find_pseudo_reasoning":
        leave_an_adapter(place / "runs/04/run")
    run = run_notebook(path, tmp_path / "out", parameters=parameters, folder=place, timeout=A_CELL)
    print(f"{path.stem}: {run.seconds:.0f} s, {run.peak_memory_mb} MB")  # `-rP` shows it
    assert (run.status, run.error) == ("ok", None)
    assert any(name.endswith(".json") for name in release.asked("cdn"))
    assert not FINDINGS & set((tmp_path / "titles").read_text().splitlines())
    if path.stem == "05_find_pseudo_reasoning":
        said = (tmp_path / "out" / "notebooks" / path.name).read_text()
        assert "GRPO: runs/04/run/adapter" in said and "SFT: left out, no adapter of this model in runs/02" in said
        assert "trained on 2 of 10 records (2 by id" in said and "8 questions are left" in said
    if path.stem in AGAIN:  # in a new session
        before = trainings(place / "runs" / path.stem[:2])
        parameters |= {"RESUME": True, **AGAIN[path.stem]}
        run = run_notebook(path, tmp_path / "again", parameters=parameters, folder=place, timeout=A_CELL)
        assert (run.status, run.error) == ("ok", None)
        assert before and trainings(place / "runs" / path.stem[:2]) == before
