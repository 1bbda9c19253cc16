"""What `generate` can do and a prompt that was read once cannot: found wherever it is set, and never ignored."""

import inspect
from types import SimpleNamespace

import pytest
from transformers import GenerationConfig, GenerationMixin

from vlaa_helpers.policy.generate_settings import SAME_TOKENS, USUAL, unusual_settings
from vlaa_helpers.policy.prefix_cache import generate_from

SETTINGS = {
    "num_beams": 4, "num_beam_groups": 2, "penalty_alpha": 0.6, "dola_layers": "high", "guidance_scale": 1.5,
    "prompt_lookup_num_tokens": 3, "num_return_sequences": 2, "return_dict_in_generate": True, "output_scores": True,
    "use_cache": False, "prefill_chunk_size": 8, "cache_implementation": "static", "stop_strings": ["a"],
}  # fmt: skip


def config(**settings):
    """A `generation_config` as it may stand in a file; made with them, transformers would judge some of them."""
    made = GenerationConfig()
    vars(made).update(settings)
    return made


@pytest.mark.parametrize(("name", "value"), SETTINGS.items())
def test_a_setting_is_found_in_each_place(name, value):
    """None of these stops at a model: `generate_from` refuses before it computes anything."""
    plain = SimpleNamespace(generation_config=config())
    named = name if isinstance(value, list) else f"{name}={value}"
    for given in ({name: value}, {"generation_config": config(**{name: value})}):
        assert unusual_settings(plain, given) == named
        with pytest.raises(ValueError, match=f"a token at a time, which {name}.* would change; call model.generate"):
            generate_from(plain, None, [1], **given)
    own = SimpleNamespace(generation_config=config(**{name: value}))
    if name in SAME_TOKENS:
        assert unusual_settings(own, {}) == ""
        return
    with pytest.raises(ValueError, match=f"{name}.* of the model's generation_config would change"):
        generate_from(own, None, [1])
    usual = {name: USUAL[name]}
    if USUAL[name] is not None:  # what is said in the call outweighs what stands in the model
        assert unusual_settings(own, usual) == unusual_settings(own, {"generation_config": config(**usual)}) == ""


@pytest.mark.parametrize("name", ["streamer", "assistant_model", "synced_gpus", "custom_generate"])
def test_an_argument_is_found(name):
    assert unusual_settings(SimpleNamespace(), {name: object()}) == name


def test_transformers_has_these_settings():
    known = vars(GenerationConfig()).keys() | inspect.signature(GenerationMixin.generate).parameters.keys()
    assert not USUAL.keys() - known


def test_settings_that_are_usual_are_let_through():
    model = SimpleNamespace(generation_config=config(**USUAL, do_sample=True, top_k=7, repetition_penalty=1.05))
    assert (
        unusual_settings(model, {**USUAL, "max_new_tokens": 3, "generation_config": config(eos_token_id=[1, 2])}) == ""
    )


def test_several_are_all_named():
    model = SimpleNamespace(generation_config=config(num_beams=3))
    found = unusual_settings(model, {"streamer": object(), "num_return_sequences": 2})
    assert found == "num_beams=3 of the model's generation_config, num_return_sequences=2, streamer"
