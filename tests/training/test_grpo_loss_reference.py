"""The GRPO objective: our functions, TRL's loss and numbers worked out on paper are the same, for every recipe."""

import math

import pytest
import torch

from vlaa_helpers import (
    clipped_objective,
    group_advantages,
    grpo_loss,
    grpo_recipe,
    kl_estimates,
    load_policy,
    make_scenes,
    train_grpo,
)
from vlaa_helpers.training import grpo

# ---- a group of four by hand ----
# Rewards 1 0 0 1; responses of 2, 4, 1 and 3 tokens, padded to 4, of the 5 that they may have.
REWARDS = torch.tensor([[1.0, 0.0, 0.0, 1.0]])
LENGTHS = (2, 4, 1, 3)
MASK = torch.tensor([[1, 1, 0, 0], [1, 1, 1, 1], [1, 0, 0, 0], [1, 1, 1, 0]])
# policy / old policy, and reference / policy; 7 in the padding must not matter
RATIOS = torch.tensor([[1.0, 1.5, 7, 7], [1.0, 0.5, 1.5, 1.1], [0.7, 7, 7, 7], [1.0, 0.5, 1.25, 7]])
REFERENCE = torch.tensor([[1.0, 2.0, 7, 7], [1.0, 1.0, 1.0, 1.0], [0.5, 7, 7, 7], [1.0, 1.0, 1.0, 7]])
A = 0.8658753896  # 0.5 / (0.5773502692 + 0.0001): mean 0.5, deviation sqrt(4 · 0.25 / 3)
# Ratios that count, times the sign of the advantage, with bounds 0.8 and 1.2:
#   1 1.2 | -1 -0.8 -1.5 -1.1 | -0.8 | 1 0.5 1.2, sums 2.2 -4.4 -0.8 2.7; with 1.28 above: sums 2.28 -4.4 -0.8 2.75
# k3 times the ratio: second token of the first (2 - 1 - log 2) · 1.5 = 0.4602792292,
#                     only token of the third (0.5 - 1 + log 2) · 0.7 = 0.1352030264
BY_HAND = {
    "trl": 0.03 * A,  # -(2.2 - 4.4 - 0.8 + 2.7) / 10 tokens
    "vlaa": -0.025 * A + 0.001 * 0.0913356603,  # -(1.1 - 1.1 - 0.8 + 0.9) / 4; (0.2301396146 + 0.1352030264) / 4
    "dapo": 0.017 * A,  # -(2.28 - 4.4 - 0.8 + 2.75) / 10 tokens
    "dr_grpo": 0.0075,  # advantages ±0.5: -0.5 · (2.2 - 4.4 - 0.8 + 2.7) / (4 · 5)
}
OLD = torch.full((4, 4), math.log(0.3))
LOGPS = OLD + RATIOS.log()
REF = LOGPS + REFERENCE.log()


def ours(profile, recipe):
    """Keywords of `grpo_loss` by a recipe, and the advantages of the group by hand."""
    rows = grpo_recipe(profile, recipe)["value"]
    names = ("beta", "epsilon", "epsilon_high", "loss_type", "use_bias_correction_kl")
    advantages = group_advantages(REWARDS, scale=rows["scale_rewards"] == "group")[0]
    return advantages, {name: rows[name] for name in names}


@pytest.mark.parametrize("recipe", BY_HAND)
def test_the_loss_of_a_recipe_is_the_one_worked_out_by_hand(recipe, tiny_profile):
    advantages, keywords = ours(tiny_profile, recipe)
    loss = grpo_loss(LOGPS, OLD, REF, MASK, advantages, max_completion_length=5, **keywords)
    assert loss.item() == pytest.approx(BY_HAND[recipe], rel=1e-5)


def test_advantages_by_hand():
    rewards = torch.tensor([[1.0, 0.0, 0.0, 1.0], [0.25, 0.25, 0.25, 0.25], [0.0, 0.0, 0.0, 0.8]])
    expected = [[A, -A, -A, A], [0.0] * 4, [-0.2 / 0.4001] * 3 + [0.6 / 0.4001]]
    assert group_advantages(rewards).tolist() == [pytest.approx(row, rel=1e-6) for row in expected]
    assert group_advantages(rewards, scale=False)[2].tolist() == pytest.approx([-0.2, -0.2, -0.2, 0.6])
    with pytest.raises(ValueError, match="at least 2 generations, got 1; set num_generations"):
        group_advantages(torch.ones(3, 1))


