"""The study of reranking: its arms, its files, its effects, and that what it trains learns to rank."""

import numpy as np
import pandas as pd
import pytest
import torch

from vlaa_helpers import get_profile, load_policy, make_relevance_pairs, ranking_table, relevance_weights
from vlaa_helpers.dev.studies import reranking


@pytest.fixture(scope="module")
def study(tiny_profile, tmp_path_factory):
    """Two seeds of a step each, by the command."""
    folder = tmp_path_factory.mktemp("out")
    options = ["--steps", "1", "--seeds", "0", "1", "--trained", "4", "--held-out", "6", "--out", str(folder), "--ship"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reranking, "STUDIES", folder / "shipped")
        patch.setattr(reranking, "PER_STEP", 2)
        patch.setattr(reranking, "get_profile", lambda name: tiny_profile)
        patch.setattr("sys.argv", ["reranking", *options])
        reranking.main()
        rows = reranking.run(tiny_profile, folder, steps=1, seeds=[0, 1], trained=4, held_out=6)  # from the folder
    return folder, rows


def test_each_arm_ranks_the_same_held_out_questions(study):
    folder, rows = study
    table = pd.read_csv(folder / "table.csv", index_col="arm")
    assert table.index.tolist() == [
        *(f"{reranking.BASE}, scored by {direction}" for direction in reranking.WAYS),
        *(f"weight {weight}, direction {direction}" for weight in reranking.WAYS for direction in reranking.WAYS),
    ]
    assert (table["n"] == 6).all() and table["seeds"].tolist() == [1, 1, 2, 2, 2, 2]
    asked = make_relevance_pairs(6, negatives=reranking.NEGATIVES, split="test", seed=reranking.HELD_OUT_SEED)
    for _, arm in rows.groupby(["arm", "seed"]):
        assert arm["query"].tolist() == asked["query_id"][:: reranking.NEGATIVES + 1]
    means = ranking_table(rows)
    assert table["mrr"].to_dict() == pytest.approx(means["mrr"].to_dict(), abs=1e-4)
    assert pd.read_csv(folder / "effects.csv").shape == (4, 5)
    for mine, shipped in zip(("table", "effects"), reranking.SHIPPED, strict=True):
        assert (folder / "shipped" / f"{shipped}.csv").read_text() == (folder / f"{mine}.csv").read_text()
    assert all((folder / name).stat().st_size > 10_000 for name in ("ranking.png", "weight_against_p.png"))


def test_what_is_done_is_kept_and_other_settings_are_refused(study, tiny_profile, monkeypatch):
    folder, rows = study
    monkeypatch.setattr(reranking, "load_policy", None)
    monkeypatch.setattr(reranking, "PER_STEP", 2)
    again = reranking.run(tiny_profile, folder, steps=1, seeds=[0, 1], trained=4, held_out=6)
    pd.testing.assert_frame_equal(again, rows)
    with pytest.raises(
        ValueError, match="has arms made with .*'steps': 1.*, and this run has .*'steps': 2.*name another"
    ):
        reranking.run(tiny_profile, folder, steps=2, seeds=[0, 1], trained=4, held_out=6)
    with pytest.raises(ValueError, match="'rate': 0.003.*'rate': 0.01.*name another"):
        other = tiny_profile.replace(sft_learning_rate=0.01)
        reranking.run(other, folder, steps=1, seeds=[0, 1], trained=4, held_out=6)


@pytest.mark.parametrize(("weight", "direction"), [("sft", "contrastive"), ("contrastive", "sft")])
def test_a_mixture_learns_to_rank_what_it_is_shown(monkeypatch, weight, direction):
    """Two questions by heart. Mean weights fall below 0.32, where both losses are left while all candidates look alike.

    The mini VLM sees what differs between them. One with random weights says nearly the same of all, 0.01 apart; the
    first thing to learn is then that "no" is right four times in five, and 25 steps go by with that: weights stay at
    2 · 1/5 · 4/5.
    """
    monkeypatch.setattr(reranking, "PER_STEP", 2)
    profile = get_profile("mini").replace(load_in_4bit=False)
    model, processor = load_policy(profile)
    pairs = make_relevance_pairs(2, negatives=reranking.NEGATIVES)
    settings = {"weight": weight, "direction": direction, "rate": profile.sft_learning_rate, "seed": 0}
    weights = reranking.train(model, processor, pairs, steps=25, **settings)
    assert np.mean(weights[-3:]) < 0.05
    found = reranking.measure(model, processor, pairs, direction=direction)
    assert found["hit_at_1"].tolist() == [1, 1] and found["query"].tolist() == pairs["query_id"][::5]


