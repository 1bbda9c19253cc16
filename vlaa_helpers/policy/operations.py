"""How many operations a token costs, by what they are spent on: worked out from a model's configuration alone."""

from typing import Any


def token_operations(config: Any, *, seen: int, lora_rank: int) -> dict[str, int]:
    """Floating-point operations of one token's forward pass through the language layers and the head.

    Counted are matrix products, two operations a multiply and add, as torch's own counter does. A backward pass takes
    about twice as many. The vision tower is not in it, nor norms, activation functions and softmax.

    Args:
        config: a model's, of transformers, with dense layers; such as `model.config`.
        seen: tokens that it attends to, itself included.
        lora_rank: of adapters on all linear layers of the language stack, as ours are; 0 for none.

    Returns:
        `weights`: products with the layers' weights and the head's; `attention`: those between tokens; `adapters`.

    >>> from vlaa_helpers import get_profile
    >>> from vlaa_helpers.policy.memory_estimate import config_of
    >>> token_operations(config_of(get_profile("mini")), seen=100, lora_rank=16)
    {'weights': 1966080, 'attention': 204800, 'adapters': 327680}
    """
    text = config.get_text_config()
    hidden, inner, heads = text.hidden_size, text.intermediate_size, text.num_attention_heads
    width = getattr(text, "head_dim", None) or hidden // heads
    queries, keys = heads * width, text.num_key_value_heads * width
    linear = [(hidden, queries), (hidden, keys), (hidden, keys), (queries, hidden)]
    linear += [(hidden, inner), (hidden, inner), (inner, hidden)]  # of a layer: inputs, outputs
    layer = sum(inputs * outputs for inputs, outputs in linear)
    return {
        "weights": 2 * (text.num_hidden_layers * layer + hidden * text.vocab_size),
        "attention": 2 * text.num_hidden_layers * 2 * queries * seen,
        "adapters": 2 * text.num_hidden_layers * lora_rank * sum(map(sum, linear)),
    }
