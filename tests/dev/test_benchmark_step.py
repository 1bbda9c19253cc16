"""The benchmark of a step: its arms do the same steps, its JSON says what it should, and the true size is true."""

import json
import time
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from tiny_size import TINY

from vlaa_helpers import get_profile
from vlaa_helpers.dev.benchmarks import floor, harness
from vlaa_helpers.dev.benchmarks import step as step_benchmark
from vlaa_helpers.dev.benchmarks.floor import PARTS
from vlaa_helpers.dev.benchmarks.random_qwen import TRUE_SIZE, build_config, save_random_model
from vlaa_helpers.display.plots import plot_step_parts
from vlaa_helpers.display.plots.speed import PART_NAMES
from vlaa_helpers.policy.loading import load_processor

ARMS = ["ours", "trl", "trl_float32"]


@pytest.fixture(scope="module")
def processor():
    return load_processor(get_profile("mini"))


@pytest.mark.parametrize(
    ("lines", "name"),
    [
        ("processor\t: 0\nmodel name\t: Imaginary 9000 @ 2.0GHz\nmodel name\t: Other\n", "Imaginary 9000 @ 2.0GHz"),
        ("processor\t: 0\nmodel name\t:\nBogoMIPS\t: 50\n", "what Python says"),  # as on some ARM machines
        (None, "what Python says"),
    ],
)
def test_the_processor_is_named(lines, name, tmp_path, monkeypatch):
    if lines is not None:
        (tmp_path / "cpuinfo").write_text(lines)
    monkeypatch.setattr(harness, "CPU_INFO", tmp_path / "cpuinfo")
    monkeypatch.setattr(harness.platform, "processor", lambda: "what Python says")
    assert harness.cpu_model() == harness.machine()["cpu_model"] == name


def test_the_command_prints_and_writes_one_json(tiny_profile, tmp_path, monkeypatch, capsys):
    out = tmp_path / "new" / "sft.json"
    monkeypatch.setattr(step_benchmark, "get_profile", lambda name: tiny_profile.replace(sft_batch_size=2))
    monkeypatch.setattr("sys.argv", ["step_benchmark", "sft", "--steps", "2", "--out", str(out)])
    step_benchmark.main()
    found = json.loads(out.read_text())
    assert json.loads(capsys.readouterr().out) == found
    assert list(found["arms"]) == ARMS and found["settings"]["batch"] == "1 x 2"
    assert set(found["versions"]) == set(harness.PACKAGES) and ("gpu" in found) == torch.cuda.is_available()
    assert found["cpu_model"] == harness.cpu_model() != ""
    for arm in found["arms"].values():
        assert len(arm["step_s"]) == 2 and min(arm["step_s"]) > 0 and len(arm["losses"]) == 3
        assert arm["tokens_per_step"] > 2 * 100 and "allocated_gib" not in arm
    for against in found["ours_over"].values():
        for ratio in ("ratio", "cpu_ratio"):
            low, high = against[f"{ratio}_interval_95"]
            assert 0 < low <= against[ratio] <= high
    assert found["ours_over"]["trl_float32"]["largest_loss_difference"] == 0  # the same arithmetic
    assert found["ours_over"]["trl"]["largest_loss_difference"] < 0.05  # adapters rounded to bfloat16


