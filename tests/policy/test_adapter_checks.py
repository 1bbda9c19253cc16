"""An adapter from a stranger: what peft would match, import or compute without an end is refused before it gets it."""

import json
import shutil

import pytest

from vlaa_helpers import estimate_memory, load_policy, policy_adapter
from vlaa_helpers.policy.adapter_checks import check_adapter_settings
from vlaa_helpers.policy.loading import LORA_TARGETS, load_processor

NAMES = ["q_proj", "model.layers.0.self_attn.k_proj"]
PLAIN = {"base_model_name_or_path": "a/b", "peft_type": "LORA", "r": 8, "target_modules": NAMES}


def check(folder, **settings):
    (folder / "adapter_config.json").write_text(json.dumps(PLAIN | settings))
    (folder / "adapter_model.safetensors").touch()
    check_adapter_settings(folder, pattern=LORA_TARGETS)


@pytest.mark.parametrize(
    "settings",
    [
        {}, {"target_modules": LORA_TARGETS}, {"r": 1024}, {"init_lora_weights": False},
        {"rank_pattern": {"q_proj": 4}},
        {"init_lora_weights": "gaussian"}, {"alpha_pattern": {"q_proj": 4.5}}, {"layers_pattern": "layers"},
        {"modules_to_save": ["lm_head"], "exclude_modules": [], "rank_pattern": {}, "lora_alpha": 32},
    ],
)  # fmt: skip
def test_settings_of_plain_lora_pass(tmp_path, settings):
    check(tmp_path, **settings)


@pytest.mark.parametrize("arm", ["SFT", "GRPO", "SFT→GRPO"])
def test_the_policies_of_the_package_pass(arm):
    check_adapter_settings(policy_adapter(arm), pattern=LORA_TARGETS)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("peft_type", "LOHA", "the text 'LOHA'; expected LORA"),
        ("peft_type", None, "null"),
        ("r", 1025, "1025; expected a whole number from 1 to 1,024"),
        ("r", 0, "0"),
        ("r", True, "true"),
        ("r", "8", "the text '8'"),
        (
            "target_modules",
            "(a+)+$",
            "the text '(a+)+$'; expected a list of up to 4,096 plain names such as q_proj, or",
        ),
        ("target_modules", [], "a list of 0"),
        ("target_modules", ["q_proj", "(a+)+$"], "a list of 2"),
        ("target_modules", [["q_proj"]], "a list of 1"),
        ("target_modules", None, "null"),
        ("init_lora_weights", "pissa", "the text 'pissa'; expected true, false or gaussian"),
        ("init_lora_weights", 1, "1"),
        ("exclude_modules", "(a+)+$", "the text '(a+)+$'; expected null, or a list"),
        ("modules_to_save", ["(a+)+$"], "a list of 1"),
        ("layers_pattern", "(a+)+$", "the text '(a+)+$'"),
        ("rank_pattern", {"(a+)+": 8}, "an object of 1; expected an object of plain names"),
        ("rank_pattern", {"q_proj": 10**6}, "an object of 1"),
        ("alpha_pattern", {"(a+)+": 8}, "an object of 1"),
        ("lora_alpha", "x", "the text 'x'; expected a number"),
        ("megatron_config", {"a": 1}, "an object of 1; expected null"),
        ("layer_replication", [[0, 9]] * 99, "a list of 99; expected null"),
    ],
)
def test_other_settings_are_refused(tmp_path, name, value, words):
    with pytest.raises(ValueError) as error:
        check(tmp_path, **{name: value})
    assert f"adapter_config.json cannot be used: {name} is {words}" in str(error.value)


def test_a_setting_that_is_not_there_is_named(tmp_path):
    (tmp_path / "adapter_config.json").write_text('{"base_model_name_or_path": "a/b", "peft_type": "LORA", "r": 8}')
    (tmp_path / "adapter_model.bin").touch()
    with pytest.raises(ValueError, match="cannot be used: it has no target_modules; expected a list"):
        check_adapter_settings(tmp_path, pattern=LORA_TARGETS)


def test_a_policy_is_not_loaded_with_such_settings(tmp_path, tiny_profile):
    settings = PLAIN | {"target_modules": r".*language_model.*\.(q_proj|k_proj)"}
    (tmp_path / "adapter_config.json").write_text(json.dumps(settings))
    (tmp_path / "adapter_model.safetensors").touch()
    with pytest.raises(ValueError, match="cannot be used: target_modules is the text"):
        load_policy(tiny_profile, adapter=tmp_path)


def test_weights_that_are_not_there_are_not_asked_of_the_hub(tmp_path, tiny_profile, small_hub, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs" / "adapter").mkdir(parents=True)
    (tmp_path / "runs" / "adapter" / "adapter_config.json").write_text(json.dumps(PLAIN))
    with pytest.raises(FileNotFoundError, match=r"no weights in runs/adapter; expected adapter_model\.safetensors or"):
        load_policy(tiny_profile, adapter="runs/adapter")
    assert small_hub.requests == []


@pytest.mark.parametrize("beside", [True, False])
def test_a_model_that_is_an_adapter_is_refused(tmp_path, tiny_profile, beside):
    """transformers would put it on its base, or on the model beside it, whatever its settings are."""
    folder = shutil.copytree(tiny_profile.model, tmp_path / "model") if beside else tmp_path
    (folder / "adapter_config.json").write_text(json.dumps(PLAIN | {"target_modules": "(a+)+$"}))
    with pytest.raises(ValueError, match=r"holds adapter_config\.json: that is an adapter, .*adapter=folder"):
        load_policy(tiny_profile.replace(model=str(folder)))


def test_a_model_of_the_hub_that_is_an_adapter_is_refused(tiny_profile, small_hub):
    small_hub.repositories["models", "me/model"] = {"adapter_config.json": json.dumps(PLAIN).encode()}
    with pytest.raises(ValueError, match=r"me/model holds adapter_config\.json: that is an adapter"):
        load_policy(tiny_profile.replace(model="me/model"))


@pytest.mark.parametrize("load", [load_policy, load_processor, estimate_memory])
def test_code_that_comes_with_a_model_is_neither_run_nor_asked_about(tmp_path, tiny_profile, monkeypatch, load):
    names = dict.fromkeys(("AutoConfig", "AutoProcessor", "AutoModelForImageTextToText"), "code.Mine")
    for name in ("config.json", "processor_config.json", "preprocessor_config.json"):
        (tmp_path / name).write_text(json.dumps({"model_type": "mine", "auto_map": names}))
    (tmp_path / "code.py").write_text("raise SystemExit('it ran')")
    monkeypatch.setattr("builtins.input", lambda words: pytest.fail(words))
    with pytest.raises(ValueError, match="brings code of its own, which is not run here; expected a model that"):
        load(tiny_profile.replace(model=str(tmp_path), load_in_4bit=False))
