"""What SFT and GRPO share: settings that follow from the profile, a CSV log, a progress bar."""

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from transformers import PrinterCallback, TrainerCallback

from .profiles import Profile


def device_settings(profile: Profile) -> dict[str, Any]:
    """Trainer arguments that follow from where and in what precision a profile runs."""
    return {
        "use_cpu": profile.device == "cpu",
        "bf16": profile.dtype == "bfloat16",
        "fp16": profile.dtype == "float16",
        "activation_checkpointing": profile.gradient_checkpointing,
        "report_to": "none",
        "disable_tqdm": True,
        "save_strategy": "no",
        "dataloader_pin_memory": profile.device == "cuda",
    }


def split_batch(total: int, micro: int) -> tuple[int, int]:
    """`(per device, accumulation)` with their product `total` and at most `micro` sequences at once."""
    per_device = max(size for size in range(1, min(total, micro) + 1) if total % size == 0)
    return per_device, total // per_device


@contextmanager
def exact_adapters(model: Any) -> Iterator[None]:
    """Keep adapters in their type and to the last bit while a TRL trainer is built.

    TRL rounds the adapters of a 4-bit model to bfloat16. That would lose part of an adapter that goes on training,
    small updates with it, and GPUs before Ampere cannot compute in bfloat16 at all.
    """
    exact = {parameter: parameter.data for parameter in model.parameters() if parameter.requires_grad}
    yield
    for parameter, data in exact.items():
        parameter.data = data


def run_trainer(trainer: Any) -> Any:
    """Attach the log and the progress bar, train, and give the trainer back."""
    trainer.remove_callback(PrinterCallback)
    trainer.add_callback(TrainingLog(Path(trainer.args.output_dir) / "log.csv"))
    trainer.train()
    return trainer


class TrainingLog(TrainerCallback):
    """Writes every logged metric to a CSV file, one row a logging step, and shows a progress bar with the time left."""

    def __init__(self, path: Path):
        self.path = path
        self.rows: list[dict] = []
        self.bar: Any = None

    def on_train_begin(self, args, state, control, **kwargs):
        from tqdm.auto import tqdm

        self.bar = tqdm(total=state.max_steps, initial=state.global_step, unit="step")

    def on_step_end(self, args, state, control, **kwargs):
        self.bar.update(1)

    def on_log(self, args, state, control, logs=None, **kwargs):
        if not logs or "train_runtime" in logs:
            return
        self.rows.append({"step": state.global_step, **logs})
        self.bar.set_postfix({name: f"{logs[name]:.3f}" for name in ("loss", "reward") if name in logs})
        self._write()

    def on_train_end(self, args, state, control, **kwargs):
        self.bar.close()

    def _write(self):
        columns = list(dict.fromkeys(name for row in self.rows for name in row))
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("w", newline="") as file:
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            writer.writerows(self.rows)
