"""What a notebook runs in: the report, which packages count as missing, and how they are installed."""

import importlib.metadata
import json
import platform
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from packaging.version import Version

from vlaa_helpers import environment
from vlaa_helpers.environment import install_missing, report_environment, unmet_requirements
from vlaa_helpers.policy import tested_versions

REQUIRES = [
    "datasets>=5.2,<6",
    "numpy>=2.4,<3",
    "peft>=0.21,<1",
    "pillow>=13.0,<14",
    "torch>=2.15,<3",
    "torchvision>=0.29,<1",
    "transformers>=5.23,<6",
    "trl>=1.16,<2",
    'pytest>=9.2; extra == "test"',
    'windows-only>=1; sys_platform == "nowhere"',
]
GOOD = {"datasets": "5.2.1", "peft": "0.21.0", "transformers": "5.23.0", "trl": "1.16.0"}
KEPT = {"numpy": "1.26.4", "pillow": "9.0", "torch": "2.4.0+cu121", "torchvision": "0.19.0"}  # all out of range


@pytest.fixture
def installed(monkeypatch):
    """Pretend that these distributions are here, with `REQUIRES` as what the package needs."""

    def pretend(versions: dict[str, str]) -> None:
        def version(name):
            if name not in versions:
                raise importlib.metadata.PackageNotFoundError(name)
            return versions[name]

        monkeypatch.setattr(importlib.metadata, "version", version)
        monkeypatch.setattr(importlib.metadata, "requires", lambda name: REQUIRES)

    return pretend


@pytest.fixture
def pip(monkeypatch):
    """Catch the calls of pip; `.result` is what it answers, `.results` what it answers first, `.plan` its report."""
    good = SimpleNamespace(returncode=0, stderr="", stdout="")
    seen = SimpleNamespace(commands=[], constraints=[], result=good, results=[], plan=[], change=lambda: None)

    def run(command, **options):
        seen.commands.append(command)
        seen.constraints.append(Path(command[command.index("-c") + 1]).read_text())
        if "--report" in command:
            parts = [{"metadata": {"name": n, "version": v, "requires_dist": r}} for n, v, r in seen.plan]
            Path(command[command.index("--report") + 1]).write_text(json.dumps({"install": parts}))
        answer = seen.results.pop(0) if seen.results else seen.result
        if answer.returncode == 0 and "--dry-run" not in command:
            seen.change()
        return answer

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(environment, "_outlived", {})
    return seen


IMPOSSIBLE = SimpleNamespace(returncode=1, stderr="ERROR: ResolutionImpossible: for help visit …\n", stdout="")


# ---- the report ----


def test_the_report_has_the_versions_and_the_machine():
    report = report_environment()
    assert f"Python    {platform.python_version()} on {platform.system()}" in report and "CPU cores" in report
    for name in ("torch", "transformers", "trl", "peft", "bitsandbytes", "datasets"):
        assert f"{name} {importlib.metadata.version(name)}" in report
    assert len(report.splitlines()) == 3


def test_the_report_names_the_gpu_or_its_absence(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert "GPU       none seen by torch" in report_environment()
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    seen = SimpleNamespace(name="Tesla Test", total_memory=15 * 2**30)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda index: seen)
    assert "GPU       Tesla Test, 15 GiB" in report_environment()


def test_the_report_says_what_is_absent(installed):
    installed(GOOD | KEPT)
    assert "bitsandbytes absent" in report_environment()


# ---- missing packages ----


@pytest.mark.parametrize(
    ("changes", "unmet"),
    [
        ({}, []),
        ({"trl": None}, [("trl>=1.16,<2", "trl", None)]),
        ({"trl": "0.21.0"}, [("trl>=1.16,<2", "trl", "0.21.0")]),
        ({"trl": "2.0.0"}, [("trl>=1.16,<2", "trl", "2.0.0")]),
        ({"trl": "1.17.0.dev0"}, []),
        ({"trl": None, "peft": "0.20.9"}, [("peft>=0.21,<1", "peft", "0.20.9"), ("trl>=1.16,<2", "trl", None)]),
    ],
)
def test_absent_and_outdated_packages_are_found(installed, changes, unmet):
    recent = {"numpy": "2.4.1", "pillow": "13.0.0", "torch": "2.15.0+cu130", "torchvision": "0.29.0"}
    installed({name: version for name, version in (GOOD | recent | changes).items() if version})
    assert [(one.text, one.name, one.held) for one in unmet_requirements()] == unmet


