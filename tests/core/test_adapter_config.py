"""The adapter's own file: read with checks, and no path of a machine in what is shown."""

import json

import pytest

from vlaa_helpers.core.adapter_config import name_without_path, read_adapter_config


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"{", "is broken: "),
        (b"\xff\xfe", "is broken: "),
        (b"[]", "names no base: list; expected an object"),
        (b'{"peft_type": "LORA"}', "names no base: base_model_name_or_path None"),
        (b'{"base_model_name_or_path": 3}', "names no base: base_model_name_or_path 3"),
        (b'{"base_model_name_or_path": " "}', "names no base: base_model_name_or_path ' '"),
    ],
)
def test_a_foreign_file_is_named(tmp_path, content, says):
    (tmp_path / "adapter_config.json").write_bytes(content)
    with pytest.raises(ValueError) as error:
        read_adapter_config(tmp_path)
    assert str(error.value).startswith(f"{tmp_path / 'adapter_config.json'} {says}")


def test_a_right_file_is_read_whole(tmp_path):
    settings = {"base_model_name_or_path": "a/b", "r": 8}
    (tmp_path / "adapter_config.json").write_text(json.dumps(settings))
    assert read_adapter_config(tmp_path) == settings


@pytest.mark.parametrize(
    ("model", "shown"),
    [
        ("Qwen/Qwen2.5-VL-3B-Instruct", "Qwen/Qwen2.5-VL-3B-Instruct"),
        ("mybase", "mybase"),
        ("/srv/models/base", "base"),
        ("/srv/models/base/", "base"),
        ("../ann/base", "base"),
        ("./base", "base"),
        ("../base", "base"),
        ("~/base", "base"),
        ("ann/runs/base", "base"),
        ("D:\\models\\base", "base"),
        ("D:/models/base", "base"),
        ("\\\\server\\ann\\base\\", "base"),
        ("C:\\", "unknown"),
        ("..", "unknown"),
        ("a/..", "unknown"),
        ("a/b\n\n# Injected", "b\\n\\n# Injected"),
        ("a/b\n", "b"),
    ],
)
def test_of_a_path_the_last_part_is_shown(model, shown):
    assert name_without_path(model) == shown
