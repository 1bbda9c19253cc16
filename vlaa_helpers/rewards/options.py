"""The options that a multiple-choice question lists."""

import re
from dataclasses import dataclass
from functools import lru_cache

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LETTER_FIRST = re.compile(r"(?<![A-Za-z])(\(?)([A-Z])([).:])(?=\s|$)")
_LETTER_LAST = re.compile(r"\(([A-Z])\)")
_BOUNDARY = re.compile(r"[,;:?()\n]")
_MARKUP = re.compile(r"[*_`$\"'“”‘’]")


@dataclass(frozen=True)
class Options:
    """A question's options: their texts by letter, and the letters by text as `plain_text` gives it."""

    texts: dict[str, str]
    letters: dict[str, list[str]]

    def own(self, letter: str) -> str:
        """The text of an option, plain; "" where there is none."""
        return plain_text(self.texts.get(letter, ""))

    def named_by(self, text: str) -> str | None:
        """The letter of the one option that has this text; None when none or several have it."""
        found = self.letters.get(plain_text(text), ())
        return found[0] if len(found) == 1 else None


@lru_cache(maxsize=4096)
def read_options(question: str) -> Options:
    """The options of a question, read once."""
    texts = options_of(question)
    letters: dict[str, list[str]] = {}
    for letter, text in texts.items():
        if plain := plain_text(text):
            letters.setdefault(plain, []).append(letter)
    return Options(texts, letters)


def options_of(question: str) -> dict[str, str]:
    """The options that a multiple-choice question lists, letter to text; empty when it lists none.

    Reads "A) 30" with ")", "." or ":" and with brackets or none, on lines or in one line, and "30 (A), 50 (B)"; up to
    26 of them, in time linear in the question's length.

    >>> options_of("Which? A) red B) blue")
    {'A': 'red', 'B': 'blue'}
    """
    run = _longest_run(list(_LETTER_FIRST.finditer(question)))
    if len(run) > 1:
        ends = [*(mark.start() for mark in run[1:]), len(question)]
        return {mark[2]: question[mark.end() : end].strip() for mark, end in zip(run, ends, strict=True)}
    listed, start = {}, 0
    for mark in _LETTER_LAST.finditer(question):
        text = _BOUNDARY.split(question[start : mark.start()].strip())[-1].strip()
        if not text or mark[1] != _LETTERS[len(listed)]:
            return {}
        listed[mark[1]], start = text, mark.end()
    return listed


def _longest_run(marks: list[re.Match]) -> list[re.Match]:
    """The longest run of marks A, B, C, … in one writing; of runs as long the last. Other marks between are text."""
    following: dict[tuple[str, str, str], tuple[int, int]] = {}  # writing and letter: place and length of a run's rest
    rest: list[tuple[int, int]] = [(0, 0)] * len(marks)
    best = (0, 0)
    for place in range(len(marks) - 1, -1, -1):
        bracket, letter, closer = marks[place].groups()
        after = chr(ord(letter) + 1)
        next_place, length = following.get((bracket, after, closer), (-1, 0))
        rest[place] = (next_place, length + 1)
        following[bracket, letter, closer] = (place, length + 1)
        if letter == "A" and length + 1 > best[1]:
            best = (place, length + 1)
    run, place = [], best[0]
    for _ in range(best[1]):
        run.append(marks[place])
        place = rest[place][0]
    return run


def plain_text(text: str) -> str:
    """A text without markup, quotes, capitals and a full stop, so that two writings of one option are equal."""
    return " ".join(_MARKUP.sub("", text).split()).rstrip(".,;").casefold()
