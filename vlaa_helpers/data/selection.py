"""Which rows of a file are wanted: those of some sources, and no more than so many."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import PurePosixPath


@dataclass
class Selection:
    """What the reader asked for, and what was found of it so far.

    Attributes:
        sources: only rows of these; None takes all.
        limit: records in all, at most; spread evenly over `sources` where they are named.
        images: of each source, by `image_key`, the only images whose rows are taken; rows of others are passed over,
            and one report counts them. None: all.
        in_file: rows of each source in the whole file, where that was read before; None elsewhere.
        seen: rows of each source in the file, as far as it was read.
        passed: rows of each source that were passed over.
        taken: records made of each source.
    """

    sources: tuple[str, ...] | None = None
    limit: int | None = None
    images: dict[str, set[PurePosixPath]] | None = None
    in_file: Counter | None = None
    seen: Counter = field(default_factory=Counter)
    passed: Counter = field(default_factory=Counter)
    taken: Counter = field(default_factory=Counter)

    def __post_init__(self) -> None:
        if isinstance(self.sources, str) or (self.sources is not None and not self.sources):
            raise TypeError(f'sources is a list of names such as ["clevr_math"], got {self.sources!r}')
        if self.limit is not None and self.limit < 1:
            raise ValueError(f"limit is a number of records, 1 or more, got {self.limit}")
        self.sources = tuple(dict.fromkeys(self.sources)) if self.sources is not None else None

    def share(self, source: str) -> int | None:
        """Records of a source, at most; None: no end.

        >>> [Selection(("a", "b", "c"), 7).share(source) for source in "abc"]
        [3, 2, 2]
        """
        if self.limit is None or self.sources is None:
            return self.limit
        each, rest = divmod(self.limit, len(self.sources))
        return each + (self.sources.index(source) < rest)

    def wants(self, source: str) -> bool:
        """Whether one more row of this source is wanted."""
        if self.sources is not None and source not in self.sources:
            return False
        share = self.share(source)
        return share is None or self.taken[source] < share

    @property
    def is_done(self) -> bool:
        """Whether the limit is reached."""
        return self.limit is not None and self.taken.total() >= self.limit

    def shortfalls(self) -> Iterable[str]:
        """What the file has less of than was asked for, a sentence a source."""
        for source in self.sources or ():
            if not self.seen[source]:
                has = ", ".join(sorted(self.seen)) or "none"
                yield f"no row of the source {source!r}; the file has {has}. Correct sources."
            elif (share := self.share(source)) is not None and self.taken[source] < share:
                why = "there are no more"
                unusable = self.seen[source] - self.passed[source] - self.taken[source]
                if self.images is not None and self.taken[source] + unusable >= share:
                    why = f"{unusable} of the first rows cannot be used. Ask for more"
                elif self.passed[source]:
                    why += f" with an image ({self.passed[source]} rows have none in what its archive or site holds)"
                yield f"{self.taken[source]} records of {source}, limit asks for {share}: {why}."
