"""A table of the study `prepare` in which it is known what RL makes of each arm."""

import pandas as pd

WEIGHTS = ["sft", "dft", "trsft", "pear_sequence", "pear_token", "pear_block", "entropy_top"]


def row(arm, seed, start, stage, writer, weights, accuracy, source="blocks"):
    about = {"arm": arm, "seed": seed, "start": start, "stage": stage, "traces": writer, "weights": weights}
    return about | {"set": "test", "decoding": "greedy", "source": source, "accuracy": accuracy}


def planted(after_of, seeds=(0, 1, 2)):
    """Arms whose accuracy before RL grows in their order; after RL it is `after_of(writer, place, seed)`."""
    rows = [row("GRPO", 0, "", "Grpo", "blind", None, 0.9), row("base", 0, "", "", None, None, 0.5)]
    for seed in seeds:
        for writer in ("own", "blind"):
            for place, weights in enumerate(WEIGHTS):
                name, told = f"{writer} {weights}", None if weights == "sft" else weights
                rows.append(row(name, seed, "", "Sft", writer, told, 0.1 * place))
                after = after_of(writer, place, seed)
                rows.append(row(f"{name}, GRPO", seed, name, "Grpo", "blind", None, after))
    return pd.DataFrame(rows)
