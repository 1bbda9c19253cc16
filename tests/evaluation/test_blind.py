"""The table of accuracy with and without the image, on hand-made reports."""

import numpy as np
import pytest

from vlaa_helpers import EvalReport, blind_table, compare_reports


def make_report(images: str = "true", samples: int = 1, **right: tuple[int, int]) -> EvalReport:
    """A report of what was shown, with so many right ones of so many for each source."""
    rows = [
        {"id": f"{source}{k}", "source": source, "value": float(k < correct), "correct": k < correct}
        | {"has_answer": True, "truncated": False, "garbled": False, "tokens": 9}
        for source, (correct, n) in right.items()
        for k in range(n)
        for _ in range(samples)
    ]
    return EvalReport(tuple(rows), samples, {} if images == "true" else {"images": images})


TRUE = make_report(blocks=(8, 10), angles=(10, 20))
BLANK = make_report("blank", blocks=(2, 10), angles=(5, 20))
SWAPPED = make_report("swapped", blocks=(0, 10), angles=(6, 20))


def test_a_row_a_stage_images_and_source():
    table = blind_table({"base": {"true": BLANK_AS_TRUE, "blank": BLANK}, "SFT": {"true": TRUE, "swapped": SWAPPED}})
    keys = list(table[["arm", "images"]].drop_duplicates().itertuples(index=False, name=None))
    assert keys == [("base", "true"), ("base", "blank"), ("SFT", "true"), ("SFT", "swapped")]
    swapped = table[(table["arm"] == "SFT") & (table["images"] == "swapped")].set_index("source")
    assert list(swapped.index) == ["blocks", "angles", "all"] and swapped["n"].tolist() == [10, 20, 30]
    assert swapped["accuracy"].tolist() == pytest.approx([0, 0.3, 0.2])
    assert swapped["drop"].tolist() == pytest.approx([0.8, 0.2, 0.4])
    assert tuple(swapped.loc["blocks", ["low", "high"]]) == tuple(SWAPPED.by_source.loc["blocks", ["low", "high"]])
    paired = compare_reports(SWAPPED, TRUE)
    assert tuple(swapped.loc["all", ["drop_low", "drop_high"]]) == (paired.low, paired.high) and paired.low > 0
    assert table[table["images"] == "true"]["drop"].isna().all()
    assert np.allclose(table[table["images"] == "blank"]["drop"], 0)


BLANK_AS_TRUE = EvalReport(BLANK.rows, 1)


def test_reports_that_do_not_belong_together_are_refused():
    with pytest.raises(ValueError, match="no reports; expected them by stage and images"):
        blind_table({})
    with pytest.raises(ValueError, match="'SFT' has no report with the true images, only blank; add one"):
        blind_table({"base": {"true": TRUE}, "SFT": {"blank": BLANK}})
    with pytest.raises(ValueError, match="under 'base', 'blank' was made with swapped images; evaluate"):
        blind_table({"base": {"true": TRUE, "blank": SWAPPED}})
    fewer = make_report("blank", blocks=(1, 9), angles=(5, 20))
    sampled = make_report("blank", samples=2, blocks=(2, 10), angles=(5, 20))
    for other in (fewer, sampled):
        with pytest.raises(ValueError, match="under 'base', 'blank' has other items than the first, or another number"):
            blind_table({"base": {"true": TRUE, "blank": other}})
