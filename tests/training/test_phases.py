"""RL and SFT in turns: what each phase trains on, what stays frozen, and an interruption that changes nothing."""

from pathlib import Path

import pandas as pd
import pytest
import torch
from datasets import concatenate_datasets
from peft.utils import load_peft_weights

from vlaa_helpers import load_policy, load_rollouts, make_scenes, phase_recipe, train_in_phases, train_sft
from vlaa_helpers.policy import adapter_updates
from vlaa_helpers.training import most_moved, phases

SETTINGS = {"grpo_steps": 2, "sft_steps": 2, "least": 2, "at_most": 0.5, "grpo": {"learning_rate": 0.01}}


@pytest.fixture(scope="module")
def records(with_traces):
    return with_traces(make_scenes(6, sources=["blocks"]))


def length_is_odd(completions, **_):
    """A reward that an untrained policy earns now and then."""
    return [float(len(completion[0]["content"]) % 2) for completion in completions]


@pytest.fixture(scope="module")
def run(tiny_profile, records):
    def train(folder, **settings):
        model, processor = load_policy(tiny_profile)
        profile = tiny_profile.replace(sft_batch_size=2)
        given = {"reward_funcs": length_is_odd, "output_dir": folder, **SETTINGS, **settings}
        return model, train_in_phases(model, processor, of_kind(given.pop("records", 6)), profile, **given)

    def of_kind(kind):
        if kind == "twice":
            return concatenate_datasets([records, records])
        if kind == "bare":
            return records.map(
                lambda row, k: {"response": row["response"] * (k < 1), "reasoning": ""}, with_indices=True
            )
        return records.select(range(kind))

    return train


@pytest.fixture(scope="module")
def whole(run, tmp_path_factory):
    return run(tmp_path_factory.mktemp("whole"), cycles=1, grpo={"learning_rate": 0.01, "beta": 0.01})


def weights_in(folder):
    return load_peft_weights(str(folder), device="cpu")


def test_phases_take_turns_and_say_what_they_did(whole, records):
    model, table = whole
    assert table.index.tolist() == ["1-grpo", "2-sft", "3-grpo"] and table["method"].tolist() == ["GRPO", "SFT", "GRPO"]
    assert table["steps"].tolist() == [2, 2, 2] and table["seed"].tolist() == [0, 1, 2]
    assert table["records"].tolist()[::2] == [6, 6] and 2 <= table.loc["2-sft", "records"] <= 4  # two prompts a step
    assert 0.5 <= table.loc["2-sft", "frozen"] < 0.6 < table.loc["2-sft", "moved"] < 1
    assert table[["frozen", "moved"]].isna().all(axis=1).tolist() == [True, False, True]
    last = weights_in(table.loc["3-grpo", "folder"] / "adapter")
    trained = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
    assert len(trained) == len(last)
    for name, weight in trained.items():
        assert torch.equal(weight, last[name.replace(".default", "")])
    asked = [load_rollouts(folder)["id"].tolist() for folder in table["folder"][::2]]
    assert len(asked[0]) == 2 * 2 * 4 and asked[0] != asked[1]


def test_the_block_that_rl_moved_most_stays_in_sft_and_moves_in_the_next_rl(whole):
    _, table = whole
    start, *adapters = [Path(table.loc["1-grpo", "folder"]).parent / "start", *(f / "adapter" for f in table["folder"])]
    blocks = most_moved([(start, adapters[0])])
    products = [dict(adapter_updates(adapter)) for adapter in adapters]
    assert blocks.keys() == products[0].keys()
    for name, block in blocks.items():
        frozen = block.rows[:, None] & block.columns[None, :]
        after_rl, after_sft, after_rl_again = (product[name] for product in products)
        assert torch.equal(after_rl[frozen], after_sft[frozen])
        assert not torch.equal(after_rl[~frozen], after_sft[~frozen])
        assert (after_sft[frozen] != after_rl_again[frozen]).float().mean() > 0.9


