"""What of a run's settings may be published: no key, no user of an address, no folder of a machine."""

import enum
import json
from pathlib import Path

import pytest

from vlaa_helpers.core.shareable import is_local_path, shareable, shareable_note, shareable_text, without_paths_as_ids
from vlaa_helpers.policy.loading import LORA_TARGETS


class Mode(enum.StrEnum):
    """As transformers has its choices."""

    STEPS = "steps"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/srv/ann/my folder/ds.json", "ds.json"),
        ("runs/ann/x", "x"),
        ("~/x.json", "x.json"),
        ("D:\\Models\\Ann\\x.json", "x.json"),
        ('{"a": "/srv/ann/x", "b": 1}', '{"a": "x", "b": 1}'),
        ("Hints(path='/srv/ann/x', api_key='abc')", "Hints(path='x', api_key='[key]')"),
        ("file:///srv/ann/x", "file:x"),
        ("http://ann:pw@host:8/v1?key=abc", "http://host:8/v1"),
        ("http://a/v1,http://ann:pw@b/v1", "http://a/v1,http://b/v1"),
        ("http://ann:p/w@host/v1", "http://…"),
        ("ann:pw@host:80", "host:80"),
        ("hf_abcdefghijklmnopqrstuv", "[key]"),
    ],
)
def test_keys_users_and_folders_go(text, shown):
    assert shareable_text(text) == shown


@pytest.mark.parametrize(
    "text",
    ["Qwen/Qwen2.5-VL-3B-Instruct", "</think> a/b and <answer>", "tokens/s", "paper §3.1", LORA_TARGETS, "0.05", ""]
    + ["http://localhost:8000/v1", "rewards/MixedReward/mean,completions/mean_length\n0.5,3\n", "ours; 128 for 25K"],
)
def test_what_is_neither_stays(text):
    assert shareable_text(text) == text


def test_settings_without_those_that_are_keys():
    given = {
        "hub_token": "aaaa", "deepspeed": Path("/srv/ann/ds.json"), "token_weights": "focal", "eos_token": "<|e|>",
        "hub_args": ["--token", "of aaaa"], "model_init_kwargs": {"token": "bbbb", "headers": {"X-Api-Key": b"c"}},
        "save_strategy": Mode.STEPS, "max_steps": 9, "x": None, "stop": ("a", "b"), "push_to_hub": True,
    }  # fmt: skip
    assert shareable(given) == {
        "deepspeed": "ds.json", "token_weights": "focal", "eos_token": "<|e|>", "hub_args": ["--token", "of [key]"],
        "model_init_kwargs": {"headers": {}}, "save_strategy": "steps", "max_steps": 9, "x": None, "stop": ["a", "b"],
        "push_to_hub": True,
    }  # fmt: skip
    json.dumps(shareable(given))


def test_a_note_keeps_its_ids_and_loses_keys_in_rows_of_its_recipe():
    row, key = {"setting": "beta", "value": 0.1, "source": "ours"}, {"setting": "hub_token", "value": "aaaa"}
    note = {"ids": ["/srv/ann/1.png", "b"], "recipe": [row, key], "given": {"run_name": "x aaaa"}, "versions": {}}
    note |= {"data": [{"data": "/srv/ann/mine.jsonl", "limit": 3}], "earlier": None}
    told = shareable_note(note)
    assert told["ids"] == note["ids"] and told["recipe"] == [row] and told["given"] == {"run_name": "x [key]"}
    assert told["data"] == [{"data": "mine.jsonl", "limit": 3}]


def test_ids_that_are_paths_are_not_sent_and_the_note_says_less():
    earlier = {"ids": ["a", "C:\\x"], "images": ["i"], "is_known": True}
    told = without_paths_as_ids({"ids": ["/srv/ann/1.png"], "images": [], "earlier": earlier})
    assert told == {"images": [], "earlier": {"ids": ["a"], "images": ["i"], "is_known": False}}
    note = {"ids": ["coco/1.png"], "earlier": {**earlier, "ids": ["a"]}}
    assert without_paths_as_ids(note) == note and not is_local_path("a/b") and is_local_path("~ann/b")
