"""Counts that are worked out: sums, steps before the last sentence, and the list of things behind a count."""

import re
from decimal import Decimal

from .asked_things import counted_clause
from .neutral_words import ANY_THING, SAYING, THINGS, question_words, words_of
from .number_words import NUMBER, find_numbers
from .phrases import one_writing
from .question_steps import things_changed

_THING = r"(?: [A-Za-z]+){0,4}?"
SUM = re.compile(
    rf"(?P<left>{NUMBER}{_THING}(?:\s*(?:[-+]|\bplus\b|\bminus\b)\s*{NUMBER}{_THING})+?)\s*(?:=|\bequals\b|\bis\b|\bgives\b|\bleaves\b|\bmakes\b)\s*"
    rf"(?P<right>-?{NUMBER})(?![\d.,]*\d|\w|\s*[-+*/^%!=])",
    re.IGNORECASE,
)
_PRODUCT = re.compile(
    rf"(?<![\w.*/^+-])(?<![*/^+-] )(?P<first>{NUMBER}){_THING}\s*(?P<sign>[×*/÷]|\\times\b|\btimes\b|\bx\b)"
    rf"\s*(?P<second>{NUMBER}){_THING}\s*=\s*(?P<right>{NUMBER})(?![\d.,]*\d|\w|\s*[-+*/^%!=])"
)
_TERM = re.compile(rf"(?:(?P<sign>[-+]|\bplus\b|\bminus\b)\s*)?(?P<number>{NUMBER})(?P<thing>{_THING})", re.IGNORECASE)
_LIST = re.compile(
    r"^(?P<count>.*?)(?::\s*(?P<behind>[^:()]+?)|\s*\((?P<inside>[^()]+)\)(?P<rest>[^()]*?)"
    r"|,\s+(?P<joined>(?:an?|one|two|three|four|five|six|seven|\d+)\b[^:()]+?))(?P<end>[\s.!]*)$",
    re.IGNORECASE,
)
_THE_ONE = re.compile(r"^((?:the|an?) .*?) ones?\b", re.IGNORECASE)
_NAMED = re.compile(r"[A-Za-z]+:? \(?\d[\d.,]*%?\)?$|[A-Za-z]+: ")
_PLACED = re.compile(
    r"\s+(?:in|on|at|near|behind|beside|next|to|of|with|from|under|above|below|between|is|are)\b.*", re.DOTALL
)
_JOINT = re.compile(r",\s*(?:and\s+)?|\s+and\s+", re.IGNORECASE)
_ARTICLE = re.compile(r"^(?:the|an?)\s+", re.IGNORECASE)
_GROUPS = tuple(
    frozenset(group.split())
    for group in (
        "cube block",
        "sphere ball",
        "cylinder",
        "circle",
        "square",
        "triangle",
        "star",
        "rectangle",
        "bar",
    )
)
_SHAPE = re.compile(r"\b(?:cube|block|sphere|ball|cylinder)s\b", re.IGNORECASE)
_COLOURS = frozenset("red green blue yellow purple orange brown gray cyan pink black white gold".split())


def _with_products(text: str) -> str:
    """A text with the value of each true product or quotient of two numbers in its place.

    >>> _with_products("2 × 3 = 6"), _with_products("2 * 9 - 4 = 5")
    ('6', '2 * 9 - 4 = 5')
    """
    return _PRODUCT.sub(lambda found: found["right"] if _is_true_product(found) else found[0], text)


def _is_true_product(found: re.Match) -> bool:
    left, right, value = (Decimal(found[k].replace(",", "")) for k in ("first", "second", "right"))
    return left == right * value if found["sign"] in ("/", "÷") else left * right == value


