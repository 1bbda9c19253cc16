"""Builds against endpoints that garble, echo and lie: nothing of it is kept that should not be."""

import json
from pathlib import Path

import pytest
from fault_server import completion
from hostile_server import HostileServer, response
from row_files import ROW, encoded

from vlaa_helpers import ChatTeacher, build_dataset, load_records, make_scenes
from vlaa_helpers.core.endpoint import EndpointError
from vlaa_helpers.pipeline.journal import MAX_GARBLED

KEY = "sk-very-secret-key-0123456789"
PAGE = response("<html>Please log in.</html>", Content_Type="text/html")


@pytest.fixture(scope="module")
def records():
    return make_scenes(24, seed=4, sources=["blocks"])


@pytest.fixture
def teacher(monkeypatch):
    monkeypatch.setenv("TEST_KEY", KEY)

    def make(server, **options):
        options = {"base_url": server.url, "retries": 0, "timeout": 10, "concurrency": 1, **options}
        return ChatTeacher("m", api_key_env="TEST_KEY", **options)

    return make


def good(asked: bytes, **message) -> bytes:
    """What a teacher would say to any of the four prompts."""
    text = json.loads(asked.partition(b"\r\n\r\n")[2])["messages"][1]["content"]
    said = "I see something."
    if isinstance(text, str):
        said = "<think>Easy.</think><answer>1</answer>"
        if "Yes or No" in text:
            said = "Yes"
    return response(completion(said, **message))


def replies(folder):
    return [json.loads(line) for path in sorted(folder.glob("journal/*")) for line in path.open()]


def everything(folder) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("concurrency", [1, 4])
def test_pages_instead_of_replies_stop_the_build_and_are_not_kept(records, teacher, tmp_path, concurrency):
    # those under way at the tenth are counted as well
    seen = r"1\d replies in a row are no chat completions.*Please log in.*ends in /v1.*goes on from here"
    with HostileServer(PAGE) as server, pytest.raises(EndpointError, match=seen):
        build_dataset(records, teacher(server, concurrency=concurrency), tmp_path)
    assert replies(tmp_path) == [] and MAX_GARBLED <= len(server.requests) < MAX_GARBLED + concurrency
    assert not list(tmp_path.glob("*.part")) and not list(tmp_path.glob("*.arrow"))
    with HostileServer(good) as server:
        assert len(build_dataset(records, teacher(server), tmp_path).sft) == len(records)


def test_single_garbled_replies_are_rejects_and_asked_for_again(records, teacher, tmp_path):
    script = [PAGE] * (MAX_GARBLED - 1) + [good] * 4 + [PAGE] * (MAX_GARBLED - 1) + [good]
    with HostileServer(*script) as server:
        first = build_dataset(records, teacher(server), tmp_path)
    assert first.rejects["reason"] == ["garbled"] * 2 * (MAX_GARBLED - 1)
    assert "Please log in" in first.rejects["raw"][0]
    assert len(replies(tmp_path)) == 4 * len(first.sft)
    with HostileServer(good) as server:
        second = build_dataset(records, teacher(server), tmp_path)
    assert len(second.sft) == len(records) and len(server.requests) == 4 * len(first.rejects)


@pytest.mark.parametrize(
    "said",
    [
        lambda asked: response(completion(f"<think>{asked.decode()}</think><answer>1</answer>")),
        lambda asked: response(completion(f"{asked.decode()}", finish_reason="length")),
        lambda asked: response({"error": {"message": asked.decode()}}, "400 Bad Request"),
        lambda asked: response(b"<html>" + asked, Content_Type="text/html"),
        lambda asked: response(asked, "401 Unauthorized"),
    ],
    ids=["reply", "truncated", "refusal", "page", "error"],
)
def test_the_key_never_reaches_the_disk(records, teacher, tmp_path, said):
    with HostileServer(said) as server:
        address = f"http://user:hunter22@127.0.0.1:{server.port}/v1"
        for url, secret in ((server.url, KEY), (address, "hunter22")):
            folder, given = tmp_path / secret, {"X-Key": "other-secret-4711"}
            try:
                build_dataset(records.select(range(3)), teacher(server, base_url=url, extra_headers=given), folder)
            except EndpointError as error:
                assert secret not in str(error)
            assert secret.encode() not in everything(folder)
            assert b"other-secret-4711" not in everything(folder)
            assert b"dXNlcjpodW50ZXIyMg==" not in everything(folder)
    assert any(KEY.encode() in asked for asked in server.requests)
    assert any(b"Basic dXNlcjpodW50ZXIyMg==" in asked for asked in server.requests)


def test_other_headers_are_sent_and_not_written_down(records, teacher, tmp_path):
    with HostileServer(good) as server:
        given = {"X-Key": "other-secret-4711"}
        build_dataset(records.select(range(2)), teacher(server, extra_headers=given, temperature=0.5), tmp_path)
    assert b"other-secret-4711" in server.requests[0]
    assert b"other-secret-4711" not in everything(tmp_path) and b"temperature" in everything(tmp_path)


def test_a_key_in_the_body_is_sent_and_not_written_down(records, teacher, tmp_path):
    with HostileServer(good) as server:
        body = {"api_key": "tiny1", "top_k": 3}
        build_dataset(records.select(range(2)), teacher(server, extra_body=body), tmp_path)
    assert b"tiny1" in server.requests[0]
    assert b"tiny1" not in everything(tmp_path) and b"top_k" in everything(tmp_path)


def test_odd_but_legal_replies_are_read(records, teacher, tmp_path):
    def odd(asked):
        body = json.loads(good(asked).partition(b"\r\n\r\n")[2])
        message = body["choices"][0]["message"]
        message["content"] = [{"type": "text", "text": message["content"]}]
        body["usage"] = {"prompt_tokens": "12", "completion_tokens": [None], "total_tokens": "many"}
        return response(body)

    with HostileServer(odd) as server:
        result = build_dataset(
            records.select(range(3)), teacher(server, prices={"m": (1.0, 1.0)}), tmp_path, budget=9.0
        )
    assert len(result.sft) == 3 and {row["prompt_tokens"] for row in replies(tmp_path)} == {12}


@pytest.mark.parametrize("change", [Path.unlink, lambda path: path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n")])
def test_an_image_that_is_gone_or_another_is_a_reject(teacher, tmp_path, write_rows, change):
    rows = [{**ROW, "id": name, "image": name} for name in ("a.png", "b.png")]
    images = {name: encoded(size=(32, 32), seed=k) for k, name in enumerate(("a.png", "b.png"))}
    records = load_records(write_rows(*rows, images=images), embed_images=False)
    change(Path(records.with_format("arrow")[0]["image"][0]["path"].as_py()))
    with HostileServer(good) as server:
        result = build_dataset(records, teacher(server), tmp_path / "out")
    assert result.sft["id"] == ["b.png"]
    assert (result.rejects["id"], result.rejects["reason"]) == (["a.png"], ["unreadable_image"])


def test_half_a_character_does_not_end_a_build(records, teacher, tmp_path):
    def half(asked):
        body = good(asked).partition(b"\r\n\r\n")[2]
        return response(body.replace(b"something", b"\\ud800 and \\udc00"))

    with HostileServer(half) as server:
        result = build_dataset(records.select(range(3)), teacher(server), tmp_path)
    assert len(result.sft) + len(result.rejects) == 3
    assert replies(tmp_path)[0]["text"] == "I see \ufffd and \ufffd."
