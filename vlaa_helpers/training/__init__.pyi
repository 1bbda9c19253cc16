from .adaptive_kl import AdaptiveKL as AdaptiveKL
from .behaviour_logps import add_behaviour_logps as add_behaviour_logps
from .batch_checks import check_batch as check_batch
from .batch_plan import plan_batch as plan_batch
from .deceptive_reward import DeceptiveReward as DeceptiveReward, deceptive_reward_index as deceptive_reward_index
from .disk_estimate import DiskEstimate as DiskEstimate, estimate_disk as estimate_disk
from .frozen_blocks import (
    FrozenBlock as FrozenBlock,
    frozen_coordinates as frozen_coordinates,
    importance_map as importance_map,
    most_moved as most_moved,
)
from .expert_prefix_trainer import ExpertPrefixGRPOTrainer as ExpertPrefixGRPOTrainer
from .grpo import train_grpo as train_grpo
from .grpo_loss_reference import (
    clipped_objective as clipped_objective,
    group_advantages as group_advantages,
    grpo_loss as grpo_loss,
    kl_estimates as kl_estimates,
)
from .grpo_minimal import train_grpo_minimal as train_grpo_minimal
from .hard_buffer import hard_questions as hard_questions, hard_records as hard_records
from .held_out import EvaluateEvery as EvaluateEvery
from .phase_recipes import phase_recipe as phase_recipe
from .phases import train_in_phases as train_in_phases
from .hints import Hints as Hints, MicroGroup as MicroGroup, hint_schedule as hint_schedule
from .preflight_check import preflight as preflight
from .prompt_lengths import drop_long_prompts as drop_long_prompts
from .recipes import grpo_recipe as grpo_recipe
from .reranking import (
    relevance_logits as relevance_logits,
    relevance_loss as relevance_loss,
    relevance_scores as relevance_scores,
    relevance_weights as relevance_weights,
)
from .response_scores import trace_loss as trace_loss
from .resuming import has_checkpoint as has_checkpoint
from .rollout_log import RolloutLog as RolloutLog, load_rollouts as load_rollouts
from .sft import sft_recipe as sft_recipe, train_sft as train_sft
from .shared_prefix_trainer import SharedPrefixGRPOTrainer as SharedPrefixGRPOTrainer
from .weigh_tokens import token_weights as token_weights
from .weight_registry import (
    TokenWeighting as TokenWeighting,
    register_token_weighting as register_token_weighting,
    weighting_table as weighting_table,
)
from .weighted_traces import trace_weights as trace_weights
