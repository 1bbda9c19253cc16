import base64
import html
import io
import json

import pandas as pd
import pytest
from PIL import Image

from vlaa_helpers import ScriptedTeacher, build_dataset, make_scenes, view_records, view_rollouts, view_scores
from vlaa_helpers.display.slides import picture_html
from vlaa_helpers.display.viewers import GAIN, LOSS, record_parts
from vlaa_helpers.rewards.score import GATED, Reason, Score


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    return build_dataset(make_scenes(60), ScriptedTeacher(mentions=1), tmp_path_factory.mktemp("built"))


def test_the_parts_are_in_the_order_they_came_about(built):
    row = built.rl[2]
    parts = record_parts(row)
    assert list(parts) == ["question", "ground truth", "caption", "trace", "rewritten", "verdict", "cues"]
    assert "the caption" in parts["trace"] and "the caption" not in parts["rewritten"]
    assert parts["verdict"] == "Yes" and parts["cues"]


def test_a_record_without_steps_shows_what_it_has():
    assert list(record_parts(make_scenes(1)[0])) == ["question", "ground truth"]


def test_a_notebook_gets_a_widget_and_a_image(built):
    forms = view_records(built.sft)._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in forms and forms["text/plain"] == f"{len(built.sft)} pages"
    with Image.open(io.BytesIO(base64.b64decode(forms["image/png"]))) as image:
        assert image.width > 500
    json.dumps(forms)


def test_the_slider_changes_image_and_text(built):
    box = view_records(built.sft).widget()
    (field, slider), (image, text) = (part.children for part in box.children)
    before = image.value, text.value
    slider.value = 3
    assert before[0] != image.value and before[1] != text.value
    assert built.sft[3]["question"] in text.value


def test_a_field_with_a_name_moves_the_slider(built):
    box = view_records(built.sft).widget()
    (field, slider), (image, text) = (part.children for part in box.children)
    assert (field.description, field.max, slider.description) == ("page", len(built.sft) - 1, "")
    field.value = 3
    assert slider.value == 3 and built.sft[3]["question"] in text.value
    slider.value = 1
    assert field.value == 1


def test_an_image_is_told_to_a_reader_who_does_not_see_it(built):
    row = {**built.sft[0], "meta": None}
    scene = make_scenes(1, sources="boxes", seed=4)[0]
    assert " alt='I see " in picture_html(scene) and "alt='image of the question'" in picture_html(row)
    assert picture_html({**row, "image": None}) == ""


def test_text_from_models_is_not_taken_for_html(built):
    row = {**built.sft[0], "question": "<script>alert(1)</script>"}
    from datasets import Dataset

    box = view_records(Dataset.from_list([row])).widget()
    assert "<script>" not in box.children[1].children[1].value


def test_text_only_records_have_no_image():
    viewer = view_records(make_scenes(2, split="text"))
    assert viewer.widget().children[1].children[0].value == "" and viewer.figure() is not None


def test_nothing_to_view():
    with pytest.raises(ValueError, match="nothing to view: no records"):
        view_records(make_scenes(0))


def test_scores_are_shown_with_their_reason():
    records = make_scenes(2)
    viewer = view_scores(records, ["<answer>3</answer>", "nothing"], [Score(1.0, Reason.CORRECT), GATED])
    assert viewer.page(0)[1]["reward"] == "1.00  correct" and viewer.page(1)[1]["reward"] == "0.00  no_answer"
    left_out = view_scores(records, ["", ""], [Score(None, Reason.NOT_SCORED)] * 2)
    assert left_out.page(1)[1]["reward"] == "left out  not_scored"
    with pytest.raises(ValueError, match="2 records, 1 responses and 0 scores"):
        view_scores(records, [""], [])


# ---- rollouts ----


@pytest.fixture
def rollouts():
    """Two steps: a group of six that differ, one whose completions all earn the same, and one that was not scored."""
    said = ["Wait <b>& see</b>, 3", "4", "five\n\nlines $of^text", "CHECK again", "7", "8" * 900]
    groups = {
        (1, 0, 0): [(text, k / 5, k - 2.5) for k, text in enumerate(said)],
        (1, 1, 1): [(text, 0.0, 0.0) for text in said[:2]],
        (20, 0, 2): [(text, float("nan"), 0.0) for text in said[:2]],
    }
    records = make_scenes(3)
    columns = ("id", "source", "question", "verifier_type", "gt")
    rows = [
        {"step": step, "group": group, **{name: records[record][name] for name in columns}, "completion": text,
         "reward": reward, "reason": "wrong", "advantage": advantage, "tokens": 9, "truncated": text == "4"}
        for (step, group, record), completions in groups.items() for text, reward, advantage in completions
    ]  # fmt: skip
    return pd.DataFrame(rows).sample(frac=1, random_state=0), records


