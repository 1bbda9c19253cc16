r"""What an answer says its value is of: "f(3) =", "The slope is", "\sin A =" must be what the question asks for.

Where the ground truth is a value alone, the question says what it is the value of. So what an answer writes before it
is taken off where it says that again, and nothing is read where it names another thing: y where x is asked for.
"""

import re
from functools import lru_cache

from .asked_things import asked_clause
from .lead_in import without_lead_in
from .math_names import values_by_name
from .math_subject import asked_quantities, same_points
from .neutral_words import SAYING
from .phrases import phrases_of
from .restatement import asked_phrases, asking_sentence, restates

_MARKS = re.compile(r"\\[()\[\]]|(?<!\\)\$")
_IS = re.compile(r"\s*(?:(?<![<>!\\])=(?!=)|\b(?:is equal to|equals?|is|are)\b|(?<=[a-zA-Z]):)\s*", re.IGNORECASE)
_WORD = re.compile(r"(?<![\\A-Za-z])[A-Za-z]{3,}")
_FUNCTIONS = frozenset("sin cos tan cot sec csc log exp det lim arcsin arccos arctan".split())
_VALUE_OF = re.compile(
    r"^\s*(?:the )?(?:(?:exact|numerical) )?(?:(?:values?|measure|size) of )?(?:the )?(?:angle )?(?=\S)"
)
_SOLVE_FOR = re.compile(r"\bsolve for \$?([a-zA-Z])\b", re.IGNORECASE)
_BEHIND = re.compile(r"\s+(?:in|on|at|to|for|from|by|as|using)\b.*", re.DOTALL)
_LOOSE = re.compile(r"\\(?:left|right|cdot)(?![A-Za-z])|[\s\\{}$*]")
_ONE_IN_BRACKETS = re.compile(r"\((\w)\)")
_POWERS = str.maketrans({"²": "^2", "³": "^3", "°": "^circ", "′": "'", "’": "'"})
_NAME = re.compile(r"\\?[A-Za-z]+(?:_\{?\w+\}?)?'?(?:\([a-z]\))?|m?\\?(?:angle|triangle|overline)\s*\{?[A-Z]{1,3}\}?")
_CAPITAL = re.compile(r"(?<![A-Za-z\\])([A-Z])(?![A-Za-z])")
_ITS_LETTER = re.compile(r"(?<=[a-z]{3}) ([a-zA-Z])$")
_ARGUMENT = re.compile(r"\(([a-z])\)")
_LETTER = re.compile(r"(?<![\\A-Za-z])[A-Za-z]+(?![A-Za-z])")
_SEVERAL = re.compile(r"[,;]|\b(?:and|or)\b")
_UNITS = re.compile(r"(?<=\d)\s*(?:\\text\s*\{[^{}]*\}|[A-Za-z]+)(?:\s*\^\s*\d)?[\s.]*$")
_NEUTRAL = (SAYING - {"right"}) | frozenset("value measure size number".split())
_NOTATIONS = {
    "derivative": r"[a-z]'(?:\([a-z]\))?|\\d?frac\{d[a-z]?\}\{d[a-z]\}.{0,20}|d[a-z]/d[a-z]",
    "inverse": r"[a-z]\^\{?-1\}?(?:\([a-z]\))?|y",
    "determinant": r"\\?det(?:\(?[A-Z]\)?)?|\|[A-Z]\||D",
    "probability": r"Pr?\(.{1,20}\)",
    "limit": r"\\lim_\{[^{}]*\}.{1,40}|L",
    r"\int": r"(?:\\left)?\[.*\\right\]_\{?\w+\}?\^\{?\w+\}?|I",
}
"""What is asked for in words, and the left sides that say it in signs."""
_FORMS = {
    "factor": "factored form|factori[sz]ation", "simplif": "simplified (?:form|expression)",
    "expand": "expanded form|expansion", "differentiat": "derivative", "integrat": "integral", r"\int": "integral",
    "percentage": "percentage",
}  # fmt: skip
"""What a question tells to do, and the subject of an answer that does it."""
_NO_LINES = frozenset("slope intercept mean sum probability volume".split())
_KIND = re.compile(r"^m?(?:angle|triangle|overline|∠)(?=[A-Z])")
_LETTERS = {
    "area": "ASK", "perimeter": "PpC", "circumference": "CcP", "volume": "V", "radius": "rR", "diameter": "dD",
    "height": "hH", "base": "b", "width": "wWb", "length": "lLdsabc", "side": "sabc", "hypotenuse": "ch",
    "angle": "abc", "time": "tT", "mass": "mMw", "price": "pPcC", "slope": "mka", "speed": "vsr", "velocity": "v",
    "probability": "Pp", "mean": "mM", "sum": "Ss", "intercept": "bcyn",
}  # fmt: skip
"""The letters that stand for a quantity; x, the unknown, may stand for what has a unit."""


