from .arm_explorer import view_arms as view_arms
from .html_report import write_report as write_report
from .plots import (
    ARM_COLOURS as ARM_COLOURS,
    plot_accuracy as plot_accuracy,
    plot_arms as plot_arms,
    plot_blind as plot_blind,
    plot_gate as plot_gate,
    plot_group as plot_group,
    plot_loss_mask as plot_loss_mask,
    plot_losses as plot_losses,
    plot_outcomes as plot_outcomes,
    plot_overlaps as plot_overlaps,
    plot_pass_at as plot_pass_at,
    plot_pipeline as plot_pipeline,
    plot_prefix_benchmark as plot_prefix_benchmark,
    plot_rejects as plot_rejects,
    plot_runs as plot_runs,
    plot_score_accuracy as plot_score_accuracy,
    plot_sizes as plot_sizes,
    plot_step_parts as plot_step_parts,
    plot_styles as plot_styles,
    plot_tokens as plot_tokens,
    plot_training as plot_training,
    plot_validation as plot_validation,
    plot_yields as plot_yields,
    show_records as show_records,
    show_responses as show_responses,
)
from .tables import interval_table as interval_table
from .trace_viewer import view_traces as view_traces, vote_on as vote_on
from .viewers import view_records as view_records, view_rollouts as view_rollouts, view_scores as view_scores
