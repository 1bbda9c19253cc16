"""How instruction-tuned models lead in to an answer: "Therefore, the answer is", "Based on the image, there are".

A lead-in says that an answer follows and changes nothing, so it is taken off; what is left is read as strictly as an
answer that stands alone. It is built from small parts: an opening, where it was seen, who says so, what it is called.
"""

import re

SHOWN = r"(?:image|picture|photo|figure|diagram|graph|chart|scene|plot|map|table)"
_SEEN = rf"(?:the|this) (?:(?:given|provided|bar|line|pie) ){{0,2}}{SHOWN}"
_OPENING = (
    r"(?:(?:therefore|thus|hence|so|then|finally|overall|consequently|in conclusion|in summary|as a result)\b(?!-),?"
    r"|(?:this|that|which) (?:means|shows|indicates|implies) that(?=\s))"
)
_SOURCE = rf"(?:based on|looking at|according to|as (?:shown|seen) in|from|in) {_SEEN}(?: (?:above|provided|shown))?,?"
_SPEAKER = (
    r"(?:(?:i|we) (?:can )?(?:see|count|find|get|have|believe|conclude)(?: that)?(?=\s)"
    r"|it (?:appears|follows|is clear|can be (?:seen|\w+ed)) that"
    r"|we are left with)"
)
_CALLED = r"(?:final |correct |best |right )*(?:answer|option|choice|letter|result)"
_IS = r"(?:is|would be|will be|should be)\b\s*:?|[:=]"
_SAYING = rf"(?:i think (?:that )?)?(?:the |my |our )?{_CALLED}(?: to (?:the|this) question)?\s*(?:{_IS})"
_CHOOSING = r"(?:i(?:'d| would| will|'ll)? (?:choose|pick|select|go with)|i'd say)(?=\s)"
_PART = rf"(?:{_OPENING}|{_SOURCE}|{_SPEAKER}|{_SAYING}|{_CHOOSING})\s*"
_LEAD_IN = re.compile(rf"\s*(?:{_PART}){{1,5}}", re.IGNORECASE)
_WILL_BE = re.compile(r"\b(?:appears? to be|would be|will be)\b", re.IGNORECASE)


def without_lead_in(text: str) -> str:
    """A text without the words that only say that an answer follows; as it is where nothing would be left.

    >>> without_lead_in("Therefore, based on the image, the final answer is: B"), without_lead_in("The worst is B")
    ('B', 'The worst is B')
    """
    found = _LEAD_IN.match(text)
    return (text[found.end() :] or text) if found else text


def in_the_present(text: str) -> str:
    """A text in which "appear to be", "would be" and "will be" are "are".

    >>> in_the_present("There would be 3")
    'There are 3'
    """
    return _WILL_BE.sub("are", text)
