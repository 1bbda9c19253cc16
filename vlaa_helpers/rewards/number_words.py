"""Numbers in digits and in words: where they stand in a text, and which number each is."""

import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation

_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
).split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_SCALES = {"dozen": 12, "hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9}
_VALUES = {word: value for value, word in enumerate(_ONES)} | {word: 10 * k for k, word in enumerate(_TENS, start=2)}

NUMBER = r"(?:\d{1,3}(?:,\d{3})+(?![\d,])(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d{1,3}(?![\d.]))?"
"""A number in digits without its sign: commas between thousands, a decimal point, an exponent."""
SMALL_NUMBER = rf"(?:{NUMBER}|(?:{'|'.join(_ONES[1:13])})\b)"
"""A number in digits, or one to twelve in words."""
_WORD = rf"(?:{'|'.join([*_VALUES, *_SCALES])})s?"
_WORDS = rf"\b(?:a (?=(?:{'|'.join(_SCALES)})\b))?{_WORD}(?:(?: and |[ -]){_WORD})*\b"
_NONE = r"\bnone\b(?! of\b)"
_ANY = re.compile(f"{NUMBER}|{_WORDS}|{_NONE}", re.IGNORECASE)
# "the red one" is a thing, "the answer is one" a number
_PRONOUN = re.compile(
    r"\b(?:the|this|that|which|each|every|any|another|other)"
    r"(?: (?!(?:is|was|are|of|and|with|has|have|holds|shows|contains|depicts|displays|only|just)\b)\w+){0,2} ones?\b",
    re.IGNORECASE,
)


def find_numbers(text: str) -> Iterator[tuple[int, int, Decimal | None]]:
    """Start, end and value of each number in a text, without its sign; None for "the red one" and "two one".

    >>> [value for _, _, value in find_numbers("3 of twenty-one thousand")]
    [Decimal('3'), Decimal('21000')]
    """
    pronouns: set[int] | None = None
    for match in _ANY.finditer(text):
        is_one = match[0].lower() in ("one", "ones")
        if is_one and pronouns is None:
            pronouns = {found.end() for found in _PRONOUN.finditer(text)}
        is_pronoun = is_one and match.end() in pronouns
        yield match.start(), match.end(), None if is_pronoun else number_value(match[0])


def number_value(text: str) -> Decimal | None:
    """The number that digits or words say, or None when they say several or none.

    >>> number_value("three hundred and five"), number_value("1,000"), number_value("two one")
    (Decimal('305'), Decimal('1000'), None)
    """
    if not text[0].isalpha():
        try:
            return Decimal(text.replace(",", ""))
        except InvalidOperation:
            return None
    words = re.split("[ -]+", text.lower())
    if words == ["none"]:
        return Decimal(0)
    total, group, before = 0, 0, ""
    for word in words:
        if word in _SCALES and (group or before == "a" or word == "dozen"):
            factor = _SCALES[word]
            group = max(group, 1) * factor
            if factor >= 1000:
                total, group = total + group, 0
        elif word in _VALUES and _follows(word, before):
            group += _VALUES[word]
        elif not (word == "a" and not before) and not (word == "and" and before in _SCALES and before != "dozen"):
            return None
        before = word
    return Decimal(total + group)


def _follows(word: str, before: str) -> bool:
    """Whether a word below a hundred may stand after another one: "twenty one", "hundred one", not "two one"."""
    if before in _TENS:
        return 0 < _VALUES[word] < 10
    return before in ("", "and", "hundred", "thousand", "million", "billion")
