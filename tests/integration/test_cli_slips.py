"""What is given to the wrong command, or that cannot be, is said before anything is fetched, loaded or asked."""

import json
import re
from pathlib import Path

import httpx2
import pytest
from trl import GRPOConfig

from vlaa_helpers import cli, load_report
from vlaa_helpers.cli import main
from vlaa_helpers.core.command_line import changed, config_settings
from vlaa_helpers.core.not_finite import NotFiniteError
from vlaa_helpers.core.option_words import as_options
from vlaa_helpers.policy.profiles import settings_of
from vlaa_helpers.training.recipes import RECIPES


def said(capsys, *command) -> str:
    with pytest.raises(SystemExit) as stopped:
        main([str(word) for word in command])
    words = capsys.readouterr().err
    assert stopped.value.code == 2 and "Traceback" not in words
    return words.strip().splitlines()[-1]


def test_the_command_line_knows_the_recipes_without_importing_them():
    assert set(cli.RECIPES) == set(RECIPES)


def test_values_are_read_as_python_and_as_json_write_them():
    pairs = ["use_vllm=False", "log_completions=true", "max_steps=1_000"]
    assert config_settings(pairs, GRPOConfig) == {"use_vllm": False, "log_completions": True, "max_steps": 1000}
    assert config_settings(["run_name=a_1_2", "reward_weights=null"], GRPOConfig) == {
        "run_name": "a_1_2",
        "reward_weights": None,
    }
    profile = changed(settings_of("t4"), ["load_in_4bit=False", "max_pixels=131_072"])
    assert (profile.load_in_4bit, profile.max_pixels) == (False, 131_072)


def test_a_word_where_a_number_belongs_is_refused_at_once(capsys):
    for pair in ("max_steps=one", "max_steps=True", "beta=x"):
        assert f"--set {pair}: expected a number" in said(capsys, "grpo", "mini", "--set", pair)


@pytest.mark.parametrize(("pair", "option"), [("output_dir=x", "--out"), ("seed=1", "--seed")])
def test_what_has_an_option_is_not_set_beside_it(capsys, pair, option):
    assert f"--set {pair}: the command has an option for it, {option}" in said(capsys, "grpo", "mini", "--set", pair)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["chartqa", "--limit", "3"], "--limit is for other sources than benchmarks; of chartqa --n takes a part"),
        (["chartqa", "--sources", "a"], "--sources is for other sources than benchmarks"),
        (
            ["mathvista", "--n", "3"],
            "mathvista: no file and no benchmark of this name; did you mean mathvista_testmini",
        ),
        (["zzz"], "zzz: no file and no benchmark of this name. Benchmarks: mathvista_testmini"),
        (["mini", "--temperature", "nan"], "'nan' is no temperature; expected more than 0"),
        (["mini", "--judge-sees-images"], "are for a judge: name its model, --judge MODEL"),
        (["mini", "--judge", "m", "--key-env", "NOT_SET"], "variable NOT_SET is not set"),
        (["output_dir/limit=4.csv"], "output_dir/limit=4.csv: no such file"),
        (["mini", "--change", "batch_size=2"], "--change batch_size=2: expected NAME=VALUE"),
        (["mini", "--no-think", "--prompt", "both"], "--no-think starts each response with our tags"),
        (["mini", "--reward-model", "/nowhere"], "--reward-model /nowhere was looked for"),
        (["mini", "--files", "x"], "--files is for benchmarks (mathvista_testmini, "),
        (["mini", "--images", "x"], "--images is for files and the hub; mini draws its own"),
        (["me/data", "--n", "3"], "--n is for mini; of me/data --limit takes a part: --limit 3"),
        (["mini", "--change", "dtype=int8"], "unknown dtype 'int8'; expected one of float32, bfloat16, float16"),
        (["mini", "--change", "device=tpu"], "unknown device 'tpu'; expected cpu or cuda"),
        (
            ["mini", "--change", "data=mine"],
            "--change data=mine: it would change nothing, the command is told its records",
        ),
        (["mini", "--change", "name=mine"], "--change name=mine: it would change nothing, the profile is named by"),
        (["mini", "--change", "max_pixels=-5"], "max_pixels=-5: expected 1 or more"),
        (["mini", "--adapter", "nowhere"], "nowhere"),
    ],
)
def test_an_evaluation_that_cannot_be_is_not_begun(capsys, tmp_path, monkeypatch, words, says):
    for slow in ("policy.loading.load_policy", "evaluation.benchmarks.load.read_benchmark"):
        monkeypatch.setattr(f"vlaa_helpers.{slow}", lambda *_, **__: pytest.fail("was begun"))
    given = ["--profile", "mini", "--out", tmp_path]
    assert says in said(capsys, "evaluate", *words, *given)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["build", "mini", "--price", "1", "2"], "--base-url and --price are for models on an endpoint"),
        (["report", "nowhere", "--limit", "3"], "--limit says which records; name where they are: --records SOURCE"),
        (["report", "nowhere", "--records", "mini", "--limit", "3"], "--limit is for files and the hub"),
        (["push", "nowhere", "me/x y"], "repository 'me/x y'; expected OWNER/NAME"),
    ],
)
def test_options_that_would_be_passed_over_are_refused(capsys, tmp_path, words, says):
    out = [] if words[0] == "push" else ["--out", tmp_path / "out"]
    assert says in said(capsys, *words, *out)


