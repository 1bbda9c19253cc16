"""The same image or question twice: inside a dataset, or in training and test sets that should share nothing."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from ..core.images import image_hash

if TYPE_CHECKING:
    from datasets import Dataset


@dataclass(frozen=True)
class Overlap:
    """What two sets of records share.

    Attributes:
        images: pairs of ids (training, test) with the same image, by its pixels; one pair for each test record.
        questions: the same for records that share the image, or both have none, and the question's words.
    """

    images: tuple[tuple[str, str], ...]
    questions: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        return f"{len(self.images)} images and {len(self.questions)} questions about them in common"


def overlap(train: "Dataset", test: "Dataset") -> Overlap:
    """Look for test records that training has seen, by image and by question.

    >>> from vlaa_helpers import make_scenes
    >>> print(overlap(make_scenes(12, split="train"), make_scenes(12, split="test")))
    0 images and 0 questions about them in common
    """
    seen_images: dict[str, str] = {}
    seen_questions: dict[tuple[str, str], str] = {}
    for name, image, question in _keys(train):
        seen_images.setdefault(image, name)
        seen_questions.setdefault((image, question), name)
    images, questions = [], []
    for name, image, question in _keys(test):
        if image and image in seen_images:
            images.append((seen_images[image], name))
        if (image, question) in seen_questions:
            questions.append((seen_questions[image, question], name))
    return Overlap(tuple(images), tuple(questions))


def find_duplicates(records: "Dataset") -> list[list[str]]:
    """The ids of records that show the same image, by its pixels: one list an image that comes more than once."""
    ids = defaultdict(list)
    for name, image, _ in _keys(records):
        if image:
            ids[image].append(name)
    return [names for names in ids.values() if len(names) > 1]


def split_by_image(records: "Dataset", per_source: int, *, seed: int = 0) -> tuple["Dataset", "Dataset"]:
    """Records to train on and records held out, no image in both.

    Both come shuffled, since a file often has its sources one after another.

    Args:
        per_source: records of each source to hold out. Records that share an image stay together, so that the last of
            them may be out of reach: a source then gives fewer.
        seed: of what is held out, and of the order.

    Returns:
        What is left to train on, and what is held out.

    Raises:
        ValueError: nothing of a source would be left to train on, or nothing of it held out.

    >>> from vlaa_helpers import make_scenes
    >>> [len(part) for part in split_by_image(make_scenes(18), 1)]
    [12, 6]
    """
    source_of = records["source"][:]
    rows_of: dict[str, list[int]] = defaultdict(list)
    for row, (_, image, question) in enumerate(_keys(records)):
        rows_of[image or question].append(row)
    groups = list(rows_of.values())
    Random(seed).shuffle(groups)
    train: list[int] = []
    test: list[int] = []
    held = Counter()
    for rows in groups:
        more = Counter(source_of[row] for row in rows)
        fits = all(held[source] + count <= per_source for source, count in more.items())
        (test if fits else train).extend(rows)
        held += more if fits else Counter()
    left = Counter(source_of[row] for row in train)
    for source, count in Counter(source_of).items():
        if not left[source] or not held[source]:
            raise ValueError(
                f"{source} has {count} records, {held[source]} of which can be held out where {per_source} are asked "
                "for; some must be held out and some be left to train on. Load more of it, or hold out fewer."
            )
    return records.select(train), records.select(test)


def _keys(records: "Dataset") -> Iterator[tuple[str, str, str]]:
    """Id, hash of the image ("" without one), and the question's words, of each record."""
    from datasets import Image

    columns = records.select_columns(["id", "image", "question"]).cast_column("image", Image(decode=False))
    for batch in columns.iter(batch_size=256):
        for name, image, question in zip(batch["id"], batch["image"], batch["question"], strict=True):
            yield name, "" if image is None else image_hash(image), " ".join(question.lower().split())
