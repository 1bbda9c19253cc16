"""The `adapter_config.json` of peft: read with checks, and what may be shown of the base that it names."""

import re
from pathlib import Path
from typing import Any

from .note_checks import read_json
from .printable import one_line

ADAPTER_CONFIG = "adapter_config.json"


def read_adapter_config(folder: str | Path) -> dict[str, Any]:
    """The settings of the adapter in a folder; its `base_model_name_or_path` is a text that is not empty.

    Raises:
        FileNotFoundError: no such file.
        ValueError: a file that is no JSON, no object, or that names no base; the message names the file.
    """
    path = Path(folder) / ADAPTER_CONFIG
    config = read_json(path, "Save the adapter again, or move its folder away")
    base = config.get("base_model_name_or_path") if isinstance(config, dict) else None
    if not isinstance(base, str) or not base.strip():
        seen = f"base_model_name_or_path {base!r}" if isinstance(config, dict) else type(config).__name__
        raise ValueError(
            f"{path} names no base: {seen}; expected an object with base_model_name_or_path, a hub id or a folder. "
            "Write the base there, or move the adapter's folder away"
        )
    return config


def name_without_path(model: str) -> str:
    r"""A model as others may see it, on one line: a hub id as it is, of a folder the last part alone.

    Paths of every system count, whichever this one is. A folder that is written OWNER/NAME cannot be told from a hub
    id. A path without a last part gives "unknown".

    >>> name_without_path("Qwen/Qwen2.5-VL-3B-Instruct"), name_without_path("../ann/base")
    ('Qwen/Qwen2.5-VL-3B-Instruct', 'base')
    >>> name_without_path("D:\\models\\base"), name_without_path("..")
    ('base', 'unknown')
    """
    owner, _, _ = model.partition("/")
    if re.fullmatch(r"[\w.-]+/[\w-][\w.-]*", model) and owner not in (".", ".."):
        return model
    last = re.split(r"[\\/:]", model.strip().rstrip("\\/"))[-1]
    return "unknown" if last in ("", ".", "..", "~") else one_line(last)
