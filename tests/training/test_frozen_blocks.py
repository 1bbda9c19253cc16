"""Coordinates that RL moved most stay as they are to the bit while the rest trains, and move again afterwards."""

import math

import pytest
import torch
from peft import LoraConfig, get_peft_model

from vlaa_helpers import frozen_coordinates, load_policy, make_scenes, most_moved, train_sft
from vlaa_helpers.training import FrozenBlock, importance_map


def small(ups, downs):
    """One linear layer, 3 to 4, with an adapter of rank 1 and scale 1: its update is ups times downs."""
    torch.manual_seed(0)
    model = get_peft_model(
        torch.nn.Sequential(torch.nn.Linear(3, 4)), LoraConfig(r=1, lora_alpha=1, target_modules=["0"])
    )
    layer = model.base_model.model[0]
    layer.lora_B["default"].weight.data = torch.tensor([ups]).T.float()
    layer.lora_A["default"].weight.data = torch.tensor([downs]).float()
    return model


def factors(model):
    layer = model.base_model.model[0]
    return layer.lora_B["default"].weight, layer.lora_A["default"].weight


# ---- the map ----


def test_importance_is_how_far_the_products_moved():
    before, after = small([1, 0, 2, 0], [1, 1, 0]), small([-1, 0, 2, 3], [1, 2, 0])
    (name, found), *others = importance_map([(before, after)])
    assert name == "0" and not others
    assert found.tolist() == [[2, 3, 0], [0, 0, 0], [0, 2, 0], [3, 6, 0]]


def test_the_same_product_from_other_halves_has_not_moved():
    one, other = small([1, 2, 3, 4], [2, 4, 6]), small([2, 4, 6, 8], [1, 2, 3])
    assert not next(importance_map([(one, other)]))[1].any()


def test_earlier_phases_count_alpha_times():
    start, middle, end = small([0] * 4, [1, 1, 1]), small([4, 0, 0, 0], [1, 1, 1]), small([3, 2, 0, 0], [1, 1, 1])
    phases = [(start, middle), (middle, end)]
    assert next(importance_map(phases))[1][:, 0].tolist() == [0.5 * 4 + 1, 2, 0, 0]
    assert next(importance_map(phases, alpha=0))[1][:, 0].tolist() == [1, 2, 0, 0]
    assert next(importance_map(phases, alpha=1))[1][:, 0].tolist() == [5, 2, 0, 0]
    assert torch.equal(next(importance_map(phases, alpha=0))[1], next(importance_map(phases[1:]))[1])


def test_the_block_has_the_rows_and_columns_that_moved_most():
    phases = [(small([0] * 4, [1, 1, 1]), small([1, 4, 2, 3], [1, 5, 0]))]
    block = most_moved(phases, share=0.25)["0"]
    assert block.rows.tolist() == [False, True, False, True] and block.columns.tolist() == [True, True, False]
    assert block.share == pytest.approx(2 / 4 * 2 / 3) and block.moved == pytest.approx(7 / 10)
    whole = most_moved(phases, share=1)["0"]
    assert whole.rows.all() and whole.columns.tolist() == [True, True, False] and whole.moved == 1  # one never moved
    none = most_moved(phases, share=0)["0"]
    assert not none.rows.any() and not none.columns.any() and none.share == none.moved == 0


def test_at_least_the_share_is_frozen_in_a_layer_that_moved_everywhere():
    torch.manual_seed(0)
    start, end = small([0] * 4, [1, 1, 1]), small(torch.randn(4).tolist(), torch.randn(3).tolist())
    for share in (0.1, 0.3, 0.5, 0.9):
        block = most_moved([(start, end)], share=share)["0"]
        assert share <= block.share < share + 0.5 and block.moved >= block.share


def test_where_rl_moved_nothing_nothing_is_frozen():
    same = small([1, 2, 3, 4], [1, 1, 1])
    block = most_moved([(same, same)], share=0.5)["0"]
    assert not block.rows.any() and block.moved == 0


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"share": 1.2}, "share is 0 to 1 of a layer's coordinates, got 1.2"),
        ({"alpha": -1}, "expected one RL phase or more and an alpha of 0 to 1, got 1 and -1"),
        ({"phases": []}, "expected one RL phase or more and an alpha of 0 to 1, got 0 and 0.5"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, said):
    model = small([1] * 4, [1] * 3)
    with pytest.raises(ValueError, match=said):
        most_moved(**{"phases": [(model, model)], **settings})


# ---- freezing ----

BLOCKS = {"0": FrozenBlock(torch.tensor([True, False, True, False]), torch.tensor([False, True, True]), 0.0)}
OPTIMIZERS = {
    "AdamW": lambda parameters: torch.optim.AdamW(parameters, lr=0.1, weight_decay=0.5),
    "SGD with momentum": lambda parameters: torch.optim.SGD(parameters, lr=0.1, momentum=0.9, weight_decay=0.5),
}


