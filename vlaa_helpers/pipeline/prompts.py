"""What the teachers are asked, one prompt a role, each with a version that every built record carries.

The intents are those of VLAA-Thinking (arXiv 2504.11468 §2 and figures 8 to 11); the words are ours. Change a prompt
and give it a new version: a resumed build then asks again for what it concerns, and for nothing else.
"""

from collections.abc import Mapping
from dataclasses import dataclass

ROLES = ("caption", "reason", "rewrite", "verify")
"""Who writes the caption, the trace, the rewritten trace and the verdict: steps 2 to 5 of the pipeline."""


@dataclass(frozen=True)
class Prompt:
    """A system text and a user text with named slots, such as "{question}"."""

    version: str
    system: str
    user: str

    def messages(self, fields: Mapping[str, str]) -> list[dict]:
        """Chat messages with the slots filled; braces inside the fields are left alone."""
        return [
            {"role": "system", "content": self.system},
            {"role": "user", "content": self.user.format(**fields)},
        ]


PROMPTS = {
    "caption": Prompt(
        "caption-1",
        "You describe pictures for someone who will never see them and must answer questions about them.",
        "Describe this picture completely and only from what is visible. Begin with the setting, then take the "
        "objects from the most to the least important: how many, colour, shape, texture, place, and how they lie "
        "to each other. Copy any text letter by letter. Write formulas in LaTeX and do not solve them; write tables "
        "and charts, with every value, in Markdown; name labels and logos. State facts, in a neutral tone, without "
        "guesses and without a remark about the task. Reply with the description alone.{hint}",
    ),
    "reason": Prompt(
        "reason-1",
        "You are looking at a picture and answer a question about it. You reason step by step before you answer.",
        "What the picture shows:\n{caption}{hint}\n\nQuestion: {question}\n\n"
        "Reason as someone who looks at the picture: refer to what can be seen, be definite, work out positions and "
        "quantities from it, and where something is unclear say so as a viewer would. Never mention that you were "
        "given a text. Put the reasoning between <think> and </think>, then only the result between <answer> and "
        "</answer>.",
    ),
    "rewrite": Prompt(
        "rewrite-1",
        "You make the smallest possible edit to a text.",
        'Where the text below speaks of a "caption", "description" or "rationale" as its source, make it speak of '
        "the picture instead. Change nothing else: not a word, line break, blank, sign or tag. Reply with the whole "
        "text and nothing besides.\n\n{text}",
    ),
    "verify": Prompt(
        "verify-1",
        "You judge fairly whether a prediction agrees with the ground truth.",
        "Question: {question}\nGround truth: {gt}\nPrediction: {answer}\n\n"
        "Does the prediction agree with the ground truth? Reply with exactly one word, Yes or No.",
    ),
}
