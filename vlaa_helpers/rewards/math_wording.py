r"""Sentences as the other readers know them: "is found to be" as "is", "the square root of 5" as \sqrt{5}."""

import json
import re

from .asked_things import asked_clause
from .neutral_words import SAYING, words_of

_DONE = (
    r"found|calculated|computed|determined|obtained|given|written|known|expressed|measured|simplified|evaluated|derived"
    r"|represented|read|replaced"
)
_COPULA = re.compile(
    r"\b(?:(?:(?<!the )measures|becomes?|simplifies to|reduces to|evaluates to|amounts to|comes (?:out )?to(?: be)?"
    r"|works out to(?: be)?"
    r"|turns out to be|adds up to|is (?:now )?equals?(?: to)?|(?:must|should|will|would) be(?! [a-z]+ed\b)|equals to)"
    rf"|(?:(?:should |must |will )be|is|are|was|were|has been|have been|can be) (?:{_DONE})"
    r"(?: to be| to| as| by)"
    r"|(?:is|are) (?:therefore|thus|then|hence|simply|also|indeed|just|equally|each|both)"
    r"|was|were|equal(?: to)?(?= \$?[-+\d\\]))(?![\w-])",
    re.IGNORECASE,
)
_ROOT = re.compile(r"\b(?:the )?(square|cube) root of (\d+(?:\.\d+)?|\\pi)(?!\s*[-+*/^\w(])", re.IGNORECASE)
_TIMES = re.compile(r"(?<=\d) times (?=\d|\\|π|pi\b)", re.IGNORECASE)
_CHANGES = {
    "increase|rise|grow": re.compile(r"\b(?:has |have )?(?:increase[sd]|risen|rose|rises|grew|grown|grows) by\b"),
    "decrease|fall|drop|decline": re.compile(
        r"\b(?:has |have )?(?:decrease[sd]|fallen|fell|falls|dropp?e?[sd]|decline[sd]) by\b"
    ),
}
_ANSWER_KEYS = frozenset("answer final_answer result value solution final_result".split())
_WORD_SIDE = re.compile(r"=(?=[^=\d]*(?<![\\A-Za-z])[A-Za-z]{3})\s*(?:\\times |[A-Za-z ×*/+()-])+(?==)")
_HAS = re.compile(
    r"^(?P<owner>[^=\d,]+?) (?:has|have|must have|reaches|attains|takes) (?:its |an? |the )?"
    r"(?P<what>[a-z]+(?: (?!of)[a-z]+)?)(?: of)?"
    r"(?= \$?-?[\d\\√π])"
)
_EXPRESSION = re.compile(r"\bthe expression (?:(?!\b[a-z]{3,})[^=])+?(?= (?:is|equals)\b|\s*=)", re.IGNORECASE)
_VALUE_OF = re.compile(
    r"(?<!the )\b((?:its |a |an )(?:\w+ )?(?:value|height|length|width|area|volume|perimeter|radius|distance|angle"
    r"|speed|probability)) of (?=\$?-?[\d\\√π])"
)
_PLACE = re.compile(r"(?<=\d) (?:at|when|for) \$?[a-z] = -?[\d./]+\$?[.]?$")
_A_VALUE_OF = re.compile(r"^an? ((?:[a-z]+ ){0,2}[a-z]{3,}) of (?=\$?-?[\d\\√π])", re.IGNORECASE)
_UNIT_DIGIT = re.compile(r"(?:(?<=\d[cmkd]m)|(?<=\d [cmkd]m)|(?<=\d m)|(?<=\dm))([23])(?!\w)")
_TIMES_AS = re.compile(r"(?<=\d)( ?)times(?: as (?:large|big|much|long|many|high|great)(?: as .*)?)?(?=[.]?$)")
_HAS_A_WORD = re.compile(r"(?<!\\)[A-Za-z]{3,}|\b(?:is|it)\b|\d [A-Za-z]")
_PRONOUN = re.compile(r"^(?:that|which|it|this)(?: value| result)? (?:is|equals|=) (?=\$?-?[\d\\√])", re.IGNORECASE)
_COMPARED = re.compile(r"\bhow much (\w+er|more|less) (?:is|are) (.+?) than (.+?)[?.]", re.IGNORECASE)
_GENERAL = re.compile(
    r"(\b[A-Za-z]{3,}[^=]{0,80}?(?: is | ?= ?))(?=[^=]*[A-Za-z])[^=]{1,60}?=\s*(?=[^=A-Za-z]*\d[^=A-Za-z]*=)"
)
_HOLDS = re.compile(r"([^=<>≤≥\\\d]*?) (?:when|for|where|if)\s+(?=\$?-?[\d.a-z]+\s*(?:[<>≤≥]|\\[lg]))", re.IGNORECASE)
_AREA_OF = re.compile(r"\bS_?\{?\s*(?:△|\\triangle)\s*([A-Z]{3})\}?")
_FUNCTION_OF = re.compile(
    r"\b(?:the )?(sine|cosine|tangent) of (?:the )?(?:angle |∠)?(?=[A-Zθαβ](?![a-z]))", re.IGNORECASE
)
_TRIANGLE = re.compile(r"(?:△|\\triangle)\s*(?=[A-Z]{3})")
_SHAPE_SIGNS = str.maketrans({"∥": r"\parallel ", "⊥": r"\perp "})
_GIVEN = re.compile(
    r",?\s*\b(?:in|from|on|at|for|between|when|if|with|after)(?= )(?:[^.,;:=]|(?<=\d)[.,](?=\d))*\d", re.IGNORECASE
)
_COUNTED = re.compile(r"\b(?:\d+|one|two|three|four|five|six|seven|eight|nine|ten) ((?!and\b)[a-z]{3,})", re.IGNORECASE)
_WORDS = "one two three four five six seven eight nine ten eleven twelve".split()
_COUNT_IN_WORDS = re.compile(rf"\b({'|'.join(_WORDS)}) (?=([a-z]{{3,}}))", re.IGNORECASE)
_AT = re.compile(r",?\s*\b(?:at|when|for|if|with) \$?[a-zA-Z]\s?=\s?-?\d+(?:\.\d+)?(?![\d/^])\$?,?", re.IGNORECASE)
_NEXT_WORD = re.compile(r" [A-Za-z]+")
_LAST_NUMBER = re.compile(r"\d++(?![\w%°]|\.\d|\s[%°])")

