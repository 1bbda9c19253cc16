"""Sentences and remarks that name an option: its text where the question's words say again what is asked for."""

import re
from functools import lru_cache, partial
from itertools import islice

from .hedges import is_negated
from .neutral_words import SAYING, THINGS, question_words, words_of
from .number_words import find_numbers
from .options import Options, plain_text, read_options
from .phrases import phrases_of
from .restatement import asked_phrases, asking_sentence, restates

MAX_SENTENCE = 400
"""Characters of a sentence; a longer one names no option."""
MAX_PLACES = 8
"""Places of a sentence that are tried as the option's text."""
_NEUTRAL = (SAYING - {"right"}) | frozenset(
    "because since as one degrees number total value measure size long wide tall deep".split()
)
_ANGLE = re.compile(r"\\?\bangle\s*(?=[a-z]{1,3}\b)|∠\s*", re.IGNORECASE)
_DESCRIBES = re.compile(
    r"\bof the following\b|\b(?:best )?(?:describes?|represents?|matches|shows?|depicts?)\b", re.IGNORECASE
)
_NUMBER = re.compile(r"\(?[-+]?\d+(?:\.\d+)?[).]?")
_OTHER_SIGN = re.compile(r"[^\w\s.,:;!()\[\]'\"°=]|_")
_LONE_LETTER = re.compile(
    r"(?<![\w'’])(?!(?:a|i) (?!is\b|was\b|would\b|or\b|and\b)[a-z]{2})([a-z])(?![\w'’])", re.IGNORECASE
)
_ASKS = re.compile(r"\?|^\W*(?:is|are|was|were|do|does|did|has|have|can)\b", re.IGNORECASE)
_LETTER_BEFORE = re.compile(r"(?<=\s)\(?([A-Z])[).]\s*(?=\S)")
_LETTER = re.compile(r"(?<![\w'.(])\(?([A-Z])\)?[.!]?$")
_IS_RIGHT = re.compile(r"(?:that|this|it|which)(?: is|['’]?s) (?:right|correct)[.!]?", re.IGNORECASE)
_CONDITION = re.compile(r"\(?(?:if|when|while|unless)\b", re.IGNORECASE)
_SHORT_NOT = re.compile(r"n['’]t\b", re.IGNORECASE)
_NEGATION = re.compile(r"\bnot\b")
_AUXILIARY = frozenset("is are was were do does did has have had can will there".split())
_TOKEN = re.compile(r"\w+(?:['’]\w+)?|[^\w\s.,;:!?\"]")


def named_by_sentence(text: str, options: Options) -> str | None:
    """The letter of the one option with which a sentence answers; None for any other sentence.

    >>> options = read_options("What colour is the car by the tree? A) red B) blue")
    >>> [named_by_sentence(text, options) for text in ("The car is blue", "The tree is blue", "It is red")]
    ['B', None, 'A']
    """
    if not options.texts or len(text) > MAX_SENTENCE or _ASKS.search(text):
        return None
    if text.startswith("A ") and options.named_by(text[2:]) not in (None, "A"):
        return None  # "A kidney" where the kidney is not A
    if (
        (letter := _LETTER.search(text))
        and "=" not in text
        and letter[1] in options.texts
        and letter[1].casefold() not in options.letters
    ):
        before = text[: letter.start()]
        return letter[1] if phrases_of(before, _NEUTRAL) and says_again(before, options) else None
    text = _LETTER_BEFORE.sub(partial(_without_own_letter, options), _SHORT_NOT.sub(" not", text))
    text = _with_digits(plain_text(text), options)
    named = {
        letter
        for found in islice(_texts_of(options).finditer(text), MAX_PLACES)
        for letter in options.letters.get(found[1]) or options.short[found[1]]
        if _answers(text[: found.start()], text[found.end() :], options, found[1])
    }
    return named.pop() if len(named) == 1 else None


def _without_own_letter(options: Options, found: re.Match) -> str:
    """ "" for the letter of the option whose text stands behind it: "The cube is (B) blue"."""
    rest = plain_text(found.string[found.end() :])
    return "" if (own := options.own(found[1])) and rest.startswith(own) else found[0]


def _answers(before: str, after: str, options: Options, text: str = "") -> bool:
    """Whether the words before and after an option's text say again what the question asks for, or nothing."""
    if after.startswith("!") and text[-1:].isdigit():
        return False  # a factorial
    rest = f"{before} ; {_than_another(after, options)}"
    if text in ("yes", "no") and before.strip(" ("):
        return False
    if text in ("yes", "no") and rest.strip(" ;.,"):
        if is_negated(options.stem) or len(_NEGATION.findall(rest)) != (text == "no"):
            return False
        rest = _NEGATION.sub("", rest)
        if _content(rest) == _content(asking_sentence(options.stem)):
            return True
    asked = _asked(options)
    if "how many" in asked.casefold() and not restates(
        phrases_of(after, _NEUTRAL), asked_phrases(asked), first_alone=True
    ):
        return False  # "5 polygons" where the sides of the polygon are asked for
    return says_again(rest, options)


