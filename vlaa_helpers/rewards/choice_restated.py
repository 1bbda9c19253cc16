"""Whether words beside an option say again what the question asks for, in its words or in others that say the same."""

import re
from functools import lru_cache

from .choice_wording import LIGHT, MEASURES, is_named_figure, with_names
from .hedges import is_negated
from .neutral_words import SAYING, question_words
from .options import Options, plain_text
from .phrases import ASKING, Phrase, phrases_of
from .restatement import asking_sentence, restates, says_in_order

MAX_SENTENCE = 400
"""Characters of a sentence; a longer one names no option."""
NEUTRAL = (SAYING - {"right", "yes"}) | frozenset(
    "they he she remaining required missing unknown desired "
    "type kind name word text called because since as one degrees number total value measure size long "
    "wide tall deep".split()
)
_ANGLE = re.compile(r"\\?\bangle\s*(?=(?:[a-z]{1,3}|\d)\b)|∠\s*", re.IGNORECASE)
_DESCRIBES = re.compile(
    r"\bof the following\b|\b(?:best |most likely )?(?:describes?|represents?|matches|shows?|depicts?|denotes?"
    r"|indicates?|marks?|corresponds? to|corresponding to|belongs? to|made (?:up )?of|refers? to|stands? for|costs?)\b",
    re.IGNORECASE,
)
_OTHER_SIGN = re.compile(r"[^\w\s.,:;!()\[\]'\"°=-]|(?<!\w)[-_]|[-_](?!\w)")
LONE_LETTER = re.compile(
    r"(?<![\w'’])(?!(?:a|i) (?!is\b|was\b|would\b|or\b|and\b)[a-z]{2})([a-z])(?![\w'’])", re.IGNORECASE
)
GIVEN = re.compile(
    r"^.*\b(?:if|given|suppose)\b.*,\s*(?:then\s+)?(?=.*\b(?:what|which|how|find|is|are)\b)", re.IGNORECASE
)
"""A condition before what is asked for: its angles and lengths are known."""
_GROWING = re.compile(
    r"\b(?:as|when|with) (?:the )?(?:(?!\b(?:as|when|with)\b)[^,])+? (?:grows?|increases?|rises?|gets? larger)\b",
    re.IGNORECASE,
)


def _with(found: re.Match) -> str:
    """ "with x" for "as x increases"."""
    return f"with {found[0].split(maxsplit=1)[1].rsplit(maxsplit=1)[0]}"


_ALIKE = (
    (re.compile(r"\b(?:largest|greatest|biggest|maximum|maximal|tallest)\b", re.IGNORECASE), "highest"),
    (re.compile(r"\b(?:smallest|minimum|minimal|shortest)\b", re.IGNORECASE), "lowest"),
    (_GROWING, _with),
    (re.compile(r"\bwith (?:an )?increas(?:ing|e in|ed) ", re.IGNORECASE), "with "),
    (
        re.compile(
            r"\b(colou?r|shape|symbol|marker)s? (?:is|are) used (?:for|to (?:show|mark|represent|indicate))\b", re.I
        ),
        r"\1 of",
    ),
    (re.compile(r"\bwhat (?:happens|is happening) to\b", re.IGNORECASE), ""),
    (re.compile(r"\bto (?:each other|one another)\b", re.IGNORECASE), " "),
)
"""Words that say the same, and the one of them that they are read as."""
_HOLDS = re.compile(
    r"\b(?:hold|achieve|reache|attain|exhibit|obtain|get|record|own|possesse|have|has|had)s?\b", re.IGNORECASE
)
"""Verbs that say of a thing what it has."""
_THE_MOST = re.compile(r"(?:\bthe )?((?:\b(?!the )\w+ ){1,3})(?:is|was|are|were) the (\w+est|most \w+)\b")
_IS_THE_MOST = re.compile(r"\b(?:is|was|are|were) the ((?:(?!the )\w+ ){1,3})the (\w+est)\b", re.IGNORECASE)
_SHOWING = re.compile(r"^(.*?) (?:depicts|shows|displays|features) ")
_PRONOUN = re.compile(r"\s*(?:it|they|he|she)\b")
_ATTRIBUTE = re.compile(
    r"\b(?:(?:main|primary|most likely|likely|possible) )?"
    r"(?:relationship(?: between)?|(?:colou?r|shape|material|size|position|orientation|function|purpose|role|name"
    r"|title|brand|price|degrees?|measure|value|length"
    r"|date|year|day|month|time|place|location|venue|theme|topic|subject|nature) of)\b",
    re.IGNORECASE,
)
"""What a question asks of a thing, whose values need not say it: "The cube is blue"."""
_ABOUT = re.compile(
    r"\b(?:what (?:can|could|may) be \w+"
    r"|which (?:of the following )?(?:statements?|conclusions?|sentences?)? ?(?:is |are )?(?:true|correct|best)?)"
    r" ?(?:about|regarding|from)\b"
    r"|\bwhat (?:\w+ )?(?:trend|change|pattern) (?:is|are|was|can be) (?:observed|seen|shown|visible) (?:in|for)\b",
    re.IGNORECASE,
)
HOW = re.compile(rf"\bhow ({'|'.join(MEASURES)})\b", re.IGNORECASE)
_IN_FIGURE = re.compile(
    r"\b(?:in|from|according to|based on) (?:the|this) "
    r"(?:image|picture|photo|figure|scene|diagram|graph|chart|plot|table)\b",
    re.IGNORECASE,
)


