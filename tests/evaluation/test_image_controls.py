"""Controls of vision: what the model is shown changes, and nothing else does."""

import io
from collections import Counter
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from vlaa_helpers import control_images, evaluate, load_policy, load_report, make_scenes, to_grpo
from vlaa_helpers.core.images import image_hash
from vlaa_helpers.core.record_schema import RECORD_COLUMNS, arrow_dataset, record_features
from vlaa_helpers.evaluation.image_controls import _mixed
from vlaa_helpers.policy.generation import chat_inputs
from vlaa_helpers.rewards.mixed import MixedReward


@pytest.fixture(scope="module")
def records():
    return make_scenes(48, split="test")


def picture(colour: str, size: tuple[int, int] = (28, 28)) -> dict:
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, "PNG")
    return {"bytes": buffer.getvalue(), "path": None}


def records_of(*rows: dict):
    """Records with given columns, empty in the others."""
    full = ({**dict.fromkeys(RECORD_COLUMNS, ""), "id": str(k), "source": "mine", **row} for k, row in enumerate(rows))
    return arrow_dataset(full, record_features())


def test_true_images_are_the_records_themselves(records):
    assert control_images(records, "true") is records


@pytest.mark.parametrize("images", ["blank", "swapped"])
def test_only_the_image_changes(records, images):
    shown = control_images(records, images)
    assert shown.remove_columns("image")[:] == records.remove_columns("image")[:]
    assert shown.features == records.features
    assert [image.size for image in shown["image"]] == [image.size for image in records["image"]]
    assert not any(image_hash(a) == image_hash(b) for a, b in zip(records["image"], shown["image"], strict=True))


def test_blank_images_are_one_grey_of_the_same_size():
    shown = control_images(records_of({"image": picture("red", (40, 20))}, {"image": picture("blue")}), "blank")
    assert [image.size for image in shown["image"]] == [(40, 20), (28, 28)]
    assert {colour for image in shown["image"] for _, colour in image.getcolors()} == {(128, 128, 128)}


def test_swapped_images_are_those_of_the_source_each_once(records):
    shown = control_images(records, "swapped")
    for source in set(records["source"]):
        before, after = (
            [image_hash(image) for image, name in zip(rows["image"], rows["source"], strict=True) if name == source]
            for rows in (records, shown)
        )
        assert Counter(before) == Counter(after) and before != after
    owner = {image_hash(image): gt for image, gt in zip(records["image"], records["gt"], strict=True)}
    assert all(owner[image_hash(row["image"])] != row["gt"] for row in shown)


def test_which_images_are_swapped_depends_on_the_seed_alone(records):
    first, again, other = (
        [image_hash(image) for image in control_images(records, "swapped", seed=seed)["image"]] for seed in (0, 0, 1)
    )
    assert first == again != other


def test_a_swapped_image_is_stretched_to_the_size_of_the_question_s_own():
    shown = control_images(records_of({"image": picture("red", (40, 20))}, {"image": picture("blue")}), "swapped")
    assert [image.size for image in shown["image"]] == [(40, 20), (28, 28)]
    assert [image.getpixel((5, 5)) for image in shown["image"]] == [(0, 0, 255), (255, 0, 0)]


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3)), min_size=2, max_size=30), st.integers(0, 3))
def test_no_record_keeps_its_image_and_few_their_ground_truth(pairs, seed):
    looks, gts = zip(*pairs, strict=True)
    n, most = len(looks), max(Counter(looks).values())
    order = _mixed(looks, gts, Random(seed))
    assert sorted(order) == list(range(n))
    own = sum(looks[i] == looks[other] for i, other in enumerate(order))
    assert own == 0 if 2 * most <= n else own > 0


@given(st.lists(st.integers(0, 3), min_size=2, max_size=30), st.integers(0, 3))
def test_as_few_as_possible_get_an_image_of_their_own_ground_truth(gts, seed):
    order = _mixed([str(k) for k in range(len(gts))], gts, Random(seed))
    same = sum(gts[i] == gts[other] for i, other in enumerate(order))
    assert same == max(0, 2 * max(Counter(gts).values()) - len(gts))


