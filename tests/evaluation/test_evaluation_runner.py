"""Evaluation of a small policy: what is asked, what is kept, and that an interruption changes nothing."""

import json
import re

import pytest
import torch
from transformers import AutoModelForImageTextToText

from vlaa_helpers import MixedReward, evaluate, load_policy, load_report, make_scenes, preflight
from vlaa_helpers.evaluation import runner as module
from vlaa_helpers.evaluation.runner import base_fingerprint
from vlaa_helpers.policy.generation import NO_THINKING
from vlaa_helpers.policy.loading import image_token_ids

OPTIONS = {"samples": 2, "max_new_tokens": 6, "batch_size": 4}


@pytest.fixture(scope="module")
def policy(tiny_profile):
    return load_policy(tiny_profile, trainable=False)


@pytest.fixture(scope="module")
def records():
    return make_scenes(9, split="test")


def untimed(report):
    return [{name: value for name, value in row.items() if name != "seconds"} for row in report.rows]


def test_no_records_and_shared_ids_are_errors(policy):
    with pytest.raises(ValueError, match="records is empty"):
        evaluate(None, None, [])
    twice = make_scenes(2).select([0, 1, 1])
    with pytest.raises(ValueError, match="1 of 3 records share an id"):
        evaluate(*policy, twice)


def test_every_response_is_kept_and_timed(policy, records, tmp_path):
    report = evaluate(*policy, records, **OPTIONS, out=tmp_path / "report")
    assert len(report.rows) == 18 and [row["id"] for row in report.rows[::2]] == records["id"][:]
    assert report.tokens_per_second > 0
    assert load_report(tmp_path / "report") == report
    assert untimed(report) == untimed(evaluate(*policy, records, **OPTIONS))


def test_the_reward_gets_the_images_of_a_record(policy, records):
    """In an evaluation and in a preflight: a scorer may want to see them."""
    seen = []

    class Watching(MixedReward):
        def score_all(self, responses, gts, kinds, questions, metas, images):
            seen.extend(shown.tobytes() for several in images for shown in several)
            return super().score_all(responses, gts, kinds, questions, metas, images)

    shown = [image.tobytes() for image in records["image"]]
    evaluate(*policy, records, **OPTIONS, reward=Watching())
    assert seen == [image for image in shown for _ in range(2)]
    seen.clear()
    preflight(*policy, records, Watching(), prompts=3, generations=2, max_new_tokens=4)
    assert len(seen) == 6 and set(seen) <= set(shown)


def test_an_interrupted_evaluation_goes_on(policy, records, tmp_path, monkeypatch):
    expected = evaluate(*policy, records, **OPTIONS)
    original, calls = module._row, []

    def stop(*args):
        calls.append(1)
        if len(calls) == 11:  # in the third batch
            raise KeyboardInterrupt
        return original(*args)

    with monkeypatch.context() as patch:
        patch.setattr(module, "_row", stop)
        with pytest.raises(KeyboardInterrupt):
            evaluate(*policy, records, **OPTIONS, out=tmp_path)
    lines = tmp_path / "responses.jsonl"
    assert len(lines.read_text().splitlines()) == 8
    with pytest.raises(ValueError, match="holds 8 of 18 responses; the same evaluate"):
        load_report(tmp_path)
    with lines.open("a") as file:  # as if the machine had died while it wrote a batch
        file.write(lines.read_text().splitlines()[0] + "\n" + '{"id": "blo')
    assert untimed(evaluate(*policy, records, **OPTIONS, out=tmp_path)) == untimed(expected)
    assert untimed(load_report(tmp_path)) == untimed(expected)
    before = lines.read_text()
    evaluate(*policy, records, **OPTIONS, out=tmp_path)  # nothing left to do
    assert lines.read_text() == before


def test_kept_responses_are_scored_anew(policy, records, tmp_path, caplog):
    """A folder may come from a stranger: what it says of right and wrong counts for nothing."""
    whole = evaluate(*policy, records, **OPTIONS, out=tmp_path)
    caplog.clear()
    lines = tmp_path / "responses.jsonl"
    rows = [json.loads(line) for line in lines.read_text().splitlines()]
    forged = [{**row, "correct": True, "value": 1.0, "has_answer": True, "gt": row["response"]} for row in rows]
    lines.write_text("".join(json.dumps(row) + "\n" for row in [*forged, *forged[:2]]))  # and two too many
    assert load_report(tmp_path).accuracy == 1 > whole.accuracy
    with caplog.at_level("INFO", "vlaa_helpers"):
        again = evaluate(*policy, records, **OPTIONS, out=tmp_path)
    assert again == whole == load_report(tmp_path)
    assert caplog.messages == [
        f"{tmp_path}: 18 of 18 responses were here before; their words stay, and are scored anew"
    ]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"id": "another"}, r"responses\.jsonl line 3 answers 'another'; expected .*Give another folder, or delete it"),
        ({"response": 7}, r"responses\.jsonl line 3: response is 7; expected what `vlaa evaluate` writes"),
        ({"tokens": "many"}, r"responses\.jsonl line 3: tokens is 'many'"),
    ],
)
def test_kept_responses_answer_the_records(policy, records, tmp_path, change, words):
    evaluate(*policy, records, **OPTIONS, out=tmp_path)
    lines = tmp_path / "responses.jsonl"
    rows = [json.loads(line) for line in lines.read_text().splitlines()]
    rows[2] |= change
    lines.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(ValueError, match=words):
        evaluate(*policy, records, **OPTIONS, out=tmp_path)


