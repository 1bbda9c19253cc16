"""What the tenth round and the attacks on it found: each was judged otherwise before."""

import pytest

from vlaa_helpers import box_reward, choice_reward, digit_reward, math_reward
from vlaa_helpers.rewards import mathematics

ANGLE = (
    "In triangle ABC, angle A = 40°, angle B = 60°, then the degree of angle C is ()\nA. 60°\nB. 70°\nC. 80°\nD. 100°"
)
ABOVE = "Is the statement true: the red curve is above the blue curve at x = 2?\n(A) Yes\n(B) No"
RADIUS = "The chord AB = 8 is 3 away from O. What is the radius?\nChoices:\nA: 4\nB: 5\nC: 6\nD: 10"
COLOUR = "Which color is used for the simulation results?\n(A) red\n(B) blue\n(C) green\n(D) black"
TREND = (
    "What is the trend of the accuracy as the number of layers increases?\nA) Increasing\nB) Decreasing\nC) Constant"
)
FOXES = "If the number of foxes decreases, what will happen to the rabbits?\nA. increase\nB. decrease\nC. die out"
BOYS = "There are 30 boys and 20 girls. What is the ratio of boys to girls?"
EXPORTS = "What is the ratio of exports to imports in 2010 if exports are 18 and imports are 2?"
SPEED = "A train travels 180 km in 3 hours. What is its average speed?"
LEFT = "Subtract all balls. How many objects are left?"
BOTH = "Add 2 large red cubes. Subtract all small spheres. How many objects are left?"


@pytest.mark.parametrize(
    "options",
    [
        "- A) 50 K\n- B) 150 K\n- C) 200 K",
        "* A. 50 K\n* B. 150 K\n* C. 200 K",
        "**A)** 50 K\n**B)** 150 K\n**C)** 200 K",
        "Option A: 50 K\nOption B: 150 K\nOption C: 200 K",
        "A、50 K\nB、150 K\nC、200 K",
    ],
)
@pytest.mark.parametrize("answer", ["150 K", "B) 150 K", "The resistivity reaches its peak at 150 K."])
def test_lists_of_options(options, answer):
    question = f"At which temperature does the resistivity reach its peak?\n{options}"
    assert choice_reward(f"<answer>{answer}</answer>", "B", question=question).value == 1
    assert choice_reward("<answer>A) 150 K</answer>", "A", question=question).value == 0


@pytest.mark.parametrize(
    ("gold", "question", "answer", "value"),
    [
        ("B", ABOVE, "No, the red curve is below the blue curve at x = 2.", 1),
        ("A", ABOVE, "Yes, the red curve is below the blue curve at x = 2.", 0),
        ("B", ABOVE, "No, the red curve is above the blue curve at x = 2.", 0),
        ("B", RADIUS, "$\\sqrt{4^2+3^2} = 5$", 1),
        ("B", RADIUS, "$\\sqrt{4^2+3^2} = 6$", 0),
        ("B", RADIUS, "10 / 2 = 5", 0),  # a step from another option
        ("C", ANGLE, "I think the answer is C, since the angles of a triangle add up to 180°.", 1),
        ("C", ANGLE, "Angle C", 0),
        ("D", COLOUR, "The simulation results are shown in black.", 1),
        ("D", COLOUR, "The experimental results are shown in black.", 0),
        ("B", COLOUR, "First A, then B", 0),
        ("B", COLOUR, "First red, then blue", 0),
        ("B", COLOUR, "It is A, so B.", 0),
        ("B", COLOUR, "B?", 0),
        ("A", TREND, "Increasing, followed by a plateau", 0),
        ("A", TREND, "Increasing, with a sharp drop at the end", 0),
        ("A", FOXES, "increase then decrease", 0),
        ("A", FOXES, "The foxes will increase.", 0),
        ("A", "What is the color of the car?\nA) red\nB) blue", "It used to be red.", 0),
    ],
)  # fmt: skip
def test_choices(gold, question, answer, value):
    assert choice_reward(f"<answer>{answer}</answer>", gold, question=question).value == value


