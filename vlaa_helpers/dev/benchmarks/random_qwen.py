"""A Qwen2.5-VL-3B of the true size with random weights: for measuring time and memory where there is no download.

What a step costs depends on shapes and types, not on what the weights know. The tokenizer may be a small one: its ids
are the first of the 151,936 words, and the head computes all of them.
"""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ...policy.profiles import Profile

TRUE_SIZE: dict[str, dict[str, Any]] = {
    "text": {
        "hidden_size": 2048,
        "num_hidden_layers": 36,
        "num_attention_heads": 16,
        "num_key_value_heads": 2,
        "intermediate_size": 11008,
        "vocab_size": 151_936,
        "max_position_embeddings": 128_000,
        "rms_norm_eps": 1e-6,
        "rope_parameters": {"rope_type": "default", "rope_theta": 1_000_000.0, "mrope_section": [16, 24, 24]},
    },
    "vision": {
        "hidden_size": 1280,
        "depth": 32,
        "num_heads": 16,
        "intermediate_size": 3420,
        "out_hidden_size": 2048,
        "patch_size": 14,
        "spatial_merge_size": 2,
        "temporal_patch_size": 2,
        "tokens_per_second": 2,
        "window_size": 112,
        "fullatt_block_indexes": [7, 15, 23, 31],
    },
}
"""Of Qwen/Qwen2.5-VL-3B-Instruct, by two independent copies of its config.json; not held against the hub itself."""
TRUE_WIDTH: dict[str, dict[str, Any]] = {
    "text": {**TRUE_SIZE["text"], "num_hidden_layers": 2, "vocab_size": 16_384},
    "vision": {**TRUE_SIZE["vision"], "depth": 2, "fullatt_block_indexes": [1]},
}
"""The same layers, two of each kind, and fewer words."""
FILE_SIZE = "2GB"


def build_config(size: dict[str, dict[str, Any]], tokenizer: Any) -> Any:
    """A `Qwen2_5_VLConfig` of that size whose special tokens are the tokenizer's.

    Args:
        size: fields of the text and of the vision config, as in `TRUE_SIZE`.
        tokenizer: one with the special tokens of Qwen2.5-VL, such as the mini VLM's.

    Raises:
        ValueError: the tokenizer knows more words than the model has.
    """
    from transformers import Qwen2_5_VLConfig

    if len(tokenizer) > size["text"]["vocab_size"]:
        raise ValueError(
            f"the tokenizer has {len(tokenizer)} words and the model {size['text']['vocab_size']}; raise vocab_size"
        )
    token = tokenizer.convert_tokens_to_ids
    return Qwen2_5_VLConfig(
        text_config={
            **size["text"],
            "bos_token_id": None,
            "eos_token_id": token("<|im_end|>"),
            "pad_token_id": token("<|endoftext|>"),
            "tie_word_embeddings": True,
        },
        vision_config=dict(size["vision"]),
        image_token_id=token("<|image_pad|>"),
        video_token_id=token("<|video_pad|>"),
        vision_start_token_id=token("<|vision_start|>"),
        vision_end_token_id=token("<|vision_end|>"),
        tie_word_embeddings=True,
    )


def save_random_model(
    folder: str | Path, processor: Any, size: dict[str, dict[str, Any]] = TRUE_SIZE, *, device: str = "cpu"
) -> int:
    """Write a model with random weights, and the processor, so that `load_policy` finds them in `folder`.

    In bfloat16, as Qwen publishes it: 7.5 GB for `TRUE_SIZE`, in files of up to `FILE_SIZE`, of which one at a time is
    in memory. The numbers are drawn on `device`: a GPU takes seconds where a CPU takes minutes.

    Returns:
        How many parameters it has.
    """
    import torch
    from huggingface_hub import split_torch_state_dict_into_shards
    from safetensors.torch import save_file
    from transformers import AutoModelForImageTextToText

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with torch.device("meta"):
        model = AutoModelForImageTextToText.from_config(build_config(size, processor.tokenizer), dtype=torch.bfloat16)
    weights = dict(model.named_parameters())  # a tied head is not named again
    files = split_torch_state_dict_into_shards(weights, max_shard_size=FILE_SIZE)
    torch.manual_seed(0)
    for file, names in files.filename_to_tensors.items():
        save_file({name: _drawn(name, weights[name], device) for name in names}, folder / file, {"format": "pt"})
    if files.is_sharded:
        index = {"metadata": files.metadata, "weight_map": files.tensor_to_filename}
        (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=2))
    model.config.architectures = [type(model).__name__]
    model.config.save_pretrained(folder)
    model.generation_config.save_pretrained(folder)
    processor.save_pretrained(folder)
    return model.num_parameters()


def _drawn(name: str, weight: Any, device: str) -> Any:
    """A weight of that shape as an untrained model has it: biases 0, norms 1, all else normal."""
    import torch

    drawn = torch.empty_like(weight, device=device)
    if weight.ndim > 1:
        return drawn.normal_(std=0.02).cpu()
    return drawn.fill_(0 if name.endswith("bias") else 1).cpu()


@contextmanager
def random_model(
    profile: "Profile", processor: Any, size: dict[str, dict[str, Any]]
) -> Iterator[tuple["Profile", int]]:
    """A model of that size in a temporary folder: the profile that loads it, and its number of parameters."""
    from .harness import free_gpu

    with tempfile.TemporaryDirectory() as folder:
        parameters = save_random_model(folder, processor, size, device=profile.device)
        free_gpu()
        yield profile.replace(model=folder), parameters


if __name__ == "__main__":
    import runpy

    runpy.run_module("vlaa_helpers.dev.benchmarks.true_size", run_name="__main__")  # which puts this model to work
