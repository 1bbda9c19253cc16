"""What can go wrong with a download from the hub, one test a failure, and that what has come is kept."""

import errno
import gzip
import hashlib
import io
import re
import shutil
import time
import tracemalloc
from collections import namedtuple

import pytest
from hostile_server import HostileServer, response, slowly
from huggingface_hub import constants

from vlaa_helpers.data import hub_files, ranged_file
from vlaa_helpers.data.download_errors import DownloadError, explain, require_space
from vlaa_helpers.data.hub_files import bytes_to_come, download, find_hub_file, open_hub_file
from vlaa_helpers.data.ranged_file import RangedFile

REPO = "owner/name"
DATA = bytes(range(256)) * 8192  # 2 MiB: four requests, of 256, 512, 1,024 and 256 KiB


@pytest.fixture
def one_file(hub):
    hub.repos[REPO] = {"big.bin": DATA, "small.txt": b"hello"}
    return hub


def fetch(name="big.bin", revision=None):
    return download(find_hub_file(REPO, name, revision))


# ---- as it should be ----


@pytest.mark.parametrize(("name", "data"), [("big.bin", DATA), ("small.txt", b"hello")])
def test_a_file_comes_whole_and_once(one_file, name, data):
    path = fetch(name)
    assert path.read_bytes() == data and path.name == name
    before = one_file.asked("cdn"), one_file.asked("hub")
    assert fetch(name) == path and (one_file.asked("cdn"), one_file.asked("hub")) == before
    assert bytes_to_come(find_hub_file(REPO, name)) == 0


def test_a_new_version_is_another_file(one_file):
    old = fetch()
    one_file.repos[REPO]["big.bin"] = DATA[::-1]
    one_file.revisions["main"] = "b" * 40
    assert fetch().read_bytes() == DATA[::-1] and old.read_bytes() == DATA


def test_at_a_commit_the_hub_is_asked_once(one_file):
    commit = find_hub_file(REPO, "big.bin").commit
    fetch(revision=commit)
    one_file.requests.clear()
    fetch(revision=commit)
    assert one_file.requests == []


def test_what_the_hub_s_own_tool_has_fetched_is_taken(one_file):
    from huggingface_hub import hf_hub_download

    theirs = hf_hub_download(REPO, "big.bin", repo_type="dataset", cache_dir=constants.HF_HUB_CACHE)
    one_file.requests.clear()
    assert str(fetch()) == theirs and one_file.asked("cdn") == []


