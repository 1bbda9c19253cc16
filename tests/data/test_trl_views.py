"""Training views: they follow the records, share their images, and are what TRL and the Qwen template take."""

import importlib

import pytest
from datasets import Dataset, Image, concatenate_datasets
from row_files import ROW, SFT_TEXT, encoded

from vlaa_helpers.core.answers import SYSTEM_PROMPT, parse_response
from vlaa_helpers.core.images import image_hash
from vlaa_helpers.data.load import load_records
from vlaa_helpers.data.trl_views import completion_of, to_grpo, to_sft


def test_real_rows_as_training_data(real_samples):
    records = load_records(real_samples / "rows.jsonl")  # images/ beside the file is found
    for row, answer in zip(to_sft(records), ["3", "y = -5 * sin(-5 * x)", "B"], strict=True):
        response = parse_response(row["completion"][0]["content"][0]["text"])
        assert response.is_strict and response.answer == answer
        assert len(row["images"]) == 1


@pytest.fixture
def mixed(write_rows):
    """Five records, the second and third without an image, each image another one."""
    rows = [
        {
            **ROW,
            "id": f"r-{i}",
            "question": f"q{i}",
            "answer": SFT_TEXT,
            **({} if i in (1, 2) else {"image": f"{i}.png"}),
        }
        for i in range(5)
    ]
    return load_records(write_rows(*rows, images={f"{i}.png": encoded(seed=i) for i in range(5)}))


SELECTIONS = {
    "all": lambda records: records,
    "picked": lambda records: records.select([4, 1, 0]),
    "slice": lambda records: records.select(range(2, 5)),
    "shuffled": lambda records: records.shuffle(seed=1),
    "filtered": lambda records: records.filter(lambda image: image is not None, input_columns="image"),
    "doubled": lambda records: concatenate_datasets([records, records.select([3, 2])]),
    "none": lambda records: records.select([]),
    "as numpy": lambda records: records.with_format("numpy"),
    "not decoded": lambda records: records.cast_column("image", Image(decode=False)),
}


@pytest.mark.parametrize("selection", SELECTIONS)
def test_views_follow_the_records(mixed, selection):
    records = SELECTIONS[selection](mixed)
    sft, grpo = to_sft(records), to_grpo(records)
    assert sft.column_names == ["prompt", "completion", "images"]
    assert set(grpo.column_names) == {"prompt", "images", "gt", "verifier_type", "source", "id", "question", "meta"}
    assert len(sft) == len(grpo) == len(records)
    for record, a, b in zip(records.with_format(None), sft, grpo, strict=True):
        has_image = record["image"] is not None
        content = [{"type": "image", "text": None}] * has_image + [{"type": "text", "text": record["question"]}]
        assert (
            a["prompt"]
            == b["prompt"]
            == [
                {"role": "system", "content": [{"type": "text", "text": SYSTEM_PROMPT}]},
                {"role": "user", "content": content},
            ]
        )
        assert a["completion"] == [{"role": "assistant", "content": [{"type": "text", "text": SFT_TEXT}]}]
        assert {name: record[name] for name in to_grpo(records).column_names if name in record} == {
            name: b[name] for name in b if name in record
        }
        expected = [image_hash(record["image"])] if has_image else []
        assert [image_hash(i) for i in a["images"]] == [image_hash(i) for i in b["images"]] == expected


@pytest.mark.parametrize("selection", SELECTIONS)
def test_traces_for_hints_are_what_sft_teaches(mixed, selection):
    records = SELECTIONS[selection](mixed)
    view, plain, taught = to_grpo(records, with_traces=True), to_grpo(records), to_sft(records)
    assert {*view.column_names} == {*plain.column_names, "expert_trace"}
    assert view["expert_trace"][:] == [row[0]["content"][0]["text"] for row in taught["completion"][:]]
    assert view.select_columns(plain.column_names)[:] == plain[:]


def test_records_without_a_trace_have_no_hints(mixed):
    def blank(row, k):
        return row | ({"response": "", "reasoning": ""} if k in (1, 3) else {})

    some = mixed.map(blank, with_indices=True)
    ids = some["id"]
    with pytest.raises(ValueError, match=rf"2 of 5 records have no trace to take hints from: {ids[1]} .*, {ids[3]} "):
        to_grpo(some, with_traces=True)
    assert len(to_grpo(some.select([0, 2, 4]), with_traces=True)) == 3  # others do not matter


def test_columns_of_ones_own_stay_with_their_records(mixed):
    own = mixed.add_column("level", [*range(len(mixed))]).add_column("tags", [[f"t{k}"] for k in range(len(mixed))])
    own = own.add_column("prompt", ["mine"] * len(mixed)).shuffle(seed=1)
    view = to_grpo(own)
    for record, row in zip(own, view, strict=True):
        assert (row["id"], row["level"], row["tags"]) == (record["id"], record["level"], record["tags"])
        assert row["prompt"][-1]["content"][-1]["text"] == record["question"]
    assert to_sft(mixed).column_names == to_sft(own.remove_columns("prompt")).column_names


