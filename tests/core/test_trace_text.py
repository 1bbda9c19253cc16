"""What a trace is made of: each measure has cases that it must catch, and look-alikes that it must not."""

import pytest
from cpu_budget import cpu_budget
from hypothesis import given
from hypothesis import strategies as st

from vlaa_helpers.core.trace_text import (
    AHA_KEYWORDS,
    DOUBT_WORDS,
    FIGURE_7_PHRASES,
    aha_words,
    count_doubts,
    count_phrases,
    cue_spans,
    repetition_rate,
    split_steps,
    step_spans,
    trace_of,
)

# ---- cues ----


@pytest.mark.parametrize("word", AHA_KEYWORDS)
def test_each_keyword_is_found_in_any_case(word):
    assert word in aha_words(f"So, {word.upper()}.")
    assert word in aha_words(f"So, {word.upper()}.", whole_words=True)


@pytest.mark.parametrize(
    ("text", "substring", "whole"),
    [
        ("It stands against the wall.", ["again"], []),
        ("The waiter is waiting.", ["wait"], []),
        ("A checkered floor; checking it.", ["check"], []),
        ("I double-checked.", ["double-check", "check"], []),
        ("Let me double-check.", ["double-check", "check"], ["double-check"]),
        ("Hmm, wait again.", ["wait", "again", "hmm"], ["wait", "again", "hmm"]),
        ("Two mistakes.", ["mistake"], []),
        ("A calm look.", [], []),
        ("", [], []),
    ],
)
def test_substring_and_whole_word_readings(text, substring, whole):
    assert aha_words(text) == substring
    assert aha_words(text, whole_words=True) == whole


@given(st.text())
def test_whole_words_are_among_the_substrings(text):
    assert set(aha_words(text, whole_words=True)) <= set(aha_words(text))


CUES = [
    # text, as whole words, anywhere
    ("Wait, wait. WAIT!", ["Wait", "wait", "WAIT"], ["Wait", "wait", "WAIT"]),
    ("I should double-check this.", ["double-check"], ["double-check"]),
    ("I double check again.", ["check", "again"], ["check", "again"]),
    ("I should check it; I should confirm it.", ["I should check", "I should confirm"], ["check", "I should confirm"]),
    ("Hmm, alternatively a mistake.", ["Hmm", "alternatively", "mistake"], ["Hmm", "alternatively", "mistake"]),
    ("Hmmm, mistakes.", [], ["Hmm", "mistake"]),
    ("The waiter leans against a checkered wall.", [], ["wait", "again", "check"]),
    ("A self-check, a check-up.", [], ["check", "check"]),
    ("I looked and counted.", [], []),
    ("", [], []),
]


@pytest.mark.parametrize(("text", "whole", "anywhere"), CUES)
def test_cues_and_where_they_stand(text, whole, anywhere):
    assert [text[start:stop] for start, stop in cue_spans(text)] == whole
    assert [text[start:stop] for start, stop in cue_spans(text, whole_words=False)] == anywhere


@given(st.text())
def test_spans_and_keywords_agree(text):
    assert bool(cue_spans(text, whole_words=False)) == bool(aha_words(text.replace("\u0130", "I")))
    if aha_words(text, whole_words=True):
        assert cue_spans(text)


def test_a_letter_that_grows_in_small_print_moves_no_span():
    text = "\u0130\u0130\u0130 wait"
    assert [text[start:stop] for start, stop in cue_spans(text)] == ["wait"]


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("Alternatively, wait. Wait, alternatively.", (2, 0, 0, 2)),
        ("I should check. I SHOULD CHECK again and double-check.", (0, 1, 2, 0)),
        ("The waiter should check.", (0, 0, 0, 1)),
        ("Hmm, a mistake; check again.", (0, 0, 0, 0)),
    ],
)
def test_the_phrases_of_figure_7(text, counts):
    assert count_phrases(text) == dict(zip(FIGURE_7_PHRASES, counts, strict=True))


# ---- doubt ----


