import re
from collections import Counter
from random import Random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from benchmark_files import FILES, write_benchmark

from vlaa_helpers import (
    Benchmark,
    Item,
    MixedReward,
    benchmark_names,
    load_benchmark,
    read_benchmark,
    register_benchmark,
)
from vlaa_helpers.core.control_tokens import CONTROL_TOKENS
from vlaa_helpers.evaluation.benchmarks.registry import BUILT_IN, get_benchmark
from vlaa_helpers.evaluation.benchmarks.wemath import split_options

READ = {  # what each benchmark's rows become: id, verifier, ground truth, question
    "mathvista_testmini": [
        ("1", "math", "1.2", "How far? Give the answer to one decimal place."),
        ("2", "digit", "3", "What is the gap between them? (Unit: years)"),
        ("3", "choice", "B", "Which is larger?\nA. red\nB. blue"),
        ("4", "math", "[0, 2, 1]", "Which counts?"),
    ],
    "mathvision_testmini": [
        ("4", "math", "6", "How many digits are there?"),
        ("7", "choice", "C", "Which piece fits?\nThe image shows the options A, B, C, D, E."),
        ("9", "choice", "B", "Which colour?\nA. red\nB. $x^2$"),
        ("10", "choice", "D", "Which of A to E?"),
        ("11", "math", "(3,-4)", "Where is it?"),
    ],
    "mathverse_vision_only": [
        ("2", "choice", "B", "Answer the question shown in the image. Give the letter of the right option."),
        ("3", "math", "2\\sqrt{3}", "Answer the question shown in the image. Give the final value."),
    ],
    "wemath_testmini": [
        ("3steps_1-3steps_1", "choice", "B",
         "How large is it?\nA. 200.96\nB. 3215.36\nC. 6280\nD. 32\nE. No correct answer"),
        ("3steps_1-3steps_multi", "choice", "B", "How large is it?\nA. 45°\nB. 60°\nC. 120°\nD. No correct answer"),
    ],
    "logicvista": [
        ("v1_0", "choice", "C",
         "Is it so? Select from A, B and C. (A) True (B) False (C) Insufficient Information"),
    ],
    "chartqa": [
        ("1", "relaxed", "14", "How many food items are shown?"),
        ("2", "relaxed", "Yes", "Is the sum of all above 5?"),
        ("3", "relaxed", "23.5%", "What was the share in 2014?"),
    ],
    "ai2d": [("1", "choice", "A", "What eats grass?\nA. cow\nB. fox\nC. owl")],
}  # fmt: skip
LEFT_OUT = {
    "mathvista_testmini": {"bad_gt": 1, "needs_judge": 1},
    "mathverse_vision_only": {"needs_judge": 1},
    "wemath_testmini": {"bad_gt": 1},
    "logicvista": {"needs_judge": 1, "no_gt": 1},
    "ai2d": {"bad_gt": 1},
}


def test_every_benchmark_has_rows_here():
    assert set(READ) == set(FILES) == {benchmark.name for benchmark in BUILT_IN}


@pytest.mark.parametrize("name", READ)
def test_published_rows_become_records(tmp_path, name):
    found = read_benchmark(name, folder=write_benchmark(tmp_path, name))
    rows = list(found.records)
    seen = [(row["id"], row["verifier_type"], row["gt"], row["question"]) for row in rows]
    assert seen == [(f"{name}-{own}", *rest) for own, *rest in READ[name]]
    assert [row["source"] for row in rows] == [f"{name}/{row['verifier_type']}" for row in rows]
    assert all(row["image"].size == (56, 56) for row in rows)
    assert dict(Counter(problem.kind for problem in found.problems)) == LEFT_OUT.get(name, {})
    assert found.about["rows"] == len(rows) + len(found.problems)  # none is lost


