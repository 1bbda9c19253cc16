"""What holds for every kind: ground truth from the facts, words that are true and complete, novelty when shifted."""

import json
from collections import Counter
from random import Random

import numpy as np
import pytest
from scene_rows import DIFFICULTIES, facts_and_task, facts_of, rows_of, world

from vlaa_helpers.data.rows_to_records import verifier_by_source
from vlaa_helpers.mini_world import response_styles
from vlaa_helpers.mini_world.kinds import KINDS, SOURCES, Ask, with_options
from vlaa_helpers.mini_world.kinds.words import PAIRS, UNSEEN_PAIRS
from vlaa_helpers.mini_world.scenes import check_facts
from vlaa_helpers.rewards.registry import verifier_names


def test_every_verifier_is_covered():
    paper = {"digit", "choice", "math", "box", "open_ended"}
    assert paper <= {kind.verifier_type for kind in KINDS.values()} <= set(verifier_names())
    assert all(kind.verifier_type == verifier_by_source()[name] for name, kind in KINDS.items())
    assert all(row["verifier_type"] == verifier_by_source()[row["source"]] for row in world("train", 1))


def novel_things(source, facts):
    """What of the shifted set's novelty a scene has."""
    if source in ("blocks", "boxes", "stories"):
        return {pair for thing in facts["objects"] if (pair := (thing["colour"], thing["shape"])) in UNSEEN_PAIRS}
    if source == "angles":
        return {"two equal angles"} if len(set(facts["angles"])) < 3 else set()
    if source == "charts":
        return {9} & set(facts["values"])
    return {(facts["a"], facts["b"])} if (facts["a"] + 2 * facts["b"]) % 5 == 0 else set()


@pytest.mark.parametrize("source", SOURCES)
def test_the_shifted_set_shows_what_training_never_does(source):
    for level in DIFFICULTIES:
        assert not any(novel_things(source, facts_of(row)) for row in rows_of(source, ("train", "text"), [level]))
        assert all(novel_things(source, facts_of(row)) for row in rows_of(source, ("shifted",), [level]))


def test_unseen_pairs_are_made_of_seen_parts():
    seen = set(PAIRS) - set(UNSEEN_PAIRS)
    for colour, shape in UNSEEN_PAIRS:
        assert any(c == colour for c, _ in seen) and any(s == shape for _, s in seen)


def test_the_shifted_set_has_more_objects():
    for level in DIFFICULTIES:
        for source, least in (("blocks", 7), ("boxes", 4), ("stories", 4)):
            assert all(len(facts_of(row)["objects"]) >= least for row in rows_of(source, ("shifted",), [level]))


def test_difficulty_is_a_dial():
    for source in ("blocks", "boxes", "stories"):
        means = [np.mean([len(facts_of(r)["objects"]) for r in rows_of(source, ("train",), [d])]) for d in DIFFICULTIES]
        assert means[0] < means[1] < means[2]
    steps = [[len(facts_and_task(row)[1]["steps"]) for row in rows_of("blocks", ("train",), [d])] for d in DIFFICULTIES]
    assert set(steps[0]) == {1} and np.mean(steps[0]) < np.mean(steps[1]) < np.mean(steps[2])


@pytest.mark.parametrize("source", [source for source in SOURCES if source != "stories"])
def test_ground_truth_is_what_the_facts_give(source):
    for row in rows_of(source):
        facts, task = facts_and_task(row)
        answer = response_styles.solve(source, facts, task)[1]
        if "options" in task:  # the text of the option whose letter is the ground truth
            assert answer == task["value"] == task["options"]["ABCD".index(row["gt"])], row["id"]
        else:
            assert answer == row["gt"], row["id"]


def test_multiple_choice_has_four_options_and_one_right():
    for source in ("angles", "charts"):
        letters = Counter()
        for row in rows_of(source):
            _, task = facts_and_task(row)
            letters[row["gt"]] += 1
            assert len(set(task["options"])) == 4 and task["options"]["ABCD".index(row["gt"])] == task["value"]
            listed = [f"{option} ({letter})" for letter, option in zip("ABCD", task["options"], strict=True)]
            assert row["question"].endswith(f"Choose one option: {', '.join(listed)}.")
        assert set(letters) == set("ABCD") and min(letters.values()) > 0.18 * letters.total()  # no favourite letter


def test_options_need_three_wrong_answers():
    with pytest.raises(ValueError, match="zip"):
        with_options(Random(0), "q", "1", ["2", "2", "1", "3"], {})
    ask = with_options(Random(0), "q", "1", ["2", "3", "4", "5"], {"kind": "k"})
    assert isinstance(ask, Ask) and set(ask.task["options"]) == {"1", "2", "3", "4"}


@pytest.mark.parametrize("source", SOURCES)
def test_the_words_of_a_scene_are_true_and_complete(source):
    for row in rows_of(source, ("train", "shifted")):
        facts = facts_of(row)
        true, false, missing = check_facts(source, facts, KINDS[source].words(facts))
        assert true >= 1 and (false, missing) == (0, 0), row["id"]
        assert check_facts(source, facts, "Nothing to tell.") == (0, 0, true)


@pytest.mark.parametrize("source", SOURCES)
def test_a_wrong_look_is_caught(source):
    """Nearly always: a wrong look may mend itself (blocks), change nothing (charts), or move a box a little."""
    caught = 0
    rows = rows_of(source, ("train",))
    for row in rows:
        facts, rng = facts_of(row), Random(row["id"])
        before = json.dumps(facts)
        wrong = response_styles.misread(source, facts, rng)
        assert json.dumps(facts) == before, "misread changed the scene itself"
        _, false, missing = check_facts(source, facts, KINDS[source].words(wrong))
        caught += bool(false or missing)
        if wrong == facts:
            assert (false, missing) == (0, 0)
    assert caught >= 0.9 * len(rows)