def test_a_phase_of_sft_is_train_sft_on_the_hard_questions(tiny_profile, records, run, tmp_path, monkeypatch):
    """Without freezing and choice of tokens: "relift" with MIFO's threshold, against `train_sft` itself."""
    asked = []
    monkeypatch.setattr(phases, "frozen_coordinates", None)  # which relift does not need
    monkeypatch.setattr(
        phases, "train_sft", lambda *args, **kwargs: asked.append((args[2], kwargs)) or train_sft(*args, **kwargs)
    )
    _, table = run(tmp_path / "run", recipe="relift", cycles=1)
    (hard, given), folders = asked[0], table["folder"]
    assert given["token_weights"] is None and table["frozen"].isna().all()
    rollouts = load_rollouts(folders.iloc[0])
    shares = rollouts.groupby("id")["reward"].mean()
    assert set(hard["id"]) == set(shares[shares <= 0.5].index)
    model, processor = load_policy(tiny_profile, adapter=folders.iloc[0] / "adapter")
    trainer = train_sft(
        model, processor, hard, tiny_profile.replace(sft_batch_size=2), max_steps=2, seed=1, warmup_steps=0,
        lr_scheduler_type="constant", output_dir=str(tmp_path / "alone"),
    )  # fmt: skip
    expected = weights_in(folders.iloc[1] / "adapter")
    for name, weight in trainer.model.named_parameters():
        if weight.requires_grad:
            assert torch.equal(weight, expected[name.replace(".default", "")]), name


def test_all_tokens_and_nothing_frozen_is_plain(run, tmp_path):
    """MIFO with a share of 1 and nothing frozen is the same phases."""
    plain = {"cycles": 1, "sft_steps": 1}
    _, one = run(tmp_path / "mifo", token_share=1, freeze=0, **plain)
    _, other = run(tmp_path / "relift", recipe="relift", **plain)
    _, chosen = run(tmp_path / "chosen", freeze=0, **plain)
    first, second, third = (weights_in(table["folder"].iloc[-1] / "adapter") for table in (one, other, chosen))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not all(torch.equal(first[name], third[name]) for name in first)


def test_too_few_hard_questions_wait_for_the_next_phase(run, tmp_path):
    _, table = run(tmp_path, cycles=2, grpo_steps=1, sft_steps=1, least=3, at_most=1, freeze=0)
    asked = set(pd.concat(load_rollouts(table["folder"].iloc[k]) for k in (0, 2))["id"])
    assert table["steps"].tolist() == [1, 0, 1, 1, 1] and len(asked) > 2
    assert table["records"].tolist() == [6, 2, 6, len(asked), 6]
    before, after = (weights_in(folder / "adapter") for folder in table["folder"][:2])
    assert all(torch.equal(before[name], after[name]) for name in before)


@pytest.mark.parametrize("at", ["1-grpo", "2-sft", "3-grpo"])
def test_interrupted_and_resumed_is_the_same(at, run, whole, tmp_path, monkeypatch):
    """After the first step of a phase; and once more between two phases."""
    from vlaa_helpers.training.runner import TrainingLog

    original = TrainingLog.on_step_end

    def stop(log, args, state, control, **kwargs):
        original(log, args, state, control, **kwargs)
        if Path(args.output_dir).name == at and state.global_step == 1:
            raise KeyboardInterrupt

    settings = {"cycles": 1, "grpo": {"learning_rate": 0.01, "beta": 0.01}}
    monkeypatch.setattr(TrainingLog, "on_step_end", stop)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, **settings)
    assert (tmp_path / at / "checkpoint-1").is_dir() and not (tmp_path / at / "adapter").exists()
    monkeypatch.undo()
    with pytest.raises(FileExistsError, match=r"1-grpo is there from another run: resume=True goes on with it"):
        run(tmp_path, **settings)
    model, table = run(tmp_path, resume=True, **settings)
    expected = whole[1]
    assert table.drop(columns="folder").equals(expected.drop(columns="folder"))
    for mine, theirs in zip(table["folder"], expected["folder"], strict=True):
        one, other = weights_in(mine / "adapter"), weights_in(theirs / "adapter")
        assert all(torch.equal(one[name], other[name]) for name in other)


def test_what_is_done_is_not_trained_again(run, whole, tmp_path, monkeypatch):
    import shutil

    folder = tmp_path / "run"
    shutil.copytree(whole[1]["folder"].iloc[0].parent, folder)
    monkeypatch.setattr(phases, "train_grpo", None)
    model, table = run(folder, resume=True, cycles=1, grpo={"learning_rate": 0.01, "beta": 0.01, "save_steps": 7})
    assert table["steps"].tolist() == [2, 2, 2]
    trained = dict(model.named_parameters())
    for name, weight in weights_in(folder / "3-grpo" / "adapter").items():
        assert torch.equal(trained[name.replace(".weight", ".default.weight")], weight)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"seed": 1}, "with seed=0, and this is seed=1"),
        ({"freeze": 0}, "with freeze=0.5, and this is freeze=0"),
        ({"grpo": {"learning_rate": 0.01}}, "with grpo beta=0.01, and this is grpo beta=None"),
        ({"records": 5}, "over other records"),
    ],
)
def test_a_run_goes_on_with_the_settings_it_began_with(settings, said, run, whole, tmp_path, monkeypatch):
    """Else its phases would be of two runs, and the table would name one."""
    import shutil

    shutil.copytree(whole[1]["folder"].iloc[0].parent, tmp_path / "run")
    shutil.rmtree(tmp_path / "run" / "3-grpo")
    monkeypatch.setattr(phases, "train_grpo", None)
    given = {"cycles": 1, "grpo": {"learning_rate": 0.01, "beta": 0.01}, **settings}
    with pytest.raises(ValueError, match=f"began {said}.*name another output_dir"):
        run(tmp_path / "run", resume=True, **given)


