"""Loading a policy: what is in 4 bits, what trains, and that an evaluation does not spoil the training after it."""

import gc
import importlib.machinery
import importlib.metadata
import importlib.util
import types
import weakref

import pytest
import torch
from bitsandbytes.nn import Linear4bit
from peft import import_utils
from safetensors.torch import load_file, save_file

from vlaa_helpers import evaluate, load_policy, make_scenes, parameter_table
from vlaa_helpers.dev.mini_vlm.lessons import CAPTION_PROMPT, Lesson, user
from vlaa_helpers.dev.mini_vlm.train import collate
from vlaa_helpers.mini_world.scenes import draw_scene
from vlaa_helpers.policy import free_memory
from vlaa_helpers.policy import loading as models


@pytest.fixture
def policy(tiny_profile):
    return load_policy(tiny_profile)


@pytest.fixture
def batch(policy):
    facts = {"time": "day", "objects": [{"colour": "red", "shape": "circle", "place": "top left"}]}
    lesson = Lesson("caption", [user(CAPTION_PROMPT, with_image=True)], "It is day.", draw_scene("stories", facts))
    return collate([lesson], policy[1])


def test_language_stack_in_4_bits_vision_tower_exact(policy):
    kinds = {name: type(module) for name, module in policy[0].named_modules() if "base_layer" in name}
    assert kinds and set(kinds.values()) == {Linear4bit}
    assert all("language_model" in name for name in kinds)
    vision = [m for n, m in policy[0].named_modules() if ".visual." in n and isinstance(m, torch.nn.Linear)]
    assert vision and not any(isinstance(module, Linear4bit) for module in vision)


def test_only_language_adapters_train(policy):
    trainable = [name for name, parameter in policy[0].named_parameters() if parameter.requires_grad]
    assert trainable and all("lora_" in name and "language_model" in name for name in trainable)
    # seven linear layers a decoder layer, two adapter matrices each
    assert len(trainable) == 3 * 7 * 2


def test_table_adds_up_and_counts_true_parameters(policy, tiny_profile):
    table = parameter_table(policy[0])
    plain, _ = load_policy(tiny_profile.replace(load_in_4bit=False))
    assert table["parameters"].sum() == sum(p.numel() for p in plain.parameters())
    assert table.loc["language", "trainable"] == sum(p.numel() for p in policy[0].parameters() if p.requires_grad)
    assert (table.drop("language")["trainable"] == 0).all()
    assert "nf4" in table.loc["language", "stored_as"] and "nf4" not in table.loc["vision", "stored_as"]
    assert table.loc["language", "mebibytes"] < parameter_table(plain).loc["language", "mebibytes"]


def test_the_memory_of_4_bit_weights_counts_their_scales(policy):
    language = [(n, p) for n, p in policy[0].named_parameters() if "language" in n and "embed_tokens" not in n]
    blocks = [-(-p.quant_state.shape.numel() // 64) for _, p in language if hasattr(p, "quant_state")]
    scales = sum(n + 4 * -(-n // 256) for n in blocks)  # a byte a block of 64 weights, four a block of 256 scales
    assert blocks and parameter_table(policy[0]).loc["language", "mebibytes"] * 2**20 == pytest.approx(
        sum(p.numel() * p.element_size() for _, p in language) + scales
    )


def gradients(model, batch):
    model.train()
    model.zero_grad()
    model(**batch).loss.backward()
    return {name: p.grad.clone() for name, p in model.named_parameters() if p.requires_grad}


def test_training_after_an_evaluation_is_training_without_one(policy, batch):
    model, processor = policy
    for name, parameter in model.named_parameters():  # the zero half too, so that every adapter gets a gradient
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.02)
    before = gradients(model, batch)
    evaluate(model, processor, make_scenes(2, split="test"), max_new_tokens=4)
    with torch.no_grad():
        model.eval()
        model(**batch)
    after = gradients(model, batch)
    assert all(gradient.abs().sum() > 0 for gradient in before.values())
    for name, gradient in before.items():
        torch.testing.assert_close(after[name], gradient, msg=name)


def test_adapter_goes_on_where_it_was_saved(policy, tiny_profile, batch, tmp_path):
    model, _ = policy
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.1)
    model.save_pretrained(tmp_path)
    again, _ = load_policy(tiny_profile, adapter=tmp_path)
    fresh, _ = load_policy(tiny_profile)
    with torch.no_grad():
        logits = [m.eval()(**batch).logits for m in (model, again, fresh)]
    torch.testing.assert_close(logits[1], logits[0])
    assert not torch.allclose(logits[2], logits[0], atol=1e-3)
    assert any(parameter.requires_grad for parameter in again.parameters())
    frozen, _ = load_policy(tiny_profile, adapter=tmp_path, trainable=False)
    assert not any(parameter.requires_grad for parameter in frozen.parameters())


def test_same_seed_same_adapter(tiny_profile):
    first, again, other = (load_policy(tiny_profile, seed=seed)[0] for seed in (1, 1, 2))
    name = next(n for n, _ in first.named_parameters() if "lora_A" in n)
    assert torch.equal(first.get_parameter(name), again.get_parameter(name))
    assert not torch.equal(first.get_parameter(name), other.get_parameter(name))


def test_what_was_deleted_makes_room(tiny_profile):
    """A trainer and its model refer to each other: nobody reaches them after `del`, and they are still there."""
    gc.collect()
    gc.disable()
    try:
        model, _ = load_policy(tiny_profile)
        model.trainer = types.SimpleNamespace(model=model)
        left = weakref.ref(model)
        del model
        assert left() is not None
        free_memory.collect_dropped()
        assert left() is None
    finally:
        gc.enable()


def test_room_is_made_on_a_gpu_before_anything_is_loaded(tiny_profile, monkeypatch):
    class Collected(Exception):
        pass

    def collect():
        raise Collected

    monkeypatch.setattr(free_memory, "collect_dropped", collect)
    with pytest.raises(Collected):
        load_policy(tiny_profile.replace(device="cuda"))
    load_policy(tiny_profile)


@pytest.fixture
def old_torchao(monkeypatch):
    """Pretend that torchao 0.10.0 is here, as on Colab."""
    find_spec, version = importlib.util.find_spec, importlib.metadata.version
    spec = importlib.machinery.ModuleSpec("torchao", None)
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *a: spec if name == "torchao" else find_spec(name, *a)
    )
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "0.10.0" if name == "torchao" else version(name))
    import_utils.is_torchao_available.cache_clear()
    yield
    import_utils.is_torchao_available.cache_clear()


