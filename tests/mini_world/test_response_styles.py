"""The styles: how often each is right, keeps the format, and what it says."""

from collections import Counter
from random import Random

import numpy as np
import pytest
from scene_rows import DIFFICULTIES, facts_and_task, rows_of, world

from vlaa_helpers.core.answers import extract_answer, parse_response
from vlaa_helpers.mini_world import response_styles
from vlaa_helpers.mini_world.kinds import KINDS, SOURCES


@pytest.mark.parametrize("style", response_styles.STYLES)
def test_styles_keep_the_format_at_their_rate(style):
    kept = []
    for row in (row for level in DIFFICULTIES for row in world("train", level)):
        facts, task = facts_and_task(row)
        response = response_styles.respond(row["source"], facts, task, Random(row["id"]), style=style)
        answer = extract_answer(response)
        kept.append(answer is not None)
        assert parse_response(response).is_strict == kept[-1]
    assert 1 - np.mean(kept) == pytest.approx(
        response_styles.FORMAT_LOSS[style], abs=0.04
    )  # 1,800 draws: 3.3 deviations or more


def test_the_format_can_be_asked_for():
    for row in world("train", 1):
        facts, task = facts_and_task(row)
        for style in response_styles.STYLES:
            for keep in (True, False):
                rng = Random(row["id"])
                response = response_styles.respond(row["source"], facts, task, rng, style=style, keep_format=keep)
                assert (extract_answer(response) is not None) == keep


def test_the_careful_style_is_right():
    for row in world("train", 2):
        facts, task = facts_and_task(row)
        response = response_styles.respond(row["source"], facts, task, Random(0), style="careful", keep_format=True)
        assert extract_answer(response) == response_styles.solve(row["source"], facts, task)[1]
        assert KINDS[row["source"]].words(facts) in response


@pytest.mark.parametrize("source", SOURCES)
def test_the_other_styles_are_right_sometimes(source):
    rows = rows_of(source, ("train",))
    for style in ("shortcut", "ramble"):
        right = 0
        for row in rows:
            facts, task = facts_and_task(row)
            response = response_styles.respond(source, facts, task, Random(row["id"]), style=style, keep_format=True)
            right += extract_answer(response) in (response_styles.solve(source, facts, task)[1], row["gt"])
        assert 0.25 <= right / len(rows) <= 0.95, (style, right / len(rows))


@pytest.mark.parametrize("source", SOURCES)
def test_a_wrong_look_is_wrong_and_a_slip_is_no_answer(source):
    for row in rows_of(source):
        facts, task = facts_and_task(row)
        answer = response_styles.solve(source, facts, task)[1]
        for seed in range(5):
            look = response_styles.misread(source, facts, Random(seed))
            assert KINDS[source].words(look) != KINDS[source].words(facts)
            if "options" not in task:
                assert KINDS[source].slip(facts, task, answer, Random(seed)) != answer


def test_responses_are_seeded_and_mixed():
    row = world("train", 1)[0]
    facts, task = facts_and_task(row)
    responses = [response_styles.respond("blocks", facts, task, Random(seed)) for seed in range(400)]
    assert responses == [response_styles.respond("blocks", facts, task, Random(seed)) for seed in range(400)]
    openings = Counter(
        "ramble" if "Hmm" in text else "careful" if "I see" in text else "shortcut" if "It looks" in text else "bare"
        for text in responses
    )
    assert openings["ramble"] > 60 and openings["careful"] > 60 and openings["shortcut"] > 100
    with pytest.raises(ValueError, match="unknown style 'loud'; expected one of careful, shortcut, ramble"):
        response_styles.respond("blocks", facts, task, Random(0), style="loud")
