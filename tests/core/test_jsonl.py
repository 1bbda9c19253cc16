import gzip

import pytest

from vlaa_helpers import load_records, make_scenes, read_records
from vlaa_helpers.core import jsonl
from vlaa_helpers.core.jsonl import read_rows

HEAD = "image,question,answer\n"


@pytest.fixture
def table(tmp_path):
    def write(text, encoding="utf-8"):
        file = tmp_path / "mine.csv"
        file.write_bytes(text.encode(encoding))
        return file

    return write


def test_a_folder_of_images_and_a_table_are_records(tmp_path):
    scenes = make_scenes(3, sources="blocks").with_format(None)
    images = tmp_path / "pictures"
    images.mkdir()
    lines = []
    for k, image in enumerate(scenes.data.table.column("image").to_pylist()):
        (images / f"{k}.png").write_bytes(image["bytes"])
        lines.append(f'{k}.png,"{scenes[k]["question"]}",{scenes[k]["gt"]}\n')
    (tmp_path / "mine.csv").write_text(HEAD + "".join(lines))
    records = load_records(tmp_path / "mine.csv", image_root=images, verifier_type="digit")
    assert records["gt"] == scenes["gt"] and records["question"] == scenes["question"]
    assert records["verifier_type"] == ["digit"] * 3 and records["source"] == ["mine"] * 3
    assert records[0]["image"].size == (112, 112)


def test_quotes_commas_line_breaks_and_a_byte_order_mark(table):
    file = table('\ufeffquestion,answer\n"One, or\ntwo?","He said ""two"""\n')
    assert list(read_rows(file)) == [(3, {"question": "One, or\ntwo?", "answer": 'He said "two"'}, "")]


def test_a_row_of_another_width_costs_itself_only(table):
    file = table("question,answer\nA?,1\nB?,2,3\n\n,\nC?,3\n")
    records, problems = read_records(file, verifier_type="digit")
    assert records["question"] == ["A?", "C?"]
    assert [(p.kind, p.line) for p in problems] == [("broken_csv", 3), ("no_question", 5)]
    assert "3 fields under 2 column names" in str(problems[0]) and "Put quotes round" in str(problems[0])


@pytest.mark.parametrize("text", ["", "question,answer\n", "a,b\n1,2\n"])
def test_a_table_without_a_usable_row(table, text):
    with pytest.raises(ValueError, match="has no row|none of the columns"):
        read_records(table(text), verifier_type="digit")


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252"])
def test_latin_1_is_read_and_said(table, encoding):
    records, problems = read_records(table("question,answer\nWie groß?,3\nOù?,4\n", encoding), verifier_type="digit")
    assert list(records["question"]) == ["Wie groß?", "Où?"]
    assert [(p.kind, p.kept) for p in problems] == [("not_utf8", True)]
    assert "mine.csv line 1: the file is not UTF-8; read as Latin-1" in str(problems[0])
    assert "save it as UTF-8" in str(problems[0])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_unicode_is_read_and_nothing_said(table, encoding):
    records, problems = read_records(table("question,answer\nWie groß?,3\n", encoding), verifier_type="digit")
    assert list(records["question"]) == ["Wie groß?"] and problems == []


def test_a_broken_byte_in_utf8_costs_its_row_and_no_letter_of_another(tmp_path):
    file = tmp_path / "mine.csv"
    file.write_bytes("question,answer\nWie groß?,3\n".encode() + b"Wie gro\xdf?,4\n" + "Où?,5\n".encode())
    records, problems = read_records(file, verifier_type="digit")
    assert list(records["question"]) == ["Wie groß?", "Où?"]
    assert [(p.kind, p.line, p.kept) for p in problems] == [("broken_csv", 3, False)]
    assert r"b'Wie gro\xdf?' is not UTF-8" in str(problems[0])


def test_a_field_too_long_for_csv_costs_its_row(table):
    records, problems = read_records(table(f"question,answer\nA?,1\n{'x' * 200_000},2\nC?,3\n"), verifier_type="digit")
    assert records["gt"] == ["1", "3"] and problems[0].kind == "broken_csv"


def test_a_line_without_end_costs_itself_only(tmp_path, monkeypatch):
    monkeypatch.setattr(jsonl, "LONGEST_LINE", 100)
    good = b'{"question": "A?", "gt": "1"}'
    file = tmp_path / "rows.jsonl"
    file.write_bytes(good + b"\n" + b'{"question": "' + b"a" * 3000 + b'"}\n' + good + b"\n" + b"b" * 100)
    rows = list(read_rows(file))
    assert [row for _, row, _ in rows] == [{"question": "A?", "gt": "1"}, None, {"question": "A?", "gt": "1"}, None]
    assert rows[1][2] == "a line of 3,017 bytes, of which at most 100 are read" and rows[2][0] == 3
    assert "Expecting value" in rows[3][2]  # of just the length that is read
    file.write_bytes(b"[" + b", ".join([good] * 20) + b"]")  # an array may be one line, however long
    assert len(list(read_rows(file))) == 20


def test_a_mark_before_a_later_line_is_none_of_the_row(tmp_path):
    file = tmp_path / "rows.jsonl"
    file.write_bytes(b'\xef\xbb\xbf{"a": 1}\n\xef\xbb\xbf{"a": 2}\n')  # two files put together
    assert [row for _, row, _ in read_rows(file)] == [{"a": 1}, {"a": 2}]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ('{"a": 1}\n'.encode("utf-16"), "the file is UTF-16; save it as UTF-8"),
        (gzip.compress(b'{"a": 1}\n', mtime=0), r"the file is compressed \(gzip\); unpack it first"),
    ],
)
def test_a_file_that_is_no_text_says_what_it_is(tmp_path, data, words):
    (tmp_path / "rows.jsonl").write_bytes(data)
    with pytest.raises(ValueError, match=f"has no row: .* The first: rows.jsonl line 1: {words}"):
        read_records(tmp_path / "rows.jsonl")
