"""One self-contained HTML file that compares runs: accuracy, what their reasoning is like, and traces to read.

No script, no font, no image from elsewhere: the file can be sent, printed and kept.
"""

import csv
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ..core.assets import REPORT_STYLE, REPORT_TEMPLATE, TRACE_BENCHMARK
from ..core.images import decode_image
from ..core.statistics import bootstrap_interval
from ..core.trace_text import trace_of
from ..core.whole_files import write_whole
from ..evaluation.eval_report import EvalReport, compare_reports
from ..mini_world.garbled import GARBLED_LIMIT
from ..mini_world.kinds import several
from ..pseudo_reasoning.marks import MARKS, SYMBOLS, find_marks, marked_html
from .plots import plot_accuracy, plot_training
from .plots.garbled_runs import garbled_words, run_label
from .plots.results import sources_of
from .report_parts import Cell, EmbeddedFigure, Table, embed_figure, embed_image, interval_bar
from .run_folders import Known, Run, check_log, measure_run, read_runs

if TYPE_CHECKING:
    import pandas as pd
    from datasets import Dataset
    from jinja2 import Template

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
    "distinct_claims_share": (
        "true claims",
        "share of what is said of the image, repetitions left out, 0 to 1; over traces that say something",
    ),
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
_VISIBLE = {code: 0x2400 + code for code in range(32) if chr(code) not in "\t\n\r"}
_VISIBLE |= dict.fromkeys(range(0x7F, 0xA0), 0xFFFD)
"""Control characters, which a page must not hold, as signs that can be seen."""


def write_report(
    runs: "Sequence[str | os.PathLike] | Mapping[str, str | os.PathLike]",
    path: str | os.PathLike,
    *,
    records: "Dataset | None" = None,
) -> Path:
    """Write one HTML file that compares runs; the first is what the others are compared with.

    A run with more than 1% of garbled responses is marked wherever it is named, and its reasoning is not measured.

    Args:
        runs: folders as `evaluate(…, out=…)` writes them, or of trainings (a `log.csv`); a mapping names them, else
            their folders do. The log of a training is also found right above an evaluation.
        path: of the file; its folders are made.
        records: what was asked, for images and facts. Scenes of the mini world are made again without.

    Returns:
        The path. The file holds all it needs, and grows by a figure a training and at most `TRACES` traces a run.

    Raises:
        FileNotFoundError: a folder that is no run.
        ValueError: no runs, two of one name, an evaluation that did not come to its end, a broken file of a run, or
            records of other questions.
    """
    found = read_runs(runs)
    known = Known(records)
    tables = {run.name: measure_run(run.report, known) for run in found if run.report is not None}
    page = report_template().render(_page(found, tables, known))
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, page.translate(_VISIBLE).encode("utf-8", "replace"))  # a name may hold half a surrogate pair
    return path


