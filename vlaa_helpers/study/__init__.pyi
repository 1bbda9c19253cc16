from .arms import Arm as Arm, Stage as Stage
from .ledger import Study as Study
from .stages import Grpo as Grpo, Sft as Sft, register_stage as register_stage
from .studies import plan_study as plan_study, run_study as run_study
from .study_file import load_study as load_study
from .verdicts import judge_effect as judge_effect, verdict_table as verdict_table
