"""The way to any OpenAI-compatible endpoint: patient with what passes, clear about what does not."""

import logging
import os
import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from .chat_reply import Reply, read_reply
from .hidden_keys import could_be_a_word, hide_keys, is_no_key, secrets_among, secrets_in, user_of, without_user
from .printable import one_line

if TYPE_CHECKING:
    import openai

logger = logging.getLogger(__name__)
RETRY_AFTER_LIMIT = 120
"""Seconds that a server may ask to wait (Retry-After); where it asks for more, the endpoint counts as unavailable. The
number is that of the `openai` client."""
MAX_SHOWN = 2000
"""Characters that are kept of what is no completion."""


class EndpointError(RuntimeError):
    """No use in going on with this endpoint: what was wrong, and what to do. Nothing that was received is lost.

    The message is one printable line, whatever the server has put into it.
    """

    def __init__(self, message: str):
        super().__init__(one_line(message))


class EndpointUnavailable(EndpointError):
    """The endpoint did not answer after all retries; it may later."""


class ChatEndpoint:
    """An OpenAI-compatible chat endpoint.

    The `openai` client retries what may pass (timeouts, connection errors, 408, 409, 429, 5xx) with growing pauses, or
    after the pause that Retry-After asks for, up to `RETRY_AFTER_LIMIT` seconds. What will not pass stops with an
    `EndpointError`. Redirects to another host are refused, and a reply ends at `bounded_http.REPLY_LIMIT` bytes.

    Args:
        base_url: such as "http://localhost:8000/v1"; by default OPENAI_BASE_URL, or else OpenAI's.
        api_key_env: the environment variable that holds the key. The key, the password (of base_url), and what the
            options of a request name as a key or token are never shown, nor kept when a server repeats them; "none"
            and the like, for a server that needs no key, are no keys.
        retries: attempts after the first.
        timeout: seconds for one attempt, from its first byte to its last.

    Raises:
        ValueError: base_url is no address.
    """

    def __init__(
        self,
        base_url: str | None = None,
        *,
        api_key_env: str = "OPENAI_API_KEY",
        retries: int = 6,
        timeout: float = 120.0,
    ):
        given = base_url or os.environ.get("OPENAI_BASE_URL")
        self.base_url = checked_address(given) if given else None
        self.api_key_env = api_key_env
        self.retries = retries
        self.timeout = timeout
        self._client: Any = None
        self._sent: tuple[str, ...] = ()  # keys that the server has seen
        self._lock = threading.Lock()

    def __getstate__(self) -> dict:
        """Goes to other processes without its connections and without the key."""
        return {**self.__dict__, "_client": None, "_sent": (), "_lock": None}

    def __setstate__(self, state: dict) -> None:
        self.__dict__.update(state, _lock=threading.Lock())

    def complete(self, model: str, messages: Sequence[Mapping], *, max_tokens: int, **options: Any) -> Reply:
        """Ask once; see `read_reply` for what is made of the answer.

        Raises:
            EndpointError: no key, key not accepted, unknown model or address, a redirect, or still failing after all
                retries.
        """
        import openai

        from .bounded_http import REPLY_LIMIT

        client = self._connect()
        self._note_sent(secrets_among(options))
        try:
            answer = client.chat.completions.with_raw_response.create(
                model=model, messages=list(messages), max_tokens=max_tokens, **options
            )
        except (openai.AuthenticationError, openai.PermissionDeniedError) as error:
            raise self._stop(
                f"does not accept the key in {self.api_key_env}", error, "Set the right key and run it again."
            ) from None
        except openai.NotFoundError as error:
            fix = f"Pick a model that is there{self._models_there()}, or correct base_url (it usually ends in /v1)."
            raise self._stop(f"has no model {model!r}, or nothing at this address", error, fix) from None
        except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
            said = self._hide(_said(error))[:MAX_SHOWN]
            return Reply(said, "refused" if _is_json(error.response) else "garbled")
        except (openai.APIConnectionError, openai.APIStatusError) as error:
            raise self._gave_up(error) from None
        reply = read_reply(answer.http_response.content, limit=REPLY_LIMIT)
        if reply.problem == "garbled":
            return Reply(self._hide(reply.text)[:MAX_SHOWN], "garbled")
        return replace(reply, text=self._hide(reply.text, is_prose=True))

    def _connect(self) -> Any:
        import openai

        from .bounded_http import BoundedClient

        with self._lock:
            if self._client is None:
                key, address = self._key(), self.base_url
                self._client = openai.OpenAI(
                    api_key=key,
                    base_url=without_user(address) if address else None,  # addresses get into logs
                    max_retries=self.retries,
                    timeout=self.timeout,
                    http_client=BoundedClient(auth=user_of(address) if address else None),
                )
                self._sent = (*self._sent, key, *secrets_in(address or ""))
            return self._client

    def _note_sent(self, secrets: list[str]) -> None:
        if not set(secrets) <= set(self._sent):
            with self._lock:
                self._sent = tuple({*self._sent, *secrets})

    def check_key(self) -> None:
        """Look for the key now, before hours of work come to the first request.

        Raises:
            EndpointError: no key, or none that can be one.
        """
        self._key()

    def _key(self) -> str:
        key = os.environ.get(self.api_key_env, "").strip()
        if not key:
            raise EndpointError(
                f"{_variable(self.api_key_env)} is not set. Put the key there, or none for a local server that asks "
                "for no key."
            )
        if not (key.isascii() and key.isprintable()):
            raise EndpointError(
                f"the key in {self.api_key_env} has a line break or a letter that no key has. Copy it there once more."
            )
        if could_be_a_word(key) and not is_no_key(key):
            logger.warning(
                f"the key in {self.api_key_env} could be a word ({len(key)} characters): wherever a reply has it, "
                '"[key]" is kept in its place. For a server that asks for no key, set it to none.'
            )
        return key

    def _models_there(self) -> str:
        try:
            names = [str(model.id) for model in self._client.with_options(max_retries=0).models.list()]
        except Exception:  # not every endpoint lists its models, and this is only a hint
            return ""
        return f" ({self._hide(', '.join(names[:8])):.300}{', …' if len(names) > 8 else ''})" if names else ""

    def _gave_up(self, error: "openai.APIConnectionError | openai.APIStatusError") -> EndpointError:
        headers = getattr(error, "response", error.request).headers
        if 300 <= getattr(error, "status_code", 0) < 400:
            fix = "This was not followed, so the key stays where it is. If that address is right, give it as base_url."
            return self._stop(f"redirects to {self._hide(headers.get('location', 'nowhere')):.200}", error, fix)
        attempts = int(error.request.headers.get("x-stainless-retry-count", 0)) + 1
        tried = f"still fails after {attempts} attempt{'s' if attempts > 1 else ''}"
        if attempts <= self.retries and (pause := headers.get("retry-after") or headers.get("retry-after-ms")):
            pause = self._hide(pause)[:40]
            tried += f" and asks for a pause (Retry-After: {pause}; waited are {RETRY_AFTER_LIMIT} s at most)"
        fix = "Run the same command again later: what is done stays done."
        return self._stop(tried, error, fix, EndpointUnavailable)

    def _stop(self, what: str, error: Exception, fix: str, kind: type[EndpointError] = EndpointError) -> EndpointError:
        said = self._hide(_said(error))
        return kind(f"{without_user(str(self._client.base_url))} {what}: {said:.300}. {fix}")

    def _hide(self, text: str, *, is_prose: bool = False) -> str:
        return hide_keys(text, self._sent, is_prose=is_prose)