def test_what_a_token_adds_by_hand():
    values = clipped_objective(LOGPS, OLD, torch.tensor([1.0, -1.0, -1.0, 1.0]), epsilon=0.2, epsilon_high=0.28)
    expected = [[1.0, 1.28], [-1.0, -0.8, -1.5, -1.1], [-0.8], [1.0, 0.5, 1.25]]
    assert [values[k, :n].tolist() for k, n in enumerate(LENGTHS)] == [pytest.approx(row) for row in expected]
    one_epsilon = clipped_objective(LOGPS, OLD, torch.tensor([1.0, -1.0, -1.0, 1.0]), epsilon=0.4)
    assert one_epsilon[:, 1].tolist()[:2] == pytest.approx([1.4, -0.6])


def test_a_clipped_token_has_no_gradient():
    logps = LOGPS.clone().requires_grad_()
    clipped_objective(logps, OLD, torch.tensor([1.0, -1.0, -1.0, 1.0])).sum().backward()
    moves = [(logps.grad[k, :n] != 0).tolist() for k, n in enumerate(LENGTHS)]
    assert moves == [[True, False], [True, False, True, True], [False], [True, True, False]]


def test_kl_estimates_by_hand():
    found = kl_estimates(torch.tensor([0.5, 0.5, 0.2]).log(), torch.tensor([1.0, 0.25, 0.2]).log())
    assert found["k1"].tolist() == pytest.approx([-0.693147, 0.693147, 0.0], abs=1e-6)
    assert found["k2"].tolist() == pytest.approx([0.240227, 0.240227, 0.0], abs=1e-6)
    assert found["k3"].tolist() == pytest.approx([0.306853, 0.193147, 0.0], abs=1e-6)


def test_the_ratio_on_k3_turns_its_gradient_into_that_of_the_kl():
    """Over a vocabulary of three, with every token weighed by its probability, so that sums are means."""
    reference = torch.tensor([0.2, 0.5, 0.3]).log()
    start = torch.tensor([0.3, -0.2, 0.5])

    def gradient(value):
        scores = start.clone().requires_grad_()
        value(scores.log_softmax(dim=0)).backward()
        return scores.grad

    def mean_k3(logps, *, ratio):
        old = logps.detach()
        k3 = kl_estimates(logps, reference)["k3"] * ((logps - old).exp() if ratio else 1)
        return (old.exp() * k3).sum()

    policy_to_reference = gradient(lambda logps: (logps.exp() * (logps - reference)).sum())
    reference_to_policy = gradient(lambda logps: (reference.exp() * (reference - logps)).sum())
    assert torch.allclose(gradient(lambda logps: mean_k3(logps, ratio=True)), policy_to_reference, atol=1e-6)
    assert torch.allclose(gradient(lambda logps: mean_k3(logps, ratio=False)), reference_to_policy, atol=1e-6)


def test_grpo_loss_says_what_it_needs():
    advantages = group_advantages(REWARDS)[0]
    with pytest.raises(ValueError, match="unknown loss type 'bnpo'; expected one of grpo, dapo, dr_grpo"):
        grpo_loss(LOGPS, OLD, None, MASK, advantages, loss_type="bnpo")
    with pytest.raises(ValueError, match="give max_completion_length"):
        grpo_loss(LOGPS, OLD, None, MASK, advantages, loss_type="dr_grpo")
    with pytest.raises(ValueError, match=r"beta=0.1 asks for a KL: give ref_logps"):
        grpo_loss(LOGPS, OLD, None, MASK, advantages, beta=0.1)


# ---- TRL's loss on the same numbers ----


