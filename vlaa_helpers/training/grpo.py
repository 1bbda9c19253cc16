"""Reinforcement learning of a policy with GRPO: a thin face over TRL's `GRPOTrainer`."""

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from transformers import TrainerCallback
from trl import GRPOConfig, GRPOTrainer

from ..core.run_note import note_run
from ..data.trl_views import EXPERT, to_grpo
from ..policy.loading import check_reads_images, image_token_ids
from ..policy.memory_estimate import memory_advice
from ..policy.profiles import Profile
from ..policy.text_checks import check_texts
from ..rewards.mixed import MixedReward
from .adaptive_kl import AdaptiveKL
from .batch_plan import plan_batch
from .expert_prefix_trainer import ExpertPrefixGRPOTrainer
from .hints import Hints
from .prompt_lengths import drop_long_prompts
from .recipes import CONFIG_FIELDS, grpo_recipe
from .reference_adapter import reference_kept_once
from .resuming import checkpoint_needs
from .rollout_log import RolloutLog
from .runner import device_settings, exact_adapters, on_one_gpu, over_defaults, processes_started, run_trainer
from .shared_prefix_trainer import SharedPrefixGRPOTrainer, unsupported_reason

if TYPE_CHECKING:
    from datasets import Dataset

logger = logging.getLogger(__name__)

