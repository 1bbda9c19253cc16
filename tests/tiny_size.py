"""A size for `random_qwen`: the layers of Qwen2.5-VL, two of each kind, and narrow."""

from vlaa_helpers.dev.benchmarks.random_qwen import TRUE_SIZE

TINY = {
    "text": TRUE_SIZE["text"]
    | {
        "hidden_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 128,
        "vocab_size": 2048,
        "rope_parameters": {"rope_type": "default", "rope_theta": 1_000_000.0, "mrope_section": [4, 6, 6]},
    },
    "vision": TRUE_SIZE["vision"]
    | {
        "hidden_size": 64,
        "depth": 2,
        "num_heads": 2,
        "intermediate_size": 128,
        "out_hidden_size": 64,
        "fullatt_block_indexes": [1],
    },
}
