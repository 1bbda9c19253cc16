"""Helpers of VLAA Notebooks: build data, train a vision-language model to reason, and see whether it does.

    from vlaa_helpers import get_profile, load_policy, make_scenes, train_grpo, MixedReward, evaluate

Names are imported when they are first used: `import vlaa_helpers` itself loads neither torch nor transformers.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"
_MODULE_OF = {
    "SYSTEM_PROMPT": "core.answers",
    "extract_answer": "core.answers",
    "parse_response": "core.answers",
    "load_records": "data.load",
    "read_records": "data.load",
    "decode_image": "core.images",
    "image_hash": "core.images",
    "to_grpo": "data.trl_views",
    "to_sft": "data.trl_views",
    "aha_words": "core.trace_text",
    "analyze_traces": "pseudo_reasoning.measures",
    "find_claims": "mini_world.claims",
    "load_trace_benchmark": "pseudo_reasoning.benchmark",
    "PseudoReasoningDetector": "pseudo_reasoning.detector",
    "trained_detector": "pseudo_reasoning.detector",
    "find_duplicates": "data.duplicates",
    "overlap": "data.duplicates",
    "check_facts": "mini_world.scenes",
    "draw_scene": "mini_world.scenes",
    "make_scenes": "mini_world.scenes",
    "Ask": "mini_world.kinds",
    "Kind": "mini_world.kinds",
    "register_kind": "mini_world.kinds",
    "FactsScorer": "rewards.scorers",
    "JudgeScorer": "rewards.scorers",
    "RewardModelScorer": "rewards.scorers",
    "MixedReward": "rewards.mixed",
    "Reason": "rewards.score",
    "Score": "rewards.score",
    "box_reward": "rewards.box",
    "choice_reward": "rewards.choice",
    "digit_reward": "rewards.digit",
    "math_reward": "rewards.mathematics",
    "open_ended_reward": "rewards.open_ended",
    "ChatTeacher": "pipeline.teachers",
    "ScriptedTeacher": "pipeline.scripted_teacher",
    "BuildResult": "pipeline.build",
    "build_dataset": "pipeline.build",
    "load_build": "pipeline.build",
    "get_profile": "policy.profiles",
    "load_policy": "policy.loading",
    "merge_adapter": "policy.adapters",
    "save_policy": "policy.adapters",
    "parameter_table": "policy.loading",
    "preflight": "training.preflight_check",
    "check_batch": "training.batch_checks",
    "drop_long_prompts": "training.prompt_lengths",
    "plan_batch": "training.batch_plan",
    "sft_recipe": "training.sft",
    "train_sft": "training.sft",
    "AdaptiveKL": "training.adaptive_kl",
    "clipped_objective": "training.grpo_loss_reference",
    "group_advantages": "training.grpo_loss_reference",
    "grpo_loss": "training.grpo_loss_reference",
    "kl_estimates": "training.grpo_loss_reference",
    "grpo_recipe": "training.recipes",
    "train_grpo": "training.grpo",
    "SharedPrefixGRPOTrainer": "training.shared_prefix_trainer",
    "RolloutLog": "training.rollout_log",
    "load_rollouts": "training.rollout_log",
    "EvaluateEvery": "training.held_out",
    "EvalReport": "evaluation.eval_report",
    "compare_reports": "evaluation.eval_report",
    "load_report": "evaluation.eval_report",
    "write_report": "display.html_report",
    "evaluate": "evaluation.runner",
    "keep_hardest": "policy.perplexity",
    "trace_perplexity": "policy.perplexity",
    "corrupt_trace": "pseudo_reasoning.corruptions",
    "ProbeReport": "pseudo_reasoning.probe_report",
    "load_probes": "pseudo_reasoning.probe_report",
    "probe_traces": "pseudo_reasoning.probes",
    "policy_adapter": "reference",
    "reference_records": "reference",
    "reference_responses": "reference",
    "plot_accuracy": "display.plots",
    "plot_arms": "display.plots",
    "plot_loss_mask": "display.plots",
    "plot_losses": "display.plots",
    "plot_prefix_benchmark": "display.plots",
    "plot_runs": "display.plots",
    "plot_sizes": "display.plots",
    "plot_tokens": "display.plots",
    "plot_training": "display.plots",
    "plot_yields": "display.plots",
    "show_records": "display.plots",
    "show_responses": "display.plots",
    "view_records": "display.viewers",
    "view_rollouts": "display.viewers",
    "view_scores": "display.viewers",
    "view_traces": "display.trace_viewer",
    "vote_on": "display.trace_viewer",
}
__all__ = sorted(_MODULE_OF)


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it offers {', '.join(__all__)}")
    value = getattr(import_module(f".{_MODULE_OF[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