def _than_another(words: str, options: Options) -> str:
    """Words without the option that another one is compared with: "is bigger than the red ball"."""
    than = re.search(r"\bthan (?:the )?(.*?)[.!]?$", words)
    return words[: than.start()] if than and than[1] and options.named_by(than[1]) else words


def _content(sentence: str) -> list[str]:
    """A sentence's words without auxiliaries, whose place differs between a question and a statement."""
    words = (word for word in _TOKEN.findall(sentence.casefold()) if word not in _AUXILIARY)
    return [word.removesuffix("s") if len(word) > 3 else word for word in words]


def says_again(words: str, options: Options) -> bool:
    """Whether words beside an option only say again what the question asks for, or that an answer follows.

    Of a question with a negation they must say that too, or nothing at all: the shark is no mammal.
    """
    if _OTHER_SIGN.search(_ANGLE.sub("angle ", words)) or any(
        letter.upper() in options.texts for letter in _LONE_LETTER.findall(words)
    ):
        return False
    asked = asked_phrases(_asked(options))
    said = phrases_of(_as_is(words), _NEUTRAL)
    is_whole = (
        not is_negated(_asked(options)) or not words.strip(" ;.,!") or any("not" in phrase.link for phrase in said)
    )
    return is_whole and restates(said, asked, in_part=True)


def _as_is(sentence: str) -> str:
    """A sentence in which "best describes" and "shows" are "is", and angles are called so."""
    return _DESCRIBES.sub(" is ", _ANGLE.sub(" angle ", sentence))


def _asked(options: Options) -> str:
    """The sentence that asks, without the options that it names: "Which is bigger, the ball or the cube?"."""
    sentence = _as_is(asking_sentence(options.stem))
    return _texts_of(options).sub(" ", plain_text(sentence)) if re.search(r"\bor\b", sentence) else sentence


def remark_tells(letter: str, remark: str, question: str) -> str:
    """ "same" when a remark beside a letter leaves it as it is, "other" when it tells another option, "unclear" else.

    A remark may name the same option, or say again what is asked for, and nothing else. Where the question lists no
    options, their texts are not known: a number, or a colour and a shape, may be one, any other words could be a hedge
    ("B) probably").

    >>> question = "Which bar is highest? A) red B) dark red"
    >>> [remark_tells("B", text, question) for text in ("the dark red bar", "red", "or so")]
    ['same', 'other', 'unclear']
    """
    options = read_options(question)
    if not options.letters:
        return (
            "same"
            if _IS_RIGHT.fullmatch(remark) or _NUMBER.fullmatch(remark) or _may_be_an_option(remark, question)
            else "unclear"
        )
    if named := options.named_by(remark) or named_by_sentence(remark, options):
        return "same" if named == letter else "other"
    said = plain_text(remark)
    if _IS_RIGHT.fullmatch(said) or (not _CONDITION.match(said) and says_again(said, options)):
        return "same"
    others = (options.letters.get(found[1]) or options.short[found[1]] for found in _texts_of(options).finditer(said))
    return "other" if any(letter not in letters for letters in others) else "unclear"


def _may_be_an_option(remark: str, question: str) -> bool:
    words, known = words_of(remark), question_words(question)
    is_known = all(word in _NEUTRAL or word in THINGS or word in known for word in words)
    return is_known and any(len(word) > 1 for word in words) and not re.search(r"[^\w\s.,()]|\d|_", remark)


def _with_digits(text: str, options: Options) -> str:
    """A text with its number words in digits, where the options are numbers: "There are four"."""
    if not all(text[:1].isdigit() for text in options.letters):
        return text
    for start, end, value in reversed(list(find_numbers(text))):
        if value is not None and text[start:end].isalpha():
            text = f"{text[:start]}{value}{text[end:]}"
    return text


def _texts_of(options: Options) -> re.Pattern:
    return _any_of(frozenset(options.letters) | frozenset(options.short))


@lru_cache(maxsize=4096)
def _any_of(texts: frozenset[str]) -> re.Pattern:
    """Any of the texts, the longest that fits, not inside a longer word or number; an article before it."""
    longest_first = sorted(texts, key=len, reverse=True)
    return re.compile(rf"(?<![\w.,-])(?:an? )??({'|'.join(map(re.escape, longest_first))})(?!\w|[.,/]\d)")
