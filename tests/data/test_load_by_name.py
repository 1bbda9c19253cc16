"""What `load_records` takes by name, and which part of it: splits, sources, limits, and the paper's counts."""

import json
import warnings
from collections import Counter

import pytest
from datasets.arrow_writer import ArrowWriter
from hub_server import COMMIT
from release_files import REPO, images_of, json_lines, rows_of, tar_gz
from row_files import ROW, encoded

from vlaa_helpers.core.paper_numbers import TABLE_1
from vlaa_helpers.core.record_schema import record_features
from vlaa_helpers.data.download_errors import DownloadError
from vlaa_helpers.data.load import load_records, read_records
from vlaa_helpers.data.released import HUB_FILES, count_report, is_hub_name


def test_the_hub(hub, write_rows, tmp_path):
    row = {**ROW, "image": "clevr_math/a.png"}
    write_rows(row, images={"clevr_math/a.png": encoded()})
    hub.repos["someone/theirs"]["data.json"] = json_lines([row])
    hub.repos[REPO].update({name: json_lines([{**row, "id": name}]) for name in HUB_FILES.values()})
    hub.revisions["v1"] = "a" * 40
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # two rows are not the paper's 151,608
        assert load_records(REPO, image_root=tmp_path / "images")[0]["id"] == HUB_FILES["rl"]
        sft = load_records(REPO, split="sft", revision="v1", image_root=tmp_path)
    assert sft[0]["id"] == HUB_FILES["sft"] and sft[0]["image"].size == (8, 6)
    assert load_records("someone/theirs", file="data.json", image_root=tmp_path)["id"][:] == ["r-1"]
    assert [path.split("/resolve/")[1] for path in hub.asked("hub")] == [
        f"{COMMIT}/VLAA-Thinking-GRPO-25K.json",
        f"{'a' * 40}/VLAA-Thinking-SFT-126K.json",
        f"{COMMIT}/data.json",
    ]


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({}, ValueError, r"26 GB.*sources=\[\"clevr_math\"\].*limit=100.*image_root=.*missing_images=\"keep\""),
        ({"sources": ["clever"]}, ValueError, "has no source clever; expected some of clevr_math, "),
        ({"sources": "clevr_math"}, TypeError, r"list of names such as \[\"clevr_math\"\], got 'clevr_math'"),
        ({"sources": []}, TypeError, "list of names"),
        ({"limit": 0}, ValueError, "1 or more, got 0"),
        ({"split": "train", "limit": 1}, ValueError, 'split is "rl" or "sft" on the hub, got \'train\''),
        ({"split": "rl", "file": "a.json"}, TypeError, "not both"),
    ],
)
def test_a_question_to_the_hub_is_looked_at_before_it_is_asked(hub, options, error, says):
    with pytest.raises(error, match=says):
        load_records(REPO, **options)
    assert hub.requests == []


def test_a_mistyped_folder_is_no_data_set_of_the_hub(hub, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"runs/datset: no such file\. \S* holds nothing"):
        load_records("runs/datset")  # nothing was built yet
    (tmp_path / "runs" / "dataset").mkdir(parents=True)
    (tmp_path / "mine" / "rows").mkdir(parents=True)
    with pytest.raises(FileNotFoundError, match=r"runs/datset: no such file\. \S*runs holds dataset/\."):
        load_records("runs/datset", limit=3)
    with pytest.raises(FileNotFoundError, match=r"mine/row: .*mine holds rows/\. .*begins like a folder here"):
        load_records("mine/row")
    assert hub.requests == [] and is_hub_name("other/row")
    (tmp_path / "UCSC-VLAA").mkdir()
    assert is_hub_name(REPO)


def test_what_is_taken_for_a_data_set_of_the_hub_is_told(hub):
    taken = "my/rows: no such file here, so it was taken for a data set of the hub"
    with pytest.raises(ValueError, match=f"{taken}.*sources="):
        load_records("my/rows")
    for options in ({"limit": 3}, {"missing_images": "keep"}):
        with pytest.raises(DownloadError, match="no such data set") as error:
            load_records("my/rows", **options)
        assert error.value.__notes__ == [f"{taken}."]
    with pytest.raises(DownloadError) as error:
        load_records(REPO, limit=3)
    assert not hasattr(error.value, "__notes__")


def test_a_first_look_downloads_no_large_file_of_rows(hub, monkeypatch):
    monkeypatch.setattr("vlaa_helpers.data.released.LARGEST_FIRST_LOOK", 500)
    hub.repos["my/rows"]["rows.jsonl"] = json_lines(rows_of("clevr_math", 40))
    with pytest.raises(ValueError, match=r"rows\.jsonl of my/rows: \d kB; a first look .*expected at most 1 kB"):
        load_records("my/rows", file="rows.jsonl", sources=["clevr_math"], limit=3)
    assert not hub.sent
    assert (
        len(read_records("my/rows", file="rows.jsonl", missing_images="keep", verifier_type="digit", limit=3)[0]) == 3
    )


