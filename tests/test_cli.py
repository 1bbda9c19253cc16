import subprocess
import sys

import pytest
from fault_server import FaultServer, completion

from vlaa_helpers import ScriptedTeacher, build_dataset, load_build, make_scenes
from vlaa_helpers.cli import main


def test_build_does_what_the_function_does(tmp_path, capsys):
    main(["build", "mini", "--n", "30", "--seed", "3", "--out", str(tmp_path / "a")])
    build_dataset(make_scenes(30, seed=3), ScriptedTeacher(seed=3), tmp_path / "b")
    for name in ("sft.arrow", "rl.arrow", "rejects.arrow", "yields.csv"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    shown = capsys.readouterr().out
    assert "blocks" in shown and f"{len(load_build(tmp_path / 'a').sft)} records for SFT" in shown


def test_build_from_a_table_with_an_endpoint(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("TEST_KEY", "none")
    picture = make_scenes(1).data.table.column("image").to_pylist()[0]["bytes"]
    (tmp_path / "a.png").write_bytes(picture)
    (tmp_path / "mine.csv").write_text("image,question,answer\na.png,How many?,3\n")

    def answer(body):
        text = body["messages"][1]["content"]
        if isinstance(text, str) and "Yes or No" in text:
            return completion("Yes")
        return completion("<think>Two and one.</think><answer>3</answer>")

    with FaultServer(answer) as server:
        main(
            ["build", str(tmp_path / "mine.csv"), "--verifier-type", "digit", "--out", str(tmp_path / "out"), "--model",
             "big", "--verify-model", "small", "--base-url", server.url, "--key-env", "TEST_KEY", "--price", "1", "2"]
        )  # fmt: skip
    assert [request["model"] for request in server.requests] == ["big", "big", "big", "small"]
    assert load_build(tmp_path / "out").sft["gt"] == ["3"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["build", "nowhere.json"], "nowhere.json: no such file"),
        (["build", "mini", "--budget", "3"], "a budget needs prices"),
        (["build", "mini", "--model", "m", "--key-env", "NOT_SET"], "variable NOT_SET is not set"),
        (["build", "mini", "--caption-model", "m"], "no model for the role reason"),
    ],
)
def test_what_is_wrong_is_one_line(tmp_path, capsys, arguments, words):
    with pytest.raises(SystemExit) as stop:
        main([*arguments, *(["--out", str(tmp_path)])])
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert stop.value.code == 2 and error.startswith("vlaa: ") and words in error


def test_it_runs_as_a_module():
    run = subprocess.run([sys.executable, "-m", "vlaa_helpers", "--help"], capture_output=True, text=True, check=True)
    assert "build" in run.stdout
