"""What every test shares, and the guard that no test is left out unnoticed.

The guard: a run fails when a test is skipped for a reason that is not one of `ALLOWED_SKIPS`. A run of the whole
suite (`make test` says so by VLAA_WHOLE_SUITE=1) also fails when a test is deselected, or a test file gives no tests.
"""

import gc
import json
import os
import sys
from collections import Counter
from pathlib import Path

import pytest

# before anything imports torch or the hub: threads that fight over two cores, and look-ups that wait for a network
os.environ.setdefault("OMP_NUM_THREADS", "1")
for _name in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_HUB_DISABLE_TELEMETRY"):
    os.environ.setdefault(_name, "1")

ROOT = Path(__file__).resolve().parents[1]
NO_CUDA = "gpu test: no CUDA on this machine"
NO_COLAB = "colab test: VLAA_COLAB_PYTHON names no interpreter; make test-colab does"
NO_SAMPLES = "the released sample rows are not beside this checkout"
NO_LMMS_EVAL = "lmms-eval is not installed: `make test-eval` runs this with it"
NO_SPHINX = "Sphinx is not installed: `make site` installs it"
NO_BROWSER = "no browser test: it needs playwright, which `make test` installs, and a Chromium (CONTRIBUTING.md)"
ALLOWED_SKIPS = (NO_CUDA, NO_COLAB, NO_SAMPLES, NO_LMMS_EVAL, NO_SPHINX, NO_BROWSER)
LEFT_OUT = pytest.StashKey[list[str]]()


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def real_samples() -> Path:
    """A folder with rows of the released data set (`rows.jsonl`, `images/`); skips where it is not at hand."""
    folder = ROOT.parent / "shared" / "real_samples"
    if not folder.is_dir():
        pytest.skip(NO_SAMPLES)
    return folder


@pytest.fixture
def write_rows(tmp_path):
    """Write rows as JSON Lines (text rows as they are), and images below `images/`."""

    def write(*rows, name="rows.jsonl", images=None):
        for path, data in (images or {}).items():
            target = tmp_path / "images" / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
        file = tmp_path / name
        file.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows), encoding="utf-8")
        return file

    return write


@pytest.fixture(scope="session")
def with_traces():
    """Give mini-world records the traces of a teacher that makes no mistakes."""
    from vlaa_helpers import ScriptedTeacher

    teacher = ScriptedTeacher(omissions=0, hallucinations=0, slips=0)

    def write(records):
        texts = []
        for row in records.remove_columns("image"):
            caption = teacher.ask("caption", row, {}).text
            texts.append(teacher.ask("reason", row, {"caption": caption}).text)
        written = records.remove_columns("response").add_column("response", texts)
        return written.select_columns(records.column_names)

    return write


@pytest.fixture(scope="session")
def tiny_profile(tmp_path_factory):
    """The mini profile around a mini VLM with random weights: for tests of machinery, not of what was learned."""
    from random import Random

    import torch

    from vlaa_helpers import get_profile
    from vlaa_helpers.dev.mini_vlm import train as mini_vlm
    from vlaa_helpers.dev.mini_vlm.lessons import make_lesson

    folder = tmp_path_factory.mktemp("tiny_vlm")
    rng = Random(0)
    tokenizer = mini_vlm.build_tokenizer(make_lesson(rng, k / 200) for k in range(200))
    torch.manual_seed(0)
    mini_vlm.build_model("weak", tokenizer).save_pretrained(folder)
    mini_vlm.build_processor(tokenizer).save_pretrained(folder)
    return get_profile("mini").replace(
        model=str(folder), prompts_per_step=2, num_generations=4, max_completion_length=16
    )


