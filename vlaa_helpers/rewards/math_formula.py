"""The one formula in an answer: without marks, prose and code round it, split at its relation signs and its unit."""

import re
from dataclasses import dataclass
from functools import lru_cache

from .lead_in import without_lead_in
from .math_asked import asked_unit, asks_for_percent
from .math_names import values_by_name
from .math_prose import without_prose
from .math_signs import latex_signs
from .math_subject import is_unit_of_what_is_asked
from .math_units import degrees_as_radians, is_numeric, may_be_left_out, split_any_unit, split_unit

MAX_LENGTH = 500
"""Characters of an answer; a longer one is not an expression."""
_BLOCK = re.compile(r"\\(?:begin|end)\{(?:align|aligned|equation|gather|gathered|split|multline|displaymath)\*?\}")
_FENCE = re.compile(r"```+(?:\w+\n)?(.*?)```+", re.DOTALL)
_DISPLAYED = re.compile(r"\$\$(.+?)\$\$|\$(.+?)\$|\\\[(.+?)\\\]|\\\((.+?)\\\)|`([^`]+)`", re.DOTALL)
# "$x = 2$ and $y = 3$", "$x > 3$ or $x < 1$"
_PART = r"\$\s*([a-z](?:_\{?\d\}?)?\s*(?:[=<>]|\\[lg])[^$,]+)\$"
_DISPLAYED_PARTS = re.compile(rf"{_PART}\s*(?:,?\s*(and|or)|,)\s*{_PART}")
_RELATION = re.compile(r"(?<![<>!\\])=(?!=)")
_INEQUALITY = re.compile(r"[<>]|\\(?:leq?|geq?|neq?|lt|gt|leqslant|geqslant|ne)(?![A-Za-z])")
_INEXACT = re.compile(r"\\(?:approx|sim|simeq|cong)(?![A-Za-z])|~")
_CONNECTIVE = re.compile(r"(?<![A-Za-z\\])(and|or)(?![A-Za-z])|\\(land|lor|wedge|vee)(?![A-Za-z])")
# an ellipsis, or a comma with nothing before or behind it
_BROKEN_OFF = re.compile(r"\.\.|[.,;:]\s*[,;]|[.,;]:")
_LOGIC = re.compile(r"\\(?:land|lor|wedge|vee)(?![A-Za-z])")
# "1st" is no product, and "1.000,5" is no list
_NO_FORMULA = re.compile(r"\d(?:st|nd|rd|th)(?![A-Za-z])|^\W*\d{1,3}(?:\.\d{3})+,\d+\W*$")
_DOLLARS = re.compile(r"\\\$\s*(\d[\d.,]*\d|\d)|^([^$]*)(?<!\\)\$\s*(\d[\d.,]*\d|\d)(?=[^$]*$)")
_UNIT_POWER = re.compile(r"(?<=[A-Za-z])\s*\$\s*(\^\s*\{?\d\}?)\s*\$")
_IN_ORDER = re.compile(
    r"\b(?:(?:next|first|last) (?:\w+ )?(?:terms|numbers)|(?:in|ascending|descending|increasing|decreasing) order"
    r"|(?:least|smallest|lowest|greatest|largest|highest) to|order of|sort|arrange)\b",
    re.IGNORECASE,
)
_BLANKS = re.compile(r"[^\S\n]+")
_BLANK_LINES = re.compile(r"[ \n]*\n[ \n]*")
_INLINE = re.compile(r"(?<!\\)\\[()]")
_POSSESSIVE = re.compile(r"(?<=[a-z]{2})['’]s\b")
_SPACED_EQUALS = re.compile(r"(?:\\[,;:! ]\s*)+(?==)|(?<==)(?:\s*\\[,;:! ])+")
_BRACED_LIST = re.compile(r"\{([^{}]*,[^{}]*)\}")
_INTEGRAL = re.compile(r"\\int(?![A-Za-z])")
_OF_INTEGRAL = re.compile(r"(?<![A-Za-z\\])d\s*(?:[a-z](?![A-Za-z])|\\[a-z]+)|\\mathrm\s*\{d\}")
_RATIO_IN_WORDS = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?) to (\d+(?:\.\d+)?)(?![\w])")
_BOTH_SIGNS = re.compile(r"\\(pm|mp)(?![A-Za-z])")
_BOX = "\x01"
_COMMAND = re.compile(r"\\([A-Za-z]+)")
COMMANDS = frozenset(
    "frac dfrac tfrac cfrac sqrt cdot times div pm mp le leq leqslant ge geq geqslant lt gt ne neq sin cos tan cot "
    "sec csc sinh cosh tanh arcsin arccos arctan log ln lg exp max min gcd lim pi infty left right big Big bigl bigr "
    "Bigl Bigr lfloor rfloor lceil rceil lvert rvert vert mid circ int sum prod binom dbinom tbinom to in notin cup "
    "cap setminus emptyset varnothing mathbb mathcal mathbf mathrm angle triangle overline bar text operatorname "
    "begin end quad qquad displaystyle limits land lor wedge vee neg lnot not prime perp parallel equiv pmod bmod mod "
    "det partial Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega alpha beta gamma delta epsilon varepsilon zeta "
    "eta theta iota kappa lambda mu nu xi rho sigma tau upsilon phi varphi chi psi omega langle rangle vec hat tilde "
    "dot ddot widehat overrightarrow coth sech csch sup inf ell Upsilon nabla cdots mathit mathsf boldsymbol".split()
)
"""LaTeX commands that are read; Math-Verify drops many that it does not know, such as `\\phantom{5}`."""


