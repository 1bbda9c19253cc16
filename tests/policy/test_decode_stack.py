"""The decode stack gives the logits that the model gives: three families, in 4 bits or not, with adapters or none."""

import re

import pytest
import torch
from accelerate import Accelerator, cpu_offload
from accelerate.state import AcceleratorState
from peft import AdaLoraConfig, LoraConfig, get_peft_model
from transformers import AutoConfig, AutoModelForImageTextToText, BitsAndBytesConfig
from trl.trainer.utils import add_fused_lm_head

from vlaa_helpers import evaluate, load_policy, make_scenes, train_grpo
from vlaa_helpers.core.messages import say_once
from vlaa_helpers.policy import decode_loop
from vlaa_helpers.policy.decode_stack import LINEARS, Joined, decode_stack, unstackable_reason, whole_model
from vlaa_helpers.policy.dense_weights import base_of, copy_of, dense_weight, dense_weights
from vlaa_helpers.policy.loading import LORA_TARGETS, keep_4bit_trainable
from vlaa_helpers.policy.prefix_cache import generate_from, prefill, unshareable_reason
from vlaa_helpers.policy.tested_versions import TESTED

TYPES = ("qwen2_vl", "qwen2_5_vl", "qwen3_vl")
TEXTS = ("how many", "what is left when all red circles are gone?", "and the blue one, is it there")
COUNTS = [3, 1, 2]


def policy(tiny_models, kind, *, packed, adapters, compute=torch.float32):
    quantization = None
    if packed:
        skipped = [r".*visual", "lm_head"]
        quantization = BitsAndBytesConfig(
            load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=compute,
            llm_int8_skip_modules=skipped,
        )  # fmt: skip
    model = AutoModelForImageTextToText.from_pretrained(tiny_models[0][kind], quantization_config=quantization)
    keep_4bit_trainable(model)
    for k in range(adapters):
        config = LoraConfig(r=4 + k, lora_alpha=9, target_modules=LORA_TARGETS)
        model = get_peft_model(model, config) if k == 0 else model
        if k:
            model.add_adapter(f"more{k}", config)
            model.base_model.set_adapter(["default", f"more{k}"])
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.3, generator=torch.Generator().manual_seed(len(name)))
    return model.eval()


def logits_along(model, processor, monkeypatch, *, stack):
    """Logits at each step of twelve, of rows that go on from three prompts of different lengths, some of which end."""
    seen, choose = [], decode_loop._choose
    monkeypatch.setattr(decode_loop, "_choose", lambda found, *rest: seen.append(found.clone()) or choose(found, *rest))
    monkeypatch.setattr(decode_loop, "decode_stack", decode_stack if stack else lambda whole: None)
    inputs = processor.tokenizer(list(TEXTS), padding=True, padding_side="left", return_tensors="pt")
    with torch.no_grad():
        prefix = prefill(model, inputs)
    torch.manual_seed(1)
    ends = [*range(880, 1000)]
    tokens = generate_from(
        model, prefix, COUNTS, max_new_tokens=12, do_sample=True, top_k=0, pad_token_id=1013, eos_token_id=ends
    )
    monkeypatch.undo()
    return seen, tokens


def said_by(model, caplog):
    """What is said when a model is asked for its decode stack twice."""
    say_once.cache_clear()
    caplog.clear()
    assert decode_stack(whole_model(model)) is decode_stack(whole_model(model)) is None
    return caplog.messages


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize(("packed", "adapters"), [(False, 0), (False, 2), (True, 1)])
def test_logits_are_those_of_the_model(tiny_models, monkeypatch, kind, packed, adapters):
    model = policy(tiny_models, kind, packed=packed, adapters=adapters)
    assert decode_stack(whole_model(model)) is not None
    expected, tokens = logits_along(model, tiny_models[1], monkeypatch, stack=False)
    found, same = logits_along(model, tiny_models[1], monkeypatch, stack=True)
    assert torch.equal(tokens, same) and [len(step) for step in found] == [len(step) for step in expected]
    assert len({len(step) for step in found}) > 1  # rows did leave
    for one, other in zip(found, expected, strict=True):
        assert torch.allclose(one, other, atol=2e-5 * float(other.abs().max()), rtol=0)


