"""One self-contained HTML file that compares runs: accuracy, what their reasoning is like, and traces to read.

No script, no font, no image from elsewhere: the file can be sent, printed and kept.
"""

import csv
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.assets import REPORT_STYLE, TRACE_BENCHMARK
from ..core.images import decode_image
from ..core.statistics import bootstrap_interval
from ..core.trace_text import trace_of
from ..evaluation.eval_report import EvalReport, compare_reports
from ..mini_world.kinds import several
from ..pseudo_reasoning.marks import MARKS, find_marks, marked_html
from .html_parts import Cell, Html, cell, element, figure_part, image_part, interval_image, table
from .plots import plot_accuracy, plot_training
from .run_folders import Known, Run, measure_run, read_runs

if TYPE_CHECKING:
    import pandas as pd
    from datasets import Dataset

TRACES = 6
"""Traces shown of each run; of longer ones the first `CHARACTERS`."""
CHARACTERS = 2_000
MEASURES = {
    "words": ("words", "length of the trace"),
    "steps": ("steps", "sentences and lines"),
    "cue_rate": ("cues", "the paper's words of self-reflection, for 100 words"),
    "doubt_rate": ("doubts", "words such as “maybe”, for 100 words"),
    "repetition": ("repetition", "share of four-word sequences that came before, 0 to 1"),
    "arithmetic_share": ("sums that hold", "share of those written, 0 to 1; over traces with a sum"),
    "changed_share": ("productive self-checks", "share after which something changed, 0 to 1; over traces with one"),
    "contradictions": ("contradictions", "things given two values, none taken back"),
    "claims_share": ("true claims", "share of what is said of the image, 0 to 1; over traces that say something"),
    "pseudo": ("pseudo score", "how much like imitation, 0 to 1"),
}
"""Column: what it is called, and what it is. `pseudo` is the detector's; the others are `analyze_traces`'."""
CURVES = {
    "reward": "mean reward",
    "loss": "loss",
    "completions/mean_length": "completion length (tokens)",
    "mean_token_accuracy": "token accuracy",
    "held_out/accuracy": "held-out accuracy",
}


def write_report(
    runs: "Sequence[str | os.PathLike] | Mapping[str, str | os.PathLike]",
    path: str | os.PathLike,
    *,
    records: "Dataset | None" = None,
) -> Path:
    """Write one HTML file that compares runs; the first is what the others are compared with.

    Args:
        runs: folders as `evaluate(…, out=…)` writes them, or of trainings (a `log.csv`); a mapping names them, else
            their folders do. The log of a training is also found right above an evaluation.
        path: of the file; its folders are made.
        records: what was asked, for images and facts. Scenes of the mini world are made again without.

    Returns:
        The path. The file holds all it needs, and grows by a figure a training and at most `TRACES` traces a run.

    Raises:
        FileNotFoundError: a folder that is no run.
        ValueError: no runs, two of one name, an evaluation that did not come to its end, or records of other questions.
    """
    found = read_runs(runs)
    measured = [run for run in found if run.report is not None]
    known = Known(records)
    tables = {run.name: measure_run(run.report, known) for run in measured}
    parts = [_head(found, measured)]
    if measured:
        parts += [_accuracy(measured), _reasoning(measured, tables), _cues(measured, tables)]
    parts += [_training(found)]
    if measured:
        parts += [_traces(measured, tables, known)]
    parts += [_settings(found), _notes(tables)]
    title = element("title", _title(found))
    head = element(
        "head", element("meta", charset="utf-8"), title, element("style", Html(REPORT_STYLE.read_text("utf-8")))
    )
    page = element("html", head, element("body", element("main", *parts)), lang="en")
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"<!doctype html>\n{page}\n", encoding="utf-8")
    return path


def _title(runs: list[Run]) -> str:
    return runs[0].name if len(runs) == 1 else f"{len(runs)} runs compared"


