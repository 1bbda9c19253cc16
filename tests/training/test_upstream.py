"""Each private part of another library that the package stands on (docs/upstream.md) is still what it was.

A test a row: a function that `holds(key)` names, and that calls `need(fact, sentence)` for each thing relied on.
"""

import inspect
import re
from dataclasses import fields
from pathlib import Path

import pytest
import torch
import transformers
from transformers import Trainer
from trl import GRPOConfig, GRPOTrainer, SFTTrainer
from upstream_run import short_run

from vlaa_helpers import make_scenes
from vlaa_helpers.policy.decode_stack import has_own_forward, whole_model

ROOT = Path(__file__).resolve().parents[2]
TABLE = (ROOT / "docs" / "upstream.md").read_text()
ROWS = {
    cells[0]: dict(zip(("what", "used in", "relied on", "why"), cells[1:], strict=True))
    for line in TABLE.splitlines()
    if line.startswith("|") and not line.startswith(("| key", "|---"))
    for cells in [[cell.strip() for cell in line.strip("|").split("|")]]
}
CHECKS = {}


def holds(key):
    """Register the check of a row."""

    def register(check):
        assert key not in CHECKS, f"two checks of {key}"
        CHECKS[key] = check
        return check

    return register


def need(fact, sentence):
    if not fact:
        raise AssertionError(sentence)


def parameters(function):
    return list(inspect.signature(function).parameters)


def check_row(key, *arguments):
    """Run the check of a row; what fails is told in a sentence that names the row."""
    try:
        CHECKS[key](*arguments)
    except Exception as error:
        row = ROWS[key]
        pytest.fail(
            f"docs/upstream.md, {key}: {row['what']} is not what {row['used in']} relies on ({row['relied on']}): "
            f"{type(error).__name__}: {error}"
        )


# ---- TRL ----


@holds("trl-generate-and-score")
def _(world):
    need(parameters(GRPOTrainer._generate_and_score_completions) == ["self", "inputs"], "its parameters have changed")
    found, rows = world.batch, 4
    names = ("prompt_ids", "prompt_mask", "completion_ids", "completion_mask", "advantages", "ref_per_token_logps")
    need(all(len(found[name]) == rows for name in names), "its tensors have changed")
    need(found["num_items_in_batch"].ndim == 0 and found["num_images"] == [1] * rows, "its counts have changed")
    need(len(found["image_grid_thw"]) == rows and "pixel_values" in found, "its images are not one a row")
    (call,) = world.processor_calls
    need(set(call) == {"images", "text", "padding", "return_tensors"}, f"it calls the processor with {sorted(call)}")


@holds("trl-tokenize-prompts")
def _(world):
    need(parameters(GRPOTrainer._tokenize_prompts) == ["self", "prompts"], "its parameters have changed")
    ids, images, names = world.tokenized
    need(len(ids) == len(images) == 4 and isinstance(ids[0][0], int), "it gives no list of ids a prompt")
    need({"pixel_values", "image_grid_thw", "mm_token_type_ids"} <= set(names), "the images' fields are not there")


@holds("trl-generate-single-turn")
def _(world):
    expected = ["self", "prompt_ids", "images", "multimodal_fields", "num_generations"]
    need(parameters(GRPOTrainer._generate_single_turn)[:5] == expected, "its parameters have changed")
    (call,) = world.generate_calls
    need("generation_config" in call and len(call["input_ids"]) == 4, "it does not call generate as it did")
    ids, logps = world.generated
    need(len(ids) == 4 and isinstance(ids[0][0], int) and logps is None, "it does not give lists of ids and None")


@holds("trl-prepare-inputs")
def _(world):
    need(parameters(GRPOTrainer._prepare_inputs) == ["self", "generation_batch"], "its parameters have changed")
    need(world.made == 2 and world.trainer._step == 4, "it does not make a generation batch every second pass")
    need(len(world.trainer._buffered_inputs) == 2, "_buffered_inputs does not hold the passes")


