"""What guessing earns: against closed forms, and against a guesser who is played out."""

from collections import Counter
from random import Random

import numpy as np
import pytest

from vlaa_helpers import Verifier, free_form_sources, guess_accuracy, guess_pass_curve, make_scenes, register_verifier
from vlaa_helpers.core.record_schema import RECORD_COLUMNS, arrow_dataset, record_features
from vlaa_helpers.core.statistics import pass_at_k
from vlaa_helpers.rewards import right_or_wrong, score_answer

FOUR = "Which? red (A), blue (B), green (C), grey (D)."
TWO = "Which? A) red B) blue"


def records_of(*rows: tuple[str, str, str, str]):
    """Records from (source, verifier_type, question, gt)."""
    names = ("source", "verifier_type", "question", "gt")
    return arrow_dataset(
        (
            {**dict.fromkeys(RECORD_COLUMNS, ""), "image": None, "id": str(k), **dict(zip(names, row, strict=True))}
            for k, row in enumerate(rows)
        ),
        record_features(),
    )


def counts(*gts: str) -> list[tuple[str, str, str, str]]:
    return [("counts", "digit", "How many?", gt) for gt in gts]


def test_options_are_guessed_uniformly():
    records = records_of(*[("few", "choice", TWO, "A")] * 3, ("few", "choice", FOUR, "D"))
    table = guess_accuracy(records)
    assert table.loc["few", "accuracy"] == pytest.approx((3 / 2 + 1 / 4) / 4)
    assert table.loc["few", "guess"] == "one of the options" and list(table.index) == ["few", "all"]
    assert free_form_sources(records) == []
    curve = guess_pass_curve(records, (1, 3))
    assert curve[curve["source"] == "few"]["pass_at"].tolist() == pytest.approx(
        [(3 / 2 + 1 / 4) / 4, (3 * (1 - 1 / 8) + 1 - 0.75**3) / 4]
    )


def test_free_form_questions_get_the_most_frequent_ground_truth():
    table = guess_accuracy(records_of(*counts("2", "3", "3", "5", "3")))
    assert table.loc["counts", "accuracy"] == 3 / 5 and table.loc["counts", "guess"] == "3"
    assert guess_accuracy(records_of(*counts("7", "1"))).loc["counts", "guess"] == "7"  # the first among equals


def test_the_verifier_says_what_a_guess_earns():
    """Not the spelling: a guessed box counts from IoU 0.5, a formula in other words is the same."""
    boxes = ["[0, 0, 1, 1]", "[0, 0, 1, 0.6]", "[0, 0, 0.1, 0.1]"]
    rows = [("boxes", "box", "Where?", gt) for gt in boxes] + [("lines", "math", "y?", gt) for gt in ("2x+1", "1+2x")]
    table = guess_accuracy(records_of(*rows))
    assert table["accuracy"].to_dict() == pytest.approx({"boxes": 2 / 3, "lines": 1, "all": 4 / 5})


def test_a_verifier_of_ones_own_is_guessed_too():
    def yes_no(response, gt, *, question="", meta=""):
        return score_answer(response, lambda answer: right_or_wrong(answer == gt))

    register_verifier(Verifier("yes_no", yes_no))
    table = guess_accuracy(records_of(*[("mine", "yes_no", "Is it?", gt) for gt in ("yes", "no", "yes")]))
    assert table.loc["mine", "accuracy"] == pytest.approx(2 / 3)


def test_a_choice_without_listed_options_is_free_form():
    records = records_of(*[("bare", "choice", "Which letter?", gt) for gt in "ABBB"])
    assert free_form_sources(records) == ["bare"] and guess_accuracy(records).loc["bare", "accuracy"] == 3 / 4


def test_only_a_choice_is_guessed_among_options():
    """A question may list what its verifier does not take as an answer."""
    records = records_of(*[("listed", "digit", TWO, gt) for gt in "3331"])
    assert free_form_sources(records) == ["listed"] and guess_accuracy(records).loc["listed", "accuracy"] == 3 / 4


def test_free_form_sources_stand_apart():
    rows = [("few", "choice", FOUR, "A")] * 2, counts("3", "3", "1"), [("more", "digit", "How many?", "9")]
    records = records_of(*(row for several in rows for row in several))
    assert free_form_sources(records) == ["counts", "more"]
    table = guess_accuracy(records)
    assert list(table.index) == ["few", "counts", "more", "free-form", "all"] and table["n"].tolist() == [2, 3, 1, 4, 6]
    assert table.loc["free-form", "accuracy"] == pytest.approx(3 / 4)
    assert table.loc["all", "accuracy"] == pytest.approx((2 / 4 + 3) / 6)
    curve = guess_pass_curve(records, (1,)).set_index("source")
    assert list(curve.index) == list(table.index) and curve["n"].tolist() == table["n"].tolist()
    assert curve.loc["free-form", "pass_at"] == pytest.approx((3 * curve.loc["counts", "pass_at"] + 0) / 4)


def test_pass_at_k_of_drawn_guesses_is_that_of_a_guesser_played_out():
    """p of each question is the share of the other records with its ground truth."""
    gts = list("1111122233") * 12
    ks = (1, 4, 16)
    curve = guess_pass_curve(records_of(*counts(*gts)), ks)
    number = Counter(gts)
    chances = np.array([(number[gt] - 1) / (len(gts) - 1) for gt in gts])
    expected = [np.mean(1 - (1 - chances) ** k) for k in ks]
    assert curve[curve["source"] == "counts"]["pass_at"].tolist() == pytest.approx(expected, abs=0.03)
    rng = Random(3)
    played = [[rng.choice(gts) == gt for _ in range(32)] for gt in gts]
    assert expected == pytest.approx([np.mean([pass_at_k(32, sum(each), k) for each in played]) for k in ks], abs=0.04)


def test_a_guesser_does_not_know_the_question_s_own_ground_truth():
    curve = guess_pass_curve(records_of(*counts("1", "2", "3", "4")), (1, 32))
    assert curve["pass_at"].tolist() == [0] * 4
    assert guess_pass_curve(records_of(*counts("1")), (8,))["pass_at"].tolist() == [0, 0]


def test_guesses_depend_on_the_seed_alone():
    records = make_scenes(24, sources=["blocks", "functions"], split="test")
    one, again, other = (guess_pass_curve(records, (2,), seed=seed)["pass_at"].tolist() for seed in (0, 0, 1))
    assert one == again != other


def test_four_options_and_eight_tries():
    """What made pass@8 of angles and charts say so little."""
    curve = guess_pass_curve(make_scenes(24, split="test"), (8,)).set_index("source")["pass_at"]
    assert curve["angles"] == curve["charts"] == pytest.approx(1 - 0.75**8)
    assert curve["stories"] < 0.1 and curve["free-form"] < curve["all"]


def test_what_cannot_be_guessed_is_an_error():
    with pytest.raises(ValueError, match="records is empty"):
        guess_accuracy(records_of())
    for k in (0, 33):
        with pytest.raises(ValueError, match=f"k={k}: expected 1 to 32"):
            guess_pass_curve(records_of(*counts("1", "2")), (1, k))
