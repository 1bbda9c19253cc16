"""Responses are drawn batch by batch, and between two batches the model is the caller's again."""

import torch
from datasets import Dataset
from transformers import AutoModelForImageTextToText, BitsAndBytesConfig

from vlaa_helpers.policy import generation
from vlaa_helpers.policy.dense_weights import copy_of
from vlaa_helpers.policy.generation import SamplingParams, response_batches


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
