"""Allocations that fail: told from other errors, and answered with what else holds memory."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from ..core.command_line import as_options
from ..core.help_page import help_at

GIB = 2**30
MORE = f"\nMore: {help_at('CUDA out of memory')}"
OUT_OF_MEMORY = (
    "DefaultCPUAllocator: can't allocate memory",
    "not enough memory: you tried to allocate",
    "CUDA error: out of memory",
    "CUDA driver error: out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
)
"""How torch says it on a CPU (Linux and macOS, Windows), and what CUDA and its libraries say of themselves."""


@contextmanager
def loading_advice(doing: str) -> Iterator[None]:
    """Answer an allocation that fails while models are loaded in here with what else holds memory, and what to change.

    Of one in another the outer answers: a merge cannot do with a base in 4 bits, as a load alone could.

    Args:
        doing: what is loaded, and what to change: a line of the message.

    Raises:
        MemoryError: in place of torch's own error, which is its cause.
    """
    others = held_by_others()
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        cause = error.__cause__ if isinstance(error, MemoryError) else error
        if not is_out_of_memory(cause):
            raise
        raise MemoryError(f"{first_line(cause)}\n{doing}{others_words(others)}{MORE}") from cause


def held_by_others(model: Any = None) -> int:
    """Bytes that this process holds on the GPU beside the weights of a model: other models, trainers, outputs."""
    import torch

    if not torch.cuda.is_available():
        return 0
    return max(0, torch.cuda.memory_allocated() - (0 if model is None else weights_of(model)))


def others_words(others: int) -> str:
    """What to do about what else was held, a line to add to a message; "" below 1 GiB."""
    if others < GIB:
        return ""
    return (
        f"\nOther models, trainers or tensors of this process held {others / GIB:.1f} GiB before. Drop them first: "
        "restart the kernel, or del them by name, then gc.collect() and torch.cuda.empty_cache()."
    )


def weights_of(model: Any) -> int:
    """Bytes of a model's weights, those that share memory counted once."""
    sizes = {p.untyped_storage().data_ptr(): p.untyped_storage().nbytes() for p in model.parameters()}
    return sum(sizes.values())


def first_line(error: Exception) -> str:
    """What an error says, without what follows it: torch adds a page."""
    return str(error).splitlines()[0]


def is_out_of_memory(error: BaseException | None) -> bool:
    """Whether torch could not allocate memory, on a GPU or on the CPU."""
    import torch

    return isinstance(error, torch.OutOfMemoryError) or any(words in str(error) for words in OUT_OF_MEMORY)


def memory_words(error: BaseException, profile: Any = None, command: str = "") -> str:
    """What a command says of an allocation that failed, on a GPU or a CPU, in its own options; "" for any other error.

    Args:
        profile: that the policy was loaded with; None where there is none yet.
        command: "sft" or "grpo" have an estimate, with the settings to change in order.
    """
    if "torch" not in sys.modules:
        return f"out of memory: {error}" if isinstance(error, MemoryError) else ""
    if isinstance(error, MemoryError) and is_out_of_memory(error.__cause__ or error):  # answered by our own functions
        return as_options(str(error))
    if not (isinstance(error, MemoryError) or is_out_of_memory(error)):
        return ""
    head = f"out of memory: {first_line(error) if str(error) else type(error).__name__}"
    if profile is not None and command in ("sft", "grpo"):
        from .memory_estimate import estimate_memory

        with suppress(OSError, ValueError):  # no configuration of the model to be had
            return as_options(f"{head}\nThe estimate was:\n{estimate_memory(profile, command)}{MORE}")
    knobs = "batch_size=1, profile.replace(max_pixels=131_072), profile.replace(load_in_4bit=True)"
    return as_options(f"{head}\nIn this order: {knobs}; close what else holds memory, or take a larger machine{MORE}")
