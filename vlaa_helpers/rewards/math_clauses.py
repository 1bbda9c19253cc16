"""Answers of several clauses: which one answers, and whether another says another value of what is asked for.

Working comes before a conclusion, a reason stands behind an answer, and both may be anything that takes nothing back.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from .asked_things import asked_clause
from .hedges import is_hedged, is_negated
from .math_left import in_one_writing, may_be_named, subject_is_asked, subject_of
from .math_named import values_of_names
from .math_relations import DIFFERENT, SAME, UNREADABLE
from .math_signs import latex_signs
from .math_subject import asked_quantities
from .math_units import is_numeric, split_any_unit
from .math_wording import in_known_words
from .neutral_words import SAYING, words_of

MAX_LENGTH = 2000
"""Characters of an answer with its working."""
_MAX_CLAUSES = 60
_BULLET = re.compile(r"^[ \t]*(?:[-*•](?=[ \t])|\(?\d{1,2}[.)](?=[ \t])|\(\d{1,2}\))[ \t]*", re.MULTILINE)
_STEP = re.compile(r"^[ \t]*(?:\*\*)?step[ \t]*\d+[ \t]*[:.)][ \t]*(?:\*\*)?", re.IGNORECASE | re.MULTILINE)
_HEADING = re.compile(r"^[ \t]*#{1,6}[ \t]+", re.MULTILINE)
_BOLD = re.compile(r"(?<![^\s(:])\*\*(?=\S)([^*\n]*[^*\s])\*\*(?![\w(])")
_RULE = re.compile(r"^[ \t]*[-*_]{3,}[ \t]*$", re.MULTILINE)
_CONCLUDES = (
    r"so|therefore|thus|hence|then|consequently|(?:which |this |that )?(?:gives|implies|means|yields|leads to"
    r"|results in)(?: us)?(?: that)?|(?:and )?we (?:get|have|obtain|find|conclude)(?: that)?|giving|yielding"
    r"|(?:so )?it follows that|that is(?=,)|i\.e\.|namely|resulting in|∴|⇒|⟹|→|=>|-->?"
    r"|\\(?:therefore|implies|Rightarrow|Longrightarrow|rightarrow)(?![A-Za-z])"
)
_REASON = r"because|since|as(?! (?:a|the) )|given that|due to"
_RELATIVE = r",\s+(?=(?:which|where|whose)\b(?!(?: is| are| equals| =)? \$?[-\d\\√]))"
_NEXT = r"(?=(?:\$|\\angle |∠)?[A-Za-z]\w{0,2}'?(?:\([a-z\d]\))?\s*(?:=|[<>≤≥])|(?:the|its|their)\s[a-z ]+ (?:is|are) )"
_CUT = re.compile(
    rf"(?P<line>[^\S\n]*\n\s*)|(?P<stop>(?<=[.;!])\s+)|(?P<so>[,;]?\s+(?:and\s+)?(?:{_CONCLUDES})(?![\w-])[,:]?\s*)"
    rf"|(?P<colon>(?<=[\d)]):\s+)|(?P<reason>,?\s+(?:{_REASON})\s+|{_RELATIVE})"
    rf"|(?P<comma>,\s+(?:and\s+)?|\s+and\s+{_NEXT})",
    re.IGNORECASE,
)
_OPENING = re.compile(rf"\s*(?:(?:and|so|now|also|finally)\b,?\s*|(?:{_CONCLUDES})(?![\w-])[,:]?\s*)+", re.IGNORECASE)
_SUBORDINATE = re.compile(
    rf"\s*(?:{_REASON}|using|by|from|with|when|where|for|given|let|suppose|assume|set|setting|here|if)\b", re.IGNORECASE
)
_DOUBT = re.compile(
    r"\b(?:wait|actually|however|but|instead|alternatively|otherwise|maybe|perhaps|might|could|possibly|probably|likely"
    r"|guess\w*|unsure|unclear|unknown|impossible|if|unless|assum\w+|suppos\w+|either|although|though|sorry|mistake\w*"
    r"|correction|misread\w*|rather|should have|would have)\b|\bmay\b|\?",
)
_ANOTHER = re.compile(
    r"(?:^|[.;!\n,])\s*(?:and/)?or\b"
    r"|\b(?<!any )(?:another|second|other) (?:possible )?(?:solution|answer|value|possibility|option)s?\b",
    re.IGNORECASE,
)
"""What gives a second answer: "x = 5. Or x = 6."."""
_CALCULATES = re.compile(r"[\d)²³}°πa-z]\s*(?:[-+−–*/×÷·^]|\\(?:times|cdot|div))\s*[\d(√πa-z\\][^=]*=", re.IGNORECASE)
_POINTS = re.compile(r"(?<![A-Za-z])[A-Z]{2,3}(?![A-Za-z])")
_SAYS_NOTHING = SAYING | frozenset("value values number total they which that".split())
_WHEN = re.compile(r"\bwhen ([^=\d,.;?]+)(?:[,.;?]|$)", re.IGNORECASE)
_WORKING = re.compile(r"(?:[A-Z]?[a-z]{2,}ing)\b(?!.*(?:=|\b(?:is|are)\b))")
"""A step in words, whose result follows: "Adding the three values gives 192"."""
_POINTS_BACK = re.compile(
    r"\s*(?:this|that) (?:is|equals|makes|gives|amounts to|corresponds to|means)(?: equal to)? "
    r"(?=\$?-?[\d\\√π])(?!\d-)",
    re.IGNORECASE,
)
"""What says that its value is the result of what stands before."""
_WHERE_IT_IS = re.compile(r"(?<=[a-z]) (?:when|where|for which|at which) .*", re.DOTALL)
"""What ends a definition: "the y-intercept is the value of y when x = 0"."""
_TWO_GIVEN = re.compile(
    r"\d[\d.,]*(?: [a-z]+)? (?:in|on|at|for|from) [^.;]*?\band\b[^.;]*?\d[\d.,]*(?: [a-z]+)? (?:in|on|at|for|from)\b"
)
"""Two values, each of its own time or place: "5 in 2010 and 7 in 2012"."""
_WHICH_IS = re.compile(r"\s*which (?:is|equals) (?=\$?-?[\d\\√π])")
_ONE_OF = re.compile(r"\b(?:each|every|one|first|second)\b", re.IGNORECASE)
_IS = re.compile(r"\b(?:is|are|equals?)\b|=")
_DESCRIBED = re.compile(
    r"^[^=\d]*?\b(?:is|are|equals) (?!(?:equal|exactly|just|only|the same|negative|minus)\b)[a-z]{2,}"
)
_ANSWER = re.compile(r"\banswer\b", re.IGNORECASE)
_LETTERS = re.compile(r"(?<![\\A-Za-z])[A-Za-z](?=[xyt](?![a-z])|(?![A-Za-z]))|(?<![\\A-Za-z])[A-Z]{2,3}(?![A-Za-z])")
_LAST_SIDE = re.compile(r".*(?:=|\bis\b|\bare\b|:)", re.DOTALL | re.IGNORECASE)
_MARKS = re.compile(r"\\[()\[\]]|[$*`]|\\boxed(?=\{)")
_PAIRS = re.compile(r"\$\$?[^$]*\$\$?")
_PROSE = re.compile(r"(?<![\\A-Za-z{])[a-z]{4,}")


@dataclass(frozen=True)
class Clause:
    """One clause of an answer.

    Attributes:
        text: without the words that link it to what stands before.
        set_off: how it is cut off from what stands before: "line", "stop", "so", "colon", "reason", "comma".
        is_bare: whether it is a number alone, and not the result of a step in words before it.
        is_beside: whether it only gives a reason, a condition or a means, and so cannot answer.
    """

    text: str
    set_off: str
    is_beside: bool
    is_bare: bool


def without_markdown(text: str) -> str:
    r"""A text of several lines without list marks, headings and the numbers of steps.

    >>> without_markdown("1. Side: 4\n2. Area: 16"), without_markdown("- 5")
    ('Side: 4\nArea: 16', '- 5')
    """
    text = _BOLD.sub(r"\1", text) if "**" in text else text
    text = text if r"\begin" in text else text.replace(r" \\ ", "\n")
    text = _STEP.sub("", _HEADING.sub("", text))
    if "\n" not in text.strip():
        return text
    return _BULLET.sub("", _RULE.sub("", text)) if len(_BULLET.findall(text)) > 1 else _RULE.sub("", text)


def clauses_of(text: str, question: str = "", *, at_commas: bool = True) -> list[Clause]:
    """The clauses of a text; nothing is cut inside brackets and displayed formulas.

    >>> [clause.text for clause in clauses_of("Since AB = 2, the side is 4, so the area is 16.")]
    ['Since AB = 2', 'the side is 4', 'the area is 16.']
    """
    found, start, set_off, depths = [], 0, "stop", _depths(text)
    for cut in _CUT.finditer(text):
        if depths[cut.start()] or (cut.lastgroup == "comma" and not at_commas):
            continue
        found.append((text[start : cut.start()], set_off))
        start, set_off = cut.end(), cut.lastgroup
    found.append((text[start:], set_off))
    clauses, in_reason = [], False
    for piece, how in found:
        in_reason = how == "reason" or (in_reason and how == "comma")
        opening = _OPENING.match(piece)
        how = "so" if (opening and how != "reason") or _POINTS_BACK.match(piece) else how
        bare = piece[opening.end() :] if opening else piece
        if re.search(r"\w", bare):
            if clauses and _WHICH_IS.match(piece) and _DESCRIBED.search(clauses[-1].text):
                how = "so"  # "The median is the 4th value, which is 37"
            is_beside = in_reason or _SUBORDINATE.match(bare) is not None
            is_worked_out = how == "so" and bool(clauses) and _WORKING.match(clauses[-1].text) is not None
            clauses.append(Clause(in_known_words(bare, question), how, is_beside, _is_bare(bare) and not is_worked_out))
    return clauses


def _depths(text: str) -> list[int]:
    """How many brackets and displays are open at each place of a text; a dollar of money opens none."""
    depths, depth = [], 0
    displayed = [range(*pair.span()) for pair in _PAIRS.finditer(text) if not _PROSE.search(pair[0])]
    inside = {place for places in displayed for place in places}
    for place, sign in enumerate(text):
        depth = max(0, depth + (sign in "([{") - (sign in ")]}"))
        depths.append(depth + (place in inside))
    return depths


def verdict_of_clauses(answer: str, gold: str, question: str, verdict: Callable[[str], str], *, at_commas: bool) -> str:
    """The verdict on the clause that answers, where no other says another value of the same; else "unreadable".

    That clause is the last one, or the first one where reasons and working follow.

    Args:
        gold: the ground truth; a formula with other letters than it has is a step.
        verdict: the verdict on one clause, read as an answer of its own.
        at_commas: whether a comma ends a clause; in the ground truth it may join values.
    """
    if len(answer) > MAX_LENGTH or is_negated(answer) or _DOUBT.search(answer) or _ANOTHER.search(answer):
        return UNREADABLE
    clauses = clauses_of(answer, question, at_commas=at_commas)
    if not 1 < len(clauses) <= _MAX_CLAUSES or any(_is_of_another_case(clause.text, question) for clause in clauses):
        return UNREADABLE
    for place in dict.fromkeys((_last(clauses), 0)):
        if _may_answer(clauses, place) and verdict(clauses[place].text) == SAME:
            rest = [clause for k, clause in enumerate(clauses) if k != place]
            is_first = place == 0 and len(clauses) > 1
            subject = subject_of(clauses[place].text)
            if any(_is_against(clause, subject, gold, question, verdict, is_first) for clause in rest):
                return UNREADABLE
            if _stands_out(clauses, place, gold, question, verdict):
                return SAME
    values = values_of_names((clause.text for clause in clauses), gold)
    return SAME if values and verdict(values) == SAME else UNREADABLE


def _stands_out(clauses: list[Clause], place: int, gold: str, question: str, verdict: Callable[[str], str]) -> bool:
    """Whether it is this clause that answers whatever the ground truth is, so that two guesses are not paid under both.

    It says that it does, by what it is of or as a conclusion; or the other values are steps of a working before it, and
    reasons behind it.
    """
    chosen = clauses[place]
    is_told = _says_so(chosen.text, gold, question)
    others = [c for k, c in enumerate(clauses) if k != place and _is_closed(c.text, gold) and verdict(c.text) != SAME]
    others = [clause for clause in others if not _TWO_GIVEN.search(clause.text)]
    if place == _last(clauses) and (
        chosen.set_off == "so" or len(in_one_writing(subject_of(chosen.text))) != 1 and is_told
    ):
        return True
    if any(_says_so(clause.text, gold, question) for clause in others):
        return False  # "a = 3, b = 5": either letter may be that of what is asked for
    if place == _last(clauses) and is_told:
        return True
    if place == _last(clauses):
        return all(clause.is_beside or _is_step(clause.text) for clause in others)
    return all(
        clause.is_beside
        or (is_told and clause.set_off != "so" and not clause.is_bare and bool(subject_of(clause.text)))
        for clause in others
    )


def _says_so(text: str, gold: str, question: str) -> bool:
    """Whether a clause says that it answers: by what is asked for, by the ground truth's name, or as "the answer"."""
    own = in_one_writing(subject_of(text))
    if _ANSWER.search(text) or subject_is_asked(text, question):
        return True
    name = in_one_writing(gold.partition("=")[0]) if "=" in gold else ""
    letter = rf"(?<![A-Za-z]){re.escape(own)}(?![A-Za-z])(?!(?<=[aA]) [a-z]{{2}})"  # "a" may be an article
    is_unknown = len(own) == 1 and re.search(letter, question) is not None
    return bool(own) and (own == name or is_unknown or _is_its_name(own, question))


