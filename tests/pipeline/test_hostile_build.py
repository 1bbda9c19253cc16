"""Builds against endpoints that garble, echo and lie: nothing of it is kept that should not be."""

import json
from pathlib import Path

import pytest
from fault_server import completion
from hostile_server import HostileServer, response
from row_files import ROW, encoded

from vlaa_helpers import ChatTeacher, ScriptedTeacher, build_dataset, load_records, make_scenes
from vlaa_helpers.core.endpoint import EndpointError
from vlaa_helpers.pipeline.failed_replies import MAX_FAILED

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
    seen = r"1\d replies in a row to the role caption are no chat.*Please log in.*ends in /v1.*goes on from here"
    with HostileServer(PAGE) as server, pytest.raises(EndpointError, match=seen):
        build_dataset(records, teacher(server, concurrency=concurrency), tmp_path)
    assert replies(tmp_path) == [] and MAX_FAILED <= len(server.requests) < MAX_FAILED + concurrency
    assert not list(tmp_path.glob("*.part")) and not list(tmp_path.glob("*.arrow"))
    with HostileServer(good) as server:
        assert len(build_dataset(records, teacher(server), tmp_path).sft) == len(records)


def test_single_garbled_replies_are_rejects_and_asked_for_again(records, teacher, tmp_path):
    script = [PAGE] * (MAX_FAILED - 1) + [good] * 4 + [PAGE] * (MAX_FAILED - 1) + [good]
    with HostileServer(*script) as server:
        first = build_dataset(records, teacher(server), tmp_path)
    assert first.rejects["reason"] == ["garbled"] * 2 * (MAX_FAILED - 1)
    assert "Please log in" in first.rejects["raw"][0]
    assert len(replies(tmp_path)) == 4 * len(first.sft)
    with HostileServer(good) as server:
        second = build_dataset(records, teacher(server), tmp_path)
    assert len(second.sft) == len(records) and len(server.requests) == 4 * len(first.rejects)


NO = response({"error": {"message": "images are \x1b[2J not taken"}}, "400 Bad Request")


@pytest.mark.parametrize("concurrency", [1, 4])
def test_refusals_in_a_row_stop_the_build_and_are_asked_again(records, teacher, tmp_path, concurrency):
    seen = r"1\d replies in a row to the role caption were refused.*images are .* not taken.*asks those again"
    with HostileServer(NO) as server, pytest.raises(EndpointError, match=seen) as error:
        build_dataset(records, teacher(server, concurrency=concurrency), tmp_path)
    assert str(error.value).isprintable() and len(server.requests) < MAX_FAILED + concurrency
    assert replies(tmp_path) == [] and not list(tmp_path.glob("*.arrow"))
    with HostileServer(good) as server:
        assert len(build_dataset(records, teacher(server), tmp_path).sft) == len(records)


def test_refusals_of_one_role_are_a_row_whatever_the_others_get(records, teacher, tmp_path):
    def said(asked):
        return good(asked) if b"image_url" in asked else NO

    with HostileServer(said) as server, pytest.raises(EndpointError, match="10 replies in a row to the role reason"):
        build_dataset(records, teacher(server), tmp_path)
    assert len(replies(tmp_path)) == MAX_FAILED
    with HostileServer(said) as server, pytest.raises(EndpointError, match="10 replies in a row to the role reason"):
        build_dataset(records, teacher(server), tmp_path)  # what is kept says nothing of the server now
    assert len(server.requests) == MAX_FAILED


def test_what_is_kept_between_refusals_does_not_end_their_row(records, teacher, tmp_path):
    captions = iter(range(99))

    def every_other(asked):
        return NO if b"image_url" in asked and next(captions) % 2 else good(asked)

    with HostileServer(every_other) as server:
        assert len(build_dataset(records, teacher(server), tmp_path).sft) == 12
    with HostileServer(NO) as server, pytest.raises(EndpointError, match="10 replies in a row to the role caption"):
        build_dataset(records, teacher(server), tmp_path)


def test_a_single_refusal_is_a_reject_and_asked_for_again(records, teacher, tmp_path):
    few = records.select(range(3))
    with HostileServer(NO, good) as server:
        first = build_dataset(few, teacher(server), tmp_path)
    assert (first.rejects["step"], first.rejects["reason"]) == (["caption"], ["refused"]) and len(first.sft) == 2
    with HostileServer(good) as server:
        assert len(build_dataset(few, teacher(server), tmp_path).sft) == 3
    assert len(server.requests) == 4


def test_a_refusal_that_an_earlier_version_kept_is_asked_for_again(records, teacher, tmp_path):
    few = records.select(range(1))
    with HostileServer(good) as server:
        build_dataset(few, teacher(server), tmp_path)
        (path,) = tmp_path.glob("journal/*")
        rows = [{**row, "problem": "refused"} for row in replies(tmp_path)]
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        assert len(build_dataset(few, teacher(server), tmp_path).sft) == 1
    assert len(server.requests) == 8


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (lambda asked: PAGE, "all 3 replies to the role caption are no chat completions"),
        (lambda asked: NO, "all 3 replies to the role caption were refused"),
        (lambda asked: good(asked) if b"image_url" in asked else NO, "all 3 replies to the role reason were refused"),
        (lambda asked: NO if b"Yes or No" in asked else good(asked), "all 3 replies to the role verify were refused"),
    ],
    ids=["garbled", "refused", "one role", "verify"],
)
def test_a_small_build_that_gets_no_reply_to_use_fails(records, teacher, tmp_path, said, words):
    with HostileServer(said) as server, pytest.raises(EndpointError, match=words):
        build_dataset(records.select(range(3)), teacher(server), tmp_path)
    assert not list(tmp_path.glob("*.arrow")) and not (tmp_path / "build.json").exists()


def test_a_role_without_a_reply_does_not_fail_a_build_that_verified_others(records, teacher, tmp_path):
    given = "<think>I see.</think><answer>1</answer>"
    rows = records.map(lambda row, k: {"response": given if k else ""}, with_indices=True)
    with HostileServer(lambda asked: NO if b"image_url" in asked else good(asked)) as server:
        result = build_dataset(rows.select(range(3)), teacher(server), tmp_path)
    assert len(result.sft) == 2 and result.rejects["reason"] == ["refused"]


def test_a_budget_that_is_none_is_said(records, teacher, tmp_path):
    for budget in (float("nan"), -1.0):
        with HostileServer(good) as server, pytest.raises(ValueError, match="expected 0 or more"):
            build_dataset(records, teacher(server), tmp_path, budget=budget)


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


@pytest.mark.parametrize("prices", [None, {"m": (0.0, 0.0)}])
def test_a_budget_without_prices_is_told_to_do_nothing(records, teacher, tmp_path, prices, caplog):
    with HostileServer(good) as server:
        build_dataset(records.select(range(2)), teacher(server, prices=prices), tmp_path, budget=5.0)
        (said,) = [line for line in caplog.messages if "budget" in line]
        assert said.startswith("the budget of 5 has no effect: the teacher's prices are 0. Set prices, ")
        caplog.clear()
        build_dataset(records.select(range(2)), teacher(server, prices={"m": (0.0, 1.0)}), tmp_path, budget=5.0)
        build_dataset(records.select(range(2)), teacher(server, prices=prices), tmp_path)
    build_dataset(records.select(range(2)), ScriptedTeacher(), tmp_path / "mini", budget=5.0)
    assert not any("budget" in line for line in caplog.messages)


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
