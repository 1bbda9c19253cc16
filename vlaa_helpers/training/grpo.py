"""Reinforcement learning of a policy with GRPO: a thin face over TRL's `GRPOTrainer`."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd
from tqdm.auto import tqdm
from transformers import TrainerCallback
from trl import GRPOConfig, GRPOTrainer

from ..data.trl_views import to_grpo
from ..policy.loading import image_token_ids
from ..policy.profiles import MINI_MODELS, Profile
from .adaptive_kl import AdaptiveKL
from .batch_checks import check_texts
from .batch_plan import plan_batch
from .prompt_lengths import drop_long_prompts
from .rollout_log import RolloutLog
from .runner import device_settings, exact_adapters, run_trainer
from .shared_prefix_trainer import SharedPrefixGRPOTrainer, why_stock

if TYPE_CHECKING:
    from datasets import Dataset


Rows = dict[str, tuple[Any, str]]
_FIELDS = GRPOConfig.__dataclass_fields__
_OBJECTIVE = (
    "loss_type",
    "scale_rewards",
    "beta",
    "use_bias_correction_kl",
    "epsilon",
    "epsilon_high",
    "mask_truncated_completions",
    "temperature",
)


def _trl(profile: Profile) -> Rows:
    return {
        **{name: (_FIELDS[name].default, "TRL's default") for name in _OBJECTIVE},
        "num_generations": (profile.num_generations, "ours"),
        "prompts a step": (profile.prompts_per_step, "ours"),
        "updates a rollout": (1, "ours: the ratio is 1 throughout, and nothing is clipped"),
        "max_completion_length": (profile.max_completion_length, "ours"),
        "learning_rate": (profile.grpo_learning_rate, "ours"),
        "lr_scheduler_type": ("cosine", "ours"),
        "warmup_steps": (0.05, "ours; a share of all steps"),
        "weights": (f"LoRA rank {profile.lora_rank} on the language stack", "ours"),
        "base": ("NF4, double quantisation" if profile.load_in_4bit else profile.dtype, "ours: to fit one GPU"),
    }


def _vlaa(profile: Profile) -> Rows:
    objective = {name: (_FIELDS[name].default, "ours: not stated; TRL's default") for name in _OBJECTIVE}
    floor = ({"min_lr": 5e-7}, "paper table 6: LR2")
    if profile.name in MINI_MODELS:
        floor = ({"min_lr_rate": 0.1}, "ours: the mini lab has larger rates; the paper: min_lr 5e-7")
    return (
        _trl(profile)
        | objective
        | {
            "loss_type": ("grpo", "paper §4: mean over each response, then over responses"),
            "beta": (1e-3, "paper table 6: KL2, to begin with"),
            "KL target": (5e-4, "paper table 6: KL2; that beta follows it is inferred"),
            "KL horizon": (10_000, "ours: not stated; OpenRLHF's default"),
            "temperature": (0.8, "paper"),
            "num_generations": _stated(profile.num_generations, 4, "paper"),
            "prompts a step": _stated(profile.prompts_per_step, 512, "paper"),
            "updates a rollout": (1, "ours: nothing is clipped; the paper: 8, if its batch of 256 counts responses"),
            "learning_rate": (profile.grpo_learning_rate, "ours: the peak; not stated"),
            "lr_scheduler_type": ("cosine_with_min_lr", "paper"),
            "lr_scheduler_kwargs": floor,
            "warmup_steps": (0.03, "paper table 6: LR2; a share of all steps"),
        }
    )


def _dapo(profile: Profile) -> Rows:
    paper = "arXiv 2503.14476"
    return _trl(profile) | {
        "loss_type": ("dapo", f"{paper} §3.3: mean over all tokens"),
        "scale_rewards": ("group", f"{paper} eq. 9"),
        "beta": (0.0, f"{paper} §2.3"),
        "epsilon": (0.2, f"{paper} §4.1"),
        "epsilon_high": (0.28, f"{paper} §4.1"),
        "mask_truncated_completions": (True, f"{paper} §3.4"),
        "num_generations": _stated(profile.num_generations, 16, paper),
        "prompts a step": _stated(profile.prompts_per_step, 512, paper),
        "updates a rollout": (1, f"ours: nothing is clipped; {paper}: 16"),
        "dynamic sampling": ("no", f"TRL has none; {paper} §3.2: yes"),
        "overlong punishment": ("no", f"a reward function of TRL, not a setting; {paper} §3.4: yes"),
    }


def _dr_grpo(profile: Profile) -> Rows:
    paper = "arXiv 2503.20783"
    return _trl(profile) | {
        "loss_type": ("dr_grpo", f"{paper} §3.2: divided by a constant, which TRL takes to be max_completion_length"),
        "scale_rewards": ("none", f"{paper} §3.2"),
        "beta": (0.0, f"{paper} §3"),
        "num_generations": _stated(profile.num_generations, 8, f"the code of {paper}"),
    }


def _stated(value: int, there: int, paper: str) -> tuple[int, str]:
    name = "the paper" if paper == "paper" else paper
    return value, paper if value == there else f"ours; {name}: {there}"


RECIPES: dict[str, Callable[[Profile], Rows]] = {"trl": _trl, "vlaa": _vlaa, "dapo": _dapo, "dr_grpo": _dr_grpo}


def grpo_recipe(profile: Profile, recipe: str = "trl") -> pd.DataFrame:
    """What `train_grpo` does by a recipe unless told otherwise, and who says so.

    Columns `value` and `whose`, a row a setting; "paper" is arXiv 2504.11468. What is named as a field of TRL's
    `GRPOConfig` is one.

    Args:
        profile: decides batch, completion length and peak learning rate, whatever the recipe.
        recipe: "trl", the objective that TRL has by default; "vlaa", the paper's, with the best setting of its table 6
            and ours for what it does not state; "dapo" (arXiv 2503.14476) or "dr_grpo" (arXiv 2503.20783), as far as
            TRL has them.

    Raises:
        ValueError: an unknown recipe.
    """
    if recipe not in RECIPES:
        raise ValueError(f"unknown recipe {recipe!r}; expected one of {', '.join(RECIPES)}")
    return pd.DataFrame.from_dict(RECIPES[recipe](profile), orient="index", columns=["value", "whose"])


def train_grpo(
    model: Any,
    processor: Any,
    records: "Dataset",
    profile: Profile,
    *,
    reward_funcs: Callable | Sequence[Callable],
    recipe: str = "trl",
    max_prompt_length: int | None = None,
    shared_prefix: bool = True,
    callbacks: Sequence[TrainerCallback] = (),
    **config: Any,
) -> GRPOTrainer:
    """Train a policy by GRPO (arXiv 2402.03300 §4.1): several completions a prompt, each judged against its group.

    Args:
        model, processor: as `load_policy` returns them. Where `beta` is above 0, the reference is the policy as it is
            now; TRL keeps it as a second adapter, "ref".
        records: prompts with `gt` and `verifier_type`; all with a picture or all without.
        profile: gives prompts a step, completions a prompt, their length, learning rate and precision.
        reward_funcs: TRL reward functions, usually `MixedReward()`.
        recipe: "trl", "vlaa", "dapo" or "dr_grpo"; `grpo_recipe(profile, recipe)` lists what each means.
        max_prompt_length: leave out records whose prompt has more tokens, its picture's included, and say how many
            (`drop_long_prompts`). TRL would cut no prompt; a long one costs memory.
        shared_prefix: read each prompt, pictures and all, once for its group (`SharedPrefixGRPOTrainer`): the same
            numbers, up to the order in which floats are added, for less work. False is TRL's own trainer, which also
            trains where prompts cannot be shared; that is said.
        callbacks: called by the trainer, after ours: an `AdaptiveKL` where the recipe has one, and a `RolloutLog` of
            every tenth step. One of these among them takes the place of ours.
        **config: any field of TRL's `GRPOConfig`, over the recipe: `max_steps=60`, `num_generations=4`, `beta=0.001`.
            A step trains on `prompts_per_step` (the profile's) times `num_generations` completions.

    Returns:
        The TRL trainer, already run; `trainer.model` is the same model, trained in place. Metrics are in
        `trainer.state.log_history` and in `log.csv` under `output_dir`.

    Raises:
        ValueError: some records have a picture and some have none (TRL cannot put both into one batch), a batch that
            cannot be (`plan_batch`), an unknown recipe, `use_vllm` with a 4-bit policy, or an `AdaptiveKL` where `beta`
            is 0.
        TypeError: a keyword that `GRPOConfig` does not know.
    """
    rows = grpo_recipe(profile, recipe)["value"]
    if max_prompt_length is not None:
        records, lengths = drop_long_prompts(records, processor, max_prompt_length)
        tqdm.write(str(lengths))
    if config.get("use_vllm") and getattr(model, "is_loaded_in_4bit", False):
        raise ValueError(
            "use_vllm=True with a 4-bit policy: TRL hands vLLM packed weights without their scales "
            "(huggingface/trl#4973). Load it with profile.replace(load_in_4bit=False), or leave use_vllm out; see "
            "docs/vllm.md"
        )
    check_texts(records, processor)
    _check_pictures(records)
    dataset = to_grpo(records)
    plan = plan_batch(profile, config.get("num_generations"), records=len(records))
    defaults = {
        "output_dir": "runs/grpo",
        **{name: value for name, value in rows.items() if name in _FIELDS},
        **plan.config,
        "logging_steps": 1,
        # a picture token in a completion would ask for a picture that is not there
        "generation_kwargs": {"suppress_tokens": image_token_ids(processor)},
        **device_settings(profile),
    }
    if "lr_scheduler_type" in config:
        defaults.pop("lr_scheduler_kwargs", None)  # they belong to the recipe's
    if "ref" in getattr(model, "peft_config", {}):
        model.delete_adapter("ref")  # the reference of an earlier run; TRL would stumble over it
    args = GRPOConfig(**(defaults | config))
    if shared_prefix and (reason := why_stock(model, args)):
        tqdm.write(f"shared_prefix: not with {reason}. TRL's own trainer reads a prompt again for each completion")
        shared_prefix = False
    with exact_adapters(model):
        trainer = (SharedPrefixGRPOTrainer if shared_prefix else GRPOTrainer)(
            model=model,
            reward_funcs=reward_funcs,
            args=args,
            train_dataset=dataset,
            processing_class=processor,
        )
    given = {type(callback) for callback in callbacks}
    ours: list[TrainerCallback] = []
    if AdaptiveKL not in given and "KL target" in rows and trainer.beta > 0:
        ours.append(AdaptiveKL(rows["KL target"], horizon=rows["KL horizon"]))
    if RolloutLog not in given:
        ours.append(RolloutLog())
    return run_trainer(trainer, [*ours, *callbacks])


def _check_pictures(records: "Dataset") -> None:
    with_picture = len(records) - records.select_columns("image").with_format("arrow")[:]["image"].null_count
    if 0 < with_picture < len(records):
        raise ValueError(
            f"{with_picture} of {len(records)} records have a picture; expected all or none: TRL cannot put both "
            'into one batch. Train on records.filter(lambda row: row["image"] is not None) first'
        )