@pytest.mark.parametrize("about", [[], {"benchmark": "x"}, {"benchmark": "x", "repository": "y", "rows": 3}])
def test_what_a_card_cannot_say_of_records_is_refused_at_once(policy, records, about):
    with pytest.raises(ValueError, match=r"^about (is \[\]; expected an object|cannot be used: it has no)"):
        evaluate(*policy, records, **OPTIONS, about=about)


def test_an_evaluation_that_an_earlier_version_began_goes_on(policy, records, tmp_path):
    whole = evaluate(*policy, records, **OPTIONS, out=tmp_path)
    assert whole.garbled > 0.9  # random weights write no text
    lines = [json.loads(line) for line in (tmp_path / "responses.jsonl").read_text().splitlines()]
    old = [{name: value for name, value in row.items() if name != "garbled"} for row in lines[:8]]
    (tmp_path / "responses.jsonl").write_text("".join(json.dumps(row) + "\n" for row in old))
    again = evaluate(*policy, records, **OPTIONS, out=tmp_path)
    key = lambda report: {(row["id"], row["response"], row["garbled"]) for row in report.rows}  # noqa: E731
    assert key(again) == key(whole) == key(load_report(tmp_path))


def test_another_base_without_adapters_is_another_model(tiny_profile, policy, records, tmp_path):
    """As with two merged models, each in a folder `merged`: nothing in them trains."""
    saved = AutoModelForImageTextToText.from_pretrained(tiny_profile.model, dtype=torch.bfloat16)
    model, processor, few = saved.float().requires_grad_(False), policy[1], records.select(range(2))
    evaluate(model, processor, few, **OPTIONS, out=tmp_path)
    settings = json.loads((tmp_path / "settings.json").read_text())
    assert base_fingerprint(model.half()) == settings["base"]  # the same, in another type
    weight = next(p for name, p in model.float().named_parameters() if name.endswith("q_proj.weight"))
    with torch.no_grad():
        weight.add_(0.02 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(0)))
    with pytest.raises(ValueError, match="holds another evaluation: its base differ; give another folder"):
        evaluate(model, processor, few, **OPTIONS, out=tmp_path)
    later = ("base", "dtype", "image_size")
    (tmp_path / "settings.json").write_text(json.dumps({k: v for k, v in settings.items() if k not in later}))
    evaluate(model, processor, few, **OPTIONS, out=tmp_path)  # an earlier version's folder goes on
    assert json.loads((tmp_path / "settings.json").read_text())["base"] != settings["base"]


def test_a_base_in_4_bits_is_told_from_another(tiny_profile):
    in_4_bits, again = (load_policy(tiny_profile, seed=seed)[0] for seed in (0, 1))
    whole = load_policy(tiny_profile.replace(load_in_4bit=False))[0]
    assert base_fingerprint(in_4_bits) == base_fingerprint(again) != base_fingerprint(whole)


def test_a_folder_keeps_one_evaluation(policy, records, tmp_path):
    model, processor = policy
    evaluate(model, processor, records, **OPTIONS, out=tmp_path)
    with pytest.raises(ValueError, match="holds another evaluation: its items, records differ; give another folder"):
        evaluate(model, processor, records.select(range(4)), **OPTIONS, out=tmp_path)
    with pytest.raises(ValueError, match="its seed differ"):
        evaluate(model, processor, records, **OPTIONS, seed=1, out=tmp_path)
    adapter = next(parameter for name, parameter in model.named_parameters() if "lora_B" in name)
    with torch.no_grad():
        adapter += 1
    try:
        with pytest.raises(ValueError, match="its model differ"):
            evaluate(model, processor, records, **OPTIONS, out=tmp_path)
    finally:
        with torch.no_grad():
            adapter -= 1
    with pytest.raises(FileNotFoundError, match=r"no report in .*; expected settings.json and responses.jsonl"):
        load_report(tmp_path / "elsewhere")


