"""Inequalities: either direction, positive factors, and nothing else."""

import pytest

from vlaa_helpers.rewards.math_inequalities import inequality_links, same_inequality


@pytest.mark.parametrize(
    ("gold", "said", "verdict"),
    [
        ("x > 3", "3 < x", "same"),
        ("x > 3", "2x > 6", "same"),
        ("x > 3", "-x < -3", "same"),
        ("x > 3", "-x > -3", "different"),
        ("x > 3", r"x \ge 3", "different"),
        ("2 < x < 5", "5 > x > 2", "same"),
        ("2 < x < 5", "2 < x", "different"),
        ("x > 10^{-25}", "x > 10^{-26}", "different"),
        ("x > 0.5", "2x > 1", "same"),
    ],
)
def test_two_inequalities(gold, said, verdict):
    assert same_inequality(gold, said) == verdict


@pytest.mark.parametrize("text", ["x", "x = 3", "1 < x > 2", "x >", r"x \ne 3", "1 < x < 2 < 3", r"x \left( 3"])
def test_what_is_no_chain_of_inequalities(text):
    assert inequality_links(text) is None
