"""What a question asks for: the clause that asks, the noun phrase behind "how many", the negation that goes with it."""

import re
from functools import lru_cache

from .neutral_words import question_words, words_of
from .restatement import asking_sentence

_ASKED = re.compile(r"\b(?:how many|number of)\s+(?:of\s+)?(?:(?:the|these|those|all)\s+)?([^?!;:]*)", re.IGNORECASE)
_COMPARED = re.compile(r"\b(?:sum|difference) (?:of|between|in) (?:the )?numbers?\b", re.IGNORECASE)
_CLAUSE = re.compile(
    r"\b(?:what(?:['’]s| is| are| was| will be)?|find|calculate|determine|compute|evaluate|work out|how)\b(.*?)"
    r"(?=[.?!;,]|\b(?:if|when|where|given|with|such|that|which|whose|so|because)\b|$)",
    re.IGNORECASE | re.DOTALL,
)
_NONE = re.compile(r"\b(?:no|none)\b(.*)", re.IGNORECASE)
_IN_THE_PICTURE = re.compile(
    r"\bin (?:(?:the|this|that|my) )?(?:\w+ )?(?:image|picture|photo|figure|scene)\b", re.IGNORECASE
)
_OF_AN_ANSWER = frozenset(
    "answer answers option options choice choices solution solutions result results correct right image images picture "
    "pictures photo photos figure figures scene".split()
)
"""Words that, behind "no" and "none", refuse to answer: "None is right", "No answer"."""


@lru_cache(maxsize=4096)
def asked_clause(question: str) -> str:
    """What stands behind the last "what is", "find" or "how" of a question, up to a condition; "" without one.

    >>> asked_clause("In triangle ABC, what is the length of AB, if BC = 5?")
    ' the length of AB'
    """
    found = _CLAUSE.findall(" ".join(question.split()))
    return found[-1] if found else ""


@lru_cache(maxsize=4096)
def counted_clause(question: str) -> str:
    """What a question asks the number of, with what it says of it; its asking sentence where it asks for no count.

    >>> counted_clause("Subtract all balls. How many objects are left?"), counted_clause("What is shown?")
    ('objects are left', 'What is shown?')
    """
    found = [] if _COMPARED.search(question) else _ASKED.findall(question)
    if not found or found[-1].strip() in ("more", "fewer", "less"):
        return question if found else asking_sentence(question)
    return found[-1].strip()


def refuses_to_answer(text: str, question: str) -> bool:
    """Whether "no" or "none" is said of answers or pictures, which the question does not speak of.

    >>> refuses_to_answer("None of these answers is right.", "How many dogs?"), refuses_to_answer("None.", "How many?")
    (True, False)
    """
    found = _NONE.search(_IN_THE_PICTURE.sub("", text))
    return found is not None and any(
        word in _OF_AN_ANSWER and word not in question_words(question) for word in words_of(found[1])
    )
