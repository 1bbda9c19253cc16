import csv
import hashlib
import json
import re

import pytest

from vlaa_helpers import check_facts
from vlaa_helpers.dev.mini_reward import FLAWS, MINI_REWARD, make_pairs, measure, train
from vlaa_helpers.rewards.scorers import FactsScorer, RewardModelScorer


def test_the_better_answer_is_better_by_the_facts():
    pairs = make_pairs(400, split="test")
    facts = FactsScorer()
    questions = [pair["question"] for pair in pairs]
    better = facts(questions, [pair["better"] for pair in pairs])
    worse = facts(questions, [pair["worse"] for pair in pairs])
    assert all(a >= b for a, b in zip(better, worse, strict=True))
    assert sum(a > b for a, b in zip(better, worse, strict=True)) >= 0.97 * len(pairs)
    assert {pair["flaw"] for pair in pairs} == set(FLAWS)


def said(text):
    """The statements of an answer."""
    return re.findall(r"[^ .][^.]*\.", text)


@pytest.mark.parametrize("flaw", FLAWS)
def test_flaws_are_what_they_are_called(flaw):
    """True and false by the facts of the scene; what was asked for is the better answer, which has all of it."""
    pairs = [pair for pair in make_pairs(400) if pair["flaw"] == flaw]
    assert len(pairs) >= 50
    for pair in pairs:
        facts = json.loads(pair["question"].meta)["facts"]
        better, worse = said(pair["better"]), said(pair["worse"])
        kept, lies = set(worse) & set(better), [text for text in worse if check_facts("stories", facts, text)[1]]
        assert check_facts("stories", facts, pair["better"])[1] == 0 and len(set(worse)) == len(worse)
        if flaw == "shorter":  # nothing but part of it
            assert kept == set(worse) and 1 <= len(worse) < len(better)
        elif flaw == "off_topic":  # true of the scene, not asked for, and something asked for is missing
            assert not lies and not kept >= set(better) and set(worse) > kept
        elif flaw == "false":  # a false statement in place of a true one
            assert len(lies) == 1 and len(worse) == len(better) and len(kept) == len(better) - 1
        else:  # all of it, and a thing where there is none like it
            assert kept == set(better) and worse.count(lies[0]) == 1 == len(worse) - len(better)
            colour, shape, place = re.fullmatch(r"An? (\w+) (\w+) at the (\w+ \w+)\.", lies[0]).groups()
            things = [(thing["colour"], thing["shape"], thing["place"]) for thing in facts["objects"]]
            assert (colour, shape, place) not in things


def test_labels_are_flipped_at_their_rate():
    facts = FactsScorer()
    wrong = [facts([pair["question"]] * 2, [pair["better"], pair["worse"]]) for pair in make_pairs(1_000, flipped=0.1)]
    assert 0.07 < sum(a < b for a, b in wrong) / 1_000 < 0.13


def test_a_few_steps_of_training_make_a_scorer(tmp_path):
    train(tmp_path, pairs=64, steps=3)
    (score,) = RewardModelScorer(str(tmp_path))([make_pairs(1)[0]["question"]], ["It is day."])
    assert isinstance(score, float)
    with (tmp_path / "training_log.csv").open() as file:
        assert csv.DictReader(file).fieldnames == ["step", "loss", "accuracy"]
    assert not (tmp_path / "trainer").exists()


# ---- what is shipped ----


def test_the_card_belongs_to_the_weights():
    weights = (MINI_REWARD / "model.safetensors").read_bytes()
    assert len(weights) < 3_000_000
    assert hashlib.sha256(weights).hexdigest() in (MINI_REWARD / "README.md").read_text()


def test_it_is_useful_and_imperfect():
    card = json.loads((MINI_REWARD / "card.json").read_text())
    assert 0.6 < card["all"]["low"] and card["all"]["high"] < 0.98
    found = measure(MINI_REWARD, n=200)
    spread = 4 * (card["all"]["accuracy"] * (1 - card["all"]["accuracy"]) / 200) ** 0.5
    assert found["all"]["accuracy"] == pytest.approx(card["all"]["accuracy"], abs=spread)
