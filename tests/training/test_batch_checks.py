import pytest
from trl.trainer.sft_trainer import DataCollatorForVisionLanguageModeling

from vlaa_helpers import check_batch, load_policy, make_scenes, train_sft
from vlaa_helpers.data.trl_views import to_sft
from vlaa_helpers.policy.loading import load_processor
from vlaa_helpers.training.batch_checks import longest


@pytest.fixture(scope="module")
def processor(tiny_profile):
    return load_processor(tiny_profile)


@pytest.fixture(scope="module")
def examples(with_traces):
    return list(to_sft(with_traces(make_scenes(6))))


def inputs_of(examples, processor):
    texts = [processor.apply_chat_template(row["prompt"], tokenize=False) for row in examples]
    shown = [image for row in examples for image in row["images"]]
    return processor(text=texts, images=shown or None, padding=True, return_tensors="pt")


def test_a_good_batch_passes_and_tells_its_image_tokens(examples, processor):
    assert check_batch(inputs_of(examples, processor), examples, processor) == [16] * 6


def test_samples_with_several_images_and_with_none(examples, processor):
    two, none = dict(examples[0]), dict(examples[1])
    two["images"] = two["images"] * 2
    part = two["prompt"][1]["content"]
    two["prompt"] = [two["prompt"][0], {"role": "user", "content": [part[0], *part]}]
    none["images"] = []
    none["prompt"] = [none["prompt"][0], {"role": "user", "content": none["prompt"][1]["content"][1:]}]
    mixed = [none, two, examples[2]]
    assert check_batch(inputs_of(mixed, processor), mixed, processor) == [0, 32, 16]
    assert check_batch(inputs_of([none], processor), [none], processor) == [0]


def test_a_cut_prompt_is_named(examples, processor):
    inputs = inputs_of(examples, processor)
    place = (inputs["input_ids"][4] == processor.image_token_id).nonzero()[3]
    inputs["input_ids"][4, place] = processor.tokenizer.pad_token_id
    with pytest.raises(ValueError, match=r"^sample 4: 15 image tokens in its text, and its 1 images ask for 16"):
        check_batch(inputs, examples, processor)
    with pytest.raises(ValueError, match="^stories-7: 15"):
        check_batch(inputs, examples, processor, names=["a", "b", "c", "d", "stories-7", "f"])


def collated(examples, processor, **options):
    collate = DataCollatorForVisionLanguageModeling(processor, completion_only_loss=True, **options)
    return collate([dict(row) for row in examples])


def test_a_cut_completion_is_named(examples, processor):
    whole = collated(examples[:3], processor)
    assert check_batch(whole, examples[:3], processor) == [16] * 3
    last = (whole["labels"] != -100).sum(dim=1).argmax()
    length = int((whole["labels"][last] != -100).nonzero()[-1]) + 1
    cut = collated(examples[last : last + 1], processor, max_length=length - 2)  # the end token, and a line break
    with pytest.raises(ValueError, match=r"^blocks-7: its labels lack '<\|im_end\|>'.*max_length=None"):
        check_batch(cut, examples[last : last + 1], processor, names=["blocks-7"])


def test_a_missing_image_is_told(examples, processor):
    inputs = inputs_of(examples, processor)
    inputs["image_grid_thw"] = inputs["image_grid_thw"][:-1]
    with pytest.raises(ValueError, match="holds 5 images and its samples bring 6"):
        check_batch(inputs, examples, processor)


def test_training_stops_before_it_starts(tiny_profile, tmp_path, with_traces):
    model, processor = load_policy(tiny_profile)
    records = with_traces(make_scenes(4))
    common = {"batch_size": 2, "max_steps": 1, "output_dir": str(tmp_path / "run")}
    with pytest.raises(
        ValueError, match=r"0-\d: \d+ image tokens in its text, and its 1 images ask for 16.*max_length=None"
    ):
        train_sft(model, processor, records, tiny_profile, max_length=40, **common)
    end = max(int((collated([row], processor)["labels"][0] != -100).nonzero()[-1]) + 1 for row in list(to_sft(records)))
    with pytest.raises(ValueError, match=r"0-\d: its labels lack '<\|im_end\|>'"):
        train_sft(model, processor, records, tiny_profile, max_length=end - 8, **common)
    broken = records.map(lambda row, k: {"question": row["question"] + "<|image_pad|>" * (k == 2)}, with_indices=True)
    with pytest.raises(ValueError, match=rf"record {records[2]['id']}: its question holds '<\|image_pad\|>'"):
        train_sft(model, processor, broken, tiny_profile, **common)
    assert not (tmp_path / "run" / "log.csv").exists()


def test_the_longest_come_with_a_image(with_traces):
    from datasets import concatenate_datasets

    records = with_traces(concatenate_datasets([make_scenes(3, split="text"), make_scenes(6)]))
    lengths = [len(row["question"]) + len(row["response"]) for row in records.remove_columns("image")]
    found = longest(records, 2)
    assert set(found) == set(sorted(range(3, 9), key=lambda k: -lengths[k])[:2])
