"""Exercises of chapter 05: an area under the ROC curve, a measure of padding, cues within questions, early answers."""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import cache
from importlib.resources import files
from statistics import mean
from typing import Any

from .by_cases import ByCases, Case, Raised, outcome, plain, show
from .exercise import Exercise, Mistake, Verdict

# ---- an area under the ROC curve ----


def _area(genuine: Sequence[float], pseudo: Sequence[float], tie: float = 0.5) -> float:
    won = sum((p > g) + tie * (p == g) for p in pseudo for g in genuine)
    return won / (len(pseudo) * len(genuine))


AUC = Exercise(
    name="05.auc",
    minutes=10,
    difficulty="easy",
    right="one half is a coin, and 1 is a detector that ranks every imitation above every genuine trace.",
    check=ByCases(
        _area,
        (
            Case(([0.1, 0.4], [0.3, 0.9]), "of the four pairs the imitation is above in three."),
            Case(([0.2, 0.2, 0.2], [0.2, 0.2]), "a detector that says the same of all is a coin: 0.5."),
            Case(([0.1, 0.5, 0.6], [0.5, 0.7]), "a tie counts one half."),
            Case(([3.0], [1.0, 2.0, 9.0]), "the classes may differ in size."),
        ),
    ),
    mistakes=(
        Mistake("ties_lost", "ties count nothing; a coin must get one half.", (lambda g, p: _area(g, p, tie=0.0),)),
        Mistake(
            "ties_won",
            "ties count fully; a detector that says the same of all would get 1.",
            (lambda g, p: _area(g, p, tie=1.0),),
        ),
        Mistake(
            "swapped",
            "it asks how often a genuine trace scores higher; imitations should.",
            (lambda g, p: _area(p, g),),
        ),
        Mistake(
            "sum",
            "it counts pairs; divide by their number.",
            (lambda g, p: _area(g, p) * len(g) * len(p),),
        ),
        Mistake(
            "side_by_side",
            "it compares the first with the first and so on; compare every imitation with every genuine trace.",
            (lambda g, p: mean((b > a) + 0.5 * (b == a) for a, b in zip(g, p, strict=False)),),
        ),
    ),
)

# ---- a measure of padding ----

ENOUGH = 0.9


@cache
def held_back() -> tuple[tuple[str, bool], ...]:
    """Thinking, and whether it is padded, of half of the shipped training traces.

    Genuine traces, and imitations that are padded, of every second pair with such an imitation and of every second
    other pair. The rest is for designing on.
    """
    file = files("vlaa_helpers").joinpath("assets/trace_benchmark/traces.jsonl")
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    rows = [row for row in rows if row["split"] == "train"]
    with_padded = list(dict.fromkeys(row["pair"] for row in rows if row["kind"] == "padded"))
    others = [pair for pair in dict.fromkeys(row["pair"] for row in rows) if pair not in set(with_padded)]
    checked = {*with_padded[1::2], *others[1::2]}
    rows = [row for row in rows if row["pair"] in checked and (row["kind"] == "padded" or row["label"] == "genuine")]
    thinking = [re.findall(r"<think>(.*?)</think>", row["response"], re.DOTALL)[0] for row in rows]
    return tuple(zip(thinking, (row["kind"] == "padded" for row in rows), strict=True))


def _score(values: Sequence[float]) -> float:
    truth = [is_padded for _, is_padded in held_back()]
    genuine, padded = (
        [v for v, is_padded in zip(values, truth, strict=True) if is_padded == side] for side in (False, True)
    )
    return _area(genuine, padded)


def _check_measure(exercise: Exercise, answer: Any) -> Verdict:
    if not callable(answer):
        return exercise.not_yet(
            f"hand over the function itself, without brackets after its name; it got {show(answer)}."
        )
    texts = [text for text, _ in held_back()]
    values = [outcome(answer, Case((text,))) for text in texts]
    if all(value is None for value in values):
        return exercise.not_begun(f"{getattr(answer, '__name__', 'your function')}(…)")
    for text, value in zip(texts, values, strict=True):
        if not isinstance(value, int | float):
            said = (
                f"it stops with {value.kind}."
                if isinstance(value, Raised)
                else "it must give a number for every trace."
            )
            shown = Case((text,)).call(answer)
            return exercise.not_yet(said, case=shown, seen=show(value), expected="a number, higher for padded traces")
    found = _score(values)
    if found > ENOUGH:
        return Verdict(exercise.is_right().status, f"Right: {exercise.right.format(found)}")
    padded = sum(is_padded for _, is_padded in held_back())
    told = {
        "case": f"{len(texts)} traces of the half that was kept back, {padded} of them padded",
        "seen": f"an area under the ROC curve of {found:.2f}",
        "expected": f"more than {ENOUGH}",
    }
    return exercise.not_yet(_named(values, found, texts) or "another", **told)


def _named(values: Sequence[float], found: float, texts: Sequence[str]) -> str | None:
    if len(set(values)) == 1:
        return "constant"
    if 1 - found > ENOUGH:
        return "upside_down"
    for name, measure in LIKE.items():
        others = [measure(text) for text in texts]
        if abs(_score(others) - found) < 1e-9 or plain(others) == list(values):
            return name
    return None


LIKE: dict[str, Callable[[str], float]] = {
    "length": lambda text: len(text.split()),
    "characters": len,
    "steps": lambda text: text.count("."),
}

