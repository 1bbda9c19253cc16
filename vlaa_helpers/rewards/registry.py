"""The verifiers by name: the paper's five, and those that a reader adds.

The readers of data, the mixed reward, accuracy and the probes all ask here when they are called. So a verifier that a
notebook registers is known to all of them from then on.
"""

import inspect
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .box import box_reward, check_box, half_overlaps
from .choice import check_choice, choice_reward, same_choice
from .digit import check_count, digit_reward
from .mathematics import check_math, math_reward
from .open_ended import beats_reference, check_reference, never_the_same, open_ended_reward
from .score import Score, full_marks
from .scorers import Question

RELEASE_WORDS = {"mcq": "choice", "iou": "box"}
"""What the release, and the paper, call a verifier that has another name here. Only `load_records` translates them."""


def _nothing_wrong(gt: str, question: str, meta: str) -> str | None:
    return None


@dataclass(frozen=True)
class Verifier:
    """How answers of one kind are scored, and what a score means.

    Attributes:
        name: what a record's `verifier_type` says: small letters, digits and "_".
        score: `(response, gt, *, question, meta) -> Score`, from the whole response, tags included (`extract_answer`
            finds the answer); `meta` is the record's, as JSON. It raises a ValueError for a `gt` that it cannot read.
        is_correct: whether a score counts as right in accuracy; full marks by default. A score without a value never
            does, and is not asked about.
        same_answer: `(a, b, question) -> bool`, for `probe_traces`: whether two answers in other words are one. By
            default they are when either is right with the other as ground truth.
        score_batch: `(responses, gts, questions) -> list[Score]`, used in place of `score` where there are several: for
            a verifier that asks a model. Each `Question` has the words, the `meta` and the images.
        check_gt: `(gt, question, meta) -> str | None`: what is wrong with a ground truth, and the mend, or None.
            `load_records` asks it of each row and reports what it says, so that `score` never meets such a row. By
            default nothing is wrong with any.
    """

    name: str
    score: Callable[..., Score]
    is_correct: Callable[[Score], bool] = full_marks
    same_answer: Callable[[str, str, str], bool] | None = None
    score_batch: Callable[[Sequence[str], Sequence[str], Sequence[Question]], list[Score]] | None = None
    check_gt: Callable[[str, str, str], str | None] = _nothing_wrong


BUILT_IN = (
    Verifier("digit", digit_reward, check_gt=check_count),
    Verifier("choice", choice_reward, same_answer=same_choice, check_gt=check_choice),
    Verifier("math", math_reward, check_gt=check_math),
    Verifier("box", box_reward, is_correct=half_overlaps, check_gt=check_box),
    Verifier(
        "open_ended",
        open_ended_reward,
        is_correct=beats_reference,
        same_answer=never_the_same,
        check_gt=check_reference,
    ),
)
_registered = {verifier.name: verifier for verifier in BUILT_IN}


def verifier_names() -> tuple[str, ...]:
    """The names of all verifiers, the built-in ones first, then in the order of registration."""
    return tuple(_registered)


def get_verifier(name: str) -> Verifier:
    """The verifier of this name.

    Raises:
        ValueError: there is none; says which there are, and how to register one.

    >>> get_verifier("digit").score("<think>…</think><answer>3</answer>", "3").value
    1.0
    """
    if name in _registered:
        return _registered[name]
    if name in RELEASE_WORDS:
        hint = f"The release calls it {name!r}; here it is {RELEASE_WORDS[name]!r}: load_records() translates it"
    else:
        hint = f"For one of your own: register_verifier(Verifier({name!r}, score))"
    raise ValueError(f"unknown verifier_type {name!r}; expected one of {', '.join(_registered)}. {hint}")


def register_verifier(verifier: Verifier) -> None:
    """Make a verifier known to `load_records`, `MixedReward`, `evaluate` and everything else that reads scores.

    Registering one of your own again replaces it, so a notebook's cell may be run twice. The built-in ones stay.

    Raises:
        ValueError: the name is a built-in verifier's or the release's word for one, or has other characters than small
            letters, digits and "_".
        TypeError: no `Verifier`, or its `score` cannot be called as `score(response, gt, question=…, meta=…)`.

    >>> from vlaa_helpers import right_or_wrong, score_answer
    >>> def yes_no_reward(response, gt, *, question="", meta=""):
    ...     return score_answer(response, lambda answer: right_or_wrong(answer.strip(" .").lower() == gt))
    >>> register_verifier(Verifier("yes_no", yes_no_reward))
    >>> get_verifier("yes_no").score("<answer>Yes.</answer>", "yes").value
    1.0
    """
    if not isinstance(verifier, Verifier):
        raise TypeError(f'expected a Verifier, got {verifier!r:.60}; write register_verifier(Verifier("name", score))')
    name = verifier.name
    if name in RELEASE_WORDS or name in {built_in.name for built_in in BUILT_IN}:
        raise ValueError(f"the name {name!r} is taken by a built-in verifier; give yours another, such as 'my_{name}'")
    if not isinstance(name, str) or not re.fullmatch("[a-z0-9_]+", name):
        raise ValueError(
            f"verifier name {name!r}; expected small letters, digits and _ alone: load_records() reads a row's "
            "verifier_type in small letters, with _ for -"
        )
    try:
        inspect.signature(verifier.score).bind("response", "gt", question="", meta="")
    except TypeError as error:
        raise TypeError(
            f"the score of verifier {name!r} {error}; expected a function (response, gt, *, question, meta) -> Score"
        ) from None
    _registered[name] = verifier
