"""An answer of several clauses: which of them state an option, and whether the others leave that as it is."""

import re
from collections.abc import Callable
from itertools import islice

from .options import Options, plain_text
from .score import Reason

MAX_CLAUSES = 40
"""Clauses of an answer; one with more names no option."""
MAX_SENTENCE = 400
"""Characters of a clause that may be cut further."""
MAX_COMMAS = 6
"""Commas of a clause at which it may be cut."""
MIN_WORDS = 4
"""Words of a clause behind the answer that states none: a shorter one is no description ("B; refuted")."""
_LINE = re.compile(r"(?<![:\s])\s*\n\s*(?:[-•#>]+\s+|\(?\d{1,2}[.)]\s+)?")
_ENDS = re.compile(r"[.!]\s+(?=[^\sa-z])|;\s+")
_SHORT_FORM = re.compile(
    r"(?:\b(?:(?i:dr|mr|mrs|ms|st|vs|no|figs?|eq|prof|approx|e\.g|i\.e|etc|inc|corp|co|ltd))|^\(?\d{1,2}(?=\.$)|(?:^|[\s(.])[A-Z])\.$"
)
_OPENS = re.compile(
    r"(?:the|this|these|that|it|its|so|since|therefore|thus|hence|then|because|by|in|as|and|using|from|we|there|triangle"
    r"|angle|both|also|according|based|among)\b|∠|[A-Z]{2,3}\b",
    re.IGNORECASE,
)
"""What begins a sentence behind a letter and a full stop that are no initial: "a right angle at C. Therefore"."""
_SAID_LETTER = re.compile(r"(?:\b(?:is|answer|option|choice|statement)|:)\s*\(?[A-Z]\)?\.$")
_WHY = r"(?:because|since|whereas|as(?= (?:it|the|this|there|they|all|its|both)\b)|for)\b"
_RELATIVE = r"(?:which|this|that) (?:means|implies|gives|indicates|suggests|shows|makes)(?: that)?"
_MORE = r"(?=(?:\w+(?:ing|ed)|where|with|which|shown|as (?:shown|seen|\w+ed|can)|at \d\S*)(?!\w))|while\s+"
_MATCHING = r"(?:(?:which|this|that|it) (?:is|matches|corresponds to)|corresponding to|i\.e\.,?)"
_OPTION = r"(?=(?:the )?(?:correct )?(?:option|answer|choice)\b)"
_LETTER_FIRST = re.compile(r"(\(?[A-Z]\)?[.])\s+(?=[A-Z]\S*(?:\s+\S+){3})")
_JOINED = re.compile(
    rf",\s+{_WHY}\s+|(?<=\w\w)\s+(?:because|since|whereas|while(?= (?:the|it|all)\b))\s+"
    r"|,\s+(?:and\s+)?(?:so(?! (?:is|are|do|does|did|has|have)\b)|therefore|thus|hence)\b(?: that)?,?\s+"
    rf"|,\s+{_RELATIVE}\s+|,?\s+{_MATCHING}\s+{_OPTION}|,\s+{_OPTION}|,\s+(?:{_MORE})"
    r"|\s+and\s+(?=\S{1,8}\s*=)|,\s+and\s+(?=(?:the|this|that|these|those|it|its|all|no)\b)|\s*(?:⇒|=>|→|∴|∵|\\Rightarrow|\\therefore)\s*",
    re.IGNORECASE,
)
_CUT = re.compile(r",\s+(?:and\s+|then\s+)?|\s+\(|:\s+|\s+[–—-]\s+(?=[A-Za-z]{2})")
_GROUND = re.compile(
    r"(?:since|because|given|using|by|from|looking at|applying|comparing|compared (?:to|with)|among"
    r"|of (?:the|these|all)|considering|to (?:find|solve|determine|answer)|based on|according to|first|next|now"
    r"|finally)\b",
    re.IGNORECASE,
)
_WHEN_DONE = re.compile(r"when (?:it|this|that|they) (?:is|are) [a-z]+ed$", re.IGNORECASE)
_OF_IT = re.compile(
    r"(?:and )?(?:it|this|that|he|she|they)(?P<verb> (?!is (?:not|true|correct))[a-z]+\b.*)"
    r"|(?:it|this|him|her)(?P<noun> (?:an?|the) .*)",
    re.IGNORECASE | re.DOTALL,
)
"""A conclusion on what the clause before speaks of: "so it is a consumer", "which makes it the consumer"."""
_SUBJECT = re.compile(r"(?:the |an? |this )?", re.IGNORECASE)
_STATES = re.compile(r"=|\b(?:is|are|was|were|has|have|shows?|gives?|equals?)\b", re.IGNORECASE)
_DEPENDS = re.compile(r"(?:if|when|while|unless|although|though|as|at|until|before|after|not|no)\b", re.IGNORECASE)
_DOUBT = re.compile(
    r"\?|\b(?:maybe|perhaps|possibly|probably|might|could be|may (?:be|also)|guess\w*|unsure|unclear|uncertain\w*"
    r"|not (?:sure|certain|clear|enough|possible)|(?:can|could)(?: ?not|n['’]t) (?:be|say|tell|see|determine)\w*|unable"
    r"|impossible|hard to|difficult to|hmm|insufficient|(?:do not|don['’]t) know|sorry|ignore|suppose"
    r"|assum\w+|if|unless|candidates?|contradict\w*|another (?:option|answer|choice|possib\w+))\b",
    re.IGNORECASE,
)
_TURN = re.compile(
    r"\b(?:however|but|although|though|actually|wait|instead|except|otherwise|else|alternatively|correction|mistaken?)\b"
    r"|^(?:no|or|not)\b",
    re.IGNORECASE,
)
_TOO = re.compile(
    r"\b(?:also|too|as well|so (?:is|are|do|does|did|has|have)|same|equal\w*|both|tied?|or|either)\b", re.IGNORECASE
)
_NOT = re.compile(r"\bnot\b|n['’]t\b|\b(?:wrong|incorrect|false|never)\b", re.IGNORECASE)
_POINTS_BACK = re.compile(
    r"(?:and\s+|so\s+)?(?:it|this|that|which|the (?:answer|above|former|latter))\b", re.IGNORECASE
)
_OF_ANSWERS = re.compile(
    r"\b(?:answers?|options?|choices?|correct|right(?![- ](?:angle|triangle|side|of|hand|panel)))\b"
    r"|^(?:[\s,/&().]*(?:\b[A-Z]\b|and|or))+[\s.)]*$",
    re.IGNORECASE,
)
_LABEL = re.compile(r"(?<![\w'’])([A-Z])(?![\w'’])")
_LABEL_FIRST = re.compile(r"\W*([A-Z])[).:]\s")
_MOST = re.compile(r"\b(?:highest|tallest|largest|greatest|biggest|most)\b", re.IGNORECASE)
_SAYS_OPTION = re.compile(r"(?:first|it is|it['’]s|this is|that is)\b", re.IGNORECASE)
_OF_THE_MOST = re.compile(r"\b\w{2,}est\b|\bmost\b|\bleast\b", re.IGNORECASE)
_CHANGES_LATER = re.compile(
    r"(?:and )?(?:then|followed by|before)\b"
    r"|with an? (?:\w+ ){0,2}(?:drop|fall|rise|decline|decrease|increase|dip|plateau)\b",
    re.IGNORECASE,
)
"""What comes after a trend and makes another one of it: "Increasing, followed by a drop"."""
_MORE = re.compile(r"\b(?:higher|taller|larger|greater|bigger|longer|exceeds|more than)\b|\bahead\b")
_SUM = re.compile(r"[\d\s.,+\-−–*×·÷/()²³√π^°%=:]+(?:[a-z]{1,2}[²³]?)?[.]?", re.IGNORECASE)
_MEASURE = re.compile(
    r"\([^()]*\d[^()]*\)\.?|(?:with|at) \W*\d\S*(?: \w+)?|[\W\d]+(?:[a-z]{1,3}|percent|degrees|units)?[\W\d]*",
    re.IGNORECASE,
)
_SHORT_REASON = re.compile(r"(?:the|its|all|they) (?:(?:\w+ )?\w+(?:s|ed)|\w+s \w+)\.?")
"""A subject and a verb: "the curve rises"."""
_OPPOSITE = {
    word: other
    for pair in (
        "high low", "large small", "big small", "great small", "most least", "more less", "more fewer", "max min",
        "increas decreas", "ris fall", "long short", "fast slow", "left right", "top bottom", "above below",
        "best worst", "strong weak", "first last", "positiv negativ",
    )
    for word, other in (pair.split(), pair.split()[::-1])
}  # fmt: skip


