"""What the ninth round and the attacks on it found: each was judged otherwise before."""

import pytest

from vlaa_helpers import box_reward, choice_reward, digit_reward, math_reward

TRAIN = "A train travels 180 km in 2.5 hours. What is its average speed in km/h?"
ANGLE = "What is the measure of ∠AOB?\nA. 28°\nB. 56°\nC. 62°\nD. 72°"
GOALS = "Which team scored the most goals?\nA) Lions\nB) Tigers\nC) Eagles"
BARS = "Which bar is the highest?\nA) red\nB) blue\nC) green"
LADDER = "A ladder 10 m long leans on a wall. Its foot is 6 m from the wall. How high up the wall does it reach?"


@pytest.mark.parametrize(
    ("gold", "question", "answer", "value"),
    [
        ("72", TRAIN, "72 km/h", 1),  # "in 2.5 hours" is no unit that is asked for
        ("72", TRAIN, "72 hours", 0),
        ("72", TRAIN, "The speed is 72 kilometers per hour.", 1),
        ("64", "What was the average rainfall, in mm?", "Adding gives 192. Dividing by 3 gives an average of 64.", 1),
        ("18%", "What percentage was spent on travel?", "Travel cost $900 of $5000. This is 18%.", 1),
        ("x = 7, y = 3", "Solve x + y = 10, x - y = 4.", "2x = 14, so x = 7. Substituting gives y = 3.", 1),
        ("x = 7, y = 3", "Solve x + y = 10, x - y = 4.", "2x = 14, so x = 7. Then y = 3. x = 8.", 0),
        ("-4", "What is the y-intercept?", "It is the value of y when x = 0. From the graph, it is -4.", 1),
        ("6", "How many more books did Anna read than Tom?", "Anna read 14 - 8 = 6 more books than Tom.", 1),
        ("6", "How many more books did Anna read than Tom?", "Anna read 6 books.", 0),
        ("13", "Find the length of the hypotenuse.", "The length of the leg is 13.", 0),
        ("8", LADDER, "The foot of the ladder is 8 m from the wall. The ladder reaches 6 m up the wall.", 0),
        ("16", "The side of a square is 4. Find its area.", "The area of the circle is 16", 0),
        ("16", "The side of a square is 4. Find its area.", "The area of the square is 16", 1),
    ],
)  # fmt: skip
def test_mathematics(gold, question, answer, value):
    assert math_reward(f"<answer>{answer}</answer>", gold, question=question).value == value


@pytest.mark.parametrize(
    ("gold", "question", "answer", "value"),
    [
        ("C", ANGLE, "A tangent is perpendicular to the radius, so there is a right angle at A. So ∠AOB = 62°.", 1),
        ("C", ANGLE, "(B) Since the triangle is right-angled, ∠AOB = 62°.", 0),
        ("C", ANGLE, "∠AOB could be 62°.", 0),
        ("C", ANGLE, "∠OAB = 62°", 0),
        ("C", GOALS, "The bar for the Eagles is the tallest at 58 goals.", 1),
        ("C", GOALS, "The bar for the Eagles is the shortest.", 0),
        ("C", GOALS, "The bar for the Eagles is the tallest after the Lions.", 0),
        ("C", "How many hours did it run on Monday?\nA. 6\nB. 7\nC. 8", "It ran 8 hours on Monday and 6 on Sunday.", 1),
        ("B", BARS, "The blue bar is the tallest.", 1),
        ("B", BARS, "B. The red bar is the tallest.", 0),
        ("B", BARS, "B. The red bar is higher.", 0),
        ("B", BARS, "The answer is A blue", 0),
        ("B", BARS, "1. A\n2. B", 0),
        ("C", "Which is a consumer?\nA) hawk\nB) grass\nC) frog", "The frog eats flies, so it is a consumer.", 1),
    ],
)  # fmt: skip
def test_choices(gold, question, answer, value):
    assert choice_reward(f"<answer>{answer}</answer>", gold, question=question).value == value


@pytest.mark.parametrize(
    ("gold", "question", "answer", "value"),
    [
        ("1", "How many people are holding a phone?", "There is one person here, and nobody is holding a phone.", 0),
        ("2", "How many red cubes are left of the ball?", "There are 2 red cubes. They are on the right side.", 0),
        ("2", "How many red cubes are left of the ball?", "2. Both are blue cubes.", 0),
        ("6", "How many nodes are in the hidden layer?", "So the hidden layer has 6 nodes. It is in the middle.", 1),
        ("4", "Subtract all balls. How many objects are left?", "Next, remove the balls: 7 - 3 = 4.", 1),
        ("9", "How many sides has it if all angles are 40°?", "So the number of sides is 360/40 = 9.", 1),
    ],
)  # fmt: skip
def test_counts(gold, question, answer, value):
    assert digit_reward(f"<answer>{answer}</answer>", gold, question=question).value == value


@pytest.mark.parametrize(
    ("question", "answer", "value"),
    [
        ("Find the chair closest to the window.", "The window is open. The chair closest to it is at BOX.", 1),
        ("Find the chair closest to the window.", "The door is open. The chair next to it is at BOX.", 0),
        ("Find the lamp beside the bed.", "The bed is here. Beside it, there is a lamp: BOX", 1),
        ("Find the lamp beside the bed.", "The sofa is here. Beside it, there is a lamp: BOX", 0),
        ("Find the bench near the lake.", "Near the lake there is a tree. Its box is BOX.", 0),
    ],
)
def test_boxes(question, answer, value):
    box = "[0.1, 0.2, 0.5, 0.6]"
    assert box_reward(f"<answer>{answer.replace('BOX', box)}</answer>", box, question=question).value == value
