"""How settings are chosen: on validation scenes and by the loss on held-out traces, never on a test set."""

from collections.abc import Sequence
from typing import Any

from ...study.arms import Arm, Lab
from ...study.measures import Measure, comparison_rows
from ...study.training import policy_of

CHOICE = (Measure("validation", "greedy", 100), Measure("validation", "sampled", 100, samples=2))


def choice_rows(arm: Arm, measures: Sequence[Measure], lab: Lab) -> list[dict[str, Any]]:
    """The rows of a comparison with `trace_loss`, the loss on held-out traces, in each."""
    from ...study.traces import held_out_traces
    from ...training.response_scores import trace_loss

    loss = trace_loss(*policy_of(arm, lab), held_out_traces(lab.held_out_traces, lab))
    return [row | {"trace_loss": round(loss, 4)} for row in comparison_rows(arm, measures, lab)]
