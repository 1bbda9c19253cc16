"""Boxes `[x1, y1, x2, y2]` and how much two of them overlap."""

from collections.abc import Sequence


def box_iou(a: Sequence[float], b: Sequence[float]) -> float:
    """Intersection over union (IoU) of two boxes, 0-1; 0 when either has no area or its corners in the wrong order.

    Args:
        a, b: `[x1, y1, x2, y2]` with x1 < x2 and y1 < y2, both in the same unit.

    >>> box_iou([0, 0, 2, 1], [1, 0, 3, 1])
    0.3333333333333333
    """
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)]
    union = sum(areas) - width * height
    return width * height / union if union > 0 and min(areas) > 0 else 0.0
