"""Every number in the prose of the notebooks, README and docs/measured.md: does an output or a shipped table hold it?

    python -m vlaa_helpers.dev.notebooks.prose_numbers [NAMES...]

A number is held by an output, a constant of the code or a row of a shipped table near it that has the same value,
rounded to the digits that the prose shows, and that stands beside words which the paragraph uses too. What is only
drawn in a figure cannot be read, so print it. Not looked at: whole numbers up to `SMALL` without sign and unit, numbers
in words, names that hold digits ("table 2", "4 bits", "3B", "25K"), the table of costs, which `run` measures, and the
time of an exercise, "(10 minutes, easy)".
What nothing can hold is in `prose_exceptions.toml`, each with its reason.
"""

import argparse
import random
import re
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ...core.assets import ASSETS, REFERENCE, STUDIES, TRACE_BENCHMARK
from .files import ROOT, list_notebooks, read_notebook
from .number_tables import UNSAID, file_rows, named_in, paper_constants
from .number_text import Number, agrees, code_numbers, html_numbers, line_numbers, read_numbers, words_of

if TYPE_CHECKING:
    from nbformat import NotebookNode

EXCEPTIONS = Path(__file__).with_name("prose_exceptions.toml")
SMALL = 12
NEAR, BESIDE = 6, 2
"""Steps (`_reading_steps`) to an output that a text may quote, and to one where one label in common is enough."""
ALWAYS = frozenset({"accuracy", "auc", "change", "correct", "high", "low"})
"""Labels of a table that a paragraph need not repeat; a bound is told from a value by its role."""
_CODE = re.compile(r"^(```|~~~).*?^\1|`[^`\n]+`", flags=re.M | re.S)
_NAMES = re.compile(
    r"\$\$?[^$\n]*\\[^$\n]*\$\$?|"  # a formula
    r"<[^>]*>|https?://\S+|(?<=\])\([^)]*\)|arXiv \d{4}\.\d{4,5}|\b\d+[- ]?bits?\b|\*\*\d+\.|^\s*\d+\.(?= )|\| 0\d \|"
    r"|^\|(?: [^|]* \|)? about .*|\b(?:chapters?|sections?|tables?|figures?|steps?|exercises?|seeds?|Python) \d[\d.]*"
    r"(?:(?:,| and| to) \d[\d.]*)*|\(\d+ minutes, \w+\)",
    flags=re.M | re.I,
)
_LEVEL_OF_AN_INTERVAL = re.compile(r"\s*(?:interval|bound|[+−]?\d|\))")
_TABLE_CALL = re.compile(r"reference_(?:table|benchmark)\(\"(\w+)\"\)")


@dataclass(frozen=True)
class Source:
    """Numbers that a text may quote."""

    kind: str  # "output", "code", "table", "paper" or "text"
    numbers: tuple[Number, ...]
    beside: bool = True  # a paragraph may name one label of a number only: its row, or its column
    named: frozenset[str] = frozenset()  # what the paragraph has to name for any of them


@dataclass(frozen=True)
class Text:
    """A text of a page and what it may quote."""

    page: str
    place: int  # of the cell, or of the block of README
    text: str
    sources: tuple[Source, ...]

    @cached_property
    def numbers(self) -> tuple[Number, ...]:
        """The numbers that a source has to hold."""
        prose = _blanked(_NAMES, _blanked(_CODE, self.text))
        found = [n for n in read_numbers(prose) if n.decimals or n.unit or n.sign or n.value > SMALL]
        return tuple(n for n in found if not (n.text == "95%" and _LEVEL_OF_AN_INTERVAL.match(prose, n.end)))

    def paragraph(self, number: Number) -> str:
        """The paragraph, list item or table row that a number stands in."""
        ends = [m.start() for m in re.finditer(r"\n\n|\n- |\n\| ", self.text)]
        begin = max((end for end in ends if end <= number.start), default=0)
        return self.text[begin : min((end for end in ends if end >= number.end), default=len(self.text))]

    def phrase(self, number: Number) -> str:
        """What stands around a number, on one line."""
        return " ".join(self.text[max(0, number.start - 40) : number.end + 30].split())

    def evidence(self, number: Number) -> str | None:
        """The kind of the first source that holds a number, None where none does."""
        paragraph = self.paragraph(number)
        words = words_of(paragraph)
        for source in self.sources:
            if named_in(source.named, paragraph):
                if any(agrees(number, held) and _fits(held, words, source.beside) for held in source.numbers):
                    return source.kind
        return None


def _blanked(pattern: re.Pattern[str], text: str) -> str:
    """The text with spaces in place of what the pattern finds, so that positions stay."""
    return pattern.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), text)


