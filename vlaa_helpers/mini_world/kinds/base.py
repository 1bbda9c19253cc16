"""What a kind of mini-world image is made of: the class that each kind fills in."""

import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any

from .readers import Reader, Statement
from .words import SWAPS

if TYPE_CHECKING:
    from PIL import Image

Check = Callable[[dict, Any, Any], bool | None]
"""(facts, what a statement is about, what it says of that) -> whether it holds; None when that cannot be told."""
Told = tuple[str, list[str], list[str]]
"""A look at the scene, the steps to the answer, and checks of it: sentences for planted traces."""


@dataclass(frozen=True)
class Ask:
    """One question about a scene: its words, the ground truth and what has to be done to get there."""

    text: str
    gt: str
    task: dict
    """What the question asks for, as data: a `kind`, its arguments, and for multiple choice the `options`."""


class Kind(ABC):
    """A kind of mini-world image: what it shows, how it is drawn, asked about, told, read back and checked.

    A scene is a dictionary of facts that JSON can hold. Image, question, ground truth and words come from those facts
    alone, so every claim about an image can be checked. All methods are pure but for the generator they are given: the
    same state of `rng` gives the same result.

    Every kind has `name`, `verifier_type`, `statement` and the seven abstract methods. All else has a default:

    - `readers`, `checks`: by default, what matches `statement` is a claim, true when `words` says it of the scene;
    - `slip`: the answer after a wrong look; `leave_out`: nothing; `imagine`: a wrong look;
    - `swaps`, `claim_numbers`, `scenes_with`, `implied`, `has_one_answer`: what a changed claim would mean is not
      known, and a trace is corrupted by another digit where no word can be swapped;
    - `phrases`, `tell`: none, so no traces are planted for the kind, and `Words` says so.
    """

    # ---- what it is ----

    name: str
    """The source of its records, a word such as "blocks"."""
    verifier_type: str
    """The verifier that scores its answers. For "open_ended", `ask` gives the sentences wanted as `task["wanted"]`."""
    statement: re.Pattern[str]
    """One atomic claim about an image of this kind, as `words` writes it."""
    mirrors: str = ""
    """The source of the paper that it stands for, as in `paper_numbers.TABLE_1`."""
    rl_only: bool = False
    """Whether its captions hallucinate persistently, so that no traces are distilled from them (paper §2)."""
    caption_weight: float = 1.0
    """How often the mini VLM is taught to caption it, relative to the other kinds."""

    @abstractmethod
    def sample(self, rng: Random, difficulty: int, shifted: bool) -> dict:
        """Draw the facts of a scene.

        Args:
            difficulty: 0, 1 or 2.
            shifted: whether it is for the shifted test set, which shows what training never does.
        """

    @abstractmethod
    def draw(self, facts: dict, image: "Image.Image") -> None:
        """Draw the scene onto a tinted sheet of 112 x 112 pixels (`raster`)."""

    @abstractmethod
    def ask(self, rng: Random, facts: dict, difficulty: int) -> Ask:
        """Ask something about the scene."""

    # ---- how it is told and answered ----

    @abstractmethod
    def words(self, facts: dict) -> str:
        """The scene in words, complete and true."""

    @abstractmethod
    def solve(self, facts: dict, task: dict) -> tuple[str, str]:
        """The steps in words and the answer, from facts right or wrong; for multiple choice the option's text."""

    @abstractmethod
    def misread(self, facts: dict, rng: Random) -> dict:
        """The scene read wrongly in one place. `facts` is a copy: change it and give it back, or give another."""

    def slip(self, facts: dict, task: dict, answer: str, rng: Random) -> str:
        """A typical wrong answer; by default that of a wrong look, and the right one only if twenty looks give it."""
        for _ in range(20):
            other = self.solve(self.misread(deepcopy(facts), rng), task)[1]
            if other != answer:
                return other
        return answer

    @property
    def answers_in_prose(self) -> bool:
        return self.verifier_type == "open_ended"

    # ---- captions ----

    @abstractmethod
    def read(self, caption: str) -> dict | None:
        """The facts that a caption states, enough to `solve` from; None when it does not say enough."""

    def leave_out(self, seen: dict, rng: Random) -> dict:
        """The facts of a caption with one thing left out, where an image has more than one. `seen` is a copy."""
        return seen

    def imagine(self, seen: dict, rng: Random) -> dict:
        """The facts of a caption with something made up. `seen` is a copy."""
        return self.misread(seen, rng)

    # ---- claims ----

    readers_anywhere: tuple[Reader, ...] = ()
    """Readers of statements that are recognised in texts about any kind, where they are false or not checkable."""

    @property
    def readers(self) -> tuple[Reader, ...]:
        """Readers of further statements, in texts about this kind alone."""
        return (self._read_as_written,)

    @property
    def checks(self) -> Mapping[str, Check]:
        """Whether a statement holds, by the statement's kind; "count" and "taken" are checked in `claims`."""
        return {"fact": self._is_written}

    def _read_as_written(self, text: str) -> Iterator[Statement]:
        for match in re.finditer(self.statement.pattern, text, self.statement.flags | re.IGNORECASE):
            yield Statement(*match.span(), "fact", self.name, match[0].lower())

    def _is_written(self, facts: dict, _: str, said: str) -> bool:
        return said in {match[0].lower() for match in self.statement.finditer(self.words(facts))}

    def count_true(self, stated: Counter[str], actual: Counter[str]) -> int:
        """How many of the claims stated are true, given those that `words` makes of the scene."""
        return (actual & stated).total()

    # ---- corrupted traces ----

    swaps: Sequence[Sequence[str]] = SWAPS
    """Words that a changed claim may have in each other's place."""
    claim_numbers: Mapping[str, Sequence[str]] = {}
    """Numbers that a claim of each kind may have: a change should not be told by its size alone."""
    answer_numbers: Sequence[str] = ()
    """Numbers that an answer may have."""

    def has_one_answer(self, facts: dict, task: dict) -> bool:
        """Whether the question still asks for one thing: what it names may be gone, what is highest may be two."""
        return True

    def scenes_with(self, facts: dict, old: Statement, new: Statement) -> list[dict]:
        """Scenes that differ from the true one in what was changed; none where no scene is meant."""
        return []

    def implied(self, facts: dict, task: dict, old: Statement, new: Statement) -> tuple[str, ...]:
        """The answers that a changed statement leads to; empty where that is not known."""
        scenes = [scene for scene in self.scenes_with(facts, old, new) if self.has_one_answer(scene, task)]
        return tuple(dict.fromkeys(self.solve(scene, task)[1] for scene in scenes))

    # ---- planted traces ----

    topic: str = "picture"
    """What small talk about a scene calls it."""
    sum_slips: tuple[int, int] = (1, 2)
    """By how much a planted sum is wrong."""
    phrases: Mapping[str, Mapping[str, tuple[str, ...]]] = {}
    """Bank ("train", "test"), role, phrases; the slots in braces are filled by `tell`. The banks share no phrase."""

    def is_possible(self, facts: dict) -> bool:
        """Whether there could be such a scene; a wrong look may give one that cannot be."""
        return True

    def tell(self, say: Callable[..., str], facts: dict, task: dict) -> Told:
        """What can be said about a scene and a question: true when the facts are.

        Args:
            say: (role, **slots) -> a phrase of that role from the bank in use, filled in.
        """
        raise NotImplementedError(f"kind {self.name!r} has phrases but does not say how to use them: give it `tell`")