def test_a_token_goes_to_the_hub_and_to_nobody_else(one_file, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_good")
    one_file.private.add(REPO)
    assert fetch().read_bytes() == DATA
    tokens = {where: token for where, _, _, _, token in one_file.requests}
    assert tokens == {"hub": "Bearer hf_good", "cdn": None}


def test_many_who_ask_at_once_download_once(one_file):
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(6) as pool:
        paths = set(pool.map(lambda _: fetch(), range(6)))
    assert len(paths) == 1 and one_file.sent[f"/{REPO}/big.bin"] == len(DATA)


# ---- refused ----


def gate(hub):
    hub.gated.add(REPO)


def hide(hub):
    hub.private.add(REPO)


@pytest.mark.parametrize(
    ("break_it", "asked", "says"),
    [
        (hide, (REPO, "big.bin"), r"no such data set, or a private one: the hub answered 401.*hf auth login"),
        (gate, (REPO, "big.bin"), r"gated, the hub answered 403\. Accept the terms.*hf auth login"),
        (None, ("no/body", "big.bin"), r"big\.bin of no/body: no such data set, or a private one"),
        (None, (REPO, "no.bin"), r"no\.bin of owner/name: no such file \(404\)\. Look what there is: http"),
        (None, (REPO, "big.bin", "v9"), r"no such revision \(404\).*revision=None for the newest"),
    ],
)
def test_a_refusal_says_what_to_do(one_file, break_it, asked, says):
    if break_it:
        break_it(one_file)
    with pytest.raises(DownloadError, match=says):
        find_hub_file(*asked)


def test_a_wrong_token(one_file, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_old")
    says = (
        r"access refused \(401\)\. Log in.*HF_TOKEN is set, and goes before any log-in: .*unset; public data needs none"
    )
    with pytest.raises(DownloadError, match=says):
        fetch()


def test_without_a_token_none_is_spoken_of(one_file):
    one_file.hub_status = [403]
    with pytest.raises(DownloadError, match=r"access refused \(403\)\. Log in with a token.*run it again\.$"):
        fetch()


@pytest.mark.parametrize(
    ("status", "says"), [(503, r"answered 503.*Try again later"), (429, r"too many requests \(429\)")]
)
def test_a_busy_hub(one_file, status, says):
    one_file.hub_status = [status] * 20
    with pytest.raises(DownloadError, match=says):
        fetch()


def test_a_server_that_is_no_hub(one_file, monkeypatch):
    one_file.plain["/odd/owner/name"] = b"<html>"
    monkeypatch.setattr(hub_files, "_address", lambda *_: f"{one_file.cdn}/odd/owner/name")
    with pytest.raises(DownloadError, match=r"is no hub: it names no commit.*Correct HF_ENDPOINT"):
        find_hub_file(REPO, "big.bin")


# ---- no network ----


@pytest.fixture
def closed_port():
    import socket

    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # never listens
        yield f"http://127.0.0.1:{held.getsockname()[1]}"


def test_no_connection(one_file, closed_port, monkeypatch):
    monkeypatch.setattr(constants, "ENDPOINT", closed_port)
    monkeypatch.setattr(
        constants, "HUGGINGFACE_CO_URL_TEMPLATE", closed_port + "/{repo_id}/resolve/{revision}/{filename}"
    )
    with pytest.raises(DownloadError, match=r"no connection \(.*and the file is not here yet\. Go online"):
        fetch()


def test_offline(one_file, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(DownloadError, match=r"HF_HUB_OFFLINE=1 forbids the network.*Unset it"):
        fetch()
    assert one_file.requests == []


def test_offline_and_away_but_here(one_file, closed_port, monkeypatch, said):
    path = fetch()
    one_file.hub_status = [500]
    assert fetch() == path
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert fetch() == path
    assert [record.message for record in said.records].count(
        "big.bin of owner/name: the hub cannot be reached; taking what was found there before"
    ) == 2


# ---- on the way ----


def test_a_cut_connection_goes_on_where_it_was(one_file):
    one_file.cut = [100_000, 1, 300_000]
    assert fetch().read_bytes() == DATA
    assert one_file.sent[f"/{REPO}/big.bin"] == len(DATA)  # no byte twice


def test_a_connection_that_stays_cut_keeps_what_came(one_file):
    one_file.cut = [2**18, 1000, 0, 0, 0, 0]
    with pytest.raises(DownloadError, match=r"big\.bin of owner/name: the connection was cut.*What has come is kept"):
        fetch()
    file = find_hub_file(REPO, "big.bin")
    assert bytes_to_come(file) == len(DATA) - 2**18 - 1000
    assert download(file).read_bytes() == DATA
    assert one_file.sent[f"/{REPO}/big.bin"] == len(DATA)


def test_a_busy_cdn_is_tried_again(one_file):
    one_file.status = [503, 429, 500]
    assert fetch().read_bytes() == DATA
    one_file.repos[REPO]["big.bin"] = DATA + b"!"
    one_file.status = [503] * 4
    with pytest.raises(DownloadError, match=r"the server answered 503.*Try again later\. What has come is kept"):
        fetch()


def test_a_missing_file_is_not_tried_again(one_file):
    file = find_hub_file(REPO, "big.bin")
    one_file.status = [404] * 5
    with pytest.raises(DownloadError, match="no such file"):
        download(file)
    assert len(one_file.status) == 4


ZEROS = bytes(2**25)


@pytest.mark.parametrize(
    ("page", "says"),
    [
        (response(ZEROS, "403 Forbidden"), r"x: access refused \(403\)"),
        (response(gzip.compress(ZEROS), "404 Not Found", Content_Encoding="gzip"), r"x: no such file \(404\)"),
        (response(ZEROS, "302 Found", Location="/elsewhere"), r"x: no such file \(404\)"),
        (response(gzip.compress(ZEROS), "302 Found", Location="/", Content_Encoding="gzip"), r"no such file \(404\)"),
        (response(b"[1]", "404 Not Found"), r"x: no such file \(404\)"),
    ],
    ids=["error", "packed error", "redirect", "packed redirect", "odd error"],
)
def test_the_page_beside_an_error_or_a_redirect_is_not_read(hub, page, says):
    with HostileServer(page, response(b"", "404 Not Found")) as server:
        tracemalloc.start()
        try:
            with pytest.raises(DownloadError, match=says):
                RangedFile(server.url, "x")
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert most < 2**23


@pytest.mark.parametrize(("location", "redirects"), [("/v1", 21), ("http://127.0.0.1:port/", 1)])
def test_redirects_end(hub, location, redirects):
    with HostileServer(response(b"", "302 Found", Location=location)) as server:
        with pytest.raises(DownloadError, match=rf"x: the server sends on to .*, redirect {redirects}; expected the"):
            RangedFile(server.url, "x")
    assert len(server.requests) == redirects


SIZE = 100_000


def dribble(asked, pause, most=SIZE):
    """The answer to a request for a part of a file of `SIZE` bytes: its head, then a byte at a time, `most` of them."""
    first = int(asked.partition(b"bytes=")[2].partition(b"-")[0])
    place = f"Content-Range: bytes {first}-{SIZE - 1}/{SIZE}\r\nContent-Length: {SIZE - first}"
    yield f"HTTP/1.1 206 Partial Content\r\n{place}\r\n\r\n".encode()
    yield from slowly(b"x" * min(most, SIZE - first), pause)


def test_a_server_that_sends_next_to_nothing_is_given_up(hub, monkeypatch):
    monkeypatch.setattr(ranged_file, "PATIENCE", 0.5)
    began = time.monotonic()
    with HostileServer(lambda asked: dribble(asked, 0.05)) as server, pytest.raises(DownloadError) as caught:
        RangedFile(server.url, "x.zip", size=SIZE).read(5)
    says = r"^x\.zip: 1 kB came in [01] seconds; expected 4 kB a second or more\. .*curl -L -O"
    assert re.search(says, str(caught.value))
    assert time.monotonic() - began < 5 and len(server.requests) == 1


def test_the_wait_counts_over_all_answers(hub, monkeypatch):
    """A server that cuts each answer before the limit would else go on for ever, a byte at a time."""
    monkeypatch.setattr(ranged_file, "PATIENCE", 0.5)

    with HostileServer(lambda asked: dribble(asked, 0.1, most=2)) as server:
        with pytest.raises(DownloadError, match="a second or more"):
            io.BufferedReader(RangedFile(server.url, "x.zip", size=SIZE)).read(SIZE)
    assert 1 < len(server.requests) < 10


def test_a_slow_server_that_keeps_pace_is_waited_for(hub, monkeypatch):
    monkeypatch.setattr(ranged_file, "PATIENCE", 0.5)
    monkeypatch.setattr(ranged_file, "SLOWEST", 1)
    with HostileServer(lambda asked: dribble(asked, 0)) as server:
        file = RangedFile(server.url, "x", size=SIZE)
        file._waited, file.downloaded = 3600.0, 3600
        assert file.read(5) == b"xxxxx"


def test_damage_is_found_and_removed(one_file):
    one_file.damaged.add(f"{REPO}/big.bin")
    wrong = hashlib.sha256(DATA[:-1] + bytes([DATA[-1] ^ 1])).hexdigest()
    right = hashlib.sha256(DATA).hexdigest()
    with pytest.raises(DownloadError, match=rf"checksum {wrong[:12]}…, expected {right[:12]}….*run the same again"):
        fetch()
    one_file.damaged.clear()
    assert fetch().read_bytes() == DATA


def test_damage_of_a_small_file_is_found(one_file):
    file = find_hub_file(REPO, "small.txt")
    one_file.repos[REPO]["small.txt"] = b"hullo"
    with pytest.raises(DownloadError, match="checksum"):
        download(file)


def test_a_file_of_another_size_than_the_hub_says(one_file):
    file = find_hub_file(REPO, "big.bin")
    one_file.repos[REPO]["big.bin"] = DATA + b"more"
    with pytest.raises(
        DownloadError, match=rf"the server says {len(DATA) + 4} of its size, expected {len(DATA)} bytes"
    ):
        download(file)


def test_a_server_without_parts_of_files_serves_from_the_start_only(one_file):
    one_file.ranges = False
    file = find_hub_file(REPO, "big.bin")
    assert open_hub_file(file).read(10) == DATA[:10]
    with pytest.raises(DownloadError, match=r"sends no parts of files \(asked for byte 5, got 0\)"):
        open_hub_file(file, 5).read(10)


# ---- the disk ----

Usage = namedtuple("Usage", "total used free")


def test_no_room_is_seen_before_the_download(one_file, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**9, 10**9, 1_000_000))
    with pytest.raises(DownloadError, match=r"needs 2 MB in .*, 1 MB are free.*HF_HOME.*limit=100"):
        fetch()
    assert one_file.asked("cdn") == []


def test_a_disk_that_fills_up_on_the_way(one_file, monkeypatch):
    pieces = iter(range(100))

    class Full:
        def __init__(self, file):
            self.file = file

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.file.close()

        def read1(self):
            if next(pieces) == 3:
                raise OSError(errno.ENOSPC, "No space left on device")
            return self.file.read1()

    real = hub_files.open_hub_file
    monkeypatch.setattr(hub_files, "open_hub_file", lambda *asked: Full(real(*asked)))
    with pytest.raises(DownloadError, match=r"the disk of .* is full.*HF_HOME.*the same call goes on from there"):
        fetch()
    assert 0 < bytes_to_come(find_hub_file(REPO, "big.bin")) < len(DATA)
    assert fetch().read_bytes() == DATA


def test_room_enough_says_nothing(tmp_path):
    require_space(tmp_path, 1, "x")


def test_an_error_is_explained_once():
    error = DownloadError("a: seen. Do this.")
    assert explain(error, "b") is error
    assert str(explain(OSError("odd"), "b")) == "b: odd. Run the same again."
