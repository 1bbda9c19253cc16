import json

import pytest

from vlaa_helpers import ScriptedTeacher, load_records, make_scenes
from vlaa_helpers.core.chat_reply import Reply
from vlaa_helpers.pipeline.steps import (
    MAX_WORDS_CHANGED,
    Rejected,
    caption,
    close_record,
    collect,
    hint_of,
    open_record,
    reason,
    rewrite,
    run_steps,
    split,
    verify,
)

TEACHER = ScriptedTeacher()
TRACE = "<think>{}</think>\n<answer>3</answer>"


def record(**changes):
    (row,) = make_scenes(1).with_format(None).to_list()
    return open_record({**row, "gt": "3", **changes})


def says(text="", problem=""):
    """A teacher's `ask` that always says the same, and remembers what it was asked."""

    def ask(role, record, fields):
        ask.asked.append((role, dict(fields)))
        return Reply(text, problem)

    ask.asked = []
    return ask


def rejection(call, *arguments):
    with pytest.raises(Rejected) as error:
        call(*arguments)
    return error.value


# ---- 1, metadata ----


def test_collect_wants_new_ids_and_new_images():
    ids, images = set(), set()
    first, second = (row for row in make_scenes(2).with_format(None).to_list())
    collect(first, ids, images)
    collect(second, ids, images)
    assert rejection(collect, first, ids, images).reason == "duplicate_id"
    again = {**first, "id": "other"}
    assert rejection(collect, again, ids, images).reason == "duplicate_image"
    collect({**first, "id": "third"}, ids, None)  # images may come again
    assert rejection(collect, {**first, "id": "x", "image": {"bytes": b"no", "path": None}}, ids, images).reason == (
        "unreadable_image"
    )
    collect({**first, "id": "text only", "image": None}, ids, images)
    broken = {**first, "id": "y", "image": {"bytes": b"no", "path": None}}
    assert rejection(collect, broken, ids, None).reason == "unreadable_image"  # also where images may come again


# ---- 2, captions and hints ----


def test_a_caption_is_asked_for_with_the_hints_of_the_data_set():
    ask = says(" A picture. \n")
    done = caption(record(meta=json.dumps({"rationale": "Two balls.", "url": "x"})), ask, TEACHER)
    assert done["caption"] == "A picture."
    assert ask.asked == [("caption", {"hint": "\n\nKnown about the scene: Two balls."})]
    assert done["provenance"]["caption"] == {"by": TEACHER.model_of("caption"), "prompt": "caption-1"}


def test_no_hint_without_one():
    assert hint_of(record(meta="")) == ""


@pytest.mark.parametrize("given", [{"caption": "C"}, {"response": "R"}, {"reasoning": "T"}])
def test_what_a_record_brings_is_not_asked_for(given):
    ask = says("never")
    done = caption(record(**given), ask, TEACHER)
    assert ask.asked == [] and done["caption"] == given.get("caption", "")
    assert done["provenance"]["caption"]["by"] == "given"


@pytest.mark.parametrize(
    ("before", "earlier"),
    [
        ({"by": "old-model", "prompt": "caption-1"}, "old-model"),
        ({"by": "given", "earlier": "old-model"}, "old-model"),
        ({"by": "given"}, None),
        ({"by": 3}, None),
        ("x", None),
        (None, None),
    ],
)
def test_who_wrote_what_a_record_brings_is_noted_where_it_says_so(before, earlier):
    meta = json.dumps({"provenance": {"caption": before}})
    done = caption(record(caption="C", meta=meta), says("never"), TEACHER)
    assert done["provenance"]["caption"].get("earlier") == earlier
    odd = caption(record(caption="C", meta=json.dumps({"provenance": "x"})), says("never"), TEACHER)
    assert odd["provenance"]["caption"] == {"by": "given", "text": "C"}


def test_without_a_image_there_is_nothing_to_describe():
    assert rejection(caption, record(image=None), says("C"), TEACHER).reason == "no_image"


# ---- 3, distilled traces ----


def test_a_trace_is_written_from_caption_hint_and_question():
    ask = says(f"\n{TRACE.format('Two and one.')}\n")
    start = record(caption="C", meta=json.dumps({"hint": "H"}))
    done = reason(start, ask, TEACHER)
    assert done["response"] == TRACE.format("Two and one.")
    assert ask.asked == [("reason", {"caption": "C", "hint": "\n\nAlso known: H", "question": start["question"]})]
    assert done["provenance"]["reason"]["text"] == done["response"]


def test_a_reply_without_thinking_is_let_go_with_its_text():
    gone = rejection(reason, record(), says("Three."), TEACHER)
    assert (gone.step, gone.reason, gone.raw) == ("reason", "no_thinking", "Three.")


def test_reasoning_that_a_record_brings_becomes_a_response():
    ask = says("never")
    done = reason(record(reasoning="Two and one."), ask, TEACHER)
    assert done["response"] == "<think>\nTwo and one.\n</think>\n<answer>3</answer>" and ask.asked == []


