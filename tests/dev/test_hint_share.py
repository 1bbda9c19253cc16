"""The study of hints: its arms are kept, and its effects are those of the same questions and seeds."""

import pandas as pd
import pytest

from vlaa_helpers.dev.studies import hint_share
from vlaa_helpers.dev.studies.hint_share import effects, table_of


def arm(name, seed, after):
    before = {f"q{k}": 0.0 for k in range(len(after))}
    return {"arm": name, "seed": seed, "before": before, "after": {f"q{k}": right for k, right in enumerate(after)}}


def test_effects_are_of_the_same_questions():
    arms = [arm("trsft", seed, [1, 1, 1, 0]) for seed in range(3)] + [
        arm("none", seed, [1, 0, 0, 0]) for seed in range(3)
    ]
    found = effects(arms).set_index(["arm", "against"])
    assert found.loc[("trsft", "before"), "change"] == 0.75 and found.loc[("trsft", "none"), "change"] == 0.5
    assert found.loc[("none", "before"), "after"] == 0.25 and ("none", "none") not in found.index
    row = found.loc[("trsft", "none")]
    assert row["low"] < 0.5 < row["high"] and (row["n"], row["seeds"]) == (4, 3)


def test_a_seed_that_differs_widens_the_interval():
    alike = [arm("none", seed, [1, 0, 1, 0]) for seed in range(3)]
    apart = [arm("none", seed, [seed > 0] * 4) for seed in range(3)]
    widths = [effects(arms)[["low", "high"]].diff(axis=1)["high"].item() for arms in (alike, apart)]
    assert widths[0] < widths[1]


def test_the_log_in_parts():
    log = [{"step": k, "reward": k, "hints/share": 1 / k} for k in range(1, 13)] + [{"train_runtime": 1}]
    found = table_of(log)
    assert [row["until"] for row in found] == [2, 4, 6, 8, 10, 12]
    assert found[0]["reward"] == 1.5 and found[0]["hints/share"] == 0.75


@pytest.fixture
def asked(monkeypatch):
    runs = []

    def run(steps, name, seed, folder):
        runs.append((name, seed))
        log = table_of([{"step": k, "reward": 0.5} for k in range(1, 7)])
        return arm(name, seed, [1, 0]) | {"records": 2, "log": log, "seconds": 1.0}

    monkeypatch.setattr(hint_share, "run", run)
    return runs


def test_arms_that_are_there_are_not_run_again(asked, tmp_path, monkeypatch):
    monkeypatch.setattr(hint_share, "STUDIES", tmp_path / "shipped")
    hint_share.main(["--out", str(tmp_path), "--seeds", "0"])
    assert asked == [("trsft", 0), ("sft", 0), ("none", 0)]
    hint_share.main(["--out", str(tmp_path), "--seeds", "0", "1", "--ship"])
    assert asked[3:] == [("trsft", 1), ("sft", 1), ("none", 1)]
    parts = pd.read_csv(tmp_path / "shipped" / "hint_share.csv")
    assert len(parts) == 6 * 6 and set(parts["seed"]) == {0, 1}
    assert len(pd.read_csv(tmp_path / "shipped" / "hint_share_effects.csv")) == 5
    hint_share.main(["--out", str(tmp_path), "--seeds", "0", "--steps", "9"])
    assert len(asked) == 9, "another number of steps is another arm"
