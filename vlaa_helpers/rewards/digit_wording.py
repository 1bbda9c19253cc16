"""An answer and its question in common signs and words, so that a count is read from one manner of saying it."""

import re

from .counted_things import head_of_counted, in_own_words, in_the_active
from .digit_subject import AMOUNT
from .lead_in import in_the_present, without_lead_in
from .neutral_words import ANY_THING, SAYING, THINGS, question_words, words_of
from .number_words import NUMBER
from .phrases import one_writing
from .question_steps import kinds_of_change, without_steps

_MARKUP = re.compile(
    r"\\(?:boxed|fbox|text|mathrm|mathbf|textbf|displaystyle)(?![A-Za-z])|\\[()\[\],; ]|[*`$_{}]"
    r"|</?(?:b|i|em|strong)>|^\s*#{1,6}\s"
)
QUOTED = re.compile(r"(?<!\w)([\"'])(.*?)\1(?!\w)")
_NONE_OF = re.compile(r"\bnone of (?:them|these|those)\b", re.IGNORECASE)
_NO = re.compile(r"\bno (?=([a-z]+))", re.IGNORECASE)
# a subject that is said to be something with a number of things
_WITH = re.compile(
    r"\b(?:is|are) an? (?:[a-z]+ ){0,3}[a-z]+,? "
    r"(?:with|,? ?(?:that|which) (?:has|contains|shows)|having|showing|containing)\b",
    re.IGNORECASE,
)
_OF_A_KIND = re.compile(r"^an? [a-z]+ (?=has\b)", re.IGNORECASE)
_OF_THE = re.compile(r"^(?:of|out of|among) (?:the|these|those|all) ([^,]*),\s+", re.IGNORECASE)
_FROM_TO = re.compile(
    r"\b(?:increases|rises|grows|changes|goes|decreases|drops|falls) (?:up |down )?from \S+ to\b", re.IGNORECASE
)
_HAS = re.compile(r"\bhow many [^?]* do(?:es)? [^?]*\bhave\b", re.IGNORECASE)
_ONES = re.compile(r"(?<=[a-z] )ones\b", re.IGNORECASE)
_SINGLE = re.compile(r"\ban? (?:single|total of (?=one))", re.IGNORECASE)
_PERCENT = re.compile(r"(?<![\d.,])\d[\d.,]*%")
_DOLLARS = re.compile(r"\bhow many dollars\b", re.IGNORECASE)
_PRICE = re.compile(r"\\?\$(\d[\d.,]*\b)(?![^$]*\$)")
_HOW_OFTEN = re.compile(r"\bhow many times\b", re.IGNORECASE)
_TIMES = re.compile(r"\btimes?\b")
_HYPHEN = re.compile(r"(?<=[A-Za-z])-(?=[A-Za-z])")
_AMONG = re.compile(
    r"^(?:among|amongst|of|out of|in) (?:them|these|those|which|whom"
    r"|the (?:\w+ )?(?:objects|things|items|shapes))\b,?\s*"
    r"|^the (?:other|remaining) (?=\d|two|three|four|five|six|seven|eight|nine)"
    r"|^(?:this|that|which|it)? ?(?:is|means|gives|makes)(?: us| that)?(?=\s(?:\d|[a-z]+ ))",
    re.IGNORECASE,
)
_HOLDS = re.compile(r"\bholds\b")
_LEFT_OVER = re.compile(r"\bleft over\b", re.IGNORECASE)
_NOT_ANY = re.compile(
    r"\b(?:(?:are|is|were|was)(?:n['’]t| not)|(?:do|can|could)(?:n['’]t| ?not) (?:see|find|count)) any "
    r"(?=(?P<what>[a-z]+))",
    re.IGNORECASE,
)
_ON_TOP = re.compile(r"\bon top of\b", re.IGNORECASE)
_NOBODY = re.compile(r"\b(?:nobody|no one) (?:is|was) ", re.IGNORECASE)
_ADDING = re.compile(
    rf"^(?:adding|summing|combining|counting)\b(?P<what>[^.=]*?)\b(?:gives|yields|makes|results in)(?: us)?"
    rf"(?: a total of)? (?={NUMBER})",
    re.IGNORECASE,
)
_NAME = re.compile(r"(?<=\s)[A-Z][a-z]+")
_GENERAL_STEP = re.compile(r"\b[a-z]\s*[-+*/×÷]\s*\d+\s*=\s*(?=\d)")
"""The general part of a chain: "n - 2 = 6 - 2 = 4"."""
_MEETS = re.compile(
    r" (?:that )?(?:meets?|satisf(?:y|ies)|fulfill?s?|fits?|match(?:es)?) (?:the|this|these|both|all|one of the) "
    r"(?:given )?(?:conditions?|criteri(?:a|on)|descriptions?|requirements?)\b"
)
_DIFFERENCE_OF_THINGS = re.compile(rf"(\bdifference (?:is|=|of|was) {NUMBER}) ([a-z]+)\b", re.IGNORECASE)
_OUT_OF = re.compile(r"\bout of\b", re.IGNORECASE)


