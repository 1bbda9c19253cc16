"""What is known of the SFT arms of `prepare` before RL, held against their accuracy after it (arXiv 2510.01624).

python -m vlaa_helpers.dev.studies.predict

Each arm of SFT that GRPO goes on from is asked validation questions, sixteen samples each, and its loss is taken on
held-out traces of the blind teacher: `prepare_predictors`, a row an arm and seed. `prepare_predictions` says how well
pass@1, pass@4, pass@16 and the loss tell which arm is best after RL: rank correlation and leave-one-out R², of means
over seeds, with intervals for other arms. Accuracy after RL is that of the table of `prepare`, which has to be shipped
first: test questions, greedy, of the sources that the arms were trained on. Of pass@k those are counted that list no
options, as sixteen guesses among four are nearly always right. The loss is on one writer's traces, so it compares arms
that learned from that writer; of others it also tells how unlike the writer they are.

Of sixteen samples pass@16 is whether any was right, the noisiest of the three. The paper draws four times as many,
leaves out arms whose loss rises while pass@1 does not fall, and joins both predictors; none of that is done here.

Arms that are in the table stay; the same command goes on. An arm takes about 30 seconds (estimated).
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...core.assets import STUDIES as TABLES
from ...evaluation.guessing import free_form_sources
from ...evaluation.predictors import predictor_table
from ...study.arms import Arm, Lab, arm_digest
from ...study.measures import Measure, ask, records_of
from ...study.studies import OUT
from ...study.study_file import load_study
from ...study.traces import SHARED, held_out_traces
from ...study.training import is_trained, policy_of
from .arm_ranks import WRITERS, followers
from .effects import PLANS
from .prepare import NAME, pairs
from .tables import plan_table, write_whole

if TYPE_CHECKING:
    import pandas as pd

ASKED = Measure("validation", "sampled", 50, samples=16)
KS = (1, 4, 16)
PREDICTORS = (*(f"pass_at_{k}" for k in KS), "trace_loss")
KEY = ["arm", "seed", "policy"]


def known_before(arm: Arm, lab: Lab) -> dict[str, Any]:
    """pass@k on validation questions without options, of `n`, and the loss on held-out traces, of a trained arm."""
    from ...training.response_scores import trace_loss

    records = records_of(ASKED)
    free = [source for source in free_form_sources(records) if source in SHARED]
    curve = ask(arm, [ASKED], lab)[ASKED].pass_curve(KS, source=free)
    row = {f"pass_at_{k}": value for k, value in zip(curve["k"], curve["pass_at"], strict=True)}
    loss = trace_loss(*policy_of(arm, lab), held_out_traces(lab.held_out_traces, lab))
    return {"n": curve.attrs["n"], **row, "trace_loss": loss}


def measure(arms: Sequence[Arm], lab: Lab, path: Path) -> "pd.DataFrame":
    """`known_before` of arms that are trained and not in the table yet; gives the table, written arm by arm."""
    import pandas as pd

    rows = pd.read_csv(path).to_dict("records") if path.exists() else []
    digests = {(arm.name, arm.seed): arm_digest(arm, lab) for arm in arms}
    rows = [row for row in rows if digests.get((row["arm"], row["seed"])) == row["policy"]]
    there = {(row["arm"], row["seed"]) for row in rows}
    for arm in arms:
        if (arm.name, arm.seed) not in there and is_trained(arm, lab):
            known = {"arm": arm.name, "seed": arm.seed, "policy": digests[arm.name, arm.seed]}
            found = known_before(arm, lab)
            rows.append(known | {name: round(value, 5) for name, value in found.items()})
            write_whole(pd.DataFrame(rows), path)
    return pd.DataFrame(rows)


def predictions(known: "pd.DataFrame", study: "pd.DataFrame") -> "pd.DataFrame":
    """How well what is known before RL tells accuracy after it.

    Args:
        known: of `measure`.
        study: the table of `prepare`.

    Returns:
        A row a writer ("all": both together) and predictor: `seeds`, those that every arm has, and the columns of
        `predictor_table`; `gain` is over pass@1. A higher loss should mean a worse policy: there a good predictor has a
        correlation near -1. Writers with fewer than five arms are left out.
    """
    import pandas as pd

    found = pairs(study)
    found = found[(found["set"] == "test") & (found["decoding"] == "greedy")]
    whole = known.merge(found[["arm", "seed", "writer", "after"]], on=["arm", "seed"], validate="one_to_one")
    tables = []
    for writer in (*WRITERS, "all"):
        here = whole if writer == "all" else whole[whole["writer"] == writer]
        here = here[here.groupby("arm")["seed"].transform("size") == here.groupby("arm").size().max()]
        means = here.groupby("arm")[[*PREDICTORS, "after"]].mean()
        if len(means) < 5 or means["after"].nunique() == 1:
            continue
        table = predictor_table(means, PREDICTORS, "after").rename_axis("predictor").reset_index()
        seeds = int(here.groupby("arm").size().max())
        tables.append(table.assign(writer=writer, seeds=seeds)[["writer", "predictor", "seeds", *table.columns[1:]]])
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def main(argv: list[str] | None = None) -> None:
    import pandas as pd

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=Path, default=Path(OUT), help="default: %(default)s")
    parser.add_argument("--tables", type=Path, default=TABLES, help="default: the package's")
    options = parser.parse_args(argv)
    path = plan_table(NAME, options.tables)
    if not path.exists():
        parser.error(f"there is no {path}; run the study first, and ship it: …dev.studies.ship {NAME}")
    told, study = load_study(PLANS / f"{NAME}.yaml"), pd.read_csv(path)
    lab, names = told.lab(options.runs), set(followers(study)["arm"])
    arms = [arm for arm in told.study.arms if arm.name in names]
    known = measure(arms, lab, options.tables / f"{NAME}_predictors.csv")
    table = predictions(known, study) if len(known) else known
    if not len(table):
        parser.error(f"fewer than five arms of a writer are trained in {options.runs} and have GRPO after them")
    write_whole(table.round(4), options.tables / f"{NAME}_predictions.csv")
    print(table.round(2).to_string(index=False))


if __name__ == "__main__":
    main()
