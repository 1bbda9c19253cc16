"""What a reasoning trace is made of, read from its text alone."""

import re

AHA_KEYWORDS = ("wait", "again", "double-check", "hmm", "mistake", "alternatively", "check", "i should confirm")
"""The eight cues of self-reflection that part the SFT set from the RL set (arXiv 2504.11468, Appendix A.2)."""

_WHOLE_WORDS = {word: re.compile(rf"(?<![\w-]){re.escape(word)}(?![\w-])") for word in AHA_KEYWORDS}


def aha_words(text: str, *, whole_words: bool = False) -> list[str]:
    """The keywords that a text contains, in the order of `AHA_KEYWORDS`, each once.

    Args:
        text: any text; its case does not matter.
        whole_words: False is the paper's rule: any substring, so "against" holds "again" and "checkered" holds "check".
            True takes a keyword only where no letter, digit or hyphen touches it.

    >>> aha_words("Held against the light. Wait!"), aha_words("Held against the light. Wait!", whole_words=True)
    (['wait', 'again'], ['wait'])
    """
    lower = text.lower()
    if whole_words:
        return [word for word, pattern in _WHOLE_WORDS.items() if pattern.search(lower)]
    return [word for word in AHA_KEYWORDS if word in lower]
