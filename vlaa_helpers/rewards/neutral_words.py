"""Words that may stand beside an answer without changing it: an allow-list, for those that change it have no end."""

import re
from functools import lru_cache

from .hedges import is_hedged

MINUS_SIGNS = str.maketrans(dict.fromkeys("‐‑‒–—―−⁻˗➖﹣－", "-"))
"""Every sign that is read as a minus, to the plain one."""
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
# a word of the question that would change a number beside it, such as "half" in "How many are in the left half?"
_CHANGES = re.compile(
    r"(?:half|halves|thirds?|quarters?|double[ds]?|triple[ds]?|twice|thrice|times|squared|cubed|minus|negative|plus"
    r"|point|neither|either|but|if|than|as|else|instead|besides|far|false|true|lie|lies|wrong|past|short|max|min)$"
)
SAYING = frozenset(
    "a an the this that these those it it's that's there there's here i we you so then thus therefore hence and is are "
    "was were be answer answers result option choice solution final correct right only just exactly precisely now "
    "please thanks thank sure ok okay yes well hello hi sir picture image scene photo figure in of my your our its "
    "shown seen visible".split()
)
"""Words that say that an answer follows or has been given."""

ANY_THING = frozenset("object objects thing things item items shape shapes".split())
LOOKS = frozenset(
    word + ending
    for ending in ("", "s")
    for word in "red green blue yellow purple orange brown gray grey cyan pink black white gold big small large little "
    "tiny metal metallic rubber matte shiny".split()
)
"""Colours, sizes and materials."""
THINGS = (
    ANY_THING
    | LOOKS
    | frozenset(
        word + ending
        for ending in ("", "s")
        for word in "cube block sphere ball cylinder circle square triangle star rectangle bar".split()
    )
)
"""Shapes, colours, sizes and materials, as the questions of CLEVR and of the mini world have them."""


def words_of(text: str) -> list[str]:
    """The words of a text in small letters, without its numbers.

    >>> words_of("It's 3 CUBES.")
    ["it's", 'cubes']
    """
    return [word.replace("’", "'") for word in _WORD.findall(text.casefold())]


@lru_cache(maxsize=4096)
def question_words(question: str) -> frozenset[str]:
    """A question's words in singular and plural, but those that would bound, negate or change a number.

    >>> words = question_words("How many more boxes?")
    >>> "box" in words, "boxes" in words, "more" in words
    (True, True, False)
    """
    words = {word for word in words_of(question) if len(word) > 1 and not is_hedged(word) and not _CHANGES.match(word)}
    plurals = {word + ending for word in words for ending in ("s", "es") if not word.endswith("s")}
    singulars = {word.removesuffix(ending) for word in words for ending in ("s", "es") if len(word) > 3}
    return frozenset(words | plurals | singulars)