def test_the_package_itself_is_looked_up(monkeypatch):
    asked = []
    monkeypatch.setattr(importlib.metadata, "requires", lambda name: asked.append(name))  # None: no requirements
    assert unmet_requirements() == [] and asked == ["vlaa-helpers"]


# ---- installing ----


def test_nothing_to_install_calls_no_pip(pip, monkeypatch, caplog):
    caplog.set_level("INFO", "vlaa_helpers")
    monkeypatch.setattr(importlib.metadata, "requires", lambda name: ["trl>=1.16,<2"])
    monkeypatch.setattr(environment, "loaded_packages", lambda: pytest.fail("looked at what is loaded"))
    install_missing()
    assert pip.commands == [] and caplog.messages[0] == "every package is here"


def test_pip_may_move_nothing_that_is_loaded_or_kept(installed, pip, monkeypatch, caplog):
    caplog.set_level("INFO", "vlaa_helpers")
    installed(GOOD | KEPT | {"trl": "0.21.0"})
    monkeypatch.setattr(environment, "loaded_packages", lambda: {"requests": "2.32.4", "numpy": KEPT["numpy"]})
    install_missing()
    (command,) = pip.commands
    assert command[:6] == [sys.executable, "-m", "pip", "install", "-q", "trl>=1.16,<2"] and command[6] == "-c"
    held = {f"{name}=={version}" for name, version in KEPT.items()}
    assert set(pip.constraints[0].split()) == held | {"requests==2.32.4"}
    assert "installing trl>=1.16,<2; 5 packages stay as they are" in caplog.messages


def test_a_kept_package_below_its_range_is_warned_of_and_left(installed, pip, monkeypatch, caplog):
    installed(GOOD | KEPT)
    monkeypatch.setattr(environment, "loaded_packages", dict)
    install_missing()
    assert pip.commands == []
    assert "numpy 1.26.4 is left as it is, and is not among the versions tested: numpy>=2.4,<3" in caplog.messages


def test_something_loaded_and_too_old_is_updated_and_a_restart_asked_for(installed, pip, monkeypatch, caplog):
    here = GOOD | KEPT | {"trl": "0.21.0", "peft": "0.1"}
    installed(here)
    monkeypatch.setattr(environment, "loaded_packages", lambda: {"trl": "0.21.0", "datasets": GOOD["datasets"]})
    pip.change = lambda: here.update({"trl": "1.16.2", "peft": "0.21.0"})
    install_missing()
    (command,) = pip.commands
    assert {"peft>=0.21,<1", "trl>=1.16,<2"} <= set(command)
    assert "trl==0.21.0" not in pip.constraints[0] and "datasets==5.2.1" in pip.constraints[0]
    assert caplog.messages[-1] == (
        "restart needed: trl 0.21.0 became 1.16.2 (vlaa-helpers needs trl>=1.16,<2). This session still has the old "
        "version loaded. Choose Runtime > Restart session once (on Kaggle: Run > Restart & Clear Cell Outputs), then "
        "run this cell again. Nothing else that was loaded has changed"
    )


def test_no_restart_is_asked_for_where_nothing_loaded_changed(installed, pip, monkeypatch, caplog):
    here = GOOD | KEPT | {"trl": "0.21.0"}
    installed(here)
    monkeypatch.setattr(environment, "loaded_packages", lambda: {"datasets": GOOD["datasets"]})
    pip.change = lambda: here.update({"trl": "1.16.2"})
    install_missing()
    assert len(pip.commands) == 1 and not [message for message in caplog.messages if "restart" in message]


def pyarrow_in_the_way(installed, pip, monkeypatch) -> dict[str, str]:
    """Colab with pandas loaded: datasets 5 takes no pyarrow as old as the one that pandas has brought in."""
    here = GOOD | KEPT | {"datasets": "4.0.0", "pyarrow": "18.1.0", "fsspec": "2025.3.0", "tokenizers": "0.22.2"}
    installed(here)
    loaded = {name: here[name] for name in ("pyarrow", "fsspec", "numpy")}
    monkeypatch.setattr(environment, "loaded_packages", lambda: dict(loaded))
    pip.results = [IMPOSSIBLE]
    pip.plan = [
        ("datasets", "5.2.0", ["pyarrow>=24.0.0", "fsspec<=2026.9,>=2023", 'pyarrow>=99; extra == "audio"']),
        ("pyarrow", "26.0.1", []),
        ("tokenizers", "0.23.3", []),
    ]
    pip.change = lambda: here.update({"datasets": "5.2.0", "pyarrow": "26.0.1"})
    return here


