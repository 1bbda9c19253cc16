"""Settings of `generate` with which it would do more than add a token at a time to each row, or give more than tokens.

What goes on from a prompt that was read once (`prefix_cache.generate_from`) cannot do these.
"""

from collections.abc import Mapping
from typing import Any

USUAL = {
    # several candidates a row, or words that a search must place
    "num_beams": 1, "num_beam_groups": 1, "constraints": None, "force_words_ids": None,
    # other passes of the model, or of another model, for each token
    "penalty_alpha": 0, "dola_layers": None, "guidance_scale": 1,
    # several tokens at a time
    "assistant_model": None, "prompt_lookup_num_tokens": None, "assistant_early_exit": None, "use_mtp": False,
    # what is given back
    "num_return_sequences": 1, "return_dict_in_generate": False, "output_scores": False, "output_logits": False,
    "output_attentions": False, "output_hidden_states": False, "streamer": None,
    # how a prompt is read, and what is kept of it
    "use_cache": True, "cache_implementation": None, "prefill_chunk_size": None, "token_healing": False,
    # what generate hands to its own loops alone
    "stop_strings": None, "synced_gpus": False, "custom_generate": None,
}  # fmt: skip
"""Setting to the value with which it changes nothing; None never does."""
SAME_TOKENS = ("use_cache", "prefill_chunk_size")
"""These change what is computed and no token. Whoever gives them gets them; that they stand in a model is no reason to
read each prompt again (a checkpoint of a training often has `use_cache=False`)."""


def unusual_settings(model: Any, settings: Mapping[str, Any]) -> str:
    """Settings with which completions cannot go on from a prefix, as "num_beams=4, streamer"; "" without any.

    Args:
        model: its `generation_config` has the settings that are given nowhere else.
        settings: as `generate` takes them, a `generation_config` among them or not.
    """
    given, own = settings.get("generation_config"), getattr(model, "generation_config", None)
    found = []
    for name, usual in USUAL.items():
        of_model = None if name in SAME_TOKENS else getattr(own, name, None)
        places = [settings.get(name), getattr(given, name, None), of_model]
        place = next((k for k, value in enumerate(places) if value is not None), None)
        if place is not None and places[place] != usual:
            value = places[place]
            words = f"{name}={value}" if isinstance(value, (bool, int, float, str)) else name
            found.append(words + " of the model's generation_config" * (place == 2))
    return ", ".join(found)
