"""From images, questions and answers to a verified SFT set and a disjoint RL set: six steps, resumable.

Re-creates the data pipeline of VLAA-Thinking (arXiv 2504.11468 §2), whose code was never released. The steps are in
`steps`; here they are run over a dataset in chunks, each with a journal of the teacher's replies. The outputs follow
from records and journals alone, so a build that was killed and run again ends in the same bytes.
"""

import json
import logging
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.built_records import read_built, read_texts
from ..core.endpoint import EndpointError
from ..core.images import read_image_file
from ..core.origin import note_build, origins_of
from ..core.record_schema import RECORD_COLUMNS, record_features, require_records
from ..core.whole_files import write_whole
from .journal import Journal, Usage
from .prompts import PROMPTS, ROLES
from .steps import STEPS, Rejected, close_record, collect, is_rl_only, open_record, run_steps
from .stops import BuildStopped, writing
from .teachers import ChatTeacher, Teacher

if TYPE_CHECKING:
    import pandas as pd
    from datasets import Dataset
    from datasets.arrow_writer import ArrowWriter

logger = logging.getLogger(__name__)
CHUNK = 500
"""Records between two journals: what is held in memory at once, and what a stop leaves half done."""
YIELD_COLUMNS = ("original", "collected", "captioned", "distilled", "rewritten", "verified", "sft", "rl")
REJECT_COLUMNS = ("id", "source", "step", "reason", "raw")
_AFTER_STEP = dict(zip(STEPS, YIELD_COLUMNS[1:6], strict=False))


@dataclass(frozen=True)
class BuildResult:
    """What came out, memory-mapped from the build's folder.

    Attributes:
        sft, rl: records without and with cues of self-reflection; no record is in both. `meta` has the provenance.
        yields: a row a source and one for all; how many records were left after each step of `YIELD_COLUMNS`. Sources
            that go to RL as they are have no number for the steps they skip.
        rejects: a row a rejected record: id, source, step, reason, and the raw text that was the reason.
        folder: where all of it lies.
    """

    sft: "Dataset"
    rl: "Dataset"
    yields: "pd.DataFrame"
    rejects: "Dataset"
    folder: Path


def build_dataset(
    records: "Dataset",
    teacher: Teacher,
    out_dir: str | os.PathLike,
    *,
    unique_images: bool = True,
    budget: float | None = None,
    engine: str = "local",
) -> BuildResult:
    """Run the six steps over records.

    Writes below `out_dir`: `journal/` (every reply, before it counts), `sft.arrow`, `rl.arrow`, `rejects.arrow`,
    `yields.csv` and `build.json`. Interrupt it, kill it, or let the endpoint fail: the same call goes on, asks for
    nothing twice, and ends in the same bytes. Another teacher, prompt or set of records in the same folder asks only
    for what is new. A refusal, or a garbled reply, which is no chat completion, rejects its record and is asked for
    again next time.

    Args:
        records: with the columns of a record. Text that a record brings (caption, response) is kept, not asked for.
        teacher: `ScriptedTeacher`, `ChatTeacher`, or anything with the same three methods.
        unique_images: reject a record whose image an earlier one had, as the paper did (§2, step 1).
        budget: stop once the replies have cost this much, in the unit of the teacher's prices. With prices of 0 it has
            no effect, and a warning says so.
        engine: "local", or "ray" to spread the chunks over Ray Data; on several machines `out_dir` and the records
            must be on a file system that all of them see, and `budget` is not kept.

    Raises:
        BuildStopped: the budget is spent, `out_dir` cannot be written, or another process is building there.
        EndpointError: the endpoint cannot go on, `failed_replies.MAX_FAILED` replies to a role in a row were garbled or
            refused, or all of them while nothing was verified; says why.
        ValueError: not records, no records, an unknown engine, a budget that is none or with "ray", or a broken line in
            the journal.
    """
    from filelock import FileLock, Timeout

    require_records(records)
    if not len(records):
        raise ValueError("no records: nothing to build. load_records() says why rows were left out.")
    if engine not in ("local", "ray"):
        raise ValueError(f'unknown engine {engine!r}; expected "local" or "ray"')
    if engine == "ray" and budget is not None:
        raise ValueError('a budget needs engine="local": the workers of Ray do not share a purse')
    if budget is not None and not budget >= 0:  # NaN would never be spent
        raise ValueError(f"budget is {budget!r}; expected 0 or more, in the unit of the teacher's prices, or None")
    if budget is not None and isinstance(teacher, ChatTeacher) and not any(map(any, teacher.prices.values())):
        logger.warning(
            f"the budget of {budget:g} has no effect: the teacher's prices are 0. Set prices, ChatTeacher(…, "
            "prices={model: (of a million tokens read, of a million written)}), or leave the budget out"
        )
    folder = Path(out_dir)
    lock = FileLock(folder / ".lock", timeout=0)
    with writing(folder):
        (folder / "journal").mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire()
        except Timeout:
            wait = f"another process is building in {folder}; wait for it, or take another folder"
            raise BuildStopped(wait) from None
    try:
        _build(records, teacher, folder, unique_images, Usage(budget=budget), engine)
    finally:
        lock.release()
    return load_build(folder)


