"""Reports on hand-made rows, and paired comparison."""

import json
import math

import pandas as pd
import pytest
from run_folders import write_run

from vlaa_helpers.core.statistics import bootstrap_interval, sign_test, wilson_interval
from vlaa_helpers.evaluation.eval_report import EvalReport, compare_reports, load_report
from vlaa_helpers.evaluation.runner import _row
from vlaa_helpers.mini_world.scenes import scene_records
from vlaa_helpers.rewards.mixed import MixedReward

RIGHT = ("<think>a</think><answer>3</answer>", False)
WRONG = ("<think>a</think><answer>4</answer>", False)
SILENT = ("It is three.", False)
CUT = ("<think>a and b and", True)


def make_report(items: dict[str, list], samples: int = 1, sources: dict[str, str] | None = None) -> EvalReport:
    """A report from what was answered to each item, scored for real against the truth 3."""
    rows = []
    for name, said in items.items():
        record = {
            "id": name,
            "source": (sources or {}).get(name, "blocks"),
            "question": "How many?",
            "gt": "3",
            "verifier_type": "digit",
            "meta": "",
            "images": [],
        }
        assert len(said) == samples
        rows += [_row(record, text, len(text), truncated, 0.5, MixedReward()) for text, truncated in said]
    return EvalReport(tuple(rows), samples)


@pytest.fixture
def mixed() -> EvalReport:
    said = [RIGHT, RIGHT, RIGHT, WRONG, WRONG, SILENT, CUT, CUT]
    sources = {str(k): "blocks" if k < 4 else "angles" for k in range(8)}
    return make_report({str(k): [answer] for k, answer in enumerate(said)}, sources=sources)


def test_wrong_silent_and_cut_responses_are_told_apart(mixed):
    assert mixed.accuracy == 3 / 8
    assert mixed.format_failures == 3 / 8  # cut ones included
    assert mixed.truncated == 2 / 8
    assert mixed.interval == wilson_interval(3, 8)
    frame = mixed.to_frame()
    assert list(frame["reason"]) == ["correct"] * 3 + ["wrong"] * 2 + ["no_answer"] * 3
    assert list(frame["answer"])[:5] == ["3", "3", "3", "4", "4"] and frame["answer"][5:].isna().all()
    assert list(frame["correct"]) == [True] * 3 + [False] * 5
    assert list(frame["is_strict"]) == [True] * 5 + [False] * 3


def test_every_response_is_kept(mixed):
    columns = "id source question gt response answer value reason correct has_answer is_strict truncated garbled tokens"
    columns += " seconds"
    assert list(mixed.to_frame().columns) == columns.split()
    assert [row["response"] for row in mixed.rows][-1] == CUT[0] and len(mixed.rows) == 8


def test_by_source_has_a_row_each_and_one_for_all(mixed):
    table = mixed.by_source
    assert list(table.index) == ["blocks", "angles", "all"]
    assert list(table.columns) == ["n", "accuracy", "low", "high", "no_answer", "truncated", "garbled", "tokens"]
    assert list(table["n"]) == [4, 4, 8] and table["n"].dtype.kind == "i"
    assert list(table["accuracy"]) == [3 / 4, 0, 3 / 8]
    assert list(table["no_answer"]) == [0, 3 / 4, 3 / 8]
    assert list(table["truncated"]) == [0, 2 / 4, 2 / 8]
    assert tuple(table.loc["blocks", ["low", "high"]]) == wilson_interval(3, 4)
    assert table.loc["blocks", "tokens"] == len(RIGHT[0])


def test_the_summary_line(mixed):
    low, high = (f"{bound:.1%}" for bound in wilson_interval(3, 8))
    assert str(mixed) == (
        f"accuracy 37.5% (95% {low} to {high}), n = 8, greedy; no answer 37.5%, truncated 25.0%, garbled 0.0%"
    )


JUNK = ("<think>a \x06\ufffd</think><answer>3</answer>", False)
OTHER_WORDS = ("<think>Zwei und eins.</think><answer>3</answer>", False)
HALF = ("<think>I see a red squ", True)


def test_garbled_responses_are_counted_right_or_wrong():
    ids = {f"{source}-test-1-7-{k}": source for k, source in enumerate(("blocks", "blocks", "angles", "angles"))}
    report = make_report(dict(zip(ids, ([JUNK], [RIGHT], [OTHER_WORDS], [HALF]), strict=True)), sources=ids)
    assert [row["garbled"] for row in report.rows] == [True, False, True, False]
    assert report.garbled == 0.5 and report.accuracy == 0.75 and "truncated 25.0%, garbled 50.0%" in str(report)
    assert list(report.by_source["garbled"]) == [0.5, 0.5, 0.5]
    # the same words about an image that is not of the mini world are text, whatever its source is called
    mine = make_report({"0": [JUNK], "1": [OTHER_WORDS]}, sources={"0": "angles", "1": "angles"})
    assert [row["garbled"] for row in mine.rows] == [True, False]


