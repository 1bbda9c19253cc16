"""Shared-prefix GRPO is TRL's GRPO: the same draws, losses, gradients and logs, with every prompt read once a group."""

import re
import warnings

import pandas as pd
import pytest
import torch
from datasets import Dataset, Features, Image, List, Value
from hypothesis import example, given, settings
from hypothesis import strategies as st
from peft import LoraConfig, get_peft_model
from PIL import Image as Pictures
from transformers import AutoModelForImageTextToText, TrainerCallback
from transformers.models.qwen2_5_vl import modeling_qwen2_5_vl
from trl import GRPOConfig, GRPOTrainer
from trl.trainer import grpo_trainer

from vlaa_helpers import load_policy, make_scenes, train_grpo
from vlaa_helpers.policy import decode_loop
from vlaa_helpers.policy.decode_stack import decode_stack
from vlaa_helpers.policy.loading import image_token_ids
from vlaa_helpers.policy.tested_versions import TESTED
from vlaa_helpers.training import shared_prefix_trainer as module
from vlaa_helpers.training.shared_prefix_trainer import WORTH_A_PART, SharedPrefixGRPOTrainer, unsupported_reason

WORDS = ("how many", "what is left when all red circles are gone?", "and the blue one, is it there", "count")


def prompts_with(counts):
    """Prompts of different lengths, with so many images each, of different sizes."""
    rows = []
    for k, n in enumerate(counts):
        shades = [(40 * k + 20, 60 * j, 90) for j in range(n)]
        content = [{"type": "image", "text": None}] * n + [{"type": "text", "text": WORDS[k % 4] + " " * (k // 4)}]
        images = [Pictures.new("RGB", (56 + 28 * (j % 2), 56), shade) for j, shade in enumerate(shades)]
        rows.append({"prompt": [{"role": "user", "content": content}], "images": images, "number": k})
    part = {"type": Value("string"), "text": Value("string")}
    message = {"role": Value("string"), "content": List(part)}
    features = Features({"prompt": List(message), "images": List(Image()), "number": Value("int64")})
    return Dataset.from_list(rows, features=features)


def varied(completion_ids, **_):
    return [sum(ids) % 101 / 101 for ids in completion_ids]


class Gradients(TrainerCallback):
    """Keeps the gradients of each update."""

    def __init__(self):
        self.of_updates = []

    def on_pre_optimizer_step(self, args, state, control, model=None, **kwargs):
        named = model.named_parameters()
        self.of_updates.append({name: p.grad.clone() for name, p in named if p.grad is not None})


def train(trainer_class, models, out, *, kind="qwen2_5_vl", images=(1, 1, 1, 1), lora=False, **config):
    """A run of a tiny model, as TRL runs it: (trainer, gradients of each update)."""
    folders, processor = models
    model = AutoModelForImageTextToText.from_pretrained(folders[kind])
    model.config.name_or_path = str(folders[kind])  # where TRL finds the reference
    model.generation_config.eos_token_id = [processor.tokenizer.eos_token_id, *range(700, 1000)]  # some end early
    if lora:
        torch.manual_seed(0)
        targets = r".*language_model.*\.(q_proj|k_proj|v_proj|down_proj)"
        model = get_peft_model(model, LoraConfig(r=4, target_modules=targets, init_lora_weights=False))
    config = {
        "output_dir": str(out), "use_cpu": True, "bf16": False, "report_to": "none", "disable_tqdm": True,
        "log_level": "error", "save_strategy": "no", "logging_steps": 1, "max_grad_norm": 0.0, "learning_rate": 1e-3,
        "max_completion_length": 6, "max_steps": 1,
        "generation_kwargs": {"suppress_tokens": image_token_ids(processor)},
        **config,
    }  # fmt: skip
    gradients = Gradients()
    exact = {"exact_draws": True} if issubclass(trainer_class, SharedPrefixGRPOTrainer) else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer = trainer_class(
            **exact,
            model=model, reward_funcs=varied, args=GRPOConfig(**config), train_dataset=prompts_with(images),
            eval_dataset=prompts_with(images[:2]), processing_class=processor, callbacks=[gradients],
        )  # fmt: skip
        trainer.train()
    return trainer, gradients.of_updates


def in_whole_groups(generations):
    """TRL's shuffle, of groups instead of rows: then its passes hold what ours do."""

    def shuffle(batch):
        group = torch.arange(len(batch["prompt_ids"])) // generations
        order = dict.fromkeys(group[torch.randperm(len(group))].tolist())
        rows = torch.cat([(group == k).nonzero().squeeze(1) for k in order])

        def permuted(value):
            if isinstance(value, torch.Tensor):
                return value[rows] if value.ndim else value
            return [value[k] for k in rows]

        return {name: permuted(value) for name, value in batch.items()}

    return shuffle


def assert_same(stock, ours, tolerance=2e-4):
    (stock, stock_gradients), (ours, our_gradients) = stock, ours
    assert list(stock._logs["completion"]) == list(ours._logs["completion"])
    assert stock._logs["advantages"] == ours._logs["advantages"]
    for theirs, mine in zip(stock.state.log_history, ours.state.log_history, strict=True):
        assert theirs.keys() == mine.keys()
        for name, value in theirs.items():
            if "time" not in name and "per_second" not in name:
                expected = value if value is None else pytest.approx(value, rel=tolerance, abs=1e-5)
                assert mine[name] == expected, name
    for theirs, mine in zip(stock_gradients, our_gradients, strict=True):
        scale = max(float(grad.abs().max()) for grad in theirs.values())
        assert theirs.keys() == mine.keys()
        for name, grad in theirs.items():
            assert torch.allclose(mine[name], grad, rtol=tolerance, atol=tolerance * scale + 1e-9), name


@pytest.mark.parametrize("lora", [False, True])
@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_a_model_in_float32_trains_under_autocast(tiny_models, tmp_path, precision, lora, monkeypatch):
    """TRL's default is bf16=True; without adapters Accelerate then puts autocast around the model's own forward."""
    stacks = []
    monkeypatch.setattr(decode_loop, "decode_stack", lambda whole: stacks.append(decode_stack(whole)) or stacks[-1])
    settings = {"images": (0, 0), "num_generations": 2, "per_device_train_batch_size": 4, "bf16": False, "lora": lora}
    trainer, (gradients,) = train(SharedPrefixGRPOTrainer, tiny_models, tmp_path, **{**settings, precision: True})
    assert trainer.accelerator.mixed_precision == precision
    is_wrapped = precision == "bf16" and not lora  # for fp16 on a CPU Accelerate has no autocast
    assert [stack is None for stack in stacks] == [is_wrapped]
    assert all(grad.isfinite().all() for grad in gradients.values())


CASE = {
    "kind": "qwen2_5_vl", "generations": 4, "images": [1, 1], "per_device": 4, "loss_type": "dapo", "beta": 0.0,
    "updates": 1, "iterations": 1, "lora": False, "checkpointing": False, "truncation": False, "seed": 0,
    "worth": 1,
}  # fmt: skip


def divisors(number):
    return [k for k in range(1, number + 1) if number % k == 0]


@st.composite
def cases(draw):
    generations = draw(st.integers(2, 4))
    some = draw(st.sampled_from([st.just(0), st.integers(1, 2), st.integers(1, 2)]))  # TRL takes no mixture
    images = draw(st.lists(some, min_size=1, max_size=3))
    rows = generations * len(images)
    per_device = draw(st.sampled_from(divisors(rows)))
    return {
        "kind": draw(st.sampled_from(["qwen2_vl", "qwen2_5_vl", "qwen3_vl"])),
        "generations": generations,
        "images": images,
        "per_device": per_device,
        "updates": draw(st.sampled_from(divisors(rows // per_device))),
        "loss_type": draw(st.sampled_from(["grpo", "bnpo", "dr_grpo", "dapo", "cispo", "luspo"])),
        "beta": draw(st.sampled_from([0.0, 0.1])),
        "iterations": draw(st.integers(1, 2)),
        "lora": draw(st.booleans()),
        "checkpointing": draw(st.booleans()),
        "truncation": draw(st.booleans()),
        "worth": draw(st.sampled_from([1, 1, 512])),
        "seed": draw(st.integers(0, 99)),
    }


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    return tmp_path_factory.mktemp("runs")


@example(case=CASE | {"per_device": 1, "checkpointing": True, "lora": True})  # four passes on one prompt
@example(
    case=CASE | {"images": [2, 1, 1], "per_device": 6, "generations": 4, "kind": "qwen3_vl"}
)  # groups across passes
@example(case=CASE | {"per_device": 1, "updates": 4, "iterations": 2, "kind": "qwen3_vl"})  # a group in two updates
@example(case=CASE | {"images": [0, 0], "beta": 0.1, "kind": "qwen2_vl", "lora": True})
@example(case=CASE | {"generations": 2, "images": [2], "per_device": 2, "loss_type": "grpo", "seed": 27})  # a tie
@settings(max_examples=8)
@given(case=cases())
def test_an_update_is_that_of_trl(case, tiny_models, out):
    config = {name: case[name] for name in ("kind", "images", "lora", "beta", "loss_type", "seed")}
    passes = case["generations"] * len(case["images"]) // case["per_device"]
    config |= {
        "num_generations": case["generations"],
        "per_device_train_batch_size": case["per_device"],
        "gradient_accumulation_steps": passes // case["updates"],
        "steps_per_generation": passes,
        "num_iterations": case["iterations"],
        "max_steps": case["updates"] * case["iterations"],
        "activation_checkpointing": case["checkpointing"],
        "mask_truncated_completions": case["truncation"],
        "top_entropy_quantile": 0.7 if case["seed"] % 2 else 1.0,
        "optim": "sgd",
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grpo_trainer, "shuffle_sequence_dict", in_whole_groups(case["generations"]))
        stock = train(GRPOTrainer, tiny_models, out, **config)
        patch.setattr(module, "WORTH_A_PART", case["worth"])
        ours = train(SharedPrefixGRPOTrainer, tiny_models, out, **config)
    assert_same(stock, ours)


IN_FOUR = {"num_generations": 4, "per_device_train_batch_size": 2, "gradient_accumulation_steps": 4}
"""Two prompts and their groups of four a step, in passes of two completions."""


def test_passes_need_not_hold_what_those_of_trl_do(tiny_models, out):
    """TRL deals the completions of a step out to its passes at random; the step's gradient is the same."""
    config = {**IN_FOUR, "loss_type": "grpo", "optim": "sgd", "max_steps": 2}
    (_, stock), (_, ours) = (train(kind, tiny_models, out, **config) for kind in (GRPOTrainer, SharedPrefixGRPOTrainer))
    for theirs, mine in zip(stock, ours, strict=True):
        scale = max(float(grad.abs().max()) for grad in theirs.values())
        assert scale > 0.01
        assert all(torch.allclose(mine[name], theirs[name], atol=1e-4 * scale) for name in theirs)


def test_thirty_steps_end_where_those_of_trl_do(tiny_models, out):
    config = {
        "num_generations": 4, "per_device_train_batch_size": 8, "max_steps": 30, "optim": "sgd", "lora": True,
        "learning_rate": 0.015, "lr_scheduler_type": "constant", "beta": 0.05, "temperature": 0.9,
        "log_completions": True, "num_completions_to_print": 0, "mask_truncated_completions": True,
    }  # fmt: skip
    runs = []
    for trainer_class in (GRPOTrainer, SharedPrefixGRPOTrainer):
        folder = out / trainer_class.__name__
        trainer, gradients = train(trainer_class, tiny_models, folder, **config)
        tables = [pd.read_parquet(path) for path in sorted((folder / "completions").glob("*.parquet"))]
        weights = {name: p.detach() for name, p in trainer.model.named_parameters() if p.requires_grad}
        runs.append((trainer, gradients, pd.concat(tables), weights))
    (stock, theirs, their_table, their_weights), (ours, mine, my_table, my_weights) = runs
    assert_same((stock, theirs), (ours, mine), tolerance=1e-3)
    pd.testing.assert_frame_equal(their_table, my_table)
    assert my_table["completion"].astype(str).nunique() > 100
    assert ours.state.log_history[-2]["kl"] > 0.1  # far from where it began
    assert all(torch.allclose(my_weights[name], their_weights[name], atol=1e-4) for name in my_weights)


def test_an_evaluation_is_that_of_trl(tiny_models, out):
    metrics = []
    for trainer_class in (GRPOTrainer, SharedPrefixGRPOTrainer):
        config = {"num_generations_eval": 2, "per_device_eval_batch_size": 4, "eval_steps": 1, "beta": 0.1}
        trainer, _ = train(trainer_class, tiny_models, out, **IN_FOUR, **config, eval_strategy="steps")
        (row,) = [row for row in trainer.state.log_history if "eval_loss" in row]
        metrics.append({name: value for name, value in row.items() if "time" not in name and "per_sec" not in name})
    assert metrics[0].keys() == metrics[1].keys() and metrics[0]["eval_entropy"] > 0
    assert metrics[1] == pytest.approx(metrics[0], rel=1e-4, abs=1e-6)


@pytest.mark.parametrize(
    ("trainer_class", "expected"), [(SharedPrefixGRPOTrainer, (2, 6)), (GRPOTrainer, (8 + 8, 8 + 8 + 8))]
)
def test_a_image_is_read_once_for_its_group(tiny_models, out, monkeypatch, trainer_class, expected):
    """By the processor, and by the vision tower: to draw, for the reference, and in four passes of the loss."""
    processor = type(tiny_models[1].image_processor)
    tower = modeling_qwen2_5_vl.Qwen2_5_VisionTransformerPretrainedModel
    process, see, processed, seen = processor.__call__, tower.forward, [], []

    def counting(self, images, *args, **kwargs):
        done = process(self, images, *args, **kwargs)
        processed.append(len(done["image_grid_thw"]))
        return done

    def watching(self, hidden_states, grid_thw, **kwargs):
        seen.append(len(grid_thw))
        return see(self, hidden_states, grid_thw, **kwargs)

    monkeypatch.setattr(processor, "__call__", counting)
    monkeypatch.setattr(tower, "forward", watching)
    train(trainer_class, tiny_models, out, **IN_FOUR, images=(1, 1), beta=0.1, lora=True)
    assert (sum(processed), sum(seen)) == expected


def most_held(trainer_class, models, out, **config):
    """Bytes that the backward passes of a step need, when they are most."""
    held = {"now": 0, "most": 0}

    class Saved:
        def __init__(self, tensor):
            weight = isinstance(tensor if tensor._base is None else tensor._base, torch.nn.Parameter)
            self.tensor, self.size = tensor, 0 if weight else tensor.nbytes
            held["now"] += self.size
            held["most"] = max(held["most"], held["now"])

        def __del__(self):
            held["now"] -= self.size

    fixed = {"max_completion_length": 8, "generation_kwargs": {"min_new_tokens": 8}}
    with torch.autograd.graph.saved_tensors_hooks(Saved, lambda saved: saved.tensor):
        train(trainer_class, models, out, lora=True, images=(2, 2), **fixed, **config)
    return held["most"]


def test_the_size_of_a_group_costs_no_memory(tiny_models, out):
    def most(trainer_class, generations, at_once):
        config = {"num_generations": generations, "per_device_train_batch_size": at_once}
        accumulation = 2 * generations // at_once
        return most_held(trainer_class, tiny_models, out, gradient_accumulation_steps=accumulation, **config)

    small = most(SharedPrefixGRPOTrainer, 4, 2)
    assert most(SharedPrefixGRPOTrainer, 8, 2) < 1.01 * small
    assert small < most(GRPOTrainer, 4, 2)
    assert most(SharedPrefixGRPOTrainer, 8, 8) < 0.5 * most(GRPOTrainer, 8, 8)


def test_a_chunk_holds_whole_prompts_or_a_part_of_one():
    assert list(module._chunks([2, 2, 3, 1], 4)) == [(slice(0, 2), [[2, 2]]), (slice(2, 4), [[3, 1]])]
    assert list(module._chunks([5, 1], 2)) == [(slice(0, 1), [[2], [2], [1]]), (slice(1, 2), [[1]])]


@given(lengths=st.lists(st.integers(0, 900), min_size=1, max_size=40))
def test_rows_of_like_length_are_computed_together(lengths):
    parts = module._of_like_length(lengths)
    assert sorted(row for part in parts for row in part) == list(range(len(lengths)))
    assert all(part == sorted(part) for part in parts)

    def computed(parts):
        return sum(len(part) * max(lengths[row] for row in part) for part in parts)

    whole = computed([range(len(lengths))])
    assert computed(parts) + WORTH_A_PART * (len(parts) - 1) <= whole
    for part in parts:  # and no cut of one would save as much again
        ordered = sorted(part, key=lengths.__getitem__)
        cuts = [computed([ordered[:k], ordered[k:]]) for k in range(1, len(part))]
        assert computed([part]) - min(cuts, default=computed([part])) < WORTH_A_PART


def test_rows_are_trimmed_to_their_part(tiny_models, out, monkeypatch):
    """Less is computed in the loss, and it is the same."""
    seen = []
    forward = module.forward_from

    def counting(model, prefix, counts, ids, mask, **config):
        seen.append(ids.numel())
        return forward(model, prefix, counts, ids, mask, **config)

    monkeypatch.setattr(module, "forward_from", counting)
    tokens, runs = [], []
    for worth in (512, 2):
        monkeypatch.setattr(module, "WORTH_A_PART", worth)
        config = {"num_generations": 8, "per_device_train_batch_size": 32, "max_completion_length": 24}
        runs.append(train(SharedPrefixGRPOTrainer, tiny_models, out, loss_type="grpo", **config))
        tokens.append(sum(seen))
        seen.clear()
    assert_same(*runs)
    assert tokens[1] < 0.7 * tokens[0]


def test_each_run_computes_in_fewer_steps(tiny_models, out, monkeypatch):
    """A trainer that was made directly, and one that trains again."""
    inside, loss = [], SharedPrefixGRPOTrainer._compute_loss

    def joined(trainer):
        model = trainer.model.get_base_model().model.language_model
        return "forward" in vars(model.layers[0].mlp.down_proj)

    monkeypatch.setattr(
        SharedPrefixGRPOTrainer, "_compute_loss", lambda self, *a: inside.append(joined(self)) or loss(self, *a)
    )
    settings = {"images": (0, 0), "num_generations": 2, "per_device_train_batch_size": 4, "lora": True}
    trainer, _ = train(SharedPrefixGRPOTrainer, tiny_models, out, **settings)
    assert inside == [True] and not joined(trainer)
    trainer.train()
    assert inside == [True, True] and not joined(trainer)


def test_a_run_stopped_between_two_passes_leaves_nothing_behind(tiny_models, out, monkeypatch):
    config = {**IN_FOUR, "per_device_train_batch_size": 1, "gradient_accumulation_steps": 8, "optim": "sgd"}
    trainer, _ = train(SharedPrefixGRPOTrainer, tiny_models, out, **config)
    loss = SharedPrefixGRPOTrainer._compute_loss

    def stop(self, model, inputs):
        value = loss(self, model, inputs)
        if self._kept is not None:
            raise KeyboardInterrupt
        return value

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(SharedPrefixGRPOTrainer, "_compute_loss", stop)
        trainer.train()
    seen = []
    monkeypatch.setattr(
        SharedPrefixGRPOTrainer, "_compute_loss", lambda self, *a: seen.append(self._kept) or loss(self, *a)
    )
    trainer.train()
    assert seen[0] is None and any(seen)


def test_train_grpo_shares_unless_it_cannot(tiny_profile, tmp_path, caplog, monkeypatch):
    model, processor = load_policy(tiny_profile)

    def run(**config):
        trainer = train_grpo(
            model, processor, make_scenes(2), tiny_profile, reward_funcs=varied, max_steps=1, output_dir=str(tmp_path),
            **config,
        )  # fmt: skip
        said = [line for line in caplog.messages if line.startswith("shared_prefix")]
        caplog.clear()
        return type(trainer), said

    assert run() == (SharedPrefixGRPOTrainer, [])
    assert run(shared_prefix=False) == (GRPOTrainer, [])
    kind, said = run(cache_implementation="dynamic")
    assert kind is GRPOTrainer and len(said) == 1
    assert said[0].startswith("shared_prefix: not with a cache of the kind dynamic. TRL's own trainer reads a prompt")
    installed = TESTED["trl"]
    monkeypatch.setitem(TESTED, "trl", "1.15")
    kind, said = run()
    assert kind is GRPOTrainer and len(said) == 1
    assert re.match(
        rf"shared_prefix: not with trl {installed}\.\d+, tested with 1\.15 \(to share .*TRL's own trainer", said[0]
    )
    (words,) = re.findall(r"same: (.*)\)\.", said[0])
    exec(words)  # what the warning says to do
    assert run() == (SharedPrefixGRPOTrainer, [])


def test_what_cannot_be_shared_is_refused(tiny_models, out, monkeypatch):
    def config(**settings):
        return GRPOConfig(output_dir=str(out), use_cpu=True, bf16=False, **settings)

    model = AutoModelForImageTextToText.from_pretrained(tiny_models[0]["qwen2_vl"])
    assert unsupported_reason(model, config()) is None
    assert unsupported_reason(model, config(use_vllm=True)) == "completions sampled by vLLM"
    beams = {"generation_kwargs": {"num_beams": 2, "use_cache": False}}
    assert unsupported_reason(model, config(**beams)) == "num_beams=2, use_cache=False"
    assert unsupported_reason(model, config(generation_kwargs={"num_beams": 1, "top_k": 7})) is None
    monkeypatch.setattr(model.generation_config, "penalty_alpha", 0.6)
    assert unsupported_reason(model, config()) == "penalty_alpha=0.6 of the model's generation_config"
    monkeypatch.undo()
    reentrant = {"activation_checkpointing_kwargs": {"use_reentrant": True}}
    assert unsupported_reason(model, config(**reentrant)) == "reentrant activation checkpointing"
    monkeypatch.setenv("ACCELERATE_USE_FSDP", "true")
    assert unsupported_reason(model, config()) == "a model that is sharded (FSDP or DeepSpeed)"
    monkeypatch.setitem(TESTED, "transformers", "5.99")
    assert unsupported_reason(model, config()).startswith("transformers 5.")
    with pytest.raises(ValueError, match="prompts cannot be shared with a model that is sharded .*GRPOTrainer"):
        monkeypatch.setattr(GRPOTrainer, "__init__", lambda self, model, args: vars(self).update(
            model=model, args=args, tools=[], environment_factories=None, rollout_func=None))  # fmt: skip
        SharedPrefixGRPOTrainer(model=model, args=config())
