"""The command line's options that say which policy, and the policy they say."""

import argparse
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.command_line import add_changes, changed

if TYPE_CHECKING:
    from .profiles import Profile


def add_policy_options(command: argparse.ArgumentParser) -> None:
    """Give a command `--profile`, `--model`, `--no-4bit`, `--change`, `--adapter` and `--seed`."""
    command.add_argument("--profile", default="auto", help='"mini", "t4", "l4", "a100", …; default: %(default)s')
    command.add_argument("--model", help="another model than the profile's: a folder or hub id")
    command.add_argument("--no-4bit", action="store_true", help="the base in the profile's precision, not in 4 bits")
    add_changes(command)
    command.add_argument("--adapter", type=Path, help="go on from this saved adapter")
    command.add_argument("--seed", type=int, default=0)


def profile_by_options(options: argparse.Namespace) -> "Profile":
    """The profile that the options say, before anything is downloaded or loaded for it; `options.used` has it too.

    Raises:
        ValueError: an unknown profile, one for a GPU where there is none, a setting that cannot be, or an adapter that
            is refused (`check_adapter_settings`).
        OSError: `--out` cannot be written, or there is no such adapter.
    """
    from .profiles import get_profile

    options.out.mkdir(parents=True, exist_ok=True)
    tempfile.TemporaryFile(dir=options.out).close()
    try:
        profile = get_profile(options.profile)
    except RuntimeError as error:  # a GPU profile without a GPU
        raise ValueError(error) from None
    in_4bit = profile.load_in_4bit and not options.no_4bit
    profile = profile.replace(model=options.model or profile.model, load_in_4bit=in_4bit)
    options.used = profile = changed(profile, options.change)
    if options.adapter is not None:
        from .adapter_checks import check_adapter_settings
        from .loading import LORA_TARGETS

        check_adapter_settings(options.adapter, pattern=LORA_TARGETS)
    return profile


def policy_by_options(options: argparse.Namespace, profile: "Profile") -> tuple[Any, Any]:
    """Load the policy of a profile: `(model, processor)`. The first process says which profile that is."""
    from .loading import load_policy

    if os.environ.get("RANK", "0") == "0":
        print(profile)
    return load_policy(profile, adapter=options.adapter, seed=options.seed)
