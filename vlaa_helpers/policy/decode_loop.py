"""The loop that samples completions a token at a time: `generate`'s own, but finished completions cost nothing.

    model.generate(..., custom_generate=decode)

Completions of a batch differ in length, and `generate` computes all of them until the longest has ended. The mini
policy's have 33 tokens on average and 96 at most: two thirds of what `generate` computes for them is padding.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad
from transformers import GenerationConfig, LogitsProcessorList, StoppingCriteriaList

LEFT_OUT_AT = 8
"""Finished completions are dropped once they are one in so many of the batch: dropping copies the others' cache."""


def decode(
    model: Any,
    input_ids: Tensor,
    logits_processor: LogitsProcessorList,
    stopping_criteria: StoppingCriteriaList,
    generation_config: GenerationConfig,
    **inputs: Any,
) -> Tensor:
    """Sample completions, or take the likeliest tokens, with the random numbers of `generate`, which calls this.

    Args:
        input_ids: shape (rows, tokens), of prompts and what follows them.
        logits_processor, stopping_criteria, generation_config: as `generate` prepares them.
        **inputs: of the model. `past_key_values` is the cache of each row, of all but its last tokens, and grows;
            `position_ids` are of all tokens, shape (3, rows, tokens); without padding `attention_mask` is None.

    Returns:
        All tokens, shape (rows, tokens), with padding after what ended early.
    """
    ids, mask, cache = input_ids, inputs["attention_mask"], inputs["past_key_values"]  # (rows, tokens), the same
    rows = torch.arange(len(ids), device=ids.device)  # (going,): those that have not been dropped
    ended = torch.zeros(len(ids), dtype=torch.bool, device=ids.device)  # (rows,)
    padding = _padding_token(generation_config)
    read = cache.get_seq_length()
    tokens, positions = ids[:, read:], inputs["position_ids"][..., read:]  # (going, new), (3, going, new)
    while True:
        found = model(
            input_ids=tokens, attention_mask=mask, position_ids=positions,
            past_key_values=cache, use_cache=True, logits_to_keep=1,
        ).logits[:, -1].float()  # (going, vocabulary)  # fmt: skip
        logits = found.new_zeros(len(ids), found.shape[1]).index_copy(0, rows, found)  # (rows, vocabulary)
        scores = logits_processor(ids, logits)
        if generation_config.do_sample:  # random numbers for all rows, so that each row gets its own
            chosen = torch.multinomial(scores.softmax(-1), 1).squeeze(1)  # (rows,)
        else:
            chosen = scores.argmax(-1)
        if padding is not None:
            chosen = chosen.where(~ended, padding)
        ids = torch.cat([ids, chosen[:, None]], dim=1)  # (rows, tokens + 1)
        ended = ended | stopping_criteria(ids, None)
        left = int((~ended).sum())
        if not left:
            return ids
        positions = positions[..., -1:] + 1  # (3, going, 1)
        if (len(rows) - left) * LEFT_OUT_AT >= len(rows):
            going = (~ended[rows]).nonzero().squeeze(1)  # places among those that were going
            cache.batch_select_indices(going)
            rows, positions, mask = rows[going], positions[:, going], mask if mask is None else mask[going]
        tokens = chosen[rows, None]  # (going, 1)
        mask = mask if mask is None else pad(mask, (0, 1), value=1)


def _padding_token(config: GenerationConfig) -> int | None:
    """What follows the end of a row, as `generate` picks it: the padding token, or else the first end token."""
    if config.pad_token_id is not None or config.eos_token_id is None:
        return config.pad_token_id
    return config.eos_token_id[0] if isinstance(config.eos_token_id, list) else config.eos_token_id
