"""Figures: one message each, said in the title; intervals as bars or bands; a fixed colour for each arm of a study.

`results` (accuracy, studies, yields), `outcomes` (right, wrong, no answer; a group; overlaps; rejects), `styles` (how
responses are written), `diagrams` (the pipeline, the gate), `blind` (accuracy without the image),
`pass_at` (pass@k), `scores` (the pseudo score), `training` (curves), `tokens` (text token by token), `speed`
(benchmarks) and `gallery` (records with their images); `style` has the colours, `garbled_runs` marks runs that write no
text.
"""

from .blind import plot_blind
from .diagrams import plot_gate, plot_pipeline
from .gallery import show_records, show_responses
from .outcomes import plot_group, plot_outcomes, plot_overlaps, plot_rejects
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
    "plot_gate",
    "plot_group",
    "plot_loss_mask",
    "plot_losses",
    "plot_outcomes",
    "plot_overlaps",
    "plot_pass_at",
    "plot_pipeline",
    "plot_prefix_benchmark",
    "plot_rejects",
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
