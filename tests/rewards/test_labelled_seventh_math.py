"""Answers in mathematics as an instruct model of 3B writes them, in ten sets, each labelled before its first run.

At the first run 115, 135, 119, 135, 135, 136, 136 and 143 of the 150 labels of sets 1 to 8 held, and 142 of set 10;
with the reader before this round 115, 120, 91, 117, 110, 104, 111, 121 and 116. After each run the causes were mended,
so the next set met a better reader. Wrong answers paid at the first runs: 1, 6, 3, 1, 6, 4, 2, 2 and 3. Set 9 attacks
answers of several clauses: none of its 67 wrong ones was paid at its first run. "known" are forms that were known to be
judged wrongly before. Left out are six rows whose ground truth is no mathematics to `check_math` ("3.2 million"), and
one label that can be argued about.
"""

import json
from pathlib import Path

import pytest

from vlaa_helpers.rewards.mixed import MixedReward

FILE = Path(__file__).parents[1] / "samples" / "labelled_seventh_math.jsonl"
ROWS = [json.loads(line) for line in FILE.read_text(encoding="utf-8").splitlines()]
STILL_REFUSED = {
    # refused since no answer may be paid under two ground truths: nothing says which of its values answers
    ("2π", "The arc length formula is l = nπr/180. Substituting n = 90 and r = 4, l = 90π × 4/180 = 2π."),
    ("16 - 4\\pi", "1. Area of the square: 4² = 16\n2. Area of the circle: π × 2² = 4π\n3. Shaded region: 16 − 4π"),
    ("20\\pi", "20π cubic units\n\nThe formula is V = πr²h with r = 2 and h = 5."),
    ("2\\sqrt{7}", "2√7\n\nBy the law of cosines, BC² = 4² + 6² − 2·4·6·cos 60° = 28."),
    ("1200", "- May: 4,500\n- April: 3,300\n- Difference: 4,500 − 3,300 = 1,200"),
    ("11", "Substituting x = 2: 3·4 − 2 + 1 = 11"),
    ("20", "The two numbers are 4 and 5. Their product is 4 × 5 = 20."),
    ("25%", "The population increased by 200, and 200/800 = 25%."),
    # refused before, too
    ("-2", "The denominator is zero at x = -2."),
    ("108°", "30% of 360° is 108°."),
    ("15%", "The value decreased by $3,000, which is 15% of $20,000."),
    ("2", "The positive root is 2."),
    ("3", "A point on the bisector of an angle is equidistant from its sides, so the distance from D to AC is DE = 3."),
    ("3 Ω", "At V = 6 the current is 2 A, so the resistance is 6/2 = 3 Ω."),
    ("3 Ω", "The resistance is 3 ohms."),
    ("30\\sqrt{3} m", "The height of the tower is about 51.96 m, exactly 30√3 m."),
    ("42°", "The measure of the angle marked y is 42 degrees."),
    ("45", "The difference is 45 thousand dollars."),
    ("7.5", "The three boxes weigh 7.5 kg in total."),
    ("8 m", "A height of 8 m is reached by the ladder."),
    ("9", "A hexagon has n(n − 3)/2 = 6 × 3/2 = 9 diagonals."),
    ("9", "The area of the large circle is 9 times the area of the small circle."),
    ("90", "A full turn is 360 degrees. One quarter of it is 90 degrees."),
    ("90", "The tank holds 180 liters, so half of it is 90 liters."),
    ("9°C", "The temperature rises from 13°C to 22°C, which is a rise of 9°C."),
    ("\\frac{n(n+1)}{2}", "1 + 2 + ... + n = \\frac{n(n+1)}{2}"),
    ("x = 2", "The parabola is symmetric about the line x = 2."),
}


def test_only_the_known_answers_are_judged_wrongly():
    reward, found = MixedReward(), {0: set(), 1: set()}
    for row in ROWS:
        score = reward.score(
            f"<think>…</think><answer>{row['answer']}</answer>", row["gt"], "math", question=row["question"]
        )
        if score.value != pytest.approx(row["value"], abs=1e-6):
            found[row["value"]].add((row["gt"], row["answer"]))
    assert len(ROWS) > 1400
    assert found == {0: set(), 1: STILL_REFUSED}, "no wrong answer is paid"
