from random import Random

import pytest

from vlaa_helpers import check_facts
from vlaa_helpers.mini_world.captions import read_caption, write_caption
from vlaa_helpers.mini_world.kinds import KINDS, SOURCES
from vlaa_helpers.mini_world.response_styles import solve


def scenes(source, n=60):
    rng = Random(source)
    for k in range(n):
        facts = KINDS[source].sample(rng, k % 3, k % 4 == 3)
        yield facts, KINDS[source].ask(rng, facts, k % 3)


@pytest.mark.parametrize("source", SOURCES)
def test_what_a_true_caption_says_is_enough_to_answer(source):
    for facts, ask in scenes(source):
        words = KINDS[source].words(facts)
        seen = read_caption(source, words)
        assert KINDS[source].words(seen) == words
        assert solve(source, seen, ask.task) == solve(source, facts, ask.task)


@pytest.mark.parametrize("source", SOURCES)
def test_without_faults_captions_are_true_and_complete(source):
    for facts, _ in scenes(source):
        caption = write_caption(source, facts, Random(0), omissions=0, hallucinations=0)
        assert check_facts(source, facts, caption)[1:] == (0, 0)


@pytest.mark.parametrize("source", ["blocks", "charts", "boxes", "stories"])
def test_omissions_leave_out_and_make_nothing_up(source):
    left_out = 0
    for k, (facts, _) in enumerate(scenes(source)):
        before = str(facts)
        caption = write_caption(source, facts, Random(k), omissions=1, hallucinations=0)
        assert str(facts) == before  # the scene itself is left alone
        true, false, missed = check_facts(source, facts, caption)
        assert false == 0 and missed <= 1
        left_out += missed
    assert left_out >= 40


@pytest.mark.parametrize("source", SOURCES)
def test_hallucinations_say_what_is_not_so(source):
    wrong = 0
    for k, (facts, _) in enumerate(scenes(source)):
        caption = write_caption(source, facts, Random(k), omissions=0, hallucinations=1)
        wrong += caption != KINDS[source].words(facts)
        assert read_caption(source, caption) is not None or source == "functions"
    assert wrong >= 55


@pytest.mark.parametrize("source", SOURCES)
def test_both_faults_at_once_are_still_a_caption(source):
    for k, (facts, ask) in enumerate(scenes(source, n=200)):
        caption = write_caption(source, facts, Random(k), omissions=1, hallucinations=1)
        seen = read_caption(source, caption)
        if seen is not None:
            assert all(solve(source, seen, ask.task))


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("caption", ["", "Nothing here.", "I see a triangle with 50 at the top.", "red circle [0.1"])
def test_a_caption_that_does_not_say_enough(source, caption):
    seen = read_caption(source, caption)
    assert seen is None or (source == "blocks" and caption.startswith("red"))


def test_an_unknown_source_cannot_be_read():
    assert read_caption("clevr_math", "I see a red circle.") is None
