"""The count of an answer of several clauses: one of them states it, and no other states another."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from .asked_things import counted_clause
from .counted_things import head_of_counted, stem
from .digit_steps import SUM, without_list, without_sums
from .neutral_words import ANY_THING, SAYING, words_of
from .number_words import NUMBER, find_numbers
from .phrases import one_writing
from .question_steps import kinds_of_change, without_steps

MAX_LENGTH = 1000
"""Characters; a longer answer is reasoning."""
_CLAUSE_END = re.compile(
    r"\n+|(?<=[.;!?])\s+|,?\s+(?=(?:so|therefore|thus|hence|because|since)\b(?!-))"
    r"|,\s+(?=(?:(?:which )?(?:leaves|leaving)|which means|and there|and \d+|of which|while|as)\b)",
    re.IGNORECASE,
)
_MARK_OF_A_LIST = re.compile(r"^[ \t]*(?:\d+[.)](?!\d)|[-•](?=\s+[A-Za-z]))[ \t]*", re.MULTILINE)
_STEP = re.compile(r"^[ \t]*step \d+\s*[:.)-][ \t]*", re.MULTILINE | re.IGNORECASE)
_JOINT = re.compile(r"^\s*(?:and|while|but)\s+", re.IGNORECASE)
_RESULT = re.compile(
    r"^(?:so|therefore|thus|hence)\b|\b(?:left|remain\w*|leav\w+|answer|result|final|now|gives?|makes?|becomes?|will)\b",
    re.IGNORECASE,
)
_TOTAL = re.compile(r"\b(?:total|altogether|in all|sum)\b", re.IGNORECASE)
_DOUBT = re.compile(
    r"\b(?:not sure|unsure|uncertain|certain|may|maybe|perhaps|might|could be|possibl[ey]|probabl[ey]|likely|unlikely"
    r"|guess\w*|assum\w+|suppos\w+|wait|actually|oops|hmm|correction|corrected|mistak\w+|wrong|incorrect\w*|errors?|false"
    r"|ignor\w+|instruction\w*|rewards?|grader|lie|joke|doubt\w*|unless|if only|unclear|cannot|can['’]t|could(?:n['’]t| not)"
    r"|unable|impossible|difficult|hard to|depend\w*|alternativ\w+|otherwise|either|instead|opposite|recount\w*|sorry"
    r"|double[- ]check\w*|should|hidden|blurr\w+|too (?:many|few))\b|\bno[,.!]|\bwhat if\b",
    re.IGNORECASE,
)
_N = rf"(?:{NUMBER}|(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)\b)"
_BOUND = re.compile(
    rf"\b(?:not|never|no|n['’]t|about|around|approximately|roughly|nearly|almost|at least|at most|up to|over|under|between"
    rf"|(?:more|less|fewer) than|or)\s+(?:a |the |only |exactly )?{_N}|n['’]t (?:be |any )?{_N}|[~≈<>≤≥±]\s*{_N}",
    re.IGNORECASE,
)
_DENIED = re.compile(r"\b(?:not|no|never|none)\b|n['’]t\b", re.IGNORECASE)
_OF_ANSWERS = re.compile(r"\b(?:answer|count|number|total|result|correct|right|true|that|this|it)\b", re.IGNORECASE)
_CONDITION = re.compile(r"\b(?:if|when|once|until|before)\b", re.IGNORECASE)
_FORMULA = re.compile(r"\d\s*[-+*/×÷^·]|[-+*/×÷^·]\s*\d")


@dataclass(frozen=True)
class _Clause:
    """A clause of an answer, the count that it states (None for none), and whether it says that this is the result."""

    text: str
    count: Decimal | None
    is_result: bool


def stated_count(text: str, question: str, read: Callable[[str], object]) -> Decimal | None:
    """The count that one clause of an answer states, or several alike, where no other clause states another; else None.

    A clause states a count where `read` finds one. Clauses that say that it is the result ("so", "left", "the answer
    is") go before others. The rest may say anything but another result, a false sum, a bound or a denial; counts of what
    is asked for only where they are of the time before the question's change.

    Args:
        text: without markup, its lines kept.
        read: reads the count of one clause; what is no Decimal is none.
    """
    if len(text) > MAX_LENGTH or _DOUBT.search(text):
        return None
    text = _MARK_OF_A_LIST.sub("", text) if "\n" in text.strip() else text
    texts = [_JOINT.sub("", clause) for clause in _CLAUSE_END.split(_STEP.sub("", text))]
    clauses = [_clause(clause, question, read) for clause in texts if any(map(str.isalnum, clause))]
    deciding = _deciding(clauses, question)
    if len({clause.count for clause in deciding}) != 1:
        return None
    last = max(k for k, clause in enumerate(clauses) if clause is deciding[-1])
    is_whole = all(
        clause in deciding or _may_stand_beside(clause, clauses[k + 1 :], deciding[-1], k < last, question)
        for k, clause in enumerate(clauses)
    )
    return deciding[-1].count if is_whole and _adds_up(clauses, deciding[-1], question) else None


def _clause(text: str, question: str, read: Callable[[str], object]) -> _Clause:
    count = None if "?" in text else read(without_list(without_sums(text, question), question))
    changes = kinds_of_change(question)
    is_result = (
        _RESULT.search(text) is not None
        or not any(map(str.isalpha, text))
        or ("add" in changes and _TOTAL.search(text) is not None and bool(kinds_of_change(text)))
        or bool(changes and SUM.search(text))
    )
    return _Clause(text, count if isinstance(count, Decimal) else None, is_result)


def _deciding(clauses: list[_Clause], question: str) -> list[_Clause]:
    """Of the clauses with a count those that give the answer: results, and what says most of what is asked for."""
    stating = [clause for clause in clauses if clause.count is not None]
    deciding = [
        clause for k, clause in enumerate(stating) if clause.is_result and not _is_used(clause, stating[k + 1 :])
    ]
    deciding = deciding or stating
    if len({clause.count for clause in deciding}) > 1:
        said = [_restricting(clause.text, question) for clause in deciding]
        most = max(said, key=len)
        deciding = [clause for clause, words in zip(deciding, said, strict=True) if words == most]
        if any(clause.count < deciding[0].count for clause in stating) or not all(words <= most for words in said):
            return stating
    return deciding


def _is_used(clause: _Clause, behind: list[_Clause]) -> bool:
    """Whether a later sum starts from a clause's count."""
    sums = [found["left"] for other in behind for found in SUM.finditer(other.text)]
    return any(clause.count == number for left in sums for _, _, number in list(find_numbers(left))[:1])


def _restricting(text: str, question: str) -> frozenset[str]:
    """The words of a clause that the question has beside the noun that it counts."""
    asked = {stem(word) for word in words_of(counted_clause(question)) if word not in SAYING | ANY_THING}
    return frozenset(asked & {stem(word) for word in words_of(text)}) - {stem(head_of_counted(question))}


def _may_stand_beside(
    clause: _Clause, behind: list[_Clause], deciding: _Clause, is_before: bool, question: str
) -> bool:
    """Whether a clause that does not decide may stand beside the one that does."""
    short = without_sums(clause.text, question)
    numbers = {number for _, _, number in find_numbers(clause.text)}
    if _BOUND.search(clause.text) or (_DENIED.search(clause.text) and _OF_ANSWERS.search(clause.text)):
        return False
    if _CONDITION.search(without_steps(short, question)) or (numbers and "?" in clause.text):
        return False
    if "=" in short and _FORMULA.search(short):
        return False
    if sums := list(SUM.finditer(clause.text)):
        used = {number for other in behind for _, _, number in find_numbers(other.text)} | {deciding.count}
        return all(Decimal(found["right"].replace(",", "")) in used for found in sums)
    if clause.count is None or clause.count == deciding.count:
        return not (clause.is_result and numbers and deciding.count not in numbers)
    if kinds_of_change(question):
        return is_before and deciding.is_result and not clause.is_result
    is_whole = _restricting(clause.text, question) < _restricting(deciding.text, question)
    return is_whole and clause.count > deciding.count


def _adds_up(clauses: list[_Clause], deciding: _Clause, question: str) -> bool:
    """Whether counts of some of what is asked for that stand behind the count are parts of it."""
    if deciding.is_result and clauses[-1] is deciding:
        return True
    head, parts = head_of_counted(question), []
    for clause in clauses[clauses.index(deciding) + 1 :]:
        for _, end, number in find_numbers(clause.text):
            words = re.findall(r"[A-Za-z]+", clause.text[end : end + 40])[:4]
            if head and head in map(one_writing, words) and clause.count is None:
                parts.append(number)
    return not parts or (None not in parts and sum(parts) == deciding.count)
