"""No verdict depends on how busy the machine is: the limit of a comparison is processor time."""

import subprocess
import sys

import pytest

from vlaa_helpers.rewards.math_compare import by_math_verify

PAIRS = [
    (r"\frac{1}{2}", "0.5", "expression"),
    (r"\sin(2x)", r"2\sin(x)\cos(x)", "expression"),
    (r"\sqrt{18}", r"3\sqrt{2}", "expression"),
    ("(x+y+z)^{8}", "(z+y+x)^{8}", "expression"),
    ("(x+y+z)^{6}", "(x+y-z)^{6}", "expression"),
    (r"\int_0^1 x^2 dx", r"\frac{1}{3}", "expression"),
    (r"y - \frac{x}{2}", "2y - x", "equation"),
    (r"y - \sin(x)", r"y + \sin(x)", "equation"),
    ("x + 5", r"\begin{pmatrix}1&2\\3&4\end{pmatrix}", "expression"),
    ("x + 5", "9^{9^{9^{9}}}", "expression"),
]


@pytest.mark.timeout(120)
def test_six_busy_processes_change_no_verdict():
    assert by_math_verify("5", "5.0") == "same"  # the process has started
    alone = [by_math_verify(*pair) for pair in PAIRS]
    assert {"same", "different", "too_long"} == set(alone)
    busy = [subprocess.Popen([sys.executable, "-S", "-c", "while True: pass"]) for _ in range(6)]
    try:
        assert by_math_verify("5", "5.0") == "same"  # started again, after the one that took too long
        assert [by_math_verify(*pair) for pair in PAIRS] == alone
    finally:
        for process in busy:
            process.kill()
            process.wait()