def test_a_report_of_an_earlier_version_is_judged_by_its_text(tmp_path):
    records = list(scene_records(4, sources=("blocks", "angles"), seed=7, split="test"))
    folder = write_run(tmp_path / "a", records, [JUNK[0], RIGHT[0], OTHER_WORDS[0], RIGHT[0]])
    assert "garbled" not in (folder / "responses.jsonl").read_text()
    assert [row["garbled"] for row in load_report(folder).rows] == [True, False, True, False]
    rows = [json.loads(line) for line in (folder / "responses.jsonl").read_text().splitlines()]
    noted = [{**row, "garbled": True, "truncated": True} for row in rows]
    (folder / "responses.jsonl").write_text("".join(json.dumps(row) + "\n" for row in noted))
    assert load_report(folder).garbled == 1  # what was noted stays
    mine = [{**record, "id": f"mine-{k}"} for k, record in enumerate(records)]
    folder = write_run(tmp_path / "b", mine, [JUNK[0], RIGHT[0], OTHER_WORDS[0], RIGHT[0]])
    assert [row["garbled"] for row in load_report(folder).rows] == [True, False, False, False]


ABOUT = {"benchmark": "a", "repository": "b", "rows": 3, "left_out": {}}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ("[]", r"settings\.json is broken: a list of 0; expected an object"),
        ('{"records": 4}', r"settings\.json has no 'samples'; expected what `vlaa evaluate` writes"),
        ('{"records": "4", "samples": 1}', r"settings\.json: records is '4'; expected 1 or more"),
        ('{"records": 4, "samples": 0}', "samples is 0"),
        ({"images": ["true"]}, "images is .*; expected true or blank or swapped"),
        ({"prompt": 3}, "prompt is 3; expected ours or own"),
        ({"about": "chartqa"}, r"settings\.json: about is 'chartqa'; expected an object with benchmark, repository"),
        ({"about": {**ABOUT, "left_out": [1]}}, r"about cannot be used: its left_out is \[1\]; expected what read_b"),
        ({"about": {"benchmark": "a"}}, "about cannot be used: it has no repository"),
    ],
)
def test_settings_that_no_evaluation_has_are_told(tmp_path, settings, words):
    folder = write_run(tmp_path / "a", list(scene_records(4, seed=7)), [RIGHT[0]] * 4)
    assert len(load_report(folder).rows) == 4
    path = folder / "settings.json"
    path.write_text(settings if isinstance(settings, str) else json.dumps(json.loads(path.read_text()) | settings))
    with pytest.raises(ValueError, match=words):
        load_report(folder)


