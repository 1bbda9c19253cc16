"""Pairs of a question and an image for reranking: the question's own image, and ones that nearly fit.

A question fits an image that shows what it names. Whether that is so is read from the scene facts, so a negative is one
for certain, however near it is: the scene with another thing in the place of the named one, or with bars for points,
and laid out anew, so that nothing but what is named tells the images apart: not even how many things there are.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

from .kinds import COLOURS, get_kind, name_of
from .kinds.boxes import lay_out
from .kinds.words import SEEN_PAIRS
from .scenes import draw_scene, encode_png, scene_records, split_of

if TYPE_CHECKING:
    from datasets import Dataset, Features

SPLITS = ("train", "validation", "test")
OTHER = "other scene"
"""The change that is none: a scene of the same kind, drawn at random, that lacks what is named."""
_TRIES = 2_000


class Asked(NamedTuple):
    """A question of a kind that names what it is about, with the scene that it was asked of."""

    facts: dict
    task: dict


def _fits_boxes(asked: Asked, facts: dict) -> bool:
    return any(name_of(thing) == asked.task["target"] for thing in facts["objects"])


def _change_boxes(asked: Asked, change: str, rng: Random) -> dict | None:
    things = [{name: thing[name] for name in ("colour", "shape")} for thing in asked.facts["objects"]]
    there = [(thing["colour"], thing["shape"]) for thing in things]
    named = next(thing for thing in things if name_of(thing) == asked.task["target"])
    differs = {"colour": (True, False), "shape": (False, True), "thing": (True, True)}[change]
    near = [
        (colour, shape)
        for colour, shape in SEEN_PAIRS
        if (colour != named["colour"], shape != named["shape"]) == differs and (colour, shape) not in there
    ]
    if not near:
        return None
    named["colour"], named["shape"] = rng.choice(near)
    return lay_out(things, rng)


def _named_bars(asked: Asked) -> list[str]:
    return [asked.task[name] for name in (("first",) if asked.task["kind"] == "value" else ("first", "second"))]


def _fits_charts(asked: Asked, facts: dict) -> bool:
    return facts["style"] == asked.facts["style"] and set(_named_bars(asked)) <= set(facts["colours"])


def _change_charts(asked: Asked, change: str, rng: Random) -> dict | None:
    facts = deepcopy(asked.facts)
    facts["values"] = get_kind("charts").sample(rng, 1, False)["values"]
    if change == "style":
        facts["style"] = {"bar": "point", "point": "bar"}[facts["style"]]
    else:
        place = facts["colours"].index(rng.choice(_named_bars(asked)))
        facts["colours"][place] = rng.choice([colour for colour in COLOURS if colour not in facts["colours"]])
    rng.shuffle(facts["colours"])
    return facts


class _Naming(NamedTuple):
    """How a kind names things in questions: which tasks do, what can be changed, and whether a scene has it."""

    tasks: Sequence[str]
    changes: Sequence[str]
    fits: Callable[[Asked, dict], bool]
    change: Callable[[Asked, str, Random], dict | None]


NAMING = {
    "boxes": _Naming(("named",), ("colour", "shape", "thing"), _fits_boxes, _change_boxes),
    "charts": _Naming(("value", "difference", "sum"), ("colour", "style"), _fits_charts, _change_charts),
}
"""The kinds whose questions name things that another image may lack."""


def make_relevance_pairs(
    n: int,
    *,
    negatives: int = 4,
    sources: Sequence[str] | str = tuple(NAMING),
    seed: int = 0,
    split: str = "train",
    difficulty: int = 1,
) -> "Dataset":
    """Questions, each with the image that it was asked of and with hard negatives: images that lack what it names.

    Args:
        n: how many questions; the sources take turns.
        negatives: images of each question that it does not fit.
        sources: "boxes" and "charts": other kinds ask what fits any of their images.
        seed: the same seed gives the same bytes.
        split: "train", "validation" or "test"; no image is in two of them.
        difficulty: 0-2, as in `make_scenes`.

    Returns:
        A row a pair, the question's own image first: `query_id` (the record's), `source`, `query`, `image`, `relevant`,
        `change` (what is another of the named thing: "colour", "shape", "thing" for both, "style" of a chart; or "other
        scene"; "" for the question's own) and `facts`, the scene as JSON. Rows of a question stand together. Of a
        record's question a query has what stands up to the question mark: options would tell of heights.

    Raises:
        ValueError: a source that names nothing, an unknown split, fewer than one question or negative.

    >>> pairs = make_relevance_pairs(2, negatives=3)
    >>> pairs["relevant"][:4], pairs["query"][0][:12]
    ([True, False, False, False], 'Where is the')
    """
    from ..core.record_schema import arrow_dataset

    sources = (sources,) if isinstance(sources, str) else tuple(sources)
    if odd := [source for source in sources if source not in NAMING]:
        raise ValueError(f"source {odd[0]!r}: its questions fit any of its images; expected {' or '.join(NAMING)}")
    if split not in SPLITS or not sources:
        raise ValueError(f"split={split!r}, sources={sources}; expected a split of {', '.join(SPLITS)}, and a source")
    if n < 1 or negatives < 1:
        raise ValueError(f"n={n} and negatives={negatives}; expected one question and one negative or more")
    asked = [_questions(source, seed=seed, split=split, difficulty=difficulty) for source in sources]
    records = (next(asked[k % len(asked)]) for k in range(n))
    return arrow_dataset((row for record in records for row in _pairs_of(record, negatives)), _features())


def _features() -> "Features":
    from datasets import Features, Image, Value

    names = ("query_id", "source", "query", "image", "relevant", "change", "facts")
    special = {"image": Image(), "relevant": Value("bool")}
    return Features({name: special.get(name, Value("string")) for name in names})


def _questions(source: str, **settings: Any) -> Iterator[dict]:
    """Records of a source whose questions name something."""
    for record in scene_records(10**9, sources=source, **settings):
        if json.loads(record["meta"])["task"]["kind"] in NAMING[source].tasks:
            yield record


def _pairs_of(record: dict, negatives: int) -> Iterator[dict]:
    meta, source, naming = json.loads(record["meta"]), record["source"], NAMING[record["source"]]
    asked, rng = Asked(meta["facts"], meta["task"]), Random(f"{record['id']}/relevance")
    shared = {"query_id": record["id"], "source": source, "query": record["question"].partition("?")[0] + "?"}
    yield shared | {"image": record["image"], "relevant": True, "change": "", "facts": json.dumps(asked.facts)}
    drawn = [asked.facts]
    for k in range(negatives):
        if k % (len(naming.changes) + 1) == 0:  # each change once before any comes again
            changes = rng.sample((*naming.changes, OTHER), len(naming.changes) + 1)
        change, facts = _lacking(asked, changes[k % len(changes)], source, meta, drawn, rng)
        drawn.append(facts)
        image = draw_scene(source, facts, [rng.randrange(10) for _ in range(3)])
        shown = {"bytes": encode_png(image), "path": None}
        yield shared | {"image": shown, "relevant": False, "change": change, "facts": json.dumps(facts)}


def _lacking(asked: Asked, change: str, source: str, meta: dict, drawn: list[dict], rng: Random) -> tuple[str, dict]:
    """A scene of the same split that the question does not fit, and what was changed: another scene where the change
    cannot be, since all things like it are there."""
    kind, naming = get_kind(source), NAMING[source]
    for attempt in range(_TRIES):
        near = None if change == OTHER or attempt > _TRIES // 2 else naming.change(asked, change, rng)
        facts, made = (near, change) if near else (kind.sample(rng, meta["difficulty"], False), OTHER)
        if split_of(facts) == meta["split"] and not naming.fits(asked, facts) and facts not in drawn:
            return made, facts
    raise ValueError(f"no scene of {source!r} lacks what {asked.task} names, in {_TRIES} tries")