@holds("trl-compute-loss")
def _(world):
    need(parameters(GRPOTrainer._compute_loss) == ["self", "model", "inputs"], "its parameters have changed")
    need(world.passes == 4, "it is not called once a pass")
    need("self._compute_loss(model, inputs)" in inspect.getsource(GRPOTrainer.compute_loss), "compute_loss went around")
    source = inspect.getsource(GRPOTrainer._compute_loss)
    need('completion_mask * inputs["tool_mask"]' in source, "tokens of tools are not left out")
    need("(per_token_loss.size(0) * self.max_completion_length)" in source, "dr_grpo has another divisor")
    dapo = "normalizer * self.current_gradient_accumulation_steps / self.args.steps_per_generation"
    need(dapo in source, "dapo has another divisor")


@holds("trl-log-probs")
def _(world):
    from vlaa_helpers import SharedPrefixGRPOTrainer

    stock = parameters(GRPOTrainer._get_per_token_logps_and_entropies)
    ours = inspect.signature(SharedPrefixGRPOTrainer._get_per_token_logps_and_entropies).parameters.values()
    named = [parameter.name for parameter in ours if parameter.kind is not parameter.VAR_KEYWORD]
    need(stock[:8] == named[:8] and set(named) <= set(stock), f"its parameters are now {', '.join(stock)}")
    logps, entropies, auxiliary = world.log_probs
    need(logps.shape == entropies.shape and logps.ndim == 2 and auxiliary is None, "it does not give what it gave")


@holds("trl-fused-head")
def _(world):
    model = world.trainer.model
    ids = torch.tensor([[5, 6, 7]])
    output = model(input_ids=ids, shift_labels=torch.tensor([[6, 7, -100]]), fused_lm_head=True)
    logps = (model(input_ids=ids).logits.float() / world.trainer.temperature).log_softmax(-1)
    expected = logps[0, [0, 1], [6, 7]]
    need(torch.allclose(output.log_probs[0, :2], expected, atol=1e-4), "log_probs are not those of the logits")
    need(output.log_probs[0, 2] == 0 and output.entropy[0, 2] == 0, "tokens that do not count have no 0")
    need(output.entropy.shape == ids.shape, "entropy is not of each token")
    need(has_own_forward(whole_model(model)), "the head is no longer _fused_forward over original_forward")


@holds("trl-sft-loss")
def _(world):
    source = inspect.getsource(SFTTrainer.compute_loss)
    plain = source[source.rindex("else:\n                    outputs = model(**inputs, fused_lm_head=True)") :]
    called = re.findall(r"model\(", plain.split("num_tokens")[0])
    need(len(called) == 1, "the model is not called once with its fused head")
    need("per_token_loss = -outputs.log_probs" in plain, "the loss is not made of outputs.log_probs")
    need("per_token_loss.sum() / torch.as_tensor(num_tokens)" in plain, "it is not divided by the step's tokens")


@holds("trl-label-mask")
def _(world):
    labels = torch.tensor([[5, 6, -100, 7]])
    output = world.trainer.model(input_ids=labels.clamp(min=5), labels=labels, fused_lm_head=True)
    need(output.label_mask.tolist() == [[True, False, True]], f"it is {output.label_mask.tolist()}")
    need(output.label_mask.shape == output.log_probs.shape, "its shape is not that of log_probs")


@holds("trl-metrics")
def _(world):
    need(all(counts == [(1, 0), (2, 1)] for counts in world.kl_counts.values()), "kl does not grow by one a pass")
    need(len(world.kl_counts) == 2, "it is not cleared when it is logged")
    first, second = world.trainer.state.log_history[:2]
    need((first["canary"], second["canary"]) == (0.5, 0.5), "what is appended is not logged as a mean")


@holds("trl-logs")
def _(world):
    advantages = list(world.trainer._logs["advantages"])
    need(len(advantages) == 4, "it does not hold the last generation batch")
    values = world.trainer._buffered_inputs
    there = torch.cat([part["advantages"] for part in values]).tolist()
    need(sorted(there) == pytest.approx(sorted(advantages)), "the advantages are not those that are trained on")