def test_what_is_loaded_and_cannot_stay_is_updated_and_nothing_else(installed, pip, monkeypatch, caplog):
    caplog.set_level("INFO", "vlaa_helpers")
    pyarrow_in_the_way(installed, pip, monkeypatch)
    install_missing()
    first, plan, second = pip.commands
    assert "--dry-run" in plan and "--dry-run" not in first + second
    assert first[5 : first.index("-c")] == second[5 : second.index("-c")] == ["datasets>=5.2,<6"]
    kept = {f"{name}=={version}" for name, version in KEPT.items()}
    held = [set(text.split()) for text in pip.constraints]
    assert held[0] == kept | {"pyarrow==18.1.0", "fsspec==2025.3.0"}
    assert held[1] == kept and held[2] == kept | {"fsspec==2025.3.0"}
    assert (
        "beside what is loaded they do not fit, so this is updated too: pyarrow 18.1.0 (datasets 5.2.0 needs "
        "pyarrow>=24.0.0)" in caplog.messages
    )
    restart = caplog.messages[-1]
    assert restart.startswith("restart needed: pyarrow 18.1.0 became 26.0.1 (datasets 5.2.0 needs pyarrow>=24.0.0).")
    assert "Runtime > Restart session once" in restart and "run this cell again" in restart


def test_until_the_restart_every_look_says_that_it_is_needed(installed, pip, monkeypatch, caplog):
    """«Run all» stops at the second cell, the report, before anything loads two halves of a package."""
    pyarrow_in_the_way(installed, pip, monkeypatch)
    install_missing()
    with pytest.raises(RuntimeError, match="pyarrow 18.1.0 became 26.0.1 .* run the setup cell, the first one, again"):
        report_environment()
    pip.commands.clear()
    caplog.clear()
    install_missing()
    assert pip.commands == [] and caplog.messages[-1].startswith("restart needed: pyarrow 18.1.0 became 26.0.1")


def test_a_pip_that_finds_no_set_at_all_is_an_error(installed, pip, monkeypatch):
    pyarrow_in_the_way(installed, pip, monkeypatch)
    pip.results = [IMPOSSIBLE, IMPOSSIBLE]
    with pytest.raises(RuntimeError, match="ResolutionImpossible"):
        install_missing()
    assert len(pip.commands) == 2
    pip.results, pip.plan = [SimpleNamespace(returncode=1, stderr="no network", stdout="")], []
    with pytest.raises(RuntimeError, match="no network"):  # nothing that is loaded is in the way
        install_missing()


def test_what_else_asks_for_other_versions_is_named(installed, pip, monkeypatch, caplog):
    installed(GOOD | KEPT | {"trl": "0.21.0"})
    monkeypatch.setattr(environment, "loaded_packages", dict)
    line = "gcsfs 2025.3.0 requires fsspec==2025.3.0, but you have fsspec 2026.9.0 which is incompatible."
    ours = line.replace("gcsfs", "vlaa-helpers")  # numpy, say, which is kept and warned of
    pip.result = SimpleNamespace(
        returncode=0, stderr=f"ERROR: pip's dependency resolver …\n{ours}\n{line}\n", stdout=""
    )
    install_missing()
    assert f"not needed here, and perhaps broken now: {line}" in caplog.messages


# ---- torchao ----


@pytest.mark.parametrize(("held", "asked"), [("0.10.0", True), ("0.16.0", False), ("0.18.0", False), (None, False)])
def test_a_torchao_that_peft_refuses_is_replaced(installed, pip, monkeypatch, held, asked):
    installed(GOOD | KEPT | ({"torchao": held} if held else {}))
    monkeypatch.setattr(environment, "loaded_packages", dict)
    install_missing()
    assert [command[5:-2] for command in pip.commands] == ([["torchao>=0.16"]] if asked else [])


def test_a_torchao_that_is_loaded_is_replaced_too(installed, pip, monkeypatch, caplog):
    here = GOOD | KEPT | {"torchao": "0.10.0"}
    installed(here)
    monkeypatch.setattr(environment, "loaded_packages", lambda: {"torchao": "0.10.0"})
    pip.change = lambda: here.update({"torchao": "0.18.0"})
    install_missing()
    assert "restart needed: torchao 0.10.0 became 0.18.0 (peft needs torchao>=0.16)." in caplog.messages[-1]


# ---- what was tested ----