def test_adapters_that_are_off_are_left_out_and_merged_ones_taken_out(tiny_models):
    model = policy(tiny_models, "qwen2_5_vl", packed=True, adapters=1)
    ids = torch.arange(20, 60).view(2, 20)
    with torch.no_grad(), model.disable_adapter():
        base = model(input_ids=ids).logits
        with dense_weights(model):
            assert torch.allclose(model(input_ids=ids).logits, base, atol=1e-5)
    with torch.no_grad():
        model.merge_adapter()
        merged = model(input_ids=ids).logits
        with model.disable_adapter(), dense_weights(model):
            found = model(input_ids=ids).logits
        with model.disable_adapter():
            expected = model(input_ids=ids).logits
    assert torch.allclose(found, expected, atol=1e-4) and not torch.allclose(found, merged, atol=0.1)


def test_an_adapter_that_is_off_is_left_out(tiny_models, monkeypatch):
    model = policy(tiny_models, "qwen2_5_vl", packed=False, adapters=1)
    with_adapter, _ = logits_along(model, tiny_models[1], monkeypatch, stack=True)
    with model.disable_adapter():
        expected, _ = logits_along(model, tiny_models[1], monkeypatch, stack=False)
        found, _ = logits_along(model, tiny_models[1], monkeypatch, stack=True)
    assert torch.allclose(found[0], expected[0], atol=1e-4) and not torch.allclose(found[0], with_adapter[0], atol=0.1)


ALTERATIONS = {
    "merged": lambda model, layer: model.merge_adapter(),
    "a hook on a linear layer": lambda model, layer: layer.mlp.up_proj.register_forward_hook(lambda *_: None),
    "a hook before one": lambda model, layer: layer.mlp.up_proj.register_forward_pre_hook(lambda *_: None),
    "a hook on a layer": lambda model, layer: layer.register_forward_hook(lambda *_: None),
    "a hook on attention": lambda model, layer: layer.self_attn.register_forward_hook(lambda *_: None),
    "a hook on a norm": lambda model, layer: layer.input_layernorm.register_forward_hook(lambda *_: None),
    "another forward": lambda model, layer: setattr(layer.mlp, "forward", layer.mlp.forward),
    "offloaded": lambda model, layer: cpu_offload(whole_model(model)),
    "activation": lambda model, layer: setattr(layer.mlp, "act_fn", torch.nn.GELU()),
    "a hook on the model": lambda model, layer: whole_model(model).register_forward_hook(lambda *_: None),
    "a hook below its head": lambda model, layer: whole_model(model).model.register_forward_hook(lambda *_: None),
    "a hook on the stack": lambda model, layer: text_of(model).register_forward_pre_hook(lambda *_: None),
    "a hook for gradients": lambda model, layer: layer.mlp.register_full_backward_hook(lambda *_: None),
    "another forward of the model": lambda model, layer: setattr(whole_model(model), "forward", lambda **_: None),
    "autocast": lambda model, layer: under_autocast(whole_model(model)),
    "autocast on TRL's head": lambda model, layer: (
        add_fused_lm_head(whole_model(model)), ALTERATIONS["autocast"](model, layer)
    ),
    "autocast below TRL's head": lambda model, layer: (
        ALTERATIONS["autocast"](model, layer), add_fused_lm_head(whole_model(model))
    ),
    "attention dropout": lambda model, layer: setattr(layer.self_attn.train(), "attention_dropout", 0.1),
    "a replica": lambda model, layer: setattr(layer, "mlp", layer.mlp._replicate_for_data_parallel()),
    "the last norm": lambda model, layer: setattr(text_of(model), "norm", Halved(text_of(model).norm)),
    "a norm": lambda model, layer: setattr(layer, "input_layernorm", Halved(layer.input_layernorm)),
}  # fmt: skip


class Halved(torch.nn.Module):
    """A norm of one's own, which has what a released one has and gives half of it."""

    def __init__(self, norm):
        super().__init__()
        self.weight, self.variance_epsilon, self.norm = norm.weight, norm.variance_epsilon, [norm]

    def forward(self, x):
        return self.norm[0](x) / 2


