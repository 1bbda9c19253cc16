from .box import box_reward as box_reward
from .choice import choice_reward as choice_reward
from .digit import digit_reward as digit_reward
from .gated import GatedReward as GatedReward
from .leaky import (
    leaky_box_reward as leaky_box_reward,
    leaky_choice_reward as leaky_choice_reward,
    leaky_digit_reward as leaky_digit_reward,
)
from .mathematics import math_reward as math_reward
from .mixed import MixedReward as MixedReward
from .open_ended import open_ended_reward as open_ended_reward, open_ended_value as open_ended_value
from .registry import Verifier as Verifier, register_verifier as register_verifier
from .score import (
    GATED as GATED,
    Reason as Reason,
    Score as Score,
    right_or_wrong as right_or_wrong,
    score_answer as score_answer,
)
from .scorers import (
    FactsScorer as FactsScorer,
    JudgeScorer as JudgeScorer,
    Question as Question,
    RewardModelScorer as RewardModelScorer,
)
