"""Sentences and remarks that name an option: its text where the question's words say again what is asked for."""

import re
from functools import partial

from .choice_restated import (
    GIVEN,
    HOW,
    MAX_SENTENCE,
    NEUTRAL,
    as_is,
    asked_of,
    phrases_asked,
    said_of,
    says_again,
)
from .choice_wording import MEASURES, before_an_option, in_one_wording, with_names
from .counted_things import in_the_active
from .hedges import is_negated
from .math_units import unit_of
from .neutral_words import LOOKS, SAYING, THINGS, question_words, words_of
from .number_words import find_numbers
from .options import Options, plain_text, read_options
from .phrases import phrases_of
from .restatement import asking_sentence, restates, says_in_order

MAX_STEM = 4000
"""Characters of a question before its options; to a longer one no sentence answers."""
MAX_PLACES = 8
"""Places of a sentence that are tried as the option's text."""
_NUMBER = re.compile(r"\(?[-+]?\d+(?:\.\d+)?[).]?")
_ASKS = re.compile(r"\?|^\W*(?:is|are|was|were|do|does|did|has|have|can)\b", re.IGNORECASE)
_LETTER_BEFORE = re.compile(r"(?<=\s)\(?([A-Z])[).]\s*(?=\S)")
_CALLED = re.compile(r"\s(?:option|choice|answer|statement)\s*$", re.IGNORECASE)
_NAMED = re.compile(r"\b(angle|triangle|circle|point|line|figure|panel|vertex)\s*$", re.IGNORECASE)
_LETTER = re.compile(r"(?<![\w'.(])\(?([A-Z])\)?[.!]?$")
_IS_RIGHT = re.compile(r"(?:that|this|it|which)(?: is|['’]?s) (?:right|correct)[.!]?", re.IGNORECASE)
_MAY_BE = re.compile(
    r"\b(?:could|might|used to be|(?-i:may))\b(?! be (?:seen|found|read|observed|inferred|concluded|identified|used))",
    re.IGNORECASE,
)
_CONDITION = re.compile(r"\(?(?:if|when|while|unless)\b", re.IGNORECASE)
_THEN = re.compile(r"[\s,]*(?:and )?(?:then|followed by)\b", re.IGNORECASE)
_SHORT_NOT = re.compile(r"n['’]t\b", re.IGNORECASE)
_NEGATION = re.compile(r"\bnot\b")
_BEHIND_A_VERB = re.compile(r"\b(?:is|are|was|were)\s*(?:(?:an?|the)\s*)?$")
_LOOK = re.compile(rf"(?: an?| the)? (?:{'|'.join(sorted(LOOKS))}) ?$")
_MEASURED = re.compile(rf"^ (?:in )?(?:{'|'.join(MEASURES)}|{'|'.join(MEASURES.values())})\b")
_HOW_MANY = re.compile(r"\bhow many (\w+)", re.IGNORECASE)
_UNIT = re.compile(r" ([a-z]+)\b")
_MEASURE = re.compile(
    r"\s*\b(?:with|at|of) (?:(?:an?|about|around|approximately|value) )*[\d.,]+ ?(?:%|percent)?[.]?$"
    r"|\s*\bfrom [\d.,]+\S* to [\d.,]+\S*$"
)
_PEAK = re.compile(r"(.*?) (?:has|have|had|reaches|attains|shows) (?:its|their|an?|the) (.+?) (?:at|of|is)\s*$")
_DONE_BY = re.compile(r" (?:is|are|was|were) (\w+?)(?:e?d|en)?( to)? by (.*)$")
_HAS = re.compile(r"(.*) (?:has|have|had) (?:an? |the )?$")
_TO_ANOTHER = re.compile(r"^ (?:to|on|for) .*")
_DONE_BEFORE = re.compile(r"\b(?:was|were|is|are) \w+ by $")
_WHEN = re.compile(
    r"\bwhen\b|\b(?:which|what)(?: (?:is|was|are|were) the)? (?:day|date|year|month|time)\b", re.IGNORECASE
)
_HELD = re.compile(
    r"\b(?:(?:takes?|took|taken|taking) place|(?:is|are|was|were|be) (?:held|scheduled|dated|planned|set|due))"
    r"(?: for)?\b"
)
"""Verbs for being at a time."""
_ON = re.compile(r"\b(?:on|in|at) $")
_IS_TO = re.compile(r"\b(is|are) to $")
_IS_IN = re.compile(r"\b((?:is|are|was|were)(?: the \w+est)?) (?:in|at)\s*(?:the\s*)?$")
_OPEN_LINK = re.compile(r"\b(of|with|to|for|by|from|about)\s*(?:the\s*)?$")
_ADJUNCT = re.compile(
    r"[\s,]*(?:in|on|at|from|down|up|along|through|over|under|near|next to|with|for|of|around|across|into|towards?|by"
    r"|to)\b"
)
_NO_ADJUNCT = re.compile(
    r"\band\b(?! (?:an?|the|its|two|three|four|some)\b)"
    r"|\b(?:or|then|until|only|first|last|but|most|before|after|when|if|while|than|as|once|some|other|another)\b"
)
_AUXILIARY = frozenset("is are was were do does did has have had can will there the a an of".split())
_TOKEN = re.compile(r"\w+(?:['’]\w+)?|[^\w\s.,;:!?\"]")

