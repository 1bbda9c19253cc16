"""SFT and GRPO steps of a small policy: they move the adapters, only those, and by what they should."""

import csv
from types import SimpleNamespace

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import Qwen2Config, Qwen2ForCausalLM, TrainingArguments

from vlaa_helpers import MixedReward, load_policy, load_records, make_scenes, train_grpo, train_sft
from vlaa_helpers.training import grpo
from vlaa_helpers.training import runner as training
from vlaa_helpers.training.runner import split_batch


def snapshot(model):
    return {name: parameter.detach().clone() for name, parameter in model.named_parameters()}


def moved(before, model):
    return {name for name, parameter in model.named_parameters() if not torch.equal(before[name], parameter.detach())}


@pytest.fixture
def policy(tiny_profile):
    return load_policy(tiny_profile)


def test_sft_moves_every_adapter_and_nothing_else(policy, tiny_profile, tmp_path, with_traces):
    model, processor = policy
    before = snapshot(model)
    records = with_traces(make_scenes(8))
    trainer = train_sft(
        model, processor, records, tiny_profile, batch_size=4, max_steps=3, logging_steps=1, warmup_steps=0,
        output_dir=str(tmp_path),
    )  # fmt: skip
    adapters = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    assert moved(before, trainer.model) == adapters
    assert all(parameter.dtype == torch.float32 for parameter in model.parameters() if parameter.requires_grad)
    with (tmp_path / "log.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["step"] for row in rows] == ["1", "2", "3"]
    assert float(rows[0]["loss"]) > 0


def test_one_of_two_gpus_is_used(policy, tiny_profile, tmp_path, with_traces, monkeypatch, caplog):
    """Kaggle lends two: TRL refuses the `nn.DataParallel` that transformers would make of them."""
    original = TrainingArguments.__post_init__

    def sees_two(args):
        original(args)
        assert args.device.type == "cpu"  # reading it sets the count, to 0
        args._n_gpu = 2

    monkeypatch.setattr(TrainingArguments, "__post_init__", sees_two)
    model, processor = policy
    records = with_traces(make_scenes(4))
    settings = {"max_steps": 1, "save_strategy": "no"}
    sft = train_sft(model, processor, records, tiny_profile, batch_size=4, output_dir=str(tmp_path / "a"), **settings)
    grpo = train_grpo(
        model, processor, records, tiny_profile, reward_funcs=lambda completions, **_: [0.0] * len(completions),
        output_dir=str(tmp_path / "b"), **settings,
    )  # fmt: skip
    assert sft.args.n_gpu == grpo.args.n_gpu == 1 and grpo.state.global_step == 1
    assert caplog.text.count("one of 2 GPUs is used") == 2


def test_sft_loss_sees_the_completion_only(policy, tiny_profile, tmp_path, with_traces):
    model, processor = policy
    records = with_traces(make_scenes(2))
    trainer = train_sft(model, processor, records, tiny_profile, batch_size=2, max_steps=1, output_dir=str(tmp_path))
    batch = trainer.data_collator([trainer.train_dataset[0]])
    kept = batch["labels"][0] != -100
    text = processor.tokenizer.decode(batch["labels"][0][kept])
    assert text.strip() == records[0]["response"] + "<|im_end|>"
    assert batch["input_ids"].shape[1] > kept.sum() + 16  # the prompt and its 16 visual tokens are there, unlabelled


def test_sft_gradient_reaches_the_last_layer_at_the_completion_only(policy, tiny_profile, tmp_path, with_traces):
    """Position t predicts token t + 1: the loss pulls at the positions before completion tokens, and at no other."""
    model, processor = policy
    records = with_traces(make_scenes(4))
    trainer = train_sft(model, processor, records, tiny_profile, batch_size=2, max_steps=1, output_dir=str(tmp_path))
    states = []
    norm = model.get_base_model().model.language_model.norm
    norm.register_forward_hook(lambda module, inputs, output: (output.retain_grad(), states.append(output))[1])
    batch = trainer.data_collator([trainer.train_dataset[k] for k in range(4)])
    trainer.compute_loss(model, dict(batch)).backward()
    pulled = states[0].grad.abs().sum(dim=-1) > 0
    assert torch.equal(pulled[:, :-1], batch["labels"][:, 1:] != -100) and not pulled[:, -1].any()


def test_sft_does_not_depend_on_how_a_batch_is_cut(tiny_profile, tmp_path, with_traces):
    """Every completion token of a step weighs the same, in one pass or in eight of one sample each."""
    records = with_traces(make_scenes(16))
    results = []
    for micro in (8, 1):
        model, processor = load_policy(tiny_profile)
        trainer = train_sft(
            model, processor, records, tiny_profile.replace(micro_batch_size=micro), batch_size=8, max_steps=2,
            warmup_steps=0, output_dir=str(tmp_path / str(micro)),
        )  # fmt: skip
        results.append(([row["loss"] for row in trainer.state.log_history if "loss" in row], snapshot(model)))
    (losses, whole), (cut_losses, cut) = results
    assert losses == pytest.approx(cut_losses, rel=1e-5)
    assert all(torch.allclose(whole[name], cut[name], atol=2e-5) for name in whole)


def test_a_frozen_tower_gets_no_gradient(tiny_profile, tmp_path, with_traces, monkeypatch):
    """With activation checkpointing TRL asks for one; without it the adapters move all the same."""
    records, moves, asked = with_traces(make_scenes(4)), [], []
    for spare in (True, False):
        model, processor = load_policy(tiny_profile)
        del model.get_base_model().model.get_image_features  # which computes without gradients by itself (guard_tower)
        block = model.get_base_model().model.visual.blocks[0]
        block.register_forward_pre_hook(lambda module, inputs: asked.append(inputs[0].requires_grad))
        if not spare:
            monkeypatch.setattr(training, "spare_frozen_tower", lambda model: None)
        train_sft(
            model, processor, records, tiny_profile, batch_size=4, max_steps=2, activation_checkpointing=True,
            warmup_steps=0, output_dir=str(tmp_path / str(spare)),
        )  # fmt: skip
        moves.append({name: p.detach() for name, p in model.named_parameters() if p.requires_grad})
    half = len(asked) // 2
    assert not any(asked[:half]) and all(asked[half:])
    assert all(torch.equal(moves[0][name], moves[1][name]) for name in moves[0])


def test_grpo_learns_from_a_reward_that_differs_and_not_from_one_that_does_not(policy, tiny_profile, tmp_path):
    model, processor = policy
    records = make_scenes(4, sources=["blocks"])
    start = snapshot(model)
    flat = train_grpo(
        model, processor, records, tiny_profile, reward_funcs=lambda completions, **_: [0.5] * len(completions),
        max_steps=1, output_dir=str(tmp_path / "flat"), learning_rate=0.01, warmup_steps=0,
    )  # fmt: skip
    assert moved(start, flat.model) == set()
    assert flat.state.log_history[0]["frac_reward_zero_std"] == 1.0

    def reward(completions, **_):
        return [float(len(completion[0]["content"]) % 2) for completion in completions]

    steep = train_grpo(
        model, processor, records, tiny_profile, reward_funcs=reward, max_steps=2, output_dir=str(tmp_path / "steep"),
        learning_rate=0.01, warmup_steps=0,
    )  # fmt: skip
    changed = moved(start, steep.model)
    assert changed and all("lora_" in name for name in changed)


def test_grpo_logs_what_the_mixed_reward_saw(policy, tiny_profile, tmp_path):
    model, processor = policy
    trainer = train_grpo(
        model,
        processor,
        make_scenes(6),
        tiny_profile,
        reward_funcs=MixedReward(),
        max_steps=1,
        output_dir=str(tmp_path),
    )
    log = trainer.state.log_history[0]
    assert log["reason/no_answer"] > 0.5  # random weights write no tags
    assert (tmp_path / "log.csv").exists()


def test_a_reward_sees_the_columns_of_the_reader(policy, tiny_profile, tmp_path):
    """A value for each completion, that of its own record."""
    model, processor = policy
    records = make_scenes(6)
    records = records.add_column("level", [*range(6)]).shuffle(seed=3)
    level_of, seen = dict(zip(records["id"], records["level"], strict=True)), []

    def reward(completions, level, id, **_):
        seen.extend(zip(id, level, strict=True))
        return [0.0] * len(completions)

    train_grpo(model, processor, records, tiny_profile, reward_funcs=reward, max_steps=2, output_dir=str(tmp_path))
    assert len(seen) == 2 * 2 * 4 and all(level_of[name] == level for name, level in seen)
    clash = make_scenes(2).add_column("completions", [1, 2])
    with pytest.raises(ValueError, match=r"columns completions; .*rename_column\('completions', 'my_completions'\)"):
        train_grpo(model, processor, clash, tiny_profile, reward_funcs=reward, output_dir=str(tmp_path))


@pytest.mark.parametrize(
    "own", [{}, {"suppress_tokens": [7], "min_new_tokens": 2}], ids=["by default", "one's own too"]
)
def test_rollouts_never_hold_image_tokens(policy, tiny_profile, tmp_path, own):
    model, processor = policy
    seen = []

    def reward(completions, completion_ids, **_):
        seen.extend(token for ids in completion_ids for token in ids)
        return [0.0] * len(completions)

    from vlaa_helpers.policy.loading import image_token_ids

    # a head that would write image tokens all the time if it could
    with torch.no_grad():
        model.get_output_embeddings().weight[image_token_ids(processor)] *= 50
    trainer = train_grpo(
        model, processor, make_scenes(2), tiny_profile, reward_funcs=reward, max_steps=1, output_dir=str(tmp_path),
        **({"generation_kwargs": own} if own else {}),
    )  # fmt: skip
    never = {*image_token_ids(processor), *own.get("suppress_tokens", ())}
    assert seen and not set(seen) & never
    assert trainer.args.generation_kwargs == {**own, "suppress_tokens": sorted(never)}


def test_vllm_is_given_no_setting_that_it_does_not_know(tiny_profile, tmp_path, monkeypatch):
    """vLLM's SamplingParams have no suppress_tokens."""

    class Looked(Exception):
        pass

    def look(model, args, *more):
        raise Looked(args.generation_kwargs)

    monkeypatch.setattr(grpo, "_trainer_class", look)
    model, processor = load_policy(tiny_profile.replace(load_in_4bit=False))
    for own in ({}, {"generation_kwargs": {"min_tokens": 2}}):
        with pytest.raises(Looked) as seen:
            train_grpo(
                model, processor, make_scenes(2), tiny_profile, reward_funcs=MixedReward(), use_vllm=True,
                output_dir=str(tmp_path), **own,
            )  # fmt: skip
        assert seen.value.args == (own.get("generation_kwargs"),)


def test_reward_functions_may_stand_in_a_tuple(policy, tiny_profile, tmp_path):
    def ones(completions, **_):
        return [1.0] * len(completions)

    def twos(completions, **_):
        return [2.0] * len(completions)

    model, processor = policy
    trainer = train_grpo(
        model, processor, make_scenes(2), tiny_profile, reward_funcs=(ones, twos), max_steps=1,
        output_dir=str(tmp_path),
    )  # fmt: skip
    assert trainer.state.log_history[0]["reward"] == 3


def test_the_old_name_of_checkpointing_is_heard(policy, tiny_profile, tmp_path, with_traces):
    model, processor = policy
    settings = {"gradient_checkpointing": True, "max_steps": 1, "save_strategy": "no", "output_dir": str(tmp_path)}
    sft = train_sft(model, processor, with_traces(make_scenes(2)), tiny_profile, batch_size=2, **settings)
    rl = train_grpo(model, processor, make_scenes(2), tiny_profile, reward_funcs=MixedReward(), **settings)
    assert sft.args.activation_checkpointing and rl.args.activation_checkpointing
    plain = training.over_defaults({"activation_checkpointing": True}, {"gradient_checkpointing": None})
    assert plain["activation_checkpointing"]


def test_grpo_refuses_what_cannot_work(policy, tiny_profile, tmp_path):
    from datasets import concatenate_datasets

    model, processor = policy
    mixed = concatenate_datasets([make_scenes(2), make_scenes(2, split="text")])
    with pytest.raises(ValueError, match="2 of 4 records have an image; expected all or none"):
        train_grpo(model, processor, mixed, tiny_profile, reward_funcs=MixedReward(), output_dir=str(tmp_path))
    with pytest.raises(ValueError, match="at least 2 generations"):
        train_grpo(
            model, processor, make_scenes(2), tiny_profile, reward_funcs=MixedReward(), num_generations=1,
            output_dir=str(tmp_path),
        )  # fmt: skip
    with pytest.raises(TypeError, match=r"Tokenizer\w*, which reads text only"):
        train_grpo(model, processor.tokenizer, make_scenes(2), tiny_profile, reward_funcs=MixedReward())
    with pytest.raises(ValueError, match="packed weights without their scales"):
        train_grpo(model, processor, make_scenes(2), tiny_profile, reward_funcs=MixedReward(), use_vllm=True)


def test_a_model_that_reads_text_only_is_refused(policy, tiny_profile, with_traces):
    sizes = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    model = Qwen2ForCausalLM(Qwen2Config(vocab_size=900, num_key_value_heads=1, **sizes))
    with pytest.raises(TypeError, match="a model of type qwen2, which reads text only"):
        train_grpo(model, policy[1], make_scenes(2), tiny_profile, reward_funcs=MixedReward())
    with pytest.raises(TypeError, match="a model of type qwen2, which reads text only"):
        train_sft(model, policy[1], with_traces(make_scenes(2)), tiny_profile)


def test_text_only_records_train_too(policy, tiny_profile, tmp_path, with_traces):
    model, processor = policy
    records = make_scenes(4, split="text")
    train_grpo(
        model, processor, records, tiny_profile, reward_funcs=MixedReward(), max_steps=1, output_dir=str(tmp_path)
    )
    trainer = train_sft(
        model, processor, with_traces(records), tiny_profile, batch_size=2, max_steps=1, output_dir=str(tmp_path)
    )
    assert trainer.state.global_step == 1


def test_released_rows_go_through_sft_and_grpo(real_samples, policy, tiny_profile, tmp_path):
    model, processor = policy
    records = load_records(real_samples / "rows.jsonl", image_root=real_samples)
    assert len(records) == 3
    sft = train_sft(
        model, processor, records, tiny_profile, batch_size=3, max_steps=1, logging_steps=1, output_dir=str(tmp_path)
    )
    assert sft.state.log_history[0]["loss"] > 0
    grpo = train_grpo(
        model, processor, records, tiny_profile, reward_funcs=MixedReward(), max_steps=1, output_dir=str(tmp_path)
    )
    assert grpo.state.global_step == 1


@pytest.mark.parametrize("devices", [1, 2])
def test_layers_compute_in_fewer_steps_but_in_replicas(tmp_path, devices):
    """With several GPUs in one process the Trainer runs copies of the model (DataParallel)."""
    model = get_peft_model(torch.nn.Sequential(torch.nn.Linear(8, 4)), LoraConfig(r=2, target_modules=["0"]))
    layer, inside = model.base_model.model[0], []
    trainer = SimpleNamespace(
        args=SimpleNamespace(output_dir=str(tmp_path), resume_from_checkpoint=None, n_gpu=devices),
        model=model, is_world_process_zero=lambda: True, add_callback=lambda _: None, remove_callback=lambda _: None,
        train=lambda **_: inside.append("forward" in vars(layer)),
    )  # fmt: skip
    assert training.run_trainer(trainer) is trainer
    assert inside == [devices == 1] and "forward" not in vars(layer)


@pytest.mark.parametrize(
    ("total", "micro", "expected"), [(64, 64, (64, 1)), (32, 8, (8, 4)), (12, 8, (6, 2)), (7, 2, (1, 7))]
)
def test_batch_is_split_evenly(total, micro, expected):
    assert split_batch(total, micro) == expected
