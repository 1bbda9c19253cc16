"""What a notebook runs in: a short report for the reader, and on Colab the packages that are missing."""

import importlib
import importlib.metadata
import logging
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from .core.help_page import help_at

logger = logging.getLogger(__name__)

KEEP = ("torch", "torchvision", "numpy", "pillow", "pandas", "matplotlib", "ipywidgets", "scipy", "scikit-learn")
"""Never swapped where they are there, in whatever version: much that a hosted notebook has stands on them."""
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


@dataclass(frozen=True)
class Unmet:
    """A requirement that is not met here.

    Attributes:
        text: as it was written, `trl>=1.16,<2`.
        name: of the distribution, in its canonical form.
        held: the version that is here, outside the range; None where it is absent.
    """

    text: str
    name: str
    held: str | None


def unmet_requirements(distribution: str = "vlaa-helpers") -> list[Unmet]:
    """Requirements of a distribution that are absent here or outside their range, those of its extras left out."""
    from packaging.requirements import Requirement

    unmet = []
    for text in importlib.metadata.requires(distribution) or []:
        requirement = Requirement(text)
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        held = _version(requirement.name)
        if held is None or not requirement.specifier.contains(held, prereleases=True):
            unmet.append(Unmet(text, _canonical(requirement.name), held))
    return unmet


def loaded_packages() -> dict[str, str]:
    """Distributions of which this process has imported something, by canonical name, with their versions."""
    names = {
        name
        for module, names in importlib.metadata.packages_distributions().items()
        if module in sys.modules
        for name in names
    }
    return {_canonical(name): version for name in names if (version := _version(name))}


def _canonical(name: str) -> str:
    from packaging.utils import canonicalize_name

    return canonicalize_name(name)


def install_missing() -> None:
    """Install what the helpers lack with pip, and touch nothing that this kernel has loaded.

    Says what it installs before it does. What is loaded stays as it is, whatever version it has, and so does what is in
    `KEEP`: a version outside the range is warned of. A restart is asked for only where something loaded is outside its
    range and a fresh kernel could replace it.

    Raises:
        RuntimeError: pip failed; its last lines are in the message.
    """
    unmet = unmet_requirements()
    if not unmet:
        logger.info("every package is here")
        return
    loaded = loaded_packages()
    kept = [one for one in unmet if one.held and one.name in KEEP]
    stuck = [one for one in unmet if one.held and one.name in loaded and one.name not in KEEP]
    wanted = [one.text for one in unmet if one not in kept and one not in stuck]
    for one in kept:
        logger.warning(f"{one.name} {one.held} is left as it is, and is not among the versions tested: {one.text}")
    if wanted:
        fixed = loaded | {name: version for name in KEEP if (version := _version(name))}
        logger.info(f"installing {', '.join(wanted)}; {len(fixed)} packages stay as they are")
        _pip_install(wanted, fixed)
        importlib.invalidate_caches()
    if stuck:
        old = ", ".join(f"{one.name} {one.held} (expected {one.text})" for one in stuck)
        logger.warning(
            f"restart needed: {old} is loaded and cannot be replaced now. Runtime > Restart session, then run this "
            "cell before any other"
        )


def _pip_install(wanted: Iterable[str], held: dict[str, str]) -> None:
    """Install with pip; what is held may not be moved, by no dependency either."""
    with tempfile.TemporaryDirectory() as folder:
        constraints = Path(folder) / "constraints.txt"
        constraints.write_text("".join(f"{name}=={version}\n" for name, version in sorted(held.items())))
        command = [sys.executable, "-m", "pip", "install", "-q", *wanted, "-c", str(constraints)]
        result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode:
        last = "\n".join(result.stderr.strip().splitlines()[-5:])
        raise RuntimeError(
            f"pip could not install {', '.join(wanted)} beside what is loaded:\n{last}\nRestart the session and run "
            f"this cell first. More: {help_at('Installing on Colab')}"
        )
