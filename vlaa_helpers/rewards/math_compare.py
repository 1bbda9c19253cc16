"""Whether two pieces of mathematics are the same, by Math-Verify, with a bound on work that nothing gets around.

Math-Verify's own timeouts are signals, which work only in the main thread and fail silently elsewhere. Here it runs in
a process of its own, which interrupts itself when a comparison takes too much processor time, and which the system
ends when it cannot. Time on the clock does not count, so a busy machine changes no verdict. Plain polynomials never
get there: `polynomials` decides them.
"""

import atexit
import contextlib
import json
import os
import queue
import shlex
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path

from .math_sets import set_verdict
from .polynomials import same_polynomial

TIME_LIMIT = 1.0
"""Seconds of processor time that one comparison may take, and all those of one answer together."""
LEAST_TIME = 0.05
"""Seconds of processor time without which no comparison is begun."""
START_LIMIT = 120.0
"""Seconds on the clock that the process may take to start: importing SymPy takes one or two on a free machine."""
STALL_LIMIT = 120.0 if hasattr(signal, "setitimer") else TIME_LIMIT
"""Seconds on the clock after which a process that does not answer is given up, on Windows the only limit."""


class _Worker:
    """One process, and a thread that collects its answers so that waiting for them can have an end."""

    def __init__(self) -> None:
        self.owner = os.getpid()
        self._process = subprocess.Popen(
            # -P: the modules beside it must not hide those of the standard library, or what SymPy imports
            [sys.executable, "-P", str(Path(__file__).with_name("math_worker.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
        )
        self._answers: queue.Queue[str] = queue.Queue()
        self._is_ready = False
        threading.Thread(target=self._collect, daemon=True).start()

    def _collect(self) -> None:
        for line in self._process.stdout:
            self._answers.put(line.strip())
        self._answers.put("")  # it has ended

    def ask(self, gold: str, said: str, kind: str, seconds: float) -> str | None:
        """The verdict and its seconds, or None: the process is gone, or does not answer. It is of no use after that."""
        try:
            if not self._is_ready and self._answers.get(timeout=START_LIMIT) != "ready":
                raise RuntimeError(
                    "the process that runs Math-Verify did not start; try: "
                    f"{shlex.quote(sys.executable)} -c 'import math_verify'"
                )
            self._is_ready = True
            self._process.stdin.write(json.dumps([kind, gold, said, seconds]) + "\n")
            self._process.stdin.flush()
            return self._answers.get(timeout=STALL_LIMIT) or None
        except (queue.Empty, BrokenPipeError):
            return None

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        with contextlib.suppress(OSError):  # what was not read yet cannot be flushed any more
            self._process.stdin.close()


_lock = threading.Lock()
_worker: _Worker | None = None
_lost: ContextVar[list[str]] = ContextVar("comparisons whose process was lost")
_left: ContextVar[list[float]] = ContextVar("seconds of processor time that are left for an answer")


@contextlib.contextmanager
def one_time_limit() -> Iterator[None]:
    """All comparisons in it share one `TIME_LIMIT`; when it is used up, the next ones are "unreadable" at once."""
    token = _left.set([TIME_LIMIT])
    try:
        yield
    finally:
        _left.reset(token)


@contextlib.contextmanager
def lost_processes() -> Iterator[list[str]]:
    """A list of the comparisons in it whose process was gone, or did not answer: another try may reach a verdict."""
    lost: list[str] = []
    token = _lost.set(lost)
    try:
        yield lost
    finally:
        _lost.reset(token)


class _TooLong(Exception):
    """No verdict was reached: another try may reach one, so this is kept only when it took too long `TRIES` times."""


TRIES = 2
_too_long: Counter[tuple[str, str, str]] = Counter()


def compare(gold: str, said: str, kind: str = "expression") -> str:
    """ "same", "different", "unreadable" (`said` is no mathematics, or too much of it), or "bad_gold".

    From any thread; one comparison at a time. The first that is no plain polynomial waits for SymPy to be imported.
    Verdicts are kept; that a comparison took too long only when it did twice.

    Args:
        kind: "expression"; "equation": `gold = 0` and `said = 0` are the same equation but for a factor; "inequality":
            so are `gold > 0` and `said > 0`, for a positive one; or "readable": `gold` can be read and worked out,
            whatever `said` is.

    >>> compare("2x + 1", "1 + 2x"), compare("0.5", r"\\frac{1}{2}")
    ('same', 'same')
    """
    asked = gold, said, kind
    if _too_long and _too_long[asked] >= TRIES:
        return "unreadable"
    has_all_its_time = _seconds_left() == TIME_LIMIT
    try:
        return _kept_verdict(*asked)
    except _TooLong:
        if len(_too_long) >= 4096:
            _too_long.clear()
        _too_long[asked] += has_all_its_time
        return "unreadable"


def _seconds_left() -> float:
    left = _left.get(None)
    return left[0] if left else TIME_LIMIT


@lru_cache(maxsize=65_536)
def _kept_verdict(gold: str, said: str, kind: str) -> str:
    if kind == "expression" and (quick := same_polynomial(gold, said)) is not None:
        return "same" if quick else "different"
    if kind in ("expression", "readable") and (sets := set_verdict(gold, gold if kind == "readable" else said)):
        return sets
    verdict = by_math_verify(gold, said, kind)
    if verdict == "too_long":
        raise _TooLong
    return verdict


def by_math_verify(gold: str, said: str, kind: str = "expression") -> str:
    """The same verdicts, always from the other process, and "too_long" where it reached none."""
    global _worker
    seconds = _seconds_left()
    if seconds < LEAST_TIME:
        return "too_long"
    with _lock:
        if _worker is None or _worker.owner != os.getpid():  # after a fork the process belongs to the parent
            _worker = _Worker()
        answer = _worker.ask(gold, said, kind, seconds)
        if answer is None:
            _lost.get([]).append(said)
            _worker.end()
            _worker = _Worker()  # starts while the caller goes on
    verdict, _, spent = (answer or f"too_long {seconds}").partition(" ")
    if left := _left.get(None):
        left[0] -= seconds if verdict == "too_long" else float(spent)
    return verdict


@atexit.register
def _end() -> None:
    if _worker is not None and _worker.owner == os.getpid():
        _worker.end()
