"""Typical mistakes in the exercises of chapter 03, as a learner would write them: (exercise, mistake) -> answer."""

import re

from planting import planter

from vlaa_helpers import digit_reward, extract_answer

PLANTED = {}
plant = planter(PLANTED)


@plant("03.find_answer", "first")
def my_answer(response):
    found = re.search(r"<answer>(.*?)</answer>", response, flags=re.DOTALL)
    return found[1].strip() if found else None


@plant("03.find_answer", "last")
def from_the_end(response):
    if "</answer>" not in response:
        return None
    return response.rpartition("</answer>")[0].rpartition("<answer>")[2].strip()


@plant("03.find_answer", "one_of_two")
def behind_the_thinking(response):
    outside = re.sub("(?s)<think>.*?</think>", "", response)
    found = re.search("(?s)<answer>(.*?)</answer>", outside)
    return found.group(1).strip() if found else None


@plant("03.find_answer", "mention")
def exactly_one(response):
    found = re.findall("(?s)<answer>(.*?)</answer>", response)
    return found[0].strip() if len(found) == 1 and found[0].strip() else None


@plant("03.find_answer", "open_thinking")
def closed_thinking(response):
    return exactly_one(re.sub("(?s)<think>.*?</think>", "", response))


@plant("03.find_answer", "cut_off")
def to_the_end(response):
    outside = re.sub(r"(?s)<think>.*?(</think>|\Z)", "", response)
    if outside.count("<answer>") != 1:
        return None
    return outside.partition("<answer>")[2].partition("</answer>")[0].strip() or None


@plant("03.find_answer", "empty")
def empty_text(response):
    outside = re.sub(r"(?s)<think>.*?(</think>|\Z)", "", response)
    found = re.findall("(?s)<answer>(.*?)</answer>", outside)
    return found[0].strip() if len(found) == 1 else None


@plant("03.find_answer", "blanks")
def not_stripped(response):
    outside = re.sub(r"(?s)<think>.*?(</think>|\Z)", "", response)
    found = re.findall("(?s)<answer>(.*?)</answer>", outside)
    return found[0] if len(found) == 1 and not found[0].isspace() else None


@plant("03.find_answer", "one_line")
def no_dotall(response):
    outside = re.sub(r"(?s)<think>.*?(</think>|\Z)", "", response)
    return exactly_one(outside) if re.search("<answer>.*</answer>", outside) else None


@plant("03.near_reward", "no_gate")
def reads_everything(response, gt):
    values = [
        1.0 if number == int(gt) else 0.5
        for number in map(int, re.findall(r"\d+", response))
        if abs(number - int(gt)) < 2
    ]
    return max(values, default=0)


@plant("03.near_reward", "several")
def best_of_the_answer(response, gt):
    return reads_everything(extract_answer(response) or "", gt)


@plant("03.near_reward", "one_side")
def one_more(response, gt):
    if digit_reward(response, gt).value:
        return 1
    return 0.5 * digit_reward(response, str(int(gt) + 1)).value


@plant("03.near_reward", "any_number")
def half_for_trying(response, gt):
    score = digit_reward(response, gt)
    return 0.5 if score.reason == "wrong" else score


PLANTED |= {
    ("03.constant_box", "frame"): [28, 28, 84, 84],
    ("03.constant_box", "width_height"): [0.25, 0.25, 0.5, 0.5],
    ("03.constant_box", "corners"): [0.75, 0.75, 0.25, 0.25],
    ("03.constant_box", "whole"): [0.0, 0.0, 1.0, 1.0],
    ("03.constant_box", "small"): [0.4, 0.4, 0.6, 0.6],
    ("03.constant_box", "large"): [0.05, 0.05, 0.95, 0.95],
    ("03.constant_box", "aside"): [0.0, 0.0, 0.5, 0.5],
}


def words(text):
    return {
        word
        for word in ("red", "blue", "green", "yellow", "orange", "purple")
        if re.search(rf"\b{word}\b", text or "", re.I)
    }


@plant("03.set_reward", "too_many")
def all_wanted_named(response, gt):
    return all(colour in words(extract_answer(response)) for colour in words(gt))


@plant("03.set_reward", "too_few")
def all_named_wanted(response, gt):
    named = words(extract_answer(response))
    return len(named) > 0 and all(colour in gt for colour in named)


@plant("03.set_reward", "share")
def recall(response, gt):
    return len(words(gt) & words(extract_answer(response))) / len(words(gt))


@plant("03.set_reward", "order")
def lists(response, gt):
    named = re.findall(r"\b(?:red|blue|green|yellow|orange|purple)\b", (extract_answer(response) or "").lower())
    return named == gt.split(", ")


@plant("03.set_reward", "text")
def texts(response, gt):
    return int(str(extract_answer(response)).lower().strip() == gt.lower())


@plant("03.set_reward", "no_gate")
def whole_response(response, gt):
    return int(words(response) == words(gt))


@plant("03.set_reward", "capitals")
def small_letters(response, gt):
    answer = extract_answer(response) or ""
    return set(re.findall(r"\b(?:red|blue|green|yellow|orange|purple)\b", answer)) == set(gt.split(", "))


@plant("03.set_reward", "parts")
def inside_words(response, gt):
    answer = (extract_answer(response) or "").lower()
    named = {colour for colour in ("red", "blue", "green", "yellow", "orange", "purple") if answer.find(colour) >= 0}
    return named == set(gt.split(", "))
