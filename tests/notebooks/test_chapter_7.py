"""What chapter 7 says of the paper and of our profiles is what the package has."""

import re

from vlaa_helpers import grpo_recipe
from vlaa_helpers.dev.notebooks.files import ROOT, list_notebooks, read_notebook
from vlaa_helpers.policy.profiles import settings_of


def test_completions_a_prompt_are_ours_and_the_paper_s_where_it_says_so():
    assert grpo_recipe(settings_of("a100"), "vlaa").loc["num_generations", "source"] == "ours; the paper: 4"
    assert [settings_of(name).num_generations for name in ("t4", "l4", "a100")] == [4, 8, 8]
    (path,) = (path for path in list_notebooks(ROOT / "notebooks") if path.stem.startswith("07"))
    text = "\n".join(cell.source for cell in read_notebook(path).cells)
    assert "ours on an L4 or A100; the paper and a T4 have 4" in text and "the paper samples four" in text
    assert not re.search(r"(eight|\b8\b)[^.\n]{0,40}as the paper has", text)
