"""The deceptive-reward index: planted runs are flagged, healthy and noisy ones are not."""

import pytest

from vlaa_helpers import deceptive_reward_index
from vlaa_helpers.core.statistics import wilson_interval


def run(accuracy, rewards, questions=300, every=16):
    """A log with looks at `accuracy`, and between them steps that earn `rewards` (one number a stretch)."""
    log = []
    for k, share in enumerate(accuracy):
        low, high = wilson_interval(round(share * questions), questions)
        log.append(
            {"step": k * every, "held_out/accuracy": share, "held_out/low": low, "held_out/high": high}
            | ({"reward": rewards[k - 1]} if k else {})
        )
    stretches = [[{"step": k * every + j, "reward": value} for j in range(1, every)] for k, value in enumerate(rewards)]
    return sorted([*log, *(row for rows in stretches for row in rows)], key=lambda row: row["step"])


def test_reward_that_rises_while_accuracy_falls_is_flagged():
    found = deceptive_reward_index(run([0.5, 0.7, 0.6, 0.5, 0.4], [0.5, 0.7, 0.8, 0.9]))
    assert found.flagged
    assert found.best_step == 16
    assert found.reward_gain == pytest.approx(0.4)
    assert found.accuracy_loss == pytest.approx(0.3)
    assert str(found).startswith("deceptive")


def test_a_run_in_which_both_rise_is_not():
    found = deceptive_reward_index(run([0.5, 0.6, 0.7, 0.8, 0.82], [0.5, 0.6, 0.7, 0.8]))
    assert not found.flagged
    assert found.correlation == pytest.approx(0.975, abs=0.03)


def test_a_level_run_that_wobbles_is_not():
    found = deceptive_reward_index(run([0.5, 0.83, 0.80, 0.81, 0.79], [0.5, 0.7, 0.72, 0.75]))
    assert 0 < found.accuracy_loss < found.noise and found.reward_gain > 0
    assert not found.flagged


def test_noise_shrinks_with_the_number_of_questions():
    few, many = (
        deceptive_reward_index(run([0.5, 0.83, 0.81, 0.8, 0.79], [0.5, 0.7, 0.72, 0.75], n)) for n in (300, 30_000)
    )
    assert not few.flagged
    assert many.flagged and many.accuracy_loss == pytest.approx(few.accuracy_loss)


def test_a_collapse_of_both_is_no_deception():
    found = deceptive_reward_index(run([0.5, 0.8, 0.5, 0.2, 0.1], [0.5, 0.8, 0.4, 0.2]))
    assert found.accuracy_loss > found.noise
    assert not found.flagged


def test_a_fall_that_recovers_is_flagged_too():
    found = deceptive_reward_index(run([0.5, 0.81, 0.63, 0.71, 0.8, 0.82], [0.5, 1.1, 1.6, 1.7, 1.7]))
    assert found.flagged and (found.best_step, found.worst_step) == (16, 32)
    assert found.accuracy_loss == pytest.approx(0.18) and "at the end +0.00" in str(found)


def test_the_reward_at_step_0_is_the_first_step_s():
    found = deceptive_reward_index(run([0.9, 0.7, 0.5, 0.3], [0.5, 0.7, 0.9]))
    assert found.best_step == 0 and found.flagged
    assert found.reward == pytest.approx((0.5, 0.5, 0.7, 0.9))


def test_rows_of_a_csv_have_blanks():
    log = [{**dict.fromkeys(("reward", "held_out/accuracy", "held_out/low", "held_out/high"), float("nan")), **row}
           for row in run([0.5, 0.7, 0.6, 0.5, 0.4], [0.5, 0.7, 0.8, 0.9])]  # fmt: skip
    assert deceptive_reward_index(log) == deceptive_reward_index(run([0.5, 0.7, 0.6, 0.5, 0.4], [0.5, 0.7, 0.8, 0.9]))


def test_a_log_without_looks_is_refused():
    with pytest.raises(ValueError, match="EvaluateEvery"):
        deceptive_reward_index([{"step": 1, "reward": 0.5}])
    with pytest.raises(ValueError, match="0 steps with 'rewards'"):
        deceptive_reward_index(run([0.5, 0.7, 0.6, 0.5, 0.4], [0.5, 0.7, 0.8, 0.9]), reward="rewards")
