"""The one formula in an answer: without marks, prose and code round it, split at its relation signs and its unit."""

import re
from dataclasses import dataclass
from functools import lru_cache

from .hedges import is_hedged, is_negated
from .math_signs import latex_signs
from .math_units import LETTERS, is_numeric, split_unit

MAX_LENGTH = 500
"""Characters of an answer; a longer one is not an expression."""
_BLOCK = re.compile(r"\\(?:begin|end)\{(?:align|aligned|equation|gather|gathered|split|multline|displaymath)\*?\}")
_FENCE = re.compile(r"```+(?:\w+\n)?(.*?)```+", re.DOTALL)
_DISPLAYED = re.compile(r"\$\$(.+?)\$\$|\$(.+?)\$|\\\[(.+?)\\\]|\\\((.+?)\\\)|`([^`]+)`", re.DOTALL)
_TEXT = re.compile(r"\\(?:text|mathrm|mbox|textrm|textbf|mathbf)\s*\{([^{}]*)\}")
_FUNCTIONS = (
    "arcsin arccos arctan sinh cosh tanh sin cos tan cot sec csc log ln exp sqrt pi lim max min det mod".split()
)
_LETTER_PRODUCTS = "abc xyz abcd xyzw mnp pqr rst uvw".split()
# words of two letters that are no products of variables
_SHORT = "is it of to in at we so be an or by as if on my up he do go no us am me".split()
_WORD = re.compile(
    rf"(?<![\\A-Za-z_^])(?!(?:{'|'.join([*_FUNCTIONS, *_LETTER_PRODUCTS])})(?![A-Za-z]))"
    rf"(?:[A-Za-z]{{3,}}|(?:{'|'.join(_SHORT)})(?![A-Za-z])|[aAI](?= [A-Za-z]{{2,}}))(?![A-Za-z]*[_^])",
    re.IGNORECASE,
)
# words that change the number or formula beside them, so that it must not be read without them
_CHANGES = re.compile(
    r"\b(?:minus|plus|times|over|negative|squared?|cubed?|roots?|inverse|reciprocal|opposite|double|triple|twice|thrice"
    r"|half|halves|thirds?|quarters?|dozens?|hundreds?|thousands?|millions?|billions?|factorial|power|modulo?|point"
    r"|per|tenths?|hundredths?|thousandths?|(?:four|fif|six|seven|eigh|nin)ths?|ths|zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|infinity|percent\w*|pct|none"
    r"|derivative|integral|logarithm|absolute|divided|multiplied|added|subtracted)\b",
    re.IGNORECASE,
)
_LEADS_ELSEWHERE = re.compile(r"\b(?:of|than|with|from|by|per|divides?|times|except|without)\s*$", re.IGNORECASE)
_RELATION = re.compile(r"(?<![<>!\\])=(?!=)")
_INEQUALITY = re.compile(r"[<>]|\\(?:leq?|geq?|neq?|lt|gt|leqslant|geqslant|ne)(?![A-Za-z])")
_INEXACT = re.compile(r"\\(?:approx|sim|simeq|cong)(?![A-Za-z])|~")
_CONNECTIVE = re.compile(r"(?<![A-Za-z\\])(and|or)(?![A-Za-z])|\\(land|lor|wedge|vee)(?![A-Za-z])")
_BOX = "\x01"


@dataclass(frozen=True)
class Piece:
    """One formula.

    Attributes:
        parts: what stands between its equals signs; one where it has none.
        unit: of a number, in one writing; "" without.
    """

    parts: tuple[str, ...]
    unit: str = ""


@dataclass(frozen=True)
class Formula:
    """What an answer or a ground truth says.

    Attributes:
        text: the formula without what stands round it.
        pieces: one, or several that "and", "or" or a comma joins.
        joined: "and", "or", "," or "" for one piece.
    """

    text: str
    pieces: tuple[Piece, ...]
    joined: str = ""

    @property
    def has_inequality(self) -> bool:
        return _INEQUALITY.search(self.text) is not None


