"""What an editor knows of the public face: a type checker reads this file (test_package.py), nothing runs it."""

from typing import Any, assert_type

import pandas as pd
from datasets import Dataset
from peft import PeftModel
from trl import GRPOTrainer, SFTTrainer

from vlaa_helpers import (
    EvalReport,
    MixedReward,
    ScriptedTeacher,
    analyze_traces,
    build_dataset,
    compare_reports,
    digit_reward,
    evaluate,
    get_profile,
    held_out,
    load_policy,
    make_scenes,
    reference_table,
    run_study,
    steps,
    train_grpo,
    train_sft,
)
from vlaa_helpers.policy.profiles import Profile
from vlaa_helpers.rewards import Score


def use() -> None:
    profile = assert_type(get_profile("mini"), Profile)
    model, processor = load_policy(profile)
    assert_type(model, PeftModel)
    records = assert_type(make_scenes(60), Dataset)
    traces = assert_type(build_dataset(records, ScriptedTeacher(), "runs/traces").sft, Dataset)
    assert_type(train_sft(model, processor, traces, profile), SFTTrainer)
    reward = assert_type(MixedReward(), MixedReward)
    trainer = assert_type(train_grpo(model, processor, records, profile, reward_funcs=reward, max_steps=2), GRPOTrainer)

    report = assert_type(evaluate(trainer.model, processor, held_out("test")), EvalReport)
    assert_type(report.accuracy, float)
    assert_type(report.interval, tuple[float, float])
    assert_type(report.to_frame(), pd.DataFrame)
    assert_type(compare_reports(report, report).p_value, float)
    assert_type(digit_reward("<answer>3</answer>", gt="3"), Score)
    assert_type(analyze_traces(["<think>2 + 1</think><answer>3</answer>"]), pd.DataFrame)
    assert_type(reference_table("grpo_arms"), pd.DataFrame)
    assert_type(run_study("study.yaml", seeds=[0]), pd.DataFrame)
    assert_type(steps.open_record(records[0]), dict[Any, Any])
