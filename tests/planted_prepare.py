"""A table of the study `prepare`, with every arm of its plan, in which it is known what RL makes of each."""

import pandas as pd

WEIGHTS = ["sft", "dft", "trsft", "pear_sequence", "pear_token", "pear_block", "entropy_top"]


def row(arm, seed, start, stage, writer, weights, accuracy, source="blocks"):
    about = {"arm": arm, "seed": seed, "start": start, "stage": stage, "traces": writer, "weights": weights}
    return about | {"set": "test", "decoding": "greedy", "source": source, "accuracy": accuracy}


def planted(after_of, seeds=(0, 1, 2)):
    """Arms whose accuracy before RL grows in their order; after RL it is `after_of(writer, place, seed)`."""
    rows = [row("base", 0, "", "", None, None, 0.5)]
    for seed in seeds:
        of_base = dict.fromkeys(("GRPO", "GRPO longer", "TRAPO", "TRAPO, sft"), "Grpo")
        of_base |= dict.fromkeys(("MIFO", "ReLIFT"), "Phases")
        rows += [row(name, seed, "", stage, "blind", None, 0.9) for name, stage in of_base.items()]
        for writer in ("own", "blind"):
            for place, weights in enumerate(WEIGHTS):
                name, told = f"{writer} {weights}", None if weights == "sft" else weights
                rows.append(row(name, seed, "", "Sft", writer, told, 0.1 * place))
                after = after_of(writer, place, seed)
                rows.append(row(f"{name}, GRPO", seed, name, "Grpo", "blind", None, after))
    return pd.DataFrame(rows)
