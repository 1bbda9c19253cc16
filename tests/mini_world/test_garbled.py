"""What is no text is told from what is: nothing that the mini world or real models write is flagged."""

import re
from random import Random

import pytest

from vlaa_helpers import Kind, ScriptedTeacher, is_garbled, load_trace_benchmark, register_kind
from vlaa_helpers.core.record_schema import meta_of
from vlaa_helpers.mini_world import garbled
from vlaa_helpers.mini_world.captions import write_caption
from vlaa_helpers.mini_world.kinds import SOURCES, Ask, get_kind
from vlaa_helpers.mini_world.response_styles import STYLES, respond
from vlaa_helpers.mini_world.scenes import SPLITS, remake_scene, scene_records, source_of_scene

GOOD = "<think>I see red star. Wait, let me double-check. 2 + 1 = 3.</think>\n<answer>3</answer>"
NO_TEXT = {
    "a control byte": "\x06",
    "a deleted character": "\x7f",
    "a control character of two bytes": "\x9d",
    "a broken byte": "\ufffd",
    "a private-use code point": "\ue123",
    "an unassigned code point": "\u0378",
    "no character": "\uffff",
    "half a character": "\ud83d",
}


@pytest.mark.parametrize("junk", NO_TEXT.values(), ids=NO_TEXT.keys())
@pytest.mark.parametrize("source", [None, "clevr_math", "blocks"])
def test_what_is_no_text_is_garbled_wherever_it_stands(junk, source):
    assert not is_garbled(GOOD, source)
    for place in (0, 9, len(GOOD)):
        assert is_garbled(GOOD[:place] + junk + GOOD[place:], source)
    assert is_garbled(GOOD + junk + " so", source, truncated=True)


REAL = (
    "<think>设 x = 3，则 x² + 1 = 10。</think>\n<answer>10</answer>",
    "∠ABC = 45°, √2 ≈ 1.414 ⇒ $\\frac{1}{2}\\pi r^2$, ½ · 3 ≤ 2 𝑥",
    "Great 👍🏽, a family 👨‍👩‍👧 and a flag 🇩🇪 ❤️!",
    "Übergröße, naïve café, Ελληνικά, русский, العربية, हिन्दी, ไทย, 日本語、한국어",
    "```python\r\n\tprint('hi')\r\n```\u00a0\u200b\ufeff“quoted” — …",
    "Thequickbrwnfx zzzz qqq",
)


@pytest.mark.parametrize("text", REAL)
def test_what_real_models_write_about_real_images_is_text(text):
    assert not is_garbled(text) and not is_garbled(text, "clevr_math", truncated=True)
    assert is_garbled(text, "blocks")  # no source of the mini world writes so


@pytest.mark.parametrize("junk", ["redred", "Thatnone", "learly", "zwei", "é", "¼", "%", "_", "٣", "\r"])
def test_words_and_signs_that_the_mini_world_does_not_write(junk):
    for source in SOURCES:
        assert is_garbled(f"I see {junk} star.", source) and not is_garbled("I see red star.", source)
    assert not is_garbled(f"I see {junk} star.")


def test_a_response_cut_at_the_limit_may_end_in_half_a_word_or_character():
    for text in ("<think>I see red squ", "<think>I see red square.</thi", "<th", "I see 3"):
        assert not is_garbled(text, "blocks", truncated=True)
    assert is_garbled("I see red squ", "blocks") and is_garbled("I see red squ. It", "blocks", truncated=True)
    assert is_garbled("I see red zqu", "blocks", truncated=True)
    assert not is_garbled("我看\ufffd", truncated=True) and is_garbled("我看\ufffd")
    assert is_garbled("我\ufffd看", truncated=True) and is_garbled("我" + 4 * "\ufffd", truncated=True)


def test_a_thinking_may_be_cut_inside_a_word():
    assert not is_garbled("<think>I see red squ</think>\n<answer>3</answer>", "blocks")
    assert is_garbled("<think>I see red zqu</think>\n<answer>3</answer>", "blocks")
    assert is_garbled("<think>I see red</think>\n<answer>squ</answer>", "blocks")


# ---- what the mini world writes ----


def written_about(record: dict, rng: Random):
    """All that may be said about a record: question, caption, every style, every fault of the teacher."""
    meta, source = meta_of(record), record["source"]
    facts, task = meta["facts"], meta["task"]
    yield record["question"]
    yield record["gt"]
    yield get_kind(source).words(facts)
    yield write_caption(source, facts, rng, omissions=0.5, hallucinations=0.5)
    for style in STYLES:
        yield respond(source, facts, task, rng, style=style)
    teacher = ScriptedTeacher(
        seed=rng.randrange(9), omissions=0.3, hallucinations=0.3, second_looks=0.9, slips=0.3, overedits=0.5
    )
    trace = teacher.ask("reason", record, {"caption": teacher.ask("caption", record, {}).text}).text
    yield trace
    yield teacher.ask("rewrite", record, {"text": trace}).text
    yield teacher.ask("reason", record, {"caption": ""}).text


@pytest.mark.parametrize("split", SPLITS)
def test_nothing_that_the_mini_world_writes_is_garbled(split):
    texts = 0
    for difficulty in (0, 1, 2):
        for record in scene_records(240, seed=77, split=split, difficulty=difficulty):
            for text in written_about(record, Random(record["id"])):
                assert not is_garbled(text, record["source"]), text
                texts += 1
    assert texts == 3 * 240 * (7 + len(STYLES))


def test_no_planted_trace_is_garbled():
    table = load_trace_benchmark()
    odd = [text for text, source in zip(table["response"], table["source"], strict=True) if is_garbled(text, source)]
    assert len(table) > 1_000 and odd == []


def test_the_vocabulary_does_not_hang_on_how_many_scenes_it_is_read_from(monkeypatch):
    words = garbled.vocabulary()
    assert {"wait", "double", "parabola", "caption", "×", "<", "think", "answer"} <= words
    assert all(word == word.lower() for word in words) and not any(re.search(r"[0-9\s{}]", word) for word in words)
    monkeypatch.setattr(garbled, "_SCENES", 20)
    assert garbled.vocabulary.__wrapped__() == words


# ---- other sources ----


class Ships(Kind):
    """Ships at anchor: a kind that has words of its own."""

    name, verifier_type, statement = "ships", "digit", re.compile(r"\d+ ships")
    sample = draw = misread = read = lambda self, *_: {}

    def ask(self, rng, facts, difficulty):
        return Ask("How many ships lie at anchor?", "2", {})

    def words(self, facts):
        return "2 ships lie at anchor."

    def solve(self, facts, task):
        return "Zwei.", "2"


def test_a_kind_of_ones_own_keeps_its_words():
    register_kind(Ships())
    assert not is_garbled("<think>2 ships lie at anchor. Zwei.</think><answer>2</answer>", "ships")
    assert is_garbled("2 ships\ufffd lie at anchor.", "ships")


def test_only_ids_of_the_mini_world_name_its_kinds():
    for split in SPLITS:
        for record in scene_records(6, seed=-3, split=split, difficulty=2):
            assert (
                source_of_scene(record["id"]) == record["source"] and remake_scene(record["id"])["id"] == record["id"]
            )
    for name in ("charts-7", "charts-test-1-0", "charts-train-3-0-1", "charts-dev-1-0-1", "ships-test-1-0-1", "7", ""):
        assert source_of_scene(name) is None and remake_scene(name) is None
