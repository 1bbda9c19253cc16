"""Counts in answers of several clauses and in free sentences: which clause states the count, and what takes it back."""

import pytest

from vlaa_helpers.rewards.counted_things import head_of_counted
from vlaa_helpers.rewards.digit import digit_reward

BALLS = "Subtract all balls. How many objects are left?"
TWO = "Subtract all large cyan cubes. Subtract all tiny rubber cylinders. How many objects are left?"
ADD = "Add 4 tiny spheres. How many tiny spheres are there?"
CUBES = "How many cubes are there?"
GRAY = "How many small gray cubes are there?"
LAKE = "How many boats are on the lake?"
TEA = "How many students chose tea?"
TEAM = "How many goals did Team B score in the second half?"
BARS = "How many bars in the chart exceed 50?"
BIRDS = "How many birds are sitting on the wire?"
SECTORS = "How many sectors of the pie chart are greater than 20%?"
VOTES = "How many more votes did Kim get than Lee?"
TIMES = "How many times does the word 'total' appear?"


def paid(question: str, gt: str, answers: list[str]) -> list[str]:
    return [
        answer for answer in answers if digit_reward(f"<answer>{answer}</answer>", gt, question=question).value == 1
    ]


@pytest.mark.parametrize(
    ("question", "gt", "answers"),
    [
        pytest.param(
            BALLS,
            "5",
            [
                "5 objects, because 4 of the 9 objects are balls.",
                "The image shows cubes and balls on a gray floor. After removing the balls, 5 objects are left.",
                "5 objects are left. They are all made of metal.",
            ],
            id="other clauses may say anything",
        ),
        pytest.param(TWO, "5", ["There are 8 objects. Removing 1 large cyan cube leaves 7. "
                                "Removing 2 tiny rubber cylinders leaves 5."], id="a result for each change"),
        pytest.param(
            CUBES,
            "3",
            [
                "There are 3 cubes: one near the ball, one behind it, and one at the front.",
                "The three cubes are red, green and blue.",
                "There are 3 cubes, two of which are red.",
                "3 of the 9 objects are cubes.",
                "There are 3 cubes and 4 spheres.",
                "3 blocks",
                "1 × 3 = 3 cubes",
            ],
            id="parts, wholes and other things beside the count",
        ),
        pytest.param(LAKE, "2", ["A boat is near the shore and another is far out, so there are 2 boats on the lake.",
                                 "The lake is blue. Two boats are floating on the lake.",
                                 "On the lake, there are two boats."], id="pictures described"),
        pytest.param(TEA, "15", ["Tea was chosen by 15 students.", "15 students", "15 students choose tea."],
                     id="verbs"),
        pytest.param(TEAM, "2", ["Team B scored 2 goals in the second half.", "They scored two goals."],
                     id="any order"),
        pytest.param(BARS, "4", ["There are 6 bars in total, and 4 of them exceed 50."], id="what says more decides"),
        pytest.param("How many cups are on the shelf?", "6", ["The shelf holds six cups and two plates.",
                     "There are 6 cups on the shelf, most of which are blue."], id="a shelf that holds"),
        pytest.param("How many months had sales over 100?", "3",
                     ["Three months had sales over 100: April, May and June."],
                     id="May is a month"),
        pytest.param(BIRDS, "4", ["There are 6 birds. Two of them are flying. The other four are sitting on the wire."],
                     id="the others"),
        pytest.param(SECTORS, "2", ["Two sectors are greater than 20%."], id="percents of the question"),
        pytest.param(VOTES, "15", ["Kim got 15 more votes than Lee.", "The difference is 15 votes."],
                     id="differences"),
        pytest.param(TIMES, "3", ["3 times", "The word 'total' appears three times."], id="times"),
        pytest.param(CUBES, "0", ["There aren't any cubes.", "I don't see any cubes."], id="not any"),
    ],
)  # fmt: skip
def test_the_clause_that_states_the_count_is_found(question, gt, answers):
    assert paid(question, gt, answers) == answers


@pytest.mark.parametrize(
    ("question", "gt", "answers"),
    [
        (BALLS, "5", ["There are 5 objects, and 2 are subtracted.",
                      "There are 5 objects, but I have not subtracted any.",
                      "5 objects are left. But I forgot one, so there are 6.", "5 objects are left, I guess.",
                      "Let x = 5", "5°C", "step 5", "Figure 5", "5 is the number of balls."]),
        (TWO, "7", ["There are 8 objects. Removing 1 large cyan cube leaves 7. Removing 2 rubber cylinders leaves 5."]),
        (TWO, "5", ["Removing a large cyan cube leaves 5. Removing a tiny rubber cylinder leaves 6."]),
        (ADD, "4", ["There are 4 tiny spheres. Adding 4 tiny spheres makes 8."]),
        (CUBES, "3", ["There are 3 cubes: one near the ball and one behind it.", "1, 2, and 3", "3 of the 9 cubes",
                      "There are 3 cubes, and 2 more behind the ball.", "1 × 2 = 3 cubes",
                      "3 of the 9 objects are balls."]),
        (GRAY, "3", ["There are 3 gray cubes. Two of them are small.",
                     "There are 3 small cubes, but they are not gray."]),
        (LAKE, "2", ["There are two boats on the beach.",
                     "There were 2 boats on the lake, but both have left."]),
        (TEA, "15", ["Milk was chosen by 15 students.", "15 students did not choose tea.",
                    "Students 15 chose tea."]),
        (TEAM, "2", ["Team A scored 2 goals in the second half.", "Half of 2 goals", "Team B won by 2 goals."]),
        (BARS, "6", ["There are 6 bars in total, and 4 of them exceed 50."]),
        (BIRDS, "6", ["There are 6 birds. Two of them are flying. The other four are sitting on the wire."]),
        (VOTES, "15", ["Kim got 15 votes.", "Lee got 15 more votes than Kim."]),
        (TIMES, "3", ["The word 'sum' appears 3 times.", "3 times as often"]),
        ("How many apples are in the bowl?", "6", ["6 oranges"]),
        ("How many months had sales over 100?", "5", ["Sales were 5 over 100."]),
        ("How many peaks does the curve have?", "2", ["The peak is 2."]),
        ("How many gray balls or tiny cylinders are there?", "5", ["5 gray balls", "5 tiny cylinders"]),
        ("How many cups are on the shelf?", "6", ["There could be 6 cups on the shelf.",
                                                  "There are 6 cups on the table.", "6 cups are next to the shelf."]),
        ("How many women sit at the table?", "3", ["3 women sit on the sofa.", "Number 3 is at the table."]),
        ("What is the number of votes for A and B?", "70", ["A has 70 votes."]),
        ("How many hydrogen atoms are in the molecule?", "6", ["The molecule contains six atoms."]),
    ],
)  # fmt: skip
def test_a_count_of_something_else_or_taken_back_is_not_paid(question, gt, answers):
    assert paid(question, gt, answers) == []


def test_an_answer_of_very_many_clauses_is_not_read():
    assert paid(CUBES, "3", ["It is red. " * 30 + "There are 3 cubes."]) == []


@pytest.mark.parametrize(
    ("question", "head"),
    [
        ("How many sports cars use fuel?", "car"),
        ("How many people are in the image?", "person"),
        ("What is the total number of bars shown?", "bar"),
        ("How many cubes and spheres are there?", ""),
        ("How many are left?", ""),
    ],
)
def test_the_counted_noun_is_the_last_of_the_first_plurals(question, head):
    assert head_of_counted(question) == head
