"""Reading records: files shaped like the release, every kind of bad row, and the mini world."""

import inspect
import io
import json
import re
import subprocess
import sys
import types
import warnings
from bisect import bisect_left
from pathlib import Path
from random import Random

import numpy as np
import pytest
from datasets import Image
from datasets.arrow_writer import ArrowWriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image as PILImage
from row_files import ROW, SFT_TEXT, encoded, encoded_png

from vlaa_helpers.core.control_tokens import CONTROL_TOKENS
from vlaa_helpers.core.images import decode_image
from vlaa_helpers.core.record_schema import RECORD_COLUMNS, record_features
from vlaa_helpers.data import rows_to_records as module
from vlaa_helpers.data.load import load_records, read_records
from vlaa_helpers.data.rows_to_records import RowProblem, verifier_by_source
from vlaa_helpers.data.trl_views import to_grpo
from vlaa_helpers.evaluation import benchmarks
from vlaa_helpers.mini_world.scenes import make_scenes
from vlaa_helpers.rewards.digit import digit_reward
from vlaa_helpers.rewards.registry import Verifier, register_verifier

FIVE = {"digit", "choice", "math", "box", "open_ended"}
GT_OF = {"digit": "3", "choice": "B", "math": "2x", "box": "[0, 0, 0.5, 1]", "open_ended": "A cup."}


def only_problem(file, **options):
    _, problems = read_records(file, **options)
    assert len(problems) == 1, [str(problem) for problem in problems]
    return problems[0]


# ---- the release ----


def test_real_rows(real_samples):
    records, problems = read_records(real_samples / "rows.jsonl", image_root=real_samples / "images")
    assert not problems
    assert records.column_names == list(RECORD_COLUMNS)
    assert records.features == record_features()
    assert list(records["source"]) == ["clevr_math", "synthesis", "arxivqa"]
    assert list(records["verifier_type"]) == ["digit", "math", "choice"]
    assert list(records["gt"]) == ["3", "y = -5 * sin(-5 * x)", "B"]
    assert [image.size for image in records["image"]] == [(480, 320), (800, 600), (2016, 1390)]
    assert records[0]["reasoning"].startswith("Okay, let's see.") and "</think>" not in records[0]["reasoning"]
    assert records[0]["response"].startswith("<think>") and "**Answer:**" in records[0]["response"]
    assert "sphere" in records[0]["caption"] and records[1]["caption"] == ""
    assert "metal sphere" in json.loads(records[0]["meta"])["rationale"]
    assert json.loads(records[1]["meta"])["solution"].startswith("Step 1: Substitute")


@pytest.mark.parametrize(
    ("source", "question", "added"),
    [
        ("coco", "Please provide the bounding box coordinate of the region this sentence describes: a red cup.", True),
        ("vg", "Where is the 2nd dog? ", True),
        ("coco", "Where is the cup? Answer in normalized coordinates.", False),
        ("vg", "Where is the cup? Give [x1, y1, x2, y2] from 0 to 1.", False),
        ("mine", "Where is the cup?", False),
    ],
)
def test_questions_for_boxes_name_their_frame(write_rows, source, question, added):
    """Qwen2.5-VL answers in pixels unless it is told otherwise, and every box would earn 0."""
    row = {"id": "a", "source": source, "question": question, "gt": "[0, 0, 0.5, 1]", "verifier_type": "box"}
    (said,) = load_records(write_rows(row))["question"]
    assert said == (f"{question.rstrip()}\n{module.BOX_FRAME}" if added else question)


def test_mini_world_boxes_name_their_frame(write_rows):
    """So they read the same from a file in the release's layout (chapter 7)."""
    (question,) = make_scenes(1, sources="boxes")["question"]
    row = {"id": "a", "source": "coco", "question": question, "gt": "[0, 0, 0.5, 1]"}
    assert load_records(write_rows(row))["question"][:] == [question]


def test_sft_rows_of_the_release(write_rows):
    row = {"image": "clevr_math/a.png", "question": "How many?", "answer": SFT_TEXT}
    file = write_rows(row, row, name="train.json", images={"clevr_math/a.png": encoded()})  # JSON Lines under .json
    records, problems = read_records(file)
    assert not problems
    assert records[0]["response"] == SFT_TEXT and records[0]["reasoning"] == "one and two"
    assert (records[0]["gt"], records[0]["source"], records[0]["verifier_type"]) == ("3", "clevr_math", "digit")
    assert list(records["id"]) == ["clevr_math-a", "clevr_math-a-2"]  # ids are made up, and told apart


