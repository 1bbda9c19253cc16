"""A process that only compares mathematics, so that one which takes too long can be ended: see `math_compare`.

Reads lines of JSON [gold, said, seconds] and answers each with "same", "different", "unreadable" or "bad_gold". It is
run as a file, imports nothing of the package, and may use no more than `MEMORY` bytes.
"""

import json
import logging
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

MEMORY = 2 * 2**30


class TooLong(BaseException):
    """Not an Exception: Math-Verify and SymPy catch those and go on."""


@contextmanager
def alarm(seconds: float) -> Iterator[None]:
    """Raises `TooLong` in it after so many seconds, and again shortly after if that was caught. Needs Unix."""
    if not hasattr(signal, "setitimer"):
        yield
        return
    signal.signal(signal.SIGALRM, _ring)
    signal.setitimer(signal.ITIMER_REAL, seconds, 0.05)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _ring(*_: object) -> None:
    raise TooLong


def main() -> None:
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    except (ImportError, ValueError, OSError):  # Windows, or a lower limit already
        pass
    import math_verify

    logging.getLogger("math_verify").setLevel(logging.CRITICAL)  # it warns that no timeout is set: that is on purpose

    @lru_cache(maxsize=4096)
    def read(text: str) -> list:
        try:
            return math_verify.parse(f"${text}$", parsing_timeout=None)
        except Exception:  # SymPy raises nearly anything on odd input
            return []

    def compare(gold: str, said: str) -> str:
        if not read(gold):
            return "bad_gold"
        if not read(said):
            return "unreadable"
        try:
            same = math_verify.verify(read(gold), read(said), timeout_seconds=None)
        except Exception:
            return "different"
        return "same" if same else "different"

    print("ready", flush=True)
    for line in sys.stdin:
        gold, said, seconds = json.loads(line)
        try:
            with alarm(seconds):
                verdict = compare(gold, said)
        except (TooLong, MemoryError, RecursionError):
            verdict = "unreadable"
        print(verdict, flush=True)


if __name__ == "__main__":
    main()
