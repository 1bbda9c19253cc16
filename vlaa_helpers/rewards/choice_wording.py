"""Wordings of a sentence that answers which say the same, brought to the one that is read: "x is …"."""

import re
from functools import lru_cache

from .hedges import is_negated
from .neutral_words import words_of
from .options import Options
from .restatement import asking_sentence

_FIGURE = (
    r"(?:(?:sub)?figure|(?:sub)?fig\.|subplot|panel|image|picture|photo|diagram|graph|chart|plot|map|table|page"
    r"|document)"
)
_SHOWS = (
    r"(?:shows?|depicts?|displays?|illustrates?|indicates?|suggests?|presents?|reveals?|states?|says?|mentions?|lists?"
    r"|uses?)"
)
_SHOWN = r"(?:shown|seen|depicted|displayed|illustrated|presented|observed|visible|plotted|given|used|located|found)"
_NAMED = re.compile(r"\b([A-Za-z]{3,}\.?)\s+(?:\(([A-Za-z])\)|([A-Z])\b|([b-hj-z])\b)(?!['’])")
_NO_NAME = frozenset(
    "option answer choice letter the and are was were is or for with that this between from into than both when "
    "find".split()
)
_LEAD = re.compile(
    rf"^(?:the |this )?(?:(?:given|provided|pie|bar|line|scatter|box) )?{_FIGURE}\w?,? (?:\w+ly )?{_SHOWS}(?: that)?\s+"
    r"(?=\S)",
    re.IGNORECASE,
)
_TAIL = re.compile(rf"\s+(?:is|are) {_SHOWN}(?: (?:in|on|by) (?:the |this )?{_FIGURE}\w?)?[.]?$", re.IGNORECASE)
_ABOUT = re.compile(
    r"(?:\b(?:approximately|approx\.?|about|around|roughly|close to)|[~≈])\s*(?=(?:[a-z]{3,} )?[-+$]?\d)", re.IGNORECASE
)
_MARK = r"(?:bar|column|slice|segment|sector|portion|section|wedge|point|peak|line|curve|bubble|share|value|score)s?"
_MOST = r"tallest|highest|longest|largest|biggest|greatest|most|maximum"
_LEAST = r"shortest|smallest|lowest|least|fewest|minimum"
_MARK_IS = re.compile(
    rf"^(?:the )?{_MARK} (?:for|of|representing|labell?ed|corresponding to|belonging to|showing) (?:the )?"
    rf"(?P<which>.+?)"
    rf" (?:is|are|was|were|reaches|stands) (?:by far )?(?:the )?(?P<end>{_MOST}|{_LEAST})\b",
    re.IGNORECASE,
)
_HAS_MARK = re.compile(
    rf"^(?:the )?(?P<which>.+?) (?:has|have|had|shows|occupies|takes up) (?:by far )?the (?P<end>{_MOST}|{_LEAST})"
    rf" {_MARK}\b",
    re.IGNORECASE,
)
_DERIVED = re.compile(
    r"\b(?:increase|decrease|difference|change|growth|drop|decline|gap|variation|rate|slope|range|ratio|gain|loss)\b",
    re.I,
)
_AMONG = re.compile(r"\b(?:after|except|but|besides|apart|other|remaining|before|if|until|behind)\b", re.IGNORECASE)
_IS_EXACT = re.compile(r"\b(?:find|calculate|solve|angle|triangle|circle|equation)\b|∠", re.IGNORECASE)
"""What a question of geometry or algebra has: of such a value "about" tells nothing, while a chart is read so."""
_CHAIN = re.compile(r"([^=]*?)\s*(?:=|\b(?:is|are)\b)([^=,;]*=)+(?=[^=]*$)")
_TERM = re.compile(r"\\?(?:sin|cos|tan|sqrt|frac|cdot|times|div|pi|angle|circ|cm|mm|km|[a-z])(?![a-z])|\b[A-Z]{1,4}\b")
_IS_BY = re.compile(
    r"\s*\b(?:is|are|was|were|has been|have been)?\s*(?:best |most likely |clearly )?(?:achieved|obtained|attained"
    r"|reached|held|represented|indicated|shown|denoted|marked|reported|recorded|given|seen|observed|found|depicted|described"
    r"|matched|used)\s+(?:by|for|with|in|at|as|to be)\s*(?=(?:the )?$)"
)
MEASURES = {
    "high": "height", "tall": "height", "long": "length", "wide": "width", "deep": "depth", "old": "age",
    "far": "distance",
}  # fmt: skip
"""What is measured, by the word that asks how much of it there is."""
_MEASURED = re.compile(r"\b(?:with |at )?an? (\w+) of\s*$")
LIGHT = re.compile(
    rf"\b(?:labell?ed|marked)(?: (?:as|with))?\b|\b(?:type|kind|sort)s? of\b|\bin (?:total|all)\b|\baltogether\b"
    rf"|(?<!\bnot )\b{_SHOWN}\b"
    r"|\b(?:clearly|generally|overall|mainly|primarily|consistently|typically|evidently|indeed)\b"
    r"|\bused (?=to\b)|\bserves? (?=to\b)"
)
"""Words that may stand in an answer or a question and change neither."""
_SAYS = re.compile(r"(.*?)\s+(?:says?|reads?|said)\s*$")
_PASSIVE = re.compile(r"(.*?)\s*\b(?:is|are|was|were|has been|have been)\s+(\w{2,})(?:\s+(by|to|from)(?:\s+the)?)?\s*$")
_BELONGS = re.compile(r"\bbelongs? to\s*(?:the\s*)?$")
_AUTHOR = re.compile(r"\bthe (?:author|writer) of\b")
_IS_READ = re.compile(r"\b(?:written|says?|reads?|text|word|name|title)\b")
_CONTAINS = re.compile(r"(.*?) contains?\s*(?:an?\s*|the\s*)?$")
_NOUNS = {"entitled": "title", "called": "name", "labelled": "label", "labeled": "label"}
_ROOTS = {"sent": "sen", "written": "wr", "made": "ma", "taken": "ta", "won": "w", "drawn": "dr", "built": "buil",
          "given": "g", "held": "h", "sold": "s", "addressed": "recip", "received": "recip"}  # fmt: skip
