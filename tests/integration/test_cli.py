import json
import os
import re
import resource
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from fault_server import FaultServer, completion
from hostile_server import HostileServer, response
from run_folders import write_run

from vlaa_helpers import (
    ScriptedTeacher,
    build_dataset,
    get_profile,
    load_build,
    load_records,
    load_report,
    make_scenes,
    plan_push,
    write_report,
)
from vlaa_helpers.cli import main
from vlaa_helpers.core.origin import origins_of
from vlaa_helpers.mini_world.scenes import scene_records

ROOT = Path(__file__).resolve().parents[2]


def test_build_does_what_the_function_does(tmp_path, capsys):
    main(["build", "mini", "--n", "30", "--seed", "3", "--out", str(tmp_path / "a")])
    build_dataset(make_scenes(30, seed=3), ScriptedTeacher(seed=3), tmp_path / "b")
    for name in ("sft.arrow", "rl.arrow", "rejects.arrow", "yields.csv"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    shown = capsys.readouterr().out
    assert "blocks" in shown and f"{len(load_build(tmp_path / 'a').sft)} records for SFT" in shown


@pytest.fixture
def built_table(tmp_path, monkeypatch):
    """A build of one row of a table, with an endpoint: its folder, and what was asked of the endpoint."""
    monkeypatch.setenv("TEST_KEY", "none")
    image = make_scenes(1).data.table.column("image").to_pylist()[0]["bytes"]
    (tmp_path / "a.png").write_bytes(image)
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
    return tmp_path / "out", server.requests


def test_build_from_a_table_with_an_endpoint(built_table):
    folder, requests = built_table
    assert [request["model"] for request in requests] == ["big", "big", "big", "small"]
    assert load_build(folder).sft["gt"] == ["3"]


def test_the_card_of_a_policy_names_what_its_build_was_made_of(built_table, tmp_path, tiny_profile):
    data, run = built_table[0], tmp_path / "run"
    policy = ["--profile", "mini", "--model", tiny_profile.model]
    main(["sft", str(data), "--out", str(run), *policy, "--batch-size", "1", "--set", "max_steps=1"])
    assert "From `mine.csv`; their traces and split made by `vlaa build`." in plan_push(run, "me/mine").card
    origin = {"data": "mine.csv", "through_build": True}
    assert origins_of(load_build(data).sft) == origins_of(load_records(data / "sft.arrow", limit=1)) == [origin]


def test_sft_and_evaluate_end_to_end(tmp_path, capsys, tiny_profile):
    main(["build", "mini", "--n", "60", "--out", str(tmp_path / "data")])
    policy = ["--profile", "mini", "--model", tiny_profile.model]
    run = tmp_path / "My Drive"
    sft = ["sft", str(tmp_path / "data"), "--out", str(run), *policy, "--batch-size", "4"]
    main([*sft, "--set", "max_steps=2", "--set", "learning_rate=0.01"])
    shown = capsys.readouterr().out
    assert "2 steps on" in shown
    command = shlex.split(shown.splitlines()[-1].partition("measure it with: ")[2])
    assert command == ["vlaa", "evaluate", "SOURCE", "--adapter", str(run / "adapter")]
    main([*sft, "--set", "max_steps=3", "--set", "learning_rate=0.01", "--resume"])
    assert "3 steps on" in capsys.readouterr().out
    measure = ["evaluate", "mini", *policy, "--n", "12", "--max-new-tokens", "4"]
    main([*measure, "--out", str(tmp_path / "base")])
    main([*measure, "--out", str(tmp_path / "tuned"), "--adapter", str(run / "adapter"), "--against",
          str(tmp_path / "base")])  # fmt: skip
    shown = capsys.readouterr().out
    assert "tokens/s" in shown and "n = 12 paired items" in shown
    base = load_report(tmp_path / "base").settings
    assert load_report(tmp_path / "tuned").settings["model"] != base["model"]
    assert base["batch_size"] == get_profile("mini").sampled_at_once == 64  # completions of a step, not its prompts
    main([*measure, "--out", str(tmp_path / "control"), "--no-think", "--samples", "2", "--no-4bit"])
    shown = capsys.readouterr().out
    assert "2 samples an item" in shown and "4-bit" not in shown
    main([*measure, "--out", str(tmp_path / "blank"), "--show-images", "blank"])
    assert "n = 12, greedy, blank images;" in capsys.readouterr().out
    garbled = load_report(tmp_path / "control").garbled
    assert garbled > 0.1 and f"garbled {garbled:.1%}\n" in shown and "truncated  garbled  tokens" in shown


def test_grpo_end_to_end(tmp_path, capsys, tiny_profile):
    grpo = ["grpo", "mini", "--n", "16", "--profile", "mini", "--model", tiny_profile.model, "--out", str(tmp_path)]
    settings = ["--set", "max_completion_length=8", "--set", "num_generations=2"]
    main([*grpo, *settings, "--set", "max_steps=1"])
    assert "1 steps; log:" in capsys.readouterr().out
    main([*grpo, *settings, "--set", "max_steps=2", "--resume", "--max-prompt-length", "200"])
    assert "2 steps; log:" in capsys.readouterr().out
    main(["evaluate", "mini", "--n", "6", "--max-new-tokens", "4", "--profile", "mini", "--model", tiny_profile.model,
          "--adapter", str(tmp_path / "adapter"), "--out", str(tmp_path / "report")])  # fmt: skip
    assert (tmp_path / "rollouts.jsonl").exists()


def test_report_does_what_the_function_does(tmp_path, capsys):
    records = list(scene_records(6, seed=3))
    folder = write_run(tmp_path / "a=b", records, ["<think>I see it.</think><answer>3</answer>"] * 6)
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps({**r, "image": None}) + "\n" for r in records))
    given = ["--records", str(tmp_path / "rows.jsonl")]
    main(["report", f"base={folder}", "--out", str(tmp_path / "c" / "r.html"), *given])
    assert "r.html: 0." in capsys.readouterr().out
    written = write_report({"base": folder}, tmp_path / "d.html", records=load_records(tmp_path / "rows.jsonl"))
    assert (tmp_path / "c" / "r.html").read_bytes() == written.read_bytes() and b"<h1>base</h1>" in written.read_bytes()
    main(["report", str(folder), "--out", str(tmp_path / "r.html")])  # a folder of that name is a folder
    assert b"<h1>a=b</h1>" in (tmp_path / "r.html").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["build", "nowhere.json"], "nowhere.json: no such file"),
        (["build", "mini", "--budget", "3"], "a budget needs prices"),
        (["build", "mini", "--model", "m", "--key-env", "NOT_SET"], "variable NOT_SET is not set"),
        (["build", "mini", "--caption-model", "m"], "no model for the role reason"),
        (["sft", "mini"], "mini records have no responses; build some first: vlaa build mini"),
        (["sft", "x", "--set", "learning_rat=1"], "a field of SFTConfig; did you mean learning_rate"),
        (["sft", "x", "--set", "learning_rate"], "--set learning_rate: expected NAME=VALUE"),
        (["sft", "nowhere.json"], "nowhere.json: no such file"),
        (["grpo", "mini", "--judge", "m", "--key-env", "NOT_SET"], "variable NOT_SET is not set"),
        (["evaluate", "mini", "--profile", "t4"], "needs a CUDA GPU"),
        (["evaluate", "mini", "--against", "nowhere"], "no report in nowhere"),
        (["report", "nowhere"], "nowhere: no run; expected settings.json"),
        (["report", "a=nowhere", "b"], "give a NAME=FOLDER for each run"),
    ],
)
def test_what_is_wrong_is_one_line(tmp_path, capsys, arguments, words):
    with pytest.raises(SystemExit) as stop:
        main([*arguments, *(["--out", str(tmp_path)])])
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert stop.value.code == 2 and error.startswith("vlaa: ") and words in error


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ["build", "mini", "--bugdet", "3"],
            "vlaa build: unknown argument --bugdet; did you mean --budget. `vlaa build",
        ),
        (["evaluate", "mini", "--sample=3"], None),  # argparse takes a beginning that is clear
        (["build", "mini", "--api-key=sk-1234"], "vlaa build: unknown argument --api-key; did you"),
        (["build", "mini", "--base-url", "http//me:hunter22@host"], "base_url 'http//host' is no address"),
        (["report", "a", "--zzz"], "vlaa report: unknown argument --zzz. `vlaa report --help` lists what it takes."),
        (["build", "mini", "more"], "vlaa build: unknown argument more. `vlaa build --help`"),
        (["build"], "vlaa build: the following arguments are required: source. `vlaa build --help`"),
        (["build", "mini", "--n", "many"], "vlaa build: argument --n/--records: invalid count value: 'many'. `vlaa"),
        (["build", "mini", "--n", "0"], "argument --n/--records: 0 is less than 1. `vlaa"),
        (["build", "mini", "--concurrency", "0"], "argument --concurrency: 0 is less than 1. `vlaa"),
        (["build", "mini", "--budget", "nan"], "argument --budget: 'nan' is no amount; expected 0 or more. `vlaa"),
        (["build", "mini", "--budget=-1"], "argument --budget: '-1' is no amount; expected 0 or more. `vlaa"),
        (["build", "mini", "--price=-1", "2"], "--price"),
        (["build", "mini", "--price", "1", "inf"], "argument --price: 'inf' is no amount; expected 0 or more. `vlaa"),
        (["evaluate", "mini", "--samples", "0"], "argument --samples: 0 is less than 1. `vlaa"),
        (["grpo", "mini", "--recipe", "ppo"], "argument --recipe: invalid choice: 'ppo'"),
        (["evaluate", "mini", "--judge", "m", "--reward-model", "r"], "argument --reward-model: not allowed with"),
        (["biuld", "mini"], "vlaa: argument command: invalid choice: 'biuld'"),
        ([], "vlaa: the following arguments are required: command. `vlaa --help` lists what it takes."),
        (
            ["build", "mini", "--base-url", "notaurl"],
            "--base-url: base_url 'notaurl' is no address; expected one such as http://",
        ),
        (["build", "mini", "--base-url", "http://["], "'http://[' is no address"),
        (["grpo", "mini", "--base-url", "localhost:8000/v1"], "'localhost:8000/v1' is no address"),
    ],
)
def test_a_wrong_call_is_one_line(capsys, monkeypatch, arguments, words):
    monkeypatch.setattr("vlaa_helpers.evaluation.commands._evaluate", lambda options: None)
    if words is None:
        main(arguments)
        return
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    said = capsys.readouterr().err
    assert stop.value.code == 2 and said.count("\n") == 1 and words in said