def load_build(out_dir: str | os.PathLike) -> BuildResult:
    """The result of a finished build.

    Raises:
        FileNotFoundError: no finished build there.
        ValueError: a `build.json` that is none, a damaged set, or one whose images are not all there as bytes.
    """
    import pandas as pd

    folder = Path(out_dir)
    if not (folder / "build.json").is_file():
        raise FileNotFoundError(f"no finished build in {folder}; run build_dataset(records, teacher, {str(folder)!r})")
    yields = pd.read_csv(folder / "yields.csv", index_col="source").astype("Int64")
    sft, rl = (read_built(folder / f"{name}.arrow") for name in ("sft", "rl"))
    rejects = read_texts(folder / "rejects.arrow", REJECT_COLUMNS)
    for built in (sft, rl):
        note_build(built, folder)
    return BuildResult(sft, rl, yields, rejects, folder)


def _build(records: "Dataset", teacher: Teacher, folder: Path, unique_images: bool, usage: Usage, engine: str) -> None:
    from tqdm.auto import tqdm

    source = Chunks(records, unique_images)
    with writing(folder):
        (folder / "build.json").unlink(missing_ok=True)
    run = _run_local if engine == "local" else _run_ray
    with _Writers(folder) as writers, tqdm(total=len(records), unit="record", smoothing=0.05) as bar:
        for rows, outcomes in run(source, teacher, folder, usage):
            for row, outcome in zip(rows, outcomes, strict=True):
                writers.add(row, outcome)
            bar.update(len(rows))
            tokens = usage.prompt_tokens + usage.completion_tokens
            bar.set_postfix(
                {"calls": usage.calls} | ({"tokens": tokens} if tokens else {})
                | ({"cost": f"{usage.cost:.2f}"} if usage.cost else {})
            )  # fmt: skip
        usage.failures.check_end()
    counts = writers.yield_table()
    _write(folder / "yields.csv", counts.to_csv())
    described = {
        "records": len(records),
        "origins": origins_of(records),
        "unique_images": unique_images,
        "models": {role: teacher.model_of(role) for role in ROLES},
        "prompts": {role: PROMPTS[role].version for role in ROLES},
        "sft": int(counts.loc["all", "sft"]),
        "rl": int(counts.loc["all", "rl"]),
    }
    _write(folder / "build.json", json.dumps(described, indent=2) + "\n")


def _write(path: Path, text: str) -> None:
    """The file as a whole, or as it was: a full disk leaves no half of it."""
    with writing(path):
        write_whole(path, text.encode("utf-8"))