def test_grpo_rows_of_the_release(write_rows):
    rows = [
        {**ROW, "id": 7, "gt": 3, "meta": "{'url': None, 'n': 2}"},
        {**ROW, "id": "b", "gt": 3.0, "meta": '{"url": null}'},
        {**ROW, "id": "c", "gt": [0.1, 0.2, 0.3, 0.4], "verifier_type": "IoU", "meta": {"url": "é"}},
        {**ROW, "id": "d", "gt": "\\[\\boxed{y = 2x}\\]", "verifier_type": "math", "meta": ""},
    ]
    records, problems = read_records(write_rows(*rows))
    assert not problems
    assert list(records["gt"]) == ["3", "3", "[0.1, 0.2, 0.3, 0.4]", "\\[\\boxed{y = 2x}\\]"]
    assert records[0]["id"] == "7" and records[2]["verifier_type"] == "box"
    assert [json.loads(meta) for meta in records["meta"]] == [{"url": None, "n": 2}, {"url": None}, {"url": "é"}, {}]


@pytest.mark.parametrize(
    ("written", "stored", "source"),
    [
        ("clevr_math/a.png", "clevr_math/a.png", "clevr_math"),
        ("/allava_laion/images/a.png", "allava_laion/a.png", "allava_laion"),
        ("images/allava_laion/images/a.png", "allava_laion/images/a.png", "allava_laion"),
        ("/images/images/docvqa/a.png", "docvqa/a.png", "docvqa"),
        ("coco/train2017/a.png", "coco/train2017/a.png", "coco"),
        ("vg/VG_100K_2/a.png", "vg/VG_100K_2/a.png", "vg"),
        ("VG_100K/a.png", "VG_100K/a.png", "vg"),
        ("arxivqa\\a.png", "arxivqa/a.png", "arxivqa"),
    ],
)
@pytest.mark.parametrize("root", ["", "images"])
def test_image_paths_of_the_release(write_rows, tmp_path, written, stored, source, root):
    row = {"image": written, "question": "q", "gt": GT_OF[verifier_by_source()[source]]}
    file = write_rows(row, images={stored: encoded()})
    records, problems = read_records(file, image_root=tmp_path / root)
    assert not problems
    assert (records[0]["source"], records[0]["verifier_type"]) == (source, verifier_by_source()[source])
    assert records[0]["image"].size == (8, 6)


def test_every_source_has_a_verifier():
    assert set(verifier_by_source().values()) == FIVE and len(verifier_by_source()) == 15


@pytest.mark.parametrize(("word", "name"), [("mcq", "choice"), ("MCQ", "choice"), ("iou", "box"), ("IoU", "box")])
def test_the_release_s_words_for_verifiers_are_translated(write_rows, word, name):
    rows = write_rows({"question": "q", "gt": GT_OF[name], "verifier_type": word})
    assert load_records(rows)["verifier_type"][:] == [name]
    plain = write_rows({"question": "q", "gt": GT_OF[name]}, name="plain.jsonl")
    assert load_records(plain, verifier_type=word.lower())["verifier_type"][:] == [name]


def test_source_from_id_or_file_name(write_rows):
    rows = [{"id": "geoqa170k-12", "question": "q", "gt": "A"}, {"question": "q", "gt": "A", "verifier_type": "choice"}]
    records, problems = read_records(write_rows(*rows))
    assert not problems
    assert list(records["source"]) == ["geoqa170k", "rows"] and list(records["id"]) == ["geoqa170k-12", "rows-1"]


def test_worked_solutions_of_the_release(write_rows):
    text = "Step 1: Substitute x = 1.\n†Answer: y = 2x."
    record = load_records(write_rows({**ROW, "verifier_type": "math", "gt": text}))[0]
    assert record["gt"] == "y = 2x" and json.loads(record["meta"]) == {"solution": text}


# ---- forms of a file ----


def test_array_and_lines_read_the_same(write_rows):
    rows = [{**ROW, "id": f"r-{i}", "source": "blocks", "question": f"q\u2028{i}"} for i in range(5)]
    lines, problems = read_records(write_rows(*rows, name="lines.json"))
    for text in (json.dumps(rows), json.dumps(rows, indent=2), "\ufeff\n \n" + json.dumps(rows)):
        array, more = read_records(write_rows(text, name="array.jsonl"))
        assert array.to_list() == lines.to_list() and not problems and not more


def test_a_changed_file_is_read_again(write_rows):
    assert read_records(write_rows(ROW))[0]["gt"][0] == "3"
    assert read_records(write_rows({**ROW, "gt": "4"}))[0]["gt"][0] == "4"


def test_many_batches_keep_their_order(write_rows):
    records = load_records(write_rows(*({**ROW, "id": f"r-{i}"} for i in range(1000))))
    assert list(records["id"]) == [f"r-{i}" for i in range(1000)]
    assert len(records.data.to_batches()) > 1


