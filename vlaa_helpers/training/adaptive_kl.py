"""A KL coefficient that follows the KL: TRL keeps `beta` fixed, OpenRLHF and so perhaps the paper do not."""

from typing import Any

from transformers import TrainerCallback
from transformers.trainer_callback import ExportableState

CLIP = 0.2
"""The relative error of the KL counts up to this, below and above."""


class AdaptiveKL(TrainerCallback, ExportableState):
    """Steers the KL coefficient `beta` of a TRL `GRPOTrainer` so that the KL to the reference comes near a target.

    After each step `beta` is multiplied by 1 + clip(KL / target - 1, -0.2, 0.2) · n / horizon, n the completions of the
    step: the controller of arXiv 1909.08593 §2.2, as OpenRLHF has it. It starts from the trainer's `beta`. KL is what
    TRL logs as `kl`: k3 in nats a token, the mean over the tokens of a pass, then over the passes of the step. The
    coefficient that a step used is the column `kl_coefficient` of the log, a mean where `logging_steps` is above 1.

    Checkpoints carry the coefficient, and a resumed run goes on with it. Steps are followed one by one, whatever
    `logging_steps` is, so the KL is read where TRL collects it: `on_log` comes at logged steps only, with a mean.

    Args:
        target: the KL to come near, > 0, in nats a token.
        horizon: completions in which the coefficient changes by at most a factor of about 1 ± 0.2. Fewer react faster;
            `math.inf` keeps the coefficient.

    >>> controller = AdaptiveKL(target=0.01, horizon=100)
    >>> round(controller.follow(0.001, kl=0.011, samples=8), 9)  # 10% too high, 8 of 100 completions: +0.8%
    0.001008
    """

    def __init__(self, target: float, *, horizon: float = 10_000):
        if target <= 0 or horizon <= 0:
            raise ValueError(f"target and horizon must be above 0, got target={target}, horizon={horizon}")
        self.target, self.horizon = target, horizon
        self.coefficient: float | None = None
        self.trainer: Any = None

    def attach(self, trainer: Any) -> None:
        """Steer this trainer's `beta`; callbacks are not told which trainer calls them. `train_grpo` does this.

        Raises:
            ValueError: `beta` is 0. TRL then has no reference, and zero times anything is zero.
        """
        if trainer.args.beta == 0:
            raise ValueError("AdaptiveKL has no coefficient to start from: give a beta above 0, as beta=0.001")
        self.trainer = trainer

    def follow(self, coefficient: float, *, kl: float, samples: int) -> float:
        """The coefficient after a step of `samples` completions with this KL."""
        error = min(max(kl / self.target - 1, -CLIP), CLIP)
        return coefficient * (1 + error * samples / self.horizon)

    def state(self) -> dict:
        return {
            "args": {"target": self.target, "horizon": self.horizon},
            "attributes": {"coefficient": self.coefficient},
        }

    def on_train_begin(self, args, state, control, **kwargs):
        if self.trainer is None:
            raise RuntimeError(
                "AdaptiveKL steers no trainer; call attach(trainer), and leave restore_callback_states_from_checkpoint "
                "out: AdaptiveKL finds its coefficient in the checkpoint by itself"
            )
        self.coefficient = args.beta
        # what the Trainer fills in as it saves; it lacks our place where the run that it resumes had no controller
        kept = state.stateful_callbacks.setdefault(type(self).__name__, self.state())
        if state.global_step > 0:
            self.coefficient = kept["attributes"]["coefficient"]
        self.trainer.beta = self.coefficient

    def on_step_end(self, args, state, control, **kwargs):
        metrics, passes = self.trainer._metrics["train"], self.trainer.current_gradient_accumulation_steps
        metrics["kl_coefficient"].append(self.coefficient)
        kls = metrics["kl"][-passes:]  # TRL adds one a pass, over all processes, and clears when it logs
        samples = args.per_device_train_batch_size * passes * args.world_size
        self.coefficient = self.trainer.beta = self.follow(self.coefficient, kl=sum(kls) / len(kls), samples=samples)
