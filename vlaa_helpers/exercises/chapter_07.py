"""Exercises of chapter 07: how many questions, a paired interval, a KV cache, hosted sessions, and what a sum buys."""

import math
from collections.abc import Sequence
from statistics import pstdev, stdev

from .by_cases import ByCases, Case
from .exercise import Exercise, Mistake
from .run_costs import AFFORDABLE, KEPT_STEPS, KV_CACHE

Z = 1.96  # of a 95% interval, for many questions

# ---- how many questions ----


def _needed(gain: float, changed: float) -> float:
    return Z**2 * changed / gain**2


QUESTIONS_NEEDED = Exercise(
    name="07.questions_needed",
    minutes=5,
    difficulty="easy",
    right="two points take 1,441 questions: of the seven only WeMath, ChartQA and AI2D have so many. For one none has.",
    check=ByCases(
        _needed,
        (
            Case((0.02, 0.15), "1.96 · √(changed / n) must come down to the gain."),
            Case((0.01, 0.15), "half the gain takes four times the questions."),
            Case((0.05, 0.4), "more answers that change take more questions."),
        ),
        tolerance=0.02,  # a rounded number is right, and so is one that takes the mean off the variance
    ),
    mistakes=(
        Mistake(
            "whole_width",
            "the whole interval is as wide as the gain; zero is excluded when half of it is.",
            (lambda gain, changed: 4 * _needed(gain, changed),),
        ),
        Mistake(
            "one_deviation",
            "it is the n at which one standard error is as large as the gain; a 95% interval has 1.96 of them.",
            (lambda gain, changed: changed / gain**2, lambda gain, changed: Z * changed / gain**2),
        ),
        Mistake(
            "not_squared",
            "solve for n: √n stands in the interval, so everything has to be squared.",
            (
                lambda gain, changed: Z * changed**0.5 / gain,
                lambda gain, changed: Z**2 * changed / gain,
                lambda gain, changed: Z * changed / gain,
            ),
        ),
        Mistake(
            "not_paired",
            "that is for two sets of different questions. Here they are paired, and only answers that change count.",
            (
                lambda gain, changed: Z**2 * 2 * 0.25 / gain**2,
                lambda gain, changed: Z**2 * 2 * changed * (1 - changed) / gain**2,
                lambda gain, changed: Z**2 * changed * (1 - changed) / gain**2,
            ),
        ),
    ),
)

# ---- a paired interval ----

Answers = dict[str, bool]


def _both(before: Answers, after: Answers) -> list[str]:
    return [question for question in before if question in after]


def _gaps(before: Answers, after: Answers) -> list[int]:
    return [after[question] - before[question] for question in _both(before, after)]


def _around(gaps: Sequence[float], half: float) -> list[float]:
    gain = sum(gaps) / len(gaps)
    return [gain, gain - half, gain + half]


def _paired_interval(before: Answers, after: Answers) -> list[float]:
    gaps = _gaps(before, after)
    return _around(gaps, Z * stdev(gaps) / math.sqrt(len(gaps)))


def _side_by_side(before: Answers, after: Answers) -> list[float]:
    both = _both(before, after)
    rates = [sum(answers[question] for question in both) / len(both) for answers in (before, after)]
    return _around(_gaps(before, after), Z * math.sqrt(sum(rate * (1 - rate) for rate in rates) / len(both)))


def _in_file_order(before: Answers, after: Answers) -> list[float]:
    gaps = [new - old for old, new in zip(before.values(), after.values(), strict=False)]
    return _around(gaps, Z * stdev(gaps) / math.sqrt(len(gaps)))


def _missing_is_wrong(before: Answers, after: Answers) -> list[float]:
    return _paired_interval(before, {question: after.get(question, False) for question in before})


def _over_all(before: Answers, after: Answers) -> list[float]:
    everything = before.keys() | after.keys()
    return _paired_interval({q: before.get(q, False) for q in everything}, {q: after.get(q, False) for q in everything})


def _of_changed_share(before: Answers, after: Answers) -> list[float]:
    gaps = _gaps(before, after)
    return _around(gaps, Z * math.sqrt(sum(map(abs, gaps))) / len(gaps))