_OUT_OF = re.compile(r"\b(\d+) out of (\d+)\b")
_OF_PARTS = re.compile(r"\b(?:probab\w+|chance|fraction|portion|proportion|part|share)\b", re.IGNORECASE)


def in_known_words(text: str, question: str) -> str:
    r"""A text whose verbs that only say "is" are "is", whose roots are signs, and without the question's givens.

    >>> in_known_words("The angle is found to be 5°", ""), in_known_words("5 times the square root of 2", "")
    ('The angle is 5°', '5\\sqrt{2}')
    """
    text = _UNIT_DIGIT.sub(r"^\1", text.translate(_SHAPE_SIGNS))
    if not _HAS_A_WORD.search(text):
        return text
    text = _ROOT.sub(lambda root: rf"\sqrt{'[3]' if root[1].casefold() == 'cube' else ''}{{{root[2]}}}", text)
    if "out of" in text and _OF_PARTS.search(question):
        text = _OUT_OF.sub(r"\1/\2", text)
    text = _TIMES.sub("*", text).replace(r"*\sqrt", r"\sqrt") if " times " in text else text
    text = _as_the_question_says(_with_subject_first(text), question)
    return without_givens(_COPULA.sub("is", text), question)


def _with_subject_first(text: str) -> str:
    """ "X has a radius of 5" as "the radius of X is 5", and a chain of equations without its general formula."""
    text = _HAS.sub(r"the \g<what> of \g<owner> is", text)
    text = _A_VALUE_OF.sub(r"the \1 is ", text)
    text = _PRONOUN.sub("", _VALUE_OF.sub(r"\1 is ", text))
    text = _WORD_SIDE.sub("", _GENERAL.sub(r"\1", text))
    return text.replace("nautical miles", "nmi").replace("nautical mile", "nmi")


