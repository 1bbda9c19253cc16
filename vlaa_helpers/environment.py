"""What a notebook runs in: a short report for the reader, and on Colab the packages that are missing."""

import importlib
import importlib.metadata
import json
import logging
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

logger = logging.getLogger(__name__)

KEEP = ("torch", "torchvision", "numpy", "pillow", "pandas", "matplotlib", "ipywidgets", "scipy", "scikit-learn")
"""Never swapped where they are there, in whatever version: much that a hosted notebook has stands on them."""
BESIDE = {"torchao": ("peft", "torchao>=0.16")}
"""What the helpers do without, but must not find too old: who minds, and which versions that one takes. Beside an older
torchao peft 0.21 refuses adapters on 16-bit layers (`peft.import_utils.is_torchao_available`)."""
SHOWN = ("torch", "transformers", "trl", "peft", "bitsandbytes", "datasets")
TESTED_PYTHONS = ("3.11", "3.12", "3.13")
TESTED = {
    "accelerate": ("1.14", "1.15"),
    "bitsandbytes": ("0.50", "0.50"),
    "datasets": ("5.2", "5.2"),
    "filelock": ("3.32", "4.2"),
    "huggingface_hub": ("2.4", "2.4"),
    "ipywidgets": ("7.7", "8.1"),
    "jinja2": ("3.1", "3.1"),
    "math-verify": ("0.9", "0.9"),
    "matplotlib": ("3.10", "3.11"),
    "numpy": ("2.1", "2.5"),
    "openai": ("3.54", "3.54"),
    "pandas": ("2.2", "3.1"),
    "peft": ("0.21", "0.21"),
    "pillow": ("11.3", "13.0"),
    "pyyaml": ("6.0", "6.0"),
    "scikit-learn": ("1.6", "1.9"),
    "scipy": ("1.16", "1.18"),
    "torch": ("2.11", "2.15"),
    "torchvision": ("0.26", "0.29"),
    "tqdm": ("4.67", "4.70"),
    "transformers": ("5.23", "5.23"),
    "trl": ("1.16", "1.16"),
}
"""The lowest and the highest minor version of each package that tests were run on; of those between, not all were.

On the lowest SciPy, scikit-learn, accelerate, filelock and tqdm parts of the suite were run."""


_outlived: dict[str, str] = {}
"""What this process has loaded and `install_missing` replaced: package to a few words."""


