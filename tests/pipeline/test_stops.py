"""A full disk, a folder that cannot be written, a broken journal: one line that names the file and the mend."""

import errno
import json
import os
import resource
from pathlib import Path

import pytest

from vlaa_helpers import ScriptedTeacher, build_dataset, make_scenes
from vlaa_helpers.cli import main
from vlaa_helpers.pipeline.stops import BuildStopped, writing

OUTPUTS = ("sft.arrow", "rl.arrow", "rejects.arrow", "yields.csv", "build.json")


@pytest.fixture(scope="module")
def records():
    return make_scenes(60, seed=4)


def outputs(folder):
    return {name: (folder / name).read_bytes() for name in OUTPUTS}


@pytest.mark.parametrize(
    ("number", "mend"),
    [
        (errno.ENOSPC, "Make room there"),
        (errno.EDQUOT, "Make room there"),
        (errno.EROFS, "Make it writable, or take another folder"),
        (errno.EACCES, "Make it writable, or take another folder"),
    ],
)
def test_what_cannot_be_written_is_said(number, mend):
    words = f"cannot write there/x: {os.strerror(number)}. {mend}; what was written before is kept"
    with pytest.raises(BuildStopped, match=words), writing(Path("there/x")):
        raise OSError(number, os.strerror(number))


def test_other_errors_are_left_as_they_are():
    with pytest.raises(KeyError), writing(Path("x")):
        raise KeyError("x")


@pytest.mark.parametrize("room", [2_000, 20_000, 60_000])
def test_a_disk_that_fills_up_stops_the_build_and_leaves_no_parts(records, tmp_path, room):
    """No file may grow beyond `room` bytes: first the journal, then the outputs, are cut short in the middle."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        with pytest.raises(BuildStopped, match=r"cannot write .*too large.* Make room there"):
            build_dataset(records, ScriptedTeacher(), tmp_path / "a")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not list((tmp_path / "a").glob("*.part")) and not (tmp_path / "a" / "build.json").exists()
    build_dataset(records, ScriptedTeacher(), tmp_path / "a")
    build_dataset(records, ScriptedTeacher(), tmp_path / "b")
    assert outputs(tmp_path / "a") == outputs(tmp_path / "b")


def test_a_result_that_cannot_be_described_is_not_finished(records, tmp_path, monkeypatch):
    def full(self, target):
        if Path(target).name == "build.json":
            raise OSError(errno.ENOSPC, "No space left on device")
        return replace(self, target)

    replace = Path.replace
    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(BuildStopped, match=r"cannot write .*build\.json: No space left on device"):
        build_dataset(records, ScriptedTeacher(), tmp_path)
    assert not list(tmp_path.glob("build.json*")) and not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize("name", ["sft.arrow.part", "yields.csv.part", "build.json.part", "build.json"])
def test_a_build_writes_through_no_link(records, tmp_path, name):
    (tmp_path / "precious").write_text("mine\n")
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / name).symlink_to(tmp_path / "precious")
    assert len(build_dataset(records.select(range(3)), ScriptedTeacher(), tmp_path / "a").sft)
    assert (tmp_path / "precious").read_text() == "mine\n"


@pytest.mark.parametrize("call", ["mkdir", "open"])
def test_a_folder_that_cannot_be_written_is_one_line(tmp_path, monkeypatch, capsys, call):
    def refuse(path, *_, **__):
        raise PermissionError(errno.EROFS, "Read-only file system", str(path))

    if call == "open":  # the folder is there, and takes no file
        (tmp_path / "journal").mkdir()
    monkeypatch.setattr(os, call, refuse)
    with pytest.raises(SystemExit) as stop:
        main(["build", "mini", "--n", "3", "--out", str(tmp_path if call == "open" else tmp_path / "new")])
    monkeypatch.undo()
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("vlaa: ")]
    assert stop.value.code == 2 and str(tmp_path) in line and "Read-only file system. Make it writable, or" in line


def test_a_file_where_the_folder_should_be(records, tmp_path):
    (tmp_path / "a").write_text("mine")
    with pytest.raises(BuildStopped, match=r"cannot write .*/a: (File exists|Not a directory).*take another folder"):
        build_dataset(records, ScriptedTeacher(), tmp_path / "a")
    assert (tmp_path / "a").read_text() == "mine"


# ---- a journal ----


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        (b'{"key": "a", "text": "cut sh', "Unterminated string"),
        (b"\xff\xfe", "can't decode"),
        (b'{"key": "a"}', "expected an object with completion_tokens, key, problem, prompt_tokens, text"),
        (b"7", "expected an object"),
    ],
)
def test_a_broken_line_inside_a_journal_is_one_line(tmp_path, capsys, line, wrong):
    build = ["build", "mini", "--n", "12", "--out", str(tmp_path)]
    main(build)
    before = outputs(tmp_path)
    journal = tmp_path / "journal" / "000000.jsonl"
    lines = journal.read_bytes().splitlines()
    lost = json.loads(lines[2])["key"]
    journal.write_bytes(b"\n".join([*lines[:2], line, *lines[3:]]) + b"\n")
    with pytest.raises(SystemExit) as stop:
        main(build)
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert stop.value.code == 2 and said.startswith(f"vlaa: {journal} line 3 is broken: ")
    assert wrong in said and "Delete that line: its reply is asked for again" in said
    assert not list(tmp_path.glob("*.part"))
    journal.write_bytes(b"\n".join([*lines[:2], *lines[3:]]) + b"\n")  # as it says
    main(build)
    assert outputs(tmp_path) == before
    keys = [json.loads(line)["key"] for line in journal.open("rb")]
    assert keys[-1] == lost and len(keys) == len(lines)