def test_the_path_of_the_gpu_runs_on_a_tiny_model():
    profile = get_profile("mini").replace(
        dtype="bfloat16", max_pixels=262_144, gradient_checkpointing=True, micro_batch_size=1, sft_batch_size=2
    )
    found = step_benchmark.true_size_sft(profile, TINY, steps=1)
    assert found["settings"]["batch"] == "2 x 1" and found["settings"]["gradient_checkpointing"]
    assert found["sample"]["visual_tokens"] == (512 // 28) ** 2
    assert 295 <= found["sample"]["completion_tokens"] <= 305
    assert found["arms"]["ours"]["tokens_per_step"] > 2 * (324 + 295)
    assert found["ours_over"]["trl_float32"]["largest_loss_difference"] == 0
    assert list(found["arms"]) == ARMS and "within_budget" not in found  # no GPU, no budget
    assert found["arms"]["ours"]["losses"][0] == pytest.approx(np.log(2048), abs=0.3)  # knows nothing


def test_grpo_arms_draw_the_same_completions(tiny_profile, tmp_path, monkeypatch):
    monkeypatch.setattr(step_benchmark, "get_profile", lambda name: tiny_profile)
    command = ["step_benchmark", "grpo", "--exact-draws", "--steps", "2", "--out", str(tmp_path / "grpo.json")]
    monkeypatch.setattr("sys.argv", command)
    step_benchmark.main()
    found = json.loads((tmp_path / "grpo.json").read_text())
    ours, exact = (found["arms"][name] for name in ("ours", "trl_float32"))
    assert ours["tokens_per_step"] == exact["tokens_per_step"]
    assert ours["losses"] == pytest.approx(exact["losses"], abs=1e-5)  # floats in another order
    assert all(0 < arm["median_generation_s"] < arm["median_step_s"] for arm in found["arms"].values())
    parts = found["floor"]
    assert set(parts["flops"]) == set(parts["parts_s"]) == set(PARTS) == set(PART_NAMES)
    assert parts["flops_of_a_step"] == pytest.approx(sum(parts["flops"].values()), abs=3)
    assert min(parts["flops"][part] for part in ("prompts", "sampling", "loss", "backward")) > 0
    assert sum(parts["parts_s"].values()) == pytest.approx(parts["step_s"], rel=0.5) and parts["floor_s"] > 0
    assert plot_step_parts(found, title="parts").axes[0].get_title() == "parts"


def test_products_are_counted():
    """Of one product: 2 x rows x inputs x outputs, once forward and twice backward."""
    watch = floor._Watch(counted=True)
    watch.on_step_begin(None, None, None)
    weight = torch.ones(7, 5, requires_grad=True)
    x = torch.ones(3, 5, requires_grad=True)
    with watch.part("loss"):
        out = torch.nn.functional.linear(x, weight).sum()
    with watch.part("backward"):
        out.backward()
    watch.on_step_end(None, None, None)
    assert watch.flops[0]["loss"] == 2 * 3 * 5 * 7 and watch.flops[0]["backward"] == 2 * 2 * 3 * 5 * 7
    assert floor.matrix_rate(seconds=0.01).keys() == {"2048x128x384", "2048x384x128", "64x128x384"}


def test_the_path_of_the_gpu_runs_grpo_on_a_tiny_model():
    profile = get_profile("mini").replace(
        dtype="bfloat16", max_pixels=262_144, gradient_checkpointing=True, micro_batch_size=2, prompts_per_step=1,
        max_completion_length=6,
    )  # fmt: skip
    found = step_benchmark.true_size_grpo(profile, TINY, steps=1, generations=(2, 4))
    assert list(found) == ["2 generations", "4 generations", "sample"]
    assert found["4 generations"]["settings"]["batch"] == "2 x 2" and found["sample"]["visual_tokens"] == 324
    assert found["2 generations"]["arms"]["ours"]["tokens_per_step"] > 2 * 324


def scripted_arm(name, order, seconds, losses):
    """An arm that trains nothing: its steps take so long, and log so much."""

    def train(model, processor, folder, steps):
        rows = []
        for step in range(steps):
            order.append(name)
            time.sleep(seconds)
            harness.StepEnd().on_step_end(None, None, None)
            rows.append({"loss": losses[step], "num_tokens": 12 * (step + 1)})
        order.append(name.lower())
        return SimpleNamespace(state=SimpleNamespace(log_history=[*rows, {"train_runtime": 1.0}]))

    return train


def test_arms_take_turns_step_by_step(monkeypatch, tiny_profile):
    monkeypatch.setattr(harness, "load_policy", lambda profile: (None, None))
    order = []
    arms = {
        "ours": scripted_arm("A", order, 0.06, [4.0, 3.0, 2.5, 2.5]),
        "trl": scripted_arm("B", order, 0.02, [4.0, 3.0, 2.0, 2.5]),
    }
    found = harness.compare_arms(arms, tiny_profile, 3)
    assert order == list("ABBAABBAab")
    assert found["arms"]["trl"]["losses"] == [4.0, 3.0, 2.0, 2.5] and found["arms"]["trl"]["tokens_per_step"] == 12
    assert 0.06 <= found["arms"]["ours"]["median_step_s"] < 0.2 and 60 < found["arms"]["ours"]["tokens_per_s"] <= 200
    against = found["ours_over"]["trl"]
    assert against["largest_loss_difference"] == 0.5 and 1.5 < against["ratio"] < 6


def test_what_an_arm_raises_ends_the_comparison(monkeypatch, tiny_profile):
    monkeypatch.setattr(harness, "load_policy", lambda profile: (None, None))
    arms = {"ours": scripted_arm("A", [], 0, [1.0, 1.0]), "trl": scripted_arm("B", [], 0, [1.0])}
    with pytest.raises(IndexError):
        harness.compare_arms(arms, tiny_profile, 1)


def test_the_true_size_is_that_of_the_published_model(processor):
    from transformers import Qwen2_5_VLForConditionalGeneration

    config = build_config(TRUE_SIZE, processor.tokenizer)
    with torch.device("meta"):
        model = Qwen2_5_VLForConditionalGeneration._from_config(config, dtype=torch.bfloat16)
    vision = sum(parameter.numel() for parameter in model.model.visual.parameters())
    assert model.num_parameters() == 3_754_622_976  # 7,509,245,952 bytes in bfloat16
    assert vision == 668_684_288 and model.num_parameters() - vision == 3_085_938_688
    assert model.lm_head.weight is model.model.language_model.embed_tokens.weight
    assert config.image_token_id == processor.image_token_id < len(processor.tokenizer)


def test_a_random_model_is_loaded_as_it_was_written(processor, tmp_path):
    from transformers import AutoModelForImageTextToText, AutoProcessor

    parameters = save_random_model(tmp_path, processor, TINY)
    model, report = AutoModelForImageTextToText.from_pretrained(tmp_path, output_loading_info=True)
    assert not any(report[kind] for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    assert model.num_parameters() == parameters and model.dtype == torch.bfloat16
    assert AutoProcessor.from_pretrained(tmp_path).tokenizer.get_vocab() == processor.tokenizer.get_vocab()


def test_a_tokenizer_that_is_too_large_is_refused(processor):
    small = {**TINY, "text": TINY["text"] | {"vocab_size": 512}}
    with pytest.raises(ValueError, match="words and the model 512; raise vocab_size"):
        build_config(small, processor.tokenizer)


@pytest.mark.parametrize(
    ("four_bits", "dtype", "arms"),
    [(True, "bfloat16", ARMS), (True, "float16", ["ours", "trl_float32"]), (False, "float16", ["ours", "trl"])],
)
def test_an_arm_that_is_the_same_or_cannot_run_is_left_out(four_bits, dtype, arms, tiny_profile, monkeypatch):
    args = SimpleNamespace(gradient_accumulation_steps=3, per_device_train_batch_size=2)
    monkeypatch.setattr(step_benchmark, "load_policy", lambda profile: (None, None))
    monkeypatch.setattr(step_benchmark, "train_sft", lambda *_, **__: SimpleNamespace(args=args))
    monkeypatch.setattr(step_benchmark, "compare_arms", lambda arms, profile, steps: {"arms": list(arms)})
    profile = tiny_profile.replace(load_in_4bit=four_bits, dtype=dtype)
    found = step_benchmark.compare_sft(profile, step_benchmark.sft_records(2), steps=1)
    assert found["arms"] == arms and found["settings"]["batch"] == "3 x 2"
