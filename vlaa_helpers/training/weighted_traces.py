"""The weights of the tokens of traces, to be looked at before anything is trained."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

import pandas as pd
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from ..data.trl_views import BEHAVIOUR, to_sft
from .behaviour_logps import check_scored_tokens, without_scores
from .response_scores import score_responses
from .weigh_tokens import token_weights
from .weighted_sft import check_weighting

if TYPE_CHECKING:
    from datasets import Dataset


def trace_weights(
    model: Any,
    processor: Any,
    records: "Dataset",
    method: str | Callable[..., Tensor],
    *,
    batch_size: int = 16,
    **settings: Any,
) -> pd.DataFrame:
    """What `train_sft(token_weights=method)` would weigh each token of these records with, if it began with this model.

    Args:
        model, processor: the policy that would be trained.
        records: with responses; with a column `behaviour` for PEAR's methods (`add_behaviour_logps`).
        method: a name of `weighting_table()`, or a function.
        batch_size: records read at once.
        **settings: of the method.

    Returns:
        A row a token: `id` of the record, `token` as text, `logp`, `behaviour_logp` where the records have such,
        `entropy` and `weight`. Effective sample size of each trace, as a share of its tokens:
        `weight.groupby(id).agg(lambda w: w.sum() ** 2 / (w**2).sum() / len(w))`.

    Raises:
        ValueError: records without a response, or without what the method reads, or with scores of other tokens; a
            setting out of range.
    """
    bound = partial(token_weights, method, **settings)
    check_weighting(bound if settings else method, records)
    view = to_sft(records)
    scores = [each for _, each in score_responses(model, processor, view, range(len(view)), batch_size=batch_size)]
    logps, entropies = (_padded(each[name] for each in scores) for name in ("logps", "entropies"))
    lengths = torch.tensor([[len(each["logps"])] for each in scores])
    mask = torch.arange(logps.shape[1]) < lengths  # (records, tokens)
    behaviour = None
    if not without_scores(records):
        for name, here, there in zip(records["id"], scores, records[BEHAVIOUR], strict=True):
            check_scored_tokens(here["token_ids"], there, name)
        behaviour = _padded(there["logps"] for there in records[BEHAVIOUR])
    weights = bound(logps, mask, behaviour_logps=behaviour, entropies=entropies)
    tokens = [token for each in scores for token in each["token_ids"]]
    columns = {"logp": logps, "behaviour_logp": behaviour, "entropy": entropies, "weight": weights}
    table = pd.DataFrame(
        {
            "id": [name for name, each in zip(records["id"], scores, strict=True) for _ in each["logps"]],
            "token": [processor.tokenizer.decode([token]) for token in tokens],
        }
    )
    return table.assign(**{name: values[mask].numpy() for name, values in columns.items() if values is not None})


def _padded(rows: Iterable[list[float]]) -> Tensor:
    """Lists of numbers as a tensor, shape (rows, longest)."""
    return pad_sequence([torch.tensor(row) for row in rows], batch_first=True)
