"""Loading a policy: a vision-language model in 4 bits with adapters on its language stack, ready to train.

Ordinary Hugging Face objects come back: a `PeftModel` around any model that `AutoModelForImageTextToText` knows, and
its processor. The vision tower is left in full precision and never trained, as in the paper (arXiv 2504.11468 §3.1).
"""

import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.run_note import SEEN, seen_by
from .adapter_checks import check_adapter_settings, check_is_no_adapter
from .hub_advice import hub_advice
from .profiles import Profile

if TYPE_CHECKING:
    import pandas as pd
    from peft import PeftModel

LORA_TARGETS = r".*language_model.*\.(q_proj|k_proj|v_proj|o_proj|gate_proj|up_proj|down_proj)"
"""The linear layers of the language stack; a pattern, so that look-alikes in the vision tower stay out."""
NOT_QUANTISED = [r".*visual", r".*vision_tower", "lm_head"]


def load_policy(
    profile: Profile, *, adapter: str | Path | None = None, trainable: bool = True, seed: int = 0
) -> "tuple[PeftModel, Any]":
    """Load the model of a profile, in 4 bits when it says so, with LoRA adapters and a frozen vision tower.

    Where the profile computes in float16, the tower stays in float32 (`guard_tower`): it would overflow. On a GPU
    the memory of policies and trainers that were deleted is taken back first; those that still have a name stay, and
    there may be no room beside them: `del model, trainer` before this call.

    Args:
        profile: what to load and where; `profile.model` may be any Qwen2-VL, 2.5-VL or 3-VL folder or hub id.
        adapter: a saved adapter to go on with; None attaches a fresh one that changes nothing yet.
        trainable: False loads an adapter for inference only.
        seed: of a fresh adapter's random half (the other half is zero).

    Returns:
        `(model, processor)`; the processor pads on the left, as generation needs.

    Raises:
        FileNotFoundError: the mini VLM's files are not in the package, or `adapter` is not a saved adapter.
        ValueError: an adapter of another base, or with settings that peft is not given (`adapter_checks`); a model that
            is an adapter, or that brings code of its own; or on a CPU, a layer that bitsandbytes cannot hold in 4 bits
            rightly (`check_nf4_widths`).
        ImportError: adapters on 16-bit layers beside a torchao that peft refuses; the command is in the message.
        MemoryError: out of memory; what else holds some, and what to change, is in the message.
        OSError: the hub does not give the model; a note says what to do.
    """
    from . import free_memory
    from .out_of_memory import loading_advice

    if profile.device == "cuda":
        free_memory.collect_dropped()  # 0.3 s, which a model of the mini lab is not worth
    with hub_advice(profile.model):
        check_is_no_adapter(profile.model)
    if Path(profile.model).is_absolute() and not (Path(profile.model) / "config.json").exists():
        raise FileNotFoundError(
            f"no model in {profile.model}; expected config.json and model.safetensors there. "
            "Reinstall the package, or train one: python -m vlaa_helpers.dev.mini_vlm.train train --help"
        )
    if adapter is not None:  # before minutes go into loading
        check_adapter_settings(adapter, pattern=LORA_TARGETS)
    if not profile.load_in_4bit:  # bitsandbytes' layers are known before peft asks for torchao's
        check_torchao()
    in_bits = "4 bits" if profile.load_in_4bit else f"{profile.dtype}; profile.replace(load_in_4bit=True) takes less"
    with loading_advice(f"Loading {profile.model} in {in_bits}."):
        model = _load_base(profile)
        if adapter is None:
            model = _fresh_adapter(model, profile, seed)
        else:
            model = attach_adapter(model, adapter, profile, trainable=trainable)
            setattr(model, SEEN, seen_by(adapter))
    return model, load_processor(profile)


def _load_base(profile: Profile) -> Any:
    import torch
    from transformers import AutoModelForImageTextToText, BitsAndBytesConfig

    from .vision_tower import guard_tower

    dtype = getattr(torch, profile.dtype)
    quantization = None
    if profile.load_in_4bit:
        quantization = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=dtype,
            llm_int8_skip_modules=NOT_QUANTISED,
        )
    with hub_advice(profile.model):
        model = AutoModelForImageTextToText.from_pretrained(
            profile.model,
            dtype=dtype,
            quantization_config=quantization,
            device_map={"": _place(profile)},
            trust_remote_code=False,
        )
    keep_4bit_trainable(model)
    check_nf4_widths(model)
    guard_tower(model)
    return model


