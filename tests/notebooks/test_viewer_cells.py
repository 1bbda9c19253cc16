"""What of each chapter the browser is shown, checked without a browser."""

import pytest
from test_viewers_in_browser import WAYS
from viewer_cells import CHAPTERS, FEWER, GIVEN, VIEWER, viewer_calls, viewer_notebook


def test_every_chapter_with_a_viewer_is_gone_through():
    assert CHAPTERS.keys() == WAYS.keys()
    assert FEWER.keys() | GIVEN.keys() <= CHAPTERS.keys()


@pytest.mark.parametrize("number", CHAPTERS)
def test_viewers_keep_what_they_need_and_leave_trainings_out(number):
    sources = [cell.source for cell in viewer_notebook(CHAPTERS[number]).cells]
    assert sum(VIEWER.search(source) is not None for source in sources) == viewer_calls(CHAPTERS[number])
    assert not [source for source in sources if "train_grpo(" in source or "train_sft(" in source]
