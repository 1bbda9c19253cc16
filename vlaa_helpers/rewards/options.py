"""The options that a multiple-choice question lists."""

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial

from .math_units import unit_of
from .neutral_words import SAYING
from .option_texts import any_of, cores, in_full, in_full_each, inflected, without_bracket

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
# how a question marks its options, a bracket before the letter and a sign behind it; the first writing that fits
_WRITINGS = (
    re.compile(r"(?<![A-Za-z])(\(?)([A-Z])([).:])(?=\s|$)"),  # A) red B) blue
    re.compile(r"(?<!\S)(\(?)([A-Z])([).:：、．])(?=[^\s,;.:)?!])(?![A-Za-z]\.)"),  # A:145° B:30°
    re.compile(r"(?<![A-Za-z])(\()([a-z])(\))(?=\s|$)"),  # (a) red (b) blue
    re.compile(r"^[ \t]*()([a-z])([).:：、．])", re.MULTILINE),  # a) red, on lines
    re.compile(r"^[ \t]*()([A-Z])([ \t])(?=\S)", re.MULTILINE),  # A red, on lines
)
_LETTER_LAST = re.compile(r"\(([A-Z])\)")
_INSTRUCTION = re.compile(
    r"(?:^|(?<=[.!?])\s+|\s*\n\s*)(?:please|answer|choose|select|respond|reply|give|write|output|think|pick|provide|only|just"
    r"|your)\b.*\b(?:answer|letters?|options?|choices?|question)\b.*",
    re.IGNORECASE | re.DOTALL,
)
_LETTER_FIRST = re.compile(r"\(?([A-Z])(?:[).:：、．]|\)[.:])\s*(\S.*)", re.DOTALL)
_BULLETS = frozenset(("-", "•", "*", "+", "option", "choice"))
"""What may stand before an option's letter, where a question writes its options as a list."""
_BOUNDARY = re.compile(r"[,;:?()\n]")
_MARKUP = re.compile(r"[*`$\"'“”‘’]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
_DEGREES = re.compile(r"\s*\^\s*(?:\{\s*\\circ\s*\}|\\circ(?![a-z]))|(?<=\d)\s*(?:degrees?\b|°)", re.IGNORECASE)
_TEXT = re.compile(r"\\(?:text|mathrm|mathbf|textbf)\s*\{([^{}]*)\}")
_SPACE = re.compile(r"\\[,;:!]|~")
_FRACTION = re.compile(r"(?<![\d}])\\[dt]?frac\{(\d+|[A-Z]{1,3})\}\{(\d+|[A-Z]{1,3})\}(?![\d{])")
_COMMAND = re.compile(r"\\(pi|times|cdot|angle|triangle|sin|cos|tan|sqrt)(?![A-Za-z])")
_COMMANDS = {"pi": "π", "times": " × ", "cdot": " · ", "angle": "∠", "triangle": "△", "sqrt": "√"}
_ROOT = re.compile(r"√\s*\{(\d+)\}|√\s*\((\d+)\)")
_POWER = re.compile(r"\s*\^\s*(\{\s*)?([23])(?(1)\s*\})(?!\d)")
_NUMBER_WITH_UNIT = re.compile(r"(?<![\w.,])(\d+(?:\.\d+)?) ?([A-Za-z]+)(?![\w^])")
_SIGNS = {r"\leq": "≤", r"\le": "≤", "<=": "≤", r"\geq": "≥", r"\ge": "≥", ">=": "≥"}
_RELATION = re.compile(r"\s*(<=|>=|\\[lg]eq?(?![A-Za-z])|[<>≤≥])\s*")
_CURRENCY = re.compile(r"(?<=\d) (?:us )?(?:dollars|usd)\b", re.IGNORECASE)
_BLANKS = re.compile(r"[ \t]{2,}")
_WILL = re.compile(r"\bwill\b")
_NUMBER_AND_UNIT = re.compile(r"([-+]?(?:\d[\d.,/]*)?(?:√\d+)?π?(?<=[\dπ]))\s*([^\W\dπ]+[²³]?|[°%])")
_ARTICLE = re.compile(r"(?:the|an?) (?=\S)")
_ASKED_FOR = re.compile(r"\b(?:which|what)\s+([a-z]{3,})", re.IGNORECASE)
FULL_WIDTH = str.maketrans({0xFF01 + place: 0x21 + place for place in range(94)})
"""The full-width letters and signs of Chinese and Japanese text, to the plain ones."""


@dataclass(frozen=True)
class Options:
    """A question's options.

    Attributes:
        texts: text by letter.
        letters: the letters of each text, as `plain_text` gives it.
        short: the letters of each text without its article, or without the unit that all options have.
        stem: the question before its options.
        noun: what it asks for: "bar" in "Which bar is the highest?"; "" where it does not say.
    """

    texts: dict[str, str]
    letters: dict[str, list[str]]
    short: dict[str, list[str]]
    stem: str
    noun: str

    def own(self, letter: str) -> str:
        """The text of an option, plain; "" where there is none."""
        return plain_text(self.texts.get(letter, ""))

    def named_by(self, text: str) -> str | None:
        """The letter of the one option that has this text, but for an article, the unit or the noun behind it.

        None when it is the text of no option, or of several.
        """
        plain = plain_text(text)
        found = self.letters.get(plain) or self.short.get(short := _ARTICLE.sub("", plain, count=1))
        if not found and self.noun:
            found = self.short.get(short.removesuffix(f" {self.noun}")) or self.short.get(f"{self.noun} {short}")
        if not found and plain[:1].isdigit():
            found = self.short.get(in_full(plain))
        found = found or self._inflected(short)
        return found[0] if len(found) == 1 else None

    def places(self, text: str) -> list[tuple[re.Match, list[str]]]:
        """Where a plain text has an option's text, which stands in group 1, and the letters of that option."""
        return [(place, self._letters_of(place[1])) for place in self.pattern.finditer(text)] if self.letters else []

    def mentioned(self, text: str) -> set[str]:
        """The letters of the options whose text stands in a text."""
        return {letter for _, letters in self.places(plain_text(text)) for letter in letters}

    @cached_property
    def pattern(self) -> re.Pattern:
        """Any of the options' texts, short or not."""
        return any_of(frozenset(self.letters) | frozenset(self.short))

    def _letters_of(self, plain: str) -> list[str]:
        return self.letters.get(plain) or self.short.get(plain) or self._inflected(plain)

    def _inflected(self, plain: str) -> list[str]:
        """The letters of the options that a plain text is, but for the endings of its words."""
        if not self.letters or not self.pattern.fullmatch(plain):
            return []
        texts = [*self.letters.items(), *self.short.items()]
        found = {letter for text, letters in texts for letter in letters if re.fullmatch(inflected(text), plain)}
        return sorted(found)


@lru_cache(maxsize=4096)
def read_options(question: str) -> Options:
    """The options of a question, read once."""
    question = question.replace("**", "")
    texts, start = _listed(question)
    plain = {letter: plain_text(text) for letter, text in texts.items()}
    units = {found[2] if (found := _NUMBER_AND_UNIT.fullmatch(text)) else None for text in plain.values()}
    short = {letter: _ARTICLE.sub("", text, count=1) for letter, text in plain.items()}
    if len(units) == 1 and None not in units:
        short = {letter: _NUMBER_AND_UNIT.fullmatch(text)[1] for letter, text in plain.items()}
    by_short = _letters_by_text(short)
    for shorten in (partial(cores, stem=question[:start]), without_bracket, in_full_each):
        for letter, text in shorten(plain).items():
            if letter not in by_short.setdefault(text, []):
                by_short[text].append(letter)
    asked = _ASKED_FOR.search(question[:start])
    noun = asked[1].casefold() if asked and asked[1].casefold() not in SAYING else ""
    return Options(texts, _letters_by_text(plain), by_short, _BLANKS.sub(" ", question[:start]), noun)


def _letters_by_text(texts: dict[str, str]) -> dict[str, list[str]]:
    letters: dict[str, list[str]] = {}
    for letter, text in texts.items():
        if text:
            letters.setdefault(text, []).append(letter)
    return letters


def options_of(question: str) -> dict[str, str]:
    """The options that a multiple-choice question lists, letter to text; empty when it lists none.

    Reads "A) 30" with ")", "." or ":" and with brackets or none, with a blank behind it or none, on lines or in one
    line; "(a) red" and, on lines, "a) red" and "A red"; and "30 (A), 50 (B)". Up to 26 of them, in time linear in the
    question's length.

    >>> options_of("Which? A) red B) blue")
    {'A': 'red', 'B': 'blue'}
    """
    return dict(read_options(question).texts)


def without_letter(answer: str, question: str) -> str:
    """An answer without the letter of an option, where the option's own text stands behind it: "B: 60°".

    >>> question = "Find x. A: 30° B: 60°"
    >>> without_letter("(B) 60°", question), without_letter("A: 60°", question)
    ('60°', 'A: 60°')
    """
    found = _LETTER_FIRST.fullmatch(answer.strip())
    if not found or not question:
        return answer
    own = read_options(question).own(found[1])
    return found[2] if own and own == plain_text(found[2]) else answer


def _listed(question: str) -> tuple[dict[str, str], int]:
    """The options, and where in the question they start."""
    for writing in _WRITINGS:
        run = _longest_run(list(writing.finditer(question)))
        if len(run) > 1:
            ends = [*(mark.start() for mark in run[1:]), len(question)]
            written = [_without_bullet(question[mark.end() : end]) for mark, end in zip(run, ends, strict=True)]
            are_lines = (
                all("\n" not in text for text in written[:-1]) and "\n" in question[run[0].start() : run[-1].start()]
            )
            written[-1] = _without_instruction(written[-1], are_lines)
            return dict(zip((mark[2].upper() for mark in run), written, strict=True)), run[0].start()
    listed, start, first = {}, 0, 0
    for mark in _LETTER_LAST.finditer(question):
        text = _BOUNDARY.split(question[start : mark.start()].strip())[-1].strip()
        if not text or mark[1] != _LETTERS[len(listed)]:
            return {}, len(question)
        first = first if listed else question.rindex(text, 0, mark.start())
        listed[mark[1]], start = text, mark.end()
    return listed, first


def _without_bullet(text: str) -> str:
    """An option without the bullet of the next one, which stands alone on its last line."""
    rest, _, last = text.strip().rpartition("\n")
    return rest.rstrip() if last.strip().casefold() in _BULLETS else text.strip()


def _without_instruction(text: str, is_line: bool) -> str:
    """The last option without what stands behind it: the next lines, where each option is one, or "Answer with …"."""
    text = text.partition("\n")[0] if is_line else text
    return _INSTRUCTION.split(text)[0].strip() or text


def _longest_run(marks: list[re.Match]) -> list[re.Match]:
    """The longest run of marks A, B, C, … in one writing; of runs as long the last. Other marks between are text."""
    following: dict[tuple[str, str, str], tuple[int, int]] = {}  # writing and letter: place and length of a run's rest
    rest: list[tuple[int, int]] = [(0, 0)] * len(marks)
    best = (0, 0)
    for place in range(len(marks) - 1, -1, -1):
        bracket, letter, closer = marks[place].groups()
        after = chr(ord(letter) + 1)
        next_place, length = following.get((bracket, after, closer), (-1, 0))
        rest[place] = (next_place, length + 1)
        following[bracket, letter, closer] = (place, length + 1)
        if letter in "Aa" and length + 1 > best[1]:
            best = (place, length + 1)
    run, place = [], best[0]
    for _ in range(best[1]):
        run.append(marks[place])
        place = rest[place][0]
    return run


def plain_text(text: str) -> str:
    """A text without markup, quotes, capitals and a full stop, so that two writings of one option are equal.

    >>> plain_text("**Blue.**"), plain_text("$60^{\\circ}$"), plain_text("60 degrees")
    ('blue', '60°', '60°')
    """
    if not text.isascii():
        text = text.translate(FULL_WIDTH)
    text = _RELATION.sub(lambda sign: f" {_SIGNS.get(sign[1], sign[1])} ", text)
    text = _WILL.sub("would", _NUMBER_WITH_UNIT.sub(_in_one_writing, _MARKUP.sub("", without_latex(text))))
    return _DEGREES.sub("°", _CURRENCY.sub("", " ".join(text.split()))).rstrip(".,;").casefold()


def without_latex(text: str) -> str:
    r"""A text without LaTeX's marks for words, blanks and simple fractions.

    >>> without_latex(r"5 \text{cm}"), without_latex(r"\frac{1}{3}")
    ('5  cm ', '1/3')
    """
    if "\\" in text:
        text = _SPACE.sub(" ", _FRACTION.sub(r"\1/\2", _TEXT.sub(r" \1 ", text)))
        text = _COMMAND.sub(lambda found: _COMMANDS.get(found[1], f"{found[1]} "), text)
    if "√" in text:
        text = _ROOT.sub(lambda found: f"√{found[1] or found[2]}", text)
    return _POWER.sub(lambda found: "²³"["23".index(found[2])], text) if "^" in text else text


def _in_one_writing(found: re.Match) -> str:
    """A number and its unit in one writing: "5cm" and "5 centimetres" are "5 cm"."""
    return f"{found[1]} {unit}" if (unit := unit_of(found[2])) else found[0]
