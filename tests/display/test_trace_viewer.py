"""Traces to look at: every mark where its words are, a bar a step, a vote that counts, and clear errors."""

import json

import pytest
from matplotlib.colors import to_hex

from vlaa_helpers import load_trace_benchmark, make_scenes, view_traces, vote_on
from vlaa_helpers.display.trace_viewer import COLOURS, CUE
from vlaa_helpers.mini_world.kinds import get_kind


@pytest.fixture(scope="module")
def records():
    return make_scenes(2, sources="blocks", seed=1)


def said(record, trace):
    return {"id": record["id"], "response": f"<think>{trace}</think><answer>3</answer>", "answer": "3", "correct": True}


def thing(record):
    first = json.loads(record["meta"])["facts"]["objects"][0]
    return f"{first['colour']} {first['shape']}"


def test_marks_stand_on_their_words(records):
    name = thing(records[0])
    trace = f"I see a {name}. Wait, 2 + 2 = 5."
    figure = view_traces(records, [said(records[0], trace)]).figure()
    image, text = figure.axes
    places = {t.get_text(): t.get_position()[0] for t in text.texts}
    assert places["see"] == 2 and places[name.split()[1] + "."] == f"I see a {name}.".index(name.split()[1])
    bars = {to_hex(bar.get_facecolor()): (bar.get_x(), bar.get_width()) for bar in text.patches}
    assert bars[COLOURS["true"]][0] == pytest.approx("I see a ".index("a "), abs=2.1)
    assert bars[COLOURS["true"]][0] + bars[COLOURS["true"]][1] == len(f"I see a {name}")
    assert bars[COLOURS["wrong"]] == (len("Wait, "), len("2 + 2 = 5"))
    assert places["✓"] == len(f"I see a {name}") and places["≠"] == len("Wait, 2 + 2 = 5")
    (cue,) = [line for line in text.lines if line.get_color() == CUE]
    assert list(cue.get_xdata()) == [0, len("Wait")]
    # a character is as wide as it is drawn: 74 of them fill the axes
    width = text.get_position().width * figure.get_size_inches()[0] * 72
    assert width == pytest.approx(74 * 0.602 * 8, rel=1e-6)


def test_a_long_step_is_wrapped_and_loses_nothing(records):
    trace = " ".join(f"word{k}" for k in range(60)) + "."
    (_, text) = view_traces(records, [said(records[0], trace)]).figure().axes
    shown = [t for t in text.texts if t.get_text().startswith("word")]
    assert " ".join(t.get_text() for t in shown) == trace
    assert max(t.get_position()[0] + len(t.get_text()) for t in shown) <= 74


def test_a_bar_for_each_step(records):
    row = said(records[0], "One. Two. Three.")
    probed = {"response": row["response"], "cuts": [{"logp_correct": value} for value in (-3.0, -2.0, -4.0, -1.0)]}
    viewer = view_traces(records, [row], [probed])
    *_, bars = viewer.figure().axes
    assert [bar.get_width() for bar in bars.patches] == pytest.approx([1.0, -2.0, 3.0])
    html = viewer.widget().children[1].children[1].value
    assert "+1.0 nats" in html and "-2.0 nats" in html
    without = {**probed, "cuts": []}
    assert len(view_traces(records, [row], [without]).figure().axes) == 2


def test_the_widget_goes_through_all_and_escapes(records):
    rows = [said(records[0], "<script>alert(1)</script> I see."), said(records[1], "Hmm. Nothing.")]
    viewer = view_traces(records, rows)
    (field, slider), (image, text) = (part.children for part in viewer.widget().children)
    facts = json.loads(records[0]["meta"])["facts"]
    assert "<script>" not in text.value and image.value.startswith("<img src='data:image/png;base64,iVBOR")
    assert f"alt='{get_kind('blocks').words(facts)}'" in image.value
    box = viewer.widget()
    box.children[0].children[0].value = 1
    assert "Nothing." in box.children[1].children[1].value and 'class="cue"' in box.children[1].children[1].value
    assert slider.max == 1 == field.max and field.description == "trace"
    forms = viewer._repr_mimebundle_()
    assert "image/png" in forms and forms["text/plain"] == "2 traces"


def test_what_cannot_be_shown(records):
    with pytest.raises(ValueError, match="no responses"):
        view_traces(records, [])
    with pytest.raises(ValueError, match="no record has the id 'other'"):
        view_traces(records, [{**said(records[0], "x."), "id": "other"}])
    with pytest.raises(ValueError, match="not of these responses"):
        view_traces(records, [said(records[0], "x.")], [{"response": "y", "cuts": []}])


def test_a_vote_hides_labels_until_it_is_counted():
    rows = [load_trace_benchmark("test")[k] for k in (0, 1, 2)]
    vote = vote_on(rows)
    texts = " ".join(t.get_text() for axes in vote.figure().axes for t in axes.texts)
    assert "genuine" not in texts and "pseudo" not in texts and vote.count() == "no vote yet"
    box = vote.widget()
    *cards, told = box.children
    said = ()
    for card, row in zip(cards, rows, strict=True):
        assert told.value == ""
        words, choice = card.children[1].children
        choice.value = "genuine"
        assert words.value.startswith(f"<b>{cards.index(card) + 1}. {row['question'][:20]}")
        said += tuple(label for label, _ in choice.options)
    assert len(set(said)) == 6 and said[:2] == ("trace 1: genuine", "trace 1: pseudo")  # no two of a name
    right = sum(row["label"] == "genuine" for row in rows)
    assert told.value == f"{right} of 3 votes name the label"
    with pytest.raises(ValueError, match="no traces"):
        vote_on([])