def test_what_cannot_be_controlled_is_an_error(records):
    with pytest.raises(ValueError, match="images='gray': expected one of 'true', 'blank', 'swapped'"):
        control_images(records, "gray")
    text = make_scenes(3, split="text")
    for images in ("blank", "swapped"):
        with pytest.raises(ValueError, match=f"'{images}': 3 of 3 records have no image, for example blocks-text"):
            control_images(text, images)
    with pytest.raises(ValueError, match="1 of 1 records of source 'mine' show the same image .*leave that source out"):
        control_images(records_of({"image": picture("red")}), "swapped")
    alike = records_of(*({"image": picture(colour), "gt": colour} for colour in ("red", "red", "blue")))
    with pytest.raises(ValueError, match=r"2 of 3 records of source 'mine' show the same image \(0\)"):
        control_images(alike, "swapped")


# ---- in an evaluation ----


@pytest.fixture(scope="module")
def policy(tiny_profile):
    return load_policy(tiny_profile, trainable=False)


OPTIONS = {"max_new_tokens": 4, "batch_size": 5}


def test_prompts_stay_the_same_to_the_token(policy, records):
    read = []
    for images in ("true", "blank", "swapped"):
        view = to_grpo(control_images(records, images))
        read.append(chat_inputs(*policy, view["prompt"][:], view["images"][:]))
    assert all((each["input_ids"] == read[0]["input_ids"]).all() for each in read[1:])
    assert not any(np.array_equal(each["pixel_values"], read[0]["pixel_values"]) for each in read[1:])


@pytest.mark.parametrize("images", ["blank", "swapped"])
def test_the_model_sees_the_control_and_the_scorer_the_true_image(policy, records, images, monkeypatch):
    from vlaa_helpers.policy import generation

    shown_to_model, shown_to_scorer = [], []
    original = generation.generate_responses

    def generate(model, processor, prompts, pictures, sampling):
        shown_to_model.extend(image_hash(image) for several in pictures for image in several)
        return original(model, processor, prompts, pictures, sampling)

    class Watching(MixedReward):
        def score_all(self, responses, gts, kinds, questions, metas, several):
            shown_to_scorer.extend(image_hash(image) for (image,) in several)
            return super().score_all(responses, gts, kinds, questions, metas, several)

    monkeypatch.setattr(generation, "generate_responses", generate)
    report = evaluate(*policy, records, **OPTIONS, samples=2, images=images, seed=3, reward=Watching())
    control = control_images(records, images, seed=3)
    assert shown_to_model == [image_hash(image) for image in control["image"]]
    assert shown_to_scorer == [image_hash(image) for image in records["image"] for _ in range(2)]
    assert [row["gt"] for row in report.rows[::2]] == records["gt"][:]
    assert report.images == images and f"2 samples an item, {images} images; no answer" in str(report)


def test_true_images_are_what_is_shown_without_a_word(policy, records):
    report = evaluate(*policy, records.select(range(2)), **OPTIONS)
    assert report.images == "true" and "images" not in report.settings and "images" not in str(report)


def test_a_folder_of_other_images_is_refused_and_one_of_the_same_goes_on(policy, records, tmp_path):
    records = records.select(range(12))
    whole = evaluate(*policy, records, **OPTIONS, images="swapped", out=tmp_path / "swapped")
    for images in ("true", "blank"):
        with pytest.raises(ValueError, match="holds another evaluation: its images differ"):
            evaluate(*policy, records, **OPTIONS, images=images, out=tmp_path / "swapped")
    kept = tmp_path / "swapped" / "responses.jsonl"
    kept.write_text("".join(kept.read_text().splitlines(keepends=True)[:7]))  # interrupted in the second batch
    again = evaluate(*policy, records, **OPTIONS, images="swapped", out=tmp_path / "swapped")
    for name in ("id", "question", "gt", "response"):
        assert [row[name] for row in again.rows] == [row[name] for row in whole.rows]
    assert load_report(tmp_path / "swapped").images == "swapped"


def test_what_cannot_be_controlled_leaves_no_folder(policy, tmp_path):
    with pytest.raises(ValueError, match="have no image"):
        evaluate(*policy, make_scenes(3, split="text"), **OPTIONS, images="blank", out=tmp_path / "out")
    assert not (tmp_path / "out").exists()
