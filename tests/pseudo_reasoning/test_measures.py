"""The table of all measures: its columns, what it accepts, and that it stands any text."""

import json
from pathlib import Path

import pytest
from cpu_budget import cpu_budget
from datasets import Dataset
from hypothesis import given
from hypothesis import strategies as st

from vlaa_helpers import Measure, analyze_traces, make_scenes, register_measure
from vlaa_helpers.mini_world.scenes import scene_records
from vlaa_helpers.pseudo_reasoning.measures import FACT_COLUMNS, MEASURES, TEXT_COLUMNS
from vlaa_helpers.pseudo_reasoning.parsed_trace import ParsedTrace, facts_of, parse_trace

CHART = {"source": "charts", "meta": {"facts": {"style": "bar", "colours": ["red", "blue"], "values": [6, 2]}}}
GENUINE = "<think>I see bars: red 6, blue 2. red 6, blue 2. 6 - 2 = 4.</think>\n<answer>4</answer>"
PSEUDO = (
    "<think>Hmm, let me see. I see bars: red 6, blue 3. Wait, maybe I should check again. I see bars: red 6, blue 3. "
    "Alternatively, I am not sure. red 6, blue 4. 6 - 2 = 3. I think so.</think>\n<answer>3</answer>"
)


def test_planted_traces_differ_where_they_should():
    table = analyze_traces([GENUINE, PSEUDO], [CHART, CHART])
    assert list(table.columns) == ["source", *TEXT_COLUMNS, *FACT_COLUMNS]
    genuine, pseudo = table.to_dict("records")
    expected = {
        "has_think": True,
        "words": 16,
        "steps": 3,
        "aha_substrings": 0,
        "cues": 0,
        "doubts": 0,
        "arithmetic": 1,
        "arithmetic_share": 1.0,
        "self_checks": 0,
        "contradictions": 0,
        "claims": 5,
        "claims_true": 5,
        "claims_share": 1.0,
    }
    assert {name: genuine[name] for name in expected} == expected
    expected = {
        "words": 41,
        "aha_substrings": 5,
        "cues": 5,
        "alternatively": 1,
        "double-check": 0,
        "i should check": 1,
        "wait": 1,
        "doubts": 3,
        "arithmetic": 1,
        "arithmetic_holds": 0,
        "self_checks": 2,
        "self_checks_changed": 1,
        "changed_share": 0.5,
        "contradictions": 0,
        "claims": 8,
        "claims_false": 3,
        "claims_not_checkable": 0,
        "claims_share": 0.625,
    }
    assert {name: pseudo[name] for name in expected} == expected
    assert pseudo["cue_rate"] == pytest.approx(100 * 5 / 41) and pseudo["repetition"] > genuine["repetition"]
    assert genuine["changed_share"] != genuine["changed_share"]  # NaN: nothing to take a share of


def test_the_documented_columns_are_the_ones_that_come():
    assert list(analyze_traces([GENUINE]).columns) == list(TEXT_COLUMNS)
    assert list(analyze_traces([]).columns) == list(TEXT_COLUMNS) and len(analyze_traces([])) == 0
    assert list(analyze_traces([], []).columns) == [*TEXT_COLUMNS, *FACT_COLUMNS]
    assert all(words for words in {**TEXT_COLUMNS, **FACT_COLUMNS}.values())


# ---- measures of one's own ----


@pytest.fixture
def register():
    """Registers measures and takes them out again."""
    before = dict(MEASURES)
    yield register_measure
    MEASURES.clear()
    MEASURES.update(before)


def test_a_measure_is_one_function_and_one_line(register):
    register(Measure("shouts", lambda parsed: parsed.trace.count("!"), "exclamation marks, 0 or more"))
    register(Measure("claims_made", lambda parsed: len(parsed.claims), "claims, 0 or more", needs_facts=True))
    table = analyze_traces([GENUINE, "Oh! No! <answer>!</answer>"], [CHART, {"source": "clevr_math", "meta": "{}"}])
    assert list(table.columns) == ["source", *TEXT_COLUMNS, "shouts", *FACT_COLUMNS, "claims_made"]
    assert table["shouts"].tolist() == [0, 2]
    assert table["claims_made"][0] == 5 and table["claims_made"].isna().tolist() == [False, True]
    assert list(analyze_traces([GENUINE]).columns) == [*TEXT_COLUMNS, "shouts"]


def test_a_measure_of_one_s_own_can_be_written_anew(register):
    for sign in "!?":
        register(Measure("signs", lambda parsed, sign=sign: parsed.trace.count(sign), "signs"))
    table = analyze_traces(["What?"])
    assert table["signs"].tolist() == [1] and list(table.columns) == [*TEXT_COLUMNS, "signs"]