@pytest.fixture
def idle_trainer(tiny_profile, tmp_path, monkeypatch):
    """`train_grpo` up to the trainer, which does not run."""
    monkeypatch.setattr(grpo.GRPOTrainer, "train", lambda trainer, **_: None)

    def make(**keywords):
        model, processor = load_policy(tiny_profile)
        trainer = train_grpo(
            model, processor, make_scenes(2), tiny_profile, reward_funcs=lambda completions, **_: [0.0],
            output_dir=str(tmp_path), **keywords,
        )  # fmt: skip
        trainer.model.train()
        return trainer

    return make


def trl_loss(trainer, logps, old, ref, mask, advantages, *, parts=1):
    """TRL's loss of a step whose responses go through in `parts` passes, which the Trainer adds up."""
    trainer.current_gradient_accumulation_steps = trainer.args.steps_per_generation = parts
    total = 0
    for rows in torch.arange(len(logps)).chunk(parts):
        found = (logps[rows], torch.zeros_like(logps[rows]), None)
        trainer._get_per_token_logps_and_entropies = lambda *args, found=found, **kwargs: found
        ids = torch.ones_like(mask[rows])
        inputs = {
            "prompt_ids": ids, "prompt_mask": ids, "completion_ids": ids, "completion_mask": mask[rows],
            "advantages": advantages[rows], "old_per_token_logps": old[rows], "num_items_in_batch": mask.sum(),
        }  # fmt: skip
        if ref is not None:
            inputs["ref_per_token_logps"] = ref[rows]
        total = total + trainer._compute_loss(trainer.model, inputs)
    return total


@pytest.mark.parametrize("recipe", BY_HAND)
def test_trl_s_loss_by_a_recipe_is_the_one_worked_out_by_hand(recipe, tiny_profile, idle_trainer):
    trainer = idle_trainer(recipe=recipe, max_completion_length=5)
    advantages, _ = ours(tiny_profile, recipe)
    ref = REF if trainer.beta else None
    for parts in (1, 2, 4):
        loss = trl_loss(trainer, LOGPS, OLD, ref, MASK, advantages, parts=parts)
        assert loss.item() == pytest.approx(BY_HAND[recipe], rel=1e-5)


def test_trl_s_loss_and_gradient_are_ours(idle_trainer):
    """Every loss type, with and without KL and with it weighed or not, in one pass and cut into unequal ones."""
    generator = torch.Generator().manual_seed(0)
    lengths = torch.tensor([9, 1, 4, 12, 7, 2, 3, 12])
    mask = (torch.arange(12) < lengths[:, None]).long()
    old = -3 * torch.rand(8, 12, generator=generator)
    start = old + 0.4 * torch.randn(8, 12, generator=generator)
    ref = old + 0.4 * torch.randn(8, 12, generator=generator)
    advantages = group_advantages(torch.rand(2, 4, generator=generator)).flatten()
    trainer = idle_trainer(beta=0.1, epsilon_high=0.28, max_completion_length=12)
    cut = {}
    for loss_type in ("grpo", "dapo", "dr_grpo", "bnpo"):
        for beta, weighed in ((0.0, True), (0.1, True), (0.1, False)):
            trainer.loss_type, trainer.beta, trainer.args.use_bias_correction_kl = loss_type, beta, weighed
            keywords = {
                "beta": beta, "epsilon_high": 0.28, "loss_type": loss_type, "max_completion_length": 12,
                "use_bias_correction_kl": weighed,
            }  # fmt: skip
            found = {}
            for parts in (0, 1, 4):
                logps = start.clone().requires_grad_()
                if parts:
                    loss = trl_loss(trainer, logps, old, ref if beta else None, mask, advantages, parts=parts)
                elif loss_type != "bnpo":
                    loss = grpo_loss(logps, old, ref, mask, advantages, **keywords)
                else:
                    continue
                loss.backward()
                found[parts] = loss.item(), logps.grad
            cut[loss_type] = abs(found[1][0] - found[4][0])
            for parts in (1, 4) if loss_type != "bnpo" else ():
                assert found[parts][0] == pytest.approx(found[0][0], abs=1e-6), (loss_type, beta, weighed, parts)
                assert torch.allclose(found[parts][1], found[0][1], atol=1e-7), (loss_type, beta, weighed, parts)
    assert cut["bnpo"] > 0.01  # a mean of means: TRL says so, and no recipe of ours uses it


