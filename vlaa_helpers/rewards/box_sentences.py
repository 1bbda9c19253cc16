"""Sentences that state a box: which clause states it, of what thing, and what the other clauses do to it.

The clause in which the box stands must speak of the thing that is asked for, or of nothing but a box; then the clause
before it says of what. The other clauses may describe the picture, as long as they take nothing back, doubt nothing,
offer nothing else, and give the box no other name.
"""

import re
from functools import lru_cache

from .box_clauses import PRONOUNS, VERB, VERBS, is_complete, leads_to_box, spoken_of, subject_of, told, without_start
from .box_doubts import SENTENCE, takes_back
from .box_marks import MARK, marked_boxes
from .box_names import says_the_thing
from .box_questions import asked_phrases, asked_thing, is_one_of_several, named_words, with_cans
from .neutral_words import words_of
from .phrases import one_writing, phrases_of

_CLAUSE = re.compile(
    r"[.!?;:\n]+(?=\s|$)|,(?=\s)|\s[—–-]+\s|[()|→]|[-=]>|\b(?:and|so|thus|therefore|hence)\b"
    r"(?=\s+(?:it|its|his|her|their|the (?:bounding|box|bbox|coordinate|region|location|position)\w*)\b)",
    re.IGNORECASE,
)
_RELATIVE_CLAUSE = re.compile(r"\s*(?:which|who|that|whose|where)\b", re.IGNORECASE)
_DOING = re.compile(r"\s*[a-z]{2,}ing\b")
"""A clause without a subject of its own: "The girl is on the bench, eating ice cream"."""
_CONTAINER = re.compile(r"\b(?:b?box|bounding|coordinates?|region|location|answer)\b", re.IGNORECASE)
_PICTURE = re.compile(r"\s*(?:the|this|whole|entire|\s)*(?:image|picture|photo|scene|figure)\s*", re.IGNORECASE)
_REASON = re.compile(r"\s*(?:as|because|since)\b", re.IGNORECASE)
_ONE = re.compile(r"\bone\b", re.IGNORECASE)
_FEMALE = frozenset("woman women girl girls lady ladies".split())
_MALE = frozenset("man men boy boys guy guys".split())
_OTHER_GENDER = {"he": _FEMALE, "his": _FEMALE, "him": _FEMALE, "she": _MALE, "her": _MALE, "hers": _MALE}
_THIS_BOX = r"(?:this|that|it|these|the (?:bounding )?(?:box|region|area|coordinates)|these coordinates)"
_NAMING = re.compile(
    rf"\s*(?:[,;:(—–-]\s*)*(?:(?:and|so)\s+)?(?:(?:{_THIS_BOX}|which|here|where)\s+)?"
    rf"(?:{VERBS}|(?:show|contain|cover|depict|enclos|surround|mark|represent|indicat|captur|highlight)ing\b|=|\bfor\b|\bof\b|\bto\b)\s*",
    re.IGNORECASE,
)
_POINTS_BACK = re.compile(rf"\s*{_THIS_BOX}\b", re.IGNORECASE)
_BEHIND_A_LINK = re.compile(
    r"(\b(?:to|of|by|near|beside|behind|under|below|above|on|in|over|from|inside|around|with|holding|wearing|riding))"
    r" (?:it|him|her|them)\b(?!['’])",
    re.IGNORECASE,
)
_PLACE_FIRST = re.compile(
    r"(?:^|(?<=[.!?] ))(?P<place>(?:beside|next to|near|on|under|behind|in front of|above|below|in|inside|with)"
    r" (?:the|an?) (?!(?:far |very )?(?:left|right|top|bottom|upper|lower|middle|cent|image|picture|photo|scene|fore"
    r"|back))"
    r"[a-z ]{1,40}?)(?:,? (?P<there>(?:there is|i can see|we (?:can )?see|you can see))|, (?=an? |the ))"
    r"(?P<thing>(?: ?(?!(?:on|in|at|with|near|by|next|behind|under|is|are|can|located|that)\b)[a-z]+)+)",
    re.IGNORECASE,
)
"""A place before what is there: "Beside the bed, there is a lamp"."""
_BESIDE = re.compile(r"\s*(?:to the|in|on|at|near|next to|beside|behind|under|above|below|between)\b", re.IGNORECASE)
_DESCRIBES = re.compile(
    r"\s*(?:in|on|at|with|where|because|since|as|so|and|while|when|near|next|behind|beside|under|above|below|over|around"
    r"|against|inside|along|across|relative|using|right next|just|directly|close|to the|based|given|by|normali[sz]ed"
    r"|expressed|measured|from|within|[a-z]{3,}ing|[a-z]{3,}ed)\b",
    re.IGNORECASE,
)
_EXTENT = re.compile(
    r"\s*,\s*(?:which )?(?:covers|covering|spans|spanning|fills|filling|occupies|occupying) (?:the|an?) "
    r"(?:whole|entire|full) [a-z ]*(?=[.,;]|$)",
    re.IGNORECASE,
)
"""What says how far the thing reaches, behind a box that was said to be its own: "which covers the whole track"."""