def under_autocast(whole):
    """As a trainer prepares it; Accelerate knows one precision a process, which other tests have chosen too."""
    AcceleratorState._reset_state(reset_partial_state=True)
    try:
        return Accelerator(cpu=True, mixed_precision="bf16").prepare_model(whole)
    finally:
        AcceleratorState._reset_state(reset_partial_state=True)


def text_of(model):
    return whole_model(model).model.language_model


@pytest.mark.parametrize("what", ALTERATIONS)
def test_what_is_altered_is_left_to_the_model(tiny_models, what, caplog):
    model = policy(tiny_models, "qwen2_5_vl", packed=False, adapters=1)
    assert decode_stack(whole_model(model)) is not None
    ALTERATIONS[what](model, whole_model(model).model.language_model.layers[0])
    (said,) = said_by(model, caplog)
    reasons = "merged|hooks|autocast|attention dropout|forward pass of one's own|not as transformers releases it"
    assert re.search(reasons, said)


def test_a_class_of_ones_own_is_left_to_itself(tiny_models, caplog):
    model = policy(tiny_models, "qwen2_5_vl", packed=False, adapters=0)
    model.__class__ = type("MyPolicy", (type(model),), {})
    (said,) = said_by(model, caplog)
    assert "MyPolicy is not a class of transformers" in said


@pytest.mark.parametrize("rope", ["dynamic", "longrope", "yarn"])
def test_positions_that_depend_on_the_length_are_left_to_the_model(tiny_models, rope):
    config = AutoConfig.from_pretrained(tiny_models[0]["qwen2_5_vl"])
    config.text_config.rope_parameters = {
        **config.text_config.rope_parameters, "rope_type": rope, "factor": 2.0,
        "original_max_position_embeddings": 64, "short_factor": [1.0] * 8, "long_factor": [2.0] * 8,
    }  # fmt: skip
    model = AutoModelForImageTextToText.from_config(config).eval()
    assert (decode_stack(model) is None) == (unshareable_reason(model) is not None) == (rope != "yarn")


def test_norms_of_heads_of_a_class_of_ones_own_are_left_to_the_model(tiny_models):
    model = policy(tiny_models, "qwen3_vl", packed=False, adapters=0)
    attention = text_of(model).layers[1].self_attn
    attention.q_norm = Halved(attention.q_norm)
    assert decode_stack(whole_model(model)) is None


def test_the_fused_head_of_trl_changes_nothing(tiny_models):
    model = policy(tiny_models, "qwen2_5_vl", packed=False, adapters=1)
    for _ in range(2):  # a model that was trained twice has two
        add_fused_lm_head(whole_model(model))
    assert decode_stack(whole_model(model)) is not None


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"lora_dropout": 0.1}, "has LoRA dropout in train mode"),
        ({"use_dora": True}, "has adapters of the kind DoraLinearVariant, expected plain LoRA"),
        ({"lora_bias": True}, r"has adapters with a bias \(lora_bias\)"),
    ],
    ids=lambda value: str(*value) if isinstance(value, dict) else "",
)
def test_adapters_that_are_not_plain_are_left_to_the_model(tiny_models, options, reason, caplog):
    model = AutoModelForImageTextToText.from_pretrained(tiny_models[0]["qwen2_5_vl"])
    model = get_peft_model(model, LoraConfig(r=4, target_modules=LORA_TARGETS, **options)).train()
    (said,) = said_by(model, caplog)
    assert re.match(rf"generation is slower than it could be: .* because layers.0.self_attn.q_proj {reason}$", said)
    if "lora_dropout" in options:  # which does nothing in eval mode
        assert unstackable_reason(whole_model(model.eval())) is None
        assert decode_stack(whole_model(model)) is not None


