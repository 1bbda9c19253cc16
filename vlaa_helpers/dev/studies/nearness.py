"""How near a base is to the traces that it is trained on: its loss on them, into the package's table "trace_losses".

python -m vlaa_helpers.dev.studies.nearness
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ...core.assets import STUDIES as TABLES
from ...policy.loading import load_policy
from ...policy.profiles import get_profile
from ...study.arms import Lab
from ...study.studies import OUT
from ...study.traces import Traces, make_traces
from ...training.response_scores import trace_loss
from .tables import write_whole

if TYPE_CHECKING:
    import pandas as pd

PROFILES = ("mini", "mini_middle", "mini_weak")
KINDS = ("own", "blind")
"""Of shared questions: the policy's own right responses, and a stranger's traces (`SFT …, own`, `SFT …, shared`)."""
NUMBER = 2048
ASKED = 512
"""Traces the loss is taken on, the first of those that the arm was trained on."""


def losses(runs: Path, seeds: tuple[int, ...] = (0, 1, 2)) -> "pd.DataFrame":
    """Mean loss of a token, in nats, of each base on both kinds of traces: a row a base, kind and seed."""
    import pandas as pd

    rows = []
    for name in PROFILES:
        profile = get_profile(name)
        lab = Lab({name: profile}, runs)
        model, processor = load_policy(profile, trainable=False)
        for seed in seeds:
            for kind in KINDS:
                records = make_traces(Traces(kind, NUMBER, shared=True), profile, seed, lab).select(range(ASKED))
                loss = round(trace_loss(model, processor, records), 4)
                rows.append({"profile": name, "traces": kind, "seed": seed, "n": ASKED, "loss": loss})
    return pd.DataFrame(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=Path, default=Path(OUT), help="default: %(default)s")
    parser.add_argument("--tables", type=Path, default=TABLES, help="default: the package's")
    options = parser.parse_args()
    table = losses(options.runs)
    write_whole(table, options.tables / "trace_losses.csv")
    print(table.to_string(index=False))


if __name__ == "__main__":
    main()
