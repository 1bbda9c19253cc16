"""Predicted memory against what training takes: every tensor that torch allocates on a CPU is counted."""

from dataclasses import astuple

import pytest
import torch
from quantised import quantised_once

from vlaa_helpers import (
    estimate_memory,
    evaluate,
    get_profile,
    load_policy,
    make_scenes,
    merge_adapter,
    save_policy,
    train_grpo,
    train_sft,
)
from vlaa_helpers.dev.benchmarks.memory import CASES, measure_case, wide_profile
from vlaa_helpers.dev.benchmarks.random_qwen import TRUE_SIZE, build_config
from vlaa_helpers.policy import memory_estimate, out_of_memory
from vlaa_helpers.policy.loading import load_processor
from vlaa_helpers.policy.memory_estimate import WITHIN, is_out_of_memory, memory_advice
from vlaa_helpers.policy.profiles import settings_of


@pytest.fixture(scope="module")
def wide():
    with quantised_once(), wide_profile() as profile:
        yield profile


@pytest.mark.parametrize("case", CASES, ids=lambda case: " ".join(map(str, astuple(case))))
def test_training_takes_what_was_predicted(case, request):
    found = measure_case(case, request.getfixturevalue("wide") if case.model == "true width" else None)
    assert found["predicted_mib"] == pytest.approx(found["measured_mib"], rel=WITHIN), found


# ---- the ladder ----


@pytest.fixture(scope="module")
def true_config():
    return build_config(TRUE_SIZE, load_processor(get_profile("mini")).tokenizer)


@pytest.mark.parametrize(("name", "gib"), [("t4", 15), ("l4", 22), ("a100", 40)])
@pytest.mark.parametrize("method", ["sft", "grpo"])
def test_each_gpu_profile_is_predicted_to_fit_its_card(true_config, name, gib, method):
    assert estimate_memory(name, method, config=true_config).total / 2**30 < gib - 1  # CUDA itself takes some


@pytest.mark.parametrize("name", ["t4", "l4", "a100"])
@pytest.mark.parametrize("method", ["sft", "grpo"])
def test_each_gpu_profile_loads_in_the_bits_that_take_less_memory(true_config, name, method):
    """Where there is room, 4-bit weights are held dequantised too: then 16 bits alone take less."""
    profile = settings_of(name)
    other = profile.replace(load_in_4bit=not profile.load_in_4bit)
    one, two = (estimate_memory(each, method, config=true_config) for each in (profile, other))
    assert one.total < two.total - 2**30
    assert ("the same weights, dequantised" in two.fixed) == (name == "a100")
    assert not any("load_in_4bit" in changes for changes, _ in one.ladder)  # it would save nothing


def test_parts_add_up_and_the_ladder_saves_what_it_says(true_config):
    profile = settings_of("t4").replace(micro_batch_size=8, gradient_checkpointing=False)
    estimate = estimate_memory(profile, "grpo", config=true_config)
    assert estimate.total == sum((estimate.fixed | estimate.moments[estimate.fullest]).values())
    turned = profile
    for changes, saved in estimate.ladder:
        before = estimate_memory(turned, "grpo", config=true_config).total
        turned = turned.replace(**changes)
        after = estimate_memory(turned, "grpo", config=true_config).total
        assert saved > 0 and before - after == pytest.approx(saved)
    assert [next(iter(changes)) for changes, _ in estimate.ladder][:2] == ["gradient_checkpointing", "micro_batch_size"]


def test_a_smaller_rank_keeps_the_scale_of_the_adapters(true_config):
    """What an adapter adds is scaled by alpha / rank: with alpha left alone a quarter of the rank learns four times as
    fast."""
    (changes,) = (changes for changes, _ in estimate_memory("t4", config=true_config).ladder if "lora_rank" in changes)
    assert changes == {"lora_rank": 16, "lora_alpha": 32}


def test_the_ladder_of_sft_has_no_limit_on_completions(true_config):
    """A response is as long as it was written; only what is sampled has a limit."""
    profile = settings_of("t4").replace(micro_batch_size=4)
    longer = estimate_memory(profile, "sft", config=true_config, completion_tokens=2000)
    assert longer.total > estimate_memory(profile, "sft", config=true_config).total
    assert [*longer.ladder[0][0]] == ["micro_batch_size"] and "max_completion_length" not in str(longer)
    assert "max_completion_length=256" in str(estimate_memory(profile, "grpo", config=true_config))


