"""The script on how much of an update can be done without: its rows, its ends, its figure."""

import pandas as pd
import pytest

from vlaa_helpers import apply_updates, evaluate, get_profile, held_out, load_policy, policy_adapter
from vlaa_helpers.dev.studies import dropped_updates


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Two arms and a question a source, by the command."""
    folder = tmp_path_factory.mktemp("out")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dropped_updates, "ARMS", {name: dropped_updates.ARMS[name] for name in ("GRPO", "SFT→GRPO")})
        patch.setattr(dropped_updates, "SHARES", (0.5,))
        patch.setattr(dropped_updates, "STUDIES", folder / "shipped")
        patch.setattr("sys.argv", ["dropped_updates", "--out", str(folder), "--per-source", "1", "--ship"])
        dropped_updates.main()
    assert (folder / "curve.png").stat().st_size > 10_000
    assert (folder / "shipped" / "dropped_updates.csv").read_text() == (folder / "table.csv").read_text()
    return pd.read_csv(folder / "table.csv").set_index(["arm", "which", "share"])


def test_every_arm_is_asked_without_shares_of_its_update(table):
    assert len(table) == 2 * 3 * 3 and (table["n"] == 6).all()
    whole = table.xs(0.0, level="share")
    assert (whole[["change", "low", "high"]] == 0).all(axis=None) and (whole["left"] == 1).all()
    assert (table.xs(1.0, level="share")["left"] == 0).all()
    half = table.xs(0.5, level="share")["left"].unstack("which")
    assert (half["scaled"] == 0.5).all()
    assert half["random"].to_numpy() == pytest.approx(0.5**0.5, abs=0.01) and (half["smallest"] > 0.9).all()
    change = table["accuracy"] - table.xs(0.0, level="share")["accuracy"].reindex(table.index.droplevel("share")).values
    assert (change - table["change"]).abs().max() < 1e-3


@pytest.mark.parametrize("which", dropped_updates.WAYS)
def test_the_whole_update_answers_as_the_policy_and_none_as_what_it_began_with(which):
    profile = get_profile("mini").replace(load_in_4bit=False)
    records = held_out("test", 1)
    model, processor = load_policy(profile, trainable=False)
    for share, arm in [(0, "SFT→GRPO"), (1, "SFT")]:
        updates, norm, left = dropped_updates.thinned("SFT→GRPO", which, share)
        with apply_updates(model, updates):
            answers = evaluate(model, processor, records).to_frame()["response"]
        policy, _ = load_policy(profile, adapter=policy_adapter(arm), trainable=False)
        assert answers.tolist() == evaluate(policy, processor, records).to_frame()["response"].tolist()
        assert left == pytest.approx(1 - share, abs=1e-6) and norm == pytest.approx(2.64, abs=0.01)
