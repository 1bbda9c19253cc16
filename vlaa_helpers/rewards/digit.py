"""Counting: the answer gives one number."""

import re
from decimal import Decimal
from functools import lru_cache

from .asked_things import counted_clause, refuses_to_answer
from .lead_in import in_the_present, without_lead_in
from .neutral_words import ANY_THING, MINUS_SIGNS, SAYING, THINGS, question_words, words_of
from .number_words import find_numbers
from .phrases import Phrase, phrases_of
from .restatement import asked_phrases, restates
from .score import Reason, Score, right_or_wrong, score_answer

_SIGNED = re.compile(r"[-+]?(?:\d+(?:\.\d+)?|\.\d+)")
_MARKUP = re.compile(r"\\(?:boxed|fbox|text|mathrm|mathbf|textbf|displaystyle)(?![A-Za-z])|\\[()\[\],; ]|[*`$_{}]")
_QUOTED = re.compile(r"(?<!\w)([\"'])(.*?)\1(?!\w)")
# percentages, comparisons, functions: words that the question may have
_ODD = re.compile(r"\b(?:sqrt|root|log|ln|sin|cos|tan|factorial|percent|per cent|times)\b", re.IGNORECASE)
_NAME = re.compile(r"(?:\b[A-Za-z]\s*)?=\s*$")
_SIGN = re.compile(r"(?:(?<![^\s(\[:=])(?P<minus>-[\s(\[]*|(?:minus|negative)[\s(]+)|(?<!\S)\+)$", re.IGNORECASE)
_OTHER_SIGN = re.compile(r"[^\w\s.,:;!()\[\]'’]|_")
_SUM = re.compile(r"\b(?:value|total|count|sum|number|answer|result) of$", re.IGNORECASE)
_SUBTRACTED = re.compile(r"\b(?:subtract|remove|take away)\b([^.?!;]*)", re.IGNORECASE)
_STEP = re.compile(r"\b(?:after|once|when|if)\b([^,.;:]*)(?:,|\.?$)", re.IGNORECASE)
_OF_A_STEP = frozenset(
    "subtract subtracting subtracted remove removing removed take taking taken away add adding added count counting "
    "counted we you they".split()
)
_NONE_OF = re.compile(r"\bnone of (?:them|these|those)\b", re.IGNORECASE)
_NO = re.compile(r"\bno (?=([a-z]+))", re.IGNORECASE)
_IN_ALL = re.compile(r"\bin (?:total|all)\b|\bof (?:them|these|those|all)\b", re.IGNORECASE)
_OUT_OF = re.compile(r"\bout of\b", re.IGNORECASE)
_OWNS = re.compile(r"\b(?:has|have|contains?|shows?)\s*$", re.IGNORECASE)
_OBJECTS = re.compile(rf"\bhow many (?:{'|'.join(ANY_THING)})\b", re.IGNORECASE)
MAX_COUNT_WORDS, MAX_LENGTH, MAX_READ = 12, 200, 1000
"""Words and characters, and characters with markup: a longer answer is reasoning, not a count."""

_AMOUNT = frozenset(
    "total count number sum amount quantity altogether overall together all left remain remains remaining has have get "
    "got see counted count equals equal gives give makes make contains contain shows show still will them they on "
    "which can found present long wide tall high deep old".split()
)
_NEUTRAL = SAYING | _AMOUNT | ANY_THING
_YEARS = frozenset({"year", "years"})
_LEADS = frozenset(
    "is are was were be remain remains left has have get got see count counted equals equal gives give makes make "
    "contains contain shows show answer result total number only just exactly precisely now still yes sure ok okay "
    "the these those all so thus it's that's there's cost costs".split()
)
"""The words that may stand right before the number."""


