"""Prose round a formula: removed where every word is known to leave the formula as it is, else nothing is read."""

import re
from functools import lru_cache

from .counted_things import stem
from .hedges import is_hedged, is_negated
from .math_units import LETTERS, is_numeric, split_any_unit, split_unit
from .neutral_words import SAYING, question_words

_TEXT = re.compile(r"\\(?:text|mathrm|mbox|textrm|textbf|mathbf)\s*\{([^{}]*)\}")
_FUNCTIONS = (
    "arcsin arccos arctan sinh cosh tanh sin cos tan cot sec csc log ln exp sqrt pi lim max min det mod".split()
)
_LETTER_PRODUCTS = "abc xyz abcd xyzw mnp pqr rst uvw".split()
# words of two letters that are no products of variables
_SHORT = "is it of to in at we so be an or by as if on my up he do go no us am me".split()
_WORD = re.compile(
    r"(?<![\\A-Za-z_^])(?<!\\angle )(?<!begin\{)(?<!end\{)"
    rf"(?!(?:{'|'.join([*_FUNCTIONS, *_LETTER_PRODUCTS])})(?![A-Za-z]))"
    rf"(?:[A-Za-z]{{3,}}|(?:{'|'.join(_SHORT)})(?![A-Za-z])|[aAI](?= [A-Za-z]{{2,}}))(?![A-Za-z]*[_^])",
    re.IGNORECASE,
)
# words that make another number or formula of the one beside them: the question and the ground truth may have them
_CHANGES = re.compile(
    r"(?:minus|plus|times|over|negative|squared?|cubed?|roots?|inverse|reciprocal|opposite|double|triple|twice|thrice"
    r"|hal(?:f|ves)|thirds?|quarters?|ths|(?:four|fif|six|seven|eigh|nin|ten|eleven|twelf|\w+teen|\w+tie|hundred|thousand"
    r"|\w+illion)ths?|dozens?|scores?|gross|pairs?|couples?|tens|hundreds?|thousands?|\w*[mb]illions?|trillions?|lakhs?"
    r"|crores?|factorial|power|modulo?|point|per|zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve"
    r"|twenty|infinity|percent\w*|pct|none|derivative|integral|logarithm|absolute|divided|multiplied|added|subtracted"
    r"|binary|octal|hex\w*|repeating|recurring|periodic)$",
    re.IGNORECASE,
)
_LEADS_ELSEWHERE = re.compile(r"\b(?:of|than|with|from|by|per|divides?|times|except|without)\s*$", re.IGNORECASE)
_AXIS = re.compile(r"\b[xyz]-axis\b")
_ENDING = re.compile(r"(?:ing|ed|es|s|e)$")
_LABEL = re.compile(
    r"\b(?:steps?|figures?|fig|images?|pictures?|photos?|options?|choices?|equations?|formulas?|lines?|curves?|graphs?"
    r"|sets?|series|shapes?|circles?|triangles?|squares?|points?|case|part|table|panel)\s*$",
    re.IGNORECASE,
)
_NEUTRAL = SAYING | frozenset(
    "area volume length width height angle slope gradient intercept distance radius diameter perimeter circumference "
    "side base sum product difference quotient ratio mean average median value values number total amount probability "
    "time speed velocity mass price cost equation equations function functions formula expression line curve graph "
    "parabola circle triangle square rectangle sphere cylinder cone cube solid shape point coordinates set interval "
    "range domain limit sequence series variable unknown simplified form output step get find have has obtain gives "
    "give equals equal to for its long wide high tall away old written as meet meets "
    "intersect intersects costs at solutions each both must cross crosses cuts linear quadratic cubic exponential "
    "logarithmic trigonometric sine cosine sinusoidal hypotenuse diagonal altitude chord arc leg midline domain vertex "
    "amplitude period frequency focus center centre midpoint axis needed required "
    "taken their reaches attains takes will travels travel goes moves covers forms form with missing unknown new "
    "resulting".split()
)
"""Words that may stand before or behind a formula, besides the question's own."""


