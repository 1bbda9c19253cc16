"""A file is written as a whole, or stays as it was."""

import resource

import pytest

from vlaa_helpers.core.whole_files import write_whole


def test_a_file_is_written_and_written_over(tmp_path):
    for text in (b"one", b"two"):
        write_whole(tmp_path / "a.txt", text)
        assert (tmp_path / "a.txt").read_bytes() == text
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_what_was_there_stays_when_the_disk_is_full(tmp_path):
    write_whole(tmp_path / "a.txt", b"before")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        with pytest.raises(OSError, match="File too large") as caught:
            write_whole(tmp_path / "a.txt", bytes(200))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.filename == str(tmp_path / "a.txt")
    assert (tmp_path / "a.txt").read_bytes() == b"before" and len(list(tmp_path.iterdir())) == 1
