"""Adapters saved, gone on with and merged: the same logits on every side, and an error where they cannot be."""

import json
import os
import shutil

import pytest
import torch
from peft import LoraConfig, get_peft_model
from peft.tuners.lora import layer as lora_layer
from peft.utils.integrations import dequantize_bnb_weight
from safetensors.torch import load_file
from transformers import AutoModelForImageTextToText, AutoProcessor

from vlaa_helpers import find_adapter, load_policy, make_scenes, merge_adapter, save_policy, train_grpo, train_sft
from vlaa_helpers.dev.mini_vlm import train as mini_vlm
from vlaa_helpers.policy import adapters
from vlaa_helpers.policy.adapters import _gap, _inputs, _logits
from vlaa_helpers.policy.vision_tower import guard_tower

RECORDS = make_scenes(2, split="test")


def fill(model, std=0.1):
    """Give the zero half of fresh adapters random values, as training would."""
    torch.manual_seed(0)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=std)


@pytest.fixture(scope="module")
def saved(tiny_profile, tmp_path_factory):
    """A folder with an adapter that does something."""
    model, processor = load_policy(tiny_profile)
    fill(model)
    return save_policy(model, processor, tmp_path_factory.mktemp("adapter"))


def logits_of(policy):
    model, processor = policy
    return _logits(model, _inputs(model, processor, RECORDS))


# ---- saving ----


def test_a_saved_folder_holds_adapter_processor_and_the_base_s_name(saved, tiny_profile):
    assert json.loads((saved / "adapter_config.json").read_text())["base_model_name_or_path"] == tiny_profile.model
    assert not (saved / "config.json").exists() and not (saved / "model.safetensors").exists()
    processor = AutoProcessor.from_pretrained(saved)
    assert processor.tokenizer.padding_side == "left"
    assert processor.image_processor.size["longest_edge"] == tiny_profile.max_pixels


def test_what_is_no_adapter_is_not_saved(saved, tiny_profile, tmp_path):
    plain = AutoModelForImageTextToText.from_pretrained(tiny_profile.model)
    with pytest.raises(ValueError, match="Qwen2_5_VLForConditionalGeneration has no adapters"):
        save_policy(plain, AutoProcessor.from_pretrained(tiny_profile.model), tmp_path)
    with pytest.raises(ValueError, match="holds a whole model; .* a folder of its own"):
        save_policy(*load_policy(tiny_profile, adapter=saved), tiny_profile.model)


def test_modules_that_train_whole_are_saved_with_the_adapter(tiny_profile, tmp_path):
    plain = AutoModelForImageTextToText.from_pretrained(tiny_profile.model)
    model = get_peft_model(plain, LoraConfig(target_modules=["q_proj"], modules_to_save=["lm_head"]))
    folder = save_policy(model, AutoProcessor.from_pretrained(tiny_profile.model), tmp_path)
    assert any("lm_head" in name for name in load_file(folder / "adapter_model.safetensors"))


# ---- going on ----


def test_grpo_goes_on_with_the_adapter_that_sft_left(tiny_profile, with_traces, tmp_path):
    model, processor = load_policy(tiny_profile)
    sft = train_sft(
        model, processor, with_traces(make_scenes(4)), tiny_profile, batch_size=2, max_steps=2, warmup_steps=0,
        output_dir=str(tmp_path / "sft"),
    )  # fmt: skip
    folder = save_policy(sft.model, processor, tmp_path / "adapter")
    model, processor = load_policy(tiny_profile, adapter=folder)
    assert torch.equal(logits_of((model, processor)), logits_of((sft.model, processor)))
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    grpo = train_grpo(
        model, processor, make_scenes(2), tiny_profile, max_steps=1, learning_rate=0.01, warmup_steps=0,
        reward_funcs=lambda completions, **_: [float(len(c[0]["content"]) % 2) for c in completions],
        output_dir=str(tmp_path / "grpo"),
    )  # fmt: skip
    assert grpo.model is model and list(model.peft_config) == ["default"] == model.active_adapters
    after = dict(model.named_parameters())
    assert after.keys() == before.keys()
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert moved and all(".lora_" in name and ".default." in name for name in moved)
    again = load_policy(tiny_profile, adapter=save_policy(model, processor, tmp_path / "adapter"))
    assert torch.equal(logits_of(again), logits_of((model, processor)))


