"""What adapters add to weights: products of their halves, coordinates of them dropped, put on a model and off again."""

import json

import pytest
import torch
from peft import LoraConfig, get_peft_model

from vlaa_helpers import apply_updates, drop_updates, load_policy, make_scenes, save_policy
from vlaa_helpers.policy import adapter_updates
from vlaa_helpers.policy.adapters import _inputs, _logits

RECORDS = make_scenes(2, split="test")


def small(seed, **settings):
    """Two linear layers with an adapter that does something: of ranks, sizes and a scale that differ."""
    torch.manual_seed(0)
    layers = torch.nn.Sequential(torch.nn.Linear(6, 5), torch.nn.Linear(5, 4))
    model = get_peft_model(layers, LoraConfig(r=2, lora_alpha=3, target_modules=["0", "1"], **settings))
    torch.manual_seed(seed)
    for name, parameter in model.named_parameters():
        if "lora_" in name:
            torch.nn.init.normal_(parameter)
    return model


@pytest.mark.parametrize(("settings", "scale"), [({}, 3 / 2), ({"use_rslora": True}, 3 / 2**0.5)])
def test_an_update_is_the_product_of_the_halves_times_their_scale(settings, scale, tmp_path):
    model = small(1, **settings)
    model.save_pretrained(tmp_path)
    for source in (model, tmp_path):
        found = dict(adapter_updates(source))
        assert list(found) == ["0", "1"]
        for name, update in found.items():
            layer = model.base_model.model[int(name)]
            up, down = layer.lora_B["default"].weight, layer.lora_A["default"].weight
            torch.testing.assert_close(update, scale * (up @ down).detach())
            torch.testing.assert_close(update, layer.get_delta_weight("default").detach())  # peft's own


def test_what_was_added_since_a_start():
    first, then = small(1), small(2)
    since = dict(adapter_updates(then, start=first))
    before, after = dict(adapter_updates(first)), dict(adapter_updates(then))
    for name, update in since.items():
        torch.testing.assert_close(update, after[name] - before[name])
    assert all(not update.any() for _, update in adapter_updates(first, start=first))


@pytest.mark.parametrize("share", [0, 0.1, 0.5, 0.9, 1])
def test_the_smallest_coordinates_of_each_layer_are_dropped(share):
    model = small(1)
    whole = dict(adapter_updates(model))
    for name, update in drop_updates(model, share).items():
        dropped = update == 0
        assert int(dropped.sum()) == round(share * update.numel())
        assert torch.equal(update[~dropped], whole[name][~dropped])
        if 0 < share < 1:
            assert whole[name][dropped].abs().max() <= whole[name][~dropped].abs().min()


def test_random_coordinates_are_dropped_whatever_their_size():
    model = small(1)
    whole = dict(adapter_updates(model))
    one, again, other = (drop_updates(model, 0.5, which="random", seed=seed) for seed in (0, 0, 1))
    for name, update in one.items():
        dropped = update == 0
        assert int(dropped.sum()) == round(0.5 * update.numel())
        assert torch.equal(update, again[name]) and not torch.equal(update, other[name])
        assert torch.equal(update[~dropped], whole[name][~dropped])  # not scaled up
        assert whole[name][dropped].abs().max() > whole[name][~dropped].abs().min()


def test_what_the_start_added_stays_whole():
    first, then = small(1), small(2)
    started = dict(adapter_updates(first))
    for name, update in drop_updates(then, 1, start=first).items():
        torch.testing.assert_close(update, started[name])
    since = dict(adapter_updates(then, start=first))
    for name, update in drop_updates(then, 0.4, start=first).items():
        left = update - started[name]
        kept = since[name].abs() > since[name].abs().flatten().sort().values[round(0.4 * left.numel()) - 1]
        torch.testing.assert_close(left, since[name] * kept)