def test_printing_shows_the_parts_and_the_calls(true_config):
    text = str(estimate_memory(settings_of("t4").replace(micro_batch_size=4), "grpo", config=true_config))
    head, *lines = text.splitlines()
    assert head.startswith("grpo on t4: about ") and " GiB, the most in its " in head
    assert any(line.endswith("  vision tower") for line in lines) and "too much? In this order:" in lines
    assert any("profile.replace(max_pixels=131_072)" in line and " -" in line for line in lines)


def test_a_tower_in_float32_is_counted_beside_float16(true_config):
    half, brain = (
        estimate_memory(settings_of("t4").replace(dtype=dtype), config=true_config).fixed["vision tower"]
        for dtype in ("float16", "bfloat16")
    )
    assert half == 2 * brain and 1.2 < (half - brain) / 2**30 < 1.3


def test_weights_are_dequantised_where_there_is_room(true_config):
    def names(room):
        return estimate_memory("t4", config=true_config, room=room * 2**30).fixed

    assert "the same weights, dequantised" in names(40) and "the same weights, dequantised" not in names(15)


# ---- out of memory ----


@pytest.fixture
def full(monkeypatch):
    """A GPU that is full whenever a model computes."""

    def forward(*args, **kwargs):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nMore lines")

    def fill(model):
        monkeypatch.setattr(model.get_base_model().model.language_model, "forward", forward)
        return model

    return fill


def test_training_answers_with_the_ladder(tiny_profile, with_traces, full, tmp_path):
    records = with_traces(make_scenes(4))
    settings = {"max_steps": 1, "output_dir": str(tmp_path), "save_strategy": "no"}
    model, processor = load_policy(tiny_profile)
    full(model)
    zeros = lambda completions, **_: [0.0] * len(completions)  # noqa: E731
    for name, run in {
        "sft": lambda: train_sft(model, processor, records, tiny_profile, batch_size=4, **settings),
        "grpo": lambda: train_grpo(model, processor, records, tiny_profile, reward_funcs=zeros, **settings),
    }.items():
        with pytest.raises(MemoryError) as error:
            run()
        first, second, third, *rest = str(error.value).splitlines()
        assert first == "CUDA out of memory. Tried to allocate 2.00 GiB." and second == "The estimate was:"
        assert third.startswith(f"{name} on mini: about ") and any("profile.replace(" in line for line in rest)
        assert isinstance(error.value.__cause__, torch.OutOfMemoryError)


def test_the_answer_is_for_the_settings_that_were_used(tiny_profile, with_traces, full, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(memory_estimate, "estimate_memory", lambda profile, *_, **__: asked.append(profile))
    model, processor = load_policy(tiny_profile)
    full(model)
    settings = {"max_steps": 1, "output_dir": str(tmp_path), "save_strategy": "no", "activation_checkpointing": True}
    settings |= {"per_device_train_batch_size": 2, "gradient_accumulation_steps": 4}
    with pytest.raises(MemoryError):
        train_sft(model, processor, with_traces(make_scenes(4)), tiny_profile, **settings)
    more = {"num_generations": 4, "max_completion_length": 5, "reward_funcs": lambda completions, **_: [0.0] * 8}
    with pytest.raises(MemoryError):
        train_grpo(model, processor, make_scenes(4), tiny_profile, **settings, **more)
    used = {"micro_batch_size": 2, "gradient_checkpointing": True}
    assert asked[0] == tiny_profile.replace(sft_batch_size=8, **used)
    wanted = {"num_generations": 4, "max_completion_length": 5, "prompts_per_step": 2}
    assert asked[1] == tiny_profile.replace(**used, **wanted)


def test_the_answer_counts_what_was_free_before(tiny_profile, monkeypatch):
    """At the failure nothing is free: that says nothing of what the run had put there."""
    model, _ = load_policy(tiny_profile)
    with pytest.raises(MemoryError, match="the same weights, dequantised"), memory_advice(tiny_profile, "grpo", model):
        monkeypatch.setattr("vlaa_helpers.policy.free_memory.free_memory", lambda device: 0)
        raise torch.OutOfMemoryError("CUDA out of memory.")


@pytest.mark.parametrize(
    ("error", "is_it"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."), True),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried 8 bytes"), True),
        (RuntimeError("CUDA error: out of memory\nCUDA kernel errors might be asynchronous"), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"), True),
        (RuntimeError("CUDA error: device-side assert triggered"), False),
    ],
)
def test_out_of_memory_is_told_from_other_errors(error, is_it):
    assert is_out_of_memory(error) == is_it