def _fits(held: Number, words: frozenset[str], beside: bool) -> bool:
    """Say whether the words of the prose name the labels of a number; what `UNSAID` has may be left out."""
    shared = [bool(label & words) or label <= ALWAYS for label in held.labels if label - UNSAID]
    return not shared or (any(shared) if beside else all(shared))


# ---- what a text may quote ----


def notebook_texts(path: Path) -> list[Text]:
    """Return the text cells of a notebook; the first one and the closing ones may also repeat what the others say."""
    nb = read_notebook(path)
    shown = {i: tuple(_output_numbers(cell)) for i, cell in enumerate(nb.cells) if cell.cell_type == "code"}
    places = [i for i, cell in enumerate(nb.cells) if cell.cell_type == "markdown"]
    texts = [Text(path.stem, i, nb.cells[i].source, tuple(_sources(nb, i, shown))) for i in places]
    frame = [text for text in texts if text.place == 0 or re.search(r"^## (Recap|What can)", text.text, re.M)]
    said = tuple(n for text in texts if text not in frame for n in text.numbers if text.evidence(n))
    return [replace(t, sources=(*t.sources, Source("text", said))) if t in frame else t for t in texts]


def _reading_steps(nb: "NotebookNode") -> list[int]:
    """Of each cell how far down it stands: a code cell that shows something is a step, and so is a run of text cells.

    So texts and code may be cut into smaller cells without moving away from what they are about.
    """
    steps, step, in_text = [], 0, False
    for cell in nb.cells:
        shows = cell.cell_type == "code" and bool(cell.outputs)
        if shows or (cell.cell_type == "markdown" and not in_text):
            step += 1
        in_text = cell.cell_type == "markdown" or (in_text and not shows)
        steps.append(step)
    return steps


def _sources(nb: "NotebookNode", place: int, shown: dict[int, tuple[Number, ...]]) -> Iterator[Source]:
    text, steps = nb.cells[place].source, _reading_steps(nb)
    yield Source("code", tuple(n for m in _CODE.finditer(text) for n in code_numbers(m[0].strip("`"))))
    for i in sorted(shown, key=lambda i: abs(i - place)):
        far = abs(steps[i] - steps[place])
        near = far <= NEAR
        if near or "parameters" in nb.cells[i].metadata.get("tags", []):
            yield Source("code", tuple(code_numbers(nb.cells[i].source)))
        if near:
            yield Source("output", shown[i], beside=far <= BESIDE)
            for file in _files_read(nb.cells[i].source):
                yield from _file_sources(file)
    yield Source("paper", paper_constants(), named=frozenset({"paper"}))


def _output_numbers(cell: "NotebookNode") -> Iterator[Number]:
    for output in cell.outputs:
        data = output.get("data", {})
        if "text/html" in data:
            yield from html_numbers(data["text/html"])
        elif "image/png" not in data:  # a figure's text only gives its size
            yield from line_numbers(output.get("text", "") or data.get("text/plain", ""))


def _files_read(code: str) -> list[Path]:
    names = [f"{name}{suffix}" for name in _TABLE_CALL.findall(code) for suffix in (".csv", ".csv.gz", ".json")]
    files = [folder / name for name in names for folder in (STUDIES, REFERENCE)]
    if "load_trace_benchmark" in code:
        files += _with_its_tables(TRACE_BENCHMARK / "README.md")
    return [file for file in files if file.is_file()]


def _with_its_tables(card: Path) -> list[Path]:
    return [card, *card.parent.glob("card.json"), *sorted(card.parent.glob("*.csv"))]


def _file_sources(file: Path) -> Iterator[Source]:
    for labels, numbers in file_rows(file):
        yield Source("table", numbers, beside=False, named=labels)


def readme_texts(path: Path) -> list[Text]:
    """Return the blocks of README or docs/measured.md: each may quote the files and notebooks that it links, and the
    versions of pyproject.toml."""
    prose = re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.M | re.S)
    project = next(folder / "pyproject.toml" for folder in path.parents if (folder / "pyproject.toml").is_file())
    versions = Source("table", tuple(line_numbers(project.read_text(encoding="utf-8"))))
    texts = []
    for place, lines in enumerate(re.split(r"\n\n|\n(?=- |\| )", prose)):
        block = re.sub(r"\n *", " ", lines)
        sources = [versions]
        for link in re.findall(r"\]\(([\w./]+)\)", block):
            sources += _linked((path.parent / link).resolve())
        texts.append(Text(path.stem, place, block, tuple(sources)))
    return texts


def _linked(target: Path) -> Iterator[Source]:
    if target.suffix == ".ipynb":
        nb = read_notebook(target)
        costs = (replace(number, labels=()) for number in line_numbers(nb.cells[0].source))
        yield Source("text", tuple(costs))
        for cell in nb.cells:
            if cell.cell_type == "code":
                yield Source("output", tuple(_output_numbers(cell)), beside=False)
    elif target.suffix in (".csv", ".gz", ".json", ".md") and target.is_relative_to(ASSETS):
        for file in [target] if target.parent in (STUDIES, REFERENCE) else _with_its_tables(target):
            yield from _file_sources(file)


