"""Answers of several clauses: the one that answers decides, where no other takes it back or says another value."""

import pytest
from reward_samples import said

from vlaa_helpers.rewards.math_clauses import clauses_of, without_markdown
from vlaa_helpers.rewards.mathematics import math_reward

ANGLE = "In triangle ABC, AB = AC and angle A = 40°. Find ∠B."
AREA = "What is the area of the rectangle?"


@pytest.mark.parametrize(
    ("gt", "answer", "question"),
    [
        ("70°", "Since AB = AC, ∠B = ∠C. Therefore, ∠B = (180° − 40°) / 2 = 70°.", ANGLE),
        ("70°", "∠A + ∠B + ∠C = 180°, so 2∠B = 140°, ∠B = 70°.", ANGLE),
        ("70°", "∠B = 70°, because the base angles are equal.", ANGLE),
        ("70°", "∠B = 70°\n\n**Explanation:** 180° − 40° = 140°, 140° / 2 = 70°.", ANGLE),
        ("24", "1. Length: 6\n2. Width: 4\n3. Area: 6 × 4 = 24", AREA),
        ("24", "**Step 1:** The sides are 6 and 4.\n**Step 2:** The area is 6 × 4 = 24.", AREA),
        ("24", "The sides are 6 and 4, that is, the area is 24.", AREA),
        ("5", "2x + 4 = 14 ⇒ 2x = 10 ⇒ x = 5", "Find x."),
        ("5", "Substituting y = 4: x = 9 − 4 = 5", "Find x."),
        ("(2, -1)", "x = 2 and y = 4 − 8 + 3 = −1, so the vertex is (2, -1).", "What is the vertex?"),
    ],
)
def test_working_and_reasons_may_stand_beside_the_clause_that_answers(gt, answer, question):
    assert math_reward(said(answer), gt, question=question).value == 1


@pytest.mark.parametrize(
    ("gt", "answer", "question"),
    [
        ("70°", "∠B = 60°, so ∠C = 70°.", ANGLE),
        ("70°", "∠B = 70°. Actually, ∠B = 65°.", ANGLE),
        ("70°", "∠B = 70°\n∠B = 60°", ANGLE),
        ("70°", "Answer: 60°. Explanation: 140° ÷ 2 = 70°.", ANGLE),
        ("24", "The area is 12. The area is 24.", AREA),
        ("24", "12\n24", AREA),
        ("24", "The length is 6 and the width is 4. The perimeter is 24.", AREA),
        ("5", "x = 7. x = 5", "Find x."),
        ("5", "x = 7, 5", "Find x."),
        ("5", "Let x = 5", "Find x."),
        ("5", "If x = 5, then 2x = 10.", "Find x."),
        ("90", "When the tank is full, the volume is 90.", "What is the volume when the tank is half full?"),
    ],
)
def test_another_value_a_condition_or_doubt_is_not_paid(gt, answer, question):
    assert math_reward(said(answer), gt, question=question).value == 0


def test_nothing_is_cut_inside_brackets_and_displays():
    assert [clause.text for clause in clauses_of("The point is (2, 3), $a, b$ too")] == [
        "The point is (2, 3)",
        "$a, b$ too",
    ]


@pytest.mark.parametrize(("text", "plain"), [("- 5", "- 5"), ("- a\n- b", "a\nb"), ("**Area:** 5", "Area: 5")])
def test_without_markdown(text, plain):
    assert without_markdown(text) == plain


def test_a_minus_before_one_line_stays():
    assert math_reward(said("- 5"), "-5", question="Find x.").value == 1