def named_by_clauses(text: str, options: Options, read: Callable[[str], str | Reason]) -> str | Reason | None:
    """The option that an answer of several clauses states; None where it has one clause alone.

    One clause at least states an option, and every one that does states the same. The others are steps, a description
    or reasons: they may be anything that doubts nothing and, behind the answer, takes nothing back.

    Args:
        read: the letter that a clause states, or why it states none.
    """
    clauses = clauses_of(text, read)
    if not 1 < len(clauses) <= MAX_CLAUSES:
        return None
    named = [read(clause) for clause in clauses]
    for place, clause in enumerate(clauses[1:], start=1):
        if isinstance(named[place], Reason) and (whole := _with_its_option(clause, clauses[place - 1], options)):
            named[place] = read(whole)
    for place, clause in enumerate(clauses[:-1]):
        if _SUM.fullmatch(clause) and re.search(r"[=+×*÷/]", clause):
            named[place] = Reason.UNREADABLE  # a step of the working, whose result may be any number
    letters = [name for name in named if not isinstance(name, Reason)]
    if not letters:
        return None
    others = [
        _takes_back(clause, letters[0], options, is_behind=place > named.index(letters[0]))
        for place, (clause, name) in enumerate(zip(clauses, named, strict=True))
        if name != letters[0]
    ]
    return Reason.AMBIGUOUS if len(set(letters)) > 1 or any(others) else letters[0]


