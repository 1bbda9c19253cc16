"""Operations worked out from a configuration are those that torch counts."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode, flop_registry

from vlaa_helpers import load_policy, token_operations


@pytest.mark.parametrize(("rank", "tokens"), [(4, 11), (8, 32)])
def test_torch_counts_as_many(tiny_profile, rank, tokens):
    profile = tiny_profile.replace(load_in_4bit=False, lora_rank=rank, lora_alpha=rank)
    model, _ = load_policy(profile)
    ids = torch.arange(5, 5 + tokens)[None]  # (1, tokens), no image
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(input_ids=ids, attention_mask=torch.ones_like(ids), use_cache=False)
    found = token_operations(model.config, seen=tokens, lora_rank=rank)
    if torch.ops.aten._scaled_dot_product_flash_attention_for_cpu not in flop_registry:
        found.pop("attention")  # torch 2.11 does not count it on a CPU
    assert counter.get_total_flops() == tokens * sum(found.values())


def test_what_each_part_grows_with(tiny_profile):
    config = load_policy(tiny_profile)[0].config
    base = token_operations(config, seen=10, lora_rank=4)
    assert token_operations(config, seen=30, lora_rank=4) == base | {"attention": 3 * base["attention"]}
    assert token_operations(config, seen=10, lora_rank=0) == base | {"adapters": 0}
