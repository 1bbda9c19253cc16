"""What the commands share: the parser, arguments of checked types, and trouble said in one line."""

import argparse
import json
import math
import re
import sys
import warnings
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NoReturn

from .endpoint import checked_address
from .option_words import as_options
from .printable import printable_lines


class Parser(argparse.ArgumentParser):
    """Says what is wrong with a call in one line, and where the right words are listed."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}. `{self.prog} --help` lists what it takes.\n")

    def refuse(self, unknown: str) -> NoReturn:
        name = unknown.partition("=")[0]  # its value may be a key
        near = get_close_matches(name, re.findall(r"--[\w-]+", self.format_usage()), n=1)
        self.error(f"unknown argument {name}" + (f"; did you mean {near[0]}" if near else ""))


def stop(words: str, given: Iterable[str] = ()) -> NoReturn:
    """End the command with what went wrong on stderr, in the command's own options, and exit status 2.

    Args:
        given: what the user wrote, to be left as it is.
    """
    print(f"vlaa: {printable_lines(as_options(words, given))}", file=sys.stderr)
    raise SystemExit(2) from None


_default_format = warnings.formatwarning


def warning_in_one_line(
    message: Any, category: type[Warning], filename: str, lineno: int, line: str | None = None
) -> str:
    """A warning of ours without the place in the code that gave it; others as Python shows them."""
    if Path(filename).is_relative_to(Path(__file__).parents[1]):
        return f"vlaa: {printable_lines(str(message))}\n"
    return _default_format(message, category, filename, lineno, line)


def count(text: str) -> int:
    """A whole number from 1 on, as argparse asks for one."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is less than 1")
    return number


def amount(text: str) -> float:
    """A finite number from 0 on, as argparse asks for one."""
    number = float(text)
    if not 0 <= number < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no amount; expected 0 or more")
    return number


def temperature(text: str) -> float:
    """A finite number above 0, as argparse asks for one."""
    number = float(text)
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no temperature; expected more than 0, such as 1.0")
    return number


def address(text: str) -> str:
    """The address of an endpoint, as argparse asks for one."""
    try:
        return checked_address(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


_OWN = {"output_dir": "--out", "seed": "--seed", "resume_from_checkpoint": "--resume"}
"""Fields of a trainer's config that are options of the command: what else is written or drawn goes by those."""
_NAMED = {"True": True, "False": False, "None": None}


def config_settings(pairs: list[str], config: type, option: str = "--set") -> dict[str, Any]:
    """`NAME=VALUE` pairs as arguments of a trainer's config, a dataclass.

    A value is JSON, or as Python writes it (True, False, None, 131_072), or else a string.

    Raises:
        ValueError: a pair without "=", with a name that is no field of the config, with words where a number belongs,
            or with what an option of the command sets.
    """
    from dataclasses import fields

    defaults = {field.name: field.default for field in fields(config)}
    known = list(defaults)
    settings = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or name not in known:
            near = get_close_matches(name, known, n=3)
            hint = f"; did you mean {', '.join(near)}?" if near else ""
            raise ValueError(f"{option} {pair}: expected NAME=VALUE with a field of {config.__name__}{hint}")
        if name in _OWN:
            raise ValueError(f"{option} {pair}: the command has an option for it, {_OWN[name]}")
        settings[name] = value = _value(text)
        is_number = isinstance(defaults[name], int | float) and not isinstance(defaults[name], bool)
        if is_number and isinstance(value, str | bool):
            raise ValueError(f"{option} {pair}: expected a number, such as {defaults[name]}")
    return settings


def _value(text: str) -> Any:
    if text in _NAMED:
        return _NAMED[text]
    try:
        return json.loads(re.sub(r"(?<=[0-9])_(?=[0-9])", "", text))
    except json.JSONDecodeError:
        return text


_ONLY_TOLD = {
    "name": "the profile is named by --profile",
    "data": "the command is told its records by itself",
    "reasons": "reasons are words for the reader",
}
"""Settings of a profile that no command acts on."""


def add_changes(command: argparse.ArgumentParser) -> None:
    """Give a command the option `--change`, for settings of its profile."""
    words = "any setting of the profile, such as max_pixels=131072; several times for several"
    command.add_argument("--change", action="append", default=[], metavar="NAME=VALUE", help=words)


def changed(profile: Any, pairs: list[str]) -> Any:
    """A profile with what `--change` says.

    Raises:
        ValueError: a setting that it has not or that no command acts on, or a value of another type.
    """
    given = config_settings(pairs, type(profile), "--change")
    for name, value in given.items():
        if name in _ONLY_TOLD:
            raise ValueError(f"--change {name}={value}: it would change nothing, {_ONLY_TOLD[name]}; leave it out")
        before = getattr(profile, name)
        if type(value) is not type(before) and not (type(before) is float and type(value) is int):
            raise ValueError(f"--change {name}={value}: expected a value like the profile's, {before!r:.60}")
    return profile.replace(**given)
