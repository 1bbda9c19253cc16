import contextlib
import os
import shutil
import signal
import threading
from pathlib import Path

import psutil
import pytest

from vlaa_helpers.rewards import math_compare as mathematics
from vlaa_helpers.rewards import math_relations
from vlaa_helpers.rewards.math_compare import by_math_verify, compare, one_time_limit
from vlaa_helpers.rewards.math_formula import read_formula


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
    ],
)
def test_verdicts(gold, said, verdict):
    assert compare(gold, said) == verdict


@pytest.mark.timeout(60)
@pytest.mark.parametrize("said", ["9^{9^{9}}", "(99!)!", r"\prod_{i=1}^{99999} i", "(x+y+z+w)^{99}"])
def test_nothing_goes_on_past_the_limit(said):
    assert by_math_verify("5", "6") == "different"  # the process is up
    process = psutil.Process(mathematics._worker._process.pid)
    before = sum(process.cpu_times()[:2])
    assert compare("x + 5", said) in ("unreadable", "different")
    with contextlib.suppress(psutil.NoSuchProcess):  # the system has ended it
        assert sum(process.cpu_times()[:2]) - before < mathematics.TIME_LIMIT + 0.2
    assert by_math_verify("2x + 1", "1 + 2x") == "same"  # and the next one is served


def test_that_it_took_too_long_is_not_kept_but_a_verdict_is(monkeypatch):
    answers = ["too_long", "same", "different"]
    monkeypatch.setattr(mathematics, "by_math_verify", lambda *_: answers.pop(0))
    asked = [compare(r"\sin(77x)", r"\sin(x77)") for _ in range(3)]
    assert asked == ["unreadable", "same", "same"]


def test_what_took_too_long_twice_is_not_tried_again(monkeypatch):
    answers = ["too_long", "too_long", "same"]
    monkeypatch.setattr(mathematics, "by_math_verify", lambda *_: answers.pop(0))
    assert [compare(r"\sin(78x)", r"\sin(x78)") for _ in range(4)] == ["unreadable"] * 4
    assert answers == ["same"]


@pytest.mark.timeout(60)
def test_one_answer_has_one_time_limit(monkeypatch):
    """Of many parts that each take too long one is tried, and that the others had no time is not kept."""
    given = []

    def ask(worker, gold, said, kind, seconds):
        given.append(seconds)
        return "same 0.3" if len(given) < 3 else f"too_long {seconds}"

    monkeypatch.setattr(mathematics._Worker, "ask", ask)
    with one_time_limit():
        verdicts = [compare(r"\sin(80x)", rf"\sin(x80) + {k}") for k in range(8)]
    assert verdicts == ["same", "same"] + ["unreadable"] * 6
    assert given == pytest.approx([1.0, 0.7, 0.4])
    assert compare(r"\sin(80x)", r"\sin(x80) + 7") == "unreadable" and given[-1] == 1.0


def test_parts_behind_one_that_fails_are_not_compared(monkeypatch):
    asked = []
    monkeypatch.setattr(math_relations, "compare", lambda gold, said, *_: asked.append(said) or "unreadable")
    for gold, said in (("5", r"x = 9^{9^{9}} = 9^{9^{8}} = 8^{9^{9}}"), ("x = 3, y = 4", r"9^{9^{9}}, 9^{9^{8}}")):
        asked.clear()
        assert math_relations.same_formula(read_formula(gold), read_formula(said)) == "unreadable"
        assert asked == ["9^{9^{9}}"]


def test_time_on_the_clock_does_not_count(monkeypatch):
    """The process is stopped for longer than its limit: its verdict is the same as ever."""
    assert by_math_verify("5", "6") == "different"
    pid = mathematics._worker._process.pid
    os.kill(pid, signal.SIGSTOP)
    threading.Timer(1.5 * mathematics.TIME_LIMIT, os.kill, (pid, signal.SIGCONT)).start()
    assert by_math_verify(r"\frac{1}{2}", "0.5") == "same"
    assert mathematics._worker._process.pid == pid


def test_a_process_that_never_answers_is_given_up(monkeypatch):
    assert by_math_verify("5", "6") == "different"
    monkeypatch.setattr(mathematics, "STALL_LIMIT", 0.5)
    os.kill(mathematics._worker._process.pid, signal.SIGSTOP)
    assert by_math_verify("5", "7") == "too_long"
    monkeypatch.undo()
    assert by_math_verify("5", "5.0") == "same"


def test_plain_polynomials_need_no_process(monkeypatch):
    monkeypatch.setattr(mathematics, "by_math_verify", lambda *_: pytest.fail("asked Math-Verify"))
    assert compare("41x + 1", "1 + 41x") == "same"
    assert compare("41x + 1", "41x - 1") == "different"


def test_a_process_that_was_killed_is_replaced():
    by_math_verify("1", "2")
    mathematics._worker._process.kill()
    mathematics._worker._process.wait()
    assert by_math_verify("3y", "y * 3") in ("same", "too_long")
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
    assert worker.ask("5", "5.0", "expression", 1.0).startswith("same ")
    worker.end()


def test_a_start_that_fails_says_what_to_try(monkeypatch):
    monkeypatch.setattr(mathematics.sys, "executable", "/bin/false")
    with pytest.raises(RuntimeError, match="did not start; try: /bin/false -c 'import math_verify'"):
        mathematics._Worker().ask("1", "1", "expression", 1.0)