def test_the_whole_update_on_the_weights_is_the_adapter(tiny_profile, tmp_path):
    profile = tiny_profile.replace(load_in_4bit=False)
    model, processor = load_policy(profile)
    inputs = _inputs(model, processor, RECORDS)
    bare = _logits(model, inputs)
    torch.manual_seed(0)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.1)
    adapted = _logits(model, inputs)
    folder = save_policy(model, processor, tmp_path / "adapter")
    model, _ = load_policy(profile)
    weights = {name: weight.clone() for name, weight in model.state_dict().items()}
    far = (adapted - bare).abs().max()
    for share, least, most in [(0, 0, 1e-4), (0.5, 1e-3, 1), (1, 1, 1)]:
        with apply_updates(model, drop_updates(folder, share)):
            gap = (_logits(model, inputs) - adapted).abs().max() / far
        assert least <= gap <= most
    assert all(torch.equal(weight, weights[name]) for name, weight in model.state_dict().items())


def test_weights_are_put_back_after_an_error(tiny_profile):
    model, _ = load_policy(tiny_profile.replace(load_in_4bit=False))
    name = next(name for name, _ in adapter_updates(model))
    weight = model.get_parameter(f"base_model.model.{name}.base_layer.weight")
    before = weight.clone()
    with pytest.raises(KeyboardInterrupt), apply_updates(model, {name: torch.ones_like(weight)}):
        assert not torch.equal(weight, before)
        raise KeyboardInterrupt
    assert torch.equal(weight, before)


def test_what_cannot_be_is_refused(tiny_profile, tmp_path):
    model = small(1)
    with pytest.raises(ValueError, match="share is 0 to 1 of a layer's coordinates, got 1.5"):
        drop_updates(model, 1.5)
    with pytest.raises(ValueError, match='which=\'largest\': expected "smallest" or "random"'):
        drop_updates(model, 0.5, which="largest")
    with pytest.raises(FileNotFoundError, match="no adapter in .*; expected adapter_config.json there"):
        drop_updates(tmp_path, 0.5)
    (tmp_path / "adapter_config.json").write_text("{}")
    with pytest.raises(FileNotFoundError, match="no weights in .*; expected adapter_model.safetensors or"):
        drop_updates(tmp_path, 0.5)
    with pytest.raises(ValueError, match="the adapter has use_dora.*expected plain LoRA"):
        drop_updates(small(1, use_dora=True), 0.5)
    with pytest.raises(ValueError, match="the adapter has rank_pattern; expected plain LoRA"):
        drop_updates(small(1, rank_pattern={"0": 1}), 0.5)
    torch.manual_seed(0)
    fewer = get_peft_model(torch.nn.Sequential(torch.nn.Linear(6, 5)), LoraConfig(r=2, target_modules=["0"]))
    with pytest.raises(ValueError, match="only one of the two adapters is on 1; expected adapters on the same layers"):
        drop_updates(model, 0.5, start=fewer)
    policy, _ = load_policy(tiny_profile)
    with pytest.raises(ValueError, match="is stored in 4 bits, .*load_policy\\(profile.replace\\(load_in_4bit=False"):
        with apply_updates(policy, dict(adapter_updates(policy))):
            pass
    for half in ("float16", "bfloat16"):
        policy, _ = load_policy(tiny_profile.replace(load_in_4bit=False))
        with pytest.raises(ValueError, match=rf"is stored in {half}, .*load_in_4bit=False, dtype='float32'"):
            with apply_updates(policy.to(getattr(torch, half)), dict(adapter_updates(policy))):
                pass
    policy, _ = load_policy(tiny_profile.replace(load_in_4bit=False))
    name, update = next(adapter_updates(policy))
    with pytest.raises(ValueError, match="the model has no adapted layer 0; load the adapter's own base"):
        with apply_updates(policy, drop_updates(model, 0.5)):
            pass
    with pytest.raises(ValueError, match=r"has a weight of shape \(.*\), its update one of \(1,"):
        with apply_updates(policy, {name: update[:1]}):
            pass


def test_a_policy_with_a_reference_gives_its_own_adapter(tmp_path):
    """TRL keeps a copy, "ref", of the policy that GRPO began with."""
    model = small(1)
    expected = dict(adapter_updates(model))
    model.add_adapter("ref", LoraConfig(r=2, lora_alpha=3, target_modules=["0", "1"]))
    found = dict(adapter_updates(model))
    assert found.keys() == expected.keys() and all(torch.equal(found[name], expected[name]) for name in found)
    model.save_pretrained(tmp_path, selected_adapters=["default"])
    assert json.loads((tmp_path / "adapter_config.json").read_text())["lora_alpha"] == 3
