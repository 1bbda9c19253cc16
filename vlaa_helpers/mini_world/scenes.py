"""The mini world: generated images with known facts, questions and ground truth, as ordinary records.

Six sources mirror the nine of VLAA-Thinking (arXiv 2504.11468, Table 1); `kinds` says what each shows, and takes more.
Scenes are seeded, and each belongs to one split by a hash of what it shows: no image is in two splits, whatever the
seeds.
"""

import hashlib
import io
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from random import Random
from typing import TYPE_CHECKING

from .kinds import KINDS, Kind, get_kind
from .raster import blank

if TYPE_CHECKING:
    from datasets import Dataset
    from PIL import Image

SPLITS = ("train", "validation", "test", "shifted", "text")
"""`shifted`: colour-shape pairs, heights, angles and coefficients never seen in training, and more objects.
`text`: scenes of the test split told in words, without an image."""

_TRIES = 10_000


def split_of(facts: dict) -> str:
    """The split that a scene belongs to: 80% train, 10% validation, 10% test, by a hash of what it shows."""
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).digest()
    share = int.from_bytes(digest[:4], "big") / 2**32
    return "train" if share < 0.8 else "validation" if share < 0.9 else "test"


def draw_scene(source: str, facts: dict, tint: Sequence[int] = (4, 4, 4)) -> "Image.Image":
    """The image of a scene: 112 x 112 RGB. `tint` is 0-9 for each channel."""
    image = blank(tuple(tint))
    get_kind(source).draw(facts, image)
    return image


def scene_records(
    n: int, *, sources: Sequence[str] | str | None = None, seed: int = 0, split: str = "train", difficulty: int = 1
) -> Iterator[dict]:
    """Generate `n` records one by one, taking the sources in turn; see `make_scenes`."""
    sources = tuple(KINDS) if sources is None else (sources,) if isinstance(sources, str) else tuple(sources)
    _check(n, sources, split, difficulty)
    for index in range(n):
        source = sources[index % len(sources)]
        rng = Random(f"{seed}/{split}/{difficulty}/{source}/{index}")
        try:
            record = _record(source, index, rng, seed=seed, split=split, difficulty=difficulty)
        except (TypeError, AttributeError, KeyError) as error:
            error.add_note(f"while the kind {source!r} ({type(KINDS[source]).__name__}) made a record")
            raise
        yield record


_SCENE_ID = re.compile(r"(?P<source>\w+)-(?P<split>\w+)-(?P<difficulty>[012])-(?P<seed>-?\d+)-(?P<index>\d+)")


def source_of_scene(name: str) -> str | None:
    """The kind of the mini-world record that has this id; None when it is no id of the mini world.

    >>> source_of_scene("blocks-test-1-2027-0"), source_of_scene("charts-of-mine-7")
    ('blocks', None)
    """
    found = _read_id(name)
    return found["source"] if found else None


def remake_scene(name: str) -> dict | None:
    """The record of this id as `scene_records` made it, from the id alone; None when it is no id of the mini world."""
    found = _read_id(name)
    if not found:
        return None
    source, split, difficulty, seed, index = found.groups()
    rng = Random(f"{seed}/{split}/{difficulty}/{source}/{index}")
    return _record(source, int(index), rng, seed=int(seed), split=split, difficulty=int(difficulty))


def _read_id(name: str) -> re.Match[str] | None:
    found = _SCENE_ID.fullmatch(name)
    return found if found and found["source"] in KINDS and found["split"] in SPLITS else None


