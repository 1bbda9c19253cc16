"""Exercises of chapter 03: the gate, half a mark for a near miss, a box without sight, and a verifier of sets."""

import re
from collections.abc import Callable
from typing import Any

from .by_cases import ByCases, Case, plain, show
from .exercise import Exercise, Mistake, Verdict

# ---- the gate ----

THINKING = re.compile(r"<think>.*?(?:</think>|\Z)", re.DOTALL)
ANSWER = re.compile(r"<answer>(.*?)</answer>", re.DOTALL)


def _find_answer(response: str) -> str | None:
    found = ANSWER.findall(THINKING.sub("", response))
    return found[0].strip() or None if len(found) == 1 else None


def _first(response: str) -> str | None:
    found = ANSWER.search(response)
    return found[1].strip() if found else None


def _last(response: str) -> str | None:
    found = ANSWER.findall(response)
    return found[-1].strip() if found else None


def _first_outside(response: str) -> str | None:
    return _first(re.sub(r"<think>.*?</think>", "", response, flags=re.DOTALL))


def _only_one_anywhere(response: str) -> str | None:
    found = ANSWER.findall(response)
    return found[0].strip() or None if len(found) == 1 else None


def _closed_thinking_only(response: str) -> str | None:
    found = ANSWER.findall(re.sub(r"<think>.*?</think>", "", response, flags=re.DOTALL))
    return found[0].strip() or None if len(found) == 1 else None


def _end_left_open(response: str) -> str | None:
    found = re.findall(r"<answer>(.*?)(?:</answer>|\Z)", THINKING.sub("", response), flags=re.DOTALL)
    return found[0].strip() or None if len(found) == 1 else None


def _empty_counts(response: str) -> str | None:
    found = ANSWER.findall(THINKING.sub("", response))
    return found[0].strip() if len(found) == 1 else None


def _blanks_kept(response: str) -> str | None:
    found = ANSWER.findall(THINKING.sub("", response))
    return found[0] if len(found) == 1 and found[0].strip() else None


def _one_line(response: str) -> str | None:
    found = re.findall(r"<answer>(.*?)</answer>", THINKING.sub("", response))
    return found[0].strip() or None if len(found) == 1 else None


FIND_ANSWER = Exercise(
    name="03.find_answer",
    minutes=15,
    difficulty="medium",
    right="a mention in the thinking is no answer, nor are two answers. `parse_response` reads them so too.",
    check=ByCases(
        _find_answer,
        (
            Case(
                ("<think>2 + 1 = 3.</think>\n<answer> 3 </answer>",),
                "one answer block outside the thinking is the answer.",
            ),
            Case(("<answer>3</answer>",), "thinking may be missing; the answer can be told all the same."),
            Case(("<think>2 + 1 = 3.</think> The answer is 3.",), "without an answer block there is no answer: None."),
            Case(
                ("<think>Is it <answer>4</answer>? No.</think><answer>3</answer>",),
                "tags in the thinking are mentions.",
            ),
            Case(
                ("<think>I cannot tell.</think><answer>3</answer><answer>4</answer>",),
                "two answers are no answer: None.",
            ),
            Case(("<think>2 + 1 = 3.</think><answer>3",), "an answer that never ends was cut off: None."),
            Case(("<think>Or is it <answer>4</answer>",), "thinking that never ends holds no answer: None."),
            Case(("<think>No idea.</think><answer> </answer>",), "an empty answer is no answer: None."),
            Case(("<answer>[0.1, 0.2,\n 0.3, 0.4]</answer>",), "an answer may have more lines than one."),
        ),
    ),
    mistakes=(
        Mistake("first", "it takes the first answer block, even one that the thinking only mentions.", (_first,)),
        Mistake("last", "it takes the last answer block: who writes two answers must not be paid for one.", (_last,)),
        Mistake(
            "one_of_two",
            "it takes one of two answers; a policy that is paid for that learns to write many.",
            (_first_outside,),
        ),
        Mistake(
            "mention",
            "a mention in the thinking counts as a second answer; look outside the thinking.",
            (_only_one_anywhere,),
        ),
        Mistake(
            "open_thinking",
            "thinking that never ends is still thinking: what it mentions is no answer.",
            (_closed_thinking_only,),
        ),
        Mistake("cut_off", "it takes an answer that never ends: the response was cut off in it.", (_end_left_open,)),
        Mistake("empty", "it takes an empty answer; there is nothing to be told from it.", (_empty_counts,)),
        Mistake("blanks", "blanks around the answer are kept: strip them.", (_blanks_kept,)),
        Mistake(
            "one_line", "an answer over two lines is missed: `.` stops at a line's end without re.DOTALL.", (_one_line,)
        ),
    ),
)

# ---- half a mark for a near miss ----


def _number(response: str) -> int | None:
    answer = _find_answer(response) or ""
    return int(answer) if re.fullmatch(r"\d+", answer) else None


def _near(response: str, gt: str) -> float:
    number = _number(response)
    return 0.0 if number is None else {0: 1.0, 1: 0.5}.get(abs(number - int(gt)), 0.0)


