"""The mixed reward: one verifier a sample behind one format gate (arXiv 2504.11468 §4.1, figure 4).

Each verifier takes a whole response, asks `answers` for its answer, and gives a `Score`: a value in [0, 1] and the
reason for it. Without an answer the value is 0 whatever else is true; the thinking is never scored. `MixedReward`
picks the verifier by each sample's `verifier_type` and speaks TRL's reward interface.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any, Protocol

from .answers import completion_text, extract_answer
from .records import VERIFIER_TYPES
from .scene_kinds import KINDS
from .scenes import stated_facts


class Reason(StrEnum):
    """Why a response got its score.

    correct: full marks. partial: a box that overlaps, or an open answer that beats the reference. wrong: an answer of
    the right kind that is not true. no_answer: no answer can be told from the response (the gate). ambiguous: several
    answers. unreadable: an answer of the wrong kind. not_better: an open answer that does not beat the reference.
    """

    CORRECT = "correct"
    PARTIAL = "partial"
    WRONG = "wrong"
    NO_ANSWER = "no_answer"
    AMBIGUOUS = "ambiguous"
    UNREADABLE = "unreadable"
    NOT_BETTER = "not_better"


@dataclass(frozen=True)
class Score:
    """`value` in [0, 1], and the `reason` for it."""

    value: float
    reason: Reason


GATED = Score(0.0, Reason.NO_ANSWER)


class Scorer(Protocol):
    """How good an open-ended answer is; higher is better, any scale. `meta` is the record's JSON string."""

    def __call__(self, question: str, answer: str, *, meta: str = "") -> float: ...


def _judge(answer: str | None, decide: Callable[[str], Score]) -> Score:
    return GATED if answer is None else decide(answer)


def _exact(right: bool) -> Score:
    return Score(1.0, Reason.CORRECT) if right else Score(0.0, Reason.WRONG)


_NUMBER = re.compile(r"[-+]?(?:\d+(?:\.\d+)?|\.\d+)")


def digit_reward(response: str, gt: str, *, question: str = "") -> Score:
    """1 when the answer is the number `gt` and nothing else ("3", "3.0", "3."), else 0; used for counting (CLEVR-Math).

    >>> digit_reward("<think>…</think><answer>3</answer>", "3").value
    1.0
    """

    def decide(answer: str) -> Score:
        number = _NUMBER.fullmatch(answer.strip().rstrip("."))
        if number:
            return _exact(float(number[0]) == float(gt))
        return Score(0.0, Reason.AMBIGUOUS if len(_NUMBER.findall(answer)) > 1 else Reason.UNREADABLE)

    return _judge(extract_answer(response), decide)


_LETTER = re.compile(r"\(?([A-Za-z])\)?(?:[).:,]\s*(?P<text>.*))?", re.DOTALL)
# a letter that stands alone, except the article of "B) A red circle"
_OPTION_LETTERS = re.compile(r"\b(?!A (?!or\b|and\b)[a-z])([A-H])\b(?=[).:,;/ ]|$)")
_LIST_OF_LETTERS = re.compile(r"\(?[a-h](?:(?:[\s().:,;/&]|\b(?:or|and)\b)+[a-h])+[\s.)]*", re.IGNORECASE)


def choice_reward(response: str, gt: str, *, question: str = "") -> Score:
    """1 when the answer names exactly the option `gt` ("B", "(b)", "B) 40"), else 0; two letters are `ambiguous`.

    >>> choice_reward("<think>…</think><answer>B) 40</answer>", "B").reason
    <Reason.CORRECT: 'correct'>
    >>> choice_reward("<think>…</think><answer>A, B, C, D</answer>", "B").reason
    <Reason.AMBIGUOUS: 'ambiguous'>
    """

    def decide(answer: str) -> Score:
        answer = answer.strip()
        if len(set(_OPTION_LETTERS.findall(answer))) > 1 or _LIST_OF_LETTERS.fullmatch(answer):
            return Score(0.0, Reason.AMBIGUOUS)
        letter = _LETTER.fullmatch(answer)
        if not letter:
            return Score(0.0, Reason.UNREADABLE)
        return _exact(letter[1].upper() == gt.strip("()").upper())

    return _judge(extract_answer(response), decide)