# ---- whole steps ----


def steps_of(profile, folder, **config):
    def reward(completions, **_):
        return [len(set(completion[0]["content"])) / 16 for completion in completions]

    model, processor = load_policy(profile)
    with torch.no_grad():  # an adapter that does something, or reference and policy would be the bare model
        generator = torch.Generator().manual_seed(1)
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                parameter.add_(0.05 * torch.randn(parameter.shape, generator=generator))
    return train_grpo(
        model, processor, make_scenes(8, seed=3), profile, reward_funcs=reward, warmup_steps=0, save_strategy="no",
        exact_draws=True,
        output_dir=str(folder), **config,
    )  # fmt: skip


@pytest.mark.parametrize("recipe", ["trl", "vlaa", "dr_grpo"])
def test_a_step_of_the_trainer_is_ours(recipe, tiny_profile, tmp_path, monkeypatch):
    """From the model's own logits and the rewards: temperature, reference, advantages, loss and KL."""
    from trl import GRPOTrainer

    original, seen = GRPOTrainer._compute_loss, []

    def record(self, model, inputs):
        loss = original(self, model, inputs)
        ids = torch.cat([inputs["prompt_ids"], inputs["completion_ids"]], dim=1)
        attention = torch.cat([inputs["prompt_mask"], inputs["completion_mask"]], dim=1)
        prompt = torch.arange(len(inputs["counts"])).repeat_interleave(torch.tensor(inputs["counts"]))  # of each row
        grids, types = inputs["image_grid_thw"], inputs["mm_token_type_ids"]
        patches = inputs["pixel_values"].split(grids.prod(dim=1).tolist())
        images = {"pixel_values": torch.cat([patches[k] for k in prompt]), "image_grid_thw": grids[prompt]}
        with torch.no_grad():
            output = model(input_ids=ids, attention_mask=attention, mm_token_type_ids=types, **images)
            logits = output.logits[:, :-1] / self.args.temperature
        logps = logits.log_softmax(dim=-1).gather(2, ids[:, 1:, None]).squeeze(2)
        seen.append((inputs, logps[:, -inputs["completion_ids"].shape[1] :], loss))
        return loss

    monkeypatch.setattr(GRPOTrainer, "_compute_loss", record)
    trainer = steps_of(tiny_profile, tmp_path, recipe=recipe, max_steps=2, learning_rate=1e-2)
    _, keywords = ours(tiny_profile, recipe)
    for step, (inputs, logps, loss) in enumerate(seen):
        ref, mask, log = inputs.get("ref_per_token_logps"), inputs["completion_mask"], trainer.state.log_history[step]
        keywords["beta"] = log.get("kl_coefficient", 0.0)
        expected = grpo_loss(logps, logps, ref, mask, inputs["advantages"], max_completion_length=16, **keywords)
        assert len(set(mask.sum(dim=1).tolist())) > 1 or step
        assert loss.item() == pytest.approx(expected.item(), abs=1e-5) and loss.item() == pytest.approx(log["loss"])
        if recipe == "vlaa":
            kl = (kl_estimates(logps, ref)["k3"] * mask).sum() / mask.sum()
            assert log["kl"] == pytest.approx(kl.item(), abs=1e-6) and (log["kl"] > 1e-4) == (step > 0)
    rewards = torch.tensor(list(trainer._logs["rewards"]["reward"])).reshape(2, 4)
    mine = group_advantages(rewards, scale=recipe != "dr_grpo")
    assert mine.flatten().tolist() == pytest.approx(list(trainer._logs["advantages"]), abs=1e-5)
    assert sorted(mine.flatten().tolist()) == pytest.approx(sorted(seen[1][0]["advantages"].tolist()), abs=1e-5)