@holds("trl-trainer-attributes")
def _(world):
    trainer = world.trainer
    need([callable(reward) for reward in trainer.reward_funcs] == [True], "reward_funcs is no list of functions")
    need(trainer.reward_func_names == ["reward"] and trainer.reward_weights.tolist() == [1.0], "names or weights")
    need(world.told == 4, "reward_funcs is not read at each generation batch")
    need(trainer.num_generations == 2 and trainer.beta == 0.1, "num_generations or beta")
    need(world.processor.tokenizer.eos_token_id in trainer.eos_token_ids, "eos_token_ids")
    need({"completions", "completion_ids", "log_extra", "id", "gt"} <= world.reward_columns, "rewards are told less")
    read = ("tools", "environment_factories", "rollout_func", "num_generations_eval", "num_iterations")
    more = ("top_entropy_quantile", "model_wrapped", "loss_type", "max_completion_length")
    missing = [name for name in (*read, *more) if not hasattr(trainer, name)]
    need(not missing, f"{', '.join(missing)} of the trainer")


@holds("trl-mask-truncated")
def _(world):
    need(world.trainer.mask_truncated_completions is GRPOConfig.mask_truncated_completions, "it is not the argument's")
    source = inspect.getsource(GRPOTrainer._generate_and_score_completions)
    asked = source[source.index("if self.mask_truncated_completions:") :]
    for name in ("completion_mask", "tool_mask"):
        need(f"{name} = {name} * (~is_truncated).unsqueeze(1)" in asked, f"{name} of such completions is not 0")


@holds("trl-generate")
def _(world):
    need(parameters(GRPOTrainer._generate) == ["self", "prompts"], "its parameters have changed")
    need(world.sampled == world.made, "it is not called once a generation batch")
    ids, completion_ids, tool_mask, completions, logps, extra, images, _ = world.rollouts
    need(len(ids) == len(completion_ids) == len(completions) == len(images) == 4, "it gives other things than it gave")
    need(tool_mask is None and logps is None and extra == {}, "it gives masks, log-probabilities or columns now")
    source = inspect.getsource(GRPOTrainer._generate_and_score_completions)
    need("inp[key] = values[i]" in source, "its columns do not reach reward functions")
    need("tool_mask, padding_value=1," in source, "padding is not 1 in tool masks")


@holds("trl-rewards")
def _(world):
    named = ["self", "inputs", "prompts", "completions", "completion_ids_list"]
    need(parameters(GRPOTrainer._calculate_rewards) == named, "its parameters have changed")
    (rewards,), before = [found.shape for found in world.rewards[-1:]], dict(world.trainer._pending_metrics)
    need(rewards == (4, 1), "it does not give rewards of each completion and function")
    need(before == {} and world.trainer._pending_extra_logs == {}, "what was noted still waits after the batch")
    world.trainer._log_metric("canary", 0.5)
    need(world.trainer._pending_metrics.pop("canary") == [0.5], "_log_metric does not add to _pending_metrics")


@holds("trl-ref-adapter")
def _(world):
    model = world.trainer.model
    need(list(model.peft_config) == ["default", "ref"], f"the adapters are {', '.join(model.peft_config)}")


@holds("trl-config-fields")
def _(world):
    from vlaa_helpers.training.recipes import _OBJECTIVE

    need(set(_OBJECTIVE) <= {field.name for field in fields(GRPOConfig)}, "fields of the objective are gone")


# ---- transformers ----


@holds("trainer-save-checkpoint")
def _(world):
    need(parameters(Trainer._save_checkpoint) == ["self", "model", "trial"], "its parameters have changed")
    world.trainer._save_checkpoint(world.trainer.model, trial=None)
    there = {path.name for path in (world.folder / "checkpoint-2").iterdir()}
    expected = {"optimizer.pt", "scheduler.pt", "trainer_state.json", "rng_state.pth", "adapter_model.safetensors"}
    need(expected <= there, f"it leaves out {', '.join(sorted(expected - there))}")


