"""The loss of a policy on traces that it was not trained on."""

from typing import TYPE_CHECKING, Any

import torch
from trl.trainer.sft_trainer import DataCollatorForVisionLanguageModeling

from ...data.trl_views import to_sft

if TYPE_CHECKING:
    from datasets import Dataset


def trace_loss(model: Any, processor: Any, records: "Dataset", *, batch_size: int = 50) -> float:
    """Mean negative log-likelihood of a token of the records' responses, in nats; the prompt is not counted.

    Args:
        records: with responses, as `train_sft` takes them; collated as TRL collates them there.
        batch_size: records read at once; the result does not depend on it.
    """
    view = to_sft(records)
    collate = DataCollatorForVisionLanguageModeling(processor, completion_only_loss=True)
    total, tokens = 0.0, 0
    was_training = model.training
    model.eval()
    with torch.no_grad():
        for start in range(0, len(view), batch_size):
            batch = collate([view[k] for k in range(start, min(start + batch_size, len(view)))])
            batch = {name: value.to(model.device) for name, value in batch.items()}
            labels = batch.pop("labels")[:, 1:]
            logits = model(**batch).logits[:, :-1].float()  # (records, tokens, vocabulary)
            total += torch.nn.functional.cross_entropy(
                logits.transpose(1, 2), labels, reduction="sum", ignore_index=-100
            ).item()
            tokens += int((labels != -100).sum())
    model.train(was_training)
    return total / tokens