def without_prose(text: str, question: str = "") -> str | None:
    """The formula without the words before and after it; None when words change it or stand inside it.

    An unknown word right behind a number stays, as its unit.
    """
    text = _TEXT.sub(lambda words: f" {_spelt_out(words[1])} ", text)
    text = _AXIS.sub("axis", text)
    text = re.sub(r"^\s*(?:output|step)\s*\d*\s*:", "", text, flags=re.IGNORECASE)
    words = list(_WORD.finditer(text))
    if not words:
        return None if is_negated(text) else text
    start, end = _formula_span(text, words)
    head, formula, tail = _with_unit(text[:start], text[start:end], text[end:])
    if _is_changed(head, formula, tail, question):
        return None
    return re.sub(r"^[ :,;=]+|[ :,;.=]+$", "", formula) if head else formula


def _formula_span(text: str, words: list[re.Match]) -> tuple[int, int]:
    """Where the formula starts and ends: between the prose at the head and the prose at the tail."""
    start, end = 0, len(text)
    for word in words:
        if re.search(r"[^\s:,;.'\"()=-]", text[start : word.start()]):
            break
        start = word.end()
    for word in reversed([word for word in words if word.start() >= start]):
        if re.search(r"[^\s:,;.!?'\"()-]", text[word.end() : end]):
            break
        end = word.start()
    return start, end


def _with_unit(head: str, formula: str, tail: str) -> tuple[str, str, str]:
    """The three parts of a text, the unit moved from the tail to the formula: "5 cm long", "5 EUR"."""
    last = formula.rpartition("=")[2]
    if split_unit((last.rstrip() + " " + tail.strip(" .!")).strip())[1]:
        return head, f"{formula.rstrip()} {tail.strip(' .!')}", ""
    first = re.match(r"\s*([A-Za-z]+)", tail)
    if not first:
        return head, formula, tail
    number = last.strip(" =:")
    is_unit = split_unit(f"{number} {first[1]}")[1]
    if is_unit or (is_numeric(number) and first[1].casefold() not in _NEUTRAL and not _CHANGES.match(first[1])):
        return head, f"{formula.strip()} {first[1]}", tail[first.end() :]
    return head, formula, tail


def _is_changed(head: str, formula: str, tail: str, question: str) -> bool:
    """Whether words round a formula change it, or are not known to leave it as it is."""
    outside = [word.casefold() for word in _WORD.findall(f"{head} ; {tail}")]
    if any(word not in _NEUTRAL and (_CHANGES.match(word) or not _is_of_question(word, question)) for word in outside):
        return True
    if _LABEL.search(head) and re.match(r"\s*\d", formula):
        return True  # the number of a figure
    if re.match(r"\s*(?:and|or)\b", head, re.IGNORECASE):
        return True  # something is missing before it
    if re.search(r"\b(?:square|cube)\s*$", head, re.IGNORECASE) or re.match(
        r"\s*(?:square|cube)\b", tail, re.IGNORECASE
    ):
        return True  # of the number; "the square is 5" and "5, the square" are of a shape
    if is_negated(f"{head} {' '.join(_WORD.findall(formula))} {tail}") or _LEADS_ELSEWHERE.search(head):
        return True
    if is_hedged(f"{head.rstrip()} 5") or is_hedged(tail) or re.search(r"\band\b", tail):
        return True
    name, _, last = formula.rpartition("=")
    number, unit = split_any_unit(last)
    words = {word[0].lower() for word in _WORD.finditer(f"{name} = {number}" if unit else formula)}
    return bool(words - {"and", "or"})


def _is_of_question(word: str, question: str) -> bool:
    """Whether a question has a word, or another form of it: "reached" for "reach"."""
    return word in question_words(question) or _stem(word) in _stems(question)


@lru_cache(maxsize=4096)
def _stems(question: str) -> frozenset[str]:
    return frozenset(_stem(word) for word in question_words(question) if len(word) > 3)


def _stem(word: str) -> str:
    return stem(_ENDING.sub("", word) if len(word) > 4 else word)


def _spelt_out(words: str) -> str:
    """The words of a `\\text{}`; a unit of one letter gets its long name, for no variable stands there."""
    long_names = {"m": "metre", "s": "second", "h": "hour", "g": "gram", "L": "litre"}
    return long_names.get(words.strip(), words) if words.strip() in LETTERS else words