def test_an_old_torchao_is_an_error_with_the_command_before_anything_is_loaded(old_torchao, tiny_profile, monkeypatch):
    """peft refuses it only once the base is loaded, and says no command."""
    load_policy(tiny_profile)  # in 4 bits peft does not ask
    monkeypatch.setattr(models, "_load_base", lambda profile: pytest.fail("loaded the base"))
    with pytest.raises(ImportError) as error:
        load_policy(tiny_profile.replace(load_in_4bit=False))
    assert "Found version 0.10.0" in str(error.value) and "pip install --upgrade torchao" in str(error.value)


def test_missing_files_say_what_to_do(tiny_profile, tmp_path):
    with pytest.raises(FileNotFoundError, match="mini_vlm.train train"):
        load_policy(tiny_profile.replace(model=str(tmp_path)))
    with pytest.raises(FileNotFoundError, match=r"adapter_config\.json"):
        load_policy(tiny_profile, adapter=tmp_path)


@pytest.mark.parametrize("words", ["is nothing in the file", "expected nothing"])
def test_an_adapter_with_a_weight_too_few_or_too_many_is_an_error(policy, tiny_profile, tmp_path, words):
    """peft warns of the first and is silent about the second, where widths are the same and only the depth differs."""
    policy[0].save_pretrained(tmp_path)
    weights = load_file(tmp_path / "adapter_model.safetensors")
    last = {name: weights[name] for name in weights if "layers.2" in name}
    if words == "expected nothing":
        weights |= {name.replace("layers.2", "layers.3"): weight.clone() for name, weight in last.items()}
    else:
        weights = {name: weight for name, weight in weights.items() if name not in last}
    save_file(weights, tmp_path / "adapter_model.safetensors")
    with pytest.raises(ValueError, match=f"does not fit .* {words}"):
        load_policy(tiny_profile, adapter=tmp_path)


def test_4_bit_rounding_error_is_that_of_nf4_and_odd_widths_are_refused():
    torch.manual_seed(0)

    def error(width):
        weight = torch.randn(64, width)
        layer = Linear4bit(width, 64, bias=False, quant_type="nf4", compute_dtype=torch.float32)
        layer.weight = type(layer.weight)(weight.clone(), requires_grad=False, quant_type="nf4", module=layer)
        layer = layer.to("cpu")
        return layer, float((layer(torch.eye(width)).T - weight).norm() / weight.norm())

    layer, wide = error(128)
    assert wide < 0.12
    models.check_nf4_widths(layer)
    odd, _ = error(96)
    with pytest.raises(ValueError, match="96 inputs; expected a multiple of 64"):
        models.check_nf4_widths(torch.nn.ModuleDict({"up": odd}))


def test_image_tokens_are_known(policy):
    tokenizer = policy[1].tokenizer
    names = {tokenizer.convert_ids_to_tokens(token) for token in models.image_token_ids(policy[1])}
    assert names == {"<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"}


@pytest.mark.parametrize(
    ("name", "tower"),
    [
        ("base_model.model.model.visual.blocks.0.attn.qkv.weight", "vision"),
        ("model.visual.merger.mlp.0.weight", "projector"),
        ("model.language_model.embed_tokens.weight", "embeddings"),
        ("model.language_model.layers.0.mlp.up_proj.weight", "language"),
        ("lm_head.weight", "head"),
    ],
)
def test_towers(name, tower):
    assert models.tower_of(name) == tower
