"""The hours on a GPU that a chapter names are those that its parameters come to."""

from dataclasses import replace
from pathlib import Path

import pytest

from vlaa_helpers.dev.notebooks.files import list_notebooks, read_notebook
from vlaa_helpers.dev.notebooks.gpu_hours import APART, WORK, Work, hours, hours_apart, hours_of
from vlaa_helpers.policy.profiles import settings_of

T4 = settings_of("t4")
CHAPTERS = [path for path in list_notebooks(Path(__file__).resolve().parents[2] / "notebooks") if path.stem in WORK]


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_a_chapter_names_the_hours_of_its_parameters(path):
    top = read_notebook(path).cells[0].source
    (row,) = [line for line in top.splitlines() if line.startswith("| a T4 |")]
    assert f"about {hours_of(path, T4):.1f} hours" in row and "not run yet" in row


def test_what_is_written_and_what_is_read_by_hand():
    """33 responses are two batches of 32, each of 512 tokens; an image is 8 times as dear in float32."""
    image = 8 * 2 * 0.67e9 * 1336 / 16.25e12
    token = 2 * 3.1e9 / 16.25e12
    asked = 2 * 512 * 0.12 + 33 * (image + 494 * token)
    assert hours(Work(responses=33), T4) * 3600 == pytest.approx(asked)
    assert hours(Work(long_responses=33), T4) * 3600 == pytest.approx(asked + 2 * 512 * 0.12)
    assert hours(Work(traces=10), T4) * 3600 == pytest.approx(10 * (image + 3 * 994 * token))
    step = 512 * 0.12 + 8 * (2 * image + (494 + 3 * (494 + 4 * 250)) * token)
    assert hours(Work(plain_steps=3), T4) * 3600 == pytest.approx(3 * step)
    with_reference = step + 8 * (image + (494 + 4 * 250) * token)
    assert hours(Work(steps=3), T4) * 3600 == pytest.approx(3 * with_reference)


def test_trl_s_own_trainer_reads_prompts_for_each_completion():
    """A step of 8 prompts with 4 completions: 32 images are read in each of three passes, not 8."""
    image = 8 * 2 * 0.67e9 * 1336 / 16.25e12
    token = 2 * 3.1e9 / 16.25e12
    step = 512 * 0.12 + 32 * (3 * image + (494 + 4 * (494 + 250)) * token)
    assert hours(Work(trl_steps=3), T4) * 3600 == pytest.approx(3 * step)
    assert hours(Work(trl_steps=3), T4) > 1.2 * hours(Work(steps=3), T4)


def test_chapter_4_tells_its_run_from_what_it_compares_with():
    (path,) = (path for path in CHAPTERS if path.stem == "04_train_grpo")
    sick, twins = hours_apart(path, T4).values()
    top = read_notebook(path).cells[0].source
    (row,) = [line for line in top.splitlines() if line.startswith("| a T4 |")]
    assert f"{sick:.1f} hours more for the sick runs and {twins:.1f} for the comparison with TRL" in row
    assert set(APART) == {"04_train_grpo"} and not hours_apart(CHAPTERS[0], T4)


def test_more_at_once_is_less_waiting():
    assert hours(Work(responses=320), replace(T4, prompts_per_step=16)) < hours(Work(responses=320), T4)
