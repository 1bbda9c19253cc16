"""The count of an answer of several clauses: one of them states it, and no other states another."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from itertools import pairwise

from .asked_things import counted_clause
from .counted_things import head_of_counted, stem
from .digit_steps import SUM, without_list, without_sums
from .neutral_words import ANY_THING, LOOKS, SAYING, words_of
from .number_words import NUMBER, find_numbers
from .phrases import one_writing
from .question_steps import kinds_of_change, things_changed, without_steps

MAX_LENGTH, MAX_CLAUSE, MAX_CLAUSES = 1000, 300, 24
"""Characters of an answer and of a clause, and clauses: a longer answer is reasoning."""
_N = rf"(?:{NUMBER}|(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)\b)"
_SENTENCE_END = re.compile(r"\n+|(?<=[.;!?])\s+")
_CLAUSE_END = re.compile(
    r",?\s+(?=(?:while|so|therefore|thus|hence|because|since)\b(?!-))"
    r"|,\s+(?=(?:(?:which )?(?:leaves|leaving|gives|giving|makes|making)|(?:which|that|this) (?:is|are|means)|and there"
    rf"|(?<!\d, )and (?:\w+ ){{0,3}}{_N}(?= [a-z])|and (?:after|then|if|when|now)"
    rf"|{_N} (?:of (?:which|whom|them|these)|(?:on|in|at|of|for) (?:each|every|both))|of which|each"
    r"|one for|one per|while|but|where|who|which|as|from|in|on|at|by|next|near|behind|beside|namely|with|along"
    r"|(?!(?:exclud|includ|count|ignor|except|assum|add|subtract|remov|consider))[a-z]{3,}(?:ing|ed))\b)"
    r"|\s+(?=(?:labell?ed|named|numbered)\b)",
    re.IGNORECASE,
)
_COUNT_BESIDE = re.compile(
    rf"\s+and (?={_N} [a-z]|(?:the|an?) (?:\w+ ){{1,3}}(?:has|have|shows|contains) {_N})", re.IGNORECASE
)
_VERB = re.compile(r"\s(?:is|are|was|were|can|have|has)\s", re.IGNORECASE)
_REASON_FIRST = re.compile(
    r"(?:^|(?<=[.;!?\n]\s))((?:since|because|as|given|using|looking|observing|by(?! (?:subtract|remov|tak|add)))"
    r"\s[^,.\n]*),\s+",
    re.IGNORECASE,
)
_BULLET = re.compile(r"^[ \t]*[-•](?=\s+[A-Za-z\d])[ \t]*", re.MULTILINE)
_NUMBERED = re.compile(r"^[ \t]*\d+[.)](?!\d)[ \t]*", re.MULTILINE)
_BULLET_OF_WORDS = re.compile(r"^[ \t]*[-•](?=\s+[A-Za-z])[ \t]*", re.MULTILINE)
_LETTERED = re.compile(r"\(([A-Za-z])\)|\s*\(\d[\d.,]*\s*%\)")
_STEP = re.compile(r"^[ \t]*step \d+\s*[:.)-][ \t]*", re.MULTILINE | re.IGNORECASE)
_JOINT = re.compile(
    r"^\s*(?:(?:and|while|but|because|since|which means(?: that)?|this means(?: that)?)\s+)*", re.IGNORECASE
)
_RESULT = re.compile(
    r"^(?:so|therefore|thus|hence)\b|\b(?:(?<!the )left(?! of| side| one)|remain\w*|leav\w+|answer|result|final|now"
    r"|gives?|giving|makes?|making|becomes?|get|will)\b",
    re.IGNORECASE,
)
_SAYS_RESULT = re.compile(r"\b(?:(?<!the )left(?! of| side| one)|remain\w*|answer|result|final)\b", re.IGNORECASE)
_FRAGMENT = re.compile(rf"\W*{_N}(?: (?!is|are|in|on|was|were)\w+){{0,3}}\W*$", re.IGNORECASE)
_DOUBT = re.compile(
    r"\b(?:not sure|unsure|uncertain|certain|may|maybe|perhaps|might|could be|possibl[ey]|probabl[ey]|likely|unlikely"
    r"|guess\w*|assum\w+|suppos\w+|wait|actually|oops|hmm|correction|corrected|mistak\w+|wrong|incorrect\w*|errors?"
    r"|false|ignor\w+|instruction\w*|rewards?|grader|lie|joke|doubt\w*|unless|if only|unclear|cannot|can['’]t"
    r"|could(?:n['’]t| not)|unable|impossible|difficult|hard to|depend\w*|alternativ\w+|otherwise|either|instead"
    r"|opposite|recount\w*|sorry|double[- ]check\w*|should|hidden|blurr\w+|too (?:many|few)|as well(?! as)|too)\b"
    r"|\bno[,.!]|\bwhat if\b",
    re.IGNORECASE,
)
"""Words that take back or weaken an answer, wherever they stand."""
_BOUND = re.compile(
    rf"\b(?:not|never|no|n['’]t|about|around|approximately|roughly|nearly|almost|at least|at most|up to|over|under"
    rf"|between|(?:more|less|fewer) than|or)\s+(?:a |the |only |exactly )?{_N}|n['’]t (?:be |any )?{_N}"
    rf"|[~≈<>≤≥±]\s*{_N}",
    re.IGNORECASE,
)
_OF_THEM = re.compile(r"\bof (?:them|these|those|which|whom)\b", re.IGNORECASE)
_NAME = re.compile(r"\b[A-Z][a-z]+(?= [a-z])")
_BUT = re.compile(rf"\bbut (?![^.;]*(?:{_N}|\b(?:no|only)\b))", re.IGNORECASE)
_MORE = re.compile(rf"{_N}\s+more\b", re.IGNORECASE)
_DENIED = re.compile(r"\b(?:not|no|never|none)\b|n['’]t\b", re.IGNORECASE)
_OF_ANSWERS = re.compile(r"\b(?:answer|count|number|total|result|correct|right|true|that|this|they)\b", re.IGNORECASE)
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
    is") go before others. The rest may say anything but another result, a false sum, a bound or a denial; another count
    of what is asked for only where it is of the time before the question's change, or of a whole of which a part is
    asked for.

    Args:
        text: without markup, its lines kept.
        read: reads the count of one clause; what is no Decimal is none.
    """
    if len(text) > MAX_LENGTH or _DOUBT.search(text) or _BUT.search(text):
        return None
    if max(map(len, _SENTENCE_END.split(text))) > MAX_CLAUSE:
        return None
    texts = _clauses_of(text, question)
    if len(texts) > MAX_CLAUSES:
        return None
    parts = [part for clause in texts for part in _counts_apart(clause)]
    count = _count_of(texts, question, read)
    return count if count is not None or len(parts) == len(texts) else _count_of(parts, question, read)


