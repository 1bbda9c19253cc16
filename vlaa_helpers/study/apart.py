"""Training and measuring share nothing: no image, no question about it."""

from collections.abc import Sequence

from .arms import Arm, Lab
from .measures import Measure, records_of


def check_apart(arm: Arm, measures: Sequence[Measure], lab: Lab) -> None:
    """Hold the records that an arm's own stage trains on against those of the measures.

    Raises:
        ValueError: an image, or a question without one, is in both; says which, and what to do.
    """
    from ..data.duplicates import overlap

    records = arm.stage.records(arm, lab) if arm.stage else None
    if records is None:
        return
    sets = {(each.held, each.data): each for each in sorted(measures, key=lambda each: each.per_source)}
    for measure in sets.values():  # the largest of each set: smaller ones are the first of it
        if shared := (found := overlap(records, records_of(measure))).images or found.questions:
            raise ValueError(
                f"{arm.name} trains on what {measure.held} asks: {found}, for example {shared[0][0]} and "
                f"{shared[0][1]}. Leave them out of the training data, or measure on another set"
            )