def test_own_records_written_as_lines_read_back(write_rows):
    records = load_records(write_rows({**ROW, "response": SFT_TEXT, "meta": {"a": 1}}))
    text_columns = [name for name in RECORD_COLUMNS if name != "image"]
    again = load_records(write_rows(*records.select_columns(text_columns).to_list(), name="again.jsonl"))
    assert again.to_list() == records.to_list()


def test_unknown_columns_go_to_meta(write_rows):
    row = {**ROW, "difficulty": 3, "answer": "three", "ds_answer": "<think>x</think> 3"}
    record = load_records(write_rows(row))[0]
    assert json.loads(record["meta"]) == {"extra": {"difficulty": 3, "answer": "three"}}
    assert record["response"] == "<think>x</think> 3"


def test_plain_question_answer_pairs(write_rows):
    row = {"question": "Which?", "answer": "B"}
    record = load_records(write_rows(row), verifier_type="choice")[0]
    assert (record["gt"], record["response"], record["image"]) == ("B", "", None)


# ---- bad rows: a report each ----


def test_a_broken_line_costs_one_row(write_rows):
    file = write_rows({**ROW, "id": "a"}, "", '{"id": "b", "question" 3}', {**ROW, "id": "c"})
    records, problems = read_records(file)
    assert list(records["id"]) == ["a", "c"]
    assert (problems[0].row, problems[0].line, problems[0].kind, problems[0].kept) == (1, 3, "broken_json", False)
    assert "rows.jsonl line 3: Expecting ':' delimiter at column 24; expected one JSON object." in str(problems[0])


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_line_that_was_cut_off_says_where(write_rows, end):
    """A parser that is given the line's end counts from there: column 1 of the next line, which says nothing."""
    line = '{"id": "b", "question":'
    assert f"Expecting value at column {len(line) + 1};" in str(only_problem(write_rows(ROW, line + end)))


@pytest.mark.parametrize("line", ["[1]", "3", "null", "[" * 100_000, '{"n": ' + "1" * 5000 + "}", "\x00"])
def test_lines_that_are_no_object(write_rows, line):
    assert only_problem(write_rows(ROW, line)).kind == "broken_json"


def deepest_json() -> int:
    """How deep JSON may be nested here: up to Python's recursion limit, and from 3.12 on up to one of C."""

    def reads(depth):
        try:
            return bool(json.loads("[" * depth + "1" + "]" * depth))
        except RecursionError:
            return False

    return bisect_left(range(1, 1_000_000), True, key=lambda depth: not reads(depth))


def test_rows_that_are_nested_too_deep(write_rows):
    start = '{"question": "q", "gt": "3", "verifier_type": "digit", "x": '
    limit = deepest_json()  # somewhere below it, reading works and writing again does not
    deep = [start + "[" * depth + "]" * depth + "}" for depth in range(limit - 250, limit + 3)]
    records, problems = read_records(write_rows(*deep, ROW))
    assert records[-1]["id"] == "r-1" and {problem.kind for problem in problems} == {"broken_json"}
    assert len(records) + len(problems) == len(deep) + 1


