"""The words of planted traces: what there is to see and to work out in a mini-world scene, told from one of two banks.

The banks share no phrase, so that a detector fitted on traces in the words of one is tried on those of the other. Both
classes of trace, genuine and pseudo, draw from the same bank: no phrase gives the class away.
"""

from dataclasses import dataclass
from random import Random

from ...mini_world.kinds import Kind, get_kind
from ...mini_world.small_talk import PHRASES


@dataclass(frozen=True)
class Work:
    """What can be said about a scene and a question, each a sentence or a few: true when the facts are.

    Attributes:
        look: what is there.
        steps: the working, from what is there to the answer.
        checks: other routes to the same result, or what else must hold if it is right.
        answer: the answer that the steps lead to.
    """

    look: str
    steps: tuple[str, ...]
    checks: tuple[str, ...]
    answer: str


class Words:
    """One way to speak about a scene: of each kind of content it keeps to one phrase, small talk varies.

    Args:
        source, task, question: of the record.
        bank: "train" or "test".
        rng: picks the phrases.

    Raises:
        ValueError: a kind of image that has no phrases.
    """

    def __init__(self, source: str, task: dict, question: str, bank: str, rng: Random):
        self.kind = _kind_with_phrases(source)
        self.task, self._bank, self._rng = task, bank, rng
        self._kept = {role: rng.choice(phrases) for role, phrases in self.kind.phrases[bank].items()}
        self._slots = {"thing": self.kind.topic, "question": question}

    def say(self, role: str, **slots: object) -> str:
        phrase = self._kept.get(role) or self._rng.choice(PHRASES[self._bank][role])
        return phrase.format(**self._slots, **slots)

    def about(self, task: dict, question: str) -> "Words":
        """Words of the same bank about another question."""
        return Words(self.kind.name, task, question, self._bank, self._rng)

    def work(self, facts: dict) -> Work:
        """What can be said if these are the facts; equal facts give equal words."""
        look, steps, checks = self.kind.tell(self.say, facts, self.task)
        return Work(look, tuple(steps), tuple(checks), self.kind.solve(facts, self.task)[1])


def _kind_with_phrases(source: str) -> Kind:
    kind = get_kind(source)
    if not kind.phrases:
        raise ValueError(
            f"kind {source!r} has no phrases, so no traces can be planted for it; give it `phrases` and `tell`, as "
            "mini_world/kinds/boxes.py does"
        )
    return kind
