"""Traces to look at: what is true and false in them, where they hesitate, what each step adds; and to vote on."""

import html
import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..core.images import decode_image
from ..core.record_schema import meta_of
from ..core.trace_text import step_spans, trace_of
from ..pseudo_reasoning.marks import MARKS, SYMBOLS, Mark, find_marks, marked_html
from .slides import Slides, draw_image, picture_html, text_html, with_fallback

if TYPE_CHECKING:
    from datasets import Dataset
    from matplotlib.figure import Figure

COLOURS = {"true": "#bfe3c8", "false": "#f6b9a9", "unchecked": "#e4e4e4", "wrong": "#f6b9a9", "cue": "none"}
"""Behind the words of a mark, whose symbol stands after them; a cue is underlined instead."""
CUE = "#7b3294"
ADDS, TAKES = "#2166ac", "#d6604d"
"""Bars of steps that make the right answer likelier, and of those that make it less likely."""
LEGEND = " · ".join(f"{SYMBOLS[kind] or 'line below'} {words}" for kind, words in MARKS.items())
WIDTH, TYPE = 74, 8
"""Characters a line, and their size in points."""
CHARACTER, LINE, SIDE = 0.602 * TYPE / 72, 0.2, 1.9
"""Width of a monospaced character, height of a line, side of the image, in inches."""


class TraceViewer(Slides):
    """Traces one by one: image, question, marked steps, and beside each step a bar for what it adds.

    Args:
        rows: for each, `record`, `response`, `verdict` (a line of words) and `gains` (nats a step, or None).
    """

    def __init__(self, rows: Sequence[Mapping]):
        if not rows:
            raise ValueError("nothing to view: no responses")
        super().__init__(len(rows), "trace", f"{len(rows)} traces")
        self.rows = list(rows)

    def figure(self, number: int = 0) -> "Figure":
        """One trace as a matplotlib figure."""
        import matplotlib.pyplot as plt

        row = self.rows[number]
        trace = trace_of(row["response"])
        marks = find_marks(trace, row["record"])
        lines = [line for k, span in enumerate(step_spans(trace)) for line in _lines(trace, span, k)]
        asked = textwrap.wrap(f"{row['record']['question']}  → {row['record']['gt']}", WIDTH - 8)
        head = [*asked, *textwrap.wrap(row["verdict"], WIDTH - 8), ""]
        count = max(len(head) + len(lines) + 2, 10)
        figure = plt.figure(figsize=(SIDE + 0.2 + WIDTH * CHARACTER + 2.2, count * LINE))
        plt.close(figure)
        if row["record"]["image"] is not None:
            image = _inches(figure, 0, (count * LINE - SIDE), SIDE, SIDE)
            image.imshow(decode_image(row["record"]["image"]))
            image.axis("off")
        text = _inches(figure, SIDE + 0.2, 0, WIDTH * CHARACTER, count * LINE)
        text.set(xlim=(0, WIDTH), ylim=(count, 0))
        text.axis("off")
        for place, words in enumerate(head):
            text.text(0, place + 0.5, words, va="center", fontsize=TYPE, weight="bold", parse_math=False)
        for place, (_, start, end) in enumerate(lines, start=len(head)):
            _draw_line(text, trace, start, end, marks, place + 0.5)
        text.text(0, count - 0.4, LEGEND, va="center", fontsize=6.5, color="0.4")
        if row["gains"] is not None:
            bars = _inches(figure, SIDE + 0.2 + WIDTH * CHARACTER, 0, 2.2, count * LINE)
            bars.set(ylim=(count, 0))
            bars.axis("off")
            _draw_bars(bars, row["gains"], [k for k, *_ in lines], len(head))
        return figure

    def record_and_html(self, number: int) -> tuple[Mapping, str]:
        row = self.rows[number]
        return row["record"], _row_html(row)


