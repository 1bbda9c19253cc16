"""Sentences that state a box: which clause states it, of what thing, and what the other clauses do to it.

The clause in which the box stands must speak of the thing that is asked for, or of nothing but a box; then the clause
before it says of what. The other clauses may describe the picture, as long as they take nothing back, doubt nothing,
offer nothing else, and give the box no other name.
"""

import re

from .box_names import may_be_named, says_the_thing
from .box_questions import GENERIC, is_one_of_several, named_words
from .box_marks import MARK, marked_boxes
from .hedges import is_negated
from .neutral_words import words_of
from .phrases import one_writing, phrases_of

_WORD = re.compile(rf"[^\W_]+(?:['’][^\W_]+)?|[{MARK}=]")
_CLAUSE = re.compile(
    r"[.!?;:\n]+(?=\s|$)|,(?=\s)|\s[—–-]+\s|[()|→]|[-=]>|\b(?:and|so|thus|therefore|hence)\b"
    r"(?=\s+(?:it|its|his|her|their|the (?:bounding|box|bbox|coordinate|region|location|position)\w*)\b)",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
_DOUBTS = re.compile(
    r"\b(?:maybe|perhaps|possibly|probably|likely|might|may|either|or|if|unsure|uncertain|unclear|guess\w*|think|seems?"
    r"|suppos\w+|assum\w+|example|sorry|unable|ignore|difficult|previous\w*|former\w*|used to|wait|actually|correction"
    r"|whether|could(?! be (?:found|seen|located))|estimate\w*)\b",
    re.IGNORECASE,
)
_OTHER_FRAME = re.compile(
    r"\b(?:pixels?|px|percent\w*|thousandths|xywh|cxcywh|ltwh|cm|inch(?:es)?)\b|%"
    rf"|\bcent(?:er|re)s?(?: points?| coordinates?)?(?:\s|is|at|[:=])*{MARK}",
    re.IGNORECASE,
)
_SIZE = re.compile(r"\b(?:width|height)\b", re.IGNORECASE)
_RELATIVE = re.compile(r"\b(?:fractions?|normali[sz]ed|relative|divided)\b", re.IGNORECASE)
_STARTS = (
    r"so|thus|therefore|hence|and|then|also|here|now|finally|while|where|first|next|as|in this case|in the (?:given |"
    r"provided )?(?:image|picture|photo|scene)|(?:the|this) (?:image|picture|photo|scene|figure|"
    r"chart|graph|diagram|room|page|document|screenshot|map) (?:shows|contains|depicts|features|has|displays)|there (?:is|are)|here (?:is|are)|(?:i|we) (?:can |have |could )?"
    r"(?:see|detect(?:ed)?|find|found|identif(?:y|ied)|locate[d]?|observe[d]?|notice[d]?|spot(?:ted)?)(?: that)?|one|only|you can (?:find|see)"
)
_START = re.compile(rf"\s*(?:(?:{_STARTS})\b\s*)+", re.IGNORECASE)
_RELATIVE_CLAUSE = re.compile(r"\s*(?:which|who|that|whose|where)\b", re.IGNORECASE)
_VERBS = (
    r"\b(?:is|are|was|were|be|can|could|will|would|has|have|appears?|covers?|occup(?:y|ies)|spans?|extends?|stands|sits"
    r"|lies|fills?|takes|stretches|reads|shows?|contains?|corresponds?|represents?|marks?|indicates?|encloses?"
    r"|captures?|surrounds?|highlights?|describes?|locates?|includes?|outlines?|refers?)\b"
    r"|(?<!\bthe )(?<!\ba )(?<!\bone )\b(?:located|detected|found|identified|positioned|situated|visible|marked|shown)\b"
)
_VERB = re.compile(rf"(?<!\bthat )(?<!\bwhich )(?<!\bwho )(?:{_VERBS})", re.IGNORECASE)
_EMPTY = GENERIC | frozenset("at in on with as by of is are to from for be was covers contains encloses shows".split())
_CONTAINER = re.compile(r"\b(?:b?box|bounding|coordinates?|region|location|answer)\b", re.IGNORECASE)
_PICTURE = re.compile(r"\s*(?:the|this|whole|entire|\s)*(?:image|picture|photo|scene|figure)\s*", re.IGNORECASE)
_A_SIDE = re.compile(
    r"\s*(?:(?:on|in|at) )?(?:the )?(?:(?:left|right|top|bottom|upper|lower|middle|center|central)[- ]?)+(?:hand )?"
    r"(?:side|part|half|corner|area)\b",
    re.IGNORECASE,
)
_REASON = re.compile(r"\s*(?:as|because|since)\b", re.IGNORECASE)
_BACK = re.compile(r"\b(?:there|here|this|that|it|box|region|area)\b", re.IGNORECASE)
_PRONOUNS = frozenset("it its he his she her hers they their them this that these those both".split())
_FEMALE, _MALE = frozenset("woman women girl girls lady ladies".split()), frozenset("man men boy boys guy guys".split())
_OTHER_GENDER = {word: _FEMALE for word in ("he", "his", "him")} | {word: _MALE for word in ("she", "her", "hers")}
_SPEAKER = frozenset("i we let let's to looking based given".split())
_BEING = frozenset("is are was be as at in within via = been".split())
_COVERING = frozenset(
    "covers cover covering occupies occupying occupy spans spanning span fills filling has have having takes extends "
    "extending stretches stretching with using using has gives give".split()
)
_PLACED = re.compile(
    r"(?:located|found|detected|identified|placed|positioned|situated|marked|seen|shown|given|defined|bounded|enclosed"
    r"|described|represented|outlined|framed|visible|spotted|follows|contained|follow|covered|occupied)$"
)
_GOES_TO = re.compile(
    r"\b(?:(?:refers?|corresponds?|corresponding|mapped|set|equal) to|(?:spans?|extends?|ranges?|stretches|goes|runs|starts?"
    r"|bounded) from|(?:[a-z]+ed|given|shown) by)$"
)
_GAZE = re.compile(
    r"\b(?:look|point|star|aim|gaz|fac|wav|smil|throw|kick|jump|mov|walk|run|head|sw[iu]ng|aim)\w*\s+(?:at|to|by|from)\b"
)
_ATTACHED = re.compile(r"(?:located|found|placed|positioned|situated|marked|seen|shown|visible)$")
_BEFORE_ATTACHED = frozenset("is are was be been and also clearly currently".split())
_NAMING = re.compile(
    rf"\s*(?:[,;:(—–-]\s*)*(?:(?:and|so)\s+)?(?:(?:this|that|it|which|here|where|these|the (?:bounding )?(?:box|region|area)"
    rf"|these coordinates)\s+)?(?:{_VERBS}|=|\bfor\b|\bof\b|\bto\b)\s*",
    re.IGNORECASE,
)
_POINTS_BACK = re.compile(
    r"\s*(?:this|that|it|these|the (?:bounding )?(?:box|region|area|coordinates))\b", re.IGNORECASE
)
_DESCRIBES = re.compile(
    r"\s*(?:in|on|at|with|where|because|since|as|so|and|while|when|near|next|behind|beside|under|above|below|over|around|against|inside|along|across|relative|using"
    r"|right next|just|directly|close|to the|based|given|by|normali[sz]ed|expressed|measured|from|within|[a-z]{3,}ing|[a-z]{3,}ed)\b",
    re.IGNORECASE,
)


def sentence_box(text: str, question: str) -> list[float]:
    """The box that sentences state, of the thing that the question asks for; empty where they state none, or two.

    >>> sentence_box("The cup is on the desk. Its box is [0.1, 0.2, 0.5, 0.6].", "Where is the cup?")
    [0.1, 0.2, 0.5, 0.6]
    >>> sentence_box("The cup is on the desk, which is at [0.1, 0.2, 0.5, 0.6].", "Where is the cup?")
    []
    """
    plain, boxes = marked_boxes(text)
    if not boxes or any(box != boxes[0] for box in boxes) or not question or takes_back(plain, question):
        return []
    *before, behind = plain.split(MARK)
    if not all(_states(said, question) for said in before):
        return []
    return boxes[0] if _is_description(behind, question) else []


def takes_back(text: str, question: str) -> bool:
    """Whether something in a text doubts it, takes it back, or says another frame; the question's own words do not."""
    asked = question.casefold()
    for sentence in _SENTENCE.split(text):
        if sentence.rstrip().endswith("?") and sentence.strip().casefold() not in asked:
            return True
    text = _without_the_questions(text.casefold(), asked)
    if any(map(str.isnumeric, text)) or is_negated(text) or _DOUBTS.search(text) or _OTHER_FRAME.search(text):
        return True
    return _SIZE.search(text) is not None and not _RELATIVE.search(text)


def _without_the_questions(text: str, asked: str) -> str:
    """A text without those two words together, and numbers, that stand in the question too."""
    words = _WORD.findall(asked)
    pairs = {f"{one} {two}" for one, two in zip(words, words[1:], strict=False)}
    for pair in pairs:
        if is_negated(pair) or _DOUBTS.search(pair) or any(map(str.isnumeric, pair)):
            text = text.replace(pair, " ")
    return text


def _states(said: str, question: str) -> bool:
    """Whether the words up to a box state it of the thing that is asked for, or only that it is a box."""
    clauses = _CLAUSE.split(said)
    sentence = _CLAUSE.split(_SENTENCE.split(said)[-1])
    last = clauses.pop()
    is_apart = bool(clauses) and not last.strip()
    while not last.strip() and clauses:
        last = clauses.pop()
    if not (_leads_to_box(last, question) or (is_apart and _is_complete(last))):
        return False
    kind = _spoken_of(_told(last, question) if _VERB.search(last) else last, question)
    if kind == "thing" and not _RELATIVE_CLAUSE.match(last):
        return not is_one_of_several(_subject(last), question)
    if kind == "other" or (kind == "nothing" and _PICTURE.fullmatch(_subject(last))):
        return False
    if len(sentence) > 1 and _VERB.match(last.lstrip()):  # "The dog, a brown one, is at": the subject stands first
        kinds = [_spoken_of(clause, question) for clause in sentence[:-1]]
        return next((kind for kind in kinds if kind in ("thing", "other")), "thing") == "thing"
    return _is_of_the_thing(clauses, last, question)


def _is_of_the_thing(clauses: list[str], last: str, question: str) -> bool:
    """Whether a clause that speaks only of a box, or of "it", has the thing that is asked for before it.

    "Which" goes back to the last words, a box to any clause, and "it" to the nearest one that speaks of a thing.
    """
    if _RELATIVE_CLAUSE.match(last):
        return bool(clauses) and says_the_thing(_without_start(clauses[-1]), question)
    if any(_OTHER_GENDER[word].intersection(words_of(question)) for word in words_of(last) if word in _OTHER_GENDER):
        return False
    if _CONTAINER.search(last) and not _PRONOUNS.intersection(words_of(last)):
        words = frozenset(map(one_writing, words_of(" ".join(clauses))))
        if words.issuperset(named_words(question)):
            return True
    for clause in reversed(clauses):
        if not clause.strip() or _RELATIVE_CLAUSE.match(clause):
            continue
        spoken_of = _spoken_of(_told(clause, question), question)
        if spoken_of in ("thing", "other"):
            return spoken_of == "thing"
    return True


def _told(clause: str, question: str) -> str:
    """A clause up to a verb behind the name of what is asked for: "The television hangs on the wall"."""
    head = "|".join(map(re.escape, named_words(question)))
    verb = (
        r"[a-z]+s\b"
        if not _VERB.search(clause)
        else r"[a-z]+s (?:a|an|the|his|her|its|two|three|four|five|many|some)\b"
    )
    found = re.search(rf"\b(?:{head})(?= {verb})", clause, re.IGNORECASE) if head else None
    return clause[: found.end()] if found else clause


def _spoken_of(clause: str, question: str) -> str:
    """What a clause speaks of: the "thing" that is asked for, an "other" one, a "pronoun", or "nothing" but boxes."""
    subject = _subject(clause)
    words = words_of(subject)
    if all(word in _EMPTY for word in words):
        return "nothing"
    if all(word in _EMPTY or word in _PRONOUNS for word in words):
        return "pronoun"
    if may_be_named(subject, question):
        return "thing"
    if _A_SIDE.match(subject):
        return "nothing"
    return "nothing" if words[0] in _SPEAKER and words[:2] != ["to", "the"] else "other"


def _subject(clause: str) -> str:
    """The words of a clause up to its verb, without those that only introduce them."""
    clause = _without_start(clause)
    verb = _VERB.search(clause)
    return clause[: verb.start()] if verb else clause


def _without_start(clause: str) -> str:
    found = _START.match(clause)
    return clause[found.end() :] if found else clause


def _leads_to_box(clause: str, question: str) -> bool:
    """Whether a box behind these words is where the clause's subject is, and not a place beside it."""
    words = words_of(clause)
    if clause.rstrip().endswith("="):
        return True
    left = list(words)
    while left and (
        left[-1] in GENERIC or left[-1] in _PRONOUNS or (left[-1] == "of" and left[-2:-1] and left[-2] in GENERIC)
    ):
        left.pop()
    if not left:
        return True
    if left[-1] in _BEING or _GOES_TO.search(" ".join(left)) or left[-1] in _COVERING or _PLACED.match(left[-1]):
        return not _GAZE.search(clause.casefold()) and not _is_of_another(left)
    name = _without_start(clause)
    return not _VERB.search(name) and _is_complete(name) and may_be_named(name, question)


def _is_complete(clause: str) -> bool:
    """Whether a clause ends behind a thing, and not behind a word that links it to what follows: "left of"."""
    phrases = phrases_of(clause)
    return not phrases or bool(phrases[-1].words)


def _is_of_another(words: list[str]) -> bool:
    """Whether the last place is that of the thing right before it: "is on a bench located at"."""
    place = next((k for k in range(len(words) - 1, 0, -1) if _ATTACHED.match(words[k])), 0)
    said_before = " ".join(words[:place])
    return bool(place) and words[place - 1] not in _BEFORE_ATTACHED and _VERB.search(said_before) is not None


def _is_description(text: str, question: str) -> bool:
    """Whether what stands behind a box gives it no other name."""
    first, *others = _SENTENCE.split(text) or [""]
    if not _is_tail(first, question):
        return False
    return all(not _POINTS_BACK.match(other) or _names_it(other, question) for other in others)


def _is_tail(text: str, question: str) -> bool:
    body = text.strip(" .!,;:()[]|\"'—–-")
    if reason := _REASON.match(body):
        return _spoken_of(body[reason.end() :], question) != "other" or not _BACK.search(body)
    if not body or _DESCRIBES.match(body):
        return True
    if _NAMING.match(text):
        return _names_it(text, question)
    return text.lstrip()[:1] in ",;:(—–-." and _spoken_of(body, question) != "other"


def _names_it(text: str, question: str) -> bool:
    """Whether the words behind "this is", "which shows", "for" name the thing that is asked for, or only describe."""
    found = _NAMING.match(text)
    name = _CLAUSE.split(text[found.end() :] if found else text)[0]
    return bool(_DESCRIBES.match(name)) or _spoken_of(name, question) != "other"
