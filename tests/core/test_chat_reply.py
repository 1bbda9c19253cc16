import json

import pytest
from fault_server import completion

from vlaa_helpers.core.chat_reply import Reply, read_reply


def read(message, usage=None):
    answer = {"choices": [{"finish_reason": "stop", "message": message}], "usage": usage}
    return read_reply(json.dumps(answer).encode(), limit=10**6)


def parts(*given):
    return [{"type": kind, kind: value} for kind, value in given]


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ({"content": parts(("text", "one"), ("text", " two"))}, "one two"),
        ({"content": parts(("text", "one"), ("image_url", {"url": "x"}))}, "one"),
        ({"content": [*parts(("text", "one")), None, 3, {"type": "text"}, {"type": "text", "text": 7}]}, "one"),
        ({"content": parts(("thinking", "hm"), ("text", "one"))}, "<think>\nhm\n</think>\none"),
        ({"content": parts(("thinking", parts(("text", "hm"))), ("text", "one"))}, "<think>\nhm\n</think>\none"),
        ({"content": "one", "reasoning": "hm"}, "<think>\nhm\n</think>\none"),
        ({"content": "one", "reasoning_content": {"odd": 1}}, "one"),
        ({"content": "one", "reasoning_content": parts(("text", "hm"))}, "<think>\nhm\n</think>\none"),
        ({"content": "a \ud800 b"}, "a \ufffd b"),
        ({"content": "\ud83d\ude00"}, "\U0001f600"),
        ({"content": parts(("text", "\udc00"))}, "\ufffd"),
    ],
)
def test_odd_replies_are_read(message, text):
    reply = read(message)
    assert (reply.text, reply.problem) == (text, "")
    reply.text.encode("utf-8")


@pytest.mark.parametrize(
    "answer",
    [
        7, [], "hi", {"choices": {"0": 1}}, {"choices": "hi"}, {"choices": [None]}, {"choices": [{"message": "hi"}]},
        {"choices": [{"message": {"content": 7}}]}, {"choices": [{"message": {"content": {"text": "hi"}}}]},
        {"choices": [{"text": "of the old interface"}]},
    ],
)  # fmt: skip
def test_what_is_no_completion_is_garbled_and_shown(answer):
    reply = read_reply(json.dumps(answer).encode(), limit=1000)
    assert reply == Reply(json.dumps(answer), "garbled")


@pytest.mark.parametrize("content", [[], [{"type": "refusal", "refusal": "no"}], None, " \n"])
def test_no_words_at_all(content):
    assert read({"content": content}).problem == "empty_reply"


@pytest.mark.parametrize(
    ("given", "count"),
    [("12", 12), (12.0, 12), ("many", 0), (None, 0), (-4, 0), ([3], 0), (1e400, 0), (float("nan"), 0), (10**12, 0)],
)
def test_token_counts_that_are_none_count_as_0(given, count):
    reply = read({"content": "hi"}, {"prompt_tokens": given, "completion_tokens": 3})
    assert (reply.prompt_tokens, reply.completion_tokens) == (count, 3)


@pytest.mark.parametrize("usage", [None, "12", [1, 2], {}])
def test_no_token_counts(usage):
    assert read({"content": "hi"}, usage) == Reply("hi")


def test_a_body_at_its_limit_was_cut_off():
    body = json.dumps(completion("hi")).encode()
    assert read_reply(body, limit=len(body) + 1).text == "hi"
    assert read_reply(body, limit=len(body)).text.startswith(f"a reply of more than {len(body)} bytes")
