"""The figure of styles: bars that fill the axis, hatches beside colours, each style named once at least."""

import pandas as pd
import pytest
from matplotlib.colors import to_hex

from vlaa_helpers.display.plots import plot_styles
from vlaa_helpers.display.plots.style import STYLE_FILLS
from vlaa_helpers.evaluation.eval_report import EvalReport
from vlaa_helpers.mini_world.style_classifier import STYLE_NAMES

SAID = {
    "shortcut": "<think>It looks like 3.</think>\n<answer>3</answer>",
    "careful": "<think>I see red star. That is 1 object. Add 2 red stars. 1 + 2 = 3.</think>\n<answer>3</answer>",
    "bare": "3",
    "other": "<think>\ufffd look</think>",
}


def make_report(**counts: int) -> EvalReport:
    texts = [SAID[style] for style, count in counts.items() for _ in range(count)]
    rows = [
        {"id": str(k), "source": "blocks", "response": text, "value": 0.0, "correct": False, "garbled": False}
        for k, text in enumerate(texts)
    ]
    return EvalReport(tuple(rows), 1)


@pytest.fixture
def axes():
    stages = {"base": make_report(careful=30, shortcut=60, bare=10), "after SFT": make_report(careful=97, other=3)}
    figure = plot_styles({**stages, "after GRPO": stages["base"].to_frame()}, title="SFT makes it careful")
    return figure.axes[0]


def test_each_bar_is_the_whole_in_order(axes):
    bars = [patch for patch in axes.patches if patch.get_width() > 0]
    drawn = [(round(bar.get_y() + bar.get_height() / 2), bar.get_x(), bar.get_width()) for bar in bars]
    base = [(0, 0, 0.3), (0, 0.3, 0.6), (0, 0.9, 0.1)]
    after = [(1, 0, 0.97), (1, 0.97, 0.03)]
    assert pd.DataFrame(drawn).to_numpy() == pytest.approx(
        pd.DataFrame(base + after + [(2, *rest) for _, *rest in base]).to_numpy()
    )
    assert axes.get_xlim() == (0, 1) and "%" in axes.get_xlabel() and axes.get_title() == "SFT makes it careful"
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        "base\nn = 100", "after SFT\nn = 100", "after GRPO\nn = 100"
    ]  # fmt: skip
    assert axes.yaxis.get_inverted()  # the first stage at the top


def test_styles_are_named_where_there_is_room_and_else_in_the_legend(axes):
    assert [text.get_text() for text in axes.texts] == [
        "careful 30%", "shortcut 60%", "10%", "careful 97%", "careful 30%", "shortcut 60%", "10%"
    ]  # fmt: skip
    (legend,) = axes.figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["bare", "other"]
    only = plot_styles({"base": make_report(careful=1)}, title="")
    assert only.legends == []


def test_no_two_styles_look_alike_without_colour(axes):
    assert tuple(STYLE_FILLS) == STYLE_NAMES
    assert len({hatch for _, hatch in STYLE_FILLS.values()}) == len({colour for colour, _ in STYLE_FILLS.values()}) == 6
    looks = {(to_hex(bar.get_facecolor()), bar.get_hatch() or "") for bar in axes.patches if bar.get_width() > 0}
    assert looks == {STYLE_FILLS[style] for style in ("careful", "shortcut", "bare", "other")}


def test_a_garbled_stage_says_so():
    rows = pd.DataFrame(
        {"id": ["blocks-1", "blocks-2"], "source": "blocks", "response": "3", "correct": True, "value": 1.0}
    )
    (axes,) = plot_styles({"base": rows, "SFT": rows.assign(garbled=[True, False])}, title="").axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["base\nn = 2", "SFT (garbled 50%)\nn = 2"]
