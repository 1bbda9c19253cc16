"""The policies of the earlier chapters and what they answered, for readers who did not train them.

python -m vlaa_helpers.dev.reference_policies runs/studies
"""

import argparse
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.assets import POLICIES
from ..evaluation.eval_report import load_report
from ..reference import POLICY_ARMS, RESPONSE_COLUMNS, policy_adapter, reference_records

if TYPE_CHECKING:
    import pandas as pd

RUNS = dict(
    zip(
        POLICY_ARMS,
        (
            "grpo_arms/base",
            "sft_sizes/sft_2048_seed_{seed}",
            "grpo_arms/mixed_seed_{seed}",
            "sft_then_grpo/sft_2048_grpo_seed_{seed}",
        ),
        strict=True,
    )
)
"""Arm: the folder of its run among the studies' (`vlaa_helpers.dev.studies`)."""


def collect(studies: Path) -> "pd.DataFrame":
    """Put adapters of seed 0 and the responses of all seeds into the package, from the folder of the studies."""
    import pandas as pd

    ids = set(reference_records()["id"])
    rows = []
    for arm, run in RUNS.items():
        for seed in (0,) if arm == "base" else (0, 1, 2):
            folder = studies / run.format(seed=seed)
            for decoding in ("greedy", "sampled"):
                kept = [row for row in load_report(folder / f"test_{decoding}").rows if row["id"] in ids]
                rows += [{"arm": arm, "seed": seed, "decoding": decoding, **row} for row in kept]
            if seed == 0 and (adapter := policy_adapter(arm)) is not None:
                _ship(folder / "adapter", adapter)
    table = pd.DataFrame(rows)[list(RESPONSE_COLUMNS)]
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
    print(table.groupby(["arm", "seed", "decoding"])["correct"].agg(["size", "mean"]).to_string())


if __name__ == "__main__":
    main()