def _fresh_adapter(model: Any, profile: Profile, seed: int) -> "PeftModel":
    from peft import LoraConfig, get_peft_model
    from transformers import set_seed

    config = LoraConfig(
        r=profile.lora_rank, lora_alpha=profile.lora_alpha, target_modules=LORA_TARGETS, task_type="CAUSAL_LM"
    )
    set_seed(seed)
    return get_peft_model(model, config)


def _place(profile: Profile) -> str:
    """The CPU, or this process's own GPU when `torchrun` or `accelerate` started several."""
    return f"cuda:{os.environ.get('LOCAL_RANK', 0)}" if profile.device == "cuda" else profile.device


def attach_adapter(model: Any, adapter: str | Path, profile: Profile, *, trainable: bool) -> Any:
    """Put a saved adapter on the model of a profile, every weight of it where it belongs.

    peft 0.21 only warns of adapter weights that the file lacks, and drops in silence those that the model has no layer
    for: an adapter of a model with other layers would do part of its work, or none.

    Raises:
        FileNotFoundError: `adapter` is not a saved adapter.
        ValueError: settings of the adapter that peft is not given (`adapter_checks`), or weights that are not those
            that the model's layers take.
    """
    from peft import PeftModel, get_peft_model_state_dict
    from peft.utils import load_peft_weights

    check_adapter_settings(adapter, pattern=LORA_TARGETS)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Some weights of|Found missing adapter keys")  # an error below
        model = PeftModel.from_pretrained(model, adapter, is_trainable=trainable, ignore_mismatched_sizes=True)
    saved = load_peft_weights(adapter, device="cpu")
    taken = get_peft_model_state_dict(model, save_embedding_layers=False)
    for name in sorted(saved.keys() | taken.keys()):
        there, here = (tuple(w[name].shape) if name in w else "nothing" for w in (saved, taken))
        if there != here:
            base = model.peft_config["default"].base_model_name_or_path
            raise ValueError(
                f"the adapter in {adapter} was trained on {base} and does not fit {profile.model}: "
                f"{name} is {there} in the file, expected {here}. "
                f"Load it on its own base: profile.replace(model={base!r})"
            )
    return model


def load_processor(profile: Profile) -> Any:
    """The processor of a profile's model: pads on the left, brings images down to `profile.max_pixels`."""
    from transformers import AutoProcessor

    with hub_advice(profile.model):
        processor = AutoProcessor.from_pretrained(profile.model, padding_side="left", trust_remote_code=False)
    processor.image_processor.size["longest_edge"] = profile.max_pixels
    return processor


def keep_4bit_trainable(model: Any) -> None:
    """Keep bitsandbytes from packing 4-bit weights for CPU inference.

    On CPUs with AVX512-BF16, the first forward pass in eval mode without gradients repacks the weights, and the packed
    product has no autograd: training after an evaluation then fails or cuts the gradient (bitsandbytes 0.50).
    """
    from bitsandbytes.nn import Linear4bit

    for module in model.modules():
        if isinstance(module, Linear4bit):
            module.support_avx512bf16_for_cpu = False


def check_torchao() -> None:
    """Refuse a torchao that peft refuses, before minutes go into loading: peft asks for it at the first adapter.

    torchao is not needed; Colab has an old one. peft 0.21 takes none, or 0.16 and later.

    Raises:
        ImportError: with the command to run.
    """
    from peft.import_utils import is_torchao_available

    try:
        is_torchao_available()
    except ImportError as error:
        raise ImportError(
            f"peft puts no adapters on layers in 16 or 32 bits beside the torchao that is here: {error}. Run "
            "pip install --upgrade torchao (in a notebook %pip …; or pip uninstall -y torchao, nothing here needs it), "
            "restart the session and load again; profile.replace(load_in_4bit=True) works without it"
        ) from None


def check_nf4_widths(model: Any) -> None:
    """Refuse 4-bit layers that bitsandbytes 0.50 computes wrongly on a CPU.

    Its CPU kernel counts blocks of 64 weights row by row, while the weights were rounded in one long row: where a
    layer's input width is not a multiple of 64, the values are off by a relative 0.25 instead of 0.09.

    Raises:
        ValueError: such a layer, with its name and width.
    """
    from bitsandbytes.nn import Linear4bit

    for name, module in model.named_modules():
        if isinstance(module, Linear4bit) and module.weight.device.type == "cpu" and module.in_features % 64:
            raise ValueError(
                f"{name} takes {module.in_features} inputs; expected a multiple of 64, because bitsandbytes on a CPU "
                "rounds other widths wrongly. Load it in full precision: profile.replace(load_in_4bit=False)"
            )


