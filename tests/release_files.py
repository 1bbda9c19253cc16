"""Data sets laid out like the release, small enough for a test."""

import io
import json
import tarfile
from itertools import cycle

from row_files import encoded

REPO = "UCSC-VLAA/VLAA-Thinking"
GT = {
    "clevr_math": "3",
    "geoqa170k": "A",
    "synthesis": "2x",
    "arxivqa": "B",
    "coco": "[0, 0, 0.5, 1]",
    "vg": "[0, 0, 0.5, 1]",
}
FOLDER = {"coco": "coco/train2017", "vg": "vg/VG_100K"}


QUESTIONS = (
    "{k}?",
    "A pen costs $5 and a book ${k}; what do both cost?",
    r"Solve $\begin{{cases}} x={k} \end{{cases}}$ on $\overparen{{AB}}$.",
)
"""With what rows of the release have in them: prices, and LaTeX that matplotlib does not know."""


def tar_gz(members: dict[str, bytes], *more: tarfile.TarInfo) -> bytes:
    """A .tar.gz of these files, and of members without data."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        for info in more:
            archive.addfile(info)
    return buffer.getvalue()


def rows_of(source: str, n: int) -> list[dict]:
    """Rows of the release's GRPO file: a number as ground truth, metadata as text, a slash too many."""
    gt = 3 if source == "clevr_math" else GT[source]
    folder = FOLDER.get(source, source)
    return [
        {"id": f"{source}-{k}", "image": f"/{folder}/{k}.png", "question": question.format(k=k), "gt": gt}
        | {"meta": "{'url': None}"}
        for k, question in zip(range(n), cycle(QUESTIONS), strict=False)
    ]


def images_of(source: str, n: int, size=(64, 48), first=0) -> dict[str, bytes]:
    """Images for `rows_of`, as an archive of the release holds them; two calls with the same `first` draw the same."""
    return {f"{source}/{k}.png": encoded(size=size, seed=first + k) for k in range(n)}


def json_lines(rows) -> bytes:
    return "\n".join(map(json.dumps, rows)).encode() + b"\n"
