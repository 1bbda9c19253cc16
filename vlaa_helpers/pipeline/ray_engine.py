"""Numbered pieces of work spread over Ray Data, on many cores or machines; the results come back in order.

The optional extra `ray` brings it: pip install -e ".[ray]" in a checkout.
"""

import json
import pickle
from collections.abc import Callable, Iterator
from typing import Any


def spread(work: Callable[[int], Any], count: int, *, stops: tuple[type[Exception], ...] = ()) -> Iterator[Any]:
    """`work(0)` to `work(count - 1)` on Ray's workers; starts a local Ray where none runs.

    Args:
        work: goes to the workers as a pickle; gives something that JSON can hold.
        stops: errors of `work` that are raised here as they are; any other comes wrapped in Ray's, with its traceback.

    Raises:
        ModuleNotFoundError: Ray is not installed; says how to.
    """
    try:
        import ray
    except ModuleNotFoundError as error:
        error.add_note('engine="ray" needs Ray: pip install "ray[data]>=2.60,<3"')
        raise

    def run(batch: dict) -> dict:
        try:
            result, stop = json.dumps(work(int(batch["number"][0]))), b""
        except stops as error:
            result, stop = "", pickle.dumps(error)
        return {"result": [result], "stop": [stop]}

    ray.data.DataContext.get_current().execution_options.preserve_order = True
    numbers = ray.data.from_items([{"number": number} for number in range(count)])
    for row in numbers.map_batches(run, batch_size=1).iter_rows():
        if row["stop"]:
            raise pickle.loads(row["stop"])
        yield json.loads(row["result"])