def says_again(words: str, options: Options) -> bool:
    """Whether words beside an option only say again what the question asks for, or that an answer follows.

    Of a question with a negation they must say that too, or nothing at all: the shark is no mammal.
    """
    names = set(LONE_LETTER.findall(asking_sentence(options.stem).casefold()))
    if (
        len(words) > MAX_SENTENCE
        or _OTHER_SIGN.search(_ANGLE.sub("angle ", words))
        or any(letter.upper() in options.texts and letter not in names for letter in LONE_LETTER.findall(words))
    ):
        return False
    return any(_is_restated(words, options, is_bare) for is_bare in (False, True))


def _is_restated(words: str, options: Options, is_bare: bool) -> bool:
    """Whether words say the question again.

    Args:
        is_bare: whether an attribute that is asked for may be left out: "the cube is" for "the colour of the cube is".
    """
    asked = phrases_asked(asked_of(options, is_bare))
    if is_bare:
        words = _THE_MOST.sub(r"the \2 \1", _SHOWING.sub(r"in \1 is ", words))
    said = said_of(words, asked_of(options, is_bare), is_bare)
    if re.match(r"\W*who\b", asking_sentence(options.stem), re.IGNORECASE):
        said = [phrase for phrase in said if phrase.words != ("person",)]
    if len(said) == 1 and _PRONOUN.match(words) and asked and said[0] == Phrase("", asked[-1].words[-1:] or ("",)):
        return True  # "it needs" of "What does … need?"
    is_whole = (
        not is_negated(asked_of(options)) or not words.strip(" ;.,!") or any("not" in phrase.link for phrase in said)
    )
    if re.search(r"\bits\b|\btheir\b", asked_of(options), re.IGNORECASE):
        known = question_words(options.stem)
        said = [phrase for phrase in said if phrase.link != "of" or not known.issuperset(phrase.words)]
    return is_whole and (restates(said, asked, in_part=True) or says_in_order(said, asked))


_DONE_BY = re.compile(r"\w(?:ed|en|wn|ght|ade|uilt|ung|eld|ent|ut) by\b", re.IGNORECASE)
"""A passive, whose "by" names who does it, and not a place: "signed by the director", "the car by the tree"."""


@lru_cache(maxsize=4096)
def phrases_asked(asked: str) -> tuple[Phrase, ...]:
    return tuple(phrases_of(asked, (ASKING - {"factor"}) | NEUTRAL))


def said_of(words: str, asked: str, is_bare: bool = False) -> list[Phrase]:
    if " has " in asked and " with " not in asked:
        words = words.replace(" with ", " has ")  # "the car with the highest speed"
    has_doer = _DONE_BY.search(asked) is not None
    return [
        _as_subject(phrase, phrases_asked(asked), has_doer) for phrase in phrases_of(as_is(words, is_bare), NEUTRAL)
    ]


def _as_subject(said: Phrase, asked: tuple[Phrase, ...], has_doer: bool) -> Phrase:
    """ "in the network" as "the network", where the question asks what that has; "panel (c) is" as "in panel (c)"."""
    if said.link and said.words in (("it",), ("them",)):  # "mentioned in it"
        return next((phrase for phrase in asked if phrase.link == said.link), said)
    alone = Phrase("", said.words)
    shown = next((phrase for phrase in asked if phrase.words == said.words and phrase.link in ("in", "on")), said)
    if said.link in ("in", "of") and said not in asked and alone in asked[1:]:
        return alone
    holds = is_named_figure(said.words) or said.words[-1:] in (("axis",), ("column",), ("row",), ("label",))
    doer = Phrase("by", said.words)
    return shown if said == alone and holds else doer if said == alone and has_doer and doer in asked else said


def as_is(sentence: str, is_bare: bool = False) -> str:
    """A sentence in which "best describes" and "shows" are "is", and angles are called so."""
    for form, word in _ALIKE:
        sentence = form.sub(word, sentence)
    if is_bare:
        sentence = _ABOUT.sub("", _ATTRIBUTE.sub(" ", _IS_THE_MOST.sub(r" is \2 \1", sentence)))
    sentence = _HOLDS.sub(" has ", sentence)
    sentence = HOW.sub(lambda found: f"what {MEASURES[found[1].casefold()]}", _IN_FIGURE.sub(" ", sentence))
    return LIGHT.sub(" ", _DESCRIBES.sub(" is ", _ANGLE.sub(" angle ", sentence)))


def asked_of(options: Options, is_bare: bool = False) -> str:
    """The sentence that asks, without the options that it names: "Which is bigger, the ball or the cube?"."""
    sentence = asking_sentence(options.stem)
    if all(text[:1].isdigit() for text in options.letters):
        sentence = GIVEN.sub("", sentence)
    sentence = as_is(plain_text(with_names(sentence, options.stem)), is_bare)
    return options.pattern.sub(" ", sentence) if re.search(r"\bor\b", sentence) else sentence
