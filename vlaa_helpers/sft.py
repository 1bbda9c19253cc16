"""Supervised fine-tuning of a policy on records with responses: a thin face over TRL's `SFTTrainer`."""

from typing import TYPE_CHECKING, Any

from trl import SFTConfig, SFTTrainer

from .profiles import Profile
from .training import device_settings, exact_adapters, run_trainer, split_batch
from .views import to_sft

if TYPE_CHECKING:
    from datasets import Dataset


def train_sft(model: Any, processor: Any, records: "Dataset", profile: Profile, **config: Any) -> SFTTrainer:
    """Fine-tune a policy on the responses of records; the loss is on the completion only.

    Args:
        model, processor: as `load_policy` returns them.
        records: rows with a `response`; `to_sft` turns them into prompt and completion.
        profile: gives batch size, learning rate and precision.
        **config: any field of TRL's `SFTConfig`, over the defaults: `max_steps=60`, `output_dir="runs/sft"`, …

    Returns:
        The TRL trainer, already run; `trainer.model` is the same model, trained in place. Metrics are in
        `trainer.state.log_history` and in `log.csv` under `output_dir`.

    Raises:
        ValueError: records without a response.
        TypeError: a keyword that `SFTConfig` does not know.
    """
    batch_size = config.pop("batch_size", profile.sft_batch_size)
    per_device, accumulation = split_batch(batch_size, profile.micro_batch_size)
    defaults = {
        "output_dir": "runs/sft",
        "per_device_train_batch_size": per_device,
        "gradient_accumulation_steps": accumulation,
        "learning_rate": profile.sft_learning_rate,
        "lr_scheduler_type": "cosine",
        "warmup_steps": 0.05,
        "num_train_epochs": 1,
        "logging_steps": 5,
        "max_length": None,  # a cut prompt would lose image placeholders
        **device_settings(profile),
    }
    with exact_adapters(model):
        trainer = SFTTrainer(
            model=model,
            args=SFTConfig(**(defaults | config)),
            train_dataset=to_sft(records),
            processing_class=processor,
        )
    return run_trainer(trainer)