@holds("trainer-accumulation")
def _(world):
    need(world.trainer.current_gradient_accumulation_steps == 2, "it is not the passes of a step")


@holds("trainer-loss-kwargs")
def _(world):
    for method in (Trainer.compute_loss, Trainer._get_num_items_in_batch):
        need("self.model_accepts_loss_kwargs" in inspect.getsource(method), f"{method.__name__} does not read it")
    need("num_items_in_batch" in parameters(SFTTrainer.compute_loss), "SFTTrainer.compute_loss gets no token count")


@holds("trainer-n-gpu")
def _(world):
    args = GRPOConfig(output_dir=str(world.folder), use_cpu=True, bf16=False)
    args._n_gpu = 3
    need(args.n_gpu == 3, "n_gpu does not give it")
    for where in (Trainer, GRPOTrainer, SFTTrainer):
        source = inspect.getsource(inspect.getmodule(where))
        need("args.n_gpu > 1" in source, f"{where.__name__} does not ask n_gpu")
    need("cuda.device_count()" not in inspect.getsource(inspect.getmodule(Trainer)), "a Trainer counts GPUs by itself")


@holds("trainer-callback-states")
def _(world):
    from transformers.trainer_callback import ExportableState, TrainerState

    need(hasattr(ExportableState, "state") and hasattr(ExportableState, "from_state"), "ExportableState has changed")
    kept = TrainerState.load_from_json(str(world.folder / "checkpoint-1" / "trainer_state.json")).stateful_callbacks
    need(kept["Kept"]["attributes"] == {"steps": 1}, f"a checkpoint keeps {kept}")


@holds("trainer-default-callbacks")
def _(world):
    from transformers import trainer

    need(isinstance(trainer.DEFAULT_CALLBACKS, list), "it is no list")
    need("DEFAULT_CALLBACKS" in inspect.getsource(Trainer.__init__), "a Trainer does not start from it")


@holds("cache-layers")
def _(world):
    from transformers.cache_utils import Cache, DynamicLayer

    need(parameters(DynamicLayer.update)[:3] == ["self", "key_states", "value_states"], "update has changed")
    cache = Cache(layer_class_to_replicate=DynamicLayer)
    world.fresh().eval()(input_ids=torch.tensor([[5, 6, 7]]), past_key_values=cache, use_cache=False)
    layer = cache.layers[0]
    need(layer.is_initialized and layer.keys.shape[2] == layer.values.shape[2] == 3, "keys and values are not kept")
    need(Cache(layers=[layer]).get_seq_length() == 3, "Cache(layers=…) has changed")


@holds("checkpoint-with-cache")
def _(world):
    from transformers.modeling_layers import GradientCheckpointingLayer

    layer = world.whole.model.language_model.layers[0]
    need(isinstance(layer, GradientCheckpointingLayer), "the layers are of another class")
    need(GradientCheckpointingLayer._can_checkpoint_with_cache is False, "it is gone, or not False to begin with")
    source = inspect.getsource(GradientCheckpointingLayer)
    need("not self._can_checkpoint_with_cache" in source, "checkpointing does not read it")


@holds("rope-index")
def _(world):
    found = parameters(world.whole.model.get_rope_index)
    need(found[0] == "input_ids" and {"mm_token_type_ids", "image_grid_thw", "attention_mask"} <= set(found), found)
    inputs = {name: world.batch[name] for name in ("image_grid_thw", "mm_token_type_ids")}
    ids = torch.cat([world.batch["prompt_ids"], world.batch["completion_ids"]], dim=1)
    positions, _ = world.whole.model.get_rope_index(ids, **inputs, attention_mask=torch.ones_like(ids))
    need(positions.shape == (3, *ids.shape), f"positions have the shape {tuple(positions.shape)}")


@holds("qwen-layers")
def _(world):
    need(len(world.whole.model.language_model.layers) > 0, "no layers there")
    found = world.whole.config.get_text_config()._attn_implementation
    need(found in ("sdpa", "eager"), f"_attn_implementation is {found}")
    need(isinstance(world.whole.is_activation_checkpointing, bool), "is_activation_checkpointing")