def test_bytes_that_are_no_text(tmp_path):
    file = tmp_path / "rows.jsonl"
    file.write_bytes(json.dumps(ROW).encode() + b'\n{"question": "\xff\xfe"}\n')
    assert only_problem(file).line == 2


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        ({"question": " "}, "no_question", "no question"),
        ({"gt": None}, "no_gt", "no ground truth"),
        ({"gt": float("nan")}, "no_gt", "no ground truth"),
        ({"gt": "many"}, "bad_gt", "'many' is not a number; mend the record"),
        ({"gt": "[9, 9, 20, 20]", "verifier_type": "box"}, "bad_gt", "where fractions are asked; divide x by"),
        (
            {"gt": [10, 20, 30, 40], "verifier_type": "box", "meta": {"image_size": "100x100"}},
            "bad_gt",
            "image_size is '100x100'; expected [width, height] or",
        ),
        ({"gt": "nothing", "verifier_type": "math"}, "bad_gt", "is not mathematics"),
        ({"images": ["a.png", "b.png"]}, "bad_images", "images is a list of 2; expected a list with the path of one"),
        ({"images": "a.png"}, "bad_images", "images is 'a.png'; expected a list"),
        ({"images": [""]}, "bad_images", "images[0] is ''; expected the path of an image. Write the path, or leave"),
        ({"images": [None]}, "bad_images", "images[0] is None; expected the path"),
        ({"images": [" \t"]}, "bad_images", "images[0] is ' \\t'; expected the path"),
        ({"images": [["a.png"]]}, "bad_images", "images[0] is ['a.png']; expected the path"),
        ({"images": ["", None]}, "bad_images", "images is a list of 2"),
        ({"images": {}}, "bad_images", "images is {}; expected a list"),
        ({"images": False}, "bad_images", "images is False; expected a list"),
        ({"images": " "}, "bad_images", "images is ' '; expected a list"),
        ({"image": "a.png", "images": ["b.png"]}, "bad_images", "list of 1, beside the image 'a.png'; expected"),
        ({"image": "  "}, "bad_image_path", "image is '  '; expected the path of an image"),
        ({"image": ["a.png"]}, "bad_image_path", "image is ['a.png']; expected the path of an image"),
        ({"image": {"bytes": None, "path": None}}, "bad_image_path", "expected the path of an image"),
        ({"image": "/etc/hostname"}, "bad_image_path", "'/etc/hostname' is outside of image_root"),
        ({"images": ["no.png"]}, "missing_image", "image no.png is absent"),
        ({"verifier_type": "numeric"}, "unknown_verifier_type", "'numeric'; expected one of digit, choice, math, box"),
        ({"verifier_type": None}, "no_verifier_type", 'Add it, or pass verifier_type="choice"'),
        ({"image": "clevr_math/no.png"}, "missing_image", "image clevr_math/no.png is absent"),
        ({"image": "coco/train2017/no.jpg"}, "missing_image", "does not ship COCO"),
        ({"image": "../../secret.png"}, "bad_image_path", "below image_root"),
        ({"image": "x" * 5000}, "missing_image", "absent"),
        ({"image": "a\x00b"}, "missing_image", "absent"),
    ],
)
def test_rows_that_are_left_out(write_rows, change, kind, words):
    file = write_rows({**ROW, **change}, {**ROW, "id": "good"})
    records, problems = read_records(file)
    assert list(records["id"]) == ["good"]
    assert [(problem.kind, problem.id, problem.line, problem.kept) for problem in problems] == [(kind, "r-1", 1, False)]
    assert words in str(problems[0]) and str(problems[0]).startswith("rows.jsonl line 1 (id r-1): ")


def test_a_list_of_one_image_is_loaded(write_rows):
    records, problems = read_records(write_rows({**ROW, "images": ["a.png"]}, images={"a.png": encoded()}))
    assert not problems and records[0]["image"].size == (8, 6)


def test_an_image_named_twice_is_one(write_rows):
    row = {**ROW, "image": "a.png", "images": ["a.png"]}
    records, problems = read_records(write_rows(row, images={"a.png": encoded()}))
    assert not problems and records[0]["image"].size == (8, 6)


@pytest.mark.parametrize(
    ("column", "value", "right"),
    [
        ("image_path", "a.png", "image"),
        ("img", "a.png", "image"),
        ("image_url", "https://host/a.png", "image"),
        ("Image", "a.png", "image"),
        ("Images", ["a.png"], "images"),
        ("images ", ["a.png"], "images"),
        ("IMG-PATHS", ["a.png"], "images"),
        ("photo", {"bytes": "iVBOR"}, "image"),
    ],
)
def test_an_image_under_another_name_is_no_row_of_text(write_rows, column, value, right):
    rows = {**ROW, "image": None, column: value}, {**ROW, "id": "text", column: None}, {**ROW, "id": "b", "imagine": 1}
    file = write_rows(*rows, images={"a.png": encoded()})
    records, problems = read_records(file)
    assert list(records["id"]) == ["text", "b"] and [problem.kind for problem in problems] == ["other_image_column"]
    assert f"no image, but a column {column!r}: {value!r}; did you mean {right}? Rename it" in str(problems[0])
    records, (problem,) = read_records(file, missing_images="keep")
    assert len(records) == 3 and problem.kept and "did you mean" in str(problem)


def test_another_column_beside_an_image_is_extra(write_rows):
    row = {**ROW, "image": "a.png", "image_url": "https://host/a.png"}
    records, problems = read_records(write_rows(row, images={"a.png": encoded()}))
    assert not problems and json.loads(records[0]["meta"])["extra"] == {"image_url": "https://host/a.png"}


@pytest.mark.parametrize("column", ["image", "images"])
@pytest.mark.parametrize("none", [None, [], "", float("nan")])
def test_no_images_is_a_row_of_text(write_rows, column, none):
    records, problems = read_records(write_rows({**ROW, column: none}))
    assert not problems and records[0]["image"] is None


def test_one_s_own_verifier_checks_its_ground_truths(write_rows):
    def check(gt, question, meta):
        return None if gt in ("yes", "no") else f"the ground truth {gt!r} is neither yes nor no; {question} {meta}"

    register_verifier(Verifier("yes_no", digit_reward, check_gt=check))
    rows = [{**ROW, "verifier_type": "yes_no", "gt": gt, "meta": {"a": 1}} for gt in ("yes", "maybe")]
    problem = only_problem(write_rows(*rows))
    assert problem.kind == "bad_gt" and problem.line == 2 and "'maybe' is neither" in problem.message
    assert 'How many? {"a": 1}' in problem.message