def _head(runs: list[Run], measured: list[Run]) -> Html:
    parts = [element("h1", _title(runs))]
    if measured:
        first = measured[0]
        items = f"{len(first.report.rows) // first.report.samples:,} questions"
        parts.append(element("p", f"{items}. Intervals are 95%; differences are from {first.name}.", class_="lead"))
        header = ["run", "accuracy", f"difference from {first.name}", "no answer", "cut at the limit", "tokens"]
        parts.append(table(header, [_at_a_glance(run, first) for run in measured]))
    links = {"Accuracy": "accuracy", "Reasoning": "reasoning"} if measured else {}
    links |= {"Training": "training"} if any(run.log for run in runs) else {}
    links |= {"Traces": "traces"} if measured else {}
    links |= {"Settings": "settings", "Notes": "notes"}
    parts.append(element("nav", *(element("a", words, href=f"#{name}") for words, name in links.items())))
    return Html("".join(parts))


def _at_a_glance(run: Run, first: Run) -> list[object]:
    report = run.report
    image = interval_image(report.accuracy, *report.interval, (0, 1), run.colour)
    accuracy = cell(f"{report.accuracy:.1%}", element("small", _percents(*report.interval)), image)
    tokens = f"{report.by_source.loc['all', 'tokens']:.0f}"
    change = "" if run is first else _difference(first, run)
    return [_chip(run), accuracy, change, f"{report.format_failures:.1%}", f"{report.truncated:.1%}", tokens]


def _chip(run: Run) -> Html:
    return Html(element("span", class_="chip", style=f"background:{run.colour}") + element("span", run.name))


def _percents(low: float, high: float) -> str:
    return f"{100 * low:.1f} to {100 * high:.1f}"


def _difference(first: Run, run: Run, source: str | None = None) -> Cell:
    """The paired difference in points, marked when its interval leaves zero out; without pairs it says so."""
    try:
        found = compare_reports(first.report, run.report, source=source)
    except ValueError:
        return cell("other questions", element("small", "not paired"))
    kind = "up" if found.low > 0 else "down" if found.high < 0 else None
    words = f"{_signed(found.low)} to {_signed(found.high)}, p = {found.p_value:.2g}"
    return cell(element("span", f"{_signed(found.difference)} points", class_=kind), element("small", words))


def _signed(share: float) -> str:
    return f"{100 * share:+.1f}".replace("-", "−")


def _accuracy(runs: list[Run]) -> Html:
    reports, colours = {run.name: run.report for run in runs}, {run.name: run.colour for run in runs}
    title = "Held-out accuracy by source, with 95% intervals"
    figure = plot_accuracy(reports, title=title, colours=colours)
    figure.axes[0].legend(frameon=False, ncols=4, loc="upper center", bbox_to_anchor=(0.5, -0.18))  # off tall bars
    parts = [element("h2", "Accuracy", id="accuracy")]
    parts.append(figure_part(figure, f"{title}; the table below has the numbers."))
    by_source = {run.name: run.report.by_source for run in runs}
    sources = list(dict.fromkeys(source for part in by_source.values() for source in part.index if source != "all"))
    rows = []
    for source in [*sources, "all"]:
        cells = []
        for run in runs:
            if source not in by_source[run.name].index:
                cells.append("–")
                continue
            row = by_source[run.name].loc[source]
            words = f"{_percents(row['low'], row['high'])}, n = {row['n']:.0f}"
            cells.append(cell(f"{row['accuracy']:.1%}", element("small", words)))
        rows.append([source, *cells])
    parts.append(table(["source", *map(_chip, runs)], rows, last_is_all=True))
    if len(runs) > 1:
        parts.append(element("h3", f"Paired differences from {runs[0].name}"))
        rows = [
            [s, *(_difference(runs[0], run, None if s == "all" else s) for run in runs[1:])] for s in [*sources, "all"]
        ]
        parts.append(table(["source", *map(_chip, runs[1:])], rows, last_is_all=True))
        parts.append(element("p", "Green and red: the interval leaves zero out. p: exact McNemar test.", class_="note"))
    return Html("".join(parts))


def _means(table: "pd.DataFrame", rows: Sequence[Mapping], name: str) -> tuple[float, float, float, int] | None:
    """Mean of a measure with its interval over items, and how many have it; None when none does."""
    values = table[name].astype(float).groupby([row["id"] for row in rows]).mean().dropna()
    if not len(values):
        return None
    return float(values.mean()), *bootstrap_interval(values, draws=2000), len(values)


