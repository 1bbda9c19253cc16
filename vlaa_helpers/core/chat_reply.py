"""What a model wrote, read from a response of an OpenAI-compatible server, however oddly it is put."""

import json
from dataclasses import dataclass
from typing import Any

MAX_TOKENS = 10**9
"""More is no count of tokens."""


@dataclass(frozen=True)
class Reply:
    """What a model wrote.

    Attributes:
        text: its words; raw when there is a problem.
        problem: "" when the reply can be used, else "empty_reply", "truncated" (cut at the token limit), "refused" (the
            endpoint would not answer this one request) or "garbled" (no chat completion came back).
        prompt_tokens, completion_tokens: as the endpoint counts them; 0 when it does not say.
    """

    text: str
    problem: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0


def read_reply(body: bytes, *, limit: int) -> Reply:
    """The reply in the body of a response with status 200; "garbled", with all of it, when no completion is there.

    Thinking that comes apart (`reasoning_content`, `reasoning`, or parts of type "thinking") goes into think tags
    before the text. Content may be a list of parts; halves of characters (lone surrogates) become U+FFFD; a token count
    that is none counts as 0.

    Args:
        body: JSON in UTF-8, it is hoped.
        limit: bytes; a body of that many was cut off there.

    >>> read_reply(b'{"choices": [{"message": {"content": [{"type": "text", "text": "Two."}]}}]}', limit=1000)
    Reply(text='Two.', problem='', prompt_tokens=0, completion_tokens=0)
    >>> read_reply(b"<html>Please log in.</html>", limit=1000).problem
    'garbled'
    """
    if len(body) >= limit:
        return Reply(f"a reply of more than {limit:,} bytes, cut off there; it begins: {_shown(body)}", "garbled")
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):  # no JSON, absurdly long numbers, nested too deep
        return Reply(_shown(body), "garbled")
    choices = answer.get("choices") if isinstance(answer, dict) else None
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(message, dict) or not isinstance(message.get("content"), str | list | None):
        return Reply(_shown(body), "garbled")
    text = _whole(_text_of(message))
    usage = answer.get("usage")
    counts = [_count(usage.get(name)) if isinstance(usage, dict) else 0 for name in _COUNTS]
    cut = choice.get("finish_reason") == "length"
    return Reply(text, "empty_reply" if not text.strip() else "truncated" if cut else "", *counts)


_COUNTS = ("prompt_tokens", "completion_tokens")


def _shown(body: bytes) -> str:
    return body.decode("utf-8", "replace") or "an empty body"


def _text_of(message: dict) -> str:
    content = message.get("content")
    text = _joined(content)
    apart = (_joined(message.get("reasoning_content")), _joined(message.get("reasoning")), _joined(content, "thinking"))
    thinking = next(filter(None, apart), "")
    return f"<think>\n{thinking.strip()}\n</think>\n{text}" if thinking and "<think>" not in text else text


def _joined(content: Any, kind: str = "text") -> str:
    """A text, or all parts of one type in a list; a part of type "thinking" holds a text or such a list again."""
    if isinstance(content, str):
        return content if kind == "text" else ""
    parts = content if isinstance(content, list) else []
    values = [part.get(kind) for part in parts if isinstance(part, dict) and part.get("type") == kind]
    if kind == "thinking":
        values = [_joined(value) for value in values]
    return "".join(value for value in values if isinstance(value, str))


def _whole(text: str) -> str:
    """A text that UTF-8 can hold: pairs of surrogates joined, lone ones replaced."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _count(value: Any) -> int:
    try:
        count = int(float(value))
    except (TypeError, ValueError, OverflowError):
        return 0
    return count if 0 <= count <= MAX_TOKENS else 0
