"""Running studies, without a model: what is done is not done again, what has changed is, and the table is whole."""

import json
from dataclasses import replace

import pandas as pd
import pytest
import standin_study
from standin_study import noted, standin

from vlaa_helpers.study import runner
from vlaa_helpers.study.arms import arm_digest
from vlaa_helpers.study.ledger import RowFiles
from vlaa_helpers.study.pinned import the_function
from vlaa_helpers.study.runner import plan, run_arms
from vlaa_helpers.study.studies import _spread, choose, commands
from vlaa_helpers.study.training import arm_folder

REWARDS = """
def pay(completions, **columns):
    return [1.0] * len(completions)
"""
PAIR = {
    "study": "pair",
    "seeds": [0, 1],
    "rewards": {"leaky": {"verifiers": {"digit": "leaky_digit"}}, "own": {"function": "mine:pay"}},
    "measures": [{"set": "test", "per_source": 1}, {"set": "shifted", "per_source": 1}],
    "arms": {
        "plain": {"stages": [{"nap": {"number": 1}}]},
        "leaky": {"stages": [{"nap": {"number": 1, "reward": "leaky"}}]},
        "own": {"stages": [{"nap": {"number": 1, "reward": "own"}}]},
        "after own": {"start": "own", "stages": [{"nap": {"number": 2}}]},
    },
}


@pytest.fixture
def file(tmp_path):
    (tmp_path / "mine.py").write_text(REWARDS)
    (tmp_path / "pair.yaml").write_text(json.dumps(PAIR))
    return tmp_path / "pair.yaml"


def change(file, **changes):
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def begun(file, out, what="train"):
    """What a run begins to train (or ask), by name."""
    before = len(noted(standin(file, out)[1]))
    table = standin_study.run(file, out)
    return [name for kind, name, *_ in noted(standin(file, out)[1])[before:] if kind == what], table


def test_the_same_file_gives_the_same_table_and_runs_nothing_again(file, tmp_path):
    names, table = begun(file, tmp_path / "a")
    assert names == 2 * ["plain", "leaky", "own", "after own"]
    again, same = begun(file, tmp_path / "a")
    assert again == [] and same.equals(table) and begun(file, tmp_path / "b")[1].equals(table)
    assert table["arm"].drop_duplicates().tolist() == ["base", "plain", "leaky", "own", "after own"]
    assert pd.read_parquet(tmp_path / "a" / "pair.parquet").equals(table)
    as_text = {"images_shown": "string"}  # pandas takes a column of "true" for truth
    read = pd.read_csv(tmp_path / "a" / "pair.csv", keep_default_na=False, dtype=as_text).convert_dtypes()
    pd.testing.assert_frame_equal(read, table)


def test_costs_add_up_from_the_base(file, tmp_path):
    table = standin_study.run(file, tmp_path / "out").groupby("arm").first()
    assert table["samples_seen"].to_dict() == {"base": 0, "plain": 1, "leaky": 1, "own": 1, "after own": 3}
    assert table.loc["after own", ["tokens_generated", "processor_seconds"]].tolist() == [30, 180]


def test_a_changed_reward_is_trained_again_where_it_is_used_and_nowhere_else(file, tmp_path):
    out = tmp_path / "out"
    before = begun(file, out)[1].set_index(["arm", "seed"])["policy"]
    change(file, rewards=PAIR["rewards"] | {"leaky": {"verifiers": {"digit": "leaky_digit"}, "gate": "answer"}})
    assert begun(file, out)[0] == ["leaky", "leaky"]
    (file.parent / "mine.py").write_text(REWARDS.replace("1.0", "0.5"))
    names, after = begun(file, out)
    assert names == 2 * ["own", "after own"]
    after = after.set_index(["arm", "seed"])["policy"]
    changed = {name for name, same in (before.sort_index() == after.sort_index()).items() if not same}
    assert changed == {(name, seed) for name in ("leaky", "own", "after own") for seed in (0, 1)}
    change(file, rewards=PAIR["rewards"])
    (file.parent / "mine.py").write_text(REWARDS)
    assert begun(file, out)[0] == [], "what was trained once is still there"


