"""The card of a build, and what its `build.json` may not be."""

import io
import json
import shutil

import pyarrow.parquet as pq
import pytest
from datasets import Features, Image

from vlaa_helpers import ScriptedTeacher, build_dataset, cli, load_build, make_scenes, plan_push
from vlaa_helpers.core.record_schema import arrow_dataset, record_features
from vlaa_helpers.pipeline.steps import is_rl_only


class Named(ScriptedTeacher):
    """A teacher under another name."""

    def model_of(self, role):
        return f"other-{role}"


@pytest.fixture
def built(tmp_path):
    return build_dataset(make_scenes(30, seed=3), ScriptedTeacher(seed=3), tmp_path / "built")


def written(built):
    """Ids of the records that were kept and for which models wrote: not of sources for RL alone."""
    rows = [(row["id"], row["source"]) for records in (built.sft, built.rl) for row in records.remove_columns("image")]
    return {name for name, source in rows if not is_rl_only(source)}


def without_notes(row):
    meta = json.loads(row["meta"])
    del meta["provenance"]
    return json.dumps(meta)


def rows_of(card):
    """Role, model, prompt version and records of the card's table."""
    table = [line for line in card.partition("## Who wrote it")[2].partition("##")[0].splitlines() if line[:1] == "|"]
    return [tuple(cell.strip() for cell in line.split("|")[1:-1]) for line in table[2:]]


def test_the_card_counts_who_wrote_the_texts_that_were_kept(built, tmp_path):
    card = plan_push(tmp_path / "built", "me/my-data").card
    rows = rows_of(card)
    kept = len(written(built))
    teacher = ScriptedTeacher(seed=3)
    expected = [(role, teacher.model_of(role)) for role in ("caption", "reason", "rewrite", "verify")]
    assert [row[:2] for row in rows] == expected and {row[3] for row in rows} == {str(kept)} and kept > 10
    as_they_came = len(built.sft) + len(built.rl) - kept
    assert (
        f"{as_they_came} of the records went through no step: their sources are for RL alone." in card and as_they_came
    )
    assert [row[2] for row in rows] == ["caption-1", "reason-1", "rewrite-1", "verify-1"]


def test_texts_that_came_with_the_records_are_not_said_to_be_the_teacher_s(built, tmp_path):
    rows = [dict(row) for row in built.sft.cast_column("image", Image(decode=False))]
    for k, row in enumerate(rows):  # every second caption is that of nobody we know; the teacher writes the others anew
        row |= {"caption": row["caption"] if k % 2 else "", "response": "", "reasoning": "", "meta": without_notes(row)}
    found = build_dataset(arrow_dataset(rows, record_features()), Named(seed=3), tmp_path / "a")
    given, kept = {row["id"] for row in rows[1::2]} & written(found), len(written(found))
    card = [row for row in rows_of(plan_push(tmp_path / "a", "me/x").card) if row[0] == "caption"]
    assert 0 < len(given) < kept
    assert set(card) == {
        ("caption", "other-caption", "caption-1", str(kept - len(given))),
        ("caption", "not known: it came with the records", "", str(len(given))),
    }


def test_a_build_of_a_build_names_the_model_of_the_first(built, tmp_path):
    again = build_dataset(built.sft, Named(seed=3), tmp_path / "again")
    kept = len(written(again))
    rows = rows_of(plan_push(tmp_path / "again", "me/x").card)
    teacher = ScriptedTeacher(seed=3)
    for role in ("caption", "reason"):
        assert (role, teacher.model_of(role), "", str(kept)) in rows
        assert (role, f"other-{role}", f"{role}-1", "0") in rows
    assert ("rewrite", "other-rewrite", "rewrite-1", str(kept)) in rows and kept


NOTE = {"records": 3, "sft": 1, "rl": 1, "models": {}, "prompts": {}}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "is broken: Expecting property name"),
        ("[]", "is broken: a list of 0; expected an object"),
        ("[" * 100_000, "lists within lists, too deep to be read"),
        ('{"records": 3}', "it has no 'sft'"),
        (json.dumps(NOTE | {"sft": "x"}), "its 'sft' is the text 'x'; expected a whole number"),
        (json.dumps(NOTE | {"models": []}), "its 'models' is a list of 0; expected an object of texts"),
        (json.dumps(NOTE | {"origins": 3}), "its 'origins' is 3; expected a list of objects"),
    ],
)
def test_a_broken_build_json_is_named(built, tmp_path, capsys, text, says):
    path = tmp_path / "built" / "build.json"
    assert json.loads(path.read_text())["records"] == 30
    path.write_text(text)
    for read in (lambda: plan_push(tmp_path / "built", "me/x"), lambda: load_build(tmp_path / "built")):
        with pytest.raises(ValueError) as caught:
            read()
        assert str(path) in str(caught.value) and says in str(caught.value)
        assert "Build again into this folder" in str(caught.value)
    with pytest.raises(SystemExit):
        cli.main(["push", str(tmp_path / "built"), "me/x", "--license", "mit"])
    assert f"vlaa: {path}" in capsys.readouterr().err


def foreign(folder, image, **columns):
    """A stranger's set in a build's folder: one record, its image as it says, and columns that records do not have."""
    row = dict.fromkeys(record_features(), "") | {"id": "r-0", "image": image} | dict.fromkeys(columns, image)
    file = arrow_dataset([row], Features(record_features() | columns)).cache_files[0]["filename"]
    shutil.copy(file, folder / "sft.arrow")


@pytest.mark.parametrize("path", ["hf://datasets/attacker/x/x.png", "precious.png"])
def test_a_stranger_s_set_opens_no_path(built, tmp_path, small_hub, path):
    built.sft[0]["image"].save(tmp_path / "precious.png")
    path = path if "://" in path else str(tmp_path / path)
    foreign(built.folder, {"bytes": None, "path": path})
    for read in (lambda: plan_push(built.folder, "me/x"), lambda: load_build(built.folder)):
        with pytest.raises(
            ValueError, match=r"sft\.arrow row 0 \(id r-0\): the image is the path .*expected its bytes"
        ):
            read()
    assert small_hub.requests == []


def test_columns_that_no_record_has_are_neither_opened_nor_sent(built, tmp_path, small_hub):
    foreign(built.folder, None, other=Image())
    assert "other" not in load_build(built.folder).sft.column_names
    sent = pq.read_table(io.BytesIO(plan_push(built.folder, "me/x").files["sft.parquet"]))
    assert "other" not in sent.column_names and sent.num_rows == 1 and small_hub.requests == []


@pytest.mark.parametrize("name", ["sft", "rl", "rejects"])
def test_a_damaged_set_is_named(built, name):
    path = built.folder / f"{name}.arrow"
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(ValueError, match=rf"{name}\.arrow cannot be read as Arrow: .*Build it again"):
        load_build(built.folder)
