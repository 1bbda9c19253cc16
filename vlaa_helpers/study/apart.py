"""Training and measuring share nothing: no image, no question about it."""

from collections.abc import Sequence

from .arms import Arm, Lab
from .measures import Measure, records_of
from .stages import watched_records


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
    asked = [(measure.held, records_of(measure)) for measure in sets.values()]  # smaller ones are the first of a set
    if getattr(arm.stage, "watch", 0):
        asked.append(("the watch", watched_records(lab)))
    for name, questions in asked:
        if shared := (found := overlap(records, questions)).images or found.questions:
            raise ValueError(
                f"{arm.name} trains on what {name} asks: {found}, for example {shared[0][0]} and "
                f"{shared[0][1]}. Leave them out of the training data, or measure on another set"
            )