def image_token_ids(processor: Any) -> list[int]:
    """Tokens that stand for images: a policy must never write them, or the next forward pass looks for images.

    Raises:
        TypeError: a tokenizer in place of a processor, as models have that read text only.
    """
    if not hasattr(processor, "tokenizer"):
        raise TypeError(
            f"got a {type(processor).__name__}, which reads text only; expected the processor of a vision-language "
            "model. Load the two together: model, processor = load_policy(profile)"
        )
    tokenizer = processor.tokenizer
    names = ("<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>")
    ids = [tokenizer.convert_tokens_to_ids(name) for name in names]
    return sorted({token for token in ids if token is not None and token != tokenizer.unk_token_id})


def check_reads_images(model: Any) -> None:
    """Refuse a model that reads text only, before it fails somewhere inside.

    Raises:
        TypeError: its configuration has no vision tower.
    """
    if not hasattr(model.config, "vision_config"):
        raise TypeError(
            f"got a model of type {model.config.model_type}, which reads text only; expected a vision-language model, "
            'as load_policy(profile) gives. To name another: profile.replace(model="Qwen/Qwen2.5-VL-3B-Instruct")'
        )


TOWERS = ("vision", "projector", "embeddings", "language", "head")


def tower_of(name: str) -> str:
    """Which part of a vision-language model a parameter belongs to, by its name: one of `TOWERS`."""
    if ".merger." in name or "multi_modal_projector" in name or ".deepstack_merger" in name:
        return "projector"
    if "visual" in name or "vision_tower" in name:
        return "vision"
    if "embed_tokens" in name:
        return "embeddings"
    return "head" if "lm_head" in name else "language"


def parameter_table(model: Any) -> "pd.DataFrame":
    """Parameters by tower: how many there are, how many train, and the memory that they take.

    Columns: `parameters`, `trainable`, `share` (trainable as a share of the tower, 0-1), `mebibytes`, `stored_as`.
    A 4-bit weight counts with its true number of parameters, and with its packed size and that of its scales.
    """
    import pandas as pd
    from bitsandbytes.nn import Params4bit

    rows: dict[str, dict] = {}
    for name, parameter in model.named_parameters():
        row = rows.setdefault(tower_of(name), {"parameters": 0, "trainable": 0, "bytes": 0, "kinds": set()})
        packed = isinstance(parameter, Params4bit) and parameter.quant_state is not None
        count = parameter.quant_state.shape.numel() if packed else parameter.numel()
        row["parameters"] += count
        row["trainable"] += count if parameter.requires_grad else 0
        row["bytes"] += parameter.nbytes + (_scale_bytes(parameter.quant_state) if packed else 0)
        row["kinds"].add("nf4" if packed else str(parameter.dtype).removeprefix("torch."))
    table = pd.DataFrame(
        {
            tower: {
                "parameters": row["parameters"],
                "trainable": row["trainable"],
                "share": row["trainable"] / row["parameters"],
                "mebibytes": row["bytes"] / 2**20,
                "stored_as": " + ".join(sorted(row["kinds"])),
            }
            for tower in TOWERS
            if (row := rows.get(tower))
        }
    ).T
    return table.astype({"parameters": int, "trainable": int, "share": float, "mebibytes": float})


def _scale_bytes(state: Any) -> int:
    """Memory of the scales of a 4-bit weight: one a block, and where these are rounded too, one a block of scales."""
    return state.absmax.nbytes + (state.state2.absmax.nbytes if state.nested else 0)


def spare_frozen_tower(model: Any) -> None:
    """Let no gradient into a vision tower that does not train.

    With activation checkpointing TRL and peft mark the output of every embedding as in need of a gradient, the patch
    embedding too (transformers 5.23): the backward pass then goes through the whole frozen tower, for nothing.
    """
    if any(parameter.requires_grad and tower_of(name) == "vision" for name, parameter in model.named_parameters()):
        return
    for name, module in model.named_modules():
        if tower_of(name) == "vision":
            for key, hook in list(module._forward_hooks.items()):
                if getattr(hook, "__name__", "") == "make_inputs_require_grads":
                    del module._forward_hooks[key]
