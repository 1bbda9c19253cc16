"""Numbers in prose: which count as shown, which do not, and how the series stands.

A small notebook says what its outputs and the shipped tables hold; each wrong sentence is one that it may not say.
"""

from dataclasses import replace

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from vlaa_helpers.dev.notebooks import prose_numbers as check
from vlaa_helpers.dev.notebooks.number_text import Number, agrees, html_numbers, read_numbers

STREAM = """\
greedy   accuracy 33.7% (95% 28.6% to 39.2%), n = 300; no answer 15.7%, truncated 2.3%
greedy   SFT - base -22.7% (95% -29.7% to -15.7%), p = 1.3e-09
"""
HTML = """\
<table><thead><tr><th>&nbsp;</th><th>&nbsp;</th><th>accuracy</th><th>low</th><th>high</th><th>tokens</th></tr></thead>
<tbody><tr><th rowspan="2">SFT</th><th>greedy</th><td>0.563</td><td>0.507</td><td>0.618</td><td>18.5</td></tr>
<tr><th>sampled</th><td>0.287</td><td>0.259</td><td>0.316</td><td>32.1</td></tr></tbody></table>"""
OUTPUTS = [
    new_output("stream", name="stdout", text=STREAM),
    new_output("display_data", data={"text/html": HTML, "text/plain": "<Styler at 0x7f 1999>"}),
    new_output("display_data", data={"image/png": "", "text/plain": "<Figure size 900x340 with 17 Axes>"}),
]


DONE = new_output("stream", name="stdout", text="Done.")


def notebook(tmp_path, prose, *, between=(), code="evaluate(model, n=240)", closing="## Recap"):
    """A code cell with outputs, then, after the cells `between`, a text; and a closing cell."""
    cells = [new_markdown_cell("# Title"), new_code_cell(code, outputs=OUTPUTS), *between]
    path = tmp_path / "00_small_one.ipynb"
    nbformat.write(new_notebook(cells=[*cells, new_markdown_cell(prose), new_markdown_cell(closing)]), path)
    return path


def missing(path):
    return [number.text for _, number in check.unheld(check.notebook_texts(path))]


# ---- reading and rounding ----


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("from 59 to 62.5%", [(59.0, "%"), (62.5, "%")]),
        ("20–60% and 1,024 traces", [(20.0, "%"), (60.0, "%"), (1024.0, "")]),
        ("by 23.8, 19.3 and −20.2 points", [(23.8, "points"), (19.3, "points"), (-20.2, "points")]),
        ("Qwen2.5-VL-3B, 25K traces, k3, 1/2", []),
        ("p = 1.3e-09", [(1.3e-9, "")]),
    ],
)
def test_numbers_are_read_with_their_units(text, found):
    assert [(number.value, number.unit) for number in read_numbers(text)] == found


@pytest.mark.parametrize(
    ("shown", "source", "same"),
    [
        ("33.7%", "0.3367", True),
        ("33.7%", "0.3363", False),
        ("34%", "33.7%", True),
        ("34.0%", "34%", False),  # more digits than were measured
        ("33.7%", "33.7", False),  # 33.7 tokens are no per cent
        ("0.29", "28.7%", True),
        ("−22.7 points", "-22.7%", True),
        ("+22.7 points", "-22.7%", False),
        ("22.7 points", "-22.7%", True),  # "it fell by 22.7 points"
        ("22.7 points", "22.7%", False),  # an accuracy is no change
        ("22.7 points", "22.7 points", True),  # the recap says it again
        ("n = 300", "n = 300", True),
        ("n = 300", "took 300", False),
        ("33.7%", "(95% 33.7%", False),  # a bound is no value
        ("(95% 33.7%", "33.7%", False),
    ],
)
def test_a_number_is_a_source_s_only_rounded(shown, source, same):
    assert agrees(read_numbers(shown)[-1], read_numbers(source)[-1]) is same


def test_a_head_over_two_rows_labels_both():
    sampled = [number for number in html_numbers(HTML) if number.text == "0.287"]
    assert [number.labels for number in sampled] == [(frozenset({"accuracy"}), frozenset({"sft", "sampled"}))]


