"""Figures: one message each, said in the title; intervals as bars or bands; a fixed colour for each arm of a study.

`results` (accuracy, studies, yields), `styles` (how responses are written), `blind` (accuracy without the image),
`pass_at` (pass@k), `scores` (the pseudo score), `training` (curves), `tokens` (text token by token), `speed`
(benchmarks) and `gallery` (records with their images); `style` has the colours, `garbled_runs` marks runs that write no
text.
"""

from .blind import plot_blind
from .gallery import show_records, show_responses
from .pass_at import plot_pass_at
from .results import plot_accuracy, plot_arms, plot_sizes, plot_yields
from .scores import plot_score_accuracy, plot_validation
from .speed import plot_prefix_benchmark, plot_step_parts
from .style import ARM_COLOURS
from .styles import plot_styles
from .tokens import plot_loss_mask, plot_tokens
from .training import plot_losses, plot_runs, plot_training

__all__ = [
    "ARM_COLOURS",
    "plot_accuracy",
    "plot_arms",
    "plot_blind",
    "plot_loss_mask",
    "plot_losses",
    "plot_pass_at",
    "plot_prefix_benchmark",
    "plot_runs",
    "plot_score_accuracy",
    "plot_sizes",
    "plot_step_parts",
    "plot_styles",
    "plot_tokens",
    "plot_training",
    "plot_validation",
    "plot_yields",
    "show_records",
    "show_responses",
]
