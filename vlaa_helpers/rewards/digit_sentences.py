"""The count of a sentence that has it right before the noun that is counted, its other words in any order."""

import re
from decimal import Decimal
from functools import lru_cache

from .asked_things import counted_clause
from .counted_things import head_of_counted, stem
from .digit_subject import AMOUNT, is_of_others, kind_of_thing
from .neutral_words import LOOKS, SAYING, words_of
from .number_words import NUMBER, find_numbers
from .phrases import one_writing
from .question_steps import kinds_of_change
from .restatement import asking_sentence

_TURNING = re.compile(
    r"\b(?:more|fewer|less|than|or|either|not|without|except|only one|at least|at most|difference)\b|n['’]t\b",
    re.IGNORECASE,
)
"""Words of a question for which the order of an answer's words matters."""
_NEGATION = re.compile(
    r"\b(?:not|no|never|none|neither|nor|without|except|hardly|barely|few|fewer|less|more|most|least|or|about|around"
    r"|nearly|almost|approximately|roughly|over|under|up|each|every|per|other|another|half|twice|double)\b|n['’]t\b",
    re.IGNORECASE,
)
_SIGNS = re.compile(r"[?%/*^+=<>~≈±]|\d-\d")
_LINKS = frozenset(
    "in on at for of from to by with near beside behind above below under inside outside around between among over "
    "through into along across next against before after during until".split()
)
_ALIKE = (frozenset("in on at for of from inside".split()), frozenset("near beside next by".split()))
_ARTICLES = frozenset("the a an this that these those all".split())
_KEEP = re.compile(
    r"\b(?:by|at|until|to|past|after|before|per|every|each|than|number|no|step|figure|page"
    r"|(?<!total )(?<!consists )(?<!consist )(?<!made up )of)\s*$",
    re.IGNORECASE,
)
_NUMBER = rf"(?:{NUMBER}|one|two|three|four|five|six|seven|eight|nine|ten)"
_PART_OF = re.compile(rf"\b{_NUMBER} of (?:the |these |those |all )*(?P<whole>{_NUMBER} )", re.IGNORECASE)
_BOTH = re.compile(r"\bboth\b", re.IGNORECASE)
_ALL_THE = re.compile(r"(?:the|all|these) $", re.IGNORECASE)
_IS = re.compile(r" (?:is|are|were|was|have|has|can)\b")
_OF_ALL = re.compile(
    r"\bof (?:the |these |all )+(?:objects|things|shapes|items)(?: (?:shown|there|here))?(?: in the \w+)?"
    r" (?:is|are) (?=.*?(\w+))",
    re.IGNORECASE,
)
_PLACE_BEHIND = re.compile(
    r" (?:in|on|at|from) (?:the|an?|her|his|their|its) "
    r"(?!left|right|front|back|side|middle|other|first|second)[a-z]+[.! ]*$"
)
_DOING_SOMEWHERE = re.compile(
    r"(?<=[a-z]) (?!being|having)[a-z]+ing\b"
    r"(?!.*(?:\d|\b(?:left|right|front|back|behind|side|corner|top|bottom)\b))[^,;:]*$"
)
_PRONOUN = re.compile(r"^\s*one (?=(?:can|could|sees|finds|counts)\b)", re.IGNORECASE)
_TELLING = frozenset(
    "listed lists mentioned given described reported included "
    "am able see sees seen count counts find finds observe identify notice they he she we who which that it its there "
    "here also currently already clearly overall consist consists comprise comprises made up image picture photo scene "
    "indicates indicate reveals tall high and has have had "
    "being been do does did".split()
)
_SEEING = frozenset("see find count identify observe notice".split())
_SHOWING = frozenset("bar line graph chart plot table diagram figure document page".split())
_TOKEN = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+(?:['’][^\W\d_]+)?")


def without_the_whole(text: str, question: str) -> str:
    """A text without the whole of which the answer is a part: "3 of the 6 cubes are red" is "3 of the cubes are red".

    >>> without_the_whole("3 of the 6 cubes are red", "How many cubes are red?")
    '3 of the cubes are red'
    """
    part = _PART_OF.search(text) if " of " in text else None
    head = head_of_counted(question)
    if not part or not _says_where(question, head) or not _says_all(text, question, head):
        return text
    return f"{text[: part.start('whole')]}{text[part.end('whole') :]}"


def count_in_a_sentence(text: str, question: str) -> Decimal | None:
    """The number right before the noun that the question counts, where all else says again the question; else None.

    The other words may stand in any order, for the question asks for no comparison, but each behind the same link or
    adjective as there. Other numbers must be the question's, behind the same word.

    >>> question = "How many goals did Team B score in the second half?"
    >>> [count_in_a_sentence(f"{who} scored 2 goals in the second half.", question) for who in ("Team B", "Team A")]
    [Decimal('2'), None]
    """
    head = head_of_counted(question)
    text = _PRONOUN.sub("I ", text)
    if not head or _SIGNS.search(text) or _TURNING.search(question) or _is_negated(text, question):
        return None
    text, is_part = _without_wholes(text, head)
    found = [number for number in find_numbers(text) if number[2] is not None]
    counted = [number for number in found if _is_before_the_head(text, number, question, head)]
    if len(counted) != 1 or _KEEP.search(text[: counted[0][0]]):
        return None
    start, end, value = counted[0]
    if _is_of_all(text, start, end, question, head):
        return None if kinds_of_change(question) else value
    text = _without_a_place(text, question, head)
    left, right = _tokens(text[:start]), _tokens(text[end:])
    if is_part and all(one_writing(token) == head for token in right if token not in SAYING):
        return None  # "one of the two people" says nothing of the one
    is_of_others_too = is_of_others(text[:start], text[end:], question, head)
    if is_of_others_too or not _has_its_kind(text, question, head):
        return None
    return value if _says_again(left, right, question, head) else None


def _is_negated(text: str, question: str) -> bool:
    return any(word.casefold() not in question.casefold() for word in _NEGATION.findall(text))


def _without_wholes(text: str, head: str) -> tuple[str, bool]:
    """A text without the number of the whole that a count is part of, and whether it still is said to be a part."""
    part = _PART_OF.search(text)
    if part:
        text = f"{text[: part.start('whole')]}{text[part.end('whole') :]}"
    inverted = _OF_ALL.search(text)
    if inverted and head in map(one_writing, words_of(text[inverted.end() :])):
        return text[: inverted.start()] + text[inverted.end() :], False
    return text, part is not None


def _is_of_all(text: str, start: int, end: int, question: str, head: str) -> bool:
    """Whether a text speaks of all that is counted: "The 4 cubes are red", where it asks how many cubes there are."""
    is_all = _ALL_THE.match(text[:start]) and _IS.match(text, _end_of_head(text, end, head))
    return is_all is not None and not _says_where(question, head) and _says_all(text, question, head)


def _without_a_place(text: str, question: str, head: str) -> str:
    """A text without a place at its end that changes nothing, for the question asks for none or has been said."""
    if not _says_where(question, head):
        return _DOING_SOMEWHERE.sub("", text)
    place = _PLACE_BEHIND.search(text)
    return text[: place.start()] if place and _says_all(text[: place.start()], question, head) else text


def _has_its_kind(text: str, question: str, head: str) -> bool:
    """Whether a text says which kind of thing is counted, and all of its looks or none; all there is for "both"."""
    said = set(words_of(text))
    looks = _before_the_head(question, head) & LOOKS
    if _BOTH.search(question) and not _says_all(text, question, head):
        return False
    is_kind = kind_of_thing(question, head) <= set(map(one_writing, said))
    return is_kind and (looks.isdisjoint(said) or looks <= said)


def _is_before_the_head(text: str, number: tuple, question: str, head: str) -> bool:
    """Whether the counted noun stands right behind a number, between them only the adjectives that the question has."""
    before = _before_the_head(question, head)
    if text[number[1] : number[1] + 1] not in ("", " ", ")"):
        return False
    for token in _tokens(re.sub(r"^\s*of (?:(?:the|these|those|all) )*", " ", text[number[1] :]))[:6]:
        if one_writing(token) == head:
            return True
        if one_writing(token) not in before:
            return False
    return False


@lru_cache(maxsize=4096)
def _before_the_head(question: str, head: str) -> frozenset[str]:
    words = [one_writing(word) for word in words_of(counted_clause(question))]
    if _BOTH.search(question):
        return frozenset(words) & LOOKS
    return frozenset(words[: words.index(head)] if head in words else ())


@lru_cache(maxsize=4096)
def _says_where(question: str, head: str) -> bool:
    """Whether a question says more of what it counts than that it is in the picture."""
    words = words_of(counted_clause(question))
    behind = words[[*map(one_writing, words), head].index(head) + 1 :]
    return not (_TELLING | SAYING | AMOUNT | _ARTICLES | {"in", "on"}).issuperset(behind)


def _end_of_head(text: str, place: int, head: str) -> int:
    """Where the counted noun behind a place ends."""
    return next((found.end() for found in _TOKEN.finditer(text, place) if one_writing(found[0]) == head), len(text))


def _says_all(text: str, question: str, head: str) -> bool:
    """Whether a text has all that the question says of what it counts."""
    asked = {stem(word) for word in words_of(counted_clause(question)) if word not in _TELLING | SAYING | AMOUNT}
    return (asked - {stem(head), "both"} - _ARTICLES - _LINKS).issubset(
        {stem(word) for word in words_of(text)} | {stem(f"{head}s")}
    )


def _tokens(text: str) -> list[str]:
    found = _TOKEN.findall(text)
    return [token if token.isupper() and len(token) == 1 and token != "I" else token.casefold() for token in found]


def _says_again(left: list[str], right: list[str], question: str, head: str) -> bool:
    """Whether each word is the question's, behind the same link and before the same noun, or is neutral."""
    pairs = _pairs(question)
    for tokens in (left, right):
        link = ""
        for k, token in enumerate(tokens):
            word = stem(token)
            if token in _LINKS:
                link = token
            elif token in _ARTICLES or token == "a":
                continue
            elif one_writing(token) == head:
                link = ""
            elif word in pairs and token not in _TELLING:
                if not _is_behind_the_same(token, word, link, tokens[k + 1 :], pairs, tokens is left):
                    return False
                link = "" if token not in LOOKS else link
            elif token in _TELLING | _SHOWING or (token in SAYING | AMOUNT and token not in ("left", "right")):
                if token == "table" and link == "on":
                    return False
                if link and link not in _ALIKE[0] and token not in _SEEING:  # "next to it"
                    return False
                link = ""
            else:
                return False
        if tokens and tokens[-1] in _LINKS and tokens is right:
            return False
    return True


def _is_behind_the_same(token: str, word: str, link: str, behind: list[str], pairs: dict, is_subject: bool) -> bool:
    """Whether a word of the question has the same link there, and an adjective the same noun."""
    links, nouns = pairs[word]
    is_link = link in links or any(link in alike and not links.isdisjoint(alike) for alike in _ALIKE)
    is_owner = link in ("in", "of", "on", "at", "by", "for") and "" in links and token not in ("left", "right")
    if not (is_link or is_owner or (is_subject and not link)):
        return False
    return token not in LOOKS or not behind or behind[0] in SAYING | LOOKS | _LINKS or one_writing(behind[0]) in nouns


@lru_cache(maxsize=4096)
def _pairs(question: str) -> dict[str, tuple[set[str], set[str]]]:
    """For the stem of each word of what is asked for the links before it, and the words behind it."""
    asked = counted_clause(question) if kinds_of_change(question) else asking_sentence(question)
    tokens = _tokens(asked.replace("according to", "in"))
    pairs: dict[str, tuple[set[str], set[str]]] = {}
    link = ""
    for k, token in enumerate(tokens):
        if token in _LINKS:
            link = token
        elif token not in _ARTICLES:
            links, nouns = pairs.setdefault(stem(token), (set(), set()))
            links.add(link)
            nouns.update(map(one_writing, tokens[k + 1 : k + 2]))
            link = link if token in LOOKS else ""
    return pairs