_WORD = re.compile(r"\w")
_OPPOSITES = tuple(
    pair
    for words in (
        "above below", "higher lower", "larger smaller", "greater less", "greater smaller", "bigger smaller",
        "more less", "more fewer", "longer shorter", "taller shorter", "older younger", "faster slower",
        "increases decreases", "increase decrease", "increasing decreasing", "rises falls", "before after",
        "open closed", "positive negative",
    )
    for pair in (tuple(words.split()), tuple(words.split()[::-1]))
)  # fmt: skip
"""Words of which one denies the other: "No, it is below" answers whether it is above."""


def named_by_sentence(text: str, options: Options) -> str | None:
    """The letter of the one option with which a sentence answers; None for any other sentence.

    >>> options = read_options("What colour is the car by the tree? A) red B) blue")
    >>> [named_by_sentence(text, options) for text in ("The car is blue", "The tree is blue", "It is red")]
    ['B', None, 'A']
    """
    if not options.texts or len(text) > MAX_SENTENCE or len(options.stem) > MAX_STEM or _ASKS.search(text):
        return None
    if _MAY_BE.search(text) and not _MAY_BE.search(options.stem) and not _MAY_BE.search(" ".join(options.letters)):
        return None
    if (
        (letter := _LETTER.search(text))
        and "=" not in text
        and letter[1] in options.texts
        and letter[1].casefold() not in options.letters
        and not any(text.endswith(letter[0].strip(".!").casefold()) for text in options.letters)
    ):
        asked = asking_sentence(options.stem)
        if (named := _NAMED.search(text[: letter.start()])) and not re.search(
            rf"\b(?:which|what) {named[1]}\b", asked, re.I
        ):
            return None  # "Angle C" is no option C
        before = before_an_option(_CALLED.sub(" ", text[: letter.start()]), asked)
        return letter[1] if phrases_of(before, NEUTRAL) and says_again(before, options) else None
    text = _LETTER_BEFORE.sub(partial(_without_own_letter, options), _SHORT_NOT.sub(" not", text))
    text = _with_digits(plain_text(in_one_wording(text, options)), options)
    places = options.places(text)
    if len({letter for _, letters in places for letter in letters}) > 1 and not _WORD.search(
        options.pattern.sub(" ", text)
    ):
        return None  # "blue. green."
    named = {
        letter
        for found, letters in places[:MAX_PLACES]
        for letter in letters
        if _answers(text[: found.start()], text[found.end() :], options, found[1])
    }
    if not named and " by " in text and (active := in_the_active(text, options.stem)) != text:
        return named_by_sentence(active, options)
    return named.pop() if len(named) == 1 else None


def _without_own_letter(options: Options, found: re.Match) -> str:
    """ "" for the letter of the option whose text stands behind it: "The cube is (B) blue"."""
    rest = plain_text(found.string[found.end() :])
    return "" if (own := options.own(found[1])) and rest.startswith(own) else found[0]


