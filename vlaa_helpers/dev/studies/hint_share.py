"""Shows TRAPO at work on questions that the weak mini VLM seldom gets right: do hints grow fewer as it learns?

python -m vlaa_helpers.dev.studies.hint_share [--steps 90] [--weights trsft|sft|none] [--seed 0] [--out FILE.json]

GRPO with hints from traces of the scripted teacher (`none`: without hints), for one seed; a table of what the log says,
averaged over parts of the run, and greedy accuracy on held-out questions before and after. It shows a mechanism, on one
seed, and compares no methods. Set OMP_NUM_THREADS=1.
"""

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd

from ...evaluation.runner import evaluate
from ...mini_world.scenes import make_scenes
from ...pipeline.build import build_dataset
from ...pipeline.scripted_teacher import ScriptedTeacher
from ...policy.loading import load_policy
from ...policy.profiles import get_profile
from ...rewards.mixed import MixedReward
from ...training.grpo import train_grpo
from ...training.hints import Hints

SOURCE = "blocks"
"""The weak model sees what they show and is seldom right: 22% of its samples (its card)."""
TRAINED, HELD_OUT = 480, 100
LONGEST = 160
"""Tokens of a completion: the teacher's longest trace has 144."""
RATE = 3e-3
"""Constant, as TRAPO's; three times the profile's, so that a short run shows something."""
PARTS = 6
"""Rows of the table."""


def run(steps: int, weights: str, seed: int, folder: Path) -> dict[str, Any]:
    """Train once; give the log's table, and held-out accuracy before and after."""
    profile = get_profile("mini_weak").replace(max_completion_length=LONGEST)
    model, processor = load_policy(profile)
    built = build_dataset(make_scenes(TRAINED, sources=SOURCE, seed=seed), ScriptedTeacher(), folder / "data")
    held_out = make_scenes(HELD_OUT, sources=SOURCE, split="test", seed=seed)
    before = evaluate(model, processor, held_out, profile=profile)
    trainer = train_grpo(
        model, processor, built.rl, profile, reward_funcs=MixedReward(), recipe="dr_grpo", max_steps=steps, seed=seed,
        hints=None if weights == "none" else Hints(token_weights=weights), lr_scheduler_type="constant",
        learning_rate=RATE, entropy_coef=0.001, output_dir=str(folder / "run"),
    )  # fmt: skip
    after = evaluate(model, processor, held_out, profile=profile)
    return {
        "weights": weights,
        "seed": seed,
        "records": len(built.rl),
        "accuracy": [before.accuracy, after.accuracy],
        "log": table_of(trainer.state.log_history),
    }


def table_of(history: list[dict]) -> list[dict[str, float]]:
    """The log's means over equal parts of a run: hint shares, returns by length of hint, what imitation says."""
    log = pd.DataFrame([row for row in history if "reward" in row])
    names = [name for name in log if name == "reward" or name.startswith("hints/") or name in ("garbled", "entropy")]
    part = (log["step"] - 1) * PARTS // log["step"].max()
    means = log.groupby(part)[names].mean().assign(until=log.groupby(part)["step"].max())
    return means.set_index("until", drop=False).round(4).to_dict(orient="records")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=90)
    parser.add_argument("--weights", choices=["trsft", "sft", "none"], default="trsft")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = run(given.steps, given.weights, given.seed, Path(folder))
    print(pd.DataFrame(found["log"]).to_string(index=False))
    print(f"held-out accuracy, n = {HELD_OUT}: {found['accuracy'][0]:.2f} before, {found['accuracy'][1]:.2f} after")
    if given.out:
        given.out.write_text(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
