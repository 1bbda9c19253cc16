"""Takes a Qwen2.5-VL-3B of the true size with random weights through everything on a CPU; JSON and a table.

python -m vlaa_helpers.dev.benchmarks.true_size
python -m vlaa_helpers.dev.benchmarks.true_size --quick

Written, loaded in NF4, two steps of SFT and of GRPO by us and by TRL, merged and loaded again (`true_size_stages`). It
writes found.json after each stage, and the same command goes on where it stopped. It needs Linux and 16 GB of disk;
--quick takes two layers of each kind and fewer words.
"""

import argparse
import json
import os
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from .harness import machine
from .shared_prefix import GIVES_BACK
from .true_size_stages import CLEAR, STAGES, compare, run_stage


def run_stages(folder: Path, *, quick: bool) -> dict[str, Any]:
    """Run each stage that `folder/found.json` does not have yet, in a process of its own, and write that after each.

    Raises:
        ValueError: the folder holds the stages of another size.
        RuntimeError: a stage failed.
    """
    out = folder / "found.json"
    found = json.loads(out.read_text()) if out.exists() else {"machine": machine(), "quick": quick, "stages": {}}
    if found["quick"] != quick:
        raise ValueError(f"{out} is of a run {'with' if found['quick'] else 'without'} --quick; give another --folder")
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "vlaa_helpers.dev.benchmarks.true_size", "--folder", str(folder)]
    for name in STAGES:
        if name in found["stages"]:
            continue
        run = subprocess.run(
            [*command, *(["--quick"] if quick else []), "--stage", name],
            stdout=subprocess.PIPE, text=True, env=os.environ | GIVES_BACK,
        )  # fmt: skip
        if run.returncode:
            raise RuntimeError(
                f"the stage {name} failed with exit status {run.returncode} (-9: out of memory); what it said is "
                "above. The same command goes on from there"
            )
        found["stages"][name] = json.loads(run.stdout)
        out.write_text(json.dumps(found, indent=1) + "\n")
        print(_line(name, found["stages"][name]), file=sys.stderr)
    found["checks"] = compare(found["stages"])
    out.write_text(json.dumps(found, indent=1) + "\n")
    return found


def table(found: dict[str, Any]) -> str:
    """The processor (where the run noted it), the stages and the checks of a run as text."""
    cpu = found.get("machine", {}).get("cpu_model")  # runs before it was noted have none
    lines = [f"processor: {cpu}"] if cpu else []
    lines += [f"{'stage':<10}{'seconds':>9}{'peak GiB':>10}{'measured':>10}{'predicted':>11}  loss"]
    lines += [_line(name, stage) for name, stage in found["stages"].items()]
    lines += [
        f"{'ok' if c['holds'] else 'NOT':<4}{c['what']}: {c['value']:.2g} (limit {c['limit']:g})"
        for c in found["checks"]
    ]
    return "\n".join(lines)


def _line(name: str, stage: dict[str, Any]) -> str:
    measured, predicted = (f"{stage[key]:.2f}" if key in stage else "" for key in ("measured_gib", "predicted_gib"))
    losses = "  ".join(f"{loss:.6f}" for loss in stage.get("loss", []))
    return (
        f"{name:<10}{stage['seconds']:>9.1f}{stage['peak_gib']:>10.2f}{measured:>10}{predicted:>11}  {losses}".rstrip()
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=Path("runs/true_size"), help="default: %(default)s")
    parser.add_argument("--quick", action="store_true", help="true width, two layers of each kind, 16,384 words")
    parser.add_argument("--stage", help=argparse.SUPPRESS)
    options = parser.parse_args()
    folder = options.folder.resolve()
    if not CLEAR.exists():
        sys.exit(f"true_size: no {CLEAR} here; it needs Linux, which tells how much memory a process takes")
    if options.stage:
        with redirect_stdout(sys.stderr):  # TRL's trainer prints every log
            found = run_stage(options.stage, folder, quick=options.quick)
        print(json.dumps(found))
        return
    try:
        found = run_stages(folder, quick=options.quick)
    except (RuntimeError, ValueError) as error:
        sys.exit(f"true_size: {error}")
    print(table(found))
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    print(f"{folder}: {size / 1e9:.1f} GB; found.json is all that is worth keeping", file=sys.stderr)
    sys.exit(0 if all(check["holds"] for check in found["checks"]) else 1)


if __name__ == "__main__":
    main()
