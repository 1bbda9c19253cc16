"""Boxes: how much the answer's box overlaps the true one."""

import math
from collections.abc import Mapping
from functools import lru_cache
from numbers import Real

from ..core.boxes import box_iou
from ..core.record_schema import meta_of
from .box_forms import box_numbers
from .score import Reason, Score, score_answer

FRAMES = ("fraction", "thousand", "pixel")


def read_box(text: str, question: str = "") -> list[float] | None:
    """The one box in a text, or None: four finite numbers, plain, in brackets or in JSON; corners in either order.

    Where four corners are named (x1, xmin, left, …), their order is that of the names. What is read, and what may
    stand beside a box, is said at `box_forms.box_numbers`.

    >>> read_box("{'bbox_2d': [0.5, 6e-1, 0.1, 0.2], 'label': 'cup 3'}")
    [0.1, 0.2, 0.5, 0.6]
    """
    return _ordered(box_numbers(text, question))


def _ordered(numbers: list[float]) -> list[float] | None:
    if len(numbers) != 4 or not all(map(math.isfinite, numbers)):
        return None
    x1, y1, x2, y2 = numbers
    return [min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)]


def box_reward(
    response: str,
    gt: str,
    *,
    question: str = "",
    meta: str = "",
    frame: str = "fraction",
    size: tuple[int, int] | None = None,
) -> Score:
    """The IoU of the answer's box with `gt`, continuous, without a threshold (paper §4.1).

    Args:
        gt: `[x1, y1, x2, y2]` in fractions of the image, as in VLAA-Thinking.
        frame: what the prompt asks the answer in: "fraction" (0-1), "thousand" (0-1000, Qwen2-VL's own) or "pixel"
            (of the image as the model gets it, Qwen2.5-VL's own).
        size: width and height of that image, for "pixel"; without it, `image_size` in `meta` (a record's, as JSON):
            [width, height] or {"width": …, "height": …}.

    A box that leaves its frame is `out_of_range`: clipping it would hide that another frame was meant.

    Raises:
        ValueError: an unknown frame, "pixel" without a size or with one that cannot be read, or a `gt` that is no box
            in fractions, see `check_box`.

    >>> round(box_reward("<answer>[0, 0, 500, 1000]</answer>", "[0.0, 0.0, 1.0, 1.0]", frame="thousand").value, 2)
    0.5
    """
    if frame not in FRAMES:
        raise ValueError(f"unknown frame {frame!r}; expected one of {', '.join(FRAMES)}")
    if frame == "pixel":
        size = _read_size(size) or _size_in(meta)
        if not size:
            raise ValueError(
                'frame="pixel" needs size=(width, height) of the image as the model gets it, or image_size in meta'
            )
    truth = _truth(gt)
    width, height = {"fraction": (1, 1), "thousand": (1000, 1000)}.get(frame) or size

    def decide(answer: str) -> Score:
        numbers = box_numbers(answer, question)
        box = _ordered(numbers)
        if box is None:
            return Score(0.0, Reason.AMBIGUOUS if len(numbers) > 4 else Reason.UNREADABLE)
        if min(box) < 0 or box[2] > width or box[3] > height:
            return Score(0.0, Reason.OUT_OF_RANGE)
        x1, y1, x2, y2 = box
        value = box_iou((x1 / width, y1 / height, x2 / width, y2 / height), truth)
        return Score(value, Reason.CORRECT if value == 1 else Reason.PARTIAL if value > 0 else Reason.WRONG)

    return score_answer(response, decide)


@lru_cache(maxsize=4096)
def _truth(gt: str) -> list[float]:
    if problem := check_box(gt):
        raise ValueError(problem)
    return read_box(gt)


def check_box(gt: str, question: str = "", meta: str = "") -> str | None:
    """What is wrong with a box as ground truth, and the mend; None for a box with an area, in fractions of the image.

    With `image_size` in `meta` (a record's, as JSON) the mend of a box in pixels is written out; a size that cannot be
    read is wrong in any frame.
    """
    try:
        size = _size_in(meta)
    except ValueError as error:
        return str(error)
    box = read_box(gt)
    if box is None:
        return f"the ground truth {gt!r:.80} is not a box; expected [x1, y1, x2, y2] in fractions. Mend the record"
    if min(box) < 0 or max(box) > 1:
        mend = "divide x by the image's width and y by its height"
        if size and max(box[0::2]) <= size[0] and max(box[1::2]) <= size[1]:
            width, height = size
            x1, y1, x2, y2 = box
            mend += f": {[round(v, 4) for v in (x1 / width, y1 / height, x2 / width, y2 / height)]}"
        return f"the ground truth {gt!r:.80} leaves 0-1: pixels or thousandths, where fractions are asked; {mend}"
    if box[0] == box[2] or box[1] == box[3]:
        return f"the ground truth {gt!r:.80} has no area, so no answer overlaps it; mend the record"
    return None


def _size_in(meta: str) -> tuple[float, float] | None:
    """Width and height of the image, as a record's `meta` says them; None where it says nothing."""
    return _read_size(meta_of({"meta": meta}).get("image_size"))


def _read_size(size: object) -> tuple[float, float] | None:
    if size is None:
        return None
    pair = [size.get("width"), size.get("height")] if isinstance(size, Mapping) else size
    if not isinstance(pair, list | tuple) or len(pair) != 2 or not all(map(_is_length, pair)):
        raise ValueError(
            f'image_size is {size!r:.80}; expected [width, height] or {{"width": …, "height": …}}, two numbers of '
            "pixels above 0. Correct it, or leave it out"
        )
    return tuple(pair)


def _is_length(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and 0 < value < 1e9


def half_overlaps(score: Score) -> bool:
    """Whether a box counts as found: IoU 0.5 or more, as detection benchmarks have it."""
    return score.value >= 0.5
