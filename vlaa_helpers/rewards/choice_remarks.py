"""What may stand beside a letter: the option's own text, and words that change nothing."""

import re
from functools import lru_cache

from .hedges import is_hedged, is_negated
from .neutral_words import SAYING, THINGS, question_words, words_of
from .options import Options, plain_text, read_options

_NEUTRAL = SAYING | frozenset("because since as has have with one degrees".split())
_NUMBER = re.compile(r"\(?[-+]?\d+(?:\.\d+)?[).]?")
_OTHER_SIGN = re.compile(r"[^\w\s.,:;!()\[\]'\"°]|_")
_OR = re.compile(r"\bor\b")


def remark_tells(letter: str, remark: str, question: str) -> str:
    """ "same" when a remark beside a letter leaves it as it is, "other" when it tells another option, "unclear" else.

    A remark may have the option's own text in full, the question's words and those that say that an answer follows, and
    nothing else. Where the question lists no options, their texts are not known: a number, or a colour and a shape, may
    be one, any other words could be a hedge ("B) probably").

    >>> question = "Which bar is highest? A) red B) dark red"
    >>> [remark_tells("B", text, question) for text in ("the dark red bar", "red", "or so")]
    ['same', 'other', 'unclear']
    """
    options = read_options(question)
    if not options.letters:
        return "same" if _NUMBER.fullmatch(remark) or _may_be_an_option(remark, question) else "unclear"
    said, texts = plain_text(remark), _texts(question)
    if any(letter not in options.letters[found[1]] for found in texts.finditer(said)):
        return "other"
    rest = texts.sub(" ", said)
    words = words_of(rest)
    if any(len(word) == 1 and word.upper() in options.texts for word in words):
        return "other"
    if _OR.search(rest) or re.search(r"\d", rest) or _OTHER_SIGN.search(rest):
        return "unclear"
    # what is not the highest bar is still a bar, but no "highest bar"
    known = question_words(options.noun if is_negated(options.stem) else options.stem)
    return "same" if all(word in _NEUTRAL or word in known for word in words) else "unclear"


def _may_be_an_option(remark: str, question: str) -> bool:
    words, known = words_of(remark), question_words(question)
    is_known = all(word in _NEUTRAL or word in THINGS or word in known for word in words)
    return is_known and any(len(word) > 1 for word in words) and not re.search(r"[^\w\s.,()]|\d|_", remark)


def asks_for(words: str, options: Options) -> bool:
    """Whether words say again what the question asks for: they are the question's and name no option.

    >>> options = read_options("What colour is the cube? A) red B) blue")
    >>> asks_for("The cube", options), asks_for("The red cube", options), asks_for("The ball", options)
    (True, False, False)
    """
    plain, known = plain_text(words), question_words(options.stem)
    said = words_of(plain)
    if not any(word in known for word in said) or not all(word in _NEUTRAL or word in known for word in said):
        return False
    is_clean = not re.search(r"\d", plain) and not _OTHER_SIGN.search(plain)
    return is_clean and not is_hedged(plain) and not _texts_of(options).search(plain)


@lru_cache(maxsize=4096)
def _texts(question: str) -> re.Pattern:
    """Any of the options' texts, the longest that fits, not inside a longer word or number; an article before it."""
    return _texts_of(read_options(question))


def _texts_of(options: Options) -> re.Pattern:
    texts = sorted(options.letters, key=len, reverse=True)
    return re.compile(rf"(?<![\w.,-])(?:an? )??({'|'.join(map(re.escape, texts))})(?!\w|[.,]\d)")
