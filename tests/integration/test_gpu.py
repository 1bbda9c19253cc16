"""What needs CUDA: the same 4-bit policy, SFT and GRPO steps on a GPU. Run with `make test ARGS="-m gpu"`."""

import pytest
import torch

from vlaa_helpers import MixedReward, evaluate, load_policy, make_scenes, train_grpo, train_sft
from vlaa_helpers.policy.profiles import settings_of

pytestmark = pytest.mark.gpu


@pytest.fixture(params=["bfloat16", "float16"])
def gpu_profile(request, tiny_profile):
    return tiny_profile.replace(device="cuda", dtype=request.param, gradient_checkpointing=True)


def test_policy_trains_and_answers_on_a_gpu(gpu_profile, tmp_path, with_traces):
    model, processor = load_policy(gpu_profile)
    records = with_traces(make_scenes(8))
    sft = train_sft(
        model, processor, records, gpu_profile, batch_size=4, max_steps=2, logging_steps=1, output_dir=str(tmp_path)
    )
    assert all(torch.isfinite(torch.tensor(row["loss"])) for row in sft.state.log_history if "loss" in row)
    grpo = train_grpo(
        model, processor, records, gpu_profile, reward_funcs=MixedReward(), max_steps=1, output_dir=str(tmp_path)
    )
    report = evaluate(grpo.model, processor, records, max_new_tokens=8)
    assert len(report.rows) == 8
    assert {parameter.device.type for parameter in model.parameters()} == {"cuda"}


def test_a_prompt_read_once_gives_the_same_steps_on_a_gpu(tiny_profile, tmp_path):
    profile, logs = tiny_profile.replace(device="cuda", micro_batch_size=2), []
    for shared in (True, False):
        model, processor = load_policy(profile)
        trainer = train_grpo(
            model, processor, make_scenes(4), profile, max_steps=2, shared_prefix=shared, output_dir=str(tmp_path),
            reward_funcs=lambda completion_ids, **_: [sum(ids) % 101 / 101 for ids in completion_ids],
        )  # fmt: skip
        logs.append([row for row in trainer.state.log_history if "loss" in row])
    for ours, trl in zip(*logs, strict=True):
        assert ours["reward"] == trl["reward"] and ours["grad_norm"] == pytest.approx(trl["grad_norm"], rel=1e-2)


def test_a_step_of_a_wide_and_shallow_model_is_measured():
    """In float16, as a T4 computes, whatever this GPU could do."""
    from vlaa_helpers.dev.benchmarks.random_qwen import TRUE_SIZE
    from vlaa_helpers.dev.benchmarks.step import true_size_sft

    size = {
        "text": TRUE_SIZE["text"] | {"num_hidden_layers": 2},
        "vision": TRUE_SIZE["vision"] | {"depth": 2, "fullatt_block_indexes": [1]},
    }
    found = true_size_sft(settings_of("t4").replace(sft_batch_size=2), size, steps=4)
    for arm in found["arms"].values():
        assert 0 < arm["loaded_gib"] < arm["allocated_gib"] <= arm["reserved_gib"] < 12
        assert arm["tokens_per_s"] > 0
    assert found["within_budget"]
    assert found["ours_over"]["trl_float32"]["largest_loss_difference"] < 0.01


def test_a_grpo_step_of_the_true_width_is_measured():
    from vlaa_helpers.dev.benchmarks.random_qwen import TRUE_SIZE
    from vlaa_helpers.dev.benchmarks.step import true_size_grpo

    size = {
        "text": TRUE_SIZE["text"] | {"num_hidden_layers": 2},
        "vision": TRUE_SIZE["vision"] | {"depth": 2, "fullatt_block_indexes": [1]},
    }
    profile = settings_of("t4").replace(prompts_per_step=1, max_completion_length=32)
    found = true_size_grpo(profile, size, steps=2, generations=(4,))["4 generations"]
    assert found["within_budget"] and found["arms"]["ours"]["median_generation_s"] > 0