def make_scenes(
    n: int, *, sources: Sequence[str] | str | None = None, seed: int = 0, split: str = "train", difficulty: int = 1
) -> "Dataset":
    """Mini-world records with images and their scene facts.

    Args:
        n: how many records; the sources take turns, so a multiple of their number is balanced.
        sources: any of `kinds.KINDS`; all by default, the six that come with the package first.
        seed: the same seed gives the same bytes.
        split: "train", "validation", "test", "shifted" (things never seen in training, more of them) or "text"
            (test scenes told in words, no image). Splits share no image.
        difficulty: 0 (fewer things, one step), 1, or 2 (more things, two steps).

    Returns:
        A `datasets.Dataset` of the record schema (`core.record_schema`). `meta` is JSON with `facts` (what the image
        shows), `task` (what the question asks for), `split`, `difficulty` and `tint`. `caption`, `reasoning`
        and `response` are empty: a teacher writes those.

    Raises:
        ValueError: an unknown source or split, a difficulty outside 0-2, a negative n.

    >>> list(make_scenes(6, seed=1)["source"])
    ['blocks', 'angles', 'charts', 'functions', 'boxes', 'stories']
    """
    from ..core.record_schema import arrow_dataset, record_features

    rows = scene_records(n, sources=sources, seed=seed, split=split, difficulty=difficulty)
    return arrow_dataset(rows, record_features())


def _check(n: int, sources: Sequence[str], split: str, difficulty: int) -> None:
    if not sources:
        raise ValueError(f"sources is empty; leave it out for all of {', '.join(KINDS)}")
    for source in sources:
        get_kind(source)
    if split not in SPLITS:
        raise ValueError(f"unknown split {split!r}; expected one of {', '.join(SPLITS)}")
    if difficulty not in (0, 1, 2):
        raise ValueError(f"difficulty is 0, 1 or 2, got {difficulty!r}")
    if n < 0:
        raise ValueError(f"n counts records and cannot be negative, got {n}")


def _record(source: str, index: int, rng: Random, *, seed: int, split: str, difficulty: int) -> dict:
    kind = KINDS[source]
    facts = _sample_facts(kind, rng, difficulty, split)
    ask = kind.ask(rng, facts, difficulty)
    tint = [rng.randrange(10) for _ in range(3)]
    image = None
    question = ask.text
    if split == "text":
        question = f"Someone says: {kind.words(facts)} {ask.text}"
    else:
        image = {"bytes": encode_png(draw_scene(source, facts, tint)), "path": None}
    meta = {"facts": facts, "task": ask.task, "split": split, "difficulty": difficulty, "tint": tint}
    return {
        "id": f"{source}-{split}-{difficulty}-{seed}-{index}",
        "source": source,
        "image": image,
        "question": question,
        "gt": ask.gt,
        "verifier_type": kind.verifier_type,
        "caption": "",
        "reasoning": "",
        "response": "",
        "meta": json.dumps(meta),
    }


def _sample_facts(kind: Kind, rng: Random, difficulty: int, split: str) -> dict:
    home = "test" if split in ("shifted", "text") else split
    for _ in range(_TRIES):
        facts = kind.sample(rng, difficulty, split == "shifted")
        if split_of(facts) == home:
            return facts
    raise ValueError(
        f"kind {kind.name!r} drew {_TRIES:,} scenes and none of them belongs to {home!r}: it has too few different "
        "scenes for splits that share none. Let `sample` vary more."
    )


def encode_png(image: "Image.Image") -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def stated_facts(source: str, text: str) -> Counter[str]:
    """The atomic claims about an image that a text makes, as written, with how often each is made.

    >>> stated_facts("stories", "It is day. A red circle at the top left.")
    Counter({'It is day': 1, 'red circle at the top left': 1})
    """
    return Counter([match[0] for match in get_kind(source).statement.finditer(text)])


def check_facts(source: str, facts: dict, text: str) -> tuple[int, int, int]:
    """Hold a description against the scene: (true claims, false claims, facts of the scene that it leaves out).

    A box counts as true when it overlaps the object's own by an IoU of at least 0.5.
    """
    kind, stated = get_kind(source), stated_facts(source, text)
    actual = stated_facts(source, kind.words(facts))
    true = kind.count_true(stated, actual)
    return true, stated.total() - true, max(0, actual.total() - true)
