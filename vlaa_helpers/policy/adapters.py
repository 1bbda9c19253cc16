"""Adapters on disk and back: save a policy, go on with it, or merge it into its base and see that nothing was lost.

Merging is into the base in 16 (or 32) bits, never into its 4-bit form. peft can do that too, and warns of "rounding
errors": it adds the adapter to the dequantised weights and rounds the sum to NF4 again. Those weights lie on the NF4
grid already, and what moves them by much less than a step is rounded away. Of the adapter of the mini VLM after 20 SFT
steps (4% of the weights' norm) 14% was left, after two steps (0.8%) 1%; merged so, the model was nearly its bare base.
"""

import gc
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.adapter_config import ADAPTER_CONFIG, read_adapter_config
from ..core.run_note import NOTE
from ..core.whole_files import write_whole
from ..data.trl_views import to_grpo
from ..mini_world.scenes import make_scenes
from .generation import chat_inputs
from .loading import load_policy
from .profiles import Profile

if TYPE_CHECKING:
    from datasets import Dataset
    from torch import Tensor

TOLERANCE = {"float32": 1e-4, "float16": 2**-7, "bfloat16": 2**-4}
"""The largest difference in a logit that a merge may make, as a share of the largest logit: 8 units in the last place
in 16 bits. Seen at most, in mini VLMs and random ones of 12 and 36 layers: 3e-6, 0.0045 and 0.034."""
ROUNDING = 0.5
"""What rounding may take at most, as a share of what the adapter does (mean absolute differences). A merge that leaves
the adapter out, or counts it twice, has 1."""

MERGE_REPORT = "merge_report.txt"
"""What a merge leaves beside the model: the proof that it lost nothing."""
FLOAT16_WARNING = (
    "float16 weights:      the vision tower of Qwen2.5-VL overflows in float16 on some images; load_policy guards it, "
    'from_pretrained alone does not: load with dtype="bfloat16" or "float32", or merge with dtype="bfloat16"'
)


def save_policy(model: Any, processor: Any, folder: str | Path, *, is_main_process: bool = True) -> Path:
    """Save the adapters of a policy and its processor in one folder: `load_policy(profile, adapter=folder)` goes on.

    `adapter_config.json` names the base model (`base_model_name_or_path`); the base itself is not saved.

    Args:
        is_main_process: whether this process writes. Where FSDP has sharded the model, every process has to call this,
            because each holds a part of each adapter; elsewhere the main one is enough.

    Raises:
        ValueError: a model without adapters, or a folder that holds a whole model.
    """
    from peft import PeftModel

    folder = Path(folder)
    if not isinstance(model, PeftModel):
        raise ValueError(
            f"{type(model).__name__} has no adapters to save; expected a policy from load_policy. "
            "Save a whole model with model.save_pretrained(folder)"
        )
    if (folder / "config.json").exists():
        raise ValueError(
            f"{folder} holds a whole model; an adapter beside it would be put on it whenever it is loaded. "
            "Save the adapter in a folder of its own"
        )
    own = [name for name in model.peft_config if name != "ref"]  # TRL's copy of the policy that GRPO began with
    model.save_pretrained(folder, selected_adapters=own, state_dict=_gathered(model), is_main_process=is_main_process)
    if is_main_process:
        processor.save_pretrained(folder)
    return folder


def _gathered(model: Any) -> "dict[str, Tensor] | None":
    """The weights of all adapters by name, whole, where FSDP2 has sharded them over processes; None elsewhere."""
    from torch.distributed.tensor import DTensor

    weights = {name: weight for name, weight in model.state_dict().items() if model.base_model.prefix in name}
    if not any(isinstance(weight, DTensor) for weight in weights.values()):
        return None
    return {name: weight.full_tensor() if isinstance(weight, DTensor) else weight for name, weight in weights.items()}


def find_adapter(folder: str | Path, profile: Profile) -> Path | None:
    """The newest adapter of a profile's base that `save_policy` left in a folder or below it; None where there is none.

    Checkpoints of a trainer, the reference of a KL term, and what a fresh run moved to `previous/` are no finished
    policies and do not count.

    Raises:
        ValueError: an `adapter_config.json` that is broken or names no base; the message names the file.
    """
    found = []
    for path in Path(folder).rglob(ADAPTER_CONFIG):
        above = path.relative_to(folder).parts[:-1]
        if any(name == "ref" or name.startswith(("checkpoint-", "previous")) for name in above):
            continue
        base = read_adapter_config(path.parent)["base_model_name_or_path"]
        if Path(base).name == Path(profile.model).name:  # a folder may lie elsewhere today
            found.append(path)
    return max(found, key=lambda path: path.stat().st_mtime).parent if found else None


