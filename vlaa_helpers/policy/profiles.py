"""The one switch of the series: which model, which data, which device, and what fits there.

`get_profile("mini")` is the mini lab on a CPU; "t4", "l4" and "a100" are the real model on one GPU of that kind; "auto"
looks at the machine. A profile is plain data; what it picked and why is in its `reasons`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..core.assets import MINI_VLMS

REAL_MODEL = "Qwen/Qwen2.5-VL-3B-Instruct"
REAL_DATA = "UCSC-VLAA/VLAA-Thinking"


DTYPES = ("float32", "bfloat16", "float16")
_COUNTS = ("max_pixels", "lora_rank", "sft_batch_size", "max_completion_length")
"""Others are looked at where a batch is planned (`plan_batch`)."""


@dataclass(frozen=True)
class Profile:
    """What to run where.

    Attributes:
        name: the name it was asked for by.
        model: a folder or hub id that `from_pretrained` takes.
        data: what `load_records` takes.
        device: "cpu" or "cuda".
        dtype: "float32", "bfloat16" or "float16": of activations and of the weights that are not in 4 bits.
        max_pixels: images are brought down to this many pixels.
        load_in_4bit: quantise the language stack to NF4 with double quantisation.
        lora_rank, lora_alpha: of the adapters on the language stack.
        sft_batch_size, sft_learning_rate: samples an optimiser step, and the peak learning rate.
        prompts_per_step, num_generations: GRPO samples `num_generations` completions for each prompt of a step.
        grpo_learning_rate, max_completion_length: peak learning rate; tokens a completion may have.
        micro_batch_size: how many sequences go through the model at once in training.
        gradient_checkpointing: recompute activations in the backward pass to save memory.
        test_per_source: held-out questions of each source that a chapter asks; the mini lab's chapters name their own.
        reasons: why it is so, for the reader: each setting that there is something to say of, and the words.
    """

    name: str
    model: str
    data: str
    device: str
    dtype: str
    max_pixels: int
    load_in_4bit: bool = True
    lora_rank: int = 16
    lora_alpha: int = 32
    sft_batch_size: int = 32
    sft_learning_rate: float = 3e-3
    prompts_per_step: int = 8
    num_generations: int = 8
    grpo_learning_rate: float = 1e-3
    max_completion_length: int = 96
    micro_batch_size: int = 64
    gradient_checkpointing: bool = False
    test_per_source: int = 50
    reasons: Mapping[str, str] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        if self.dtype not in DTYPES:
            raise ValueError(f"unknown dtype {self.dtype!r}; expected one of {', '.join(DTYPES)}")
        if self.device not in ("cpu", "cuda"):
            raise ValueError(f"unknown device {self.device!r}; expected cpu or cuda")
        for name in _COUNTS:
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)}: expected 1 or more")

    def replace(self, **changes: Any) -> "Profile":
        """A copy with some settings changed, without the reasons for those: `profile.replace(max_pixels=131_072)`.

        Raises:
            ValueError: an unknown dtype or device, or a number below 1 where something is counted.
        """
        kept = {name: why for name, why in self.reasons.items() if changes.get(name) in (None, getattr(self, name))}
        return replace(self, **{"reasons": kept, **changes})

    @property
    def sampled_at_once(self) -> int:
        """Sequences that a GRPO step samples together, so as many as fit whenever the policy only writes."""
        return self.prompts_per_step * self.num_generations

    def __str__(self) -> str:
        model = Path(self.model).name if Path(self.model).is_dir() else self.model
        bits = "4-bit NF4" if self.load_in_4bit else self.dtype
        head = f"profile {self.name}: {model}, {bits}, {self.dtype} on {self.device}, data {self.data}"
        return "\n".join([head, *(f"  - {reason}" for reason in self.reasons.values())])


_REAL = {
    "lora_rank": 64,
    "lora_alpha": 128,
    "max_pixels": 262_144,
    "sft_batch_size": 32,
    "sft_learning_rate": 1e-4,
    "prompts_per_step": 8,
    "num_generations": 4,
    "grpo_learning_rate": 1e-5,
    "max_completion_length": 512,
    "gradient_checkpointing": True,
}
_GPUS: dict[str, dict] = {
    "t4": {**_REAL, "micro_batch_size": 1, "test_per_source": 20},
    "l4": {**_REAL, "micro_batch_size": 2, "num_generations": 8, "test_per_source": 30},
    "a100": {
        **_REAL,
        "load_in_4bit": False,
        "micro_batch_size": 8,
        "num_generations": 8,
        "test_per_source": 100,
    },
}
"""Each number has its reason in docs/profiles.md."""
_GPU_GIB = {"a100": 38, "l4": 21, "t4": 13}
"""The least memory, in GiB, at which "auto" picks each GPU profile."""
LEAST_CAPABILITY = (7, 5)
"""Of the GPUs that "auto" takes: on older ones, such as a P100 (6.0), nothing was tried."""
NAMES = ("auto", *MINI_VLMS, *_GPUS)


def get_profile(name: str = "auto") -> Profile:
    """Pick a profile by name, or by looking at the machine.

    Args:
        name: "mini" (the mini lab; any machine), "mini_middle", "mini_weak" (the same with smaller models), "t4",
            "l4" or "a100" (the real model on one CUDA GPU with about 15, 24 or 40 GB), or "auto": the largest of
            these that fits, else "mini".

    Raises:
        ValueError: an unknown name.
        RuntimeError: a GPU profile where there is no CUDA.
    """
    if name not in NAMES:
        raise ValueError(f"unknown profile {name!r}; expected one of {', '.join(NAMES)}")
    reasons = {}
    if name == "auto":
        name, reasons["name"] = _look_at_machine()
    if name in MINI_VLMS:
        return _mini(name, reasons)
    import torch

    if not torch.cuda.is_available():
        raise RuntimeError(
            f'profile {name!r} needs a CUDA GPU and torch {torch.__version__} sees none; use get_profile("mini"), '
            "or on Colab choose Runtime > Change runtime type > GPU"
        )
    dtype, reasons["dtype"] = _cuda_dtype(torch.cuda.get_device_capability())
    most = _GPUS[name]["max_pixels"]
    reasons["max_pixels"] = f"images up to {most:,} pixels, as in the paper's evaluation (appendix B.2)"
    if not _GPUS[name].get("load_in_4bit", True):
        words = "weights in 16 bits: with room for both, 4 bits and their dequantised copies would take more"
        reasons["load_in_4bit"] = words
    return Profile(name, REAL_MODEL, REAL_DATA, "cuda", dtype, reasons=reasons, **_GPUS[name])


def settings_of(name: str) -> Profile:
    """The settings of a profile, whatever this machine has: to look at, not to run.

    A GPU profile is in bfloat16, but `t4` in float16, as the card asks for.

    Raises:
        ValueError: an unknown name.
    """
    if name not in _GPUS:
        return get_profile(name)
    dtype = "float16" if name == "t4" else "bfloat16"
    return Profile(name, REAL_MODEL, REAL_DATA, "cuda", dtype, **_GPUS[name])


_MINI_WORDS = {
    "mini": "a Qwen2.5-VL of about two million parameters",
    "mini_middle": "a Qwen2.5-VL of about one million parameters, for the question of what capacity changes",
    "mini_weak": "the smallest and weakest Qwen2.5-VL of three, for the question of what capacity changes",
}


def _mini(name: str, reasons: dict[str, str]) -> Profile:
    reasons = reasons | {
        "model": f"the mini lab: {_MINI_WORDS[name]} in a generated world; runs on any CPU, offline",
        "dtype": "float32: at this size a CPU computes it as fast as anything shorter, and exactly",
    }
    return Profile(name, str(MINI_VLMS[name]), "mini", "cpu", "float32", 112 * 112, reasons=reasons)


def _look_at_machine() -> tuple[str, str]:
    import torch

    if not torch.cuda.is_available():
        return "mini", "auto: no CUDA GPU seen, so the mini lab"
    gpu = torch.cuda.get_device_properties(0)
    gib, capability = gpu.total_memory / 2**30, torch.cuda.get_device_capability()
    if capability < LEAST_CAPABILITY:
        seen, least = (".".join(map(str, pair)) for pair in (capability, LEAST_CAPABILITY))
        return "mini", f"auto: {gpu.name} has compute capability {seen}, less than the {least} of a T4, so the mini lab"
    for name, least in _GPU_GIB.items():
        if gib >= least:
            return name, f"auto: {gpu.name} with {gib:.0f} GiB, at least the {least} GiB that {name} asks for"
    return "mini", f"auto: {gpu.name} has {gib:.0f} GiB, less than the {_GPU_GIB['t4']} GiB of the smallest GPU profile"


def _cuda_dtype(capability: tuple[int, int]) -> tuple[str, str]:
    if capability >= (8, 0):
        return (
            "bfloat16",
            f"bfloat16: compute capability {capability[0]}.{capability[1]} has it, and it needs no loss scaling",
        )
    return (
        "float16",
        f"float16: compute capability {capability[0]}.{capability[1]} has no bfloat16 units (they came with 8.0)",
    )