@pytest.mark.parametrize("name", READ)
def test_the_ground_truth_is_a_right_answer_and_another_is_not(tmp_path, name):
    rows = read_benchmark(name, folder=write_benchmark(tmp_path, name)).records.remove_columns("image")
    reward = MixedReward()
    for row in rows:
        for answer, value in ((row["gt"], 1.0), ("Z" if row["verifier_type"] == "choice" else "-77", 0.0)):
            columns = {"question": row["question"], "meta": row["meta"]}
            assert reward.score(f"<answer>{answer}</answer>", row["gt"], row["verifier_type"], **columns).value == value


def test_the_report_counts_what_is_judged_and_what_is_not(tmp_path):
    folder = write_benchmark(tmp_path, "mathvista_testmini")
    found = read_benchmark("mathvista_testmini", folder=folder)
    assert found.about["judged_by"] == {"choice": 1, "digit": 1, "math": 2}
    assert found.about["published_rows"] == 1000  # and these are six
    assert str(found).startswith(
        "mathvista_testmini: 6 of 1,000 published rows, judged by our verifiers: choice 1, digit 1, math 2; "
        "left out: bad_gt 1, needs_judge 1\n  "
    )
    assert "row 5: the answer 'several' is no number that a rule can judge; it needs a free-form judge" in str(found)
    with pytest.warns(UserWarning, match="left out: bad_gt 1, needs_judge 1"):
        assert len(load_benchmark("mathvista_testmini", folder=folder)) == 4


def test_a_sample_is_the_same_for_the_same_seed(tmp_path):
    row = FILES["chartqa"][1][0]
    rows = [{**row, "question": f"How many {k}?"} for k in range(40)]
    folder = write_benchmark(tmp_path, "chartqa", rows)
    first, again, other = (load_benchmark("chartqa", n=10, seed=seed, folder=folder)["id"][:] for seed in (0, 0, 1))
    assert len(set(first)) == 10 and first == again != other
    assert first != [f"chartqa-{k}" for k in range(1, 11)]  # not the head of the file
    found = read_benchmark("chartqa", n=10, folder=folder)
    assert found.about["sample_seed"] == 0 and str(found).endswith("; 10 are asked, a random sample")
    assert len(load_benchmark("chartqa", n=99, folder=folder)) == 40


def test_broken_rows_are_reported_and_the_others_read(tmp_path):
    good = FILES["chartqa"][1][0]
    whole = good["image"]["bytes"]
    rows = [
        good,
        {**good, "image": {"bytes": whole[:60], "path": "a.png"}},
        {**good, "image": None},
        {**good, "question": " "},
        {**good, "answer": None},
    ]
    found = read_benchmark("chartqa", folder=write_benchmark(tmp_path, "chartqa", rows))
    assert found.records["id"][:] == ["chartqa-1"]
    assert [(problem.row, problem.kind) for problem in found.problems] == [
        (1, "bad_image"), (2, "missing_image"), (3, "no_question"), (4, "no_gt")
    ]  # fmt: skip


def test_two_rows_of_one_name_are_reported(tmp_path):
    row = FILES["mathvision_testmini"][1][0]
    found = read_benchmark("mathvision_testmini", folder=write_benchmark(tmp_path, "mathvision_testmini", [row, row]))
    assert len(found.records) == 1 and [problem.kind for problem in found.problems] == ["duplicate_id"]


def test_nothing_to_judge_is_an_error(tmp_path):
    rows = FILES["logicvista"][1][1:]
    with pytest.raises(ValueError, match="logicvista has no row that can be judged"):
        load_benchmark("logicvista", folder=write_benchmark(tmp_path, "logicvista", rows))