def _with_its_option(clause: str, before: str, options: Options) -> str | None:
    """A clause that speaks of "it" with the option that is the subject of the clause before; None without one."""
    if not (of_it := _OF_IT.fullmatch(clause)):
        return None
    plain = plain_text(before)
    start = _SUBJECT.match(plain).end()
    found = next((place for place, _ in options.places(plain) if place.start(1) in (0, start)), None)
    if found is None or found.end() == len(plain):
        return None
    return f"the {found[1]}{of_it['verb'] or ' is' + of_it['noun']}"


def clauses_of(text: str, read: Callable[[str], str | Reason]) -> list[str]:
    """The clauses of a text: its lines and sentences, cut where one is joined to the next.

    >>> clauses_of("AB is 5, so BC is 9. This is right.", lambda clause: Reason.UNREADABLE)
    ['AB is 5', 'BC is 9.', 'This is right.']
    """
    clauses = []
    for line in islice(_LINE.split(text), MAX_CLAUSES + 1):
        for sentence in _sentences(line):
            if len(clauses) > MAX_CLAUSES:
                break
            for part in [sentence] if not isinstance(read(sentence), Reason) else _JOINED.split(sentence):
                clauses += _cut_at_comma(part.strip(" ,"), read)
    return [clause for clause in clauses if re.search(r"\w", clause)]


def _sentences(line: str) -> list[str]:
    found, start = [], 0
    if letter := _LETTER_FIRST.match(line):
        found, start = [letter[1]], letter.end()
    for end in _ENDS.finditer(line):
        head = line[start : end.start() + 1].strip()
        is_a_letter = head[-2:-1].isupper() and len(head) > 3 and _OPENS.match(line, end.end())
        if is_a_letter or not _SHORT_FORM.search(head[-12:]) or _SAID_LETTER.search(head[-24:]):
            found.append(head.rstrip(";"))
            start = end.end()
    return [*found, line[start:].strip()]


