"""The policies of the earlier chapters and what they answered, for readers who did not train them.

python -m vlaa_helpers.dev.reference_policies runs/studies
"""

import argparse
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from ..evaluation.eval_report import load_report
from ..policy.profiles import ASSETS
from .studies import held_out

if TYPE_CHECKING:
    import pandas as pd
    from datasets import Dataset

POLICIES = ASSETS / "policies"
RUNS = {
    "base": "grpo_arms/base",
    "SFT": "sft_sizes/sft_2048_seed_{seed}",
    "GRPO": "grpo_arms/mixed_seed_{seed}",
    "SFT→GRPO": "sft_then_grpo/sft_2048_grpo_seed_{seed}",
}
"""Arm: the folder of its run among the studies' (`vlaa_helpers.dev.studies`). SFT is one pass over 2,048 traces."""
ASKED = 50
"""Questions a source, the first of the test set, whose responses are kept; greedy ones, and four sampled."""
COLUMNS = ["arm", "seed", "ruler", "id", "source", "response", "answer", "value", "reason", "correct", "has_answer"]
COLUMNS += ["truncated", "tokens"]


def policy_adapter(arm: str) -> Path | None:
    """Folder of an arm's adapter, of seed 0, for `load_policy(profile, adapter=…)`; None for "base", which has none.

    Raises:
        ValueError: an unknown arm.
    """
    if arm not in RUNS:
        raise ValueError(f"unknown arm {arm!r}; expected one of {', '.join(RUNS)}")
    return None if arm == "base" else POLICIES / _name(arm)


def reference_records() -> "Dataset":
    """The records that the kept responses answer: `ASKED` questions a source of the test set."""
    return held_out("test", ASKED)


def reference_responses(arm: str | None = None, *, ruler: str | None = None) -> "pd.DataFrame":
    """What the arms answered to `reference_records`, three seeds each (one of "base"): a row a response.

    Args:
        arm: one of `RUNS`; all when left out.
        ruler: "greedy" (one response a question) or "sampled" (four, temperature 1); both when left out.

    Returns:
        The columns of `COLUMNS`, those of `EvalReport.rows` among them.
    """
    import pandas as pd

    table = pd.read_parquet(POLICIES / "responses.parquet")
    wanted = {"arm": arm, "ruler": ruler}
    for column, value in wanted.items():
        if value is not None:
            table = table[table[column] == value]
    return table.reset_index(drop=True)


def _name(arm: str) -> str:
    return arm.lower().replace("→", "_")


def collect(studies: Path) -> "pd.DataFrame":
    """Put adapters of seed 0 and the responses of all seeds into the package, from the folder of the studies."""
    import pandas as pd

    ids = set(reference_records()["id"])
    rows = []
    for arm, run in RUNS.items():
        for seed in (0,) if arm == "base" else (0, 1, 2):
            folder = studies / run.format(seed=seed)
            for ruler in ("greedy", "sampled"):
                kept = [row for row in load_report(folder / f"test_{ruler}").rows if row["id"] in ids]
                rows += [{"arm": arm, "seed": seed, "ruler": ruler, **row} for row in kept]
            if seed == 0 and (adapter := policy_adapter(arm)) is not None:
                _ship(folder / "adapter", adapter)
    table = pd.DataFrame(rows)[COLUMNS]
    table.to_parquet(POLICIES / "responses.parquet", compression="zstd", index=False)
    return table


def _ship(saved: Path, to: Path) -> None:
    """An adapter without what belongs to the machine that it was trained on."""
    to.mkdir(parents=True, exist_ok=True)
    shutil.copy(saved / "adapter_model.safetensors", to)
    config = json.loads((saved / "adapter_config.json").read_text())
    config["base_model_name_or_path"] = Path(config["base_model_name_or_path"]).name
    (to / "adapter_config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("studies", type=Path, help="what `python -m vlaa_helpers.dev.studies` wrote")
    table = collect(parser.parse_args().studies)
    print(table.groupby(["arm", "seed", "ruler"])["correct"].agg(["size", "mean"]).to_string())


if __name__ == "__main__":
    main()
