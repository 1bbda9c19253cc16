"""What the checks expect, worked out there by hand, is what the package gives."""

import json

import numpy as np
import pytest
import torch

from vlaa_helpers import (
    AHA_KEYWORDS,
    Reply,
    aha_words,
    auc,
    box_reward,
    clipped_objective,
    compare_within_questions,
    digit_reward,
    extract_answer,
    group_advantages,
    grpo_loss,
    kl_estimates,
    load_trace_benchmark,
    make_scenes,
    parse_response,
    read_records,
    steps,
)
from vlaa_helpers.exercises import chapter_00, chapter_01, chapter_02, chapter_03, chapter_04, chapter_05, chapter_06
from vlaa_helpers.exercises.by_cases import plain
from vlaa_helpers.pseudo_reasoning.probe_report import area_over_curve


def each(exercise):
    """Arguments of every case, and what the check expects for them."""
    cases = exercise.check.cases() if callable(exercise.check.cases) else exercise.check.cases
    for case in cases:
        yield case.given, plain(exercise.check.solve(*case.given))


def test_a_strict_reward():
    for (response, gt), expected in each(chapter_00.STRICT_REWARD):
        assert expected == digit_reward(response, gt).value * parse_response(response).is_strict


def test_advantages():
    for (rewards,), expected in each(chapter_00.ADVANTAGES):
        assert expected == pytest.approx(group_advantages(torch.tensor([rewards]))[0].tolist(), abs=1e-5)


def test_an_interval_over_seeds():
    from scipy import stats

    for (values,), expected in each(chapter_00.SEED_INTERVAL):
        low, high = stats.t.interval(0.95, len(values) - 1, loc=sum(values) / len(values), scale=stats.sem(values))
        assert expected == pytest.approx([low, high], abs=1e-3)


def test_what_moved_adds_up():
    for (before, after), expected in each(chapter_00.WHAT_MOVED):
        overall = [sum(share * accuracy for share, accuracy in styles.values()) for styles in (before, after)]
        assert sum(expected) == pytest.approx(overall[1] - overall[0])
        assert all(sum(share for share, _ in styles.values()) == pytest.approx(1) for styles in (before, after))


def test_whole_words():
    assert chapter_01.KEYWORDS == AHA_KEYWORDS
    for (text,), expected in each(chapter_01.WHOLE_WORDS):
        assert expected == aha_words(text, whole_words=True)


def test_a_verdict_is_read_as_the_pipeline_reads_it():
    record = {"question": "?", "gt": "3", "response": "<think>a</think><answer>3</answer>", "provenance": {}}
    teacher = type("Judge", (), {"model_of": lambda self, role: "judge"})()
    for (reply,), expected in each(chapter_01.JUDGE_REPLY):
        try:
            steps.verify(record, lambda *told, reply=reply: Reply(reply), teacher)
            found = True
        except steps.Rejected as gone:
            found = {"wrong_answer": False, "not_yes_or_no": None}[gone.reason]
        assert found is expected


def test_rows_of_ones_own_are_read(tmp_path):
    (tmp_path / "a").mkdir()
    rows = [row for _, row in each(chapter_01.MY_ROWS)]
    for row, scene in zip(rows, make_scenes(len(rows), sources="blocks"), strict=True):
        scene["image"].save(tmp_path / row["image"])
    (tmp_path / "mine.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    records, problems = read_records(tmp_path / "mine.jsonl", image_root=tmp_path)
    assert list(problems) == []
    assert records["gt"][:] == ["B", "4", "A"] and records["verifier_type"][:] == ["choice", "digit", "choice"]


def test_the_loss_of_sft():
    for (logits, labels), expected in each(chapter_02.SFT_LOSS):
        loss = torch.nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten())
        assert expected == pytest.approx(loss.item(), rel=1e-5)


def test_the_gate():
    for (response,), expected in each(chapter_03.FIND_ANSWER):
        assert expected == extract_answer(response)


def test_half_a_mark_where_the_digit_verifier_sees_one_number():
    for (response, gt), expected in each(chapter_03.NEAR_REWARD):
        values = [
            digit_reward(response, str(int(gt) + off)).value * weight for off, weight in ((0, 1), (1, 0.5), (-1, 0.5))
        ]
        assert expected == max(values)


def test_boxes_are_those_of_the_mini_world():
    scenes = make_scenes(len(chapter_03.TRUE_BOXES), sources="boxes", seed=1)
    assert [json.loads(gt) for gt in scenes["gt"]] == chapter_03.TRUE_BOXES
    for box in ([0.25, 0.25, 0.75, 0.75], [0.0, 0.0, 1.0, 1.0]):
        values = [box_reward(f"<answer>{box}</answer>", gt=gt).value for gt in scenes["gt"]]
        assert chapter_03._mean_overlap(box) == pytest.approx(sum(values) / len(values))