def _variable(name: str) -> str:
    """The variable by its name, unless that may be a key which was put where the name belongs."""
    if re.fullmatch("[A-Z][A-Z_]*", name):
        return f"the environment variable {name}"
    return (
        f"an environment variable (api_key_env, {len(name)} characters: the name of the variable, not the key itself)"
    )


def checked_address(base_url: str) -> str:
    """The address of an endpoint, as it was given.

    Raises:
        ValueError: it is none, or has a query, which would end up in the middle of what is asked for.
    """
    try:
        parts = urlsplit(base_url)
        port_is_number = parts.port is None or parts.port >= 0  # reading it raises where it is none
    except ValueError:
        parts, port_is_number = urlsplit(""), False
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_is_number:
        shown = re.sub(r"[^/@]*@", "", base_url)
        raise ValueError(f"base_url {shown!r} is no address; expected one such as http://localhost:8000/v1")
    if parts.query or parts.fragment:
        raise ValueError(f"base_url {without_user(base_url)!r} has more after it; give a query as extra_query={{…}}")
    return base_url


def _said(error: Exception) -> str:
    """The error with what `openai` leaves out of it: a body without a message, what was behind a connection error."""
    text = str(error)
    cause = error.__cause__ or (None if " - " in text else getattr(error, "body", None))
    return f"{text} ({cause})" if cause else text


def _is_json(response: Any) -> bool:
    try:
        return isinstance(response.json(), dict)
    except (ValueError, RecursionError):
        return False
