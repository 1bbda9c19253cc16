"""Responses of a policy, drawn in the same way whoever asks for them."""

import hashlib
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from ..core.messages import say_once
from .loading import check_reads_images, image_token_ids

if TYPE_CHECKING:
    from datasets import Dataset

logger = logging.getLogger(__name__)

NO_THINKING = "<think>\n\n</think>\n<answer>"
"""The start of a response that leaves nothing to do but answer: the control without thinking."""


@dataclass(frozen=True)
class SamplingParams:
    """How responses are drawn.

    Attributes:
        samples: responses a prompt; 1 is greedy, more are drawn from the whole distribution.
        temperature: of the sampling.
        max_new_tokens: a response that reaches it without ending is truncated.
        start: text that every response starts with; the model goes on from there.
        seed: of the sampling.
        exact_draws: sample with the random numbers that `generate` would take (`decode_loop`).
    """

    samples: int = 1
    temperature: float = 1.0
    max_new_tokens: int = 128
    start: str = ""
    seed: int = 0
    exact_draws: bool = False


def response_batches(
    model: Any,
    processor: Any,
    prompts: "Dataset",
    sampling: SamplingParams,
    *,
    batch_size: int,
    words: str,
) -> Iterator[tuple[dict[str, list], list[tuple[str, int, bool]]]]:
    """Batches of a `to_grpo` view, as columns, each with the model's responses as `generate_responses` gives them.

    The model generates in eval mode; between two batches it is in the mode that it was in, with its own weights, and
    the caller's random state is not touched. What is drawn for a batch depends on the seed and on the id of its first
    record, not on the batches before it.

    Args:
        batch_size: sequences generated at once.
        words: for the progress bar.

    Raises:
        ImageFeaturesError: features of an image are not finite; the record is named.
        MemoryError: out of memory; what to change is in the message.
    """
    import torch
    from tqdm.auto import tqdm

    from .dense_weights import dense_weights
    from .out_of_memory import held_by_others, is_out_of_memory, others_words
    from .vision_tower import naming_images

    step = max(1, batch_size // sampling.samples)
    devices, others = range(torch.cuda.device_count()), held_by_others(model)
    for first in tqdm(range(0, len(prompts), step), unit="batch", leave=False, desc=words):
        batch = prompts[first : first + step]  # its images are decoded here, once
        was_training = model.training
        model.eval()
        try:
            with torch.random.fork_rng(devices=devices), torch.no_grad(), dense_weights(model):
                torch.manual_seed(seed_of(sampling.seed, batch["id"][0]))
                with naming_images(processor, partial(_named, batch)):
                    responses = generate_responses(model, processor, batch["prompt"], batch["images"], sampling)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            raise MemoryError(_less_at_once(error, batch_size, sampling) + others_words(others)) from error
        finally:
            model.train(was_training)
        yield batch, responses  # nothing is held here: a caller may stop, or train


def _less_at_once(error: Exception, batch_size: int, sampling: SamplingParams) -> str:
    """What to change, in this order: fewer rows at once only take longer; shorter responses may be cut."""
    knobs = []
    if batch_size >= 2 * sampling.samples:  # below that, one record's samples are a batch already
        knobs.append(f"batch_size={batch_size // 2} (it is {batch_size})")
    elif sampling.samples > 1:
        knobs.append(f"samples={sampling.samples // 2} (it is {sampling.samples})")
    knobs.append(f"max_new_tokens={max(1, sampling.max_new_tokens // 2)} (it is {sampling.max_new_tokens})")
    knobs.append("smaller images, by processor.image_processor.size['longest_edge']")
    apart = ", batch_size apart" if sampling.samples == 1 else ""
    return (
        f"{str(error).splitlines()[0]}\nToo much at once? In this order: {'; '.join(knobs)}. What a folder holds "
        f"already goes on with the same settings{apart}; others need another folder"
    )


def _named(batch: dict[str, list]) -> list[tuple[str, Any]]:
    return [(name, image) for name, several in zip(batch["id"], batch["images"], strict=True) for image in several]


def seed_of(seed: int, name: str) -> int:
    """A seed for one record among many.

    >>> seed_of(0, "blocks-7") == seed_of(0, "blocks-7") != seed_of(1, "blocks-7")
    True
    """
    return int.from_bytes(hashlib.sha256(f"{seed}/{name}".encode()).digest()[:7], "big")


def generate_responses(
    model: Any, processor: Any, prompts: Sequence[list[dict]], images: Sequence[list], sampling: SamplingParams
) -> list[tuple[str, int, bool]]:
    """Responses to a batch of chat prompts: (text, tokens, truncated) of each, the samples of a prompt together.

    Args:
        prompts: message lists with a bare image placeholder for each image of `images` at the same place.
    """
    import torch
    from transformers import LogitsProcessorList

    from .decode_loop import FiniteScores
    from .generate_settings import unusual_settings
    from .prefix_cache import generate_from, prefill, unshareable_inputs, unshareable_reason

    check_reads_images(model)
    inputs = chat_inputs(model, processor, prompts, images, sampling.start)
    drawn = {"do_sample": True, "temperature": sampling.temperature, "top_k": 0, "top_p": 1.0}
    settings = {
        **({"do_sample": False} if sampling.samples == 1 else drawn),
        **unbent(processor),
        "max_new_tokens": sampling.max_new_tokens,
        "return_dict_in_generate": False,
    }
    single = {**settings, "num_return_sequences": 1}  # a row each: a prefix knows how many go on from it
    reason = unshareable_reason(model) or unshareable_inputs(inputs) or unusual_settings(model, single)
    if not reason:
        with torch.no_grad():
            prefix = prefill(model, inputs)
        counts = [sampling.samples] * len(prompts)
        output = generate_from(model, prefix, counts, exact_draws=sampling.exact_draws, **single)
    else:
        again = "prompts are read again for each response, which takes longer: they cannot be shared with"
        say_once(logger, f"{again} {reason}")
        settings["logits_processor"] = LogitsProcessorList([FiniteScores()])
        output = model.generate(**inputs, num_return_sequences=sampling.samples, **settings)
    completions = output[:, inputs["input_ids"].shape[1] :].cpu()
    ends = torch.tensor(model.generation_config.eos_token_id)
    results = []
    for ids in completions:
        ended = torch.isin(ids, ends).nonzero()
        length = int(ended[0]) if len(ended) else len(ids)
        text = sampling.start + processor.tokenizer.decode(ids[:length], skip_special_tokens=True)
        results.append((text, length, not len(ended)))
    return results


def unbent(processor: Any) -> dict[str, Any]:
    """Settings of `generate` that leave a policy's probabilities as they are, except that it never writes an image."""
    return {
        "repetition_penalty": 1.0,  # Qwen2.5-VL's own settings have 1.05, which would also bend the sampling
        "suppress_tokens": image_token_ids(processor),
        "pad_token_id": processor.tokenizer.pad_token_id,
    }


def chat_inputs(
    model: Any,
    processor: Any,
    prompts: Sequence[list[dict]],
    images: Sequence[list],
    replies: str | Sequence[str] = "",
    *,
    padding_side: str = "left",
) -> Any:
    """Chat prompts with their images, and what has been said in reply, as the model reads them.

    Args:
        prompts, images: as `generate_responses` takes them.
        replies: the response to each prompt, or its start; one text is taken for all.
        padding_side: "left" to go on writing, "right" to score what is there.

    Returns:
        What `model(**inputs)` takes, on the model's device; `input_ids` of shape (prompts, tokens).
    """
    replies = [replies] * len(prompts) if isinstance(replies, str) else replies
    template = processor.apply_chat_template
    texts = [
        template(prompt, tokenize=False, add_generation_prompt=True) + reply
        for prompt, reply in zip(prompts, replies, strict=True)
    ]
    shown = [image.convert("RGB") for several in images for image in several]
    inputs = processor(text=texts, images=shown or None, padding=True, padding_side=padding_side, return_tensors="pt")
    return inputs.to(model.device)
