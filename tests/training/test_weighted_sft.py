"""SFT with weighted tokens: equal to TRL's where it should be, and the same however a step is cut."""

import csv
import re
from functools import partial
from pathlib import Path

import pytest
import torch
from datasets import concatenate_datasets

from vlaa_helpers import add_behaviour_logps, load_policy, make_scenes, token_weights, trace_weights, train_sft
from vlaa_helpers.training import weight_registry

ROOT = Path(__file__).resolve().parents[2]
CUTS = (6, 3, 1)
"""Samples in a micro batch, of a step of six."""
NUMBERS = ("loss", "nll", "weight", "weight_ess")


@pytest.fixture(scope="module")
def records(tiny_profile, with_traces):
    """Six records with images, responses of several lengths, and scores of the policy that is to be trained."""
    model, processor = load_policy(tiny_profile)
    return add_behaviour_logps(model, processor, with_traces(make_scenes(6)))


@pytest.fixture(scope="module")
def step(tiny_profile, records, tmp_path_factory):
    """Train for one step, and give the log's row and the gradients that it was made with."""

    def train(method, cut=6, **config):
        model, processor = load_policy(tiny_profile)
        adapters = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
        for k, parameter in enumerate(adapters.values()):  # adapters start at zero, where half of the gradients are 0
            parameter.data += 0.05 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(k))
        gradients = dict.fromkeys(adapters, 0)
        for name, parameter in adapters.items():
            parameter.register_hook(partial(add, gradients, name))
        trainer = train_sft(
            model, processor, records, tiny_profile.replace(micro_batch_size=cut), batch_size=6, max_steps=1,
            token_weights=method, output_dir=str(tmp_path_factory.mktemp("run")), **config,
        )  # fmt: skip
        assert trainer.args.per_device_train_batch_size == cut
        return trainer.state.log_history[0], gradients

    def add(gradients, name, gradient):
        gradients[name] = gradients[name] + gradient

    return train


def assert_same(one, other):
    (log, gradients), (other_log, others) = one, other
    assert log["loss"] == pytest.approx(other_log["loss"], rel=1e-6)
    assert log["grad_norm"] == pytest.approx(other_log["grad_norm"], rel=1e-5)
    largest = max(gradient.abs().max() for gradient in gradients.values())
    assert largest > 0
    for name, gradient in gradients.items():
        torch.testing.assert_close(gradient, others[name], rtol=1e-4, atol=float(1e-6 * largest))


@pytest.fixture(scope="module")
def plain(step):
    return step(None)


@pytest.mark.parametrize("cut", CUTS[1:])
def test_plain_sft_has_neither_bug_of_weak_baselines(step, plain, cut):
    """arXiv 2604.23747: gradients of all micro batches but the last are lost, or each counts alike, however long."""
    assert_same(step(None, cut), plain)


@pytest.mark.parametrize("cut", CUTS)
def test_weights_of_one_are_trls_own_loss(step, plain, cut):
    found = step("sft", cut)
    assert_same(found, plain)
    assert found[0]["nll"] == pytest.approx(found[0]["loss"], rel=1e-6)
    assert found[0]["weight"] == found[0]["weight_ess"] == 1


@pytest.mark.parametrize("cut", CUTS)
def test_dft_is_trls_dft(step, cut):
    assert_same(step("dft", cut), step(None, loss_type="dft"))


@pytest.mark.parametrize("method", ["pear_token", "entropy_top"])
def test_a_weighted_loss_does_not_depend_on_how_a_step_is_cut(step, plain, method):
    whole = step(method)
    assert whole[0]["loss"] != pytest.approx(plain[0]["loss"], rel=0.01) and whole[0]["weight_ess"] < 0.999
    assert whole[0]["nll"] == pytest.approx(plain[0]["loss"], rel=1e-6)
    for cut in CUTS[1:]:
        again = step(method, cut)
        assert_same(again, whole)
        assert [again[0][name] for name in NUMBERS] == pytest.approx([whole[0][name] for name in NUMBERS], rel=1e-5)


