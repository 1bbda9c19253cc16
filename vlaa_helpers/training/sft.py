"""Supervised fine-tuning of a policy on records with responses: a thin face over TRL's `SFTTrainer`."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import pandas as pd
from torch import Tensor
from transformers import TrainerCallback
from trl import SFTConfig, SFTTrainer

from ..core.run_note import note_run
from ..data.trl_views import to_sft
from ..policy.loading import check_reads_images
from ..policy.memory_estimate import memory_advice
from ..policy.profiles import Profile
from ..policy.text_checks import check_texts
from .batch_checks import check_batch, longest
from .resuming import checkpoint_needs
from .runner import device_settings, exact_adapters, on_one_gpu, over_defaults, run_trainer, split_batch
from .weighted_sft import WeightedSFTTrainer, check_weighting

if TYPE_CHECKING:
    from datasets import Dataset


def sft_recipe(profile: Profile) -> pd.DataFrame:
    """What `train_sft` does unless told otherwise, and who says so: the paper (arXiv 2504.11468), or us.

    Columns `value` and `source`, a row a setting. The paper gives its batch, passes and frozen tower (§3.1); it does
    not say its learning rate, optimiser, longest sequence, or whether it trained all weights or adapters.
    """
    paper_batch = profile.sft_batch_size == 128
    rows = {
        "batch_size": (profile.sft_batch_size, "paper §3.1" if paper_batch else "ours; the paper: 128 for 25K records"),
        "num_train_epochs": (1, "paper §3.1: 190 steps of 128 are one pass of 25K"),
        "vision tower": ("frozen", "paper §3.1"),
        "loss": ("completion tokens only", "ours: not stated"),
        "weights": (f"LoRA rank {profile.lora_rank} on the language stack", "ours: not stated"),
        "base": ("NF4, double quantisation", "ours: to fit one GPU")
        if profile.load_in_4bit
        else (profile.dtype, "ours: not stated"),
        "learning_rate": (profile.sft_learning_rate, "ours: not stated"),
        "lr_scheduler_type": ("cosine", "ours: not stated"),
        "warmup_steps": (0.05, "ours: not stated; a share of all steps"),
        "max_length": (None, "ours: a limit cuts the end of long traces, silently"),
    }
    return pd.DataFrame.from_dict(rows, orient="index", columns=["value", "source"])


def train_sft(
    model: Any,
    processor: Any,
    records: "Dataset",
    profile: Profile,
    *,
    batch_size: int | None = None,
    token_weights: str | Callable[..., Tensor] | None = None,
    image_cache_gib: float = 0,
    callbacks: Sequence[TrainerCallback] = (),
    **config: Any,
) -> SFTTrainer:
    """Fine-tune a policy on the responses of records; the loss is on the completion only.

    Ctrl-C and a crash leave a checkpoint in `output_dir`; the same call with `resume_from_checkpoint=True`, on a policy
    loaded as at first, goes on from there as if nothing had happened.

    Args:
        model, processor: as `load_policy` returns them.
        records: rows with a `response`; `to_sft` turns them into prompt and completion.
        profile: gives batch size, learning rate and precision; `sft_recipe(profile)` lists them all.
        batch_size: samples a step, over all processes; the profile's by default.
        token_weights: how much each token counts in the loss: the name of a method of `weighting_table()`, or a
            function, such as `partial(token_weights, "trsft", alpha=0.05)`. None is TRL's own loss; "sft" equals it.
            PEAR's methods need records that were scored with the policy that wrote them (`add_behaviour_logps`).
            `trace_weights` shows the weights beforehand; `WeightedSFTTrainer` says what the log holds of them.
        image_cache_gib: keep the vision tower's features of images in so much host memory, for later passes over the
            records; one pass shows each image once, and gains nothing.
        callbacks: called by the trainer, after ours. SFT writes nothing while it learns: an `EvaluateEvery` shows what
            the policy has come to write, the share of garbled responses included.
        **config: any field of TRL's `SFTConfig`, over the recipe: `max_steps=60`, `output_dir="runs/sft"`,
            `report_to="trackio"`, …

    Returns:
        The TRL trainer, already run; `trainer.model` is the same model, trained in place. Metrics are in
        `trainer.state.log_history` and in `log.csv` under `output_dir`.

    Raises:
        ImageFeaturesError: the vision tower gave features of an image that are not finite; the record is named.
        ValueError: records without a response, whose images and image tokens disagree, or whose end a limit on length
            cuts (`check_batch`); weights that are unknown, or read behaviour log-probabilities that the records lack.
        MemoryError: out of memory; the estimate and the settings to change are in the message (`estimate_memory`).
        FileNotFoundError: to be resumed, and no checkpoint there.
        ValueError: to be resumed, over other records than before.
        TypeError: a keyword that `SFTConfig` does not know, or a model or tokenizer that reads text only.
    """
    check_reads_images(model)
    view = to_sft(records)
    check_texts(records, processor)
    if token_weights is not None:
        check_weighting(token_weights, records)
    recipe = sft_recipe(profile)["value"]
    per_device, accumulation = split_batch(batch_size or recipe["batch_size"], profile.micro_batch_size)
    defaults = {
        "output_dir": "runs/sft",
        "per_device_train_batch_size": per_device,
        "gradient_accumulation_steps": accumulation,
        **{name: recipe[name] for name in ("num_train_epochs", "learning_rate", "lr_scheduler_type", "warmup_steps")},
        "max_length": None,
        **device_settings(profile, "sft"),
    }
    trainer_class: Any = SFTTrainer
    if token_weights is not None:
        trainer_class = partial(WeightedSFTTrainer, token_weights=token_weights)
        defaults["remove_unused_columns"] = False  # the view has none, and TRL knows no column "behaviour"
    args = on_one_gpu(SFTConfig(**over_defaults(defaults, config)))
    with exact_adapters(model):
        trainer = trainer_class(model=model, args=args, train_dataset=view, processing_class=processor)
    # Qwen's VL models say that they take no token counts, so the Trainer would give TRL none, and each micro batch
    # would weigh the same however many tokens it has. TRL divides by a count when it gets one: the whole step's.
    trainer.model_accepts_loss_kwargs = True
    places = longest(records, trainer.args.per_device_train_batch_size)
    examples = [view[place] for place in places]
    check_batch(trainer.data_collator(examples), examples, processor, names=[records[place]["id"] for place in places])
    given = {"batch_size": batch_size, "token_weights": token_weights}
    given = {name: value for name, value in given.items() if value is not None} | config
    options: dict[str, Any] = {"given": given, "seed": args.seed, "resumed": bool(args.resume_from_checkpoint)}
    options |= {"recipe": sft_recipe(profile), "profile": profile, "records": records, "model": model}
    options |= {"checkpoint_needs": checkpoint_needs(trainer)}
    note = partial(note_run, trainer.args.output_dir, method="SFT", **options)
    args = trainer.args
    used = profile.replace(
        sft_batch_size=args.per_device_train_batch_size * args.gradient_accumulation_steps,
        micro_batch_size=args.per_device_train_batch_size,
        gradient_checkpointing=args.activation_checkpointing,
    )
    with memory_advice(used, "sft", model):
        return run_trainer(trainer, callbacks, records=records, image_cache_gib=image_cache_gib, note=note)