def _reasoning(runs: list[Run], tables: "Mapping[str, pd.DataFrame]") -> Html:
    rows = []
    for name, (called, about) in MEASURES.items():
        found = {
            run.name: _means(tables[run.name], run.report.rows, name) if name in tables[run.name] else None
            for run in runs
        }
        there = [means for means in found.values() if means]
        if not there:
            continue
        scale = (min(0.0, *(means[1] for means in there)), max(means[2] for means in there))
        cells = [_measured(found[run.name], scale, run) for run in runs]
        rows.append([Html(element("span", called) + element("small", about)), *cells])
    intro = (
        "Means over questions. The measures are of this package, not of the paper, which shows pseudo reasoning by "
        "example; what each can tell is in the notes."
    )
    parts = [element("h2", "What the reasoning is like", id="reasoning"), element("p", intro)]
    return Html("".join([*parts, table(["measure", *map(_chip, runs)], rows)]))


def _measured(means: tuple[float, float, float, int] | None, scale: tuple[float, float], run: Run) -> object:
    if means is None:
        return "–"
    value, low, high, n = means
    digits = 1 if max(abs(scale[0]), abs(scale[1])) >= 10 else 2
    few = f", n = {n:,}" if n < len(run.report.rows) // run.report.samples else ""
    words = element("small", f"{low:.{digits}f} to {high:.{digits}f}{few}")
    return cell(f"{value:.{digits}f}", words, interval_image(value, low, high, scale, run.colour))


def _cues(runs: list[Run], tables: "Mapping[str, pd.DataFrame]") -> Html:
    rows = []
    for run in runs:
        report, with_cue = run.report, (tables[run.name]["cues"] > 0).to_numpy()
        cells = [f"{with_cue.mean():.1%}"]
        for wanted in (True, False):
            part = [
                row
                for row, cue in zip(report.rows, with_cue, strict=True)
                if cue == wanted and row["value"] is not None
            ]
            if not part:
                cells.append("–")
                continue
            some = EvalReport(tuple(part), report.samples)
            words = f"{_percents(*some.interval)}, n = {len(part):,}"
            image = interval_image(some.accuracy, *some.interval, (0, 1), run.colour)
            cells.append(cell(f"{some.accuracy:.1%}", element("small", words), image))
        rows.append([_chip(run), *cells])
    header = ["run", "responses with a cue", "accuracy with", "accuracy without"]
    words = "A cue is one of the paper's words of self-reflection, such as “wait”, as a whole word in the trace."
    return Html(
        element("h3", "Accuracy where there is a cue, and where not") + element("p", words) + table(header, rows)
    )


def _training(runs: list[Run]) -> Html:
    parts = []
    for run in {run.log_path: run for run in runs if run.log}.values():
        shown = {
            name: words for name, words in CURVES.items() if any(row.get(name) not in (None, "") for row in run.log)
        }
        steps = max((float(row["step"]) for row in run.log if row.get("step")), default=0)
        if not shown or not steps:
            parts.append(element("p", f"{run.name}: the log has no curve to show.", class_="note"))
            continue
        arm = "GRPO" if "reward" in shown else "SFT"
        if "reward" in shown:
            shown.pop("loss", None)  # near zero by design: GRPO's advantages are centred
        title = f"{run.name}: {steps:.0f} steps of training"
        parts.append(figure_part(plot_training(run.log, shown, title=title, arm=arm), title))
    return Html(element("h2", "Training", id="training") + "".join(parts)) if parts else Html("")


def _traces(runs: list[Run], tables: "Mapping[str, pd.DataFrame]", known: Known) -> Html:
    legend = [element("span", element("mark", kind, class_=kind), words) for kind, words in MARKS.items()]
    parts = [element("h2", "Traces to read first", id="traces")]
    parts.append(element("p", "Of each run those that the pseudo score finds most like imitation, sources in turn."))
    parts.append(element("p", *legend, class_="legend note"))
    for run in runs:
        shown = _worst(run, tables[run.name])
        parts.append(element("h3", _chip(run)))
        parts += [_trace(run.report.rows[int(row["place"])], row, known) for row in shown]
        parts += [] if shown else [element("p", "No response has a trace.", class_="note")]
    return Html("".join(parts))


