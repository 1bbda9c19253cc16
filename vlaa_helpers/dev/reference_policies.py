"""The policies of the earlier chapters and what they answered, for readers who did not train them.

python -m vlaa_helpers.dev.reference_policies
"""

import argparse
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.assets import POLICIES
from ..policy.profiles import get_profile
from ..reference import ASKED, POLICY_ARMS, RESPONSE_COLUMNS, policy_adapter
from ..study.arms import Arm, Lab
from ..study.measures import Measure, ask
from ..study.training import trained_adapter
from .studies.catalogue import grpo_arm, sft_grpo_arm, size_arm

if TYPE_CHECKING:
    import pandas as pd

SEEDS = (0, 1, 2)
ASKING = (Measure("test", "greedy", ASKED), Measure("test", "sampled", ASKED, samples=4))
"""What `reference_responses` holds of each policy."""


def policies(seed: int) -> dict[str, Arm]:
    """The policies of the chapters among the arms of the studies, by the names that the chapters give them."""
    arms = (Arm("base"), size_arm("mini", seed, 2_048), grpo_arm("mini", seed), sft_grpo_arm("mini", seed))
    return dict(zip(POLICY_ARMS, arms, strict=True))


def collect(lab: Lab, folder: Path = POLICIES) -> "pd.DataFrame":
    """Put the adapters of seed 0 and the responses of all seeds into the package; train what the run folder lacks.

    Returns:
        A row a policy, seed and decoding: `n` responses, `accuracy`, `no_answer`, and `garbled` where it was counted.
    """
    import pandas as pd

    rows, told = [], []
    for seed in SEEDS:
        for name, arm in policies(seed).items():
            if name == "base" and seed != SEEDS[0]:
                continue
            for measure, report in ask(arm, ASKING, lab).items():
                known = {"arm": name, "seed": seed, "decoding": measure.decoding}
                rows += [known | row for row in report.rows]
                shares = report.by_source.loc["all"]
                told.append(known | {"n": len(report.rows), **shares.reindex(["accuracy", "no_answer", "garbled"])})
            if seed == SEEDS[0] and (adapter := trained_adapter(arm, lab)) is not None:
                _ship(adapter, folder / policy_adapter(name).name)
    folder.mkdir(parents=True, exist_ok=True)
    kept = pd.DataFrame(rows)[list(RESPONSE_COLUMNS)]
    order = {name: k for k, name in enumerate(POLICY_ARMS)}
    kept = kept.sort_values("arm", key=lambda names: names.map(order), kind="stable")
    kept.to_parquet(folder / "responses.parquet", compression="zstd", index=False)
    return pd.DataFrame(told)


def _ship(saved: Path, to: Path) -> None:
    """An adapter without what belongs to the machine that it was trained on."""
    to.mkdir(parents=True, exist_ok=True)
    shutil.copy(saved / "adapter_model.safetensors", to)
    config = json.loads((saved / "adapter_config.json").read_text())
    config["base_model_name_or_path"] = Path(config["base_model_name_or_path"]).name
    (to / "adapter_config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=Path, default=Path("runs/studies"), help="default: %(default)s")
    table = collect(Lab({"mini": get_profile("mini")}, parser.parse_args().runs))
    print(table.round(4).to_string(index=False))


if __name__ == "__main__":
    main()