def step(model, optimizer):
    torch.manual_seed(1)
    optimizer.zero_grad()
    (model(torch.randn(5, 3)) ** 2).sum().backward()
    optimizer.step()


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_an_optimizer_with_state_moves_no_frozen_coordinate(kind):
    """Momentum of earlier steps would move them without any gradient, and so would weight decay."""
    model = small([1, 2, 3, 4], [1, 2, 3])
    up, down = factors(model)
    optimizer = OPTIMIZERS[kind]([up, down])
    step(model, optimizer)
    start, product = [weight.detach().clone() for weight in (up, down)], (up @ down).detach().clone()
    with frozen_coordinates(model, BLOCKS):
        for _ in range(3):
            step(model, optimizer)
        assert not up.grad[[0, 2]].any() and not down.grad[:, [1, 2]].any()
        assert up.grad[[1, 3]].all() and down.grad[:, 0].all()
    assert torch.equal(up[[0, 2]], start[0][[0, 2]]) and torch.equal(down[:, [1, 2]], start[1][:, [1, 2]])
    assert (up[[1, 3]] != start[0][[1, 3]]).all() and (down[:, 0] != start[1][:, 0]).all()
    now = (up @ down).detach()
    assert torch.equal(now[[0, 2]][:, [1, 2]], product[[0, 2]][:, [1, 2]])  # the block, to the bit
    assert (now[[1, 3]] != product[[1, 3]]).all()
    thawed = up.detach().clone()
    step(model, optimizer)
    assert (up != thawed).all()


def test_without_freezing_they_would_have_moved():
    model = small([1, 2, 3, 4], [1, 2, 3])
    up, down = factors(model)
    optimizer = OPTIMIZERS["AdamW"]([up, down])
    step(model, optimizer)
    before = up.detach().clone()
    optimizer.zero_grad(set_to_none=False)  # no gradient at all
    optimizer.step()
    assert (up != before).all()


def test_no_block_is_no_change():
    found = []
    for blocks in ({}, {"0": FrozenBlock(torch.zeros(4, dtype=torch.bool), torch.zeros(3, dtype=torch.bool), 0.0)}):
        model = small([1, 2, 3, 4], [1, 2, 3])
        optimizer = OPTIMIZERS["AdamW"](list(factors(model)))
        with frozen_coordinates(model, blocks):
            step(model, optimizer)
            step(model, optimizer)
        found.append([weight.detach().clone() for weight in factors(model)])
    assert all(torch.equal(one, other) for one, other in zip(*found, strict=True))


def test_after_an_error_they_are_released():
    model = small([1, 2, 3, 4], [1, 2, 3])
    up, down = factors(model)
    optimizer, before = OPTIMIZERS["AdamW"]([up, down]), up.detach().clone()
    with pytest.raises(KeyboardInterrupt), frozen_coordinates(model, BLOCKS):
        raise KeyboardInterrupt
    step(model, optimizer)
    assert (up != before).all() and up.grad.all()


def test_what_moves_a_frozen_coordinate_in_another_way_is_told():
    model = small([1, 2, 3, 4], [1, 2, 3])
    with (
        pytest.raises(RuntimeError, match="a frozen coordinate moved: .* something else than a torch optimiser's step"),
        frozen_coordinates(model, BLOCKS),
    ):
        factors(model)[0].data[0] += 1


def test_what_does_not_train_is_refused():
    model = small([1, 2, 3, 4], [1, 2, 3])
    with pytest.raises(
        ValueError, match=r"the model has no base_model.model.7.lora_B.default.weight; expected a policy"
    ):
        with frozen_coordinates(model, {"7": BLOCKS["0"]}):
            pass
    factors(model)[0].requires_grad_(False)
    with pytest.raises(ValueError, match="does not train; load the policy with trainable=True"):
        with frozen_coordinates(model, BLOCKS):
            pass


# ---- in a trainer ----


def test_an_sft_leaves_frozen_blocks_as_they_are(tiny_profile, with_traces, tmp_path):
    """With weight decay, two micro batches a step and a clipped gradient, of which frozen coordinates are no part."""
    records, norms = with_traces(make_scenes(4)), {}
    for share in (0.0, 0.5):
        model, processor = load_policy(tiny_profile)
        trained = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
        for k, weight in enumerate(trained.values()):
            weight.data += 0.05 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(k))
        blocks = most_moved([(None, model)], share=share)
        before = {name: weight.detach().clone() for name, weight in trained.items()}
        with frozen_coordinates(model, blocks):
            trainer = train_sft(
                model, processor, records, tiny_profile.replace(micro_batch_size=2), batch_size=4, max_steps=3,
                weight_decay=0.1, learning_rate=0.01, warmup_steps=0, output_dir=str(tmp_path / str(share)),
            )  # fmt: skip
        norms[share] = trainer.state.log_history[0]["grad_norm"]
        for name, block in blocks.items():
            prefix = f"base_model.model.{name}"
            for weight, frozen in [("lora_B", (block.rows,)), ("lora_A", (slice(None), block.columns))]:
                name = f"{prefix}.{weight}.default.weight"
                same = trained[name] == before[name]
                stays = torch.zeros_like(same)
                stays[frozen] = True
                assert torch.equal(same, stays), name
            assert share == 0 or share <= block.share < 0.6
    assert 0 < norms[0.5] < norms[0.0] and not math.isclose(norms[0.5], norms[0.0], rel_tol=0.01)