def without_asked(answer: str, question: str) -> str | None:
    r"""An answer without what it says its value is of; None where that is another thing than the question asks for.

    >>> without_asked("f(3) = 7", "Find f(3)."), without_asked("x = 7", "Find f(3).")
    ('7', None)
    """
    text = without_lead_in(_MARKS.sub("", answer)).strip()
    is_said = False
    for _ in range(3):
        found = _IS.search(text)
        if not found or not (left := text[: found.start()].strip()) or not text[found.end() :].strip(" ."):
            break
        if not says_what_is_asked(left, question):
            break
        is_said, text = True, text[found.end() :]
    named = values_by_name(text)
    sides = [side.strip(" .") for side in _IS.split(named)]
    if len(sides) > 1 and any(
        _NAME.fullmatch(side) and not may_be_named(side, question) for side in (sides[0], sides[-1])
    ):
        return None
    if is_said:
        return _without_general_step(text)
    name, equals, rest = named.partition("=")
    return f"{name}={_without_general_step(rest)}" if equals and _NAME.fullmatch(name.strip()) else text


def _without_general_step(text: str) -> str:
    """A chain of equations without a first part that has letters, where the rest is numbers: "4s = 4(6) = 24"."""
    first, equals, rest = text.partition("=")
    is_general = equals and not _SEVERAL.search(text) and _LETTER.search(first) and not re.search("[<>]", text)
    return rest if is_general and not _LETTER.search(_UNITS.sub("", rest)) else text


def says_what_is_asked(left: str, question: str) -> bool:
    """Whether what stands before an equals sign or "is" says again what the question asks for, in words or in signs."""
    expression = asked_expression(question)
    if expression and in_one_writing(left) == in_one_writing(expression):
        return True
    low = question.casefold()
    if any(name in low and re.fullmatch(form, left.replace(" ", "")) for name, form in _NOTATIONS.items()):
        return set(_ARGUMENT.findall(left)) <= set(_ARGUMENT.findall(question) or _ARGUMENT.findall(left))
    if not _WORD.search(left):
        return False
    if (letter := _ITS_LETTER.search(left)) and may_be_named(letter[1], question):
        left = left[: letter.start()]  # "the slope m"
    subject = re.sub(r"^the ", "", left.casefold())
    if any(what in low and re.fullmatch(form, subject) for what, form in _FORMS.items()):
        return True
    asked = _asked(question)
    known = {word for phrase in asked for word in phrase.words}
    said = phrases_of(_CAPITAL.sub(r"\1\1\1", left.replace("\\", "")), frozenset(_NEUTRAL - known))
    return bool(said) and bool(asked) and restates(said, asked)


@lru_cache(maxsize=4096)
def _asked(question: str) -> tuple:
    return asked_phrases(_CAPITAL.sub(r"\1\1\1", asking_sentence(question).replace("$", "").replace("\\", "")))


@lru_cache(maxsize=4096)
def asked_expression(question: str) -> str | None:
    """The formula or name whose value a question asks for; None where it asks for something in words.

    >>> asked_expression("What is the value of x^2 in the figure?"), asked_expression("What is the area of ABC?")
    ('x^2', None)
    """
    if for_letter := _SOLVE_FOR.search(question):
        return for_letter[1]
    text = _BEHIND.sub("", _VALUE_OF.sub("", asked_clause(question.replace("$", "")))).strip()
    words = [word for word in _WORD.findall(text) if word not in _FUNCTIONS and not word.isupper()]
    return text if text and not words and len(text) < 40 else None


def in_one_writing(expression: str) -> str:
    """An expression without blanks, braces and LaTeX's marks: `\\sin A`, `sin(A)` and `sinA` are one."""
    return _ONE_IN_BRACKETS.sub(r"\1", _LOOSE.sub("", expression.translate(_POWERS))).strip(".")


def may_be_named(name: str, question: str) -> bool:
    """Whether a value may have this name: the one that the question asks for, or a letter that stands for it.

    >>> [may_be_named(name, "What is the slope?") for name in ("m", "b")], may_be_named("y", "Find x.")
    ([True, False], False)
    """
    plain, clause = _KIND.sub("", in_one_writing(name)), asked_clause(question)
    if (expression := asked_expression(question)) is not None:
        asked = _KIND.sub("", in_one_writing(expression))
        return same_points(plain, asked) or (
            expression == "y" and re.fullmatch(r"[a-z][a-z]", plain) is not None and "(" in name
        )
    if re.search(r"(\d+)(?:st|nd|rd|th) term", clause):
        index = re.search(r"(\d+)(?:st|nd|rd|th) term", clause)[1]
        return re.fullmatch(rf"[a-zA-Z]_({index}|n)", plain) is not None
    if found := re.search(r"\b([xyz])-(?:coordinate|value)", clause):
        return plain == found[1]
    if any(word in clause for word in ("derivative", "inverse", "determinant", "limit")):
        return False
    if "maximum value" in clause or "minimum value" in clause:
        return plain != "x"
    quantities = asked_quantities(question)
    if re.fullmatch("[A-Z]{2}", plain) and quantities & _NO_LINES:
        return False
    if not quantities or not quantities.issubset(_LETTERS) or len(plain) > 1:
        return True
    letters = "".join(_LETTERS[quantity] for quantity in quantities)
    is_unknown = plain == "x" and quantities.isdisjoint({"slope", "intercept", "mean", "sum", "probability"})
    return plain in letters or is_unknown or re.search(rf"(?<![A-Za-z]){plain}(?![A-Za-z])", clause) is not None
