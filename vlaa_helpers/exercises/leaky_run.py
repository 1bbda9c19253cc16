"""The exercise of chapter 04 that trains: on a reward that leaks, who is paid more, and who is right more often?"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import mean, stdev
from typing import Any

from .exercise import Exercise, Mistake, Verdict

ARMS = ("base", "leaky", "clean")
QUESTIONS = ("paid", "right")
WORDS = ("rose", "fell", "cannot tell")
CLOSE = 0.01
"""A bound of an interval that is this close to zero may be read either way: ways to compute one differ by as much."""


def _is_paid(row: Mapping) -> bool:
    """By the leaky reward for counts: the right number stands anywhere."""
    return row["gt"] in row["response"]


def _is_right(row: Mapping) -> bool:
    return bool(row["correct"])


MEASURES = {"paid": _is_paid, "right": _is_right}


def _by_question(rows: Sequence[Mapping], name: str) -> dict[str, float]:
    """Question -> mean of a measure over its responses."""
    values = defaultdict(list)
    for row in rows:
        values[row["id"]].append(float(MEASURES[name](row)))
    return {question: mean(each) for question, each in values.items()}


def change(before: Sequence[Mapping], after: Sequence[Mapping], name: str) -> tuple[float, float, float]:
    """The change of a measure on the same questions, with its 95% interval."""
    old, new = _by_question(before, name), _by_question(after, name)
    gaps = [new[question] - old[question] for question in old]
    half = 1.96 * stdev(gaps) / len(gaps) ** 0.5 if len(gaps) > 1 else float("inf")
    return mean(gaps), mean(gaps) - half, mean(gaps) + half


def _words(low: float, high: float) -> set[str]:
    """What may be said of a change with this interval."""
    said = {"rose"} if low > 0 else {"fell"} if high < 0 else {"cannot tell"}
    if abs(low) < CLOSE:
        said |= {"rose", "cannot tell"}
    if abs(high) < CLOSE:
        said |= {"fell", "cannot tell"}
    return said


def _check(exercise: Exercise, answer: Any) -> Verdict:
    wanted = f"a dict with {', '.join((*ARMS, *QUESTIONS))}"
    if not isinstance(answer, Mapping):
        return exercise.not_yet(f"hand over {wanted}.")
    if all(answer.get(name) in (None, ...) for name in (*ARMS, *QUESTIONS)):
        return exercise.not_begun()
    if missing := [name for name in (*ARMS, *QUESTIONS) if answer.get(name) in (None, ...)]:
        return exercise.not_yet("parts", case="what you handed over", seen=f"no {', '.join(missing)}", expected=wanted)
    rows = {arm: answer[arm].rows for arm in ARMS}
    return _check_runs(exercise, rows) or _check_words(exercise, answer, rows)


def _check_runs(exercise: Exercise, rows: Mapping[str, Sequence[Mapping]]) -> Verdict | None:
    """Whether the three reports can be compared and are of three policies."""
    asked = {arm: {row["id"] for row in rows[arm]} for arm in ARMS}
    trained = [name for name in asked["base"] if "-train-" in name]
    if len({frozenset(names) for names in asked.values()}) > 1:
        told = {"case": "the questions", "seen": ", ".join(f"{len(asked[arm])} for {arm}" for arm in ARMS)}
        return exercise.not_yet("other_questions", **told, expected="the same for all three")
    if trained:
        told = {"case": "the questions", "seen": f"{trained[0]} and {len(trained) - 1} like it"}
        return exercise.not_yet("training_questions", **told, expected='make_scenes(…, split="test")')
    if strange := [row for row in rows["base"] if row["source"] != "blocks"]:
        told = {"case": "the questions", "seen": f"a question of {strange[0]['source']}", "expected": "blocks alone"}
        return exercise.not_yet("other_kinds", **told)
    said = {arm: [row["response"] for row in rows[arm]] for arm in ARMS}
    for first, second in (("base", "leaky"), ("base", "clean"), ("leaky", "clean")):
        if said[first] == said[second]:
            told = {"case": f"the responses of {first} and {second}", "seen": "the same, each of them"}
            return exercise.not_yet("one_policy", **told, expected="responses of two policies")
    gained, low, high = change(rows["base"], rows["leaky"], "paid")
    if low <= 0:
        told = {
            "case": "what the leaky reward pays, leaky minus base",
            "seen": f"{gained:+.2f} ({low:+.2f} to {high:+.2f})",
        }
        return exercise.not_yet("not_leaky", **told, expected="more, with an interval above zero")
    return None


def _check_words(exercise: Exercise, answer: Mapping, rows: Mapping[str, Sequence[Mapping]]) -> Verdict:
    for name in QUESTIONS:
        gained, low, high = change(rows["base"], rows["leaky"], name)
        allowed = _words(low, high)
        told = {
            "case": f"{name}, leaky minus base: {gained:+.2f} (95% {low:+.2f} to {high:+.2f})",
            "seen": repr(answer[name]),
            "expected": " or ".join(repr(word) for word in WORDS if word in allowed),
        }
        if answer[name] not in WORDS:
            return exercise.not_yet("words", **{**told, "expected": ", ".join(map(repr, WORDS))})
        if answer[name] not in allowed:
            mistaken = name == "right" and answer[name] == "rose"
            return exercise.not_yet("reward_is_right" if mistaken else "interval", **told)
    gains = {arm: change(rows["base"], rows[arm], "right")[0] for arm in ("leaky", "clean")}
    found = f"right answers: {gains['leaky']:+.2f} with the leaky reward, {gains['clean']:+.2f} with the clean one"
    return Verdict(exercise.is_right().status, f"Right: {exercise.right} {found[0].upper()}{found[1:]}.")


LEAKY_REWARD = Exercise(
    name="04.leaky_reward",
    minutes=30,
    difficulty="hard",
    right="the reward that was trained on went up; what it was meant to measure has to be measured apart.",
    check=_check,
    mistakes=(
        Mistake("parts", "something is missing from what you handed over."),
        Mistake("other_questions", "the three policies were asked different questions, so nothing can be compared."),
        Mistake("training_questions", "these questions are of the training split; ask held-out ones."),
        Mistake("other_kinds", "only `blocks` has counts, which this leak is about; ask and train on those alone."),
        Mistake(
            "one_policy",
            "two reports are of one policy: call load_policy anew before each run, and evaluate after it.",
        ),
        Mistake(
            "not_leaky",
            "the leaky policy is not paid more than the base: was it trained on the leaky reward, and for 24 steps?",
        ),
        Mistake("words", "say of each what its interval shows."),
        Mistake(
            "reward_is_right",
            "what is paid rose, and you say the same of right answers; their interval does not lie above zero.",
        ),
        Mistake("interval", "the verdict is not what the interval says."),
    ),
)