def _is_its_name(own: str, question: str) -> bool:
    """Whether a name is the only one in what is asked for (AB of "the diameter AB"), or the letter of its quantity."""
    if len(own) == 1:
        return bool(asked_quantities(question)) and may_be_named(own, question)
    names = set(_POINTS.findall(asked_clause(question)))
    return len(names) == 1 and own.lstrip("∠") in names


def _is_step(text: str) -> bool:
    """Whether a clause works something out: it has a calculation before its value, or an equation for its left side."""
    return re.search(r"[\d+*/^=]", subject_of(text)) is not None or _CALCULATES.search(text) is not None


def _is_of_another_case(text: str, question: str) -> bool:
    """Whether a condition in words is not the question's: "when the tank is full" for "when it is half full"."""
    said, asked = _WHEN.match(text), _WHEN.search(question)
    return bool(said and asked) and not set(words_of(asked[1])) <= set(words_of(said[1]))


def _last(clauses: list[Clause]) -> int:
    """The place of the last clause that is no reason."""
    return max((place for place, clause in enumerate(clauses) if not clause.is_beside), default=0)


def _may_answer(clauses: list[Clause], place: int) -> bool:
    clause = clauses[place]
    if clause.is_beside or (clause.set_off == "comma" and clause.is_bare):
        return False
    return place == _last(clauses) or clauses[place + 1].set_off in ("line", "stop", "reason")


