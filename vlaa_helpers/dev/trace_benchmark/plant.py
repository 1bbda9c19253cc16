"""Planted traces: genuine reasoning about mini-world scenes and imitations of it, in pairs, as a labelled benchmark.

The paper shows pseudo reasoning by example, and has neither a measure of it nor an annotated set (arXiv 2504.11468).
Here the label is known because the trace was made that way. The benchmark is written by
`python -m vlaa_helpers.dev.trace_benchmark.plant`.
"""

import argparse
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

from ...core.assets import TRACE_BENCHMARK
from ...core.record_schema import meta_of
from ...mini_world.kinds import KINDS, Kind
from ...mini_world.response_styles import guess, misread
from ...mini_world.scenes import check_facts, scene_records
from ...pseudo_reasoning.benchmark import COLUMNS, PSEUDO_KINDS, STYLES
from .phrases import Words

SEED = 5
PER_CELL = {"train": 5, "test": 4}
"""Pairs of each split for each source, difficulty (0, 1, 2) and kind of pseudo trace."""
Sentences = list[str]


def plant_genuine(words: Words, facts: dict, rng: Random, *, style: str | None = None) -> tuple[Sentences, str]:
    """A trace that works the answer out from `facts`, with cues, doubts and small talk now and then, and its answer.

    Args:
        words: how to speak about the scene.
        facts: what the trace believes of the scene; with the true facts it is genuine, and its answer right.
        style: one of `STYLES`; drawn by their shares when left out.
    """
    style = style or rng.choices(list(STYLES), weights=list(STYLES.values()))[0]
    work = words.work(facts)
    said = [words.say("open")] if rng.random() < 0.5 else []
    if style == "corrected":
        slipped = words.work(wrong_look(words.kind, facts, rng))
        if slipped.steps != work.steps and rng.random() < 0.6:
            said += [work.look, *slipped.steps, words.say("cue"), *work.steps]
        else:
            said += [slipped.look, words.say("cue"), work.look, *work.steps]
    else:
        said += [work.look] * (style != "direct") + [*work.steps]
    if style == "long" or rng.random() < 0.3:
        said += [words.say("cue")] * (rng.random() < 0.4)
        said += work.checks
    for role, share in (("hedge", 0.25), ("hedge", 0.15), ("filler", 0.2), ("restate", 0.05)):
        if rng.random() < share:
            said.insert(rng.randint(0, len(said)), words.say(role))
    if rng.random() < 0.12:
        said += [words.say("cue"), words.say("confirm")]
    return _concluded(said, words, work.answer, rng), work.answer


def plant_pseudo(
    kind: str, record: dict, words: Words, rng: Random, other: Callable[[], dict]
) -> tuple[Sentences, str]:
    """A trace of one of `PSEUDO_KINDS` about a record, and its answer.

    Args:
        record: of the mini world.
        words: how to speak about its scene.
        other: gives other records of the source, for `borrowed`.
    """
    meta = meta_of(record)
    facts = meta["facts"]
    if kind == "corrupted":
        return _corrupted(words, facts, rng)
    if kind == "borrowed":
        return _borrowed(words, record, rng, other)
    if kind == "wrong_steps":
        return _wrong_steps(words, facts, rng)
    answer = guess(record["source"], facts, meta["task"], rng)
    return _concluded(_EMPTY[kind](words, facts, rng), words, answer, rng), answer


def _concluded(said: Sentences, words: Words, answer: str, rng: Random) -> Sentences:
    return said + [words.say("conclude", answer=answer)] * (not words.kind.answers_in_prose and rng.random() < 0.6)


def _hedged(words: Words, facts: dict, rng: Random) -> Sentences:
    said = [words.say("hedge") for _ in range(rng.randint(1, 6))]
    extras = {"open": 0.4, "filler": 0.4, "cue": 0.3, "restate": 0.1}
    said += [words.say(role) for role, share in extras.items() if rng.random() < share]
    rng.shuffle(said)
    if rng.random() < 0.4:
        said.insert(rng.randint(0, len(said)), words.work(facts).look)
    return said


def _padded(words: Words, facts: dict, rng: Random) -> Sentences:
    look, restated = words.work(facts).look, words.say("restate")
    units = [look, look] + rng.choices((look, restated, "filler", "open"), k=rng.randint(0, 6))
    rng.shuffle(units)
    return [words.say(unit) if unit in ("filler", "open") else unit for unit in units]


def _cue_decorated(words: Words, facts: dict, rng: Random) -> Sentences:
    work = words.work(facts)
    worked = rng.random() < 0.4  # a genuine trace may confirm itself once; this one does so more often
    said = [work.look, *work.steps] if worked else [work.look]
    for _ in range(rng.randint(1 + worked, 4)):
        again = rng.choice(([], [said[0]], [words.say("confirm")], [words.say("filler")], [said[-1]]))
        said += [words.say("cue"), *again]
    return said


