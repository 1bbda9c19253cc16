import pytest

from vlaa_helpers.rewards.relaxed import check_relaxed, relaxed_reward
from vlaa_helpers.rewards.score import Reason


@pytest.mark.parametrize(
    ("answer", "gt", "value"),
    [
        ("100", "100", 1), ("105", "100", 1), ("105.1", "100", 0), ("95", "100", 1), ("-100", "100", 0),
        ("1,200", "1200", 1), ("12,00", "1200", 0), ("$14.5", "14.5", 1), ("\\boxed{14}", "14", 1), ("14.", "14", 1),
        ("23%", "23", 1), ("0.23", "23%", 1), ("23", "0.23", 0), ("0", "0", 1), ("0.01", "0", 0),
        ("2010", "2014", 1),  # the published measure, too, takes years for numbers
        ("South Korea.", "south korea", 1), ("North Korea", "South Korea", 0), ("yes", "Yes", 1), ("no", "Yes", 0),
        ("[2014, 2017]", "2014, 2017", 1), ("14 items", "14", 0), ("13 or 14", "14", 0), (".", "14", 0),
    ],
)  # fmt: skip
def test_numbers_may_be_a_little_off_and_words_may_not(answer, gt, value):
    assert relaxed_reward(f"<think>…</think><answer>{answer}</answer>", gt).value == value


def test_no_answer_and_no_ground_truth():
    assert relaxed_reward("It is 14", "14").reason == Reason.NO_ANSWER
    assert check_relaxed("14") is None
    with pytest.raises(ValueError, match="is empty; mend the record"):
        relaxed_reward("<answer>14</answer>", " ")
