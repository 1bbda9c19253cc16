"""An answer cut into clauses, of which one may state a count."""

import re

from .digit_steps import without_list
from .number_words import NUMBER, SMALL_NUMBER
from .question_steps import kinds_of_change

SENTENCE_END = re.compile(r"\n+|(?<=[.;!?])\s+")
_CLAUSE_END = re.compile(
    r",?\s+(?=(?:while|so|therefore|thus|hence|because|since)\b(?!-))"
    r"|,\s+(?=(?:(?:which )?(?:leaves|leaving|gives|giving|makes|making)|(?:which|that|this) (?:is|are|means)|and there"
    r"|and (?:subtracting|removing|taking|adding)"
    rf"|(?<!\d, )and (?:\w+ ){{0,3}}{SMALL_NUMBER}(?= [a-z])|and (?:after|then|if|when|now)"
    r"|and (?:the |an? )?\w+ (?:is|are|was|were|has|have)"
    rf"|{SMALL_NUMBER} (?:of (?:which|whom|them|these)|(?:on|in|at|of|for) (?:each|every|both))"
    r"|(?:(?:most|all|many) )?of (?:which|whom)|each"
    r"|one for|one per|while|but|where|who|which|as|from|in|on|at|by|next|near|behind|beside|namely|with|along"
    r"|(?!(?:exclud|includ|count|ignor|except|assum|add|subtract|remov|consider))[a-z]{3,}(?:ing|ed))\b)"
    r"|\s+(?=(?:labell?ed|named|numbered)\b)",
    re.IGNORECASE,
)
_COUNT_BESIDE = re.compile(
    rf"\s+and (?={SMALL_NUMBER} [a-z]|(?:the|an?) (?:\w+ ){{1,3}}(?:has|have|shows|contains) {SMALL_NUMBER})",
    re.IGNORECASE,
)
_TOLD = re.compile(rf"(.*[a-z]):\s+({NUMBER}\s*[-+].*)", re.IGNORECASE | re.DOTALL)
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


def clauses_of(text: str, question: str) -> list[str]:
    """The clauses of a text, without the words that join them and the lists behind counts."""
    if "\n" in text.strip():
        text = _BULLET.sub("", _NUMBERED.sub("", text))
    text = _REASON_FIRST.sub(r"\1. ", _LETTERED.sub(r"\1", _STEP.sub("", _BULLET_OF_WORDS.sub("", text))))
    sentences = [without_list(sentence, question) for sentence in SENTENCE_END.split(text)]
    clauses = [_JOINT.sub("", clause) for sentence in sentences for clause in _CLAUSE_END.split(sentence)]
    clauses = [part for clause in clauses for part in _without_instruction(clause)]
    return [clause for clause in clauses if any(map(str.isalnum, clause))]


def _without_instruction(clause: str) -> list[str]:
    """A clause cut before the sum that does what it tells: "Next, remove the cubes: 7 - 3 = 4"."""
    told = _TOLD.fullmatch(clause)
    return [told[1], told[2]] if told and kinds_of_change(told[1]) else [clause]


def counts_apart(clause: str) -> list[str]:
    """The counts that "and" joins, each with the verb behind the last one: "4 dogs and a cat are here"."""
    parts = _COUNT_BESIDE.split(clause)
    verb = _VERB.search(parts[-1])
    if len(parts) == 1 or not verb or _VERB.search(parts[0]):
        return parts
    return [*(f"{part}{parts[-1][verb.start() :]}" for part in parts[:-1]), parts[-1]]
