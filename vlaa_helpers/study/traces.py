"""Where the traces of an arm come from: teachers that see or are blind, and the base's own right responses.

Every trace was verified, by a judge that makes no mistakes: kinds of traces are to differ in what they say, and not in
how many wrong answers a careless judge lets through.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.record_schema import arrow_dataset, meta_of, record_features
from ..core.trace_text import aha_words, trace_of
from ..mini_world.claims import find_claims
from ..mini_world.scenes import remake_scene, scene_records
from ..pipeline.scripted_teacher import ScriptedTeacher
from ..pipeline.steps import Rejected, caption, open_record, reason, rewrite, split, verify
from .arms import Lab, later, short_digest, weights_digest
from .pinned import Pinned, pin_data, records_in
from .schema import Given, Node

if TYPE_CHECKING:
    from datasets import Dataset

_SURE = {"misjudgements": 0.0, "hedges": 0.0}
TEACHERS = {
    "look": ScriptedTeacher(omissions=0, hallucinations=0, slips=0, second_looks=0, **_SURE),
    "blind": ScriptedTeacher(second_looks=0, **_SURE),
    "wrong": ScriptedTeacher(hallucinations=1.0, second_looks=0, **_SURE),
    "cues": ScriptedTeacher(second_looks=1.0, **_SURE),
}
"""Kind of trace: who writes it. `look` reads captions without a fault, as one who sees; `blind` the usual ones; `wrong`
captions that all make something up; `cues` the usual ones, and takes every chance of a second look."""
OWN = "own"
KINDS_OF_TRACES = (*TEACHERS, OWN)
"""`own`: right responses of the base itself, sampled (rejection sampling)."""
TRACED = ("blocks", "charts", "functions", "boxes", "stories")
"""Sources that the pipeline distils traces from."""
SHARED = ("blocks", "charts", "boxes", "stories")
"""Sources of questions that have a trace of every kind: a wrong caption of `functions` leads to no right answer."""
TRIES = 16
"""Drafts that a teacher may write for a shared question, each of another caption."""
SAMPLES = 4
"""Responses that the base may give to a shared question."""
_CHUNK = 256
_WITHOUT_END = 10**9
FILE = "file"
"""`Traces.kind` of those that come from a file."""


@dataclass(frozen=True)
class Traces:
    """Traces to learn from.

    Attributes:
        kind: one of `KINDS_OF_TRACES`, or `FILE`.
        number: how many.
        shared: of questions that have a verified trace of every kind, so that kinds differ in the trace alone.
        angles: a sixth of them are of `angles`, which the pipeline gives no traces.
        data: the file.
    """

    kind: str
    number: int
    shared: bool = False
    angles: bool = False
    data: Pinned | None = later(None)


def read_traces(at: Mapping[str, Node], given: Given) -> Traces:
    """The traces that the options `traces`, `number`, `shared` and `angles` of a study's file ask for.

    Raises:
        ValueError: no such traces, or options that do not go together; says where.
    """
    node, number = at["traces"], at["number"].count()
    told, path = node.text(), given.folder / node.text()
    options = {name: at[name].truth() for name in ("shared", "angles") if name in at}
    if told not in KINDS_OF_TRACES and path.is_file():
        if any(options.values()):
            node.refuse(f"the file {told} with `shared` or `angles`", "these are of the mini world's traces")
        return Traces(FILE, number, data=pin_data(path))
    if told not in KINDS_OF_TRACES:
        node.refuse(repr(told), f"expected one of {', '.join(KINDS_OF_TRACES)}, or a file; there is no {path}")
    if told == OWN and not options.get("shared"):
        node.refuse(
            f"{OWN!r} without `shared: true`", "the base's own responses are sampled for shared questions alone"
        )
    return Traces(told, number, **options)


def make_traces(traces: Traces, profile: Any, seed: int, lab: Lab) -> "Dataset":
    """The records with responses that a stage of SFT learns from; the first of more for a smaller number.

    Args:
        traces: which, and how many.
        profile: of the base whose own responses are meant.
        seed: scenes and teachers of another seed are others.

    Raises:
        ValueError: an unknown kind, or `own` traces that are not of shared questions.
    """
    if traces.data is not None:
        return records_in(traces.data, traces.number)
    if traces.kind not in KINDS_OF_TRACES or (traces.kind == OWN and not traces.shared):
        raise ValueError(
            f"no {'shared ' if traces.shared else ''}traces {traces.kind!r}; expected one of {', '.join(TEACHERS)}, "
            f"or shared ones of {OWN!r}"
        )
    extra = traces.number // 6 if traces.angles else 0
    wanted = traces.number - extra
    if traces.shared:
        rows = _kept(_shared(profile, seed), wanted, lab, [weights_digest(profile.model), seed, SHARED, TRIES, SAMPLES])
        rows = [(row["id"], row[traces.kind]) for row in rows]
    else:
        rows = _pool(traces.kind, wanted, seed, lab, TRACED)
    if extra:
        rows += _pool(traces.kind, extra, seed, lab, ("angles",))
    return to_records(rows)


def held_out_traces(number: int, lab: Lab) -> "Dataset":
    """Traces of the blind teacher on validation scenes, to take the loss on."""
    return to_records(_pool("blind", number, 0, lab, TRACED, part="validation"))


def to_records(rows: list[tuple[str, str]]) -> "Dataset":
    """Records from ids of scenes and their responses."""
    return arrow_dataset(({**(remake_scene(name) or {}), "response": text} for name, text in rows), record_features())


def describe(records: "Dataset") -> dict[str, float]:
    """What traces hold: the shares with a false claim about the image and with a cue, 0-1, and the mean of words."""
    rows = list(records.remove_columns("image"))
    texts = [trace_of(row["response"]) for row in rows]
    pairs = list(zip(rows, texts, strict=True))
    false = [any(claim.verdict == "false" for claim in _claims(row, text)) for row, text in pairs]
    return {
        "false_claim": sum(false) / len(rows),
        "cue": sum(bool(aha_words(text)) for text in texts) / len(rows),
        "words": sum(len(text.split()) for text in texts) / len(rows),
    }


def _claims(row: Mapping, text: str) -> list:
    facts = meta_of(row).get("facts")  # the mini world's; of other images nothing is known
    return find_claims(row["source"], facts, text) if facts else []


def _pool(
    kind: str, number: int, seed: int, lab: Lab, sources: tuple[str, ...], *, part: str = "train"
) -> list[tuple[str, str]]:
    """Traces of one teacher, one draft a question."""

    def write() -> Iterator[dict]:
        for row in _scenes(sources, seed, part):
            if (text := _draft(row, kind, seed)) is not None:
                yield {"id": row["id"], "text": text}

    rows = _kept(write(), number, lab, [kind, repr(TEACHERS[kind]), seed, sources, part])
    return [(row["id"], row["text"]) for row in rows]


def _scenes(sources: tuple[str, ...], seed: int, part: str = "train") -> Iterator[dict]:
    return scene_records(_WITHOUT_END, sources=sources, seed=100 + seed, split=part)


def _draft(row: dict, kind: str, seed: int) -> str | None:
    """One teacher's verified trace, with cues when its kind has them and without when not; None if there is none."""
    teacher = replace(TEACHERS[kind], seed=seed)
    record = open_record(row)
    try:
        for step in (caption, reason, rewrite, verify):
            record = step(record, teacher.ask, teacher)
        goes_to, record = split(record)
    except Rejected:
        return None
    return record["response"] if (goes_to == "rl") == (kind == "cues") else None