def report_environment() -> str:
    """Python, the machine, its GPU if any, and the versions that matter: a few lines for the top of a notebook.

    Raises:
        RuntimeError: `install_missing` replaced something that this kernel has loaded, and it was not restarted since.
    """
    if _outlived:
        raise RuntimeError(_restart_advice().replace("this cell", "the setup cell, the first one,"))
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
        by: who needs it.
    """

    text: str
    name: str
    held: str | None
    by: str = "vlaa-helpers"


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


def _too_old_beside() -> list[Unmet]:
    from packaging.requirements import Requirement

    return [
        Unmet(text, name, held, by)
        for name, (by, text) in BESIDE.items()
        if (held := _version(name)) and not Requirement(text).specifier.contains(held, prereleases=True)
    ]


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
    """Install what the helpers lack with pip, and leave what this kernel has loaded as it is, where that can be.

    What is loaded, and what is in `KEEP`, keeps its version. Where no set of packages fits beside what is loaded, the
    loaded ones that cannot stay are updated, and a restart is asked for; the message says which, and why. Nothing else
    that is loaded changes, and of what is in `KEEP` nothing ever does: a version outside the range is warned of.

    Says what it installs before it does, and which versions were tested.

    Raises:
        RuntimeError: pip failed; its last lines are in the message.
    """
    unmet = [*unmet_requirements(), *_too_old_beside()]
    kept = [one for one in unmet if one.held and one.name in KEEP]
    wanted = [one for one in unmet if one not in kept]
    if wanted:
        _install(wanted)
    elif not unmet:
        logger.info("every package is here")
    for one in kept:
        logger.warning(f"{one.name} {one.held} is left as it is, and is not among the versions tested: {one.text}")
    _tell_tested(leave_out={one.name for one in kept})
    if _outlived:
        logger.warning(_restart_advice())


def _install(wanted: list[Unmet]) -> None:
    loaded = loaded_packages()
    texts = [one.text for one in wanted]
    reasons = {one.name: f"{one.by} needs {one.text}" for one in wanted if one.name in loaded}
    held = loaded | {name: version for name in KEEP if (version := _version(name))}
    held = {name: version for name, version in held.items() if name not in reasons}
    logger.info(f"installing {', '.join(texts)}; {len(held)} packages stay as they are")
    try:
        _pip_install(texts, held)
    except RuntimeError:
        plan = _pip_plan(texts, {name: version for name, version in held.items() if name in KEEP})
        cannot_stay = _reasons_to_move(plan, {name: held[name] for name in held if name in plan})
        if not cannot_stay:
            raise
        words = "; ".join(f"{name} {held[name]} ({why})" for name, why in cannot_stay.items())
        logger.info(f"beside what is loaded they do not fit, so this is updated too: {words}")
        _pip_install(texts, {name: version for name, version in held.items() if name not in cannot_stay})
        reasons |= cannot_stay
    importlib.invalidate_caches()
    for name, why in reasons.items():
        if (now := _version(name)) != loaded[name]:
            _outlived[name] = f"{name} {loaded[name]} became {now} ({why})"


def _restart_advice() -> str:
    return (
        f"restart needed: {'; '.join(_outlived.values())}. This session still has the old version loaded. Choose "
        "Runtime > Restart session once (on Kaggle: Run > Restart & Clear Cell Outputs), then run this cell again. "
        "Nothing else that was loaded has changed"
    )


def _reasons_to_move(plan: Mapping[str, tuple[str, list[str]]], held: Mapping[str, str]) -> dict[str, str]:
    """Of packages with the versions that they have: why each of them has another one in the plan."""
    from packaging.requirements import Requirement

    reasons: dict[str, list[str]] = {name: [] for name in held}
    for other, (version, requires) in plan.items():
        for requirement in map(Requirement, requires):
            name = _canonical(requirement.name)
            applies = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
            if applies and name in held and not requirement.specifier.contains(held[name], prereleases=True):
                reasons[name].append(f"{other} {version} needs {name}{requirement.specifier}")
    return {
        name: " and ".join(found) or f"the set that fits has {name} {plan[name][0]}" for name, found in reasons.items()
    }


def _tell_tested(leave_out: Iterable[str] = ()) -> None:
    """Say which minor versions were tested, and warn of what is here and below or beyond them."""
    from packaging.version import Version

    main = ", ".join(f"{name} {' to '.join(dict.fromkeys(TESTED[name]))}" for name in SHOWN)
    logger.info(f"tested on Python {', '.join(TESTED_PYTHONS)} with {main}")
    older, newer = [], []
    for name, (low, high) in TESTED.items():
        if _canonical(name) in leave_out or not (held := _version(name)):
            continue
        minor = Version(held).release[:2]
        if minor < Version(low).release:
            older.append(f"{name} {held} (from {low})")
        elif minor > Version(high).release:
            newer.append(f"{name} {held} (up to {high})")
    python = ".".join(platform.python_version_tuple()[:2])
    if python not in TESTED_PYTHONS:
        logger.warning(f"no test was run on Python {python}")
    for word, found in (("older", older), ("newer", newer)):
        if found:
            logger.warning(f"{word} than what was tested: {', '.join(found)}")


def _pip_install(wanted: Iterable[str], held: Mapping[str, str]) -> None:
    """Install with pip; what is held may not be moved, by no dependency either.

    Warns of what else is here and asked for other versions: that may not work any more.
    """
    said = _pip(wanted, held)
    others = [line for line in map(str.strip, said.splitlines()) if line.endswith("which is incompatible.")]
    others = [
        line for line in others if not line.startswith("vlaa-helpers ")
    ]  # of what is kept there is a word already
    if others:
        logger.warning(f"not needed here, and perhaps broken now: {' '.join(others)}")


def _pip_plan(wanted: Iterable[str], held: Mapping[str, str]) -> dict[str, tuple[str, list[str]]]:
    """What pip would install: canonical names to versions and requirements. Nothing is changed."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        _pip(wanted, held, "--dry-run", "--report", str(report))
        found = json.loads(report.read_text(encoding="utf-8"))["install"]
    parts = [one["metadata"] for one in found]
    return {_canonical(one["name"]): (one["version"], one.get("requires_dist", [])) for one in parts}


def _pip(wanted: Iterable[str], held: Mapping[str, str], *options: str) -> str:
    """Let pip install, and give what it said on stderr."""
    with tempfile.TemporaryDirectory() as folder:
        constraints = Path(folder) / "constraints.txt"
        constraints.write_text("".join(f"{name}=={version}\n" for name, version in sorted(held.items())))
        command = [sys.executable, "-m", "pip", "install", "-q", *wanted, "-c", str(constraints), *options]
        result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode:
        lines = [line for line in result.stderr.strip().splitlines() if not line.startswith("WARNING: ")]
        last = "\n".join(lines[-5:])
        raise RuntimeError(
            f"pip could not install {', '.join(wanted)} beside what is loaded:\n{last}\nRestart the session and run "
            "this cell first; see TROUBLESHOOTING.md, «Installing on Colab»."
        )
    return result.stderr