@pytest.mark.parametrize(
    "data",
    [b"", b"hello, I am text", encoded()[:60], encoded("JPEG", (64, 64))[:-200], encoded("GIF", (64, 64))[:200]]
    + [encoded("EPS")],
    ids=["empty", "text", "truncated png", "truncated jpeg", "truncated gif", "eps"],
)
def test_files_that_are_no_whole_image(write_rows, data):
    problem = only_problem(write_rows({**ROW, "image": "a.png"}, images={"a.png": data}))
    assert problem.kind == "bad_image" and f"{len(data)} bytes, first {data[:12]!r}" in problem.message


def test_an_image_that_fails_only_when_decoded_is_reported(write_rows):
    data = encoded_png(8, 8, (b"\x09" + bytes(24)) * 8)  # no such filter: its checksums are right
    problem = only_problem(write_rows({**ROW, "image": "a.png"}, images={"a.png": data}))
    assert problem.kind == "bad_image"


@pytest.mark.filterwarnings("ignore:Image size")
def test_an_image_with_too_many_pixels_is_reported(write_rows):
    data = encoded_png(10_000, 10_000, b"")
    problem = only_problem(write_rows({**ROW, "image": "a.png"}, images={"a.png": data}))
    assert problem.kind == "bad_image" and "100,000,000 pixels" in problem.message and "shrink" in problem.message


@pytest.mark.parametrize("embed", [True, False])
def test_sixteen_bits_and_cmyk_reach_the_trainers_as_they_look(write_rows, embed):
    buffers = {"grey.png": io.BytesIO(), "cmyk.jpg": io.BytesIO()}
    PILImage.fromarray(np.full((4, 4), 0x4000, dtype=np.uint16)).save(buffers["grey.png"], "PNG")
    PILImage.new("CMYK", (8, 8), (0, 255, 255, 0)).save(buffers["cmyk.jpg"], "JPEG")
    rows = [{**ROW, "id": name, "image": name} for name in buffers]
    file = write_rows(*rows, images={name: buffer.getvalue() for name, buffer in buffers.items()})
    shown = [row["images"][0] for row in to_grpo(load_records(file, embed_images=embed))]
    assert [image.mode for image in shown] == ["RGB", "RGB"] and shown[0].getpixel((2, 2)) == (64, 64, 64)
    assert shown[1].getpixel((2, 2))[0] > 240 > 20 > max(shown[1].getpixel((2, 2))[1:])


def test_a_link_out_of_the_image_root_is_reported(write_rows, tmp_path):
    file = write_rows({**ROW, "image": "a.png"}, {**ROW, "id": "b"}, images={"b.png": encoded()})
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a.png").write_bytes(encoded())
    (tmp_path / "images" / "a.png").symlink_to(tmp_path / "elsewhere" / "a.png")
    _, (problem,) = read_records(file, image_root=tmp_path / "images")
    assert problem.kind == "bad_image_path" and "outside of image_root" in problem.message


@pytest.mark.parametrize(
    "meta", ["{'a': ", "[1, 2]", "nothing", [1], "{1: 2}", "{'a': {1, 2}}", "{'a': {(1, 2): 3}}", "(" * 5000]
)
def test_odd_metadata_is_kept_and_reported(write_rows, meta):
    records, problems = read_records(write_rows({**ROW, "meta": meta}))
    assert json.loads(records[0]["meta"]) == {"raw": meta}
    assert [(problem.kind, problem.kept) for problem in problems] == [("bad_meta", True)]


def test_long_metadata_is_read_as_json_alone(write_rows):
    """The syntax tree of a text in Python's notation takes some 500 bytes for each of its characters."""
    python = str({"a": [7] * 40_000})
    assert 100_000 < len(python) < 200_000
    rows = [{**ROW, "meta": meta} for meta in (python, python.replace("'", '"'), "{'a': [7]}")]
    records, problems = read_records(write_rows(*rows))
    metas = [json.loads(meta) for meta in records["meta"]]
    assert metas == [{"raw": python}, {"a": [7] * 40_000}, {"a": [7]}]
    meta_problems = [problem for problem in problems if problem.kind == "bad_meta"]
    assert len(meta_problems) == 1 and "a text of 120,0" in str(meta_problems[0])


def test_the_same_id_twice_is_kept_and_reported(write_rows):
    ids = ["a", "a-2", "a", "a"]
    records, problems = read_records(write_rows(*({**ROW, "id": name} for name in ids)))
    assert list(records["id"]) == ["a", "a-2", "a-3", "a-4"]
    assert [(problem.kind, problem.row, problem.kept) for problem in problems] == [
        ("duplicate_id", 2, True),
        ("duplicate_id", 3, True),
    ]


