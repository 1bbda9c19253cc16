"""Viewers to click through: records, scored responses, and the rollouts of a training."""

import html
import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..core.record_schema import meta_of
from ..core.trace_text import aha_words
from ..pseudo_reasoning.marks import cue_marks, marked_html
from .slides import Slides, page_figure, text_html

if TYPE_CHECKING:
    import pandas as pd
    from datasets import Dataset
    from matplotlib.figure import Figure

    from ..rewards.score import Score


class Viewer(Slides):
    """Pages to click through, each an image with named texts.

    Args:
        pages: how many.
        page: number to (record, name to text).
    """

    def __init__(self, pages: int, page: Callable[[int], tuple[Mapping, dict[str, str]]]):
        if not pages:
            raise ValueError("nothing to view: no records")
        super().__init__(pages, "page", f"{pages} pages")
        self.page = page

    def figure(self, number: int = 0) -> "Figure":
        """One page as a matplotlib figure: the image, and the texts beside it."""
        from .plots.gallery import wrap

        record, parts = self.page(number)
        text = "\n\n".join(f"{name.upper()}\n{wrap(said, width=84)}" for name, said in parts.items())
        figure, right = page_figure(record["image"], max(2.6, 0.155 * (text.count("\n") + 1)))
        right.text(0, 1, text, va="top", fontsize=8, family="monospace", transform=right.transAxes, parse_math=False)
        return figure

    def record_and_html(self, number: int) -> tuple[Mapping, str]:
        record, parts = self.page(number)
        return record, "".join(f"<b>{html.escape(name)}</b>{text_html(said)}" for name, said in parts.items())


def view_records(records: "Dataset") -> Viewer:
    """A viewer of built records: the image, the question, what each step of the pipeline wrote, and the verdict.

    Raises:
        ValueError: no records.
    """
    return Viewer(len(records), lambda number: (records[number], record_parts(records[number])))


def view_scores(records: "Dataset", responses: "Sequence[str]", scores: "Sequence[Score]") -> Viewer:
    """A viewer of scored responses: the image, the question, the response, its reward and the reason.

    Raises:
        ValueError: no records, or not one response and one score for each.
    """
    if not len(records) == len(responses) == len(scores):
        raise ValueError(
            f"{len(records)} records, {len(responses)} responses and {len(scores)} scores; expected as many"
        )

    def page(number: int) -> tuple[Mapping, dict[str, str]]:
        row, score = records[number], scores[number]
        value = "left out" if score.value is None else f"{score.value:.2f}"
        parts = {
            "question": row["question"],
            "ground truth": f"{row['gt']}  ({row['verifier_type']})",
            "response": responses[number],
            "reward": f"{value}  {score.reason}",
        }
        return row, parts

    return Viewer(len(records), page)


def record_parts(row: Mapping) -> dict[str, str]:
    """What there is to read in a record, in the order it came about: name to text."""
    notes = meta_of(row).get("provenance", {})
    said = {step: note.get("text", "") for step, note in notes.items()}
    rewritten = said.get("rewrite", "")
    cues = notes.get("split", {}).get("cues", {}).get("substring", [])
    parts = {
        "question": row["question"],
        "ground truth": row["gt"],
        "caption": row["caption"],
        "trace": said.get("reason", "") or row["response"],
        "rewritten": rewritten if rewritten != said.get("reason") else "",
        "verdict": said.get("verify", ""),
        "cues": ", ".join(cues) or ("none" if notes.get("split") else ""),
    }
    return {name: text for name, text in parts.items() if text}


GAIN, LOSS, EVEN = "#1b7837", "#b9511a", "#6b6b6b"
"""Of completions that the step made likelier, less likely, or left alone; told apart by colour-blind readers, and dark
enough for text on white (a contrast of 4.5 or more)."""


