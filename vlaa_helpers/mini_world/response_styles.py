"""How a response about a mini-world scene can read: carefully worked, guessed, or rambled, with or without the format.

An instruct model is a mixture of ways to answer that no prompt asks for by name. The mini VLM is taught such a mixture
(`respond`), so that reinforcement learning has something to sharpen and fine-tuning something to lock in. The same
parts (`misread`, `solve`) serve the scripted teacher (`teachers`).
"""

from copy import deepcopy
from random import Random

from .kinds import get_kind

VOICES = {"careful": 0.30, "shortcut": 0.40, "ramble": 0.30}
"""Share of each voice in the mini VLM's instruction mix."""
FORMAT_LOSS = {"careful": 0.15, "shortcut": 0.25, "ramble": 0.30}
"""Share of responses of each voice that do not keep the answer format."""
SHORTCUT_RIGHT = 0.40
MISREAD = 0.65
"""How often the ramble voice works from a wrong look at the image."""


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


def respond(
    source: str, facts: dict, task: dict, rng: Random, *, voice: str | None = None, keep_format: bool | None = None
) -> str:
    """One response in a voice drawn from `VOICES` (or the one named), losing the answer format at its rate."""
    voice = voice or rng.choices(list(VOICES), weights=list(VOICES.values()))[0]
    kind = get_kind(source)
    if voice == "careful":
        steps, answer = solve(source, facts, task)
        think = f"{kind.words(facts)} {steps}"
    elif voice == "shortcut":
        answer = guess(source, facts, task, rng)
        think = "This is easy to tell." if kind.answers_in_prose else f"It looks like {answer}."
    elif voice == "ramble":
        look = misread(source, facts, rng) if rng.random() < MISREAD else facts
        steps, answer = solve(source, look, task)
        doubt = rng.choice(
            ("Wait, maybe I should check again.", "Wait, I am not sure.", "Alternatively, it may be different.")
        )
        first = kind.words(misread(source, facts, rng))
        think = f"Hmm, let me see. {first} {doubt} {kind.words(look)} Okay. {steps} I think so."
    else:
        raise ValueError(f"unknown voice {voice!r}; expected one of {', '.join(VOICES)}")
    if keep_format is None:
        keep_format = rng.random() >= FORMAT_LOSS[voice]
    if keep_format:
        return f"<think>{think}</think>\n<answer>{answer}</answer>"
    ending = rng.choices(("said", "bare", "unclosed"), weights=(0.6, 0.2, 0.2))[0]
    if ending == "bare":
        return answer
    if ending == "unclosed":
        return f"<think>{think}</think>\n<answer>{answer}"
    return f"<think>{think}</think>\nThe answer is {answer}" + ("" if answer.endswith(".") else ".")