def view_traces(
    records: "Dataset", responses: Sequence[Mapping], probes: Sequence[Mapping] | None = None
) -> TraceViewer:
    """A viewer of marked traces: ✓ after claims that are true, ✗ after false ones, ≠ after wrong sums, cues underlined.

    Args:
        records: what was asked about, with scene facts where claims are to be checked.
        responses: rows with `id`, `response`, `answer` and `correct`, such as `EvalReport.rows`; `arm`, where there is
            one, is shown.
        probes: `ProbeReport.rows` of the same responses in the same order; adds a bar a step, the change in
            log-probability of the right answer.

    Raises:
        ValueError: no responses, one without a record, or probes of other responses.
    """
    responses = list(responses)
    places = {name: place for place, name in enumerate(records["id"])}
    if lost := [row["id"] for row in responses if row["id"] not in places]:
        raise ValueError(f"no record has the id {lost[0]!r} of a response; pass the records that were asked about")
    if probes is not None and [row["response"] for row in probes] != [row["response"] for row in responses]:
        raise ValueError("these probes are not of these responses; pass the responses that were probed, in their order")
    rows = [
        {
            "record": records[places[row["id"]]],
            "response": row["response"],
            "verdict": f"{row.get('arm', 'answered')}: {row['answer']}, {'right' if row['correct'] else 'wrong'}",
            "gains": None if probes is None else _gains(probes[k]),
        }
        for k, row in enumerate(responses)
    ]
    return TraceViewer(rows)


def _gains(probed: Mapping) -> list[float] | None:
    """What each step added to the log-probability of the right answer; None where that was not measured."""
    values = [cut.get("logp_correct") for cut in probed["cuts"]]
    if len(values) < 2 or None in values:
        return None
    return [after - before for before, after in zip(values, values[1:], strict=False)]


def _lines(trace: str, span: tuple[int, int], step: int) -> list[tuple[int, int, int]]:
    """A step wrapped: (step, start, end) of each line, in characters of the trace."""
    lines, (start, end) = [], span
    while start < end:
        stop = min(end, start + WIDTH)
        if stop < end and (cut := trace.rfind(" ", start, stop)) > start:
            stop = cut
        newline = trace.find("\n", start, stop)
        stop = newline if newline > start else stop
        lines.append((step, start, stop))
        start = stop
        while start < end and trace[start].isspace():
            start += 1
    return lines


def _inches(figure: "Figure", left: float, bottom: float, width: float, height: float) -> Any:
    """Axes at a place in inches: marks stand right only where a character is as wide as it is taken to be."""
    wide, high = figure.get_size_inches()
    return figure.add_axes((left / wide, bottom / high, width / wide, height / high))


def _draw_line(axes: Any, trace: str, start: int, end: int, marks: Sequence[Mark], y: float) -> None:
    """A line of monospaced text whose characters stand at 0, 1, 2, …, with the marks that lie in it."""
    for mark in marks:
        left, right = max(mark.start, start) - start, min(mark.end, end) - start
        if left >= right:
            continue
        if mark.kind == "cue":
            axes.plot([left, right], [y + 0.4] * 2, color=CUE, linewidth=1.6)
        else:
            axes.barh(y, right - left, left=left, height=0.86, color=COLOURS[mark.kind])
            if mark.end <= end:  # on the line that the mark ends on
                axes.text(right, y - 0.3, SYMBOLS[mark.kind], va="center", fontsize=TYPE - 1.5, weight="bold")
    for word in re.finditer(r"\S+", trace[start:end]):  # one by one: how wide a character is drawn depends on the dpi
        axes.text(word.start(), y, word[0], va="center", fontsize=TYPE, family="monospace", parse_math=False)


def _draw_bars(axes: Any, gains: Sequence[float], steps: Sequence[int], first: int) -> None:
    most = max(1.0, *map(abs, gains))
    axes.set(xlim=(-1.5 * most, 1.5 * most))
    axes.text(
        0, first - 0.5, "log-probability of the right\nanswer, change (nats)", ha="center", va="center", fontsize=7
    )
    axes.plot([0, 0], [first, first + len(steps)], color="0.7", linewidth=0.8)
    for step, gain in enumerate(gains):
        places = [first + k for k, number in enumerate(steps) if number == step]
        y = (places[0] + places[-1]) / 2 + 0.5
        axes.barh(y, gain, height=0.6, color=ADDS if gain > 0 else TAKES)
        axes.text(gain, y, f" {gain:+.1f} ", va="center", ha="left" if gain > 0 else "right", fontsize=7)