@pytest.mark.parametrize("word", DOUBT_WORDS)
def test_each_word_of_doubt_is_counted(word):
    assert count_doubts(f"Well, {word.upper()} it is so; {word}.") == 2


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("I am not entirely sure. Not very certain, not so clear.", 3),
        ("I am sure, certain and clear about it.", 0),
        ("A mighty ship in May; it may rain, it could rain.", 0),
        ("Let me think. I rethink what they think.", 0),
        ("Improbably so; maybes abound.", 0),
        ("", 0),
    ],
)
def test_doubt_and_its_look_alikes(text, count):
    assert count_doubts(text) == count


# ---- steps ----


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("One. Two! Three? Four", ["One.", "Two!", "Three?", "Four"]),
        ("That is 5 objects. 5 - 1 = 4. 4", ["That is 5 objects.", "5 - 1 = 4.", "4"]),
        ("It is 0.5, or .5. So 1.25 is left.", ["It is 0.5, or .5.", "So 1.25 is left."]),
        ("First\n\nSecond\n- third", ["First", "Second", "- third"]),
        ("1. Add them. 2. Count.", ["1. Add them.", "2. Count."]),
        ("Step 1. Add. **Step 2.** Count.", ["Step 1. Add.", "**Step 2.** Count."]),
        ("It is 5. Then 6.", ["It is 5.", "Then 6."]),
        ("See fig. 3, e.g. the bars (i.e. all). Done.", ["See fig. 3, e.g. the bars (i.e. all).", "Done."]),
        ('He said "no." Then yes.', ['He said "no."', "Then yes."]),
        ("So:\n\\[\na = -5\n\\]\nDone", ["So:", "a = -5", "Done"]),
        ("Hmm... well?! Yes", ["Hmm...", "well?!", "Yes"]),
        ("... --- !!!", []),
        ("", []),
    ],
)
def test_steps(text, steps):
    assert split_steps(text) == steps


@given(st.one_of(st.text(), st.text(alphabet='ab1.!?\n ()*"')))
def test_every_letter_is_in_exactly_one_step(text):
    spans = step_spans(text)
    assert all(stop <= start for (_, stop), (start, _) in zip(spans, spans[1:], strict=False))
    covered = set().union(*(range(*span) for span in spans))
    assert all(place in covered for place, letter in enumerate(text) if letter.isalnum())
    assert all(step == step.strip() and any(c.isalnum() or c == "_" for c in step) for step in split_steps(text))


# ---- repetition ----


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("I see a red circle. " * 20, 0.9, 1.0),
        ("One two three four. ONE, two; three: four!", 0.2, 0.2),
        ("I see a red circle, a blue star and one green square at the top of the picture.", 0.0, 0.0),
        ("red red red", 0.0, 0.0),
        ("", 0.0, 0.0),
    ],
)
def test_repetition(text, low, high):
    assert low <= round(repetition_rate(text), 9) <= high


def test_repetition_of_longer_and_shorter_sequences():
    text = "a b c a b c"
    assert repetition_rate(text, n=1) == 0.5 and repetition_rate(text, n=3) == 0.25 and repetition_rate(text, n=6) == 0


# ---- the trace of a response ----


@pytest.mark.parametrize(
    ("response", "trace"),
    [
        ("<think> 2 + 1 </think>\n<answer>3</answer>", "2 + 1"),
        ("<think>2 + 1", "2 + 1"),
        ("2 + 1</think> so 3", "2 + 1"),
        ("2 + 1 is 3", "2 + 1 is 3"),
        ("2 + 1 < Answer >3</answer> so", "2 + 1"),
        ("<answer>3</answer>", ""),
        ("<think>a</think><think>b</think>", "a\n\nb"),
        ("", ""),
    ],
)
def test_the_trace_of_a_response(response, trace):
    assert trace_of(response) == trace


@pytest.mark.parametrize(
    "unit", [".", ". ", ".)", "e.g. ", "1. ", "a. ", "\n", "wait ", "not entirely ", "i ", "<answer "]
)
def test_a_hostile_megabyte_takes_linear_time(unit):
    text = unit * (1_000_000 // len(unit))
    for measure in (step_spans, cue_spans, count_phrases, count_doubts, repetition_rate, trace_of):
        with cpu_budget(30):  # up to 1 s where this was written
            measure(text)
