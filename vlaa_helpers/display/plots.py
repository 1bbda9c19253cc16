"""Figures: one message each, said in the title; intervals as bars or bands; a fixed colour for each arm of a study."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import numpy as np

from ..core.images import decode_image

if TYPE_CHECKING:
    import pandas as pd
    from datasets import Dataset
    from matplotlib.figure import Figure

    from ..evaluation.eval_report import EvalReport

ARM_COLOURS = {"base": "#7f7f7f", "SFT": "#e08214", "GRPO": "#2166ac", "SFT→GRPO": "#1b7837"}
"""Fixed across the series, and told apart by colour-blind readers."""


def plot_accuracy(
    reports: "Mapping[str, EvalReport]", *, title: str, colours: Mapping[str, str] = ARM_COLOURS
) -> "Figure":
    """Held-out accuracy by source and over all, a bar an arm, with 95% intervals.

    Args:
        reports: by arm; the arms of `ARM_COLOURS` keep their colour.
        title: the message, as a sentence.
        colours: by arm; an arm that is not in it takes the next of matplotlib's.
    """
    figure, axes = plt.subplots(figsize=(9, 3.4), layout="constrained")
    width = 0.8 / len(reports)
    for k, (arm, report) in enumerate(reports.items()):
        table = report.by_source
        places = np.arange(len(table)) + (k - (len(reports) - 1) / 2) * width
        errors = np.clip([table["accuracy"] - table["low"], table["high"] - table["accuracy"]], 0, None) * 100
        axes.bar(places, table["accuracy"] * 100, width, yerr=errors, capsize=2, label=arm, color=colours.get(arm))
        names = [f"{source}\nn = {n}" for source, n in table["n"].items()]
        axes.set_xticks(np.arange(len(table)), names)
    axes.set(ylabel="held-out accuracy (%)", ylim=(0, 100), title=title)
    axes.legend(frameon=False, ncols=len(reports), loc="upper left", fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def plot_training(
    log: Sequence[Mapping[str, float]], metrics: Mapping[str, str], *, title: str, arm: str = "GRPO", smooth: int = 9
) -> "Figure":
    """Training curves of one run, a panel each: the raw line thin, its moving average bold.

    Args:
        log: `trainer.state.log_history`, or rows of a `log.csv`.
        metrics: column name to axis label, a panel each, four or five in a row.
        arm: whose colour of `ARM_COLOURS` the lines take.
        smooth: steps in the moving average; at most a third of the run.
    """
    return _panels({"": (log, ARM_COLOURS[arm])}, metrics, title, smooth)


RUN_COLOURS = ("#2166ac", "#d6604d", "#e8a417", "#7b3294")
"""Of runs that stand in one panel; the first is the healthy one, in the colour of its arm."""


def plot_runs(
    logs: Mapping[str, Sequence[Mapping[str, float]]], metrics: Mapping[str, str], *, title: str, smooth: int = 3
) -> "Figure":
    """Training curves of up to four runs in the same panels, each raw and smoothed; a healthy run comes first.

    Args:
        logs: by the words that the legend shows; as in `plot_training`.
        metrics, smooth: as in `plot_training`.
        title: the message, as a sentence.
    """
    runs = {name: (log, colour) for (name, log), colour in zip(logs.items(), RUN_COLOURS, strict=False)}
    if len(runs) < len(logs):
        raise ValueError(f"{len(logs)} runs do not fit one panel; at most {len(RUN_COLOURS)}")
    return _panels(runs, metrics, title, smooth)


def _panels(runs: Mapping[str, tuple], metrics: Mapping[str, str], title: str, smooth: int) -> "Figure":
    columns = len(metrics) if len(metrics) <= 5 else 4
    rows = -(-len(metrics) // columns)
    figure, panels = plt.subplots(
        rows, columns, figsize=(3.2 * columns if columns < 4 else 11, 2.5 * rows + 0.3), layout="constrained",
        squeeze=False,
    )  # fmt: skip
    for axes, (name, label) in zip(panels.flat, metrics.items(), strict=False):
        for words, (log, colour) in runs.items():
            points = [(row["step"], float(row[name])) for row in log if row.get(name) not in (None, "")]
            if not points:
                there = ", ".join(sorted({key for row in log for key in row}))
                raise ValueError(f"no {name!r} in this log{words and f' ({words})'}; it has {there}")
            _curve(axes, *np.array(points, dtype=float).T, colour, smooth, words)
        axes.set(xlabel="step", ylabel=label)
        axes.spines[["top", "right"]].set_visible(False)
    for axes in panels.flat[len(metrics) :]:
        axes.axis("off")
    if len(runs) > 1:
        handles, words = panels.flat[0].get_legend_handles_labels()
        figure.legend(handles, words, loc="outside lower center", ncols=len(runs), frameon=False)
    figure.suptitle(title)
    return figure


def _curve(axes: Any, steps: np.ndarray, values: np.ndarray, colour: str, smooth: int = 9, label: str | None = None):
    axes.plot(steps, values, color=colour, alpha=0.35, linewidth=0.8)
    span = max(1, min(smooth, len(values) // 3))
    means = np.convolve(values, np.ones(span) / span, mode="valid")
    axes.plot(steps[span - 1 :], means, color=colour, linewidth=2, label=label)


def plot_losses(logs: Mapping[str, Sequence[Mapping[str, float]]], *, title: str) -> "Figure":
    """Loss curves of several runs in one panel, each raw and smoothed, on a logarithmic axis.

    Args:
        logs: by the words that the legend shows; `trainer.state.log_history` each.
        title: the message, as a sentence.
    """
    figure, axes = plt.subplots(figsize=(7, 3), layout="constrained")
    for k, (name, log) in enumerate(logs.items()):
        points = np.array([(row["step"], row["loss"]) for row in log if "loss" in row], dtype=float)
        _curve(axes, *points.T, f"C{k}", smooth=3, label=name)
    axes.set(xlabel="step", ylabel="loss per completion token", yscale="log", title=title)
    axes.legend(frameon=False, fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def plot_loss_mask(tokens: Sequence[str], in_loss: Sequence[bool], *, title: str, columns: int = 110) -> "Figure":
    """A tokenised sample, token by token; those that the loss sees are coloured. A run of equal tokens is drawn once.

    Args:
        tokens: as text.
        in_loss: for each token, whether its label counts.
        columns: characters a line.
    """
    runs: list[list] = []
    for token, counts in zip(tokens, in_loss, strict=True):
        if runs and runs[-1][:2] == [token, counts]:
            runs[-1][2] += 1
        else:
            runs.append([token, counts, 1])
    texts = [(token + (f" ×{times}" if times > 1 else ""), counts) for token, counts, times in runs]
    return _draw_tokens([("", texts)], lambda counts: ARM_COLOURS["SFT"] if counts else "#e6e6e6", title, columns)


def plot_tokens(
    responses: Mapping[str, Sequence[tuple[str, float]]], *, title: str, columns: int = 110, scale: float | None = None
) -> "Figure":
    """Responses token by token, blue where a token's value is above zero and red where it is below.

    Args:
        responses: by the words that stand over each; its tokens as text, each with a value.
        title: the message, as a sentence.
        columns: characters a line.
        scale: the value, up or down, of the strongest colour; the largest there is by default.
    """
    values = np.abs([value for tokens in responses.values() for _, value in tokens])
    most = scale or max(values.max(initial=0.0), 1e-12)
    shades = plt.get_cmap("RdBu")
    return _draw_tokens(
        list(responses.items()), lambda value: shades(0.5 + 0.35 * np.clip(value / most, -1, 1)), title, columns
    )


def _draw_tokens(blocks: Sequence[tuple[str, Sequence[tuple]]], colour_of: Any, title: str, columns: int) -> "Figure":
    """Blocks of (token, value) under a line of words each, wrapped at `columns` characters."""
    line, drawn = 0, []
    for words, tokens in blocks:
        if words:
            drawn.append((0, line, words, None))
            line += 1
        column = 0
        for token, value in tokens:
            text = token.replace("\n", "⏎")
            if column + len(text) > columns:
                line, column = line + 1, 0
            drawn.append((column, line, text, value))
            column += len(text) + 0.5
            if token.endswith("\n"):
                line, column = line + 1, 0
        line += 1.4 if column else 0.4
    last = max(line for _, line, *_ in drawn)
    width = 0.6 * 8 / 72  # inches: a monospaced character of 8 points
    figure, axes = plt.subplots(figsize=(columns * width + 0.2, 0.24 * (last + 1) + 0.5), layout="constrained")
    for column, line, text, value in drawn:
        if value is None:
            axes.text(column, -line, text, fontsize=8, weight="bold", va="center")
            continue
        box = {"boxstyle": "square,pad=0.12", "facecolor": colour_of(value), "edgecolor": "none"}
        axes.text(column, -line, text, fontsize=8, family="monospace", va="center", bbox=box, parse_math=False)
    axes.set(xlim=(0, columns), ylim=(-last - 0.7, 0.7), title=title)
    axes.axis("off")
    return figure


def plot_arms(table: "pd.DataFrame", paper: Mapping[str, float], *, base: tuple[float, float], title: str) -> "Figure":
    """Arms of an ablation beside the same arms in the paper: a dot a seed with its 95% interval, their mean as a bar.

    Args:
        table: rows with `arm`, `seed`, `accuracy`, `low` and `high` (0-1).
        paper: the paper's figure for each arm, in per cent; other models and other tests, so in a panel of its own.
        base: accuracy before training, ours (0-1) and the paper's (per cent), dashed.
        title: the message, as a sentence.
    """
    arms = list(paper)
    figure, (ours, theirs) = plt.subplots(1, 2, figsize=(9, 0.38 * len(arms) + 1.2), sharey=True, layout="constrained")
    for place, arm in enumerate(arms):
        runs = table[table["arm"] == arm]
        ours.barh(place, 100 * runs["accuracy"].mean(), color=ARM_COLOURS["GRPO"], alpha=0.25)
        heights = place + np.linspace(-0.22, 0.22, len(runs)) if len(runs) > 1 else [place]
        for height, (_, run) in zip(heights, runs.iterrows(), strict=True):
            ours.plot([100 * run["low"], 100 * run["high"]], [height] * 2, color=ARM_COLOURS["GRPO"], linewidth=1)
            ours.plot(100 * run["accuracy"], height, "o", color=ARM_COLOURS["GRPO"], markersize=4)
        theirs.barh(place, paper[arm], color="0.75")
        theirs.text(paper[arm], place, f" {paper[arm]:.1f}", va="center", fontsize=8)
    for axes, value, words in ((ours, 100 * base[0], "here, held-out (%)"), (theirs, base[1], "in the paper (%)")):
        axes.axvline(value, color=ARM_COLOURS["base"], linestyle="--", linewidth=1)
        axes.text(value, -0.62, "before ", fontsize=7, color="0.35", ha="right", va="bottom")
        axes.set(xlabel=words)
        axes.spines[["top", "right"]].set_visible(False)
    ours.set_yticks(range(len(arms)), arms)
    ours.invert_yaxis()
    figure.suptitle(title)
    return figure


def plot_sizes(table: "pd.DataFrame", columns: Mapping[str, str], *, title: str) -> "Figure":
    """What training on more data changes: a panel a column, a thin line a seed, their mean bold, size 0 is the base.

    Args:
        table: rows with `size`, `seed` and the columns, such as those of a study.
        columns: name to axis label; shares are drawn as they are.
        title: the message, as a sentence.
    """
    figure, panels = plt.subplots(1, len(columns), figsize=(3 * len(columns), 2.8), layout="constrained", squeeze=False)
    sizes = sorted(table["size"].unique())
    places = {size: k for k, size in enumerate(sizes)}
    for axes, (name, label) in zip(panels[0], columns.items(), strict=True):
        base = table[table["size"] == 0][name].iloc[0]
        tuned = table[table["size"] > 0]
        for _, run in tuned.groupby("seed"):
            axes.plot(
                [0, *run["size"].map(places)], [base, *run[name]], color=ARM_COLOURS["SFT"], alpha=0.4, linewidth=0.8
            )
        means = tuned.groupby("size")[name].mean()
        axes.plot([0, *means.index.map(places)], [base, *means], color=ARM_COLOURS["SFT"], linewidth=2, marker="o")
        axes.axhline(base, color=ARM_COLOURS["base"], linewidth=1, linestyle=":")
        axes.set_xticks(range(len(sizes)), [f"{size:,}" if size else "base" for size in sizes], fontsize=8)
        axes.set(xlabel="SFT records, one pass", ylabel=label)
        axes.spines[["top", "right"]].set_visible(False)
    figure.suptitle(title)
    return figure


def plot_prefix_benchmark(found: Mapping[str, Any], *, title: str) -> "Figure":
    """How much faster and smaller a GRPO step is that reads each prompt once: a panel a length of completions.

    Above, TRL's step time over ours with its 95% interval; below, the memory that a step takes beside the model, as a
    share of TRL's. Lines are sizes of a group. Cells that could not be measured are left out.

    Args:
        found: what `python -m vlaa_helpers.dev.benchmarks.shared_prefix` wrote.
        title: the message, as a sentence.
    """
    measured = [part for part in found["cells"] if "error" not in part]
    if not measured:
        raise ValueError(f"none of {len(found['cells'])} cells was measured; see their errors")
    lengths, groups = (sorted({part["cell"][name] for part in measured}) for name in ("completion", "generations"))
    figure, panels = plt.subplots(
        2, len(lengths), figsize=(3 * len(lengths), 4.6), layout="constrained", squeeze=False, sharex=True, sharey="row"
    )
    for (above, below), length in zip(panels.T, lengths, strict=True):
        for k, group in enumerate(groups):
            line = [p for p in measured if (p["cell"]["completion"], p["cell"]["generations"]) == (length, group)]
            line.sort(key=lambda part: part["prompt_tokens"])
            tokens = [part["prompt_tokens"] for part in line]
            ours = [part["ours_over"]["trl"] for part in line]
            faster = np.array([1 / part["ratio"] for part in ours])
            edges = np.array([[1 / high, 1 / low] for low, high in (part["ratio_interval_95"] for part in ours)])
            errors = np.clip(np.abs(edges.reshape(-1, 2).T - faster), 0, None)
            colour = plt.get_cmap("Blues")(0.4 + 0.6 * (k + 1) / len(groups))
            above.errorbar(tokens, faster, errors, color=colour, marker="o", markersize=4, capsize=2, label=str(group))
            shares = [_step_memory(part["arms"]["ours"]) / _step_memory(part["arms"]["trl"]) for part in line]
            below.plot(tokens, np.multiply(shares, 100), color=colour, marker="o", markersize=4)
        above.axhline(1, color=ARM_COLOURS["base"], linewidth=1, linestyle=":")
        below.axhline(100, color=ARM_COLOURS["base"], linewidth=1, linestyle=":")
        above.set_title(f"completions of {length} tokens", fontsize=9)
        above.set(xscale="log")
        below.set(xlabel="tokens of a prompt, image included")
        sizes = sorted({part["prompt_tokens"] for part in measured})
        for axes in (above, below):
            axes.minorticks_off()
            axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
            axes.spines[["top", "right"]].set_visible(False)
    for row in panels:  # once all lines of a row are there
        row[0].set_ylim(bottom=0)
    panels[0, 0].set_ylabel("times as fast as TRL")
    panels[1, 0].set_ylabel("memory (% of TRL's)")
    handles, words = panels[0, 0].get_legend_handles_labels()
    words = [f"{word} completions a prompt" for word in words]
    figure.legend(handles, words, loc="outside lower center", ncols=len(words), frameon=False, fontsize=8)
    figure.suptitle(title)
    return figure


def _step_memory(arm: Mapping[str, float]) -> float:
    """What a step takes beside the model, on a CPU or a GPU."""
    return arm["peak_mib"] if "peak_mib" in arm else arm["allocated_gib"] - arm["loaded_gib"]


YIELD_NAMES = {
    "original": "original",
    "collected": "image\nnot seen",
    "captioned": "caption",
    "distilled": "trace",
    "rewritten": "rewritten",
    "verified": "verified",
}


def plot_yields(yields: "pd.DataFrame", *, title: str) -> "Figure":
    """What is left of each source after each step; dashed, where the paper's source that it mirrors ended.

    Args:
        yields: `BuildResult.yields`; sources that skip steps are left out.
        title: the message, as a sentence.
    """
    from ..core.paper_numbers import TABLE_1
    from ..mini_world.kinds import KINDS

    table = yields.drop(index="all").dropna(subset=["verified"])
    figure, axes = plt.subplots(figsize=(9, 3.6), layout="constrained")
    for k, (source, row) in enumerate(table.iterrows()):
        colour = f"C{k}"
        shares = [100 * row[name] / row["original"] for name in YIELD_NAMES]
        axes.plot(list(YIELD_NAMES.values()), shares, marker="o", markersize=4, color=colour, label=source)
        name = KINDS[source].mirrors if source in KINDS else source
        paper = TABLE_1.get(name, {})
        if paper.get("original"):
            share = 100 * paper["verified"] / paper["original"]
            axes.plot([5.15, 5.45], [share, share], color=colour, linestyle="--")
            axes.text(5.5, share, f"{name} {share:.0f}%", va="center", fontsize=7, color=colour)
    axes.text(5.15, 103, "in the paper (Table 1)", fontsize=7, color="0.3")
    axes.set(ylabel="records left (%)", ylim=(0, 108), xlim=(-0.2, 6.6), title=title)
    axes.legend(frameon=False, fontsize=8, loc="lower left", ncols=3)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def show_records(records: "Dataset", *, columns: int = 3) -> "Figure":
    """The images of some records, each with its question and ground truth."""
    return _gallery(
        [(row["image"], f"{row['source']}\n{wrap(row['question'])}\n→ {row['gt']}") for row in records], columns
    )


def show_responses(
    records: "Dataset", responses: Sequence[str] | Mapping[str, Sequence[str]], *, columns: int = 3
) -> "Figure":
    """The images of some records, each with what a model said about it, or what several said, by arm."""
    arms = responses if isinstance(responses, Mapping) else {"": responses}
    said = [
        "\n\n".join(wrap(f"{arm}: {text}" if arm else text) for arm, text in zip(arms, texts, strict=True))
        for texts in zip(*arms.values(), strict=True)
    ]
    texts = [f"{wrap(row['question'])}\n\n{text}" for row, text in zip(records, said, strict=True)]
    return _gallery([(row["image"], text) for row, text in zip(records, texts, strict=True)], columns)


def _gallery(cells: list[tuple[Any, str]], columns: int) -> "Figure":
    rows = -(-len(cells) // columns)
    lines = max(text.count("\n") + 1 for _, text in cells)
    figure, panels = plt.subplots(
        rows, columns, figsize=(3.1 * columns, (2.1 + 0.15 * lines) * rows), squeeze=False, layout="constrained"
    )
    for axes in panels.flat:
        axes.axis("off")
    for axes, (image, text) in zip(panels.flat, cells, strict=False):
        if image is not None:
            axes.imshow(decode_image(image))
        axes.set_title(text, fontsize=8, loc="left", wrap=False)
    return figure


def wrap(text: str, width: int = 46) -> str:
    """Long lines broken between words; line breaks kept."""
    import textwrap

    return "\n".join(part for line in text.splitlines() for part in textwrap.wrap(line, width) or [""])