@holds("qwen-image-features")
def _(world):
    from vlaa_helpers.policy.vision_tower import guard_of

    guard, inputs = guard_of(world.whole), {k: world.batch[k] for k in ("pixel_values", "image_grid_thw")}
    output = guard.plain(**inputs)
    need(len(output.pooler_output) == len(inputs["image_grid_thw"]), f"{len(output.pooler_output)} tensors")
    seen = []
    world.whole.model.get_image_features = lambda *args, **kwargs: seen.append(args) or guard(*args, **kwargs)
    try:
        ids = torch.cat([world.batch["prompt_ids"], world.batch["completion_ids"]], dim=1)
        rows = len(inputs["image_grid_thw"])
        world.whole(input_ids=ids[:rows], mm_token_type_ids=world.batch["mm_token_type_ids"][:rows], **inputs)
    finally:
        world.whole.model.get_image_features = guard
    need([len(args) for args in seen] == [2], "the forward pass does not ask get_image_features")


@holds("qwen-image-size")
def _(world):
    from PIL import Image

    processor, image = world.processor.image_processor, Image.new("RGB", (400, 200))
    before, patch = processor.size["longest_edge"], processor.patch_size
    try:
        for most in (112 * 112, 224 * 224):
            processor.size["longest_edge"] = most
            (_, high, wide), *_ = processor(images=[image], return_tensors="pt")["image_grid_thw"].tolist()
            need(most / 2 < high * wide * patch**2 <= most, f"of {most} pixels {high * wide * patch**2} are left")
    finally:
        processor.size["longest_edge"] = before


@holds("qwen-decoder-layer")
def _(world):
    from transformers import Qwen3VLTextConfig
    from transformers.models.qwen3_vl import modeling_qwen3_vl

    from vlaa_helpers.policy.decode_stack import LINEARS

    text = world.whole.model.language_model
    layer = text.layers[0]
    missing = [name for name in LINEARS if name not in dict(layer.named_modules())]
    need(not missing, f"{', '.join(missing)} of a layer")
    norms = (layer.input_layernorm, layer.post_attention_layernorm, text.norm)
    need(all(hasattr(norm, "variance_epsilon") for norm in norms), "variance_epsilon of a norm")
    need(isinstance(layer.self_attn.scaling, float), "scaling of the attention")
    cos, sin = text.rotary_emb(torch.zeros(1), torch.arange(4).expand(3, 2, 4))
    need(cos.shape == sin.shape == (2, 4, layer.self_attn.head_dim), f"rotary_emb gives {tuple(cos.shape)}")
    config = Qwen3VLTextConfig(hidden_size=32, num_attention_heads=2, head_dim=16)
    new = modeling_qwen3_vl.Qwen3VLTextAttention(config, 0)
    need(hasattr(new, "q_norm") and hasattr(new, "k_norm"), "norms of queries and keys in Qwen3-VL")


@holds("custom-generate")
def _(world):
    from transformers.cache_utils import Cache

    seen = {}

    def function(model, input_ids, logits_processor, stopping_criteria, generation_config, **inputs):
        seen.update(inputs, config=generation_config)
        return input_ids

    ids = torch.tensor([[5, 6, 7]])
    given = {"attention_mask": torch.ones_like(ids), "position_ids": torch.arange(3).expand(3, 1, 3)}
    cache = Cache(layer_class_to_replicate=transformers.cache_utils.DynamicLayer)
    world.whole.generate(input_ids=ids, **given, past_key_values=cache, pad_token_id=1, custom_generate=function)
    need(seen["past_key_values"] is cache and "attention_mask" in seen, "cache and mask are not handed on")
    need(seen["position_ids"].shape[0] == 3 and seen["config"].pad_token_id == 1, "positions or settings are changed")


