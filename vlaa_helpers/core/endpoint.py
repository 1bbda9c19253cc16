"""The way to any OpenAI-compatible endpoint: patient with what passes, clear about what does not."""

import os
import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from .chat_reply import Reply, read_reply
from .hidden_keys import hide_keys, secrets_in, without_user

if TYPE_CHECKING:
    import openai

RETRY_AFTER_LIMIT = 120
"""Seconds that a server may ask to wait (Retry-After); where it asks for more, the endpoint counts as unavailable. The
number is that of the `openai` client."""
MAX_SHOWN = 2000
"""Characters that are kept of what is no completion."""


class EndpointError(RuntimeError):
    """No use in going on with this endpoint: what was wrong, and what to do. Nothing that was received is lost."""


class EndpointUnavailable(EndpointError):
    """The endpoint did not answer after all retries; it may later."""


class ChatEndpoint:
    """An OpenAI-compatible chat endpoint.

    The `openai` client retries what may pass (timeouts, connection errors, 408, 409, 429, 5xx) with growing pauses, or
    after the pause that Retry-After asks for, up to `RETRY_AFTER_LIMIT` seconds. What will not pass stops with an
    `EndpointError`. Redirects to another host are refused, and a reply ends at `bounded_http.REPLY_LIMIT` bytes.

    Args:
        base_url: such as "http://localhost:8000/v1"; by default OPENAI_BASE_URL, or else OpenAI's.
        api_key_env: the environment variable that holds the key. Key and password (of base_url) are never shown, nor
            kept when a server repeats them.
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
        self.base_url = _checked(base_url or os.environ.get("OPENAI_BASE_URL") or None)
        self.api_key_env = api_key_env
        self.retries = retries
        self.timeout = timeout
        self._client: Any = None
        self._lock = threading.Lock()

    def __getstate__(self) -> dict:
        """Goes to other processes without its connections and without the key."""
        return {**self.__dict__, "_client": None, "_lock": None}

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
                self._client = openai.OpenAI(
                    api_key=self._key(),
                    base_url=self.base_url,
                    max_retries=self.retries,
                    timeout=self.timeout,
                    http_client=BoundedClient(),
                )
            return self._client

    def _key(self) -> str:
        key = os.environ.get(self.api_key_env, "").strip()
        if not key:
            raise EndpointError(
                f"the environment variable {self.api_key_env} is not set. Put the key there, or any word for a "
                "local server that asks for none."
            )
        if not (key.isascii() and key.isprintable()):
            raise EndpointError(
                f"the key in {self.api_key_env} has a line break or a letter that no key has. Copy it there once more."
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
            tried += f" and asks for a pause (Retry-After: {pause:.40}; waited are {RETRY_AFTER_LIMIT} s at most)"
        fix = "Run the same command again later: what is done stays done."
        return self._stop(self._hide(tried), error, fix, EndpointUnavailable)

    def _stop(self, what: str, error: Exception, fix: str, kind: type[EndpointError] = EndpointError) -> EndpointError:
        said = self._hide(_said(error))
        return kind(f"{without_user(str(self._client.base_url))} {what}: {said:.300}. {fix}")

    def _hide(self, text: str, *, is_prose: bool = False) -> str:
        secrets = [os.environ.get(self.api_key_env, "").strip(), *secrets_in(self.base_url or "")]
        return hide_keys(text, secrets, is_prose=is_prose)


def _checked(base_url: str | None) -> str | None:
    if base_url is None:
        return None
    try:
        parts = urlsplit(base_url)
        port_is_number = parts.port is None or parts.port >= 0  # reading it raises where it is none
    except ValueError:
        parts, port_is_number = urlsplit(""), False
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_is_number:
        shown = re.sub(r"[^/@]*@", "", base_url)
        raise ValueError(f"base_url {shown!r} is no address; expected one such as http://localhost:8000/v1")
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