@pytest.mark.parametrize("packed", [True, False])
def test_adapters_derived_from_those_of_lora_are_left_to_themselves(tiny_models, packed, caplog):
    """AdaLoRA's layers are `LoraLayer`s too, with a singular value decomposition in place of two products."""
    model = whole_model(policy(tiny_models, "qwen2_5_vl", packed=packed, adapters=0))
    config = AdaLoraConfig(target_modules=LORA_TARGETS, total_step=10, init_lora_weights=False)
    model = get_peft_model(model, config).eval()
    ids = torch.arange(20, 60).view(2, 20)
    with torch.no_grad():
        expected = model(input_ids=ids).logits
        with dense_weights(model), model.disable_adapter():
            base = model(input_ids=ids).logits
        with dense_weights(model):
            found = model(input_ids=ids).logits
    assert torch.allclose(found, expected, atol=1e-5) and not torch.allclose(found, base, atol=0.1)
    (said,) = said_by(model, caplog)
    assert re.search(r"q_proj has adapters of the kind peft\.tuners\.adalora\.\S+, expected plain LoRA", said)


def test_adapters_in_modules_of_another_class_are_left_to_themselves(tiny_models):
    """FSDP puts a module of its own around each, whose weight is there only while it is called."""

    class Shard(torch.nn.Linear):
        pass

    model = policy(tiny_models, "qwen2_5_vl", packed=False, adapters=1)
    layer = text_of(model).layers[0].mlp.up_proj
    layer.lora_A["default"].__class__ = Shard
    reason = "layers.0.mlp.up_proj has adapters in modules of another class than Linear"
    assert unstackable_reason(whole_model(model)) == reason
    with dense_weights(model):
        assert "forward" not in layer.__dict__


def test_weights_that_bitsandbytes_has_packed_are_left_to_it(tiny_models):
    """Packed bytes are in another order: dequantised as plain ones they are another weight."""
    from bitsandbytes.functional import _convert_weight_packed_for_cpu

    model = policy(tiny_models, "qwen2_5_vl", packed=True, adapters=1)
    mlp = whole_model(model).model.language_model.layers[0].mlp
    down, gate = mlp.down_proj.base_layer, mlp.gate_proj.base_layer
    down.weight.data, down.weight.quant_state = _convert_weight_packed_for_cpu(
        down.weight.data, down.weight.quant_state
    )
    assert decode_stack(whole_model(model)) is None
    with dense_weights(model):
        assert copy_of(down) is None and copy_of(gate) is not None


def test_an_untested_release_is_left_to_the_model(tiny_models, monkeypatch, caplog):
    model = policy(tiny_models, "qwen2_5_vl", packed=False, adapters=0)
    packed = policy(tiny_models, "qwen2_5_vl", packed=True, adapters=1)
    layer = text_of(packed).layers[0].mlp.up_proj
    monkeypatch.setitem(TESTED, "peft", "0.20")
    (said,) = said_by(model, caplog)
    assert re.search(r"because this is peft \S+, tested with 0\.20", said)
    with dense_weights(packed):
        assert copy_of(layer.base_layer) is None and "forward" not in layer.__dict__


@pytest.mark.parametrize("compute", [torch.bfloat16, torch.float32])
def test_types_may_be_mixed(tiny_models, monkeypatch, compute):
    """Activations and computing in types of their own, as peft leaves a 4-bit model that it prepared for training."""
    model = policy(tiny_models, "qwen2_5_vl", packed=True, adapters=1, compute=compute)
    for name, weight in model.named_parameters():
        if "norm" in name:
            weight.data = weight.data.float()
    expected, _ = logits_along(model, tiny_models[1], monkeypatch, stack=False)
    found, _ = logits_along(model, tiny_models[1], monkeypatch, stack=True)
    bound = 2e-5 if compute == torch.float32 else 2e-2
    assert torch.allclose(found[0], expected[0], atol=bound * float(expected[0].abs().max()))


def test_scores_that_are_not_numbers_are_told():
    for bad in (torch.nan, torch.inf, -torch.inf):
        with pytest.raises(RuntimeError, match="nan or inf"):
            decode_loop.draw(torch.full((2, 5), bad), torch.rand(2))
        with pytest.raises(RuntimeError, match="nan or inf"):
            decode_loop.likeliest(torch.full((2, 5), bad))


def test_greedy_answers_of_a_damaged_policy_are_an_error_not_zero_percent(tiny_profile):
    model, processor = load_policy(tiny_profile)
    next(weight for name, weight in model.named_parameters() if "lora_B" in name).data.fill_(torch.nan)
    with pytest.raises(RuntimeError, match="nan or inf"):
        evaluate(model, processor, make_scenes(2), max_new_tokens=2)