MAX_MATH_LENGTH = 200
MAX_EXPONENT = 1000
MAX_TERMS = 100
_COMMAND = re.compile(r"\\([A-Za-z]+)")
_COMMANDS = frozenset(
    "frac dfrac tfrac sqrt cdot times div pm mp pi infty left right sin cos tan cot sec csc arcsin arccos arctan log "
    "ln lg exp text mathrm mathbf mathit boxed circ degree le leq ge geq lt gt ne neq approx in cup cap quad qquad "
    "alpha beta theta phi varphi omega lambda mu rho sigma delta Delta displaystyle".split()
)
_FACTORIAL = re.compile(r"(?<!\\)!")
_SMALL_FACTORIAL = re.compile(r"(?<!\d)\d{1,2}\s*!(?!\s*[!^])")
_LONG_ROOT = re.compile(r"\\sqrt\s*\[(?!\s*\w{1,2}\s*\])")


def math_reward(response: str, gt: str, *, question: str = "") -> Score:
    """1 when the answer is mathematically the same as `gt` (Math-Verify; "y = …" equals its bare right side), else 0.

    No signal timeouts, so it works off the main thread. What could take long to work out (a tower of powers, an
    integral, a huge expansion, more than `MAX_MATH_LENGTH` characters) is `unreadable` instead, unless it is `gt` word
    for word.

    Raises:
        ValueError: `gt` cannot be read as mathematics: a fault of the data, not of the response.

    >>> math_reward("<think>…</think><answer>y = 1 + 2x</answer>", "y = 2x + 1").value
    1.0
    """

    def decide(answer: str) -> Score:
        gold, said = _right_side(gt), _right_side(answer)
        if not _parse_math(gold):
            raise ValueError(
                f"the ground truth {gt!r:.80} is not mathematics; mend the record, or give it another verifier_type"
            )
        if "".join(said.split()) == "".join(gold.split()):
            return _exact(True)
        if _is_heavy_text(answer) or not (parsed := _parse_math(said)) or _is_heavy(parsed):
            return Score(0.0, Reason.UNREADABLE)
        return _exact(not _is_heavy(_parse_math(gold)) and _same_math(gold, said))

    return _judge(extract_answer(response), decide)


def _right_side(text: str) -> str:
    """ "y = 2x + 1" is "2x + 1"; anything else is kept."""
    return re.sub(r"^\s*\$*\s*(?:y|f\s*\(\s*x\s*\))\s*=\s*", "", text).strip().strip("$")


def _is_heavy_text(text: str) -> bool:
    """Whether reading it could take long: Math-Verify works out parts of it while it reads, such as a range's ends."""
    if len(text) > MAX_MATH_LENGTH or _LONG_ROOT.search(text):
        return True
    commands = _COMMAND.findall(text)
    if not _COMMANDS.issuperset(commands) or commands.count("exp") > 1:
        return True
    if len(_FACTORIAL.findall(text)) != len(_SMALL_FACTORIAL.findall(text)):
        return True
    depth = deepest = 0
    for character in text:
        depth += (character in "([{") - (character in ")]}")
        deepest = max(deepest, depth)
    return deepest > 8 or _largest_exponent(text) > MAX_EXPONENT


def _largest_exponent(text: str) -> int:
    """An upper bound, good enough for a guard: of the exponents in a text, those of brackets multiplied together."""
    alone, stacked = 1, 1
    for sign in re.finditer(r"\^|\*\*", text):
        group = _first_group(text[sign.end() :].lstrip())
        value = math.prod(max(1, int(digits)) for digits in re.findall(r"\d+", group))
        if value > 12 and ("^" in group or "**" in group):  # a tower; 12 leaves e^{-x^2/2} and 2^{3^{4}}
            return MAX_EXPONENT + 1
        if text[: sign.start()].rstrip().endswith((")", "}", "]", "|")):
            stacked *= value
        else:
            alone = max(alone, value)
    return alone * stacked


def _first_group(text: str) -> str:
    """What a power sign before `text` raises to: a bracket and what is in it, or a word; all of it when in doubt."""
    if word := re.match(r"[-+]?\w+", text):
        return word[0]
    depth = 0
    for end, character in enumerate(text, 1):
        depth += (character in "({") - (character in ")}")
        if depth == 0 and text[0] in "({":
            return text[:end]
    return text


