"""Whether words say again what a question asks for: its subject, and whole phrases of what it says of that.

"The cup left of the plate" may say again "Where is the red cup to the left of the plate?", while the plate is another
thing, and "the cup right of the plate" another cup. So a text is cut into phrases, each with the word that links it to
the one before ("of the plate"), and a phrase of an answer must be one of the question's, with the same link.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from .neutral_words import LOOKS

_SIDE_OF = re.compile(r"\b(?:(?:to|on|at) the )?(left|right) of\b")
_TOKEN = re.compile(r"(?:left|right)_of|\d+(?:[.,]\d+)*|[^\W\d_]+(?:['’][^\W\d_]+)?|[^\s\w]|_")
_BREAKS = frozenset(",.;:()=!?[]\"'")
_ARTICLES = frozenset("the a an this these those".split())
_VERBS = frozenset("there is are was were be been do does did has have had can could will would should equal equals".split())
_LINKS = frozenset(
    "of on in at under behind near beside next above below over between among by from for to into than inside outside "
    "left_of right_of around through during before after when while if where as without".split()
)
_NEGATIONS = frozenset("not never don't doesn't didn't isn't aren't wasn't weren't can't cannot".split())
_NEAR = frozenset("near beside next by at".split())
_PLACES = _NEAR | frozenset("on in under behind above below over to inside outside around".split())
_ALIKE = ((_NEAR, _PLACES), (frozenset({"in", "on"}), frozenset({"in", "on", "at"})))
"""Links of an answer, and those of a question that they may stand for."""
_OPEN = frozenset("in on at to of by from for".split())
_COMPARED = frozenset({"more", "fewer", "less"})
_JOINTS = frozenset({"and", "or"})
_ASKING = frozenset(
    "find calculate determine compute evaluate factor simplify expand how many much what what's which who whose where where's there it one that long wide tall high deep old".split()
)
_SHOWN = frozenset("picture image photo figure scene diagram graph chart plot".split())
_WRITINGS = {
    "colour": "color", "grey": "gray", "people": "person", "men": "man", "women": "woman", "children": "child",
    "feet": "foot", "bike": "bicycle", "centre": "center", "leaves": "leaf", "has": "have",
}  # fmt: skip
MAX_PHRASES = 12
"""Phrases of an answer; one with more is reasoning."""
_ENDS_ASKING = re.compile(r"\?\s*$")
_STARTS_ASKING = re.compile(r"\b(?:find|calculate|determine|compute|what|which|how|where|who)\b", re.IGNORECASE)
_PARTICIPLE = re.compile(r"(?!thing$|something$|anything$|bounding$)[a-z]{2,}ing")
_SENTENCE = re.compile(r"(?<=[.?!])\s+|\n+")


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
    """The phrases of a text; of those without a link, the words that are ignored are left out.

    >>> [(phrase.link, *phrase.words) for phrase in phrases_of("the girls who are not wearing red hats")]
    [('', 'girl'), ('without', 'red', 'hat')]
    """
    found: list[Phrase] = []
    link, words, before = "", [], ""

    def close(next_link: str) -> None:
        nonlocal link, words
        if words[:1] == ["and"]:
            words = words[1:]
        if len(words) > 1 and words[-1] in _JOINTS:
            words = words[:-1]
        if words or link not in ("", "not"):
            found.append(Phrase(link, tuple(words)))
            link = ""
        link, words = (f"{link} {next_link}".strip() if link == "not" else next_link), []

    for token in _TOKEN.findall(_SIDE_OF.sub(r" \1_of ", text.casefold().replace("’", "'"))):
        is_ignored = token in ignored and link in ("", "of")
        if token in _NEGATIONS:
            close("not")
        elif token in _ARTICLES:
            if words:
                close("the")
        elif is_ignored and (token in _ASKING or not (token in _LINKS or token in _VERBS or token in _JOINTS)):
            pass
        elif token in _LINKS or (_PARTICIPLE.fullmatch(token) and (words or link or before in _VERBS)):
            close(token)
        elif token in _BREAKS or token in _VERBS:
            if token == ";" and link and not words:  # nothing that the text has here belongs to the link
                found.append(Phrase(link, ()))
                link = ""
            elif words or not link:
                close("")
        elif token.endswith("ed") and len(token) > 4 and words:
            close("")
            words.append(one_writing(token))
        elif token not in ("who", "that", "which", "with"):
            words.append(one_writing(token))
        before = token
    if link == "not" and not words:
        found.append(Phrase("not", ()))
    close("")
    return [_as_without(phrase) for phrase in found if not (phrase.link in ("in", "from", "of") and _is_shown(phrase))]


def _is_shown(phrase: Phrase) -> bool:
    return bool(phrase.words) and _SHOWN.issuperset(phrase.words)


def _as_without(phrase: Phrase) -> Phrase:
    return Phrase("without", phrase.words) if phrase.link in ("not wearing", "not having") else phrase


@lru_cache(maxsize=4096)
def asked_phrases(asked: str) -> tuple[Phrase, ...]:
    """The phrases of what a question asks for, without the words that ask.

    >>> [(phrase.link, *phrase.words) for phrase in asked_phrases("How many red apples are on the table?")]
    [('', 'red', 'apple'), ('on', 'table')]
    """
    return tuple(phrases_of(asked, _ASKING))


@lru_cache(maxsize=4096)
def asking_sentence(question: str) -> str:
    """The last sentence of a question that asks, or its last one."""
    sentences = [sentence for sentence in _SENTENCE.split(question) if sentence.strip()]
    for form in (_ENDS_ASKING, _STARTS_ASKING):
        if asking := [sentence for sentence in sentences if form.search(sentence)]:
            return asking[-1]
    return "".join(sentences[-1:])


def restates(said: list[Phrase], asked: tuple[Phrase, ...], *, first_alone: bool = False, in_part: bool = False) -> bool:
    """Whether each phrase said is one of those asked for: with its link, its last word and no other words.

    What has no link is the subject: the first phrase asked for, those that hang on it with "of", and what a verb says
    of it ("Which country had the lowest GDP"). A phrase with "of" belongs to the one before it.

    Args:
        first_alone: whether the first phrase alone may be the subject: of "the cat's tail" and "the tail of the cat"
            the tail.
        in_part: whether a subject may be cut short: "sales" for "sales highest".

    >>> asked = asked_phrases("Where is the cup to the left of the blue plate?")
    >>> [restates(phrases_of(text), asked) for text in ("the cup", "the plate", "the cup left of the plate")]
    [True, False, False]
    """
    said = [phrase for phrase in said if phrase.words or phrase.link != "of"]
    if not asked or len(said) > MAX_PHRASES:
        return not said
    chain = next((k for k in range(1, len(asked)) if asked[k].link != "of"), len(asked))
    subjects = [*asked[:chain], *(phrase for phrase in asked[chain:] if not phrase.link)]
    place = -1
    for phrase in said:
        is_first = phrase is said[0]
        found = [k for k, other in enumerate(asked) if _is_same(phrase, other)]
        if is_first and first_alone and not phrase.link:
            found = [k for k in found if k == 0]
        elif phrase.link == "of":
            found = [k for k in found if k < chain or k == place + 1]
            found = found or [k for k, other in enumerate(asked) if other in subjects and other.words == phrase.words]
        if found:
            place = found[0]
        elif phrase.link in ("", "the") or (phrase.link == "of" and is_first):
            may_be = subjects[:1] if is_first and first_alone else subjects
            if not _is_subject(phrase.words, may_be, subjects, in_part):
                return False
            place = 0
        else:
            return False
    return True


def _is_subject(said: tuple[str, ...], subjects: list[Phrase], all_subjects: list[Phrase], in_part: bool) -> bool:
    """Whether words are of the subjects and end like one, or in part: "cat's tail" for "the tail of the cat"."""
    if any(_is_part(said, phrase.words) for phrase in subjects):
        return True
    words = {word for phrase in all_subjects if not _is_joined(phrase.words) for word in phrase.words}
    if len(set(said)) < len(said) or not set(said).issuperset(_COMPARED & words):
        return False
    is_end = said[-1:] in [phrase.words[-1:] for phrase in subjects if phrase.words]
    return words.issuperset(said) and (in_part or is_end)


def _is_same(said: Phrase, asked: Phrase) -> bool:
    is_link = said.link == asked.link or any(said.link in some and asked.link in others for some, others in _ALIKE)
    is_open = not said.words and (said.link in _OPEN or said.link.endswith("ing"))
    return is_link and (is_open or (bool(said.words) and _is_part(said.words, asked.words)))


def _is_part(said: tuple[str, ...], asked: tuple[str, ...]) -> bool:
    """Whether words say a phrase again, perhaps in fewer words; of two things that "or" joins, both must be said."""
    if said == asked:
        return True
    if _is_joined(asked):
        joint = next(place for place, word in enumerate(asked) if word in _JOINTS)
        return LOOKS.issuperset(asked[:joint]) and said == asked[-1:]
    if said == asked[:1] and said[0] in _COMPARED:
        return True
    if not said or len(set(said)) < len(said) or not set(asked).issuperset(said) or not set(said).issuperset(_COMPARED & set(asked)):
        return False
    return said[-1:] == asked[-1:] or LOOKS.issuperset(said)


def _is_joined(words: tuple[str, ...]) -> bool:
    return not _JOINTS.isdisjoint(words)