def test_no_phase_of_one_seed_has_the_draws_of_another_seed(run, tmp_path, monkeypatch):
    """Phases ask and sample by their seed: seed 0's third and seed 2's first must not be one."""
    seeds = []

    class Done(Exception):
        pass

    def note(*_, seed, **__):
        seeds.append(seed)
        raise Done

    monkeypatch.setattr(phases, "train_grpo", note)
    for seed in range(5):
        with pytest.raises(Done):
            run(tmp_path / str(seed), seed=seed)
    assert seeds[0] == 0 and min(later - earlier for earlier, later in zip(seeds, seeds[1:], strict=False)) >= 1000


def test_a_fresh_run_begins_with_the_policy_it_is_given(run, whole, tmp_path, monkeypatch):
    """And not with what a run that came to nothing left."""
    import shutil

    shutil.copytree(whole[1]["folder"].iloc[0] / "adapter", tmp_path / "start")

    def stop(model, *_, **__):
        assert not any(weight.any() for name, weight in model.named_parameters() if "lora_B" in name)
        raise KeyboardInterrupt

    monkeypatch.setattr(phases, "train_grpo", stop)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path)


def test_recipes_say_what_they_do_and_who_says_so(tiny_profile):
    mifo, relift = (phase_recipe(tiny_profile, name) for name in ("mifo", "relift"))
    assert mifo.index.equals(relift.index) and mifo["source"].str.contains("ours").all()
    assert mifo["value"]["freeze"] == 0.5 and mifo["value"]["token_share"] == 0.2
    values = relift["value"]
    assert (values["at_most"], values["token_share"], values["freeze"], values["sft_steps"]) == (0, 1, 0, 1)
    assert values["least"] == tiny_profile.sft_batch_size
    with pytest.raises(ValueError, match="unknown recipe 'grpo'; expected one of mifo, relift"):
        phase_recipe(tiny_profile, "grpo")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"steps": 3}, "unknown setting 'steps'; expected one of cycles, grpo_steps, .* or grpo={…}, sft={…}"),
        ({"warmup_steps": 3}, "unknown setting 'warmup_steps'"),
        ({"sft_steps": 0}, "sft_steps is 1 or more, got 0"),
        ({"freeze": 50}, "freeze is a share of 0 to 1, got 50; phase_recipe lists the defaults"),
        ({"token_share": 0}, "token_share is a share of 0 to 1, got 0"),
        ({"objective": "dapo"}, "unknown setting 'objective'"),
        ({"sft": {"reward_funcs": []}}, "grpo or sft has reward_funcs, which each phase sets for itself"),
        ({"grpo": {"max_steps": 3}}, "grpo or sft has max_steps, which each phase sets for itself; leave it out"),
        ({"recipe": "sft"}, "unknown recipe 'sft'"),
        ({"sft": {"learning_rat": 1e-4}}, "sft has learning_rat, which neither train_sft nor SFTConfig knows"),
        ({"grpo": {"learning_rat": 1e-4}}, "grpo has learning_rat, which neither train_grpo nor GRPOConfig knows"),
        ({"sft": {"loss_type": "dft"}}, "token_share=0.2 weighs TRL's plain loss, and sft has loss_type"),
        ({"reward_funcs": [length_is_odd, max]}, "rewards length_is_odd, max; .* one MixedReward among them"),
        ({"records": "twice"}, "6 records share an id with another; give each its own"),
        ({"records": "bare"}, "1 of 6 records have a response or a reasoning, fewer than least=2"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_trained(settings, said, run, tmp_path):
    with pytest.raises(ValueError, match=said):
        run(tmp_path, **settings)
    assert not any(tmp_path.iterdir())


def test_several_processes_are_refused(run, tmp_path, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(ValueError, match="phases train in one process, and torchrun or accelerate started several"):
        run(tmp_path)
