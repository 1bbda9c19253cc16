r"""Sentences that answer a choice by repeating the question: "Yes, the cube is left", "The shark is not a mammal"."""

import re

from .asked_things import asked_clause
from .hedges import is_negated
from .options import Options

_YES_OR_NO = re.compile(r"(yes|no)\b[,.;:]?\s+(\S.*)", re.IGNORECASE | re.DOTALL)
_TOKEN = re.compile(r"\w+(?:['’]\w+)?|[^\w\s.,;:!?\"]")
_AUXILIARY = frozenset("is are was were do does did has have had can will there".split())
_NEGATION = re.compile(r"\bnot\b|n['’]t\b", re.IGNORECASE)
_VERBS = r"(?:is|are|was|were|does|do|did|has|have|can|will|cannot)\b"
_WHICH = re.compile(rf"\b(?:which|what)\b[^.?!]{{0,200}}?\b({_VERBS}[^.?!]*)", re.IGNORECASE)
_VERB = re.compile(rf"\s(?={_VERBS})", re.IGNORECASE)
_ANGLE = re.compile(r"\$?\\angle\s*|\bangle (?=[A-Z])")
_NAMED_VALUE = re.compile(
    r"(?:(?i:the (?:value|measure|size|length) of) )?(∠[A-Z]{1,3}|[A-Z]{2,4}|[a-z])(?:\s*=\s*| is | equals )(\S.*)"
)
_SHORT_LEAD = re.compile(r"(?:it|there (?:is|are)) (\S.*)", re.IGNORECASE | re.DOTALL)


def named_by_statement(text: str, options: Options) -> str | None:
    """The letter of the option that a sentence of the question's words names; None for any other sentence."""
    return (
        _named_by_yes_or_no(text, options)
        or _named_by_predicate(text, options)
        or _named_by_value(text, options)
        or _named_by_it(text, options)
    )


def _named_by_yes_or_no(text: str, options: Options) -> str | None:
    """ "Yes" with the question as a statement behind it, "no" with that and "not"; nothing that says something else."""
    found = _YES_OR_NO.fullmatch(text.rstrip(".!"))
    if not found or is_negated(options.stem):
        return None
    asked = re.split(r"[.?!\n]", options.stem.strip(" ?.\n"))[-1]
    negations = len(_NEGATION.findall(found[2]))
    if negations != (found[1].casefold() == "no") or _content(_NEGATION.sub("", found[2])) != _content(asked):
        return None
    return options.named_by(found[1])


def _content(sentence: str) -> list[str]:
    """A sentence's words without auxiliaries, whose place differs between a question and a statement."""
    words = (word for word in _TOKEN.findall(sentence.casefold()) if word not in _AUXILIARY)
    return [word.removesuffix("s") if len(word) > 3 else word for word in words]


def _named_by_predicate(text: str, options: Options) -> str | None:
    """An option with exactly what "which" asks behind it: "The shark is not a mammal"."""
    asked, verb = _WHICH.search(options.stem), _VERB.search(text)
    if not asked or not verb:
        return None
    said, wanted = (_TOKEN.findall(part.casefold()) for part in (text[verb.end() :], asked[1]))
    if said != wanted or len(wanted) < 2:
        return None
    return options.named_by(text[: verb.start()])


def _named_by_value(text: str, options: Options) -> str | None:
    """A value with the name that the question asks for: "x = 5"."""
    found = _NAMED_VALUE.fullmatch(_ANGLE.sub("∠", text))
    clause = _ANGLE.sub("∠", asked_clause(options.stem))
    if not found or not re.search(rf"(?<![A-Za-z∠\\]){found[1]}(?![A-Za-z])", clause):
        return None
    return options.named_by(found[2])


def _named_by_it(text: str, options: Options) -> str | None:
    """ "It increases", "There are two"; not where the question asks for what is not so."""
    found = _SHORT_LEAD.fullmatch(text)
    return options.named_by(found[1]) if found and not is_negated(options.stem) else None