def test_an_evaluation_is_one_process(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert "start it without torchrun" in said(capsys, "evaluate", "mini", "--out", tmp_path)


def test_an_adapter_is_looked_at_before_records(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr("vlaa_helpers.data.record_options.load_records", lambda *_, **__: pytest.fail("was fetched"))
    for command in ("sft", "grpo", "evaluate"):
        words = [command, "me/data", "--limit", "3", "--profile", "mini", "--out", tmp_path, "--adapter", "nowhere"]
        assert "nowhere" in said(capsys, *words)


@pytest.mark.parametrize("command", ["grpo", "evaluate"])
def test_answers_that_nobody_can_score_stop_before_a_model_is_loaded(capsys, tmp_path, monkeypatch, command):
    monkeypatch.setattr("vlaa_helpers.policy.loading.load_policy", lambda *_, **__: pytest.fail("was loaded"))
    row = {"id": "a", "question": "What is it?", "gt": "A red cube.", "verifier_type": "open_ended", "source": "mine"}
    (tmp_path / "rows.jsonl").write_text(json.dumps(row) + "\n")
    words = said(capsys, command, tmp_path / "rows.jsonl", "--profile", "mini", "--out", tmp_path / "out")
    assert "1 of 1 records (of mine) are open-ended without scene facts" in words
    assert "--sources … without these; or pass a scorer: --reward-model …, or --judge …" in words


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (NotFiniteError(), "scores with nan or inf, or with every word left out; .* try --change dtype=float32"),
        (ImportError("torchao 0.9 is too old"), "vlaa: torchao 0.9 is too old$"),
        (httpx2.ProxyError("407 Proxy Authentication Required"), "vlaa: ProxyError: 407 Proxy Authentication Required"),
    ],
    ids=["not finite", "import", "proxy"],
)
def test_what_goes_wrong_on_the_way_is_one_line(capsys, tmp_path, monkeypatch, error, says):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr("vlaa_helpers.policy.loading.load_policy", fail)
    words = said(capsys, "evaluate", "mini", "--n", "2", "--profile", "mini", "--out", tmp_path)
    assert re.search(says, words), words


@pytest.mark.parametrize(
    ("words", "folder"),
    [
        (["a/t.csv"], "runs/evaluations/t.csv"),
        (["mini", "--adapter", "runs/g/adapter"], "runs/g/evaluations/mini"),
        (["mini", "--adapter", "runs/g/checkpoint-1"], "runs/g/evaluations/checkpoint-1/mini"),
    ],
)
def test_an_evaluation_has_a_folder_of_its_own(monkeypatch, words, folder):
    seen = []
    monkeypatch.setattr("vlaa_helpers.evaluation.commands._evaluate", seen.append)
    main(["evaluate", *words])
    assert seen[0].out == Path(folder)


def test_evaluations_of_two_sources_have_two_folders(tmp_path, monkeypatch, tiny_profile):
    monkeypatch.chdir(tmp_path)
    policy = ["--profile", "mini", "--model", tiny_profile.model, "--max-new-tokens", "2"]
    main(["evaluate", "mini", "--n", "2", *policy])
    assert load_report(Path("runs/evaluations/mini")).settings["records"] == 2


def test_messages_of_notebooks_become_options():
    assert as_options("Load it: profile.replace(load_in_4bit=False, dtype='float32')") == (
        "Load it: --change load_in_4bit=False --change dtype=float32"
    )
    assert (
        as_options("leave resume_from_checkpoint out, name another output_dir")
        == "leave --resume out, name another --out"
    )
    assert as_options('pass that folder: profile.replace(model="FOLDER").') == "pass that folder: --model FOLDER."
