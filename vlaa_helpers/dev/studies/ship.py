"""Put what is done of the studies into the package.

python -m vlaa_helpers.dev.studies.ship

A study gives a table, a log of those arms that were watched, the outcome of every question, and some responses;
`prepare` also how far RL moved each policy, and ranks before and after it (`prepare.py`). What the package holds
already of arms that have not changed stays, also where the run folder does not have it (`restore`), and so does all of
bases whose weights are not on this machine.
"""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...core.assets import STUDIES as TABLES
from ...evaluation.eval_report import load_report
from ...pseudo_reasoning.detector import trained_detector
from ...pseudo_reasoning.measures import analyze_traces
from ...reference import held_out, reference_records
from ...study.arms import Arm, Lab, arm_digest, has_base
from ...study.ledger import Study
from ...study.measures import Measure, measured_digest
from ...study.studies import OUT
from ...study.study_file import load_study
from ...study.training import arm_folder
from .effects import PLANS
from .outcomes import KEY, outcomes_of, read_outcomes, write_outcomes
from .prepare import NAME as PREPARE
from .prepare import ship_runs
from .restore import MEASURED, ROWS, SECONDS, restore, there
from .tables import plan_table, write_whole

if TYPE_CHECKING:
    import pandas as pd

LOGGED = (
    "step", "reward", "held_out/accuracy", "held_out/low", "held_out/high", "held_out/no_answer",
    "completions/mean_length", "kl", "cues",
)  # fmt: skip
"""Columns of a watched arm's log."""
SHOWN = {
    "sft_or_rl": ("base", "SFT 2048", "SFT 8192", "SFT cues", "GRPO", "SFT 2048, GRPO"),
    "rewards": ("clean", "learned", "likes cues"),
    "images": ("SFT, swapped", "GRPO, blank"),
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
    """Put a study's table, logs and outcomes into the package.

    Returns:
        Arms that are not done and so are not in the table.
    """
    import pandas as pd

    told = load_study(PLANS / f"{name}.yaml")
    lab, study = told.lab(runs), told.study
    restore(study, lab, plan_table(name, tables))
    done = [arm for arm in study.arms if ROWS.has(study, arm, lab)]
    own = pd.DataFrame([_own(study, arm, lab) for arm in done], columns=[*KEY, *SECONDS, MEASURED])
    table = ROWS.table(study, lab).merge(own, on=KEY, how="left") if done else own
    if kept := _of_absent_bases(study, lab, plan_table(name, tables)):
        table = pd.concat([table, *kept.values()] if done else kept.values())
        done = [arm for arm in study.arms if arm in done or arm in kept]
        table = _in_order(table, done)
    write_whole(table, plan_table(name, tables))
    logs = [log for arm in done if (log := _log(arm, lab, tables / f"{name}_logs.csv")) is not None]
    if logs:
        write_whole(pd.concat(logs), tables / f"{name}_logs.csv")
    before = read_outcomes(name, tables)
    parts = [found for arm in done if (found := _outcomes(study, arm, lab, before)) is not None]
    if parts:
        write_outcomes(name, parts, tables)
    if name == PREPARE:
        ship_runs(done, lab, tables)
    return [f"{arm.profile} {arm.name} {arm.seed}" for arm in study.arms if arm not in done]


def _of_absent_bases(study: Study, lab: Lab, shipped: Path) -> "dict[Arm, pd.DataFrame]":
    """Rows that the package holds of arms whose base is not on this machine: whether they are stale cannot be told."""
    import pandas as pd

    absent = [arm for arm in study.arms if not has_base(arm, lab)]
    if not absent or not shipped.exists():
        return {}
    of = dict(iter(pd.read_csv(shipped, dtype={"images_shown": str}).groupby(KEY)))
    return {arm: of[_key(arm)] for arm in absent if _key(arm) in of}


def _in_order(table: "pd.DataFrame", arms: list[Arm]) -> "pd.DataFrame":
    """Rows in the order of their arms."""
    order = {_key(arm): place for place, arm in enumerate(arms)}
    places = [order[key] for key in table[KEY].itertuples(index=False, name=None)]
    return table.iloc[sorted(range(len(table)), key=places.__getitem__)]


def _key(arm: Arm) -> tuple[str, str, int]:
    return arm.profile, arm.name, arm.seed


def _of(table: "pd.DataFrame", arm: Arm) -> "pd.DataFrame":
    """An arm's rows of a table that has `KEY`."""
    return table[(table["profile"] == arm.profile) & (table["arm"] == arm.name) & (table["seed"] == arm.seed)]


def _own(study: Study, arm: Arm, lab: Lab) -> dict[str, Any]:
    """What an arm's row file says beside its rows."""
    digest = measured_digest(arm, study.measures, lab)
    told = json.loads((lab.runs / "rows" / f"{digest}.json").read_text())
    seconds = {column: round(told[name], 1) for column, name in SECONDS.items()}
    return {"profile": arm.profile, "arm": arm.name, "seed": arm.seed} | seconds | {MEASURED: digest}


def _outcomes(study: Study, arm: Arm, lab: Lab, kept: "pd.DataFrame") -> "pd.DataFrame | None":
    """An arm's outcomes: those of its responses, else those that the package has of the same policy."""
    if not has_base(arm, lab):
        same = _of(kept, arm)
    elif (found := outcomes_of(arm, study.measures, lab)) is not None:
        return found
    else:
        same = kept[(kept["policy"] == arm_digest(arm, lab)) & (kept["arm"] == arm.name)]
    return same if len(same) else None


def _log(arm: Arm, lab: Lab, shipped: Path) -> "pd.DataFrame | None":
    """The log of an arm that was asked while it was trained, else None; where its folder is gone, the shipped one."""
    import pandas as pd

    if not has_base(arm, lab) or not (path := arm_folder(arm, lab) / "log.csv").exists():
        kept = pd.read_csv(shipped) if shipped.exists() else pd.DataFrame(columns=KEY)
        return rows if len(rows := _of(kept, arm)) else None
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

    path, asked, parts = tables / "responses.parquet", set(reference_records()["id"]), []
    kept = pd.read_parquet(path) if path.exists() else pd.DataFrame(columns=["policy"])
    for name, arms in SHOWN.items():
        told = load_study(PLANS / f"{name}.yaml")
        lab = told.lab(runs)
        for arm in told.study.arms:
            if arm.name not in arms or arm.seed or arm.profile != "mini":
                continue
            digest, folder = arm_digest(arm, lab), arm_folder(arm, lab) / TEST.folder
            if folder.exists() and ROWS.has(told.study, arm, lab):  # not while it is asked
                frame = load_report(folder).to_frame()
                frame = frame.loc[frame["id"].isin(asked), list(KEPT)]
                parts.append(frame.assign(study=name, arm=arm.name, policy=digest))
            else:
                parts.append(kept[kept["policy"] == digest])
    table = pd.concat(parts)[["study", "arm", "policy", *KEPT]]
    table.to_parquet(path, compression="zstd", index=False)
    return table


def ship_traces(runs: Path, tables: Path) -> "pd.DataFrame":
    """Put what sampled traces of `sft_or_rl` are like into the package: a row an arm and seed, means of measures."""
    import pandas as pd

    told = load_study(PLANS / "sft_or_rl.yaml")
    path, lab, asked = tables / "sft_or_rl_traces.csv", told.lab(runs), held_out("test")
    kept = pd.read_csv(path) if path.exists() else pd.DataFrame()
    detector, rows = trained_detector("text and facts"), []
    for arm in told.study.arms:
        digest, folder = arm_digest(arm, lab), arm_folder(arm, lab) / SAMPLED.folder
        if folder.exists():
            responses = load_report(folder).rows
            table = analyze_traces(responses, asked)
            means = table.assign(pseudo=detector.score(table))[[*TRACE_MEASURES, "pseudo"]].mean().round(4)
            known = {"profile": arm.profile, "arm": arm.name, "seed": arm.seed, "policy": digest}
            rows.append({**known, "n": len(table), **means})
        elif "policy" in kept:
            rows += kept[kept["policy"] == digest].to_dict("records")
    write_whole(pd.DataFrame(rows), path)
    return pd.DataFrame(rows)


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("studies", nargs="*", help="default: all whose bases are there")
    parser.add_argument("--runs", type=Path, default=Path(OUT), help="default: %(default)s")
    parser.add_argument("--tables", type=Path, default=TABLES, help="default: the package's")
    options = parser.parse_args(argv)
    options.tables.mkdir(parents=True, exist_ok=True)
    for name in options.studies or there():
        lost = ship(name, options.runs, options.tables)
        print(f"{name}: {f'{len(lost)} arms are not done: ' + ', '.join(lost) if lost else 'whole'}")
    if not options.studies:
        print(f"{len(ship_responses(options.runs, options.tables)):,} responses")
        print(f"traces of {len(ship_traces(options.runs, options.tables))} policies")


if __name__ == "__main__":
    main()
