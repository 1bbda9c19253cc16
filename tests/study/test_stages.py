"""The real stages on a model with random weights: what arms were trained on, what that cost, what they are asked."""

import json
from dataclasses import replace

import pytest

from vlaa_helpers import MixedReward, load_report, load_rollouts, run_study
from vlaa_helpers.core.assets import MINI_REWARD
from vlaa_helpers.rewards.gated import GatedReward
from vlaa_helpers.rewards.scorers import RewardModelScorer
from vlaa_helpers.study import stages
from vlaa_helpers.study.apart import check_apart
from vlaa_helpers.study.arms import Arm, Lab
from vlaa_helpers.study.measures import Measure, records_of
from vlaa_helpers.study.pinned import pin_data, pin_scorer
from vlaa_helpers.study.reward_parts import Part, reward_functions
from vlaa_helpers.study.stages import Grpo, Sft, watched_records
from vlaa_helpers.study.study_file import load_study
from vlaa_helpers.study.traces import Traces
from vlaa_helpers.training.recipes import RECIPES

REWARDS = """
def short(completions, **columns):
    return [1 / (1 + len(completion[0]["content"])) for completion in completions]
"""


def study_of(tiny_profile):
    settings = {"model": tiny_profile.model, "sft_batch_size": 4, "prompts_per_step": 2, "num_generations": 4}
    return {
        "study": "tiny",
        "profiles": {"mini": settings | {"max_completion_length": 16}},
        "rewards": {
            "leaky": {"verifiers": {"digit": "leaky_digit", "box": "leaky_box"}},
            "both": {"parts": [{"scorer": "mini_reward"}, {"function": "mine:short", "weight": 0.5, "gate": "answer"}]},
        },
        "measures": [
            {"set": "test", "per_source": 1},
            {"set": "test", "per_source": 1, "images": "blank", "samples": 2},
        ],
        "arms": {
            "SFT": {"stages": [{"sft": {"traces": "look", "number": 6, "passes": 2, "watch": 2}}]},
            "SFT, GRPO": {"start": "SFT", "stages": [{"grpo": {"steps": 1, "number": 12, "reward": "leaky"}}]},
            "blank": {
                "stages": [
                    {"grpo": {"steps": 1, "number": 12, "images": "blank", "reward": "both", "config": {"beta": 0.5}}}
                ]
            },
        },
    }