@pytest.mark.parametrize("name", ["words", "claims", "id", "source", "pseudo", "pair"])
def test_a_name_of_the_package_is_refused(name):
    with pytest.raises(ValueError, match=f"'{name}' is a column of the package already; give the measure another"):
        register_measure(Measure(name, len, ""))
    assert list(MEASURES) == [*TEXT_COLUMNS, *FACT_COLUMNS]


def test_only_the_measures_that_are_asked_for_are_taken(register):
    register(Measure("broken", lambda parsed: 1 / 0, "raises"))
    table = analyze_traces([PSEUDO], [CHART], measures=["claims_true", "words"])
    assert table.to_dict("records") == [{"source": "charts", "claims_true": 5, "words": 41}]
    with pytest.raises(ZeroDivisionError):
        analyze_traces([PSEUDO])
    with pytest.raises(ValueError, match="unknown measures 'word'; expected any of has_think, words"):
        analyze_traces([PSEUDO], measures=["word"])
    with pytest.raises(ValueError, match="claims can be measured only against facts; pass the mini-world records too"):
        analyze_traces([PSEUDO], measures=["words", "claims"])


def test_each_part_of_a_trace_is_read_once_and_only_when_asked_for(monkeypatch):
    from vlaa_helpers.pseudo_reasoning import parsed_trace as module

    read = []
    for name in ("read_statements", "read_equations", "read_assertions", "cue_spans"):
        original = getattr(module, name)

        def counted(*args, name=name, original=original, **options):
            read.append((name, *options))
            return original(*args, **options)

        monkeypatch.setattr(module, name, counted)
    analyze_traces([PSEUDO], [CHART])
    assert sorted(read) == [
        ("cue_spans",), ("cue_spans", "whole_words"), ("read_assertions",), ("read_equations",), ("read_statements",)
    ]  # fmt: skip
    read.clear()
    analyze_traces([PSEUDO], [CHART], measures=["words", "repetition"])
    assert read == []


def test_a_parsed_trace_has_what_measures_need():
    parsed = parse_trace(PSEUDO, CHART)
    assert parsed == ParsedTrace(PSEUDO, "charts", facts_of(CHART)) and parsed.parts.answer == "3"
    assert [parsed.trace[start:end] for start, end in parsed.cues[:2]] == ["Hmm", "Wait"]
    assert [parsed.trace[said.start : said.end] for said in parsed.statements[:2]] == ["bars", "red 6"]
    assert parsed.per_100_words(41) == 100 and ParsedTrace("").per_100_words(0) == 0
    without = parse_trace(PSEUDO, {"source": "clevr_math", "meta": CHART["meta"]})
    assert without == ParsedTrace(PSEUDO) and without.statements == without.claims == []


# ---- what is accepted ----


def test_texts_completions_and_rows_are_the_same():
    message = [{"role": "assistant", "content": PSEUDO}]
    table = analyze_traces([PSEUDO, message, {"response": PSEUDO, "tokens": 3}])
    assert len(table) == 3 and len(table.drop_duplicates()) == 1


def test_rows_find_their_records_by_id():
    records = make_scenes(12, seed=1)
    rows = [{"id": name, "response": f"<think>{name}</think>"} for name in reversed(list(records["id"]) * 2)]
    table = analyze_traces(rows, records)
    assert list(table["id"]) == [row["id"] for row in rows]
    assert list(table["source"]) == [row["id"].partition("-")[0] for row in rows]
    assert (table["claims"] == 0).all()


def test_records_stand_in_the_order_of_the_texts():
    records = list(scene_records(6, seed=1))
    table = analyze_traces(
        ["It is day."] * 6, Dataset.from_list([{k: r[k] for k in ("id", "source", "meta")} for r in records])
    )
    assert list(table["id"]) == [record["id"] for record in records]
    time_of = json.loads(records[5]["meta"])["facts"]["time"]
    assert list(table["claims_not_checkable"]) == [1, 1, 1, 1, 1, 0]
    assert table["claims_true"][5] == (time_of == "day")


def test_a_claim_counts_once_however_often_and_in_whatever_words_it_is_made():
    texts = ["red 6. blue 3.", "red 6. Red is 6. The red bar is 6 high. blue 3. Blue has 3. red 6."]
    columns = ["claims", "distinct_claims", "distinct_claims_share"]
    table = analyze_traces([f"<think>{text}</think>" for text in texts], [CHART, CHART])[columns]
    assert table.values.tolist() == [[2, 2, 0.5], [6, 2, 0.5]]


