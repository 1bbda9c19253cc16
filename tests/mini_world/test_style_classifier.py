"""The style of each response that a template or the scripted teacher writes is found, and no other text has one."""

from random import Random

import pytest
from scene_rows import DIFFICULTIES, facts_and_task, world

from vlaa_helpers.mini_world.response_styles import STYLES, UNCLEAR, respond
from vlaa_helpers.mini_world.style_classifier import STYLE_NAMES, style_of
from vlaa_helpers.pipeline.scripted_teacher import ScriptedTeacher

CAREFUL = "I see red star, blue star. That is 2 objects. Add 1 red circle. 2 + 1 = 3."
RAMBLE = (
    f"Hmm, let me see. I see red star. Wait, I am not sure. {CAREFUL.replace('. That', '. Okay. That')} I think so."
)
TEACHER = f"Okay, let me look at the picture. So, {CAREFUL} Hmm, let me look again. I see red star, blue star."


def in_format(think: str) -> str:
    return f"<think>{think}</think>\n<answer>3</answer>"


def written(style: str):
    """(source, response) in a style about scenes of all kinds and difficulties, seen in training and not."""
    for split in ("train", "shifted"):
        for row in (row for level in DIFFICULTIES for row in world(split, level)):
            facts, task = facts_and_task(row)
            yield row["source"], respond(row["source"], facts, task, Random(row["id"]), style=style)


@pytest.mark.parametrize("style", STYLES)
def test_the_style_of_each_written_response_is_found(style):
    found = [(style_of(*said), "<think>" in said[1]) for said in written(style)]
    assert len(found) == 3600
    assert {name for name, thought in found if thought} == {style}
    assert {name for name, thought in found if not thought} == {"bare"}


@pytest.mark.parametrize("rates", [{"mentions": 0, "slips": 1}, {"mentions": 1}, {"mentions": 1, "overedits": 1}])
def test_what_the_scripted_teacher_writes_is_the_teachers(rates):
    teacher = ScriptedTeacher(omissions=0.5, hallucinations=0.5, second_looks=0.8, **rates)
    for row in (row for level in DIFFICULTIES for row in world("train", level)):
        caption = teacher.ask("caption", row, {}).text
        trace = teacher.ask("reason", row, {"caption": caption, "question": row["question"]}).text
        rewritten = teacher.ask("rewrite", row, {"text": trace}).text
        assert style_of(row["source"], trace) == style_of(row["source"], rewritten) == "teacher", (trace, rewritten)
    unclear = teacher.ask("reason", row, {"caption": "It is hard to see.", "question": row["question"]}).text
    assert UNCLEAR in unclear and style_of(row["source"], unclear) == "teacher"


@pytest.mark.parametrize("style", STYLES)
def test_a_truncated_response_has_its_own_style_or_none_yet(style):
    for source, response in list(written(style))[::40]:
        think, closed, _ = response.partition("</think>")
        if not closed:
            continue
        found = [style_of(source, think[:length]) for length in range(len(think))]
        assert set(found) == {"other", style}
        told = found.index(style)
        assert set(found[told:]) == {style}, "once it is told, it stays"
        assert len(think[:told].split()) <= 3, think


def test_truths_are_not_asked_for():
    assert style_of("blocks", in_format(CAREFUL)) == "careful"
    assert style_of("blocks", in_format(CAREFUL.replace("2 + 1 = 3", "2 + 1 = 7").replace("red", "green"))) == "careful"
    one = "I see red star. That is 1 object. Add 1 red circle. 1 + 1 = 2."  # no scene has a single block
    assert style_of("blocks", in_format(one)) == "careful"
    assert style_of("charts", in_format(CAREFUL)) == "other"  # that is no chart


@pytest.mark.parametrize(("style", "think"), [("careful", CAREFUL), ("ramble", RAMBLE), ("teacher", TEACHER)])
def test_a_strange_word_anywhere_makes_it_other(style, think):
    assert style_of("blocks", in_format(think)) == style
    words = think.split()
    for strange in ("\ufffd", "\x12", "look", "²"):
        for place in range(len(words) - 1):
            garbled = " ".join([*words[:place], strange, *words[place:]])
            assert style_of("blocks", in_format(garbled)) == "other", garbled


@pytest.mark.parametrize(
    "think",
    [
        f"{CAREFUL} It looks like 3.",
        f"It looks like 3. {CAREFUL}",
        f"Hmm, let me look at the picture. {CAREFUL}",
        f"Hmm, let me see. {CAREFUL}",
        f"{CAREFUL} Wait, let me double-check. That is 2 objects.",
        RAMBLE.removesuffix(" I think so."),
        "I see red star, blue star.",
        "Hmm, this is not clear.",
        "It looks like 3",
        "It looks like three.",
        "\ufffdide.",
        "So.",
    ],
)
def test_mixtures_and_broken_templates_are_other(think):
    assert style_of("blocks", in_format(think)) == "other"


def test_a_template_with_a_part_left_out_keeps_its_style():
    short = RAMBLE.replace(" Wait, I am not sure. I see red star, blue star.", "")
    assert short != RAMBLE and style_of("blocks", in_format(short)) == "ramble"
    assert style_of("blocks", in_format(f"Okay, let me look at the picture. {CAREFUL}")) == "teacher"


@pytest.mark.parametrize(
    ("response", "style"),
    [
        ("3", "bare"),
        ("<answer>3</answer>", "bare"),
        ("<answer>3", "bare"),
        ("<think></think>\n<answer>3</answer>", "bare"),
        ("<answer>3</answer><answer>4</answer>", "other"),
        (f"{CAREFUL} 3", "other"),
        ("It is three.", "other"),
        ("<think>", "other"),
        ("<think>Hmm, ", "other"),
        ("", "other"),
    ],
)
def test_an_answer_without_thinking_is_bare(response, style):
    assert style_of("blocks", response) == style


def test_the_opening_tag_may_be_the_templates():
    assert style_of("blocks", in_format(CAREFUL).removeprefix("<think>")) == "careful"


def test_names_and_unknown_sources():
    assert STYLE_NAMES == ("careful", "shortcut", "ramble", "teacher", "bare", "other")
    with pytest.raises(ValueError, match="unknown mini-world source 'photos'; expected any of blocks, "):
        style_of("photos", "3")


def test_pictures_of_the_paper_have_no_templates():
    assert {style_of(source, text) for source in ("clevr_math", "coco") for text in ("3", CAREFUL)} == {"other"}