def _paid_for(numbers: Callable[[str], list[int]]) -> Callable[[str, str], float]:
    return lambda response, gt: max(
        ({0: 1.0, 1: 0.5}.get(abs(n - int(gt)), 0.0) for n in numbers(response)), default=0.0
    )


def _numbers_anywhere(response: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", response)]


def _numbers_of_answer(response: str) -> list[int]:
    return _numbers_anywhere(_find_answer(response) or "")


def _above_only(response: str, gt: str) -> float:
    return _near(response, gt) if (_number(response) or 0) >= int(gt) else 0.0


def _below_only(response: str, gt: str) -> float:
    return _near(response, gt) if (_number(response) or 0) <= int(gt) else 0.0


def _every_number(response: str, gt: str) -> float:
    number = _number(response)
    return 0.0 if number is None else 1.0 if number == int(gt) else 0.5


def _tagged(answer: object) -> str:
    return f"<answer>{answer}</answer>"


NEAR_REWARD = Exercise(
    name="03.near_reward",
    minutes=10,
    difficulty="easy",
    right="partial credit gives a slope. It also pays a guesser who always says the middle of the range.",
    check=ByCases(
        _near,
        (
            Case((_tagged(3), "3"), "the right number earns 1."),
            Case((_tagged(4), "3"), "one too many earns 0.5."),
            Case((_tagged(2), "3"), "one too few earns 0.5."),
            Case((_tagged(5), "3"), "two off earns nothing."),
            Case(("It is 4.", "3"), "without an answer there is nothing to be near to."),
            Case((_tagged("4 8"), "3"), "two numbers are no answer: listing numbers must not pay."),
            Case((_tagged(1), "10"), "numbers are near, not their digits."),
            Case((_tagged(9), "10"), "one too few earns 0.5."),
            Case((_tagged(1), "0"), "one too many earns 0.5."),
        ),
    ),
    mistakes=(
        Mistake(
            "no_gate",
            "it pays for a number outside the answer.",
            (_paid_for(_numbers_anywhere),),
        ),
        Mistake(
            "several",
            "it pays for one of several numbers: a policy would list them all.",
            (_paid_for(_numbers_of_answer),),
        ),
        Mistake(
            "one_side",
            "it pays on one side only; one too many and one too few are equally near.",
            (_above_only, _below_only),
        ),
        Mistake(
            "any_number", "every wrong number earns 0.5; only the two next to the right one should.", (_every_number,)
        ),
    ),
)

# ---- a box without sight ----

EIGHTHS = """
1346 1032 2468 6688 1043 4185 2558 4062 3467 0325 5476 0145 6688 6587 4163 2165 2053 0134 0235 0628 4466 2446 4376 1256
0235 2446 5072 1256 5678 3478 5386 0033 5577 6385 2266 6082 5083 5072 1245 3074 0022 0347 0538 1133 3153 2468 0538 1548
""".split()
TRUE_BOXES = [[int(digit) / 8 for digit in box] for box in EIGHTHS]
"""The boxes of `make_scenes(48, sources="boxes", seed=1)`."""
GOOD = 0.165
"""A mean overlap that a box of the right size in the middle reaches; the best of all has 0.183."""


def _iou(a: list[float], b: list[float]) -> float:
    width, height = (max(0.0, min(a[k + 2], b[k + 2]) - max(a[k], b[k])) for k in (0, 1))
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (a, b))
    return width * height / (areas - width * height)


def _mean_overlap(box: list[float]) -> float:
    return sum(_iou(box, truth) for truth in TRUE_BOXES) / len(TRUE_BOXES)


def _is_box(box: Any) -> bool:
    return len(box) == 4 and box[0] < box[2] and box[1] < box[3] and min(box) >= 0 and max(box) <= 1


def _check_box(exercise: Exercise, answer: Any) -> Verdict:
    box = plain(answer() if callable(answer) else answer)
    if box is None:
        return exercise.not_begun()
    told = {
        "case": f"the box {show(box)} on {len(TRUE_BOXES)} pictures",
        "expected": f"a mean reward of {GOOD} or more",
    }
    if not isinstance(box, list) or len(box) != 4 or not all(isinstance(number, int | float) for number in box):
        return exercise.not_yet("a box is a list of four numbers, [x1, y1, x2, y2].", **told, seen=show(box))
    if max(box) > 1 or min(box) < 0:
        return exercise.not_yet("frame", **told, seen="out of range: a mean reward of 0")
    as_size = [box[0], box[1], box[0] + box[2], box[1] + box[3]]
    if not _is_box(box):
        mistake = "width_height" if _is_box(as_size) and _mean_overlap(as_size) >= GOOD else "corners"
        return exercise.not_yet(mistake, **told, seen="no box: a mean reward of 0")
    reward = _mean_overlap(box)
    if reward >= GOOD:
        return exercise.is_right()
    side = ((box[2] - box[0]) * (box[3] - box[1])) ** 0.5
    if box == [0, 0, 1, 1]:
        mistake = "whole"
    elif _is_box(as_size) and _mean_overlap(as_size) >= GOOD:
        mistake = "width_height"
    elif side < 0.42 or side > 0.78:
        mistake = "small" if side < 0.42 else "large"
    else:
        mistake = "aside"
    return exercise.not_yet(mistake, **told, seen=f"a mean reward of {reward:.3f}")