def test_names_order_and_places_run_nothing_again(file, tmp_path):
    out = tmp_path / "out"
    standin_study.run(file, out)
    arms = dict(reversed([(f"my {name}", arm) for name, arm in PAIR["arms"].items()]))
    arms["my after own"] = arms["my after own"] | {"start": "my own"}
    change(file, arms=arms, study="other", question="Really?")
    elsewhere = tmp_path / "moved"
    elsewhere.mkdir()
    for name in ("pair.yaml", "mine.py"):
        (tmp_path / name).rename(elsewhere / name)
    names, table = begun(elsewhere / "pair.yaml", out)
    assert names == [] and table["arm"].drop_duplicates().tolist() == ["base", *arms]


def test_another_measure_asks_again_and_trains_nothing(file, tmp_path):
    out = tmp_path / "out"
    standin_study.run(file, out)
    change(file, measures=[{"set": "test", "per_source": 1, "images": "blank"}])
    assert begun(file, out)[0] == []
    change(file, measures=[{"set": "test", "per_source": 2}])
    assert len(begun(file, out, "ask")[0]) == 9


def test_a_new_measure_is_held_apart_from_what_is_trained_already(file, tmp_path, monkeypatch):
    standin_study.run(file, tmp_path / "out")
    change(file, measures=[{"set": "test", "per_source": 2}])
    held = []
    monkeypatch.setattr(
        runner, "check_apart", lambda arm, measures, lab: held.append((arm.name, measures[0].per_source))
    )
    standin_study.run(file, tmp_path / "out")
    assert set(held) == {(name, 2) for name in ("plain", "leaky", "own", "after own")}


