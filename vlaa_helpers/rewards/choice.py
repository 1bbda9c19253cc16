"""Multiple choice: the answer names one option."""

import re

from .score import Reason, Score, right_or_wrong, score_answer

_LETTER = re.compile(r"\(?([A-Za-z])\)?(?:[).:,]\s*(?P<text>.*))?", re.DOTALL)
_SAYING = re.compile(r"(?:(?:the\s+)?(?:final\s+|correct\s+)?(?:answer|option|choice)\s*(?:is\b|:)?\s*:?\s*)+", re.I)
# a letter that stands alone, except the article of "B) A red circle"
_OPTION_LETTERS = re.compile(r"\b(?!A (?!or\b|and\b)[a-z])([A-H])\b(?=[).:,;/ ]|$)")
_LIST_OF_LETTERS = re.compile(r"\(?[a-h](?:(?:[\s().:,;/&]|\b(?:or|and)\b)+[a-h])+[\s.)]*", re.IGNORECASE)
_LETTER_FIRST = re.compile(r"(?<![A-Za-z])\(?([A-H])[).:]\s+")
_LETTER_LAST = re.compile(r"([^,;:()\n]+?)\s*\(([A-H])\)")


def options_of(question: str) -> dict[str, str]:
    """The options that a multiple-choice question lists, letter to text; empty when it lists none.

    Reads "A) 30" with ")", "." or ":" and with brackets or none, on lines or in one line, and "30 (A), 50 (B)".

    >>> options_of("Which? A) red B) blue")
    {'A': 'red', 'B': 'blue'}
    """
    marks = list(_LETTER_FIRST.finditer(question))
    starts = [k for k, mark in enumerate(marks) if mark[1] == "A"]
    run = marks[starts[-1] :] if starts else []
    if len(run) > 1 and [mark[1] for mark in run] == list("ABCDEFGH"[: len(run)]):
        ends = [*(mark.start() for mark in run[1:]), len(question)]
        return {mark[1]: question[mark.end() : end].strip() for mark, end in zip(run, ends, strict=True)}
    listed = [(letter, text.strip()) for text, letter in _LETTER_LAST.findall(question)]
    return dict(listed) if [letter for letter, _ in listed] == list("ABCDEFGH"[: len(listed)]) else {}


def _plain(text: str) -> str:
    return " ".join(re.sub(r"[*_`$\"']", "", text).split()).rstrip(".,;").casefold()


def choice_reward(response: str, gt: str, *, question: str = "", meta: str = "") -> Score:
    """1 when the answer names exactly the option `gt`, else 0.

    "B", "(b)", "B) 40", "B: 40", "Answer: **B**" name an option; so does its text alone, when the question lists it
    once. Several letters, or a letter with the text of another option, are `ambiguous`.

    >>> choice_reward("<think>…</think><answer>B) 40</answer>", "B").reason
    <Reason.CORRECT: 'correct'>
    >>> choice_reward("<think>…</think><answer>A, B, C, D</answer>", "B").reason
    <Reason.AMBIGUOUS: 'ambiguous'>
    """

    def decide(answer: str) -> Score:
        answer = re.sub(r"[*_`]", "", answer).strip()
        if saying := _SAYING.match(answer):
            answer = answer[saying.end() :].strip() or answer
        options = options_of(question)
        named = [letter for letter, text in options.items() if text and _plain(text) == _plain(answer)]
        if len(named) == 1:
            return right_or_wrong(named[0] == right)
        if len(set(_OPTION_LETTERS.findall(answer))) > 1 or _LIST_OF_LETTERS.fullmatch(answer):
            return Score(0.0, Reason.AMBIGUOUS)
        letter = _LETTER.fullmatch(answer)
        if not letter:
            return Score(0.0, Reason.UNREADABLE)
        name, text = letter[1].upper(), _plain(letter["text"] or "")
        others = {_plain(other) for key, other in options.items() if key != name}
        if text in others and text != _plain(options.get(name, "")):
            return Score(0.0, Reason.AMBIGUOUS)
        return right_or_wrong(name == right)

    right = gt.strip().strip("().:").upper()
    return score_answer(response, decide)


def same_choice(a: str, b: str, question: str) -> bool:
    """Whether two answers choose the same option of a question, by its letter or its text.

    >>> same_choice("B", "blue", "Which? A) red B) blue")
    True
    """
    chosen = [letter for letter in options_of(question) if _chooses(a, letter, question)]
    return any(_chooses(b, letter, question) for letter in chosen)


def _chooses(answer: str, letter: str, question: str) -> bool:
    return choice_reward(f"<answer>{answer}</answer>", letter, question=question).value == 1