def test_the_best_box_is_what_the_check_says():
    sixteenths = [k / 16 for k in range(17)]
    boxes = (
        [a, b, c, d] for a in sixteenths for c in sixteenths if a < c for b in sixteenths for d in sixteenths if b < d
    )
    best = max(map(chapter_03._mean_overlap, boxes))
    assert chapter_03.GOOD < round(best, 3) == 0.183
    assert round(chapter_03._mean_overlap([0, 0, 1, 1]), 2) == 0.13


def test_the_objective_of_a_token():
    for (logps, old, ref, advantage, epsilon, beta), expected in each(chapter_04.OBJECTIVE):
        gain = clipped_objective(logps[None], old[None], torch.tensor([advantage]), epsilon=epsilon)[0]
        weighed = (logps - old).exp() * kl_estimates(logps, ref)["k3"]
        assert expected == pytest.approx((gain - beta * weighed).tolist(), abs=1e-6)
        alone, every = [each[None] for each in (logps, old, ref)], torch.ones(1, len(logps))
        loss = grpo_loss(*alone, every, torch.tensor([advantage]), beta=beta, loss_type="grpo", epsilon=epsilon)
        assert -sum(expected) / len(expected) == pytest.approx(loss.item(), abs=1e-6)


def test_normalisers():
    for (losses, mask, kind, longest), expected in each(chapter_04.NORMALISER):
        # with the ratio at 1 a token's loss is minus the advantage of its response; here each token has its own,
        # so each is a response of the package's function, which is linear in advantages
        found = 0.0
        for row, column in mask.nonzero().tolist():
            advantages = torch.zeros(len(losses))
            advantages[row] = -losses[row, column]
            logps = torch.zeros(losses.shape)
            whole = grpo_loss(logps, logps, None, mask, advantages, loss_type=kind, max_completion_length=longest)
            found += whole.item() / mask[row].sum().item()
        assert expected == pytest.approx(found, abs=1e-6)


def test_a_drawn_token_has_the_probability_of_the_softmax():
    logits, temperature = chapter_04.LOGITS, 0.7
    draws = [chapter_04._draw(logits, temperature, (k + 0.5) / 4000) for k in range(4000)]
    shares = (torch.tensor(logits) / temperature).softmax(dim=0).tolist()
    assert [draws.count(token) / 4000 for token in range(4)] == pytest.approx(shares, abs=1e-3)


def test_an_area_under_the_curve():
    for (genuine, pseudo), expected in each(chapter_05.AUC):
        assert expected == pytest.approx(auc([*genuine, *pseudo], [False] * len(genuine) + [True] * len(pseudo)).value)


def test_traces_that_are_kept_back_are_not_those_to_design_on():
    rows = load_trace_benchmark("train")
    padded = [row["pair"] for row in rows if row["kind"] == "padded"]
    design = {row["response"] for row in rows if row["pair"] in padded[::2]}
    kept = chapter_05.held_back()
    assert not any(f"<think>{text}</think>" in response for text, _ in kept for response in design)
    assert sum(is_padded for _, is_padded in kept) == len(padded) // 2 == 45
    responses = {(row["response"], row["kind"] == "padded") for row in rows}
    assert all(
        any(f"<think>{text}</think>" in r and p == is_padded for r, p in responses) for text, is_padded in kept[:20]
    )


def test_a_comparison_within_questions():
    import pandas as pd

    for (rows,), expected in each(chapter_05.WITHIN_QUESTIONS):
        table = pd.DataFrame(rows).rename(columns={"question": "id", "right": "correct"})
        table = table.assign(arm="one", seed=0, source="blocks")
        found = compare_within_questions(table, table["cue"])
        assert expected == pytest.approx(found["difference"].iloc[0])


def test_an_area_over_the_curve():
    for (same,), expected in each(chapter_05.AREA_OVER_CURVE):
        assert expected == pytest.approx(area_over_curve(same))


def test_what_the_best_seed_flatters():
    for (seeds, k), expected in each(chapter_06.BEST_SEED):
        rng = np.random.default_rng(0)
        draws = np.array([rng.permutation(seeds)[:k].max() for _ in range(20_000)])
        assert expected == pytest.approx(draws.mean() - np.mean(seeds), abs=3e-3)


def test_a_comparison_at_equal_cost():
    for (first, second), expected in each(chapter_06.EQUAL_COST):
        cost = min(first[-1][0], second[-1][0])
        heights = [np.interp(cost, *zip(*points, strict=True)) for points in (first, second)]
        assert expected == pytest.approx(heights[1] - heights[0])


def test_a_reward_that_deceives():
    for (rewards, accuracy, noise), expected in each(chapter_06.DECEPTIVE):
        pairs = [(j, k) for k in range(len(rewards)) for j in range(k)]
        fall = max((accuracy[j] - accuracy[k] for j, k in pairs if rewards[k] > rewards[j]), default=0)
        assert expected == (fall > noise)