@pytest.mark.parametrize("options", [{"limit": 3}, {"missing_images": "keep"}, {"missing_images": "keep", "limit": 3}])
def test_a_large_array_is_refused_at_its_beginning(hub, tmp_path, monkeypatch, options):
    monkeypatch.setattr("vlaa_helpers.core.jsonl.LARGEST_ARRAY", 10**6)
    data = json.dumps(rows_of("clevr_math", 20_000), indent=0).encode()
    hub.repos[REPO][HUB_FILES["rl"]] = data
    hub.repos[REPO]["images/clevr_math.tar.gz"] = tar_gz(images_of("clevr_math", 3))
    says = r"is a JSON array of 0\.0 GB, which would be read into memory whole; expected .*Write one object a line"
    for _ in range(2):  # also where its beginning is here
        with pytest.raises(ValueError, match=f"{HUB_FILES['rl']} of {REPO} {says}"):
            load_records(REPO, **{"sources": ["clevr_math"], **options})
    assert sum(hub.sent.values()) < len(data) / 2
    (tmp_path / "rows.json").write_bytes(data)
    with pytest.raises(ValueError, match=rf"rows\.json {says}"):
        load_records(tmp_path / "rows.json")


@pytest.mark.parametrize("option", [{"split": "rl"}, {"file": "a.json"}, {"revision": "v1"}])
def test_options_of_the_hub_are_not_for_files(write_rows, option):
    with pytest.raises(TypeError, match="split, file and revision are for the hub"):
        load_records(write_rows(ROW), **option)


def test_sources_and_limit_of_a_file(write_rows):
    rows = [{"id": f"{name}-{k}", "question": "q", "gt": "3", "source": name} for name in "ab" for k in range(4)]
    file = write_rows(*({**row, "verifier_type": "digit"} for row in rows))
    assert load_records(file, limit=3)["id"][:] == ["a-0", "a-1", "a-2"]
    assert load_records(file, sources=["b"])["id"][:] == ["b-0", "b-1", "b-2", "b-3"]
    assert load_records(file, sources=["b", "a"], limit=3)["id"][:] == ["a-0", "b-0", "b-1"]
    records, problems = read_records(file, sources=["a", "c"], limit=10)
    assert len(records) == 4
    assert [str(problem) for problem in problems] == [
        "rows.jsonl: 4 records of a, limit asks for 5: there are no more.",
        "rows.jsonl: no row of the source 'c'; the file has a, b. Correct sources.",
    ]
    with pytest.raises(ValueError, match=r"0 records(?s:.*)no row of the source 'c'"):
        load_records(file, sources=["c"])


def test_sources_and_limit_of_a_built_set(write_rows, tmp_path):
    rows = [
        {"id": f"{k}", "question": "q", "gt": "3", "verifier_type": "digit", "source": "ab"[k % 2]} for k in range(6)
    ]
    path = tmp_path / "built.arrow"
    with ArrowWriter(path=str(path), features=record_features()) as writer:
        for record in load_records(write_rows(*rows)):
            writer.write(record)
        writer.finalize()
    assert load_records(path, sources=["b"], limit=2)["id"][:] == ["1", "3"]
    assert load_records(path, limit=4)["id"][:] == ["0", "1", "2", "3"] and len(load_records(path)) == 6


@pytest.mark.parametrize("split", ["sft", "rl"])
def test_rows_of_the_release_are_counted(write_rows, split):
    row = {"image": "clevr_math/a.png", "question": "q", "gt": "3"}
    file = write_rows(row, name=HUB_FILES[split], images={"clevr_math/a.png": encoded()})
    _, problems = read_records(file)
    assert [problem.kind for problem in problems] == ["other_counts"]
    paper = {
        "sft": "clevr_math 1, paper 5,923; synthesis 0, paper 19,258",
        "rl": "clevr_math 1, paper 2,000; geoqa170k 0",
    }
    assert f"{HUB_FILES[split]}: rows a source differ from Table 1 of the paper: {paper[split]}" in str(problems[0])
    assert read_records(file, limit=1)[1] == [] and len(read_records(file, sources=["clevr_math"])[1]) == 1


def test_the_paper_s_counts_are_no_report():
    assert count_report("rl", Counter({name: counts["rl"] for name, counts in TABLE_1.items()}), None) == ""
    assert count_report("sft", Counter(docvqa=4_897), ("docvqa",)) == ""
