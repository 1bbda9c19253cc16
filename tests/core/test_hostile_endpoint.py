"""Servers that are broken or hostile: an attempt ends, a reply has a size, a key stays on its host and off the disk."""

import base64
import gzip
import json
import pickle
import time
from email.utils import formatdate

import pytest
from fault_server import completion
from hostile_server import GOOD, HostileServer, response, slowly

from vlaa_helpers.core.bounded_http import REPLY_LIMIT
from vlaa_helpers.core.endpoint import ChatEndpoint, EndpointError, EndpointUnavailable

KEY = "sk-very-secret-key"
HELLO = [{"role": "user", "content": "hello"}]


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("TEST_KEY", KEY)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)


def ask(server, url=None, **options):
    endpoint = ChatEndpoint(url or server.url, api_key_env="TEST_KEY", **{"retries": 0, "timeout": 5.0, **options})
    return endpoint.complete("m", HELLO, max_tokens=9)


# ---- an attempt ends ----


@pytest.mark.parametrize(
    "drip",
    [
        lambda _: slowly(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-" + b"a" * 100, 0.1),
        lambda _: slowly(response("x" * 100), 0.1),
        lambda _: slowly(b"HTTP/1.1 200 OK\r\n\r\n" + b" " * 100, 0.1),
        lambda _: slowly(response("x" * 100, "500 Internal Server Error"), 0.1),
    ],
    ids=["in its head", "in its body", "without a length", "in an error"],
)
def test_a_reply_that_drips_ends_with_its_time(drip):
    with HostileServer(drip) as server:
        started = time.monotonic()
        with pytest.raises(EndpointUnavailable, match="still fails after 1 attempt: Request timed out"):
            ask(server, timeout=0.8)
    assert 0.7 < time.monotonic() - started < 3


def test_a_dripping_reply_is_tried_again():
    with HostileServer(lambda _: slowly(GOOD, 0.1), GOOD) as server:
        assert ask(server, timeout=0.8, retries=1).text == "hi"
    assert len(server.requests) == 2


def test_a_slow_reply_within_its_time_is_read():
    with HostileServer(lambda _: slowly(GOOD, 0.001)) as server:
        assert ask(server).text == "hi"


def test_a_reply_that_breaks_off_is_tried_again():
    with HostileServer(GOOD[:-20], GOOD) as server:
        assert ask(server, retries=1).text == "hi"
    with HostileServer(GOOD[:-20]) as server, pytest.raises(EndpointUnavailable, match=r"Connection error.*\(peer"):
        ask(server)


# ---- a reply has a size ----


def test_an_endless_reply_is_cut_off():
    def endless(_):
        yield b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"
        while True:
            yield b"x" * 2**16

    with HostileServer(endless) as server:
        reply = ask(server)
    assert reply.problem == "garbled" and reply.text.startswith("a reply of more than 4,194,304 bytes, cut off there")
    assert len(reply.text) == 2000
    assert server.sent < 4 * REPLY_LIMIT


def test_a_large_completion_is_not_kept():
    with HostileServer(response(completion("x" * REPLY_LIMIT))) as server:
        assert ask(server).problem == "garbled"
    with HostileServer(response(completion("x" * (REPLY_LIMIT // 2)))) as server:
        assert len(ask(server).text) == REPLY_LIMIT // 2


@pytest.mark.parametrize("status", ["400 Bad Request", "500 Internal Server Error"])
def test_a_large_error_is_cut_off(status):
    with HostileServer(response("x" * (3 * REPLY_LIMIT), status)) as server:
        try:
            shown = ask(server).text
        except EndpointUnavailable as error:
            shown = str(error)
    assert "xxx" in shown and len(shown) <= 2000


def test_a_compressed_reply_is_not_decompressed():
    bomb = response(gzip.compress(json.dumps(completion("x" * 2**20)).encode()), Content_Encoding="gzip")
    with HostileServer(bomb) as server:
        assert ask(server).problem == "garbled"
    assert b"accept-encoding: identity" in server.requests[0].lower()


# ---- what is no completion ----

PAGE = response("<html>Please log in.</html>", Content_Type="text/html")


@pytest.mark.parametrize(
    ("said", "seen"),
    [
        (PAGE, "Please log in"),
        (response(b""), "an empty body"),
        (response(b"\xff\xfe\x00garbage"), "garbage"),
        (response("[" * 100_000), "[[["),
        (response('{"choices": ' + "9" * 5000 + "}"), "999"),
        (response("null"), "null"),
        (response('data: {"choices": []}\n\ndata: [DONE]\n'), "data:"),
        (response({"error": {"message": "overloaded"}}), "overloaded"),
        (response(PAGE.partition(b"\r\n\r\n")[2], "400 Bad Request", Content_Type="text/html"), "Please log in"),
    ],
    ids=["page", "nothing", "bytes", "deep", "long number", "null", "stream", "error with 200", "page with 400"],
)
def test_what_is_no_completion_is_garbled(said, seen):
    with HostileServer(said) as server:
        reply = ask(server)
    assert reply.problem == "garbled" and seen in reply.text and len(reply.text) <= 2000


# ---- a key stays on its host ----


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"])
def test_a_redirect_to_another_host_is_refused(status):
    with HostileServer(GOOD) as other:
        there = f"http://localhost:{other.port}/v1/chat/completions"
        with HostileServer(response("", status, Location=there)) as server:
            with pytest.raises(EndpointError, match=f"redirects to {there}.*not followed.*give it as base_url"):
                ask(server, retries=2)
    assert other.requests == [] and len(server.requests) == 1


def test_a_redirect_on_the_same_host_is_followed():
    moved = response("", "307 Temporary Redirect", Location="/v2/chat/completions")
    with HostileServer(moved, GOOD) as server:
        assert ask(server).text == "hi"
    first, second = server.requests
    assert second.startswith(b"POST /v2/chat/completions")
    assert first.partition(b"\r\n\r\n")[2] == second.partition(b"\r\n\r\n")[2]


def test_a_circle_of_redirects_ends():
    circle = response("", "307 Temporary Redirect", Location="/v1/chat/completions")
    with HostileServer(circle) as server, pytest.raises(EndpointError, match="redirects to /v1/chat"):
        ask(server)
    assert len(server.requests) == 4


# ---- a key stays off the disk ----


def echo(asked: bytes) -> bytes:
    return response(completion(f"You sent: {asked.decode()}"))


def echo_page(asked: bytes) -> bytes:
    return response(b"<html>" + b"." * 1900 + asked, Content_Type="text/html")


def echo_refusal(asked: bytes) -> bytes:
    return response({"error": {"message": "no: " + asked.decode()}}, "400 Bad Request")


@pytest.mark.parametrize("server_says", [echo, echo_page, echo_refusal])
def test_a_key_in_a_reply_is_hidden(server_says):
    with HostileServer(server_says) as server:
        text = ask(server).text
    assert KEY.encode() in server.requests[0]
    assert not any(KEY[:k] in text for k in range(6, len(KEY) + 1))  # nor half of it, where a text is cut
    assert "Bearer [key]" in text or server_says is echo_page


@pytest.mark.parametrize("key", ["ab1c", "hunter", "password", "sk-short"])
@pytest.mark.parametrize("server_says", [echo, echo_page, echo_refusal])
def test_a_short_key_is_hidden_too(monkeypatch, caplog, server_says, key):
    monkeypatch.setenv("TEST_KEY", key)
    with HostileServer(server_says) as server:
        assert key not in ask(server).text
    assert f"Bearer {key}".encode() in server.requests[0]
    words = f'TEST_KEY could be a word ({len(key)} characters): wherever a reply has it, "[key]" is kept in its place'
    assert words in caplog.text and key not in caplog.text


def test_no_key_is_no_secret(monkeypatch, caplog):
    monkeypatch.setenv("TEST_KEY", "none")
    with HostileServer(response(completion("There are none."))) as server:
        assert ask(server).text == "There are none."
    assert "could be a word" not in caplog.text


def test_a_key_that_left_the_environment_is_hidden_still(monkeypatch):
    with HostileServer(echo) as server:
        endpoint = ChatEndpoint(server.url, api_key_env="TEST_KEY", retries=0, timeout=5.0)
        endpoint.complete("m", HELLO, max_tokens=9)
        monkeypatch.setenv("TEST_KEY", "another")
        assert KEY not in endpoint.complete("m", HELLO, max_tokens=9).text
    assert KEY.encode() in server.requests[1]
    assert KEY.encode() not in pickle.dumps(endpoint)


def test_keys_in_options_are_hidden():
    given = {
        "extra_headers": {"X-Key": "other"},
        "extra_query": {"token": "third"},
        "extra_body": {"api_key": "fourth"},
    }
    with HostileServer(echo) as server:
        endpoint = ChatEndpoint(server.url, api_key_env="TEST_KEY", retries=0, timeout=5.0)
        text = endpoint.complete("m", HELLO, max_tokens=9, **given).text
    assert all(word.encode() in server.requests[0] for word in ("other", "third", "fourth"))
    assert not any(word in text for word in ("other", "third", "fourth")) and "hello" in text


def test_no_part_of_a_key_is_in_what_is_said_of_a_pause():
    asked = response("", "503 Service Unavailable", Retry_After="9" * 30 + KEY, Retry_After_Ms="999999")
    with HostileServer(asked) as server, pytest.raises(EndpointUnavailable, match="Retry-After: 9+.key.;") as error:
        ask(server, retries=1)
    assert KEY[:6] not in str(error.value)


def test_a_password_in_the_address_is_in_no_log(caplog):
    caplog.set_level("INFO")
    with HostileServer(GOOD) as server:
        ask(server, f"http://me:hunter22@127.0.0.1:{server.port}/v1")
    assert "HTTP Request: POST" in caplog.text and "hunter22" not in caplog.text


def test_a_key_in_the_place_of_its_variable_is_not_shown():
    for key in ("sk-very-secret", "hunter22"):
        with pytest.raises(EndpointError, match="api_key_env, .* characters: the name of the variable") as error:
            ChatEndpoint("http://host/v1", api_key_env=key).complete("m", HELLO, max_tokens=9)
        assert key not in str(error.value)


@pytest.mark.parametrize("status", ["401 Unauthorized", "404 Not Found", "500 Error", "302 Found"])
def test_a_key_in_an_error_is_hidden(status):
    said = response({"error": {"message": "x" * 250 + KEY}}, status, Location=f"http://else.where/?key={KEY}")
    with HostileServer(said) as server, pytest.raises(EndpointError) as error:
        ask(server)
    assert "sk-very" not in str(error.value) and error.value.__suppress_context__


def test_a_password_in_the_address_is_hidden():
    sent = base64.b64encode(b"me:pass/word").decode()
    with HostileServer(lambda asked: response(f"{asked!r} pass/word pass%2Fword")) as server:
        reply = ask(server, f"http://me:pass%2Fword@127.0.0.1:{server.port}/v1")
        assert sent.encode() in server.requests[0]
    assert "Basic [key]" in reply.text and "pass" not in reply.text and sent not in reply.text
    with HostileServer(response("", "500 Error")) as server, pytest.raises(EndpointError) as error:
        ask(server, f"http://me:pass%2Fword@127.0.0.1:{server.port}/v1")
    assert str(error.value).startswith(f"http://127.0.0.1:{server.port}/v1/ still fails")
    with pytest.raises(ValueError) as error:
        ChatEndpoint("http//me:secret@host/v1")
    assert "secret" not in str(error.value)


@pytest.mark.parametrize("key", ["sk\nsecond line", "clé-secrète"])
def test_a_key_that_no_key_is(monkeypatch, key):
    monkeypatch.setenv("TEST_KEY", key)
    with HostileServer(GOOD) as server, pytest.raises(EndpointError, match="the key in TEST_KEY has a line break or"):
        ask(server)
    assert server.requests == []


def test_blanks_round_a_key_are_left_out(monkeypatch):
    monkeypatch.setenv("TEST_KEY", f" {KEY}\n")
    with HostileServer(GOOD) as server:
        assert ask(server).text == "hi"
    assert f"Bearer {KEY}\r\n".encode() in server.requests[0]


# ---- Retry-After ----


@pytest.fixture
def pauses(monkeypatch):
    """What would be slept."""
    slept: list[float] = []
    monkeypatch.setattr("time.sleep", slept.append)
    return slept


@pytest.mark.parametrize(
    ("headers", "low", "high"),
    [
        ({"Retry_After": "37"}, 37, 37),
        ({"Retry_After": "1.5"}, 1.5, 1.5),
        ({"Retry_After_Ms": "2500"}, 2.5, 2.5),
        ({"Retry_After": "in 60 seconds"}, 58, 60),
        ({"Retry_After": "120"}, 120, 120),
        ({"Retry_After": "-5"}, 0, 1),
        ({"Retry_After": "soon"}, 0, 1),
        ({"Retry_After": "nan"}, 0, 1),
        ({"Retry_After": "Fri, 31 Dec 1999 23:59:59 GMT"}, 0, 1),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_a_pause_asked_for_is_kept(pauses, headers, low, high):
    if headers.get("Retry_After", "").startswith("in"):
        headers = {"Retry_After": formatdate(time.time() + 60, usegmt=True)}
    with HostileServer(response("", "429 Too Many Requests", **headers), GOOD) as server:
        assert ask(server, retries=1).text == "hi"
    assert len(pauses) == 1 and low <= pauses[0] <= high


@pytest.mark.parametrize("pause", ["121", "86400", "9" * 400, "Fri, 31 Dec 2199 23:59:59 GMT"])
def test_a_pause_too_long_is_not_waited_and_said(pauses, pause):
    asked = (
        rf"after 1 attempt and asks for a pause \(Retry-After: {pause[:20]}.*waited are 120 s at most\).*again later"
    )
    with HostileServer(response("", "503 Service Unavailable", Retry_After=pause)) as server:
        with pytest.raises(EndpointUnavailable, match=asked):
            ask(server, retries=6)
    assert pauses == [] and len(server.requests) == 1


# ---- what a server says is shown, and no more than shown ----

SCREEN = "\x1b[2J\r\nline2\nvlaa: fake\x9b31m\u202e"


def test_a_redirect_to_no_address_is_no_traceback():
    with HostileServer(response("", "302 Found", Location="http://other/\x9b")) as server:
        with pytest.raises(EndpointUnavailable, match="no address to go on at"):
            ask(server)


@pytest.mark.parametrize(
    "said",
    [
        response({"error": {"message": SCREEN}}, "401 Unauthorized"),
        response(SCREEN, "404 Not Found", Content_Type="text/plain"),
        response(SCREEN, "500 Internal Server Error", Content_Type="text/plain"),
        response("", "302 Found", Location="http://other/\x1b[2J"),
    ],
    ids=["401", "404", "500", "location"],
)
def test_what_a_server_says_is_one_printable_line(said):
    with HostileServer(said) as server, pytest.raises(EndpointError) as error:
        ask(server)
    assert str(error.value).isprintable() and "\\x1b[2J" in str(error.value)
    assert pickle.loads(pickle.dumps(error.value)).args == error.value.args


# ---- an address ----


@pytest.mark.parametrize(
    "address", ["notaurl", "localhost:8000/v1", "ftp://host/v1", "http://", "http://host:99999/v1"]
)
def test_what_is_no_address_is_said(address):
    with pytest.raises(ValueError, match=r"is no address; expected one such as http://localhost:8000/v1"):
        ChatEndpoint(address)


def test_an_address_with_a_query_is_refused_without_showing_it():
    with pytest.raises(ValueError, match=r"'http://host/v1' has more after it; give a query as extra_query=") as error:
        ChatEndpoint("http://me:hunter22@host/v1?key=sk-1234")
    assert "hunter22" not in str(error.value) and "sk-1234" not in str(error.value)


def test_the_address_in_the_environment_is_checked_too(monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", "notaurl")
    with pytest.raises(ValueError, match="base_url 'notaurl' is no address"):
        ChatEndpoint()