@holds("input-grad-hook")
def _(world):
    model = world.fresh()
    model.enable_input_require_grads()
    named = [
        name
        for name, module in model.named_modules()
        for hook in module._forward_hooks.values()
        if getattr(hook, "__name__", "") == "make_inputs_require_grads"
    ]
    need(any("visual" in name for name in named), f"it is registered on {named or 'nothing'}, not in the vision tower")


# ---- bitsandbytes and datasets ----


@holds("torch-module-state")
def _(world):
    layer = torch.nn.Linear(2, 2)
    need(not layer._backward_hooks and not layer._backward_pre_hooks, "a new layer has hooks")
    layer.register_full_backward_hook(lambda *_: None)
    layer.register_full_backward_pre_hook(lambda *_: None)
    need(layer._backward_hooks and layer._backward_pre_hooks, "hooks are kept elsewhere")
    need(layer._replicate_for_data_parallel()._is_replica, "a replica does not say that it is one")
    version = layer.weight._version
    with torch.no_grad():
        layer.weight.zero_()
    need(layer.weight._version > version, "_version does not grow")


@holds("peft-lora-layer")
def _(world):
    from peft import LoraConfig, get_peft_model
    from peft.tuners import lora
    from peft.tuners.lora import LoraLayer

    model = get_peft_model(torch.nn.Sequential(torch.nn.Linear(8, 4)), LoraConfig(r=2, target_modules=["0"]))
    layer = model.base_model.model[0]
    need(type(layer) is lora.Linear and issubclass(lora.Linear4bit, LoraLayer), "plain adapters are of other classes")
    need(isinstance(layer, LoraLayer) and isinstance(layer.get_base_layer(), torch.nn.Linear), "the layers' classes")
    need(list(layer.active_adapters) == ["default"] and not layer.merged and not layer.disable_adapters, "its state")
    need(layer.lora_variant == {} and getattr(layer.lora_dropout["default"], "p", 0) == 0, "its variants and dropout")
    torch.nn.init.normal_(layer.lora_B["default"].weight)
    x = torch.randn(3, 8)
    added = layer.lora_B["default"](layer.lora_A["default"](x)) * layer.scaling["default"]
    need(torch.allclose(layer(x), layer.get_base_layer()(x) + added, atol=1e-6), "what an adapter adds")


@holds("peft-torchao")
def _(world):
    from packaging.requirements import Requirement
    from packaging.version import Version
    from peft import import_utils

    from vlaa_helpers.environment import BESIDE

    specifier = Requirement(BESIDE["torchao"][1]).specifier
    lowest = Version(next(iter(specifier)).version)
    below = f"{lowest.major}.{lowest.minor - 1}.9"
    real, found = import_utils.importlib_metadata.version, import_utils.importlib.util.find_spec
    try:
        import_utils.importlib.util.find_spec = lambda name: object() if name == "torchao" else found(name)
        for version, taken in ((f"{lowest}.0", True), (below, False)):
            import_utils.importlib_metadata.version = lambda name, seen=version: seen
            try:
                accepted = import_utils.is_torchao_available.__wrapped__()
            except ImportError as error:
                need(
                    "torchao" in str(error) and version in str(error), "the error names neither torchao nor its version"
                )
                accepted = False
            need(accepted is taken, f"torchao {version} is {'taken' if accepted else 'refused'}; BESIDE says otherwise")
    finally:
        import_utils.importlib_metadata.version, import_utils.importlib.util.find_spec = real, found


@holds("bnb-dequantize")
def _(world):
    from bitsandbytes.nn import Linear4bit

    from vlaa_helpers.policy.dense_weights import dense_weight

    layer = next(module for module in world.fresh().modules() if isinstance(module, Linear4bit))
    weight, x = dense_weight(layer), torch.randn(3, layer.in_features)
    need(weight.shape == (layer.out_features, layer.in_features), f"the shape is {tuple(weight.shape)}")
    expected = torch.nn.functional.linear(x, weight, layer.bias)
    need(torch.allclose(layer(x), expected, atol=1e-5), "the layer multiplies with another weight")


