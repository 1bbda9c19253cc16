"""An answer that says what it is the value of must say what the question asks for, in a unit of that."""

import pytest

from vlaa_helpers.rewards.mathematics import math_reward

LENGTH, AREA = "What is the length of side AB?", "What is the area of triangle ABC?"


@pytest.mark.parametrize(
    ("question", "gt", "right", "wrong"),
    [
        (
            LENGTH,
            "12 cm",
            ["AB = 12 cm", "BA = 12", "The length of AB is 12 cm.", r"$\overline{AB} = 12$", "The side AB is 12 cm"],
            ["BC = 12 cm", "The length of BC is 12 cm.", "The area is 12 cm", r"\overline{BC} = 12"],
        ),
        (
            AREA,
            "24",
            ["The area is 24.", "A = 24", "24 cm^2", "24 m^2", "24 square units", "Area of triangle ABC = 24"],
            ["The perimeter is 24.", "AB = 24", "height = 24", "The base is 24.", "The area of triangle DEF is 24"],
        ),
        (AREA, "24", ["24 hectares", "24 units"], ["24 cm^3", "24 cm", "24 hours", "24 kg", "24 degrees"]),
        ("What is the volume?", "8", ["8 cm^3", "8 L", "8 litres"], ["8 cm^2", "8 cm", "The area is 8"]),
        ("How long does it take?", "5", ["5 s", "5 hours"], ["5 km", "5 kg"]),
        ("How tall is the tower?", "5", ["5 m", "The height is 5 m."], ["5 kg", "The width is 5 m."]),
        ("Find angle ABC.", "60", [r"\angle CBA = 60", "∠B = 60°", "60 degrees"], ["∠BCA = 60°", "∠A = 60", "60 cm"]),
        ("Find BC if AB = 5.", "5", ["BC = 5", "CB = 5", "5 cm"], ["AB = 5", "AC = 5"]),
        ("What is the length of the base?", "12", ["The base is 12", "The length is 12"], ["The height is 12"]),
        ("Find x if the area is 24.", "5", ["x = 5", "5"], ["x = 24"]),
        ("What is the speed in m/s?", "10", ["10"], ["1000%"]),
    ],
)
def test_what_an_answer_says_it_is_must_be_asked_for(question, gt, right, wrong):
    paid = {answer: math_reward(f"<answer>{answer}</answer>", gt, question=question).value for answer in right + wrong}
    assert paid == dict.fromkeys(right, 1.0) | dict.fromkeys(wrong, 0.0)


def test_a_ground_truth_with_names_is_compared_with_them():
    assert (
        math_reward("<answer>AC = BC</answer>", "BC = AC", question="Which sides of ABC are equal? Find AC.").value == 1
    )