def _answers(before: str, after: str, options: Options, text: str = "") -> bool:
    """Whether the words before and after an option's text say again what the question asks for, or nothing."""
    if after.startswith("!") and text[-1:].isdigit():
        return False  # a factorial
    asked = asking_sentence(options.stem)
    if _THEN.match(after) or _is_of_the_condition(before, asked):
        return False
    after = _after_an_option(before, after, options, text)
    before = _before_an_option(before, asked, options)
    if (link := _OPEN_LINK.search(before)) and not re.search(rf"\b{link[1]}\b", asked, re.IGNORECASE):
        return False  # "the letter of" whom
    if _is_given(before, options.stem) or (text in ("yes", "no") and before.strip(" (")):
        return False
    rest = f"{before} ; {after}"
    if text in ("yes", "no") and rest.strip(" ;.,"):
        return _confirms(rest, text, options)
    if _turns_round(before, after, options):
        return True
    asked = asked_of(options)
    if "how many" in asked.casefold() and not (
        restates(said_of(after, asked), phrases_asked(asked), first_alone=True)
        or says_in_order(said_of(after, asked), phrases_asked(asked))
    ):
        return False  # "5 polygons" where the sides of the polygon are asked for
    is_behind_a_verb = _BEHIND_A_VERB.search(as_is(before)) is not None or _are_verbs(options)
    return says_again(rest, options) or (
        is_behind_a_verb and _is_adjunct(after, options) and says_again(before, options)
    )


def _is_of_the_condition(before: str, asked: str) -> bool:
    """Whether a subject is that of the question's condition alone: of "If A dies out, what does B do?", A."""
    condition = GIVEN.match(asked)
    if not condition or _CONDITION.search(before):
        return False
    said = set(words_of(before)) - NEUTRAL - _AUXILIARY - {"would"}
    return bool(said) and said <= set(words_of(condition[0])) and said.isdisjoint(words_of(asked[condition.end() :]))


def _are_verbs(options: Options) -> bool:
    """Whether the options say what something does: "To show the error", "It rises"."""
    return all(plain.startswith(("it ", "to ", "they ")) for plain in map(options.own, options.texts))


def _before_an_option(before: str, asked: str, options: Options) -> str:
    """The words before an option without what only names its kind: "the colour" red, "a yellow" bus, "is in" 2019."""
    noun = re.search(rf"\bthe {re.escape(options.noun)} $", before) if options.noun else None
    if noun and before[: noun.start()].strip():
        before = before[: noun.start()]
    before = before_an_option(before, asked)
    if not any(LOOKS & set(text.split()) for text in options.letters):
        before = _LOOK.sub(" ", before)
    if _are_verbs(options):
        before = _IS_TO.sub(r"\1", before)
    if _WHEN.search(asked):
        before = _ON.sub("", _HELD.sub("is", before))
    return _IS_IN.sub(r"\1", before)


def _after_an_option(before: str, after: str, options: Options, text: str) -> str:
    """The words behind an option without how much it is, what it is compared with or whom it is done to."""
    if _DONE_BEFORE.search(before):
        after = _TO_ANOTHER.sub("", after)
    if not all(text[:1].isdigit() for text in options.letters):
        shorter = _MEASURE.sub("", after)
        after = after if shorter.strip() in ("is", "are", "was", "were") else shorter
    asked = asking_sentence(options.stem)
    if HOW.search(asked):
        after = _MEASURED.sub("", after)
    unit, counted = _UNIT.match(after), _HOW_MANY.search(asked)
    if unit and counted and unit_of(counted[1].casefold()) == unit[1]:
        after = f" {counted[1]}{after[unit.end() :]}"  # "8 h" where it asks how many hours
    return "" if text in LOOKS and after.strip(" .") in THINGS else _than_another(after, options)


def _confirms(rest: str, text: str, options: Options) -> bool:
    """Whether the sentence behind "yes" says the question again, and that behind "no" its negation."""
    if is_negated(options.stem):
        return False
    asked = asking_sentence(options.stem)
    if text == "no" and not is_negated(rest):
        return any(_is_within(_content(said), _content(asked)) for said in _with_the_opposite(rest, asked))
    if len(_NEGATION.findall(rest)) != (text == "no"):
        return False
    rest = _NEGATION.sub("", rest)
    return _is_within(_content(rest), _content(asked)) or says_again(rest, options)