@pytest.mark.parametrize("step", [caption, reason, rewrite, verify])
@pytest.mark.parametrize("problem", ["empty_reply", "truncated", "refused", "garbled"])
def test_a_bad_reply_is_a_reject_with_its_text(step, problem):
    start = record() if step in (caption, reason) else record(response=TRACE.format("x"))
    gone = rejection(step, start, says("raw text", problem), TEACHER)
    assert (gone.step, gone.reason, gone.raw) == (step.__name__, problem, "raw text")


# ---- 4, rewriting ----


@pytest.mark.parametrize(("words", "kept"), [(0, True), (15, True), (-15, True), (16, False), (-16, False)])
def test_more_than_fifteen_words_of_difference_are_too_many(words, kept):
    assert MAX_WORDS_CHANGED == 15
    before = TRACE.format("word " * 40)
    ask = says(TRACE.format("word " * (40 + words)))
    start = record(response=before)
    if kept:
        assert rewrite(start, ask, TEACHER)["response"] == ask("", {}, {}).text
    else:
        assert rejection(rewrite, start, ask, TEACHER).reason == "length_gap"
    assert ask.asked[0] == ("rewrite", {"text": before})


# ---- 5, verification ----


@pytest.mark.parametrize("verdict", ["Yes", "yes", " YES.\n"])
def test_yes_keeps_a_record(verdict):
    done = verify(record(response=TRACE.format("x")), says(verdict), TEACHER)
    assert done["provenance"]["verify"]["text"] == verdict


@pytest.mark.parametrize(
    ("verdict", "why"),
    [
        ("No", "wrong_answer"),
        ("no.", "wrong_answer"),
        ("Yes, it does", "not_yes_or_no"),
        ("Yes No", "not_yes_or_no"),
        ("True", "not_yes_or_no"),
        ("yes!", "not_yes_or_no"),
        ("yes..", "not_yes_or_no"),
    ],
)
def test_anything_but_yes_lets_it_go(verdict, why):
    gone = rejection(verify, record(response=TRACE.format("x")), says(verdict), TEACHER)
    assert gone.reason == why and gone.raw


def test_the_judge_reads_the_answer_and_not_the_thinking():
    ask = says("Yes")
    start = record(response=TRACE.format("secret"))
    verify(start, ask, TEACHER)
    assert ask.asked == [("verify", {"question": start["question"], "gt": "3", "answer": "3"})]


# ---- 6, the split ----


@pytest.mark.parametrize(
    ("thinking", "name", "cues"),
    [
        ("Two and one.", "sft", {"substring": [], "whole_words": []}),
        ("Wait, two and one.", "rl", {"substring": ["wait"], "whole_words": ["wait"]}),
        ("Held against it.", "rl", {"substring": ["again"], "whole_words": []}),
    ],
)
def test_cues_of_self_reflection_part_the_sets(thinking, name, cues):
    found, done = split(record(response=TRACE.format(thinking)))
    assert found == name and done["provenance"]["split"] == {"cues": cues}
    assert done["reasoning"] == thinking


def test_distilled_prose_gets_answer_tags():
    _, done = split(record(response="<think>Two and one.</think>\n\n**Answer:** three"))
    assert done["response"] == "<think>\nTwo and one.\n</think>\n<answer>3</answer>"


def test_what_cannot_be_put_into_the_format_goes():
    assert rejection(split, record(response="<think>x")).reason == "no_format"


# ---- all together ----


@pytest.mark.parametrize("source", ["angles", "geoqa170k"])
def test_rl_only_sources_skip_the_teacher(source):
    name, done = run_steps(record(source=source), says("never"), TEACHER)
    assert name == "rl" and done["response"] == ""


def test_a_record_keeps_where_each_text_came_from():
    perfect = ScriptedTeacher(omissions=0, hallucinations=0, slips=0, overedits=0, misjudgements=0, hedges=0)
    _, done = run_steps(record(**make_scenes(1)[0] | {"image": record()["image"]}), perfect.ask, perfect)
    row = close_record(done)
    notes = json.loads(row["meta"])["provenance"]
    assert list(notes) == ["caption", "reason", "rewrite", "verify", "split"]
    assert notes["reason"]["prompt"] == "reason-1" and "ScriptedTeacher" in notes["reason"]["by"]
    assert "provenance" not in row and json.loads(row["meta"])["facts"] == record()["meta"]["facts"]


def test_the_real_rows_pass_the_last_three_steps(real_samples):
    rows = load_records(real_samples / "rows.jsonl", image_root=real_samples).with_format(None).to_list()
    outcomes = {}
    for row in rows:
        teacher = ScriptedTeacher(overedits=0, misjudgements=0, hedges=0)
        start = open_record(row)
        asked = []

        def ask(role, record, fields, teacher=teacher, asked=asked):
            asked.append(role)
            return teacher.ask(role, record, fields)

        try:
            outcomes[row["source"]] = run_steps(start, ask, teacher)[0]
        except Rejected as gone:
            outcomes[row["source"]] = gone.reason
        assert asked == ["rewrite", "verify"]  # they bring captions and traces
    # one says "Wait", one does not, one ends in LaTeX that the scripted judge does not see through
    assert outcomes == {"clevr_math": "rl", "arxivqa": "sft", "synthesis": "wrong_answer"}
