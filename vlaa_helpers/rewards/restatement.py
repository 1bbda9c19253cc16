"""Whether words say again what a question asks for: its subject, and whole phrases of what it says of that.

"The cup left of the plate" may say again "Where is the red cup to the left of the plate?", while the plate is another
thing, and "the cup right of the plate" another cup. So both are cut into phrases, and a phrase of an answer must be one
of the question's, with the same link to what stands before it.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from itertools import accumulate

from .neutral_words import LOOKS
from .phrases import ASKING, JOINTS, PLACES, Phrase, phrases_of

_NEAR = frozenset("near beside by at".split())
_ALIKE = (
    (_NEAR - {"beside"}, PLACES | _NEAR),
    (frozenset({"beside"}), _NEAR | {"left_of", "right_of"}),
    (frozenset({"in", "on"}), frozenset({"in", "on", "at"})),
)
"""Links of an answer, and those of a question that they may stand for."""
_OPEN = frozenset("in on at to of by from for".split())
"""Links that an answer may leave open, where its value follows: "The arrow points to" the heart."""
_COMPARED = frozenset({"more", "fewer", "less"})
_ENDS_ASKING = re.compile(r"\?\s*$")
_BLANK = re.compile(r"(?:\(\s*\)|_{2,})\s*[.?°]?\s*$")
_STARTS_ASKING = re.compile(r"\b(?:find|calculate|determine|compute|what|which|how|where|who)\b", re.IGNORECASE)
_HEADING = re.compile(r"\W*(?:answer )?(?:choices|options|alternatives)\W*", re.IGNORECASE)
_SENTENCE = re.compile(r"(?<=[.?!])(?<!\bFig\.)(?<!\bEq\.)(?<!\bDr\.)(?<!\bMr\.)(?<!\bvs\.)\s+|\n+")
MAX_PHRASES = 12
"""Phrases of an answer; one with more is reasoning."""


@lru_cache(maxsize=4096)
def asked_phrases(asked: str) -> tuple[Phrase, ...]:
    """The phrases of what a question asks for, without the words that ask.

    >>> [(phrase.link, *phrase.words) for phrase in asked_phrases("How many red apples are on the table?")]
    [('', 'red', 'apple'), ('on', 'table')]
    """
    return tuple(phrases_of(asked, ASKING))


@lru_cache(maxsize=4096)
def asking_sentence(question: str) -> str:
    """The last sentence of a question that asks, or its last one; "Choices:" is none.

    >>> asking_sentence("AB is 5. If BC is 3, then AC is ( )\\nChoices:")
    'If BC is 3, then AC is ( )'
    """
    sentences = [part for part in _SENTENCE.split(question) if part.strip() and not _HEADING.fullmatch(part)]
    for form in (_ENDS_ASKING, _BLANK, _STARTS_ASKING):
        if asking := [sentence for sentence in sentences if form.search(sentence)]:
            return asking[-1]
    return "".join(sentences[-1:])


def restates(
    said: list[Phrase], asked: tuple[Phrase, ...], *, first_alone: bool = False, in_part: bool = False
) -> bool:
    """Whether each phrase said is one of those asked for: with its link, its last word and no other words.

    What has no link is the subject: the first phrase asked for, those that hang on it with "of", and what a verb says
    of it ("Which country had the lowest GDP"). A phrase with "of" belongs to the one before it.

    Args:
        first_alone: whether the first phrase alone may be the subject: of "the cat's tail" and "the tail of the cat"
            the tail.
        in_part: whether a subject may be cut short: "sales" for "sales highest".

    >>> asked = asked_phrases("Where is the cup to the left of the blue plate?")
    >>> [restates(phrases_of(text), asked) for text in ("the cup", "the plate", "the cup left of the plate")]
    [True, False, True]
    """
    said = [phrase for phrase in said if phrase.words or phrase.link != "of"]
    if not asked or len(said) > MAX_PHRASES:
        return not said
    chain = next((k for k in range(1, len(asked)) if asked[k].link != "of"), len(asked))
    subjects = [*asked[:chain], *(phrase for phrase in asked[chain:] if not phrase.link)]
    place = -1
    for phrase in said:
        may_be = subjects[:1] if first_alone and phrase is said[0] else subjects
        found = [k for k, other in enumerate(asked) if _is_same(phrase, other)]
        if phrase.link == "of":
            found = [k for k in found if k < chain or k == place + 1]
            found = found or [k for k, other in enumerate(asked) if other in subjects and other.words == phrase.words]
        elif not phrase.link:
            found = [k for k in found if asked[k] in may_be]
        if not found and (phrase.link in ("", "the", "with") or (phrase.link == "of" and phrase is said[0])):
            found = [0] if _is_subject(phrase.words, may_be, subjects, in_part) else []
        if not found:
            return False
        place = found[0]
    return True


def says_in_order(said: list[Phrase], asked: tuple[Phrase, ...]) -> bool:
    """Whether each phrase said stands in the question word by word, the verbs with or without their endings.

    The first is a subject of the question, one with a link begins where the question has that link.

    >>> asked = asked_phrases("Which key in the file stores the name?")
    >>> [says_in_order(phrases_of(text), asked) for text in ("the key stores the name", "the name stores the key")]
    [True, False]
    """
    asked, said = [_with_participle(phrase) for phrase in asked], [_with_participle(phrase) for phrase in said]
    words = [_root(word) for phrase in asked for word in phrase.words]
    links = [phrase.link for phrase in asked for _ in phrase.words]
    starts = list(accumulate((len(phrase.words) for phrase in asked), initial=0))
    end = 0
    for place, phrase in enumerate(said[:MAX_PHRASES]):
        if not phrase.words and not phrase.link.startswith("not") and phrase.link in {other.link for other in asked}:
            continue
        roots = [_root(word) for word in phrase.words]
        at = [k for k in range(len(words)) if roots and _stands_at(k, roots, words, starts, links)]
        if place == 0 or phrase.link not in ("", "the"):
            is_done = place == 0 and said[1:2] and said[1].words[-1:] and said[1].words[-1].endswith("ed")
            is_subject = phrase.link in ("", "the") or (phrase.link == "of" and place == 0)
            may_be = ("", "the") if is_done else ("",) if is_subject else (phrase.link,)
            at = [k for k in at if k in starts and links[k] in may_be]
            if phrase.link == "of" and place:
                at = [k for k in at if k == end]
        if not at:
            return False
        end = at[0] + len(roots)
    return bool(said) and len(said) <= MAX_PHRASES


def _with_participle(phrase: Phrase) -> Phrase:
    """A phrase whose participle is one of its words: "increasing the rate"."""
    return Phrase("", (phrase.link, *phrase.words)) if phrase.link.endswith("ing") else phrase


def _stands_at(place: int, said: list[str], words: list[str], starts: list[int], links: list[str]) -> bool:
    """Whether words stand at a place of the question, perhaps without what is linked in between: "people wear hats"
    of "people in the room wear hats"."""
    for count, word in enumerate(said):
        if count and place in starts and links[place : place + 1] not in ([], [""]) and words[place] != word:
            while place < len(words) and words[place] != word and (place not in starts or links[place] != ""):
                place += 1
        if words[place : place + 1] != [word]:
            return False
        place += 1
    return True


def _root(word: str) -> str:
    root = re.sub(r"(?:ing|ed|es|s|e)$", "", word)
    return root if len(root) > 2 else word


def _is_subject(said: tuple[str, ...], subjects: list[Phrase], all_subjects: list[Phrase], in_part: bool) -> bool:
    """Whether words are of the subjects and end like one, or in part: "cat's tail" for "the tail of the cat"."""
    if any(_is_part(said, phrase.words) for phrase in subjects):
        return True
    words = {word for phrase in all_subjects if not _is_joined(phrase.words) for word in phrase.words}
    is_end = said[-1:] in [phrase.words[-1:] for phrase in subjects if phrase.words]
    return words.issuperset(said) and _is_compared_alike(said, words) and (in_part or is_end)


def _is_same(said: Phrase, asked: Phrase) -> bool:
    is_link = said.link == asked.link or any(said.link in some and asked.link in others for some, others in _ALIKE)
    is_open = not said.words and (said.link in _OPEN or said.link.endswith("ing"))
    return is_link and (is_open or (bool(said.words) and _is_part(said.words, asked.words)))


def _is_part(said: tuple[str, ...], asked: tuple[str, ...]) -> bool:
    """Whether words say a phrase again, perhaps in fewer words; of two things that "or" joins, both must be said."""
    if said == asked:
        return True
    if _is_joined(asked):
        joint = next(place for place, word in enumerate(asked) if word in JOINTS)
        return LOOKS.issuperset(asked[:joint]) and said == asked[-1:]
    if said == asked[:1] and said[0] in _COMPARED:
        return True
    if not said or not set(asked).issuperset(said) or not _is_compared_alike(said, asked):
        return False
    return said[-1:] == asked[-1:] or LOOKS.issuperset(said)


def _is_compared_alike(said: tuple[str, ...], asked: Iterable[str]) -> bool:
    """Whether words have the "more" of what is asked for, and none of them twice."""
    return len(set(said)) == len(said) and set(said).issuperset(_COMPARED.intersection(asked))


def _is_joined(words: tuple[str, ...]) -> bool:
    return not JOINTS.isdisjoint(words)
