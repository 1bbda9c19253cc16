"""Proves the package on one CUDA GPU: `make gpu`. JSON and a Markdown table for docs/measured.md.

python -m vlaa_helpers.dev.benchmarks.gpu_proof --folder runs/gpu

The gpu-marked tests; steps of SFT and GRPO of a 3B model with random weights, by us and by TRL, with the settings of
each GPU profile and no more memory than that card has, against the memory that was predicted (`card_step`), GRPO
without a KL term ("grpo") and with one ("grpo vlaa"); and the prefix benchmark (`shared_prefix --quick`). It ends with
1 where a test failed, a step did not fit its card, or memory was not as predicted (`what_is_wrong`).

Each part is a process of its own with a limit of time. What is done is in proof.json, and the same command goes on from
there. A profile whose card is larger than this one is left out. The model that it leaves in the folder (7.5 GB) can be
deleted.
"""

import argparse
import json
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from ...policy.memory_estimate import WITHIN

CARD_METHODS = [(card, method) for card in ("t4", "l4", "a100") for method in ("sft", "grpo", "grpo vlaa")]
"""The last is what `vlaa grpo --recipe vlaa`, chapters 4 and 7 train: with a KL term."""
NEEDED = "a CUDA GPU with 15 GB or more, 10 GB of disk and a checkout with its tests; nothing is downloaded"
LIMIT_S = 3600
MODULE = "vlaa_helpers.dev.benchmarks"


class PartFailed(RuntimeError):
    """A part of the proof did not give a result."""


# ---- the parts, each in a process of its own ----


def gpu_tests(folder: Path) -> dict[str, int]:
    """How many of the gpu-marked tests passed, failed and were skipped."""
    report = folder / "tests.xml"
    report.unlink(missing_ok=True)
    _run([sys.executable, "-m", "pytest", "-q", "-m", "gpu", f"--junitxml={report}"], passes=(0, 1))
    return read_junit(report)


def read_junit(report: Path) -> dict[str, int]:
    """Counts of a JUnit file of pytest's."""
    suite = ElementTree.parse(report).getroot().find("testsuite")
    if suite is None:
        raise PartFailed(f"{report} has no test suite; expected a JUnit file of pytest's. Run the tests again")
    count = {name: int(suite.get(name, 0)) for name in ("tests", "failures", "errors", "skipped")}
    failed = count["failures"] + count["errors"]
    return {"passed": count["tests"] - failed - count["skipped"], "failed": failed, "skipped": count["skipped"]}


def write_model(folder: Path) -> dict[str, int]:
    """Write a 3B model with random weights for the steps."""
    return json.loads(_run([*_itself(folder), "--part", "model"]))


def card_steps(folder: Path, card: str, method: str) -> dict[str, Any]:
    """Steps with the settings of a card: `card_step.measure_card`."""
    return json.loads(_run([*_itself(folder), "--part", card, method]))


def prefix(folder: Path) -> list[dict[str, Any]]:
    """A GRPO step with shared prompts against TRL's, in three cells."""
    out = folder / "shared_prefix.json"
    model = ["--model", str(folder / "model")]
    _run([sys.executable, "-m", f"{MODULE}.shared_prefix", "--gpu", "--quick", *model, "--out", str(out)])
    return json.loads(out.read_text())["cells"]


def _itself(folder: Path) -> list[str]:
    return [sys.executable, "-m", f"{MODULE}.gpu_proof", "--folder", str(folder)]


def _run(command: list[str], passes: tuple[int, ...] = (0,)) -> str:
    try:
        run = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=LIMIT_S)
    except subprocess.TimeoutExpired:
        raise PartFailed(f"took more than {LIMIT_S} s") from None
    if run.returncode not in passes:
        raise PartFailed(f"exit status {run.returncode}")
    return run.stdout


