"""What guessing earns without a look at the image: the line that accuracy and pass@k must be held against."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

import numpy as np

from ..core.statistics import pass_at_k
from ..data.trl_views import to_grpo
from ..rewards.choice import options_of
from ..rewards.mixed import MixedReward, is_correct

if TYPE_CHECKING:
    import pandas as pd
    from datasets import Dataset

DRAWS = 32
"""Guesses drawn for a free-form question, as many samples as a policy would give: pass@k is known up to this k."""
FREE_FORM = "free-form"


def guess_accuracy(records: "Dataset", *, reward: MixedReward | None = None) -> "pd.DataFrame":
    """Expected accuracy, 0-1, of a guess that needs neither image nor model: a row a source.

    A question that lists options is guessed uniformly among them. Any other gets the most frequent ground truth of its
    source (the first to come among equals), which its verifier scores as it would a response. Where ground truths
    hardly repeat (boxes, formulas, descriptions) that is one of many, and earns next to nothing.

    Args:
        reward: scores the guesses at free-form questions, one a record; `MixedReward()` by default.

    Returns:
        By source, then "free-form" where there are both sorts, then "all": `n` questions, `accuracy`, and the `guess`,
        "one of the options" or the ground truth ("" in the last two rows).

    Raises:
        ValueError: no records.
    """
    import pandas as pd

    reward = reward or MixedReward()
    sources = _sources(records)
    earned = {source.name: _best_guess_earns(source, reward) for source in sources}
    guess = {source.name: source.most_frequent or "one of the options" for source in sources}
    rows = {
        name: {"n": len(values), "accuracy": float(np.mean(values)), "guess": guess.get(name, "")}
        for name, values in _with_totals(earned, sources).items()
    }
    return pd.DataFrame.from_dict(rows, orient="index")


def guess_pass_curve(
    records: "Dataset", ks: Sequence[int] = (1, 2, 4, 8), *, seed: int = 0, reward: MixedReward | None = None
) -> "pd.DataFrame":
    """pass@k of guessing: the `EvalReport.pass_curve` of a policy that samples its answers without an image.

    Where a guess is right with chance p, one of k is with 1 - (1 - p)^k; the curve is its mean over questions. A
    question that lists options has p = 1 / options. At any other the guesser draws from the ground truths of the
    source's other records, as often as they occur: 32 are scored, from which `pass_at_k` estimates the curve without
    bias. (To repeat the most frequent one, as in `guess_accuracy`, would gain nothing from a larger k; at k = 1 the
    guesser who draws earns less than that.)

    Args:
        ks: from 1 to 32.
        seed: of the guesses drawn.
        reward: scores the guesses at free-form questions, at most 32 a record; `MixedReward()` by default.

    Returns:
        Columns `source`, `k`, `pass_at` and `n` (questions): each source, then "free-form" where there are both sorts,
        then "all".

    Raises:
        ValueError: no records, or a k below 1 or above 32.
    """
    import pandas as pd

    if odd := [k for k in ks if not 1 <= k <= DRAWS]:
        raise ValueError(f"k={odd[0]}: expected 1 to {DRAWS}, as many guesses as are drawn for a free-form question")
    reward = reward or MixedReward()
    sources = _sources(records)
    curves = {source.name: _drawn_guesses_pass(source, ks, seed, reward) for source in sources}
    rows = [
        {"source": name, "k": k, "pass_at": float(value), "n": len(questions)}
        for name, questions in _with_totals(curves, sources).items()
        for k, value in zip(ks, np.mean(questions, axis=0), strict=True)
    ]
    return pd.DataFrame(rows)


def free_form_sources(records: "Dataset") -> list[str]:
    """The sources in which no question lists options, so that several tries are not right by themselves.

    `report.pass_curve(ks, source=free_form_sources(records))` is pass@k of these alone.
    """
    return [source.name for source in _sources(records) if source.is_free_form]


@dataclass
class _Source:
    """One source's records as a `to_grpo` view, with the number of options that each question lists (0: free-form)."""

    name: str
    view: "Dataset"
    options: list[int]

    def __post_init__(self):
        gts = self.view["gt"][:]
        self.is_free_form = not any(self.options)
        self.free_gts = [gt for gt, n in zip(gts, self.options, strict=True) if not n]
        self.most_frequent = Counter(self.free_gts).most_common(1)[0][0] if self.free_gts else ""


def _sources(records: "Dataset") -> list[_Source]:
    if len(records) == 0:
        raise ValueError("nothing to guess: records is empty")
    view = to_grpo(records)
    options = [
        len(options_of(question)) if kind == "choice" else 0
        for question, kind in zip(view["question"], view["verifier_type"], strict=True)
    ]
    places: dict[str, list[int]] = {}
    for place, name in enumerate(view["source"]):
        places.setdefault(name, []).append(place)
    return [_Source(name, view.select(mine), [options[place] for place in mine]) for name, mine in places.items()]


def _with_totals(values: dict[str, list], sources: Sequence[_Source]) -> dict[str, list]:
    """Values of each source's questions, then of all free-form sources where there are others too, then of all."""
    free = [value for source in sources if source.is_free_form for value in values[source.name]]
    every = [value for mine in values.values() for value in mine]
    return {**values, **({FREE_FORM: free} if 0 < len(free) < len(every) else {}), "all": every}


def _best_guess_earns(source: _Source, reward: MixedReward) -> list[float]:
    """The chance, 0-1, that the guess at each question is right."""
    guess = [source.most_frequent]
    return [
        1 / n if n else float(_are_right(guess, row, reward)[0])
        for row, n in zip(source.view, source.options, strict=True)
    ]


def _drawn_guesses_pass(source: _Source, ks: Sequence[int], seed: int, reward: MixedReward) -> list[list[float]]:
    """pass@k of the guesses at each question, shape (questions, ks); 0 where there is no other record to draw from."""
    rng = Random(f"{seed}/{source.name}")
    gts, own = source.free_gts, -1
    found = []
    for row, n in zip(source.view, source.options, strict=True):
        if n:
            found.append([1 - (1 - 1 / n) ** k for k in ks])
            continue
        own += 1  # the place of this question's ground truth among the free-form ones
        steps = [rng.randrange(1, len(gts)) for _ in range(DRAWS)] if len(gts) > 1 else []
        drawn = Counter(gts[(own + step) % len(gts)] for step in steps)
        are_right = _are_right(list(drawn), row, reward)
        right = sum(count for count, is_right in zip(drawn.values(), are_right, strict=True) if is_right)
        found.append([pass_at_k(DRAWS, right, k) for k in ks])
    return found


def _are_right(answers: Sequence[str], row: Mapping, reward: MixedReward) -> list[bool]:
    """Which of some answers to one question its verifier takes for right."""
    n, kind = len(answers), row["verifier_type"]
    texts = [f"<answer>{answer}</answer>" for answer in answers]
    asked = [row["question"]] * n, [row["meta"]] * n, [row["images"]] * n
    return [is_correct(score, kind) for score in reward.score_all(texts, [row["gt"]] * n, [kind] * n, *asked)]
