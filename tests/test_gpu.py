"""What needs CUDA: the same 4-bit policy, SFT and GRPO steps on a GPU. Run with `make test ARGS="-m gpu"`."""

import pytest
import torch

from vlaa_helpers import MixedReward, evaluate, load_policy, make_scenes, train_grpo, train_sft

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
