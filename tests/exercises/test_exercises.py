"""Every exercise with a check: its solution passes, its stub does not, and each planted mistake is named.

Stubs and solutions are read from the notebooks, as a reader finds them.
"""

import re

import pytest

from vlaa_helpers import check_exercise
from vlaa_helpers.dev.notebooks.files import list_notebooks, read_notebook
from vlaa_helpers.exercises.checks import exercises, judged
from vlaa_helpers.exercises.exercise import LEVELS

CUES = "import re\nCUES = re.compile('wait', re.I)\n\n\n"
LIKES = """\
def likes_cues(completions, **columns):
    return [float(bool(CUES.search(completion[-1]["content"]))) for completion in completions]
"""
ENOUGH = """\
def seeds_needed(gap, spread):
    n = {first}
    while {t} * spread / n**0.5 >= gap:
        n += 1
    return n
"""
BEFORE = {
    "06 seeds": "from scipy import stats\n",
    "06 mend": f"from vlaa_helpers import MixedReward\n\n{CUES}{LIKES}",
}
"""What earlier cells of the chapter have bound by then."""
MISTAKES = {
    "06 seeds": [
        (ENOUGH.format(first=1, t="1.96"), "1.96 is for many seeds"),
        (ENOUGH.format(first=2, t="stats.t.ppf(0.975, n)"), "n - 1 degrees of freedom"),
        ("def seeds_needed(gap, spread):\n    return 1", "one seed has no spread"),
        ("def seeds_needed(gap, spread):\n    return 9", "the smallest n"),
        ("def seeds_needed(gap, spread):\n    return gap / 0", "ZeroDivisionError"),
    ],
    "06 detector": [
        ("def is_deceptive(reward, accuracy, noise=0.05):\n    return accuracy[-1] < accuracy[0]", "the best look"),
        (
            "def is_deceptive(reward, accuracy, noise=0.05):\n    return accuracy[-1] < max(accuracy)",
            "less than the noise",
        ),
        (
            "def is_deceptive(reward, accuracy, noise=0.05):\n    return max(accuracy) - accuracy[-1] > noise",
            "nobody was deceived",
        ),
        ("def is_deceptive(reward, accuracy, noise=0.05):\n    return reward[-1] > 0.75", "noise"),
        (
            "def is_deceptive(reward, accuracy, noise=0.05):\n"
            "    return reward[-1] > reward[0] and max(accuracy) - accuracy[-1] > noise",
            "fell after the best look",
        ),
    ],
    "06 mend": [
        (
            "def likes_cues_where_right(completions, gt, **columns):\n"
            "    found = [text in each[-1]['content'] for each, text in zip(completions, gt)]\n"
            "    return [cue * had for cue, had in zip(likes_cues(completions), found)]",
            "wrong answer, and is paid",
        ),
        (
            "def likes_cues_where_right(completions, **columns):\n"
            "    earned = MixedReward()(completions, **columns)\n"
            "    return [cue * (value == 1) for cue, value in zip(likes_cues(completions), earned)]",
            "a box that overlaps by 0.95",
        ),
        ("likes_cues_where_right = likes_cues", "wrong answer, and is paid"),
        (
            "def likes_cues_where_right(completions, **columns):\n    return MixedReward()(completions, **columns)",
            "without a cue",
        ),
        ("def likes_cues_where_right(completions, **columns):\n    return [0.0] * len(completions)", "1st and 4th"),
    ],
}
"""Code that readers write, and words of what they are told."""


def cells_of(name, root):
    """The cell of an exercise, and the markdown around it: (before, stub, after)."""
    for path in list_notebooks(root / "notebooks"):
        cells = read_notebook(path).cells
        for k, cell in enumerate(cells):
            if cell.cell_type == "code" and f'check_exercise("{name}"' in cell.source:
                return cells[k - 1].source, cell.source, cells[k + 1].source
    raise AssertionError(f"no notebook has the exercise {name}")


def told(name, code):
    """What is said of code that defines an answer."""
    bound = {}
    exec(BEFORE.get(name, "") + code, bound)
    return judged(name, bound[re.findall(r"^(?:def )?(\w+)(?:\(| =)", code, re.M)[-1]])


@pytest.mark.parametrize("name", exercises())
def test_the_solution_passes_and_the_stub_does_not(name, root):
    before, stub, after = cells_of(name, root)
    solution = re.search(r"Solution</summary>\s+```python\n(.*?)```", after, re.S)[1]
    assert told(name, solution).startswith("right: ")
    asked = re.search(rf'check_exercise\("{name}", (\w+)\)', stub)[1]
    left = stub[: stub.index("check_exercise(")].split("import check_exercise\n")[-1]
    assert f"def {asked}(" in left and "your code" in left
    assert told(name, left.strip()).startswith("not yet: ")
    each = exercises()[name]
    assert f"({each.minutes} minutes, {each.level})" in before and each.level in LEVELS
    assert "Hint</summary>" in after


@pytest.mark.parametrize(("name", "code", "words"), [(name, *each) for name in MISTAKES for each in MISTAKES[name]])
def test_a_likely_mistake_is_named(name, code, words):
    said = told(name, code)
    assert said.startswith("not yet: ") and words in said


def test_every_exercise_has_planted_mistakes():
    assert set(MISTAKES) == set(exercises())


def test_an_unknown_exercise_is_refused():
    with pytest.raises(ValueError, match="no exercise '06 seed'; expected one of .*06 seeds"):
        check_exercise("06 seed")
