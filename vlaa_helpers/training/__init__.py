"""SFT and GRPO by TRL's own trainers, and what watches them.

`train_sft` and `train_grpo` train; `preflight`, `plan_batch` and `check_batch` look before they do; `RolloutLog`,
`EvaluateEvery` and `AdaptiveKL` go along. `grpo_loss` and its parts are the loss in a few lines, to read.
"""

from ..core.lazy_face import lazy_face

__getattr__, __dir__, __all__ = lazy_face(__name__, __file__)
