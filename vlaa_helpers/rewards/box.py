"""Boxes: how much the answer's box overlaps the true one."""

import math
import re

from ..core.boxes import box_iou
from ..core.record_schema import meta_of
from .digit import NUMBER
from .score import Reason, Score, score_answer

FRAMES = ("fraction", "thousand", "pixel")


def read_box(text: str) -> list[float] | None:
    """The one box in a text, or None: four finite numbers, plain, in brackets or in JSON; corners in either order.

    >>> read_box('{"bbox_2d": [0.5, 0.6, 0.1, 0.2], "label": "cup 3"}')
    [0.1, 0.2, 0.5, 0.6]
    """
    numbers = _box_numbers(text)
    if len(numbers) != 4 or not all(map(math.isfinite, numbers)):
        return None
    x1, y1, x2, y2 = numbers
    return [min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)]


def _box_numbers(text: str) -> list[float]:
    """The numbers of all boxes in a text: those in quotes are names and labels."""
    return [float(number) for number in NUMBER.findall(re.sub(r'"[^"]*"', " ", text))]


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
        size: width and height of that image, for "pixel"; without it, `image_size` in `meta` (a record's, as JSON).

    A box that leaves its frame is `out_of_range`: clipping it would hide that another frame was meant.

    Raises:
        ValueError: an unknown frame, "pixel" without a size, or a `gt` that is no box.

    >>> round(box_reward("<answer>[0, 0, 500, 1000]</answer>", "[0.0, 0.0, 1.0, 1.0]", frame="thousand").value, 2)
    0.5
    """
    if frame not in FRAMES:
        raise ValueError(f"unknown frame {frame!r}; expected one of {', '.join(FRAMES)}")
    if frame == "pixel":
        size = size or meta_of({"meta": meta}).get("image_size")
        if not size:
            raise ValueError(
                'frame="pixel" needs size=(width, height) of the image as the model gets it, or image_size in meta'
            )
    truth = read_box(gt)
    if truth is None:
        raise ValueError(f"the ground truth {gt!r:.80} is not a box; expected [x1, y1, x2, y2] in fractions")
    width, height = {"fraction": (1, 1), "thousand": (1000, 1000)}.get(frame) or size

    def decide(answer: str) -> Score:
        box = read_box(answer)
        if box is None:
            return Score(0.0, Reason.AMBIGUOUS if len(_box_numbers(answer)) > 4 else Reason.UNREADABLE)
        if min(box) < 0 or box[2] > width or box[3] > height:
            return Score(0.0, Reason.OUT_OF_RANGE)
        x1, y1, x2, y2 = box
        value = box_iou((x1 / width, y1 / height, x2 / width, y2 / height), truth)
        return Score(value, Reason.CORRECT if value == 1 else Reason.PARTIAL if value > 0 else Reason.WRONG)

    return score_answer(response, decide)


def half_overlaps(score: Score) -> bool:
    """Whether a box counts as found: IoU 0.5 or more, as detection benchmarks have it."""
    return score.value >= 0.5
