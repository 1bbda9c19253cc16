"""The weights of traces before training are those that training then begins with."""

from functools import partial

import pytest
import torch

from vlaa_helpers import add_behaviour_logps, load_policy, make_scenes, token_weights, trace_weights, train_sft


@pytest.fixture(scope="module")
def records(tiny_profile, with_traces):
    return add_behaviour_logps(*load_policy(tiny_profile), with_traces(make_scenes(5)))


@pytest.fixture
def policy(tiny_profile):
    """Another policy than the one that scored the records."""
    model, processor = load_policy(tiny_profile)
    for k, parameter in enumerate(each for each in model.parameters() if each.requires_grad):
        parameter.data += 0.05 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(k))
    return model, processor


@pytest.mark.parametrize(
    ("method", "settings"), [("trsft", {"alpha": 0.5}), ("pear_token", {}), ("entropy_top", {"share": 0.3})]
)
def test_training_begins_with_these_weights(policy, tiny_profile, records, tmp_path, method, settings):
    table = trace_weights(*policy, records, method, batch_size=2, **settings)
    assert list(table["id"].unique()) == records["id"][:]
    log = train_sft(
        *policy, records, tiny_profile, batch_size=5, max_steps=1, output_dir=str(tmp_path),
        token_weights=partial(token_weights, method, **settings),
    ).state.log_history[0]  # fmt: skip
    weight = table["weight"]
    assert log["loss"] == pytest.approx(-(weight * table["logp"]).mean(), rel=1e-4)
    assert log["nll"] == pytest.approx(-table["logp"].mean(), rel=1e-4)
    assert log["entropy"] == pytest.approx(table["entropy"].mean(), rel=1e-4)
    assert log["weight"] == pytest.approx(weight.mean(), rel=1e-4)
    assert log["weight_ess"] == pytest.approx(weight.sum() ** 2 / (weight**2).sum() / len(weight), rel=1e-4)


def test_each_row_is_a_token_of_its_response(policy, records):
    table = trace_weights(*policy, records, "sft")
    for record, (_, rows) in zip(records, table.groupby("id", sort=False), strict=True):
        assert "".join(rows["token"]).startswith(record["response"])
        assert rows["behaviour_logp"].tolist() == pytest.approx(record["behaviour"]["logps"])
    bare = trace_weights(*policy, records.remove_columns("behaviour"), "sft")
    assert bare.columns.tolist() == ["id", "token", "logp", "entropy", "weight"]


def test_scores_of_other_tokens_are_refused(policy, records):
    changed = records.map(lambda row: {"response": row["response"] + " Yes."})
    with pytest.raises(ValueError, match=rf"^{records['id'][0]} has \d+ tokens, and not the \d+ that were scored"):
        trace_weights(*policy, changed, "pear_token")
    with pytest.raises(ValueError, match=r"no column 'behaviour': records = add_behaviour_logps\("):
        trace_weights(*policy, records.remove_columns("behaviour"), "pear_token")