def test_a_head_over_two_columns_labels_both():
    html = (
        '<table><tr><th></th><th colspan="2">accuracy</th></tr><tr><th>style</th><th>careful</th><th>shortcut</th></tr>'
        "<tr><th>blocks</th><td>51%</td><td>29%</td></tr></table>"
    )
    held = {number.text: number.labels[0] for number in html_numbers(html)}
    assert held == {"51%": frozenset({"accuracy", "careful"}), "29%": frozenset({"accuracy", "shortcut"})}


# ---- what a text may say ----

HELD = [
    "SFT: greedy accuracy 33.7%, no answer 15.7%.",
    "SFT changed greedy accuracy by −22.7 points (95% −29.7 to −15.7).",
    "The sampled accuracy is 29% (25.9% to 31.6%), at 32 tokens: 32.1.",
    "Asked 240 questions, see table 3, chapter 17 and arXiv 2504.11468; three of 12 in 4 bits.",
    "In the paper the 3B model fell from 31.8 to 21.6.",
    "SFT has an accuracy of 33.7%.",  # greedy where nothing else is said
]


@pytest.mark.parametrize("prose", HELD)
def test_what_is_shown_is_held(tmp_path, prose):
    assert missing(notebook(tmp_path, prose)) == []


@pytest.mark.parametrize(
    ("prose", "numbers"),
    [
        ("SFT: greedy accuracy 34.7%.", ["34.7%"]),
        ("SFT changed greedy accuracy by +22.7 points.", ["+22.7 points"]),
        ("SFT: greedy accuracy 39.2%.", ["39.2%"]),  # the upper bound, not the value
        ("The loss is 33.7%.", ["33.7%"]),  # stands beside other words
        ("A figure of 900 by 340, 17 axes, 1999.", ["900", "340", "17", "1999"]),
        ("The model fell from 31.8 to 21.6.", ["31.8", "21.6"]),  # nobody says whose model
    ],
)
def test_what_is_not_shown_is_found(tmp_path, prose, numbers):
    assert missing(notebook(tmp_path, prose)) == numbers


def test_an_output_far_away_holds_nothing(tmp_path):
    further = [new_code_cell("more()", outputs=[DONE]) for _ in range(check.NEAR)]
    assert missing(notebook(tmp_path, HELD[0], between=further[1:])) == []
    assert missing(notebook(tmp_path, HELD[0], between=further)) == ["33.7%", "15.7%"]


def test_a_text_or_code_cut_into_cells_is_no_further_away(tmp_path):
    cut = [cell for _ in range(check.NEAR) for cell in (new_markdown_cell("And on."), new_code_cell("def f(): ..."))]
    assert missing(notebook(tmp_path, HELD[0], between=cut)) == []


def test_a_formula_claims_nothing(tmp_path):
    prose = "The advantage is $$A = \\frac{r - 77}{s + 10^{-4}}$$ and $\\beta = 31$."
    assert missing(notebook(tmp_path, prose)) == []
    assert missing(notebook(tmp_path, prose.replace("$", ""))) != []


def test_the_recap_repeats_what_was_held_and_no_more(tmp_path):
    path = notebook(tmp_path, HELD[0], closing="On.\n\n## Recap\n\nAccuracy is 34%, once 15.6%.")
    nb = nbformat.read(path, 4)
    nb.cells[-1:-1] = [new_markdown_cell("And on.") for _ in range(check.NEAR)]
    nbformat.write(nb, path)
    assert missing(path) == ["15.6%"]


@pytest.mark.parametrize(
    ("prose", "numbers"),
    [
        ("GRPO: `angles` gain +73.3 to +68.0 points.", []),
        ("GRPO: `charts` gain +73.3 points.", ["+73.3 points"]),  # another row's
        ("GRPO: all gain 36.2 points, a mean of three seeds.", []),
        ("GRPO: sampled accuracy gains 39.6 points.", []),
        ("GRPO: accuracy gains 39.6 points.", ["39.6 points"]),  # nobody says that it was sampled
    ],
)
def test_a_row_of_a_shipped_table_has_to_be_named(tmp_path, prose, numbers):
    assert missing(notebook(tmp_path, prose, code='study = reference_table("grpo_arms")')) == numbers
    assert missing(notebook(tmp_path, prose)) != []


