import base64
import io
import json

import pytest
from PIL import Image

from vlaa_helpers import ScriptedTeacher, build_dataset, make_scenes, view_records, view_scores
from vlaa_helpers.rewards import GATED, Reason, Score
from vlaa_helpers.widgets import record_parts


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


def test_a_notebook_gets_a_widget_and_a_picture(built):
    forms = view_records(built.sft)._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in forms and forms["text/plain"] == f"{len(built.sft)} pages"
    with Image.open(io.BytesIO(base64.b64decode(forms["image/png"]))) as image:
        assert image.width > 500
    json.dumps(forms)


def test_the_slider_changes_picture_and_text(built):
    box = view_records(built.sft).widget()
    slider, (picture, text) = box.children[0], box.children[1].children
    before = picture.value, text.value
    slider.value = 3
    assert before[0] != picture.value and before[1] != text.value
    assert built.sft[3]["question"] in text.value


def test_text_from_models_is_not_taken_for_html(built):
    row = {**built.sft[0], "question": "<script>alert(1)</script>"}
    from datasets import Dataset

    box = view_records(Dataset.from_list([row])).widget()
    assert "<script>" not in box.children[1].children[1].value


def test_text_only_records_have_no_picture():
    viewer = view_records(make_scenes(2, split="text"))
    assert viewer.widget().children[1].children[0].value == b"" and viewer.figure() is not None


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