def digit_reward(response: str, gt: str, *, question: str = "", meta: str = "") -> Score:
    """1 when the answer gives the number `gt` and no other, else 0; used for counting (CLEVR-Math).

    "3", "3.0", "three", "3 (three)" and "There are 3" all give one number, so all count: no second reading is possible.
    "No cubes" gives 0. With two numbers ("3 or 4", "2 + 1 = 3", "1*2") the answer is `ambiguous`, but for one that
    belongs to the question's words ("5 of the 12 eggs are broken"). Beside the number may stand the words that say that
    it is the answer, and those that say again what is to be counted (`restatement.py`); with any other word or sign
    ("not 3", "about 3", "3%", "3rd", "3 pairs", "7 tables" for the apples on the table) the answer is `unreadable`.
    Colours and shapes may stand there where the question names none, or where it asks "how many objects" and the answer
    says objects too ("3 objects (cubes and spheres)"), but for what the question takes away.

    Raises:
        ValueError: `gt` is no number, see `check_count`.

    >>> digit_reward("<think>…</think><answer>There are three.</answer>", "3").value
    1.0
    """
    if problem := check_count(gt):
        raise ValueError(problem)

    def decide(answer: str) -> Score:
        if len(answer) < 16 and len(gt) < 16 and _SIGNED.fullmatch(answer.strip()):
            return right_or_wrong(float(answer) == float(gt))
        count = read_count(answer, question) if len(answer) <= MAX_READ else Reason.UNREADABLE
        return Score(0.0, count) if isinstance(count, Reason) else right_or_wrong(count == Decimal(gt))

    return score_answer(response, decide)


def check_count(gt: str, question: str = "", meta: str = "") -> str | None:
    """What is wrong with a count as ground truth, and the mend; None for a number in digits."""
    if _SIGNED.fullmatch(gt.strip()) and gt.strip().isascii():
        return None
    count = read_count(gt) if len(gt) < 200 else Reason.UNREADABLE
    mend = "give it another verifier_type" if isinstance(count, Reason) else f"write gt {str(count)!r}"
    return f"the ground truth {gt!r:.80} is not a number; mend the record: {mend}"


@lru_cache(maxsize=4096)
def read_count(answer: str, question: str = "") -> Decimal | Reason:
    """The one number that an answer gives, or why there is none: `ambiguous` or `unreadable`.

    >>> read_count("minus three"), read_count("3 or 4"), read_count("3³")
    (Decimal('-3'), <Reason.AMBIGUOUS: 'ambiguous'>, <Reason.UNREADABLE: 'unreadable'>)
    """
    if not answer.isascii():
        answer = answer.translate(MINUS_SIGNS)
    text = " ".join(_MARKUP.sub(" ", answer.replace("{,}", ",")).split())
    if len(text) <= MAX_LENGTH and ("'" in text or '"' in text):
        text = " ".join(_QUOTED.sub(r" \2 ", text).split())
    if refuses_to_answer(text, question):
        return Reason.UNREADABLE
    text = _OUT_OF.sub("of", text)
    text = _no_things_are_zero(_without_steps(without_lead_in(in_the_present(text)), question), question)
    numbers = list(find_numbers(text))
    if len(numbers) == 2 and _is_said_twice(text, *numbers):
        text, numbers = text[: numbers[0][1]] + text[numbers[1][1] + 1 :], numbers[:1]
    if not numbers or len(text) > MAX_LENGTH or len(text.split()) > MAX_COUNT_WORDS:
        return Reason.AMBIGUOUS if len(numbers) > 1 else Reason.UNREADABLE
    if question and _ODD.search(text):
        return Reason.UNREADABLE
    counts = {_count_at(start, end, value, text, question) for start, end, value in numbers} - {None}
    if len(counts) == 1:
        return counts.pop()
    return Reason.AMBIGUOUS if len(numbers) > 1 or numbers[0][2] is None else Reason.UNREADABLE


def _count_at(start: int, end: int, value: Decimal | None, text: str, question: str) -> Decimal | None:
    """The number at this place with its sign, when all that stands beside it leaves it as it is; else None."""
    before, after = text[:start], text[end:]
    sign = _SIGN.search(before)
    if sign:
        before = before[: sign.start()]
    elif before[-1:].isalnum():  # "x3"
        return None
    before = _NAME.sub(":", before)  # "x = 3"
    is_alone = _leads_to_a_number(before) and _ends_a_number(after, question)
    if value is None or not is_alone or not _is_of_what_is_asked(before, after, question):
        return None
    return -value if sign and sign["minus"] else value


