"""The same image or question twice: inside a dataset, or in training and test sets that should share nothing."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
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


def _keys(records: "Dataset") -> Iterator[tuple[str, str, str]]:
    """Id, hash of the image ("" without one), and the question's words, of each record."""
    from datasets import Image

    columns = records.select_columns(["id", "image", "question"]).cast_column("image", Image(decode=False))
    for batch in columns.iter(batch_size=256):
        for name, image, question in zip(batch["id"], batch["image"], batch["question"], strict=True):
            yield name, "" if image is None else image_hash(image), " ".join(question.lower().split())
