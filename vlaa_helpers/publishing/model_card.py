"""The card of a model: what it was trained on, how, how right it is with intervals, and what it should not be used for.

Every number is read from the run's files. What they do not say, the card says that it is not known.
"""

import re
from collections.abc import Iterable, Mapping

from ..core.adapter_config import name_without_path
from ..core.answers import SYSTEM_PROMPT
from ..core.printable import one_line, printable_lines
from ..evaluation.eval_report import compare_reports
from .run_facts import RunFacts

_LOGGED = ("step", "loss", "reward", "kl", "completions/mean_length", "completions/clipped_ratio", "garbled")
"""Columns of a training's log whose last values are shown, where there are any."""


def model_card(facts: RunFacts, repository: str, licence: str) -> str:
    """A model card in Markdown, with the hub's fields at its head."""
    from huggingface_hub import ModelCardData

    note, licence, repository = facts.note or {}, one_line(licence), one_line(repository)
    data = ModelCardData(
        license=licence,
        base_model=None if facts.is_base_local else facts.base,
        library_name="transformers" if facts.is_merged else "peft",
        pipeline_tag="image-text-to-text",
        datasets=sorted({origin["data"] for origin in note.get("data", ()) if _is_on_hub(origin)}) or None,
        tags=["vlaa-helpers", "visual-reasoning", *_method_tag(note)],
    )
    parts = [
        f"---\n{data.to_yaml()}\n---",
        f"# {repository.rpartition('/')[2]}",
        _what(facts, note),
        f"## Use\n\n{_use(facts, repository)}",
        f"## Data\n\n{_data(note)}",
        f"## Recipe\n\n{_recipe(note)}",
        f"## Training\n\n{_training(facts.last_row)}",
        f"## Evaluation\n\n{_evaluation(facts)}",
        *([f"## Merge\n\n```text\n{_fenced(facts.merge_report)}\n```"] if facts.merge_report else []),
        f"## Limits\n\n{_limits(facts)}",
        f"## Licence\n\n{licence}. An adapter, or a model merged from one, is also under the terms of its base, "
        f"{in_words(facts.base)}, and of the data that it learned from.",
    ]
    return "\n\n".join(parts) + "\n"


def _method_tag(note: Mapping) -> list[str]:
    """How it was trained as a tag, where that is a plain word; a stranger's note may name anything."""
    method = note.get("method", "").lower()
    return [method] if re.fullmatch(r"[a-z][a-z0-9_-]{1,29}", method) else []


