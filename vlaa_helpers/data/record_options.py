"""The command line's options that say which records, and the records they say."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .load import load_records
from .released import is_hub_name

if TYPE_CHECKING:
    from datasets import Dataset


def add_record_options(command: argparse.ArgumentParser, *, mini_split: str = "") -> None:
    """Give a command `--images`, `--split`, `--sources` and `--limit`, as `load_records` takes them.

    Args:
        mini_split: the split of the mini world that is taken by default, where the command lets one choose.
    """
    mini = f'mini: "test", "shifted", "text", …; default: {mini_split}. ' if mini_split else ""
    command.add_argument("--images", type=Path, help="folder that the image paths of a file start from")
    command.add_argument("--split", help=f'{mini}On the hub: "rl" or "sft"')
    command.add_argument("--sources", metavar="NAME,…", type=_names, help="these alone, such as clevr_math,synthesis")
    command.add_argument("--limit", type=int, help="this many records at most; on the hub a first look")


def _names(text: str) -> list[str]:
    return [name for part in text.split(",") if (name := part.strip())]


def records_by_options(
    source: str, options: argparse.Namespace, *, hub_split: str = "rl", verifier_type: str | None = None, **mini: Any
) -> "Dataset":
    """What `load_records` gives for a source and the options of `add_record_options`.

    Args:
        hub_split: taken from the hub where `--split` names none.
        verifier_type: for rows that give none.
        **mini: options of the mini world; a `split` among them is taken where `--split` names none.

    Raises:
        ValueError: an option that the source does not take; else as `load_records`.
    """
    if source == "mini":
        if options.limit is not None:
            n = "; --n says how many records of mini" if hasattr(options, "n") else ""
            raise ValueError(f"--limit is for files and the hub{n}")
        if options.images is not None:
            raise ValueError("--images is for files and the hub; mini draws its own")
        chosen = {"split": options.split} if options.split else {}
        return load_records("mini", sources=options.sources, **mini | chosen)
    if getattr(options, "n", None) is not None:
        raise ValueError(f"--n is for mini; of {source} --limit takes a part: --limit {options.n}")
    on_hub = is_hub_name(source)
    if options.split and not on_hub and Path(source).exists():
        raise ValueError(f"--split {options.split} is for mini and the hub; {source} is a file, which has none")
    records = load_records(
        source,
        split=(options.split or hub_split) if on_hub else None,
        sources=options.sources,
        limit=options.limit,
        image_root=options.images,
        verifier_type=verifier_type,
    )
    if not len(records):
        named = f" of {', '.join(options.sources)}" if options.sources else ""
        raise ValueError(f"{source} has no records{named}; --sources takes names as its column `source` has them")
    return records


def records_of_run(source: str, options: argparse.Namespace, *, built: str, n: int = 0, **mini: Any) -> "Dataset":
    """What a training or an evaluation is about: a source, or the folder of a build.

    Args:
        built: the file of a build that is wanted, "sft.arrow" or "rl.arrow"; the release has splits of these names.
        n: records of mini where `--n` says nothing; 0 refuses mini, whose records have no responses.
        **mini: further options of the mini world.

    Raises:
        ValueError: mini, where responses are wanted; else as `records_by_options`.
    """
    if source == "mini" and not n:
        raise ValueError("mini records have no responses; build some first: vlaa build mini --out runs/dataset")
    in_folder = Path(source) / built
    scenes = {"n": getattr(options, "n", None) or n, "seed": options.seed, **mini}
    return records_by_options(
        str(in_folder) if in_folder.exists() else source, options, hub_split=built.removesuffix(".arrow"), **scenes
    )
