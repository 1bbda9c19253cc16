"""TRAPO on questions that the weak mini VLM seldom gets right: do hints grow fewer as it learns, and is it the better?

python -m vlaa_helpers.dev.studies.hint_share [--steps 180] [--seeds 0 1 2] [--out runs/hint_share] [--ship]

GRPO with hints from traces of the scripted teacher, whose tokens TrSFT weighs ("trsft") or plain SFT ("sft", SFT on
prefixes), and without hints ("none"): the same questions and steps. What each log says, averaged over parts of the run,
and greedy answers to held-out questions before and after it. One kind of question and one weak base: it shows a
mechanism, and is no comparison of methods at their best. At three times the profile's rate "none" collapsed in all of
three seeds (it wrote noise), which is the rate's doing and not a finding on hints.

An arm is a file in the folder; the same command goes on with the others. `--ship` puts the tables `hint_share` (a row
an arm, seed and part) and `hint_share_effects` (accuracy against before, and against "none") into the package. Set
OMP_NUM_THREADS=1.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from ...core.assets import STUDIES
from ...core.statistics import seeds_interval
from ...evaluation.runner import evaluate
from ...mini_world.scenes import make_scenes
from ...pipeline.build import build_dataset
from ...pipeline.scripted_teacher import ScriptedTeacher
from ...policy.loading import load_policy
from ...policy.profiles import get_profile
from ...rewards.mixed import MixedReward
from ...training.grpo import train_grpo
from ...training.hints import Hints
from .tables import write_whole

if TYPE_CHECKING:
    from ...evaluation.eval_report import EvalReport

SOURCE = "blocks"
"""The weak model sees what they show and is seldom right: 22% of its samples (its card)."""
ARMS = ("trsft", "sft", "none")
TRAINED, HELD_OUT = 480, 200
"""Questions."""
HELD_OUT_SEED = 0
"""Of the held-out questions, the same for all."""
LONGEST = 160
"""Tokens of a completion: the teacher's longest trace has 144."""
PARTS = 6
"""Rows of an arm in the table."""


def run(steps: int, arm: str, seed: int, folder: Path) -> dict[str, Any]:
    """Train one arm; give its log's table, and whether each held-out question was answered rightly before and after."""
    begin = time.process_time()
    profile = get_profile("mini_weak").replace(max_completion_length=LONGEST)
    model, processor = load_policy(profile, seed=seed)
    built = build_dataset(make_scenes(TRAINED, sources=SOURCE, seed=seed), ScriptedTeacher(), folder / "data")
    held_out = make_scenes(HELD_OUT, sources=SOURCE, split="test", seed=HELD_OUT_SEED)
    before = evaluate(model, processor, held_out, profile=profile)
    trainer = train_grpo(
        model, processor, built.rl, profile, reward_funcs=MixedReward(), recipe="dr_grpo", max_steps=steps, seed=seed,
        hints=None if arm == "none" else Hints(token_weights=arm), lr_scheduler_type="constant",
        entropy_coef=0.001, output_dir=str(folder / "run"), save_strategy="no",
    )  # fmt: skip
    after = evaluate(model, processor, held_out, profile=profile)
    return {
        "arm": arm,
        "seed": seed,
        "records": len(built.rl),
        "log": table_of(trainer.state.log_history),
        "before": _right(before),
        "after": _right(after),
        "seconds": round(time.process_time() - begin, 1),
    }


def _right(report: "EvalReport") -> dict[str, float]:
    return {row["id"]: float(row["correct"]) for row in report.rows}


def table_of(history: list[dict]) -> list[dict[str, float]]:
    """The log's means over equal parts of a run: hint shares, returns by length of hint, what imitation says."""
    log = pd.DataFrame([row for row in history if "reward" in row])
    names = [name for name in log if name == "reward" or name.startswith("hints/") or name in ("garbled", "entropy")]
    part = (log["step"] - 1) * PARTS // log["step"].max()
    means = log.groupby(part)[names].mean().assign(until=log.groupby(part)["step"].max())
    return means.set_index("until", drop=False).round(4).to_dict(orient="records")


def effects(arms: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """Accuracy on the held-out questions of each arm: what training did, and what hints did.

    Returns:
        A row an arm and `against` ("before", or "none"): `n` questions, `seeds`, accuracy `before` and `after`, and
        `change` in the same questions, 0-1, with its 95% bounds `low` and `high` for other questions and seeds.
    """
    rows = pd.DataFrame([
        {"arm": each["arm"], "seed": each["seed"], "id": name, "before": each["before"][name], "after": right}
        for each in arms
        for name, right in each["after"].items()
    ])  # fmt: skip
    after = rows.pivot(index=["id", "seed"], columns="arm", values="after")
    found = []
    for arm in (name for name in ARMS if name in after):
        own = rows[rows["arm"] == arm].set_index(["id", "seed"]).loc[after.index]
        changes = {"before": own["after"] - own["before"]}
        if arm != "none" and "none" in after:
            changes["none"] = after[arm] - after["none"]
        for against, change in changes.items():
            names, seeds = (change.index.get_level_values(level) for level in ("id", "seed"))
            low, high = seeds_interval(change, items=names, seeds=seeds)
            row = {"arm": arm, "against": against, "n": names.nunique(), "seeds": seeds.nunique()}
            row |= {"before": own["before"].mean(), "after": own["after"].mean()}
            found.append(row | {"change": float(change.mean()), "low": low, "high": high})
    return pd.DataFrame(found)


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=180)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--out", type=Path, default=Path("runs/hint_share"))
    parser.add_argument("--ship", action="store_true", help="put the tables into the package")
    options = parser.parse_args(argv)
    options.out.mkdir(parents=True, exist_ok=True)
    done = []
    for seed, arm in product(options.seeds, ARMS):
        path = options.out / f"{arm}-{seed}-{options.steps}.json"
        if not path.exists():
            with tempfile.TemporaryDirectory() as folder:
                found = run(options.steps, arm, seed, Path(folder))
            draft = path.with_suffix(".draft")
            draft.write_text(json.dumps(found))
            draft.rename(path)
        done.append(json.loads(path.read_text()))
        print(f"{arm}, seed {seed}: {done[-1]['seconds']:.0f} s")
    parts = pd.DataFrame([
        {"arm": each["arm"], "seed": each["seed"], "records": each["records"], "seconds": each["seconds"], **part}
        for each in done for part in each["log"]
    ])  # fmt: skip
    accuracy = effects(done).round(4)
    print(parts.to_string(index=False), accuracy.to_string(index=False), sep="\n")
    folder = STUDIES if options.ship else options.out
    write_whole(parts, folder / "hint_share.csv")
    write_whole(accuracy, folder / "hint_share_effects.csv")


if __name__ == "__main__":
    main()