def _counts_apart(clause: str) -> list[str]:
    """The counts that "and" joins, each with the verb behind the last one: "4 dogs and a cat are here"."""
    parts = _COUNT_BESIDE.split(clause)
    verb = _VERB.search(parts[-1])
    if len(parts) == 1 or not verb or _VERB.search(parts[0]):
        return parts
    return [*(f"{part}{parts[-1][verb.start() :]}" for part in parts[:-1]), parts[-1]]


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
    if _says_less_than_another(clauses, deciding[-1], question):
        return None
    last = max(k for k, clause in enumerate(clauses) if clause is deciding[-1])
    is_whole = all(
        clause in deciding or _may_stand_beside(clause, clauses[k + 1 :], deciding[-1], k < last, question)
        for k, clause in enumerate(clauses)
    )
    return deciding[-1].count if is_whole and _adds_up(clauses, deciding[-1], question) else None


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
    return any(kinds_of_change(text) and (any(find_numbers(text)) or _DENIED.search(text)) for text in others)


def _clauses_of(text: str, question: str) -> list[str]:
    """The clauses of a text, without the words that join them and the lists behind counts."""
    if "\n" in text.strip():
        text = _BULLET.sub("", _NUMBERED.sub("", text))
    text = _REASON_FIRST.sub(r"\1. ", _LETTERED.sub(r"\1", _STEP.sub("", _BULLET_OF_WORDS.sub("", text))))
    sentences = [without_list(sentence, question) for sentence in _SENTENCE_END.split(text)]
    clauses = [_JOINT.sub("", clause) for sentence in sentences for clause in _CLAUSE_END.split(sentence)]
    return [clause for clause in clauses if any(map(str.isalnum, clause))]


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
    if _takes_back(clause.text, without_steps(short, question), question) or (numbers and "?" in clause.text):
        return False
    if "=" in short and _FORMULA.search(short):
        return False
    if sums := list(SUM.finditer(clause.text)):
        used = {number for text in (*(other.text for other in behind), question) for _, _, number in find_numbers(text)}
        used.add(deciding.count)
        return all(Decimal(found["right"].replace(",", "")) in used for found in sums)
    if clause.count is None or clause.count == deciding.count:
        return not (_SAYS_RESULT.search(clause.text) and numbers and deciding.count not in numbers)
    if _is_used(clause, behind):
        return True
    if kinds_of_change(question):
        return is_before and deciding.is_result and not clause.is_result
    is_part = _OF_THEM.search(deciding.text) is not None
    is_whole = is_part or _restricting(clause.text, question) < _restricting(deciding.text, question)
    return is_whole and clause.count > deciding.count


def _takes_back(text: str, short: str, question: str) -> bool:
    """Whether a clause bounds or denies a number, speaks of an answer that is not, adds to one, or sets a condition."""
    return bool(
        any(_number_in(found[0]) not in _numbers_of(question) for found in _BOUND.finditer(text))
        or (_DENIED.search(text) and _OF_ANSWERS.search(text))
        or (_MORE.search(text) and not kinds_of_change(question))
        or _CONDITION.search(short)
    )


def _number_in(text: str) -> Decimal | None:
    return next((number for _, _, number in find_numbers(text)), None)


@lru_cache(maxsize=4096)
def _numbers_of(question: str) -> frozenset[Decimal]:
    return frozenset(number for _, _, number in find_numbers(question) if number is not None)


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
