"""The questions that a policy seldom gets right, from its rollouts, and the records of them that SFT can learn from."""

from typing import TYPE_CHECKING

from ..data.trl_views import completion_of, to_grpo
from ..rewards.mixed import MixedReward, earned_right, is_correct

if TYPE_CHECKING:
    import pandas as pd
    from datasets import Dataset


MIXED = "reward/mixed_reward"
"""The column of rollouts that holds a `MixedReward`'s word where there are several reward functions."""


def hard_questions(rollouts: "pd.DataFrame", *, at_most: float = 0.25, column: str | None = None) -> "pd.DataFrame":
    """The questions that at most a share of the rollouts got right, each once, in the order in which they were asked.

    MIFO (arXiv 2510.04454) keeps such in a buffer, for SFT to learn from; its share was not found, and the default is
    ours. ReLIFT (2506.07527, from its code) keeps those that no rollout got right: `at_most=0`.

    Args:
        rollouts: a row a completion, as `load_rollouts` gives them of a run with `RolloutLog(every=1)`; `id`,
            `verifier_type` and `reward`, which is a `MixedReward`'s: the verifier says from it which are right. Those
            that could not be scored do not count, nor those that went on from a hint: the policy alone was not asked.
        at_most: 0-1, of all rollouts of a question.
        column: the reward that says what is right; `reward` by default, or `reward/mixed_reward` where there are
            several: their sum does not tell.

    Returns:
        By `id`: `n` rollouts, and `right`, the share of them that was.

    Raises:
        ValueError: a share out of range, or several rewards without a `MixedReward` and no `column`.

    >>> import pandas as pd
    >>> rewards = {"a": [0, 0, 0, 1], "b": [1, 1, 0, 1], "c": [0, 0, 0, 0]}
    >>> rows = [(name, "digit", float(reward)) for name, each in rewards.items() for reward in each]
    >>> hard_questions(pd.DataFrame(rows, columns=["id", "verifier_type", "reward"]))
        n  right
    id
    a   4   0.25
    c   4   0.00
    """
    if not 0 <= at_most <= 1:
        raise ValueError(f"at_most is 0 to 1 of a question's rollouts, got {at_most}; 0.25 is the default")
    column = column or _column_of(rollouts)
    alone = ~(rollouts["hint"] > 0) if "hint" in rollouts else True
    scored = rollouts[rollouts[column].notna() & alone]
    pairs = zip(scored[column], scored["verifier_type"], strict=True)
    right = [earned_right(float(reward), kind) for reward, kind in pairs]
    found = scored.assign(right=right).groupby("id", sort=False)["right"].agg(n="size", right="mean")
    return found[found["right"] <= at_most]


def _column_of(rollouts: "pd.DataFrame") -> str:
    several = [name for name in rollouts if str(name).startswith("reward/")]
    if several and MIXED not in several:
        raise ValueError(
            f"rollouts with the rewards {', '.join(name.removeprefix('reward/') for name in several)}; expected "
            f"{MIXED!r} among them, or say which of them tells what is right: column={several[0]!r}"
        )
    return MIXED if several else "reward"


def hard_records(
    records: "Dataset", rollouts: "pd.DataFrame", *, at_most: float = 0.25, reward: MixedReward | None = None
) -> "Dataset":
    """The records of `hard_questions` with a response that is right, by the verifier: what SFT can learn from.

    Args:
        records: what the policy was asked, with responses of a teacher where there are any.
        rollouts, at_most: of `hard_questions`.
        reward: scores the responses; `MixedReward()` by default.

    Returns:
        The records in the order in which they were asked, each once; maybe none.

    Raises:
        ValueError: rollouts of questions that the records do not have, or records that share an id.
    """
    place_of = {name: place for place, name in enumerate(records["id"])}
    if len(place_of) < len(records):
        raise ValueError(f"{len(records) - len(place_of)} records share an id with another; give each its own")
    names = list(hard_questions(rollouts, at_most=at_most).index)
    if unknown := [name for name in names if name not in place_of]:
        raise ValueError(
            f"{len(unknown)} questions of the rollouts are not among the {len(records)} records, such as "
            f"{unknown[0]!r}; give the records that the policy was trained on"
        )
    asked = records.select([place_of[name] for name in names])
    return asked.select(_right_responses(asked, reward or MixedReward()))


def _right_responses(records: "Dataset", reward: MixedReward) -> list[int]:
    """Places of the records whose response, as SFT would teach it, is right."""
    if len(records) == 0:
        return []
    texts = {}
    for place, row in enumerate(records.remove_columns("image")):
        if row["response"] or row["reasoning"]:
            try:
                texts[place] = completion_of(row)
            except ValueError:
                continue  # nothing that can be put into the format, so nothing to learn from
    view = to_grpo(records).select(list(texts))
    kinds = view["verifier_type"][:]
    asked = (view[name][:] for name in ("question", "meta", "images"))
    scores = reward.score_all(list(texts.values()), view["gt"][:], kinds, *asked)
    pairs = zip(texts, scores, kinds, strict=True)
    return [place for place, score, kind in pairs if is_correct(score, kind)]
