"""What may stand beside a letter: the option's own text, and words that change nothing."""

import re
from functools import lru_cache

from .hedges import is_negated
from .neutral_words import SAYING, question_words, words_of
from .options import Options, plain_text, read_options

_NEUTRAL = SAYING | frozenset("because since as has have with one degrees".split())
_OTHER_SIGN = re.compile(r"[^\w\s.,:;!()\[\]'\"°]|_")
_OR = re.compile(r"\bor\b")


def remark_tells(letter: str, remark: str, question: str) -> str:
    """ "same" when a remark beside a letter leaves it as it is, "other" when it tells another option, "unclear" else.

    Where the question lists options, a remark may have the option's own text in full, the question's words and those
    that say that an answer follows, and nothing else. Where it lists none, any text may be the option's: there only a
    negation is `unclear`.

    >>> question = "Which bar is highest? A) red B) dark red"
    >>> [remark_tells("B", text, question) for text in ("the dark red bar", "red", "or so")]
    ['same', 'other', 'unclear']
    """
    options = read_options(question)
    if not options.letters:
        return "unclear" if is_negated(remark) else "same"
    said, texts = plain_text(remark), _texts(question)
    if any(letter not in options.letters[found[1]] for found in texts.finditer(said)):
        return "other"
    rest = texts.sub(" ", said)
    words = words_of(rest)
    if any(len(word) == 1 and word.upper() in options.texts for word in words):
        return "other"
    if is_negated(rest) or _OR.search(rest) or re.search(r"\d", rest) or _OTHER_SIGN.search(rest):
        return "unclear"
    known = question_words(_stem(question, options))
    return "same" if all(word in _NEUTRAL or word in known for word in words) else "unclear"


@lru_cache(maxsize=4096)
def _texts(question: str) -> re.Pattern:
    """Any of the options' texts, the longest that fits, not inside a longer word or number; an article before it."""
    texts = sorted(read_options(question).letters, key=len, reverse=True)
    return re.compile(rf"(?<![\w.,-])(?:an? )??({'|'.join(map(re.escape, texts))})(?!\w|[.,]\d)")


def _stem(question: str, options: Options) -> str:
    """The question without its options."""
    first = re.escape(options.texts["A"])
    listed = re.search(rf"(?<![A-Za-z])\(?A[).:]\s*{first}|{first}\s*\(A\)", question)
    return question[: listed.start()] if listed else ""
