"""The way to any OpenAI-compatible endpoint: patient with what passes, clear about what does not."""

import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


class EndpointError(RuntimeError):
    """No use in going on with this endpoint: what was wrong, and what to do. Nothing that was received is lost."""


class EndpointUnavailable(EndpointError):
    """The endpoint did not answer after all retries; it may later."""


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


class ChatEndpoint:
    """An OpenAI-compatible chat endpoint.

    The `openai` client retries what may pass (timeouts, connection errors, 408, 409, 429, 5xx) with growing pauses, and
    heeds Retry-After. What will not pass stops with an `EndpointError`.

    Args:
        base_url: such as "http://localhost:8000/v1"; by default OPENAI_BASE_URL, or else OpenAI's.
        api_key_env: the environment variable that holds the key. The key is neither stored nor shown.
        retries: attempts after the first.
        timeout: seconds for one attempt.
    """

    def __init__(
        self,
        base_url: str | None = None,
        *,
        api_key_env: str = "OPENAI_API_KEY",
        retries: int = 6,
        timeout: float = 120.0,
    ):
        self.base_url = base_url
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
        """Ask once. Thinking that comes back apart (`reasoning_content`) goes into think tags before the text.

        Raises:
            EndpointError: no key, key not accepted, unknown model or address, or still failing after all retries.
        """
        import openai

        client = self._connect()
        try:
            answer = client.chat.completions.create(
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
            return Reply(self._hide_key(str(error)), "refused")
        except (openai.APIConnectionError, openai.APIStatusError) as error:
            tried = f"still fails after {self.retries + 1} attempts"
            fix = "Run the same command again later: what is done stays done."
            raise self._stop(tried, error, fix, EndpointUnavailable) from None
        except (openai.APIError, ValueError) as error:  # a body that is no JSON, or not a completion
            return Reply(self._hide_key(str(error)), "garbled")
        return _reply(answer)

    def _connect(self) -> Any:
        import openai

        with self._lock:
            if self._client is None:
                key = os.environ.get(self.api_key_env, "")
                if not key:
                    raise EndpointError(
                        f"the environment variable {self.api_key_env} is not set. Put the key there, or any word for a "
                        "local server that asks for none."
                    )
                self._client = openai.OpenAI(
                    api_key=key, base_url=self.base_url, max_retries=self.retries, timeout=self.timeout
                )
            return self._client

    def _models_there(self) -> str:
        try:
            names = [model.id for model in self._client.models.list()]
        except Exception:  # not every endpoint lists its models, and this is only a hint
            return ""
        return f" ({', '.join(names[:8])}{', …' if len(names) > 8 else ''})" if names else ""

    def _stop(self, what: str, error: Exception, fix: str, kind: type[EndpointError] = EndpointError) -> EndpointError:
        return kind(f"{self._client.base_url} {what}: {self._hide_key(f'{error!s:.300}')}. {fix}")

    def _hide_key(self, text: str) -> str:
        key = os.environ.get(self.api_key_env, "")
        return text.replace(key, "[key]") if len(key) > 3 else text


def _reply(answer: Any) -> Reply:
    choices = getattr(answer, "choices", None)
    message = getattr(choices[0], "message", None) if choices else None
    if message is None:
        return Reply(f"{answer!s:.2000}", "garbled")
    text, thinking = message.content or "", getattr(message, "reasoning_content", None)
    if thinking and "<think>" not in text:
        text = f"<think>\n{thinking.strip()}\n</think>\n{text}"
    usage = getattr(answer, "usage", None)
    counts = [getattr(usage, name, 0) or 0 for name in ("prompt_tokens", "completion_tokens")]
    cut = choices[0].finish_reason == "length"
    return Reply(text, "empty_reply" if not text.strip() else "truncated" if cut else "", *counts)