def test_files_that_are_not_the_benchmark(tmp_path):
    with pytest.raises(ValueError, match="unknown benchmark 'mathvista'; expected one of mathvista_testmini, "):
        load_benchmark("mathvista")
    with pytest.raises(FileNotFoundError, match="nowhere: no such folder"):
        load_benchmark("ai2d", folder=tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match=r"no file \*test-\*.parquet of ai2d in .*; there: no parquet. Fetch"):
        load_benchmark("ai2d", folder=tmp_path)
    with pytest.raises(ValueError, match="n is a number of questions"):
        load_benchmark("ai2d", folder=tmp_path, n=0)
    path = tmp_path / "test-0.parquet"
    pq.write_table(pa.table({"question": ["How?"], "answer": ["0"]}), path)
    with pytest.raises(ValueError, match="has no column options, image; ai2d is read from .* revision="):
        load_benchmark("ai2d", folder=path)
    whole = (write_benchmark(tmp_path / "b", "ai2d") / FILES["ai2d"][0]).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="is no whole parquet file .*; fetch it again"):
        load_benchmark("ai2d", folder=path)


def test_a_folder_without_the_data_level_will_do(tmp_path):
    folder = write_benchmark(tmp_path, "mathvision_testmini") / "data"
    assert len(load_benchmark("mathvision_testmini", folder=folder)) == 5


def read_mine(row):
    return Item(row["name"], row["image"], row["text"], row["count"], "digit")


def test_a_benchmark_of_ones_own(tmp_path):
    mine = Benchmark("my_counts", "me/counts", "*.parquet", ("name", "image", "text", "count"), read_mine)
    register_benchmark(mine)
    register_benchmark(mine)  # a cell run twice
    assert benchmark_names()[-1] == "my_counts"
    image = FILES["chartqa"][1][0]["image"]
    rows = [{"name": "a", "image": image, "text": "How many?", "count": "3"}]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "rows.parquet")
    assert load_benchmark("my_counts", folder=tmp_path)["source"][:] == ["my_counts/digit"]


@pytest.mark.parametrize(
    ("benchmark", "error", "words"),
    [
        (Benchmark("ai2d", "me/x", "*", (), read_mine), ValueError, "taken by a built-in benchmark"),
        (Benchmark("My one", "me/x", "*", (), read_mine), ValueError, "expected small letters"),
        (Benchmark("mine", "me/x", "*", (), lambda: None), TypeError, r"expected a function \(row\) -> Item"),
        ("mine", TypeError, "expected a Benchmark, got 'mine'"),
    ],
)
def test_what_cannot_be_registered(benchmark, error, words):
    with pytest.raises(error, match=words):
        register_benchmark(benchmark)


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("A. 16;B. 18; C. No correct answer", {"A": "16", "B": "18", "C": "No correct answer"}),
        ("A. to ;O.;B. from ;O.;F. No correct answer", {"A": "to ;O.", "B": "from ;O.", "F": "No correct answer"}),
        ("A. 45° B. 60° ;C. 120°", {"A": "45°", "B": "60°", "C": "120°"}),
        ("A. one; B．two", {"A": "one", "B": "two"}),
        ("A. of ;C.; B. of ;D.", {"A": "of ;C.", "B": "of ;D."}),
        ("none", {}),
    ],
)
def test_options_in_one_line(text, options):
    assert split_options(text) == options


ODD_CELLS = (
    5,
    1.5,
    b"\xff\xfe",
    [1, 2],
    ["a", None],
    {"a": 1},
    None,
    [[1]],
    {"bytes": b"xx", "path": None},
    "9" * 5000,
)


@pytest.mark.parametrize("name", FILES)
def test_a_column_of_another_type_is_reported_row_by_row(tmp_path, name):
    write_benchmark(tmp_path, name)
    (file,) = tmp_path.rglob("*.parquet")
    rows = pq.read_table(file).to_pylist()
    for column in get_benchmark(name).columns:
        for cell in ODD_CELLS:
            pq.write_table(pa.Table.from_pylist([{**row, column: cell} for row in rows]), file)
            found = read_benchmark(name, folder=tmp_path)
            assert len(found.records) + len(found.problems) == found.about["rows"]  # nothing is lost