@pytest.mark.parametrize(
    ("gold", "question", "answer", "value"),
    [
        ("1000", "Convert 1 km to meters.", "1000 m", 1),
        ("1000", "Convert 1 km to meters.", "1 km = 1000 m", 1),
        ("1000", "Convert 1 km to meters.", "1000 km", 0),
        ("180", "Convert 3 hours into minutes.", "180 seconds", 0),
        ("212", "Convert 100°C to Fahrenheit.", "212°C", 0),
        ("60", SPEED, "60 km/h", 1),
        ("60", SPEED, "60 km", 0),
        ("60", SPEED, "60 mph", 0),
        ("60", SPEED, "60 km/min", 0),
        ("20", "The price falls from $50 to $30. What is the discount?", "20 euros", 0),
        ("3/2", BOYS, "boys:girls = 3:2", 1),
        ("3/2", BOYS, "girls:boys = 3:2", 0),
        ("9", EXPORTS, "The ratio of imports to exports in 2010 is 9.", 0),
        ("9", EXPORTS, "The ratio of exports to imports in 2010 is 9.", 1),
        ("12", "Triangle ABC has base 6 and height 4. What is its area?", "AB = 12", 0),
        ("12", "Triangle ABC has base 6 and height 4. What is its area?", "The area of triangle ABD is 12.", 0),
        ("9", "Find the area of the shaded sector in the circle.", "The area of the circle is 9.", 0),
        ("10", "A tower and a tree stand here. What is the height of the tower?", "The height of the tree is 10.", 0),
        ("10", "A tower and a tree stand here. What is the height of the tower?", "The tree's height is 10.", 0),
    ],
)  # fmt: skip
def test_mathematics(gold, question, answer, value):
    assert math_reward(f"<answer>{answer}</answer>", gold, question=question).value == value


@pytest.mark.parametrize(
    ("gold", "question", "answer", "value"),
    [
        ("5", LEFT, "There are 5 objects. 4 are balls.", 0),
        ("5", LEFT, "There are 5 objects, 4 of them balls.", 0),
        ("5", LEFT, "After removing all balls, there are 5 objects left.", 1),
        ("4", LEFT, "4 objects, 2 of which must be subtracted", 0),
        ("6", LEFT, "6. There is only one ball among the 7 objects.", 1),
        ("7", BOTH, "There are 5 objects. Adding 2 large red cubes gives 7. Subtracting 1 small sphere gives 6.", 0),
        ("7", BOTH, "5 + 2 = 7 objects, and then 1 is subtracted.", 0),
        ("8", "What is the difference between apples and oranges?", "The sum is 8.", 0),
        ("8", "What is the difference between apples and oranges?", "The difference is 8.", 1),
    ],
)  # fmt: skip
def test_counts(gold, question, answer, value):
    assert digit_reward(f"<answer>{answer}</answer>", gold, question=question).value == value


@pytest.mark.parametrize(
    ("question", "answer", "value"),
    [
        ("What is the box of the train?", "The train is in the bounding box BOX, which covers the whole track.", 1),
        ("What is the box of the train?", "The train is in the bounding box BOX, which covers the car.", 0),
        ("Where is the cup on the desk?", "The cup is on the desk, which is at BOX.", 0),
        ("Where is the man with the dog?", "The man is with the dog, which is at BOX.", 0),
    ],
)
def test_boxes(question, answer, value):
    box = "[0.1, 0.2, 0.5, 0.6]"
    assert box_reward(f"<answer>{answer.replace('BOX', box)}</answer>", box, question=question).value == value


def test_many_factorials_are_not_worked_out(monkeypatch):
    """`12!!!` took gigabytes and seconds to come to nothing."""
    monkeypatch.setattr(mathematics, "_verdict_in_time", lambda *_: pytest.fail("it is worked out"))
    for answer in ("12!!!", "The answer is 12!!", "36! !"):
        score = math_reward(f"<think>…</think><answer>{answer}</answer>", "36", question="What is 6²?")
        assert (score.value, score.reason) == (0, "unreadable")


def test_what_is_asked_may_be_said_to_be_asked():
    question = "In the figure, the height of the tower is asked, with distance 30 m and elevation angle 60°."
    for answer, value in (("The distance to the tower is 30√3 m.", 0), ("The height of the tower is 30√3 m.", 1)):
        said = f"<think>…</think><answer>{answer}</answer>"
        assert math_reward(said, "30\\sqrt{3} m", question=question).value == value


def test_a_number_in_brackets_of_its_own_is_no_factor():
    for answer in ("x = 5⑴", "5⒈", "5 ⒜"):
        assert math_reward(f"<think>…</think><answer>{answer}</answer>", "5").value == 0
