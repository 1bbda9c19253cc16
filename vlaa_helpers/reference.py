"""Runs that come with the package, and the held-out sets they were measured on: readers only (`dev` made them)."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from .core.assets import POLICIES, REFERENCE, STUDIES

if TYPE_CHECKING:
    import pandas as pd
    from datasets import Dataset

TEST_SEED = 2027
ASKED_ABOUT = ("blocks", "angles", "charts", "functions", "boxes", "stories")
"""Sources of the held-out sets, in order: a kind that is added later changes neither them nor what was answered."""
SETS = {"test": 300, "shifted": 300, "text": 100}
"""Held-out sets of the mini world, and records a source in each."""


def held_out(name: str, per_source: int | None = None) -> "Dataset":
    """Make a held-out set: scenes that no training set of the series holds.

    Args:
        name: one of `SETS`.
        per_source: records of each of the six sources; as many as `SETS` says when left out.

    Raises:
        ValueError: an unknown set.
    """
    if name not in SETS:
        raise ValueError(f"unknown held-out set {name!r}; expected one of {', '.join(SETS)}")
    from .mini_world.scenes import make_scenes

    n = (per_source or SETS[name]) * len(ASKED_ABOUT)
    return make_scenes(n, sources=ASKED_ABOUT, split=name, seed=TEST_SEED)


def reference_table(name: str) -> "pd.DataFrame":
    """Read a shipped table or training log of the series' own runs (`dev.studies` made them).

    Args:
        name: "sft_rates", "sft_sizes", "sft_content", "sft_then_grpo", "grpo_arms" or "grpo_pass_at" are tables of
            studies with a row a measurement, and "arms" says how each of their arms was trained; "grpo_mixed_seed_0"
            and "sft_grpo_seed_0" (seeds 0, 1 and 2) are logs with a row a step; "yields_20000" is what a build of
            20,000 records left after each step. A name that is not there is answered with all that are.

    Raises:
        ValueError: no such table.

    >>> list(reference_table("yields_20000").columns[:3])
    ['source', 'original', 'collected']
    """
    import pandas as pd

    there = {path.name.split(".")[0]: path for folder in (REFERENCE, STUDIES) for path in folder.glob("*.csv*")}
    if name not in there:
        raise ValueError(f"no table {name!r} comes with the package; expected one of {', '.join(sorted(there))}")
    return pd.read_csv(there[name])


def reference_benchmark(name: str) -> dict:
    """Read what a shipped benchmark measured.

    Args:
        name: "grpo_step_cpu", a step of GRPO (`dev.benchmarks.step`), "grpo_step_two_threads", the same on two threads
            (`dev.benchmarks.apart`), "shared_prefix_cpu", prompts that are shared over a grid of sizes
            (`dev.benchmarks.shared_prefix`), "image_cache_cpu", what keeping the features of images saves of a step
            (`dev.benchmarks.image_cache`), "memory_cpu", memory of training against its prediction
            (`dev.benchmarks.memory`), or "true_size_cpu", a model of 3.75 billion parameters through loading, SFT,
            GRPO and merging (`dev.benchmarks.true_size`); all on two cores of a CPU.

    Raises:
        ValueError: no such benchmark.
    """
    if not (REFERENCE / f"{name}.json").is_file():
        there = ", ".join(sorted(path.stem for path in REFERENCE.glob("*.json")))
        raise ValueError(f"no benchmark {name!r} comes with the package; expected one of {there}")
    return json.loads((REFERENCE / f"{name}.json").read_text(encoding="utf-8"))


OUTCOMES = "_outcomes.parquet"
RULES = ("digit", "choice", "math", "box")
REWARD_ARMS = {
    "mixed": (*RULES, "open_ended"),
    "all rules": RULES,
    **{f"w/o {rule}": tuple(kind for kind in RULES if kind != rule) for rule in RULES},
}
"""Verifiers of each arm of the paper's table 5; by its ticks, "w/o" arms leave out the open-ended reward too. The study
`grpo_arms` has "only digit" and so on besides: each verifier alone."""
POLICY_ARMS = ("base", "SFT", "GRPO", "SFT→GRPO")
"""The policies of the earlier chapters. SFT is one pass over 2,048 traces of the blind teacher."""
ASKED = 50
"""Questions a source, the first of the test set, whose responses are kept; greedy ones, and four sampled."""
RESPONSE_COLUMNS = (
    "arm", "seed", "decoding", "id", "source", "response", "answer", "value", "reason", "correct", "has_answer",
    "truncated", "garbled", "tokens",
)  # fmt: skip


def policy_adapter(arm: str) -> Path | None:
    """Folder of an arm's adapter, of seed 0, for `load_policy(profile, adapter=…)`; None for "base", which has none.

    Raises:
        ValueError: an unknown arm.
    """
    if arm not in POLICY_ARMS:
        raise ValueError(f"unknown arm {arm!r}; expected one of {', '.join(POLICY_ARMS)}")
    return None if arm == "base" else POLICIES / _name(arm)


def reference_records() -> "Dataset":
    """The records that the kept responses answer: `ASKED` questions a source of the test set."""
    return held_out("test", ASKED)


def reference_responses(arm: str | None = None, *, decoding: str | None = None) -> "pd.DataFrame":
    """What the arms answered to `reference_records`, three seeds each (one of "base"): a row a response.

    Args:
        arm: one of `POLICY_ARMS`; all when left out.
        decoding: "greedy" (one response a question) or "sampled" (four, temperature 1); both when left out.

    Returns:
        The columns of `RESPONSE_COLUMNS`, those of `EvalReport.rows` among them.
    """
    import pandas as pd

    table = pd.read_parquet(POLICIES / "responses.parquet")
    wanted = {"arm": arm, "decoding": decoding}
    for column, value in wanted.items():
        if value is not None:
            table = table[table[column] == value]
    return table.reset_index(drop=True)


def study_responses() -> "pd.DataFrame":
    """What arms of the studies answered to `reference_records`, greedily, seed 0: a row a response.

    Returns:
        `study`, `arm` and the columns of `EvalReport.rows` that an explorer needs (`view_arms`).
    """
    import pandas as pd

    return pd.read_parquet(STUDIES / "responses.parquet")


def study_outcomes(name: str) -> "pd.DataFrame":
    """What became of every question in a shipped study: a row a response, of all arms, seeds and measures.

    Args:
        name: "sft_or_rl", or another study whose outcomes come with the package.

    Returns:
        `profile`, `arm`, `seed`, `policy`; how it was asked: `set`, `decoding`, `images_shown`; `id` and `source` of
        the question; `correct` (0 or 1), `words`, and `claims_true`, the share of true ones among the claims that can
        be checked (0-1, NaN where there is none).

    Raises:
        ValueError: no such study.
    """
    import pandas as pd

    there = {path.name.removesuffix(OUTCOMES): path for path in STUDIES.glob(f"*{OUTCOMES}")}
    if name not in there:
        raise ValueError(f"no outcomes of {name!r} come with the package; expected one of {', '.join(sorted(there))}")
    return pd.read_parquet(there[name])


def _name(arm: str) -> str:
    return arm.lower().replace("→", "_")