# ---- merging ----


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_adapter_merged_and_reloaded_agree(saved, tiny_profile, tmp_path, dtype):
    profile = tiny_profile.replace(load_in_4bit=False)
    report = merge_adapter(saved, profile, tmp_path, dtype=dtype, records=RECORDS)
    adapter = logits_of(load_policy(profile.replace(dtype=dtype), adapter=saved, trainable=False))
    whole = AutoModelForImageTextToText.from_pretrained(tmp_path)
    assert {parameter.dtype for parameter in whole.parameters()} == {getattr(torch, dtype)}
    merged = logits_of((guard_tower(whole), AutoProcessor.from_pretrained(tmp_path)))
    assert report.adapter_vs_merged == _gap(adapter, merged)
    assert report.merged_vs_reloaded == adapters.LogitGap(0.0, 0.0, 1.0)
    assert report.merged_vs_4bit is None
    # what rounding took is far from what the adapter does
    assert report.adapter_vs_merged.mean < 0.1 * report.adapter_vs_base.mean
    if dtype == "float32":
        assert report.adapter_vs_merged.largest < 1e-5 and report.adapter_vs_merged.agree == 1
    policy = load_policy(profile.replace(model=str(tmp_path), dtype=dtype))  # fresh adapters on it change nothing
    assert torch.equal(logits_of(policy), merged)


def test_the_4_bit_base_is_another_model_and_the_report_says_so(saved, tiny_profile, tmp_path):
    report = merge_adapter(saved, tiny_profile, tmp_path, records=RECORDS)
    assert report.dtype == "float32"
    merged = AutoModelForImageTextToText.from_pretrained(tmp_path), AutoProcessor.from_pretrained(tmp_path)
    trained = load_policy(tiny_profile, adapter=saved, trainable=False)
    gap = report.merged_vs_4bit
    assert gap == _gap(logits_of(merged), logits_of(trained))
    assert report.adapter_vs_merged.mean < 1e-3 * gap.mean
    text = str(report)
    assert f"mean {gap.mean:.2g}" in text and "does not vanish" in text and len(text.splitlines()) == 5
    assert logits_of(load_policy(tiny_profile.replace(model=str(tmp_path)))).shape[0] == report.tokens  # in 4 bits too


def test_a_profile_in_float16_is_merged_into_bfloat16(saved, tiny_profile, tmp_path):
    """As `t4` is: whoever loads the whole model without `load_policy` gets a vision tower that does not overflow."""
    half = tiny_profile.replace(load_in_4bit=False, dtype="float16")
    report = merge_adapter(saved, half, tmp_path, records=RECORDS)
    assert report.dtype == "bfloat16" and "float16 weights" not in str(report)
    kinds = {weight.dtype for weight in load_file(tmp_path / "model.safetensors").values()}
    assert kinds == {torch.bfloat16}
    whole = AutoModelForImageTextToText.from_pretrained(tmp_path)
    assert {parameter.dtype for parameter in whole.parameters()} == {torch.bfloat16}
    policy, _ = load_policy(half.replace(model=str(tmp_path)))  # and the profile itself goes on from it
    assert {p.dtype for name, p in policy.named_parameters() if "visual" in name} == {torch.float32}


def test_float16_that_is_asked_for_says_what_it_does(saved, tiny_profile, tmp_path):
    report = merge_adapter(saved, tiny_profile.replace(load_in_4bit=False), tmp_path, dtype="float16", records=RECORDS)
    assert "float16 weights:      the vision tower of Qwen2.5-VL overflows" in str(report)
    assert 'merge with dtype="bfloat16"' in str(report)


def test_the_report_knows_both_names(saved, tiny_profile, tmp_path):
    """An adapter trained on another model of the same shape cannot be told by its weights, only by its note."""
    profile = tiny_profile.replace(model=str(tmp_path / "other"), load_in_4bit=False)
    AutoModelForImageTextToText.from_pretrained(tiny_profile.model).save_pretrained(profile.model)
    AutoProcessor.from_pretrained(tiny_profile.model).save_pretrained(profile.model)
    report = merge_adapter(saved, profile, tmp_path / "merged", records=RECORDS)
    assert (report.trained_on, report.base) == (tiny_profile.model, profile.model)
    assert "of tiny_vlm0 merged into other in float32" in str(report)