_DOER = re.compile(r"\b(?:who|which(?: \w+){1,3}?|what(?: \w+){0,2}?)\s+(\w+)", re.IGNORECASE)


def in_one_wording(text: str, options: Options) -> str:
    """A clause without what shows it, and with its formula's last value alone: "The graph shows that x = 2 + 3 = 5".

    A value is brought so where all options are values.
    """
    text = with_names(text, options.stem)
    asked = asking_sentence(options.stem)
    text = _by_its_mark(text, asked)
    about_figure = re.search(rf"{_FIGURE}|{_SHOWS}|{_SHOWN}|represent", asked, re.IGNORECASE) is not None
    for form in (_LEAD, _TAIL) if not is_negated(asked) else ():
        rest = form.sub("", text, count=1)
        if rest != text and about_figure:
            text = f"it is {rest}" if form is _LEAD else rest
        elif rest != text and options.named_by(rest) is None:
            text = rest
    if all(re.search(r"[\dπ]", value) and "=" not in value for value in options.letters):
        if not _IS_EXACT.search(asked):
            text = _ABOUT.sub("", text).replace("≈", "=")
        text = _last_value(text, asked)
    return text


def _by_its_mark(text: str, asked: str) -> str:
    """ "It is X" for "the bar for X is the tallest", where the question asks for what has the most."""
    found = _MARK_IS.match(text) or _HAS_MARK.match(text)
    if not found or _DERIVED.search(asked) or _AMONG.search(text[found.end() :]):
        return text
    ends = [re.search(rf"\b(?:{words})\b", asked, re.IGNORECASE) for words in (_MOST, _LEAST)]
    is_least = re.fullmatch(_LEAST, found["end"], re.IGNORECASE) is not None
    return f"it is {found['which']}" if ends[is_least] and not ends[not is_least] else text