@pytest.fixture(scope="session")
def tiny_models(tiny_profile, tmp_path_factory):
    """A Qwen2-VL, a 2.5-VL and a 3-VL of two narrow layers, in float32, and what reads for all: ({type: folder}, it).

    Their random weights are large, so that each token and its place count.
    """
    import torch
    import transformers
    from transformers import AutoProcessor

    processor = AutoProcessor.from_pretrained(tiny_profile.model)
    token = processor.tokenizer.convert_tokens_to_ids
    text = {
        "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 16,
        "intermediate_size": 64, "vocab_size": len(processor.tokenizer), "max_position_embeddings": 512,
        "rope_parameters": {"rope_type": "default", "rope_theta": 1000.0, "mrope_section": [2, 3, 3]},
        "bos_token_id": None, "eos_token_id": token("<|im_end|>"), "pad_token_id": token("<|endoftext|>"),
    }  # fmt: skip
    vision = {"depth": 2, "num_heads": 2, "patch_size": 14, "spatial_merge_size": 2, "temporal_patch_size": 2}
    sizes = {"hidden_size": 32, "intermediate_size": 64, "out_hidden_size": 32}
    visions = {
        "Qwen2VL": {"embed_dim": 32, "hidden_size": 32, "mlp_ratio": 2},
        "Qwen2_5_VL": {**sizes, "fullatt_block_indexes": [1], "window_size": 56},
        "Qwen3VL": {**sizes, "deepstack_visual_indexes": [0], "num_position_embeddings": 64},
    }
    folders = {}
    for name, own in visions.items():
        config = getattr(transformers, f"{name}Config")(
            text_config=text, vision_config=vision | own, image_token_id=token("<|image_pad|>"),
            video_token_id=token("<|video_pad|>"), vision_start_token_id=token("<|vision_start|>"),
            vision_end_token_id=token("<|vision_end|>"),
        )  # fmt: skip
        torch.manual_seed(0)
        model = getattr(transformers, f"{name}ForConditionalGeneration")(config)
        for parameter in model.parameters():
            if parameter.ndim > 1:
                torch.nn.init.normal_(parameter, std=0.2)
            else:  # biases and norms, which would be 0 and 1
                parameter.data += 0.2 * torch.randn(parameter.shape)
        folders[config.model_type] = tmp_path_factory.mktemp(config.model_type)
        model.save_pretrained(folders[config.model_type])
        processor.save_pretrained(folders[config.model_type])
    return folders, processor


@pytest.fixture
def small_hub(monkeypatch, tmp_path):
    """A hub on loopback that huggingface_hub asks from here on, with a cache of its own."""
    from huggingface_hub import constants
    from small_hub import SmallHub

    with SmallHub() as hub:
        template = f"{hub.url}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        settings = {"HF_HUB_OFFLINE": False, "HF_HUB_DISABLE_XET": True, "HF_HUB_CACHE": str(tmp_path / "hub_cache")}
        for name, value in {**settings, "ENDPOINT": hub.url, "HUGGINGFACE_CO_URL_TEMPLATE": template}.items():
            monkeypatch.setattr(constants, name, value)
        yield hub


REGISTRIES = (  # module, the registry in it, and what tells the built-in names
    ("vlaa_helpers.rewards.registry", "_registered", lambda module: {verifier.name for verifier in module.BUILT_IN}),
    ("vlaa_helpers.pseudo_reasoning.measures", "MEASURES", lambda module: {each.name for each in module.BUILT_IN}),
    ("vlaa_helpers.mini_world.kinds.registry", "KINDS", lambda module: set(module.SOURCES)),
    ("vlaa_helpers.evaluation.benchmarks.registry", "_registered", lambda module: {b.name for b in module.BUILT_IN}),
)


@pytest.fixture(autouse=True)
def registries_as_they_were():
    """What a test, or an example in a docstring, registers is gone after it."""
    yield
    for name, registry, built_in in REGISTRIES:
        if name in sys.modules:
            module = sys.modules[name]
            for own in set(getattr(module, registry)) - built_in(module):
                del getattr(module, registry)[own]


# ---- settings ----


def pytest_configure(config):
    config.stash[LEFT_OUT] = []
    from hypothesis import settings

    # The same examples on every run and no deadline: a busy machine must not turn a green suite red.
    settings.register_profile("vlaa", derandomize=True, deadline=None, database=None)
    settings.load_profile("vlaa")
    if os.environ.get("VLAA_CANARY") == "1":  # releases that nobody has tested yet: prompts are shared all the same
        from vlaa_helpers.policy.tested_versions import TESTED, version

        TESTED.update({name: ".".join(version(name).split(".")[:2]) for name in TESTED})