@pytest.mark.parametrize(("column", "value"), [("correct", "yes"), ("response", None), ("seconds", "x"), ("id", None)])
def test_responses_that_no_evaluation_has_are_told(tmp_path, column, value):
    folder = write_run(tmp_path / "a", list(scene_records(4, seed=7)), [RIGHT[0]] * 4)
    rows = [json.loads(line) for line in (folder / "responses.jsonl").read_text().splitlines()]
    rows[1][column] = value
    (folder / "responses.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(ValueError, match=rf"responses\.jsonl line 2: {column} is {value!r}; expected what `vlaa eval"):
        load_report(folder)
    del rows[1][column]
    (folder / "responses.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(ValueError, match=rf"responses\.jsonl line 2 has no {column}; expected"):
        load_report(folder)


@pytest.fixture
def sampled() -> EvalReport:
    return make_report(
        {"a": [RIGHT, RIGHT, WRONG, SILENT], "b": [WRONG] * 4, "c": [RIGHT] * 4, "d": [WRONG, CUT, RIGHT, WRONG]}, 4
    )


def test_samples_of_an_item_are_averaged(sampled):
    assert sampled.accuracy == 7 / 16
    assert sampled.interval == bootstrap_interval([0.5, 0.0, 1.0, 0.25])
    assert list(sampled.by_source["n"]) == [4, 4]
    assert "n = 4, 4 samples an item" in str(sampled)


def test_pass_at(sampled):
    assert sampled.pass_at(1) == pytest.approx(sampled.accuracy)
    assert sampled.pass_at(2) == pytest.approx((5 / 6 + 0 + 1 + 1 / 2) / 4)
    assert sampled.pass_at(4) == pytest.approx(3 / 4)
    with pytest.raises(ValueError, match="k=5"):
        sampled.pass_at(5)


def test_pass_curve(sampled, mixed):
    curve = sampled.pass_curve((1, 2, 4))
    assert curve["k"].tolist() == [1, 2, 4] and curve.attrs["n"] == 4
    assert curve["pass_at"].tolist() == pytest.approx([sampled.pass_at(k) for k in (1, 2, 4)])
    assert (curve["low"] <= curve["pass_at"]).all() and (curve["pass_at"] <= curve["high"]).all()
    blocks = mixed.pass_curve((1,), source="blocks")
    assert blocks.attrs["n"] == 4 and blocks["pass_at"].item() == 3 / 4
    both = mixed.pass_curve((1,), source=["blocks", "angles"])
    assert both.attrs["n"] == 8 and both["pass_at"].item() == 3 / 8
    assert mixed.pass_curve((1,), source=["angles"]).attrs["n"] == 4


def test_pass_curve_beside_what_guessing_earns(mixed):
    guess = pd.DataFrame({"source": ["blocks", "angles", "all"], "k": 1, "pass_at": [0.5, 0.25, 0.9]})
    part = mixed.pass_curve((1,), source="blocks", guess=guess)
    assert part["guess"].item() == 0.5 and part["above_guess"].item() == 3 / 4 - 0.5
    whole = EvalReport(mixed.rows[:6], 1).pass_curve((1,), guess=guess)  # four of blocks, two of angles
    assert whole["guess"].item() == pytest.approx((4 * 0.5 + 2 * 0.25) / 6)
    assert list(mixed.pass_curve((1,))) == ["k", "pass_at", "low", "high"]
    with pytest.raises(ValueError, match=r"guess has no pass@1 of 'angles'; make it of the records that were asked: "):
        mixed.pass_curve((1,), guess=guess[:1])


def test_a_box_counts_as_right_from_half_overlap():
    record = {"id": "a", "source": "boxes", "gt": "[0, 0, 1, 1]", "verifier_type": "box"}
    record |= {"question": "", "meta": "", "images": []}
    for x, right in (("0.5", True), ("0.49", False)):
        row = _row(record, f"<answer>[0, 0, {x}, 1]</answer>", 9, False, 0.5, MixedReward())
        assert row["correct"] is right and row["value"] == pytest.approx(float(x))


# ---- comparison ----


def pair(gained: int, lost: int, same: int) -> tuple[EvalReport, EvalReport]:
    before = [WRONG] * gained + [RIGHT] * lost + [RIGHT, WRONG] * same
    after = [RIGHT] * gained + [WRONG] * lost + [RIGHT, WRONG] * same
    return tuple(make_report({str(k): [text] for k, text in enumerate(texts)}) for texts in (before, after))


@pytest.mark.parametrize(("gained", "lost"), [(5, 0), (0, 5), (8, 2), (15, 5), (3, 3), (0, 0)])
def test_the_difference_and_the_sign_test_are_of_pairs(gained, lost):
    result = compare_reports(*pair(gained, lost, same=10))
    n = gained + lost + 20
    assert result.p_value == sign_test(gained, lost) and result.n == n
    assert result.difference == pytest.approx((gained - lost) / n)
    assert result.low <= result.difference <= result.high


def test_the_comparison_is_of_pairs_whatever_their_order():
    before, after = pair(6, 1, same=5)
    turned = EvalReport(after.rows[::-1], 1)
    assert compare_reports(before, turned) == compare_reports(before, after)
    # pairing helps: two thirds of the items agree, and the interval is narrower than of two independent shares
    result = compare_reports(before, after)
    independent = 2 * 1.96 * math.sqrt(2 * 0.25 / result.n)
    assert result.high - result.low < independent


def test_a_report_compared_with_itself_does_not_differ(mixed):
    result = compare_reports(mixed, mixed)
    assert (result.difference, result.low, result.high, result.p_value, result.n) == (0.0, 0.0, 0.0, 1.0, 8)
    interval = "+0.0% (95% +0.0% to +0.0%, which includes zero)"
    assert str(result) == f"{interval}, n = 8 paired items, exact McNemar (sign test) p = 1"


def test_the_comparison_says_whether_zero_is_excluded():
    assert "which excludes zero" in str(compare_reports(*pair(15, 0, same=5)))
    assert "which excludes zero" in str(compare_reports(*pair(0, 15, same=5)))
    assert "which includes zero" in str(compare_reports(*pair(3, 3, same=5)))


def test_items_are_compared_by_their_mean_over_samples(sampled):
    other = make_report({"a": [RIGHT] * 4, "b": [WRONG] * 4, "c": [RIGHT] * 4, "d": [RIGHT] * 4}, 4)
    result = compare_reports(sampled, other)
    assert result.difference == pytest.approx((0.5 + 0 + 0 + 0.75) / 4) and result.n == 4


def test_reports_about_different_items_are_refused():
    one, other = make_report({"a": [RIGHT], "b": [RIGHT]}), make_report({"a": [RIGHT], "c": [RIGHT]})
    with pytest.raises(ValueError, match="differ in 2 items, for example b; evaluate both on the same records"):
        compare_reports(one, other)
    with pytest.raises(ValueError, match="differ in 1 items"):
        compare_reports(one, make_report({"a": [RIGHT]}))


def test_what_could_not_be_scored_is_in_no_accuracy(mixed):
    rows = [
        row | {"value": None, "correct": False, "reason": "not_scored"} if row["id"] == "3" else row
        for row in mixed.rows
    ]
    report = EvalReport(tuple(rows), 1)
    assert report.accuracy == 3 / 7 and report.unscored == 1 / 8 and "not scored 12.5%" in str(report)
    assert report.by_source.loc["blocks", "accuracy"] == 1 and report.by_source.loc["blocks", "n"] == 4
    assert compare_reports(mixed, report).n == 7


def test_one_source_alone_can_be_compared(mixed):
    assert compare_reports(mixed, mixed, source="angles").n == 4
    with pytest.raises(ValueError, match="differ in 0 items; evaluate"):
        compare_reports(mixed, mixed, source="nothing")
