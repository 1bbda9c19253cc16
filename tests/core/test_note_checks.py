"""A run's note from a stranger: each value has its kind, or the message names the file and the value."""

import json

import pytest

from vlaa_helpers.core.run_note import read_note, seen_by

ROW = {"setting": "beta", "value": 0.1, "source": "ours"}
NOTE = {"method": "SFT", "base": "a/b", "records": 1, "sources": {"a": 1}, "recipe": [ROW]}
WHOLE = {
    **NOTE, "data": [{"data": "a/b", "file": "x", "commit": "c", "limit": 3, "sources": ["a"], "left_out": {"bad": 1}}],
    "verifiers": {"digit": 1}, "given": {"a": [{"b": None}]}, "versions": {"torch": "2"}, "ids": ["x"], "images": [],
    "earlier": {"ids": [], "images": [], "is_known": True, "splits": ["train"]}, "seed": 0, "checkpoint_needs": [],
    "load_in_4bit": True, "lora_rank": 8, "profile": "mini",
}  # fmt: skip


def nested(levels):
    value = 1
    for _ in range(levels):
        value = {"a": value}
    return value


@pytest.mark.parametrize("note", [NOTE, WHOLE, {**NOTE, "earlier": None, "more": [1]}])
def test_a_right_note_is_read_whole(tmp_path, note):
    (tmp_path / "training.json").write_text(json.dumps(note))
    assert read_note(tmp_path) == note


@pytest.mark.parametrize(
    ("name", "value", "seen"),
    [
        ("method", None, "null; expected a text"),
        ("method", ["SFT"], "a list of 1"),
        ("base", 3, "3; expected a text"),
        ("records", "many", "the text 'many'"),
        ("records", True, "true"),
        ("records", -1, "-1"),
        ("sources", ["a"], "a list of 1; expected an object of whole numbers"),
        ("sources", {"a": "b"}, "an object of 1"),
        ("verifiers", [], "a list of 0"),
        ("recipe", {}, "an object of 0"),
        ("recipe", [["beta", 0.1]], "a list of 1; expected a list of objects, each with setting, value and source"),
        ("recipe", [{"setting": "beta"}], "a list of 1"),
        ("recipe", [{**ROW, "setting": {}}], "a list of 1"),
        ("recipe", [{**ROW, "value": nested(50)}], "a list of 1"),
        ("given", [1], "a list of 1"),
        ("given", nested(400), "an object of 1; expected an object of settings, at most 12 levels deep"),
        ("data", {}, "an object of 0"),
        ("data", ["x"], "a list of 1"),
        ("data", [{"data": None}], "a list of 1"),
        ("data", [{"data": "a/b", "commit": "c"}], "a list of 1"),
        ("data", [{"data": "a/b", "left_out": [1]}], "a list of 1"),
        ("data", [{"data": "a/b", "sources": 3}], "a list of 1"),
        ("ids", "abc", "the text 'abc'; expected a list of texts"),
        ("ids", [["a"]], "a list of 1"),
        ("images", {"a": 1}, "an object of 1"),
        ("earlier", [], "a list of 0; expected null, or an object with ids, images and is_known"),
        ("earlier", {"ids": []}, "an object of 1"),
        ("earlier", {"ids": [], "images": [], "is_known": 1}, "an object of 3"),
        ("versions", {"torch": 2}, "an object of 1"),
        ("seed", "x", "the text 'x'"),
        ("checkpoint_needs", [1], "a list of 1"),
    ],
)
def test_a_value_of_another_kind_is_named(tmp_path, name, value, seen):
    (tmp_path / "training.json").write_text(json.dumps({**NOTE, name: value}))
    with pytest.raises(ValueError) as error:
        read_note(tmp_path)
    assert f"training.json is no such note: its '{name}' is {seen}" in str(error.value)
    assert str(error.value).endswith(". Move it away; the card then does without")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"[" * 100_000, "is broken: lists within lists, too deep to be read"),
        (b"\xff", "is broken: "),
        (b"[]", "is broken: a list of 0; expected an object"),
        (b"{}", "is no such note: it has no 'method'"),
    ],
)
def test_what_is_no_note_is_named(tmp_path, content, says):
    (tmp_path / "training.json").write_bytes(content)
    with pytest.raises(ValueError, match=says):
        read_note(tmp_path)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "is broken: "),
        ("[" * 100_000, "is broken: lists within lists"),
        ('["train"]', "is broken: a list of 1; expected an object"),
        ("{}", "it has no 'splits'"),
        ('{"splits": "train"}', "its 'splits' is the text 'train'; expected a list of texts"),
        ('{"splits": [], "ids": 3}', "its 'ids' is 3"),
    ],
)
def test_splits_of_another_kind_are_named(tmp_path, content, says):
    (tmp_path / "trained_splits.json").write_text(content)
    with pytest.raises(ValueError) as error:
        seen_by(tmp_path / "adapter")
    assert str(error.value).startswith(f"{tmp_path / 'trained_splits.json'} ") and says in str(error.value)