TRL_COLUMNS = ("prompt", "prompts", "images", "completion", "completions", "completion_ids", "trainer_state")
TRL_COLUMNS += ("environments", "log_extra", "log_metric")
"""What TRL's trainer takes, or hands to reward functions, under names of its own (TRL 1.16)."""


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
    exact_draws: bool = False,
    hints: Hints | None = None,
    image_cache_gib: float = 0,
    callbacks: Sequence[TrainerCallback] = (),
    **config: Any,
) -> GRPOTrainer:
    """Train a policy by GRPO (arXiv 2402.03300 §4.1): several completions a prompt, each judged against its group.

    Args:
        model, processor: as `load_policy` returns them. Where `beta` is above 0, the reference is the policy as it is
            now; TRL keeps it as a second adapter, "ref". On disk it is in `reference` under `output_dir`, beside the
            checkpoints, and a run that goes on gets it back from there.
        records: prompts with `gt` and `verifier_type`; all with an image or all without. Columns of your own reach
            reward functions too: keyword arguments, a list with a value for each completion.
        profile: gives prompts a step, completions a prompt, their length, learning rate and precision.
        reward_funcs: TRL reward functions, usually `MixedReward()`.
        recipe: "trl", "vlaa", "dapo" or "dr_grpo"; `grpo_recipe(profile, recipe)` lists what each means.
        max_prompt_length: leave out records whose prompt has more tokens, its image's included, and say how many
            (`drop_long_prompts`). TRL would cut no prompt; a long one costs memory.
        shared_prefix: read each prompt, images and all, once for its group (`SharedPrefixGRPOTrainer`): the same
            numbers, up to the order in which floats are added, for less work. False is TRL's own trainer, which also
            trains where prompts cannot be shared, or with a TRL or transformers that was not tested
            (`tested_versions`); a warning says so.
        exact_draws: with shared prompts, sample with the random numbers that `generate` would take, one for every word
            of every row, so that completions are those of TRL's trainer. By default a token takes one random number a
            row, which is faster: other completions, from the same distribution.
        hints: beginnings of the records' responses that some completions go on from (TRAPO, arXiv 2512.17636;
            `ExpertPrefixGRPOTrainer`), and the weights of their tokens: `Hints()`. TRAPO's reinforcement learning is
            `recipe="dr_grpo", entropy_coef=0.001, lr_scheduler_type="constant"`.
        image_cache_gib: keep the vision tower's features of images in so much host memory: the tower never changes,
            and a step shows it each image when it samples, for the reference's log-probabilities and in the loss.
        callbacks: called by the trainer, after ours: an `AdaptiveKL` where the recipe has one, and a `RolloutLog` of
            every tenth step, which also logs the share of garbled completions. One of these among them takes the place
            of ours.
        **config: any field of TRL's `GRPOConfig`, over the recipe: `max_steps=60`, `num_generations=4`, `beta=0.001`.
            A step trains on `prompts_per_step` (the profile's) times `num_generations` completions. Image tokens stay
            suppressed whatever `generation_kwargs` say (not with vLLM, which has no such setting).

    Returns:
        The TRL trainer, already run; `trainer.model` is the same model, trained in place. Metrics are in
        `trainer.state.log_history` and in `log.csv` under `output_dir`.

    Raises:
        ImageFeaturesError: the vision tower gave features of an image that are not finite; the record is named.
        ValueError: some records have an image and some have none (TRL cannot put both into one batch), a column of
            your own has a name that TRL needs, open-ended records that a `MixedReward` cannot score
            (`check_records`), a batch that cannot be (`plan_batch`), an unknown recipe, `use_vllm` with a 4-bit policy,
            an `AdaptiveKL` where `beta` is 0, or hints with records or settings that do not go with them.
        MemoryError: out of memory; the estimate and the settings to change are in the message (`estimate_memory`).
        TypeError: a keyword that `GRPOConfig` does not know, or a model or tokenizer that reads text only.
    """
    check_reads_images(model)
    rows = grpo_recipe(profile, recipe)["value"]
    if max_prompt_length is not None:
        records, lengths = drop_long_prompts(records, processor, max_prompt_length)
        logger.info(lengths)
    if config.get("use_vllm") and getattr(model, "is_loaded_in_4bit", False):
        raise ValueError(
            "use_vllm=True with a 4-bit policy: TRL hands vLLM packed weights without their scales "
            "(huggingface/trl#4973). Load it with profile.replace(load_in_4bit=False), or leave use_vllm out; see "
            "docs/vllm.md"
        )
    check_texts(records, processor)
    _check_images(records)
    _check_columns(records, () if hints is None else ("hint", EXPERT))
    judges = list(reward_funcs) if isinstance(reward_funcs, list | tuple) else [reward_funcs]  # TRL takes no tuple
    for reward in judges:
        if isinstance(reward, MixedReward):
            reward.check_records(records)
    dataset = to_grpo(records, with_traces=hints is not None)
    plan = plan_batch(profile, config.get("num_generations", hints and hints.generations), records=len(records))
    defaults = {
        "output_dir": "runs/grpo",
        **{name: value for name, value in rows.items() if name in CONFIG_FIELDS},
        **plan.config,
        "logging_steps": 1,
        **device_settings(profile, "grpo"),
    }
    if "lr_scheduler_type" in config:
        defaults.pop("lr_scheduler_kwargs", None)  # they belong to the recipe's
    if "ref" in getattr(model, "peft_config", {}):
        model.delete_adapter("ref")  # the reference of an earlier run; TRL would stumble over it
    args = on_one_gpu(GRPOConfig(**over_defaults(defaults, config)))
    if not args.use_vllm:  # its `SamplingParams` know no suppress_tokens
        args.generation_kwargs = _without_image_tokens(args.generation_kwargs, processor)
    trainer_class = _trainer_class(model, args, shared_prefix, exact_draws, hints)
    with exact_adapters(model):
        trainer = trainer_class(
            model=model,
            reward_funcs=judges,
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
    settings = config if hints is None else config | {"hints": hints}
    options: dict[str, Any] = {"given": settings, "seed": args.seed, "resumed": bool(args.resume_from_checkpoint)}
    options |= {"recipe": grpo_recipe(profile, recipe), "profile": profile, "records": records, "model": model}
    options |= {"checkpoint_needs": checkpoint_needs(trainer)}
    note = partial(note_run, trainer.args.output_dir, method="GRPO", **options)
    with memory_advice(_as_run(profile, trainer), "grpo", model, reference=trainer.beta > 0):
        with reference_kept_once(trainer):
            watched = [*ours, *callbacks]
            return run_trainer(trainer, watched, records=records, image_cache_gib=image_cache_gib, note=note)


def _trainer_class(
    model: Any, args: GRPOConfig, shared_prefix: bool, exact_draws: bool, hints: Hints | None
) -> Callable[..., GRPOTrainer]:
    reason = unsupported_reason(model, args)
    if hints is not None:
        if reason or not shared_prefix:
            raise ValueError(
                f"hints with {reason or 'shared_prefix=False'}; expected prompts that are read once for their group, "
                "because hints follow them. Leave that out, or train without hints"
            )
        return partial(ExpertPrefixGRPOTrainer, exact_draws=exact_draws, hints=hints)
    if shared_prefix and not reason:
        return partial(SharedPrefixGRPOTrainer, exact_draws=exact_draws)
    if shared_prefix:
        logger.warning(f"shared_prefix: not with {reason}. TRL's own trainer reads a prompt again for each completion")
    return GRPOTrainer


def _as_run(profile: Profile, trainer: GRPOTrainer) -> Profile:
    """The profile with the settings that a run has, for the memory of one of its processes."""
    args = trainer.args
    prompts = args.generation_batch_size // trainer.num_generations // processes_started()
    return profile.replace(
        num_generations=trainer.num_generations,
        prompts_per_step=max(1, prompts),
        micro_batch_size=args.per_device_train_batch_size,
        max_completion_length=args.max_completion_length,
        gradient_checkpointing=args.activation_checkpointing,
    )


def _without_image_tokens(given: dict[str, Any] | None, processor: Any) -> dict[str, Any]:
    """Settings of `generate`, and never an image token: in a completion it would ask for an image that is not there."""
    given = given or {}
    never = {*image_token_ids(processor), *(given.get("suppress_tokens") or ())}
    return {**given, "suppress_tokens": sorted(never)}


def _check_columns(records: "Dataset", ours: Sequence[str]) -> None:
    taken = [name for name in records.column_names if name in (*TRL_COLUMNS, *ours)]
    if taken:
        raise ValueError(
            f"records have the columns {', '.join(taken)}; expected other names, because the trainer hands something "
            f"to reward functions under these. Rename them: records.rename_column({taken[0]!r}, 'my_{taken[0]}')"
        )


def _check_images(records: "Dataset") -> None:
    with_image = len(records) - records.select_columns("image").with_format("arrow")[:]["image"].null_count
    if 0 < with_image < len(records):
        raise ValueError(
            f"{with_image} of {len(records)} records have an image; expected all or none: TRL cannot put both "
            'into one batch. Train on records.filter(lambda row: row["image"] is not None) first'
        )