def is_named_figure(words: tuple[str, ...]) -> bool:
    """Whether a phrase is a part of the figure that is named with a letter, as `with_names` writes it."""
    return len(words) == 1 and re.fullmatch(rf"{_FIGURE}[a-z]", words[0]) is not None


def _last_value(text: str, asked: str) -> str:
    """A formula's last value, alone where its left side is what is asked for: "h = 48/8 = 6" of a height is "6"."""
    chain = _CHAIN.match(text)
    if chain and not re.search(r"[a-z]{2,}", _TERM.sub("", text[chain.end(1) : chain.end()])):
        text = f"{chain[1]} = {text[chain.end() :].strip()}"
    subject, sign, value = text.partition("=")
    if sign and re.search(r"\S [-+×·*/÷] \S", subject) and subject.strip() in asked:
        return value
    is_letter = re.fullmatch(r"\s*[a-zA-Z]\s*", subject) and subject.strip() not in re.findall(r"\b[a-zA-Z]\b", asked)
    return value if sign and is_letter and _names_a_word(subject.strip(), asked) else text


def _names_a_word(letter: str, asked: str) -> bool:
    """Whether a letter is the usual one of what is asked for: h of a height, S of an area."""
    initials = {word[0] for word in words_of(asked) if len(word) > 3} | ({"s"} if "area" in asked.casefold() else set())
    return letter.casefold() in initials


def with_names(text: str, stem: str) -> str:
    """A text in which what the question names with a letter is one word: "panel (c)", where the question has it."""
    names = _names_in(stem)
    return _NAMED.sub(lambda found: _name(found) if _key(found) in names else found[0], text) if names else text


@lru_cache(maxsize=4096)
def _names_in(stem: str) -> frozenset[tuple[str, str]]:
    return frozenset(_key(found) for found in _NAMED.finditer(stem) if found[1].casefold() not in _NO_NAME)


def _key(found: re.Match) -> tuple[str, str]:
    noun = found[1].casefold().removesuffix(".").removeprefix("sub")
    return "figure" if noun == "fig" else noun, (found[2] or found[3] or found[4]).casefold()


def _name(found: re.Match) -> str:
    return "".join(_key(found))


def before_an_option(before: str, asked: str) -> str:
    """The words before an option with their verb brought to "is": "is achieved by", "was signed by", "was sent by"."""
    if (measured := _MEASURED.search(before)) and (
        re.search(rf"\b{measured[1]}\b", asked, re.IGNORECASE)
        or any(noun == measured[1] and re.search(rf"\b{how}\b", asked) for how, noun in MEASURES.items())
    ):
        before = before[: measured.start()]
    before = _CONTAINS.sub(r"in \1 is ", _BELONGS.sub("is ", before))
    if "wrote" in asked:
        before = _AUTHOR.sub("wrote", before)
    if (says := _SAYS.match(before)) and _IS_READ.search(asked):
        return f"on {says[1]} is"
    if (passive := _PASSIVE.match(before)) and (active := _active(passive, asked)):
        return active
    return LIGHT.sub(" ", _IS_BY.sub(" is ", before))


def _active(passive: re.Match, asked: str) -> str | None:
    """What the question asks for, when it asks who did what the passive says: "signed the letter"."""
    thing, verb, link = passive.groups()
    if not link and (verb.endswith("ed") or verb in _NOUNS):
        noun = _NOUNS.get(verb, verb.removesuffix("d"))
        return f"the {noun} of {thing} is" if re.search(rf"\b{noun}\b", asked, re.IGNORECASE) else None
    root = _ROOTS.get(verb, verb.removesuffix("ed"))
    doer = _DOER.search(asked)
    if link == "by" and doer and doer[1].casefold().startswith(root):
        return f"{doer[1]} {thing}"
    agent = re.search(rf"\b{re.escape(root)}\w*(?:er|or|ient)\b", asked, re.IGNORECASE) or (
        re.search(r"\bauthor\b", asked, re.IGNORECASE) if verb == "written" else None
    )
    is_goal = link == "to"
    if agent and is_goal == agent[0].casefold().startswith("recip"):
        return f"the {agent[0]} of {thing} is"
    return None