def _worst(run: Run, measures: "pd.DataFrame") -> list[dict]:
    """The responses most like imitation, those with the least true claims first among equals, one a source as far as
    it goes, and none twice."""
    order = ["pseudo", *(["claims_share"] if "claims_share" in measures else [])]
    ranked = (
        measures.dropna(subset=["pseudo"])
        .round(3)
        .sort_values(order, ascending=[False, True][: len(order)], kind="stable")
    )
    seen: set[str] = set()
    rows = []
    for row in ranked.to_dict("records"):
        said = run.report.rows[row["place"]]["response"]
        if said not in seen:
            seen.add(said)
            rows.append(row)
    firsts = {row["source"]: row for row in reversed(rows)}
    places = {row["place"] for row in firsts.values()}
    return ([row for row in rows if row["place"] in places] + [row for row in rows if row["place"] not in places])[
        :TRACES
    ]


def _trace(said: Mapping, row: Mapping, known: Known) -> Html:
    record = known.record(said)
    trace = trace_of(said["response"])
    more = " …" if len(trace) > CHARACTERS else ""
    trace = trace[:CHARACTERS] + more
    marked = Html(marked_html(trace, find_marks(trace, record)))
    right = (
        element("span", "right", class_="right") if said["correct"] else element("span", "wrong", class_="wrong-answer")
    )
    answer = said["answer"] if said["has_answer"] else "none that can be told"
    facts = [f"pseudo score {row['pseudo']:.2f}"]
    if row.get("claims", float("nan")) > 0:
        facts.append(f"{row['claims_true']:.0f} of {row['claims']:.0f} claims true")
    if row["arithmetic"]:
        facts.append(f"{row['arithmetic_holds']} of {row['arithmetic']} sums hold")
    facts += [several(row[name], name[:-1]) for name in ("cues", "doubts") if row[name]]
    text = element(
        "div",
        element("p", said["question"], class_="question"),
        element("p", marked, class_="said"),
        element("p", "Answer: ", element("b", answer), " – ", right, f"; expected {said['gt']}"),
        element("p", f"{said['id']} · {' · '.join(facts)}", class_="facts"),
    )
    if record is None or record.get("image") is None:
        return element("article", text, class_="trace text")
    return element("article", image_part(decode_image(record["image"]), said["question"]), text, class_="trace")


def _settings(runs: list[Run]) -> Html:
    settings = {run.name: {"folder": run.folder.name, **(run.report.settings if run.report else {})} for run in runs}
    names = list(dict.fromkeys(name for each in settings.values() for name in each))
    rows = []
    for name in names:
        values = ["–" if (v := settings[run.name].get(name)) is None else str(v) or "“”" for run in runs]
        differs = len(set(values)) > 1
        rows.append([name, *(cell(value, class_="differs" if differs else None) for value in values)])
    words = "What differs is shaded." if len(runs) > 1 else "As the evaluation noted them."
    parts = [element("h2", "Settings", id="settings"), element("p", words, class_="note")]
    return Html("".join([*parts, table(["setting", *map(_chip, runs)], rows, class_="words")]))


def _notes(tables: "Mapping[str, pd.DataFrame]") -> Html:
    with_facts = any("claims" in measures for measures in tables.values())
    areas = list(csv.DictReader((TRACE_BENCHMARK / "detector.csv").open(encoding="utf-8")))
    inputs = "text and facts" if with_facts else "text"
    area = next(r for r in areas if (r["inputs"], r["evaluated"], r["kind"]) == (inputs, "test", "all"))
    notes = {
        "Intervals": "Accuracy: Wilson for one response a question, else a bootstrap over questions. Measures: a "
        "bootstrap over questions. Differences: a bootstrap of paired differences, and the exact McNemar test.",
        "Pseudo score": "Logistic regression over the measures, fitted on planted traces. On planted traces that it "
        "never saw, of other scenes in other words, its area under the ROC curve is "
        f"{area['auc']} (95% {area['low']} to {area['high']}; from {inputs}). It knows six kinds of imitation, made by "
        "a script, in short traces about coloured shapes. On other text its level means nothing, and a difference "
        "between runs is a hint to read their traces.",
        "Claims": "What a trace says of a mini-world image, held against the facts. Wordings that are not read count "
        "as nothing said.",
        "Self-checks": "A cue after something was stated. It changed something when what was stated has another value "
        "afterwards; a check that confirms is no fault.",
    }
    if not with_facts:
        del notes["Claims"]
    entries = [part for name, words in notes.items() for part in (element("dt", name), element("dd", words))]
    written = element("p", "Written by vlaa report, of VLAA Notebooks.", class_="note")
    return Html(element("h2", "Notes", id="notes") + element("dl", *entries) + written)