def _cut_at_comma(part: str, read: Callable[[str], str | Reason]) -> list[str]:
    """A clause cut at a comma behind which an option is stated, or at a colon, dash or bracket behind such a statement.

    Before the comma stands a ground, a clause or the option too.
    """
    if len(part) > MAX_SENTENCE or not isinstance(read(part), Reason):
        return [part]
    for cut in islice(_CUT.finditer(part), MAX_COMMAS):
        front, rest = part[: cut.start()], part[cut.end() :]
        if "(" in cut[0] and not rest.rstrip(".").endswith(")"):
            continue
        if "," not in cut[0]:
            if re.search(r"\w\w", front) and not isinstance(read(front), Reason):
                return [front, f"({rest}" if "(" in cut[0] else rest]
            continue
        is_listed = front[-1:].isdigit() and re.fullmatch(r"[-+]?[\d.]+\W*", rest)
        depends = _DEPENDS.match(front) and not _WHEN_DONE.match(front)
        if isinstance(read(rest), Reason) or depends or is_listed:
            continue
        if (
            _GROUND.match(front)
            or _WHEN_DONE.match(front)
            or _STATES.search(front)
            or not isinstance(read(front), Reason)
        ):
            return [front, rest]
    return [part]


def _takes_back(clause: str, letter: str, options: Options, *, is_behind: bool) -> bool:
    """Whether a clause that states no option leaves the one that another states in doubt."""
    labels = set(_LABEL.findall(clause)) & set(options.texts)
    first = _LABEL_FIRST.match(clause)
    if first and first[1] in labels - {letter}:
        return True
    others = (labels | options.mentioned(clause)) - {letter}
    is_negated = _NOT.search(clause) is not None
    rules_out = is_negated and bool(others or re.search(r"\bother", clause)) and letter not in labels
    if _DOUBT.search(clause) or (labels - {letter} and _OF_ANSWERS.search(clause) and not rules_out):
        return True
    if rules_out:
        return False
    if not is_behind and others and len(clause.split()) < MIN_WORDS and _SAYS_OPTION.match(clause):
        return True
    if not is_behind:
        return letter in options.mentioned(clause) and _is_opposite(clause, options.stem, options.own(letter))
    if _CHANGES_LATER.match(clause) and not _OF_THE_MOST.search(options.stem):
        return True
    if len(clause.split()) < MIN_WORDS and not _SHORT_REASON.fullmatch(clause):
        return "=" not in clause and not _MEASURE.fullmatch(clause) and not clause.startswith("followed by")
    if _TURN.search(clause) or (others and _TOO.search(clause)):
        return True
    if is_negated and (_POINTS_BACK.match(clause) or letter in labels | options.mentioned(clause)):
        return True
    if others and _MOST.search(options.stem) and _is_said_to_be_more(clause, options, letter):
        return True
    is_of_others = others or re.search(r"\b(?:others?|rest)\b", clause)
    return not is_of_others and _is_opposite(clause, options.stem, options.own(letter))


def _is_said_to_be_more(clause: str, options: Options, letter: str) -> bool:
    """Whether a clause says that another option has more: "The red bar is higher"."""
    plain = plain_text(clause)
    more = _MORE.search(plain)
    before = {
        named for place, letters in options.places(plain) for named in letters if more and place.end() <= more.start()
    }
    return bool(before) and letter not in before


def _is_opposite(clause: str, stem: str, own: str) -> bool:
    """Whether a clause has the opposite of a word of the question, and not that word: "the lowest" for "the highest".

    The option's own text may have it: a curve that decreases with increasing load.
    """
    said, asked = clause.casefold(), stem.casefold()
    return any(
        re.search(rf"\b{other}", said) and not re.search(rf"\b{word}", said)
        for word, other in _OPPOSITE.items()
        if re.search(rf"\b{word}", asked) and not re.search(rf"\b{other}", f"{asked} {own}")
    )
