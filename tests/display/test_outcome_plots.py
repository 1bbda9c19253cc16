"""Figures of outcomes, groups, overlaps and rejects, and the two drawings: what is drawn is what was given."""

import pandas as pd
import pytest

from vlaa_helpers import (
    plot_gate,
    plot_group,
    plot_outcomes,
    plot_overlaps,
    plot_pipeline,
    plot_rejects,
)

VERIFIERS = ("digit", "choice", "math", "box", "open_ended")


def words_of(figure):
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def test_right_wrong_and_no_answer_make_one_whole():
    shares = {"accuracy": [0.3, 0.7], "no_answer": [0.25, 0.0], "garbled": [0.012, 0.0]}
    figure = plot_outcomes(pd.DataFrame(shares, index=["base", "128 x 1"]), title="Fewer are without an answer")
    (axes,) = figure.axes
    widths = {bars.get_label(): [bar.get_width() for bar in bars] for bars in axes.containers}
    assert widths["right"] == pytest.approx([0.3, 0.7])
    assert widths["wrong"] == pytest.approx([0.45, 0.3])
    assert widths["no answer"] == pytest.approx([0.25, 0.0])
    starts = [bar.get_x() for bars in axes.containers for bar in bars]
    assert starts == pytest.approx([0, 0, 0.3, 0.7, 0.75, 1.0])
    assert len({bars[0].get_hatch() for bars in axes.containers}) == 3  # told apart without colour
    assert words_of(figure).count("1.2%") == 1 and axes.get_title() == "Fewer are without an answer"
    assert [label.get_text() for label in axes.get_yticklabels()] == ["base", "128 x 1"]


@pytest.mark.parametrize("shares", [{"accuracy": [0.8], "no_answer": [0.3]}, {"accuracy": [], "no_answer": []}])
def test_outcomes_that_are_no_shares_are_refused(shares):
    with pytest.raises(ValueError, match="shares of one whole"):
        plot_outcomes(pd.DataFrame(shares), title="no")


def test_a_group_has_a_bar_for_each_advantage():
    figure = plot_group(["careful", "short $1$ cut", "x" * 200], [0, 1, 0], [-0.7, 1.4, -0.7], title="One of three")
    (axes,) = figure.axes
    bars = [bar for bars in axes.containers for bar in bars]
    assert [bar.get_width() for bar in bars] == [-0.7, 1.4, -0.7]
    assert bars[0].get_hatch() != bars[1].get_hatch()
    assert {"-0.70", "+1.40", "1.00"} <= set(words_of(figure))
    low, high = axes.get_xlim()
    assert low < -0.7 and high > 1.4
    assert all(len(label.get_text()) < 60 for label in axes.get_yticklabels())
    figure.canvas.draw()  # a dollar in a response is a dollar


def test_a_group_without_a_difference_is_drawn():
    (axes,) = plot_group(["a", "b"], [1, 1], [0.0, 0.0], title="Nothing to learn").axes
    assert [bar.get_width() for bars in axes.containers for bar in bars] == [0, 0]


def test_a_group_needs_one_advantage_each():
    with pytest.raises(ValueError, match="2 responses, 1 rewards, 2 advantages"):
        plot_group(["a", "b"], [1], [1, -1], title="no")


def test_overlaps_are_filled_where_both_boxes_are():
    truth = [0.2, 0.2, 0.6, 0.6]
    figure = plot_overlaps([[0.2, 0.2, 0.6, 0.4], [0.7, 0.7, 0.9, 0.9]], truth, title="Half is worth half")
    half, apart = figure.axes
    assert [half.get_title(), apart.get_title()] == ["IoU 0.50", "IoU 0.00"]
    (shared,) = [patch for patch in half.patches if patch.get_label() == "overlap"]
    assert shared.get_bbox().bounds == pytest.approx((0.2, 0.2, 0.4, 0.2))
    assert not [patch for patch in apart.patches if patch.get_label() == "overlap"]
    assert half.get_ylim()[0] > half.get_ylim()[1]  # y grows downwards, as in an image


def test_rejects_are_stacked_by_reason_the_most_frequent_first():
    rows = [("blocks", "verify", "wrong_answer")] * 6 + [("boxes", "rewrite", "length_gap")] * 2
    rejects = pd.DataFrame(rows, columns=["source", "step", "reason"])
    built = pd.Series({"blocks": 50, "angles": 50, "boxes": 20, "all": 120})
    figure = plot_rejects(rejects, built, title="Most at the judge")
    (axes,) = figure.axes
    drawn = {bars.get_label(): [bar.get_width() for bar in bars] for bars in axes.containers}
    assert drawn == {"verify: wrong_answer (6)": [12, 0, 0], "rewrite: length_gap (2)": [0, 0, 10]}
    assert list(drawn)[0].startswith("verify")
    assert [label.get_text() for label in axes.get_yticklabels()][2] == "boxes (n = 20)"


def test_a_build_that_rejects_nothing_is_drawn():
    none = pd.DataFrame(columns=["source", "step", "reason"])
    (axes,) = plot_rejects(none, pd.Series({"blocks": 5, "all": 5}), title="Nothing").axes
    assert not axes.containers


def test_the_pipeline_shows_its_counts_and_what_each_step_reads():
    counts = pd.Series({"original": 3000, "captioned": 2500, "verified": pd.NA, "sft": 1070, "rl": 1621})
    words = words_of(plot_pipeline(counts[counts.notna()], title="Six steps"))
    assert any(text.endswith("3,000") for text in words) and "caption\n2,500" in words and "verify" in words
    assert "sees the image" in words and sum("1,621" in text for text in words) == 1
    assert "caption" in words_of(plot_pipeline(title="No counts"))


def test_the_gate_has_a_box_for_each_verifier():
    words = words_of(plot_gate(VERIFIERS, title="One gate"))
    assert set(VERIFIERS) <= set(words) and "reward 0" in words
    assert "one number" in words_of(plot_gate({"digit": "one number"}, title="One gate"))
    with pytest.raises(ValueError, match="no verifier"):
        plot_gate({}, title="none")
