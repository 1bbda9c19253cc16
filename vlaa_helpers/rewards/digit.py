"""Counting: the answer gives one number."""

import re
from decimal import Decimal
from functools import lru_cache

from .asked_things import refuses_to_answer
from .counted_things import head_of_counted, in_own_words, in_the_active
from .digit_clauses import stated_count
from .digit_sentences import count_in_a_sentence, without_the_whole
from .digit_subject import AMOUNT, is_of_what_is_asked
from .lead_in import in_the_present, without_lead_in
from .neutral_words import ANY_THING, MINUS_SIGNS, SAYING, THINGS, question_words, words_of
from .number_words import find_numbers
from .phrases import one_writing
from .question_steps import kinds_of_change, without_steps
from .score import Reason, Score, right_or_wrong, score_answer

_SIGNED = re.compile(r"[-+]?(?:\d+(?:\.\d+)?|\.\d+)")
_MARKUP = re.compile(
    r"\\(?:boxed|fbox|text|mathrm|mathbf|textbf|displaystyle)(?![A-Za-z])|\\[()\[\],; ]|[*`$_{}]"
    r"|</?(?:b|i|em|strong)>|^\s*#{1,6}\s"
)
_QUOTED = re.compile(r"(?<!\w)([\"'])(.*?)\1(?!\w)")
# percentages, comparisons, functions: words that the question may have
_ODD = re.compile(r"\b(?:sqrt|root|log|ln|sin|cos|tan|factorial|percent|per cent|times)\b", re.IGNORECASE)
_NAME = re.compile(r"(?:\b[A-Za-z]\s*)?=\s*$")
_SIGN = re.compile(r"(?:(?<![^\s(\[:=])(?P<minus>-[\s(\[]*|(?:minus|negative)[\s(]+)|(?<!\S)\+)$", re.IGNORECASE)
_OTHER_SIGN = re.compile(r"[^\w\s.,:;!()\[\]'’]|_")
_SUM = re.compile(r"\b(?:value|total|count|sum|number|answer|result|consists?|made up|composed) of$", re.IGNORECASE)
_NONE_OF = re.compile(r"\bnone of (?:them|these|those)\b", re.IGNORECASE)
_NO = re.compile(r"\bno (?=([a-z]+))", re.IGNORECASE)
# a subject that is said to be something with a number of things
_WITH = re.compile(
    r"\b(?:is|are) an? (?:[a-z]+ ){0,3}[a-z]+,? "
    r"(?:with|,? ?(?:that|which) (?:has|contains|shows)|having|showing|containing)\b",
    re.IGNORECASE,
)
_OF_A_KIND = re.compile(r"^an? [a-z]+ (?=has\b)", re.IGNORECASE)
_OF_THE = re.compile(r"^(?:of|out of|among) (?:the|these|those|all) ([^,]*),\s+", re.IGNORECASE)
_FROM_TO = re.compile(
    r"\b(?:increases|rises|grows|changes|goes|decreases|drops|falls) (?:up |down )?from \S+ to\b", re.IGNORECASE
)
_HAS = re.compile(r"\bhow many [^?]* do(?:es)? [^?]*\bhave\b", re.IGNORECASE)
_ONES = re.compile(r"(?<=[a-z] )ones\b", re.IGNORECASE)
_SINGLE = re.compile(r"\ban? (?:single|total of (?=one))", re.IGNORECASE)
_PERCENT = re.compile(r"(?<![\d.,])\d[\d.,]*%")
_DOLLARS = re.compile(r"\bhow many dollars\b", re.IGNORECASE)
_PRICE = re.compile(r"\\?\$(\d[\d.,]*\b)(?![^$]*\$)")
_TIMES = re.compile(r"\bhow many times\b", re.IGNORECASE)
_HYPHEN = re.compile(r"(?<=[A-Za-z])-(?=[A-Za-z])")
_AMONG = re.compile(
    r"^(?:among|amongst|of|out of|in) (?:them|these|those|which|whom|the (?:\w+ )?(?:objects|things|items|shapes))\b,?\s*"
    r"|^the (?:other|remaining) (?=\d|two|three|four|five|six|seven|eight|nine)|^(?:this|that|which|it)? ?(?:is|means|gives|makes)(?: us| that)?(?=\s(?:\d|[a-z]+ ))",
    re.IGNORECASE,
)
_LEFT_OVER = re.compile(r"\bleft over\b", re.IGNORECASE)
_NOT_ANY = re.compile(
    r"\b(?P<be>(?:are|is|were|was)(?:n['’]t| not)|(?:do|can|could)(?:n['’]t| ?not) (?:see|find|count)) any (?=(?P<what>[a-z]+))",
    re.IGNORECASE,
)
_OUT_OF = re.compile(r"\bout of\b", re.IGNORECASE)
MAX_COUNT_WORDS, MAX_LENGTH, MAX_READ = 30, 200, 1000
"""Words and characters, and characters with markup: a longer answer is reasoning, not a count."""

