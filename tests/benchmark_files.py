"""Small parquet files of benchmarks, with the columns and cells that they are published with, and images of our own."""

import io
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image, ImageDraw


def drawn(words: str) -> dict:
    """An image cell: a PNG of 56 × 56 pixels that shows some words."""
    image = Image.new("RGB", (56, 56), "white")
    ImageDraw.Draw(image).text((4, 20), words, fill="black")
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return {"bytes": buffer.getvalue(), "path": f"{words}.png"}


def _mathvista(pid: str, question: str, answer: str, choices=None, kind="integer", precision=None, unit=None) -> dict:
    form = "multi_choice" if choices else "free_form"
    meta = {"split": "testmini", "language": "english", "source": "ours", "task": "figure question answering"}
    return {
        "pid": pid, "question": question, "image": f"images/{pid}.jpg", "decoded_image": drawn(pid), "choices": choices,
        "unit": unit, "precision": precision, "answer": answer, "question_type": form,
        "answer_type": "text" if choices else kind, "metadata": meta, "query": f"Question: {question}",
    }  # fmt: skip


def _mathvision(name: str, question: str, options: list[str], answer: str) -> dict:
    shown = {"image": f"images/{name}.jpg", "decoded_image": drawn(name)}
    return {
        "id": name, "question": question, "options": options, **shown, "answer": answer, "solution": None, "level": 1,
        "subject": "counting",
    }  # fmt: skip


def _mathverse(name: str, version: str, question: str, answer: str, kind: str) -> dict:
    return {
        "sample_index": name, "problem_index": name, "problem_version": version, "question": question,
        "image": drawn(name), "answer": answer, "question_type": kind, "query_wo": "Look.", "query_cot": "Think.",
        "metadata": {"split": "testmini", "source": "ours", "subject": "Plane Geometry", "subfield": "Angle"},
        "question_for_eval": "How large is angle A?",
    }  # fmt: skip


def _wemath(name: str, key: str, option: str, answer: str) -> dict:
    return {
        "ID": name, "split": "testmini", "knowledge concept": "Area of Circles", "question": "How large is it?",
        "option": option, "answer": answer, "image_path": drawn(key), "key": key, "question number": 1,
        "knowledge concept description": "Area of Circles: …",
    }  # fmt: skip


def _logicvista(name: str, question: str, answer: str) -> dict:
    return {
        "question": question, "answer": answer, "reasoning": "So.", "skill": ["inductive"], "image": drawn(name),
        "broad_capability": ["diagram"], "specific_capability": ["sequence pattern"], "imagesource": "ours",
        "sourcelink": "", "liscenced": "true", "id": name,
    }  # fmt: skip


def _chartqa(half: str, question: str, answer: str) -> dict:
    return {"type": half, "question": question, "answer": answer, "image": drawn(answer)}


FILES: dict[str, tuple[str, list[dict]]] = {
    "mathvista_testmini": (
        "data/testmini-00000-of-00001-0a1b2c.parquet",
        [
            _mathvista("1", "How far?", "1.2", kind="float", precision=1),
            _mathvista("2", "What is the gap between them?", "3", unit="years"),
            _mathvista("3", "Which is larger?", "blue", choices=["red", "blue"]),
            _mathvista("4", "Which counts?", "[0, 2, 1]", kind="list"),
            _mathvista("5", "How many?", "18", choices=["9", "18", "18"]),
            _mathvista("6", "How many in words?", "several", kind="integer"),
        ],
    ),
    "mathvision_testmini": (
        "data/testmini-00000-of-00001.parquet",
        [
            _mathvision("4", "How many digits are there?\n<image1>", [], "6"),
            _mathvision("7", "Which piece fits?\n<image1>\n<image2>", list("ABCDE"), "C"),
            _mathvision("9", "Which colour?<image1>", ["red", "$x^2$"], "B"),
            _mathvision("10", "Which of A to E?\n<image1>", [], "D"),
            _mathvision("11", "Where is it?<image1>", [], "(3,-4)"),
        ],
    ),
    "mathverse_vision_only": (
        "testmini.parquet",
        [
            _mathverse("1", "Text Dominant", "How large is angle A?", "B", "multi-choice"),
            _mathverse("2", "Vision Only", "", "B", "multi-choice"),
            _mathverse("3", "Vision Only", "", "2\\sqrt{3}", "free-form"),
            _mathverse("4", "Vision Only", "", "they touch, and so on", "free-form"),
        ],
    ),
    "wemath_testmini": (
        "data/testmini-00000-of-00001.parquet",
        [
            _wemath("3steps_1", "3steps_1", "A. 200.96;B. 3215.36;C. 6280;D. 32; E. No correct answer", "B"),
            _wemath("3steps_1", "3steps_multi", "A. 45° B. 60° ;C. 120°; D. No correct answer", "B"),
            _wemath("2steps_4", "2steps_2", "A. Yes;B. No", "C"),
        ],
    ),
    "logicvista": (
        "data/test-00000-of-00001.parquet",
        [
            _logicvista("v1_0", "Is it so? Select from A, B and C. (A) True (B)False (C)Insufficient Information", "C"),
            _logicvista("v1_1", "Which two choices (A, B, C, or D) fit?", "A, C"),
            _logicvista("v1_2", "Which choice fits?", ""),
        ],
    ),
    "chartqa": (
        "data/test-00000-of-00001-e2cd0b7a0f9eb20d.parquet",
        [
            _chartqa("human_test", "How many food items are shown?", "14"),
            _chartqa("human_test", "Is the sum of all above 5?", "Yes"),
            _chartqa("augmented_test", "What was the share in 2014?", "23.5%"),
        ],
    ),
    "ai2d": (
        "data/test-00000-of-00001.parquet",
        [
            {"question": "What eats grass?", "options": ["cow", "fox", "owl"], "answer": "0", "image": drawn("cow")},
            {"question": "What flies?", "options": ["cow", "fox", "owl"], "answer": "3", "image": drawn("owl")},
        ],
    ),
}
"""Of each benchmark: where its file is in the repository, and rows."""


def write_benchmark(folder: Path, name: str, rows: list[dict] | None = None) -> Path:
    """A folder that holds the repository of a benchmark, with these rows or those of `FILES`."""
    place, ours = FILES[name]
    path = folder / place
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(ours if rows is None else rows), path)
    return folder