def test_absent_images_can_be_kept_out_of_the_record(write_rows):
    file = write_rows({**ROW, "image": "vg/VG_100K/1.jpg"}, {**ROW, "id": "b"})
    records, problems = read_records(file, missing_images="keep")
    assert list(records["image"]) == [None, None]
    assert [(problem.kind, problem.kept) for problem in problems] == [("missing_image", True)]


def test_half_a_surrogate_pair_does_not_stop_the_reading(write_rows):
    row = '{"question": "\\ud800 ok", "gt": "3", "verifier_type": "digit", "x": "\\udfff"}'
    record = load_records(write_rows(row))[0]
    assert record["question"] == "? ok"


def test_report_as_warning_and_as_error(write_rows):
    bad = [{**ROW, "id": f"bad-{i}", "gt": None} for i in range(5)]
    file = write_rows(ROW, *bad)
    with pytest.warns(UserWarning, match="1 records, 5 rows left out") as caught:
        records = load_records(file)
    text = str(caught[0].message)
    assert caught[0].filename == __file__
    assert len(records) == 1 and "bad-2" in text and "bad-3" not in text
    assert "and 2 more; read_records() returns all of them" in text
    with pytest.raises(ValueError, match="bad-4"):
        load_records(file, strict=True)
    with pytest.raises(ValueError, match="0 records, 5 rows left out"):
        load_records(write_rows(*bad))


def test_a_clean_file_says_nothing(write_rows):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load_records(write_rows(ROW))


def test_a_problem_in_an_array_names_its_row():
    problem = RowProblem("rows.json", 4, None, "x", "no_gt", "no gt; expected a gt. Add it.")
    assert str(problem) == "rows.json row 4 (id x): no gt; expected a gt. Add it."


def test_a_problem_is_one_short_line(write_rows):
    row = {**ROW, "id": "\x1b[2J\nrows.jsonl line 9: all is well" + "i" * 10**6, "gt": None}
    names = ({**ROW, column: "x" * 10**6} for column in ("verifier_type", "image"))
    _, problems = read_records(write_rows(row, *names, {**ROW, "verifier_type": None, "source": "s" * 10**6}))
    assert [problem.kind for problem in problems] == [
        "no_gt", "unknown_verifier_type", "missing_image", "no_verifier_type"
    ]  # fmt: skip
    for problem in problems:
        assert str(problem).isprintable() and len(str(problem)) < 1000
    assert str(problems[0]).startswith("rows.jsonl line 1 (id \\x1b[2J\\nrows") and 'Add a "gt"' in str(problems[0])
    with pytest.raises(ValueError, match="none of the columns") as error:
        read_records(write_rows({"x" * 10**6: 1, "\n": 2}))
    assert len(str(error.value)) < 1000


def test_a_csv_with_a_name_twice_says_which_is_read(write_rows):
    file = write_rows("question,gt,gt,,\nq,3,4,,\n", name="rows.csv")
    records, (problem,) = read_records(file, verifier_type="digit")
    assert records["gt"][:] == ["4"] and problem.kind == "broken_csv" and problem.line == 1
    assert "the column name 'gt' is there twice; the last one is read" in problem.message


def write_arrow(path, *images):
    rows = [{**dict.fromkeys(RECORD_COLUMNS, ""), "id": f"r-{k}", "image": image} for k, image in enumerate(images)]
    with ArrowWriter(path=str(path), features=record_features()) as writer:
        for row in rows:
            writer.write(row)
        writer.finalize()
    return path


def test_an_arrow_file_of_anybody_is_looked_through(tmp_path):
    (tmp_path / "secret.png").write_bytes(encoded())
    good = {"bytes": encoded(), "path": "a.png"}
    bad = [
        {"bytes": None, "path": str(tmp_path / "secret.png")},
        {"bytes": None, "path": "https://example.org/a.png"},
        {"bytes": encoded("EPS"), "path": "a.png"},
        {"bytes": b"", "path": "a.png"},
        {"bytes": encoded_png(10_000, 10_000, b""), "path": None},
        {"bytes": encoded(size=(1, 300)), "path": None},
    ]
    with warnings.catch_warnings(action="ignore"):  # Pillow's own, about pixels
        records, problems = read_records(write_arrow(tmp_path / "a.arrow", good, *bad, None))
    assert records["id"][:] == ["r-0", "r-7"] and records[0]["image"].size == (8, 6) and records[1]["image"] is None
    assert [problem.kind for problem in problems] == ["bad_image_path"] * 2 + ["bad_image"] * 4
    words = [
        "secret.png'; expected its bytes",
        "example.org",
        "not read as PNG",
        "not read",
        "100,000,000 p",
        "over 200",
    ]
    assert all(word in str(problem) for word, problem in zip(words, problems, strict=True))
    assert str(problems[0]).startswith("a.arrow row 1 (id r-1): ")