def _with_the_opposite(said: str, asked: str) -> list[str]:
    """A sentence with one word turned into its opposite, where the question has that: "below" into "above"."""
    pairs = [
        (a, b) for a, b in _OPPOSITES if re.search(rf"\b{b}\b", asked, re.I) and not re.search(rf"\b{a}\b", asked, re.I)
    ]
    return [re.sub(rf"\b{a}\b", b, said) for a, b in pairs if len(re.findall(rf"\b{a}\b", said)) == 1]


def _turns_round(before: str, after: str, options: Options) -> bool:
    """Whether a sentence says again what is asked for with another subject.

    "x and y have a" linear "relationship", "the curve has its peak at" 5, the heart "is pointed to by the arrow".
    """
    if (has := _HAS.match(before)) and any(
        says_again(f"the {after} {link} {has[1]} is", options) for link in ("of", "between")
    ):
        return True
    if (peak := _PEAK.match(before)) and says_again(f"the {peak[2]} of {peak[1]} is ; {after}", options):
        return True
    done = None if before.strip() else _DONE_BY.match(after)
    return done is not None and _does(done, options)


def _does(done: re.Match, options: Options) -> bool:
    """Whether the question asks what does what the passive says: "is pointed to by the arrow"."""
    verb = rf"\b(?:do|does|did)\b.*\b{re.escape(done[1])}\w*{done[2] or ''}\W*$"
    return re.search(verb, asking_sentence(options.stem), re.IGNORECASE) is not None and says_again(done[3], options)


def _is_given(before: str, stem: str) -> bool:
    """Whether the question itself gives a value of what stands before an option: "∠1 =" where ∠1 = 40°."""
    name = re.fullmatch(r"\s*([^\s,;]+)\s*(?:=|\bis)\s*|.*\bat (\w)\s*=\s*", before)
    given = rf"(?<!\w){re.escape(name[1] or name[2])}\s*=\s*[\d√$-]" if name else None
    return given is not None and re.search(given, stem.casefold()) is not None


def _is_adjunct(words: str, options: Options) -> bool:
    """Whether words behind an option only say more of it: where, with what, how far."""
    if not _ADJUNCT.match(words) or _NO_ADJUNCT.search(words) or is_negated(words) or options.places(words):
        return False
    known = question_words(options.stem)
    is_new = not any(word in known and word not in SAYING for word in words_of(words)) and not re.search(r"\d", words)
    return is_new and not all(text[:1].isdigit() for text in options.letters)


def _than_another(words: str, options: Options) -> str:
    """Words without the option that another one is compared with: "is bigger than the red ball"."""
    than = re.search(r"\bthan (?:the )?(.*?)[.!]?$", words)
    if not than or not than[1]:
        return words
    compared = {word for word in re.findall(r"\w+", than[1]) if word not in SAYING or len(word) == 1}
    known = re.findall(r"\w+", with_names(options.stem, options.stem).casefold())
    is_asked = bool(compared) and compared.issubset(known) and not options.places(than[1])
    return words[: than.start()] if is_asked or options.named_by(than[1]) else words


def _is_within(said: list[str], asked: list[str]) -> bool:
    """Whether words stand in the question in this order, to its last comparison: "red bar greater than blue bar"."""
    following = iter(asked)
    return len(said) > 2 and all(word in following for word in said)


def _content(sentence: str) -> list[str]:
    """A sentence's words without auxiliaries, whose place differs between a question and a statement."""
    words = (word for word in _TOKEN.findall(sentence.casefold()) if word not in _AUXILIARY)
    return [word.removesuffix("s") if len(word) > 3 else word for word in words]


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
    return "other" if any(letter not in letters for _, letters in options.places(said)) else "unclear"


def _may_be_an_option(remark: str, question: str) -> bool:
    words, known = words_of(remark), question_words(question)
    is_known = all(word in NEUTRAL or word in THINGS or word in known for word in words)
    return is_known and any(len(word) > 1 for word in words) and not re.search(r"[^\w\s.,()]|\d|_", remark)


def _with_digits(text: str, options: Options) -> str:
    """A text with its number words in digits, where the options are numbers: "There are four"."""
    if not all(text[:1].isdigit() for text in options.letters):
        return text
    for start, end, value in reversed(list(find_numbers(text))):
        if value is not None and text[start:end].isalpha() and text[start:end] not in words_of(options.stem):
            text = f"{text[:start]}{value}{text[end:]}"
    return text
