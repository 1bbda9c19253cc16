"""GRPO with each prompt, images and all, read once for its group: TRL's trainer, its numbers, a part of its work.

TRL repeats a prompt for each of its completions: through the image processor, the vision tower and the language model,
when it samples, for the log-probabilities of the old policy and of the reference, and in the loss. Here a prompt is
prefilled once in each of these places and its completions go on from there (`prefix_cache`). What is computed is the
same up to the order in which floats are added (arXiv 2506.05433).

Padding is not computed where that can be helped: finished completions are dropped from the batch (`decode_loop`), and
the rows of one pass are run in parts of about one length.

Shapes below: a *row* is a prompt with one of its completions; `counts` says how many rows each prompt has.

A pass of TRL (`per_device_train_batch_size` completions) holds whole groups, or a part of one. In the second case the
prompt's keys and values are kept from pass to pass, each pass leaves its gradients on them, and the last one takes all
of them back through the prompt. So the most that is ever held are the activations of one pass, whose prompts are in it
once: of one prompt and `per_device_train_batch_size` completions where these are few, however large a group is.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, groupby, pairwise
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad
from torch.nn.utils.rnn import pad_sequence
from trl import GRPOConfig, GRPOTrainer

from ..policy.generate_settings import unusual_settings
from ..policy.prefix_cache import Prefix, forward_from, generate_from, prefill, unshareable_reason
from ..policy.tested_versions import untested_reason
from .runner import dense_training

IMAGES = ("pixel_values", "image_grid_thw")
"""Model inputs that exist once a prompt, and not once a completion."""
WORTH_A_PART = 160
"""Rows of one pass are computed in two parts where that saves as many tokens of padding."""


def unsupported_reason(model: Any, args: GRPOConfig, *, any_version: bool = False) -> str | None:
    """Why TRL's own trainer should train this model with these settings; None where prompts can be shared.

    Args:
        any_version: do not mind a TRL or transformers that this was not tested with (`tested_versions`).
    """
    if not any_version and (reason := untested_reason("trl", "transformers")):
        return reason
    sharded = args.fsdp or args.deepspeed or "true" in (os.getenv(f"ACCELERATE_USE_{k}") for k in ("FSDP", "DEEPSPEED"))
    settings = unusual_settings(model, args.generation_kwargs or {})
    reasons = {
        settings: settings,
        "completions sampled by vLLM": args.use_vllm,
        "completions sampled by continuous batching": args.use_transformers_continuous_batching,
        "Liger kernels": args.use_liger_kernel,
        f"a cache of the kind {args.cache_implementation}": args.cache_implementation,
        "a model that is sharded (FSDP or DeepSpeed)": sharded,
        "reentrant activation checkpointing": (args.activation_checkpointing_kwargs or {}).get("use_reentrant"),
    }
    found = next((reason for reason, applies in reasons.items() if applies), None)
    return found or unshareable_reason(model, any_version=True)


class SharedPrefixGRPOTrainer(GRPOTrainer):
    """TRL's `GRPOTrainer`, with the same arguments, that reads each prompt once for its group.

    Losses, gradients and metrics are those of `GRPOTrainer`, up to the order in which floats are added; with
    `exact_draws=True` rollouts are too, else they are other draws from the same distribution (`decode_loop`). There is
    one more difference where a generation batch is split into several passes: TRL deals single completions out to
    them, and here whole groups stay together. That changes what an optimiser step learns from where it takes only a
    part of a generation batch, and else nothing but what is averaged pass by pass: the loss type "bnpo", an entropy
    bonus or quantile, and some logs. In 16 bits sums that are added in another order differ visibly, as they do
    between two batch sizes, and dropout, of a model that has it, is drawn for a prompt once, and once for all prompts
    in what they have in common at their beginning.

    `train_grpo` makes one with tested versions of TRL and transformers only; made directly, it does not ask.

    Raises:
        ValueError: what `unsupported_reason` names but versions, tools, environments, or a rollout function.
    """

    def __init__(self, *args: Any, exact_draws: bool = False, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.exact_draws = exact_draws
        reason = unsupported_reason(self.model, self.args, any_version=True)
        if self.tools or self.environment_factories or self.rollout_func:
            reason = "tools, an environment or a rollout function"
        if reason:
            raise ValueError(f"prompts cannot be shared with {reason}; train with TRL's GRPOTrainer")
        self._counts: list[int] = []  # rows of each prompt that is worked on
        self._fields: dict[str, Tensor] = {}  # what the processor made of these prompts
        self._goes_on = False  # whether the next pass is of the same prompt
        # a prompt's prefix for several passes: as it was computed, and detached, as passes before the last see it
        self._kept: tuple[Prefix, Prefix] | None = None

    def train(self, *args: Any, **kwargs: Any) -> Any:
        self._kept = None  # of a run that was stopped between two passes
        with dense_training(self):
            return super().train(*args, **kwargs)

    # ---- rollouts ----

    def _generate_and_score_completions(self, inputs: list[dict[str, Any]]) -> dict[str, Any]:
        generations = self.num_generations if self.model.training else self.num_generations_eval
        first = self.accelerator.process_index * len(inputs)  # a group may lie across two processes
        self._counts = _run_lengths((first + k) // generations for k in range(len(inputs)))
        processor = self.processing_class
        self.processing_class = _Processed(processor, self)
        try:
            output = super()._generate_and_score_completions(inputs)
        finally:
            self.processing_class = processor
        return output | {"counts": self._counts}

    def _tokenize_prompts(self, prompts: list) -> tuple[list, list | None, dict[str, Any]]:
        ids, images, fields = super()._tokenize_prompts(_firsts(prompts, self._counts))
        self._fields = {name: fields[name] for name in IMAGES if name in fields}
        if "mm_token_type_ids" in fields:
            types = [torch.tensor(types) for types in fields["mm_token_type_ids"]]
            types = pad_sequence(types, batch_first=True, padding_side="left")  # (prompts, tokens)
            self._fields["mm_token_type_ids"] = types.repeat_interleave(torch.tensor(self._counts), 0)  # (rows, tokens)
        return _each(ids, self._counts), images and _each(images, self._counts), fields

    def _generate_single_turn(
        self, prompt_ids: list, images: list | None, multimodal_fields: dict, num_generations: int, **settings: Any
    ) -> tuple[list, None]:
        model = self.accelerator.unwrap_model(self.model_wrapped)
        counts = self._counts

        def generate(generation_config: Any, **inputs: Tensor) -> Tensor:
            del model.generate  # its own again
            return self._sample(model, prefill(model, inputs), generation_config)

        model.generate = generate
        try:
            prompts = _firsts(prompt_ids, counts)
            return super()._generate_single_turn(prompts, images, multimodal_fields, num_generations, **settings)
        finally:
            model.__dict__.pop("generate", None)

    def _sample(self, model: Any, prefix: Prefix, generation_config: Any) -> Tensor:
        """Prompts and their completions, shape (rows, tokens), padded as `generate` pads them."""
        return generate_from(
            model, prefix, self._counts, exact_draws=self.exact_draws, generation_config=generation_config
        )

    # ---- passes ----

    def _prepare_inputs(self, generation_batch: Any) -> dict[str, Any]:
        if not self.model.training:
            return super()._prepare_inputs(generation_batch)
        if self._step % (self.args.steps_per_generation * self.num_iterations) == 0 or self._buffered_inputs is None:
            rollouts = self._generate_and_score_completions(generation_batch)
            self._buffered_inputs, self._kept = _passes(rollouts, self.args.steps_per_generation), None
        return self._buffered_inputs[self._step % self.args.steps_per_generation]

    def _compute_loss(self, model: Any, inputs: dict[str, Any]) -> Tensor:
        alone = [1] * len(inputs["prompt_ids"])  # rows that were not sampled here
        self._counts, self._goes_on = inputs.get("counts", alone), inputs.get("goes_on", False)
        return super()._compute_loss(model, inputs)

    def _get_per_token_logps_and_entropies(
        self,
        model: Any,
        input_ids: Tensor,
        attention_mask: Tensor,
        logits_to_keep: int,
        batch_size: int | None = None,
        compute_entropy: bool = False,
        compute_aux_loss: bool = False,
        num_images: list[int] | None = None,
        **fields: Tensor | None,
    ) -> tuple[Tensor, Tensor | None, None]:
        ids, mask = input_ids[:, -logits_to_keep:], attention_mask[:, -logits_to_keep:]  # (rows, completion tokens)
        prompts = _prompts(input_ids, attention_mask, logits_to_keep, self._counts, num_images, fields)
        rows, found = 0, []
        with self.accelerator.autocast():
            for together, parts in _chunks(self._counts, batch_size or len(ids)):
                prefix = self._prefix(model, _together(prompts[together]))
                for counts in parts:
                    part = slice(rows, rows := rows + sum(counts))
                    found.append(_log_probs(model, prefix, counts, ids[part], mask[part], self._parts(mask[part])))
        logps, entropies = zip(*found, strict=True)  # each (rows of a part, completion tokens)
        return torch.cat(logps), torch.cat(entropies) if compute_entropy else None, None

    def _parts(self, mask: Tensor) -> list[list[int]]:
        """Which rows are run together.

        An entropy quantile may fall on the first tokens of a group, whose entropies are equal in one part and nearly
        equal in two, so then all rows are one part.
        """
        lengths = mask.sum(dim=1).tolist()
        return _of_like_length(lengths) if self.top_entropy_quantile == 1 else [list(range(len(lengths)))]

    def _prefix(self, model: Any, inputs: dict[str, Tensor]) -> Prefix:
        """The prefix of prompts, computed now or by an earlier pass, such that gradients go back through it once."""
        if not torch.is_grad_enabled():
            return prefill(model, inputs)
        whole, seen = self._kept or (prefill(model, inputs), None)
        self._kept = None
        if self._goes_on and not self.accelerator.sync_gradients:
            self._kept = whole, seen or whole.detached()
            return self._kept[1]
        if seen is not None:
            whole.add_gradients_of(seen)
        return whole


class _Processed:
    """Stands in for a processor and returns what it made of the same prompts before, so that it works once."""

    def __init__(self, processor: Any, trainer: SharedPrefixGRPOTrainer):
        self._processor, self._trainer = processor, trainer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._processor, name)

    def __call__(self, images: list, text: list[str], **settings: Any) -> dict[str, Tensor]:
        return dict(self._trainer._fields)


def _log_probs(
    model: Any, prefix: Prefix, counts: list[int], ids: Tensor, mask: Tensor, parts: list[list[int]]
) -> tuple[Tensor, Tensor]:
    """Log-probability and entropy of each token, by the head that TRL has put on the model, part by part.

    Args:
        ids, mask: completions, shape (rows, tokens).
        parts: rows that are run at once.

    Returns:
        Two tensors of shape (rows, tokens), 0 where the mask is 0.
    """
    of_prompt, found = prefix.rows(counts), []  # (rows,)
    for part in parts:
        width = max(1, int(mask[part].sum(dim=1).max()))
        short, shown = mask[part, :width], ids[part, :width]  # (rows of the part, width)
        members = of_prompt[part].bincount(minlength=len(counts)).tolist()  # counts within the part
        labels = shown.masked_fill(short == 0, -100)  # (rows of the part, width)
        output = forward_from(model, prefix, members, shown, short, shift_labels=labels, fused_lm_head=True)
        entropy = output.log_probs if output.entropy is None else output.entropy  # a reference has none, needs none
        found.append([pad(values, (0, ids.shape[1] - width)) for values in (output.log_probs, entropy)])
    # the rows were taken part by part: back into their order
    back = torch.tensor([row for part in parts for row in part], device=ids.device).argsort()
    log_probs, entropies = (torch.cat(values)[back] for values in zip(*found, strict=True))
    return log_probs, entropies


def _of_like_length(lengths: list[int]) -> list[list[int]]:
    """Split rows into parts, as long as that saves enough padding to be worth a part of its own.

    >>> _of_like_length([50, 9, 51, 10]), _of_like_length([900, 9, 910, 100])
    ([[0, 1, 2, 3]], [[1, 3], [0, 2]])
    """

    def split(rows: list[int]) -> list[list[int]]:
        longest = lengths[rows[-1]]
        saved, end = max((k * (longest - lengths[row]), k) for k, row in enumerate(rows, start=1))
        return [*split(rows[:end]), *split(rows[end:])] if saved >= WORTH_A_PART else [sorted(rows)]

    return split(sorted(range(len(lengths)), key=lengths.__getitem__))


# ---- groups ----


def _run_lengths(values: Iterable[Any]) -> list[int]:
    return [len(list(run)) for _, run in groupby(values)]


def _firsts(rows: Sequence, counts: list[int]) -> list:
    """The first row of each group."""
    return [rows[end - count] for end, count in zip(accumulate(counts), counts, strict=True)]


def _each(values: Sequence, counts: list[int]) -> list:
    """The value of each group, once for each of its rows."""
    return [value for value, count in zip(values, counts, strict=True) for _ in range(count)]


def _chunks(counts: list[int], size: int) -> Iterator[tuple[slice, list[list[int]]]]:
    """Split groups so that at most `size` rows go at once: prompts read together, and the counts of each part.

    >>> list(_chunks([3, 3, 3], 6)), list(_chunks([5], 2))
    ([(slice(0, 2, None), [[3, 3]]), (slice(2, 3, None), [[3]])], [(slice(0, 1, None), [[2], [2], [1]])])
    """
    start = 0
    while start < len(counts):
        end = start + 1
        while end < len(counts) and sum(counts[start : end + 1]) <= size:
            end += 1
        count = counts[start]
        parts = [[min(size, count - done)] for done in range(0, count, size)] if count > size else [counts[start:end]]
        yield slice(start, end), parts
        start = end


def _prompts(
    ids: Tensor, mask: Tensor, keep: int, counts: list[int], num_images: list[int] | None, fields: dict[str, Any]
) -> list[dict[str, Tensor]]:
    """The model inputs of each prompt, taken from its first row.

    Args:
        ids, mask: shape (rows, prompt and completion tokens), of which the completion has the last `keep`.
    """
    named = {"input_ids": ids, "attention_mask": mask, "mm_token_type_ids": fields.get("mm_token_type_ids")}
    firsts = {name: _firsts(rows[:, :-keep], counts) for name, rows in named.items() if rows is not None}
    prompts = [dict(zip(firsts, values, strict=True)) for values in zip(*firsts.values(), strict=True)]
    for prompt, images in zip(prompts, _images(fields, num_images, counts), strict=True):
        prompt |= images
    return prompts


def _images(
    fields: dict[str, Any], num_images: list[int] | None, counts: list[int]
) -> list[dict[str, Tensor]] | list[dict]:
    """The images of each prompt: patches of shape (patches, width), grids of shape (images, 3)."""
    if fields.get("pixel_values") is None or num_images is None:
        return [{} for _ in counts]
    grids = fields["image_grid_thw"].split(_firsts(num_images, counts))
    patches = fields["pixel_values"].split([int(grid.prod(dim=-1).sum()) for grid in grids])
    return [dict(zip(IMAGES, images, strict=True)) for images in zip(patches, grids, strict=True)]


def _together(prompts: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    """Prompts as one batch, shape (prompts, tokens), without the padding that all of them have."""
    rows = {name: torch.stack([prompt[name] for prompt in prompts]) for name in prompts[0] if name not in IMAGES}
    padding = int(rows["attention_mask"].any(dim=0).int().argmax())
    images = {name: torch.cat([prompt[name] for prompt in prompts]) for name in IMAGES if name in prompts[0]}
    shown = {name: tensor for name, tensor in images.items() if len(tensor)}
    return {name: tensor[:, padding:] for name, tensor in rows.items()} | shown


def _passes(rollouts: dict[str, Any], number: int) -> list[dict[str, Any]]:
    """Split a generation batch into passes of as many rows each; groups stay whole, in random order."""
    counts = rollouts["counts"]
    group = torch.arange(len(counts)).repeat_interleave(torch.tensor(counts))  # (rows,)
    order = list(dict.fromkeys(group[torch.randperm(len(group))].tolist()))  # the same random numbers as TRL's shuffle
    rows = torch.cat([(group == k).nonzero().squeeze(1) for k in order])  # (rows,): old places in the new order
    images = _images(rollouts, rollouts.get("num_images"), counts)
    passes = []
    for part in rows.split(len(rows) // number):
        members = list(dict.fromkeys(group[part].tolist()))
        one: dict[str, Any] = {"prompts": members, "counts": _run_lengths(group[part].tolist())}
        for name, value in rollouts.items():
            if isinstance(value, Tensor) and name not in IMAGES:
                one[name] = value[part.to(value.device)] if value.ndim else value
        if "num_images" in rollouts:
            one["num_images"] = [rollouts["num_images"][k] for k in part.tolist()]
        if images[0]:
            one |= {name: torch.cat([images[k][name] for k in members]) for name in IMAGES}
        passes.append(one)
    for one, following in pairwise(passes):
        one["goes_on"] = one["prompts"] == following["prompts"]
    return passes
