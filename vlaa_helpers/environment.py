"""What a notebook runs in: a short report for the reader, and on Colab the packages that are missing."""

import importlib.metadata
import logging
import os
import platform
import subprocess
import sys

logger = logging.getLogger(__name__)

KEEP = ("torch", "torchvision", "numpy", "pillow")
"""Never installed over a running kernel: a swapped numpy or torch breaks what is already imported."""
SHOWN = ("torch", "transformers", "trl", "peft", "bitsandbytes", "datasets")


def report_environment() -> str:
    """Python, the machine, its GPU if any, and the versions that matter: a few lines for the top of a notebook."""
    import torch

    if torch.cuda.is_available():
        gpu = torch.cuda.get_device_properties(0)
        device = f"{gpu.name}, {gpu.total_memory / 2**30:.0f} GiB"
    else:
        device = "none seen by torch"
    versions = ", ".join(f"{name} {_version(name) or 'absent'}" for name in SHOWN)
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPU cores"
    return "\n".join(
        [
            f"Python    {platform.python_version()} on {machine}",
            f"GPU       {device}",
            f"packages  {versions}",
        ]
    )


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def missing_packages(distribution: str = "vlaa-helpers") -> list[str]:
    """Requirements of `distribution` that are absent or outside their range here, those in `KEEP` left out."""
    from packaging.requirements import Requirement

    wanted = []
    for text in importlib.metadata.requires(distribution) or []:
        requirement = Requirement(text)
        if requirement.name.lower() in KEEP or (requirement.marker and not requirement.marker.evaluate({"extra": ""})):
            continue
        held = _version(requirement.name)
        if held is None or not requirement.specifier.contains(held, prereleases=True):
            wanted.append(text)
    return wanted


def install_missing() -> None:
    """Install what `missing_packages` names with pip, and say when the kernel must be restarted for it.

    Raises:
        RuntimeError: pip failed; its last lines are in the message.
    """
    wanted = missing_packages()
    if not wanted:
        logger.info("every package is here")
        return
    # constrained to the numpy, pillow and torch that are loaded: pip must not move them
    held = [f"{name}=={version}" for name in KEEP if (version := _version(name))]
    command = [sys.executable, "-m", "pip", "install", "-q", *wanted, *held]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode:
        last = "\n".join(result.stderr.strip().splitlines()[-5:])
        raise RuntimeError(
            f"pip could not install {', '.join(wanted)}:\n{last}\nSee TROUBLESHOOTING.md, «Installing on Colab»."
        )
    logger.info(f"installed {', '.join(wanted)}")
    stale = sorted(name for name in ("transformers", "trl", "peft", "datasets") if name in sys.modules)
    if stale:
        logger.warning(
            f"restart needed: {', '.join(stale)} was imported before. Runtime > Restart session, then run again."
        )
