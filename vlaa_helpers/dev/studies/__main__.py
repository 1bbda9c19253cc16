"""Runs that take longer than a notebook: what is not done yet of a study, into the tables that the series shows.

python -m vlaa_helpers.dev.studies sft_sizes
python -m vlaa_helpers.dev.studies grpo_arms --seeds 0 --arms mixed "only math"
python -m vlaa_helpers.dev.studies sft_content --plan
"""

import argparse
from pathlib import Path

from ...core.assets import STUDIES as TABLES
from ...core.messages import show_messages
from ...policy.profiles import get_profile
from ...study.arms import Lab
from .catalogue import STUDIES, arms_of, profiles_of
from .run import plan, run_study


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("study", choices=STUDIES)
    parser.add_argument("--runs", type=Path, default=Path("runs/studies"), help="default: %(default)s")
    parser.add_argument("--tables", type=Path, default=TABLES, help="default: the package's")
    parser.add_argument("--profile", help="default: mini, and every mini VLM for sft_rates")
    parser.add_argument("--seeds", type=int, nargs="+", help="default: the study's")
    parser.add_argument("--arms", nargs="+", help="default: all")
    parser.add_argument("--plan", action="store_true", help="print what would run, and how long it takes")
    options = parser.parse_args(argv)
    names = [options.profile] if options.profile else profiles_of(options.study, "mini")
    lab = Lab({name: get_profile(name) for name in names}, options.runs, options.tables)
    arms = arms_of(options.study, names, options.seeds or STUDIES[options.study].seeds)
    if unknown := set(options.arms or ()) - {arm.name for arm in arms}:
        known = ", ".join(dict.fromkeys(arm.name for arm in arms))
        parser.error(f"{options.study} has no arm {', '.join(sorted(unknown))}; expected any of {known}")
    arms = [arm for arm in arms if not options.arms or arm.name in options.arms]
    if options.plan:
        table = plan(options.study, arms, lab)
        print(STUDIES[options.study].question, table.round(1).to_string(index=False), sep="\n")
        print(f"{table['done'].sum()} of {len(table)} done; {table['minutes'].sum() / 60:.1f} processor hours to come")
        return
    show_messages()
    table = run_study(options.study, arms, lab)
    print(table[table["source"] == "all"].to_string())


if __name__ == "__main__":
    main()
