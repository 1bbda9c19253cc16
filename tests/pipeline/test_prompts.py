import string

import pytest

from vlaa_helpers.pipeline.prompts import PROMPTS, ROLES

FIELDS = {"caption": "C", "hint": "H", "question": "Q", "text": "T", "gt": "G", "answer": "A"}
SLOTS = {
    "caption": {"hint"},
    "reason": {"caption", "hint", "question"},
    "rewrite": {"text"},
    "verify": {"question", "gt", "answer"},
}


@pytest.mark.parametrize("role", ROLES)
def test_the_slots_are_those_the_steps_fill(role):
    names = {name for _, name, _, _ in string.Formatter().parse(PROMPTS[role].user) if name}
    assert names == SLOTS[role]
    user = PROMPTS[role].messages({name: FIELDS[name] for name in names})[1]["content"]
    assert all(FIELDS[name] in user for name in names)


def test_braces_in_what_is_filled_in_stay():
    assert r"\frac{1}{2} {gt}" in PROMPTS["rewrite"].messages({"text": r"\frac{1}{2} {gt}"})[1]["content"]


def test_every_version_is_of_its_role():
    assert all(prompt.version.startswith(f"{role}-") for role, prompt in PROMPTS.items())
