"""The model's own prompt: a question as others ask it, without our system prompt and tags, and the answer in free text.

A model that we trained was trained on our prompt; its base was not. So a benchmark is asked in both ways, apart: under
"ours" everyone must use the tags, under "own" everyone answers as the base was taught to.
"""

import re
from collections.abc import Mapping

from ..core.answers import parse_response
from ..data.trl_views import user_turn

OWN_REQUESTS = {
    "choice": "Think step by step, then give the letter of the right option in \\boxed{}.",
    "box": "Give the box as [x1, y1, x2, y2].",
    "open_ended": "",
}
"""What is asked for after the question, by verifier; `FINAL_ANSWER` for all others."""
FINAL_ANSWER = "Think step by step, then give the final answer in \\boxed{}."

MAX_LAST_LINE = 12
"""Words of a last line that is taken for the answer; a longer one is reasoning."""
_BOXED = re.compile(r"\\(?:boxed|fbox)\s*\{")
_SAYS = re.compile(r"\b(?:answer|option|choice)\b[*_\s]*(?:is\b|:)[*_\s:]*", re.IGNORECASE)


def own_prompt(record: Mapping, has_image: bool) -> list[dict]:
    """The question and one sentence on the form of the answer; the model's template adds its own system prompt."""
    request = OWN_REQUESTS.get(record["verifier_type"], FINAL_ANSWER)
    return [user_turn(f"{record['question']}\n{request}".strip(), has_image)]


def free_answer(text: str, *, truncated: bool = False) -> str | None:
    r"""The answer of a response that carries no tags, or None when it cannot be told without guessing.

    Taken is the content of the last `\boxed{}`; else the sentence after the last "the answer is"; else the last line,
    when it is short and the response was not cut off. Thinking in `<think>` tags is left out first.

    >>> free_answer("Two and one make three.\nThe answer is **3**."), free_answer(r"so \boxed{x^{2}}.")
    ('3', 'x^{2}')
    """
    text = text.rpartition("</think>")[2].strip()
    if boxes := list(_BOXED.finditer(text)):
        return _braced(text, boxes[-1].end())
    if said := list(_SAYS.finditer(text)):
        return _bare(text[said[-1].end() :].partition("\n")[0].partition(". ")[0])
    last = text.rpartition("\n")[2]
    return None if truncated or len(last.split()) > MAX_LAST_LINE else _bare(last)


def with_tags(response: str, *, truncated: bool = False) -> str:
    """A response as our verifiers read it: as it is where it has answer tags, else with its free answer in them."""
    if parse_response(response).answer is not None:
        return response
    answer = free_answer(response, truncated=truncated)
    return response if answer is None else f"<answer>{answer}</answer>"


def _braced(text: str, start: int) -> str | None:
    """What stands from `start` to the brace that closes it; None where none does."""
    depth = 1
    for place, sign in enumerate(text[start:], start):
        depth += {"{": 1, "}": -1}.get(sign, 0)
        if depth == 0:
            return text[start:place].strip() or None
    return None


def _bare(text: str) -> str | None:
    return text.strip().strip("*_ ").removesuffix(".").strip("*_ ") or None
