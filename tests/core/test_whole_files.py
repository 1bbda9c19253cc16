"""A file is written as a whole, or stays as it was."""

import resource

import pytest

from vlaa_helpers.core.kept_rows import KeptRows
from vlaa_helpers.core.whole_files import open_own, write_whole


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


@pytest.fixture
def precious(tmp_path):
    """A file of the reader's, outside of the folder that a stranger made."""
    path = tmp_path / "precious"
    path.write_text("mine\n")
    return path


@pytest.mark.parametrize("name", ["card.md", "card.md.part"])
def test_no_link_leads_what_is_written_elsewhere(tmp_path, precious, name):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / name).symlink_to(precious)
    write_whole(tmp_path / "run" / "card.md", b"card")
    assert precious.read_text() == "mine\n" and (tmp_path / "run" / "card.md").read_bytes() == b"card"
    assert not (tmp_path / "run" / "card.md").is_symlink()


def test_a_file_has_the_rights_that_others_have(tmp_path):
    (tmp_path / "other").write_bytes(b"")
    write_whole(tmp_path / "a.txt", b"one")
    assert (tmp_path / "a.txt").stat().st_mode == (tmp_path / "other").stat().st_mode


@pytest.mark.parametrize("mode", ["w", "a", "r+"])
def test_a_file_that_grows_is_no_link(tmp_path, precious, mode):
    (tmp_path / "log.csv").symlink_to(precious)
    with pytest.raises(OSError, match=r"log.csv is a link, .*expected a file, or none. Delete the link: rm .*log.csv$"):
        open_own(tmp_path / "log.csv", mode)
    assert precious.read_text() == "mine\n"


def test_rows_are_kept_through_no_link(tmp_path, precious):
    kept = KeptRows(tmp_path / "run", {"loaves": 2}, wanted=2, what="baking")
    (tmp_path / "run" / "responses.jsonl").unlink()
    (tmp_path / "run" / "responses.jsonl").symlink_to(precious)
    with pytest.raises(OSError, match="is a link"):
        kept.add([{"loaf": 1}])
    assert precious.read_text() == "mine\n"
