"""The mixed reward: one verifier a sample behind one format gate (arXiv 2504.11468 §4.1, figure 4).

Each verifier takes a whole response, asks `answers` for its answer, and gives a `Score`: a value in [0, 1] and the
reason for it. Without an answer the value is 0 whatever else is true; the thinking is never scored. `MixedReward`
picks the verifier by each sample's `verifier_type` and speaks TRL's reward interface.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ..core.answers import completion_text, extract_answer, parse_response
from ..core.trace_text import aha_words
from ..data.load import VERIFIER_TYPES
from .math_compare import compare
from .scorers import FactsScorer, Question, Scorer


class Reason(StrEnum):
    """Why a response got its score.

    correct: full marks.
    partial: a box that overlaps, or an open answer that beats the reference.
    wrong: an answer of the right kind that is not true.
    no_answer: no answer can be told from the response (the gate).
    ambiguous: several answers, or a letter with another option's text.
    unreadable: an answer of the wrong kind, or mathematics that takes too long to work out.
    out_of_range: a box that leaves the frame it should be in; most often another frame was meant.
    not_better: an open answer that does not beat the reference.
    not_scored: the scorer could not say; TRL leaves such a sample out.
    """

    CORRECT = "correct"
    PARTIAL = "partial"
    WRONG = "wrong"
    NO_ANSWER = "no_answer"
    AMBIGUOUS = "ambiguous"
    UNREADABLE = "unreadable"
    OUT_OF_RANGE = "out_of_range"
    NOT_BETTER = "not_better"
    NOT_SCORED = "not_scored"


@dataclass(frozen=True)
class Score:
    """`value` in [0, 1], or None when the reason is `not_scored`; and the `reason` for it."""

    value: float | None
    reason: Reason


GATED = Score(0.0, Reason.NO_ANSWER)


def _judge(response: str, decide: Callable[[str], Score]) -> Score:
    answer = extract_answer(response)
    return GATED if answer is None else decide(answer)


def _exact(right: bool) -> Score:
    return Score(1.0, Reason.CORRECT) if right else Score(0.0, Reason.WRONG)


# ---- digit ----

_NUMBER = re.compile(r"[-+]?(?:\d+(?:\.\d+)?|\.\d+)")
_NUMBER_WORDS = {
    word: number
    for number, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen twenty".split()
    )
}
_COUNT = re.compile(rf"{_NUMBER.pattern}|\b(?:{'|'.join(_NUMBER_WORDS)})\b", re.IGNORECASE)
MAX_COUNT_WORDS = 12
"""A longer answer is reasoning, not a count."""


def digit_reward(response: str, gt: str, *, question: str = "") -> Score:
    """1 when the answer gives the number `gt` and no other, else 0; used for counting (CLEVR-Math).

    "3", "3.0", "three" and "There are 3" all give one number, so all count: no second reading is possible. With two
    numbers ("3 or 4", "2 + 1 = 3") the answer is `ambiguous`, whatever they are.

    Raises:
        ValueError: `gt` is no number.

    >>> digit_reward("<think>…</think><answer>There are three.</answer>", "3").value
    1.0
    """

    if not _NUMBER.fullmatch(gt.strip()):
        raise ValueError(
            f"the ground truth {gt!r:.80} is not a number; mend the record, or give it another verifier_type"
        )

    def decide(answer: str) -> Score:
        numbers = _COUNT.findall(answer)
        if len(numbers) > 1:
            return Score(0.0, Reason.AMBIGUOUS)
        if not numbers or len(answer.split()) > MAX_COUNT_WORDS:
            return Score(0.0, Reason.UNREADABLE)
        return _exact(float(_NUMBER_WORDS.get(numbers[0].lower(), numbers[0])) == float(gt))

    return _judge(response, decide)


# ---- choice ----

_LETTER = re.compile(r"\(?([A-Za-z])\)?(?:[).:,]\s*(?P<text>.*))?", re.DOTALL)
_SAYING = re.compile(r"(?:(?:the\s+)?(?:final\s+|correct\s+)?(?:answer|option|choice)\s*(?:is\b|:)?\s*:?\s*)+", re.I)
# a letter that stands alone, except the article of "B) A red circle"
_OPTION_LETTERS = re.compile(r"\b(?!A (?!or\b|and\b)[a-z])([A-H])\b(?=[).:,;/ ]|$)")
_LIST_OF_LETTERS = re.compile(r"\(?[a-h](?:(?:[\s().:,;/&]|\b(?:or|and)\b)+[a-h])+[\s.)]*", re.IGNORECASE)
_LETTER_FIRST = re.compile(r"(?<![A-Za-z])\(?([A-H])[).:]\s+")
_LETTER_LAST = re.compile(r"([^,;:()\n]+?)\s*\(([A-H])\)")


def options_of(question: str) -> dict[str, str]:
    """The options that a multiple-choice question lists, letter to text; empty when it lists none.

    Reads "A) 30" with ")", "." or ":" and with brackets or none, on lines or in one line, and "30 (A), 50 (B)".

    >>> options_of("Which? A) red B) blue")
    {'A': 'red', 'B': 'blue'}
    """
    marks = list(_LETTER_FIRST.finditer(question))
    starts = [k for k, mark in enumerate(marks) if mark[1] == "A"]
    run = marks[starts[-1] :] if starts else []
    if len(run) > 1 and [mark[1] for mark in run] == list("ABCDEFGH"[: len(run)]):
        ends = [*(mark.start() for mark in run[1:]), len(question)]
        return {mark[1]: question[mark.end() : end].strip() for mark, end in zip(run, ends, strict=True)}
    listed = [(letter, text.strip()) for text, letter in _LETTER_LAST.findall(question)]
    return dict(listed) if [letter for letter, _ in listed] == list("ABCDEFGH"[: len(listed)]) else {}


def _plain(text: str) -> str:
    return " ".join(re.sub(r"[*_`$\"']", "", text).split()).rstrip(".,;").casefold()


def choice_reward(response: str, gt: str, *, question: str = "") -> Score:
    """1 when the answer names exactly the option `gt`, else 0.

    "B", "(b)", "B) 40", "B: 40", "Answer: **B**" name an option; so does its text alone, when the question lists it
    once. Several letters, or a letter with the text of another option, are `ambiguous`.

    >>> choice_reward("<think>…</think><answer>B) 40</answer>", "B").reason
    <Reason.CORRECT: 'correct'>
    >>> choice_reward("<think>…</think><answer>A, B, C, D</answer>", "B").reason
    <Reason.AMBIGUOUS: 'ambiguous'>
    """

    def decide(answer: str) -> Score:
        answer = re.sub(r"[*_`]", "", answer).strip()
        if saying := _SAYING.match(answer):
            answer = answer[saying.end() :].strip() or answer
        options = options_of(question)
        named = [letter for letter, text in options.items() if text and _plain(text) == _plain(answer)]
        if len(named) == 1:
            return _exact(named[0] == right)
        if len(set(_OPTION_LETTERS.findall(answer))) > 1 or _LIST_OF_LETTERS.fullmatch(answer):
            return Score(0.0, Reason.AMBIGUOUS)
        letter = _LETTER.fullmatch(answer)
        if not letter:
            return Score(0.0, Reason.UNREADABLE)
        name, text = letter[1].upper(), _plain(letter["text"] or "")
        others = {_plain(other) for key, other in options.items() if key != name}
        if text in others and text != _plain(options.get(name, "")):
            return Score(0.0, Reason.AMBIGUOUS)
        return _exact(name == right)

    right = gt.strip().strip("().:").upper()
    return _judge(response, decide)


# ---- mathematics ----

_WRAPPERS = (("$$", "$$"), ("$", "$"), (r"\[", r"\]"), (r"\(", r"\)"), (r"\boxed{", "}"), ("**", "**"))
_LEAD = re.compile(r"^(?:output\s*\d*\s*:|(?:the\s+)?(?:final\s+)?answer\s*(?:is\b|:)\s*:?)\s*", re.IGNORECASE)
_PLAIN_FUNCTION = re.compile(r"(?<![\\A-Za-z])(sin|cos|tan|log|ln|exp|pi)(?![A-Za-z])")
_LEFT_SIDE = re.compile(r"^(?:y|f\s*\(\s*x\s*\))\s*=\s*")


def math_text(text: str) -> str:
    """The expression in an answer or ground truth, without what stands round it.

    Removes "Output 4:" and "Answer:", display marks, one `\\boxed{}` around it all, a full stop, and "y =" or "f(x) ="
    on the left. Python's "**" and a plain "sin" become LaTeX, which would read s·i·n.

    >>> math_text(r"Output 4: \\[ \\boxed{y = 2x + 1}. \\]")
    '2x + 1'
    """
    before = None
    while before != text:
        before = text
        text = _LEAD.sub("", text.strip()).strip().removesuffix(".").strip()
        for start, end in _WRAPPERS:
            inner = text[len(start) : len(text) - len(end)]
            if text.startswith(start) and text.endswith(end) and len(text) >= len(start) + len(end):
                if start != r"\boxed{" or _is_balanced(inner):
                    text = inner.strip()
    return _PLAIN_FUNCTION.sub(r"\\\1", _LEFT_SIDE.sub("", text).strip()).replace("**", "^")


def _is_balanced(text: str) -> bool:
    depth = 0
    for character in text:
        depth += (character == "{") - (character == "}")
        if depth < 0:
            return False
    return depth == 0


def math_reward(response: str, gt: str, *, question: str = "") -> Score:
    """1 when the answer is mathematically the same as `gt` by Math-Verify, else 0; see `math_text` for what is ignored.

    Works from any thread. What takes longer than a second (`9^{9^{9}}`) or is longer than 500 characters is
    `unreadable`, unless it is `gt` word for word.

    Raises:
        ValueError: `gt` cannot be read as mathematics: a fault of the data, not of the response.

    >>> math_reward("<think>…</think><answer>y = 1 + 2x</answer>", "y = 2x + 1").value
    1.0
    """

    def decide(answer: str) -> Score:
        gold, said = math_text(gt), math_text(answer)
        if gold and "".join(said.split()) == "".join(gold.split()):
            return _exact(True)
        verdict = compare(gold, said)
        if verdict == "bad_gold":
            raise ValueError(
                f"the ground truth {gt!r:.80} is not mathematics; mend the record, or give it another verifier_type"
            )
        return Score(0.0, Reason.UNREADABLE) if verdict == "unreadable" else _exact(verdict == "same")

    return _judge(response, decide)


# ---- boxes ----

FRAMES = ("fraction", "thousand", "pixel")


def box_iou(a: Sequence[float], b: Sequence[float]) -> float:
    """Intersection over union of two boxes `[x1, y1, x2, y2]`; 0 when either has no area."""
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    area = lambda box: (box[2] - box[0]) * (box[3] - box[1])  # noqa: E731
    union = area(a) + area(b) - width * height
    return width * height / union if union > 0 else 0.0


def read_box(text: str) -> list[float] | None:
    """The one box in a text, or None: four finite numbers, plain, in brackets or in JSON; corners in either order.

    >>> read_box('{"bbox_2d": [0.5, 0.6, 0.1, 0.2], "label": "cup 3"}')
    [0.1, 0.2, 0.5, 0.6]
    """
    numbers = _box_numbers(text)
    if len(numbers) != 4 or not all(map(math.isfinite, numbers)):
        return None
    x1, y1, x2, y2 = numbers
    return [min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)]


def _box_numbers(text: str) -> list[float]:
    """The numbers of all boxes in a text: those in quotes are names and labels."""
    return [float(number) for number in _NUMBER.findall(re.sub(r'"[^"]*"', " ", text))]


def box_reward(
    response: str, gt: str, *, question: str = "", frame: str = "fraction", size: tuple[int, int] | None = None
) -> Score:
    """The IoU of the answer's box with `gt`, continuous, without a threshold (paper §4.1).

    Args:
        gt: `[x1, y1, x2, y2]` in fractions of the picture, as in VLAA-Thinking.
        frame: what the prompt asks the answer in: "fraction" (0-1), "thousand" (0-1000, Qwen2-VL's own) or "pixel"
            (of the picture as the model gets it, Qwen2.5-VL's own).
        size: width and height of that picture, for "pixel".

    A box that leaves its frame is `out_of_range`: clipping it would hide that another frame was meant.

    Raises:
        ValueError: an unknown frame, "pixel" without a size, or a `gt` that is no box.

    >>> round(box_reward("<answer>[0, 0, 500, 1000]</answer>", "[0.0, 0.0, 1.0, 1.0]", frame="thousand").value, 2)
    0.5
    """
    if frame not in FRAMES:
        raise ValueError(f"unknown frame {frame!r}; expected one of {', '.join(FRAMES)}")
    if frame == "pixel" and size is None:
        raise ValueError('frame="pixel" needs size=(width, height) of the picture as the model gets it')
    truth = read_box(gt)
    if truth is None:
        raise ValueError(f"the ground truth {gt!r:.80} is not a box; expected [x1, y1, x2, y2] in fractions")
    width, height = {"fraction": (1, 1), "thousand": (1000, 1000)}.get(frame) or size

    def decide(answer: str) -> Score:
        box = read_box(answer)
        if box is None:
            return Score(0.0, Reason.AMBIGUOUS if len(_box_numbers(answer)) > 4 else Reason.UNREADABLE)
        if min(box) < 0 or box[2] > width or box[3] > height:
            return Score(0.0, Reason.OUT_OF_RANGE)
        x1, y1, x2, y2 = box
        value = box_iou((x1 / width, y1 / height, x2 / width, y2 / height), truth)
        return Score(value, Reason.CORRECT if value == 1 else Reason.PARTIAL if value > 0 else Reason.WRONG)

    return _judge(response, decide)


# ---- open-ended ----

DEFAULT_BETA = 0.2
"""β of the open-ended reward: the paper gives none; this is the one in the code that it cites (arXiv 2503.00743)."""


def open_ended_value(margin: float, *, beta: float = DEFAULT_BETA) -> float:
    """`1 - exp(-β margin)` for an answer that scores higher than the reference by `margin`, 0 for any other (§4.1).

    >>> round(open_ended_value(2.0), 3), open_ended_value(-1.0)
    (0.33, 0.0)
    """
    return 1 - math.exp(-beta * margin) if margin > 0 else 0.0


def open_ended_reward(
    response: str, gt: str, *, scorer: Scorer, question: str = "", meta: str = "", beta: float = DEFAULT_BETA
) -> Score:
    """`open_ended_value` of how much the answer's score exceeds that of the reference answer `gt`.

    Repeating the question or the reference earns nothing: the one says nothing, the other beats nothing.
    """

    def decide(answer: str) -> Score:
        asked = Question(question, meta)
        return _better(*scorer([asked, asked], [answer, gt]), beta)

    return _judge(response, decide)


def _better(answer: float | None, reference: float | None, beta: float) -> Score:
    if answer is None or reference is None:
        return Score(None, Reason.NOT_SCORED)
    value = open_ended_value(answer - reference, beta=beta)
    return Score(value, Reason.PARTIAL if value > 0 else Reason.NOT_BETTER)


# ---- all five ----


class MixedReward:
    """A TRL reward function: each sample is scored by the verifier that its `verifier_type` names; no sum, no weights.

    Args:
        scorer: for open-ended answers; `FactsScorer()` by default (mini world only). References are scored once.
        beta: of the open-ended formula.
        box_frame: what prompts ask boxes in, see `box_reward`; "pixel" reads `image_size` in a record's meta.
        verifiers: further ones by `verifier_type`: `(response, gt, *, question="") -> Score`.

    Call it with TRL's columns, one entry a completion: `verifier_type`, `gt`, and when present `question`, `meta` and
    `images`.
    To the trainer's metrics go the mean reward of each verifier (`reward/digit`, …), the share of each reason
    (`reason/no_answer`, …), of responses in the strict format (`strict`) and of those with a cue of self-reflection
    (`cues`, see `aha_words`): a stuck reward shows in the first two, how the responses change in the others.
    """

    __name__ = "mixed_reward"

    def __init__(
        self,
        scorer: Scorer | None = None,
        beta: float = DEFAULT_BETA,
        *,
        box_frame: str = "fraction",
        verifiers: Mapping[str, Callable[..., Score]] | None = None,
    ):
        self.scorer = scorer or FactsScorer()
        self.beta = beta
        self.box_frame = box_frame
        self.verifiers = {**VERIFIERS, **(verifiers or {})}
        self._references: dict[tuple[Question, str], float | None] = {}

    def score(
        self,
        response: str,
        gt: str,
        verifier_type: str,
        *,
        question: str = "",
        meta: str = "",
        images: Sequence[Any] = (),
    ) -> Score:
        """Score one response.

        Raises:
            ValueError: an unknown `verifier_type`, or a ground truth that its verifier cannot read.
        """
        return self.score_all([response], [gt], [verifier_type], [question], [meta], [images])[0]

    def score_all(
        self,
        responses: Sequence[str],
        gts: Sequence[str],
        verifier_types: Sequence[str],
        questions: Sequence[str],
        metas: Sequence[str],
        images: Sequence[Sequence[Any] | None],
    ) -> list[Score]:
        """Score responses together: open-ended answers reach the scorer in one batch."""
        scores: list[Score | None] = []
        opened: list[tuple[int, Question, str, str]] = []
        rows = zip(responses, gts, verifier_types, questions, metas, images, strict=True)
        for place, (response, gt, kind, question, meta, pictures) in enumerate(rows):
            if kind == "open_ended":
                answer = extract_answer(response)
                scores.append(GATED if answer is None else None)
                if answer is not None:
                    opened.append((place, Question(question, meta, tuple(pictures or ())), answer, gt))
            elif kind == "iou" and self.box_frame != "fraction":
                size = tuple(json.loads(meta or "{}").get("image_size") or ()) or None
                scores.append(box_reward(response, gt, question=question, frame=self.box_frame, size=size))
            elif kind in self.verifiers:
                scores.append(self.verifiers[kind](response, gt, question=question))
            else:
                known = dict.fromkeys((*VERIFIER_TYPES, *self.verifiers))
                raise ValueError(f"unknown verifier_type {kind!r}; expected one of {', '.join(known)}")
        for place, score in zip((place for place, *_ in opened), self._score_open(opened), strict=True):
            scores[place] = score
        return scores

    def _score_open(self, opened: list[tuple[int, Question, str, str]]) -> list[Score]:
        if not opened:
            return []
        new = dict.fromkeys((asked, gt) for _, asked, _, gt in opened if (asked, gt) not in self._references)
        texts = [(asked, answer) for _, asked, answer, _ in opened] + list(new)
        values = self.scorer([asked for asked, _ in texts], [text for _, text in texts])
        for key, value in zip(new, values[len(opened) :], strict=True):
            if value is not None:  # one that failed is asked for again
                self._references[key] = value
        return [
            _better(value, self._references.get((asked, gt)), self.beta)
            for value, (_, asked, _, gt) in zip(values, opened, strict=False)
        ]

    def __call__(
        self,
        completions: Sequence[Any],
        verifier_type: Sequence[str] | None = None,
        gt: Sequence[str] | None = None,
        *,
        log_metric: Callable[[str, float], None] | None = None,
        log_extra: Callable[[str, list], None] | None = None,
        **columns: Any,
    ) -> list[float | None]:
        if verifier_type is None or gt is None:
            raise ValueError(
                f"the mixed reward needs the columns verifier_type and gt, got {', '.join(sorted(columns)) or 'none'}; "
                "train on to_grpo(records)"
            )
        blank, none = [""] * len(completions), [()] * len(completions)
        texts = [completion_text(completion) for completion in completions]
        said_of = columns.get("question", blank), columns.get("meta", blank), columns.get("images", none)
        scores = self.score_all(texts, gt, verifier_type, *said_of)
        if log_extra:
            log_extra("reason", [str(score.reason) for score in scores])
        if log_metric and scores:
            for name in sorted(set(verifier_type)):
                kinds = zip(scores, verifier_type, strict=True)
                values = [score.value for score, kind in kinds if kind == name and score.value is not None]
                if values:
                    log_metric(f"reward/{name}", sum(values) / len(values))
            counts = Counter(score.reason for score in scores)
            for reason in Reason:  # those that do not occur too: the trainer averages over the calls that name a metric
                log_metric(f"reason/{reason}", counts[reason] / len(scores))
            log_metric("strict", sum(parse_response(text).is_strict for text in texts) / len(texts))
            log_metric("cues", sum(bool(aha_words(text)) for text in texts) / len(texts))
        return [score.value for score in scores]


VERIFIERS: dict[str, Callable[..., Score]] = {
    "digit": digit_reward,
    "mcq": choice_reward,
    "math": math_reward,
    "iou": box_reward,
}


def is_correct(score: Score, verifier_type: str) -> bool:
    """What counts as right in accuracy: full marks; a box from IoU 0.5; an open answer that beats the reference."""
    if score.value is None:
        return False
    if verifier_type == "iou":
        return score.value >= 0.5
    if verifier_type == "open_ended":
        return score.value > 0
    return score.value == 1
