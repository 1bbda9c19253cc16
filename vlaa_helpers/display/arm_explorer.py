"""Two arms of a study side by side: accuracy by source, curves, the questions on which they differ, and both traces."""

import base64
import html
import io
from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import permutations
from typing import TYPE_CHECKING, Any

from ..core.trace_text import trace_of
from ..pseudo_reasoning.marks import find_marks, marked_html
from .slides import Slides, draw_image, text_html

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd
    from datasets import Dataset
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

OTHER_COLOUR = "#7b3294"
"""Of the second arm where both are of one kind."""
TEXT_COLOURS = {"#7f7f7f": "#595959", "#e08214": "#b35806"}
"""For words, in place of arms' colours that are too light on white (a contrast of 4.5 or more)."""
CURVES = {"reward": "training reward", "held_out/accuracy": "held-out accuracy"}


class Pair:
    """Two arms that answered the same questions.

    Args:
        names: of both.
        rows: responses of both: by arm, with `id`, `source`, `response`, `answer` and `correct`.
        logs: rows with `arm`, `step` and the columns of `CURVES`; those of other arms do not matter.
    """

    def __init__(self, names: tuple[str, str], rows: "Mapping[str, pd.DataFrame]", logs: "pd.DataFrame | None"):
        self.names = names
        first, second = (rows[name].set_index("id") for name in names)
        self.both = first.join(second[["response", "correct"]].add_suffix("_second"), how="inner")
        known = logs["arm"].isin(names).any() if logs is not None else False
        self.logs = logs[logs["arm"].isin(names)] if known else None

    @cached_property
    def colours(self) -> tuple[str, str]:
        """Of both arms, by their kinds."""
        from .plots.style import ARM_COLOURS, arm_kind

        first, second = (ARM_COLOURS[arm_kind(name)] for name in self.names)
        return first, second if second != first else OTHER_COLOUR

    @cached_property
    def text_colours(self) -> tuple[str, ...]:
        return tuple(TEXT_COLOURS.get(colour, colour) for colour in self.colours)

    @cached_property
    def changed(self) -> list[str]:
        """Questions that one arm has right and the other wrong; all of them where there is no such question."""
        differ = self.both["correct"] != self.both["correct_second"]
        return list(self.both.index[differ] if differ.any() else self.both.index)

    @cached_property
    def table(self) -> "pd.DataFrame":
        """A row a source: n, accuracy of both (0-1), and how many questions only one of them has right."""
        import pandas as pd

        def summary(part: "pd.DataFrame") -> dict[str, float]:
            a, b = part["correct"].astype(bool), part["correct_second"].astype(bool)
            return {
                "n": len(part),
                "first": a.mean(),
                "second": b.mean(),
                "lost": (a & ~b).sum(),
                "won": (~a & b).sum(),
            }

        parts = {**dict(iter(self.both.groupby("source", sort=False))), "all": self.both}
        return pd.DataFrame({source: summary(part) for source, part in parts.items()}).T

    def __str__(self) -> str:
        both, row = " → ".join(self.names), self.table.loc["all"]
        return (
            f"{both}: {row['first']:.1%} → {row['second']:.1%} of {row['n']:.0f} questions; "
            f"{row['won']:.0f} won, {row['lost']:.0f} lost"
        )


