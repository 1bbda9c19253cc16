"""Responses and answers that the tests of rewards share."""

import json

from hypothesis import strategies as st

RIGHT = {"digit": "3", "choice": "B", "math": "y = 2x + 1", "box": "[0.10, 0.20, 0.50, 0.60]"}
META = json.dumps(
    {
        "facts": {
            "time": "day",
            "objects": [
                {"colour": "red", "shape": "circle", "place": "top left"},
                {"colour": "blue", "shape": "star", "place": "top right"},
                {"colour": "green", "shape": "square", "place": "bottom left"},
            ],
        },
        "task": {"wanted": ["A red circle at the top left.", "A blue star at the top right.", "It is day."]},
    }
)


def said(answer: str, think: str = "I look.") -> str:
    return f"<think>{think}</think><answer>{answer}</answer>"


def length_scorer(questions, answers):
    return [float(len(answer)) for answer in answers]


_pieces = st.sampled_from(
    ["<think>", "</think>", "<answer>", "</answer>", "3", "B", "A) ", ", ", "[0.1, ", "0.5]", " or ", "=", "x", "\n"]
    + ["^{", "}", "(", ")", "\\frac{", "\\sqrt{", "\\left(", "$", "\\", "!", "-", "e", "9", "+", "\\boxed{", "²", "٣"]
)
_contents = st.one_of(st.text(max_size=40), st.lists(_pieces, max_size=14).map("".join))
responses = st.one_of(_contents, _contents.map(said))
