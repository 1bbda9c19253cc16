"""Keys and passwords, taken out of whatever a server sends back: it may repeat what it was sent."""

import base64
import json
from collections.abc import Iterable
from urllib.parse import quote, unquote, urlsplit


def hide_keys(text: str, secrets: Iterable[str], *, is_prose: bool = False) -> str:
    """The text with "[key]" in place of each secret, as it is, as JSON writes it, and as an address does.

    Args:
        secrets: those of up to 3 characters stay, in any text.
        is_prose: the text is what a model wrote. A secret that could be a word of it, such as "none" for a local
            server that asks for no key, then stays: only one with 16 characters, or with 8 and a digit, is hidden.

    >>> hide_keys("Wrong key: sk-123456", ["sk-123456"])
    'Wrong key: [key]'
    >>> hide_keys("There are none.", ["none"], is_prose=True)
    'There are none.'
    """
    for secret in sorted(set(secrets), key=len, reverse=True):
        if len(secret) > 3 and not (is_prose and _could_be_a_word(secret)):
            for written in (secret, json.dumps(secret)[1:-1], quote(secret), quote(secret, safe="")):
                text = text.replace(written, "[key]")
    return text


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


def _could_be_a_word(secret: str) -> bool:
    return len(secret) < 16 and (len(secret) < 8 or not any(map(str.isdigit, secret)))