def _is_bare(text: str) -> bool:
    """Whether a text is a number alone, perhaps with its unit."""
    return is_numeric(split_any_unit((latex_signs(_MARKS.sub("", text)) or "").strip(" .;:!"))[0])


def _is_against(
    clause: Clause, subject: str, gold: str, question: str, verdict: Callable[[str], str], is_behind: bool
) -> bool:
    """Whether a clause says another value of what is asked for than the one that answers.

    Args:
        subject: that of the clause that answers.
        is_behind: whether the clause stands behind it: then any value of nothing else counts.
    """
    text = clause.text
    if _TWO_GIVEN.search(text):
        return False
    own = subject_of(text)
    if _ONE_OF.search(own) and not _ONE_OF.search(question):
        return False  # "each triangle has area 2"
    if re.search(r"[\d+*/^=]", own):
        return False  # an equation of others
    is_of_it = (own and in_one_writing(own) == in_one_writing(subject)) or subject_is_asked(text, question)
    is_of_it = is_of_it or _ANSWER.search(text) is not None
    is_of_it = is_of_it or (clause.is_bare and (is_behind or clause.set_off != "comma"))
    if not is_of_it and (not is_behind or clause.is_beside):
        return False
    if not _is_closed(text, gold):
        return False
    found = verdict(text)
    if is_of_it and found == UNREADABLE and _DESCRIBED.search(text) and not is_hedged(_IS.split(text, maxsplit=1)[-1]):
        return False  # "the angle is supplementary to 65°"
    return found != SAME if is_of_it else found == DIFFERENT and _SAYS_NOTHING.issuperset(words_of(own))


def _is_closed(text: str, gold: str) -> bool:
    """Whether what a clause ends with is a value: it has numbers, and no letters but the ground truth's."""
    value = _MARKS.sub("", _LAST_SIDE.sub("", _WHERE_IT_IS.sub("", text), count=1))
    letters = set(_LETTERS.findall(split_any_unit(latex_signs(value.strip(" .;:!")) or "")[0]))
    return re.search(r"\d|\\pi", value) is not None and letters <= set(_LETTERS.findall(_MARKS.sub("", gold)))