def test_the_loss_is_divided_by_all_tokens_of_the_step(step, plain):
    """Half the weight is half the loss and half the gradient, and weights of 0 are not left out of the count."""
    half = step(lambda logps, mask: 0.5 * mask)
    assert half[0]["loss"] == pytest.approx(plain[0]["loss"] / 2, rel=1e-6)
    assert half[0]["grad_norm"] == pytest.approx(plain[0]["grad_norm"] / 2, rel=1e-5)
    seen = []

    def first_only(logps, mask):
        weights = (mask.cumsum(dim=1) == 1).float()
        seen.append((-(weights * logps).sum() / mask.sum()).item())
        return weights

    log, _ = step(first_only)
    assert log["loss"] == pytest.approx(seen[0], rel=1e-6) and log["weight"] < 0.1


def test_evaluation_is_not_weighted(tiny_profile, records, tmp_path):
    model, processor = load_policy(tiny_profile)
    trainer = train_sft(
        model, processor, records, tiny_profile, batch_size=3, max_steps=1, learning_rate=0.0,
        token_weights="trsft", output_dir=str(tmp_path),
    )  # fmt: skip
    losses = [trainer.evaluate(trainer.train_dataset.select([k]))["eval_loss"] for k in range(2)]
    batches = [trainer.data_collator([trainer.train_dataset[k]]) for k in range(2)]
    model.eval()
    for loss, batch in zip(losses, batches, strict=True):
        batch.pop("behaviour_logps")
        assert loss == pytest.approx(model(**batch).loss.item(), rel=1e-5)


def test_the_log_holds_what_the_weights_were(tiny_profile, records, tmp_path):
    model, processor = load_policy(tiny_profile)
    train_sft(
        model, processor, records, tiny_profile, batch_size=3, max_steps=2, logging_steps=1,
        token_weights="trsft", output_dir=str(tmp_path),
    )  # fmt: skip
    with (tmp_path / "log.csv").open() as file:
        rows = [{name: float(row[name]) for name in NUMBERS} for row in csv.DictReader(file)]
    assert len(rows) == 2
    for row in rows:
        assert 0 < row["loss"] < row["nll"] and 0 < row["weight"] < 1 and 0 < row["weight_ess"] < 1


# ---- behaviour log-probabilities ----


@pytest.fixture(scope="module")
def trainer(tiny_profile, records, tmp_path_factory):
    """Trained until it is another policy than the one that scored the records, which is itself without adapters."""
    model, processor = load_policy(tiny_profile)
    return train_sft(
        model, processor, records, tiny_profile, batch_size=6, max_steps=3, learning_rate=0.05, warmup_steps=0,
        token_weights="pear_token", output_dir=str(tmp_path_factory.mktemp("trained")),
    )  # fmt: skip


@pytest.mark.parametrize("method", ["pear_sequence", "pear_token", "pear_block"])
def test_scores_kept_beside_the_records_give_the_weights_of_live_ones(trainer, method):
    batch = trainer.data_collator([trainer.train_dataset[k] for k in (4, 0, 2)])
    kept = batch.pop("behaviour_logps")
    trainer.model.eval()
    with torch.no_grad():
        now = trainer.model(**batch, fused_lm_head=True)
        with trainer.model.disable_adapter():
            live = trainer.model(**batch, fused_lm_head=True).log_probs
    torch.testing.assert_close(kept, live, rtol=1e-5, atol=1e-5)
    found, expected = (
        token_weights(method, now.log_probs, now.label_mask, behaviour_logps=each) for each in (kept, live)
    )
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    assert (found[now.label_mask] - 1).abs().mean() > 0.1