@lru_cache(maxsize=16_384)
def read_formula(text: str) -> Formula | None:
    r"""The one formula in a text, or None when there is none, or one that cannot be told from its prose.

    Read are LaTeX, plain text and Unicode's signs; removed are display marks, code ticks, align blocks, one `\boxed{}`
    and the prose before and after. Prose that changes the formula ("not", "about", "half of") is not removed.

    >>> read_formula(r"Output 4: \[ \boxed{y = 2x + 1}. \]").pieces
    (Piece(parts=('y', '2x + 1'), unit=''),)
    >>> read_formula("not 5") is None
    True
    """
    text = latex_signs(_without_blocks(text))
    if text is None or (text := _displayed(text)) is None or (text := _unboxed(text)) is None:
        return None
    text = text.strip(" .,;:\n").removeprefix("=").strip()
    if text[:1] in ("'", '"') and text[:1] == text[-1:]:
        text = text[1:-1].strip()
    if text.endswith("=") or _INEXACT.search(text) or not re.search(r"\w", text):
        return None
    return _split(text)


def _without_blocks(text: str) -> str:
    fenced = _FENCE.findall(text)
    if len(fenced) == 1:
        text = _FENCE.sub(lambda block: f"${block[1].strip()}$", text)
    if _BLOCK.search(text):
        text = _BLOCK.sub(" ", text).replace("&", " ")
        text = re.sub(r"\\\\\s*(?:\[[^\]]*\])?\s*(?==)", " ", text)  # the next step of a derivation
        text = re.sub(r"\\\\\s*(?=[$\\\])]*\s*$)", " ", text)
    return text.replace("**", "^") if re.search(r"\w\*\*\w", text) else text.replace("**", "")


def _displayed(text: str) -> str | None:
    """The text with its one displayed formula bare; None when several are displayed."""
    shown = [next(filter(None, found)).strip() for found in _DISPLAYED.findall(text)]
    if len(set(shown)) > 1:
        return None
    if shown:
        before, _, after = _DISPLAYED.sub("\x00", text).partition("\x00")
        if re.search(r"[\d=\\^+*]", (before + after).replace("\x00", "")) and not re.search(r"=\s*$", before):
            before = re.sub(r"^\s*output\s*\d*\s*:", "", before, flags=re.IGNORECASE)
            if re.search(r"[\d=^+*]", before + after) or "\\" in re.sub(r"\\boxed|[{}]", "", before + after):
                return None
        text = f"{before} {shown[0]} {after}".replace("\x00", "")
    return text.replace("$", " ").replace("`", " ")


def _unboxed(text: str) -> str | None:
    """The text with its one `\\boxed{}` opened: its content alone, or in brackets when it is a part of a formula."""
    contents = []
    while (start := max(text.rfind(r"\boxed{"), text.rfind(r"\fbox{"))) >= 0:
        inside = text.index("{", start) + 1
        end = _closing_brace(text, inside)
        if end is None:
            return None
        contents.append(text[inside:end].strip())
        text = text[:start] + _BOX + text[end + 1 :]
        if _BOX in contents[-1]:
            return None
    if len(set(contents)) > 1:
        return None
    bare = _without_prose(text)
    if bare is None or not contents:
        return bare
    if re.fullmatch(rf"[\W_]*?{_BOX}[\W_]*", bare) and not re.search(r"[-+*/^!%<>|~]", bare):
        return _without_prose(contents[0])
    name, equals, rest = bare.partition("=")
    if equals and rest.strip(" .") == _BOX:
        return f"{name}= {_without_prose(contents[0])}"
    return bare.replace(_BOX, f"({contents[0]})")


def _closing_brace(text: str, start: int) -> int | None:
    depth = 1
    for place in range(start, len(text)):
        depth += (text[place] == "{") - (text[place] == "}")
        if depth == 0:
            return place
    return None


