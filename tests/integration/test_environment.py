"""What a notebook runs in: the report, which packages count as missing, and how they are installed."""

import importlib.metadata
import platform
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from vlaa_helpers import environment
from vlaa_helpers.environment import install_missing, report_environment, unmet_requirements

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
    """Catch the call of pip; `.result` is what it answers."""
    seen = SimpleNamespace(commands=[], constraints=[], result=SimpleNamespace(returncode=0, stderr="", stdout=""))

    def run(command, **options):
        seen.commands.append(command)
        seen.constraints.append(Path(command[command.index("-c") + 1]).read_text())
        return seen.result

    monkeypatch.setattr(subprocess, "run", run)
    return seen


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
    assert pip.commands == [] and caplog.messages == ["every package is here"]


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


def test_a_restart_is_asked_for_only_where_something_loaded_is_too_old(installed, pip, monkeypatch, caplog):
    installed(GOOD | KEPT | {"trl": "0.21.0", "peft": "0.1"})
    monkeypatch.setattr(environment, "loaded_packages", lambda: {"trl": "0.21.0", "datasets": GOOD["datasets"]})
    install_missing()
    (command,) = pip.commands
    assert "peft>=0.21,<1" in command and "trl>=1.16,<2" not in command  # it is loaded
    assert caplog.messages[-1].startswith("restart needed: trl 0.21.0 (expected trl>=1.16,<2) is loaded")
    caplog.clear()
    monkeypatch.setattr(environment, "loaded_packages", lambda: {"datasets": GOOD["datasets"]})
    install_missing()
    assert not [message for message in caplog.messages if "restart" in message]


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
    assert command[5:-2] == ["trl>=9", "peft>=9"]
    assert f"huggingface-hub=={importlib.metadata.version('huggingface_hub')}" in pip.constraints[0].split()
    assert caplog.messages[-1].startswith("restart needed: huggingface-hub ")


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
