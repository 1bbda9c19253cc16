"""Texts cut into phrases: some words, and the word that links them to what stands before."""

import re
from dataclasses import dataclass

_SIDE_OF = re.compile(r"\b(?:(?:to|on|at) the )?(left|right) of\b")
_TOKEN = re.compile(r"(?:left|right)_of|\d+(?:[.,]\d+)*|[^\W\d_]+(?:['’][^\W\d_]+)?|[^\s\w]|_")
_BREAKS = frozenset(",.;:()=!?[]\"'")
_ARTICLES = frozenset("the a an this these those".split())
_VERBS = frozenset(
    "there is are was were be been do does did has have had can could will would should equal equals".split()
)
"""Words that end a phrase and begin one without a link: what a verb says is said of the subject."""
PLACES = frozenset("on in under behind above below over to inside outside around left_of right_of".split())
_LINKS = PLACES | frozenset(
    "of with at near beside between among by from for into than through during before after when "
    "while if where as without".split()
)
_PARTICIPLE = re.compile(r"(?!thing$|something$|anything$|bounding$)[a-z]{2,}ing")
"""A link too, where it stands behind a thing or a verb: "the girl holding an umbrella"."""
_NEGATIONS = frozenset("not never don't doesn't didn't isn't aren't wasn't weren't can't cannot".split())
_RELATIVE = frozenset("who that which".split())
JOINTS = frozenset({"and", "or"})
ASKING = frozenset(
    "find calculate determine compute evaluate factor simplify expand how many much what what's which who whose where "
    "where's there it one that long wide tall high deep old".split()
)
"""Words of a question that only ask."""
_SHOWN = frozenset("picture image photo figure scene diagram graph chart plot".split())
_WRITINGS = {
    "colour": "color", "grey": "gray", "people": "person", "men": "man", "women": "woman", "children": "child",
    "feet": "foot", "bike": "bicycle", "centre": "center", "leaves": "leaf", "has": "have",
}  # fmt: skip


@dataclass(frozen=True)
class Phrase:
    """Some words, in one writing, and the word that links them to what stands before; "" for what has none."""

    link: str
    words: tuple[str, ...]


def one_writing(word: str) -> str:
    """A word in small letters and the singular, of two spellings always the same one.

    >>> one_writing("Colours"), one_writing("boxes"), one_writing("dog's")
    ('color', 'box', 'dog')
    """
    word = word.casefold().replace("’", "'").removesuffix("'s")
    word = _WRITINGS.get(word, word)
    if word.endswith("ies") and len(word) > 4:
        word = f"{word[:-3]}y"
    elif word.endswith(("xes", "ches", "shes", "sses")):
        word = word[:-2]
    elif len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    return _WRITINGS.get(word, word)


def phrases_of(text: str, ignored: frozenset[str] = frozenset()) -> list[Phrase]:
    """The phrases of a text; "in the picture" is none, and of the others some words may be ignored.

    Args:
        ignored: words that are left out of phrases without a link, and of those with "of".

    >>> [(phrase.link, *phrase.words) for phrase in phrases_of("the girls who are not wearing red hats")]
    [('', 'girl'), ('without', 'red', 'hat')]
    """
    cutter = _Cutter(ignored)
    plain = text.casefold().replace("’", "'").replace("next to ", "beside ")
    for token in _TOKEN.findall(_SIDE_OF.sub(r" \1_of ", plain)):
        cutter.take(token)
        cutter.before = token
    return cutter.phrases()


class _Cutter:
    """Takes the tokens of a text one by one, and makes phrases of them."""

    def __init__(self, ignored: frozenset[str]) -> None:
        self.ignored = ignored
        self.before = ""
        self._link, self._words = "", []
        self._found: list[Phrase] = []

    def take(self, token: str) -> None:
        if token in _NEGATIONS:
            self._begin("not")
        elif token in _ARTICLES:
            if self._words:
                self._begin("the")
        elif self._is_ignored(token):
            pass
        elif token in _LINKS or (_PARTICIPLE.fullmatch(token) and self._is_behind_a_thing()):
            self._begin(token)
        elif token in _BREAKS or token in _VERBS:
            if token == ";" and self._link and not self._words:  # what stands behind is not what it links
                self._found.append(Phrase(self._link, ()))
                self._link = ""
            elif self._words or not self._link:
                self._begin("")
        elif token not in _RELATIVE:
            if token.endswith("ed") and len(token) > 4 and self._words:  # "the cars parked", "students scored"
                self._begin("")
            self._words.append(one_writing(token))

    def _is_ignored(self, token: str) -> bool:
        if token not in self.ignored or self._link not in ("", "of"):
            return False
        return token in ASKING or not (token in _LINKS or token in _VERBS or token in JOINTS)

    def _is_behind_a_thing(self) -> bool:
        return bool(self._words) or self.before in _VERBS or self.before in _NEGATIONS

    def _begin(self, link: str) -> None:
        """Ends the phrase, and begins one with this link; a negation without words goes over to it."""
        words = self._words[1:] if self._words[:1] == ["and"] else self._words
        if len(words) > 1 and words[-1] in JOINTS:
            words = words[:-1]
        if words or self._link not in ("", "not"):
            self._found.append(Phrase(self._link, tuple(words)))
            self._link = ""
        self._link, self._words = f"not {link}".strip() if self._link == "not" else link, []

    def phrases(self) -> list[Phrase]:
        if self._link == "not" and not self._words:
            self._found.append(Phrase("not", ()))
        self._begin("")
        return [_as_without(phrase) for phrase in self._found if not _is_of_the_picture(phrase)]


def _is_of_the_picture(phrase: Phrase) -> bool:
    return phrase.link in ("in", "from", "of") and bool(phrase.words) and _SHOWN.issuperset(phrase.words)


def _as_without(phrase: Phrase) -> Phrase:
    return Phrase("without", phrase.words) if phrase.link in ("not wearing", "not having") else phrase
