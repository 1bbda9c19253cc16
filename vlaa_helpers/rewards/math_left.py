r"""What an answer says its value is of: "f(3) =", "The slope is", "\sin A =" must be what the question asks for.

Where the ground truth is a value alone, the question says what it is the value of. So what an answer writes before it
is taken off where it says that again, and nothing is read where it names another thing: y where x is asked for.
"""

import re
from functools import lru_cache

from .asked_things import asked_clause
from .lead_in import without_lead_in
from .math_names import values_by_name
from .math_plain import TWO
from .math_subject import asked_quantities, quantities_of, same_points
from .neutral_words import SAYING, words_of
from .phrases import Phrase, phrases_of
from .restatement import asked_phrases, asking_sentence, restates

_MARKS = re.compile(r"\\[()\[\]]|(?<!\\)\$")
_IS = re.compile(r"\s*(?:(?<![<>!\\])=(?!=)|\b(?:is equal to|equals?|is|are)\b|(?<=[a-zA-Z]):)\s*", re.IGNORECASE)
_WORD = re.compile(r"(?<![\\A-Za-z])[A-Za-z]{3,}")
_FUNCTIONS = frozenset("sin cos tan cot sec csc log exp det lim arcsin arccos arctan".split())
_VALUE_OF = re.compile(
    r"^\s*(?:the )?(?:(?:exact|numerical) )?(?:(?:values?|measure|size) of )?(?:the )?(?:angle |expression )?(?=\S)"
)
_VALUE_OF_NAME = re.compile(r"\s*(?:the )?value of \$?[A-Za-z]\$?\s*", re.IGNORECASE)
_SOLVE_FOR = re.compile(r"\bsolve for \$?([a-zA-Z])\b", re.IGNORECASE)
_BEHIND = re.compile(r"\s+(?:in|on|at|to|for|from|by|as|using)\b.*", re.DOTALL)
_LOOSE = re.compile(r"\\(?:left|right|cdot)(?![A-Za-z])|[\s\\{}$*]")
_ONE_IN_BRACKETS = re.compile(r"\((\w)\)")
_POWERS = str.maketrans({"²": "^2", "³": "^3", "°": "^circ", "−": "-", "′": "'", "’": "'"})
_OF_ANGLE = re.compile(r"\s*\\?(sin|cos|tan|cot|sec|csc)\s*\(?\s*(?:\\?angle|∠)?\s*(?:[A-Za-zθαβ]|\\[a-z]+)\s*\)?\s*")
_FUNCTION_ASKED = re.compile(r"(?<![a-z])(?:cosine|sine|tangent|cos|sin|tan)(?![a-z])", re.IGNORECASE)
_NAME = re.compile(
    r"\\?[A-Za-z]+(?:_\{?\w+\}?)?'?(?:\([a-z]\))?|m?\\?(?:angle|triangle|overline)\s*\{?[A-Z]{1,3}\}?|∠\s*[A-Z]{1,3}"
)
_CAPITAL = re.compile(r"(?<![A-Za-z\\])([A-Z])(?![A-Za-z])")
_ITS_LETTER = re.compile(r"(?<=[a-z]{3}) ([a-zA-Z])$")
_COMMAND = re.compile(r"\\[a-zA-Z]+")
_INSIDE = re.compile(r"\(([^()]*[A-Za-z]{3}[^()]*)\)")
_ITS = re.compile(r"\bits\b")
_ARGUMENT = re.compile(r"\(([a-z])\)")
_LETTER = re.compile(r"(?<![\\A-Za-z])[A-Za-z]+(?![A-Za-z])")
_SEVERAL = re.compile(r"[,;]|\b(?:and|or)\b")
_UNITS = re.compile(r"(?<=[\dπi)}])\s*(?:\\text\s*\{[^{}]*\}|[A-Za-z]+)(?:\s*\^\s*\d|[²³])?[\s.]*$")
_NEUTRAL = (SAYING - {"right"}) | frozenset("value measure size number each".split())
_NOTATIONS = {
    "derivative": r"[a-z]'(?:\([a-z]\))?|\\d?frac\{d[a-z]?\}\{d[a-z]\}.{0,20}|d[a-z]/d[a-z]",
    "inverse": r"[a-z]\^\{?-1\}?(?:\([a-z]\))?|y",
    "discriminant": r"b(?:\^2|²)[-−]4ac|D|Δ|\\Delta",
    "determinant": r"\\?det(?:\(?[A-Z]\)?)?|\|[A-Z]\||D",
    "probability": r"Pr?\(.{1,20}\)",
    "limit": r"\\lim_\{[^{}]*\}.{1,40}|L",
    "cosine": r"\\?cos.{1,12}",
    "tangent": r"\\?tan.{1,12}",
    "sine of": r"\\?sin.{1,12}",
    r"\int": r"(?:\\left)?\[.*\\right\]_\{?\w+\}?\^\{?\w+\}?|I",
}
"""What is asked for in words, and the left sides that say it in signs."""
_FORMS = {
    "factor": "factored form|factori[sz]ation", "simplif": "simplified (?:form|expression)",
    "expand": "expanded form|expansion", "differentiat": "derivative", "integrat": "integral", r"\int": "integral",
    "percentage": "percentage",
}  # fmt: skip
"""What a question tells to do, and the subject of an answer that does it."""
_JOINING = {
    name: re.compile(rf"[^-+*/=]+(?:{sign}[^-+*/=]+)+")
    for name, sign in {"sum": r"\+", "difference": "-", "product": r"(?:\*|\\times|\\cdot|[×·])"}.items()
}
_DERIVED = frozenset("ratio sum difference product quotient probability".split())
_NO_LINES = frozenset("slope intercept mean sum probability volume".split())
_KIND = re.compile(r"^m?(?:angle|triangle|overline|∠)(?=[A-Z])")
_LETTERS = {
    "area": "ASK", "perimeter": "PpC", "circumference": "CcP", "volume": "V", "radius": "rR", "diameter": "dD",
    "height": "hH", "base": "b", "width": "wWb", "length": "lLdsabc", "side": "sabc", "hypotenuse": "ch",
    "diagonal": "dl", "altitude": "h",
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
    text = _without_general_step(text) if is_said else text
    named = values_by_name(text)
    sides = [side.strip(" .") for side in _IS.split(named)]
    if len(sides) > 1 and any(
        _NAME.fullmatch(side) and not may_be_named(side, question) for side in (sides[0], sides[-1])
    ):
        return None
    if is_said:
        return text
    if len(sides) > 1 and _OF_ANGLE.fullmatch(sides[0]) and _is_another_function(sides[0], question):
        return None
    name, equals, rest = named.partition("=")
    return f"{name}={_without_general_step(rest)}" if equals and _NAME.fullmatch(name.strip()) else text


def subject_of(text: str) -> str:
    """What stands before the first "is" or equals sign of a clause; "" where nothing does.

    >>> subject_of("so the area is 5"), subject_of("5")
    ('the area', '')
    """
    plain = values_by_name(without_lead_in(_MARKS.sub("", text)).strip())
    found = _IS.search(plain)
    return re.sub(r"^(?:so|and|the) (?=the |[A-Z])", "", plain[: found.start()].strip()) if found else ""


def subject_is_asked(text: str, question: str) -> bool:
    """Whether a clause says a value of what the question asks for, in its words or by its name.

    >>> subject_is_asked("AB = 5", "Find AB."), subject_is_asked("BC = 5", "Find AB.")
    (True, False)
    """
    left = subject_of(text)
    if not left:
        return False
    expression = asked_expression(question)
    if expression and _NAME.fullmatch(left) and _NAME.fullmatch(expression):
        return may_be_named(left, question)
    if asked_quantities(question) and _WORD.search(left) and not quantities_of(left):
        return False  # "the prism is 4 cm wide" says nothing of its volume
    if not (asked_quantities(question) & _DERIVED) <= set(words_of(left)):
        return False
    return says_what_is_asked(left, question)


def without_subject(text: str, question: str) -> str:
    """A text without the words that ask for its values: "The distance is 1 or 7"; as it is where it has a name there.

    >>> without_subject("The width is 1 or 7", "What is the width?"), without_subject("x = 1 or x = 7", "Find x.")
    ('1 or 7', 'x = 1 or x = 7')
    """
    is_in_words = _WORD.search(subject_of(text)) and subject_is_asked(text, question)
    return text[_IS.search(text).end() :] if is_in_words and _IS.search(text) else text


def _is_another_function(side: str, question: str) -> bool:
    """Whether a function of an angle is not the one that the question asks for, or that asks for the angle."""
    expression = asked_expression(question)
    if expression and len(in_one_writing(expression)) < 8 and not _OF_ANGLE.fullmatch(expression):
        return not any(name in expression for name in _FUNCTIONS)
    asked = {name[:3].casefold() for name in _FUNCTION_ASKED.findall(asked_clause(question))}
    return bool(asked) and _OF_ANGLE.fullmatch(side)[1] not in asked


def _without_general_step(text: str) -> str:
    """A chain of equations without a first part that has letters, where the rest is numbers: "4s = 4(6) = 24"."""
    first, equals, rest = text.partition("=")
    is_general = (
        equals
        and not TWO.search(first)
        and not _SEVERAL.search(text)
        and _LETTER.search(first)
        and not re.search("[<>]", text)
    )
    return rest if is_general and not _LETTER.search(_UNITS.sub("", rest)) else text


def says_what_is_asked(left: str, question: str) -> bool:
    """Whether what stands before an equals sign or "is" says again what the question asks for, in words or in signs."""
    expression = asked_expression(question)
    if expression and in_one_writing(left) == in_one_writing(expression):
        return True
    if _is_of_another_name(left, question, expression):
        return False
    low = question.casefold()
    if any(name in low and re.fullmatch(form, left.replace(" ", "")) for name, form in _NOTATIONS.items()):
        if not set(words_of(" ".join(_INSIDE.findall(_COMMAND.sub("", left))))) <= _said(question) | {"not"}:
            return False  # P(blue), where the question speaks of red
        return set(_ARGUMENT.findall(left)) <= set(_ARGUMENT.findall(question) or _ARGUMENT.findall(left))
    if any(name in asked_quantities(question) and sign.fullmatch(left) for name, sign in _JOINING.items()):
        return True
    return _WORD.search(left) is not None and _is_said_in_words(left, question)


def _is_of_another_name(left: str, question: str, expression: str | None) -> bool:
    """Whether a name or function is not the one that the question asks for: a for 2a - b, the tangent for the angle."""
    if _OF_ANGLE.fullmatch(left) and _is_another_function(left, question):
        return True
    if expression and re.search(r"\w\s*[-+*/^]", expression) and _VALUE_OF_NAME.fullmatch(left):
        return True
    is_short = expression is not None and 0 < len(expression) < 3
    return is_short and not re.search(rf"(?<![A-Za-z]){re.escape(expression)}(?![A-Za-z])", left)


def _is_said_in_words(left: str, question: str) -> bool:
    clause = asked_clause(question).casefold().strip().removeprefix("the ")
    if clause.startswith(left.casefold().removeprefix("the ") + " "):
        return True
    if (letter := _ITS_LETTER.search(left)) and may_be_named(letter[1], question):
        left = left[: letter.start()]  # "the slope m"
    subject = re.sub(r"^the ", "", left.casefold())
    if re.sub(r"^(?:total|required) ", "", subject) in asked_quantities(question):
        return True
    if (
        _ITS.search(clause)
        and quantities_of(left) == asked_quantities(question)
        and set(words_of(left)) <= _said(question)
    ):
        return True
    if any(what in question.casefold() and re.fullmatch(form, subject) for what, form in _FORMS.items()):
        return True
    asked = _asked(question)
    known = {word for phrase in asked for word in phrase.words}
    said = phrases_of(_CAPITAL.sub(r"\1\1\1", left.replace("\\", "")), frozenset(_NEUTRAL - known))
    return bool(said) and bool(asked) and (restates(said, asked) or _is_same_in_another_order(said, asked))


def _is_same_in_another_order(said: list[Phrase], asked: tuple[Phrase, ...]) -> bool:
    """Whether phrases have the same words: "the length of the side", "the side length"."""
    words = [sorted(word for phrase in phrases for word in phrase.words) for phrases in (said, asked)]
    return words[0] == words[1] and all(phrase.link in ("", "of", "the") for phrase in (*said, *asked))


@lru_cache(maxsize=4096)
def _said(question: str) -> frozenset[str]:
    return frozenset(words_of(question)) | {"of", "the"}


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
    if found := re.search(r"\b([xyz])-(coordinate|value|intercept)", clause):
        return plain == found[1] or (found[2] == "intercept" and plain in tuple("bcn"))
    if any(word in clause for word in ("derivative", "inverse", "determinant", "limit")):
        return False
    if "maximum value" in clause or "minimum value" in clause:
        return plain != "x"
    quantities = asked_quantities(question)
    if re.fullmatch("[A-Z]{2,3}", plain) and quantities & _NO_LINES:
        return False
    if not quantities or not quantities.issubset(_LETTERS) or len(plain) > 1:
        return True
    letters = "".join(_LETTERS[quantity] for quantity in quantities)
    others = set(re.findall(r"(?<![A-Za-z])[b-z](?![A-Za-z])(?!\s*=)", clause)) - {"x"}
    is_unknown = (
        plain == "x" and not others and quantities.isdisjoint({"slope", "intercept", "mean", "sum", "probability"})
    )
    return plain in letters or is_unknown or re.search(rf"(?<![A-Za-z]){plain}(?![A-Za-z])(?!\s*=)", clause) is not None
