"""How much accuracy is left without the image: reports of the image controls beside each other."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from .eval_report import EvalReport, compare_reports

if TYPE_CHECKING:
    import pandas as pd


def blind_table(reports: Mapping[str, Mapping[str, EvalReport]]) -> "pd.DataFrame":
    """Accuracy with and without the image, before and after each stage, by source.

    Whether a stage changed the accuracy without the image is a question of its own, which `compare_reports` of two
    stages' "blank" reports answers. RL was seen to keep or raise it (arXiv 2601.06801, 2604.03179).

    Args:
        reports: by stage ("base", "SFT", …), then by what `evaluate(…, images=…)` showed: "true" and one control or
            both. All on the same items, with as many samples.

    Returns:
        A row a stage, images and source ("all" last): `arm`, `images`, `source`, `n` items, `accuracy` (0-1) with its
        95% bounds `low` and `high`, and `drop`, what is lost against the true images of that stage, item by item, with
        its bounds `drop_low` and `drop_high`; NaN for the true images themselves.

    Raises:
        ValueError: a stage without "true", a report under another word than its own, other items or samples.
    """
    import pandas as pd

    _check(reports)
    rows = []
    for arm, shown in reports.items():
        for images, report in shown.items():
            for source, row in report.by_source.iterrows():
                rows.append(
                    {"arm": arm, "images": images, "source": source}
                    | {name: row[name] for name in ("n", "accuracy", "low", "high")}
                    | _drop(shown["true"], report, None if source == "all" else str(source))
                )
    return pd.DataFrame(rows).astype({"n": int})


def _drop(true: EvalReport, report: EvalReport, source: str | None) -> dict[str, float]:
    names = ("drop", "drop_low", "drop_high")
    if report is true:
        return dict.fromkeys(names, float("nan"))
    change = compare_reports(report, true, source=source)
    return dict(zip(names, (change.difference, change.low, change.high), strict=True))


def _check(reports: Mapping[str, Mapping[str, EvalReport]]) -> None:
    flat = {(arm, images): report for arm, shown in reports.items() for images, report in shown.items()}
    if not flat:
        raise ValueError('no reports; expected them by stage and images: {"base": {"true": …, "blank": …}}')
    for arm, shown in reports.items():
        if "true" not in shown:
            raise ValueError(f"{arm!r} has no report with the true images, only {', '.join(shown)}; add one")
    first = next(iter(flat.values()))
    items = {row["id"] for row in first.rows}
    for (arm, images), report in flat.items():
        if report.images != images:
            raise ValueError(
                f"the report under {arm!r}, {images!r} was made with {report.images} images; "
                f"evaluate(…, images={images!r}) makes the one for there"
            )
        if report.samples != first.samples or {row["id"] for row in report.rows} != items:
            raise ValueError(
                f"the report under {arm!r}, {images!r} has other items than the first, or another number of samples; "
                "evaluate all on the same records in the same way"
            )
