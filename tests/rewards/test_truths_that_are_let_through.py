"""No answer ends a run: a ground truth that `check_gt` lets through never raises, whatever is answered."""

import json
import os
from itertools import product
from pathlib import Path

import pytest
from reward_samples import said

from vlaa_helpers.rewards.mixed import MixedReward
from vlaa_helpers.rewards.registry import get_verifier

SAMPLES = Path(__file__).parents[1] / "samples"
ROWS = [json.loads(line) for file in sorted(SAMPLES.glob("labelled_*.jsonl")) for line in file.open(encoding="utf-8")]
GOLD = {
    "math": [r"x=\pm 3", r"y=2x\pm 1", r"2\pm\sqrt{3}", "x=(1,2)", "(x,y)=(1,2)", r"x=\{1,2\}", r"\{1,2\}", "y=[0,1]"]
    + [r"D=(-\infty,2)", r"(-\infty,1)\cup[2,\infty)", r"x=\emptyset", r"x \in [1,2)", "1 < x < 2", r"x \neq 2", "5 m"]
    + [r"\begin{pmatrix}1 & 2\\3 & 4\end{pmatrix}", r"A=\begin{pmatrix}1\\2\end{pmatrix}", r"A \cup B", r"p \land q"]
    + [r"f(x)=\begin{cases}x & x>0\\-x & x\le 0\end{cases}", "x=1, y=2", "x=2 or x=3", "y = 2x + 1", "5%", r"\$5"]
    + ["3:4", "i", "f'(x)=2x", r"\infty", r"\mathbb{R}", "|x|=3", r"\frac{dy}{dx}=y", r"x=\frac{\pi}{4}+k\pi"],
    "digit": ["3", " 3 ", "-3", "3.0", ".5", "+3"],
    "choice": ["B", "(b)", "B) blue", "blue"],
    "box": ["[0.1, 0.2, 0.5, 0.6]", "0.1 0.2 0.5 0.6", '{"bbox_2d": [0, 0, 1, 1]}'],
}
ANSWERS = [
    "2x=6",
    "y=2",
    "0=0",
    "x=y=z",
    r"x=\pm 3",
    "(1,2)",
    "(x,y)=(2,3)",
    r"\{1,2\}",
    "[1,2)",
    r"(-\infty,2)",
    "x>3",
]
ANSWERS += ["1<x<2", r"x \in [1,2]", r"\emptyset", r"[0,1]\cup[2,3]", r"\begin{pmatrix}1&2\\3&4\end{pmatrix}", "1/0"]
ANSWERS += [r"f(x)=\begin{cases}x & x>0\\-x & x<0\end{cases}", "x=1 or x=2", "5 m", "7%", "three", "B) blue", "not 3"]
ANSWERS += ["[0.1, 0.2, 0.5, 0.6]", "1, 2, 3", r"\frac{1}{0}", r"\sqrt{", "x_1 = 2", "e^{i\\pi}", "☃", "="]
QUESTION = "Which is it? A) red B) blue C) green"


def problems(name, truths, answers):
    """What was raised for ground truths that the verifier's own check lets through."""
    reward, raised = MixedReward(), []
    for (gt, question), answer in product(truths, answers):
        if get_verifier(name).check_gt(gt, question, "") is None:
            try:
                assert reward.score(said(answer), gt, name, question=question).reason
            except Exception as error:
                raised.append((gt, answer, error))
    return raised


@pytest.mark.parametrize(("name", "gt"), [(name, gt) for name, truths in GOLD.items() for gt in truths])
def test_every_kind_of_ground_truth_meets_every_kind_of_answer(name, gt):
    question = QUESTION if name == "choice" else ""
    assert get_verifier(name).check_gt(gt, question, "") is None
    assert problems(name, [(gt, question)], ANSWERS) == []


@pytest.mark.parametrize("name", GOLD)
@pytest.mark.timeout(600)
def test_every_labelled_ground_truth_meets_every_kind_of_answer(name):
    """Of mathematics each meets its share of the answers, all of them where VLAA_FUZZ_CASES asks for a search."""
    truths = sorted({(row["gt"], row["question"]) for row in ROWS if row["verifier_type"] == name})
    assert len(truths) >= 9
    if name != "math" or "VLAA_FUZZ_CASES" in os.environ:
        assert problems(name, truths, ANSWERS) == []
    else:
        shares = [ANSWERS[place % 8 :: 8] for place in range(len(truths))]
        assert [
            found for each, share in zip(truths, shares, strict=True) for found in problems(name, [each], share)
        ] == []