def test_a_second_thing_of_a_sort_and_another_verdict_are_other_claims():
    scene = {"objects": [{"colour": "red", "shape": "star", "row": place, "column": 0} for place in range(2)]}
    trace = parse_trace(
        "<think>I see a red star and a red star. I see a red star and a red star and a red star.</think>",
        {"source": "blocks", "meta": {"facts": scene}},
    )
    assert [claim.verdict for claim in trace.distinct_claims] == ["true", "true", "false"]
    assert [claim.start for claim in trace.distinct_claims] == sorted(claim.start for claim in trace.distinct_claims)


@pytest.mark.parametrize("meta", [None, "", "no JSON", "[1]", "{}", {"facts": 3}, {}])
def test_a_record_without_facts_has_no_claims(meta):
    table = analyze_traces([PSEUDO, PSEUDO], [{"source": "charts", "meta": meta}, CHART])
    assert table["claims"].isna().tolist() == [True, False]
    assert analyze_traces([PSEUDO], [{"source": "clevr_math", "meta": CHART["meta"]}])["claims"].isna().all()


@pytest.mark.parametrize(
    ("responses", "records", "error", "message"),
    [
        ("<think>", None, TypeError, r"one string; pass a list of responses, such as \[response\]"),
        ([3], None, TypeError, "a completion is a string or a list of messages, got int"),
        ([{"text": "a"}], None, ValueError, "a row without a response; it has text"),
        (["a", "b"], [CHART], ValueError, "2 responses and 1 records; give one record for each response"),
        ([{"id": "k", "response": "a"}], [{**CHART, "id": "j"}], ValueError, "no record has the id 'k'"),
    ],
)
def test_wrong_input(responses, records, error, message):
    with pytest.raises(error, match=message):
        analyze_traces(responses, records)


@pytest.mark.parametrize(
    "response", ["", "4", "<think>", "</think>", "<answer>4</answer>", "<think></think>", "wait " * 9]
)
def test_a_response_may_lack_anything(response):
    row = analyze_traces([response], [CHART]).iloc[0]
    assert row["words"] == len(response.split()) if "<" not in response else row["words"] == 0
    assert row["has_think"] == ("think" in response) and row["repetition"] <= 1 and row["claims"] == 0


@given(st.lists(st.text(), max_size=3))
def test_any_text_is_measured(texts):
    table = analyze_traces(texts, [CHART] * len(texts))
    assert len(table) == len(texts)
    for name, low, high in (
        ("words", 0, 1e9),
        ("repetition", 0, 1),
        ("arithmetic_share", 0, 1),
        ("claims_share", 0, 1),
    ):
        assert table[name].dropna().between(low, high).all()


def test_the_order_of_responses_does_not_matter():
    texts = [
        json.loads(line)["text"] for line in (Path(__file__).parents[1] / "samples" / "checked_claims.jsonl").open()
    ]
    forwards, backwards = analyze_traces(texts), analyze_traces(texts[::-1])
    assert forwards.equals(backwards[::-1].reset_index(drop=True))


@pytest.mark.parametrize("unit", ["wait, x = 1. ", "red 6 ", "1 + 1 = 2 "])
def test_a_megabyte_takes_linear_time(unit):
    with cpu_budget(100):  # 2 to 5 s where this was written
        (words,) = analyze_traces(["<think>" + unit * (1_000_000 // len(unit))], [CHART])["words"]
    assert words > 100_000


def test_traces_that_r1_wrote(real_samples):
    """Three published traces: honest work, so no arithmetic fails and nothing is contradicted."""
    rows = [json.loads(line) for line in (real_samples / "rows.jsonl").open()]
    table = analyze_traces([row["ds_answer"] for row in rows])
    assert len(table) == 3 and table["has_think"].all() and (table["words"] > 100).all() and (table["steps"] > 5).all()
    assert (table["arithmetic"] == table["arithmetic_holds"]).all() and table["arithmetic"].sum() >= 1
    assert (table["contradictions"] == 0).all() and table["self_checks_changed"].sum() == 0
    assert table["wait"].tolist() == [1, 0, 0] and table["self_checks"].tolist() == [1, 0, 0]


def test_real_traces_are_measured(real_samples):
    """Three rows of VLAA-Thinking, written by R1: long, with cues, and no facts to hold them against."""
    from vlaa_helpers import load_records, trained_detector

    rows = load_records(real_samples / "rows.jsonl", image_root=real_samples)
    table = analyze_traces([f"<think>{row['reasoning']}</think>" for row in rows])
    assert len(table) == 3 and (table["words"] > 50).all() and table[list(TEXT_COLUMNS)].notna().any().all()
    assert trained_detector("text").score(table).tolist() == pytest.approx([0.5] * 3, abs=0.5)