def test_the_versions_that_were_tested_are_told_and_others_warned_of(installed, pip, monkeypatch, caplog):
    caplog.set_level("INFO", "vlaa_helpers")
    fit = {name: f"{low}.3" for name, (low, _) in environment.TESTED.items()}
    installed(fit)
    monkeypatch.setattr(importlib.metadata, "requires", lambda name: [])
    monkeypatch.setattr(platform, "python_version_tuple", lambda: ("3", "13", "15"))
    install_missing()
    assert caplog.messages == [
        "every package is here",
        "tested on Python 3.11, 3.12, 3.13 with torch 2.11 to 2.15, transformers 5.23, trl 1.16, peft 0.21, "
        "bitsandbytes 0.50, datasets 5.2",
    ]
    installed(fit | {"trl": "1.17.0.dev0", "scipy": "1.15.3", "torch": "2.15.9+cu130", "pandas": "4.0"})
    monkeypatch.setattr(importlib.metadata, "requires", lambda name: [])
    monkeypatch.setattr(platform, "python_version_tuple", lambda: ("3", "14", "1"))
    caplog.clear()
    install_missing()
    assert caplog.messages[2:] == [
        "no test was run on Python 3.14",
        "older than what was tested: scipy 1.15.3 (from 1.16)",
        "newer than what was tested: pandas 4.0 (up to 3.1), trl 1.17.0.dev0 (up to 1.16)",
    ]


def test_what_was_tested_is_what_pyproject_allows_and_the_fast_paths_take(root):
    """From the lower bounds on; the notebooks' stored outputs were made with the newest."""
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    floors = dict(re.match(r"([\w-]+)>=([\d.]+),", text).groups() for text in project["dependencies"])
    assert {name: low for name, (low, _) in environment.TESTED.items()} == floors
    assert all(Version(low) <= Version(high) for low, high in environment.TESTED.values())
    assert {name: high for name, (_, high) in environment.TESTED.items() if name in tested_versions.TESTED} == dict(
        tested_versions.TESTED
    )
    shown = [path.read_text() for path in (root / "notebooks").glob("*.ipynb")]
    versions = re.findall(r"(\w+) (\d+\.\d+)\.\d+", " ".join(re.findall(r"packages  (torch [^\\]+)", " ".join(shown))))
    assert {name for name, _ in versions} == set(environment.SHOWN)
    for name in environment.SHOWN:
        assert environment.TESTED[name][1] == max({v for n, v in versions if n == name}, key=Version), name


def test_what_is_kept_is_installed_where_it_is_absent(installed, pip, monkeypatch):
    installed(GOOD)
    monkeypatch.setattr(environment, "loaded_packages", dict)
    install_missing()
    (command,) = pip.commands
    assert {part.split(">")[0] for part in command[5:-2]} == set(KEPT) and pip.constraints == [""]


def test_a_name_that_is_written_in_two_ways_is_one_package(pip, monkeypatch, caplog):
    """A wheel asks for huggingface-hub, and what is installed calls itself huggingface_hub."""
    monkeypatch.setattr(importlib.metadata, "requires", lambda name: ["huggingface-hub>=9", "trl>=9", "peft>=9"])
    monkeypatch.setattr(importlib.metadata, "packages_distributions", lambda: {"sys": ["huggingface_hub"]})
    install_missing()
    (command,) = pip.commands
    assert command[5:-2] == ["huggingface-hub>=9", "trl>=9", "peft>=9"]
    assert not [line for line in pip.constraints[0].split() if line.startswith("huggingface")]  # it is to be updated
    assert not [message for message in caplog.messages if "restart" in message]  # this pip changed nothing


def test_what_this_process_has_imported_is_known():
    loaded = environment.loaded_packages()
    assert loaded["torch"] == importlib.metadata.version("torch") and "pytest" in loaded
    assert not set(loaded) - {environment._canonical(each.name) for each in importlib.metadata.distributions()}


def test_a_failing_pip_is_an_error_with_its_last_lines(installed, pip, monkeypatch):
    installed(GOOD | KEPT | {"trl": "0.21.0"})
    monkeypatch.setattr(environment, "loaded_packages", dict)
    lines = [f"line {k}" for k in range(20)] + ["ERROR: No matching distribution found for trl"]
    pip.result = SimpleNamespace(returncode=1, stderr="\n".join(lines) + "\n", stdout="")
    with pytest.raises(RuntimeError) as error:
        install_missing()
    message = str(error.value)
    assert (
        message.startswith("pip could not install trl>=1.16,<2 beside what is loaded:\n")
        and "No matching distribution" in message
    )
    assert "line 16" in message and "line 15" not in message and "TROUBLESHOOTING.md" in message


def test_the_troubleshooting_section_that_errors_point_to_exists(root):
    assert "Installing on Colab" in (root / "TROUBLESHOOTING.md").read_text()
