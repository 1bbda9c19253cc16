"""A limit of CPU time for a piece of a test."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def cpu_budget(seconds: float) -> Iterator[None]:
    """Fail what takes this much CPU time of the process, at once, even inside a regular expression.

    For work that must be linear in its text: give twenty times what it takes and a text so long that quadratic work
    takes far more. Only CPU time counts, so a busy machine does not matter. How fast things are is measured in
    `vlaa_helpers.dev.benchmarks.throughput`, not in tests.
    """

    def stop(*_: object) -> None:
        raise AssertionError(f"not done after {seconds:g} s of CPU time: its work grows faster than its text")

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