def without_sums(text: str, question: str) -> str:
    """A text with the value of each sum or difference of plain numbers in its place, where that is true.

    >>> without_sums("7 objects - 4 balls = 3 objects", ""), without_sums("3 + 3 = 7", "")
    ('3 objects', '3 + 3 = 7')
    """
    known = THINGS | question_words(question) | SAYING

    def value_of(found: re.Match) -> str:
        before = found.string[: found.start()].rstrip()
        is_alone = not before or before[-1] in ".,:;(=" or re.search(r"[A-Za-z]{2}$", before)
        terms = list(_TERM.finditer(found["left"]))
        if not is_alone or not all(known.issuperset(words_of(term["thing"])) for term in terms):
            return found[0]
        numbers = [Decimal(term["number"].replace(",", "")) for term in terms]
        signs = [-1 if term["sign"] and term["sign"].casefold() in ("-", "minus") else 1 for term in terms]
        is_true = sum(sign * number for sign, number in zip(signs, numbers, strict=True)) == Decimal(
            found["right"].replace(",", "")
        )
        return found["right"] if is_true else found[0]

    return SUM.sub(value_of, _with_products(text))


def without_list(text: str, question: str) -> str:
    """A count without the list of things behind it, where they are as many: "3 objects: two cubes and a ball".

    >>> without_list("3 objects: two cubes and a ball", ""), without_list("3 objects (a cube and a ball)", "")
    ('3 objects', '3 objects (a cube and a ball)')
    """
    found = _LIST.match(text)
    if not found:
        return text
    asked = {number for _, _, number in find_numbers(question)}
    counts = [number for _, _, number in find_numbers(found["count"])]
    counts = [number for number in counts if number not in asked] or counts
    listed = found["behind"] or found["inside"] or found["joined"]
    items = [_item(item, question) for item in _JOINT.split(listed.strip(" .!"))]
    if len(counts) != 1 or None in items or sum(items) != counts[0] or _splits(found["count"], listed, question):
        return text
    count = found["count"].rstrip() + (found["rest"] or "")
    return count if found["joined"] else _as_objects(count, question)


def _splits(count: str, listed: str, question: str) -> bool:
    """Whether a list says of a part what the question asks of all: "4 people: 3 at the table, 1 at the window"."""
    asked = set(words_of(counted_clause(question))) - set(words_of(count)) - ANY_THING - SAYING
    return any(word in asked for item in _JOINT.split(listed) for word in words_of(item)) and not all(
        asked & set(words_of(item)) for item in _JOINT.split(listed)
    )


def _as_objects(count: str, question: str) -> str:
    """A count whose things are listed one by one as one of objects, where it is not of those that are taken away."""
    things = {one_writing(word) for word in words_of(count)}
    if ANY_THING.isdisjoint(words_of(counted_clause(question))) or any(
        taken <= things for taken in things_changed(question, "take")
    ):
        return count
    return _SHAPE.sub("objects", count)


def _item(text: str, question: str) -> Decimal | None:
    """How many things one item of a list is, "two red cubes"; None where they cannot be what the question counts."""
    is_named = any(map(str.isalpha, text))
    text = _PLACED.sub("", _THE_ONE.sub(r"\1", text))
    numbers = [found for found in find_numbers(text) if found[2] is not None]
    numbers = [] if _NAMED.match(text) else numbers
    number, rest = Decimal(1), _ARTICLE.sub("", text)
    if numbers and numbers[0][0] == 0 and len(numbers) == 1:
        number, rest = numbers[0][2], text[numbers[0][1] :]
    elif numbers or (rest == text and any(word in THINGS and word.endswith("s") for word in words_of(rest))):
        return None
    words = [word for word in words_of(rest) if word in THINGS]
    if number is None or not is_named:
        return None
    things = {one_writing(word) for word in words}
    asked = {one_writing(word) for word in words_of(counted_clause(question)) if word in THINGS}
    taken = [set(change) for change in things_changed(question, "take")]
    is_taken = any(change and change <= things for change in taken)
    return None if is_taken or not _agree(things, asked) else number


def _agree(things: set[str], asked: set[str]) -> bool:
    """Whether things can be those asked for: of no other shape or colour."""
    shapes = [{k for k, group in enumerate(_GROUPS) if group & words} for words in (things, asked)]
    colours = [_COLOURS & words for words in (things, asked)]
    return all(not one or not other or one & other for one, other in (shapes, colours))
