"""Mathematics: the answer is the same expression as the ground truth, by Math-Verify."""

import re

from .math_compare import compare
from .score import Reason, Score, right_or_wrong, score_answer

_WRAPPERS = (("$$", "$$"), ("$", "$"), (r"\[", r"\]"), (r"\(", r"\)"), (r"\boxed{", "}"), ("**", "**"))
_LEAD = re.compile(r"^(?:output\s*\d*\s*:|(?:the\s+)?(?:final\s+)?answer\s*(?:is\b|:)\s*:?)\s*", re.IGNORECASE)
_PLAIN_FUNCTION = re.compile(r"(?<![\\A-Za-z])(sin|cos|tan|log|ln|exp|pi)(?![A-Za-z])")
_LEFT_SIDE = re.compile(r"^(?:y|f\s*\(\s*x\s*\))\s*=\s*")


def math_text(text: str) -> str:
    """The expression in an answer or ground truth, without what stands round it.

    Removes "Output 4:" and "Answer:", display marks, one `\\boxed{}` around it all, a full stop, and "y =" or "f(x) ="
    on the left. Python's "**" and a plain "sin" become LaTeX, which would read s·i·n.

    >>> math_text(r"Output 4: \\[ \\boxed{y = 2x + 1}. \\]")
    '2x + 1'
    """
    before = None
    while before != text:
        before = text
        text = _LEAD.sub("", text.strip()).strip().removesuffix(".").strip()
        for start, end in _WRAPPERS:
            inner = text[len(start) : len(text) - len(end)]
            if text.startswith(start) and text.endswith(end) and len(text) >= len(start) + len(end):
                if start != r"\boxed{" or _is_balanced(inner):
                    text = inner.strip()
    return _PLAIN_FUNCTION.sub(r"\\\1", _LEFT_SIDE.sub("", text).strip()).replace("**", "^")


def _is_balanced(text: str) -> bool:
    depth = 0
    for character in text:
        depth += (character == "{") - (character == "}")
        if depth < 0:
            return False
    return depth == 0


def math_reward(response: str, gt: str, *, question: str = "", meta: str = "") -> Score:
    """1 when the answer is mathematically the same as `gt` by Math-Verify, else 0; see `math_text` for what is ignored.

    Works from any thread. What takes longer than a second (`9^{9^{9}}`) or is longer than 500 characters is
    `unreadable`, unless it is `gt` word for word.

    Raises:
        ValueError: `gt` cannot be read as mathematics: a fault of the data, not of the response.

    >>> math_reward("<think>…</think><answer>y = 1 + 2x</answer>", "y = 2x + 1").value
    1.0
    """

    def decide(answer: str) -> Score:
        gold, said = math_text(gt), math_text(answer)
        if gold and "".join(said.split()) == "".join(gold.split()):
            return right_or_wrong(True)
        verdict = compare(gold, said)
        if verdict == "bad_gold":
            raise ValueError(
                f"the ground truth {gt!r:.80} is not mathematics; mend the record, or give it another verifier_type"
            )
        return Score(0.0, Reason.UNREADABLE) if verdict == "unreadable" else right_or_wrong(verdict == "same")

    return score_answer(response, decide)
