import math

import numpy as np
import pytest
import torch

from vlaa_helpers import ScriptedTeacher, build_dataset, keep_hardest, load_policy, make_scenes, trace_perplexity
from vlaa_helpers.data.trl_views import to_sft


@pytest.fixture(scope="module")
def traces(tmp_path_factory):
    return build_dataset(make_scenes(48), ScriptedTeacher(), tmp_path_factory.mktemp("traces")).sft


@pytest.fixture(scope="module")
def policy(tiny_profile):
    return load_policy(tiny_profile)


def test_it_is_the_exponential_of_the_models_own_loss(policy, traces):
    model, processor = policy
    values = trace_perplexity(model, processor, traces.select(range(5)), batch_size=3)
    for row, value in zip(to_sft(traces), values, strict=False):
        prompt = processor.apply_chat_template(row["prompt"], tokenize=False, add_generation_prompt=True)
        text = prompt + row["completion"][0]["content"][0]["text"] + "<|im_end|>"
        batch = processor(text=[text], images=row["images"], return_tensors="pt")
        start = processor(text=[prompt], images=row["images"], return_tensors="pt")["input_ids"].shape[1]
        labels = batch["input_ids"].clone()
        labels[:, :start] = -100
        with torch.no_grad():
            loss = model.eval()(**batch, labels=labels).loss
        assert value == pytest.approx(math.exp(loss), rel=1e-3)


def test_batches_and_mode_make_no_difference(policy, traces):
    model, processor = policy
    model.train()
    one = trace_perplexity(model, processor, traces, batch_size=1)
    many = trace_perplexity(model, processor, traces, batch_size=7)
    assert model.training and one.shape == (len(traces),)
    np.testing.assert_allclose(one, many, rtol=1e-3)


def test_prompts_and_images_get_no_logits(policy, traces):
    """With a vocabulary of 151,936 tokens they would not fit a small GPU."""
    model, processor = policy
    seen = []
    hook = model.get_base_model().lm_head.register_forward_hook(lambda _, inputs, output: seen.append(output.shape[1]))
    few = traces.select(range(4))
    trace_perplexity(model, processor, few)
    hook.remove()
    batch = processor.tokenizer([row["completion"][0]["content"][0]["text"] for row in to_sft(few)])["input_ids"]
    prompts = [len(processor.tokenizer(question).input_ids) for question in few["question"]]
    spread = max(prompts) - min(prompts)
    assert len(seen) == 1 and seen[0] <= max(map(len, batch)) + spread + 2


def test_out_of_memory_says_what_to_change(policy, traces, monkeypatch):
    model, processor = policy

    def full(*args, **kwargs):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nMore lines")

    monkeypatch.setattr(model.get_base_model().model.language_model, "forward", full)
    model.train()
    with pytest.raises(MemoryError, match=r"2.00 GiB.\nToo much at once\? In this order: batch_size=8 \(it is 16\)"):
        trace_perplexity(model, processor, traces)
    assert model.training


def test_the_hardest_on_average_are_kept_hardest_first(traces):
    few = traces.select(range(4))
    kept = keep_hardest(few, [np.array([1.0, 9, 2, 4]), np.array([8.0, 2, 2, 9])], 3)
    assert kept["id"] == [few["id"][k] for k in (3, 1, 0)]


@pytest.mark.parametrize(
    ("perplexities", "keep", "words"),
    [
        ([np.ones(3)], 2, "arrays of 4 perplexities.*lengths \\[3\\]"),
        ([], 2, "one a model"),
        ([np.ones(4)], 5, "between 1 and the 4 records"),
        ([np.ones(4)], 0, "got 0"),
    ],
)
def test_what_does_not_fit_is_said(traces, perplexities, keep, words):
    with pytest.raises(ValueError, match=words):
        keep_hardest(traces.select(range(4)), perplexities, keep)