def _of_population(before: Answers, after: Answers) -> list[float]:
    gaps = _gaps(before, after)
    return _around(gaps, Z * pstdev(gaps) / math.sqrt(len(gaps)))


def _of_one_question(before: Answers, after: Answers) -> list[float]:
    gaps = _gaps(before, after)
    return _around(gaps, Z * stdev(gaps))


def _one_error(before: Answers, after: Answers) -> list[float]:
    gaps = _gaps(before, after)
    return _around(gaps, stdev(gaps) / math.sqrt(len(gaps)))


def _of_changed_alone(before: Answers, after: Answers) -> list[float]:
    gaps = [gap for gap in _gaps(before, after) if gap]
    return _around(gaps, Z * stdev(gaps) / math.sqrt(len(gaps)))


def _backwards(before: Answers, after: Answers) -> list[float]:
    gain, low, high = _paired_interval(before, after)
    return [-gain, -high, -low]


def _answers(marks: str, order: Sequence[int] | None = None) -> Answers:
    """Question -> right, from a mark each, "1" for right; a blank is a question that was not asked."""
    places = order or range(len(marks))
    return {f"q{place:02}": marks[place] == "1" for place in places if marks[place] != " "}


BEFORE = "11110000000011110000"  # 8 of 20 are right
AFTER = "11101111110011110000"  # of these one is lost, and six are gained
SHUFFLED = [7, 3, 19, 0, 12, 5, 16, 1, 10, 14, 2, 18, 9, 4, 11, 6, 17, 8, 15, 13]

PAIRED_INTERVAL = Exercise(
    name="07.paired_interval",
    minutes=20,
    difficulty="medium",
    right="with few answers that change it is far narrower than two intervals side by side.",
    check=ByCases(
        _paired_interval,
        (
            Case(
                (_answers(BEFORE), _answers(AFTER)),
                "of each question take after minus before; 1.96 standard errors of their mean, either side.",
                "20 questions: 6 gained, 1 lost",
            ),
            Case(
                (_answers(BEFORE), _answers(AFTER, SHUFFLED)),
                "the same answers in another order are the same interval.",
                "the same, the second run in another order",
            ),
            Case(
                (_answers(BEFORE), _answers(AFTER[:13] + " " * 4 + AFTER[17:])),
                "questions that one run alone answered are left out.",
                "the same, 4 of the questions in the first run alone",
            ),
            Case(
                (_answers(BEFORE[:4] + "  " + BEFORE[6:]), _answers(AFTER)),
                "questions that one run alone answered are left out.",
                "the same, 2 of the questions in the second run alone",
            ),
        ),
    ),
    mistakes=(
        Mistake(
            "side_by_side",
            "it adds the variances of two accuracies, as if each run had questions of its own; pair them first.",
            (_side_by_side,),
        ),
        Mistake(
            "order",
            "it pairs answers by their place; the runs may list questions in another order, so pair by name.",
            (_in_file_order,),
        ),
        Mistake(
            "missing_is_wrong",
            "a question that one run alone answered counts as wrong in the other; leave it out.",
            (_missing_is_wrong, _over_all),
        ),
        Mistake(
            "changed_share",
            "that is the table's formula, for as many gains as losses; here take the deviation of the differences.",
            (_of_changed_share,),
        ),
        Mistake(
            "of_one_question",
            "it is the spread of single questions; that of their mean is smaller by √n.",
            (_of_one_question,),
        ),
        Mistake("one_error", "it goes one standard error to either side; 95% takes 1.96 of them.", (_one_error,)),
        Mistake(
            "changed_alone",
            "it takes the answers that changed and forgets the others: those are differences of 0 and count too.",
            (_of_changed_alone,),
        ),
        Mistake(
            "of_population",
            "the deviation divides by n, as numpy.std does; that of a sample divides by n - 1 (ddof=1).",
            (_of_population,),
        ),
        Mistake("sign", "it is before minus after; a gain must be above zero.", (_backwards,)),
    ),
)

EXERCISES = (QUESTIONS_NEEDED, PAIRED_INTERVAL, KV_CACHE, KEPT_STEPS, AFFORDABLE)
