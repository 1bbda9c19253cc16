import os
import queue
import shutil
import threading
from pathlib import Path

import pytest

from vlaa_helpers.rewards import math_compare as mathematics
from vlaa_helpers.rewards.math_compare import by_math_verify, compare


@pytest.fixture(scope="module", autouse=True)
def warm():
    """SymPy takes a second to import; that is not what is timed."""
    assert by_math_verify("5", "5.0") == "same"


@pytest.mark.parametrize(
    ("gold", "said", "verdict"),
    [
        ("2x + 1", "1 + 2x", "same"),
        ("2x + 1", "1 - 2x", "different"),
        (r"\frac{1}{2}", "0.5", "same"),
        ("x^2", "", "unreadable"),
        ("", "x", "bad_gold"),
        ("x", "x" * 501, "unreadable"),
        ("5", "5\n6", "different"),
    ],
)
def test_verdicts(gold, said, verdict):
    assert compare(gold, said) == verdict


@pytest.mark.timeout(60)
@pytest.mark.parametrize("said", ["9^{9^{9}}", "9**9**9", "(99!)!", r"\prod_{i=1}^{99999} i", "(x+y+z+w)^{99}"])
def test_nothing_goes_on_past_the_limit(said, monkeypatch):
    waited, get = [], queue.Queue.get
    compare.cache_clear()
    assert by_math_verify("5", "6") == "different"  # the process is up
    monkeypatch.setattr(queue.Queue, "get", lambda *args, **wait: waited.append(wait) or get(*args, **wait))
    assert compare("x + 5", said) in ("unreadable", "different")
    assert waited in ([], [{"timeout": mathematics.TIME_LIMIT}]) and mathematics.TIME_LIMIT <= 1
    assert by_math_verify("2x + 1", "1 + 2x") == "same"  # and the next one is served


def test_plain_polynomials_need_no_process(monkeypatch):
    monkeypatch.setattr(mathematics, "by_math_verify", lambda *_: pytest.fail("asked Math-Verify"))
    assert compare("41x + 1", "1 + 41x") == "same"
    assert compare("41x + 1", "41x - 1") == "different"


def test_a_process_that_was_killed_is_replaced():
    by_math_verify("1", "2")
    mathematics._worker._process.kill()
    mathematics._worker._process.wait()
    assert by_math_verify("3y", "y * 3") in ("same", "unreadable")
    assert by_math_verify("4y", "y * 4") == "same"


def test_from_many_threads_each_gets_its_own_answer():
    verdicts = {}

    def ask(k):
        verdicts[k] = by_math_verify(f"{k}z + 1", f"1 + {k if k % 2 else k + 1}z")

    threads = [threading.Thread(target=ask, args=(k,)) for k in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert verdicts == {k: "same" if k % 2 else "different" for k in range(20)}


def test_a_forked_child_starts_its_own():
    by_math_verify("7", "7")
    mine = mathematics._worker
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writer, by_math_verify("8w", "w * 8").encode())
        mathematics._end()
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reader, 20) == b"same"
    assert by_math_verify("9w", "w * 9") == "same" and mathematics._worker is mine


def test_a_module_beside_the_process_hides_none_of_the_standard_library(monkeypatch, tmp_path):
    shutil.copy(Path(mathematics.__file__).with_name("math_worker.py"), tmp_path)
    (tmp_path / "json.py").write_text("raise SystemExit('the wrong json')")
    monkeypatch.setattr(mathematics, "__file__", str(tmp_path / "math_compare.py"))
    worker = mathematics._Worker()
    assert worker.ask("5", "5.0") == "same"
    worker.end()


def test_a_start_that_fails_says_what_to_try(monkeypatch):
    monkeypatch.setattr(mathematics.sys, "executable", "/bin/false")
    with pytest.raises(RuntimeError, match="did not start; try: /bin/false -c 'import math_verify'"):
        mathematics._Worker().ask("1", "1")