def _row_html(row: Mapping) -> str:
    trace = trace_of(row["response"])
    marks = find_marks(trace, row["record"])
    gains = row["gains"] or [None] * len(step_spans(trace))
    most = max([1.0, *(abs(gain) for gain in gains if gain is not None)])
    style = "".join(
        f".vlaa-trace mark.{kind} {{background: {colour}; color: inherit}}" for kind, colour in COLOURS.items()
    )
    lines = [f"<style>{style}.vlaa-trace mark.cue {{border-bottom: 2px solid {CUE}}}</style>"]
    for (start, end), gain in zip(step_spans(trace), gains, strict=True):
        inside = [Mark(m.start - start, m.end - start, m.kind) for m in marks if start <= m.start and m.end <= end]
        bar = "" if gain is None else f"{gain:+.1f} nats"
        width = 0 if gain is None else 60 * abs(gain) / most
        colour = ADDS if (gain or 0) > 0 else TAKES
        lines.append(
            f"<tr><td style='text-align: left'>{marked_html(trace[start:end], inside)}</td><td style='white-space: "
            f"nowrap'><span style='display: inline-block; height: 9px; width: {width:.0f}px; background: {colour}'>"
            f"</span> {bar}</td></tr>"
        )
    legend = ", ".join(f"<mark class='{kind}'>{SYMBOLS[kind]} {words}</mark>" for kind, words in MARKS.items())
    record = row["record"]
    return (
        f"<div class='vlaa-trace'><b>{html.escape(record['question'])} → {html.escape(record['gt'])}</b><br>"
        f"{html.escape(row['verdict'])}<table>{''.join(lines)}</table><small>{legend}</small></div>"
    )


# ---- a vote ----


class TraceVote:
    """Traces without their labels, a choice under each, and a count of how many votes hit the label.

    Attributes:
        votes: place to "genuine" or "pseudo", as far as chosen.
    """

    def __init__(self, rows: Sequence[Mapping], image_of: Callable[[Mapping], Any]):
        if not rows:
            raise ValueError("nothing to vote on: no traces")
        self.rows, self.image_of = list(rows), image_of
        self.votes: dict[int, str] = {}

    def figure(self) -> "Figure":
        """All traces as a matplotlib figure: each with its image, none with its label."""
        import matplotlib.pyplot as plt

        texts = [
            [*textwrap.wrap(f"{k}. {row['question']} → {row['gt']}", 96), *textwrap.wrap(row["response"], 96)]
            for k, row in enumerate(self.rows, start=1)
        ]
        heights = [max(1.3, 0.17 * (len(lines) + 1)) for lines in texts]
        figure, panels = plt.subplots(
            len(self.rows), 2, figsize=(10, sum(heights)), width_ratios=(1, 6), height_ratios=heights,
            squeeze=False, layout="constrained",
        )  # fmt: skip
        plt.close(figure)
        for (left, right), row, lines in zip(panels, self.rows, texts, strict=True):
            draw_image(left, self.image_of(row))
            right.axis("off")
            right.text(
                0, 1, "\n".join(lines), va="top", fontsize=8, family="monospace", parse_math=False,
                transform=right.transAxes,
            )  # fmt: skip
        return figure

    def count(self) -> str:
        """How many of the votes so far name the label."""
        hit = sum(self.rows[place]["label"] == vote for place, vote in self.votes.items())
        return f"{hit} of {len(self.votes)} votes name the label" if self.votes else "no vote yet"

    def widget(self) -> Any:
        """An ipywidgets box: image, trace and a choice for each; the count appears when all are chosen."""
        import ipywidgets

        told = ipywidgets.Label()
        boxes = []
        for place, row in enumerate(self.rows):
            options = [(f"trace {place + 1}: {label}", label) for label in ("genuine", "pseudo")]
            choice = ipywidgets.RadioButtons(options=options, value=None)

            def vote(change: Mapping, place: int = place) -> None:
                self.votes[place] = change["new"]
                told.value = self.count() if len(self.votes) == len(self.rows) else ""

            choice.observe(vote, names="value")
            asked = f"{place + 1}. {html.escape(row['question'])} → {html.escape(row['gt'])}"
            words = ipywidgets.HTML(f"<b>{asked}</b>{text_html(row['response'])}")
            image = ipywidgets.HTML(picture_html({**row, "image": self.image_of(row)}, width=112))
            boxes.append(ipywidgets.HBox([image, ipywidgets.VBox([words, choice])]))
        return ipywidgets.VBox([*boxes, told])

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict:
        return with_fallback(self.widget(), self.figure(), f"{len(self.rows)} traces to vote on")


def vote_on(rows: Sequence[Mapping]) -> TraceVote:
    """Traces of the benchmark to read and to vote on, before any measure says what they are.

    Args:
        rows: of `load_trace_benchmark`; their images are drawn from their facts.
    """
    from ..mini_world.scenes import draw_scene

    def image_of(row: Mapping) -> Any:
        meta = meta_of(row)
        return draw_scene(row["source"], meta["facts"], meta.get("tint", (4, 4, 4)))

    return TraceVote(rows, image_of)
