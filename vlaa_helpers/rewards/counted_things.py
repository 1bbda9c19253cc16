"""The head of what a question counts, and an answer's words in the form that the question gives them."""

import re
from functools import lru_cache

from .asked_things import counted_clause
from .neutral_words import words_of
from .phrases import one_writing

_PLURALS = frozenset("people persons men women children feet teeth mice geese sheep fish series species data".split())
_NO_PLURAL = re.compile(r"(?:ss|us|is)$|^(?:has|was|does)$")
_IRREGULAR = {
    form: forms[0]
    for forms in (
        line.split()
        for line in (
            "choose chose chosen", "wear wore worn", "take took taken", "eat ate eaten", "drive drove driven",
            "ride rode ridden", "write wrote written", "sit sat", "stand stood", "hold held", "buy bought",
            "sell sold", "win won", "make made", "lose lost", "get got gotten", "go went gone", "see saw seen",
            "show shown", "draw drew drawn", "give gave given", "know knew known", "fly flew flown", "run ran",
            "spend spent", "bring brought", "catch caught", "lie lay lain lying", "rise rose risen", "fall fell fallen",
            "have has had having", "keep kept", "sleep slept", "feel felt", "speak spoke spoken", "grow grew grown",
        )
    )
    for form in forms
}  # fmt: skip
_BEFORE_A_BREAK = re.compile(r"\b[^\W\d_]+\b(?!\s+[a-z]+ing\b)", re.IGNORECASE)
_JOINED = re.compile(r"^(?:[a-z]+ ){0,3}[a-z]+s,? (?:or|and) (?:[a-z]+ ){0,3}[a-z]+s\b", re.IGNORECASE)
_SYNONYMS = tuple(
    frozenset(group.split())
    for group in (
        "cube cubes block blocks", "sphere spheres ball balls", "cylinder cylinders", "rubber matte",
        "thing things object objects item items", "metal metallic shiny", "large big", "small tiny little",
        "child children kid kids", "minute minutes min mins",
    )
)  # fmt: skip
"""Words for the same, as CLEVR and others change them from question to question."""
_WORD = re.compile(r"[^\W\d_]+")
_PASSIVE = re.compile(
    r"^(?P<thing>.*?)\s*\b(?:is|are|was|were|been|being)\s+(?:being\s+|been\s+)?(?P<verb>[a-z]{3,})\s+by\s+(?P<who>.*?)[\s.!]*$",
    re.IGNORECASE,
)


@lru_cache(maxsize=4096)
def head_of_counted(question: str) -> str:
    """The noun that a question counts, in one writing: the last of the first plurals behind "how many"; "" without one.

    >>> head_of_counted("How many sports cars use fuel?"), head_of_counted("What is shown?")
    ('car', '')
    """
    counted = counted_clause(question)
    if counted == question:
        return ""
    head = ""
    if _JOINED.search(counted):
        return ""
    for word in words_of(counted):
        if word in _PLURALS or (word.endswith("s") and len(word) > 3 and not _NO_PLURAL.search(word)):
            head = word
        elif head:
            break
    return one_writing(head)


@lru_cache(maxsize=8192)
def stem(word: str) -> str:
    """A word without the ending of a verb's form: "chosen", "choosing" and "chose" are one.

    >>> stem("chosen") == stem("choosing"), stem("planned") == stem("plans")
    (True, True)
    """
    word = word.casefold()
    if word not in _IRREGULAR:
        ending = next((end for end in ("ing", "ed", "es", "s") if word.endswith(end) and len(word) - len(end) >= 3), "")
        word = word.removesuffix(ending)
    word = _IRREGULAR.get(word, word)
    if len(word) > 3 and word[-1] == word[-2]:
        word = word[:-1]
    return word.removesuffix("e")


@lru_cache(maxsize=4096)
def _forms(question: str) -> dict[str, str]:
    """The question's words by their stems."""
    return {stem(word): word for word in reversed(words_of(question)) if len(word) > 3}


def as_asked(text: str, question: str, head: str) -> str:
    """A text with each word in the form that the question has, and a break behind the noun that is counted.

    >>> as_asked("students choosing tea", "How many students chose tea?", "student")
    'students; chose tea'
    """
    forms = _forms(question)

    def form(found: re.Match) -> str:
        word = found[0]
        return forms.get(stem(word), word) if len(word) > 3 and one_writing(word) != head else word

    def broken(found: re.Match) -> str:
        return f"{found[0]};" if one_writing(found[0]) == head else found[0]

    text = _WORD.sub(form, text)
    return _BEFORE_A_BREAK.sub(broken, text) if head else text


@lru_cache(maxsize=4096)
def _own_words(question: str) -> dict[str, str]:
    """For each word that has synonyms the question's own, where it uses but one of them, in singular and plural."""
    asked, own = set(words_of(question)), {}
    for group in _SYNONYMS:
        said = group & asked
        if len({one_writing(word) for word in said}) == 1:
            singular = min(said, key=len).removesuffix("s") if said != {"children"} else "child"
            plural = "children" if singular == "child" else f"{singular}s"
            own |= {word: plural if one_writing(word) != word else singular for word in group - asked}
    return own


def in_own_words(text: str, question: str) -> str:
    """A text with the question's word for each that says the same: "big block" where it says "large cube".

    >>> in_own_words("2 big blocks", "How many large cubes?")
    '2 large cubes'
    """
    own = _own_words(question)
    return _WORD.sub(lambda found: own.get(found[0].casefold(), found[0]), text) if own else text


def in_the_active(text: str, question: str) -> str:
    """A text whose passive, with a verb of the question, is turned round: "Tea was chosen by 3" is "3 chose Tea".

    >>> in_the_active("Tea was chosen by 3 men.", "How many men chose tea?")
    '3 men chose Tea'
    """
    found = _PASSIVE.match(text)
    verb = _forms(question).get(stem(found["verb"])) if found else None
    return f"{found['who']} {verb} {found['thing']}" if found and verb else text