def test_completions_are_ranked_and_highlighted(rollouts):
    frame, records = rollouts
    box = view_rollouts(frame, records).widget()
    (step, steps, group, groups), (image, text) = (part.children for part in box.children)
    shown = text.value
    assert steps.options == (1, 20) == (step.min, step.max) and groups.max == group.max == 1 and image.value
    assert (step.description, group.description) == ("step", "group")
    assert records[0]["question"].splitlines()[0] in html.unescape(shown)
    order = [shown.index(f"advantage {value:+.2f}") for value in (2.5, 1.5, 0.5, -0.5, -1.5, -2.5)]
    assert order == sorted(order) and shown.count(f"color: {GAIN}") == 3 == shown.count(f"color: {LOSS}")
    mark = '<mark class="cue" title="a cue of self-reflection">'
    assert f"{mark}Wait</mark> &lt;b&gt;&amp; see&lt;/b&gt;, 3" in shown
    assert f"{mark}CHECK</mark> {mark}again</mark>" in shown
    assert "9 tokens, cut" in shown and "reward 0.20  wrong" in shown


def test_garbled_completions_are_named(rollouts):
    frame, records = rollouts
    noted = frame.assign(garbled=frame["completion"] == "4")
    shown = view_rollouts(noted, records).widget().children[1].children[1].value
    assert shown.count("9 tokens, cut, garbled") == 1 == shown.count("garbled")
    assert "garbled" not in view_rollouts(frame, records).widget().children[1].children[1].value


def test_the_sliders_go_through_steps_and_groups(rollouts):
    frame, records = rollouts
    box = view_rollouts(frame, records).widget()
    (step, steps, group, groups), (image, text) = (part.children for part in box.children)
    first = image.value
    groups.value = 1
    assert "taught nothing" in text.value and image.value != first
    step.value = 20
    assert (
        groups.max == groups.value == group.max == group.value == 0 == steps.index - 1
        and "reward left out" in text.value
        and "step 20, group 0" in text.value
    )


def test_the_step_cannot_be_moved_where_there_is_one(rollouts):
    frame, records = rollouts
    for steps, fixed in ([1, 20], False), ([20], True):
        box = view_rollouts(frame[frame["step"].isin(steps)], records).widget()
        field, slider, group, groups = box.children[0].children
        assert (field.disabled, slider.disabled, field.value) == (fixed, fixed, steps[0])
        assert not group.disabled and not groups.disabled


def test_a_field_of_steps_goes_to_the_next_there_is_either_way(rollouts):
    frame, records = rollouts
    more = pd.concat([frame, frame[frame["step"] == 20].assign(step=50)])
    box = view_rollouts(more, records).widget()
    step, steps, *_ = box.children[0].children
    been = []
    for change in (1, 1, 1, -1, -1, -1):
        step.value += change
        been.append((step.value, steps.value))
    assert been == [(at, at) for at in (20, 50, 50, 20, 1, 1)]
    steps.value = 50
    assert step.value == 50


def test_rollouts_have_a_image_of_themselves(rollouts):
    frame, records = rollouts
    viewer = view_rollouts(frame, records)
    words = [text.get_text() for text in viewer.figure().axes[1].texts]
    verdicts = [word for word in words if word.startswith("advantage")]
    assert [verdict[10:15] for verdict in verdicts] == ["+2.50", "+1.50", "-1.50", "-2.50"]  # the best and the worst
    assert "(2 between are left out)" in verdicts[2] and "cues: wait" in words
    assert any(word.startswith("8888") for word in words) and any(word.endswith(" …") for word in words)
    forms = viewer._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in forms and forms["text/plain"] == "3 groups of 2 steps"
    json.dumps(forms)


def test_rollouts_of_other_records_are_refused(rollouts):
    frame, records = rollouts
    with pytest.raises(ValueError, match="2 of 3 prompts are not among the records, for example .*; pass the records"):
        view_rollouts(frame, records.select([1]))
    with pytest.raises(ValueError, match="nothing to view: no rollouts"):
        view_rollouts(frame.iloc[:0], records)
