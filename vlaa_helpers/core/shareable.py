"""What may be shown of a run's settings: no keys, no users of addresses, of a local path its last part alone."""

import os
import re
from collections.abc import Mapping
from enum import Enum
from typing import Any
from urllib.parse import urlsplit

from .adapter_config import name_without_path
from .hidden_keys import hide_keys, secrets_among, without_user

_NO_SECRET = re.compile(r"token_weights|tokenizer\w*|(eos|bos|pad|unk|mask|image|video)_token", re.IGNORECASE)
"""Settings of a training that `hidden_keys` would take for a key, by their names."""
_KEY = re.compile(r"\b(?:hf|ghp|gho|glpat|sk)[-_][\w-]{16,}")
"""Keys that show what they are: of the Hugging Face hub, of GitHub and GitLab, of OpenAI and Anthropic."""
_NAMED = re.compile(
    r"(?P<name>[\w-]*(?:api[-_]?key|_token|password|passwd|secret|authorization)\b[\"']?\s*[=:]\s*[\"']?)"
    r"(?:Bearer\s+)?[^\s\"',;)}\]]+",
    re.IGNORECASE,
)
"""A key in the middle of a text: `Client(api_key='…')`."""
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s\"'`<>]*?(?=,[A-Za-z][\w+.-]*://|[\s\"'`<>]|$)")
_USER = re.compile(r"(?<![\w:/@])[^\s/@:\"'=]+:[^\s/@\"']+@(?=[\w\[])")
"""User and password of an address without its beginning."""
_PATH_BEGINS = r"(?:/(?![/\s])|~[\w.-]*[\\/]|\.\.?[\\/](?=[\w.])|[A-Za-z]:[\\/]|\\\\(?=\w))"
_ALL_PATH = re.compile(rf"\s*{_PATH_BEGINS}[^\n]*")
_PARTS = re.compile(r"[\w.-]+(?:[\\/][\w.-]+){2,}|[\w.-]+(?:\\[\w.-]+)+")
"""A path from where one is; OWNER/NAME is none (`name_without_path`)."""
_PATH = re.compile(rf"(?<![\w./\\<>~\]-]){_PATH_BEGINS}[^\s\"'`,;()\[\]{{}}<>|]*")


def shareable(value: Any, name: str = "") -> Any:
    """A setting, or a mapping of settings, as JSON that may be published.

    What a name of a key belongs to (`hidden_keys.secrets_among`) is left out, and hidden where a text repeats it.

    Args:
        name: of the setting.

    >>> shareable({"hub_token": "hf_abc", "deepspeed": "/srv/ann/ds.json", "max_steps": 9})
    {'deepspeed': 'ds.json', 'max_steps': 9}
    """
    return _plain(value, name, tuple(_secrets(value, name)))


def shareable_text(text: str) -> str:
    """A text without keys, users of addresses, and folders of local paths.

    >>> shareable_text("http://ann:pw@host:8/v1, see /srv/ann/ds.json")
    'http://host:8/v1, see ds.json'
    """
    return _shown(text, ())


def is_local_path(text: str) -> bool:
    """Whether a text is a path of one machine: absolute, or from a home.

    >>> is_local_path("/srv/ann/x.png"), is_local_path("C:\\\\x.png"), is_local_path("coco/x.png")
    (True, True, False)
    """
    return re.match(r"\s*(?:/(?=[\w.~])|~[\w.-]*[\\/]|[A-Za-z]:[\\/]|\\\\\w|file:/)", text) is not None


def shareable_note(note: Mapping[str, Any]) -> dict[str, Any]:
    """A run's note (`run_note`) whose settings and origins may be published; its ids and images stay as they are."""
    recipe = [row for row in note.get("recipe", ()) if not _is_secret(row["setting"], row.get("value"))]
    secrets = _secrets({row["setting"]: row.get("value") for row in note.get("recipe", ())})
    secrets = tuple({*secrets, *_secrets(note.get("given", {})), *_secrets(note.get("data", ()))})
    kept = {"recipe": recipe} if "recipe" in note else {}
    as_it_is = ("ids", "images", "earlier")
    told = {
        name: value if name in as_it_is else _plain(value, "", secrets if name in ("given", "recipe", "data") else ())
        for name, value in {**note, **kept}.items()
    }
    for origin in told.get("data", ()):
        origin["data"] = name_without_path(origin["data"])
    return told


def without_paths_as_ids(note: Mapping[str, Any]) -> dict[str, Any]:
    """A note to be sent. Ids that are paths of this machine stay here, and the note then does not tell all that was
    trained on, which `trained_on` says."""
    told = dict(note)
    if any(map(is_local_path, note.get("ids") or ())):
        del told["ids"]
    earlier = note.get("earlier")
    if earlier and any(map(is_local_path, earlier["ids"])):
        ids = [name for name in earlier["ids"] if not is_local_path(name)]
        told["earlier"] = {**earlier, "ids": ids, "is_known": False}
    return told


def _is_secret(name: str, value: object) -> bool:
    return not _NO_SECRET.fullmatch(name) and isinstance(value, str | bytes) and bool(secrets_among("x", name))


def _secrets(value: object, name: str = "") -> list[str]:
    if isinstance(value, Mapping):
        return [secret for key, held in value.items() for secret in _secrets(held, str(key))]
    if isinstance(value, list | tuple | set | frozenset):
        return [secret for held in value for secret in _secrets(held, name)]
    return secrets_among(value, name) if _is_secret(name, value) else []


def _plain(value: Any, name: str, secrets: tuple[str, ...]) -> Any:
    if isinstance(value, Mapping):
        held = {str(key): inner for key, inner in value.items() if not _is_secret(str(key), inner)}
        return {_shown(key, secrets): _plain(inner, key, secrets) for key, inner in held.items()}
    if isinstance(value, list | tuple | set | frozenset):
        items = sorted(value, key=str) if isinstance(value, set | frozenset) else value
        return [_plain(inner, name, secrets) for inner in items if not _is_secret(name, inner)]
    if isinstance(value, Enum):
        return _plain(value.value, name, secrets)
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, os.PathLike):
        return _shown(name_without_path(os.fsdecode(value)), secrets)
    return _shown(str(value), secrets)


def _shown(text: str, secrets: tuple[str, ...]) -> str:
    text = _ADDRESS.sub(_address, text)  # first: a hidden password would make it none
    text = _NAMED.sub(r"\g<name>[key]", _KEY.sub("[key]", hide_keys(text, secrets, is_prose=True)))
    if _ALL_PATH.fullmatch(text) or _PARTS.fullmatch(text):
        return name_without_path(text)
    return _PATH.sub(_name_alone, _USER.sub("", text))


def _name_alone(match: re.Match[str]) -> str:
    return name_without_path(match[0])


def _address(match: re.Match[str]) -> str:
    """An address without user, password, query; of one whose password hides its host, the beginning alone."""
    scheme = match[0].partition("://")[0]
    try:
        parts = urlsplit(match[0])
        port_is_number = parts.port is None or parts.port >= 0  # reading it raises where it is none
    except ValueError:
        return f"{scheme}://…"
    if not (parts.netloc and port_is_number):
        return f"{scheme}:{name_without_path(parts.path)}"
    return without_user(match[0])
