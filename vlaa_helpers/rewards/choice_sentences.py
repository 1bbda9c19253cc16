"""Sentences and remarks that name an option: its text where the question's words say again what is asked for."""

import re
from functools import lru_cache, partial

from .choice_wording import LIGHT, MEASURES, before_an_option, in_one_wording, is_named_figure, with_names
from .hedges import is_hedged, is_negated
from .neutral_words import LOOKS, SAYING, THINGS, question_words, words_of
from .number_words import find_numbers
from .options import Options, plain_text, read_options
from .phrases import ASKING, Phrase, phrases_of
from .restatement import asking_sentence, restates, says_in_order

MAX_SENTENCE = 400
"""Characters of a sentence; a longer one names no option."""
MAX_PLACES = 8
"""Places of a sentence that are tried as the option's text."""
_NEUTRAL = (SAYING - {"right", "yes"}) | frozenset(
    "they he she type kind name word text called because since as one degrees number total value measure size long wide tall deep".split()
)
_ANGLE = re.compile(r"\\?\bangle\s*(?=(?:[a-z]{1,3}|\d)\b)|∠\s*", re.IGNORECASE)
_DESCRIBES = re.compile(
    r"\bof the following\b|\b(?:best |most likely )?(?:describes?|represents?|matches|shows?|depicts?|denotes?|indicates?|marks?"
    r"|corresponds? to|corresponding to|belongs? to|made (?:up )?of|refers? to|stands? for)\b",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\(?[-+]?\d+(?:\.\d+)?[).]?")
_OTHER_SIGN = re.compile(r"[^\w\s.,:;!()\[\]'\"°=-]|(?<!\w)[-_]|[-_](?!\w)")
_LONE_LETTER = re.compile(
    r"(?<![\w'’])(?!(?:a|i) (?!is\b|was\b|would\b|or\b|and\b)[a-z]{2})([a-z])(?![\w'’])", re.IGNORECASE
)
_ASKS = re.compile(r"\?|^\W*(?:is|are|was|were|do|does|did|has|have|can)\b", re.IGNORECASE)
_LETTER_BEFORE = re.compile(r"(?<=\s)\(?([A-Z])[).]\s*(?=\S)")
_CALLED = re.compile(r"\s(?:option|choice|answer|statement)\s*$", re.IGNORECASE)
_LETTER = re.compile(r"(?<![\w'.(])\(?([A-Z])\)?[.!]?$")
_IS_RIGHT = re.compile(r"(?:that|this|it|which)(?: is|['’]?s) (?:right|correct)[.!]?", re.IGNORECASE)
_CONDITION = re.compile(r"\(?(?:if|when|while|unless)\b", re.IGNORECASE)
_SHORT_NOT = re.compile(r"n['’]t\b", re.IGNORECASE)
_REASON = re.compile(r"(?:since|because)\s+(.*)", re.IGNORECASE | re.DOTALL)
_UNSURE = re.compile(
    r"\?|\b(?:all|both|every|any|either|options?|choices?|answers?|maybe|perhaps|possibly|probably|might|may|could|guess\w*"
    r"|think|believe|seems?|appears?|but|although|though|if)\b",
    re.IGNORECASE,
)
_NEGATION = re.compile(r"\bnot\b")
_BEHIND_A_VERB = re.compile(r"\b(?:is|are|was|were)\s*(?:(?:an?|the)\s*)?$")
_GIVEN = re.compile(r"^.*\b(?:if|given|suppose)\b.*,\s*(?:then\s+)?(?=.*\b(?:what|which|how|find|is|are)\b)", re.IGNORECASE)
_LOOK = re.compile(rf"(?: an?| the)? (?:{'|'.join(sorted(LOOKS))}) ?$")
def _with(found: re.Match) -> str:
    """ "with x" for "as x increases"."""
    return f"with {found[0].split(maxsplit=1)[1].rsplit(maxsplit=1)[0]}"


_ALIKE = (
    (re.compile(r"\b(?:largest|greatest|biggest|maximum|maximal)\b", re.IGNORECASE), "highest"),
    (re.compile(r"\b(?:smallest|minimum|minimal)\b", re.IGNORECASE), "lowest"),
    (re.compile(r"\b(?:as|when|with) (?:the )?(?:(?!\b(?:as|when|with)\b)[^,])+? (?:grows?|increases?|rises?|gets? larger)\b", re.I), _with),
    (re.compile(r"\bwith (?:an )?increas(?:ing|e in|ed) ", re.IGNORECASE), "with "),
    (re.compile(r"\bwhat (?:happens|is happening) to\b", re.IGNORECASE), ""),
    (re.compile(r"\bto (?:each other|one another)\b", re.IGNORECASE), " "),
)
"""Words that say the same, and what a question asks of a thing that its values name by themselves."""
_HOLDS = re.compile(r"\b(?:hold|achieve|reache|attain|exhibit|obtain|get|record|own|possesse|have|has|had)s?\b", re.IGNORECASE)
"""Verbs that say of a thing what it has."""
_THE_MOST = re.compile(r"(?:\bthe )?((?:\b(?!the )\w+ ){1,3})(?:is|was|are|were) the (\w+est|most \w+)\b")
_IS_THE_MOST = re.compile(r"\b(?:is|was|are|were) the ((?:(?!the )\w+ ){1,3})the (\w+est)\b", re.IGNORECASE)
_SHOWING = re.compile(r"^(.*?) (?:depicts|shows|displays|features) ")
_PRONOUN = re.compile(r"\s*(?:it|they|he|she)\b")
_ATTRIBUTE = re.compile(
    r"\b(?:relationship(?: between)?|(?:colou?r|shape|material|size|position|orientation|function|purpose|role|name|title|degrees?|measure|value|length) of)\b",
    re.IGNORECASE,
)
"""What a question asks of a thing, whose values need not say it: "The cube is blue"."""
_ABOUT = re.compile(
    r"\b(?:what (?:can|could|may) be \w+|which (?:of the following )?(?:statements?|conclusions?|sentences?)? ?(?:is |are )?"
    r"(?:true|correct|best)?) ?(?:about|regarding|from)\b"
    r"|\bwhat (?:\w+ )?(?:trend|change|pattern) (?:is|are|was|can be) (?:observed|seen|shown|visible) (?:in|for)\b",
    re.IGNORECASE,
)
_HOW = re.compile(rf"\bhow ({'|'.join(MEASURES)})\b", re.IGNORECASE)
_MEASURED = re.compile(rf"^ (?:in )?(?:{'|'.join(MEASURES)}|{'|'.join(MEASURES.values())})\b")
_IN_FIGURE = re.compile(r"\b(?:in|from|according to|based on) (?:the|this) (?:image|picture|photo|figure|scene|diagram|graph|chart|plot|table)\b", re.I)
_MEASURE = re.compile(
    r"\s*\b(?:with|at|of) (?:(?:an?|about|around|approximately|value) )*[\d.,]+ ?(?:%|percent)?[.]?$"
    r"|\s*\bfrom [\d.,]+\S* to [\d.,]+\S*$"
)
_PEAK = re.compile(r"(.*?) (?:has|have|had|reaches|attains|shows) (?:its|their|an?|the) (.+?) (?:at|of|is)\s*$")
_DONE_BY = re.compile(r" (?:is|are|was|were) (\w+?)(?:e?d|en)?( to)? by (.*)$")
_HAS = re.compile(r"(.*) (?:has|have|had) (?:an? |the )?$")
_TO_ANOTHER = re.compile(r"^ (?:to|on|for) .*")
_IS_IN = re.compile(r"\b((?:is|are|was|were)(?: the \w+est)?) (?:in|at)\s*(?:the\s*)?$")
_OPEN_LINK = re.compile(r"\b(of|with|to|for|by|from|about)\s*(?:the\s*)?$")
_ADJUNCT = re.compile(
    r"[\s,]*(?:in|on|at|down|up|along|through|over|under|near|next to|with|for|of|around|across|into|toward|towards|by|to)\b"
)
_NO_ADJUNCT = re.compile(
    r"\band\b(?! (?:an?|the|its)\b)|\b(?:or|then|until|only|first|last|but|most|before|after|when|if|while|than|as|once|some|other|another)\b"
)
_AUXILIARY = frozenset("is are was were do does did has have had can will there the a an of".split())
_TOKEN = re.compile(r"\w+(?:['’]\w+)?|[^\w\s.,;:!?\"]")


def named_by_sentence(text: str, options: Options) -> str | None:
    """The letter of the one option with which a sentence answers; None for any other sentence.

    >>> options = read_options("What colour is the car by the tree? A) red B) blue")
    >>> [named_by_sentence(text, options) for text in ("The car is blue", "The tree is blue", "It is red")]
    ['B', None, 'A']
    """
    if not options.texts or len(text) > MAX_SENTENCE or _ASKS.search(text):
        return None
    if (
        (letter := _LETTER.search(text))
        and "=" not in text
        and letter[1] in options.texts
        and letter[1].casefold() not in options.letters
        and not any(text.endswith(letter[0].strip(".!").casefold()) for text in options.letters)
    ):
        before = before_an_option(_CALLED.sub(" ", text[: letter.start()]), asking_sentence(options.stem))
        return letter[1] if phrases_of(before, _NEUTRAL) and says_again(before, options) else None
    text = _LETTER_BEFORE.sub(partial(_without_own_letter, options), _SHORT_NOT.sub(" not", text))
    text = _with_digits(plain_text(in_one_wording(text, options)), options)
    named = {
        letter
        for found, letters in options.places(text)[:MAX_PLACES]
        for letter in letters
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
    asked = asking_sentence(options.stem)
    if options.noun and (noun := re.search(rf"\bthe {re.escape(options.noun)} $", before)) and before[: noun.start()].strip():
        before = before[: noun.start()]  # "is shown by the colour" red
    is_done_by = re.search(r"\b(?:was|were|is|are) \w+ by $", before)
    after = _TO_ANOTHER.sub("", after) if is_done_by else after
    before = before_an_option(before, asked)
    if not any(LOOKS & set(text.split()) for text in options.letters):
        before = _LOOK.sub(" ", before)
    before = _IS_IN.sub(r"\1", before)
    if all(plain.startswith(("it ", "to ", "they ")) for plain in map(options.own, options.texts)):
        before = re.sub(r"\b(is|are) to $", r"\1", before)
    if (link := _OPEN_LINK.search(before)) and not re.search(rf"\b{link[1]}\b", asked, re.IGNORECASE):
        return False  # "the letter of" whom
    if _is_given(before, options.stem):
        return False
    if not all(text[:1].isdigit() for text in options.letters):
        after = _MEASURE.sub("", after)
    after = _MEASURED.sub("", after) if _HOW.search(asked) else after
    if text in LOOKS and after.strip(" .") in THINGS:
        after = ""
    rest = f"{before} ; {_than_another(after, options)}"
    if text in ("yes", "no") and before.strip(" ("):
        return False
    if text in ("yes", "no") and rest.strip(" ;.,"):
        if is_negated(options.stem) or len(_NEGATION.findall(rest)) != (text == "no"):
            return False
        rest = _NEGATION.sub("", rest)
        if _is_within(_content(rest), _content(asking_sentence(options.stem))):
            return True
    asked = _asked(options)
    if (has := _HAS.match(before)) and (
        any(says_again(f"the {after} {link} {has[1]} is", options) for link in ("of", "between"))
    ):
        return True  # "x and y have a linear relationship"
    if (peak := _PEAK.match(before)) and says_again(f"the {peak[2]} of {peak[1]} is ; {after}", options):
        return True
    if not before.strip() and (done := _DONE_BY.match(after)) and _does(done, options):
        return True
    if "how many" in asked.casefold() and not (
        restates(_said(after, asked), _phrases_asked(asked), first_alone=True)
        or says_in_order(_said(after, asked), _phrases_asked(asked))
    ):
        return False  # "5 polygons" where the sides of the polygon are asked for
    return says_again(rest, options) or (
        _BEHIND_A_VERB.search(_as_is(before)) is not None and _is_adjunct(after, options) and says_again(before, options)
    )


def _does(done: re.Match, options: Options) -> bool:
    """Whether the question asks what does what the passive says: "is pointed to by the arrow"."""
    verb = rf"\b(?:do|does|did)\b.*\b{re.escape(done[1])}\w*{done[2] or ''}\W*$"
    return re.search(verb, asking_sentence(options.stem), re.IGNORECASE) is not None and says_again(done[3], options)


def _is_given(before: str, stem: str) -> bool:
    """Whether the question itself gives a value of what stands before an option: "∠1 =" where ∠1 = 40°."""
    name = re.fullmatch(r"\s*([^\s,;]+)\s*(?:=|\bis)\s*|.*\bat (\w)\s*=\s*", before)
    return name is not None and re.search(rf"(?<!\w){re.escape(name[1] or name[2])}\s*=\s*[\d√$-]", stem.casefold()) is not None


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


def says_again(words: str, options: Options) -> bool:
    """Whether words beside an option only say again what the question asks for, or that an answer follows.

    Of a question with a negation they must say that too, or nothing at all: the shark is no mammal.
    """
    names = set(_LONE_LETTER.findall(asking_sentence(options.stem).casefold()))
    if len(words) > MAX_SENTENCE or _OTHER_SIGN.search(_ANGLE.sub("angle ", words)) or any(
        letter.upper() in options.texts and letter not in names for letter in _LONE_LETTER.findall(words)
    ):
        return False
    return any(_is_restated(words, options, is_bare) for is_bare in (False, True))


def _is_restated(words: str, options: Options, is_bare: bool) -> bool:
    asked = _phrases_asked(_asked(options, is_bare))
    if is_bare:
        words = _THE_MOST.sub(r"the \2 \1", _SHOWING.sub(r"in \1 is ", words))
    said = _said(words, _asked(options, is_bare), is_bare)
    if re.match(r"\W*who\b", asking_sentence(options.stem), re.IGNORECASE):
        said = [phrase for phrase in said if phrase.words != ("person",)]
    if len(said) == 1 and _PRONOUN.match(words) and asked and said[0] == Phrase("", asked[-1].words[-1:] or ("",)):
        return True  # "it needs" of "What does … need?"
    is_whole = (
        not is_negated(_asked(options)) or not words.strip(" ;.,!") or any("not" in phrase.link for phrase in said)
    )
    if re.search(r"\bits\b|\btheir\b", _asked(options), re.IGNORECASE):
        said = [phrase for phrase in said if phrase.link != "of" or not set(phrase.words) <= question_words(options.stem)]
    return is_whole and (restates(said, asked, in_part=True) or says_in_order(said, asked))


@lru_cache(maxsize=4096)
def _phrases_asked(asked: str) -> tuple[Phrase, ...]:
    return tuple(phrases_of(asked, (ASKING - {"factor"}) | _NEUTRAL))


def _said(words: str, asked: str, is_bare: bool = False) -> list[Phrase]:
    if " has " in asked and " with " not in asked:
        words = words.replace(" with ", " has ")  # "the car with the highest speed"
    return [_as_subject(phrase, _phrases_asked(asked)) for phrase in phrases_of(_as_is(words, is_bare), _NEUTRAL)]


def _as_subject(said: Phrase, asked: tuple[Phrase, ...]) -> Phrase:
    """ "in the network" as "the network", where the question asks what that has; "panel (c) is" as "in panel (c)"."""
    alone = Phrase("", said.words)
    shown = next((phrase for phrase in asked if phrase.words == said.words and phrase.link in ("in", "on")), said)
    if said.link in ("in", "of") and said not in asked and alone in asked[1:]:
        return alone
    holds = is_named_figure(said.words) or said.words[-1:] in (("axis",), ("column",), ("row",), ("label",))
    return shown if said == alone and holds else said


def _as_is(sentence: str, is_bare: bool = False) -> str:
    """A sentence in which "best describes" and "shows" are "is", and angles are called so."""
    for form, word in _ALIKE:
        sentence = form.sub(word, sentence)
    if is_bare:
        sentence = _ABOUT.sub("", _ATTRIBUTE.sub(" ", _IS_THE_MOST.sub(r" is \2 \1", sentence)))
    sentence = _HOLDS.sub(" has ", sentence)
    sentence = _HOW.sub(lambda found: f"what {MEASURES[found[1].casefold()]}", _IN_FIGURE.sub(" ", sentence))
    return LIGHT.sub(" ", _DESCRIBES.sub(" is ", _ANGLE.sub(" angle ", sentence)))


def _asked(options: Options, is_bare: bool = False) -> str:
    """The sentence that asks, without the options that it names: "Which is bigger, the ball or the cube?"."""
    sentence = asking_sentence(options.stem)
    if all(text[:1].isdigit() for text in options.letters):
        sentence = _GIVEN.sub("", sentence)
    sentence = _as_is(plain_text(with_names(sentence, options.stem)), is_bare)
    return options.pattern.sub(" ", sentence) if re.search(r"\bor\b", sentence) else sentence


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
    if reason := _REASON.fullmatch(said):
        return "same" if _is_plain_reason(reason[1], letter, options) else "unclear"
    if _IS_RIGHT.fullmatch(said) or (not _CONDITION.match(said) and says_again(said, options)):
        return "same"
    return "other" if any(letter not in letters for _, letters in options.places(said)) else "unclear"


def _is_plain_reason(reason: str, letter: str, options: Options) -> bool:
    """Whether a reason behind a letter takes nothing back and speaks of no other option."""
    if is_hedged(reason) or _UNSURE.search(reason) or _LONE_LETTER.search(reason):
        return False
    return options.mentioned(reason) <= {letter}


def _may_be_an_option(remark: str, question: str) -> bool:
    words, known = words_of(remark), question_words(question)
    is_known = all(word in _NEUTRAL or word in THINGS or word in known for word in words)
    return is_known and any(len(word) > 1 for word in words) and not re.search(r"[^\w\s.,()]|\d|_", remark)


def _with_digits(text: str, options: Options) -> str:
    """A text with its number words in digits, where the options are numbers: "There are four"."""
    if not all(text[:1].isdigit() for text in options.letters):
        return text
    for start, end, value in reversed(list(find_numbers(text))):
        if value is not None and text[start:end].isalpha() and text[start:end] not in words_of(options.stem):
            text = f"{text[:start]}{value}{text[end:]}"
    return text
