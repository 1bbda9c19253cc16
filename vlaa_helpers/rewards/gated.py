"""A gate in front of any reward function: what it pays counts only where the gate is open."""

from collections.abc import Callable, Sequence
from typing import Any

from ..core.answers import completion_text, parse_response
from .mixed import MixedReward, is_correct

GATES = ("answer", "strict", "correct")


class GatedReward:
    """A TRL reward function that gives another's value where a gate is open, and 0 where it is closed.

    Args:
        reward: a TRL reward function; it is called with all completions, so that its metrics stay whole.
        gate: "answer" (an answer can be told), "strict" (one think block, then one answer block) or "correct" (right by
            the registered verifiers, whatever `reward` thinks).

    Raises:
        ValueError: an unknown gate.

    >>> pay = GatedReward(lambda completions, **columns: [1.0] * len(completions), "answer")
    >>> pay(["<answer>3</answer>", "3"])
    [1.0, 0.0]
    """

    def __init__(self, reward: Callable[..., Sequence[float | None]], gate: str):
        if gate not in GATES:
            raise ValueError(f"unknown gate {gate!r}; expected one of {', '.join(GATES)}")
        self.reward, self.gate = reward, gate
        self._judge = MixedReward()
        self.__name__ = f"{getattr(reward, '__name__', 'reward')}_if_{gate}"

    def __call__(self, completions: Sequence[Any], **columns: Any) -> list[float | None]:
        values = self.reward(completions, **columns)
        texts = [completion_text(completion) for completion in completions]
        is_open = self._right(texts, columns) if self.gate == "correct" else list(map(self._has_form, texts))
        return [value if opened or value is None else 0.0 for value, opened in zip(values, is_open, strict=True)]

    def _has_form(self, text: str) -> bool:
        parsed = parse_response(text)
        return parsed.is_strict if self.gate == "strict" else parsed.answer is not None

    def _right(self, texts: list[str], columns: dict[str, Any]) -> list[bool]:
        blank, none = [""] * len(texts), [()] * len(texts)
        names = columns["verifier_type"]
        said_of = columns.get("question", blank), columns.get("meta", blank), columns.get("images", none)
        scores = self._judge.score_all(texts, columns["gt"], names, *said_of)
        return [is_correct(score, name) for score, name in zip(scores, names, strict=True)]