def test_the_same_seed_trains_the_same(tiny_profile, monkeypatch):
    monkeypatch.setattr(reranking, "PER_STEP", 1)
    pairs, found = make_relevance_pairs(3, negatives=reranking.NEGATIVES), []
    for seed in (0, 0, 1):
        model, processor = load_policy(tiny_profile.replace(load_in_4bit=False))
        found.append(
            reranking.train(model, processor, pairs, weight="sft", direction="sft", steps=4, rate=0.01, seed=seed)
        )
    assert found[0] == found[1] != found[2]


def test_effects_are_differences_in_the_same_questions():
    """SFT's weight is worth 0.2 and its direction 0.05, whatever a question and a seed add."""
    rng, rows = np.random.default_rng(0), []
    easy, luck = rng.random(40), rng.normal(scale=0.1, size=3)
    for weight in reranking.WAYS:
        for direction in reranking.WAYS:
            for seed in range(3):
                value = easy + luck[seed] + 0.2 * (weight == "sft") + 0.05 * (direction == "sft")
                rows.append(
                    pd.DataFrame(
                        {
                            "arm": f"{weight} {direction}", "weight": weight, "direction": direction, "seed": seed,
                            "query": range(40), "reciprocal_rank": value, "hit_at_1": 2 * value,
                        }
                    )
                )  # fmt: skip
    base = rows[0].assign(arm="base", weight=reranking.BASE, hit_at_1=9.0)
    found = reranking.effects(pd.concat([*rows, base])).set_index(["choice", "measure"])
    assert found["change"].to_dict() == pytest.approx(
        {
            ("weight", "mrr"): 0.2,
            ("weight", "hits_at_1"): 0.4,
            ("direction", "mrr"): 0.05,
            ("direction", "hits_at_1"): 0.1,
        }
    )
    assert (found["high"] - found["low"]).max() < 1e-9  # nothing but the choice differs within a pair


def test_the_picture_is_that_of_the_formulas():
    table = reranking.weights_against_p(199)
    p = table.index.to_numpy()
    expected = {"SFT; both losses of reranking": np.ones(199), "DFT": p, "TrSFT, alpha 0.1": np.minimum(p / 0.1, 1)}
    for name, values in expected.items():
        assert table[name].to_numpy() == pytest.approx(values)
    pear = table.filter(like="PEAR").squeeze().to_numpy()
    assert pear == pytest.approx(np.clip(p / 0.5, np.exp(-0.08), np.exp(0.3)))
    kept = p[table.filter(like="MIFO").squeeze() == 1]
    assert len(kept) == 40 and kept.min() == pytest.approx(1 - kept.max(), abs=0.01)  # around 1/2
    assert table["GRPO, right"].iloc[0] == pytest.approx(1.5, abs=1e-3)
    logits = torch.stack([torch.tensor(p).log(), torch.tensor(1 - p).log()], dim=1)  # (points, 2): of "yes" and "no"
    alone = torch.ones(199, 1, dtype=torch.bool)
    assert relevance_weights(logits[:, None], alone)[:, 0].numpy() == pytest.approx(1 - p)  # weight 1, times 1 - p
    among = torch.stack([logits, 0 * logits], dim=-1)  # (points, 2 candidates, 2): "yes" says p and 1 - p
    shares = relevance_weights(among, torch.tensor([[True, False]]).expand(199, 2), weight="contrastive")
    assert shares[:, 0].numpy() == pytest.approx(1 - p)
