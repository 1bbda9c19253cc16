"""Who writes captions, traces, rewritten traces and verdicts: a script, or models on an endpoint."""

import json
import math
from collections.abc import Mapping
from typing import Protocol

from ..core.answers import extract_answer
from ..core.chat_reply import Reply
from ..core.endpoint import ChatEndpoint
from ..core.hidden_keys import hide_keys, secrets_among
from ..core.images import data_url
from .prompts import PROMPTS, ROLES


class Teacher(Protocol):
    """What the pipeline asks of a teacher."""

    concurrency: int
    """Requests that may be under way at once."""

    def model_of(self, role: str) -> str:
        """Which model plays a role of `ROLES`, with every setting that changes what it writes: a resumed build asks
        again for whatever another model wrote."""
        ...

    def ask(self, role: str, record: Mapping, fields: Mapping[str, str]) -> Reply:
        """One reply. `fields` are the slots of the role's prompt; `record` has the image, and parsed `meta`."""
        ...

    def cost(self, role: str, reply: Reply) -> float:
        """What a reply cost, in the unit of the prices; 0 when it is free or not known."""
        ...


_MAY_HOLD_KEYS = ("extra_headers", "extra_query")
"""Options that never reach a disk; a build writes down what `model_of` says, with the keys of others hidden."""


class ChatTeacher:
    """A teacher on any OpenAI-compatible endpoint, a model for each role.

    Args:
        models: one name for all roles, or role to name for each of `ROLES` (caption needs a model that sees).
        base_url, api_key_env, retries, timeout: see `ChatEndpoint`.
        concurrency: requests under way at once.
        prices: model to (price of a million prompt tokens, price of a million completion tokens); enables the cost in
            the progress bar and `budget` of `build_dataset`.
        max_tokens: role to token limit of a reply; the defaults leave room for a long trace.
        **options: passed with every request, such as `temperature=0.6`.

    Raises:
        ValueError: a role without a model, a model without a price, a price below 0, or no request at once.
    """

    MAX_TOKENS = {"caption": 1024, "reason": 8192, "rewrite": 8192, "verify": 16}

    def __init__(
        self,
        models: str | Mapping[str, str],
        *,
        base_url: str | None = None,
        api_key_env: str = "OPENAI_API_KEY",
        concurrency: int = 8,
        retries: int = 6,
        timeout: float = 120.0,
        prices: Mapping[str, tuple[float, float]] | None = None,
        max_tokens: Mapping[str, int] | None = None,
        **options,
    ):
        self.models = dict.fromkeys(ROLES, models) if isinstance(models, str) else dict(models)
        if missing := [role for role in ROLES if not self.models.get(role)]:
            raise ValueError(f"no model for the role {missing[0]}; expected one for each of {', '.join(ROLES)}")
        self.prices = dict(prices or {})
        if self.prices and (without := sorted(set(self.models.values()) - set(self.prices))):
            raise ValueError(
                f"no price for {without[0]}; give one for each model, (0, 0) for a free one, or none at all"
            )
        if odd := [name for name, pair in self.prices.items() if not all(0 <= price < math.inf for price in pair)]:
            raise ValueError(f"the prices of {odd[0]} are {self.prices[odd[0]]}; expected two numbers, 0 or more")
        if concurrency < 1:
            raise ValueError(f"concurrency is {concurrency}; expected 1 or more requests at once")
        if unknown := sorted(set(max_tokens or {}) - set(ROLES)):
            raise ValueError(f"max_tokens names the role {unknown[0]!r}; expected one of {', '.join(ROLES)}")
        self.max_tokens = {**self.MAX_TOKENS, **(max_tokens or {})}
        self.endpoint = ChatEndpoint(base_url, api_key_env=api_key_env, retries=retries, timeout=timeout)
        self.concurrency = concurrency
        self.options = options

    def model_of(self, role: str) -> str:
        settings = {name: value for name, value in self.options.items() if name not in _MAY_HOLD_KEYS}
        written = hide_keys(json.dumps(settings, sort_keys=True), secrets_among(settings)) if settings else ""
        return f"{self.models[role]} {written}".strip()

    def cost(self, role: str, reply: Reply) -> float:
        per_prompt, per_completion = self.prices.get(self.models[role], (0.0, 0.0))
        return (reply.prompt_tokens * per_prompt + reply.completion_tokens * per_completion) / 1e6

    def ask(self, role: str, record: Mapping, fields: Mapping[str, str]) -> Reply:
        """See `Teacher.ask`; the errors are those of `ChatEndpoint.complete`."""
        messages = PROMPTS[role].messages(fields)
        if role == "caption":
            if record["image"] is None:
                return Reply("this record has no image to describe", "refused")
            image = {"type": "image_url", "image_url": {"url": data_url(record["image"])}}
            messages[-1]["content"] = [image, {"type": "text", "text": messages[-1]["content"]}]
        return self.endpoint.complete(self.models[role], messages, max_tokens=self.max_tokens[role], **self.options)


def final_answer(response: str) -> str:
    """What a response answers, for a judge: the text in its answer tags, or all that follows the thinking."""
    answer = extract_answer(response)
    return answer if answer is not None else response.rpartition("</think>")[2].strip()