@pytest.mark.parametrize("data", [b"", b"ARROW1\0\0", b"\xff" * 4000])
def test_what_is_no_arrow_file_is_said(tmp_path, data):
    (tmp_path / "a.arrow").write_bytes(data)
    with pytest.raises(ValueError, match=r"a\.arrow cannot be read as Arrow: .*Build it again"):
        read_records(tmp_path / "a.arrow")


# ---- bad files and arguments: an error that says what to do ----


@pytest.mark.parametrize("text", ["", "\n \n", '{\n"question": 1\n', "3\n4", "[]"])
def test_files_without_rows(write_rows, text):
    with pytest.raises(ValueError, match="has no row"):
        read_records(write_rows(text))


def test_a_file_of_other_things(write_rows):
    with pytest.raises(ValueError, match=r"none of the columns.*Found: label, prompt.*Known: .*question.*Rename"):
        read_records(write_rows({"prompt": "q", "label": "3"}))


def test_a_broken_array(write_rows):
    with pytest.raises(ValueError, match=r"starts like a JSON array.*line 2 column 1"):
        read_records(write_rows('[{"question": "q"},\n'))


def test_a_missing_file_names_its_neighbours(write_rows, tmp_path):
    for i in range(7):
        write_rows(ROW, name=f"f{i}.jsonl")
    with pytest.raises(FileNotFoundError, match=r"no such file.*f0.jsonl, .*f4.jsonl and 2 more.*Pass such a file"):
        read_records(tmp_path / "rows.jsonl")
    with pytest.raises(FileNotFoundError, match=r"is a folder.*f0.jsonl"):
        read_records(tmp_path)
    with pytest.raises(FileNotFoundError, match=r'no such file.*"mini"'):
        read_records("mimi")


def test_a_missing_image_root_names_its_neighbours(write_rows, tmp_path):
    file = write_rows(ROW)
    with pytest.raises(FileNotFoundError, match=r"no such folder.*rows.jsonl.*clevr_math"):
        read_records(file, image_root=tmp_path / "pictures")


def test_wrong_arguments(write_rows):
    file = write_rows(ROW)
    with pytest.raises(TypeError, match=r'n, seed.*load_records\("mini"\) only'):
        load_records(file, n=3, seed=1)
    with pytest.raises(ValueError, match="missing_images"):
        load_records(file, missing_images="drop")
    with pytest.raises(ValueError, match="expected one of digit"):
        load_records(file, verifier_type="numeric")
    with pytest.raises(TypeError, match="image_root"):
        load_records("mini", image_root=".")


# ---- the mini world ----


def test_the_mini_world_gets_its_options(monkeypatch):
    def make_scenes(n, *, sources=None, seed=0, split="train", difficulty=1):
        return n, sources, seed, split, difficulty

    fake = types.ModuleType("vlaa_helpers.mini_world.scenes")
    fake.make_scenes = make_scenes
    monkeypatch.setitem(sys.modules, "vlaa_helpers.mini_world.scenes", fake)
    assert read_records("mini") == ((600, None, 0, "train", 1), [])
    assert read_records("mini", n=3, seed=2, split="test")[0] == (3, None, 2, "test", 1)
    with pytest.raises(TypeError, match=r"got file_name; make_scenes takes n, sources, seed, split, difficulty"):
        load_records("mini", file_name="x")


def test_the_mini_world_is_made_of_records():
    records = load_records("mini", n=12, seed=3)
    assert records.features == record_features()
    assert all(verifier_by_source()[row["source"]] == row["verifier_type"] for row in records)
    assert len(to_grpo(records)) == 12


def test_importing_is_light():
    names = ", ".join(f"vlaa_helpers.{name}" for name in ("core.images", "data.load", "data.trl_views"))
    code = f"import sys, {names}; print([m for m in ('torch', 'datasets', 'PIL') if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


# ---- images ----


def test_images_stay_encoded(write_rows):
    file = write_rows({**ROW, "image": "a.jpg"}, images={"a.jpg": encoded("JPEG")})
    image = load_records(file).cast_column("image", Image(decode=False))[0]["image"]
    assert image == {"bytes": encoded("JPEG"), "path": "a.jpg"}
    image = load_records(file, embed_images=False).cast_column("image", Image(decode=False))[0]["image"]
    assert image["bytes"] is None and decode_image(image).size == (8, 6)


def test_images_by_absolute_path(write_rows, tmp_path):
    row = {**ROW, "image": str(tmp_path / "images" / "a.png")}
    file = write_rows(row, images={"a.png": encoded()})
    assert load_records(file, image_root=tmp_path / "images")[0]["image"].size == (8, 6)
    (tmp_path / "other").mkdir()
    _, (problem,) = read_records(file, image_root=tmp_path / "other")
    assert problem.kind == "bad_image_path" and f"outside of image_root {tmp_path / 'other'}" in problem.message


