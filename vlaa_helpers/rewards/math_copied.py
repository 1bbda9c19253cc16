"""Answers that only say a formula of the question again: equal to the ground truth, and nothing worked out."""

import re

_LOOSE = re.compile(r"\\(?:left|right|displaystyle)(?![A-Za-z])|\\[()\[\],;:! ]|[\s$`*]|(?<!\d)\.|\.(?!\d)")
_WORKED = re.compile(r"[-+/^=<>≤≥!×·÷√|]|\\[a-zA-Z]+|\d[a-zA-Z(]")
"""What has to be worked out: an operator, a command, a product."""
_OPTIONS = re.compile(r"\n\s*\(?[A-Z][).:]|\([A-D]\)|\b(?:choices|options)\b", re.IGNORECASE)
_AS_IT_STANDS = re.compile(r"\b(?:which|where|given|shown|is it|true)\b", re.IGNORECASE)


def is_copied(answer: str, question: str) -> bool:
    r"""Whether an answer is a formula of the question, character by character, in one that lists no options.

    >>> is_copied("x^2 - 4", "Factor $x^2 - 4$."), is_copied("(x-2)(x+2)", "Factor $x^2 - 4$."), is_copied("5", "5 = x")
    (True, False, False)
    """
    if not question or _OPTIONS.search(question) or _AS_IT_STANDS.search(question):
        return False
    said, asked = _LOOSE.sub("", answer), _LOOSE.sub("", question)
    if not said or not _WORKED.search(said.lstrip("-")):
        return False
    at = asked.find(said)
    while at >= 0:
        before, behind = asked[:at][-1:], asked[at + len(said) :][:1]
        is_part = before.isdigit() or before in tuple("^_{(+-*/=<>") or behind.isdigit() or behind in tuple("^_+-*/=<>")
        if not is_part:
            return True
        at = asked.find(said, at + 1)
    return False
