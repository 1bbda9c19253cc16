"""Many runs of one program that are killed or end: each in a process forked from one that has imported what it needs.

A start then takes no time, and a kill is a kill: the process that is left holds nothing of a run.
"""

import json
import os
import signal
import subprocess
import sys
from typing import Any

import psutil  # comes with accelerate

FORKS = """
import json, os, sys

for line in sys.stdin:
    child = os.fork()
    if child == 0:
        os.dup2(2, 1)  # this program's standard output is for the two numbers below
        run(*json.loads(line))
        sys.stdout.flush()
        os._exit(0)
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


class Forks:
    """A program in a process of its own; use it with `with`.

    Args:
        program: Python that imports what is needed and defines `run(*arguments)`.
        options: of `subprocess.Popen`, as `cwd` and `env`; what runs print goes to `stderr`.
    """

    def __init__(self, program: str, **options: Any):
        self._process = subprocess.Popen(
            [sys.executable, "-c", program + FORKS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **options
        )
        self._child = 0

    def start(self, *arguments: Any) -> None:
        """Begin a run, the one before having ended."""
        self._process.stdin.write(json.dumps(arguments) + "\n")
        self._process.stdin.flush()
        self._child = int(self._process.stdout.readline())

    @property
    def running(self) -> bool:
        return psutil.pid_exists(self._child)

    def kill(self) -> int:
        """SIGKILL; the exit status, negative where the run was not over."""
        try:
            os.kill(self._child, signal.SIGKILL)
        except ProcessLookupError:
            pass
        return self.wait()

    def wait(self) -> int:
        """Let the run end; its exit status."""
        return int(self._process.stdout.readline())

    def __enter__(self) -> "Forks":
        return self

    def __exit__(self, *error: object) -> None:
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(timeout=60)