def test_a_text_that_is_no_utf8_costs_its_row_only(tmp_path):
    write_benchmark(tmp_path, "chartqa")
    (file,) = tmp_path.rglob("*.parquet")
    table = pq.read_table(file)
    texts = pa.array([b"\xff?", *(text.encode() for text in table["question"].to_pylist()[1:])], pa.binary())
    odd = pa.Array.from_buffers(pa.string(), len(texts), texts.buffers())
    pq.write_table(table.set_column(table.column_names.index("question"), "question", odd), file)
    found = read_benchmark("chartqa", folder=tmp_path)
    assert len(found.records) == len(table) - 1
    assert [(problem.kind, problem.row) for problem in found.problems] == [("not_utf8", 0)]


def test_a_text_without_an_end_costs_its_row_only(tmp_path):
    long, wide = "x" * 100_001, ["y" * 50_000, "z" * 50_001]
    good = FILES["ai2d"][1][0]
    rows = [{**good, "question": long}, good, {**good, "options": wide}, {**good, "answer": None}, good]
    found = read_benchmark("ai2d", folder=write_benchmark(tmp_path, "ai2d", rows))
    assert [(problem.row, problem.kind) for problem in found.problems] == [
        (0, "long_text"), (2, "long_text"), (3, "bad_gt")
    ]  # fmt: skip
    assert "question has 100,001 bytes of text; expected at most 100,000" in found.problems[0].message
    assert "options has 100,001 bytes" in found.problems[1].message
    assert len(found.records) == 2 and found.about["rows"] == 5


def test_a_long_text_is_never_made_for_each_row(tmp_path, monkeypatch):
    table = pa.Table.from_pylist(FILES["ai2d"][1][:1] * 64)
    questions = pa.array(["q" * 100_001] * 64).dictionary_encode()
    table = table.set_column(table.column_names.index("question"), "question", questions)
    pq.write_table(table, tmp_path / "test-0.parquet")
    monkeypatch.setattr("vlaa_helpers.evaluation.benchmarks.load._row_or_words", None)  # none is made
    found = read_benchmark("ai2d", folder=tmp_path)
    assert [problem.kind for problem in found.problems] == ["long_text"] * 64


def shared(values, count):
    """A column in which `count` cells are the same value, which the file has once."""
    return pa.DictionaryArray.from_arrays(pa.array([0] * count, pa.int32()), pa.array(values))


def with_column(name, cells):
    rows = FILES["ai2d"][1][:1] * len(cells)
    table = pa.Table.from_pylist(rows)
    return table.set_column(table.column_names.index(name), name, cells)


def shared_text():
    return with_column("question", shared(["q" * 2**21], 64)), "long_text"


def shared_elements():
    values = shared(["o" * 2**21], 64)
    return with_column("options", pa.ListArray.from_arrays(pa.array([0, 64], pa.int32()), values)), "long_text"


def shared_images():
    data = shared([b"i" * 2**22], 32)
    return with_column(
        "image", pa.StructArray.from_arrays([data, pa.array(["x"] * 32)], ["bytes", "path"])
    ), "bad_image"


@pytest.mark.parametrize("made", [shared_text, shared_elements, shared_images])
def test_a_value_that_many_share_is_not_copied_for_each_of_them(tmp_path, made):
    table, kind = made()
    pq.write_table(table, tmp_path / "test-0.parquet", store_schema=False)
    before = pa.default_memory_pool()
    pool = pa.proxy_memory_pool(before)
    pa.set_memory_pool(pool)
    try:
        found = read_benchmark("ai2d", folder=tmp_path)
    finally:
        pa.set_memory_pool(before)
    assert [problem.kind for problem in found.problems] == [kind] * len(table)
    assert (tmp_path / "test-0.parquet").stat().st_size < 2**20 and pool.max_memory() < 3 * 2**25


@pytest.mark.parametrize("element", [None, ""])
def test_elements_without_text_count_too(tmp_path, element):
    good = FILES["ai2d"][1][0]
    rows = [good, {**good, "options": [element] * 100_001}]
    found = read_benchmark("ai2d", folder=write_benchmark(tmp_path, "ai2d", rows))
    assert [(problem.kind, problem.row) for problem in found.problems] == [("long_text", 1)]
    assert len(found.records) == 1