def table(rows: Iterable[Mapping]) -> str:
    """Rows as a table of Markdown, each on a line; columns are those of the first row; "" where there are no rows."""
    rows = list(rows)
    names = list(rows[0]) if rows else []
    lines = [names, ["---"] * len(names), *([in_words(row[name]) for name in names] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) if rows else ""


def in_words(value: object) -> str:
    """A value as Markdown on one line, that makes no tag, link, code or cell of a table, whatever is in it.

    >>> in_words("<img src=x> [here](http://a)")
    '&lt;img src=x> &#91;here](http://a)'
    """
    text = one_line(str(value)).replace("<", "&lt;").replace("[", "&#91;").replace("`", "&#96;")
    return text.replace("|", "\\|")


def _what(facts: RunFacts, note: Mapping) -> str:
    kind = "A merged model" if facts.is_merged else "A LoRA adapter"
    how = f", trained by {in_words(note['method'])}" if note else ""
    base = in_words(facts.base)
    return f"{kind} on {base}{how} with VLAA Notebooks (`vlaa_helpers`). This card was filled from the run's files."


def _use(facts: RunFacts, repository: str) -> str:
    if facts.is_merged:
        load = (
            "from transformers import AutoModelForImageTextToText, AutoProcessor\n\n"
            f'model = AutoModelForImageTextToText.from_pretrained("{repository}")\n'
            f'processor = AutoProcessor.from_pretrained("{repository}")'
        )
    else:
        load = (
            "from huggingface_hub import snapshot_download\nfrom vlaa_helpers import get_profile, load_policy\n\n"
            f'folder = snapshot_download("{repository}")\n'
            f'model, processor = load_policy(get_profile("{facts.profile_name}"), adapter=folder)'
        )
    local = ""
    if facts.is_base_packaged:
        local = f" The base, {in_words(facts.base)}, is not on the hub: it comes with the package."
    elif facts.is_base_local and facts.base != "unknown":
        local = f" The base, {in_words(facts.base)}, was a folder of the writer's machine: ask them for it."
    return f"```python\n{load}\n```\n\nIt was trained with this system prompt:{local}\n\n> {_quoted(SYSTEM_PROMPT)}"


def _quoted(text: str) -> str:
    return text.replace("<", "\\<").replace("\n", "\n> ")


def _fenced(text: str) -> str:
    """A text that stays within its fence."""
    return printable_lines(text.strip()).replace("```", "'''")


def _data(note: Mapping) -> str:
    if not note:
        return "Not known: the run has no `training.json`."
    rows = [{"source": name, "records": count} for name, count in note["sources"].items()]
    judged = ", ".join(f"{in_words(name)} {count}" for name, count in note.get("verifiers", {}).items())
    origins = [_origin(origin) for origin in note.get("data", ())]
    lines = [*origins, f"{note['records']} records, by verifier: {judged}.", table(rows)]
    return "\n\n".join(lines)


def _origin(origin: Mapping) -> str:
    """Where records come from, in a sentence or two."""
    plain = name_without_path(origin["data"]).replace("`", "'")
    name = f"`{plain}`"
    if _is_on_hub(origin):
        name = f"[{origin['data']}](https://huggingface.co/datasets/{origin['data']}), {in_words(origin['file'])} at "
        name += f"commit {in_words(origin['commit'][:12])}"
    parts = [f"From {name}"]
    if "sources" in origin:
        parts.append(f"sources {', '.join(map(in_words, origin['sources']))}")
    if "limit" in origin:
        parts.append(f"at most {origin['limit']} records")
    if origin.get("through_build"):
        parts.append("their traces and split made by `vlaa build`")
    says = "; ".join(parts) + "."
    if origin.get("first_of_archives"):
        says += " They are the first of each archive of images, no random sample."
    if left_out := origin.get("left_out"):
        says += f" Rows left out: {', '.join(f'{in_words(kind)} {count}' for kind, count in left_out.items())}."
    return says


def _is_on_hub(origin: Mapping) -> bool:
    """Whether records come from a data set of the hub, by a name that the hub may give."""
    return "commit" in origin and re.fullmatch(r"[\w-][\w.-]*/[\w-][\w.-]*", origin["data"]) is not None


def _recipe(note: Mapping) -> str:
    if not note:
        return "Not known: the run has no `training.json`."
    given = note.get("given", {})
    rows = [
        {"setting": row["setting"], "value": given.get(row["setting"], row["value"]),
         "source": "set for this run" if row["setting"] in given else row["source"]}
        for row in note["recipe"]
    ]  # fmt: skip
    known = {row["setting"] for row in rows}
    rows += [
        {"setting": name, "value": given[name], "source": "set for this run"} for name in given if name not in known
    ]
    versions = ", ".join(f"{in_words(name)} {in_words(of_it)}" for name, of_it in note.get("versions", {}).items())
    seed = f" Seed {note['seed']}; one run." if "seed" in note else ""
    seen = f" Images of at most {note['max_pixels']:,} pixels." if "max_pixels" in note else ""
    seen += f" Computed in {in_words(note['dtype'])}." if "dtype" in note else ""
    return f'{table(rows)}\n\n"paper" is VLAA-Thinking, arXiv 2504.11468. Versions: {versions}.{seed}{seen}'


def _training(last: Mapping[str, str]) -> str:
    shown = [{"measure": name, "last logged": last[name]} for name in _LOGGED if name in last]
    return table(shown) if shown else "No log was kept beside it."


def _evaluation(facts: RunFacts) -> str:
    if not facts.reports:
        return "Not evaluated: no report was given (`vlaa push --evaluation FOLDER`)."
    lines = [table(row for name, report in facts.reports.items() for row in _report_rows(name, report))]
    lines.append(
        "95% intervals: Wilson for one response an item, else bootstrap over items. Judged by the rules of "
        '`vlaa_helpers`, which are not those of a leaderboard. Prompt "ours" is the system prompt above; "own" is the '
        "model's own."
    )
    lines += [line for report in facts.reports.values() if (line := _asked(report.settings.get("about")))]
    first, *others = facts.reports.items()
    begin = in_words(first[0])
    for name, report in others:
        if report.prompt != first[1].prompt:
            lines.append(f"{in_words(name)} and {begin} were asked with different prompts; they are not compared.")
            continue
        try:
            lines.append(f"{in_words(name)} against {begin}, paired: {compare_reports(first[1], report)}.")
        except ValueError:
            lines.append(f"{in_words(name)} and {begin} were asked different items; they are not compared.")
    return "\n\n".join(dict.fromkeys(lines))


def _report_rows(name: str, report) -> Iterable[dict]:
    for source, row in report.by_source.iterrows():
        yield {
            "report": name,
            "prompt": report.prompt,
            "source": source,
            "n": int(row["n"]),
            "accuracy": f"{row['accuracy']:.1%}",
            "95% interval": f"{row['low']:.1%} to {row['high']:.1%}",
            "no answer": f"{row['no_answer']:.1%}",
            "truncated": f"{row['truncated']:.1%}",
        }


def _asked(about: Mapping | None) -> str:
    if not about:
        return ""
    left_out = ", ".join(f"{kind} {count}" for kind, count in about["left_out"].items()) or "none"
    return in_words(f"{about['benchmark']} ({about['repository']}): {about['rows']} rows, left out: {left_out}.")


def _limits(facts: RunFacts) -> str:
    lines = [
        "- The reward checks the answer alone: the thinking before it may be wrong or made up.",
        "- Measured on the data above and nothing else; not for decisions about people, health, law or money.",
    ]
    if facts.is_base_packaged:
        lines.append("- The base is a toy of a few million parameters for a generated world: it knows nothing else.")
    for name, report in facts.reports.items():
        if report.garbled > 0.01:
            lines.append(f"- {report.garbled:.1%} of the responses in {in_words(name)} are no text.")
    return "\n".join(lines)
