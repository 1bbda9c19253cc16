"""Responses are drawn batch by batch, and between two batches the model is the caller's again."""

import pytest
import torch
from datasets import Dataset
from transformers import AutoModelForImageTextToText, BitsAndBytesConfig

from vlaa_helpers.core.messages import say_once
from vlaa_helpers.policy import generation, prefix_cache
from vlaa_helpers.policy.dense_weights import copy_of
from vlaa_helpers.policy.generation import SamplingParams, chat_inputs, generate_responses, response_batches, unbent


def test_nothing_is_held_between_two_batches(tiny_models, monkeypatch):
    quantization = BitsAndBytesConfig(load_in_4bit=True, llm_int8_skip_modules=[r".*visual", "lm_head"])
    model = AutoModelForImageTextToText.from_pretrained(tiny_models[0]["qwen2_5_vl"], quantization_config=quantization)
    layer = model.train().model.language_model.layers[0].mlp.up_proj
    inside = []

    def responses(*_):
        inside.append((copy_of(layer) is not None, torch.is_grad_enabled(), model.training))
        return [(f"{torch.rand(())}", 1, False)]

    monkeypatch.setattr(generation, "generate_responses", responses)
    prompts = Dataset.from_dict({"id": ["a", "b"], "prompt": [[], []], "images": [[], []]})
    state = torch.get_rng_state()
    for _ in response_batches(model, None, prompts, SamplingParams(), batch_size=1, words=""):
        assert (copy_of(layer) is not None, torch.is_grad_enabled(), model.training) == (False, True, True)
        assert torch.equal(torch.get_rng_state(), state)
    assert inside == [(True, False, False)] * 2


PROMPTS = [[{"role": "user", "content": [{"type": "text", "text": words}]}] for words in ("how many", "and the blue")]


@pytest.fixture
def model(tiny_models):
    return AutoModelForImageTextToText.from_pretrained(tiny_models[0]["qwen2_5_vl"]).eval()


def test_beams_that_a_model_asks_for_are_searched(model, tiny_models, caplog, monkeypatch):
    """As transformers does it, each prompt repeated; that is said once."""
    processor, sampling = tiny_models[1], SamplingParams(max_new_tokens=9)
    greedy = generate_responses(model, processor, PROMPTS, [[], []], sampling)
    say_once.cache_clear()
    caplog.clear()
    model.generation_config.num_beams = 4
    found = [generate_responses(model, processor, PROMPTS, [[], []], sampling) for _ in range(2)]
    inputs = chat_inputs(model, processor, PROMPTS, [[], []])
    expected = model.generate(**inputs, **unbent(processor), num_beams=4, do_sample=False, max_new_tokens=9)
    texts = processor.tokenizer.batch_decode(expected[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
    assert [[text for text, _, _ in each] for each in found] == [texts, texts] and found[0] != greedy
    (said,) = caplog.messages
    assert said.endswith("cannot be shared with num_beams=4 of the model's generation_config")


def test_what_a_model_would_give_back_changes_no_response(model, tiny_models, caplog):
    processor = tiny_models[1]
    ways = [SamplingParams(max_new_tokens=9), SamplingParams(samples=3, max_new_tokens=9)]
    torch.manual_seed(0)
    expected = [generate_responses(model, processor, PROMPTS, [[], []], way) for way in ways]
    model.generation_config.update(do_sample=True, num_return_sequences=2)
    model.generation_config.return_dict_in_generate = True
    torch.manual_seed(0)
    assert [generate_responses(model, processor, PROMPTS, [[], []], way) for way in ways] == expected
    assert not caplog.messages
    model.generation_config.num_beams = 3  # and where prompts cannot be shared
    assert [len(generate_responses(model, processor, PROMPTS, [[], []], way)) for way in ways] == [2, 6]


def test_videos_are_not_ignored(model, tiny_models, monkeypatch):
    """Read by the model, which knows what to do with them."""
    processor = tiny_models[1]
    inputs = chat_inputs(model, processor, PROMPTS, [[], []])
    inputs["pixel_values_videos"] = torch.zeros(16, 1176)
    with pytest.raises(ValueError, match=r"with videos \(pixel_values_videos\); call model\.generate"):
        prefix_cache.prefill(model, inputs)
    given = []

    def generate(**settings):
        given.append(settings)
        return torch.cat([settings["input_ids"], torch.full((2, 1), processor.tokenizer.eos_token_id)], dim=1)

    monkeypatch.setattr(generation, "chat_inputs", lambda *_: inputs)
    monkeypatch.setattr(model, "generate", generate)
    assert len(generate_responses(model, processor, PROMPTS, [[], []], SamplingParams())) == 2
    assert given[0]["pixel_values_videos"] is inputs["pixel_values_videos"]
