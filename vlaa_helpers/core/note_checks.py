"""What a run's note may hold, and of which kinds: it may come from a stranger, and a card is written from it."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

DEPTH = 12
"""Levels of lists and objects that a setting may have. What `train_sft` and `train_grpo` write has 3 or 4."""
_Check = tuple[Callable[[Any], bool], str]


def read_json(path: Path, mend: str) -> Any:
    """The value in a file of JSON.

    Raises:
        ValueError: no UTF-8 or no JSON; the message names the file and ends with `mend`.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:  # of JSON or of UTF-8
        raise ValueError(f"{path} is broken: {error}. {mend}") from None
    except RecursionError:
        raise ValueError(f"{path} is broken: lists within lists, too deep to be read. {mend}") from None


def read_object(path: Path, mend: str) -> dict[str, Any]:
    """The object in a file of JSON.

    Raises:
        ValueError: as of `read_json`, or no object.
    """
    found = read_json(path, mend)
    if not isinstance(found, dict):
        raise ValueError(f"{path} is broken: {kind_of(found)}; expected an object. {mend}")
    return found


def check_note(note: Mapping[str, Any], path: Path, mend: str) -> None:
    """Raises ValueError for a note of a training that lacks something, or has something of another kind."""
    _check(note, _NOTE, _NOTE_NEEDS, path, mend)


def check_splits(said: Mapping[str, Any], path: Path, mend: str) -> None:
    """Raises ValueError for what is no `trained_splits.json`."""
    _check(said, _SEEN, ("splits",), path, mend)


def check_build(built: Mapping[str, Any], path: Path, mend: str) -> None:
    """Raises ValueError for what is no `build.json` of a build."""
    _check(built, _BUILD, _BUILD_NEEDS, path, mend)


def kind_of(value: object) -> str:
    """A value of JSON in a few words, however long it is.

    >>> kind_of([1, 2]), kind_of({"a": 1}), kind_of("x" * 99), kind_of(None)
    ('a list of 2', 'an object of 1', "the text 'xxxxxxxxxxxxxxxxxxxx…'", 'null')
    """
    if isinstance(value, str):
        return f"the text {value if len(value) <= 20 else value[:20] + '…'!r}"
    if isinstance(value, list | dict):
        return f"{'a list' if isinstance(value, list) else 'an object'} of {len(value)}"
    return json.dumps(value)[:40]


def _check(
    found: Mapping[str, Any], checks: Mapping[str, _Check], needs: tuple[str, ...], path: Path, mend: str
) -> None:
    for name in needs:
        if name not in found:
            raise ValueError(f"{path} is no such note: it has no {name!r}. {mend}")
    for name, (is_right, words) in checks.items():
        if name in found and not is_right(found[name]):
            raise ValueError(
                f"{path} is no such note: its {name!r} is {kind_of(found[name])}; expected {words}. {mend}"
            )


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _is_seed(value: Any) -> bool:
    return value is None or (isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63)


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


def _are_counts(value: Any) -> bool:
    return isinstance(value, dict) and all(map(_is_count, value.values()))


def _is_setting(value: Any, depth: int = DEPTH) -> bool:
    """Whether a value has no more levels than that."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return depth > 0 and all(_is_setting(held, depth - 1) for held in value)
    return True


def _are_settings(value: Any) -> bool:
    return isinstance(value, dict) and _is_setting(value)


def _fits(value: Any, checks: Mapping[str, _Check], needs: tuple[str, ...]) -> bool:
    return (
        isinstance(value, dict)
        and value.keys() >= set(needs)
        and all(checks[name][0](held) for name, held in value.items() if name in checks)
        and _is_setting(value)
    )


def _is_recipe(value: Any) -> bool:
    needs = ("setting", "value", "source")
    return isinstance(value, list) and all(_fits(row, {"setting": _TEXT, "source": _TEXT}, needs) for row in value)


def _are_origins(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_origin, value))


def _is_origin(value: Any) -> bool:
    needs = ("data", "file") if isinstance(value, dict) and "commit" in value else ("data",)
    return _fits(value, _ORIGIN, needs)


def _is_seen(value: Any) -> bool:
    return value is None or _fits(value, _SEEN, ("ids", "images", "is_known"))


def _are_named_texts(value: Any) -> bool:
    return isinstance(value, dict) and all(map(_is_text, value.values()))


_TEXT: _Check = (_is_text, "a text")
_TEXTS: _Check = (_are_texts, "a list of texts")
_NAMED_TEXTS: _Check = (_are_named_texts, "an object of texts")
_COUNT: _Check = (_is_count, "a whole number, 0 or more")
_COUNTS: _Check = (_are_counts, "an object of whole numbers")
_FLAG: _Check = (_is_flag, "true or false")
_SEEN: dict[str, _Check] = {"ids": _TEXTS, "images": _TEXTS, "is_known": _FLAG, "splits": _TEXTS}
_ORIGIN: dict[str, _Check] = {
    "data": _TEXT, "file": _TEXT, "commit": _TEXT, "sources": _TEXTS, "limit": _COUNT, "left_out": _COUNTS,
    "through_build": _FLAG, "first_of_archives": _FLAG,
}  # fmt: skip
_NOTE: dict[str, _Check] = {
    "method": _TEXT, "profile": _TEXT, "base": _TEXT, "load_in_4bit": _FLAG, "lora_rank": _COUNT,
    "max_pixels": _COUNT, "dtype": _TEXT, "records": _COUNT,
    "data": (_are_origins, "a list of objects as `load_records` notes them, with data, file, commit, sources, limit"),
    "seed": (_is_seed, "a whole number or null"), "sources": _COUNTS, "verifiers": _COUNTS,
    "recipe": (_is_recipe, "a list of objects, each with setting, value and source"),
    "given": (_are_settings, f"an object of settings, at most {DEPTH} levels deep"),
    "checkpoint_needs": _TEXTS,
    "versions": _NAMED_TEXTS,
    "ids": _TEXTS, "images": _TEXTS, "earlier": (_is_seen, "null, or an object with ids, images and is_known"),
}  # fmt: skip
_NOTE_NEEDS = ("method", "base", "records", "sources", "recipe")
_BUILD: dict[str, _Check] = {
    "records": _COUNT, "sft": _COUNT, "rl": _COUNT, "models": _NAMED_TEXTS, "prompts": _NAMED_TEXTS,
    "origins": (_are_origins, "a list of objects as `load_records` notes them"),
}  # fmt: skip
_BUILD_NEEDS = ("records", "sft", "rl", "models", "prompts")