def _is_heavy(parsed: tuple) -> bool:
    """Whether comparing what was read could take long: it would grow to very many terms when multiplied out."""
    try:
        return any(_terms(expression) > MAX_TERMS for expression in parsed)
    except Exception:  # powers such as 2^{1/0} have no size
        return True


def _terms(node: Any) -> float:
    parts = [_terms(part) for part in getattr(node, "args", ())]  # a text has none
    if not parts:
        return 1
    if node.func.__name__ in ("Integral", "Sum", "Product", "Limit"):
        return math.inf
    if getattr(node, "is_Mul", False):
        return math.prod(parts)
    if getattr(node, "is_Pow", False) and parts[0] > 1 and node.exp.is_number:
        power, terms = abs(complex(node.exp)), int(min(parts[0], MAX_TERMS))
        return math.comb(math.ceil(power) + terms - 1, terms - 1) if power <= MAX_EXPONENT else math.inf
    return sum(parts)


@lru_cache(maxsize=1)
def _math_verify() -> Any:
    import logging

    import math_verify

    # it warns once a process that no timeout is set: that is on purpose, see math_reward
    logging.getLogger("math_verify").setLevel(logging.ERROR)
    return math_verify


@lru_cache(maxsize=4096)
def _parse_math(text: str) -> tuple:
    """What Math-Verify reads in a text: expressions and the text itself; empty for what it cannot read."""
    try:
        return tuple(_math_verify().parse(f"${text}$", parsing_timeout=None))
    except Exception:  # SymPy raises nearly anything on odd input
        return ()


@lru_cache(maxsize=16384)
def _same_math(gold: str, said: str) -> bool:
    try:
        return bool(_math_verify().verify(list(_parse_math(gold)), list(_parse_math(said)), timeout_seconds=None))
    except Exception:
        return False


def box_iou(a: Sequence[float], b: Sequence[float]) -> float:
    """Intersection over union of two boxes `[x1, y1, x2, y2]`; 0 when either has no area."""
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    area = lambda box: (box[2] - box[0]) * (box[3] - box[1])  # noqa: E731
    union = area(a) + area(b) - width * height
    return width * height / union if union > 0 else 0.0


def read_box(text: str) -> list[float] | None:
    """The one box in a text, or None: four finite numbers, in order (x1 < x2, y1 < y2)."""
    numbers = [float(number) for number in _NUMBER.findall(text)]
    if len(numbers) != 4 or not all(map(math.isfinite, numbers)):
        return None
    x1, y1, x2, y2 = numbers
    return numbers if x1 < x2 and y1 < y2 else None


def box_reward(response: str, gt: str, *, question: str = "") -> Score:
    """The IoU of the answer's box with `gt`, both `[x1, y1, x2, y2]` in fractions of the picture; no threshold.

    >>> round(box_reward("<answer>[0.0, 0.0, 0.5, 1.0]</answer>", "[0.0, 0.0, 1.0, 1.0]").value, 2)
    0.5
    """

    def decide(answer: str) -> Score:
        count = len(_NUMBER.findall(answer))
        box = read_box(answer)
        if box is None:
            return Score(0.0, Reason.AMBIGUOUS if count > 4 else Reason.UNREADABLE)
        value = box_iou(box, read_box(gt) or (0.0, 0.0, 0.0, 0.0))
        return Score(value, Reason.CORRECT if value == 1 else Reason.PARTIAL if value > 0 else Reason.WRONG)

    return _judge(extract_answer(response), decide)


DEFAULT_BETA = 0.2
"""β of the open-ended reward: the paper gives none; this is the one in the code that it cites (arXiv 2503.00743)."""


def open_ended_reward(
    response: str, gt: str, *, scorer: Scorer, question: str = "", meta: str = "", beta: float = DEFAULT_BETA
) -> Score:
    """`1 - exp(-β (S(answer) - S(gt)))` when the answer scores higher than the reference, else 0 (paper §4.1)."""

    def decide(answer: str) -> Score:
        margin = scorer(question, answer, meta=meta) - scorer(question, gt, meta=meta)
        if not margin > 0:  # not a number is no better either
            return Score(0.0, Reason.NOT_BETTER)
        return Score(1 - math.exp(-beta * margin), Reason.PARTIAL)

    return _judge(extract_answer(response), decide)


