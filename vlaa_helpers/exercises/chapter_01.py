"""Exercises of chapter 01: cues as whole words, a judge's verdict, what verification lets pass, rows of one's own."""

import re

from .by_cases import ByCases, Case
from .exercise import Exercise, Mistake

# ---- cues as whole words ----

KEYWORDS = ("wait", "again", "double-check", "hmm", "mistake", "alternatively", "check", "i should confirm")
"""The paper's eight cues of self-reflection (`AHA_KEYWORDS`)."""


def _whole_words(text: str) -> list[str]:
    return [word for word in KEYWORDS if re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", text.lower())]


def _substrings(text: str) -> list[str]:
    return [word for word in KEYWORDS if word in text.lower()]


def _word_boundaries(text: str) -> list[str]:
    return [word for word in KEYWORDS if re.search(rf"\b{re.escape(word)}\b", text.lower())]


def _small_letters_only(text: str) -> list[str]:
    return [word for word in KEYWORDS if re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", text)]


def _between_blanks(text: str) -> list[str]:
    return [word for word in KEYWORDS if word in text.lower().split()]


def _with_blanks_around(text: str) -> list[str]:
    return [word for word in KEYWORDS if f" {word} " in f" {text.lower()} "]


WHOLE_WORDS = Exercise(
    name="01.whole_words",
    minutes=10,
    difficulty="easy",
    right='"against" is no cue any more, and "double-check" is one cue and not two.',
    check=ByCases(
        _whole_words,
        (
            Case(("It leans against the wall.",), '"against" holds "again", but is another word.'),
            Case(
                ("Let me double-check.",), 'a hyphen touches the "check" in "double-check", so it is part of that word.'
            ),
            Case(("Wait, that is 4.",), "capital letters make no other word."),
            Case(("hmm",), "a keyword may be all there is."),
            Case(
                ("Wait. I should confirm it again.",), "a keyword may have several words, and a full stop may follow."
            ),
            Case(("A checkered floor, and a waiter.",), '"checkered" and "waiter" are other words.'),
        ),
    ),
    mistakes=(
        Mistake("substrings", "it finds keywords inside other words, as the paper's rule does.", (_substrings,)),
        Mistake(
            "word_boundaries",
            r'\b is a boundary of words for Python, and a hyphen makes one: the "check" in "double-check" counts too.',
            (_word_boundaries,),
        ),
        Mistake(
            "capitals", "it misses keywords with a capital letter: search in text.lower().", (_small_letters_only,)
        ),
        Mistake(
            "split",
            "it cuts the text at blanks, so a keyword of several words or with a full stop behind it is missed.",
            (_between_blanks, _with_blanks_around),
        ),
    ),
)

# ---- a judge's verdict ----


def _verdict(reply: str) -> bool | None:
    return {"yes": True, "no": False}.get(reply.strip().removesuffix(".").lower())


def _contains(reply: str) -> bool | None:
    return True if "yes" in reply.lower() else False if "no" in reply.lower() else None


def _begins(reply: str) -> bool | None:
    small = reply.strip().lower()
    return True if small.startswith("yes") else False if small.startswith("no") else None


def _else_is_no(reply: str) -> bool:
    return reply.strip().removesuffix(".").lower() == "yes"


def _to_the_letter(reply: str) -> bool | None:
    return {"Yes": True, "No": False}.get(reply)


JUDGE_REPLY = Exercise(
    name="01.judge_reply",
    minutes=10,
    difficulty="easy",
    right="what is neither Yes nor No is kept apart, so a judge that chats shows as such, and not as wrong answers.",
    check=ByCases(
        _verdict,
        (
            Case(("Yes",), "a Yes is True."),
            Case(("no.",), "a full stop, small letters and blanks around it do not change a verdict."),
            Case((" YES\n",), "a full stop, capitals and blanks around it do not change a verdict."),
            Case(("Not sure: the picture is dark.",), "this is no verdict: None."),
            Case(("No, but yes if the cube counts.",), "this is no verdict: None."),
            Case(("The answer agrees.",), "only Yes and No are verdicts; this is None."),
            Case(("",), "an empty reply is no verdict: None."),
        ),
    ),
    mistakes=(
        Mistake(
            "contains",
            'it looks for "yes" and "no" anywhere: "Not sure" holds "no", and a reply that says both counts as one.',
            (_contains,),
        ),
        Mistake("begins", 'it asks how the reply begins, and "Not sure" begins with "no".', (_begins,)),
        Mistake("else_is_no", "whatever is not Yes counts as No; a reply that is neither is None.", (_else_is_no,)),
        Mistake(
            "to_the_letter",
            "it takes Yes and No only as written here; allow for a full stop, blanks around and other capitals.",
            (_to_the_letter,),
        ),
    ),
)

# ---- what verification lets pass ----

Traces = list[dict]


def _share(traces: Traces, among: Traces) -> float:
    return len(traces) / len(among) if among else 0.0


def _let_pass(traces: Traces) -> list[float]:
    kept, false = [t for t in traces if t["kept"]], [t for t in traces if t["false"]]
    both = [t for t in kept if t["false"]]
    return [_share(both, kept), _share(both, false)]


def _of_all(traces: Traces) -> list[float]:
    both = [t for t in traces if t["kept"] and t["false"]]
    return [_share(both, traces)] * 2


def _swapped(traces: Traces) -> list[float]:
    return _let_pass(traces)[::-1]


def _caught(traces: Traces) -> list[float]:
    first, passed = _let_pass(traces)
    return [first, 1 - passed]


def _claims(traces: Traces) -> list[float]:
    kept = [t for t in traces if t["kept"]]
    said = sum(t["true"] + t["false"] for t in kept)
    return [sum(t["false"] for t in kept) / said if said else 0.0, _let_pass(traces)[1]]


def _traces(kept: list[int], rejected: list[int], asks: str) -> Case:
    """A case from the number of false claims in each trace that was kept, and in each that was rejected."""
    traces = [{"kept": True, "true": 3, "false": false} for false in kept]
    traces += [{"kept": False, "true": 2, "false": false} for false in rejected]
    return Case((traces,), asks, f"traces with false claims: kept {kept}, rejected {rejected}")


LET_PASS = Exercise(
    name="01.let_pass",
    minutes=10,
    difficulty="medium",
    right="the first number says how clean your data is, the second how much the judge misses.",
    check=ByCases(
        _let_pass,
        (
            _traces([0, 2, 0], [3, 1], "one of three kept traces has a false claim; one of three with one was kept."),
            _traces([0, 1, 2], [0], "two of three kept traces have a false claim, and all with one were kept."),
            _traces([1], [4, 1, 1], "the one kept trace has a false claim; of four with one it alone was kept."),
        ),
    ),
    mistakes=(
        Mistake(
            "of_all",
            "both shares are of all traces; the first is of kept ones, the second of those with a false claim.",
            (_of_all,),
        ),
        Mistake("swapped", "the two shares are swapped: the first is of the kept traces.", (_swapped,)),
        Mistake(
            "caught",
            "the second share is of the traces that were rejected; asked for is the share that was kept.",
            (_caught,),
        ),
        Mistake(
            "claims", "it counts claims; a trace with two false claims is one trace with a false claim.", (_claims,)
        ),
    ),
)

# ---- rows of one's own ----

LETTERS = "ABCDEFGH"


def _to_row(row: dict, answer: str | None = None) -> dict:
    if "choices" not in row:
        return {"image": row["file"], "question": row["ask"], "answer": row["right"], "verifier_type": "digit"}
    options = ", ".join(f"{text} ({letter})" for text, letter in zip(row["choices"], LETTERS, strict=False))
    return {
        "image": row["file"],
        "question": f"{row['ask']} Choose one option: {options}.",
        "answer": LETTERS[row["right"]] if answer is None else answer,
        "verifier_type": "choice",
    }


def _counted_from_one(row: dict) -> dict:
    return _to_row(row, LETTERS[row["right"] - 1] if "choices" in row else None)


def _text_as_answer(row: dict) -> dict:
    return _to_row(row, row["choices"][row["right"]] if "choices" in row else None)


def _number_as_answer(row: dict) -> dict:
    return {**_to_row(row), "answer": row["right"]}


def _without_options(row: dict) -> dict:
    return {**_to_row(row), "question": row["ask"]}


def _one_type(row: dict) -> dict:
    return {**_to_row(row), "verifier_type": "choice"}


MY_ROWS = Exercise(
    name="01.my_rows",
    minutes=15,
    difficulty="medium",
    right="written as JSON Lines, these rows are what `load_records` reads, each with the verifier that fits it.",
    check=ByCases(
        _to_row,
        (
            Case(
                (
                    {
                        "file": "a/7.png",
                        "ask": "Which bar is the highest?",
                        "choices": ["red", "blue", "green"],
                        "right": 1,
                    },
                ),
                "a row with choices becomes a multiple choice question.",
            ),
            Case(
                ({"file": "a/8.png", "ask": "How many cubes are left?", "right": "4"},),
                "a row without choices is a count.",
            ),
            Case(
                ({"file": "a/9.png", "ask": "Which line is the lowest?", "choices": ["solid", "dashed"], "right": 0},),
                "`right` counts from 0, so 0 is option A.",
            ),
        ),
    ),
    mistakes=(
        Mistake("from_one", "`right` counts from 0: 0 is option A, 1 is option B.", (_counted_from_one,)),
        Mistake(
            "text",
            "the answer is the option's text; make it the letter, as the verifier of choices wants it.",
            (_text_as_answer,),
        ),
        Mistake("number", "the answer is the place in the list; make it the letter.", (_number_as_answer,)),
        Mistake(
            "options", "the question does not name the options, so no model could choose a letter.", (_without_options,)
        ),
        Mistake("type", "each row is read as a choice; a row without choices is a count: digit.", (_one_type,)),
    ),
)

EXERCISES = (WHOLE_WORDS, JUDGE_REPLY, LET_PASS, MY_ROWS)
