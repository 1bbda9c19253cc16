"""Figures: as many bars and panels as there are things to show, fixed colours, intervals drawn, clear errors."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.text import Text
from release_files import QUESTIONS

from vlaa_helpers.display.plots import (
    ARM_COLOURS,
    plot_accuracy,
    plot_arms,
    plot_blind,
    plot_loss_mask,
    plot_losses,
    plot_pass_at,
    plot_prefix_benchmark,
    plot_runs,
    plot_score_accuracy,
    plot_sizes,
    plot_tokens,
    plot_training,
    plot_validation,
    show_records,
    show_responses,
)
from vlaa_helpers.display.plots.style import LONGEST_NAME, plain
from vlaa_helpers.evaluation.eval_report import EvalReport
from vlaa_helpers.mini_world.scenes import make_scenes


def make_report(*, garbled: int = 0, **right: tuple[int, int]) -> EvalReport:
    """A report with so many right ones of so many for each source, so many garbled in each."""
    rows = [
        {
            "id": f"{source}{k}",
            "source": source,
            "value": float(k < correct),
            "correct": k < correct,
            "has_answer": True,
            "truncated": False,
            "garbled": k < garbled,
            "tokens": 9,
        }
        for source, (correct, n) in right.items()
        for k in range(n)
    ]
    return EvalReport(tuple(rows), 1)


BASE = make_report(blocks=(4, 10), angles=(5, 20))
GRPO = make_report(blocks=(8, 10), angles=(10, 20))


def test_accuracy_has_a_bar_for_each_arm_and_source_and_one_for_all():
    figure = plot_accuracy({"base": BASE, "GRPO": GRPO}, title="RL helps here")
    (axes,) = figure.axes
    heights = [[bar.get_height() for bar in bars] for bars in axes.containers if hasattr(bars, "patches")]
    assert np.array(heights) == pytest.approx(np.array([[40, 25, 30], [80, 50, 60]]))
    assert [label.get_text() for label in axes.get_xticklabels()] == [
        "blocks\nn = 10",
        "angles\nn = 20",
        "all\nn = 30",
    ]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["base", "GRPO"]
    assert axes.get_title() == "RL helps here" and "%" in axes.get_ylabel() and axes.get_ylim() == (0, 100)


def test_a_garbled_arm_says_so():
    few, many = make_report(garbled=1, blocks=(5, 100)), make_report(garbled=2, blocks=(5, 100))
    most = make_report(garbled=12, blocks=(5, 100))
    figure = plot_accuracy({"base": few, "SFT": many, "GRPO": most}, title="")
    words = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert words == ["base", "SFT (garbled 2.0%)", "GRPO (garbled 12%)"]
    assert to_hex(figure.axes[0].containers[3].patches[0].get_facecolor()) == ARM_COLOURS["SFT"]


def test_bars_stand_over_the_name_of_their_source():
    other, more = make_report(boxes=(3, 3), angles=(1, 4)), make_report(angles=(5, 20), blocks=(4, 10))
    (axes,) = plot_accuracy({"base": BASE, "other": other, "more": more}, title="").axes
    names = [label.get_text() for label in axes.get_xticklabels()]
    assert names == ["blocks\nn = 10", "angles\nn = 4 to 20", "boxes\nn = 3", "all\nn = 7 to 30"]
    bars = [bars.patches for bars in axes.containers if hasattr(bars, "patches")]
    seen = [{round(bar.get_x() + bar.get_width() / 2): round(bar.get_height()) for bar in arm} for arm in bars]
    assert seen == [{0: 40, 1: 25, 3: 30}, {1: 25, 2: 100, 3: 57}, {0: 40, 1: 25, 3: 30}]


@pytest.mark.parametrize("name", ["$x", "$x_{$", "_hidden", "two\nlines\x00", "\\$", "long " * 40])
def test_an_arm_and_a_source_may_have_any_name(name):
    figure = plot_accuracy({name: make_report(**{name: (1, 2), "b": (1, 2)})}, title="")
    figure.canvas.draw()
    (axes,) = figure.axes
    (text,) = axes.get_legend().get_texts()
    assert text.get_text() == plain(name) and len(plain(name)) <= LONGEST_NAME + 1 and "\n" not in plain(name)
    assert axes.get_xticklabels()[0].get_text() == f"{plain(name)}\nn = 2"


def test_many_sources_do_not_run_into_each_other():
    figure = plot_accuracy({"base": make_report(**{f"a_long_source_{k}": (1, 2) for k in range(12)})}, title="")
    figure.canvas.draw()
    assert {label.get_rotation() for label in figure.axes[0].get_xticklabels()} == {30}


def test_bars_of_one_source_stand_side_by_side():
    figure = plot_accuracy({"base": BASE, "SFT": BASE, "GRPO": GRPO}, title="")
    edges = [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in figure.axes[0].patches]
    edges.sort()
    assert all(right <= left + 1e-9 for (_, right), (left, _) in zip(edges, edges[1:], strict=False))
    centres = [np.mean([edges[k][0], edges[k + 2][1]]) for k in (0, 3, 6)]
    assert centres == pytest.approx([0, 1, 2], abs=1e-9)


def test_other_arms_can_be_given_colours():
    figure = plot_accuracy({"mine": BASE}, title="", colours={"mine": "#123456"})
    assert {to_hex(bar.get_facecolor()) for bar in figure.axes[0].patches} == {"#123456"}


@pytest.mark.parametrize("arms", [["base", "GRPO"], ["GRPO", "base"], ["SFT→GRPO", "SFT", "GRPO", "base"]])
def test_an_arm_keeps_its_colour_in_any_order(arms):
    figure = plot_accuracy(dict.fromkeys(arms, BASE), title="")
    bars = [c for c in figure.axes[0].containers if hasattr(c, "patches")]
    assert [to_hex(group.patches[0].get_facecolor()) for group in bars] == [ARM_COLOURS[arm] for arm in arms]


def test_the_colours_of_the_series():
    assert set(ARM_COLOURS) == {"base", "SFT", "GRPO", "SFT→GRPO"} and len(set(ARM_COLOURS.values())) == 4
    rgb = {arm: [int(colour[k : k + 2], 16) for k in (1, 3, 5)] for arm, colour in ARM_COLOURS.items()}
    assert len(set(rgb["base"])) == 1  # grey
    assert rgb["SFT"][0] == max(rgb["SFT"]) and rgb["GRPO"][2] == max(rgb["GRPO"])
    assert rgb["SFT→GRPO"][1] == max(rgb["SFT→GRPO"])


def test_the_intervals_are_drawn():
    figure = plot_accuracy({"base": BASE, "GRPO": GRPO}, title="")
    bars = [c for c in figure.axes[0].containers if hasattr(c, "patches")]
    for group, report in zip(bars, (BASE, GRPO), strict=True):
        _, _, (lines,) = group.errorbar.lines
        drawn = [segment[:, 1] for segment in lines.get_segments()]
        table = report.by_source
        assert np.array(drawn) == pytest.approx(table[["low", "high"]].to_numpy() * 100)


def test_training_has_a_panel_for_each_metric():
    log = [{"step": k, "reward": k / 10, "length": 50.0 - k} for k in range(1, 21)]
    figure = plot_training(log, {"reward": "mean reward", "length": "tokens"}, title="It learns", smooth=5)
    assert len(figure.axes) == 2 and figure.get_suptitle() == "It learns"
    assert [axes.get_ylabel() for axes in figure.axes] == ["mean reward", "tokens"]
    for axes, name in zip(figure.axes, ("reward", "length"), strict=True):
        raw, bold = axes.lines
        assert axes.get_xlabel() == "step" and raw.get_linewidth() < bold.get_linewidth()
        assert list(raw.get_xdata()) == list(range(1, 21))
        assert list(raw.get_ydata()) == [row[name] for row in log]
        assert list(bold.get_xdata()) == list(range(3, 19))  # where its five steps are there
        assert list(bold.get_ydata()) == pytest.approx(list(raw.get_ydata())[2:-2])  # a straight line: it does not lag


def test_the_bold_line_is_the_mean_of_both_sides():
    values = [0.0] * 10 + [1.0] * 10
    log = [{"step": k, "reward": value} for k, value in enumerate(values)]
    _, bold = plot_training(log, {"reward": "reward"}, title="", smooth=5).axes[0].lines
    assert list(bold.get_xdata()) == list(range(2, 18))
    assert list(bold.get_ydata()) == pytest.approx([0] * 6 + [0.2, 0.4, 0.6, 0.8] + [1] * 6)


def test_one_odd_last_step_does_not_bend_the_bold_line_to_itself():
    log = [{"step": k, "reward": 0.5} for k in range(1, 20)] + [{"step": 20, "reward": 1.0}]
    _, bold = plot_training(log, {"reward": "reward"}, title="", smooth=5).axes[0].lines
    assert max(bold.get_ydata()) == pytest.approx(0.6)  # a fifth of it; a window that shrinks ends at 1.0


def test_training_reads_a_csv_log_and_skips_rows_without_the_metric():
    log = [{"step": "1", "reward": "0.5", "loss": ""}, {"step": "2", "loss": "1"}, {"step": "3", "reward": "0"}]
    log += [{"step": "4", "reward": None}]
    raw, bold = plot_training(log, {"reward": "reward"}, title="").axes[0].lines
    assert list(raw.get_xdata()) == [1, 3] and list(raw.get_ydata()) == [0.5, 0]
    assert list(bold.get_ydata()) == [0.5, 0]  # too short a run for a mean


def test_curves_take_the_colour_of_their_arm():
    log = [{"step": k, "loss": 1 / k} for k in range(1, 13)]
    raw, bold = plot_training(log, {"loss": "loss"}, title="", arm="SFT").axes[0].lines
    assert to_hex(raw.get_color()) == to_hex(bold.get_color()) == ARM_COLOURS["SFT"]
    assert list(bold.get_xdata()) == list(range(3, 11))  # a third of twelve, made odd: five steps


def test_losses_of_several_runs_share_an_axis():
    logs = {name: [{"step": k, "loss": scale / k} for k in range(1, 31)] for name, scale in (("well", 1), ("ill", 5))}
    (axes,) = plot_losses(logs, title="One of them is ill").axes
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["well", "ill"]
    assert len(axes.lines) == 4 and axes.get_yscale() == "log"


def test_the_loss_mask_colours_what_counts():
    tokens = ["<s>", "<pad>", "<pad>", "How", "\n", "3", "</s>"]
    figure = plot_loss_mask(tokens, [False] * 5 + [True] * 2, title="The loss sees the completion")
    drawn = {text.get_text(): to_hex(text.get_bbox_patch().get_facecolor()) for text in figure.axes[0].texts}
    assert list(drawn) == ["<s>", "<pad> ×2", "How", "⏎", "3", "</s>"]
    assert {text for text, colour in drawn.items() if colour == ARM_COLOURS["SFT"]} == {"3", "</s>"}
    with pytest.raises(ValueError):
        plot_loss_mask(tokens, [True], title="")


def test_sizes_are_drawn_by_seed_and_in_the_mean():
    import pandas as pd

    rows = [(0, 0, 0.5), (100, 0, 0.4), (100, 1, 0.2), (1000, 0, 0.6), (1000, 1, 0.8)]
    table = pd.DataFrame(rows, columns=["size", "seed", "accuracy"])
    (axes,) = plot_sizes(table, {"accuracy": "accuracy"}, title="Less, then more").axes
    assert [list(line.get_ydata()) for line in axes.lines[:2]] == [[0.5, 0.4, 0.6], [0.5, 0.2, 0.8]]
    assert list(axes.lines[2].get_ydata()) == pytest.approx([0.5, 0.3, 0.7])
    assert [label.get_text() for label in axes.get_xticklabels()] == ["base", "100", "1,000"]


def test_garbled_sizes_and_arms_say_so():
    rows = [(0, 0, 0.5, 0.0), (100, 0, 0.4, 0.004), (100, 1, 0.2, 0.006), (1000, 0, 0.6, 0.57), (1000, 1, 0.8, 0.0)]
    table = pd.DataFrame(rows, columns=["size", "seed", "accuracy", "garbled"])
    (axes,) = plot_sizes(table, {"accuracy": "accuracy"}, title="").axes
    assert [label.get_text() for label in axes.get_xticklabels()] == ["base", "100", "1,000\n(garbled\n57%)"]
    arms = table.assign(arm=table["size"].astype(str), low=0.1, high=0.9)
    ours, _ = plot_arms(arms, {"100": 20.0, "1000": 25.0}, base=(0.5, 25.3), title="").axes
    assert [label.get_text() for label in ours.get_yticklabels()] == ["100", "1000 (garbled 57%)"]


def test_arms_have_the_colour_of_their_kind():
    names = {"SFT 2048": "SFT", "GRPO, rules": "GRPO", "SFT 2048, GRPO": "SFT→GRPO"}
    table = pd.DataFrame({"arm": list(names), "seed": 0, "accuracy": 0.5, "low": 0.4, "high": 0.6})
    ours, _ = plot_arms(table, dict.fromkeys(names, 20.0), base=(0.5, 25.3), title="").axes
    assert [to_hex(bar.get_facecolor()) for bar in ours.patches] == [ARM_COLOURS[kind] for kind in names.values()]


def test_garbled_trainings_say_so():
    well = [{"step": step, "loss": 1.0, "garbled": 0.2 * (step < 5)} for step in range(1, 21)]
    ill = [{"step": step, "loss": 1.0, "garbled": "0.5"} for step in range(1, 21)]
    metrics = {"loss": "loss"}
    assert plot_training(well, metrics, title="Fine").get_suptitle() == "Fine"  # in the end it is
    assert plot_training(ill, metrics, title="Fine").get_suptitle() == "Fine (garbled 50%)"
    figure = plot_runs({"a": well, "b": ill}, metrics, title="Both")
    assert [text.get_text() for text in figure.legends[0].texts] == ["a", "b (garbled 50%)"]
    (axes,) = plot_losses({"a": well, "b": ill}, title="").axes
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["a", "b (garbled 50%)"]
    # held-out responses say more than completions of a step
    watched = [{"step": 0, "held_out/garbled": 0.3}, *ill, {"step": 20, "held_out/garbled": 0.004}, {"step": 21}]
    assert plot_training(watched, metrics, title="Fine").get_suptitle() == "Fine"


def test_an_absent_metric_is_told_the_ones_there_are():
    log = [{"step": 1, "loss": 0.5}, {"step": 2, "reward": 1.0}]
    with pytest.raises(ValueError, match="no 'rewards' in this log; it has loss, reward, step"):
        plot_training(log, {"rewards": "reward"}, title="")


@pytest.fixture(scope="module")
def records():
    return make_scenes(5, sources=["blocks", "angles"], seed=2)


def test_records_are_shown_with_image_question_and_truth(records):
    figure = show_records(records, columns=3)
    shown = [axes for axes in figure.axes if axes.images]
    assert len(figure.axes) == 6 and len(shown) == 5  # two rows of three, the last place empty
    for axes, row in zip(figure.axes, records, strict=False):
        text = axes.get_title(loc="left")
        assert axes.images[0].get_array().shape == (112, 112, 3) and not axes.axison
        assert text.startswith(row["source"]) and text.endswith(f"→ {row['gt']}")
        assert row["question"].split()[0] in text
        assert max(map(len, text.splitlines())) <= 46
    assert figure.axes[5].get_title(loc="left") == ""


def test_responses_are_shown_beside_their_images(records):
    responses = [f"<think>look {k}</think>\n<answer>{k}</answer>" for k in range(5)]
    figure = show_responses(records, responses, columns=2)
    assert len(figure.axes) == 6
    for k, axes in enumerate(figure.axes[:5]):
        assert f"<answer>{k}</answer>" in axes.get_title(loc="left") and axes.images
    with pytest.raises(ValueError):
        show_responses(records, responses[:4])


def test_several_arms_are_shown_below_one_image(records):
    figure = show_responses(records.select([0, 1]), {"base": ["one", "two"], "SFT": ["three", "four"]})
    assert figure.axes[1].get_title(loc="left").endswith("base: two\n\nSFT: four")


def test_records_without_a_image_show_their_words(records):
    figure = show_records(make_scenes(2, sources=["blocks"], split="text", seed=1))
    assert not any(axes.images for axes in figure.axes) and "Someone says" in figure.axes[0].get_title(loc="left")


def test_figures_can_be_written(tmp_path, records):
    figures = [plot_accuracy({"base": BASE}, title="t"), show_records(records.select([0]))]
    for k, figure in enumerate(figures):
        figure.savefig(tmp_path / f"{k}.png", dpi=40)
        assert (tmp_path / f"{k}.png").stat().st_size > 500


def test_formulas_and_prices_are_shown_as_they_are_written(tmp_path, records):
    """matplotlib would set what is between two dollars, and fail at LaTeX that it does not know."""
    asked = [question.format(k=7) for question in QUESTIONS[1:]]
    rows = [
        {**row, "question": question, "gt": r"$\overparen{CD}$"} for row, question in zip(records, asked, strict=False)
    ]
    figures = [show_records(rows), show_responses(rows, [r"It is $\overparen{CD}$.", "$5 or $7"])]
    values = {f"{asked[0]} {asked[1]}": [(r"$\overparen{AB}$", 0.5)]}
    for k, figure in enumerate([*figures, plot_tokens(values, title="t")]):
        figure.savefig(tmp_path / f"{k}.png", dpi=40)
        drawn = [text for text in figure.findobj(Text) if "$" in text.get_text()]
        assert drawn and not any(text.get_parse_math() for text in drawn)


def test_yields_are_drawn_beside_the_papers(tmp_path):
    import pandas as pd

    from vlaa_helpers.core.paper_numbers import TABLE_1
    from vlaa_helpers.display.plots import plot_yields
    from vlaa_helpers.pipeline.build import YIELD_COLUMNS

    rows = {"blocks": [100, 100, 98, 98, 97, 80, 50, 30], "angles": [100, 100, *[pd.NA] * 5, 100], "mine": [9] * 8}
    table = pd.DataFrame.from_dict(rows, orient="index", columns=list(YIELD_COLUMNS)).astype("Int64")
    table.loc["all"] = table.sum()
    (axes,) = plot_yields(table, title="Most of them go at the judge").axes
    lines = {line.get_label(): line.get_ydata() for line in axes.get_lines()}
    assert list(lines["blocks"]) == [100, 100, 98, 98, 97, 80] and "angles" not in lines and "all" not in lines
    share = 100 * TABLE_1["clevr_math"]["verified"] / TABLE_1["clevr_math"]["original"]
    assert f"clevr_math {share:.0f}%" in [text.get_text() for text in axes.texts]
    assert axes.get_title() == "Most of them go at the judge"


def test_runs_share_their_panels():
    healthy = [{"step": step, "reward": 0.1 * step, "kl": 0.0} for step in range(1, 5)]
    sick = [{"step": step, "reward": 0.0, "kl": 0.1} for step in range(1, 5)]
    figure = plot_runs({"healthy": healthy, "sick": sick}, {"reward": "mean reward", "kl": "KL"}, title="One is sick")
    reward, kl = figure.axes
    assert [line.get_ydata().max() for line in reward.lines[::2]] == pytest.approx([0.4, 0.0])
    assert kl.get_ylabel() == "KL" and [text.get_text() for text in figure.legends[0].texts] == ["healthy", "sick"]
    with pytest.raises(ValueError, match=r"no 'entropy' in this log \(sick\); it has kl, reward, step"):
        plot_runs({"sick": sick}, {"entropy": "entropy"}, title="x")
    with pytest.raises(ValueError, match="5 runs do not fit one panel"):
        plot_runs(dict.fromkeys("abcde", healthy), {"reward": "mean reward"}, title="x")


def test_many_metrics_wrap():
    log = [{"step": step, **{f"m{k}": k for k in range(7)}} for step in range(1, 4)]
    figure = plot_training(log, {f"m{k}": f"metric {k}" for k in range(7)}, title="Seven")
    shown = [axes for axes in figure.axes if axes.axison]
    assert [axes.get_ylabel() for axes in shown] == [f"metric {k}" for k in range(7)]
    assert len({round(axes.get_position().y0, 2) for axes in shown}) == 2


def test_tokens_take_the_colour_of_their_value():
    responses = {"good": [("I", 0.5), (" see\n", 0.0)], "bad": [("It", -0.5)]}
    (axes,) = plot_tokens(responses, title="Up and down").axes
    boxes = {
        text.get_text(): to_hex(text.get_bbox_patch().get_facecolor()) for text in axes.texts if text.get_bbox_patch()
    }
    assert list(boxes) == ["I", " see⏎", "It"]
    red, green, blue = (int(boxes["I"][k : k + 2], 16) for k in (1, 3, 5))
    assert blue > red and int(boxes["It"][1:3], 16) > int(boxes["It"][5:7], 16)
    assert [text.get_text() for text in axes.texts if not text.get_bbox_patch()] == ["good", "bad"]
    heights = {text.get_text(): text.get_position()[1] for text in axes.texts}
    assert heights["good"] > heights["I"] == heights[" see⏎"] > heights["bad"] > heights["It"]


def test_arms_beside_the_paper():
    table = pd.DataFrame(
        [(arm, seed, 0.6 + seed / 100, 0.5, 0.7) for arm in ("mixed", "w/o math") for seed in range(3)],
        columns=["arm", "seed", "accuracy", "low", "high"],
    )
    figure = plot_arms(table, {"mixed": 31.5, "w/o math": 27.0}, base=(0.5, 25.3), title="All verifiers")
    ours, theirs = figure.axes
    assert [bar.get_width() for bar in ours.patches] == pytest.approx([61, 61])
    assert [bar.get_width() for bar in theirs.patches] == [31.5, 27.0]
    assert [label.get_text() for label in ours.get_yticklabels()] == ["mixed", "w/o math"]
    dots = [line.get_xdata()[0] for line in ours.lines if line.get_marker() == "o"]
    assert dots == pytest.approx([60, 61, 62] * 2)


def test_a_benchmark_of_prefixes_has_a_panel_a_length_and_a_line_a_group():
    def part(side, generations, completion, ratio, memory):
        against = {"ratio": ratio, "ratio_interval_95": [ratio * 0.9, ratio * 1.25]}
        return {
            "cell": {"side": side, "generations": generations, "completion": completion},
            "prompt_tokens": side**2 + 18, "ours_over": {"trl": against},
            "arms": {"ours": {"peak_mib": memory}, "trl": {"peak_mib": 200.0}},
        }  # fmt: skip

    measured = [part(9, 8, 32, 0.4, 80), part(4, 8, 32, 0.5, 100), part(4, 4, 32, 0.8, 150), part(4, 8, 128, 1.0, 200)]
    failed = {"cell": {"side": 32, "generations": 8, "completion": 512}, "error": "more than 60 s"}
    figure = plot_prefix_benchmark({"cells": [*measured, failed]}, title="faster")
    above, _, below, _ = figure.axes
    groups = [container.lines[0] for container in above.containers]
    assert [line.get_xdata().tolist() for line in groups] == [[34], [34, 99]]
    assert groups[1].get_ydata() == pytest.approx([2, 2.5])
    bars = above.containers[1].lines[2][0].get_segments()[0]
    assert bars[:, 1] == pytest.approx([2 / 1.25, 2 / 0.9])
    assert below.lines[1].get_ydata() == pytest.approx([50, 40])
    on_gpu = part(4, 8, 32, 0.5, 0)
    on_gpu["arms"] = {"ours": {"allocated_gib": 5, "loaded_gib": 4}, "trl": {"allocated_gib": 8, "loaded_gib": 4}}
    assert plot_prefix_benchmark({"cells": [on_gpu]}, title="g").axes[1].lines[0].get_ydata() == pytest.approx([25])
    with pytest.raises(ValueError, match="none of 1 cells was measured"):
        plot_prefix_benchmark({"cells": [failed]}, title="nothing")


# ---- the image controls, and pass@k ----


def shown(images: str, report: EvalReport) -> EvalReport:
    return EvalReport(report.rows, 1, {"images": images})


def drawn_values(axes) -> list[tuple[float, str]]:
    """Height and colour of each marker with an interval, in the order of drawing."""
    return [(bars.lines[0].get_ydata()[0], to_hex(bars.lines[0].get_color())) for bars in axes.containers]


def test_blind_accuracy_has_a_panel_a_source_and_a_marker_a_stage():
    reports = {
        "base": {"true": GRPO, "blank": shown("blank", BASE)},
        "SFT": {"true": BASE, "blank": shown("blank", GRPO)},
    }
    guess = pd.DataFrame({"accuracy": {"blocks": 0.1, "angles": 0.25, "all": 0.2}})
    figure = plot_blind(reports, guess=guess, title="Blind")
    assert [axes.get_title() for axes in figure.axes] == ["all\nn = 30", "blocks\nn = 10", "angles\nn = 20"]
    base, sft = ARM_COLOURS["base"], ARM_COLOURS["SFT"]
    seen = drawn_values(figure.axes[1])
    assert [value for value, _ in seen] == pytest.approx([80, 40, 40, 80])
    assert [colour for _, colour in seen] == [base, sft, base, sft]
    ends = figure.axes[1].containers[0].lines[2][0].get_segments()[0][:, 1] / 100
    assert ends == pytest.approx(GRPO.by_source.loc["blocks", ["low", "high"]].astype(float))
    assert [axes.lines[-1].get_ydata()[0] for axes in figure.axes] == pytest.approx([20, 10, 25])  # guessing
    words = ["true image", "grey image", "guessing, no image"]
    assert [text.get_text() for text in figure.legends[0].texts] == words
    assert figure.get_suptitle() == "Blind" and "%" in figure.axes[0].get_ylabel()


def test_blind_accuracy_of_a_garbled_stage_says_so():
    healthy, sick = make_report(blocks=(5, 10)), make_report(garbled=2, blocks=(5, 10))
    stages = {"base": healthy, "SFT": sick}
    figure = plot_blind({name: {"true": it, "blank": shown("blank", it)} for name, it in stages.items()}, title="")
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == ["base", "SFT (garbled 20%)"]


def test_blind_accuracy_without_a_guess_has_no_line_of_it():
    figure = plot_blind({"base": {"true": GRPO, "swapped": shown("swapped", BASE)}}, title="")
    assert [text.get_text() for text in figure.legends[0].texts] == ["true image", "another record's image"]
    guessed = plot_blind(
        {"base": {"true": GRPO, "swapped": shown("swapped", BASE)}}, title="",
        guess=pd.DataFrame({"accuracy": {"blocks": 0.1, "angles": 0.25, "all": 0.2}}),
    )  # fmt: skip
    assert len(figure.axes[0].lines) == len(guessed.axes[0].lines) - 1


def test_pass_at_has_a_panel_a_source_a_line_a_seed_and_a_guess():
    rows = [
        (source, arm, seed, k, 0.1 * k + 0.01 * seed, 0.05, 0.9)
        for source in ("all", "angles")
        for arm, seeds in (("base", (0,)), ("GRPO", (0, 1)))
        for seed in seeds
        for k in (1, 2, 4)
    ]
    table = pd.DataFrame(rows, columns=["source", "arm", "seed", "k", "pass_at", "low", "high"])
    guess = pd.DataFrame(
        [("all", 1, 0.2), ("all", 4, 0.5), ("angles", 1, 0.25), ("angles", 4, 0.68), ("blocks", 1, 0.1)],
        columns=["source", "k", "pass_at"],
    )
    figure = plot_pass_at(table, guess=guess, title="Guessing goes far")
    assert [axes.get_title() for axes in figure.axes] == ["all", "angles"]
    base, one, other, line = figure.axes[1].lines
    assert list(other.get_ydata()) == pytest.approx([0.11, 0.21, 0.41]) and list(other.get_xdata()) == [1, 2, 4]
    assert [to_hex(each.get_color()) for each in (base, one, other)] == [
        ARM_COLOURS[a] for a in ("base", "GRPO", "GRPO")
    ]
    assert list(line.get_ydata()) == [0.25, 0.68] and line.get_linestyle() == "--"
    band = figure.axes[1].collections[0].get_paths()[0].vertices[:, 1]
    assert (band.min(), band.max()) == pytest.approx((0.05, 0.9))
    assert [text.get_text() for text in figure.legends[0].texts] == ["base", "GRPO", "guessing, no image"]
    without = plot_pass_at(table.drop(columns="seed").drop_duplicates(["source", "arm", "k"]), title="")
    assert [len(axes.lines) for axes in without.axes] == [2, 2]
    ill = plot_pass_at(table.assign(garbled=np.where(table["arm"] == "GRPO", 0.02, 0.01)), title="")
    assert [text.get_text() for text in ill.legends[0].texts] == ["base", "GRPO (garbled 2.0%)"]


def test_score_against_accuracy_has_a_panel_an_arm_a_dot_a_bin_and_its_n():
    rows = [("base", 0.0, 7, 12, 0.1, 0.8), ("base", 0.5, 4, 12, 0.9, 0.25), ("base", np.nan, 1, 12, np.nan, 0.0)]
    rows += [("mine", 0.0, 3000, 3000, 0.2, 0.5)]
    table = pd.DataFrame(rows, columns=["arm", "start", "n", "of", "score", "accuracy"])
    table = table.assign(low=table["accuracy"] / 2, high=table["accuracy"])
    base, mine = plot_score_accuracy(table, title="High is wrong").axes
    line = base.containers[0].lines[0]
    assert line.get_xdata().tolist() == [0.1, 0.9] and line.get_ydata().tolist() == [80, 25]
    assert [text.get_text() for text in base.texts] == ["7", "4"] and [t.get_text() for t in mine.texts] == ["3,000"]
    assert base.get_title() == "base\nn = 11 of 12" and line.get_color() == ARM_COLOURS["base"]
    assert line.get_marker() != mine.containers[0].lines[0].get_marker()
    ill = plot_score_accuracy(table.assign(garbled=np.where(table["arm"] == "mine", 0.3, 0.0)), title="").axes
    assert [axes.get_title() for axes in ill] == ["base\nn = 11 of 12", "mine (garbled 30%)\nn = 3,000 of 3,000"]


def test_validation_draws_circular_results_open():
    rows = [
        ("text", "kind unseen", "hedged", "headline", 0.6),
        ("text and facts", "kind unseen", "hedged", "circular", 0.9),
    ]
    rows += [("words", "alone", "all", "balanced by construction", 0.5)]
    table = pd.DataFrame(rows, columns=["what", "evaluated", "kind", "status", "auc"]).assign(low=0.4, high=1.0, n=144)
    (axes,) = plot_validation(table, title="Some are caught").axes
    dots = {line.get_label(): line for line in axes.lines if line.get_marker() in ("o", "s")}
    assert {label: dot.get_xdata()[0] for label, dot in dots.items()} == {"text": 0.6, "text and facts, circular": 0.9}
    assert dots["text and facts, circular"].get_markerfacecolor() == "white" != dots["text"].get_markerfacecolor()
    assert [label.get_text() for label in axes.get_yticklabels()] == ["hedged  (n = 144)"]