def _inside(part: list[str], folder: Path) -> dict[str, Any]:
    """What a process of a part does."""
    model = folder / "model"
    if part == ["model"]:
        from ...core.assets import MINI_VLMS
        from ...policy.loading import load_processor
        from ...policy.profiles import get_profile
        from .random_qwen import save_random_model

        processor = load_processor(get_profile("mini").replace(model=str(MINI_VLMS["mini"])))
        return {"parameters": save_random_model(model, processor, device="cuda")}
    from .card_step import measure_card

    card, method = part
    return measure_card(card, method, str(model))


# ---- the proof ----


def prove(folder: Path, *, card_gb: float) -> dict[str, Any]:
    """Run each part that `folder/proof.json` does not have yet, and write that after each.

    Args:
        card_gb: memory of this GPU in billions of bytes.

    Returns:
        `tests`, `steps` by "card method", `prefix`, and `failed`: for each part without a result, why. Parts that
        failed are run again by the next call.
    """
    from .card_step import CARD_GB

    out = folder / "proof.json"
    found = json.loads(out.read_text()) if out.exists() else {"steps": {}}
    found["failed"] = {}
    folder.mkdir(parents=True, exist_ok=True)

    def part(place: dict[str, Any], name: str, measure: Any, *arguments: Any) -> None:
        if name in place:
            return
        try:
            place[name] = measure(folder, *arguments)
        except PartFailed as error:
            found["failed"][name] = str(error)
        out.write_text(json.dumps(found, indent=1) + "\n")
        print(f"{name}: {found['failed'].get(name, 'done')}", file=sys.stderr)

    part(found, "tests", gpu_tests)
    part(found, "model", write_model)
    for card, method in CARD_METHODS:
        if CARD_GB[card] <= card_gb:
            part(found["steps"], f"{card} {method}", card_steps, card, method)
    part(found, "prefix", prefix)
    return found


def holds(found: dict[str, Any]) -> bool:
    """Whether nothing is wrong with a proof: see `what_is_wrong`."""
    return not what_is_wrong(found)


def what_is_wrong(found: dict[str, Any]) -> list[str]:
    """What keeps a proof from holding, a line each.

    Every part has to have a result. Tests: some passed, none failed. Steps: our own fit every card, one card at
    least, and what was predicted is within `WITHIN` of the peak that torch measured, above or below.
    """
    wrong = [f"{name}: no result ({why})" for name, why in found["failed"].items()]
    tests = found.get("tests")
    if tests and (tests["failed"] or not tests["passed"]):
        wrong.append(f"tests: {tests['passed']} passed, {tests['failed']} failed; expected some and none")
    if not found["steps"]:
        wrong.append("steps: none was measured; expected those of one card at least")
    wrong += [f"{name}: {why}" for name, step in found["steps"].items() if (why := _wrong_step(step))]
    broken = [cell for cell in found.get("prefix", []) if "error" in cell]
    return wrong + [f"shared prompts, {cell['cell']}: {cell['error']}" for cell in broken]


def _wrong_step(step: dict[str, Any]) -> str:
    ours, predicted = step["ours"], step["predicted_gib"]
    if "out_of_memory" in ours:
        return f"out of memory at {step['limit_gib']:.1f} GiB; predicted were {predicted:.1f}"
    if "allocated_gib" not in ours:
        return "its memory was not measured; expected torch's peak on a GPU"
    share = predicted / ours["allocated_gib"]
    if abs(share - 1) <= WITHIN:
        return ""
    return (
        f"{predicted:.1f} GiB predicted are {share:.2f} of the {ours['allocated_gib']:.1f} measured; expected "
        f"{1 - WITHIN:.2f} to {1 + WITHIN:.2f}"
    )


# ---- the table ----


def markdown(found: dict[str, Any]) -> str:
    """What was found, as README takes it: the card named, a table of steps, a table of shared prompts."""
    parts = [_heading(found), _steps_table(found["steps"])]
    if cells := found.get("prefix"):
        parts.append(_prefix_table(cells))
    if found["failed"]:
        parts.append("\n".join(f"- {name}: no result ({why})" for name, why in found["failed"].items()))
    return "\n\n".join(parts) + "\n"