def test_views_share_the_images(mixed):
    def addresses(column):
        while hasattr(column, "values"):
            column = column.values
        return column.field("bytes").buffers()[2].address

    stored = {addresses(chunk) for chunk in mixed.data.table["image"].chunks}
    for view in (to_sft(mixed), to_grpo(mixed.shuffle(seed=0))):
        assert {addresses(chunk) for chunk in view.data.table["images"].chunks} == stored


def test_views_survive_what_people_do_with_them(mixed, tmp_path):
    view = to_grpo(mixed)
    view.save_to_disk(tmp_path / "view")
    parts = view.train_test_split(test_size=2, seed=0)
    assert sorted([*parts["train"]["id"], *parts["test"]["id"]]) == list(mixed["id"])
    again = Dataset.load_from_disk(tmp_path / "view")
    assert again[0]["prompt"] == view[0]["prompt"] and again[0]["images"][0].size == (8, 6)
    assert view.map(lambda row: {"n": len(row["images"])})["n"][:] == [1, 0, 0, 1, 1]


def test_trl_and_the_qwen_template_take_the_views(mixed):
    jinja2 = importlib.import_module("jinja2")
    trl = importlib.import_module("trl")
    from trl.data_utils import is_conversational, prepare_multimodal_messages

    template = jinja2.Template((importlib.resources.files(trl) / "chat_templates" / "qwen2_5_vl.jinja").read_text())
    for view in (to_sft(mixed), to_grpo(mixed)):
        for row in view:
            assert is_conversational(row)
            messages = prepare_multimodal_messages(row["prompt"], images=row["images"])
            images = [part["image"] for message in messages for part in message["content"] if part["type"] == "image"]
            assert images == row["images"]
            text = template.render(messages=messages, add_generation_prompt=True)
            assert text.count("<|image_pad|>") == len(row["images"])
            assert "None" not in text and SYSTEM_PROMPT in text
            if "completion" in row:
                completion = prepare_multimodal_messages(row["completion"])
                whole = template.render(messages=messages + completion)
                assert whole.startswith(text) and SFT_TEXT in whole


def test_trl_collates_images_and_text_together(mixed):
    """`images` must be [] for a text-only row: TRL and the processors fail on None."""
    from trl.trainer.sft_trainer import DataCollatorForVisionLanguageModeling

    torch = importlib.import_module("torch")
    seen = []

    class Processor:
        def apply_chat_template(self, messages, **_):
            return " ".join(part["type"] for message in messages for part in message["content"])

        def __call__(self, text, images=None, **_):
            seen.append(images)
            shape = (len(text), 3)
            return {"input_ids": torch.ones(shape, dtype=int), "attention_mask": torch.ones(shape, dtype=int)}

    sft = to_sft(mixed)
    DataCollatorForVisionLanguageModeling(Processor())([sft[0], sft[1]])
    DataCollatorForVisionLanguageModeling(Processor())([sft[1], sft[2]])
    assert [[len(images) for images in batch] for batch in seen if batch is not None] == [[1, 0]]


def test_sft_refuses_records_without_a_response(mixed, write_rows):
    def cut(row):
        return {"response": "" if row["id"] != "r-2" else SFT_TEXT, "reasoning": ""}

    records = mixed.map(cut)
    message = r"4 of 5 records.*r-0 \(no response\), r-1 .*r-3 \(no response\), ….*records.filter"
    with pytest.raises(ValueError, match=message):
        to_sft(records)
    assert len(to_sft(records.filter(lambda response: response != "", input_columns="response"))) == 1


@pytest.mark.parametrize(
    ("record", "completion"),
    [
        ({"response": f" {SFT_TEXT}\n", "gt": "4"}, SFT_TEXT),
        ({"response": "<think> a\nb </think> So **3**.", "gt": "3"}, "<think>\na\nb\n</think>\n<answer>3</answer>"),
        ({"response": "a</think> 3", "gt": "3"}, "<think>\na\n</think>\n<answer>3</answer>"),
        ({"response": "", "reasoning": "a", "gt": "3"}, "<think>\na\n</think>\n<answer>3</answer>"),
        ({"response": "It is 3.", "reasoning": "a", "gt": "3"}, "<think>\na\n</think>\n<answer>3</answer>"),
    ],
)
def test_completions(record, completion):
    assert completion_of(record) == completion


@pytest.mark.parametrize(
    ("record", "words"),
    [
        ({}, "no response"),
        ({"response": "It is 3.", "gt": "3"}, "no thinking"),
        ({"response": "<think>a", "gt": "3"}, "unclosed_think"),
        ({"response": "<think>a</think><answer>1</answer><answer>2</answer>", "gt": "1"}, "several_answers"),
        ({"response": "<think>a</think> 3", "gt": ""}, "empty_answer"),
        ({"reasoning": "a", "gt": "<answer>3</answer>"}, "nested_answer"),
    ],
)
def test_no_completions(record, words):
    with pytest.raises(ValueError, match=words):
        completion_of(record)


@pytest.mark.parametrize("view", [to_sft, to_grpo])
def test_views_refuse_other_datasets(view):
    with pytest.raises(ValueError, match=r"not records: id, .*the dataset has question.*load_records"):
        view(Dataset.from_dict({"question": ["q"]}))
