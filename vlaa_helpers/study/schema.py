"""A study's file as it is read: YAML without surprises, and values that say where they stand when they are wrong."""

import math
import re
import reprlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import yaml

from ..core.help_page import page

T = TypeVar("T")
Config = tuple[tuple[str, Any], ...]
"""Fields of a trainer's config and their values, in the order of their names."""
MOST_BYTES = 1_000_000
NOT_IN_CONFIG = {
    "seed": "`seeds` of the arm",
    "output_dir": "--out",
    "max_steps": "`steps`",
    "num_train_epochs": "`passes`",
    "num_generations": "a profile of your own",
    "per_device_train_batch_size": "a profile of your own",
    "gradient_accumulation_steps": "a profile of your own",
    "max_completion_length": "a profile of your own",
    "reward_weights": "`weight` of a reward's part",
    "logging_steps": "nothing: every step is counted",
    "resume_from_checkpoint": "nothing: the same command goes on",
}
"""Fields of a trainer's config that a study sets itself: name to what to use in their place."""
_short = reprlib.Repr()
_short.maxstring = _short.maxother = 60


@dataclass(frozen=True)
class Given:
    """What the options of a stage may name.

    Attributes:
        folder: of the study's file; paths start from it.
        rewards: parts of a reward, by its name.
    """

    folder: Path
    rewards: Mapping[str, tuple] = field(default_factory=dict)


@dataclass(frozen=True)
class Node:
    """A value of a study's file, and where it stands: errors name the place, what was found and what was expected."""

    value: Any
    where: str

    def refuse(self, seen: str, fix: str) -> NoReturn:
        """Raise a ValueError.

        Args:
            seen: what was found.
            fix: what was expected, or what to do.
        """
        raise ValueError(f"{self.where}: {seen}; {fix}")

    def fields(self, *known: str, needs: Collection[str] = ()) -> "dict[str, Node]":
        """The values of a mapping, which has no other keys than the known ones, and all that it needs."""
        at = self.mapping(empty=not needs)
        for name in at:
            if name not in known:
                near = get_close_matches(name, known, n=1)
                hint = f"; did you mean {near[0]}?" if near else ""
                self.refuse(f"unknown key {name!r:.60}", f"expected any of {', '.join(known)}{hint}")
        if missing := [name for name in needs if name not in at]:
            self.refuse(f"there is no {' and no '.join(missing)}", f"add {missing[0]}: …")
        return at

    def mapping(self, *, empty: bool = True) -> "dict[str, Node]":
        """The values of a mapping whose keys are text."""
        if self.value is None and empty:
            return {}
        if not isinstance(self.value, dict):
            self.refuse(f"got {self.shown}", "expected a mapping of names to values, {name: value}")
        for name in self.value:
            if not isinstance(name, str):
                self.refuse(f"the key {_short.repr(name)}", "keys are text; put it into quotes")
        return {name: Node(value, f"{self.where}.{name}") for name, value in self.value.items()}

    def entries(self, *, unique: bool = False) -> "list[Node]":
        """The values of a list that has some; where they are to be unique, none of them twice."""
        if not isinstance(self.value, list) or not self.value:
            self.refuse(f"got {self.shown}", "expected a list with an entry or more, [a, b]")
        for k, value in enumerate(self.value):
            if unique and value in self.value[:k]:
                self.refuse(f"{_short.repr(value)} stands there twice", "leave one out")
        return [Node(value, f"{self.where}[{k}]") for k, value in enumerate(self.value)]

    def text(self) -> str:
        """Words, not empty."""
        if not isinstance(self.value, str) or not self.value.strip():
            self.refuse(f"got {self.shown}", "expected text" + ("; put it into quotes" if self._is_plain else ""))
        return self.value

    def choice(self, known: Collection[str]) -> str:
        """One of these words."""
        said = {True: "true", False: "false"}.get(self.value) if isinstance(self.value, bool) else self.value
        if said not in known:
            self.refuse(f"got {self.shown}", f"expected one of {', '.join(known)}")
        return said

    def count(self, least: int = 1) -> int:
        """A whole number from `least` on."""
        if not isinstance(self.value, int) or isinstance(self.value, bool) or self.value < least:
            self.refuse(f"got {self.shown}", f"expected a whole number from {least} on")
        return self.value

    def number(self, above: float = -math.inf) -> float:
        """A finite number."""
        if not isinstance(self.value, int | float) or isinstance(self.value, bool) or not math.isfinite(self.value):
            self.refuse(f"got {self.shown}", "expected a number")
        if self.value <= above:
            self.refuse(f"got {self.shown}", f"expected a number above {above:g}")
        return float(self.value)

    def truth(self) -> bool:
        """True or false."""
        if not isinstance(self.value, bool):
            self.refuse(f"got {self.shown}", "expected true or false")
        return self.value

    def pinned(self, pin: Callable[[], T]) -> T:
        """Something outside the file; what is wrong with it is said with the place here."""
        try:
            return pin()
        except (ValueError, OSError) as error:
            raise ValueError(f"{self.where}: {error}") from error

    @property
    def shown(self) -> str:
        """The value, cut short."""
        return "nothing" if self.value is None else _short.repr(self.value)

    @property
    def _is_plain(self) -> bool:
        return isinstance(self.value, bool | int | float)


def read_config(node: Node, name: str) -> Config:
    """Fields of TRL's `SFTConfig` or `GRPOConfig`, by name, with plain values.

    Raises:
        ValueError: no field of it, one that a study sets itself, or a value that is no text, number or truth.
    """
    import trl

    known, at = list(getattr(trl, name).__dataclass_fields__), node.mapping()
    for key, value in at.items():
        if key not in known:
            near = ", ".join(get_close_matches(key, known, n=3))
            node.refuse(
                f"unknown key {key!r:.60}", f"expected a field of {name}" + (f" such as {near}" if near else "")
            )
        if key in NOT_IN_CONFIG or key.startswith("save_"):
            value.refuse("a study sets this itself", f"use {NOT_IN_CONFIG.get(key, 'nothing: an arm is kept whole')}")
        if not (value._is_plain or isinstance(value.value, str)):
            value.refuse(f"got {value.shown}", "expected text, a number, true or false")
    return tuple(sorted((key, value.value) for key, value in at.items()))


def read_yaml(path: Path) -> Node:
    """The value of a YAML file.

    Raises:
        FileNotFoundError: no such file.
        ValueError: no YAML, a key twice in a mapping, an object of Python, or a file that is far too long.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; expected a study as {page('docs/studies.md')} describes it")
    if path.stat().st_size > MOST_BYTES:
        raise ValueError(f"{path} has {path.stat().st_size:,} bytes; expected a study of at most {MOST_BYTES:,}")
    try:
        return Node(yaml.load(path.read_text(encoding="utf-8"), _Loader), path.name)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        said = " ".join(str(error).split())
        raise ValueError(f"{path} is no YAML that can be read: {said}. Correct the file there") from None


class _Loader(yaml.SafeLoader):
    """YAML with plain values alone, in which `1e-4` is a number, and a key stands once in a mapping."""

    def compose_mapping_node(self, anchor: str | None) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        names = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        for key, _ in node.value:
            if names.count(key.value) > 1:
                raise yaml.composer.ComposerError(None, None, f"the name {key.value!r} stands twice", key.start_mark)
        return node


_SCIENTIFIC = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+$")
_Loader.add_implicit_resolver("tag:yaml.org,2002:float", _SCIENTIFIC, list("-+0123456789."))
