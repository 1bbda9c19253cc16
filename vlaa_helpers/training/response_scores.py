"""Log-probabilities of the tokens of responses, tokenized as TRL's SFT tokenizes them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from trl.trainer.sft_trainer import DataCollatorForVisionLanguageModeling

from ..data.trl_views import to_sft

if TYPE_CHECKING:
    from datasets import Dataset


def trace_loss(model: Any, processor: Any, records: "Dataset", *, batch_size: int = 50) -> float:
    """Mean negative log-likelihood of a token of the records' responses, in nats; the prompt is not counted.

    On held-out traces it is the generalisation loss of arXiv 2510.01624, which predicts accuracy after RL there. Losses
    on other traces are not comparable.

    Args:
        records: with responses, as `train_sft` takes them; tokenized as they are there.
        batch_size: records read at once; the result does not depend on it.

    Raises:
        ValueError: records without a response.
    """
    view = to_sft(records)
    scored = score_responses(model, processor, view, range(len(view)), batch_size=batch_size)
    logps = [logp for _, scores in scored for logp in scores["logps"]]
    return -sum(logps) / len(logps)


def score_responses(
    model: Any, processor: Any, view: "Dataset", places: Sequence[int], *, batch_size: int
) -> Iterator[tuple[int, dict[str, list]]]:
    """Place, and `token_ids`, `logps` and `entropies`, of each of these rows of a `to_sft` view, collated as TRL does.

    The model computes in eval mode; between two batches it is in the mode that it was in.
    """
    from tqdm.auto import tqdm

    collate = DataCollatorForVisionLanguageModeling(processor, completion_only_loss=True)
    for first in tqdm(range(0, len(places), batch_size), unit="batch", leave=False, desc="scoring"):
        some = places[first : first + batch_size]
        batch = {name: value.to(model.device) for name, value in collate([view[k] for k in some]).items()}
        labels = batch.pop("labels")[:, 1:]  # (rows, tokens - 1)
        logps, entropies = label_scores(model, batch, labels)
        for row, place in enumerate(some):
            counted = labels[row] != -100
            tensors = {"token_ids": labels[row], "logps": logps[row], "entropies": entropies[row]}
            yield place, {name: values[counted].tolist() for name, values in tensors.items()}


def label_scores(model: Any, batch: Mapping[str, Tensor], labels: Tensor) -> tuple[Tensor, Tensor]:
    """Log-probability of each label, and entropy of the distribution it is from, in nats.

    Both of shape (rows, tokens - 1), as `labels`; only where a label is not -100 do they mean anything.
    """
    columns = (labels != -100).any(dim=0).nonzero()[:, 0]  # logits of prompts, images with them, are not worked out
    was_training = model.training
    model.eval()
    with torch.no_grad():
        logits = model(**batch, logits_to_keep=columns, use_cache=False).logits  # (rows, columns, vocabulary)
    model.train(was_training)
    logps, entropies = (torch.zeros(labels.shape, device=logits.device) for _ in range(2))
    for row, targets in enumerate(labels[:, columns].clamp(min=0)):  # a row at a time: vocabularies are large
        all_logps = logits[row].float().log_softmax(dim=-1)
        logps[row, columns] = all_logps.gather(1, targets[:, None])[:, 0]
        entropies[row, columns] = torch.special.entr(all_logps.exp()).sum(dim=-1)
    return logps, entropies
