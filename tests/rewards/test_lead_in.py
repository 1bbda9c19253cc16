"""Lead-ins: what only says that an answer follows is taken off, what changes the answer stays."""

import pytest

from vlaa_helpers.rewards.lead_in import in_the_present, without_lead_in


@pytest.mark.parametrize(
    "lead",
    [
        "Therefore, ",
        "So the answer is ",
        "Thus, the final answer is: ",
        "Based on the image, ",
        "My answer is ",
        "Answer: ",
    ]
    + [
        "I would choose ",
        "Hence, based on this chart, the correct option is ",
        "In the figure, ",
        "We can see that ",
        "",
    ],
)
def test_what_is_taken_off(lead):
    assert without_lead_in(f"{lead}B, the bar") == "B, the bar"


@pytest.mark.parametrize(
    "text",
    [
        "The worst answer is B",
        "I would not choose B",
        "The answer is not",
        "Based on a guess, B",
        "So-so: B",
        "answers: B",
    ]
    + ["Solution B", "I chose B", "The answer after B", "Inside the image B"],
)
def test_what_stays(text):
    assert without_lead_in(text).endswith(text.removeprefix("The answer is "))


def test_a_lead_in_alone_is_no_answer_but_stays():
    assert without_lead_in("Therefore, ") == "Therefore, "


def test_the_present():
    assert in_the_present("There appear to be 3; 3 will be left") == "There are 3; 3 are left"
    assert in_the_present("There seem to be 3") == "There seem to be 3"