def test_a_reward_that_changes_while_the_study_runs_is_an_error(file, tmp_path):
    study, _ = standin(file, tmp_path / "out")
    (part,) = next(arm for arm in study.arms if arm.name == "own").stage.reward
    assert the_function(part.function)([1, 2]) == [1.0, 1.0]
    (file.parent / "mine.py").write_text(REWARDS + "\n")
    with pytest.raises(ValueError, match="mine.py changed while the study ran"):
        the_function(part.function)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("def pay(:", "mine.py cannot be run: SyntaxError"),
        ("1 / 0", "mine.py cannot be run: ZeroDivisionError"),
        ("", "has no function 'pay'"),
    ],
)
def test_a_reward_that_cannot_be_had_is_said_before_anything_runs(file, tmp_path, source, words):
    (file.parent / "mine.py").write_text(source)
    with pytest.raises(ValueError, match=f"pair.yaml.rewards.own.function: .*{words}"):
        standin(file, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_part_of_the_arms_leaves_the_table_with_all_that_are_done(file, tmp_path):
    study, lab = standin(file, tmp_path / "out")
    run_arms(study, lab, RowFiles(), choose(study, arms=["plain"], seeds=[1]))
    assert [line[:3] for line in noted(lab)] == [["train", "plain", 1], ["ask", "plain", 1]]
    run_arms(study, lab, RowFiles(), choose(study, arms=["after own"], seeds=[0]))
    assert RowFiles().table(study, lab)["arm"].drop_duplicates().tolist() == ["after own", "plain"]
    with pytest.raises(ValueError, match="pair has no arm 'plane'; expected any of base, plain, leaky"):
        choose(study, arms=["plane"])
    with pytest.raises(ValueError, match="pair has no seed 7; expected any of 0, 1"):
        choose(study, seeds=[7])


def test_a_base_that_is_not_there_stops_its_own_arms_alone(file, tmp_path):
    change(file, profiles={"here": {"like": "mini"}, "gone": {"like": "mini"}})
    study, lab = standin(file, tmp_path / "runs")
    gone = replace(lab.profiles["gone"], model=str(tmp_path / "nowhere"))
    lab = replace(lab, profiles={**lab.profiles, "gone": gone})
    here = choose(study, profiles=["here"])
    assert not plan(study, lab, RowFiles(), here)["done"].any()
    run_arms(study, lab, RowFiles(), here)
    assert plan(study, lab, RowFiles(), here)["done"].all()
    assert set(RowFiles().table(study, lab)["profile"]) == {"here"}
    with pytest.raises(FileNotFoundError, match="--profiles"):
        run_arms(study, lab, RowFiles())


def test_each_command_of_the_list_runs_one_arm_and_together_they_run_all(file):
    study, _ = standin(file, file.parent / "out")
    lines = commands(study.arms, "pair.yaml", "my runs")
    assert lines[4] == "vlaa study pair.yaml --out 'my runs' --arms 'after own' --profiles mini --seeds 0"
    assert len(lines) == len(set(lines)) == len(study.arms) == 9
    assert commands(study.arms, "pair.yaml", "runs/studies")[0].startswith("vlaa study pair.yaml --arms base")


def test_the_plan_says_what_is_left_and_learns_from_what_is_done(file, tmp_path, caplog):
    study, lab = standin(file, tmp_path / "out")
    before = plan(study, lab, RowFiles())
    assert before["minutes"].isna().sum() == 8, "nobody knows how long a nap takes"
    assert "0 of 9 arms done, time left is known after the first" in runner.progress(study, study.arms, lab, RowFiles())
    run_arms(study, lab, RowFiles(), study.arms[:2])
    after = plan(study, lab, RowFiles()).set_index(["arm", "seed"])
    assert after["done"].sum() == 2 and after.loc[("plain", 0), "minutes"] == 0
    assert after.loc[("own", 0), "minutes"] == pytest.approx(1, abs=0.1), "a step took a minute"
    assert after.loc[("after own", 0), "minutes"] == pytest.approx(2, abs=0.1), (
        "own is counted where it is needed first"
    )
    assert "2 of 9 arms done, about 9 min left" in runner.progress(study, study.arms, lab, RowFiles())
    run_arms(study, lab, RowFiles())
    assert "9 of 9 arms done, nothing left" in runner.progress(study, study.arms, lab, RowFiles())


def test_an_arm_in_another_hand_is_left_to_it(file, tmp_path, monkeypatch):
    from filelock import FileLock

    study, lab = standin(file, tmp_path / "out")
    plain = study.arms[1]
    arm_folder(plain, lab).mkdir(parents=True)
    other = FileLock(arm_folder(plain, lab) / "pair.lock")
    other.acquire()
    done = []

    def other_dies(seconds):
        done.append(RowFiles().table(study, lab)["arm"].nunique())
        other.release()

    monkeypatch.setattr(runner.time, "sleep", lambda seconds: other_dies(seconds) if seconds > 1 else None)
    run_arms(study, lab, RowFiles())
    assert done == [5] and noted(lab)[-1][:3] == ["ask", "plain", 0]


def test_two_arms_of_one_training_are_trained_once(file, tmp_path):
    change(file, arms=dict.fromkeys(("a", "b"), PAIR["arms"]["plain"]), seeds=[0])
    names, table = begun(file, tmp_path / "out")
    assert names == ["a"] and table["arm"].drop_duplicates().tolist() == ["base", "a", "b"]
    assert table["policy"].nunique() == 2


@pytest.mark.timeout(900)
def test_two_workers_of_ray_share_the_arms(file, tmp_path, monkeypatch):
    import ray
    from ray import cloudpickle

    monkeypatch.setattr(standin_study, "NAP", 0.4)  # travels with the pickle: time for the second worker to start
    cloudpickle.register_pickle_by_value(standin_study)
    study, lab = standin(file, tmp_path / "out")
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, configure_logging=False)
    try:
        _spread(study, lab, list(study.arms))
    finally:
        ray.shutdown()
        cloudpickle.unregister_pickle_by_value(standin_study)
        monkeypatch.undo()
    trained = [(name, seed) for what, name, seed, _ in noted(lab) if what == "train"]
    assert sorted(trained) == sorted((name, seed) for name in PAIR["arms"] for seed in (0, 1)), "each once"
    assert len({process for *_, process in noted(lab)}) >= 2
    assert RowFiles().table(study, lab).equals(standin_study.run(file, tmp_path / "alone"))


def test_weights_and_settings_that_a_stage_reads_are_in_the_digest(file, tmp_path):
    study, lab = standin(file, tmp_path / "out")
    plain = study.arms[1]
    digest = arm_digest(plain, lab)
    other = replace(lab, profiles={"mini": lab.profiles["mini"].replace(lora_rank=8)})
    unread = replace(lab, profiles={"mini": lab.profiles["mini"].replace(num_generations=2)})
    assert arm_digest(plain, other) != digest == arm_digest(plain, unread)
    (tmp_path / "two").mkdir()
    (tmp_path / "two" / "model.safetensors").write_bytes(b"other weights")
    moved = replace(lab, profiles={"mini": lab.profiles["mini"].replace(model=str(tmp_path / "two"))})
    assert arm_digest(plain, moved) != digest
