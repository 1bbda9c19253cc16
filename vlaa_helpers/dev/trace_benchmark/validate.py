"""The validation of the measures and of the detector on planted traces: tables that stand beside the benchmark.

`python -m vlaa_helpers.dev.trace_benchmark.validate` writes them.
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import numpy as np

from ...core.assets import TRACE_BENCHMARK
from ...core.record_schema import meta_of
from ...mini_world.response_styles import respond
from ...mini_world.scenes import scene_records
from ...pseudo_reasoning.benchmark import PSEUDO_KINDS, load_trace_benchmark
from ...pseudo_reasoning.detector import INPUTS, Auc, PseudoReasoningDetector, auc, calibration, measured
from ...pseudo_reasoning.measures import FACT_COLUMNS, TEXT_COLUMNS, analyze_traces
from ...pseudo_reasoning.validation import measure_area, pairs_of, unseen_kind
from .plant import plant_pairs

if TYPE_CHECKING:
    import pandas as pd

FOLDS = 5
OTHER_SEEDS = (0, 1, 2, 3)
"""Seeds of further benchmarks like the shipped one, to see how much its own seed matters."""


def measure_aucs(train: "pd.DataFrame", test: "pd.DataFrame", columns: Sequence[str]) -> "pd.DataFrame":
    """Each measure alone as a detector: a row a column, with the direction seen in `train` and the area in `test`.

    Args:
        train, test: tables of `measured`.

    Returns:
        `measure`, `pseudo` ("higher" or "lower"), `auc`, `low`, `high` (95%), `n` (traces that have the measure). Below
        0.5 the direction did not carry over. A measure that is the same for all traces has 0.5.
    """
    import pandas as pd

    rows = []
    for name in columns:
        higher, found = measure_area(train, test, name)
        rows.append({"measure": name, "pseudo": "higher" if higher else "lower", **_columns(found)})
    return pd.DataFrame(rows)


def _columns(found: Auc) -> dict[str, Any]:
    return {"auc": found.value, "low": found.low, "high": found.high, "n": found.n}


def combined_aucs(train: "pd.DataFrame", test: "pd.DataFrame") -> "pd.DataFrame":
    """The combined score, from text alone and with facts, and as a control the words of a trace instead of measures.

    Returns:
        `inputs`, `evaluated`, `kind` ("all", or the pairs with this one of `PSEUDO_KINDS`), `auc`, `low`, `high`, `n`.
        Evaluated are: "train, cross-validated" by pairs; "test" after fitting on all of train; "test, kind unseen"
        after fitting on train without the pairs of this kind; "styles", the careful and the rambling style of the mini
        VLM's instruction mix, which share no generator with the planted traces.
    """
    import pandas as pd

    return pd.DataFrame(_combined(train, test))


def _combined(train: "pd.DataFrame", test: "pd.DataFrame") -> Iterator[dict]:
    styles = style_table()

    def row(inputs: str, evaluated: str, kind: str, part: "pd.DataFrame", scores: np.ndarray) -> dict:
        found = auc(scores, part["pseudo"], part["pair"])
        return {"inputs": inputs, "evaluated": evaluated, "kind": kind, **_columns(found)}

    for inputs, columns in INPUTS.items():
        yield row(inputs, "train, cross-validated", "all", train, cross_validated(train, columns))
        fitted = PseudoReasoningDetector(columns).fit(train, train["pseudo"])
        yield row(inputs, "test", "all", test, fitted.score(test))
        for kind in PSEUDO_KINDS:
            part = pairs_of(test, kind)
            yield row(inputs, "test", kind, part, fitted.score(part))
        for kind in PSEUDO_KINDS:
            found = unseen_kind(train, test, kind, inputs)
            yield {"inputs": inputs, "evaluated": "test, kind unseen", "kind": kind, **_columns(found)}
        yield row(inputs, "styles", "all", styles, fitted.score(styles))
    yield row("words (control)", "test", "all", test, _score_words(train, test))


def cross_validated(table: "pd.DataFrame", columns: Sequence[str], *, folds: int = FOLDS) -> np.ndarray:
    """The score of each trace by a detector fitted on other pairs: `folds` parts, a pair always in one of them."""
    from sklearn.model_selection import GroupKFold

    scores = np.empty(len(table))
    for rest, part in GroupKFold(folds).split(table, groups=table["pair"]):
        fitted = PseudoReasoningDetector(columns).fit(table.iloc[rest], table["pseudo"].iloc[rest])
        scores[part] = fitted.score(table.iloc[part])
    return scores


def _score_words(train: "pd.DataFrame", test: "pd.DataFrame") -> np.ndarray:
    """Logistic regression over which words stand in a response: what can be had without measuring anything."""
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    words = CountVectorizer(binary=True, token_pattern=r"\S+")
    model = make_pipeline(words, LogisticRegression(C=0.1, max_iter=2000)).fit(train["response"], train["pseudo"])
    return model.predict_proba(test["response"])[:, 1]


def style_table(n: int = 600, *, seed: int = 0) -> "pd.DataFrame":
    """`n` test scenes, each answered in the careful style and in the rambling one, which counts as pseudo."""
    rows, labels = [], []
    for record in scene_records(n, seed=seed, split="test"):
        meta = meta_of(record)
        for style in ("careful", "ramble"):
            rng, name = Random(f"{record['id']}-{style}"), f"{record['id']}-{style}"
            response = respond(record["source"], meta["facts"], meta["task"], rng, style=style, keep_format=True)
            rows.append({**record, "id": name, "response": response})
            labels.append((record["id"], style == "ramble"))
    pairs, pseudo = zip(*labels, strict=True)
    return analyze_traces(rows, rows).assign(pair=pairs, pseudo=pseudo)


def other_seeds(seeds: Sequence[int] = OTHER_SEEDS) -> "pd.DataFrame":
    """The combined score on benchmarks made with other seeds: `seed`, `inputs`, `auc`, `low`, `high`, `n`."""
    import pandas as pd

    rows = []
    for seed in seeds:
        planted = list(plant_pairs(seed=seed))
        train, test = (measured([row for row in planted if row["split"] == split]) for split in ("train", "test"))
        for inputs, columns in INPUTS.items():
            scores = PseudoReasoningDetector(columns).fit(train, train["pseudo"]).score(test)
            rows.append({"seed": seed, "inputs": inputs, **_columns(auc(scores, test["pseudo"], test["pair"]))})
    return pd.DataFrame(rows)


def all_tables() -> "dict[str, pd.DataFrame]":
    """Every table of the validation by name, rounded to three decimals."""
    train, test = (measured(load_trace_benchmark(split)) for split in ("train", "test"))
    tables = {
        "measures": measure_aucs(train, test, [*TEXT_COLUMNS, *FACT_COLUMNS]),
        "detector": combined_aucs(train, test),
        "seeds": other_seeds(),
    }
    for inputs, columns in INPUTS.items():
        scores = PseudoReasoningDetector(columns).fit(train, train["pseudo"]).score(test)
        tables[f"calibration_{inputs.replace(' ', '_')}"] = calibration(scores, test["pseudo"])
    return {name: table.round(3) for name, table in tables.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description="Validate the measures and the detector on planted traces.")
    parser.add_argument("--out", type=Path, default=TRACE_BENCHMARK, help="default: the package's own folder")
    options = parser.parse_args()
    for name, table in all_tables().items():
        table.to_csv(options.out / f"{name}.csv", index=False)
        print(f"{name}\n{table.to_string()}\n")


if __name__ == "__main__":
    main()
