"""`vlaa study`: the command line of studies."""

import argparse
from pathlib import Path

from ..core.printable import printable_lines
from .studies import ENGINES, OUT, choose, commands, plan_study, run_study
from .study_file import load_study


def add_study(subparsers: argparse._SubParsersAction) -> None:
    """Add the command `study`."""
    study = subparsers.add_parser("study", help="train and compare the arms of a YAML file", description=_study.__doc__)
    study.add_argument("file", help="YAML, as docs/studies.md describes it")
    study.add_argument("--out", type=Path, default=Path(OUT), help="folder; default: %(default)s")
    study.add_argument("--arms", nargs="+", metavar="NAME", help="these alone")
    study.add_argument("--profiles", nargs="+", metavar="NAME", help="these alone")
    study.add_argument("--seeds", nargs="+", type=int, metavar="SEED", help="these alone")
    study.add_argument("--engine", choices=ENGINES, default="local", help="ray: arms spread over its workers")
    look = study.add_mutually_exclusive_group()
    look.add_argument("--plan", action="store_true", help="what is done and how long the others take; run nothing")
    look.add_argument("--list", action="store_true", help="print a command an arm, for a cluster; run nothing")
    study.set_defaults(execute=_study)


def _study(options: argparse.Namespace) -> None:
    """Train and measure the arms of a study, into one table. Interrupted or killed, run it again: it goes on."""
    given = {"arms": options.arms, "profiles": options.profiles, "seeds": options.seeds}
    if options.list:
        told = load_study(options.file)
        print(printable_lines("\n".join(commands(choose(told.study, **given), options.file, str(options.out)))))
        return
    try:
        if options.plan:
            _show_plan(options, given)
        else:
            _run(options, given)
    except RuntimeError as error:  # a profile for a GPU, and there is none
        if "needs a CUDA GPU" not in str(error):
            raise
        raise ValueError(str(error)) from None


def _show_plan(options: argparse.Namespace, given: dict) -> None:
    table = plan_study(options.file, out=options.out, **given)
    if question := load_study(options.file).study.question:
        print(printable_lines(question))
    print(printable_lines(table.round(1).to_string(index=False)))
    minutes = table["minutes"].sum(skipna=False)
    to_come = f"{minutes / 60:.1f} processor hours to come" if minutes == minutes else "how long is not known yet"
    print(f"{table['done'].sum()} of {len(table)} done; {to_come}")


def _run(options: argparse.Namespace, given: dict) -> None:
    table = run_study(options.file, out=options.out, engine=options.engine, **given)
    study = load_study(options.file).study
    shown = [name for name in ("arm", "seed", "set", "decoding", "n", "accuracy", "low", "high") if name in table]
    print(printable_lines(table.loc[table["source"] == "all", shown].to_string(index=False)))
    print(f"{table['policy'].nunique()} policies; table: {options.out / study.name}.csv and .parquet")