class ArmExplorer(Slides):
    """Choose two arms, then go through the questions that only one of them answers rightly.

    Args:
        responses: by arm.
        record_of: id to record.
        logs: of training, all arms.
    """

    def __init__(
        self,
        responses: "Mapping[str, pd.DataFrame]",
        record_of: "Callable[[str], Mapping]",
        logs: "pd.DataFrame | None" = None,
    ):
        self.arms, self.record_of = list(responses), record_of
        self.pairs = {names: Pair(names, responses, logs) for names in permutations(self.arms, 2)}
        self.stride = max(len(pair.both) for pair in self.pairs.values())
        super().__init__(self.stride * len(self.pairs), "question", str(self._pair(0)))

    def _pair(self, number: int) -> Pair:
        return list(self.pairs.values())[number // self.stride]

    def _asked(self, number: int) -> tuple[Pair, Mapping, Mapping]:
        """The pair of a page, the record of its question, and both answers to it."""
        pair = self._pair(number)
        name = pair.changed[number % self.stride % len(pair.changed)]
        return pair, self.record_of(name), pair.both.loc[name].to_dict()

    def figure(self, number: int = 0) -> "Figure":
        """A page as a matplotlib figure: accuracy by source, what changed, curves if there are any, one question."""
        import matplotlib.pyplot as plt

        from .plots.gallery import wrap

        pair, record, row = self._asked(number)
        above = 2 if pair.logs is None else 3
        figure = plt.figure(figsize=(9.5, 6), layout="constrained")
        plt.close(figure)
        upper, lower = figure.subfigures(2, 1)
        panels = upper.subplots(1, above)
        _draw_accuracy(panels[0], pair)
        _draw_changed(panels[1], pair)
        if pair.logs is not None:
            _draw_curves(panels[2], pair)
        image, left, right = lower.subplots(1, 3, width_ratios=(1, 2, 2))
        draw_image(image, record["image"])
        said = ((left, 0, row["response"], row["correct"]), (right, 1, row["response_second"], row["correct_second"]))
        for axes, k, response, correct in said:
            axes.axis("off")
            head = f"{pair.names[k]}: {'right' if correct else 'wrong'}"
            axes.text(0, 1, head, va="top", color=pair.text_colours[k], weight="bold", fontsize=8, parse_math=False)
            told = wrap(response, width=46)
            axes.text(0, 0.9, told, va="top", fontsize=7, family="monospace", parse_math=False)
        figure.suptitle(str(pair), fontsize=10, parse_math=False)
        asked = wrap(f"{record['question']} → {record['gt']}", width=110)
        lower.suptitle(asked, fontsize=8, parse_math=False)
        return figure

    def record_and_html(self, number: int) -> tuple[Mapping, str]:
        pair, record, row = self._asked(number)
        asked = f"<b>{html.escape(record['question'])} → {html.escape(record['gt'])}</b>"
        cells = "".join(
            f"<td style='vertical-align: top; text-align: left; width: 50%'><b style='color: {pair.text_colours[k]}'>"
            f"{html.escape(pair.names[k])}: {'right' if row[f'correct{end}'] else 'wrong'}</b>"
            f"{_marked(row[f'response{end}'], record)}</td>"
            for k, end in enumerate(("", "_second"))
        )
        count = f"{len(pair.changed)} questions to look at"
        return record, (
            f"<b>{html.escape(str(pair))}</b>{_curves_html(pair)}{_table_html(pair)}<i>{count}</i><br>"
            f"{asked}<table role='presentation'><tr>{cells}</tr></table>"
        )

    def sliders(self) -> tuple[Sequence[Any], "Callable[[], int]"]:
        """Two lists of arms, and a slider over the questions on which the chosen two differ."""
        import ipywidgets

        first = ipywidgets.Dropdown(options=self.arms, value=self.arms[0], description="first")
        second = ipywidgets.Dropdown(options=self.arms, value=self.arms[1], description="second")
        slider = ipywidgets.IntSlider(description=self.unit)

        def number() -> int:
            if first.value == second.value:  # the same twice has nothing to show: the next one then
                second.value = self.arms[(self.arms.index(first.value) + 1) % len(self.arms)]
            place = list(self.pairs).index((first.value, second.value))
            slider.max = len(self._pair(place * self.stride).changed) - 1
            return place * self.stride + slider.value

        return [first, second, slider], number


def view_arms(responses: "pd.DataFrame", records: "Dataset", logs: "pd.DataFrame | None" = None) -> ArmExplorer:
    """An explorer of a study: choose two arms, see accuracy by source, curves, what changed, and both traces.

    Args:
        responses: rows with `arm`, `id`, `source`, `response`, `answer` and `correct`, one a question of each arm, such
            as `study_responses()`; the first two arms are shown where no widget runs.
        records: what was asked about.
        logs: rows with `arm`, `step`, `reward` and `held_out/accuracy` for a panel of curves; arms may be absent.

    Raises:
        ValueError: fewer than two arms, two responses of an arm to a question, or a response without a record.
    """
    if (twice := responses.duplicated(["arm", "id"])).any():
        row = responses[twice].iloc[0]
        raise ValueError(f"two responses of {row['arm']!r} to {row['id']!r}; choose one seed and greedy decoding")
    arms = dict(iter(responses.groupby("arm", sort=False)))
    if len(arms) < 2:
        raise ValueError(f"{len(arms)} arms; expected two or more to compare: {', '.join(map(str, arms)) or 'none'}")
    places = {name: place for place, name in enumerate(records["id"])}
    if lost := sorted(set(responses["id"]) - set(places)):
        raise ValueError(f"no record has the id {lost[0]!r} of a response; pass the records that were asked about")
    return ArmExplorer(arms, lambda name: records[places[name]], logs)


# ---- drawing ----


def _draw_accuracy(axes: "Axes", pair: Pair) -> None:
    from .plots.style import open_frame, plain

    table = pair.table
    places = range(len(table))
    for k, column in enumerate(("first", "second")):
        heights = [place + (k - 0.5) * 0.36 for place in places]
        axes.barh(heights, 100 * table[column], 0.36, color=pair.colours[k], label=plain(pair.names[k]))
    axes.set_yticks(list(places), [f"{plain(source)} ({n:.0f})" for source, n in table["n"].items()], fontsize=7)
    axes.invert_yaxis()
    axes.set(xlabel="accuracy (%)", xlim=(0, 100))
    axes.legend(frameon=False, fontsize=7, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    open_frame(axes)


def _draw_changed(axes: "Axes", pair: Pair) -> None:
    from .plots.style import open_frame

    table = pair.table.drop(index="all")
    places = list(range(len(table)))
    axes.barh(places, table["won"], color=pair.colours[1])
    axes.barh(places, -table["lost"], color=pair.colours[0])
    axes.axvline(0, color="0.3", linewidth=0.8)
    axes.set_yticks(places, table.index, fontsize=7)
    axes.invert_yaxis()
    axes.set(xlabel="questions: only first right | only second right")
    axes.xaxis.set_major_formatter(lambda value, _: f"{abs(value):.0f}")
    axes.xaxis.label.set_fontsize(8)
    open_frame(axes)


def _draw_curves(axes: "Axes", pair: Pair) -> None:
    from .plots.style import open_frame
    from .plots.training import full_window_means

    for k, name in enumerate(pair.names):
        log = pair.logs[pair.logs["arm"] == name]
        for column, style in zip(CURVES, (":", "-"), strict=True):
            points = log[["step", column]].dropna()
            if len(points):
                steps, values = points["step"].to_numpy(), points[column].to_numpy()
                half, means = full_window_means(values, 9 if style == ":" else 1)
                axes.plot(steps[half : len(steps) - half], means, style, color=pair.colours[k])
    axes.plot([], [], ":", color="0.3", label=CURVES["reward"])
    axes.plot([], [], "-", color="0.3", label=CURVES["held_out/accuracy"])
    axes.set(xlabel="step", ylim=(0, None))
    axes.legend(frameon=False, fontsize=7)
    open_frame(axes)


def _curves_html(pair: Pair) -> str:
    if pair.logs is None:
        return ""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(4.5, 2.2), layout="constrained")
    plt.close(figure)
    _draw_curves(axes, pair)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=90)
    data = base64.b64encode(buffer.getvalue()).decode()
    words = html.escape(_curves_words(pair), quote=True)
    return f"<br><img src='data:image/png;base64,{data}' alt='{words}'>"


