"""What an adapter's own settings may be before peft gets them: they may come from a stranger."""

import re
from pathlib import Path
from typing import Any

from ..core.adapter_config import ADAPTER_CONFIG, read_adapter_config
from ..core.note_checks import kind_of

WEIGHTS = ("adapter_model.safetensors", "adapter_model.bin")
"""The file of an adapter's weights, as peft names it. Where there is none it asks the hub."""
LARGEST_RANK = 1024
"""Of LoRA; the paper's adapters and those of this package have 16 to 64."""
MOST_NAMES = 4096
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,200}")
"""A name of modules, which as a regular expression matches in no time."""
_NAMES = f"a list of up to {MOST_NAMES:,} plain names such as q_proj"
_RANK = f"a whole number from 1 to {LARGEST_RANK:,}"


def check_adapter_settings(folder: str | Path, *, pattern: str) -> None:
    """Refuse an adapter that peft would run for ever on, or that makes it read, import or compute more than LoRA does.

    peft takes texts of `adapter_config.json` as regular expressions and matches them with each module's name: one of an
    attacker's, such as (a+)+$, does not come to an end. It imports what `megatron_core` names, and
    `init_lora_weights` may ask for decompositions of every weight.

    Args:
        folder: of the adapter.
        pattern: the one regular expression that `target_modules` may be, beside lists of names.

    Raises:
        FileNotFoundError: no adapter in the folder, or none of its weights.
        ValueError: such a setting; the message names file and setting, what was seen and what was expected.
    """
    check_adapter_files(folder)
    config = read_adapter_config(folder)
    checks = {
        "peft_type": (config.get("peft_type") == "LORA", "LORA"),
        "r": (_is_rank(config.get("r")), _RANK),
        "target_modules": (
            config.get("target_modules") == pattern or _are_names(config.get("target_modules")),
            f"{_NAMES}, or the pattern of this package, {pattern}",
        ),
        "init_lora_weights": (
            any(config.get("init_lora_weights", True) is flag for flag in (True, False))
            or config.get("init_lora_weights") == "gaussian",
            "true, false or gaussian",
        ),
        "lora_alpha": (_is_number(config.get("lora_alpha", 8)), "a number"),
        "rank_pattern": (
            _is_by_name(config.get("rank_pattern"), _is_rank),
            f"an object of plain names, each with {_RANK}",
        ),
        "alpha_pattern": (
            _is_by_name(config.get("alpha_pattern"), _is_number),
            "an object of plain names with numbers",
        ),
        "megatron_config": (config.get("megatron_config") is None, "null"),
        "layer_replication": (config.get("layer_replication") is None, "null"),
    }
    for name in ("exclude_modules", "modules_to_save", "layers_pattern", "target_parameters"):
        held = [config[name]] if name == "layers_pattern" and isinstance(config.get(name), str) else config.get(name)
        checks[name] = (held is None or held == [] or _are_names(held), f"null, or {_NAMES}")
    for name, (is_right, expected) in checks.items():
        if not is_right:
            seen = f"{name} is {kind_of(config[name])}" if name in config else f"it has no {name}"
            raise ValueError(
                f"{Path(folder) / ADAPTER_CONFIG} cannot be used: {seen}; expected {expected}. Save the adapter so, or "
                "load it with peft yourself if you trust who made it: PeftModel.from_pretrained(model, folder)"
            )


def check_adapter_files(folder: str | Path) -> None:
    """Raises FileNotFoundError for a folder without an adapter, or without its weights: peft would ask the hub."""
    if not (Path(folder) / ADAPTER_CONFIG).exists():
        raise FileNotFoundError(
            f"no adapter in {folder}; expected {ADAPTER_CONFIG} there, as save_policy or save_pretrained writes"
        )
    if not any((Path(folder) / name).is_file() for name in WEIGHTS):
        raise FileNotFoundError(
            f"no weights in {folder}; expected {' or '.join(WEIGHTS)} beside {ADAPTER_CONFIG}. Save the adapter again: "
            "peft would take those of whoever has that name on the hub"
        )


def check_is_no_adapter(model: str) -> None:
    """Refuse an adapter where a model is wanted: transformers would put it on its base without any of these checks.

    Args:
        model: a folder, or a name on the hub, which is asked for one file more than transformers asks for.

    Raises:
        ValueError: an adapter, alone or beside a model.
        OSError: the hub does not give it.
    """
    from transformers.utils import find_adapter_config_file

    if find_adapter_config_file(model) is not None:
        raise ValueError(
            f"{model} holds {ADAPTER_CONFIG}: that is an adapter, and expected was a model without one. Give its base "
            "as the model and the adapter's folder as adapter: load_policy(profile, adapter=folder), or --adapter at "
            "the command line"
        )


def _is_rank(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= LARGEST_RANK


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e9


def _are_names(value: Any) -> bool:
    """A list of plain names; those of peft's sets are saved so."""
    is_list = isinstance(value, list) and 0 < len(value) <= MOST_NAMES
    return is_list and all(isinstance(name, str) and _NAME.fullmatch(name) for name in value)


def _is_by_name(value: Any, is_right: Any) -> bool:
    if value is None:
        return True
    is_object = isinstance(value, dict) and len(value) <= MOST_NAMES
    return is_object and all(_NAME.fullmatch(name) and is_right(held) for name, held in value.items())