@pytest.mark.parametrize("exact_draws", [False, True])
@pytest.mark.parametrize("samples", [1, 2])
@pytest.mark.parametrize("bad", [torch.nan, torch.inf, -torch.inf])
def test_an_overflow_of_a_few_words_is_told(tiny_profile, monkeypatch, bad, samples, exact_draws):
    """In float16 some products of the last layer may be infinite alone: at -inf a word would never be drawn again."""
    model, processor = load_policy(tiny_profile)
    head = model.get_output_embeddings()
    forward = head.forward
    monkeypatch.setattr(head, "forward", lambda states: forward(states).index_fill(-1, torch.tensor([7, 9]), bad))
    with pytest.raises(RuntimeError, match="scores with nan or inf.*profile.replace"):
        evaluate(model, processor, make_scenes(2), max_new_tokens=2, samples=samples, exact_draws=exact_draws)


@pytest.mark.parametrize("samples", [1, 2])
def test_where_generate_samples_it_is_the_same_error(tiny_profile, monkeypatch, samples):
    model, processor = load_policy(tiny_profile)
    monkeypatch.setattr("vlaa_helpers.policy.prefix_cache.unshareable_reason", lambda model: "something")
    assert evaluate(model, processor, make_scenes(2), max_new_tokens=2, samples=samples).rows
    next(weight for name, weight in model.named_parameters() if "lora_B" in name).data.fill_(torch.nan)
    with pytest.raises(RuntimeError, match="scores with nan or inf.*profile.replace"):
        evaluate(model, processor, make_scenes(2), max_new_tokens=2, samples=samples)


@pytest.mark.parametrize("options", [{}, {"exact_draws": True}, {"shared_prefix": False}], ids=["", "exact", "TRL"])
def test_training_tells_it_too(tiny_profile, tmp_path, options):
    model, processor = load_policy(tiny_profile)
    next(weight for name, weight in model.named_parameters() if "lora_B" in name).data.fill_(torch.nan)
    zeros = lambda completions, **_: [0.0] * len(completions)  # noqa: E731
    settings = {"max_steps": 1, "output_dir": str(tmp_path), "save_strategy": "no"} | options
    with pytest.raises(RuntimeError, match="scores with nan or inf.*profile.replace"):
        train_grpo(model, processor, make_scenes(8), tiny_profile, reward_funcs=zeros, **settings)


