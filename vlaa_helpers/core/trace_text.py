"""What a reasoning trace is made of, read from its text alone: steps, cues of self-reflection, doubt, repetition.

The two cue lists are the paper's (arXiv 2504.11468). The paper defines pseudo reasoning in words (long, hesitant,
uninformative) and gives no measure of it: the doubt words, the steps and the repetition are ours.
"""

import re

from .answers import parse_response

AHA_KEYWORDS = ("wait", "again", "double-check", "hmm", "mistake", "alternatively", "check", "i should confirm")
"""The eight cues of self-reflection that part the SFT set from the RL set (arXiv 2504.11468, Appendix A.2)."""
FIGURE_7_PHRASES = ("alternatively", "double-check", "i should check", "wait")
"""The four phrases whose occurrences the paper counts during GRPO (figure 7); not the eight keywords."""
DOUBT_WORDS = (
    *("maybe", "perhaps", "possibly", "probably", "might", "may be", "could be", "unsure", "uncertain", "unclear"),
    *("not sure", "not certain", "not clear", "i think", "i guess", "i suppose"),
)
"""Words of doubt: our list, not the paper's. "not entirely sure" and the like count as "not sure"."""

_WHOLE_WORDS = {word: re.compile(rf"(?<![\w-]){re.escape(word)}(?![\w-])") for word in AHA_KEYWORDS}


def _any_of(words: tuple[str, ...], *, whole_words: bool = True) -> re.Pattern[str]:
    """Any of the words, the longest first, so that "double-check" is one find and not also a "check"."""
    options = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
    options = options.replace(r"not\ ", r"not\ (?:(?:entirely|completely|fully|quite|really|so|too|very)\ )?")
    return re.compile(rf"(?<![\w-])(?:{options})(?![\w-])" if whole_words else options)


_CUE_IN_WORDS = _any_of(AHA_KEYWORDS, whole_words=False)
_CUE = _any_of((*AHA_KEYWORDS, *FIGURE_7_PHRASES))
_DOUBT = _any_of(DOUBT_WORDS)
_ANSWER_TAG = re.compile(r"<\s*+answer\s*+>", re.IGNORECASE | re.ASCII)
# Possessive, and started only where a run starts: a megabyte of full stops takes linear time.
_STEP_END = re.compile(r"(?<![.!?])[.!?]++[\"'”’)\]*]*+(?=\s|\Z)|\n")
_MAY_BE_HEADING = 16
"""Characters that a step has at most when it is a heading such as "Step 12."."""
_HEADING = re.compile(r"[\s*#(]*+(?:(?:step|case|part)\s++)?(?:\d{1,3}|[a-z])", re.IGNORECASE)
_ABBREVIATIONS = frozenset({"e.g", "i.e", "vs", "cf", "fig", "eq", "approx"})
_WORD = re.compile(r"\w+")


def _small(text: str) -> str:
    """The text in small letters, each where it stood: the one letter whose small form is longer is changed first."""
    return text.replace("İ", "I").lower()


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


def cue_spans(text: str, *, whole_words: bool = True) -> list[tuple[int, int]]:
    """Where cues of self-reflection stand: (start, end) of each in characters, in order, none inside another.

    Args:
        text: any text; its case does not matter.
        whole_words: True finds the eight keywords and "i should check" where no letter, digit or hyphen touches them.
            False is the paper's reading of the eight keywords: anywhere, inside other words too.

    >>> cue_spans("Wait, I double-check."), len(cue_spans("Held against it.", whole_words=False))
    ([(0, 4), (8, 20)], 1)
    """
    return [match.span() for match in (_CUE if whole_words else _CUE_IN_WORDS).finditer(_small(text))]


def count_phrases(text: str, phrases: tuple[str, ...] = FIGURE_7_PHRASES) -> dict[str, int]:
    """How often each phrase occurs, as a substring in any case. How the paper's figure 7 counted is not said.

    >>> count_phrases("Wait, wait. I should check.")
    {'alternatively': 0, 'double-check': 0, 'i should check': 1, 'wait': 2}
    """
    lower = text.lower()
    return {phrase: lower.count(phrase) for phrase in phrases}


def count_doubts(text: str) -> int:
    """How many of our `DOUBT_WORDS` stand in a text, as whole words in any case.

    >>> count_doubts("Maybe it is 3. I am not entirely sure.")
    2
    """
    return len(_DOUBT.findall(_small(text)))


def step_spans(text: str) -> list[tuple[int, int]]:
    """Where the steps of a trace stand: (start, end) of each in characters, in order.

    A step is a sentence or a line: it ends at a line break, or at `.`, `!` or `?` before white space. The full stop of
    a heading ("1. Add", "Step 2. Add") or of an abbreviation ("e.g.") ends nothing; a piece without a letter or digit
    is no step. Every letter and digit of the text is in exactly one step.
    """
    spans, start = [], 0
    for match in _STEP_END.finditer(text):
        if match[0].rstrip("*") == "." and _is_heading(text, start, match.start()):
            continue
        _keep(spans, text, start, match.end())
        start = match.end()
    _keep(spans, text, start, len(text))
    return spans


def _is_heading(text: str, start: int, stop: int) -> bool:
    """Whether the full stop at `stop`, in a step that begins at `start`, ends a heading or an abbreviation only."""
    if stop - start <= _MAY_BE_HEADING and _HEADING.fullmatch(text, start, stop):
        return True
    return text[max(start, stop - 8) : stop].rpartition(" ")[2].lstrip("(").lower() in _ABBREVIATIONS


def _keep(spans: list[tuple[int, int]], text: str, start: int, stop: int) -> None:
    if _WORD.search(text, start, stop):
        piece = text[start:stop]
        left = start + len(piece) - len(piece.lstrip())
        spans.append((left, left + len(piece.strip())))


def split_steps(text: str) -> list[str]:
    """The steps of a trace, as `step_spans` finds them.

    >>> split_steps("That is 5. 5 - 1.5 = 3.5, e.g. less.\\n1. So it is 3.5!")
    ['That is 5.', '5 - 1.5 = 3.5, e.g. less.', '1. So it is 3.5!']
    """
    return [text[start:stop] for start, stop in step_spans(text)]


def repetition_rate(text: str, *, n: int = 4) -> float:
    """Share of the n-word sequences of a text that occurred in it before, 0-1; 0 with fewer than n words.

    Words are runs of letters and digits, their case does not matter.

    >>> repetition_rate("I see a red circle. I see a red circle.")
    0.2857142857142857
    """
    words = _WORD.findall(text.lower())
    total = len(words) - n + 1
    return 1 - len(set(zip(*(words[k:] for k in range(n)), strict=False))) / total if total > 0 else 0.0


def trace_of(response: str) -> str:
    """The thinking of a response: what its think blocks hold; without one, all that stands before an answer block.

    >>> trace_of("<think>2 + 1</think><answer>3</answer>"), trace_of("2 + 1 <answer>3</answer>"), trace_of("2 + 1")
    ('2 + 1', '2 + 1', '2 + 1')
    """
    think = parse_response(response).think
    return _ANSWER_TAG.split(response, maxsplit=1)[0].strip() if think is None else think
