"""What a model answered to held-out records, and how two models compare on the same ones.

A wrong answer, a missing answer, a response cut at the length limit and one that is no text are different things and
are counted apart.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..core.kept_rows import RESPONSES, SETTINGS, load_kept
from ..core.statistics import bootstrap_interval, pass_at_k, sign_test, wilson_interval
from ..mini_world.garbled import is_garbled
from ..mini_world.scenes import source_of_scene
from .report_checks import check_rows, check_settings

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class EvalReport:
    """What a model answered to held-out records.

    Attributes:
        rows: one dictionary a response: `id`, `source`, `question`, `gt`, `response`, `answer`, `value` (reward, 0-1;
            None where no score could be had), `reason`, `correct`, `has_answer`, `is_strict`, `truncated`,
            `garbled` (`is_garbled`), `tokens`, `seconds` (its share of the generation's time).
        samples: responses an item; 1 with greedy decoding.
        settings: how the responses were drawn, and by which model.
    """

    rows: tuple[dict, ...]
    samples: int
    settings: dict = field(default_factory=dict)

    @property
    def accuracy(self) -> float:
        """Share of right responses, 0-1, among those that could be scored."""
        return float(_scored(self.to_frame())["correct"].mean())

    @property
    def interval(self) -> tuple[float, float]:
        """95% interval of the accuracy: Wilson for one response an item, else bootstrap over items."""
        return _interval(_scored(self.to_frame()), self.samples)

    @property
    def format_failures(self) -> float:
        """Share of responses without an answer that can be told, truncated ones included."""
        return 1 - self._mean("has_answer")

    @property
    def truncated(self) -> float:
        """Share of responses cut at the length limit."""
        return self._mean("truncated")

    @property
    def garbled(self) -> float:
        """Share of responses that are no text (`is_garbled`), 0-1. Above 0.01 a run is not to be called reasoning."""
        return self._mean("garbled")

    @property
    def unscored(self) -> float:
        """Share of responses that could not be scored (a judge that did not reply); they are in no accuracy."""
        return float(np.mean([row["value"] is None for row in self.rows]))

    @property
    def images(self) -> str:
        """What the model was shown: "true" images, or those of a control, "blank" or "swapped"."""
        return self.settings.get("images", "true")

    @property
    def prompt(self) -> str:
        """How the model was asked: "ours" (think and answer tags) or its "own" prompt (`evaluate`)."""
        return self.settings.get("prompt", "ours")

    @property
    def tokens_per_second(self) -> float:
        return sum(row["tokens"] for row in self.rows) / sum(row["seconds"] for row in self.rows)

    @property
    def by_source(self) -> "pd.DataFrame":
        """A row a source and one for all: n (items), accuracy with its 95% bounds, no_answer, truncated, garbled,
        tokens."""
        import pandas as pd

        frame = self.to_frame()
        parts = [*frame.groupby("source", sort=False), ("all", frame)]
        return pd.DataFrame({name: _summary(part, self.samples) for name, part in parts}).T.astype({"n": int})

    def pass_at(self, k: int) -> float:
        """Mean over items of `pass_at_k`; needs at least `k` samples an item."""
        correct = self.to_frame().groupby("id")["correct"].sum()
        return float(np.mean([pass_at_k(self.samples, int(c), k) for c in correct]))

    def pass_curve(
        self,
        ks: Sequence[int] = (1, 2, 4, 8),
        *,
        source: str | Sequence[str] | None = None,
        guess: "pd.DataFrame | None" = None,
    ) -> "pd.DataFrame":
        """pass@k for several k: columns `k`, `pass_at`, `low`, `high` (95%, resampling items); `attrs["n"]` items.

        Args:
            ks: from 1 to the samples an item.
            source: one, or several taken together (`free_form_sources`); None takes all.
            guess: `guess_pass_curve` of the same records and ks. Two more columns are then `guess`, what guessing
                earns, and `above_guess`, pass@k less that: among four options sixteen guesses are nearly always right.
                That is the same for all models, so it changes no rank: to rank, leave such sources out.

        Raises:
            ValueError: `guess` lacks a k or a source.
        """
        import pandas as pd

        frame = self.to_frame()
        if source is not None:
            frame = frame[frame["source"].isin([source] if isinstance(source, str) else source)]
        per_item = frame.groupby("id")["correct"].sum()
        sources = frame.drop_duplicates("id")["source"].value_counts()
        rows = []
        for k in ks:
            items = [pass_at_k(self.samples, int(c), k) for c in per_item]
            low, high = bootstrap_interval(items)
            row = {"k": k, "pass_at": float(np.mean(items)), "low": low, "high": high}
            if guess is not None:
                row["guess"] = _guess_of(guess, sources, k)
                row["above_guess"] = row["pass_at"] - row["guess"]
            rows.append(row)
        table = pd.DataFrame(rows)
        table.attrs["n"] = len(per_item)
        return table

    def to_frame(self) -> "pd.DataFrame":
        """Every response as a pandas row."""
        import pandas as pd

        return pd.DataFrame(self.rows)

    def _mean(self, column: str) -> float:
        return float(np.mean([row[column] for row in self.rows]))

    def __str__(self) -> str:
        low, high = self.interval
        decoding = "greedy" if self.samples == 1 else f"{self.samples} samples an item"
        shown = "" if self.images == "true" else f", {self.images} images"
        shown += "" if self.prompt == "ours" else f", the model's {self.prompt} prompt"
        items = len(self.rows) // self.samples
        unscored = f", not scored {self.unscored:.1%}" if self.unscored else ""
        return (
            f"accuracy {self.accuracy:.1%} (95% {low:.1%} to {high:.1%}), n = {items}, {decoding}{shown}; "
            f"no answer {self.format_failures:.1%}, truncated {self.truncated:.1%}, "
            f"garbled {self.garbled:.1%}{unscored}"
        )


def _guess_of(guess: "pd.DataFrame", sources: "pd.Series", k: int) -> float:
    """pass@k of guessing over the items of some sources, of which `sources` says how many each has."""
    there = guess[guess["k"] == k].set_index("source")["pass_at"]
    if missing := [name for name in sources.index if name not in there.index]:
        raise ValueError(
            f"guess has no pass@{k} of {missing[0]!r}; make it of the records that were asked: "
            f"guess_pass_curve(records, (…, {k}))"
        )
    return float((there[sources.index] * sources).sum() / sources.sum())


def _scored(frame: "pd.DataFrame") -> "pd.DataFrame":
    return frame[frame["value"].notna()]


def _interval(frame: "pd.DataFrame", samples: int) -> tuple[float, float]:
    if samples == 1:
        return wilson_interval(int(frame["correct"].sum()), len(frame))
    return bootstrap_interval(frame.groupby("id")["correct"].mean().to_numpy())


def _summary(frame: "pd.DataFrame", samples: int) -> dict[str, float]:
    low, high = _interval(_scored(frame), samples)
    return {
        "n": len(frame) // samples,
        "accuracy": _scored(frame)["correct"].mean(),
        "low": low,
        "high": high,
        "no_answer": 1 - frame["has_answer"].mean(),
        "truncated": frame["truncated"].mean(),
        "garbled": frame["garbled"].mean(),
        "tokens": frame["tokens"].mean(),
    }


def with_garbled(rows: Iterable[dict]) -> tuple[dict, ...]:
    """Rows of a report, each with `garbled`: evaluations of earlier versions did not note it, their text tells it. A
    row without what tells it is left as it is."""

    def judged(row: dict) -> dict:
        if "garbled" in row or not row.keys() >= {"id", "response", "truncated"}:
            return row
        return {**row, "garbled": is_garbled(row["response"], source_of_scene(row["id"]), truncated=row["truncated"])}

    return tuple(map(judged, rows))


def load_report(folder: str | Path) -> EvalReport:
    """The report that `evaluate(…, out=folder)` wrote, by this version or an earlier one.

    Raises:
        FileNotFoundError: no report there.
        ValueError: an evaluation that did not come to its end, or a file that holds anything else; names file and line.
    """

    def wanted(settings: dict) -> int:
        check_settings(settings, Path(folder) / SETTINGS)
        return settings["records"] * settings["samples"]

    rows, settings = load_kept(folder, what="responses", made_by="evaluate", wanted=wanted)
    check_rows(rows, Path(folder) / RESPONSES)
    return EvalReport(with_garbled(rows), settings["samples"], settings)


@dataclass(frozen=True)
class Comparison:
    """Two models on the same items: the difference in accuracy (after minus before), its 95% interval, McNemar's p."""

    difference: float
    low: float
    high: float
    p_value: float
    n: int

    def __str__(self) -> str:
        sign = "excludes" if self.low > 0 or self.high < 0 else "includes"
        return (
            f"{self.difference:+.1%} (95% {self.low:+.1%} to {self.high:+.1%}, which {sign} zero), "
            f"n = {self.n} paired items, exact McNemar (sign test) p = {self.p_value:.2g}"
        )


def check_same_items(before: Iterable[str], after: Iterable[str]) -> None:
    """Raises ValueError for ids of other items, or of none: only answers to the same ones are paired."""
    ids = set(before), set(after)
    if ids[0] != ids[1] or not ids[0]:
        only = sorted(ids[0] ^ ids[1])
        example = f", for example {only[0]}" if only else ""
        raise ValueError(f"the reports differ in {len(only)} items{example}; evaluate both on the same records")


def compare_reports(before: EvalReport, after: EvalReport, *, source: str | None = None) -> Comparison:
    """Pair two reports item by item: a bootstrap of the difference, and the exact McNemar test of which items changed.

    Args:
        source: compare the items of this source alone.

    Raises:
        ValueError: the reports are not about the same items. Items that one of them could not score are left out.
    """
    frames = [report.to_frame() for report in (before, after)]
    if source is not None:
        frames = [frame[frame["source"] == source] for frame in frames]
    check_same_items(*(frame["id"] for frame in frames))
    old, new = (_scored(frame).groupby("id", sort=False)["correct"].mean() for frame in frames)
    both = old.index.intersection(new.index)
    change = (new.reindex(both) - old.reindex(both)).to_numpy()
    low, high = bootstrap_interval(change)
    p_value = sign_test(int((change > 0).sum()), int((change < 0).sum()))
    return Comparison(float(change.mean()), low, high, p_value, len(change))
