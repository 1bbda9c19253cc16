"""Typical mistakes in the exercises of chapter 01, as a learner would write them: (exercise, mistake) -> answer."""

import re
import string

from planting import planter

from vlaa_helpers import AHA_KEYWORDS, aha_words

PLANTED = {}
plant = planter(PLANTED)


@plant("01.whole_words", "substrings")
def paper_rule(text):
    return aha_words(text)


@plant("01.whole_words", "word_boundaries")
def boundaries(text):
    return [word for word in AHA_KEYWORDS if re.search(r"\b" + word + r"\b", text, flags=re.IGNORECASE)]


@plant("01.whole_words", "capitals")
def as_written(text):
    return [word for word in AHA_KEYWORDS if re.search(r"(?<![\w-])" + word + r"(?![\w-])", text)]


@plant("01.whole_words", "split")
def split(text):
    words = set(text.lower().split(" "))
    return [word for word in AHA_KEYWORDS if word in words]


@plant("01.judge_reply", "contains")
def anywhere(reply):
    if re.search("yes", reply, re.IGNORECASE):
        return True
    if re.search("no", reply, re.IGNORECASE):
        return False


@plant("01.judge_reply", "begins")
def beginning(reply):
    letters = reply.strip().lower()
    if letters[:3] == "yes":
        return True
    if letters[:2] == "no":
        return False


@plant("01.judge_reply", "else_is_no")
def yes_or_not(reply):
    return reply.strip(string.whitespace + ".").lower() == "yes"


@plant("01.judge_reply", "to_the_letter")
def exact(reply):
    if reply == "Yes":
        return True
    if reply == "No":
        return False


def count(traces, **wanted):
    def fits(trace):
        return all(bool(trace[name]) == value for name, value in wanted.items())

    return sum(map(fits, traces))


@plant("01.let_pass", "of_all")
def over_everything(traces):
    both = count(traces, kept=True, false=True)
    return both / len(traces), both / len(traces)


@plant("01.let_pass", "swapped")
def other_way_round(traces):
    both = count(traces, kept=True, false=True)
    return both / count(traces, false=True), both / count(traces, kept=True)


@plant("01.let_pass", "caught")
def rejected(traces):
    both = count(traces, kept=True, false=True)
    return both / count(traces, kept=True), count(traces, kept=False, false=True) / count(traces, false=True)


@plant("01.let_pass", "claims")
def by_claims(traces):
    kept = [trace for trace in traces if trace["kept"]]
    false = sum(trace["false"] for trace in kept)
    share = false / (false + sum(trace["true"] for trace in kept))
    return share, count(traces, kept=True, false=True) / count(traces, false=True)


def row_of(row, letters="ABCDEFGH", *, options=True, answer=None, kind=None):
    if "choices" not in row:
        return {"image": row["file"], "question": row["ask"], "answer": row["right"], "verifier_type": kind or "digit"}
    listed = ", ".join(f"{choice} ({letter})" for choice, letter in zip(row["choices"], "ABCDEFGH", strict=False))
    return {
        "image": row["file"],
        "question": f"{row['ask']} Choose one option: {listed}." if options else row["ask"],
        "answer": answer(row) if answer else letters[row["right"]],
        "verifier_type": "choice",
    }


@plant("01.my_rows", "from_one")
def from_one(row):
    return row_of(row, letters="HABCDEFG")


@plant("01.my_rows", "text")
def option_text(row):
    return row_of(row, answer=lambda row: row["choices"][row["right"]])


@plant("01.my_rows", "number")
def place(row):
    return row_of(row, answer=lambda row: row["right"])


@plant("01.my_rows", "options")
def question_alone(row):
    return row_of(row, options=False)


@plant("01.my_rows", "type")
def all_choices(row):
    return row_of(row, kind="choice")