@dataclass(frozen=True)
class Piece:
    """One formula.

    Attributes:
        parts: what stands between its equals signs; one where it has none.
        unit: of a number, in one writing; "" without.
        may_lose_unit: whether the unit is known, or the question's, so that the number is the same without it.
        unit_is_letter: whether the unit is written as one letter, which could be a variable: "5 m", not "5 metres".
    """

    parts: tuple[str, ...]
    unit: str = ""
    may_lose_unit: bool = True
    unit_is_letter: bool = False


@dataclass(frozen=True)
class Formula:
    """What an answer or a ground truth says.

    Attributes:
        text: the formula without what stands round it.
        pieces: one, or several that "and", "or" or a comma joins.
        joined: "and", "or", "," or "" for one piece.
        is_ordered: whether the question asks for the pieces in an order.
    """

    text: str
    pieces: tuple[Piece, ...]
    joined: str = ""
    is_ordered: bool = False

    @property
    def has_inequality(self) -> bool:
        return _INEQUALITY.search(self.text) is not None

    @property
    def is_logic(self) -> bool:
        """Whether its pieces are joined by a sign of logic: "1 and 2" may be "1 or 2", p and q is not p or q."""
        return _LOGIC.search(self.text) is not None


@lru_cache(maxsize=16_384)
def read_formula(text: str, question: str = "") -> Formula | None:
    r"""The one formula in a text, or None when there is none, or one that cannot be told from its prose.

    Read are LaTeX, plain text and Unicode's signs; removed are display marks, code ticks, align blocks, one `\boxed{}`
    and the prose before and after, where each of its words is known to change nothing, or the question's. Other words
    ("not", "about", "half of") and unknown LaTeX commands leave nothing to read.

    >>> read_formula(r"Output 4: \[ \boxed{y = 2x + 1}. \]").pieces
    (Piece(parts=('y', '2x + 1'), unit='', may_lose_unit=True, unit_is_letter=False),)
    >>> read_formula("not 5") is None
    True
    """
    text = _BLANK_LINES.sub("\n", _BLANKS.sub(" ", text))  # long runs of them would cost their length squared
    text = _POSSESSIVE.sub("", _INLINE.sub("$", _SPACED_EQUALS.sub(" ", _without_blocks(text))))
    if "ratio" in question.casefold():
        text = _RATIO_IN_WORDS.sub(r"\1:\2", text)
    text = latex_signs(values_by_name(without_lead_in(text)))
    if (
        text is None
        or _BROKEN_OFF.search(text)
        or _NO_FORMULA.search(text)
        or (text := _displayed(text)) is None
        or (text := _unboxed(text, question)) is None
    ):
        return None
    text = re.sub(r"^[\s,;:]+(?:\.(?!\d))?|[\s.,;:]+$", "", text).removeprefix("=").strip()
    if text[:1] in ("'", '"') and text[:1] == text[-1:]:
        text = text[1:-1].strip()
    text = _BRACED_LIST.sub(r"\\{\1\\}", text) if _BRACED_LIST.fullmatch(text) else text
    if len(_INTEGRAL.findall(text)) > len(_OF_INTEGRAL.findall(text)):
        return None
    if text.endswith("=") or _INEXACT.search(text) or not re.search(r"\w", text):
        return None
    return None if any(name not in COMMANDS for name in _COMMAND.findall(text)) else _split(text, question)


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
    text = _UNIT_POWER.sub(r"\1", _DOLLARS.sub(r"\2 \1\3 dollars", text))
    text = _DISPLAYED_PARTS.sub(lambda both: f"${both[1]} {both[2] or ','} {both[3]}$", text)
    shown = [next(filter(None, found)).strip() for found in _DISPLAYED.findall(text)]
    if len(set(shown)) > 1:
        return None
    if shown:
        before, _, after = _DISPLAYED.sub("\x00", text).partition("\x00")
        outside = (before + ("" if _is_unit(after) else after)).replace("\x00", "")
        if re.search(r"[\d=\\^+*]", outside) and not re.search(r"=\s*$", before):
            before = re.sub(r"^\s*output\s*\d*\s*:", "", before, flags=re.IGNORECASE)
            if re.search(r"[\d=^+*]", before + after) or "\\" in re.sub(r"\\boxed|[{}]", "", before + after):
                return None
        text = f"{before} {shown[0]} {after}".replace("\x00", "")
    return text.replace("$", " ").replace("`", " ")


