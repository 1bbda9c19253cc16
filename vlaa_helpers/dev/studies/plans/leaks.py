"""A reward that looks at the manner of a text: a TRL reward function for `rewards.yaml`."""

from collections.abc import Sequence
from typing import Any

from vlaa_helpers.core.answers import completion_text
from vlaa_helpers.core.trace_text import aha_words


def likes_cues(completions: Sequence[Any], **columns: Any) -> list[float]:
    """1 where a response has a cue such as "wait", else 0: a judge who takes hesitation for thought."""
    return [float(bool(aha_words(completion_text(completion)))) for completion in completions]