def test_what_the_model_sees_and_computes_in_is_part_of_an_evaluation(policy, records, tmp_path):
    (model, processor), few, size = policy, records.select(range(2)), dict(policy[1].image_processor.size)
    evaluate(model, processor, few, **OPTIONS, out=tmp_path)
    processor.image_processor.size = {**size, "longest_edge": size["longest_edge"] // 2}
    try:
        with pytest.raises(ValueError, match="holds another evaluation: its image_size differ"):
            evaluate(model, processor, few, **OPTIONS, out=tmp_path)
    finally:
        processor.image_processor.size = size
    settings = json.loads((tmp_path / "settings.json").read_text())
    assert settings["dtype"] == "float32" and settings["image_size"]["longest_edge"] == size["longest_edge"]
    (tmp_path / "settings.json").write_text(json.dumps(settings | {"dtype": "float16"}))
    with pytest.raises(ValueError, match="its dtype differ"):
        evaluate(model, processor, few, **OPTIONS, out=tmp_path)


def test_a_greedy_evaluation_goes_on_with_other_batches(policy, records, tmp_path, caplog):
    """As the advice for a full memory says; what is sampled is drawn by the batch."""
    few = {"max_new_tokens": 4}
    whole = evaluate(*policy, records, **few, batch_size=4, out=tmp_path / "greedy")
    lines = (tmp_path / "greedy" / "responses.jsonl").read_text().splitlines()
    (tmp_path / "greedy" / "responses.jsonl").write_text("\n".join(lines[:3]) + "\n")
    with caplog.at_level("INFO", "vlaa_helpers"):
        again = evaluate(*policy, records, **few, batch_size=8, out=tmp_path / "greedy", temperature=0.5)
    assert f"3 of {len(records)} responses were here before" in caplog.text  # none is asked for again
    assert [row["id"] for row in again.rows] == [row["id"] for row in whole.rows]
    assert again.settings["batch_size"] == 8
    evaluate(*policy, records, **few, samples=2, batch_size=4, out=tmp_path / "sampled")
    with pytest.raises(ValueError, match="its batch_size differ"):
        evaluate(*policy, records, **few, samples=2, batch_size=2, out=tmp_path / "sampled")


def test_a_profile_decides_length_and_batch(policy, records, tiny_profile, caplog):
    planned = tiny_profile.replace(prompts_per_step=2, num_generations=3, max_completion_length=5)
    settings = evaluate(*policy, records, profile=planned).settings
    assert (settings["max_new_tokens"], settings["batch_size"]) == (5, 6) and not caplog.messages
    settings = evaluate(*policy, records, profile=planned, max_new_tokens=4, batch_size=2).settings
    assert (settings["max_new_tokens"], settings["batch_size"]) == (4, 2) and not caplog.messages
    settings = evaluate(*policy, records).settings
    assert (settings["max_new_tokens"], settings["batch_size"]) == (128, 64)
    assert "responses were truncated at 128 tokens, the mini lab's limit" in caplog.text  # a random policy never ends


def test_sampling_depends_on_the_seed_alone(policy, records):
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    one = evaluate(*policy, records, **OPTIONS)
    assert torch.equal(before, torch.random.get_rng_state())
    torch.rand(9)
    assert untimed(one) == untimed(evaluate(*policy, records, **OPTIONS))
    assert untimed(one) != untimed(evaluate(*policy, records, **OPTIONS, seed=1))


def test_without_thinking_every_response_is_an_answer(policy, records):
    report = evaluate(*policy, records, think=False, max_new_tokens=4)
    assert all(row["response"].startswith(NO_THINKING) for row in report.rows)
    assert json.loads(json.dumps(report.settings))["start"] == NO_THINKING


def test_padding_does_not_change_an_answer(policy, records):
    """A batch is padded on the left to its longest prompt; each response is what the prompt alone gives."""
    together = evaluate(*policy, records, max_new_tokens=6, batch_size=9)
    alone = evaluate(*policy, records, max_new_tokens=6, batch_size=1)
    assert [row["response"] for row in together.rows] == [row["response"] for row in alone.rows]


def test_image_tokens_are_never_written(tiny_profile, records):
    model, processor = load_policy(tiny_profile)
    with torch.no_grad():
        model.get_output_embeddings().weight[image_token_ids(processor)] *= 50
    report = evaluate(model, processor, records, samples=4, max_new_tokens=8)
    assert not any(token in row["response"] for row in report.rows for token in ("<|image_pad|>", "<|vision_start|>"))


def test_the_mode_of_the_model_is_left_alone(tiny_profile):
    model, processor = load_policy(tiny_profile)
    for mode in (True, False):
        model.train(mode)
        evaluate(model, processor, make_scenes(1), max_new_tokens=2)
        assert model.training is mode


@pytest.mark.parametrize("token", ["<|image_pad|>", "<|im_end|>", "<|im_start|>", "<|endoftext|>"])
def test_a_control_token_in_a_question_names_its_record(policy, records, token):
    broken = records.map(lambda row, k: {"question": row["question"] + token * (k == 2)}, with_indices=True)
    words = rf"record {records['id'][2]}: its question holds '{re.escape(token)}', .*take it out"
    with pytest.raises(ValueError, match=words):
        evaluate(*policy, broken, **OPTIONS)
    with pytest.raises(ValueError, match=words):
        preflight(*policy, broken, MixedReward(), prompts=len(broken), generations=2, max_new_tokens=2)
