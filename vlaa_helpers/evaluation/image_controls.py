"""Controls of vision: the same questions with a grey image, or with the image of another record."""

import functools
import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from random import Random
from typing import TYPE_CHECKING

from ..core.images import decode_image, png_bytes
from ..core.record_schema import RECORD_COLUMNS, arrow_dataset, record_features, require_records

if TYPE_CHECKING:
    from datasets import Dataset

IMAGES = ("true", "blank", "swapped")
GREY = (128, 128, 128)
SAME_IMAGE, SAME_GT = 3, 1
"""How bad it is for a record to be shown its own image, or one with its own ground truth. To mend the first is worth
more than the two of the second that an exchange can cost."""


def control_images(records: "Dataset", images: str, *, seed: int = 0) -> "Dataset":
    """The records with other images of the same size, so that their prompts stay the same to the token.

    What a model still gets right with them, it does not get from the image. Questions and ground truths stay. This is
    what `evaluate(…, images=…)` shows to the model. A model may never have seen a grey image, and fall below guessing
    for that alone; swapped ones are of the sort it knows.

    Args:
        records: each with an image.
        images: "true" gives the records as they are. "blank" gives each a uniform grey image. "swapped" gives each the
            image of another record of its source: a random permutation in which no record keeps its image (or one that
            looks the same), and as few as possible get one with the same ground truth, mended by exchanging pairs. It
            is stretched to the size of the question's own where they differ. Each image is used once.
        seed: of the permutation, which also depends on which records there are and in what order.

    Raises:
        ValueError: another word for `images`; records without an image, which have nothing to take away; "swapped"
            with a source that has one record, or one image for more than half of its records.
    """
    from datasets import Image

    if images not in IMAGES:
        raise ValueError(f"images={images!r}: expected one of {', '.join(map(repr, IMAGES))}")
    if images == "true":
        return records
    require_records(records)
    encoded = records.select_columns(list(RECORD_COLUMNS)).cast_column("image", Image(decode=False))
    if bare := [row["id"] for row in encoded if row["image"] is None]:
        raise ValueError(
            f"images={images!r}: {len(bare)} of {len(encoded)} records have no image, for example {bare[0]}; evaluate "
            "those with one alone: records.filter(lambda image: image is not None, input_columns='image')"
        )
    sizes = [decode_image(row["image"]).size for row in encoded]
    if images == "blank":
        rows = ({**row, "image": _blank(size)} for row, size in zip(encoded, sizes, strict=True))
    else:
        partners = _partners(encoded, seed)
        rows = (
            {**row, "image": _in_size(encoded[partner]["image"], sizes[partner], size)}
            for row, partner, size in zip(encoded, partners, sizes, strict=True)
        )
    return arrow_dataset(rows, record_features())


@functools.lru_cache
def _blank(size: tuple[int, int]) -> dict:
    from PIL import Image

    return {"bytes": png_bytes(Image.new("RGB", size, GREY)), "path": None}


def _in_size(image: dict, size: tuple[int, int], wanted: tuple[int, int]) -> dict:
    return image if size == wanted else {"bytes": png_bytes(decode_image(image).resize(wanted)), "path": None}


def _partners(records: "Dataset", seed: int) -> list[int]:
    """For each record the place of the one whose image it is shown; raises where a source has no other image."""
    looks, gts = [_look(image) for image in records["image"]], [gt.strip() for gt in records["gt"]]
    sources = records["source"][:]
    partners = list(range(len(sources)))
    for source in dict.fromkeys(sources):
        places = [place for place, each in enumerate(sources) if each == source]
        mine = [looks[place] for place in places]
        look, most = Counter(mine).most_common(1)[0]
        if 2 * most > len(places):
            raise ValueError(
                f"images='swapped': {most} of {len(places)} records of source {source!r} show the same image "
                f"({records[places[mine.index(look)]]['id']}), so there are not enough others to show in its place; "
                f"add records of {source!r}, leave that source out, or use images='blank'"
            )
        order = _mixed(mine, [gts[place] for place in places], Random(f"{seed}/{source}"))
        for place, other in zip(places, order, strict=True):
            partners[place] = places[other]
    return partners


def _look(image: Mapping) -> str:
    """What tells an image from others: its encoded bytes, or where it lies."""
    return hashlib.sha256(image["bytes"]).hexdigest() if image["bytes"] else image["path"]


def _mixed(looks: Sequence[str], gts: Sequence[str], rng: Random) -> list[int]:
    """A random permutation of one source's records, pairs exchanged until no exchange makes it less bad.

    As no look is that of more than half of the records, an exchange is found for each that met itself.
    """
    n = len(looks)
    order = rng.sample(range(n), n)

    def cost(place: int, other: int) -> int:
        return SAME_IMAGE * (looks[place] == looks[other]) + SAME_GT * (gts[place] == gts[other])

    changed = True
    while changed:
        changed = False
        for i in range(n):
            if not (now := cost(i, order[i])):
                continue
            start = rng.randrange(n)
            for j in (*range(start, n), *range(start)):
                if cost(i, order[j]) + cost(j, order[i]) < now + cost(j, order[j]):
                    order[i], order[j] = order[j], order[i]
                    changed = True
                    break
    return order