_EMPTY = {"hedged": _hedged, "padded": _padded, "cue_decorated": _cue_decorated}


def wrong_look(kind: Kind, facts: dict, rng: Random) -> dict:
    """The facts of a scene with something false among them, as a look at the image could go wrong."""
    while True:
        seen = misread(kind.name, facts, rng)
        if kind.is_possible(seen) and check_facts(kind.name, facts, kind.words(seen))[1]:
            return seen


def _corrupted(words: Words, facts: dict, rng: Random) -> tuple[Sentences, str]:
    style = rng.choices(list(STYLES), weights=list(STYLES.values()))[0]
    seen = wrong_look(words.kind, facts, rng)
    for _ in range(20):  # a trace without a look is corrupted only where the mistake matters
        if style != "direct" or words.work(seen).steps != words.work(facts).steps:
            return plant_genuine(words, seen, rng, style=style)
        seen = wrong_look(words.kind, facts, rng)
    return plant_genuine(words, seen, rng, style="listing")


def _borrowed(words: Words, record: dict, rng: Random, other: Callable[[], dict]) -> tuple[Sentences, str]:
    facts = meta_of(record)["facts"]
    for _ in range(10_000):
        taken = other()
        meta = meta_of(taken)
        if check_facts(words.kind.name, facts, words.kind.words(meta["facts"]))[1]:
            break
    else:
        raise ValueError(f"kind {words.kind.name!r}: no other scene to borrow from differs from {record['id']}")
    theirs = words.about(meta["task"], taken["question"])
    return plant_genuine(theirs, meta["facts"], rng, style=rng.choice(("listing", "corrected", "long")))


_SUM = re.compile(r"(?<![\w.])(?P<first>\d+)(?P<sign> (?:[-+]|plus|minus) \(?-?)(?P<second>\d+)(?![.\d])")


def _wrong_steps(words: Words, facts: dict, rng: Random) -> tuple[Sentences, str]:
    work = words.work(facts)
    steps = " ".join(work.steps)
    found = _SUM.search(steps)
    if found and rng.random() < 0.7:  # one number of a sum is another, and what follows is as if it were not
        by = rng.choice(words.kind.sum_slips)
        number = int(found["second"])
        wrong = number - by if number >= by and rng.random() < 0.5 else number + by
        steps = steps[: found.start("second")] + str(wrong) + steps[found.end("second") :]
        said = [work.look] * (rng.random() < 0.7) + [steps]
    else:
        seen = words.work(wrong_look(words.kind, facts, rng))
        said = [seen.look, *seen.steps]
    for role, share in (("open", 0.5), ("hedge", 0.25), ("filler", 0.2), ("cue", 0.3)):
        if rng.random() < share:
            said.insert(rng.randint(0, len(said)), words.say(role))
    return _concluded(said, words, work.answer, rng), work.answer


def plant_pairs(*, seed: int = SEED) -> Iterator[dict]:
    """The rows of the benchmark: for each scene a genuine trace and a pseudo one, in the columns of `COLUMNS`."""
    for split, per_cell in PER_CELL.items():
        for source in [name for name, kind in KINDS.items() if kind.phrases]:
            for difficulty in (0, 1, 2):
                n = per_cell * len(PSEUDO_KINDS)
                options = {"sources": source, "seed": seed, "split": split, "difficulty": difficulty}
                records = list(scene_records(n, **options))
                for place, record in enumerate(records):
                    kind = list(PSEUDO_KINDS)[place % len(PSEUDO_KINDS)]
                    yield from _pair(record, kind, split, [r for r in records if r is not record], seed)


def _pair(record: dict, kind: str, split: str, others: list[dict], seed: int) -> Iterator[dict]:
    meta = meta_of(record)
    for label in ("genuine", "pseudo"):
        rng = Random(f"{seed}/{record['id']}/{label}")
        words = Words(record["source"], meta["task"], record["question"], split, rng)
        if label == "genuine":
            style = rng.choices(list(STYLES), weights=list(STYLES.values()))[0]
            said, answer = plant_genuine(words, meta["facts"], rng, style=style)
        else:
            said, answer = plant_pseudo(kind, record, words, rng, lambda rng=rng: rng.choice(others))
        response = f"<think>{' '.join(said)}</think>\n<answer>{answer}</answer>"
        row = {**record, "id": f"{record['id']}-{label}", "pair": record["id"], "split": split, "label": label}
        row |= {"kind": style if label == "genuine" else kind, "response": response}
        yield {name: row[name] for name in COLUMNS}


def benchmark_text() -> str:
    """What `traces.jsonl` of the benchmark holds."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in plant_pairs())


def main() -> None:
    parser = argparse.ArgumentParser(description="Write the benchmark of planted traces.")
    parser.add_argument("--out", type=Path, default=TRACE_BENCHMARK, help="folder; default: the package's own")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "traces.jsonl").write_text(benchmark_text(), encoding="utf-8")
    print(options.out / "traces.jsonl")


if __name__ == "__main__":
    main()
