"""Studies without a model: a stage that naps and writes down what it does, so that runs and kills are cheap.

As a program, `standin_study.py FILE OUT KILLS`, it runs a study again and again, kills it (SIGKILL) at random moments,
lets the last run end, and prints what each run began to do and what was done before it, as JSON.
"""

import json
import os
import signal
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import ClassVar

from vlaa_helpers.policy.profiles import Profile
from vlaa_helpers.study.arms import DRAFT, Lab, Stage, later
from vlaa_helpers.study.ledger import RowFiles
from vlaa_helpers.study.reward_parts import Part
from vlaa_helpers.study.runner import run_arms
from vlaa_helpers.study.stages import STAGES, register_stage
from vlaa_helpers.study.study_file import load_study
from vlaa_helpers.study.training import is_trained, notes_of

NAP = 0.02


@dataclass(frozen=True)
class Nap(Stage):
    number: int
    reward: tuple[Part, ...] = later(())

    what: ClassVar[str] = "nap"

    @classmethod
    def read(cls, node, given):
        at = node.fields("number", "reward", needs=("number",))
        return cls(at["number"].count(), given.rewards[at["reward"].choice(given.rewards)] if "reward" in at else ())

    def step_count(self, profile):
        return self.number

    def train(self, arm, lab, folder, start):
        note(lab, "train", arm)
        time.sleep(NAP)
        before = (start / "weights").read_text() if start else ""
        (folder / DRAFT).mkdir()
        (folder / DRAFT / "weights").write_text(f"{before}+{self.number}")
        time.sleep(NAP)
        return {"seconds": 60.0 * self.number, "samples": self.number, "tokens": 10 * self.number}


def rows(arm, measures, lab):
    note(lab, "ask", arm)
    time.sleep(NAP)
    return [{"set": measure.held, "source": "all", "n": 1 + len(arm.way())} for measure in measures]


def note(lab, what, arm):
    """Write down what begins, in one write: a kill leaves a whole line or none."""
    file = os.open(lab.runs / "notes.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    line = json.dumps([what, arm.name, arm.seed, os.getpid()]) + "\n"
    os.write(file, line.encode())
    os.close(file)


def noted(lab):
    """What began, in order: `[what, arm, seed, process]`."""
    path = lab.runs / "notes.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def standin(file, out):
    """The study of a file, measured without a model, and its lab; `out` also holds what stands for weights."""
    if "nap" not in STAGES:
        register_stage(Nap)
    told = load_study(file)
    out.mkdir(parents=True, exist_ok=True)
    (out / "model.safetensors").write_bytes(b"weights")
    profile = Profile("mini", str(out), "mini", "cpu", "float32", 112 * 112)
    return replace(told.study, rows=rows), Lab(dict.fromkeys(told.profiles, profile), out, out)


def run(file, out):
    study, lab = standin(file, out)
    run_arms(study, lab, RowFiles())
    return RowFiles().table(study, lab)


def _state(study, lab):
    """Arms whose adapter is there, and arms whose rows are."""
    stages = {(each.name, each.seed): each for arm in study.arms for each in arm.way()}
    trained = [key for key, each in stages.items() if is_trained(each, lab) and notes_of(each, lab)]
    return {"train": trained, "ask": [(a.name, a.seed) for a in study.arms if RowFiles().has(study, a, lab)]}


def kill_often(file, out, kills):
    """Fork, run, kill, look; the study must be too long to be over before the last kill."""
    study, lab = standin(file, out)
    rng, rounds = Random(0), []
    for k in range(kills + 1):
        before, begun = _state(study, lab), len(noted(lab))
        child = os.fork()
        if child == 0:
            run_arms(study, lab, RowFiles())
            os._exit(0)
        if k < kills:
            while len(noted(lab)) == begun:
                time.sleep(0.001)
            time.sleep(rng.uniform(0, 8 * NAP))
            os.kill(child, signal.SIGKILL)
        status = os.waitpid(child, 0)[1]
        rounds.append({"done": before, "began": noted(lab)[begun:], "killed": os.WIFSIGNALED(status)})
    return rounds


if __name__ == "__main__":
    print(json.dumps(kill_often(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))))