@pytest.mark.parametrize(
    ("settings", "knobs"),
    [
        ({"batch_size": 8, "max_new_tokens": 32}, r"batch_size=4 \(it is 8\); max_new_tokens=16 \(it is 32\); smaller"),
        ({"batch_size": 1, "max_new_tokens": 32}, r"In this order: max_new_tokens=16 \(it is 32\); smaller"),
        ({"batch_size": 4, "samples": 4}, r"In this order: samples=2 \(it is 4\); max_new_tokens=64"),
    ],
)
def test_evaluation_says_what_to_change(tiny_profile, full, settings, knobs):
    model, processor = load_policy(tiny_profile)
    full(model)
    with pytest.raises(MemoryError, match=knobs):
        evaluate(model, processor, make_scenes(4), **settings)


@pytest.fixture
def crowded(monkeypatch):
    """A GPU of which other models hold 5 GiB."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda: 5 * 2**30 + 2**20)


OTHERS = r"Other models, trainers or tensors of this process held 5.0 GiB before.*gc.collect\(\)"


def test_what_others_hold_is_said_before_the_ladder(tiny_profile, crowded):
    model, _ = load_policy(tiny_profile)
    with pytest.raises(MemoryError, match=f"(?s)^CUDA out of memory.\n{OTHERS}.*The estimate was"):
        with memory_advice(tiny_profile, "grpo", model):
            raise torch.OutOfMemoryError("CUDA out of memory.\nmore")


def test_evaluation_says_what_others_hold(tiny_profile, full, monkeypatch):
    model, processor = load_policy(tiny_profile)
    full(model)
    monkeypatch.setattr(out_of_memory, "held_by_others", lambda model=None: 5 * 2**30)
    with pytest.raises(MemoryError, match=f"(?s)Too much at once.*{OTHERS}"):
        evaluate(model, processor, make_scenes(2))


def test_loading_and_merging_say_what_others_hold(tiny_profile, tmp_path, monkeypatch):
    def full(*args, **kwargs):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    adapter = save_policy(*load_policy(tiny_profile), tmp_path / "adapter")
    monkeypatch.setattr(out_of_memory, "held_by_others", lambda model=None: 5 * 2**30)
    monkeypatch.setattr("vlaa_helpers.policy.adapters._logits", full)
    with pytest.raises(MemoryError, match=f'(?s)Merging into .*device="cpu".*{OTHERS}'):
        merge_adapter(adapter, tiny_profile, tmp_path / "merged")
    monkeypatch.setattr("transformers.AutoModelForImageTextToText.from_pretrained", full)
    with pytest.raises(MemoryError, match=f"(?s)Tried to allocate 2.00 GiB.*Loading .* in 4 bits.*{OTHERS}"):
        load_policy(tiny_profile.replace(load_in_4bit=True))


def test_other_errors_are_left_alone(tiny_profile, full, monkeypatch):
    model, processor = load_policy(tiny_profile)

    def forward(*args, **kwargs):
        raise RuntimeError("shapes do not match")

    monkeypatch.setattr(model.get_base_model().model.language_model, "forward", forward)
    with pytest.raises(RuntimeError, match="shapes do not match"):
        evaluate(model, processor, make_scenes(2), max_new_tokens=2)


def test_a_reference_is_one_more_copy_of_the_adapters(true_config):
    without, with_it = (estimate_memory("t4", "grpo", config=true_config, reference=kept) for kept in (False, True))
    assert with_it.total - without.total == with_it.fixed["adapters of the reference"] == without.fixed["adapters"]
    assert "adapters of the reference" not in estimate_memory("t4", "sft", config=true_config).fixed