def in_common_signs(answer: str, question: str) -> tuple[str, str]:
    """An answer without markup, its lines kept, and its question: one writing of percents, prices and synonyms.

    >>> in_common_signs("**2** big blocks", "How many large cubes?")
    (' 2  large cubes', 'How many large cubes?')
    """
    if question:
        answer = in_own_words(answer.replace("'re ", " are "), question)
    if _DOLLARS.search(question):
        answer = _PRICE.sub(r"\1 dollars", answer)
    for percent in _PERCENT.findall(question):
        answer, question = (part.replace(percent, percent[:-1]) for part in (answer, question))
    if _HOW_OFTEN.search(question):
        answer, question = (_TIMES.sub("occasions", part) for part in (answer, question))
    if "-" in question:
        answer, question = (_HYPHEN.sub(" ", part) for part in (answer, question))
    if question and "=" in answer:
        answer = _GENERAL_STEP.sub("", answer)
    if "°" in question:
        answer, question = (part.replace("°", "") for part in (answer, question))
    answer, question = (_ON_TOP.sub("on", part) if "n top" in part else part for part in (answer, question))
    return without_markup(answer), question


def without_markup(answer: str) -> str:
    """An answer without markup, its lines kept."""
    return _MARKUP.sub(" ", answer.replace("{,}", ","))


def quotes_alike(answer: str, question: str) -> bool:
    """Whether an answer's quoted words are some that the question quotes, where it quotes any."""
    asked = {found[2].casefold() for found in QUOTED.finditer(question)}
    said = {found[2].casefold() for found in QUOTED.finditer(answer)}
    return not asked or asked.isdisjoint(said) is not bool(said)


def in_common_words(text: str, question: str) -> str:
    """A clause without lead-ins and steps, in the present and the active, with 0 for "no things".

    >>> in_common_words("So there will be no cubes.", "How many cubes are left?")
    'there are 0 cubes.'
    """
    if "holds" in text and "hold" not in question:
        text = _HOLDS.sub("has", text)
    if " over" in text or "ut of" in text:
        text = _OUT_OF.sub("of", _LEFT_OVER.sub("left", text))
    text = _MEETS.sub("", text)
    adding = _ADDING.match(text)
    if adding and not kinds_of_change(question) and all(name in question for name in _NAME.findall(adding["what"])):
        text = f"so {text[adding.end() :]}"
    if "ifference" in text:
        known = question_words(question)
        text = _DIFFERENCE_OF_THINGS.sub(lambda said: said[1] if said[2] in known else said[0], text)
    text = without_lead_in(in_the_present(_in_short(text, question)))
    if rest := without_steps(text, question):
        text = in_the_active(without_lead_in(rest), question)
    return _no_things_are_zero(text, question)


def _in_short(text: str, question: str) -> str:
    """A text with "has" for "is a hexagon with" and "a hexagon has", and "one" for "a single"."""
    if "from" in text and kinds_of_change(question):
        text = _FROM_TO.sub("is", text)
    whole = _OF_THE.match(text)
    if whole and (question_words(question) | SAYING | ANY_THING).issuperset(words_of(whole[1])):
        text = text[whole.end() :]
    if "ones" in text and (head := head_of_counted(question)):
        text = _ONES.sub(f"{head}s", text)
    text = _SINGLE.sub("one", _WITH.sub("has", _AMONG.sub("", text)))
    return _OF_A_KIND.sub("", text) if _HAS.search(question) else text


def _no_things_are_zero(text: str, question: str) -> str:
    """A text with 0 for the "no" of "no cubes", where cubes could be counted: not for "no answer", "no idea"."""

    def can_be_counted(word: str) -> bool:
        is_asked = word in question_words(question) or one_writing(word) == head_of_counted(question)
        return (word in THINGS or is_asked) and word not in SAYING and word not in AMOUNT

    if " any " in text:
        text = _NOT_ANY.sub(lambda no: "are 0 " if can_be_counted(no["what"].casefold()) else no[0], text)
    if head_of_counted(question) == "person":
        text = _NOBODY.sub("0 people are ", text)
    text = _NO.sub(lambda no: "0 " if can_be_counted(no[1].casefold()) else no[0], text)
    return _NONE_OF.sub("0", text)