@holds("bnb-linear4bit")
def _(world):
    import bitsandbytes.functional
    from bitsandbytes.nn import Linear4bit, Params4bit

    layer = Linear4bit(64, 32)
    need(hasattr(layer, "support_avx512bf16_for_cpu"), "support_avx512bf16_for_cpu is gone")
    need("self.support_avx512bf16_for_cpu" in inspect.getsource(Linear4bit.forward), "forward does not read it")
    source = inspect.getsource(bitsandbytes.functional._convert_weight_packed_for_cpu)
    need("quant_state.packing_format_for_cpu = True" in source, "packed weights have no packing_format_for_cpu")
    packed = [p for p in world.fresh().parameters() if isinstance(p, Params4bit)]
    need(packed and packed[0].quant_state.shape.numel() > packed[0].numel(), "quant_state.shape is not the whole shape")


@holds("hub-xet")
def _(world):
    from huggingface_hub import _commit_api, constants
    from huggingface_hub.utils import _runtime

    need(isinstance(constants.HF_HUB_DISABLE_XET, bool), "HF_HUB_DISABLE_XET is gone")
    need("constants.HF_HUB_DISABLE_XET" in inspect.getsource(_runtime.is_xet_available), "it is not read at each call")
    need("if is_xet_available():" in inspect.getsource(_commit_api), "sending a file does not ask for it")


@holds("datasets-indices")
def _(world):
    records = make_scenes(4)
    need(records._indices is None, "a data set without a selection has indices")
    need(records.select([2, 0])._indices.column("indices").to_pylist() == [2, 0], "they are not the selected rows")
    need(isinstance(records._fingerprint, str), "_fingerprint is no string")


@holds("datasets-table")
def _(world):
    import pyarrow as pa
    from datasets import Dataset, DatasetInfo, Features, Value
    from datasets.table import InMemoryTable

    table, info = pa.table({"a": ["x", "y"]}), DatasetInfo(features=Features({"a": Value("string")}))
    indices = Dataset.from_dict({"a": ["x", "y"]}).select([1, 0])._indices
    found = Dataset(InMemoryTable(table), info, indices_table=indices, fingerprint="0123456789abcdef")
    need(list(found["a"]) == ["y", "x"] and found.data.table.equals(table), "a data set of tables is not what it was")


@holds("datasets-writer")
def _(world):
    from datasets import Dataset, Features, Value
    from datasets.arrow_writer import ArrowWriter

    path = str(world.folder / "rows.arrow")
    with ArrowWriter(path=path, features=Features({"a": Value("string")})) as writer:
        writer.write({"a": "x"})
        writer.finalize()
    need(list(Dataset.from_file(path)["a"]) == ["x"], "what it writes is not what is read")


@pytest.fixture(scope="module")
def world(tiny_profile, tmp_path_factory):
    return short_run(tiny_profile, tmp_path_factory.mktemp("upstream"))


# ---- the tests ----


@pytest.mark.parametrize("key", ROWS)
def test_a_private_part_is_what_it_was(key, world):
    assert key in CHECKS, f"docs/upstream.md has the row {key} and this file no check of it: add one, @holds({key!r})"
    check_row(key, world)


def test_every_check_has_its_row():
    assert set(CHECKS) == set(ROWS), "docs/upstream.md and this file differ"
    for key, row in ROWS.items():
        for path in re.findall(r"[\w/]+\.py", row["used in"]):
            assert (ROOT / "vlaa_helpers" / path).exists(), f"docs/upstream.md, {key}: no file {path}"


def test_a_part_that_moved_is_told_by_its_row(world, monkeypatch):
    def moved(self, model, inputs, more):
        return None

    monkeypatch.setattr(GRPOTrainer, "_compute_loss", moved)
    words = "docs/upstream.md, trl-compute-loss: .*shared_prefix_trainer.py relies on .*its parameters have changed"
    with pytest.raises(pytest.fail.Exception, match=words):
        check_row("trl-compute-loss", world)
    monkeypatch.delattr(GRPOTrainer, "_compute_loss")
    with pytest.raises(pytest.fail.Exception, match="AttributeError"):
        check_row("trl-compute-loss", world)