@dataclass(frozen=True)
class LogitGap:
    """How far the logits of two models are apart on the same tokens.

    Attributes:
        largest, mean: absolute difference over all tokens and the whole vocabulary.
        agree: share of tokens after which both find the same token most likely, 0-1.
    """

    largest: float
    mean: float
    agree: float

    def __str__(self) -> str:
        return f"largest {self.largest:.2g}, mean {self.mean:.2g}, same next token {self.agree:.1%}"


@dataclass(frozen=True)
class MergeReport:
    """What a merge changed, in logits on a few records.

    Attributes:
        folder, dtype: where the merged model is, and the type of its weights.
        base, trained_on: the model merged into, and the one that the adapter's own note names.
        tokens, logit_size: how many tokens were compared; the largest absolute logit of base and adapter.
        adapter_vs_base: what the adapter does.
        adapter_vs_merged: what adding it to rounded weights changed.
        merged_vs_reloaded: what saving and loading changed.
        merged_vs_4bit: the merged model against the adapter on the 4-bit base that it was trained on. That is the error
            of 4 bits, and it does not vanish: the adapter learned on rounded weights and now sits on exact ones. None
            where the profile does not load in 4 bits.
    """

    folder: Path
    dtype: str
    base: str
    trained_on: str
    tokens: int
    logit_size: float
    adapter_vs_base: LogitGap
    adapter_vs_merged: LogitGap
    merged_vs_reloaded: LogitGap
    merged_vs_4bit: LogitGap | None

    def __str__(self) -> str:
        head = (
            f"{self.folder}: an adapter of {Path(self.trained_on).name} merged into {Path(self.base).name} "
            f"in {self.dtype}; {self.tokens} tokens, logits up to {self.logit_size:.3g}"
        )
        lines = [
            f"adapter vs base:      {self.adapter_vs_base}; this is what the adapter does",
            f"adapter vs merged:    {self.adapter_vs_merged}; {self.dtype} rounding",
            f"merged vs reloaded:   {self.merged_vs_reloaded}",
        ]
        if self.dtype == "float16":
            lines.append(FLOAT16_WARNING)
        if self.merged_vs_4bit:
            lines.append(f"merged vs 4-bit base: {self.merged_vs_4bit}; the error of 4 bits, which does not vanish")
        return "\n".join([head, *(f"  - {line}" for line in lines)])


def merge_adapter(
    adapter_folder: str | Path,
    profile: Profile,
    out_folder: str | Path,
    *,
    dtype: str | None = None,
    records: "Dataset | None" = None,
) -> MergeReport:
    """Merge an adapter into its base, save the whole model with its processor, and measure what that changed.

    The report is written beside it too (`merge_report.txt`).
    `load_policy(profile.replace(model=str(out_folder)))` loads the result, as does
    `AutoModelForImageTextToText.from_pretrained(out_folder)`.

    Args:
        adapter_folder: as `save_policy` writes it.
        profile: of the base; its `load_in_4bit` decides only whether the adapter on the 4-bit base is compared too.
        out_folder: for the merged model; a folder of its own.
        dtype: "float32", "bfloat16" or "float16" of the merged weights. By default bfloat16 on a GPU, also for a
            profile that computes in float16: whoever loads the merged model without `load_policy` has no guard of the
            vision tower, which overflows in float16 (`policy.vision_tower`). On the CPU float32, in which the mini
            VLM is stored and which costs nothing at its size.
        records: where logits are compared, after the prompt and the response if there is one; six mini-world records
            with images by default.

    Raises:
        FileNotFoundError: no adapter in `adapter_folder`.
        ValueError: an adapter of another base, one that does nothing, a merge that changes more than rounding may
            (`TOLERANCE`, `ROUNDING`; nothing is saved then), or an `out_folder` that holds an adapter, a model or the
            note of a training; one that an earlier merge left is written anew.
        MemoryError: out of memory; what else holds some, and what to change, is in the message.
    """
    from .out_of_memory import loading_advice

    out, dtype = Path(out_folder), dtype or _dtype_to_share(profile)
    if dtype not in TOLERANCE:
        raise ValueError(f"unknown dtype {dtype!r}; expected one of {', '.join(TOLERANCE)}")
    _check_own_folder(out, Path(adapter_folder), profile)
    half = 'dtype="bfloat16" takes half of it; ' if dtype == "float32" else ""
    slower = 'on the CPU it takes longer: profile.replace(device="cpu")'
    doing = f"Merging into {profile.model} in {dtype}, the whole base and not in 4 bits: {half}{slower}."
    with loading_advice(doing):
        return _merged(adapter_folder, profile, out, dtype, records)