_LEADS = frozenset(
    "is are was were be remain remains left has have get got see count counted equals equal gives give makes make "
    "contains contain shows show answer result total number only just exactly precisely now still yes sure ok okay "
    "altogether exist exists become becomes became uses displays depicts includes presents features what the these those all so "
    "thus it's that's there's cost costs".split()
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
    if not _quotes_alike(answer, question):
        return Reason.UNREADABLE
    answer = in_own_words(answer.replace("'re ", " are "), question) if question else answer
    if _DOLLARS.search(question):
        answer = _PRICE.sub(r"\1 dollars", answer)
    for percent in _PERCENT.findall(question):
        answer, question = (part.replace(percent, percent[:-1]) for part in (answer, question))
    if _TIMES.search(question):
        answer, question = (re.sub(r"\btimes?\b", "occasions", part) for part in (answer, question))
    if "-" in question:
        answer, question = _HYPHEN.sub(" ", answer), _HYPHEN.sub(" ", question)
    lines = _MARKUP.sub(" ", answer.replace("{,}", ","))
    count = _read_clause(" ".join(lines.split()), question)
    if isinstance(count, Reason) and question:
        worked = stated_count(lines, question, lambda clause: _read_clause(" ".join(clause.split()), question))
        return count if worked is None else worked
    return count


def _quotes_alike(answer: str, question: str) -> bool:
    """Whether an answer's quoted words are some that the question quotes, where it quotes any."""
    asked = {found[2].casefold() for found in _QUOTED.finditer(question)}
    said = {found[2].casefold() for found in _QUOTED.finditer(answer[:MAX_READ])}
    return not asked or asked.isdisjoint(said) is not bool(said)


def _read_clause(text: str, question: str) -> Decimal | Reason:
    """The one number that a text without markup and line breaks gives, or why there is none."""
    if len(text) <= MAX_LENGTH and ("'" in text or '"' in text):
        text = " ".join(_QUOTED.sub(r" \2 ", text).split())
    if refuses_to_answer(text, question):
        return Reason.UNREADABLE
    text = _OUT_OF.sub("of", _LEFT_OVER.sub("left", text))
    text = without_lead_in(in_the_present(_in_short(text, question)))
    if rest := without_steps(text, question):
        text = in_the_active(without_lead_in(rest), question)
    text = without_the_whole(_no_things_are_zero(text, question), question)
    numbers = list(find_numbers(text))
    if len(numbers) == 2 and _is_said_twice(text, *numbers):
        text, numbers = text[: numbers[0][1]] + text[numbers[1][1] + 1 :], numbers[:1]
    if not numbers or len(text) > MAX_LENGTH or len(text.split()) > MAX_COUNT_WORDS:
        return Reason.AMBIGUOUS if len(numbers) > 1 else Reason.UNREADABLE
    if question and _ODD.search(text):
        return Reason.UNREADABLE
    counts = {_count_at(start, end, value, text, question) for start, end, value in numbers} - {None}
    is_known = not question or _are_known(numbers, counts, question)
    if len(counts) == 1 and is_known:
        return counts.pop()
    if question and not (counts and is_known) and (count := count_in_a_sentence(text, question)) is not None:
        return count
    return Reason.AMBIGUOUS if len(numbers) > 1 or numbers[0][2] is None else Reason.UNREADABLE


def _are_known(numbers: list, counts: set, question: str) -> bool:
    """Whether the other numbers of a text are the question's."""
    if len(numbers) == 1:
        return True
    known = {value for _, _, value in find_numbers(question)} | {abs(count) for count in counts} | {None}
    return all(value in known for _, _, value in numbers)


def _in_short(text: str, question: str) -> str:
    """A text with "has" for "is a hexagon with" and "a hexagon has", and "one" for "a single"."""
    text = _FROM_TO.sub("is", text) if kinds_of_change(question) else text
    whole = _OF_THE.match(text)
    if whole and (question_words(question) | SAYING | ANY_THING).issuperset(words_of(whole[1])):
        text = text[whole.end() :]
    if head := head_of_counted(question):
        text = _ONES.sub(f"{head}s", text)
    text = _SINGLE.sub("one", _WITH.sub("has", _AMONG.sub("", text)))
    return _OF_A_KIND.sub("", text) if _HAS.search(question) else text


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
    if value is None or not is_alone or not is_of_what_is_asked(before, after, question):
        return None
    return -value if sign and sign["minus"] else value


def _no_things_are_zero(text: str, question: str) -> str:
    """A text with 0 for the "no" of "no cubes", where cubes could be counted: not for "no answer", "no idea"."""

    def can_be_counted(word: str) -> bool:
        is_asked = word in question_words(question) or one_writing(word) == head_of_counted(question)
        return (word in THINGS or is_asked) and word not in SAYING and word not in AMOUNT

    text = _NOT_ANY.sub(lambda no: "are 0 " if can_be_counted(no["what"].casefold()) else no[0], text)
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