class RolloutViewer(Slides):
    """A slider over the steps, one over the groups of a step, and the completions of a group, best advantage first.

    Args:
        groups: the rows of each, in the order of steps.
        record_of: id to record.
    """

    def __init__(self, groups: "Sequence[pd.DataFrame]", record_of: Callable[[str], Mapping]):
        self.groups, self.record_of = groups, record_of
        self.steps: dict[int, list[int]] = {}
        for number, group in enumerate(groups):
            self.steps.setdefault(int(group["step"].iloc[0]), []).append(number)
        super().__init__(len(groups), "group", f"{len(groups)} groups of {len(self.steps)} steps")

    def figure(self, number: int = 0, *, most: int = 4, characters: int = 500) -> "Figure":
        """One group as a matplotlib figure; of more than `most` completions the best and the worst, each cut short."""
        from .plots.gallery import wrap

        group = self.groups[number]
        rows = group.to_dict("records")
        left_out = len(rows) - most
        shown = rows if left_out <= 0 else rows[: (most + 1) // 2] + rows[len(rows) - most // 2 :]
        lines = [(text, "black", "normal") for text in wrap("\n".join(_asked(group).values()), width=92).splitlines()]
        for place, row in enumerate(shown):
            between = f"  ({left_out} between are left out)" if left_out > 0 and place == (most + 1) // 2 else ""
            text = row["completion"]
            text = text if len(text) <= characters else text[:characters] + " …"
            lines += [("", "black", "normal"), (_verdict(row) + between, _colour(row["advantage"]), "bold")]
            lines += [(line, "0.15", "normal") for line in wrap(text, width=92).splitlines()]
            if cues := aha_words(row["completion"]):
                lines.append((f"cues: {', '.join(cues)}", _colour(row["advantage"]), "normal"))
        height = max(2.4, 0.16 * (len(lines) + 1))
        record = self.record_of(group["id"].iloc[0])
        figure, right = page_figure(record["image"], height, text_width=3.4)
        for place, (text, colour, weight) in enumerate(lines):
            right.text(
                0, 1 - place * 0.16 / height, text, color=colour, weight=weight, va="top", fontsize=8,
                family="monospace", transform=right.transAxes, parse_math=False,
            )  # fmt: skip
        return figure

    def record_and_html(self, number: int) -> tuple[Mapping, str]:
        group = self.groups[number]
        return self.record_of(group["id"].iloc[0]), _group_html(group)

    def sliders(self) -> tuple[Sequence[Any], Callable[[], int]]:
        """One over the steps, and one over the groups of the step that it stands at."""
        import ipywidgets

        steps = ipywidgets.SelectionSlider(options=list(self.steps), description="step")
        groups = ipywidgets.IntSlider(description=self.unit)

        def number() -> int:
            pages = self.steps[steps.value]
            groups.max = len(pages) - 1
            return pages[groups.value]

        return [steps, groups], number


def view_rollouts(rollouts: "pd.DataFrame", records: "Dataset") -> RolloutViewer:
    """A viewer of what a policy wrote while it was trained: step by step, the completions of each prompt by advantage.

    Args:
        rollouts: as `load_rollouts` gives them.
        records: those that the run trained on; they have the images.

    Raises:
        ValueError: no rollouts, or prompts that are not among the records.
    """
    if not len(rollouts):
        raise ValueError("nothing to view: no rollouts")
    places = {name: place for place, name in enumerate(records["id"])}
    strange = sorted(set(rollouts["id"]) - set(places))
    if strange:
        raise ValueError(
            f"{len(strange)} of {rollouts['id'].nunique()} prompts are not among the records, for example "
            f"{strange[0]}; pass the records that the run trained on"
        )
    ranked = rollouts.sort_values("advantage", ascending=False, kind="stable")
    groups = [group for _, group in ranked.groupby(["step", "group"])]
    return RolloutViewer(groups, lambda name: records[places[name]])


def _asked(group: "pd.DataFrame") -> dict[str, str]:
    row = group.iloc[0]
    even = "" if group["advantage"].any() else "  None earned more than another: this group taught nothing."
    return {
        "prompt": f"step {row['step']}, group {row['group']}: {row['id']}.{even}",
        "question": row["question"],
        "ground truth": f"→ {row['gt']}  ({row['verifier_type']})",
    }


def _verdict(row: Mapping) -> str:
    reward = "left out" if math.isnan(row["reward"]) else f"{row['reward']:.2f}"
    cut = ", cut" if row["truncated"] else ""
    garbled = ", garbled" if row.get("garbled") else ""  # logs of earlier versions do not say
    return f"advantage {row['advantage']:+.2f}  reward {reward}  {row['reason']}  {row['tokens']} tokens{cut}{garbled}"


def _colour(advantage: float) -> str:
    return GAIN if advantage > 0 else LOSS if advantage < 0 else EVEN


def _group_html(group: "pd.DataFrame") -> str:
    asked = "".join(f"<b>{name}</b>{text_html(text)}" for name, text in _asked(group).items())
    said = "".join(
        f"<div style='border-left: 4px solid {_colour(row['advantage'])}; padding-left: 8px; margin: 6px 0'>"
        f"<b style='color: {_colour(row['advantage'])}'>{html.escape(_verdict(row))}</b>"
        f"<pre style='white-space: pre-wrap'>{_with_cues(row['completion'])}</pre></div>"
        for row in group.to_dict("records")
    )
    return asked + said


def _with_cues(text: str) -> str:
    """A completion as HTML, its cues marked as the paper counts them: inside other words too."""
    return marked_html(text, cue_marks(text, whole_words=False))
