"""Which files of a folder go to the hub: those that a model needs, by name, and none that a link fetches elsewhere."""

import json
import re
from fnmatch import fnmatchcase
from pathlib import Path

from ..core.shareable import is_local_path

_MODEL_FILES = (
    "adapter_*.json", "adapter_*.safetensors", "adapter_*.bin", "*.safetensors", "*.safetensors.index.json",
    "config.json", "generation_config.json", "*processor_config.json", "chat_template.json", "chat_template.jinja",
    "tokenizer.json", "tokenizer_config.json", "tokenizer.model", "special_tokens_map.json", "added_tokens.json",
    "vocab.json", "vocab.txt", "merges.txt", "LICENSE", "LICENSE.md", "LICENSE.txt", "NOTICE",
)  # fmt: skip
_ADAPTER_WEIGHTS = ("adapter_*.safetensors", "adapter_*.bin")
_SETTINGS = ("*config.json", "special_tokens_map.json", "adapter_*.json")


def model_files(folder: Path, *, is_merged: bool) -> tuple[dict[str, Path], list[str]]:
    """The files of an adapter or of a whole model by name, and the names of all else that lies there.

    Raises:
        FileNotFoundError: no weights.
        ValueError: a file to be sent that is a link to somewhere outside of the folder.
    """
    here = sorted(folder.iterdir())
    files = {path.name: path for path in here if path.is_file() and _fits(path.name, _MODEL_FILES)}
    wanted = ("*.safetensors",) if is_merged else _ADAPTER_WEIGHTS
    if not any(_fits(name, wanted) for name in files):
        raise FileNotFoundError(f"{folder} holds no weights; expected {' or '.join(wanted)}, as `vlaa` leaves them")
    for path in files.values():
        refuse_link_outside(path)
    return files, [f"{path.name}/" if path.is_dir() else path.name for path in here if path.name not in files]


def refuse_link_outside(path: Path) -> None:
    """Raises ValueError for a link to a file outside of the folder that it lies in."""
    target, home = path.resolve(), path.parent.resolve()
    if not target.is_relative_to(home):
        raise ValueError(
            f"{path} is a link to {target}, outside of its folder; what lies there is not sent. If it belongs to the "
            "model, put a copy in the link's place"
        )


def local_path_in(path: Path) -> str:
    """A path of this machine in a file of settings, with the setting's name; "" where there is none.

    >>> local_path_in(Path("weights.safetensors"))
    ''
    """
    if not _fits(path.name, _SETTINGS):
        return ""
    try:
        waiting = [("", json.loads(path.read_text(encoding="utf-8")))]
    except (ValueError, RecursionError):  # no JSON: whoever loads the model is told so
        return ""
    while waiting:
        name, value = waiting.pop()
        if isinstance(value, dict):
            waiting += value.items()
        elif isinstance(value, list):
            waiting += [(name, held) for held in value]
        elif isinstance(value, str) and is_local_path(value) and re.search(r"[\\/][^\\/]+[\\/]|^~|^[A-Za-z]:", value):
            return f"{name}: {value}"
    return ""


def _fits(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
