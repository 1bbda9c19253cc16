"""Behaviour log-probabilities: of the very tokens that are trained on, scored once, and kept as they come."""

import json

import pytest
import torch
from datasets import concatenate_datasets

from vlaa_helpers import add_behaviour_logps, control_images, load_policy, make_scenes, to_sft
from vlaa_helpers.training import behaviour_logps, response_scores


@pytest.fixture(scope="module")
def policy(tiny_profile):
    return load_policy(tiny_profile)


@pytest.fixture(scope="module")
def records(with_traces):
    """Five with an image, one without."""
    return with_traces(concatenate_datasets([make_scenes(5), make_scenes(1, split="text")]))


@pytest.fixture(scope="module")
def scored(policy, records):
    return add_behaviour_logps(*policy, records, batch_size=4)


@pytest.fixture
def asked(monkeypatch):
    """How many rows the model was asked about, batch by batch."""
    counts, real = [], response_scores.label_scores
    monkeypatch.setattr(response_scores, "label_scores", lambda *given: (counts.append(len(given[2])), real(*given))[1])
    return counts


def test_scores_are_those_of_the_logits(policy, records, scored):
    """Worked out from all logits of one record at a time, prompt and image with them."""
    model, processor = policy
    model.eval()
    for record, view, score in zip(records, to_sft(records), scored["behaviour"], strict=True):
        messages = [*view["prompt"], *view["completion"]]
        text, prompt = (
            processor.apply_chat_template(each, tokenize=False, add_generation_prompt=start)
            for each, start in ((messages, False), (view["prompt"], True))
        )
        inputs = processor(text=[text], images=view["images"] or None, return_tensors="pt")
        with torch.no_grad():
            logps = model(**inputs).logits[0, :-1].float().log_softmax(dim=-1)
        ids = inputs["input_ids"][0]
        begin = len(processor(text=[prompt], images=view["images"] or None)["input_ids"][0])
        assert score["token_ids"] == ids[begin:].tolist()
        expected = logps[range(begin - 1, len(ids) - 1), ids[begin:]]
        assert score["logps"] == pytest.approx(expected.tolist(), abs=1e-4)
        assert record["response"] in processor.tokenizer.decode(score["token_ids"])


def test_records_are_as_they_were_and_any_batch_gives_the_same(policy, records, scored):
    assert set(scored.column_names) == {*records.column_names, "behaviour"}
    assert scored.remove_columns("behaviour").features == records.features and scored["id"] == records["id"]
    again = add_behaviour_logps(*policy, records.select([5, 2, 0]), batch_size=1)
    for row, place in zip(again["behaviour"], (5, 2, 0), strict=True):
        assert row["token_ids"] == scored["behaviour"][place]["token_ids"]
        assert row["logps"] == pytest.approx(scored["behaviour"][place]["logps"], abs=1e-4)


def test_the_view_carries_the_scores_through_selections(scored):
    picked = scored.shuffle(seed=1).select([3, 0])
    assert to_sft(picked)["behaviour"] == picked["behaviour"]


def test_a_run_that_was_stopped_goes_on(policy, records, scored, tmp_path, monkeypatch, asked):
    path, append = tmp_path / "scores" / "behaviour.jsonl", behaviour_logps._append

    def stop_at_the_fourth(path, row):
        if len(asked) == 2:
            raise KeyboardInterrupt
        append(path, row)

    with monkeypatch.context() as patch:
        patch.setattr(behaviour_logps, "_append", stop_at_the_fourth)
        with pytest.raises(KeyboardInterrupt):
            add_behaviour_logps(*policy, records, path=path, batch_size=3)
    with path.open("a") as file:
        file.write('{"key": "blo')  # cut short by a kill
    asked.clear()
    found = add_behaviour_logps(*policy, records, path=path, batch_size=3)
    assert asked == [1, 3]  # one that is held against the file, and the three that were missing
    assert len([json.loads(line) for line in path.read_text().splitlines()]) == 6
    for row, expected in zip(found["behaviour"], scored["behaviour"], strict=True):
        assert row["token_ids"] == expected["token_ids"]
        assert row["logps"] == pytest.approx(expected["logps"], abs=1e-4)


def test_a_changed_response_is_scored_again(policy, records, tmp_path, asked):
    path = tmp_path / "behaviour.jsonl"
    add_behaviour_logps(*policy, records, path=path)
    changed = records.map(lambda row, k: {"response": row["response"] + " Yes." * (k == 2)}, with_indices=True)
    asked.clear()
    found = add_behaviour_logps(*policy, changed, path=path)
    assert asked == [1, 1] and found["behaviour"][2] != add_behaviour_logps(*policy, records, path=path)["behaviour"][2]


def test_scores_of_another_policy_are_not_mixed_in(policy, tiny_profile, records, tmp_path):
    path = tmp_path / "behaviour.jsonl"
    add_behaviour_logps(*policy, records.select(range(2)), path=path)
    other, processor = load_policy(tiny_profile)
    for parameter in other.parameters():
        if parameter.requires_grad:
            parameter.data += 0.1
    with pytest.raises(ValueError, match=r"behaviour.jsonl holds scores of another policy.*Name another path"):
        add_behaviour_logps(other, processor, records, path=path)


@pytest.fixture(scope="module")
def other(tiny_profile):
    """A policy that is only a little another one: no score of a response would give it away."""
    model, processor = load_policy(tiny_profile)
    weight = next(weight for name, weight in model.named_parameters() if "lora_B" in name)
    weight.data[0, 0] += 1e-4
    return model, processor


def test_scores_of_other_records_by_another_policy_are_not_mixed_in(policy, other, records, tmp_path):
    """Neither where the file has no score of these records yet, nor where the two policies are nearly the same."""
    path = tmp_path / "behaviour.jsonl"
    add_behaviour_logps(*policy, records.select(range(2)), path=path)
    kept = path.read_text()
    for places in (range(2, 4), range(4)):
        with pytest.raises(ValueError, match=r"behaviour.jsonl holds scores of another policy.*Name another path"):
            add_behaviour_logps(*other, records.select(places), path=path)
    assert path.read_text() == kept
    add_behaviour_logps(*policy, records.select(range(2, 4)), path=path)


def test_another_image_is_scored_again(policy, records, tmp_path, asked):
    """The same ids and words, shown other images."""
    path, images = tmp_path / "behaviour.jsonl", records.select(range(4))
    scored = add_behaviour_logps(*policy, images, path=path)
    asked.clear()
    found = add_behaviour_logps(*policy, control_images(images, "blank"), path=path)
    assert asked == [4]
    for row, before in zip(found["behaviour"], scored["behaviour"], strict=True):
        assert row["token_ids"] == before["token_ids"] and row["logps"] != before["logps"]


def test_records_that_have_scores_are_not_scored_twice(policy, scored):
    with pytest.raises(ValueError, match=r"column 'behaviour' already; .*remove_columns\('behaviour'\)"):
        add_behaviour_logps(*policy, scored)