def _shared(profile: Any, seed: int) -> Iterator[dict]:
    """Questions with a trace of every kind: id, and the text of each."""
    from ..policy.loading import load_policy

    model, processor = load_policy(profile, trainable=False)
    candidates = _with_every_teacher(seed)
    while True:
        chunk = list(islice(candidates, _CHUNK))
        own = _own_responses(model, processor, [row["id"] for row in chunk], seed)
        if not own:
            raise ValueError(
                f"the base of {profile.name} gave no right response in strict format to {len(chunk)} questions: "
                "there is nothing to learn from its own responses"
            )
        yield from ({**row, OWN: own[row["id"]]} for row in chunk if row["id"] in own)


def _with_every_teacher(seed: int) -> Iterator[dict]:
    for scene in _scenes(SHARED, seed):
        texts = {}
        for kind in TEACHERS:
            drafts = (_draft(scene, kind, 1_000 * seed + k) for k in range(TRIES))
            texts[kind] = next((text for text in drafts if text is not None), None)
        if None not in texts.values():
            yield {"id": scene["id"], **texts}


def _own_responses(model: Any, processor: Any, ids: list[str], seed: int) -> dict[str, str]:
    """The first right response in strict format of each question that got one."""
    from ..evaluation.runner import evaluate

    records = to_records([(name, "") for name in ids])
    report = evaluate(model, processor, records, samples=SAMPLES, batch_size=128, seed=seed)
    right = [row for row in report.rows if row["correct"] and row["is_strict"]]
    return {row["id"]: row["response"] for row in reversed(right)}


def _kept(rows: Iterator[dict], number: int, lab: Lab, told: list) -> list[dict]:
    """The first `number` rows, read from the run folder if they were made before, else made and kept there."""
    from filelock import FileLock

    name = short_digest(told)
    folder = lab.runs / "traces"
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / f"{name}.lock"):
        found = _longest(folder, name)
        if found and found[0] >= number:
            lines = found[1].read_text(encoding="utf-8").splitlines()
        else:
            lines = [json.dumps(row, ensure_ascii=False) for row in islice(rows, number)]
            draft = folder / f"{name}.tmp"
            draft.write_text("\n".join(lines) + "\n", encoding="utf-8")
            draft.replace(folder / f"{name}-{number}.jsonl")
    return [json.loads(line) for line in lines[:number]]


def _longest(folder: Path, name: str) -> tuple[int, Path] | None:
    files = [(int(path.stem.rpartition("-")[2]), path) for path in folder.glob(f"{name}-*.jsonl")]
    return max(files, default=None)
