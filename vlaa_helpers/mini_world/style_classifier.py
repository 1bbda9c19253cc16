"""Which style a response is written in, told from its words alone.

The styles of `response_styles` are templates, so what a style can write about a kind of image is a small language. It
is collected here from the templates themselves: every run of three words in some hundred traces of the style, with
numbers, and words that can stand in each other's place (`Kind.swaps`), taken as one. A trace has the style if all of
its runs are in that language; a part may be missing where the rest still joins. So templates need no second
description, and kinds of one's own need none at all.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from random import Random

from ..core.answers import FormatProblem, parse_response
from ..core.paper_numbers import TABLE_1
from .captions import read_caption, write_caption
from .kinds import get_kind
from .kinds.base import Kind
from .response_styles import HEARSAY, LOOKS, STYLES, UNCLEAR, misread, respond, think_aloud

BARE, OTHER = "bare", "other"
STYLE_NAMES = (*STYLES, BARE, OTHER)
"""All that `style_of` may return, in the order of tables and figures."""
SCENES = 1_500
"""Scenes of a kind that its languages are collected from. Of 6,000 in each style of each kind of the six, the 330th was
the last to bring a new run."""
RUN = 3
"""Words in a run: enough to see what joins two parts, ". Okay ." say, and few enough to meet them all."""

_TOKEN = re.compile(r"(?P<number>-?\d+(?:\.\d+)?)|\w+|\S", re.ASCII)
_TAG = re.compile(r"</?(?:think|answer)>")
Runs = frozenset[tuple[str, ...]]


def style_of(source: str, response: str) -> str:
    """The style of a response about a mini-world image: one of `STYLES`, "bare" or "other".

    Only the thinking is read, and of it the wording, not whether it is true or leads to the answer. "bare" is an answer
    without thinking. "other" is all that no single style writes: mixtures of styles, garbled text, and thinking that
    was truncated before its opening told. Thinking that was truncated later has the style that its beginning tells.
    What the scripted teacher writes is "teacher", also where the rewriting cut it in half.

    Args:
        source: the kind of image, one of one's own included; a word that none of its `SCENES` scenes gave is "other",
            and so is every response about a source of the paper, whose pictures have no templates.

    Raises:
        ValueError: a source that is neither a kind of the mini world nor one of the paper's.

    >>> style_of("blocks", "<think>It looks like 3.</think>\\n<answer>3</answer>")
    'shortcut'
    >>> style_of("blocks", "<think>I see red star, blue star. That is 2 objects. Add 1 red")
    'careful'
    >>> style_of("blocks", "<answer>3</answer>"), style_of("blocks", "<think>Hmm, it looks like 3.</think>")
    ('bare', 'other')
    """
    if source in TABLE_1:
        return OTHER
    language = _language_of(get_kind(source))
    parsed = parse_response(response)
    if not parsed.think:
        return BARE if language.has_answer(_TAG.sub(" ", response)) else OTHER
    if parsed.think == UNCLEAR:
        return "teacher"
    truncated = parsed.problem is FormatProblem.UNCLOSED_THINK
    found = [] if truncated else language.styles_of(parsed.think, whole=True)
    if not found:
        begun = language.styles_of(parsed.think, whole=False)
        found = begun if truncated or begun == ["teacher"] else []  # a rewriting may drop half of a teacher's trace
    return found[0] if len(found) == 1 else OTHER


@dataclass(frozen=True)
class _Language:
    """What each style can write about one kind of image."""

    alike: dict[str, str]
    """Words that can stand in each other's place, to what they are taken as."""
    runs: dict[str, Runs]

    def styles_of(self, text: str, *, whole: bool) -> list[str]:
        """The styles that write this text, or, where it is not whole, a text that begins like this."""
        runs = _runs_in(text, self.alike, whole=whole)
        return [style for style in STYLES if runs <= self.runs[style]]

    def has_answer(self, text: str) -> bool:
        """Whether this is an answer to a question about the kind, and nothing else."""
        return _runs_in(text, self.alike, whole=True) <= self.runs[BARE]


def _runs_in(text: str, alike: dict[str, str], *, whole: bool) -> Runs:
    """The runs of a text with its start and, if it is whole, its end; of one that is not, the last word may be cut."""
    if not whole:
        text = " ".join(text.split()[:-1])
    words = ["#" if match["number"] else alike.get(match[0], match[0]) for match in _TOKEN.finditer(text)]
    padded = [""] * (RUN - 1) + words + [""] * whole
    return frozenset(zip(*(padded[k:] for k in range(RUN)), strict=False))


@lru_cache(maxsize=64)
def _language_of(kind: Kind) -> _Language:
    alike = {word: "/".join(group) for group in kind.swaps for word in group}
    runs: dict[str, set] = {style: set() for style in (*STYLES, BARE)}
    for style, text in _samples(kind):
        runs[style] |= _runs_in(text, alike, whole=True)
    return _Language(alike, {style: frozenset(found) for style, found in runs.items()})


def _samples(kind: Kind) -> Iterator[tuple[str, str]]:
    """(style, trace or answer) from scenes of all difficulties, also those of the shifted set, seen right and wrong."""
    rng = Random(f"styles of {kind.name}")
    for k in range(SCENES):
        difficulty = k % 3
        facts = kind.sample(rng, difficulty, k % 4 == 0)
        task = kind.ask(rng, facts, difficulty).task
        for style in STYLES:
            seen = misread(kind.name, facts, rng) if style == "careful" and k % 2 else facts
            parsed = parse_response(respond(kind.name, seen, task, rng, style=style, keep_format=True))
            yield style, parsed.think or ""
            yield BARE, parsed.answer or ""
        yield "teacher", _told(kind, facts, task, rng)


def _told(kind: Kind, facts: dict, task: dict, rng: Random) -> str:
    """The trace of a teacher that was told of the image by a caption with faults."""
    seen = read_caption(kind.name, write_caption(kind.name, facts, rng, omissions=0.5, hallucinations=0.5))
    whence = rng.choice((*LOOKS, *HEARSAY))
    return think_aloud(kind.name, seen or facts, task, rng, difficulty=2, whence=whence)
