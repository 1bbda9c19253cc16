"""`vlaa study`: what it prints, and that what is wrong is one line."""

import json
import shlex
import subprocess
import sys

import pytest

from vlaa_helpers import plan_study
from vlaa_helpers.cli import main

ARMS = {"SFT, small": {"stages": [{"sft": {"traces": "blind", "number": 64}}]}}
ARMS["then GRPO"] = {"start": "SFT, small", "stages": [{"grpo": {"steps": 8}}]}


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "my study.yaml"
    path.write_text(json.dumps({"study": "s", "question": "Which?", "seeds": [0, 1], "arms": ARMS}))
    return path


def test_the_list_is_a_command_an_arm_that_the_command_takes(file, tmp_path, capsys):
    main(["study", str(file), "--list", "--out", str(tmp_path / "out"), "--seeds", "1"])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 and not (tmp_path / "out").exists()
    for line, name in zip(lines, ARMS, strict=True):
        words = shlex.split(line)
        assert words[:3] == ["vlaa", "study", str(file)]
        main([*words[1:], "--plan"])
        shown = capsys.readouterr().out
        assert (
            shown.startswith("Which?\n")
            and name in shown
            and "0 of 1 done; 0." in shown
            and "processor hours to come" in shown
        )


def test_the_plan_counts_an_arm_that_others_start_from_once(file, tmp_path):
    table = plan_study(file, out=tmp_path / "out").set_index(["arm", "seed"])
    assert not table["done"].any() and table["steps"].tolist() == [0, 2, 8, 2, 8]
    first, then = table.loc[("SFT, small", 0), "minutes"], table.loc[("then GRPO", 0), "minutes"]
    asking = table.loc[("base", 0), "minutes"]
    assert first == pytest.approx(asking + 2 * 0.85 / 60) and then == pytest.approx(asking + 8 / 60)


def test_it_lists_and_plans_without_torch(file):
    code = f"import sys; from vlaa_helpers.cli import main; main(['study', {str(file)!r}, '--list']); "
    run = subprocess.run([sys.executable, "-c", code + "print('torch' in sys.modules)"], capture_output=True, text=True)
    assert run.returncode == 0 and run.stdout.endswith("False\n"), run.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--arms", "SFT"], "s has no arm 'SFT'; expected any of base, SFT, small, then GRPO"),
        (["--profiles", "t4", "--list"], "s has no profile 't4'; expected any of mini"),
        (["--plan", "--list"], "not allowed with argument"),
    ],
)
def test_what_is_wrong_is_one_line(file, capsys, arguments, words):
    with pytest.raises(SystemExit):
        main(["study", str(file), *arguments])
    assert words in capsys.readouterr().err.strip().splitlines()[-1]
    with pytest.raises(SystemExit):
        main(["study", f"{file}l", "--list"])
    said = capsys.readouterr().err
    assert said.startswith("vlaa: ") and "no such file; expected a study as docs/studies.md describes it" in said
