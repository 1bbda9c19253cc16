"""Several seeds of an arm as one number, by hand."""

import pandas as pd
import pytest
from scipy.stats import t

from vlaa_helpers import across_seeds

ROWS = [
    ("base", "greedy", 0, 200, 0.50, 0.43, 0.57, 0.0, 0.0, 0.0, 0.0),
    ("GRPO", "greedy", 0, 200, 0.70, 0.63, 0.77, 0.20, 0.12, 0.28, 0.0),
    ("GRPO", "greedy", 1, 200, 0.74, 0.67, 0.81, 0.24, 0.16, 0.32, 0.02),
    ("GRPO", "greedy", 2, 200, 0.66, 0.59, 0.73, 0.16, 0.08, 0.24, 0.01),
    ("GRPO", "sampled", 0, 200, 0.60, 0.55, 0.65, 0.30, 0.24, 0.36, 0.0),
]
COLUMNS = ["arm", "decoding", "seed", "n", "accuracy", "low", "high", "change", "change_low", "change_high", "garbled"]
TABLE = pd.DataFrame(ROWS, columns=COLUMNS)
GREEDY = TABLE[TABLE["decoding"] == "greedy"]


def test_questions_and_seeds_both_widen_the_interval():
    found = across_seeds(GREEDY)
    half = (0.07**2 + (t.ppf(0.975, 2) * 0.04 / 3**0.5) ** 2) ** 0.5
    assert list(found.index) == ["base", "GRPO"]
    assert found.loc["GRPO", ["low", "high"]].tolist() == pytest.approx([0.70 - half, 0.70 + half])
    assert found.loc["GRPO", ["seeds", "n", "accuracy", "garbled"]].tolist() == pytest.approx([3, 200, 0.70, 0.02])


def test_one_seed_keeps_its_own_interval():
    assert across_seeds(GREEDY).loc["base", ["seeds", "low", "high"]].tolist() == pytest.approx([1, 0.43, 0.57])


def test_changes_have_their_own_bounds_and_may_be_negative():
    fallen = GREEDY.assign(
        change=-GREEDY["change"], change_low=-GREEDY["change_high"], change_high=-GREEDY["change_low"]
    )
    found = across_seeds(fallen, "change")
    assert found.loc["GRPO", "change"] == pytest.approx(-0.20) and found.loc["GRPO", "low"] < -0.28
    assert list(found.columns) == ["seeds", "n", "change", "low", "high", "garbled"]


def test_a_share_stays_a_share():
    found = across_seeds(GREEDY.assign(low=-0.5, high=1.9))
    assert found["low"].min() == 0 and found["high"].max() == 1


def test_several_columns_tell_arms_apart():
    found = across_seeds(TABLE.drop(columns="garbled"), by=["arm", "decoding"])
    assert found.loc[("GRPO", "sampled"), "seeds"] == 1 and found.index.names == ["arm", "decoding"]
    assert "garbled" not in found


@pytest.mark.parametrize(
    ("table", "value", "message"),
    [
        (TABLE, "accuracy", "two rows for {'arm': 'GRPO', 'seed': 0}: choose one set, decoding and source first"),
        (GREEDY, "words", "no intervals for 'words'; expected one of accuracy, change"),
        (GREEDY.drop(columns=["low", "seed"]), "accuracy", "the table has no seed, low; it has arm, decoding, n"),
    ],
)
def test_what_cannot_be_put_together_is_told(table, value, message):
    with pytest.raises(ValueError) as error:
        across_seeds(table, value)
    assert message in str(error.value)