PADDED = Exercise(
    name="05.padded",
    minutes=20,
    difficulty="medium",
    right="an area of {:.2f} on the half that was kept back. Of the other kinds it tells cue-decorated ones at best.",
    check=_check_measure,
    mistakes=(
        Mistake("constant", "it gives all traces the same number."),
        Mistake("upside_down", "it is the wrong way round: padded traces should get the higher numbers."),
        Mistake(
            "length",
            "counting words is not enough: genuine traces can be long too, and then each step is new.",
        ),
        Mistake(
            "characters",
            "counting letters is not enough: genuine traces can be long too, and then each step is new.",
        ),
        Mistake("steps", "counting sentences is not enough: count how many of them were said before."),
        Mistake(
            "another", "it ranks too few padded traces above genuine ones. Padding says the same again: count that."
        ),
    ),
)

# ---- cues within questions ----

Rows = list[dict]


def _sides(rows: Rows) -> dict[str, dict[bool, list[bool]]]:
    """Question -> with a cue or without -> whether each response is right."""
    sides: dict[str, dict[bool, list[bool]]] = defaultdict(lambda: {True: [], False: []})
    for row in rows:
        sides[row["question"]][row["cue"]].append(row["right"])
    return sides


def _gap(with_cue: Sequence[bool], without: Sequence[bool]) -> float:
    return (mean(with_cue) if with_cue else 0.0) - (mean(without) if without else 0.0)


def _within(rows: Rows) -> float:
    return mean(_gap(each[True], each[False]) for each in _sides(rows).values() if each[True] and each[False])


def _pooled(rows: Rows) -> float:
    return _gap([row["right"] for row in rows if row["cue"]], [row["right"] for row in rows if not row["cue"]])


def _pooled_where_both(rows: Rows) -> float:
    both = {question for question, each in _sides(rows).items() if each[True] and each[False]}
    return _pooled([row for row in rows if row["question"] in both])


def _missing_is_wrong(rows: Rows) -> float:
    return mean(_gap(each[True], each[False]) for each in _sides(rows).values())


def _over_all_questions(rows: Rows) -> float:
    gaps = [_gap(each[True], each[False]) for each in _sides(rows).values() if each[True] and each[False]]
    return sum(gaps) / len(_sides(rows))


def _rows(*said: str) -> Rows:
    """Responses from "question cue right" in short: "easy + 1" has a cue and is right."""
    parts = [text.split() for text in said]
    return [{"question": question, "cue": cue == "+", "right": right == "1"} for question, cue, right in parts]


MOSTLY_HARD = _rows(
    *("easy - 1", "easy - 1", "easy - 1", "easy + 1", "hard + 0", "hard + 0", "hard + 1", "hard - 0"),
    *("odd + 0", "odd + 0"),
)

WITHIN_QUESTIONS = Exercise(
    name="05.within_questions",
    minutes=15,
    difficulty="medium",
    right="in the first rows hard questions draw more cues. Pooled, a cue looks harmful; within them it does not.",
    check=ByCases(
        _within,
        (
            Case(
                (MOSTLY_HARD,),
                "each question is compared with itself.",
                "three questions; cues stand mostly where it is hard",
            ),
            Case(
                (_rows("a + 1", "a - 0", "b + 0", "b - 1", "b - 1", "c + 1"),),
                "c was never answered without a cue, so it is left out.",
                "three questions, one of them never without a cue",
            ),
            Case(
                (_rows("a + 1", "a + 1", "a + 1", "a + 0", "a - 0", "b + 0", "b - 1"),),
                "each question weighs the same, however many responses it has.",
                "two questions, one with more responses",
            ),
        ),
    ),
    mistakes=(
        Mistake("pooled", "it pools all questions: hard ones have more cues and fewer right answers.", (_pooled,)),
        Mistake(
            "pooled_where_both",
            "it pools the questions that have both; take the difference within each question first.",
            (_pooled_where_both,),
        ),
        Mistake(
            "missing_is_wrong",
            "a question without one of the two sides counts as if that side were wrong; leave it out.",
            (_missing_is_wrong,),
        ),
        Mistake(
            "over_all",
            "it divides by all questions; only those answered both ways were compared.",
            (_over_all_questions,),
        ),
        Mistake("sign", "the sign is the other way round: with a cue minus without.", (lambda rows: -_within(rows),)),
    ),
)

# ---- early answers ----


def _area_over(same: list[bool]) -> float:
    return 1 - sum(same[:-1]) / (len(same) - 1)


def _first_time(same: list[bool]) -> float:
    return same.index(True) / (len(same) - 1)


AREA_OVER_CURVE = Exercise(
    name="05.area_over_curve",
    minutes=10,
    difficulty="easy",
    right="0 is a trace that changes no answer, 1 one whose answer stands only after its last step.",
    check=ByCases(
        _area_over,
        (
            Case(([False, False, True, True, True],), "it is the mean of 'not the same' over all cuts but the last."),
            Case(([True, True, True],), "the answer never depended on the trace: 0."),
            Case(([False, False, False, True],), "it stands only after the last step: 1."),
            Case(([False, True, False, True],), "an answer may come, go and come again."),
        ),
    ),
    mistakes=(
        Mistake("under", "that is the area under the curve.", (lambda same: sum(same[:-1]) / (len(same) - 1),)),
        Mistake(
            "with_last",
            "the last cut is counted too; there the answer is the final one by definition.",
            (lambda same: 1 - sum(same) / len(same),),
        ),
        Mistake(
            "without_first",
            "the first cut is left out: nothing of the trace is shown there, and an answer is forced all the same.",
            (
                lambda same: 1 - sum(same[1:-1]) / max(1, len(same) - 2),
                lambda same: 1 - sum(same[1:]) / (len(same) - 1),
            ),
        ),
        Mistake(
            "first_time",
            "it asks when the answer first comes up; it may go again, and each cut counts.",
            (_first_time,),
        ),
    ),
)

EXERCISES = (AUC, PADDED, WITHIN_QUESTIONS, AREA_OVER_CURVE)
