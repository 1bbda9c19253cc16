"""Helpers of VLAA Notebooks: build data, train a vision-language model to reason, and see whether it does.

    from vlaa_helpers import get_profile, load_policy, make_scenes, train_grpo, MixedReward, evaluate

Names are imported when they are first used: `import vlaa_helpers` itself loads neither torch nor transformers.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_MODULE_OF = {
    "SYSTEM_PROMPT": "answers",
    "extract_answer": "answers",
    "parse_response": "answers",
    "load_records": "records",
    "read_records": "records",
    "decode_image": "images",
    "image_hash": "images",
    "to_grpo": "views",
    "to_sft": "views",
    "aha_words": "traces",
    "analyze_traces": "trace_table",
    "find_claims": "claims",
    "load_trace_benchmark": "planted",
    "PseudoReasoningDetector": "detector",
    "trained_detector": "detector",
    "find_duplicates": "duplicates",
    "overlap": "duplicates",
    "check_facts": "scenes",
    "draw_scene": "scenes",
    "make_scenes": "scenes",
    "FactsScorer": "scorers",
    "JudgeScorer": "scorers",
    "RewardModelScorer": "scorers",
    "MixedReward": "rewards",
    "Reason": "rewards",
    "Score": "rewards",
    "box_reward": "rewards",
    "choice_reward": "rewards",
    "digit_reward": "rewards",
    "math_reward": "rewards",
    "open_ended_reward": "rewards",
    "ChatTeacher": "teachers",
    "ScriptedTeacher": "teachers",
    "BuildResult": "pipeline",
    "build_dataset": "pipeline",
    "load_build": "pipeline",
    "get_profile": "profiles",
    "load_policy": "models",
    "merge_adapter": "adapters",
    "save_policy": "adapters",
    "parameter_table": "models",
    "preflight": "rehearsal",
    "check_batch": "batches",
    "drop_long_prompts": "prompt_lengths",
    "plan_batch": "batch_plan",
    "sft_recipe": "sft",
    "train_sft": "sft",
    "AdaptiveKL": "kl_control",
    "clipped_objective": "objective",
    "group_advantages": "objective",
    "grpo_loss": "objective",
    "kl_estimates": "objective",
    "grpo_recipe": "grpo",
    "train_grpo": "grpo",
    "SharedPrefixGRPOTrainer": "shared_prefix",
    "RolloutLog": "rollouts",
    "load_rollouts": "rollouts",
    "EvaluateEvery": "progress",
    "EvalReport": "reports",
    "compare_reports": "reports",
    "load_report": "reports",
    "write_report": "html_report",
    "evaluate": "evaluation",
    "keep_hardest": "perplexity",
    "trace_perplexity": "perplexity",
    "corrupt_trace": "corruptions",
    "ProbeReport": "probe_reports",
    "load_probes": "probe_reports",
    "probe_traces": "probes",
    "policy_adapter": "reference_policies",
    "reference_records": "reference_policies",
    "reference_responses": "reference_policies",
    "plot_accuracy": "plots",
    "plot_arms": "plots",
    "plot_loss_mask": "plots",
    "plot_losses": "plots",
    "plot_prefix_benchmark": "plots",
    "plot_runs": "plots",
    "plot_sizes": "plots",
    "plot_tokens": "plots",
    "plot_training": "plots",
    "plot_yields": "plots",
    "show_records": "plots",
    "show_responses": "plots",
    "view_records": "widgets",
    "view_rollouts": "widgets",
    "view_scores": "widgets",
    "view_traces": "trace_views",
    "vote_on": "trace_views",
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
