"""Multiple choice: the answer names one option."""

import re
from functools import lru_cache, partial

from .choice_clauses import named_by_clauses
from .choice_sentences import named_by_sentence, remark_tells
from .choice_values import named_by_value
from .lead_in import without_lead_in
from .options import FULL_WIDTH, Options, options_of, plain_text, read_options, without_latex
from .score import Reason, Score, right_or_wrong, score_answer

_BOXED = re.compile(r"\\(?:boxed|fbox)\s*\{([^{}]*)\}")
_WRAPPED = re.compile(
    r"\\(?:boxed|fbox|text|mathrm|mathbf|textbf)(?![A-Za-z])\s*+|\\[()\[\]]|[*`$\"“”]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])"
)
_LETTER = re.compile(r"[(\[]?([A-Za-z])[)\]]?[.!;:,]?")
_LETTER_AND_TEXT = re.compile(r"[(\[]?([A-Za-z])(?:[)\]][.:]?|[.:,!;]|\s*+[-–—]\s|\s*+(?=\())\s*+(.*)", re.DOTALL)
_LETTER_BLANK_TEXT = re.compile(r"([A-Z])\s++(.*)", re.DOTALL)
_TEXT_AND_LETTER = re.compile(r"(.*\S)\s*+\(([A-Z])\)[.!]?", re.DOTALL)
_CALLED = re.compile(
    r"(?:(?:the\s++)?(?:final\s++|correct\s++|right\s++|best\s++|true\s++)?(?:answer|option|choice|statement(?=\W+[A-Z]\b)|letter(?!\s+[a-z]{2}))\s*+(?:is\b|:)?\s*+:?\s*+)+",
    re.IGNORECASE,
)
_IS_CORRECT = re.compile(
    r"\s+is\s+(?:(?:the\s+)?(?:correct|right|best|true)\s+(?:answer|option|choice|statement|one)|correct|right|true)"
    r"[.!]?$",
    re.IGNORECASE,
)
# a letter that stands alone, except the article of "B) A red circle"
_ALONE = re.compile(r"(?<![A-Za-z])(?!(?:A|I) (?!or\b|and\b)[a-z])([A-Z])(?=[).:,;/!?\]} ]|$)")
_LIST_OF_LETTERS = re.compile(r"[(\[]?[a-z](?:(?:[\s().:,;/&\[\]]|\b(?:or|and)\b)+[a-z])+[\s.)\]]*+", re.IGNORECASE)
_LABEL_A = re.compile(
    r"(?:\*\*A\*\*\s+|.*\b(?:[Ii]s|[Oo]ption|[Aa]nswer|[Cc]hoice):?\s+A\s+|A\s*\n\s*)(?!is\b)(\S.*)", re.DOTALL
)
_BULLET = re.compile(r"^\s*(?:[-•]|\d{1,2}[.)])\s+")
MAX_LENGTH = 2000
"""Characters of an answer; a longer one names no option."""


def choice_reward(response: str, gt: str, *, question: str = "", meta: str = "") -> Score:
    """1 when the answer names exactly the option `gt`, else 0.

    "B", "(b)", "[B]", "B!", "B) 40", "B (40)", "B: 40", "40 (B)", "Answer: **B**", "\\boxed{B}" name an option; so does
    its text alone, when the question lists it once. A bare letter is a label, never an option's text. Several letters,
    or a letter with the text of another option, are `ambiguous`. Beside the letter may stand the option's own text in
    full, the question's words and those that say that an answer follows; other clauses may be anything that states no
    other option and takes nothing back. Any other answer is `unreadable`.

    Raises:
        ValueError: `gt` names no option, see `check_choice`.

    >>> choice_reward("<think>…</think><answer>B) 40</answer>", "B").reason
    <Reason.CORRECT: 'correct'>
    >>> choice_reward("<think>…</think><answer>A, B, C, D</answer>", "B").reason
    <Reason.AMBIGUOUS: 'ambiguous'>
    """
    right = gt if len(gt) == 1 and "A" <= gt <= "Z" else _truth(gt, question)

    def decide(answer: str) -> Score:
        named = answer if len(answer) == 1 and answer.isalpha() and answer.isascii() else _named(answer, question)
        return Score(0.0, named) if isinstance(named, Reason) else right_or_wrong(named.upper() == right)

    return score_answer(response, decide)


@lru_cache(maxsize=4096)
def _truth(gt: str, question: str) -> str:
    named = _named(gt.strip().strip("().:"), question)
    if isinstance(named, Reason):
        raise ValueError(f"the ground truth {gt!r:.80} names no option; mend the record: write the option's letter")
    return named