def sentence_box(text: str, question: str) -> list[float]:
    """The box that sentences state, of the thing that the question asks for; empty where they state none, or two.

    >>> sentence_box("The cup is on the desk. Its box is [0.1, 0.2, 0.5, 0.6].", "Where is the cup?")
    [0.1, 0.2, 0.5, 0.6]
    >>> sentence_box("The cup is on the desk, which is at [0.1, 0.2, 0.5, 0.6].", "Where is the cup?")
    []
    """
    plain, boxes = marked_boxes(text)
    if not boxes or any(box != boxes[0] for box in boxes) or not question:
        return []
    return boxes[0] if _states_it(plain, question) else []


@lru_cache(maxsize=4096)
def _states_it(text: str, question: str) -> bool:
    """Whether a text states what stands at its marks; the same words come with many boxes, so this is kept."""
    *before, behind = _with_things_for_pronouns(with_cans(text), question).split(MARK)
    if takes_back(text, question) or not all(_states(said, question) for said in before):
        return False
    is_named = _mentions([" ".join(before)], question)
    if not _is_description(_EXTENT.sub("", behind, count=1) if is_named else behind, question):
        return False
    return is_named or _speaks_first_of_the_thing(behind, question)


def _with_things_for_pronouns(text: str, question: str) -> str:
    """A text with the question's thing for an "it" behind a link, where the sentence before speaks of that thing.

    "The window is on the right. The chair closest to it is at" is of the chair closest to the window.
    """
    if not _BEHIND_A_LINK.search(text):
        return _with_place_behind(text)
    first, *others = SENTENCE.split(text)
    sentences = [first]
    for before, sentence in zip([first, *others], others, strict=False):
        said = phrases_of(subject_of(before))
        for phrase in asked_phrases(asked_thing(question))[1:]:
            if not phrase.words or phrase.words == ("it",) or not said or not said[0].words:
                continue
            if said[0].words[-1:] == phrase.words[-1:]:
                sentence = _BEHIND_A_LINK.sub(rf"\1 the {' '.join(phrase.words)}", sentence, count=1)
            else:  # "The sofa is red. Beside it": is of the sofa
                link = re.compile(rf"\b({phrase.link.replace('_', ' ')}) (?:it|him|her|them)\b", re.IGNORECASE)
                sentence = link.sub(rf"\1 the {' '.join(said[0].words)}", sentence, count=1)
        sentences.append(sentence)
    return _with_place_behind(" ".join(sentences))


def _with_place_behind(text: str) -> str:
    """A text with "there is a lamp beside the bed" for "Beside the bed there is a lamp"."""
    return _PLACE_FIRST.sub(lambda said: f"{said['there'] or ''}{said['thing']} {said['place']}", text)


def _speaks_first_of_the_thing(text: str, question: str) -> bool:
    """Whether the sentences behind a box without a name do not begin with another thing: "[…]. The desk is brown."."""
    kinds = [spoken_of(told(sentence, question), question) for sentence in SENTENCE.split(text)[1:]]
    return next((kind for kind in kinds if kind in ("thing", "other")), "thing") == "thing"