def test_responses_are_compared_too_and_images_are_not_needed(saved, tiny_profile, with_traces, tmp_path):
    records = make_scenes(1, split="text")
    profile = tiny_profile.replace(load_in_4bit=False)
    report = merge_adapter(saved, profile, tmp_path, records=with_traces(records))
    assert report.tokens > len(_inputs(*load_policy(profile, adapter=saved), records)[0]["input_ids"][0])


def test_merging_into_4_bits_would_lose_a_small_adapter(tiny_profile):
    """The reason to merge into 16 bits: what is less than a step of NF4 is rounded away."""
    model, _ = load_policy(tiny_profile)
    fill(model, std=0.001)
    layer = model.get_submodule("base_model.model.model.language_model.layers.0.mlp.down_proj")
    before, delta = dequantize_bnb_weight(layer.weight).clone(), layer.get_delta_weight("default")
    with pytest.warns(UserWarning, match="Merge lora module to 4-bit linear"):
        layer.merge()
    change = dequantize_bnb_weight(layer.weight) - before
    assert delta.norm() > 0.01 * before.norm()
    assert (change * delta).sum() < 0.1 * (delta * delta).sum()  # the share of the adapter that is left


# ---- what is refused ----


def test_an_adapter_that_does_nothing_is_not_merged(tiny_profile, tmp_path):
    fresh = save_policy(*load_policy(tiny_profile), tmp_path / "adapter")  # to save it is fine: training goes on later
    with pytest.raises(ValueError, match="does nothing: on .* train it"):
        merge_adapter(fresh, tiny_profile, tmp_path / "merged", records=RECORDS)
    assert not (tmp_path / "merged").exists()


@pytest.mark.parametrize("scale", [0.0, 2.0, 1.01, float("nan")], ids=["left out", "twice", "1% off", "not a number"])
def test_a_broken_merge_is_not_saved(saved, tiny_profile, tmp_path, monkeypatch, scale):
    right = lora_layer.Linear.get_delta_weight
    monkeypatch.setattr(lora_layer.Linear, "get_delta_weight", lambda *args: right(*args) * scale)
    with pytest.raises(ValueError, match=r"changes the logits: .* Nothing is saved"):
        merge_adapter(saved, tiny_profile, tmp_path / "merged", records=RECORDS)
    assert not (tmp_path / "merged").exists()


def test_an_adapter_too_small_for_16_bits_is_merged_in_32(tiny_profile, tmp_path):
    profile = tiny_profile.replace(load_in_4bit=False)
    model, processor = load_policy(profile)
    fill(model, std=1e-5)
    small = save_policy(model, processor, tmp_path / "adapter")
    with pytest.raises(ValueError, match=r'dtype="float32"'):
        merge_adapter(small, profile, tmp_path / "merged", dtype="bfloat16", records=RECORDS)
    report = merge_adapter(small, profile, tmp_path / "merged", records=RECORDS)
    assert report.adapter_vs_merged.mean < 0.1 * report.adapter_vs_base.mean


def test_a_folder_that_does_not_reload_is_made_unloadable(saved, tiny_profile, tmp_path, monkeypatch):
    right = AutoModelForImageTextToText.from_pretrained

    def damaged(folder, **options):
        model = right(folder, **options)
        if folder == tmp_path:
            torch.nn.init.zeros_(model.get_input_embeddings().weight)
        return model

    monkeypatch.setattr(AutoModelForImageTextToText, "from_pretrained", damaged)
    with pytest.raises(ValueError, match="does not hold what was saved"):
        merge_adapter(saved, tiny_profile, tmp_path, records=RECORDS)
    with pytest.raises(FileNotFoundError, match=r"expected config\.json"):
        load_policy(tiny_profile.replace(model=str(tmp_path)))


