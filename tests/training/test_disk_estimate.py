"""The disk that a run takes, held against what one leaves and against the true size."""

import pytest
from transformers import AutoConfig

from vlaa_helpers import estimate_disk, get_profile, load_policy, make_scenes, train_grpo
from vlaa_helpers.dev.benchmarks.random_qwen import TRUE_SIZE, build_config
from vlaa_helpers.policy.loading import load_processor


@pytest.fixture(scope="module")
def true_config():
    return build_config(TRUE_SIZE, load_processor(get_profile("mini")).tokenizer)


def size(folder, *names):
    return sum(path.stat().st_size for path in folder.rglob("*") if path.name in names)


def test_a_run_leaves_what_was_predicted(tiny_profile, tmp_path):
    profile, saving = tiny_profile.replace(lora_rank=64), {"save_steps": 1, "save_total_limit": 1}
    model, processor = load_policy(profile)
    reward = lambda completions, **_: [float(len(each[0]["content"])) for each in completions]  # noqa: E731
    options = {"beta": 0.1, "max_steps": 3, "output_dir": str(tmp_path), **saving}
    train_grpo(model, processor, make_scenes(8, seed=3), profile, reward_funcs=reward, **options)
    (checkpoint,) = tmp_path.glob("checkpoint-*")
    one = size(checkpoint, "adapter_model.safetensors", "optimizer.pt")
    found = estimate_disk(profile, "grpo", steps=3, config=AutoConfig.from_pretrained(profile.model), **saving)
    (two,) = (part for name, part in found.parts.items() if "2 checkpoints" in name)
    assert two / 2 == pytest.approx(one, rel=0.1) and found.written / 3 == pytest.approx(one, rel=0.1)
    kept = size(tmp_path / "reference", "adapter_model.safetensors")
    assert found.parts["adapters of the reference"] == pytest.approx(kept, rel=0.1)


def test_a_run_on_a_t4(true_config):
    found = estimate_disk("t4", steps=60, records=120, config=true_config)
    assert found.parts["weights of the base, downloaded"] == pytest.approx(7.5e9, rel=0.01)
    assert "3 checkpoints of 1.4 GB" in found.parts and found.written == pytest.approx(12 * 1.436e9, rel=0.01)
    assert found.total == sum(found.parts.values()) == pytest.approx(12.8e9, rel=0.01)
    lines = str(found).splitlines()
    assert lines[0] == "grpo on t4: about 12.8 GB of disk, and the archives of images"
    assert "    0.5 GB  adapters of the reference" in lines and "     24 MB  images" in lines
    without = estimate_disk("t4", "sft", steps=60, save_strategy="no", config=true_config)
    assert without.written == 0 and "reference" not in str(without) and without.total == pytest.approx(8e9, rel=0.01)
    six = estimate_disk("t4", steps=6, config=true_config)
    assert six.written == pytest.approx(found.written / 6)  # the last step, saved as well
