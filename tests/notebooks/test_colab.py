"""The setup cell in a live kernel that looks like Colab's: what it installs, and that the series works after it.

`make test-colab` builds the environment (tests/colab.txt) anew and runs this; it needs a network, Python 3.13 and 6 GB
of disk, so the suite leaves it out. What the cell installs in there stays in there.
"""

import os
import queue
import re
from pathlib import Path

import pytest
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import KernelManager

from vlaa_helpers.dev.notebooks.files import SETUP_CELL
from vlaa_helpers.environment import KEEP

PYTHON = os.environ.get("VLAA_COLAB_PYTHON")
BEFORE = """
import sys, types
import numpy, pandas, matplotlib.pyplot, ipywidgets  # as Colab's kernel has loaded them; pandas brings pyarrow
sys.modules["google.colab"] = types.ModuleType("google.colab")
from importlib.metadata import distributions
def versions(): return {d.metadata["Name"].lower(): d.version for d in distributions()}
before = versions()
print("pyarrow" in sys.modules, "torchao" in sys.modules)
"""
AFTER = """
sys.modules.pop("google.colab", None)  # it has no spec, and accelerate asks for one
from vlaa_helpers.environment import loaded_packages
after, loaded = versions(), loaded_packages()
moved = sorted(name for name in before if after.get(name) != before[name])
print("changed  ", *(f"{name} {before[name]}->{after.get(name)}" for name in moved))
print("loaded   ", *(name for name in moved if name.replace("_", "-") in loaded))
print("installed", *sorted(f"{name}=={after[name]}" for name in after if name not in before))
"""
REPORT = """
from vlaa_helpers import report_environment
try:
    print(report_environment())
except RuntimeError as error:
    print("stopped:", error)
"""
SIXTEEN_BITS = """
from vlaa_helpers import get_profile, load_policy
model, _ = load_policy(get_profile("mini").replace(load_in_4bit=False))
print("adapters", sum(parameter.requires_grad for parameter in model.parameters()) > 0)
"""
VIEWER = """
from vlaa_helpers import make_scenes, view_records
records = make_scenes(8)
view_records(records)
"""
TRAINING = """
import torch
from vlaa_helpers import MixedReward, get_profile, load_policy, train_grpo
torch.set_num_threads(1)
profile = get_profile("mini").replace(prompts_per_step=2, num_generations=4)
model, processor = load_policy(profile)
trainer = train_grpo(
    model, processor, make_scenes(24), profile, reward_funcs=MixedReward(), max_steps=10, output_dir="runs/colab",
    save_strategy="no",
)
losses = [row["loss"] for row in trainer.state.log_history if "loss" in row]
print("steps", len(losses), "finite", bool(torch.tensor(losses).isfinite().all()))
"""


class Kernel:
    """A kernel of another environment, and what its cells say and show."""

    def __init__(self, python: str, folder: Path):
        self.manager = KernelManager()
        spec = KernelSpec(argv=[python, "-m", "ipykernel_launcher", "-f", "{connection_file}"], language="python")
        self.manager._kernel_spec = spec
        self.manager.start_kernel(cwd=str(folder))
        self.connect()

    def connect(self) -> None:
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=120)

    def run(self, code: str, seconds: float = 1200) -> tuple[str, list[dict]]:
        """What a cell prints, and the data of its outputs."""
        asked, said, shown = self.client.execute(code), [], []
        while True:
            try:
                message = self.client.get_iopub_msg(timeout=seconds)
            except queue.Empty:
                pytest.fail(f"nothing for {seconds} s; so far: {''.join(said)[-2000:]}")
            kind, content = message["msg_type"], message["content"]
            if message["parent_header"].get("msg_id") != asked:
                continue
            if kind == "stream":
                said.append(content["text"])
            elif kind in ("execute_result", "display_data"):
                shown.append(content["data"])
            elif kind == "error":
                pytest.fail("\n".join(content["traceback"])[-4000:] + "".join(said)[-2000:])
            elif kind == "status" and content["execution_state"] == "idle":
                return "".join(said), shown

    def restart(self) -> None:
        """As Runtime > Restart session does."""
        self.client.stop_channels()
        self.manager.restart_kernel(now=True)
        self.connect()

    def stop(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


@pytest.mark.colab
@pytest.mark.timeout(3600)
def test_the_cell_a_restart_a_viewer_and_ten_steps_in_a_kernel_like_colabs(root, tmp_path, capsys):
    """Only pyarrow is in the way there: with pandas loaded it cannot stay, and the cell says so and goes on."""
    cell = SETUP_CELL.replace("git+REPOSITORY", str(root))
    kernel = Kernel(str(Path(PYTHON).absolute()), tmp_path)
    try:
        assert kernel.run(BEFORE)[0].split() == ["True", "False"]
        first, _ = kernel.run(cell)
        changed, loaded, installed = kernel.run(AFTER)[0].splitlines()
        stopped, _ = kernel.run(REPORT)
        kernel.restart()
        kernel.run(BEFORE)
        second, _ = kernel.run(cell)
        again = kernel.run(AFTER)[0].splitlines()
        report, _ = kernel.run(REPORT)
        _, shown = kernel.run(VIEWER)
        adapters, _ = kernel.run(SIXTEEN_BITS)
        trained, _ = kernel.run(TRAINING)
    finally:
        kernel.stop()
    with capsys.disabled():
        print("", first, changed, loaded, installed, second, report, sep="\n")
    ask = "restart needed: "
    assert loaded.split() == ["loaded", "pyarrow"]
    assert "restart needed: pyarrow 18.1.0 became " in first and "needs pyarrow>=" in first
    assert "Runtime > Restart session" in first and stopped.startswith(f"stopped: {ask}pyarrow")
    assert {"torchao", "transformers", "peft"} <= {words.split(" ")[0] for words in re.findall(r"\S+ \S+->", changed)}
    kept = {re.sub("[-_.]+", "-", name) for name in KEEP}
    assert not kept & {re.sub("[-_.]+", "-", words.split(" ")[0]) for words in re.findall(r"\S+ \S+->", changed)}
    # the second time nothing is left to do
    assert ask not in second and "installing" not in second and [line.split()[1:] for line in again] == [[], [], []]
    assert "tested on Python" in second and "transformers 5." in report
    assert {"image/png", "application/vnd.jupyter.widget-view+json"} <= shown[-1].keys()
    assert "adapters True" in adapters.splitlines()  # warnings may come after it
    assert "steps 10 finite True" in trained.splitlines()