def _without_prose(text: str) -> str | None:
    """The formula without the words before and after it; None when words change it or stand inside it."""
    text = _TEXT.sub(lambda words: f" {_spelt_out(words[1])} ", text)
    text = re.sub(r"^\s*(?:output|step)\s*\d*\s*:", "", text, flags=re.IGNORECASE)
    words = list(_WORD.finditer(text))
    if not words:
        return None if is_negated(text) else text
    start, end = 0, len(text)
    for word in words:  # prose at the head
        if re.search(r"[^\s:,;.'\"()=-]", text[start : word.start()]):
            break
        start = word.end()
    formula, tail = text[start:], ""
    words = [word for word in words if word.start() >= start]
    for word in reversed(words):
        if re.search(r"[^\s:,;.!?'\"()-]", text[word.end() : end]):
            break
        end = word.start()
    formula, head, tail = text[start:end], text[:start], text[end:]
    unit = split_unit((formula.rstrip() + " " + tail.strip(" .!")).strip())[1]
    if not unit and words:  # a unit, then prose: "5 cm long"
        first = re.match(r"\s*([A-Za-z]+)", tail)
        unit = split_unit(f"{formula.strip(' =:')} {first[1]}")[1] if first else ""
        tail = tail[first.end() :] if unit else tail
        formula = f"{formula.strip()} {first[1]}" if unit else formula
    elif unit:
        formula, tail = f"{formula.rstrip()} {tail.strip(' .!')}", ""
    prose = f"{head} {_first_of(formula)} {tail}"
    if is_negated(prose) or _CHANGES.search(head + " " + tail) or _LEADS_ELSEWHERE.search(head):
        return None
    if is_hedged(f"{head.rstrip()} 5") or is_hedged(tail) or re.search(r"\band\b", tail) or _inner_prose(formula):
        return None
    return formula.strip(" :,;.=") if head else formula


def _first_of(formula: str) -> str:
    return " ".join(_WORD.findall(formula))


def _spelt_out(words: str) -> str:
    """The words of a `\\text{}`; a unit of one letter gets its long name, for no variable stands there."""
    long_names = {"m": "metre", "s": "second", "h": "hour", "g": "gram", "L": "litre"}
    return long_names.get(words.strip(), words) if words.strip() in LETTERS else words


def _inner_prose(formula: str) -> bool:
    """Whether words stand inside a formula that are no units and no "or" between two of its pieces."""
    head, unit = split_unit(formula)
    words = {word[0].lower() for word in _WORD.finditer(head if unit else formula)}
    return bool(words - {"and", "or"})


def _split(text: str) -> Formula | None:
    if re.search(r"^(?:and|or)\b|\b(?:and|or)$", text):
        return None
    joins = {found[1] or {"land": "and", "wedge": "and"}.get(found[2], "or") for found in _CONNECTIVE.finditer(text)}
    if len(joins) > 1:
        return None
    written = _CONNECTIVE.sub(",", text) if joins else text
    pieces = [piece for piece in map(str.strip, _outside_brackets(written)) if piece]
    if not pieces:
        return None
    joined = "" if len(pieces) == 1 else (joins.pop() if joins else ",")
    return Formula(text, tuple(map(_piece, pieces)), joined)


def _outside_brackets(text: str) -> list[str]:
    """The text split at the commas, semicolons and line breaks that stand in no bracket."""
    parts, depth, start = [], 0, 0
    for place, sign in enumerate(text):
        depth += (sign in "([{") - (sign in ")]}")
        if depth == 0 and sign in ",;\n" and text[place - 1 : place] != "\\":
            parts.append(text[start:place])
            start = place + 1
    return [*parts, text[start:]]


def _piece(text: str) -> Piece:
    *left, last = _RELATION.split(text)
    number, unit = split_unit(last.strip())
    number = _percent_as_number(number)
    return Piece((*(_percent_as_number(part.strip()) for part in left), number.strip()), unit)


def _percent_as_number(text: str) -> str:
    """`5%` as 5/100: Math-Verify says that 5 and 5% are the same."""
    found = re.fullmatch(r"(.*?)\s*(?:\\?%|\s*\bpercent\b)\s*", text)
    return rf"\frac{{{found[1]}}}{{100}}" if found and is_numeric(found[1]) else text