def test_folders_and_types_that_cannot_be_right(saved, tiny_profile, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"adapter_config\.json"):
        merge_adapter(tmp_path, tiny_profile, tmp_path / "merged")
    for folder in (saved, tiny_profile.model):
        with pytest.raises(ValueError, match="folder of its own"):
            merge_adapter(saved, tiny_profile, folder)
    with pytest.raises(ValueError, match="unknown dtype 'int8'; expected one of float32"):
        merge_adapter(saved, tiny_profile, tmp_path / "merged", dtype="int8")


@pytest.mark.parametrize(
    ("out", "held", "words"),
    [
        ("run", "training.json", "holds the adapter .*run/adapter; expected another folder"),
        (".", "", "holds the adapter"),
        ("run/adapter", "", "holds the adapter"),
        ("other", "config.json", r"holds config\.json; expected an empty folder, or one with the merge_report\.txt"),
        ("other", "training.json", r"holds training\.json; .*or delete this one"),
        ("other", "adapter_config.json", r"holds adapter_config\.json; .*Give the merged model a folder of its own"),
    ],
)
def test_what_lies_in_a_folder_is_not_merged_over(saved, tiny_profile, tmp_path, monkeypatch, out, held, words):
    monkeypatch.setattr(adapters, "load_policy", lambda *_, **__: pytest.fail("it was loaded"))
    (tmp_path / "other").mkdir()
    shutil.copytree(saved, tmp_path / "run" / "adapter")
    if held:
        (tmp_path / out / held).write_text("{}")
    with pytest.raises(ValueError, match=words):
        merge_adapter(tmp_path / "run" / "adapter", tiny_profile, tmp_path / out)


def test_a_merge_says_beside_the_model_what_it_changed_and_can_be_done_again(saved, tiny_profile, tmp_path):
    profile = tiny_profile.replace(load_in_4bit=False)
    for _ in range(2):
        report = merge_adapter(saved, profile, tmp_path, records=RECORDS)
        (tmp_path / "training.json").write_text("{}")  # as `vlaa merge` copies it
    assert f"{tmp_path}: {(tmp_path / 'merge_report.txt').read_text()}" == f"{report}\n"


def test_an_adapter_of_another_base_names_both(saved, tiny_profile, tmp_path):
    other = tiny_profile.replace(model=str(tmp_path / "wider"))
    processor = AutoProcessor.from_pretrained(tiny_profile.model)
    mini_vlm.build_model("strong", processor.tokenizer).save_pretrained(other.model)
    processor.save_pretrained(other.model)
    for act in (lambda: load_policy(other, adapter=saved), lambda: merge_adapter(saved, other, tmp_path / "merged")):
        with pytest.raises(ValueError) as error:
            act()
        assert f"trained on {tiny_profile.model} and does not fit {other.model}" in str(error.value)
        assert "is (16, 192) in the file, expected (16, 384)" in str(error.value)


# ---- found again ----


def test_the_newest_adapter_of_the_base_is_found(saved, tiny_profile, tmp_path):
    assert find_adapter(tmp_path / "absent", tiny_profile) is None
    places = [
        tmp_path / name for name in ("older/adapter", "newer/adapter", "run/checkpoint-9", "run/previous/adapter")
    ]
    for seconds, place in enumerate(places):
        shutil.copytree(saved, place)
        os.utime(place / "adapter_config.json", (seconds, seconds))
    shutil.copytree(saved, tmp_path / "run/reference/ref")  # as `train_grpo` keeps it, newer than all
    assert find_adapter(tmp_path, tiny_profile) == places[1]
    assert find_adapter(places[0], tiny_profile) == places[0]
    assert find_adapter(tmp_path, tiny_profile.replace(model="another")) is None
    assert find_adapter(tmp_path / "run", tiny_profile) is None


@pytest.mark.parametrize("content", ["{", "[]", '{"peft_type": "LORA"}', '{"base_model_name_or_path": null}'])
def test_a_foreign_adapter_among_them_is_named(tiny_profile, tmp_path, content):
    path = tmp_path / "theirs" / "adapter_config.json"
    path.parent.mkdir()
    path.write_text(content)
    with pytest.raises(ValueError, match=r"theirs.adapter_config\.json (is broken|names no base)"):
        find_adapter(tmp_path, tiny_profile)
