"""How a policy is measured, and the rows that this makes: one a set, decoding and source."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..core.record_schema import meta_of
from ..core.trace_text import aha_words, trace_of
from ..evaluation.style_report import style_columns
from ..mini_world.claims import find_claims
from ..mini_world.kinds import KINDS
from ..policy.profiles import Profile
from ..reference import ASKED_ABOUT, SETS, TEST_SEED, held_out
from .arms import Arm, Lab, arm_digest, later, short_digest, told_of
from .pinned import Pinned, records_in
from .training import arm_folder, policy_of

if TYPE_CHECKING:
    import pandas as pd
    from datasets import Dataset

    from ..evaluation.eval_report import EvalReport


@dataclass(frozen=True)
class Measure:
    """One way to ask a policy.

    Attributes:
        held: a held-out set, or "validation".
        decoding: its name in the table.
        per_source: records of each of the six sources.
        samples: responses a record; 1 is greedy.
        think: False for the control without thinking.
        images: what the policy is shown: "true", "blank" or "swapped" (`control_images`).
        data: a file of records, in the place of a set of the mini world; `held` is then its name in the table.
    """

    held: str
    decoding: str
    per_source: int
    samples: int = 1
    think: bool = True
    images: str = later("true")
    data: Pinned | None = later(None)

    @property
    def folder(self) -> str:
        """Name of the folder of its responses."""
        held = f"file_{self.data.digest[:9]}" if self.data else self.held
        shown = "" if self.images == "true" else f"_{self.images}"
        return f"{held}_{self.decoding}_{self.per_source}x{self.samples}{shown}"


FINAL = (
    Measure("test", "greedy", 300),
    Measure("test", "sampled", 300, samples=2),
    Measure("shifted", "greedy", 300),
    Measure("text", "greedy", 100),
    Measure("test", "no_think", 50, think=False),
)
"""How trained policies are compared."""
MADE = 1
"""Raise it when rows are made otherwise: every arm is then measured again."""


def measured_digest(arm: Arm, measures: Sequence[Measure], lab: Lab) -> str:
    """A short name for all that an arm's rows depend on: its policy, the one it started from, and how it is asked."""
    return short_digest([arm_digest(arm, lab), [told_of(measure) for measure in measures], MADE])


def records_of(measure: Measure) -> "Dataset":
    """The records that a policy is asked."""
    if measure.data is not None:
        return records_in(measure.data)
    if measure.held in SETS:
        return held_out(measure.held, measure.per_source)
    from ..mini_world.scenes import make_scenes

    number = measure.per_source * len(ASKED_ABOUT)
    return make_scenes(number, sources=ASKED_ABOUT, split=measure.held, seed=TEST_SEED)


def ask(arm: Arm, measures: Sequence[Measure], lab: Lab) -> "dict[Measure, EvalReport]":
    """An arm's reports, by how it was asked; responses that the run folder holds are not made again."""
    from filelock import FileLock

    from ..evaluation.runner import evaluate

    model, processor = policy_of(arm, lab)
    reports = {}
    for measure in measures:
        folder = arm_folder(arm, lab) / measure.folder
        options = {"samples": measure.samples, "think": measure.think, "images": measure.images}
        options |= {"out": folder, **_sizes(lab.profiles[arm.profile])}
        with FileLock(f"{folder}.lock"):  # another process may ask the same policy: of a base that both compare with
            reports[measure] = evaluate(model, processor, records_of(measure), **options)
    return reports


def _sizes(profile: Profile) -> dict[str, int]:
    """What fits: on a CPU the mini lab's, on a GPU the profile's."""
    if profile.device == "cpu":
        return {"batch_size": 128}
    return {"batch_size": profile.micro_batch_size, "max_new_tokens": profile.max_completion_length}


def comparison_rows(arm: Arm, measures: Sequence[Measure], lab: Lab) -> list[dict[str, Any]]:
    """An arm's rows: accuracy, what the responses are like, and the paired change from its start and from its base."""
    base = Arm("base", arm.profile)
    reports = ask(arm, measures, lab)
    starts = ask(arm.start, measures, lab) if arm.start else None
    bases = ask(base, measures, lab) if arm.stage else reports
    rows = []
    for measure, report in reports.items():
        start = (starts or bases)[measure]
        frame = with_texts(report.to_frame(), records_of(measure))
        for source, row in report.by_source.iterrows():
            part = frame if source == "all" else frame[frame["source"] == source]
            asked = {"set": measure.held, "decoding": measure.decoding, "source": source}
            if measure.images != "true":
                asked["images_shown"] = measure.images
            rows.append(
                {**asked, **row.round(4), **_shares(part)}
                | _change(start, report, source, "change")
                | (_change(bases[measure], report, source, "vs_base") if arm.start else {})
            )
    return rows


def _change(before: "EvalReport", after: "EvalReport", source: str, name: str) -> dict[str, float]:
    from ..evaluation.eval_report import compare_reports

    found = compare_reports(before, after, source=None if source == "all" else source)
    rounded = {"": found.difference, "_low": found.low, "_high": found.high}
    p_name = "p" if name == "change" else f"{name}_p"
    return {f"{name}{end}": round(value, 4) for end, value in rounded.items()} | {p_name: float(f"{found.p_value:.3g}")}


def with_texts(frame: "pd.DataFrame", records: "Dataset") -> "pd.DataFrame":
    """Responses with their words, whether they have a cue, and the share of their distinct claims that are true."""
    facts = {row["id"]: meta_of(row).get("facts") for row in records.select_columns(["id", "source", "meta"])}
    places = frame["id"].map(facts.__getitem__)
    claims = [_claims_true(*one) for one in zip(frame["source"], places, frame["response"], strict=True)]
    words = frame["response"].str.split().str.len()
    return frame.assign(words=words, cues=frame["response"].map(lambda text: bool(aha_words(text))), claims_true=claims)


def _claims_true(source: str, facts: Mapping | None, response: str) -> float:
    """Share of true ones among the distinct claims of a trace, 0-1; NaN without any that can be checked."""
    if not facts:  # of images that are not the mini world's nothing is known
        return float("nan")
    trace = trace_of(response)
    said = {(claim.kind, claim.text.lower(), claim.verdict) for claim in find_claims(source, dict(facts), trace)}
    verdicts = [verdict for *_, verdict in said if verdict != "not checkable"]
    return verdicts.count("true") / len(verdicts) if verdicts else float("nan")


def _shares(part: "pd.DataFrame") -> dict[str, float]:
    """What responses of one source are like: what the report of an evaluation does not count itself."""
    return {
        "strict": round(part["is_strict"].mean(), 4),
        "words": round(part["words"].mean(), 2),
        "cues": round(part["cues"].mean(), 4),
        "claims_true": round(part["claims_true"].mean(), 4),
        "with_claims": round(part["claims_true"].notna().mean(), 4),
        **(style_columns(part) if set(part["source"]) <= set(KINDS) else {}),
    }
