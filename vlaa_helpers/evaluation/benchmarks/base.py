"""What a benchmark is: where its files are, and how one of their rows becomes a question that we can judge."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ...rewards.registry import Verifier

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class UnreadableRow(Exception):
    """A row that cannot become a question: `(kind, message)`, as a `RowProblem` has them."""


@dataclass(frozen=True)
class Item:
    """One question of a benchmark.

    Attributes:
        id: the row's own name in the benchmark, "" where rows have none (their place in the files then names them).
        image: as the files hold it, `{"bytes", "path"}`, or None.
        question: the words of the question, without its options.
        gt: the ground truth, for a choice the letter.
        verifier_type: which verifier judges the answer.
        options: texts of the options by letter; empty where the question has none or the image shows them.
        meta: what else is worth keeping: subject, level, type of question.
    """

    id: str
    image: Mapping | None
    question: str
    gt: str
    verifier_type: str
    options: Mapping[str, str] = field(default_factory=dict)
    meta: Mapping = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The question as it is asked: its options follow, one a line."""
        return "\n".join([self.question.strip(), *(f"{letter}. {text}" for letter, text in self.options.items())])


@dataclass(frozen=True)
class Benchmark:
    """Where a benchmark is, and how its rows are read.

    Attributes:
        name: small letters, digits and "_"; what `load_benchmark` and `vlaa evaluate` are given.
        repository: its dataset on the hub.
        files: which parquet files of it, as a pattern (`data/testmini-*.parquet`).
        columns: what a row must have; other columns are not read.
        read: a row, as a dictionary of `columns`, to an `Item`. It raises `UnreadableRow` for one that says too little.
        keep: which rows of the files belong to the benchmark; all by default.
        verifiers: those that judge it and are no built-in ones; registered when the benchmark is read.
        size: how many rows are published, to compare with.
    """

    name: str
    repository: str
    files: str
    columns: tuple[str, ...]
    read: Callable[[Mapping], Item]
    keep: Callable[[Mapping], bool] = lambda row: True
    verifiers: tuple[Verifier, ...] = ()
    size: int | None = None


def lettered(texts: Sequence[str]) -> dict[str, str]:
    """Options by letter, in order.

    >>> lettered(["red", "blue"])
    {'A': 'red', 'B': 'blue'}
    """
    return dict(zip(LETTERS, map(str, texts), strict=False))


def letter_at(place: object, options: Mapping[str, str]) -> str:
    """The letter of an option given by its place, from 0, as a number or its text.

    Raises:
        UnreadableRow: no number, or no option there.
    """
    text = str(place).strip()
    if not text.isdecimal() or int(text) >= len(options):
        raise UnreadableRow("bad_gt", f"answer {text!r:.40}; expected the place of an option, 0 to {len(options) - 1}")
    return LETTERS[int(text)]


def letter_of(answer: str, options: Mapping[str, str]) -> str:
    """The letter of the option with this text.

    Raises:
        UnreadableRow: no option has it, or several do.
    """
    found = [letter for letter, text in options.items() if text == answer]
    if len(found) != 1:
        seen = "is no option" if not found else f"is the text of options {' and '.join(found)}"
        raise UnreadableRow("bad_gt", f"answer {answer!r:.40} {seen}; expected the text of exactly one option")
    return found[0]


def words(value: object) -> str:
    """A cell as text; "" for None."""
    return "" if value is None else str(value)