def _as_the_question_says(text: str, question: str) -> str:
    """A text without what only goes with the question's way to ask: "9 times as large", "has risen by 5"."""
    if "imum" in question:
        text = _PLACE.sub("", text)
    if "how many times" in question.casefold():
        text = _TIMES_AS.sub(r"\1", text)
    text = _EXPRESSION.sub("the expression", compared(text, question))
    for asked, verbs in _CHANGES.items():
        text = verbs.sub("is", text) if re.search(asked, question) else text
    holds = _HOLDS.match(text)
    is_said = holds and SAYING.union(words_of(question)).issuperset(words_of(holds[1]))
    return text[holds.end() :] if is_said else text


def compared(text: str, question: str) -> str:
    """A sentence that says a comparison of the question again, as one about the difference.

    >>> compared("A is 5 larger than B", "How much larger is A than B?")
    'the difference is 5'
    """
    asked = _COMPARED.search(question)
    if not asked:
        return text
    by, one, other = map(re.escape, asked.groups())
    value = r"(?:(?! and |,)[^=])+?"
    said = re.fullmatch(
        rf"(?:so )?{one} is (?:{by} than {other} by ({value})|({value}) {by} than {other})[.]?", text, re.I
    )
    return f"the difference is {said[1] or said[2]}" if said else text


def in_words(text: str) -> str:
    """A text with the signs of triangles and their areas in words.

    >>> in_words("S△ABC = 5"), in_words("Find △ABC.")
    ('the area of triangle ABC = 5', 'Find triangle ABC.')
    """
    text = _FUNCTION_OF.sub(lambda found: f"{found[1][:3].casefold()} ", text)
    return _TRIANGLE.sub("triangle ", _AREA_OF.sub(r"the area of triangle \1", text))


def from_json(text: str) -> str:
    """The answer in an object of JSON, with the name it has there: `{"angle_C": "70°"}` is "angle C = 70°".

    >>> from_json('{"answer": 18.5}'), from_json('{"x": 3, "y": 4}')
    ('18.5', '{"x": 3, "y": 4}')
    """
    if not text.lstrip().startswith('{"'):
        return text
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return text
    keys = [key for key in found if key.casefold().replace(" ", "_") in _ANSWER_KEYS] or list(found)
    value = found[keys[0]] if len(keys) == 1 else None
    if not isinstance(value, (str, int, float)) or isinstance(value, bool):
        return text
    name = "" if keys[0].casefold().replace(" ", "_") in _ANSWER_KEYS else f"{keys[0].replace('_', ' ')} = "
    return f"{name}{value}"


def without_givens(text: str, question: str) -> str:
    """A text without what it says in the question's very words, where that has a number: "in 2019", "when x = 2".

    >>> without_givens("The revenue in 2019 is 5", "What was the revenue in 2019?")
    'The revenue is 5'
    """
    if not question:
        return text
    plain = " ".join(question.casefold().split())
    asked = asked_clause(question).casefold()
    text = _COUNT_IN_WORDS.sub(lambda said: _in_digits(said, asked), text)
    text = _COUNTED.sub(lambda said: said[1] if said[0].casefold() in asked else said[0], text)
    bare = plain.replace(" ", "").replace("$", "")
    text = _AT.sub(lambda said: "" if re.sub(r"[ $,]", "", said[0]).casefold() in bare else said[0], text)
    for given in reversed(list(_GIVEN.finditer(text))):
        said = given[0].casefold()
        for number in reversed(list(_LAST_NUMBER.finditer(said))):
            if said[: number.end()].strip(" ,") in plain:
                end = given.start() + number.end()
                unit = _NEXT_WORD.match(text, end)
                if unit and (said[: number.end()] + unit[0]).strip(" ,").casefold() in plain:
                    end = unit.end()
                text = text[: given.start()] + text[end:]
                break
    return text


def _in_digits(said: re.Match, asked: str) -> str:
    """A count in words as the question has it in digits: "eight notebooks" where it asks for 8."""
    digits = f"{_WORDS.index(said[1].casefold()) + 1} "
    return digits if f"{digits}{said[2]}" in asked else said[0]