@pytest.fixture(scope="module")
def ran(tiny_profile, tmp_path_factory):
    """The folder of a study that was run, and its table."""
    folder = tmp_path_factory.mktemp("tiny_study")
    (folder / "mine.py").write_text(REWARDS)
    (folder / "tiny.yaml").write_text(json.dumps(study_of(tiny_profile)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Lab, "__init__", _few(Lab.__init__))
        return folder, run_study(folder / "tiny.yaml", out=folder / "out")


def _few(init):
    """Six records to watch, in place of 300."""
    return lambda lab, profiles, runs, tables: init(lab, profiles, runs, tables, watched=6)


def folder_of(ran, arm):
    folder, table = ran
    return folder / "out" / "arms" / table.loc[table["arm"] == arm, "policy"].iloc[0]


def test_the_table_says_how_each_arm_was_trained_and_what_it_cost(ran):
    _, table = ran
    every = table[(table["source"] == "all") & (table["images_shown"] == "true")].set_index("arm")
    assert every.index.tolist() == ["base", "SFT", "SFT, GRPO", "blank"] and (every["n"] == 6).all()
    assert every["samples_seen"].tolist() == [0, 12, 12 + 2, 2]
    assert every.loc["base", ["tokens_generated", "processor_seconds"]].tolist() == [0, 0]
    assert every.loc["SFT", "tokens_generated"] == 0 < every.loc["blank", "tokens_generated"] <= 8 * 16
    assert 0 < every.loc["SFT", "processor_seconds"] < every.loc["SFT, GRPO", "processor_seconds"] < 600
    assert every["reward"].tolist()[2:] == ["leaky", "both"] and every.loc["blank", "config"] == "beta=0.5"
    assert every["images_trained"].tolist()[1:] == ["true", "true", "blank"]
    assert every.loc["SFT, GRPO", ["vs_base", "change"]].notna().all() and every.loc["base", "change"] == 0


def test_tokens_are_those_of_the_rollouts(ran):
    lengths = load_rollouts(folder_of(ran, "blank"))["tokens"]
    assert len(lengths) == 8 and ran[1].set_index("arm").loc["blank", "tokens_generated"].iloc[0] == sum(lengths)


def test_every_arm_is_asked_the_same_items_and_learned_none_of_them(ran):
    folder, table = ran
    asked = {}
    for arm in table["arm"].unique():
        for measure in ("test_greedy_1x1", "test_sampled_1x2_blank"):
            rows = load_report(folder_of(ran, arm) / measure).rows
            asked.setdefault(measure, set()).add(tuple(row["id"] for row in rows))
    assert {measure: len(ids) for measure, ids in asked.items()} == {"test_greedy_1x1": 1, "test_sampled_1x2_blank": 1}
    told = load_study(folder / "tiny.yaml")
    lab = told.lab(folder / "out")
    learned = {name for arm in told.study.arms[1:] for name in arm.stage.records(arm, lab)["id"]}
    assert len(learned) == 6 + 12 and not learned & {name for ids in asked.values() for each in ids for name in each}


def test_watching_writes_held_out_accuracy_into_the_log(ran):
    heads = {arm: (folder_of(ran, arm) / "log.csv").read_text().splitlines()[0] for arm in ("SFT", "blank")}
    assert "held_out/accuracy" in heads["SFT"] and "held_out/accuracy" not in heads["blank"]
    assert sorted(path.name for path in (folder_of(ran, "SFT") / "held_out").iterdir()) == [
        "step-0",
        "step-2",
        "step-4",
    ]


def test_rewards_coefficients_and_images_reach_the_trainer(ran, tiny_profile, monkeypatch):
    folder, _ = ran
    told = load_study(folder / "tiny.yaml")
    arm = next(arm for arm in told.study.arms if arm.name == "blank")
    seen = {}

    class Enough(Exception):
        pass

    def train_grpo(model, processor, records, profile, **options):
        seen.update(options, records=records)
        raise Enough

    monkeypatch.setattr("vlaa_helpers.training.grpo.train_grpo", train_grpo)
    monkeypatch.setattr("vlaa_helpers.policy.loading.load_policy", lambda *_, **__: (None, None))
    with pytest.raises(Enough):
        arm.stage.train(arm, told.lab(folder), folder, None)
    mixed, short = seen["reward_funcs"]
    assert isinstance(mixed, MixedReward) and isinstance(mixed.scorer, RewardModelScorer)
    assert isinstance(short, GatedReward) and short.gate == "answer" and seen["reward_weights"] == [1, 0.5]
    assert seen["beta"] == 0.5 and seen["max_steps"] == 1 and seen["recipe"] == "vlaa"
    assert {image.getpixel((k, k)) for image in seen["records"]["image"] for k in range(9)} == {(128, 128, 128)}


def test_the_mixed_reward_is_what_an_arm_without_a_reward_gets():
    (reward,) = reward_functions(())["reward_funcs"]
    assert isinstance(reward, MixedReward) and reward(["<answer>3</answer>"], ["digit"], ["3"]) == [1.0]
    leaky = reward_functions((Part(verifiers=(("digit", "leaky_digit"),)),))
    assert leaky["reward_funcs"][0](["3"], ["digit"], ["3"]) == [1.0] and "reward_weights" not in leaky


def test_reward_models_are_known_by_their_weights(tmp_path):
    for name, weights in (("copy", (MINI_REWARD / "model.safetensors").read_bytes()), ("other", b"other")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.safetensors").write_bytes(weights)
    copy, other = (pin_scorer(str(tmp_path / name)) for name in ("copy", "other"))
    assert pin_scorer("mini_reward") == copy != other != pin_scorer("someone/model")


def test_recipes_of_a_file_are_those_of_train_grpo():
    assert set(stages.RECIPES) == set(RECIPES)


def rows_file(path, records):
    """Records as JSON Lines with images beside them."""
    lines = []
    for k, row in enumerate(records):
        row["image"].save(path.parent / f"{path.stem}-{k}.png")
        lines.append({name: row[name] for name in ("id", "question", "gt", "verifier_type", "response")})
        lines[-1]["image"] = f"{path.stem}-{k}.png"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return pin_data(path)


VERIFIERS = ("digit", "choice", "math", "box", "open_ended")


def test_training_on_what_a_measure_asks_is_an_error(tmp_path, tiny_profile):
    lab = Lab({"mini": tiny_profile}, tmp_path, tmp_path)
    test = Measure("test", "greedy", 2)
    asked = rows_file(tmp_path / "asked.jsonl", records_of(test))
    own = Measure("mine", "greedy", 0, data=asked)
    base = Arm("base")
    for stage in (
        Grpo(VERIFIERS, data=asked),
        Sft(Traces("file", 3, data=asked)),
    ):
        for measure in (test, own):
            with pytest.raises(ValueError, match=r"cheat trains on what \w+ asks: \d+ images .*for example"):
                check_apart(base.then("cheat", stage), (measure,), lab)
    watched = rows_file(tmp_path / "watched.jsonl", watched_records(replace(lab, watched=2)))
    with pytest.raises(ValueError, match="cheat trains on what the watch asks"):
        check_apart(base.then("cheat", Grpo(VERIFIERS, data=watched, watch=1)), (test,), replace(lab, watched=2))
    check_apart(base.then("fair", Grpo(VERIFIERS, data=watched)), (test,), replace(lab, watched=2))
    check_apart(base.then("fair", Grpo(("digit",), number=6)), (test, own), lab)
    check_apart(base, (test, own), lab)


def test_too_few_records_in_a_file_are_said(tmp_path, tiny_profile):
    lab = Lab({"mini": tiny_profile}, tmp_path, tmp_path)
    asked = rows_file(tmp_path / "few.jsonl", records_of(Measure("validation", "greedy", 1)))
    arm = Arm("base").then("a", Grpo(("digit",), data=asked, number=2))
    with pytest.raises(ValueError, match="few.jsonl has 1 records of digit, and 2 were asked for"):
        arm.stage.records(arm, lab)
    assert len(Grpo(("digit", "box"), data=asked).records(arm, lab)) == 2
