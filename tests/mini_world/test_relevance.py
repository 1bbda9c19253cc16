"""Pairs for reranking: each question fits its own image and none of its negatives, by the scene facts."""

import json
from collections import Counter

import pytest

from vlaa_helpers import decode_image, image_hash, make_relevance_pairs, make_scenes
from vlaa_helpers.mini_world import relevance
from vlaa_helpers.mini_world.scenes import remake_scene, split_of


def fits(query, facts):
    """Read from the question's words alone: what it names is shown."""
    if "objects" in facts:
        name = query.removeprefix("Where is the ").removesuffix("?")
        return name in [f"{thing['colour']} {thing['shape']}" for thing in facts["objects"]]
    words = query.removesuffix("?").split()
    named = [word for word, mark in zip(words, words[1:], strict=False) if mark in ("bar", "point")]
    return facts["style"] in words and set(named) <= set(facts["colours"]) and len(named) in (1, 2)


@pytest.fixture(scope="module", params=[("train", 1), ("test", 1), ("validation", 0), ("test", 2)])
def pairs(request):
    split, difficulty = request.param
    return split, make_relevance_pairs(30, negatives=4, split=split, difficulty=difficulty).to_pandas()


def test_each_question_fits_its_own_image_and_no_other(pairs):
    split, table = pairs
    assert len(table) == 150 and table["query_id"].nunique() == 30
    for row in table.to_dict(orient="records"):
        facts = json.loads(row["facts"])
        assert fits(row["query"], facts) == row["relevant"], (row["query"], facts)
        assert row["query"].endswith("?") and split_of(facts) == split
    for _, rows in table.groupby("query_id"):
        assert rows["relevant"].tolist() == [True, False, False, False, False]
        assert rows["query"].nunique() == 1 and rows["facts"].nunique() == 5
        assert len({image_hash(image) for image in rows["image"]}) == 5


def test_real_pairs_are_those_of_records(pairs):
    _, table = pairs
    for row in table[table["relevant"]].to_dict(orient="records"):
        record = remake_scene(row["query_id"])
        assert record["question"].startswith(row["query"]) and record["image"]["bytes"] == row["image"]["bytes"]


def test_negatives_are_hard_and_only_the_named_thing_tells_them_apart(pairs):
    _, table = pairs
    for _, rows in table.groupby("query_id"):
        own = json.loads(rows.iloc[0]["facts"])
        for row in rows.iloc[1:].to_dict(orient="records"):
            facts = json.loads(row["facts"])
            if row["change"] in ("colour", "shape", "thing") and row["source"] == "boxes":
                before, after = (Counter((t["colour"], t["shape"]) for t in each["objects"]) for each in (own, facts))
                ((gone, _),), ((new, _),) = (before - after).items(), (after - before).items()
                differs = {"colour": (True, False), "shape": (False, True), "thing": (True, True)}[row["change"]]
                assert (gone[0] != new[0], gone[1] != new[1]) == differs
                assert [t["box"] for t in facts["objects"]] != [t["box"] for t in own["objects"]]
            elif row["source"] == "charts" and row["change"] != relevance.OTHER:
                kept = set(own["colours"]) & set(facts["colours"])
                assert (facts["style"] == own["style"], len(kept)) == (
                    (True, 3) if row["change"] == "colour" else (False, 4)
                )
    seen = Counter(zip(table["source"], table["change"], strict=True))
    assert set(seen) == {
        *(("boxes", change) for change in ("", "colour", "shape", "thing", relevance.OTHER)),
        *(("charts", change) for change in ("", "colour", "style", relevance.OTHER)),
    }


def test_the_image_alone_does_not_tell_which_is_relevant():
    """The scene with the most things is the relevant one no more often than chance has it."""
    table = make_relevance_pairs(120, negatives=3, sources="boxes", seed=5).to_pandas()
    count = table["facts"].map(lambda facts: len(json.loads(facts)["objects"]))
    near = table["change"] != relevance.OTHER
    assert (count[near].groupby(table["query_id"]).nunique() == 1).all()


def test_the_same_seed_gives_the_same_and_splits_share_no_image():
    one, again, other = (make_relevance_pairs(6, seed=seed).to_pandas() for seed in (0, 0, 1))
    assert one.equals(again) and not one["facts"].equals(other["facts"])
    test = make_relevance_pairs(12, split="test").to_pandas()
    assert not set(one["facts"]) & set(test["facts"])
    assert decode_image(one["image"][1]).size == decode_image(make_scenes(1)[0]["image"]).size


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"sources": "blocks"}, "source 'blocks': its questions fit any of its images; expected boxes or charts"),
        ({"split": "shifted"}, "split='shifted', .*expected a split of train, validation, test"),
        ({"negatives": 0}, "n=3 and negatives=0; expected one question and one negative or more"),
    ],
)
def test_what_cannot_be_is_refused(settings, said):
    with pytest.raises(ValueError, match=said):
        make_relevance_pairs(3, **settings)
