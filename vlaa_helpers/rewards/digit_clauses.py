"""The count of an answer of several clauses: one of them states it, and no other states another."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from itertools import pairwise

from .asked_things import counted_clause
from .counted_things import head_of_counted, stem
from .digit_doubts import contradicts, is_denied, is_doubtful, takes_back
from .digit_split import SENTENCE_END, clauses_of, counts_apart
from .digit_steps import SUM, without_list, without_sums
from .hedges import is_negated
from .neutral_words import ANY_THING, LOOKS, SAYING, words_of
from .number_words import SMALL_NUMBER, find_numbers
from .phrases import one_writing
from .question_steps import kinds_of_change, things_changed, without_steps

MAX_LENGTH, MAX_CLAUSE, MAX_CLAUSES = 1000, 300, 24
"""Characters of an answer and of a clause, and clauses: a longer answer is reasoning."""
_RESULT = re.compile(
    r"^(?:so|therefore|thus|hence)\b|\b(?:(?<!the )left(?! of| side| one)|remain\w*|leav\w+|answer|result|final|now"
    r"|gives?|giving|makes?|making|becomes?|get|will)\b",
    re.IGNORECASE,
)
_SAYS_RESULT = re.compile(r"\b(?:(?<!the )left(?! of| side| one)|remain\w*|answer|result|final)\b", re.IGNORECASE)
_ANSWERS = re.compile(r"\banswer (?:is|:|=)", re.IGNORECASE)
_LISTED = re.compile(r"\b(?:are|is)\b:? (?!there\b)([^.]*,[^.]*|[^.]* and [^.]*)[.]?$")
_FRAGMENT = re.compile(rf"\W*{SMALL_NUMBER}(?: (?!is|are|in|on|was|were)\w+){{0,3}}\W*$", re.IGNORECASE)
_OF_THEM = re.compile(r"\bof (?:them|these|those|which|whom)\b", re.IGNORECASE)
_ALONE_FIRST = re.compile(rf"\W*{SMALL_NUMBER}\s*[.:;\n]", re.IGNORECASE)
_TO_BE_TAKEN = re.compile(r"\b(?:must|should|need to|have to|has to) be (?:subtracted|removed|taken)\b", re.IGNORECASE)
_WITHOUT = re.compile(
    r"\b(?:besides|other than|apart from|after|once|when|gone|non|because|since|minus|subtract\w*)\b|=", re.IGNORECASE
)
_THEN = re.compile(r"\b(?:then|next|finally)\b", re.IGNORECASE)
_NAME = re.compile(r"\b[A-Z][a-z]+(?= [a-z])")
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
    is") go before others. The rest may say anything but another result, a false sum, a bound or a denial; another count
    of what is asked for only where it is of the time before the question's change, or of a whole of which a part is
    asked for.

    Args:
        text: without markup, its lines kept.
        read: reads the count of one clause; what is no Decimal is none.
    """
    if len(text) > MAX_LENGTH or is_doubtful(text, question) or _is_before_the_change(text, question):
        return None
    if max(map(len, SENTENCE_END.split(text))) > MAX_CLAUSE:
        return None
    texts = clauses_of(text, question)
    if len(texts) > MAX_CLAUSES:
        return None
    parts = [part for clause in texts for part in counts_apart(clause)]
    count = _count_of(texts, question, read)
    return count if count is not None or len(parts) == len(texts) else _count_of(parts, question, read)


def _is_before_the_change(text: str, question: str) -> bool:
    """Whether a text has things among those it counts that the question takes away: "5 objects, 4 of them balls"."""
    taken = things_changed(question, "take")
    if not taken or _RESULT.search(text) or _ALONE_FIRST.match(text):
        return False
    if _TO_BE_TAKEN.search(text):
        return True
    words = {one_writing(word) for word in words_of(text)}
    is_said_otherwise = kinds_of_change(text) or is_negated(text) or _WITHOUT.search(text)
    return not is_said_otherwise and any(change and change <= words for change in taken)


