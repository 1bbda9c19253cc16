"""Where the verifiers differ from other matchers: each row of the table in docs/matchers.md against both sides.

Math-Verify and TRL's `accuracy_reward` are the installed ones. Of VLMEvalKit (`vlmeval/utils/matching_util.py`) and
lmms-eval (`lmms_eval/tasks/mmmu/utils.py`, from MMMU) the rules are written here in a few lines.
"""

import logging
import re
from pathlib import Path

import pytest
from reward_samples import said

from vlaa_helpers.rewards.choice import choice_reward
from vlaa_helpers.rewards.mathematics import math_reward
from vlaa_helpers.rewards.options import options_of

TABLE = (Path(__file__).parents[2] / "docs" / "matchers.md").read_text(encoding="utf-8")


def math_verify_alone(gt, answer):
    import math_verify

    gold, target = (math_verify.parse(f"${text}$", parsing_timeout=None) for text in (gt, answer))
    return float(math_verify.verify(gold, target, timeout_seconds=None))


def trl_accuracy(gt, answer):
    from trl.rewards import accuracy_reward

    return accuracy_reward([[{"role": "assistant", "content": answer}]], [f"${gt}$"])[0]


def vlmevalkit_rule(answer, options):
    """One option's letter among the words, else one option's text in the answer; None otherwise."""
    words = re.sub(r"[.()\[\],:;!*#{}]", " ", answer).split()
    letters = [letter for letter in options if letter in words]
    if len(letters) == 1:
        return letters[0]
    texts = [letter for letter, text in options.items() if text.lower() in answer.lower()]
    return texts[0] if not letters and len(texts) == 1 else None


def lmms_eval_rule(answer, options):
    """The last of the bracketed letters, else of those before a blank or a full stop; for None it takes any."""
    answer = f" {answer.strip(',.!?;:')} "
    for form in ("({})", "{} ", "{}."):
        found = [letter for letter in options if form.format(letter) in answer]
        if found:
            return max(found, key=lambda letter: answer.rfind(form.format(letter) if form == "({})" else f" {letter} "))
    if len(answer.split()) > 5:
        found = [letter for letter, text in options.items() if text.lower() in answer.lower()]
        return max(found, key=lambda letter: answer.lower().rfind(options[letter].lower()), default=None)
    return None


@pytest.fixture(autouse=True)
def quiet():
    logging.getLogger("math_verify").setLevel(logging.CRITICAL)


MATH = [  # gt, answer, ours, Math-Verify alone
    ("5", "5%", 0, 1),
    ("5 m", "5 km", 0, 1),
    ("3 hours", "3 minutes", 0, 1),
    ("10^{-20}", "10^{-21}", 0, 1),
    ("1/2004!", "1/2006!", 0, 1),
    ("40", "40_9", 0, 1),
    ("x>3 or x<1", "x>3 and x<1", 0, 1),
    ("5", "2(3)", 0, 1),
    ("5", "2 3", 0, 1),
    (r"\frac{1}{2}", r"\frac{1}{2}c", 0, 1),
    ("5", "x = 2 = 5", 0, 1),
    ("2x + 1", "2y = 2x + 1", 0, 1),
    ("5", "5 trillion", 0, 1),
    ("5", r"\phantom{5}", 0, 1),
    ("x=3, y=4", "4, 3", 0, 1),
    (r"\sin(30)", r"\sin 30^\circ", 0, 1),
    ("x", "x^T", 0, 1),
    (r"\pi", r"\Pi", 0, 1),
    ("x > 10^{-20}", "x > 10^{-21}", 0, 1),
    ("(1, 2)", r"\{1, 2\}", 0, 1),
    ("3", "[3, 3]", 0, 1),
    ("10^{-3}", "10⁻³", 1, 0),
    (r"3\sqrt{2}", "3√2", 1, 0),
    ("y = 2x + 1", "f(x) = 2x + 1", 1, 0),
    ("x > 3", "2x > 6", 1, 0),
    ("x", "2x/2", 1, 0),
    (r"\frac{1}{3}", r"0.\overline{3}", 1, 0),
    (r"e^{i\pi}", "-1", 1, 0),
    ("1000", r"1\,000", 1, 0),
]


@pytest.mark.parametrize(("gt", "answer", "ours", "theirs"), MATH)
def test_math_verify_alone(gt, answer, ours, theirs):
    assert (math_reward(said(answer), gt).value, math_verify_alone(gt, answer)) == (ours, theirs)
    assert f"| `{gt}` | `{answer}` | {ours} | {theirs} |" in TABLE


TRL = [  # gt, the whole response, ours, TRL's
    ("5", "<answer>5</answer>", 1, 0),
    ("5", "The answer is $5$.", 0, 1),
    ("5", "<think>The answer is $5$.</think><answer>6</answer>", 0, 1),
    ("5", r"<answer>$5\%$</answer>", 0, 1),
    ("5 m", r"<answer>$5 \text{ km}$</answer>", 0, 1),
    ("2x + 1", "<answer>$2y = 2x + 1$</answer>", 0, 1),
    ("y = 2x + 1", "<answer>$2x - y + 1 = 0$</answer>", 1, 1),
]


@pytest.mark.parametrize(("gt", "response", "ours", "theirs"), TRL)
def test_trl_accuracy_reward(gt, response, ours, theirs):
    assert (math_reward(response, gt).value, trl_accuracy(gt, response)) == (ours, theirs)
    assert f"| `{gt}` | `{response}` | {ours} | {theirs} |" in TABLE


QUESTION = "Which bar is the highest? A) red B) blue C) green D) dark blue"
CHOICES = [  # answer (the ground truth is B), ours, VLMEvalKit's, lmms-eval's: 1 for B, 0 for another or none
    ("B", 1, 1, 1),
    ("blue", 1, 1, 0),
    ("b", 1, 0, 0),
    ("not B", 0, 1, 1),
    ("B is wrong", 0, 1, 1),
    ("A or B", 0, 0, 1),
    ("It is hard to say; perhaps B", 0, 1, 1),
    ("B) red", 0, 1, 0),
]


@pytest.mark.parametrize(("answer", "ours", "vlmevalkit", "lmms_eval"), CHOICES)
def test_rules_for_options(answer, ours, vlmevalkit, lmms_eval):
    options = options_of(QUESTION)
    theirs = [int(rule(answer, options) == "B") for rule in (vlmevalkit_rule, lmms_eval_rule)]
    assert [choice_reward(said(answer), "B", question=QUESTION).value, *theirs] == [ours, vlmevalkit, lmms_eval]
    assert f"| `{answer}` | {ours} | {vlmevalkit} | {lmms_eval} |" in TABLE


LIMITS = [  # gt, an answer that is paid though it should not be
    ("x", "X"),
    ("ABC", "abc"),
    ("x^2", r"\int 2x dx"),
    ("0.5", "0.5000001"),
    (r"\pi", "3.141593"),
]


@pytest.mark.parametrize(("gt", "answer"), LIMITS)
def test_a_limit_that_remains(gt, answer):
    """When one of these stops being paid, the list in docs/matchers.md is out of date."""
    assert math_reward(said(answer), gt).value == 1
    assert f"- `{answer}` for `{gt}`" in TABLE
