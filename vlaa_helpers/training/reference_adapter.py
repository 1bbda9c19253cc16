"""The reference of a GRPO run with a KL term, kept once a run: TRL would write it into each checkpoint."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .resuming import goes_on_from
from .runner import REFERENCE


@contextmanager
def reference_kept_once(trainer: Any) -> Iterator[None]:
    """Leave the adapter "ref" out of the checkpoints that are written in here, and keep it beside the first of them.

    It is the policy as it was at step 0 and never changes. A run that goes on gets it back, whatever policy was loaded;
    checkpoints that hold it themselves, as TRL writes them, still do. With FSDP they hold it all the same.

    Raises:
        FileNotFoundError: the run had a reference, and it is gone.
    """
    model = trainer.model
    if "ref" not in getattr(model, "peft_config", {}) or trainer.is_fsdp_enabled:
        yield
        return
    folder = Path(trainer.args.output_dir) / REFERENCE
    checkpoint = goes_on_from(trainer)
    if checkpoint and not (checkpoint / "ref").exists():
        _bring_back(model, checkpoint.parent / REFERENCE)
    own = [name for name in model.peft_config if name != "ref"]
    save = model.save_pretrained

    def save_pretrained(target: str, **options: Any) -> None:
        if not folder.exists():
            part = folder.with_name(f"{REFERENCE}.part")
            save(part, selected_adapters=["ref"])
            part.rename(folder)
        save(target, selected_adapters=own, **options)

    model.save_pretrained = save_pretrained
    try:
        yield
    finally:
        del model.save_pretrained  # its own again


def _bring_back(model: Any, folder: Path) -> None:
    from peft import load_peft_weights, set_peft_model_state_dict

    if not (folder / "ref").exists():
        raise FileNotFoundError(
            f"no reference in {folder}: the run has a KL term, and its reference is neither there nor in the "
            "checkpoint. Put the folder back, or leave resume_from_checkpoint out to start from the beginning"
        )
    set_peft_model_state_dict(model, load_peft_weights(str(folder / "ref"), device="cpu"), adapter_name="ref")