class FactsScorer:
    """Scores an answer about a mini-world picture by its facts: +1 for each true one that was asked for, -1 for each
    claim that is not true of the scene; repeating a claim gains nothing."""

    def __call__(self, question: str, answer: str, *, meta: str = "") -> float:
        try:
            known = json.loads(meta)
            wanted = set(stated_facts("stories", " ".join(known["task"]["wanted"])))
            facts = set(stated_facts("stories", KINDS["stories"].words(known["facts"])))
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(
                "this record has no scene facts in its meta, so its answer cannot be checked against them; "
                "pass another scorer: MixedReward(scorer=…)"
            ) from error
        stated = set(stated_facts("stories", answer))
        return float(len(stated & wanted) - len(stated - facts))


class MixedReward:
    """A TRL reward function: each sample is scored by the verifier that its `verifier_type` names; no sum, no weights.

    Args:
        scorer: for open-ended answers; `FactsScorer()` by default (mini world only).
        beta: of the open-ended formula.

    Call it with TRL's columns, one entry a completion: `verifier_type`, `gt`, and when present `question` and `meta`.
    Mean reward a verifier and the share of each reason go to the trainer's metrics, so that a stuck reward shows.
    """

    __name__ = "mixed_reward"

    def __init__(self, scorer: Scorer | None = None, beta: float = DEFAULT_BETA):
        self.scorer = scorer or FactsScorer()
        self.beta = beta

    def score(self, response: str, gt: str, verifier_type: str, *, question: str = "", meta: str = "") -> Score:
        """Score one response.

        Raises:
            ValueError: an unknown `verifier_type`.
        """
        if verifier_type == "open_ended":
            return open_ended_reward(response, gt, scorer=self.scorer, question=question, meta=meta, beta=self.beta)
        if verifier_type not in VERIFIERS:
            raise ValueError(f"unknown verifier_type {verifier_type!r}; expected one of {', '.join(VERIFIER_TYPES)}")
        return VERIFIERS[verifier_type](response, gt, question=question)

    def __call__(
        self,
        completions: Sequence[Any],
        verifier_type: Sequence[str] | None = None,
        gt: Sequence[str] | None = None,
        *,
        log_metric: Callable[[str, float], None] | None = None,
        log_extra: Callable[[str, list], None] | None = None,
        **columns: Any,
    ) -> list[float]:
        if verifier_type is None or gt is None:
            raise ValueError(
                f"the mixed reward needs the columns verifier_type and gt, got {', '.join(sorted(columns)) or 'none'}; "
                "train on to_grpo(records)"
            )
        blank = [""] * len(completions)
        rows = zip(
            completions, gt, verifier_type, columns.get("question", blank), columns.get("meta", blank), strict=True
        )
        scores = [self.score(completion_text(c), g, v, question=q, meta=m) for c, g, v, q, m in rows]
        if log_extra:
            log_extra("reason", [str(score.reason) for score in scores])
        if log_metric and scores:
            for name in sorted(set(verifier_type)):
                values = [score.value for score, kind in zip(scores, verifier_type, strict=True) if kind == name]
                log_metric(f"reward/{name}", sum(values) / len(values))
            counts = Counter(score.reason for score in scores)
            for reason in Reason:  # those that do not occur too: the trainer averages over the calls that name a metric
                log_metric(f"reason/{reason}", counts[reason] / len(scores))
        return [score.value for score in scores]


VERIFIERS: dict[str, Callable[..., Score]] = {
    "digit": digit_reward,
    "mcq": choice_reward,
    "math": math_reward,
    "iou": box_reward,
}


def is_correct(score: Score, verifier_type: str) -> bool:
    """What counts as right in accuracy: full marks; a box from IoU 0.5; an open answer that beats the reference."""
    if verifier_type == "iou":
        return score.value >= 0.5
    if verifier_type == "open_ended":
        return score.value > 0
    return score.value == 1