@pytest.mark.parametrize("loss_type", ["grpo", "dapo", "dr_grpo"])
def test_a_step_does_not_depend_on_how_its_batch_is_cut(loss_type, tiny_profile, tmp_path):
    """Plain gradient steps, so that a difference in the gradient is one in the adapter."""
    results = []
    for micro in (8, 2):
        trainer = steps_of(
            tiny_profile.replace(micro_batch_size=micro), tmp_path / str(micro), loss_type=loss_type, beta=0.05,
            max_steps=2, optim="sgd", learning_rate=0.5,
        )  # fmt: skip
        adapters = {name: p.detach().clone() for name, p in trainer.model.named_parameters() if p.requires_grad}
        results.append((trainer.state.log_history[:2], adapters))
    (whole_log, whole), (cut_log, cut) = results
    assert any(row["completions/min_length"] < row["completions/max_length"] for row in whole_log)
    for one, other in zip(whole_log, cut_log, strict=True):
        assert [one[name] for name in ("loss", "grad_norm")] == pytest.approx(
            [other[name] for name in ("loss", "grad_norm")], abs=1e-5
        )
    assert all(torch.allclose(whole[name], cut[name], atol=1e-5) for name in whole)


# ---- recipes ----


def test_the_default_recipe_is_what_train_grpo_always_did(idle_trainer):
    args = idle_trainer().args
    kept = {
        "loss_type": "dapo", "scale_rewards": "group", "beta": 0.0, "epsilon": 0.2, "epsilon_high": None,
        "temperature": 1.0, "mask_truncated_completions": False, "num_generations": 4, "learning_rate": 1e-3,
        "lr_scheduler_type": "cosine", "lr_scheduler_kwargs": None, "warmup_steps": 0.05, "max_completion_length": 16,
        "per_device_train_batch_size": 8, "gradient_accumulation_steps": 1,
    }  # fmt: skip
    assert {name: getattr(args, name) for name in kept} == kept


def test_a_recipe_s_rows_reach_the_trainer(tiny_profile, idle_trainer):
    for recipe in BY_HAND:
        trainer, rows = idle_trainer(recipe=recipe), grpo_recipe(tiny_profile, recipe)
        given = {name: value for name, value in rows["value"].items() if hasattr(trainer.args, name)}
        assert {name: getattr(trainer.args, name) for name in given} == given and len(given) > 10
        assert rows["source"].str.contains("ours|TRL|paper|arXiv").all()
        steered = [c for c in trainer.callback_handler.callbacks if type(c).__name__ == "AdaptiveKL"]
        assert [(c.target, c.horizon) for c in steered] == ([(5e-4, 10_000)] if recipe == "vlaa" else [])


def test_the_paper_s_numbers_are_told_from_ours(tiny_profile):
    mini = grpo_recipe(tiny_profile.replace(num_generations=8), "vlaa")
    assert tuple(mini.loc["num_generations"]) == (8, "ours; the paper: 4")
    assert mini["source"]["learning_rate"].startswith("ours") and mini["source"]["lr_scheduler_kwargs"].startswith(
        "ours"
    )
    real = grpo_recipe(tiny_profile.replace(name="t4"), "vlaa")
    assert tuple(real.loc["num_generations"]) == (4, "paper")
    assert tuple(real.loc["lr_scheduler_kwargs"]) == ({"min_lr": 5e-7}, "paper table 6: LR2")
    with pytest.raises(ValueError, match="unknown recipe 'grpo'; expected one of trl, vlaa, dapo, dr_grpo"):
        grpo_recipe(tiny_profile, "grpo")


def test_keywords_win_over_a_recipe(idle_trainer):
    trainer = idle_trainer(recipe="vlaa", beta=0.0, loss_type="dapo", temperature=1.0, lr_scheduler_type="linear")
    args = trainer.args
    assert (args.beta, args.loss_type, args.temperature) == (0.0, "dapo", 1.0)
    assert (args.lr_scheduler_type, args.lr_scheduler_kwargs) == ("linear", None)
    assert not any(type(callback).__name__ == "AdaptiveKL" for callback in trainer.callback_handler.callbacks)
    assert idle_trainer(recipe="dapo", epsilon_high=0.2).epsilon_high == 0.2


def test_the_learning_rate_of_the_paper_s_recipe_ends_at_its_floor(tiny_profile, tmp_path):
    trainer = steps_of(tiny_profile, tmp_path, recipe="vlaa", max_steps=3, learning_rate=1e-2)
    assert trainer.lr_scheduler.get_last_lr()[0] == pytest.approx(1e-3)