def test_embedded_images_need_no_folder(write_rows, tmp_path):
    records = load_records(write_rows({**ROW, "image": "a.png"}, images={"a.png": encoded()}))
    (tmp_path / "images" / "a.png").unlink()
    assert records[0]["image"].size == (8, 6)


def test_odd_but_good_images(write_rows):
    frames = [PILImage.new("P", (8, 6), colour) for colour in (0, 1)]
    gif, grey = io.BytesIO(), io.BytesIO()
    frames[0].save(gif, "GIF", save_all=True, append_images=frames[1:])
    PILImage.new("L", (8, 6)).save(grey, "WEBP")
    images = {"a.gif": gif.getvalue(), "b.png": grey.getvalue()}
    rows = [{**ROW, "id": name, "image": name} for name in images]
    records, problems = read_records(write_rows(*rows, images=images))
    assert not problems
    assert [decode_image(image).mode for image in records["image"]] == ["RGB", "RGB"]


# ---- any row ----

json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.just(SFT_TEXT)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=4,
)
columns = st.sampled_from([*RECORD_COLUMNS, "answer", "ds_answer", "other"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)
@given(st.lists(st.dictionaries(columns, json_values, max_size=8), max_size=4))
def test_every_row_is_a_record_or_a_report(tmp_path, rows):
    file = tmp_path / "any.jsonl"
    file.write_text("\n".join(map(json.dumps, [ROW, *rows])), encoding="utf-8")
    records, problems = read_records(file)
    left_out = [problem for problem in problems if not problem.kept]
    assert len(records) + len(left_out) == 1 + len(rows)
    assert len(set(records["id"])) == len(records)
    assert all(row["question"] and row["gt"] and row["verifier_type"] in FIVE for row in records)
    assert all(isinstance(json.loads(meta), dict) for meta in records["meta"])
    assert all(problem.kind and str(problem).startswith("any.jsonl line ") for problem in problems)


def test_every_kind_of_problem_is_documented():
    source = inspect.getsource(module)
    kinds = {"broken_json", "no_question", "no_gt", "no_verifier_type", "unknown_verifier_type", "missing_image"}
    for kind in kinds | {"bad_image", "bad_image_path", "bad_meta", "duplicate_id"}:
        assert f'"{kind}"' in RowProblem.__doc__ and source.count(f'"{kind}"') >= 2


def test_a_control_token_costs_its_row_only(write_rows):
    columns = ("question", "gt", "caption", "reasoning", "response")
    told = [(column, token) for column in columns for token in CONTROL_TOKENS]
    bad = [{**ROW, column: f"{ROW.get(column) or ''} {token}"} for column, token in told]
    records, problems = read_records(write_rows(*bad, ROW))
    assert len(records) == 1 and {problem.kind for problem in problems} == {"control_token"}
    for (column, token), problem in zip(told, problems, strict=True):
        assert problem.message.startswith(f"{column} holds {token!r}, which models read as a control token. Take")


def test_a_damaged_arrow_file_is_said_and_never_read(tmp_path):
    """Offsets that lead out of the file would end the process; texts that are no UTF-8 would fail later."""
    file = write_arrow(tmp_path / "rl.arrow", *[{"bytes": encoded(), "path": "a.png"}] * 4)
    data, random, told = file.read_bytes(), Random(0), 0
    for _ in range(150):
        damaged = bytearray(data)
        for _ in range(4):
            damaged[random.randrange(min(len(data), 8000))] = random.randrange(256)
        file.write_bytes(bytes(damaged))
        try:
            found = read_records(file)[0]
        except ValueError as error:
            told += "cannot be read as Arrow" in str(error)
            assert "cannot be read as Arrow" in str(error) or "not records" in str(error)
        else:
            assert all(isinstance(row["question"], str) for row in found.select_columns(["question"]))
    assert told > 20


def test_every_kind_of_problem_is_in_the_list():
    rooms = [Path(module.__file__).parent, Path(benchmarks.__file__).parent]
    text = "".join(path.read_text(encoding="utf-8") for room in rooms for path in room.glob("*.py"))
    made = r'(?:_BadRow|UnreadableRow|\.note|_wrong)\(\s*(?:"(\w+)"|"(\w+)" if \w+ else "(\w+)")'
    kinds = {kind for found in re.findall(made, text) for kind in found if kind}
    assert {"bad_gt", "broken_csv", "needs_judge", "no_gt", "bad_row", "few_rows"} <= kinds
    missing = [kind for kind in kinds | {"long_text"} if f'"{kind}"' not in RowProblem.__doc__]
    assert not missing