class Chunks:
    """The records, `size` at a time, with what step 1 rejects; images stay encoded."""

    def __init__(self, records: "Dataset", unique_images: bool):
        from datasets import Image

        self.records = records.select_columns(list(RECORD_COLUMNS)).cast_column("image", Image(decode=False))
        self.unique_images = unique_images
        self.size = CHUNK

    def __len__(self) -> int:
        return -(-len(self.records) // self.size)

    def rows(self, number: int) -> list[dict]:
        """One chunk; images are bytes even where the dataset holds a path."""
        columns = self.records[number * self.size : (number + 1) * self.size]
        rows = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
        for row in rows:
            image = row["image"]
            if image is not None and image["bytes"] is None:
                with suppress(OSError, ValueError):  # gone or changed since it was loaded: step 1 rejects it
                    row["image"] = {"bytes": read_image_file(Path(image["path"])), "path": Path(image["path"]).name}
        return rows

    def collected(self) -> Iterator[tuple[int, list[dict], list[tuple | None]]]:
        """Number, rows, and for each row what step 1 says: None to go on, or (step, reason, raw)."""
        seen_ids: set[int] = set()
        seen_images: set[int] | None = set() if self.unique_images else None
        for number in range(len(self)):
            rows, gone = self.rows(number), []
            for row in rows:
                try:
                    collect(row, seen_ids, seen_images)
                    gone.append(None)
                except Rejected as rejected:
                    gone.append(rejected.args)
            yield number, rows, gone


def run_chunk(
    rows: list[dict], gone: list[tuple | None], teacher: Teacher, path: Path, usage: Usage
) -> list[dict[str, Any]]:
    """The outcome of each row: {"set", "record"}, or {"step", "reason", "raw"} for a rejected one.

    A row's own steps follow each other; different rows run side by side, `teacher.concurrency` at once.
    """

    def outcome(row: Mapping, rejected: tuple | None) -> dict[str, Any]:
        if rejected is None:
            try:
                name, record = run_steps(open_record(row), journal.ask, teacher)
                return {"set": name, "record": close_record({**record, "image": None})}
            except Rejected as error:
                rejected = error.args
        return dict(zip(("step", "reason", "raw"), rejected, strict=True))

    with Journal(path, teacher, usage) as journal:
        if teacher.concurrency == 1:
            return list(map(outcome, rows, gone))
        with ThreadPoolExecutor(teacher.concurrency) as pool:
            futures = [pool.submit(outcome, row, rejected) for row, rejected in zip(rows, gone, strict=True)]
            try:
                return [future.result() for future in futures]
            except BaseException:
                pool.shutdown(wait=True, cancel_futures=True)  # what is under way still reaches the journal
                raise


def journal_path(folder: Path, number: int) -> Path:
    return folder / "journal" / f"{number:06d}.jsonl"


def _run_local(
    source: Chunks, teacher: Teacher, folder: Path, usage: Usage
) -> Iterator[tuple[list[dict], list[dict[str, Any]]]]:
    for number, rows, gone in source.collected():
        yield rows, run_chunk(rows, gone, teacher, journal_path(folder, number), usage)


def _run_ray(
    source: Chunks, teacher: Teacher, folder: Path, usage: Usage
) -> Iterator[tuple[list[dict], list[dict[str, Any]]]]:
    from .ray_engine import spread

    gone, folder = [gone for _, _, gone in source.collected()], folder.absolute()

    def work(number: int) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        own = Usage()
        return run_chunk(source.rows(number), gone[number], teacher, journal_path(folder, number), own), asdict(own)

    stops = (BuildStopped, EndpointError, ValueError)
    for number, (outcomes, spent) in enumerate(spread(work, len(source), stops=stops)):
        usage.add(spent)
        yield source.rows(number), outcomes


class _Writers:
    """The three Arrow files, in the order of the records, and the count of what each step left."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.counts: Counter = Counter()
        self.sources: dict[str, None] = {}

    def __enter__(self) -> "_Writers":
        from datasets import Features, Value
        from datasets.arrow_writer import ArrowWriter

        rejects = Features({name: Value("string") for name in REJECT_COLUMNS})
        self._files = {}
        with writing(self.folder), ExitStack() as stack:
            for name, features in (("sft", record_features()), ("rl", record_features()), ("rejects", rejects)):
                self._part(name).unlink(missing_ok=True)  # what a kill left, or a link: the writer would follow it
                stack.callback(self._part(name).unlink, missing_ok=True)
                self._files[name] = ArrowWriter(path=str(self._part(name)), features=features)
                stack.callback(_close, self._files[name])
            self._stack = stack.pop_all()
        return self

    def _part(self, name: str) -> Path:
        return self.folder / f"{name}.arrow.part"

    def __exit__(self, kind: type | None, *_: object) -> None:
        with self._stack, writing(self.folder):
            if kind is None:
                for file in self._files.values():
                    file.finalize()
                for name in self._files:
                    self._part(name).replace(self.folder / f"{name}.arrow")

    def add(self, row: Mapping, outcome: Mapping[str, Any]) -> None:
        source = row["source"]
        self.sources[source] = None
        self.counts[source, "original"] += 1
        if "set" in outcome:
            passed = STEPS[:1] if is_rl_only(source) else STEPS[:5]
            self.counts[source, outcome["set"]] += 1
            self._put(outcome["set"], {**outcome["record"], "image": row["image"]})
        else:
            passed = STEPS[: STEPS.index(outcome["step"])]
            reject = {"id": row["id"], "source": source, **outcome}
            self._put("rejects", {name: reject[name] for name in REJECT_COLUMNS})
        for step in passed:
            self.counts[source, _AFTER_STEP[step]] += 1

    def _put(self, name: str, row: dict[str, Any]) -> None:
        with writing(self._part(name)):
            self._files[name].write(row)

    def yield_table(self) -> "pd.DataFrame":
        import pandas as pd

        rows = {source: {name: self.counts[source, name] for name in YIELD_COLUMNS} for source in self.sources}
        table = pd.DataFrame.from_dict(rows, orient="index", columns=list(YIELD_COLUMNS)).astype("Int64")
        table.loc["all"] = table.sum()
        skipped = [source for source in self.sources if is_rl_only(source)]
        table.loc[skipped, list(YIELD_COLUMNS[2:7])] = pd.NA
        return table.rename_axis("source")


def _close(file: "ArrowWriter") -> None:
    with suppress(OSError, ValueError):  # a full disk takes no end of a file either; it is deleted
        file.close()