# ---- the check ----


@dataclass(frozen=True)
class Phrase:
    """Words whose numbers nothing holds, on a page (its stem, or "*"), and why that is right.

    With `begins` the phrase is how a paragraph or list item begins, and all numbers of that are meant.
    """

    page: str
    phrase: str
    reason: str
    begins: bool = False

    def covers(self, text: Text, number: Number) -> bool:
        if self.page not in ("*", text.page):
            return False
        if self.begins:
            return text.paragraph(number).lstrip("\n -").startswith(self.phrase)
        spans = (m.span() for m in re.finditer(re.escape(self.phrase), text.text))
        return any(begin <= number.start and number.end <= end for begin, end in spans)


def read_exceptions(path: Path = EXCEPTIONS) -> list[Phrase]:
    """Read the list of exceptions: TOML, an `[[exception]]` each with page, phrase and reason."""
    return [Phrase(**entry) for entry in tomllib.loads(path.read_text(encoding="utf-8")).get("exception", [])]


def unheld(texts: Sequence[Text], exceptions: Sequence[Phrase] = ()) -> list[tuple[Text, Number]]:
    """Return the numbers that no source holds and no exception covers, in order."""
    found = [(text, number) for text in texts for number in text.numbers if text.evidence(number) is None]
    return [(t, n) for t, n in found if not any(each.covers(t, n) for each in exceptions)]


def needless(texts: Sequence[Text], exceptions: Sequence[Phrase]) -> list[Phrase]:
    """Return the exceptions that cover no unheld number: their phrase has changed, or a source holds it now."""
    found = unheld(texts)
    return [each for each in exceptions if not any(each.covers(t, n) for t, n in found)]


def changed(number: Number, rng: random.Random) -> Number:
    """Return a number as somebody might have mistaken it: 3 to 30% off, by one of its last digit at least."""
    unit = 10.0**-number.decimals
    steps = max(1, round(rng.uniform(0.03, 0.3) * abs(number.value) / unit))
    return replace(number, value=number.value + rng.choice((-1, 1)) * steps * unit)


def caught_share(texts: Sequence[Text], draws: int = 10, seed: int = 0) -> float:
    """Return the share (0–1) of changed numbers that nothing holds, `draws` for each number that is held as it is.

    Raises:
        ValueError: no number is held, so there is none to change.
    """
    rng = random.Random(seed)
    held = [(text, number) for text in texts for number in text.numbers if text.evidence(number)]
    if not held:
        raise ValueError("no number of these texts is held by a source; expected notebooks with stored outputs")
    caught = [text.evidence(changed(number, rng)) is None for text, number in held for _ in range(draws)]
    return sum(caught) / len(caught)


def all_texts(names: Sequence[str] = ()) -> list[Text]:
    """Return the texts of the notebooks whose file name begins with one of `names`, and of the pages likewise; without
    names, all.

    Raises:
        ValueError: a name that no page begins with.
    """
    pages = [*list_notebooks(ROOT / "notebooks"), ROOT / "README.md", ROOT / "docs/measured.md"]
    if unknown := [name for name in names if not any(path.stem.startswith(name) for path in pages)]:
        raise ValueError(f"no page begins with {unknown[0]!r}; expected one of {', '.join(p.stem for p in pages)}")
    chosen = [path for path in pages if not names or path.stem.startswith(tuple(names))]
    return [text for path in chosen for text in (notebook_texts if path.suffix == ".ipynb" else readme_texts)(path)]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAMES", help='as in "00 03 README"; all where none is given')
    names = parser.parse_args(arguments).names
    texts, exceptions = all_texts(names), read_exceptions()
    found = unheld(texts, exceptions)
    for page in dict.fromkeys(text.page for text in texts):
        own = [text for text in texts if text.page == page]
        kinds = Counter(text.evidence(number) for text in own for number in text.numbers)
        held = ", ".join(f"{kind} {count}" for kind, count in kinds.most_common() if kind)
        missing = [(text, number) for text, number in found if text.page == page]
        print(f"{page}: {kinds.total()} numbers, held by {held or 'none'}; held by nothing {len(missing)}")
        for text, number in missing:
            print(f"  {text.place:>3}  {number.text:<12} … {text.phrase(number)} …")
    stale = [] if names else needless(texts, exceptions)
    for each in stale:
        print(f"{EXCEPTIONS.name}: {each.phrase!r} ({each.page}) is needed no more; take it out")
    print(f"{caught_share(texts):.0%} of held numbers, changed by 3 to 30%, would be caught")
    return 1 if found or stale else 0


if __name__ == "__main__":
    sys.exit(main())
