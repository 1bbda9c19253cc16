"""What a study depends on and does not hold itself: data files, reward models, functions. Each with a hash of it."""

import functools
import hashlib
import importlib.util
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.assets import MINI_REWARD
from .arms import file_digest, untold, weights_digest

if TYPE_CHECKING:
    from datasets import Dataset

FUNCTION = re.compile(r"([A-Za-z_]\w*):([A-Za-z_]\w*)")
"""`module:function`, of a file `module.py` beside the study's."""
SCORERS = {"mini_reward": MINI_REWARD}
"""Reward models that come with the package."""


@dataclass(frozen=True)
class Pinned:
    """A file or folder, and a hash of what it held when the study was read; another place changes no digest.

    Attributes:
        digest: hash of its contents.
        name: of the function in it; "" for data and models.
        where: path, or name on the hub.
    """

    digest: str
    name: str = ""
    where: str = untold("")


def pin_data(path: Path) -> Pinned:
    """A file of records.

    Raises:
        FileNotFoundError: no such file.
    """
    return Pinned(file_digest(path), where=str(path))


def pin_scorer(name: str) -> Pinned:
    """A scalar reward model: `mini_reward`, a folder or a hub id.

    Raises:
        ValueError: none of these.
    """
    model = str(SCORERS.get(name, name))
    try:
        weights_digest(model)
    except FileNotFoundError:
        known = ", ".join(("facts", *SCORERS))
        raise ValueError(
            f"no reward model {name!r}; expected {known}, a folder with model.safetensors, or owner/name on the hub"
        ) from None
    return Pinned(weights_digest(model), where=model)


def pin_function(text: str, folder: Path) -> Pinned:
    """A `module:function` of a file in a folder.

    Raises:
        ValueError: other words, no such file, a file that cannot be run, or no such function in it.
    """
    found = FUNCTION.fullmatch(text)
    path = folder / f"{found[1]}.py" if found else folder
    if not found or not path.is_file():
        where = f"there is no {path}" if found else "that is no such name"
        raise ValueError(f"{text!r}: {where}; expected module:function, of a file module.py in {folder.resolve()}")
    pinned = Pinned(file_digest(path), found[2], str(path.resolve()))
    the_function(pinned)
    return pinned


def the_function(pinned: Pinned) -> Callable[..., Any]:
    """The function, from its file.

    Raises:
        ValueError: the file changed after the study was read, cannot be run, or has no such function.
    """
    path = Path(pinned.where)
    if file_digest(path) != pinned.digest:
        raise ValueError(f"{path} changed while the study ran, and its digests with it; start the study again")
    function = getattr(_module(path, pinned.digest), pinned.name, None)
    if not callable(function):
        raise ValueError(f"{path} has no function {pinned.name!r}; write one, or correct the name in the study's file")
    return function


@functools.cache
def _module(path: Path, digest: str) -> Any:
    """A file, run as a module; its folder is looked in for what it imports."""
    name = f"vlaa_study_{path.stem}_{hashlib.sha256(f'{path}{digest}'.encode()).hexdigest()[:8]}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ValueError(f"{path} cannot be run as Python; expected a .py file with the function")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # where dataclasses, pickle and inspect look
    sys.path.insert(0, str(path.parent))
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise ValueError(f"{path} cannot be run: {type(error).__name__}: {error}; mend it first") from error
    finally:
        sys.path.remove(str(path.parent))
    return module


def records_in(pinned: Pinned, number: int | None = None, *, verifiers: Sequence[str] | None = None) -> "Dataset":
    """The first records of a data file, those of some verifiers alone; all of them without a number.

    Raises:
        ValueError: none of these verifiers, fewer than the number, or none that can be read.
    """
    from ..data.load import load_records

    records = load_records(pinned.where)
    if verifiers is not None:
        records = records.filter(lambda kind: kind in verifiers, input_columns="verifier_type")
    wanted = len(records) if number is None else number
    if not 0 < wanted <= len(records):
        of = f" of {', '.join(verifiers)}" if verifiers is not None else ""
        raise ValueError(f"{pinned.where} has {len(records)} records{of}, and {wanted or 'some'} were asked for")
    return records.select(range(wanted))