def _count_of(texts: list[str], question: str, read: Callable[[str], object]) -> Decimal | None:
    """The count that these clauses state together, or None."""
    clauses, deciding = _deciding([_clause(clause, question, read) for clause in texts], question)
    if len({clause.count for clause in deciding}) != 1:
        return None
    is_first = deciding[0] is clauses[0] and _FRAGMENT.match(clauses[0].text)
    if (
        kinds_of_change(question)
        and not deciding[-1].is_result
        and not is_first
        and _changes_a_number(clauses, deciding)
    ):
        return None
    if kinds_of_change(question) and _is_changed_again(clauses, deciding[-1]):
        return None
    if _says_less_than_another(clauses, deciding[-1], question):
        return None
    last = max(k for k, clause in enumerate(clauses) if clause is deciding[-1])
    is_whole = all(
        clause in deciding or _may_stand_beside(clause, clauses[k + 1 :], deciding[-1], k < last, question)
        for k, clause in enumerate(clauses)
    )
    return deciding[-1].count if is_whole and _adds_up(clauses, deciding[-1], question) else None


def _is_changed_again(clauses: list[_Clause], deciding: _Clause) -> bool:
    """Whether a later clause changes the count once more: "gives 7. Subtracting 1 gives 6", "and then 1 is removed"."""
    for clause in clauses[clauses.index(deciding) + 1 :]:
        numbers = {number for _, _, number in find_numbers(clause.text)}
        is_new = clause.is_result and deciding.count not in numbers
        if numbers and kinds_of_change(clause.text) and (is_new or _THEN.search(clause.text)):
            return True
    return False


def _says_less_than_another(clauses: list[_Clause], deciding: _Clause, question: str) -> bool:
    """Whether a later clause with a number, not read, says more of what is asked for than the one that decides."""
    head = head_of_counted(question)
    if deciding.is_result or head not in map(one_writing, words_of(deciding.text)):
        return False
    said = _restricting(deciding.text, question)
    return any(
        clause.count is None and any(find_numbers(clause.text)) and _restricting(clause.text, question) > said
        for clause in clauses[clauses.index(deciding) + 1 :]
    )


def _changes_a_number(clauses: list[_Clause], deciding: list[_Clause]) -> bool:
    """Whether a clause beside those that decide takes a number of things away, or adds some."""
    others = [clause.text for clause in clauses if clause not in deciding]
    return any(kinds_of_change(text) and (any(find_numbers(text)) or is_denied(text)) for text in others)


def _clause(text: str, question: str, read: Callable[[str], object]) -> _Clause:
    count = None if "?" in text else read(without_list(without_sums(text, question), question))
    changes = kinds_of_change(question)
    is_result = (
        _RESULT.search(text) is not None
        or not any(map(str.isalpha, text))
        or bool(changes and without_steps(text, question) != text.strip())
        or bool(changes and SUM.search(text))
    )
    return _Clause(text, count if isinstance(count, Decimal) else None, is_result)


def _deciding(clauses: list[_Clause], question: str) -> tuple[list[_Clause], list[_Clause]]:
    """The clauses but for results on the way, and of those with a count the ones that give the answer."""
    stating = [clause for clause in clauses if clause.count is not None]
    stating = [clause for k, clause in enumerate(stating) if not _is_used(clause, stating[k + 1 :])]
    results = [clause for clause in stating if clause.is_result]
    if not results and stating and stating[0] is clauses[0] and _FRAGMENT.match(clauses[0].text):
        return clauses, stating[:1] if len({clause.count for clause in stating}) == 1 else stating
    deciding = results or stating
    if len({clause.count for clause in deciding}) > 1:
        if _is_a_chain(clauses, results, question):
            return [clause for clause in clauses if clause not in results[:-1]], results[-1:]
        return clauses, _most_of_what_is_asked(stating, deciding, question)
    return clauses, deciding


def _is_used(clause: _Clause, behind: list[_Clause]) -> bool:
    """Whether a clause's count is a term of a later sum."""
    sums = [found["left"] for other in behind for found in SUM.finditer(other.text)]
    return any(clause.count == number for left in sums for _, _, number in find_numbers(left))


def _is_a_chain(clauses: list[_Clause], results: list[_Clause], question: str) -> bool:
    """Whether each result is that of one of the question's changes, and smaller than the one before."""
    if not results or len(results) > len(things_changed(question, "take")) or kinds_of_change(question) != {"take"}:
        return False
    places = [clauses.index(clause) for clause in results]
    spans = [clauses[first + 1 : second + 1] for first, second in pairwise([-1, *places])]
    is_changed = all(any(kinds_of_change(clause.text) for clause in span) for span in spans)
    return is_changed and all(first.count > second.count for first, second in pairwise(results))


