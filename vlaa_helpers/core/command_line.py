"""What the commands share: the parser, arguments of checked types, and trouble said in one line."""

import argparse
import json
import math
import re
import sys
import warnings
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NoReturn

from .endpoint import checked_address
from .printable import printable_lines


class Parser(argparse.ArgumentParser):
    """Says what is wrong with a call in one line, and where the right words are listed."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}. `{self.prog} --help` lists what it takes.\n")

    def refuse(self, unknown: str) -> NoReturn:
        name = unknown.partition("=")[0]  # its value may be a key
        near = get_close_matches(name, re.findall(r"--[\w-]+", self.format_usage()), n=1)
        self.error(f"unknown argument {name}" + (f"; did you mean {near[0]}" if near else ""))


def stop(words: str) -> NoReturn:
    """End the command with what went wrong on stderr, and exit status 2."""
    print(f"vlaa: {printable_lines(words)}", file=sys.stderr)
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


def address(text: str) -> str:
    """The address of an endpoint, as argparse asks for one."""
    try:
        return checked_address(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def config_settings(pairs: list[str], config: type) -> dict[str, Any]:
    """`NAME=VALUE` pairs as arguments of a trainer's config, a dataclass; a value is JSON, or else a string.

    Raises:
        ValueError: a pair without "=", or with a name that is no field of the config.
    """
    from dataclasses import fields

    known = [field.name for field in fields(config)]
    settings = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or name not in known:
            near = get_close_matches(name, known, n=3)
            hint = f"; did you mean {', '.join(near)}?" if near else ""
            raise ValueError(f"--set {pair}: expected NAME=VALUE with a field of {config.__name__}{hint}")
        try:
            settings[name] = json.loads(text)
        except json.JSONDecodeError:
            settings[name] = text
    return settings
