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
from pathlib import Path

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


def missing_packages(distribution: str = "vlaa-helpers") -> list[str]:
    """Requirements of `distribution` that are absent or outside their range; of those in `KEEP` the absent ones."""
    return [
        text for text, name, held in _unmet(distribution) if held is None or name not in KEEP
    ]  # fmt: skip


def _unmet(distribution: str) -> list[tuple[str, str, str | None]]:
    """Requirements that are not met: as written, the distribution's name, and the version that is there."""
    from packaging.requirements import Requirement

    unmet = []
    for text in importlib.metadata.requires(distribution) or []:
        requirement = Requirement(text)
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        held = _version(requirement.name)
        if held is None or not requirement.specifier.contains(held, prereleases=True):
            unmet.append((text, requirement.name.lower(), held))
    return unmet


def loaded_packages() -> dict[str, str]:
    """Distributions of which this process has imported something, with their versions."""
    names = {
        name
        for module, names in importlib.metadata.packages_distributions().items()
        if module in sys.modules
        for name in names
    }
    return {name.lower(): version for name in sorted(names) if (version := _version(name))}


def install_missing() -> None:
    """Install what the helpers lack with pip, and touch nothing that this kernel has loaded.

    Says what it installs before it does. What is loaded stays as it is, whatever version it has, and so does what is in
    `KEEP`: a version below the range is warned of. A restart is asked for only where something loaded is too old and a
    fresh kernel could replace it.

    Raises:
        RuntimeError: pip failed; its last lines are in the message.
    """
    loaded = loaded_packages()
    unmet = _unmet("vlaa-helpers")
    for text, name, held in unmet:
        if held and name in KEEP:
            logger.warning(f"{name} {held} is left as it is, and is not among the versions tested: {text}")
    stuck = [(text, name, held) for text, name, held in unmet if held and name in loaded and name not in KEEP]
    wanted = [text for text, name, held in unmet if held is None or not (name in loaded or name in KEEP)]
    if wanted:
        kept = {name: version for name in KEEP if (version := _version(name))}
        logger.info(f"installing {', '.join(wanted)}; {len(loaded.keys() | kept)} packages stay as they are")
        _pip_install(wanted, loaded | kept)
        importlib.invalidate_caches()
    elif not unmet:
        logger.info("every package is here")
    if stuck:
        old = ", ".join(f"{name} {held} (expected {text})" for text, name, held in stuck)
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
            "this cell first; see TROUBLESHOOTING.md, «Installing on Colab»."
        )
