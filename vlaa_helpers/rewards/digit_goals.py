"""Questions of how many must be taken away to get a number of things, and answers that say so in their own order."""

import re
from functools import lru_cache

from .number_words import NUMBER, SMALL_NUMBER, find_numbers

_CHANGE = r"(?:subtract|remove|take away|add)"
_CHANGED = r"(?:subtracted|removed|taken away|added)"
_MUST = r"(?:must|should|needs? to|has to|have to|would have to|would need to)"
_GOAL = (
    r"(?:in order )?(?:to (?:get(?: to)?|have|leave|reach|make|keep|obtain|be left with|end up with)"
    rf"|so that(?: there are)?|for)(?: only| just| exactly)? {SMALL_NUMBER}(?: [a-z]+){{0,5}}"
)
_QUESTION = re.compile(rf"\bhow many [^?]*\b{_CHANGED}\b[^?]*?\s+(?P<goal>{_GOAL})\s*(?=\?)", re.IGNORECASE)
_SAID_GOAL = re.compile(rf"(?:^|(?<=[\s,]))(?P<goal>{_GOAL}?)(?:,\s*|(?=[.;!]|$))", re.IGNORECASE)
_ACTIVE = re.compile(
    rf"\b(?:we|you|one|i) (?P<must>{_MUST}) (?P<do>{_CHANGE}) (?P<what>{SMALL_NUMBER}[^.,;!]*)", re.IGNORECASE
)
_LEFT_OVER = re.compile(rf"{NUMBER}\s*[-–−]\s*{NUMBER}\s*=\s*(?P<right>{NUMBER})(?![\d.,]*\d)[.,;]?\s*")
_ENDS = {"subtract": "subtracted", "remove": "removed", "take away": "taken away", "add": "added"}
_PASSIVE = re.compile(
    rf"(?:\b(?:so|therefore|thus|hence),? )?"
    rf"(?P<what>(?:{NUMBER}\s*[-–−]\s*{NUMBER}\s*=\s*)?{SMALL_NUMBER}(?: [a-z]+){{0,5}}?)"
    rf" {_MUST} be (?P<done>{_CHANGED})\b",
    re.IGNORECASE,
)


def without_goal(answer: str, question: str) -> tuple[str, str]:
    """Both without "to get 2 balls", where the question asks how many must be taken away for that.

    >>> without_goal("To get 2 balls, we need to remove 3 balls.", "How many balls must be removed to get 2 balls?")
    ('so the answer is 3 balls.', 'How many balls must be removed?')
    """
    asked = _goal_of(question)
    if not asked:
        return answer, question
    number = _number_in(asked)
    answer = _SAID_GOAL.sub(lambda said: "" if _number_in(said["goal"]) == number else said[0], answer)
    answer = _LEFT_OVER.sub(lambda sum_: "" if _number_in(sum_["right"]) == number else sum_[0], answer)
    answer = _ACTIVE.sub(lambda said: f"{said['what'].rstrip()} must be {_ENDS[said['do'].casefold()]}", answer)
    answer = _PASSIVE.sub(
        lambda said: f"so the answer is {said['what']}" if said["done"].casefold() in question.casefold() else said[0],
        answer,
    )
    return answer, question.replace(f" {asked}", "")


@lru_cache(maxsize=4096)
def _goal_of(question: str) -> str:
    found = _QUESTION.search(question)
    return found["goal"] if found else ""


def _number_in(text: str) -> object:
    return next((number for _, _, number in find_numbers(text)), None)