def check_choice(gt: str, question: str = "", meta: str = "") -> str | None:
    """What is wrong with the label of an option as ground truth, and the mend; None when it names one.

    Understood are "B", "(b)", "[B]", "B) blue" and "blue", where the question lists it.
    """
    try:
        letter = _truth(gt, question)
    except ValueError as error:
        return str(error)
    options = read_options(question).texts
    if options and letter not in options:
        listed = ", ".join(options)
        return f"the ground truth {gt!r:.80} is none of the question's options {listed}; mend the gt or the question"
    return None


@lru_cache(maxsize=4096)
def _named(answer: str, question: str) -> str | Reason:
    """The letter of the option that an answer names, or why it names none: `ambiguous` or `unreadable`."""
    if len(answer) > MAX_LENGTH:
        return Reason.UNREADABLE
    plain = without_latex(answer if answer.isascii() else answer.translate(FULL_WIDTH))
    text = _without_braces(_WRAPPED.sub("", _BOXED.sub(r"\1", plain)))
    if letter := _LETTER.fullmatch(text):
        return letter[1].upper()
    options = read_options(question)
    if _is_several(plain, options):
        return Reason.AMBIGUOUS
    whole = _named_by_clause(text, question, options)
    if not isinstance(whole, Reason) or not options.texts:
        return whole
    read = lru_cache(maxsize=None)(partial(_named_by_clause, question=question, options=options))
    named = named_by_clauses(text, options, read)
    return named or (named_by_value(text, options) if whole is Reason.UNREADABLE else None) or whole


def _is_several(text: str, options: Options) -> bool:
    """Whether an answer lists several options on its lines, or has the label A before another one's text."""
    labelled = _LABEL_A.match(text)
    if labelled and "A" in options.texts and options.named_by(labelled[1]) not in (None, "A"):
        return True
    lines = [_BULLET.sub("", line).strip() for line in text.splitlines() if line.strip()] if "\n" in text else []
    named = {line.upper() if len(line) == 1 else options.named_by(line) for line in lines}
    return len(named) > 1 and None not in named


def _named_by_clause(text: str, question: str, options: Options) -> str | Reason:
    whole, text = text, _without_braces(without_lead_in(text))
    if called := _CALLED.match(text):
        text = _without_braces(text[called.end() :]) or text
    if letter := _LETTER.fullmatch(text):
        return letter[1].upper()
    if named := options.named_by(whole) or (options.named_by(text) if text != whole else None):
        return named
    found = _LETTER_AND_TEXT.fullmatch(text)
    if found and options.texts and found[1].upper() not in options.texts and named_by_sentence(text, options):
        found = None  # the initial of a name
    if full := _letter_with_its_text(text, options) or (None if found else named_by_sentence(text, options)):
        return full
    if not found and _IS_CORRECT.search(text):
        return _named_by_clause(_IS_CORRECT.sub("", text), question, options)
    if len(set(_ALONE.findall(text))) > 1 or _LIST_OF_LETTERS.fullmatch(text):
        return Reason.AMBIGUOUS
    if not found:
        return Reason.UNREADABLE
    letter, remark = found[1].upper(), found[2]
    told = remark_tells(letter, remark, question)
    if told == "unclear" and (rest := _IS_CORRECT.sub("", f" {remark}")) != f" {remark}":
        told = remark_tells(letter, rest.strip(), question)
    return letter if told == "same" else Reason.AMBIGUOUS if told == "other" else Reason.UNREADABLE


def _without_braces(text: str) -> str:
    """A text without the braces of LaTeX's `\\boxed{}` around it."""
    text = text.strip()
    while text.startswith("{") and text.rstrip(".").endswith("}"):
        text = text.rstrip(".")[1:-1].strip()
    return text


def _letter_with_its_text(text: str, options: Options) -> str | None:
    """The letter, when the answer is a letter and exactly the text of that option, in either order."""
    for form, letter, rest in ((_LETTER_AND_TEXT, 1, 2), (_LETTER_BLANK_TEXT, 1, 2), (_TEXT_AND_LETTER, 2, 1)):
        found = form.fullmatch(text)
        if found and found[letter].upper() in options.texts:
            inner = found[rest].strip(" .!").removeprefix("(").removesuffix(")")
            names = [options.named_by(found[rest]), options.named_by(inner)]
            if form is _TEXT_AND_LETTER:
                names.append(named_by_sentence(found[rest], options))
            if found[letter].upper() in names or plain_text(inner) == options.own(found[letter].upper()):
                return found[letter].upper()
    return None


def same_choice(a: str, b: str, question: str) -> bool:
    """Whether two answers choose the same option of a question, by its letter or its text.

    >>> same_choice("B", "blue", "Which? A) red B) blue")
    True
    """
    chosen = _named(a, question), _named(b, question)
    return chosen[0] == chosen[1] and chosen[0] in options_of(question)
