"""The loop on one screen computes what TRL's trainer computes, and trains."""

import pytest
import torch
from transformers import TrainerCallback
from transformers.generation import GenerationMixin
from trl import GRPOTrainer

from vlaa_helpers import load_policy, make_scenes, train_grpo, train_grpo_minimal

GENERATIONS, PROMPTS, TOKENS = 4, 2, 12
SETTINGS = {"temperature": 0.9, "beta": 0.05, "learning_rate": 1e-2}


def reward(completions, **columns):
    """One that the completions decide alone, with several values."""
    assert columns["gt"] and len(columns["prompts"]) == len(completions)
    return [len(set(completion[0]["content"])) / 16 for completion in completions]


def policy(profile):
    """A policy whose adapters do something already, so that its reference is not the bare model."""
    model, processor = load_policy(profile)
    with torch.no_grad():
        generator = torch.Generator().manual_seed(1)
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                parameter.add_(0.05 * torch.randn(parameter.shape, generator=generator))
    return model, processor


@pytest.fixture
def fixed_batches(monkeypatch, tiny_profile):
    """Whoever samples gets the same completions, the same for the same prompt; some end early, one at once."""
    _, processor = load_policy(tiny_profile)
    end, most = processor.tokenizer.convert_tokens_to_ids("<|im_end|>"), len(processor.tokenizer) - 50

    def generate(self, input_ids, **settings):
        ids = torch.zeros(len(input_ids), TOKENS, dtype=torch.long)
        for row, prompt in enumerate(input_ids):
            kept = prompt[prompt != processor.tokenizer.pad_token_id]
            generator = torch.Generator().manual_seed(int(kept.sum()) * 100 + row % GENERATIONS)
            ids[row] = torch.randint(20, most, (TOKENS,), generator=generator)
            length = int(torch.randint(0, TOKENS, (1,), generator=generator))
            if row % GENERATIONS:
                ids[row, length:] = processor.tokenizer.pad_token_id
                ids[row, length] = end
        return torch.cat([input_ids, ids], dim=1)

    monkeypatch.setattr(GenerationMixin, "generate", generate)


@pytest.mark.parametrize("loss_type", ["grpo", "dapo", "dr_grpo"])
@pytest.mark.parametrize("split", ["train", "text"], ids=["images", "text"])
def test_loss_and_gradient_are_those_of_trl(loss_type, split, fixed_batches, tiny_profile, tmp_path, monkeypatch):
    """Two steps on the same completions and rewards: equal up to the order in which floats are added (2e-4)."""
    records, gradients = make_scenes(PROMPTS, seed=3, split=split), {"trl": [], "minimal": []}

    class Gradients(TrainerCallback):
        def on_pre_optimizer_step(self, args, state, control, model=None, **kwargs):
            gradients["trl"].append({n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None})

    model, processor = policy(tiny_profile)
    trainer = train_grpo(
        model, processor, records, tiny_profile, reward_funcs=reward, shared_prefix=False, max_steps=2,
        num_generations=GENERATIONS, max_completion_length=TOKENS, loss_type=loss_type, lr_scheduler_type="constant",
        warmup_steps=0, weight_decay=0.0, output_dir=str(tmp_path), callbacks=[Gradients()], **SETTINGS,
    )  # fmt: skip
    assert type(trainer) is GRPOTrainer
    model, processor = policy(tiny_profile)
    step = torch.optim.AdamW.step

    def watched(self, *args, **kwargs):
        named = model.named_parameters()
        gradients["minimal"].append({name: p.grad.clone() for name, p in named if p.grad is not None})
        return step(self, *args, **kwargs)

    monkeypatch.setattr(torch.optim.AdamW, "step", watched)
    log = train_grpo_minimal(
        model, processor, records, reward, steps=2, prompts=PROMPTS, generations=GENERATIONS, max_new_tokens=TOKENS,
        loss_type=loss_type, **SETTINGS,
    )  # fmt: skip
    for theirs, mine in zip(trainer.state.log_history[:2], log, strict=True):
        for name in ("reward", "loss", "kl", "grad_norm"):
            assert mine[name] == pytest.approx(theirs[name], rel=2e-4, abs=1e-6), name
        assert mine["tokens"] == theirs["completions/mean_length"]
    assert log[1]["kl"] > 1e-3 and log[0]["grad_norm"] > 0.01
    for theirs, mine in zip(gradients["trl"], gradients["minimal"], strict=True):
        scale = max(float(grad.abs().max()) for grad in theirs.values())
        assert theirs.keys() == mine.keys() and scale > 0
        assert all(torch.allclose(mine[name], theirs[name], atol=2e-4 * scale) for name in theirs)


def test_a_short_run_moves_the_adapters_and_nothing_else(tiny_profile):
    model, processor = load_policy(tiny_profile)
    before = {name: weight.detach().clone() for name, weight in model.named_parameters()}
    options = {"steps": 2, "prompts": 2, "generations": 4, "max_new_tokens": 8}
    log = train_grpo_minimal(model, processor, make_scenes(4, seed=3), reward, **options)
    assert [row["step"] for row in log] == [1, 2] and all(row["kl"] == 0 for row in log)
    moved = {name for name, weight in model.named_parameters() if not torch.equal(weight, before[name])}
    assert moved and all("lora_" in name for name in moved)
    other, _ = load_policy(tiny_profile)
    assert train_grpo_minimal(other, processor, make_scenes(4, seed=3), reward, **options) == log  # by its seed
