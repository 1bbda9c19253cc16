"""Figures: one message each, said in the title; intervals as bars or bands; a fixed colour for each arm of a study.

`results` (accuracy, studies, yields), `scores` (the pseudo score), `training` (curves), `tokens` (text token by token),
`speed` (benchmarks) and `gallery` (records with their images); `style` has the colours.
"""

from .gallery import show_records, show_responses
from .results import plot_accuracy, plot_arms, plot_sizes, plot_yields
from .scores import plot_score_accuracy, plot_validation
from .speed import plot_prefix_benchmark, plot_step_parts
from .style import ARM_COLOURS
from .tokens import plot_loss_mask, plot_tokens
from .training import plot_losses, plot_runs, plot_training

__all__ = [
    "ARM_COLOURS",
    "plot_accuracy",
    "plot_arms",
    "plot_loss_mask",
    "plot_losses",
    "plot_prefix_benchmark",
    "plot_runs",
    "plot_score_accuracy",
    "plot_sizes",
    "plot_step_parts",
    "plot_tokens",
    "plot_training",
    "plot_validation",
    "plot_yields",
    "show_records",
    "show_responses",
]