def test_pear_needs_scores_and_says_so_before_it_trains(tiny_profile, records, tmp_path):
    model, processor = load_policy(tiny_profile)
    bare = records.remove_columns("behaviour")
    with pytest.raises(ValueError, match=r"no column 'behaviour': records = add_behaviour_logps\("):
        train_sft(model, processor, bare, tiny_profile, token_weights="pear_block", output_dir=str(tmp_path))
    with pytest.raises(ValueError, match="unknown weighting 'pear'; expected one of"):
        train_sft(model, processor, bare, tiny_profile, token_weights="pear", output_dir=str(tmp_path))
    for given, rows in [("pear_block", bare), (partial(token_weights, "trsft", alpha=5), records)]:
        method = partial(token_weights, given) if isinstance(given, str) else given
        with pytest.raises(ValueError, match="no column 'behaviour'|alpha is a probability"):
            train_sft(model, processor, rows, tiny_profile, token_weights=method, output_dir=str(tmp_path))
    assert not any(tmp_path.iterdir())


def test_records_of_which_some_have_no_scores_are_refused_before_training(tiny_profile, records, tmp_path):
    """Own traces that were scored, beside traces of others that were not: a batch would meet them late."""
    model, processor = load_policy(tiny_profile)
    bare = make_scenes(2, seed=7)
    bare = bare.map(lambda row: {"response": f"<think>\nwell\n</think>\n<answer>{row['gt']}</answer>"})
    mixed = concatenate_datasets([records, bare.cast(records.remove_columns("behaviour").features)])
    with pytest.raises(ValueError, match=r"2 of 8 records have nothing in the column 'behaviour'.*add_behaviour_logps"):
        train_sft(model, processor, mixed, tiny_profile, token_weights="pear_token", output_dir=str(tmp_path))

    def where_there_are_scores(logps, mask, *, behaviour_logps=None):
        """It would weigh a scored response by whether its neighbour in a batch is scored too."""
        return mask if behaviour_logps is None else mask / 2

    with pytest.raises(ValueError, match="2 of 8 records have nothing in the column 'behaviour'"):
        train_sft(model, processor, mixed, tiny_profile, token_weights=where_there_are_scores, output_dir=str(tmp_path))
    assert not any(tmp_path.iterdir())
    assert len(trace_weights(model, processor, mixed, "sft")["id"].unique()) == 8


def test_a_response_that_was_changed_after_it_was_scored_is_refused(tiny_profile, records, tmp_path):
    model, processor = load_policy(tiny_profile)
    changed = records.map(lambda row: {"response": row["response"].replace("<think>", "<think> first,")})
    with pytest.raises(ValueError, match=r"response '<think> first,.*that were scored: it was changed .*again: add_"):
        train_sft(model, processor, changed, tiny_profile, token_weights="pear_token", output_dir=str(tmp_path))


@pytest.mark.parametrize("config", [{"loss_type": "dft"}, {"label_smoothing_factor": 0.1}])
def test_two_ways_to_weigh_tokens_are_refused(tiny_profile, records, tmp_path, config):
    model, processor = load_policy(tiny_profile)
    with pytest.raises(ValueError, match="token_weights weighs TRL's plain loss, and there are loss_type="):
        train_sft(
            model, processor, records, tiny_profile, token_weights="trsft", output_dir=str(tmp_path), **config
        )  # fmt: skip


# ---- a weighting of one's own ----


def test_the_five_lines_of_contributing_train(tiny_profile, records, tmp_path, monkeypatch):
    monkeypatch.setattr(weight_registry, "_registered", dict(weight_registry._registered))
    monkeypatch.chdir(tmp_path)
    section = (ROOT / "CONTRIBUTING.md").read_text().split("## Add a weighting of the SFT loss")[1].split("\n## ")[0]
    (code,) = re.findall(r"```python\n(.*?)```", section, re.S)
    lines = [line for line in code.splitlines() if line and not line.startswith("from ")]
    assert len(lines) == 5
    model, processor = load_policy(tiny_profile)
    profile = tiny_profile.replace(sft_batch_size=3)
    space = {"model": model, "processor": processor, "records": records, "profile": profile}
    exec(code, space)
    logs = [row for row in space["trainer"].state.log_history if "nll" in row]
    assert len(logs) == 2 and all(0 < row["loss"] < row["nll"] for row in logs)