def _most_of_what_is_asked(stating: list[_Clause], deciding: list[_Clause], question: str) -> list[_Clause]:
    """The clauses that say more of what is asked for than all others, whose counts are larger; else all."""
    said = [_restricting(clause.text, question) for clause in deciding]
    for k, clause in enumerate(deciding):
        if _OF_THEM.search(clause.text):
            said[k] = said[k].union(*said[:k])
    most = max(said, key=len)
    best = [clause for clause, words in zip(deciding, said, strict=True) if words == most]
    is_part = all(words <= most for words in said) and all(clause.count >= best[0].count for clause in stating)
    return best if is_part else stating


@lru_cache(maxsize=4096)
def _restricting(text: str, question: str) -> frozenset[str]:
    """The words of a clause that the question has beside the noun that it counts."""
    beside = SAYING | ANY_THING
    head = head_of_counted(question)
    asked = words_of(counted_clause(question))
    asked = {stem(word) for word in asked if word not in beside and one_writing(word) != head}
    return frozenset(asked & {stem(word) for word in words_of(text)})


def _may_stand_beside(
    clause: _Clause, behind: list[_Clause], deciding: _Clause, is_before: bool, question: str
) -> bool:
    """Whether a clause that does not decide may stand beside the one that does."""
    short = without_sums(clause.text, question)
    numbers = {number for _, _, number in find_numbers(clause.text)}
    if takes_back(clause.text, question) or (numbers and "?" in clause.text):
        return False
    if not is_before and contradicts(clause.text, question):
        return False
    if "=" in short and _FORMULA.search(short):
        return False
    if sums := list(SUM.finditer(clause.text)):
        used = {number for text in (*(other.text for other in behind), question) for _, _, number in find_numbers(text)}
        used.add(deciding.count)
        return all(Decimal(found["right"].replace(",", "")) in used for found in sums)
    if is_before and _lists(clause.text, deciding, question):
        return True
    if clause.count is None or clause.count == deciding.count:
        is_unread = clause.count is None or deciding.count not in numbers
        return not (_SAYS_RESULT.search(clause.text) and numbers and is_unread)
    if _is_used(clause, behind):
        return True
    if kinds_of_change(question):
        return is_before and deciding.is_result and not clause.is_result
    is_part = _OF_THEM.search(deciding.text) is not None
    restricting = _restricting(question if _ANSWERS.search(deciding.text) else deciding.text, question)
    is_whole = is_part or _restricting(clause.text, question) < restricting
    return is_whole and clause.count > deciding.count


def _lists(text: str, deciding: _Clause, question: str) -> bool:
    """Whether a clause lists as many things as the one that decides counts: "What remains are two balls and a cube"."""
    listed = _LISTED.search(text)
    count = f"{deciding.count} {head_of_counted(question) or 'thing'}s: {listed[1]}" if listed else ""
    return bool(count) and without_list(count, question) != count


def _adds_up(clauses: list[_Clause], deciding: _Clause, question: str) -> bool:
    """Whether counts of what is asked for that stand behind the count are parts of it, or said of other things."""
    if deciding.is_result and kinds_of_change(question):
        return True
    head, parts, conflicting = head_of_counted(question), [], False
    known = {stem(word) for word in words_of(counted_clause(question))} | {
        stem(word) for word in (SAYING | ANY_THING) - {"right", "left"}
    }
    asked = {name.casefold() for name in words_of(question)}
    for clause in clauses[clauses.index(deciding) + 1 :]:
        names = {name.casefold() for name in _NAME.findall(clause.text)} - SAYING - asked
        if names and not names & {"two", "three", "four", "five", "one"}:  # said of another
            continue
        for _, end, number in find_numbers(clause.text):
            words = words_of(clause.text[end : end + 60])[:5]
            if clause.count is None and head and head in map(one_writing, words):
                parts.append(number)
                is_other = not (LOOKS - asked).isdisjoint(words_of(clause.text))
                conflicting = conflicting or (not is_other and known.issuperset(map(stem, words)))
    return not conflicting or (None not in parts and sum(parts) == deciding.count)