def _heading(found: dict[str, Any]) -> str:
    machines = [step["machine"] for step in found["steps"].values()]
    tests = found.get("tests")
    ran = f"; {tests['passed']} gpu tests passed, {tests['failed']} failed" if tests else ""
    if not machines:
        return f"No step was measured{ran}."
    gpu, versions = machines[0], machines[0]["versions"]
    named = ", ".join(f"{name} {versions[name]}" for name in ("torch", "transformers", "trl", "bitsandbytes"))
    return (
        f"On one {gpu['gpu']} ({gpu['gpu_gib']} GiB), {named}{ran}. Steps of a 3B model with random weights by the "
        "settings of each profile, with no more memory than its card has; the times are this GPU's."
    )


def _steps_table(steps: dict[str, dict[str, Any]]) -> str:
    columns = ("profile", "step", "passes", "limit", "predicted", "measured", "measured/predicted", "TRL's")
    columns += ("seconds", "TRL's seconds")
    rows = [_step_row(name, step) for name, step in steps.items()]
    return _table(columns, rows)


def _step_row(name: str, step: dict[str, Any]) -> list[str]:
    ours, trl = step["ours"], step["trl"]
    over = f"{ours['allocated_gib'] / step['predicted_gib']:.2f}" if "allocated_gib" in ours else "-"
    return [
        *name.split(" ", 1), step["settings"], f"{step['limit_gib']:.1f} GiB", f"{step['predicted_gib']:.1f} GiB",
        _memory(ours), over, _memory(trl), _seconds(ours), _seconds(trl),
    ]  # fmt: skip


def _memory(arm: dict[str, Any]) -> str:
    return f"{arm['allocated_gib']:.1f} GiB" if "allocated_gib" in arm else "out of memory"


def _seconds(arm: dict[str, Any]) -> str:
    return f"{arm['median_step_s']:.2f}" if "median_step_s" in arm else "-"


def _prefix_table(cells: list[dict[str, Any]]) -> str:
    rows = []
    for part in cells:
        cell = part["cell"]
        size = [str(part.get("prompt_tokens", "-")), str(cell["generations"]), str(cell["completion"])]
        if "error" in part:
            rows.append([*size, part["error"], "-", "-"])
            continue
        ours, trl = (f"{part['arms'][arm]['median_step_s']:.2f}" for arm in ("ours", "trl"))
        against = part["ours_over"]["trl"]
        low, high = against["ratio_interval_95"]
        rows.append([*size, ours, trl, f"{against['ratio']:.2f} ({low:.2f} to {high:.2f})"])
    return _table(("prompt tokens", "generations", "completion", "seconds", "TRL's", "ratio (95%)"), rows)


def _table(columns: tuple[str, ...], rows: list[list[str]]) -> str:
    lines = [columns, ("---",) * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=Path("runs/gpu"), help="default: %(default)s")
    parser.add_argument("--part", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    import torch

    if not torch.cuda.is_available():
        print(f"gpu_proof: torch {torch.__version__} sees no GPU here; needed: {NEEDED}", file=sys.stderr)
        sys.exit(2)
    folder = options.folder.resolve()
    if options.part:
        with redirect_stdout(sys.stderr):  # TRL's trainer prints every log
            found = _inside(options.part, folder)
        print(json.dumps(found))
        return
    found = prove(folder, card_gb=torch.cuda.get_device_properties(0).total_memory / 1e9)
    text = markdown(found)
    (folder / "table.md").write_text(text)
    print(text)
    if wrong := what_is_wrong(found):
        listed = "\n".join(f"  {line}" for line in wrong)
        sys.exit(
            f"gpu_proof: not all of it holds.\n{listed}\nThe same command runs again what has no result. Which tests "
            f"failed is in {folder / 'tests.xml'}; to run all parts again, give another --folder"
        )


if __name__ == "__main__":
    main()
