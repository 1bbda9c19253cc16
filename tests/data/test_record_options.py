"""The command line takes data by name: the release, a part of it, and what is wrong with a question in one line."""

import argparse

import pytest
from release_files import REPO, images_of, json_lines, rows_of, tar_gz
from row_files import ROW

from vlaa_helpers import load_build, load_records
from vlaa_helpers.cli import main
from vlaa_helpers.data.record_options import add_record_options, records_by_options


def options_of(*words):
    command = argparse.ArgumentParser()
    add_record_options(command)
    return command.parse_args(words)


def test_build_from_the_release(release, tmp_path):
    written = {"caption": "A picture.", "ds_answer": "<think>So it is.</think><answer>3</answer>"}
    rows = [{**row, **written, "verifier_type": "digit", "gt": 3} for row in rows_of("clevr_math", 9)]
    release.repos[REPO]["VLAA-Thinking-GRPO-25K.json"] = json_lines(rows)
    main(["build", REPO, "--sources", "clevr_math", "--limit", "6", "--out", str(tmp_path / "out")])
    built = load_build(tmp_path / "out")
    sources = [*built.sft["source"], *built.rl["source"], *built.rejects["source"]]
    assert sources == ["clevr_math"] * 6
    assert load_records(tmp_path / "out" / "sft.arrow")[0]["image"].size == (64, 48)  # no path of the hub's any more


def test_sft_takes_the_sft_split_and_the_others_rl(hub):
    for split, name in (("sft", "VLAA-Thinking-SFT-126K.json"), ("rl", "VLAA-Thinking-GRPO-25K.json")):
        hub.repos[REPO][name] = json_lines({**row, "id": f"{split}-{row['id']}"} for row in rows_of("clevr_math", 3))
    hub.repos[REPO]["images/clevr_math.tar.gz"] = tar_gz(images_of("clevr_math", 3))
    options = options_of("--sources", "clevr_math", "--limit", "1")
    assert records_by_options(REPO, options)["id"][:] == ["rl-clevr_math-0"]
    assert records_by_options(REPO, options, hub_split="sft")["id"][:] == ["sft-clevr_math-0"]
    chosen = options_of("--sources", "clevr_math", "--limit", "1", "--split", "sft")
    assert records_by_options(REPO, chosen)["id"][:] == ["sft-clevr_math-0"]


def test_a_part_of_the_mini_world():
    records = records_by_options(
        "mini", options_of("--sources", "blocks,angles", "--split", "test"), n=4, split="train"
    )
    assert set(records["source"]) == {"blocks", "angles"} and len(records) == 4
    assert records_by_options("mini", options_of(), n=2, seed=5, split="test")["id"][:] == [
        *records_by_options("mini", options_of("--split", "test"), n=2, seed=5)["id"]
    ]


def test_a_part_of_a_file(write_rows, tmp_path):
    file = str(write_rows(*({**ROW, "id": f"r-{k}", "source": "ab"[k % 2]} for k in range(6))))
    assert records_by_options(file, options_of("--sources", "b", "--limit", "2"))["id"][:] == ["r-1", "r-3"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (
            ["build", REPO],
            r"vlaa: UCSC-VLAA/\S* keeps .* archives.*--sources clevr_math .*--limit 100.*--images vlaa/images",
        ),
        (["build", REPO, "--sources", "clever"], "has no source clever; expected some of clevr_math"),
        (["build", "no/body", "--limit", "3"], "VLAA-Thinking-GRPO-25K.json of no/body: no such data set"),
        (["build", "mini", "--limit", "3"], "--limit is for files and the hub; --n says how many"),
        (["evaluate", "FILE", "--split", "test"], "--split test is for mini and the hub; .*rows.jsonl is a file"),
        (["sft", "tests/bild", "--split", "rl"], "tests/bild: no such file"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(hub, write_rows, capsys, tmp_path, words, says):
    import re

    words = [str(write_rows(ROW)) if word == "FILE" else word for word in words]
    with pytest.raises(SystemExit) as stopped:
        main([*words, "--out", str(tmp_path / "out")])
    said = capsys.readouterr().err.strip().splitlines()
    assert stopped.value.code == 2 and len(said) == 1 and re.search(says, said[0]), said
