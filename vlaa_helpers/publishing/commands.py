"""`vlaa merge` and `vlaa push`."""

import argparse
from pathlib import Path

from ..core.command_line import add_changes, changed
from ..core.whole_files import write_whole


def add_merge(commands: argparse._SubParsersAction) -> None:
    merge = commands.add_parser("merge", help="an adapter into its base, with proof", description=_merge.__doc__)
    merge.add_argument("run", type=Path, help="folder of a training, or of an adapter")
    merge.add_argument("out", type=Path, help="folder for the whole model")
    merge.add_argument("--profile", default="auto", help='of the base: "mini", "t4", …; default: %(default)s')
    merge.add_argument("--model", help="another base than the profile's: a folder or hub id")
    merge.add_argument(
        "--dtype",
        choices=("float32", "bfloat16", "float16"),
        help="default: the profile's, bfloat16 where it is float16",
    )
    add_changes(merge)
    merge.set_defaults(execute=_merge)


def _merge(options: argparse.Namespace) -> None:
    """Merge an adapter into its base in 16 or 32 bits, and measure on a few records that nothing was lost."""
    from ..core.run_note import NOTE
    from ..policy.adapters import merge_adapter
    from ..policy.profiles import get_profile
    from .run_facts import read_facts

    try:
        profile = get_profile(options.profile)
    except RuntimeError as error:  # a GPU profile without a GPU
        raise ValueError(error) from None
    facts = read_facts(options.run)
    if facts.is_merged:
        raise ValueError(f"{options.run} is a whole model already; give the folder of a training or of an adapter")
    profile = changed(profile.replace(model=options.model or profile.model), options.change)
    report = merge_adapter(facts.folder, profile, options.out, dtype=options.dtype)
    for name in (NOTE, "log.csv"):
        if (facts.home / name).exists():
            write_whole(options.out / name, (facts.home / name).read_bytes())
    print(f"{report}\nuse it anywhere: AutoModelForImageTextToText.from_pretrained({str(options.out)!r})")


def add_push(commands: argparse._SubParsersAction) -> None:
    push = commands.add_parser("push", help="a run or a build to the hub, with its card", description=_push.__doc__)
    push.add_argument("run", type=Path, help="folder of a training, an adapter, a merged model or a build")
    push.add_argument("repository", help="OWNER/NAME on the hub")
    push.add_argument("--evaluation", action="append", default=[], metavar="FOLDER", help="a report, NAME=FOLDER too")
    push.add_argument(
        "--license", help="as the hub writes it; the base's terms say what you may give ('other': terms of their own)"
    )
    push.add_argument("--public", action="store_true", help="a new repository is private without it")
    push.add_argument("--yes", action="store_true", help="do it; without it the plan is printed and the card written")
    push.set_defaults(execute=_push)


def _push(options: argparse.Namespace) -> None:
    """Say what would go to the hub and write the card; with --yes, push it."""
    from .upload import plan_push, push

    plan = plan_push(options.run, options.repository, evaluations=options.evaluation, licence=options.license)
    print(plan)
    if not options.yes:
        print("Nothing was sent. Read the card, then give --yes.")
        return
    print(f"pushed: {push(plan, private=not options.public)}")
