import json

import pytest
import torch
from benchmark_files import write_benchmark
from run_folders import write_run

from vlaa_helpers import load_policy, load_report
from vlaa_helpers.cli import main
from vlaa_helpers.mini_world.scenes import scene_records
from vlaa_helpers.policy.adapters import save_policy


@pytest.fixture
def asked(tmp_path, tiny_profile):
    """`vlaa evaluate` of a benchmark on disk, with a tiny model."""

    def arguments(name, out, *more):
        files = write_benchmark(tmp_path / "files", name)
        policy = ["--profile", "mini", "--model", tiny_profile.model, "--max-new-tokens", "4"]
        return ["evaluate", name, "--files", str(files), "--out", str(tmp_path / out), *policy, *more]

    return arguments


def test_a_benchmark_with_both_prompts_resumed_and_compared(asked, capsys, tmp_path):
    main(asked("chartqa", "a", "--prompt", "both", "--batch-size", "1"))
    shown = capsys.readouterr().out
    assert shown.startswith("chartqa: 3 of 2,500 published rows, judged by our verifiers: relaxed 3")
    assert (
        "chartqa/relaxed" in shown and "n = 3, greedy;" in shown and "n = 3, greedy, the model's own prompt;" in shown
    )
    ours, own = load_report(tmp_path / "a" / "ours"), load_report(tmp_path / "a" / "own")
    assert (ours.prompt, own.prompt) == ("ours", "own")
    assert ours.settings["about"] == own.settings["about"]
    assert ours.settings["about"]["repository"] == "lmms-lab/ChartQA"

    kept = tmp_path / "a" / "own" / "responses.jsonl"
    rows = kept.read_text().splitlines(keepends=True)
    changed = json.dumps({**json.loads(rows[0]), "seconds": 12345.0}) + "\n"
    kept.write_text(changed)  # interrupted after one row
    main(asked("chartqa", "a", "--prompt", "both", "--batch-size", "1"))
    capsys.readouterr()
    after = kept.read_text().splitlines(keepends=True)
    assert after[0] == changed and len(after) == 3  # gone on, not begun anew

    main(asked("chartqa", "b", "--prompt", "both", "--against", str(tmp_path / "a")))
    shown = capsys.readouterr().out
    assert f"against {tmp_path / 'a' / 'own'} (own prompt): +0.0%" in shown and shown.count("n = 3 paired items") == 2


def test_a_sample_of_a_benchmark(asked, capsys, tmp_path):
    main(asked("mathvision_testmini", "a", "--n", "2"))
    words = "5 of 304 published rows, judged by our verifiers: choice 3, math 2; 2 are asked, a random sample"
    assert words in capsys.readouterr().out
    assert len(load_report(tmp_path / "a").rows) == 2


def test_no_network_and_no_files(tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["evaluate", "ai2d", "--out", str(tmp_path)])
    said = capsys.readouterr().err
    assert said.startswith("vlaa: ") and "vlaa evaluate ai2d --files FOLDER" in said and said.count("\n") == 1


@pytest.fixture
def run(tmp_path, tiny_profile):
    """A training's folder with an adapter that does something."""
    policy, processor = load_policy(tiny_profile)
    for name, parameter in policy.named_parameters():
        if "lora_B" in name:
            parameter.data.fill_(0.05)
    save_policy(policy, processor, tmp_path / "run" / "adapter")
    return tmp_path / "run"


def test_merge_and_push(run, tmp_path, tiny_profile, capsys, small_hub):
    (run / "training.json").write_text(
        json.dumps({"method": "GRPO", "base": "a toy", "records": 3, "sources": {"blocks": 3}, "recipe": [
            {"setting": "beta", "value": 0.001, "source": "paper"}]})
    )  # fmt: skip
    main(["merge", str(run), str(tmp_path / "merged"), "--profile", "mini", "--model", tiny_profile.model])
    shown = capsys.readouterr().out
    assert "adapter vs merged:" in shown and "from_pretrained(" in shown
    main(["push", str(tmp_path / "merged"), "me/merged"])
    shown = capsys.readouterr().out
    assert "model.safetensors" in shown and shown.endswith("Nothing was sent. Read the card, then give --yes.\n")
    assert small_hub.requests == []
    card = (tmp_path / "merged" / "card.md").read_text()
    assert "A merged model on a toy, trained by GRPO" in card and "adapter vs merged:" in card
    assert "library_name: transformers" in card and str(tmp_path) not in card
    main(["push", str(run), "me/adapter", "--license", "mit", "--yes"])
    assert f"pushed: {small_hub.url}/me/adapter/commit/" in capsys.readouterr().out
    assert "license: mit" in small_hub.commits[0]["files"]["README.md"].decode()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["merge", "nowhere", "out", "--profile", "mini"], "nowhere holds no model; expected adapter/"),
        (["merge", "nowhere", "out", "--profile", "t4"], "needs a CUDA GPU"),
        (["push", "nowhere", "me/x"], "nowhere holds no model"),
        (["push", "nowhere", "x"], "expected OWNER/NAME"),
    ],
)
def test_what_goes_wrong_is_said_in_one_line(arguments, words, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    said = capsys.readouterr().err
    assert stop.value.code == 2 and words in said and said.count("\n") == 1


def test_each_adapter_has_a_folder_of_its_own(asked, capsys, tmp_path, tiny_profile):
    """Without --out: what an adapter was asked lies below its run, so that no other reads it or is stopped by it."""
    for run, seed in (("a", 0), ("b", 1)):
        model, processor = load_policy(tiny_profile, seed=seed)
        _nudge(model, seed)
        adapter = save_policy(model, processor, tmp_path / run / "adapter")
        command = asked("chartqa", "unused", "--adapter", str(adapter))
        place = command.index("--out")
        main(command[:place] + command[place + 2 :])
        assert f"responses: {tmp_path / run / 'evaluations' / 'chartqa'}" in capsys.readouterr().out
    settings = [json.loads((tmp_path / run / "evaluations/chartqa/settings.json").read_text()) for run in "ab"]
    assert settings[0]["model"] != settings[1]["model"] and settings[0]["base"] == settings[1]["base"]


def _nudge(model, seed):
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            parameter.data += torch.randn(parameter.shape, generator=generator)


def test_another_report_s_items_are_told_before_the_model_is_loaded(asked, capsys, tmp_path, monkeypatch):
    folder = write_run(tmp_path / "earlier", list(scene_records(3, seed=1)), ["<answer>1</answer>"] * 3)
    monkeypatch.setattr("vlaa_helpers.policy.loading.load_policy", lambda *_, **__: pytest.fail("it was loaded"))
    with pytest.raises(SystemExit):
        main(asked("chartqa", "a", "--against", str(folder)))
    assert "vlaa: the reports differ in 6 items, for example" in capsys.readouterr().err
