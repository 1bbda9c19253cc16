"""Claims are differences of arms that the plans have, and their effects come from responses."""

import numpy as np
import pandas as pd
import pytest

from vlaa_helpers import reference_table
from vlaa_helpers.dev.studies import effects
from vlaa_helpers.dev.studies.claims import CLAIMS, Claim, Term
from vlaa_helpers.dev.studies.outcomes import write_outcomes
from vlaa_helpers.reference import ASKED_ABOUT
from vlaa_helpers.study.study_file import load_study


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.claim)
def test_the_plans_have_what_a_claim_compares(claim):
    assert sum(term.sign for term in claim.terms) == 0
    assert (claim.at_least, claim.at_most) != (None, None)
    assert set(claim.sources) <= set(ASKED_ABOUT)
    for term in claim.terms:
        study = load_study(effects.PLANS / f"{term.study}.yaml").study
        assert any((arm.profile, arm.name) == (term.profile, term.arm) for arm in study.arms), term
        assert any((m.held, m.decoding, m.images) == (claim.held, claim.decoding, "true") for m in study.measures)


def test_no_claim_stands_twice():
    assert len({claim.claim for claim in CLAIMS}) == len(CLAIMS)


def planted(monkeypatch, shares, seeds=(0, 1, 2), questions=400):
    """Responses of arms by name: right with a chance, drawn anew for each seed."""

    def responses(term, claim, out, base):
        if term.arm not in shares:
            return None
        parts = []
        for seed in seeds:
            luck = np.random.default_rng(seed + 100 * len(term.arm))
            right = (luck.random(questions) < shares[term.arm]).astype(float)
            parts.append(pd.DataFrame({"id": range(questions), "seed": seed, "correct": right}))
        return pd.concat(parts)

    monkeypatch.setattr(effects, "_responses", responses)


CLAIM = Claim("a claim", "0000.00000", "1 → 2", (Term(+1, "s", "after"), Term(-1, "s", "before!")), at_least=0)


def test_an_effect_is_the_difference_of_means_with_an_interval_around_it(monkeypatch, tmp_path):
    planted(monkeypatch, {"after": 0.7, "before!": 0.4})
    found = effects.effect_of(CLAIM, tmp_path, "shipped")
    assert found["effect"] == pytest.approx(0.3, abs=0.05)
    assert found["low"] < 0.3 < found["high"]
    assert (found["n"], found["seeds"], found["base"], found["at_least"]) == (400, 3, "shipped", 0)


def test_an_interval_for_all_claims_is_wider_the_more_there_are(monkeypatch, tmp_path):
    planted(monkeypatch, {"after": 0.7, "before!": 0.4})
    alone, few, many = (effects.effect_of(CLAIM, tmp_path, at_once=number) for number in (1, 5, 50))
    assert (alone["low_all"], alone["high_all"]) == (alone["low"], alone["high"]) == (few["low"], few["high"])
    assert many["low_all"] < few["low_all"] < few["low"] < few["high"] < few["high_all"] < many["high_all"]


def test_blanks_are_left_out(monkeypatch, tmp_path):
    planted(monkeypatch, {"after": 1.0, "before!": 1.0})
    whole = effects._responses

    def with_blanks(term, claim, out, base):
        frame = whole(term, claim, out, base)
        frame.loc[frame["id"] % 2 == 0, "correct"] = np.nan if term.arm == "after" else 1.0
        return frame

    monkeypatch.setattr(effects, "_responses", with_blanks)
    assert effects.effect_of(CLAIM, tmp_path, "shipped")["effect"] == 0


def test_an_effect_waits_for_all_its_arms(monkeypatch, tmp_path):
    planted(monkeypatch, {"after": 0.7})
    assert effects.effect_of(CLAIM, tmp_path, "shipped") is None


def test_only_the_sources_of_a_claim_count(monkeypatch, tmp_path):
    plant_outcomes(tmp_path, sources=["blocks", "blocks", "angles", "stories"])
    (claim,) = [claim for claim in CLAIMS if claim.claim == "SFT lowers accuracy"]
    found = effects._responses(claim.terms[0], claim, tmp_path, effects.SHIPPED)
    assert found.groupby("seed")["source"].agg(list).tolist() == [["blocks", "blocks", "stories"]] * 3


def plant_outcomes(tables, seeds=(0, 1, 2), sources=("blocks",), arm="SFT 2048", **other):
    """Outcomes of `sft_or_rl`: `other` are columns that differ from those of a greedy measure of the test set."""
    asked = {"set": "test", "decoding": "greedy", "images_shown": "true"} | other
    told = {"words": 3, "claims_true": 1.0, "correct": 1.0, "source": list(sources), "id": range(len(sources))}
    parts = [
        pd.DataFrame({"profile": "mini", "arm": arm, "seed": seed, "policy": f"d{seed}"} | asked | told)
        for seed in seeds
    ]
    write_outcomes("sft_or_rl", parts, tables)


@pytest.mark.parametrize(
    "wrong", [{"seeds": (0, 1)}, {"decoding": "sampled"}, {"images_shown": "blank"}, {"arm": "GRPO"}]
)
def test_outcomes_of_another_measure_or_of_fewer_seeds_are_none(tmp_path, wrong):
    plant_outcomes(tmp_path, **wrong)
    (claim,) = [claim for claim in CLAIMS if claim.claim == "SFT lowers accuracy"]
    assert effects._responses(claim.terms[0], claim, tmp_path, effects.SHIPPED) is None


def test_on_another_base_the_arm_that_is_trained_alike_is_taken():
    told, arms = effects._arms(Term(+1, "capacity", "GRPO 64"), "another seed")
    assert told.study.name == "bases" and {(arm.name, arm.profile) for arm in arms} == {("GRPO", "seed 1")}
    assert [arm.seed for arm in arms] == [0, 1, 2]
    assert effects._arms(Term(+1, "capacity", "GRPO 16"), "another seed")[1] == []
    assert effects._arms(Term(+1, "capacity", "GRPO 64", "mini_weak"), "less careful")[1] == []
    (base,) = effects._arms(Term(-1, "sft_or_rl", "base"), "less careful")[1]
    assert (base.name, base.profile) == ("base", "mixture")


def test_the_main_claims_can_be_held_on_the_other_bases():
    main = ("SFT lowers", "more SFT lowers", "GRPO raises", "SFT first, then GRPO", "after more SFT")
    held = [claim for claim in CLAIMS if claim.claim.startswith(main)]
    assert len(held) == 13
    for claim in held:
        for base in effects.OTHER_BASES:
            assert all(effects._arms(term, base)[1] for term in claim.terms), (claim.claim, base)
    (contrast,) = [claim for claim in CLAIMS if claim.claim == "SFT on 2,048 traces matches RL on 512 prompts: middle"]
    assert all(effects._arms(term, "another seed")[1] for term in contrast.terms)


def test_arms_that_were_not_asked_give_none(tmp_path):
    assert effects.effect_of(CLAIMS[0], tmp_path, "shipped") is None


def test_the_shipped_claims_are_those_of_the_list():
    table = reference_table("claims")
    assert list(table.loc[table["base"] == effects.SHIPPED, "claim"]) == [claim.claim for claim in CLAIMS]
