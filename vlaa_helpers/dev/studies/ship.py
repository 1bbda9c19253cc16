"""Put finished studies into the package: a table each, a log of those arms that were watched, and some responses.

python -m vlaa_helpers.dev.studies.ship
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ...core.assets import STUDIES as TABLES
from ...evaluation.eval_report import load_report
from ...pseudo_reasoning.detector import trained_detector
from ...pseudo_reasoning.measures import analyze_traces
from ...reference import held_out, reference_records
from ...study.arms import Arm, Lab
from ...study.ledger import RowFiles
from ...study.measures import Measure
from ...study.studies import OUT
from ...study.study_file import load_study
from ...study.training import arm_folder
from .effects import PLANS
from .tables import write_whole

if TYPE_CHECKING:
    import pandas as pd

SHIPPED = ("sft_or_rl", "capacity", "rewards", "images", "honest")
LOGGED = (
    "step", "reward", "held_out/accuracy", "held_out/low", "held_out/high", "held_out/no_answer",
    "completions/mean_length", "kl", "cues",
)  # fmt: skip
"""Columns of a watched arm's log."""
SHOWN = {
    "sft_or_rl": ("base", "SFT 2048", "SFT 8192", "SFT cues", "GRPO", "SFT 2048, GRPO"),
    "rewards": ("clean", "leaky", "likes cues"),
    "images": ("GRPO, blank",),
    "honest": ("facts, gate",),
}
"""Arms whose responses are kept, of the strong base and seed 0: their names are unlike across studies."""
TEST, SAMPLED = Measure("test", "greedy", 300), Measure("test", "sampled", 300, samples=2)
TRACE_MEASURES = (
    "words", "cue_rate", "doubt_rate", "repetition", "changed_share", "arithmetic_share", "contradictions",
    "distinct_claims", "distinct_claims_share",
)  # fmt: skip
KEPT = ("id", "source", "response", "answer", "correct", "has_answer", "reason", "truncated", "garbled", "tokens")


def ship(name: str, runs: Path, tables: Path) -> list[str]:
    """Put a study's table and its logs into the package.

    Returns:
        Arms that are not done and so are not in the table.
    """
    import pandas as pd

    told = load_study(PLANS / f"{name}.yaml")
    lab, rows = told.lab(runs), RowFiles()
    done = [arm for arm in told.study.arms if rows.has(told.study, arm, lab)]
    write_whole(rows.table(told.study, lab), tables / f"{name}.csv")
    logs = [log for arm in done if (log := _log(arm, lab)) is not None]
    if logs:
        write_whole(pd.concat(logs), tables / f"{name}_logs.csv")
    return [f"{arm.profile} {arm.name} {arm.seed}" for arm in told.study.arms if arm not in done]


def _log(arm: Arm, lab: Lab) -> "pd.DataFrame | None":
    """The log of an arm that was asked while it was trained, else None."""
    import pandas as pd

    path = arm_folder(arm, lab) / "log.csv"
    if not path.exists():
        return None
    log = pd.read_csv(path)
    if "held_out/accuracy" not in log:
        return None
    known = log.reindex(columns=list(LOGGED)).round(4)
    known.insert(0, "profile", arm.profile)
    known.insert(1, "arm", arm.name)
    known.insert(2, "seed", arm.seed)
    return known


def ship_responses(runs: Path, tables: Path) -> "pd.DataFrame":
    """Put the greedy responses of `SHOWN` to the questions of `reference_records` into the package."""
    import pandas as pd

    asked = set(reference_records()["id"])
    parts = []
    for name, arms in SHOWN.items():
        told = load_study(PLANS / f"{name}.yaml")
        lab = told.lab(runs)
        for arm in told.study.arms:
            if arm.name in arms and arm.seed == 0 and arm.profile == "mini":
                frame = load_report(arm_folder(arm, lab) / TEST.folder).to_frame()
                frame = frame.loc[frame["id"].isin(asked), list(KEPT)]
                frame.insert(0, "study", name)
                frame.insert(1, "arm", arm.name)
                parts.append(frame)
    table = pd.concat(parts)
    table.to_parquet(tables / "responses.parquet", compression="zstd", index=False)
    return table


def ship_traces(runs: Path, tables: Path) -> "pd.DataFrame":
    """Put what sampled traces of `sft_or_rl` are like into the package: a row an arm and seed, means of measures."""
    import pandas as pd

    told = load_study(PLANS / "sft_or_rl.yaml")
    lab, asked = told.lab(runs), held_out("test")
    detector, rows = trained_detector("text and facts"), []
    for arm in told.study.arms:
        responses = load_report(arm_folder(arm, lab) / SAMPLED.folder).rows
        table = analyze_traces(responses, asked)
        means = table.assign(pseudo=detector.score(table))[[*TRACE_MEASURES, "pseudo"]].mean().round(4)
        rows.append({"profile": arm.profile, "arm": arm.name, "seed": arm.seed, "n": len(table), **means})
    write_whole(pd.DataFrame(rows), tables / "sft_or_rl_traces.csv")
    return pd.DataFrame(rows)


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("studies", nargs="*", default=SHIPPED, help="default: all")
    parser.add_argument("--runs", type=Path, default=Path(OUT), help="default: %(default)s")
    parser.add_argument("--tables", type=Path, default=TABLES, help="default: the package's")
    options = parser.parse_args(argv)
    options.tables.mkdir(parents=True, exist_ok=True)
    for name in options.studies:
        lost = ship(name, options.runs, options.tables)
        print(f"{name}: {f'{len(lost)} arms are not done: ' + ', '.join(lost) if lost else 'whole'}")
    if tuple(options.studies) == SHIPPED:
        print(f"{len(ship_responses(options.runs, options.tables)):,} responses")
        print(f"traces of {len(ship_traces(options.runs, options.tables))} policies")


if __name__ == "__main__":
    main()
