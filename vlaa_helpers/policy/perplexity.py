"""How hard a trace is for a model to expect: the filter that picks small SFT sets (arXiv 2504.11468 §3.1)."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..data.trl_views import to_sft
from .generation import chat_inputs

if TYPE_CHECKING:
    from datasets import Dataset


def trace_perplexity(model: Any, processor: Any, records: "Dataset", *, batch_size: int = 16) -> np.ndarray:
    """Perplexity of each record's response, thinking and answer, given its image and question.

    Args:
        model, processor: any vision-language model and its processor.
        records: with responses, as `build_dataset` gives them.
        batch_size: records at once. The logits of their responses are held, those of prompts and images are not.

    Returns:
        Shape (records,), each at least 1; 1 is what the model would have said itself without a doubt.

    Raises:
        ValueError: records without a response.
        MemoryError: out of memory; what to change is in the message.
    """
    import torch
    from tqdm.auto import tqdm

    from .memory_estimate import is_out_of_memory

    rows = to_sft(records)
    was_training = model.training
    model.eval()
    values: list[float] = []
    try:
        with torch.no_grad():
            for first in tqdm(range(0, len(rows), batch_size), unit="batch", leave=False, desc="perplexity"):
                batch = rows.select(range(first, min(first + batch_size, len(rows))))
                values += _perplexities(model, processor, list(batch))
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        knobs = [f"batch_size={batch_size // 2} (it is {batch_size})"] if batch_size > 1 else []
        knobs.append("smaller images, by processor.image_processor.size['longest_edge']")
        raise MemoryError(
            f"{str(error).splitlines()[0]}\nToo much at once? In this order: {'; '.join(knobs)}"
        ) from error
    finally:
        model.train(was_training)
    return np.array(values)


def _perplexities(model: Any, processor: Any, rows: list[dict]) -> list[float]:
    import torch

    prompts, images = ([row[name] for row in rows] for name in ("prompt", "images"))
    completions = [row["completion"][0]["content"][0]["text"] + processor.tokenizer.eos_token for row in rows]
    full = chat_inputs(model, processor, prompts, images, completions, padding_side="right")
    starts = chat_inputs(model, processor, prompts, images, padding_side="right")["attention_mask"].sum(1)  # (rows,)
    length, first = full["input_ids"].shape[1], int(starts.min())  # up to `first` all rows are prompt
    logits = model(**full, logits_to_keep=length - first + 1).logits[:, :-1]  # (rows, length - first, vocabulary)
    targets = full["input_ids"][:, first:]
    places = torch.arange(first, length, device=starts.device)
    counted = (places >= starts[:, None]) & full["attention_mask"][:, first:].bool()  # (rows, length - first)
    losses = [  # row by row: a vocabulary of floats for every token of a batch would not fit a small GPU
        torch.nn.functional.cross_entropy(row[mask].float(), wanted[mask])
        for row, wanted, mask in zip(logits, targets, counted, strict=True)
    ]
    return torch.stack(losses).exp().tolist()


def keep_hardest(records: "Dataset", perplexities: Sequence[np.ndarray], keep: int) -> "Dataset":
    """The `keep` records with the highest perplexity, averaged over models, hardest first.

    The paper averages two models (Qwen2-VL-2B and Qwen2.5-VL-3B) and keeps the highest 25,000, later 10,000 and 5,000.

    Args:
        perplexities: one array a model, as `trace_perplexity` gives it.

    Raises:
        ValueError: no array, arrays of another length than the records, or more to keep than there are.
    """
    lengths = {len(values) for values in perplexities}
    if lengths != {len(records)}:
        raise ValueError(f"expected arrays of {len(records)} perplexities, one a model; got lengths {sorted(lengths)}")
    if not 0 < keep <= len(records):
        raise ValueError(f"keep is between 1 and the {len(records)} records there are, got {keep}")
    order = np.argsort(-np.mean(perplexities, axis=0), kind="stable")
    return records.select(order[:keep])