def _curves_words(pair: Pair) -> str:
    """What the curves show, for a reader who does not see them: where each begins and ends."""
    parts = []
    for name in pair.names:
        log = pair.logs[pair.logs["arm"] == name].sort_values("step")
        for column, words in CURVES.items():
            values = log[column].dropna()
            if len(values):
                parts.append(f"{words} of {name} from {values.iloc[0]:.2f} to {values.iloc[-1]:.2f}")
    return "Curves by step: " + "; ".join(parts)


def _table_html(pair: Pair) -> str:
    rows = "".join(
        f"<tr><td>{html.escape(str(source))}</td><td>{row['n']:.0f}</td><td>{row['first']:.1%}</td>"
        f"<td>{row['second']:.1%}</td><td>{row['won']:.0f}</td><td>{row['lost']:.0f}</td></tr>"
        for source, row in pair.table.iterrows()
    )
    names = "".join(
        f"<th style='color: {pair.text_colours[k]}'>{html.escape(name)}</th>" for k, name in enumerate(pair.names)
    )
    return f"<table><tr><th>source</th><th>n</th>{names}<th>won</th><th>lost</th></tr>{rows}</table>"


def _marked(response: str, record: Mapping) -> str:
    """A response with the claims of its trace marked as true or false, as `view_traces` marks them."""
    trace = trace_of(response)
    at = response.find(trace) if trace else -1
    if at < 0:
        return text_html(response)
    marks = find_marks(trace, record)
    whole = f"{html.escape(response[:at])}{marked_html(trace, marks)}{html.escape(response[at + len(trace) :])}"
    return f"<pre style='white-space: pre-wrap'>{whole}</pre>"
