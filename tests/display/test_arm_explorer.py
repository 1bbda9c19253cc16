"""The explorer of a study: what changed between two arms, drawn and as a widget."""

import pandas as pd
import pytest
from datasets import Dataset
from matplotlib.text import Text
from release_files import QUESTIONS

from vlaa_helpers import ARM_COLOURS, make_scenes, view_arms

RECORDS = make_scenes(12, seed=5)


def answers(arm, right):
    """Responses of an arm: right to the questions at these places."""
    return [
        {
            "arm": arm, "id": row["id"], "source": row["source"], "response": f"<think>by {arm}</think> {k}",
            "answer": str(k), "correct": k in right,
        }
        for k, row in enumerate(RECORDS)
    ]  # fmt: skip


RESPONSES = pd.DataFrame(answers("one", {0, 1, 2}) + answers("two", {2, 3}) + answers("three", {0, 1, 2}))


def test_a_page_is_a_question_that_only_one_arm_has_right():
    viewer = view_arms(RESPONSES, RECORDS)
    assert str(viewer.pairs["one", "two"]) == "one → two: 25.0% → 16.7% of 12 questions; 1 won, 2 lost"
    assert viewer.pairs["one", "two"].changed == [RECORDS[k]["id"] for k in (0, 1, 3)]
    _, text = viewer.record_and_html(2)
    assert RECORDS[3]["question"].split("?")[0] in text
    assert "one: wrong" in text and "two: right" in text


def test_arms_that_agree_show_every_question():
    assert len(view_arms(RESPONSES, RECORDS).pairs["one", "three"].changed) == 12


def test_an_arm_keeps_the_colour_of_its_kind():
    again = {"one": "SFT 2048", "two": "GRPO", "three": "SFT 8192"}
    named = RESPONSES.assign(arm=RESPONSES["arm"].map(again))
    pairs = view_arms(named, RECORDS).pairs
    assert pairs["SFT 2048", "GRPO"].colours == (ARM_COLOURS["SFT"], ARM_COLOURS["GRPO"])
    assert pairs["GRPO", "SFT 2048"].colours == (ARM_COLOURS["GRPO"], ARM_COLOURS["SFT"])
    same = pairs["SFT 2048", "SFT 8192"]
    assert same.colours[0] == ARM_COLOURS["SFT"] and same.colours[1] not in ARM_COLOURS.values()
    assert "#b35806" in same.text_colours and ARM_COLOURS["SFT"] not in same.text_colours


def test_the_widget_chooses_two_arms_and_never_the_same_twice():
    viewer = view_arms(RESPONSES, RECORDS)
    (first, second, slider), number = viewer.sliders()
    assert viewer._pair(number()).names == ("one", "two") and slider.max == 2
    second.value = "three"
    assert viewer._pair(number()).names == ("one", "three") and slider.max == 11
    first.value = "three"
    assert viewer._pair(number()).names == ("three", "one")


def test_the_figure_has_curves_only_where_there_is_a_log():
    log = pd.DataFrame({"arm": "two", "step": [1, 2], "reward": [0.1, 0.2], "held_out/accuracy": [float("nan"), 0.5]})
    without, with_log, of_others = (
        view_arms(RESPONSES, RECORDS, logs).figure() for logs in (None, log, log.assign(arm="another"))
    )
    assert [len(figure.axes) for figure in (without, with_log, of_others)] == [5, 6, 5]


def test_formulas_and_prices_are_drawn_as_they_are_written(tmp_path):
    asked = QUESTIONS[1].format(k=7) + QUESTIONS[2].format(k=7)
    rows = [{**row, "question": asked, "gt": r"$\overparen{CD}$"} for row in RECORDS]
    renamed = RESPONSES.replace({"arm": {"one": r"$\one$", "two": "$2"}})
    figure = view_arms(renamed, Dataset.from_list(rows, features=RECORDS.features)).figure()
    figure.savefig(tmp_path / "page.png", dpi=40)
    whole = [text for text in figure.findobj(Text) if "$5" in text.get_text()]
    assert whole and not any(text.get_parse_math() for text in whole)


def test_the_mean_of_the_reward_is_drawn_where_its_window_is_full():
    log = pd.DataFrame({"arm": "two", "step": range(1, 31), "reward": [0.5] * 29 + [1.0], "held_out/accuracy": 0.5})
    (axes,) = [axes for axes in view_arms(RESPONSES, RECORDS, log).figure().axes if axes.get_xlabel() == "step"]
    reward, held_out = axes.lines[:2]
    assert list(reward.get_xdata()) == list(range(5, 27)) and max(reward.get_ydata()) < 0.6
    assert list(held_out.get_xdata()) == list(range(1, 31))


def test_curves_are_told_to_a_reader_who_does_not_see_them():
    log = pd.DataFrame({"arm": "two", "step": [1, 2], "reward": [0.1, 0.2], "held_out/accuracy": [float("nan"), 0.5]})
    _, text = view_arms(RESPONSES, RECORDS, log).record_and_html(0)
    assert (
        "alt='Curves by step: training reward of two from 0.10 to 0.20; held-out accuracy of two from 0.50 to 0.50'"
    ) in text


def test_markup_in_a_response_is_shown_not_run():
    rows = RESPONSES.assign(response="<script>alert(1)</script> $x$")
    viewer = view_arms(rows, RECORDS)
    assert "<script>" not in viewer.record_and_html(0)[1]
    viewer.figure().canvas.draw()


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(ValueError, match="two responses of 'one'"):
        view_arms(pd.concat([RESPONSES, RESPONSES[:1]]), RECORDS)
    with pytest.raises(ValueError, match="1 arms; expected two or more"):
        view_arms(RESPONSES[RESPONSES["arm"] == "one"], RECORDS)
    with pytest.raises(ValueError, match="no record has the id"):
        view_arms(RESPONSES, RECORDS.select(range(3)))
