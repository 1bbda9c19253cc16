"""The benchmarks by name: seven that come with the package, and those that a reader adds."""

import inspect
import re

from .ai2d import AI2D
from .base import Benchmark
from .chartqa import CHARTQA
from .logicvista import LOGICVISTA
from .mathverse import MATHVERSE
from .mathvision import MATHVISION
from .mathvista import MATHVISTA
from .wemath import WEMATH

BUILT_IN = (MATHVISTA, MATHVISION, MATHVERSE, WEMATH, LOGICVISTA, CHARTQA, AI2D)
_registered = {benchmark.name: benchmark for benchmark in BUILT_IN}


def benchmark_names() -> tuple[str, ...]:
    """The names of all benchmarks, the package's own first, then in the order of registration."""
    return tuple(_registered)


def get_benchmark(name: str) -> Benchmark:
    """The benchmark of this name.

    Raises:
        ValueError: there is none; says which there are.
    """
    if name not in _registered:
        raise ValueError(
            f"unknown benchmark {name!r}; expected one of {', '.join(_registered)}. "
            "For one of your own: register_benchmark(Benchmark(…))"
        )
    return _registered[name]


def register_benchmark(benchmark: Benchmark) -> None:
    """Make a benchmark known to `load_benchmark` and `vlaa evaluate`.

    Registering one of your own again replaces it, so a notebook's cell may be run twice. The package's own stay.

    Raises:
        ValueError: the name is a built-in benchmark's, or has other characters than small letters, digits and "_".
        TypeError: no `Benchmark`, or its `read` cannot be called with one row.

    >>> from vlaa_helpers import Item
    >>> def read(row):
    ...     return Item(row["id"], row["image"], row["question"], row["answer"], "digit")
    >>> columns = ("id", "image", "question", "answer")
    >>> register_benchmark(Benchmark("my_counts", "me/counts", "*.parquet", columns, read))
    >>> get_benchmark("my_counts").repository
    'me/counts'
    """
    if not isinstance(benchmark, Benchmark):
        raise TypeError(f"expected a Benchmark, got {benchmark!r:.60}; write register_benchmark(Benchmark(…))")
    name = benchmark.name
    if name in {built_in.name for built_in in BUILT_IN}:
        raise ValueError(f"the name {name!r} is taken by a built-in benchmark; give yours another, such as 'my_{name}'")
    if not isinstance(name, str) or not re.fullmatch("[a-z0-9_]+", name):
        raise ValueError(f"benchmark name {name!r}; expected small letters, digits and _ alone")
    try:
        inspect.signature(benchmark.read).bind({})
    except TypeError as error:
        raise TypeError(f"the read of benchmark {name!r} {error}; expected a function (row) -> Item") from None
    _registered[name] = benchmark