def report_template() -> "Template":
    """The template of the page: it escapes every value, and a name that it is not given is an error."""
    environment = Environment(
        loader=FileSystemLoader(REPORT_TEMPLATE.parent), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    return environment.get_template(REPORT_TEMPLATE.name)


def _page(runs: list[Run], tables: "Mapping[str, pd.DataFrame]", known: Known) -> dict:
    """What the template shows; `evaluations` is None where all runs are trainings."""
    measured, curves = [run for run in runs if run.report is not None], _curves(runs)
    shown = {"accuracy": "Accuracy", "reasoning": "Reasoning"} if measured else {}
    shown |= {"training": "Training"} if curves else {}
    shown |= {"traces": "Traces"} if measured else {}
    with_facts = any("claims" in measures for measures in tables.values())
    return {
        "title": runs[0].name if len(runs) == 1 else f"{len(runs)} runs compared",
        "style": REPORT_STYLE.read_text("utf-8"),
        "first": measured[0].name if measured else "",
        "links": [*shown.items(), ("settings", "Settings"), ("notes", "Notes")],
        "evaluations": _evaluations(measured, tables, known) if measured else None,
        "curves": curves,
        "marks": MARKS,
        "symbols": SYMBOLS,
        "settings": _settings(runs),
        "with_facts": with_facts,
        "detector": _detector("text and facts" if with_facts else "text"),
    }


def _evaluations(runs: list[Run], tables: "Mapping[str, pd.DataFrame]", known: Known) -> dict:
    header = [
        "run",
        "accuracy",
        f"difference from {runs[0].name}",
        "no answer",
        "cut at the limit",
        "garbled",
        "tokens",
    ]
    texts = [run for run in runs if not _is_garbled(run)]
    return {
        "questions": f"{_questions(runs[0]):,}",
        "glance": Table(header, [_at_a_glance(run, runs[0]) for run in runs]),
        "figure": _accuracy_figure(runs),
        "legend": list(map(_chip, runs)),
        "by_source": _by_source(runs),
        "differences": _differences(runs) if len(runs) > 1 else None,
        "garbled": [f"{run.name} ({garbled_words(run.garbled)})" for run in runs if _is_garbled(run)],
        "measures": _measures(texts, tables) if texts else None,
        "cues": _cues(texts, tables) if texts else None,
        "traces": [(_chip(run), _traces(run, tables[run.name], known)) for run in runs],
    }


def _is_garbled(run: Run) -> bool:
    return run.garbled > GARBLED_LIMIT


def _questions(run: Run) -> int:
    return len(run.report.rows) // run.report.samples


def _chip(run: Run) -> Cell:
    return Cell(run_label(run.name, run.garbled), chip=run.colour)


def _share(share: float, low: float, high: float, *, n: int | None = None, colour: str = "") -> Cell:
    """A share with its interval in per cent; with a colour the interval is drawn too."""
    small = f"{100 * low:.1f} to {100 * high:.1f}" + ("" if n is None else f", n = {n:,}")
    return Cell(f"{share:.1%}", small, bar=interval_bar(share, low, high, (0, 1), colour) if colour else None)


def _at_a_glance(run: Run, first: Run) -> list[str | Cell]:
    report = run.report
    accuracy = _share(report.accuracy, *report.interval, colour=run.colour)
    change = "" if run is first else _difference(first, run)
    tokens = f"{report.by_source.loc['all', 'tokens']:.0f}"
    garbled = Cell(f"{report.garbled:.1%}", kind="down" if _is_garbled(run) else "")
    return [_chip(run), accuracy, change, f"{report.format_failures:.1%}", f"{report.truncated:.1%}", garbled, tokens]


def _difference(first: Run, run: Run, source: str = "all") -> Cell:
    """The paired difference in points, marked when its interval leaves zero out; without pairs it says so."""
    try:
        found = compare_reports(first.report, run.report, source=None if source == "all" else source)
    except ValueError:
        return Cell("other questions", "not paired")
    kind = "up" if found.low > 0 else "down" if found.high < 0 else ""
    small = f"{_signed(found.low)} to {_signed(found.high)}, p = {found.p_value:.2g}"
    return Cell(f"{_signed(found.difference)} points", small, kind)


def _signed(share: float) -> str:
    return f"{100 * share:+.1f}".replace("-", "−")


def _accuracy_figure(runs: list[Run]) -> EmbeddedFigure:
    reports, colours = {run.name: run.report for run in runs}, {run.name: run.colour for run in runs}
    title = "Held-out accuracy by source, with 95% intervals"
    figure = plot_accuracy(reports, title=title, colours=colours)
    figure.axes[0].get_legend().remove()  # the page has one, which takes names of any length and script
    return embed_figure(figure, f"{title}; the table below has the numbers.")


def _by_source(runs: list[Run]) -> Table:
    tables = [run.report.by_source for run in runs]

    def cell(table: "pd.DataFrame", source: str) -> str | Cell:
        if source not in table.index:
            return "–"
        row = table.loc[source]
        return _share(row["accuracy"], row["low"], row["high"], n=int(row["n"]))

    sources = sources_of(run.report for run in runs)
    rows = [[source, *(cell(table, source) for table in tables)] for source in sources]
    return Table(["source", *map(_chip, runs)], rows, last_is_all=True)


def _differences(runs: list[Run]) -> Table:
    first, *others = runs
    sources = sources_of(run.report for run in runs)
    rows = [[source, *(_difference(first, run, source) for run in others)] for source in sources]
    return Table(["source", *map(_chip, others)], rows, last_is_all=True)


def _means(table: "pd.DataFrame", run: Run, name: str) -> tuple[float, float, float, int] | None:
    """Mean of a measure with its interval over items, and how many have it; None when none does."""
    if name not in table:
        return None
    values = table[name].astype(float).groupby([row["id"] for row in run.report.rows]).mean().dropna()
    if not len(values):
        return None
    return float(values.mean()), *bootstrap_interval(values, draws=2000), len(values)


def _measures(runs: list[Run], tables: "Mapping[str, pd.DataFrame]") -> Table:
    rows = []
    for name, (called, about) in MEASURES.items():
        found = [_means(tables[run.name], run, name) for run in runs]
        there = [means for means in found if means]
        if not there:
            continue
        scale = (min(0.0, *(means[1] for means in there)), max(means[2] for means in there))
        cells = [_measured(means, scale, run) for means, run in zip(found, runs, strict=True)]
        rows.append([Cell(called, about), *cells])
    return Table(["measure", *map(_chip, runs)], rows)


def _measured(means: tuple[float, float, float, int] | None, scale: tuple[float, float], run: Run) -> str | Cell:
    if means is None:
        return "–"
    value, low, high, n = means
    digits = 1 if max(abs(scale[0]), abs(scale[1])) >= 10 else 2
    few = f", n = {n:,}" if n < _questions(run) else ""
    small = f"{low:.{digits}f} to {high:.{digits}f}{few}"
    return Cell(f"{value:.{digits}f}", small, bar=interval_bar(value, low, high, scale, run.colour))


def _cues(runs: list[Run], tables: "Mapping[str, pd.DataFrame]") -> Table:
    rows = []
    for run in runs:
        with_cue = (tables[run.name]["cues"] > 0).to_numpy()
        scored = [(row, cue) for row, cue in zip(run.report.rows, with_cue, strict=True) if row["value"] is not None]
        cells = [_part(run, [row for row, cue in scored if cue == wanted]) for wanted in (True, False)]
        rows.append([_chip(run), f"{with_cue.mean():.1%}", *cells])
    return Table(["run", "responses with a cue", "accuracy with", "accuracy without"], rows)


def _part(run: Run, rows: list[dict]) -> str | Cell:
    """The accuracy over some of the responses of a run."""
    if not rows:
        return "–"
    some = EvalReport(tuple(rows), run.report.samples)
    return _share(some.accuracy, *some.interval, n=len(rows), colour=run.colour)


def _curves(runs: list[Run]) -> list[str | EmbeddedFigure]:
    """A figure of each training, once; the name of the run where its log has nothing to draw."""
    found: list[str | EmbeddedFigure] = []
    for run in {run.log_path: run for run in runs if run.log}.values():
        check_log(run, ["step", *CURVES, "garbled", "held_out/garbled"])
        log = [row for row in run.log if row.get("step")]
        shown = {name: words for name, words in CURVES.items() if any(row.get(name) not in (None, "") for row in log)}
        steps = max((float(row["step"]) for row in log), default=0)
        if not shown or not steps:
            found.append(run.name)
            continue
        arm = "GRPO" if "reward" in shown else "SFT"
        if "reward" in shown:
            shown.pop("loss", None)  # near zero by design: GRPO's advantages are centred
        title = f"{run.name}: {steps:.0f} steps of training"
        figure = plot_training(log, shown, title="", arm=arm)  # the page has the title
        found.append(embed_figure(figure, run_label(title, run.garbled)))
    return found


def _traces(run: Run, measures: "pd.DataFrame", known: Known) -> list[dict]:
    return [_trace(run.report.rows[int(row["place"])], row, known) for row in _worst(run, measures)]


def _worst(run: Run, measures: "pd.DataFrame") -> list[dict]:
    """The responses most like imitation, those with the least true claims first among equals, one a source as far as
    it goes, and none twice. Of a garbled run, the garbled ones come first."""
    order = {"garbled": False} if _is_garbled(run) else {}
    order |= {"pseudo": False} | ({"claims_share": True} if "claims_share" in measures else {})
    ranked = (
        measures.dropna(subset=["pseudo"])
        .round(3)
        .sort_values(list(order), ascending=list(order.values()), kind="stable")
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


def _trace(said: Mapping, row: Mapping, known: Known) -> dict:
    record = known.record(said)
    trace = trace_of(said["response"])
    trace = trace[:CHARACTERS] + (" …" if len(trace) > CHARACTERS else "")
    has_image = record is not None and record.get("image") is not None
    return {
        "id": said["id"],
        "question": said["question"],
        "marked": marked_html(trace, find_marks(trace, record)),
        "answer": said["answer"] if said["has_answer"] else "none that can be told",
        "correct": said["correct"],
        "gt": said["gt"],
        "facts": _facts(row),
        "image": embed_image(decode_image(record["image"])) if has_image else "",
    }


def _facts(row: Mapping) -> list[str]:
    """What was measured of a trace, in words."""
    facts = ["garbled" if row["garbled"] else f"pseudo score {row['pseudo']:.2f}"]
    if row.get("claims", float("nan")) > 0:
        facts.append(f"{row['claims_true']:.0f} of {row['claims']:.0f} claims true")
    if row["arithmetic"]:
        facts.append(f"{row['arithmetic_holds']} of {row['arithmetic']} sums hold")
    return facts + [several(row[name], name[:-1]) for name in ("cues", "doubts") if row[name]]


def _settings(runs: list[Run]) -> Table:
    settings = {run.name: {"folder": run.folder.name, **(run.report.settings if run.report else {})} for run in runs}
    names = list(dict.fromkeys(name for each in settings.values() for name in each))
    rows = []
    for name in names:
        values = ["–" if (v := settings[run.name].get(name)) is None else str(v) or "“”" for run in runs]
        kind = "differs" if len(set(values)) > 1 else ""
        rows.append([name, *(Cell(value, kind=kind) for value in values)])
    return Table(["setting", *map(_chip, runs)], rows, kind="words")


def _detector(inputs: str) -> dict[str, str]:
    """The detector's shipped test result from these inputs."""
    with (TRACE_BENCHMARK / "detector.csv").open(encoding="utf-8") as file:
        wanted = (inputs, "test", "all")
        return next(row for row in csv.DictReader(file) if (row["inputs"], row["evaluated"], row["kind"]) == wanted)
