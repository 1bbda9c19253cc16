"""The loss on held-out traces, by which settings are chosen."""

import pytest
from trl.trainer.sft_trainer import DataCollatorForVisionLanguageModeling

from vlaa_helpers import load_policy, trace_loss
from vlaa_helpers.data.trl_views import to_sft
from vlaa_helpers.study.arms import Lab
from vlaa_helpers.study.traces import held_out_traces


def test_the_loss_on_traces_is_a_mean_over_tokens(tiny_profile, tmp_path):
    lab = Lab({"mini": tiny_profile}, tmp_path)
    model, processor = load_policy(tiny_profile, trainable=False)
    records = held_out_traces(5, lab)
    whole = trace_loss(model, processor, records)
    assert trace_loss(model, processor, records, batch_size=2) == pytest.approx(whole, rel=1e-4)
    one = records.select([2])
    view = to_sft(one)
    batch = DataCollatorForVisionLanguageModeling(processor, completion_only_loss=True)([view[0]])
    assert trace_loss(model, processor, one) == pytest.approx(model(**batch).loss.item(), rel=1e-4)
    assert all("-validation-" in name for name in records["id"])
