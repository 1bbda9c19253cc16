"""Words that take a box back, doubt it, offer another one, or say another frame."""

import re
from functools import lru_cache

from .box_marks import MARK
from .hedges import is_negated

_WORD = re.compile(rf"[^\W_]+(?:['’][^\W_]+)?|[{MARK}=]")
_DOUBTS = re.compile(
    r"\b(?:maybe|perhaps|possibly|probably|likely|might|may|either|or|if|unsure|uncertain|unclear|guess\w*|think|seems?"
    r"|suppos\w+|assum\w+|example|sorry|unable|ignore|difficult|previous\w*|former\w*|used to|wait|actually|correction"
    r"|whether|could(?! be (?:found|seen|located))|estimate\w*)\b",
    re.IGNORECASE,
)
_OTHER_FRAME = re.compile(
    r"\b(?:pixels?|px|percent\w*|thousandths|xywh|cxcywh|ltwh|cm|inch(?:es)?)\b|%"
    rf"|\bcent(?:er|re)s?(?: points?| coordinates?)?(?:\s|is|at|[:=])*{MARK}",
    re.IGNORECASE,
)
_SIZE = re.compile(r"\b(?:width|height)\b", re.IGNORECASE)
_RELATIVE = re.compile(r"\b(?:fractions?|normali[sz]ed|relative|divided)\b", re.IGNORECASE)
SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")


def takes_back(text: str, question: str) -> bool:
    """Whether something in a text doubts it, takes it back, or says another frame; the question's own words do not."""
    asked = question.casefold()
    for sentence in SENTENCE.split(text):
        if sentence.rstrip().endswith("?") and sentence.strip().casefold() not in asked:
            return True
    text = _without_the_questions(text.casefold(), asked)
    if any(map(str.isnumeric, text)) or is_negated(text) or _DOUBTS.search(text) or _OTHER_FRAME.search(text):
        return True
    return _SIZE.search(text) is not None and not _RELATIVE.search(text)


def _without_the_questions(text: str, asked: str) -> str:
    """A text without those two words together, and numbers, that stand in the question too."""
    for pair in _pairs_that_would_doubt(asked):
        text = text.replace(pair, " ")
    return text


@lru_cache(maxsize=4096)
def _pairs_that_would_doubt(asked: str) -> frozenset[str]:
    """Two words of a question together, where one of them negates or doubts, or is a number: "not wearing"."""
    words = _WORD.findall(asked)
    pairs = {f"{one} {two}" for one, two in zip(words, words[1:], strict=False)}
    return frozenset(
        pair for pair in pairs if is_negated(pair) or _DOUBTS.search(pair) or any(map(str.isnumeric, pair))
    )
