import json
import re

import pytest

from vlaa_helpers import ScriptedTeacher, make_scenes
from vlaa_helpers.core.chat_reply import Reply
from vlaa_helpers.pipeline.journal import BuildStopped, Journal, Usage
from vlaa_helpers.pipeline.steps import open_record

FIELDS = {"text": "a text"}
ODD = "über\u2028two lines\x85three"  # JSON leaves these as they are


class Counting:
    """A teacher that counts what it is asked, and charges for it."""

    concurrency = 1

    def __init__(self, model="m"):
        self.model, self.asked = model, 0

    def model_of(self, role):
        return self.model

    def cost(self, role, reply):
        return 1.0

    def ask(self, role, record, fields):
        self.asked += 1
        return Reply(f"reply {self.asked} {ODD}", "", 3, 4)


@pytest.fixture
def record():
    return open_record(make_scenes(1).with_format(None).to_list()[0])


def asks(path, teacher, record, *fields, role="rewrite", usage=None):
    with Journal(path, teacher, usage or Usage()) as journal:
        return [journal.ask(role, record, field).text for field in fields]


def test_a_reply_is_asked_for_once(tmp_path, record):
    teacher, path = Counting(), tmp_path / "j.jsonl"
    first = asks(path, teacher, record, FIELDS, FIELDS)
    assert first == asks(path, teacher, record, FIELDS) * 2
    assert teacher.asked == 1 and len(path.read_text().split("\n")[:-1]) == 1


def test_it_is_on_disk_before_it_counts(tmp_path, record):
    path = tmp_path / "j.jsonl"
    with Journal(path, Counting(), Usage()) as journal:
        journal.ask("rewrite", record, FIELDS)
        (row,) = map(json.loads, path.read_text().split("\n")[:-1])
    assert row["text"] == f"reply 1 {ODD}" and row["prompt_tokens"] == 3


@pytest.mark.parametrize(
    "change",
    [
        {"fields": {"text": "another"}},
        {"role": "verify", "fields": {"question": "", "gt": "", "answer": ""}},
        {"teacher": Counting("other")},
        {"id": "other"},
    ],
)
def test_whatever_a_reply_depends_on_is_asked_anew(tmp_path, record, change):
    path, teacher = tmp_path / "j.jsonl", Counting()
    asks(path, teacher, record, FIELDS)
    teacher = change.get("teacher", teacher)
    before = teacher.asked
    asks(
        path, teacher, {**record, "id": change.get("id", record["id"])}, change.get("fields", FIELDS),
        role=change.get("role", "rewrite"),
    )  # fmt: skip
    assert teacher.asked == before + 1


def test_a_caption_depends_on_the_image(tmp_path, record):
    path, teacher = tmp_path / "j.jsonl", Counting()
    other = make_scenes(2).with_format(None).to_list()[1]["image"]
    for image in (record["image"], other, record["image"]):
        asks(path, teacher, {**record, "image": image}, {"hint": ""}, role="caption")
    assert teacher.asked == 2


@pytest.mark.parametrize("cut", [1, 5, 30])
def test_a_line_cut_short_never_counted(tmp_path, record, cut):
    path, teacher = tmp_path / "j.jsonl", Counting()
    asks(path, teacher, record, FIELDS, {"text": "second"})
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    assert asks(path, teacher, record, FIELDS, {"text": "second"}) == [f"reply 1 {ODD}", f"reply 3 {ODD}"]
    assert len(path.read_text().split("\n")[:-1]) == 2 and teacher.asked == 3


def test_earlier_replies_count_for_the_tally_but_not_as_asked_now(tmp_path, record):
    path = tmp_path / "j.jsonl"
    asks(path, Counting(), record, FIELDS)
    usage = Usage()
    asks(path, Counting(), record, FIELDS, {"text": "second"}, usage=usage)
    assert (usage.calls, usage.asked_now, usage.prompt_tokens, usage.completion_tokens, usage.cost) == (2, 1, 6, 8, 2.0)


def test_the_budget_stops_before_the_next_call(tmp_path, record):
    path, teacher = tmp_path / "j.jsonl", Counting()
    with pytest.raises(BuildStopped, match=r"2\.00 of 2\.00 after 2 replies.*higher budget"):
        asks(path, teacher, record, *({"text": str(k)} for k in range(5)), usage=Usage(budget=2.0))
    assert teacher.asked == 2
    asks(path, teacher, record, *({"text": str(k)} for k in range(2)), usage=Usage(budget=2.0))  # known ones are free
    assert teacher.asked == 2


def test_scripted_replies_survive_the_way_to_disk(tmp_path, record):
    teacher = ScriptedTeacher()
    fields = {"hint": ""}
    (first,) = asks(tmp_path / "j.jsonl", teacher, record, fields, role="caption")
    (second,) = asks(tmp_path / "j.jsonl", teacher, record, fields, role="caption")
    assert first == second == teacher.ask("caption", record, fields).text


def broken(path, record, text: bytes) -> str:
    path.write_bytes(text)
    with pytest.raises(ValueError) as error:
        asks(path, Counting(), record, FIELDS)
    assert path.read_bytes() == text
    return str(error.value)


LINE = {"key": "k", "text": "t", "problem": "", "prompt_tokens": 1, "completion_tokens": 1}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"key": 5}, "key is 5; expected str"),
        ({"text": None}, "text is None; expected str"),
        ({"problem": []}, r"problem is \[\]; expected str"),
        ({"prompt_tokens": "1"}, "prompt_tokens is '1'; expected int"),
        ({"completion_tokens": True}, "completion_tokens is True; expected int"),
        ({"more": 1}, "expected an object with completion_tokens, key, problem, prompt_tokens, text"),
    ],
)
def test_a_line_with_another_type_is_said(tmp_path, record, change, words):
    lines = [json.dumps(LINE), json.dumps({**LINE, **change})]
    said = broken(tmp_path / "j.jsonl", record, "".join(f"{line}\n" for line in lines).encode())
    assert re.search(f"j.jsonl line 2 is broken: {words}. Delete that line", said)


@pytest.mark.parametrize(
    "start", [b"[\n", b"[" + json.dumps(LINE).encode() + b"]\n", b"\0" * 600 + b"\n", b"\xff\xfe\n"]
)
def test_a_journal_that_starts_with_anything_else_is_said(tmp_path, record, start):
    said = broken(tmp_path / "j.jsonl", record, start + json.dumps(LINE).encode() + b"\n")
    assert "j.jsonl line 1 is broken: " in said and "Delete that line" in said and "utf-32" not in said


def test_a_journal_that_is_a_link_is_refused(tmp_path, record):
    (tmp_path / "precious").write_text("mine, without an end of line")
    (tmp_path / "j.jsonl").symlink_to(tmp_path / "precious")
    with pytest.raises(BuildStopped, match="is a link"):
        asks(tmp_path / "j.jsonl", Counting(), record, FIELDS)
    assert (tmp_path / "precious").read_text() == "mine, without an end of line"