def _is_unit(text: str) -> bool:
    return split_unit(f"1 {text.strip(' .')}")[1] != ""


def _unboxed(text: str, question: str) -> str | None:
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
    bare = without_prose(text, question)
    if bare is None or not contents:
        return bare
    if re.fullmatch(rf"[\W_]*?{_BOX}[\W_]*", bare) and not re.search(rf"[-+*/^!%<>|~]|{_BOX}\s*'(?<!'{_BOX}')", bare):
        return without_prose(contents[0], question)
    name, equals, rest = bare.partition("=")
    if equals and rest.strip(" .") == _BOX:
        inner = without_prose(contents[0], question)
        return None if inner is None else f"{name}= {inner}"
    return bare.replace(_BOX, f"({contents[0]})")


def _closing_brace(text: str, start: int) -> int | None:
    depth = 1
    for place in range(start, len(text)):
        depth += (text[place] == "{") - (text[place] == "}")
        if depth == 0:
            return place
    return None


def _split(text: str, question: str) -> Formula | None:
    joins = {found[1] or {"land": "and", "wedge": "and"}.get(found[2], "or") for found in _CONNECTIVE.finditer(text)}
    if len(joins) > 1:
        return None
    written = _CONNECTIVE.sub(",", text) if joins else text
    parts = _outside_brackets(re.sub(r",\s*,", ",", written) if joins else written)
    pieces = list(map(str.strip, parts)) if parts else []
    if not pieces or not all(pieces):
        return None
    if len(pieces) == 1 and _BOTH_SIGNS.search(text) and not _INEQUALITY.search(text):
        joins, pieces = {"or"}, _with_either_sign(text)
    joined = "" if len(pieces) == 1 else (joins.pop() if joins else ",")
    in_order = len(pieces) > 1 and _IN_ORDER.search(question) is not None
    return Formula(text, tuple(_piece(piece, question) for piece in pieces), joined, in_order)


def _with_either_sign(text: str) -> list[str]:
    r"""A formula with \pm as two, \mp with the other signs."""
    signs = ({"pm": "+", "mp": "-"}, {"pm": "-", "mp": "+"})
    return [_BOTH_SIGNS.sub(lambda found, sign=sign: sign[found[1]], text) for sign in signs]


def _outside_brackets(text: str) -> list[str] | None:
    """The text split at the commas, semicolons and line breaks in no bracket; None where one is not closed."""
    parts, depth, start = [], 0, 0
    for place, sign in enumerate(text):
        depth += (sign in "([{") - (sign in ")]}")
        if sign == "\\":
            depth += text.startswith("\\begin{", place) - text.startswith("\\end{", place)
        if depth == 0 and sign in ",;\n" and text[place - 1 : place] != "\\":
            parts.append(text[start:place])
            start = place + 1
        if depth < 0:
            return None
    return [*parts, text[start:]] if depth == 0 else None


def _piece(text: str, question: str) -> Piece:
    *left, last = _RELATION.split(text)
    number, unit = split_any_unit(last.strip())
    parts = (*(_as_numbers(part.strip()) for part in left), _as_numbers(number).strip())
    asked = asked_unit(question) if unit else None
    if asked or (unit and asks_for_percent(question)):
        return Piece(parts, unit, unit == asked or (unit == "degree" and asked in ("celsius", "fahrenheit")))
    is_of_it = is_unit_of_what_is_asked(unit, question) if unit else None
    is_letter = len(last.strip()[len(number) :].strip("\\,;:! ")) == 1 and not is_of_it
    may_lose_unit = not unit or (is_of_it is not False and may_be_left_out(unit, question))
    return Piece(parts, unit, may_lose_unit, is_letter)


def _as_numbers(text: str) -> str:
    return degrees_as_radians(_percent_as_number(text))


def _percent_as_number(text: str) -> str:
    """`5%` as 5/100: Math-Verify says that 5 and 5% are the same."""
    number = text.rstrip().removesuffix("%").removesuffix("\\").rstrip()
    return rf"\frac{{{number}}}{{100}}" if text.rstrip().endswith("%") and is_numeric(number) else text
