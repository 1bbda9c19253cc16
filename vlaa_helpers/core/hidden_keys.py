"""Keys and passwords, taken out of whatever a server sends back: it may repeat what it was sent."""

import base64
import html
import json
import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote, unquote, urlsplit

_NO_KEY = re.compile(
    r"(sk-)?(none?|null|not?|empty|dummy|unused|anything|local)([-_ ]?(key|needed|required|used))*", re.I
)
"""What is put where a key is asked for and none is needed."""
_NAME_OF_A_SECRET = re.compile(
    r"key(?![a-z])|token(?!s)|secret|pass(?![a-z])|passw|auth(?!or(?!i))|cookie|credential", re.I
)


def hide_keys(text: str, secrets: Iterable[str], *, is_prose: bool = False) -> str:
    """The text with "[key]" in place of each secret, as it is, and as JSON, HTML and an address write it.

    Args:
        secrets: those of up to 3 characters stay, in any text.
        is_prose: the text is what a model wrote. Words that stand for no key (`is_no_key`) then stay.

    >>> hide_keys("Wrong key: sk-123456", ["sk-123456"])
    'Wrong key: [key]'
    >>> hide_keys("There are none.", ["none"], is_prose=True)
    'There are none.'
    """
    for secret in sorted(set(secrets), key=len, reverse=True):
        if len(secret) > 3 and not (is_prose and is_no_key(secret)):
            for written in (
                secret, json.dumps(secret)[1:-1], html.escape(secret), quote(secret), quote(secret, safe="")
            ):  # fmt: skip
                text = text.replace(written, "[key]")
    return text


def is_no_key(key: str) -> bool:
    """Whether it is a word for a server that asks for a key and needs none.

    >>> is_no_key("none"), is_no_key("sk-no-key-required"), is_no_key("hunter")
    (True, True, False)
    """
    return _NO_KEY.fullmatch(key) is not None


def could_be_a_word(key: str) -> bool:
    """Whether a model might write it without having seen it: up to 7 characters, or 15 without a digit."""
    return len(key) < 16 and (len(key) < 8 or not any(map(str.isdigit, key)))


def secrets_among(options: object, name: str = "") -> list[str]:
    """Keys in what goes with a request, by their names: texts, and of "Bearer …" the part after it too.

    >>> secrets_among({"extra_headers": {"X-Api-Key": "abcd", "X-Title": "Mine"}, "max_tokens": 9})
    ['abcd']
    """
    if isinstance(options, Mapping):
        return [secret for key, value in options.items() for secret in secrets_among(value, str(key))]
    if isinstance(options, list | tuple):
        return [secret for value in options for secret in secrets_among(value, name)]
    if isinstance(options, str) and _NAME_OF_A_SECRET.search(name):
        return list(dict.fromkeys([options, *options.split()[-1:]]))
    return []


def secrets_in(address: str) -> list[str]:
    """The password in an address (or else the user name, which is then a token), plain and as an address writes it, and
    what a server is sent for both (Basic)."""
    parts = urlsplit(address)
    user, password = parts.username or "", parts.password or ""
    if not (secret := password or user):
        return []
    return [secret, unquote(secret), base64.b64encode(f"{unquote(user)}:{unquote(password)}".encode()).decode()]


def without_user(address: str) -> str:
    """An address to be shown: without user, password, query and fragment."""
    parts = urlsplit(address)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


def user_of(address: str) -> tuple[str, str] | None:
    """User and password in an address; None where there is neither."""
    parts = urlsplit(address)
    return (unquote(parts.username or ""), unquote(parts.password or "")) if "@" in parts.netloc else None