def test_joined_layers_are_those_layers(tiny_models):
    model = policy(tiny_models, "qwen2_vl", packed=True, adapters=2)
    attention = whole_model(model).model.language_model.layers[0].self_attn
    layers = [attention.q_proj, attention.k_proj, attention.v_proj]
    x = torch.randn(5, 32, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(Joined(layers)(x), torch.cat([layer(x) for layer in layers], dim=1), atol=1e-5)


@pytest.mark.parametrize(("compute", "small"), [(torch.bfloat16, True), (torch.float32, True), (torch.float32, False)])
def test_adapters_are_added_to_small_float32_weights_alone(tiny_models, monkeypatch, compute, small):
    """16 bits would round them; and the weights that the model trains with are not touched."""
    monkeypatch.setattr("vlaa_helpers.policy.decode_stack.SMALL", 2**20 if small else 8)
    added = small and compute == torch.float32
    model = policy(tiny_models, "qwen2_5_vl", packed=True, adapters=1, compute=compute)
    layer = whole_model(model).model.language_model.layers[0].self_attn.o_proj
    with dense_weights(model):
        before = dense_weight(base_of(layer)).clone()
        joined = Joined([layer])
        assert (joined.down is None) == added
        assert torch.equal(dense_weight(base_of(layer)), before)
        assert torch.equal(joined.weight, before) != added


@pytest.mark.parametrize(("packed", "adapters"), [(True, 0), (True, 1), (True, 2), (False, 1), (False, 2)])
def test_dense_weights_give_what_the_layers_give(tiny_models, packed, adapters):
    """Forward and backward; to the bit here, where bitsandbytes multiplies with the dequantised weight itself."""
    model = policy(tiny_models, "qwen2_5_vl", packed=packed, adapters=adapters)
    ids = torch.arange(20, 60).view(2, 20)
    results = []
    for dense in (False, True):
        model.zero_grad()
        with dense_weights(model) if dense else torch.enable_grad():
            assert ("forward" in text_of(model).layers[0].mlp.up_proj.__dict__) == dense  # also where nothing is packed
            logits = model(input_ids=ids).logits
            logits.log_softmax(-1)[..., 7].sum().backward()
        grads = {name: weight.grad.clone() for name, weight in model.named_parameters() if weight.grad is not None}
        results.append((logits.detach(), grads))
    (expected, grads), (found, mine) = results
    assert torch.allclose(found, expected, atol=1e-5) and grads.keys() == mine.keys()
    for name, grad in grads.items():
        assert torch.allclose(mine[name], grad, atol=1e-5 * float(grad.abs().max())), name
    layers = [whole_model(model).model.language_model.layers[0].get_submodule(name) for name in LINEARS]
    assert all("forward" not in part.__dict__ for layer in layers for part in layer.modules())  # given back
    assert dense_weight(base_of(layers[0])).shape == (32, 32)


def test_dense_weights_are_left_where_memory_is_short(tiny_models, monkeypatch, caplog):
    from types import SimpleNamespace

    import psutil

    model = policy(tiny_models, "qwen2_5_vl", packed=True, adapters=1)
    layer = whole_model(model).model.language_model.layers[0].mlp.up_proj.base_layer
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=100))
    with dense_weights(model):
        assert "forward" not in layer.__dict__
    (said,) = said_by(model, caplog)
    assert said.endswith("because memory is short; expected 4 times the size of its weights to be free")
    monkeypatch.undo()
    for packed in (True, False):  # the stack of a model in full precision copies weights too
        monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=100))
        assert decode_stack(whole_model(policy(tiny_models, "qwen2_vl", packed=packed, adapters=0))) is None
        monkeypatch.undo()
    with dense_weights(model), dense_weights(model):
        assert "forward" in layer.__dict__
    assert "forward" not in layer.__dict__


def test_what_fails_on_entering_leaves_nothing_behind(tiny_models, monkeypatch):
    model = policy(tiny_models, "qwen2_5_vl", packed=True, adapters=1)
    made = []

    def failing(layer):
        made.append(layer)
        if len(made) == 4:
            raise MemoryError("full")
        return dense_weight(layer)

    monkeypatch.setattr("vlaa_helpers.policy.dense_weights.dense_weight", failing)
    with pytest.raises(MemoryError), dense_weights(model):
        pass
    assert all("forward" not in layer.__dict__ for layer in whole_model(model).model.language_model.modules())


def test_a_weight_that_is_written_to_inside_is_computed_with(tiny_models):
    model = policy(tiny_models, "qwen2_5_vl", packed=True, adapters=1)
    layer = whole_model(model).model.language_model.layers[0].mlp.up_proj.base_layer
    for change in (lambda: layer.weight.zero_(), lambda: setattr(layer.weight, "data", layer.weight.data.clone())):
        with torch.no_grad(), dense_weights(model):
            assert copy_of(layer) is not None
            change()
            x = torch.randn(3, 32)
            assert torch.equal(layer(x), type(layer).forward(layer, x)) and copy_of(layer) is None


@pytest.mark.parametrize("packed", [True, False])
def test_replicas_are_left_as_they_are(tiny_models, packed):
    model = policy(tiny_models, "qwen2_5_vl", packed=packed, adapters=1)
    with dense_weights(torch.nn.DataParallel(model)):
        assert all("forward" not in part.__dict__ for part in text_of(model).layers[0].mlp.up_proj.modules())


def test_a_weight_that_is_replaced_inside_is_computed_with(tiny_models):
    model = policy(tiny_models, "qwen2_5_vl", packed=True, adapters=1)
    ids = torch.arange(20, 40).view(1, 20)
    with torch.no_grad(), dense_weights(model):
        model.merge_adapter()
        inside = model(input_ids=ids).logits
    with torch.no_grad():
        assert torch.allclose(inside, model(input_ids=ids).logits, atol=1e-4)