CONSTANT_BOX = Exercise(
    name="03.constant_box",
    minutes=10,
    difficulty="easy",
    right="a policy that cannot see at all would find this box. Know what that earns before you praise a reward.",
    check=_check_box,
    mistakes=(
        Mistake("frame", "the box leaves the picture: coordinates are fractions of its sides, from 0 to 1."),
        Mistake(
            "width_height", "these are a corner, a width and a height; a box here is two corners, [x1, y1, x2, y2]."
        ),
        Mistake("corners", "the second corner is not below and to the right of the first, so this is no box."),
        Mistake(
            "whole",
            "the whole picture meets every object and is much larger: overlap is divided by the union.",
        ),
        Mistake("small", "a box that small misses most objects, or overlaps a little of them."),
        Mistake("large", "a box that large meets every object, and is larger than what they share with it."),
        Mistake("aside", "the size is right; objects lie anywhere, so a box in the middle meets more of them."),
    ),
)

# ---- a verifier of sets ----

COLOURS = ("red", "blue", "green", "yellow", "orange", "purple")


def _colours(text: str) -> list[str]:
    return [word for word in re.findall(r"[a-z]+", text.lower()) if word in COLOURS]


def _set_reward(response: str, gt: str) -> float:
    return float(set(_colours(_find_answer(response) or "")) == set(_colours(gt)))


def _holds_all(response: str, gt: str) -> float:
    return float(set(_colours(_find_answer(response) or "")) >= set(_colours(gt)))


def _holds_some(response: str, gt: str) -> float:
    said = set(_colours(_find_answer(response) or ""))
    return float(bool(said) and said <= set(_colours(gt)))


def _share_found(response: str, gt: str) -> float:
    said, wanted = set(_colours(_find_answer(response) or "")), set(_colours(gt))
    return len(said & wanted) / len(wanted)


def _in_order(response: str, gt: str) -> float:
    return float(_colours(_find_answer(response) or "") == _colours(gt))


def _as_text(response: str, gt: str) -> float:
    return float((_find_answer(response) or "").lower() == gt)


def _reads_all(response: str, gt: str) -> float:
    return float(set(_colours(response)) == set(_colours(gt)))


def _as_written(response: str, gt: str) -> float:
    said = re.findall(r"[A-Za-z]+", _find_answer(response) or "")
    return float({word for word in said if word in COLOURS} == set(_colours(gt)))


def _parts_of_words(response: str, gt: str) -> float:
    answer = (_find_answer(response) or "").lower()
    return float({colour for colour in COLOURS if colour in answer} == set(_colours(gt)))


def _response(thinking: str, answer: str) -> str:
    return f"<think>{thinking}</think><answer>{answer}</answer>"


SET_REWARD = Exercise(
    name="03.set_reward",
    minutes=20,
    difficulty="medium",
    right="whoever names all six colours earns nothing. `register_verifier` makes it a type of your records.",
    check=ByCases(
        _set_reward,
        (
            Case((_response("Two bars.", "red, blue"), "red, blue"), "the same colours earn 1."),
            Case(
                (_response("Two bars.", "blue and red"), "red, blue"), "the order and the words between do not matter."
            ),
            Case((_response("Two bars.", "Red, Blue."), "red, blue"), "capitals do not matter."),
            Case((_response("Two bars.", "red"), "red, blue"), "a colour is missing: 0."),
            Case((_response("Two bars.", "red, blue, green"), "red, blue"), "a colour too many: 0."),
            Case((_response("Hm.", ", ".join(COLOURS)), "red, blue"), "naming all colours must not pay."),
            Case((_response("Red and blue.", "green"), "red, blue"), "the thinking is not read."),
            Case(("Red and blue.", "red, blue"), "without an answer block there is no reward."),
            Case(
                (_response("One bar is scattered.", "scattered blue"), "blue"),
                '"scattered" holds "red", but is another word.',
            ),
        ),
    ),
    mistakes=(
        Mistake(
            "too_many",
            "it pays when the right colours are among those named: a policy would name all six.",
            (_holds_all,),
        ),
        Mistake(
            "too_few", "it pays when each colour named is right: a policy would name one and stop.", (_holds_some,)
        ),
        Mistake(
            "share",
            "it pays for the share that was found, whatever else is named: a policy would name all six.",
            (_share_found,),
        ),
        Mistake("order", "it minds the order; compare sets.", (_in_order,)),
        Mistake("text", "it compares texts; words between the colours and their order do not matter.", (_as_text,)),
        Mistake("no_gate", "it reads the whole response, thinking too; only the answer counts.", (_reads_all,)),
        Mistake("capitals", "capitals make another word of a colour for it: compare in small letters.", (_as_written,)),
        Mistake("parts", 'it finds a colour inside another word, as "red" in "scattered".', (_parts_of_words,)),
    ),
)

EXERCISES = (FIND_ANSWER, NEAR_REWARD, CONSTANT_BOX, SET_REWARD)