def stopped(arguments, capsys) -> str:
    """The one line that a command ends with."""
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    line = capsys.readouterr().err.strip().splitlines()[-1]
    assert line.startswith("vlaa: ")
    return line


def test_a_folder_that_cannot_be_written_stops_before_a_model_is_loaded(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("vlaa_helpers.policy.loading.load_policy", lambda *_, **__: pytest.fail("was loaded"))
    (tmp_path / "file").write_text("")
    policy = ["--profile", "mini", "--n", "6"]
    for command in ("grpo", "evaluate"):
        said = stopped([command, "mini", *policy, "--out", str(tmp_path / "file")], capsys)
        assert f"{tmp_path / 'file'}: File exists. There is a file where a folder is wanted: give another --out" in said
        said = stopped([command, "mini", *policy, "--out", "/sys/nothing"], capsys)  # not even root may write there
        assert "/sys/nothing: " in said and "Give an --out that can be written" in said


def test_a_full_disk_leaves_the_report_that_was_there(tmp_path, capsys):
    folder = write_run(tmp_path / "a", list(scene_records(6, seed=3)), ["<answer>3</answer>"] * 6)
    out = tmp_path / "r.html"
    out.write_text("before")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))  # files may grow no further, as on a full disk
    try:
        said = stopped(["report", str(folder), "--out", str(out)], capsys)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert str(out) in said and "make room there, or give an --out on another disk" in said
    assert out.read_text() == "before" and sorted(path.name for path in tmp_path.iterdir()) == ["a", "r.html"]


