"""How a response about a mini-world scene can read: carefully worked, guessed, rambled, or thought aloud.

An instruct model is a mixture of ways to answer that no prompt asks for by name. The mini VLM is taught such a mixture
(`respond`), so that reinforcement learning has something to sharpen and fine-tuning something to lock in. The same
parts (`misread`, `solve`, `think_aloud`) serve the scripted teacher (`teachers`).
"""

from copy import deepcopy
from random import Random

from .kinds import get_kind

STYLES = {"careful": 0.27, "shortcut": 0.37, "ramble": 0.28, "teacher": 0.08}
"""Share of each style in the mini VLM's instruction mix. Some text in the manner of a teacher is in it, as in that of
any instruct model: what a base has never written, fine-tuning cannot teach without breaking something else."""
FORMAT_LOSS = {"careful": 0.15, "shortcut": 0.25, "ramble": 0.30, "teacher": 0.15}
"""Share of responses of each style that do not keep the answer format."""
SHORTCUT_RIGHT = 0.40
MISREAD = {"ramble": 0.65, "teacher": 0.30}
"""How often a style works from a wrong look at the image."""
OPENINGS = ("Okay, let me look at the picture.", "Okay, so first let me look.", "First, let me look at the picture.")
LOOKS = ("So,", "Now,", "I see it.")
"""What a teacher introduces its look at the image with."""
HEARSAY = ("From the caption:", "From the picture:")
"""The same where it was told of the image and says so: as written, and after the rewriting."""
MENTIONS = 0.30
"""How often a teacher says so."""
UNCLEAR = "Hmm, this is not clear. Maybe it can not be told from the picture."
"""What a teacher thinks that was told too little."""
SECOND_LOOKS = (
    "Wait, let me double-check. {steps}",
    "Hmm, let me look again. {words}",
    "Let me check. {steps}",
    "Alternatively, it may be different. But no, {last}",
    "Let me confirm. {steps}",
)
SECOND_LOOK = 0.35
"""How often a teacher takes a chance of a second look."""


def solve(source: str, facts: dict, task: dict) -> tuple[str, str]:
    """Work the question out from `facts`, right or wrong: (the steps in words, the answer).

    With the true facts of a scene the steps hold and the answer is right: the ground truth, for multiple choice the
    text of the right option (a model of this size learns to work a value out, and not to look its letter up), for
    `stories` all that was asked for, which beats the reference.
    """
    return get_kind(source).solve(facts, task)


def misread(source: str, facts: dict, rng: Random) -> dict:
    """The same scene, read wrongly in one place: something left out, imagined, or taken for something else."""
    return get_kind(source).misread(deepcopy(facts), rng)


def guess(source: str, facts: dict, task: dict, rng: Random) -> str:
    """The answer of someone who does not work it out: right `SHORTCUT_RIGHT` of the time, else a typical slip; for
    multiple choice a letter."""
    answer = solve(source, facts, task)[1]
    if "options" in task:
        answer = "ABCD"[task["options"].index(answer)]
    if rng.random() < SHORTCUT_RIGHT:
        return answer
    if "options" in task:
        return rng.choice([letter for letter in "ABCD" if letter != answer])
    return get_kind(source).slip(facts, task, answer, rng)


def think_aloud(
    source: str,
    look: dict,
    task: dict,
    rng: Random,
    *,
    difficulty: int = 1,
    second_looks: float = SECOND_LOOK,
    whence: str | None = None,
) -> str:
    """A trace in the teacher's manner from a look at the image: an opening, what is there, the steps, second looks.

    Args:
        look: the facts as they were seen.
        difficulty: 0-2; a harder scene has one more chance of a second look, each of which begins with a cue.
        second_looks: how often (0-1) such a chance is taken.
        whence: what the look is introduced with; one of `LOOKS` by default.
    """
    words, (steps, _) = get_kind(source).words(look), solve(source, look, task)
    whence = whence or rng.choice(LOOKS)
    parts = [rng.choice(OPENINGS), f"{whence} {words}", steps]
    for _ in range(1 + difficulty):
        if rng.random() < second_looks:
            parts.append(rng.choice(SECOND_LOOKS).format(steps=steps, words=words, last=steps.split(". ")[-1]))
    if rng.random() < 0.08:
        parts.append("Held against the question, this is right.")
    return " ".join(parts)


def respond(
    source: str, facts: dict, task: dict, rng: Random, *, style: str | None = None, keep_format: bool | None = None
) -> str:
    """One response in a style drawn from `STYLES` (or the one named), losing the answer format at its rate."""
    style = style or rng.choices(list(STYLES), weights=list(STYLES.values()))[0]
    kind = get_kind(source)
    if style == "careful":
        steps, answer = solve(source, facts, task)
        think = f"{kind.words(facts)} {steps}"
    elif style == "shortcut":
        answer = guess(source, facts, task, rng)
        think = "This is easy to tell." if kind.answers_in_prose else f"It looks like {answer}."
    elif style == "ramble":
        look = misread(source, facts, rng) if rng.random() < MISREAD[style] else facts
        steps, answer = solve(source, look, task)
        doubt = rng.choice(
            ("Wait, maybe I should check again.", "Wait, I am not sure.", "Alternatively, it may be different.")
        )
        first = kind.words(misread(source, facts, rng))
        think = f"Hmm, let me see. {first} {doubt} {kind.words(look)} Okay. {steps} I think so."
    elif style == "teacher":
        look = misread(source, facts, rng) if rng.random() < MISREAD[style] else facts
        whence = HEARSAY[1] if rng.random() < MENTIONS else None
        think = think_aloud(source, look, task, rng, difficulty=rng.randrange(3), whence=whence)
        answer = solve(source, look, task)[1]
    else:
        raise ValueError(f"unknown style {style!r}; expected one of {', '.join(STYLES)}")
    if keep_format is None:
        keep_format = rng.random() >= FORMAT_LOSS[style]
    if keep_format:
        return f"<think>{think}</think>\n<answer>{answer}</answer>"
    ending = rng.choices(("said", "bare", "unclosed"), weights=(0.6, 0.2, 0.2))[0]
    if ending == "bare":
        return answer
    if ending == "unclosed":
        return f"<think>{think}</think>\n<answer>{answer}"
    return f"<think>{think}</think>\nThe answer is {answer}" + ("" if answer.endswith(".") else ".")