@pytest.hookimpl(wrapper=True)
def pytest_collection(session):
    """What is there once all modules are imported stays: it is never looked through for garbage again.

    Each training begins with `gc.collect()`; with a million objects of torch and of this suite that takes 0.6 s.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()


LONGEST = (  # files that take half a minute or more, the longest first
    "notebooks/test_execution.py", "notebooks/test_real_sources.py", "policy/test_memory_estimate.py",
    "integration/test_distributed.py", "notebooks/test_viewers_in_browser.py", "exercises/test_notebook_cells.py",
    "dev/test_benchmark_true_size.py", "study/test_kills.py", "pipeline/test_build.py", "integration/test_resume.py",
    "dev/test_studies.py", "dev/test_mini_vlm_vocabulary.py", "study/test_runner.py", "core/test_endpoint.py",
    "dev/test_site_pages.py", "dev/test_benchmark_shared_prefix.py", "training/test_expert_prefix_trainer.py",
    "training/test_shared_prefix_trainer.py", "training/test_phases.py",
)  # fmt: skip


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    # the longest files first: none is left for one worker alone at the end, while the other has nothing to do
    place = {ROOT / "tests" / name: rank for rank, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path, len(place)))
    if "VLAA_COLAB_PYTHON" not in os.environ:
        for item in items:
            if item.get_closest_marker("colab"):
                item.add_marker(pytest.mark.skip(reason=NO_COLAB))
    on_gpu = [item for item in items if item.get_closest_marker("gpu")]
    if on_gpu:
        import torch

        if not torch.cuda.is_available():
            for item in on_gpu:
                item.add_marker(pytest.mark.skip(reason=NO_CUDA))


# ---- the guard ----
# With xdist the workers collect and the controller judges: workers hand over what they left out in `workeroutput`.


def _whole_suite() -> bool:
    return os.environ.get("VLAA_WHOLE_SUITE") == "1"


def _refuse_skip(report) -> str | None:
    """What is wrong with a skipped report, None when the skip is allowed."""
    if not report.skipped or hasattr(report, "wasxfail"):
        return None
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    reason = reason.removeprefix("Skipped: ")
    if reason not in ALLOWED_SKIPS or (reason == NO_CUDA and "gpu" not in report.keywords):
        return f"{report.nodeid} was skipped ({reason}); allowed are: {'; '.join(ALLOWED_SKIPS)}"
    return None


def _is_worker(config) -> bool:
    return hasattr(config, "workerinput")


def pytest_deselected(items):
    if _whole_suite():
        items[0].config.stash[LEFT_OUT] += [f"{item.nodeid} was deselected" for item in items]


def pytest_collection_finish(session):
    if not _whole_suite() or session.config.pluginmanager.hasplugin("dsession"):  # the controller collects nothing
        return
    collected = {Path(item.path) for item in session.items}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        if path not in collected:
            session.config.stash[LEFT_OUT].append(f"{path.relative_to(ROOT)} gave no tests")


def _note(report, config):
    if not _is_worker(config) and (problem := _refuse_skip(report)):
        config.stash[LEFT_OUT].append(problem)


class _Reports:
    """Report hooks get no config, so they live in an object that has one."""

    def __init__(self, config):
        self.config = config

    def pytest_runtest_logreport(self, report):
        _note(report, self.config)

    def pytest_collectreport(self, report):
        _note(report, self.config)


def pytest_sessionstart(session):
    session.config.pluginmanager.register(_Reports(session.config), "vlaa-left-out")


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node, error):
    node.config.stash[LEFT_OUT] += getattr(node, "workeroutput", {}).get("left_out", [])


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session, exitstatus):
    left_out = session.config.stash[LEFT_OUT]
    if _is_worker(session.config):
        session.config.workeroutput["left_out"] = left_out
    elif left_out and exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter, config):
    if _whole_suite():
        seconds = Counter()
        for report in (report for reports in terminalreporter.stats.values() for report in reports):
            seconds[getattr(report, "nodeid", "").partition("::")[0]] += getattr(report, "duration", 0)
        terminalreporter.section(f"the longest files, of {seconds.total():.0f} s on all workers")
        for name, spent in seconds.most_common(len(LONGEST)):
            terminalreporter.line(f"{spent:6.1f} s  {name}")
    if left_out := sorted(set(config.stash[LEFT_OUT])):
        terminalreporter.section("tests that were left out", red=True)
        for line in left_out:
            terminalreporter.line(line)