def test_a_full_disk_by_any_other_name_is_one_line(tmp_path, capsys, monkeypatch):
    def fail(words):
        def run(_):
            raise RuntimeError(words)  # as safetensors and torch say it

        return run

    monkeypatch.setattr("vlaa_helpers.cli._report", fail("I/O error: No space left on device (os error 28)"))
    said = stopped(["report", "a", "--out", str(tmp_path / "r.html")], capsys)
    assert f"{tmp_path / 'r.html'}: No space left on device. What is written goes to" in said
    monkeypatch.setattr("vlaa_helpers.cli._report", fail("a mistake of ours"))
    with pytest.raises(RuntimeError, match="a mistake of ours"):
        main(["report", "a"])


def test_a_missing_package_says_how_to_install_it(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    said = stopped(["build", "mini", "--n", "6", "--engine", "ray", "--out", str(tmp_path)], capsys)
    (wanted,) = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["ray"]
    assert f'engine="ray" needs Ray: pip install "{wanted}"' in said
    assert not list(tmp_path.glob("*.part"))


def test_a_broken_line_of_a_run_is_named(tmp_path, capsys):
    folder = write_run(tmp_path / "a", list(scene_records(6, seed=3)), ["<answer>3</answer>"] * 6)
    lines = (folder / "responses.jsonl").read_text().splitlines()
    (folder / "responses.jsonl").write_text("\n".join([*lines[:2], '{"id": ', *lines[3:]]) + "\n")
    said = stopped(["report", str(folder), "--out", str(tmp_path / "r.html")], capsys)
    assert "responses.jsonl line 3 is broken" in said and "Delete it and what follows" in said
    (folder / "settings.json").write_text("{")
    said = stopped(["report", str(folder), "--out", str(tmp_path / "r.html")], capsys)
    assert "settings.json is broken" in said and "run anew" in said


@pytest.mark.parametrize("sees", [True, False])
def test_a_judge_sees_images_where_asked(tmp_path, monkeypatch, sees):
    class Stop(Exception):
        """What would be trained is known."""

    def stop(*_, reward_funcs, **__):
        scorer = reward_funcs.scorer
        raise Stop(scorer.model, scorer.sees_images)

    monkeypatch.setenv("SOME_KEY", "none")
    monkeypatch.setattr("vlaa_helpers.training.grpo.train_grpo", stop)
    flags = ["--judge-sees-images"] if sees else []
    judge = ["--judge", "m", "--base-url", "http://localhost:9/v1", "--key-env", "SOME_KEY", *flags]
    with pytest.raises(Stop) as stopped:
        main(["grpo", "mini", "--profile", "mini", "--n", "8", "--out", str(tmp_path), *judge])
    assert stopped.value.args == ("m", sees)


def test_it_runs_as_a_module():
    run = subprocess.run([sys.executable, "-m", "vlaa_helpers", "--help"], capture_output=True, text=True, check=True)
    assert "build" in run.stdout


def test_a_name_of_any_length_names_a_run(tmp_path, capsys):
    folder = write_run(tmp_path / "a", list(scene_records(6, seed=3)), ["<answer>3</answer>"] * 6)
    main(["report", f"{'long' * 100}={folder}", "--out", str(tmp_path / "r.html")])
    assert b"long" * 100 in (tmp_path / "r.html").read_bytes()


def run_here(*arguments, **variables) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "vlaa_helpers", *map(str, arguments)]
    return subprocess.run(command, env={**os.environ, **variables}, capture_output=True, text=True, timeout=300)


