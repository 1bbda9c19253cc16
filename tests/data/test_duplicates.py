import pytest
from datasets import concatenate_datasets

from vlaa_helpers import find_duplicates, make_scenes, overlap, split_by_image
from vlaa_helpers.core.images import decode_image


def renamed(records, **changes):
    return records.map(lambda row: {"id": row["id"] + "-other", **changes})


def test_nothing_in_common():
    found = overlap(make_scenes(30, split="train"), make_scenes(30, split="test"))
    assert (found.images, found.questions) == ((), ())
    assert str(found) == "0 images and 0 questions about them in common"


def test_a_image_with_another_question_is_half_an_overlap():
    train = make_scenes(6)
    asked_again = renamed(train.select([0, 1]), question="How many  objects?")
    found = overlap(train, asked_again)
    assert found.images == tuple((name, f"{name}-other") for name in train["id"][:2]) and found.questions == ()


def test_case_and_blanks_do_not_make_another_question():
    train = make_scenes(1)
    question = train[0]["question"]
    found = overlap(train, renamed(train, question=f"  {question.upper()}\n"))
    assert len(found.images) == len(found.questions) == 1


def test_the_same_pixels_in_another_file_are_the_same_image():
    import io

    train = make_scenes(1)
    buffer = io.BytesIO()
    decode_image(train[0]["image"]).save(buffer, "BMP")
    other = make_scenes(1, seed=9).map(lambda row: {"image": {"bytes": buffer.getvalue(), "path": None}})
    assert len(overlap(train, other).images) == 1


def test_questions_without_images_are_compared_by_their_words():
    texts = make_scenes(6, split="text")
    found = overlap(texts, renamed(texts.select([3])))
    assert found.images == () and found.questions == ((texts[3]["id"], texts[3]["id"] + "-other"),)


def test_duplicates_come_in_groups():
    records = make_scenes(6)
    both = concatenate_datasets([records, renamed(records.select([2, 4])), make_scenes(6, split="text")])
    names = records["id"]
    assert find_duplicates(both) == [[names[2], names[2] + "-other"], [names[4], names[4] + "-other"]]
    assert find_duplicates(records) == []


def test_what_is_held_out_shares_no_image_and_is_even_over_sources():
    records = make_scenes(60)
    asked_again = renamed(records, question="How many objects?")
    both = concatenate_datasets([records, asked_again, make_scenes(6, split="text")]).sort("source")
    train, test = split_by_image(both, 4, seed=3)
    assert overlap(train, test).images == ()
    assert sorted([*train["id"], *test["id"]]) == sorted(both["id"])
    held = [list(test["source"]).count(source) for source in sorted(set(both["source"]))]
    assert set(held) <= {3, 4} and len(held) == 6  # pairs that stay together, and one record without an image
    assert len(set(train["source"][:12])) > 2 and split_by_image(both, 4, seed=4)[1]["id"][:] != test["id"][:]


@pytest.mark.parametrize(("n", "per_source"), [(12, 2), (12, 0)])
def test_a_source_that_cannot_be_in_both_is_named(n, per_source):
    with pytest.raises(ValueError, match=f"blocks has 2 records, {per_source} of which can be held out where"):
        split_by_image(make_scenes(n), per_source)
