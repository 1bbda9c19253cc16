"""Each measure on a case it must catch and one it must not; the area under the curve; the detector's face."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vlaa_helpers import (
    Measure,
    PseudoReasoningDetector,
    analyze_traces,
    load_trace_benchmark,
    register_measure,
    trained_detector,
)
from vlaa_helpers.pseudo_reasoning.detector import INPUTS, auc, calibration, measured
from vlaa_helpers.pseudo_reasoning.measures import FACT_COLUMNS, MEASURES, TEXT_COLUMNS

CHART = {"source": "charts", "meta": {"facts": {"style": "bar", "colours": ["red", "blue"], "values": [6, 2]}}}

# Measure: a trace in which it must be higher than in the other, and the other, which looks much like it.
HIGHER = {
    "has_think": ("<think>6</think><answer>6</answer>", "6 <answer>6</answer>"),
    "words": ("I see red 6, and then I see blue 2.", "I see red 6."),
    "steps": ("red 6. blue 2. So 6.", "red 6 and blue 2, e.g. so 6.5"),
    "aha_substrings": ("Held against the light.", "Held in the light."),
    "aha_substring_rate": (
        "Held against the light.",
        "Held in the light, against all that had been said of it before.",
    ),
    "cues": ("Wait, red 6.", "The waiter held it against red 6, in a checkered way."),
    "cue_rate": ("Wait, red 6.", "Wait, there are two bars: a red one of 6 and a blue one of 2."),
    "alternatively": ("Alternatively, red 6.", "An alternative is red 6."),
    "double-check": ("I double-check red 6.", "I check red 6 twice."),
    "i should check": ("I should check red.", "I should have red checked."),
    "wait": ("Wait, wait. red 6.", "Wait. red 6."),
    "doubts": ("Maybe red is not entirely sure to be 6.", "In May the might of red was certain to be 6."),
    "doubt_rate": ("Maybe red 6.", "Maybe red 6, and after that nothing at all is left to say about it."),
    "repetition": ("I see red 6 there. I see red 6 there.", "I see red 6 there. I see blue 2 here."),
    "arithmetic": ("6 - 2 = 4.", "From 6 to 2, x - 2 = 4."),
    "arithmetic_holds": ("6 - 2 = 4.", "6 - 2 = 3."),
    "arithmetic_share": ("6 - 2 = 4. 1 + 1 = 2.", "6 - 2 = 4. 1 + 1 = 3."),
    "self_checks": ("6 - 2 = 4. Wait, let me see.", "Wait, let me see. 6 - 2 = 4."),
    "self_checks_changed": ("6 - 2 = 3. Wait, 6 - 2 = 4.", "6 - 2 = 4. Wait, 6 - 2 = 4."),
    "changed_share": ("6 - 2 = 3. Wait, 6 - 2 = 4.", "6 - 2 = 3. Wait, 6 - 2 = 4. Hmm, 6 - 2 = 4."),
    "contradictions": ("x = 5. So x = 6.", "x = 5. Wait, x = 6."),
    "claims": ("red 6, blue 2.", "It looks like 6."),
    "claims_true": ("red 6.", "red 5."),
    "claims_false": ("red 5. Of blue I say nothing.", "red 6. Of blue I say nothing."),
    "claims_not_checkable": ("red 6. It is day.", "red 6. It was a day."),
    "claims_share": ("red 6. blue 2.", "red 6. blue 3."),
    "distinct_claims": ("red 6. blue 3.", "red 6. red is 6. red 6."),
    "distinct_claims_share": ("red 6. blue 2. blue 3.", "red 6. red is 6. red 6. blue 3."),
}


@pytest.mark.parametrize("measure", [*TEXT_COLUMNS, *FACT_COLUMNS])
def test_a_measure_catches_its_case_and_not_the_other(measure):
    texts = [text if "<" in text else f"<think>{text}</think>" for text in HIGHER[measure]]
    caught, other = analyze_traces(texts, [CHART, CHART])[measure]
    assert caught > other, f"{caught} in {texts[0]!r}, {other} in {texts[1]!r}"


# ---- the area under the curve ----


def test_the_area_and_delong_s_interval_by_hand():
    """Pseudo 3 and 2 against genuine 2 and 1: of four comparisons three are won and one is a tie."""
    found = auc([3, 2, 2, 1], [True, True, False, False])
    # each trace's share of comparisons won: 1, 0.75 | 0.75, 1; each class has variance 0.03125, over two
    half = 1.959964 * math.sqrt(0.03125 / 2 + 0.03125 / 2)
    clusters = math.sqrt(4 / 3 * 4 * (0.125 / 2) ** 2) * 1.959964
    assert found.value == 0.875 and found.n == 4
    assert found.low == pytest.approx(0.875 - clusters) and clusters == pytest.approx(half * math.sqrt(2 / 3))


def test_the_area_is_that_of_scikit_learn():
    from sklearn.metrics import roc_auc_score

    rng = np.random.default_rng(0)
    pseudo = rng.random(200) < 0.4
    scores = np.round(rng.normal(size=200) + pseudo, 1)  # with ties
    assert auc(scores, pseudo).value == pytest.approx(roc_auc_score(pseudo, scores))


def test_the_interval_holds_what_it_says():
    """Of 300 studies of correlated pairs, about 95% of intervals hold the true area."""
    rng = np.random.default_rng(1)
    pseudo = np.tile([True, False], 60)
    groups = np.repeat(np.arange(60), 2)
    true, held, naive = 0.76025, 0, 0  # chance that a normal value moved by 1 is above another: Phi(1 / sqrt(2))
    for _ in range(300):
        shared = np.repeat(rng.normal(size=60), 2)
        scores = (0.8 * shared + 0.6 * rng.normal(size=120)) + pseudo
        held += (found := auc(scores, pseudo, groups)).low <= true <= found.high
        naive += (found := auc(scores, pseudo)).low <= true <= found.high
    assert (
        0.92 <= held / 300 <= 0.98 and naive >= held
    )  # pairs agree with each other: the clustered interval is narrower


def test_what_cannot_be_compared():
    with pytest.raises(ValueError, match="2 pseudo and 0 genuine traces with a score; expected both"):
        auc([1, 2, float("nan")], [True, True, False])
    assert auc([1, 2, float("nan"), 0], [True, False, True, False]).n == 3


@given(st.lists(st.tuples(st.floats(-9, 9), st.booleans()), min_size=2, max_size=40))
def test_the_area_is_a_chance_and_turns_round(cases):
    scores, pseudo = map(list, zip(*cases, strict=True))
    if len(set(pseudo)) == 2:
        found, turned = auc(scores, pseudo), auc([-score for score in scores], pseudo)
        assert 0 <= found.low <= found.value <= found.high <= 1
        assert turned.value == pytest.approx(1 - found.value)


# ---- calibration ----


def test_calibration_counts_each_bin():
    table = calibration(np.array([0.05, 0.95, 0.97, 1.0]), [False, True, True, False], bins=10)
    assert table["n"].tolist() == [1, 3] and table["observed"].tolist() == [0, 2 / 3]
    assert table["predicted"][1] == pytest.approx((0.95 + 0.97 + 1.0) / 3)
    assert (table["low"] <= table["observed"]).all() and (table["observed"] <= table["high"]).all()


# ---- the detector ----

GENUINE = "<think>I see bars: red 6, blue 2. 6 - 2 = 4.</think><answer>4</answer>"
PADDED = "<think>" + "I see bars: red 6, blue 2. " * 4 + "</think><answer>4</answer>"
FALSE = GENUINE.replace("blue 2", "blue 3").replace("- 2", "- 3")
EMPTY = "<answer>4</answer>"


def test_it_tells_imitation_from_reasoning():
    table = analyze_traces([GENUINE, PADDED, FALSE, EMPTY], [CHART] * 4)
    genuine, padded, false, empty = trained_detector("text and facts").score(table)
    assert genuine < 0.2 and padded > 0.8 and false > 0.8 and math.isnan(empty)
    genuine, padded, *_ = trained_detector().score(table)
    assert genuine < 0.4 and padded > 0.8


def test_it_is_fitted_once():
    assert trained_detector("text") is trained_detector("text")


LOOKED_AT = """
has_think, words, steps, aha_substrings, aha_substring_rate, cues, cue_rate, alternatively, double-check,
i should check, wait, doubts, doubt_rate, repetition, arithmetic, arithmetic_holds, arithmetic_share, self_checks,
self_checks_changed, changed_share, contradictions, claims, claims_true, claims_false, claims_not_checkable,
claims_share
"""


def test_its_columns_are_frozen():
    """Another column, or another order, is another detector: its tables and every figure made with it change."""
    names = [name.strip() for name in LOOKED_AT.split(",")]
    assert list(INPUTS["text and facts"]) == names and list(INPUTS["text"]) == names[:21]
    assert set(names) <= {*TEXT_COLUMNS, *FACT_COLUMNS}


def test_another_measure_leaves_its_scores_alone():
    rows = list(load_trace_benchmark("test"))[:60]
    tables, scores = [], []
    try:
        for fits in range(2):
            trained_detector.cache_clear()
            tables.append(analyze_traces(rows, rows))
            scores.append([trained_detector(inputs).score(tables[-1]) for inputs in INPUTS])
            if not fits:
                register_measure(Measure("is_long", lambda parsed: len(parsed.words) > 50, "whether it is long"))
                register_measure(
                    Measure("all_true", lambda parsed: all(claim.verdict == "true" for claim in parsed.claims),
                            "whether every claim is true", needs_facts=True)
                )  # fmt: skip
    finally:
        for name in ("is_long", "all_true"):
            MEASURES.pop(name, None)
    before, after = tables
    assert set(after.columns) - set(before.columns) == {"is_long", "all_true"} and after["is_long"].any()
    assert after[before.columns].equals(before) and np.array_equal(*scores)
    assert list(analyze_traces(rows, rows).columns) == list(before.columns)


def test_it_takes_any_column():
    rng = np.random.default_rng(0)
    pseudo = np.arange(80) % 2 == 0
    table = pd.DataFrame({"area": np.where(pseudo, 0.9, 0.2) + rng.normal(size=80) / 10, "information": np.nan})
    scores = PseudoReasoningDetector(["area", "information"]).fit(table, pseudo).score(table)
    assert auc(scores, pseudo).value > 0.99 and ((0 <= scores) & (scores <= 1)).all()
    assert len(PseudoReasoningDetector(["area"]).fit(table, pseudo).score(table[:0])) == 0


def test_a_missing_column_or_other_inputs_are_told():
    with pytest.raises(ValueError, match=r"the table has no claims, .*analyze_traces\(responses, records\)"):
        trained_detector("text and facts").score(analyze_traces([GENUINE]))
    with pytest.raises(ValueError, match="unknown inputs 'facts'; expected one of 'text', 'text and facts'"):
        trained_detector("facts")


def test_it_reaches_its_target_on_traces_it_never_saw():
    """Other scenes, other wordings: an area of 0.95 with facts. From text alone less, and no one should think more."""
    test = measured(load_trace_benchmark("test"))
    with_facts, text = (auc(trained_detector(inputs).score(test), test["pseudo"], test["pair"]) for inputs in
                        ("text and facts", "text"))  # fmt: skip
    assert with_facts.value >= 0.95 and 0.7 <= text.value < with_facts.low
    assert set(INPUTS) == {"text", "text and facts"}