def test_a_warning_about_rows_is_shown_without_code(tmp_path):
    row = {"id": "a", "question": "How many?", "gt": "3", "verifier_type": "digit", "source": "\x1b[2J"}
    given = "<think>Three cubes.</think><answer>3</answer>"
    rows = [{**row, "response": given}, {**row, "id": "\x1b[3J", "gt": "many"}]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    out = tmp_path / "out"
    with HostileServer(response(completion("Yes"))) as server:
        given = ("--model", "m", "--base-url", server.url, "--out", out)
        said = run_here("build", tmp_path / "rows.jsonl", *given, OPENAI_API_KEY="none")
    assert "\nvlaa: " in "\n" + said.stderr and "1 rows left out" in said.stderr and "UserWarning" not in said.stderr
    assert "load_records(" not in said.stderr and "\x1b[3J" not in said.stderr
    assert "\x1b[2J" not in said.stdout and r"\x1b[2J" in said.stdout
    assert said.stdout.endswith("\n0 rejected\n")


def test_a_build_says_why_records_were_rejected(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    no = response({"error": {"message": "not\x1b[2J this one"}}, "400 Bad Request")
    good = response(completion("Yes"))
    build = ["build", "mini", "--n", "6", "--model", "m", "--concurrency", "1", "--out", str(tmp_path)]
    with HostileServer(no, good) as server:
        main([*build, "--base-url", server.url])
    shown = capsys.readouterr().out
    assert re.search(r"\d rejected \(reason no_thinking \d, caption refused 1\); their texts: .*rejects.arrow", shown)
    assert "1 got no reply to use: the same command asks for them again" in shown
    with HostileServer(no) as server:
        said = stopped([*build[:-1], str(tmp_path / "b"), "--base-url", server.url], capsys)
    assert "replies to the role caption were refused as bad requests" in said and r"not\x1b[2J this one" in said