def test_an_image_of_too_many_bytes_costs_its_row_only(tmp_path, monkeypatch):
    good = FILES["ai2d"][1][0]
    most = len(good["image"]["bytes"])
    monkeypatch.setattr("vlaa_helpers.evaluation.benchmarks.load.LARGEST_IMAGE", most, raising=False)
    large = {**good, "image": {**good["image"], "bytes": good["image"]["bytes"] + b"!"}}
    found = read_benchmark("ai2d", folder=write_benchmark(tmp_path, "ai2d", [good, large, good]))
    assert [(problem.kind, problem.row) for problem in found.problems] == [("bad_image", 1)]
    assert f"image has {most + 1:,} bytes of images; expected at most {most:,}" in found.problems[0].message
    assert len(found.records) == 2


@pytest.mark.parametrize(("limit", "most"), [("LARGEST_GROUP", 2**20), ("MOST_VALUES", 2**10)])
def test_a_row_group_that_unpacks_to_too_much_is_not_read(tmp_path, monkeypatch, limit, most):
    monkeypatch.setattr(f"vlaa_helpers.evaluation.benchmarks.load.{limit}", most, raising=False)
    good = FILES["ai2d"][1][0]
    rows = [{**good, "question": "q" * 10_000 + f"{k}", "options": ["a"] * 11} for k in range(120)]
    write_benchmark(tmp_path, "ai2d", [{**row, "other": "x" * 50_000} for row in rows[:90]])
    (file,) = tmp_path.rglob("*.parquet")
    words = rf"{re.escape(str(file))}: row group 0 unpacks to [\d,]+ bytes, with 1,320 values in one column; expected"
    assert read_benchmark("ai2d", folder=tmp_path).about["rows"] == 90
    write_benchmark(tmp_path, "ai2d", rows)
    with pytest.raises(ValueError, match=words):
        read_benchmark("ai2d", folder=tmp_path)
    pq.write_table(pq.read_table(file), file, row_group_size=50)
    assert len(read_benchmark("ai2d", folder=tmp_path).records) == 120


def test_damaged_files_are_said(tmp_path):
    write_benchmark(tmp_path, "chartqa")
    (file,) = tmp_path.rglob("*.parquet")
    data, random = file.read_bytes(), Random(0)
    for cut in (0, 1, 8, len(data) // 2, len(data) - 1):
        file.write_bytes(data[:cut])
        with pytest.raises(ValueError, match="is no whole parquet file .*; fetch it again"):
            read_benchmark("chartqa", folder=tmp_path)
    for _ in range(150):
        damaged = bytearray(data)
        for _ in range(3):  # in the table at its end
            damaged[-random.randrange(1, 1500)] = random.randrange(256)
        file.write_bytes(bytes(damaged))
        try:
            read_benchmark("chartqa", folder=tmp_path)
        except ValueError as error:
            assert "is no whole parquet file" in str(error) or "has no column" in str(error)
    file.unlink()
    file.mkdir()
    with pytest.raises(FileNotFoundError, match="no file .* of chartqa"):
        read_benchmark("chartqa", folder=tmp_path)


def test_a_control_token_costs_its_row_only(tmp_path):
    good = FILES["ai2d"][1][0]
    bad = [{**good, "question": f"What eats {token}?"} for token in CONTROL_TOKENS]
    bad += [{**good, "options": ["cow", f"fox{token}", "owl"]} for token in CONTROL_TOKENS]
    found = read_benchmark("ai2d", folder=write_benchmark(tmp_path, "ai2d", [*bad, good]))
    assert [problem.kind for problem in found.problems] == ["control_token"] * len(bad)
    for token, problem in zip(CONTROL_TOKENS * 2, found.problems, strict=True):
        assert repr(token) in problem.message
    assert found.records["id"][:] == [f"ai2d-{len(bad) + 1}"]