def _is_of_what_is_asked(before: str, after: str, question: str) -> bool:
    """Whether the words beside a number only say again what is to be counted, or are neutral."""
    if not any(map(str.isalnum, before + after)):
        return True
    words = words_of(before + ";" + after)
    asked = counted_clause(question)
    neutral = _NEUTRAL | _YEARS if "how old" in question.casefold() else _NEUTRAL
    neutral = (neutral | _kinds(words, question)) - (THINGS & question_words(asked))
    wanted = asked_phrases(asked)
    said, counted = phrases_of(_IN_ALL.sub(" ", before), neutral), phrases_of(_IN_ALL.sub(" ", after), neutral)
    if said and not said[-1].words and said[-1].link not in ("", "of"):
        return False
    if said and not said[-1].link and _OWNS.search(before):  # "the boat has 2 people" are those in the boat
        said = [*said[:-1], Phrase("in", said[-1].words)] if not restates(said, wanted) else said
    return restates(said, wanted) and restates(counted, wanted, first_alone=True)


def _kinds(words: list[str], question: str) -> frozenset[str]:
    """The colours and shapes that may stand beside a number: all, where the question names none, or both say objects.

    Where the question alone speaks of objects, those that it names. What it takes away is not among what is left.
    """
    if _names_no_thing(question) or (_OBJECTS.search(question) and not ANY_THING.isdisjoint(words)):
        kinds = THINGS
    else:
        kinds = THINGS & question_words(question) if _OBJECTS.search(question) else frozenset()
    return kinds - question_words(" ".join(_SUBTRACTED.findall(question)))


@lru_cache(maxsize=4096)
def _names_no_thing(question: str) -> bool:
    return THINGS.isdisjoint(words_of(question))


def _without_steps(text: str, question: str) -> str:
    """A text without clauses of the question's words, "after removing 3 balls", whose numbers are no count."""
    known = question_words(question) | _OF_A_STEP | SAYING | ANY_THING

    def is_known(step: re.Match) -> bool:
        is_of_question = set(re.findall(r"\d+", step[1])) <= set(re.findall(r"\d+", question))
        return is_of_question and known.issuperset(words_of(step[1]))

    rest = _STEP.sub(lambda step: " " if is_known(step) else step[0], text).strip()
    return without_lead_in(rest) if rest else text


def _no_things_are_zero(text: str, question: str) -> str:
    """A text with 0 for the "no" of "no cubes", where cubes could be counted: not for "no answer", "no idea"."""

    def can_be_counted(word: str) -> bool:
        return (word in THINGS or word in question_words(question)) and word not in SAYING and word not in _AMOUNT

    text = _NO.sub(lambda no: "0 " if can_be_counted(no[1].casefold()) else no[0], text)
    return _NONE_OF.sub("0", text)


def _is_said_twice(text: str, first: tuple, second: tuple) -> bool:
    """Whether the second number says the first again, in brackets: "3 (three)"."""
    between = text[first[1] : second[0]].strip()
    return between == "(" and text[second[1] : second[1] + 1] == ")" and first[2] == second[2] is not None


def _leads_to_a_number(before: str) -> bool:
    """Whether what stands right before a number, its sign left out, leaves it as it is."""
    before = before.rstrip(" ([")
    if not before or before == ":":
        return True
    if _OTHER_SIGN.search(before) or "!" in before or not re.search(r"[^\W\d]", before):
        return False
    return not before[-1].isalpha() or words_of(before)[-1] in _LEADS or _SUM.search(before) is not None


def _ends_a_number(after: str, question: str) -> bool:
    """Whether what stands right behind a number leaves it as it is; a letter alone is a unit, and so is "12cm"."""
    if _OTHER_SIGN.search(after) or after[:1] in ("'", "’"):
        return False
    words = words_of(after)
    if after[:1].isalnum() and words[0] not in question_words(question):
        return False
    return not words or len(words[0]) > 1