def test_a_log_of_every_step_holds_nothing(tmp_path):
    code = 'reference_table("grpo_mixed_seed_0")'
    assert missing(notebook(tmp_path, "The reward is 0.392678.", code=code)) == ["0.392678"]


def test_readme_may_quote_what_it_links(tmp_path, root):
    text = (
        "- `angles` gain 73.3 points ([table](vlaa_helpers/assets/studies/grpo_arms.csv));\n"
        "- here `angles` gain 73.3 points;\n- [00](00_small_one.ipynb): greedy accuracy of SFT is 33.7%\n"
    )
    notebook(tmp_path, "Prose.")
    (tmp_path / "README.md").write_text(text)
    (tmp_path / "pyproject.toml").write_text('dependencies = ["torch>=2.15,<3"]')
    texts = check.readme_texts(tmp_path / "README.md")
    # the tables are the package's, wherever README is
    assert [(text.place, number.text) for text, number in check.unheld(texts)] == [
        (0, "73.3 points"),
        (1, "73.3 points"),
    ]
    linked = replace(texts[0], sources=tuple(check._linked(root / "vlaa_helpers/assets/studies/grpo_arms.csv")))
    assert check.unheld([linked]) == []


# ---- exceptions ----


def test_an_exception_covers_its_phrase_and_is_stale_without_it(tmp_path):
    texts = check.notebook_texts(notebook(tmp_path, "A box from IoU 0.5; a share of 0.5; accuracy 33.7% greedy."))
    listed = [
        check.Phrase("*", "from IoU 0.5", "a definition"),
        check.Phrase("01_other", "a share of 0.5", "another page"),
        check.Phrase("00_small_one", "accuracy 33.7%", "an output holds it"),
    ]
    assert [text.phrase(number)[:33] for text, number in check.unheld(texts, listed)] == [
        "A box from IoU 0.5; a share of 0."
    ]
    assert check.needless(texts, listed) == listed[1:]


def test_an_exception_may_cover_a_paragraph_by_its_beginning(tmp_path):
    texts = check.notebook_texts(notebook(tmp_path, "- one step: 0.7 s, 81 steps;\n- two steps: 0.9 s"))
    covered = check.Phrase("00_small_one", "one step:", "a timing", begins=True)
    assert [number.text for _, number in check.unheld(texts, [covered])] == ["0.9"]
    assert check.needless(texts, [covered, replace(covered, phrase="step:")]) == [replace(covered, phrase="step:")]


def test_every_exception_says_why():
    listed = check.read_exceptions()
    assert listed and all(len(each.reason) > 9 and (each.begins or read_numbers(each.phrase)) for each in listed)


# ---- the series ----


def test_a_change_is_one_of_the_last_digit_at_least():
    class Always:
        def uniform(self, low, high):
            return low

        def choice(self, options):
            return options[-1]

    assert check.changed(Number("0.5", 0.5, 1), Always()).value == 0.6
    assert check.changed(Number("1,800", 1800.0, 0), Always()).value == 1854


@pytest.fixture(scope="module")
def series():
    return check.all_texts()


def test_most_mistaken_numbers_would_be_caught(series):
    """Of the numbers that are held in the notebooks and README as they are, changed by 3 to 30%."""
    assert check.caught_share(series, draws=4) > 0.8


def test_every_number_of_the_series_is_held(series):
    listed = check.read_exceptions()
    assert [(text.page, text.phrase(number)) for text, number in check.unheld(series, listed)] == []
    assert check.needless(series, listed) == []


def test_names_that_are_no_page_are_refused():
    with pytest.raises(ValueError, match="no page begins with '99'; expected one of 00_"):
        check.all_texts(["99"])