def _states(said: str, question: str) -> bool:
    """Whether the words up to a box state it of the thing that is asked for, or only that it is a box."""
    clauses = _CLAUSE.split(said)
    sentence = _CLAUSE.split(SENTENCE.split(said)[-1])
    last = clauses.pop()
    is_apart = bool(clauses) and not last.strip()
    while not last.strip() and clauses:
        last = clauses.pop()
    if not (leads_to_box(last, question) or (is_apart and is_complete(last))):
        return False
    kind = spoken_of(told(last, question) if VERB.search(last) else last, question)
    if kind == "thing" and not _RELATIVE_CLAUSE.match(last):
        if _ONE.search(subject_of(last)) and any(map(words_of, clauses)) and not _mentions(clauses, question):
            return False
        return not is_one_of_several(subject_of(last), question)
    if kind == "other" or (kind == "nothing" and _PICTURE.fullmatch(subject_of(last))):
        return False
    if len(sentence) > 1 and VERB.match(last.lstrip()):  # "The dog, a brown one, is at": the subject stands first
        kinds = [spoken_of(clause, question) for clause in sentence[:-1]]
        return next((kind for kind in kinds if kind in ("thing", "other")), "thing") == "thing"
    return _is_of_the_thing(clauses, last, question)


def _is_of_the_thing(clauses: list[str], last: str, question: str) -> bool:
    """Whether a clause that speaks only of a box, or of "it", has the thing that is asked for before it.

    "Which" goes back to the last words, a box to any clause, and "it" to the nearest one that speaks of a thing.
    """
    if _RELATIVE_CLAUSE.match(last):
        return bool(clauses) and says_the_thing(_last_words(clauses[-1]), question)
    if any(_OTHER_GENDER[word].intersection(named_words(question)) for word in words_of(last) if word in _OTHER_GENDER):
        return False
    if _CONTAINER.search(last) and not PRONOUNS.intersection(words_of(last)):
        if _mentions(clauses, question):
            return True
    for clause in reversed(clauses):
        if not clause.strip() or _RELATIVE_CLAUSE.match(clause) or _DOING.match(clause):
            continue
        kind = spoken_of(told(clause, question), question)
        if kind == "thing" or (kind == "other" and not _BESIDE.match(without_start(clause))):
            return kind == "thing"
    return True


def _last_words(clause: str) -> str:
    """What "which" behind a clause goes back to: what stands behind the clause's verb, or all of it without one."""
    clause = without_start(clause)
    verbs = list(VERB.finditer(clause))
    return clause[verbs[-1].end() :] if verbs and clause[verbs[-1].end() :].strip() else clause


def _mentions(clauses: list[str], question: str) -> bool:
    return named_words(question).issubset(map(one_writing, words_of(" ".join(clauses))))


def _is_description(text: str, question: str) -> bool:
    """Whether what stands behind a box gives it no other name."""
    first, *others = SENTENCE.split(text) or [""]
    if not _is_tail(first, question):
        return False
    return all(not _POINTS_BACK.match(other) or _names_it(other, question) for other in others)


def _is_tail(text: str, question: str) -> bool:
    body = text.strip(" .!,;:()[]|\"'—–-")
    if reason := _REASON.match(body):
        because = body[reason.end() :]
        return not PRONOUNS.isdisjoint(words_of(because)[:1]) or spoken_of(because, question) != "other"
    if _NAMING.match(text):
        return _names_it(text, question)
    if not body or _DESCRIBES.match(body):
        return True
    return text.lstrip()[:1] in ",;:(—–-." and spoken_of(body, question) != "other"


def _names_it(text: str, question: str) -> bool:
    """Whether the words behind "this is", "which shows", "for" name the thing that is asked for, or only describe."""
    found = _NAMING.match(text)
    name = _CLAUSE.split(text[found.end() :] if found else text)[0].removeprefix("where ")
    return bool(_DESCRIBES.match(name)) or spoken_of(name, question) != "other"