def _check_own_folder(out: Path, adapter: Path, profile: Profile) -> None:
    """Raises ValueError for a folder with something in it that a merged model would be mixed with, or would replace."""
    own = "Give the merged model a folder of its own"
    here, is_merged = out.resolve(), (out / MERGE_REPORT).exists()
    if here == Path(profile.model).resolve() or here in (adapter.resolve(), *adapter.resolve().parents):
        raise ValueError(f"{out} is the base, or holds the adapter {adapter}; expected another folder. {own}")
    held = [name for name in (ADAPTER_CONFIG, "config.json", NOTE) if (out / name).exists()]
    if held and (held[0] == ADAPTER_CONFIG or not is_merged):
        raise ValueError(
            f"{out} holds {held[0]}; expected an empty folder, or one with the {MERGE_REPORT} of an earlier merge, "
            f"which is written anew. {own}, or delete this one"
        )


def _dtype_to_share(profile: Profile) -> str:
    """Of the weights of a whole model that anyone may load: the profile's, but not float16."""
    return "bfloat16" if profile.dtype == "float16" else profile.dtype


def _merged(
    adapter_folder: str | Path, profile: Profile, out: Path, dtype: str, records: "Dataset | None"
) -> MergeReport:
    import torch
    from transformers import AutoModelForImageTextToText

    from .vision_tower import guard_tower

    whole = profile.replace(load_in_4bit=False, dtype=dtype)
    model, processor = load_policy(whole, adapter=adapter_folder, trainable=False)
    trained_on = model.peft_config["default"].base_model_name_or_path
    inputs = _inputs(model, processor, make_scenes(6, split="test") if records is None else records)
    with model.disable_adapter():
        base = _logits(model, inputs)
    adapter = _logits(model, inputs)
    effect, size = _gap(adapter, base), float(max(base.abs().max(), adapter.abs().max()))
    if effect.largest == 0:
        raise ValueError(
            f"the adapter in {adapter_folder} does nothing: on {len(base)} tokens its logits are those of "
            f"{profile.model}. A fresh adapter is so: train it (train_sft, train_grpo), then save_policy"
        )
    model = model.merge_and_unload()
    merged = _logits(model, inputs)
    lost = _gap(adapter, merged)
    if not (lost.largest <= TOLERANCE[dtype] * size and lost.mean <= ROUNDING * effect.mean):  # a NaN is refused too
        hint = "the adapter may be damaged: save it again" if dtype == "float32" else 'merge with dtype="float32"'
        raise ValueError(
            f"merging in {dtype} changes the logits: {lost}; expected at most {TOLERANCE[dtype]:.2g} of the largest "
            f"logit, {size:.3g}, and in the mean at most {ROUNDING} of what the adapter does: {effect}. "
            f"Nothing is saved; {hint}"
        )
    model.to(getattr(torch, dtype)).save_pretrained(out)  # the tower too, which computes in float32 beside float16
    processor.save_pretrained(out)
    del model
    gc.collect()  # one model in memory at a time
    whole_again = AutoModelForImageTextToText.from_pretrained(
        out, device_map={"": profile.device}, trust_remote_code=False
    )
    reloaded = _logits(guard_tower(whole_again), inputs)
    del whole_again
    saved = _gap(merged, reloaded)
    if not saved.largest <= TOLERANCE[dtype] * size:
        (out / "config.json").unlink()  # so that it cannot be loaded by mistake
        raise ValueError(f"{out} does not hold what was saved: {saved}; is the disk full? Delete it and merge again")
    gc.collect()
    four_bit = None
    if profile.load_in_4bit:
        four_bit = _gap(merged, _logits(load_policy(profile, adapter=adapter_folder, trainable=False)[0], inputs))
    report = MergeReport(out, dtype, profile.model, trained_on, len(base), size, effect, lost, saved, four_bit)
    write_whole(out / MERGE_REPORT, f"{str(report).removeprefix(f'{out}: ')}\n".encode())
    return report


def _inputs(model: Any, processor: Any, records: "Dataset") -> list[Any]:
    """Model inputs of each record by itself, without padding."""
    rows = zip(to_grpo(records), records["response"], strict=True)
    return [chat_inputs(model, processor, [row["prompt"]], [row["images"]], [said]) for row, said in rows]


def _logits(model: Any, inputs: Sequence[Any]) -> "Tensor":
    """Shape (tokens of all inputs, vocabulary), on the CPU in the model's own type."""
    import torch

    model.eval()
    with torch.no_grad():
        return torch.cat([model(**one.to(model.device)).logits[0].cpu() for one in inputs])


def _gap(first: "Tensor", second: "Tensor") -> LogitGap:
    difference = (first.float() - second.float()).abs()
    agree = (first.argmax(-1) == second.argmax(-1)).float().mean()
    return LogitGap(float(difference.max()), float(difference.mean()), float(agree))
