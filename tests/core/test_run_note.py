"""The ids that a run trained on: kept in its note, compared when it is resumed, read from beside its adapter."""

import json

import pandas as pd
import pytest
from datasets import Dataset, Image, concatenate_datasets

from vlaa_helpers import get_profile, make_scenes, policy_adapter, trained_ids, trained_on
from vlaa_helpers.core.run_note import SEEN, note_run, seen_by

RECIPE = pd.DataFrame({"value": [1], "source": ["ours"]}, index=["batch_size"])


def write(folder, records, **options):
    options = {"method": "SFT", "profile": get_profile("mini"), "recipe": RECIPE, "given": {}, "seed": 0} | options
    note_run(folder, records=records, **options)


def test_a_note_names_what_was_trained_on(tmp_path):
    records = make_scenes(6)
    write(tmp_path, records)
    assert trained_ids(tmp_path / "adapter") == trained_ids(tmp_path) == set(records["id"])


def test_an_adapter_without_a_note_is_warned_of(tmp_path, caplog):
    assert trained_ids(tmp_path / "adapter") == set()
    assert "no training.json names what" in caplog.text


def test_a_run_is_not_resumed_over_other_records(tmp_path):
    records = make_scenes(6)
    write(tmp_path, records)
    write(tmp_path, records, resumed=True)
    for others in (make_scenes(6, seed=1), records.select([1, 0, 2, 3, 4, 5])):
        with pytest.raises(ValueError, match="trained on 6 records, and these 6 are others, or in another order"):
            write(tmp_path, others, resumed=True)
    write(tmp_path, make_scenes(6, seed=1))  # from the beginning


def test_a_run_that_goes_on_with_other_images_says_so(tmp_path, caplog):
    records, profile = make_scenes(6), get_profile("mini")
    write(tmp_path, records, profile=profile)
    write(tmp_path, records, profile=profile, resumed=True)
    assert not caplog.text
    write(tmp_path, records, profile=profile.replace(max_pixels=6272), resumed=True)
    assert "goes on with max_pixels=6272; it began with 12544" in caplog.text
    note = json.loads((tmp_path / "training.json").read_text())
    assert (note["max_pixels"], note["dtype"]) == (6272, "float32")


class Policy:
    """What a trainer has of a policy here: an object that attributes can be set on."""


def test_what_was_trained_on_is_found_by_id_and_by_image(tmp_path, caplog):
    records = make_scenes(6)
    write(tmp_path, records, model=Policy())
    renamed = records.map(lambda row: {"id": f"other-{row['id']}"})  # as with another limit, or another split
    asked = concatenate_datasets([records.select([0, 1]), renamed.select([2, 3, 4]), make_scenes(6, split="test")])
    for adapter in (tmp_path, tmp_path / "adapter", tmp_path / "checkpoint-20"):
        found = trained_on(adapter, asked)
        assert found.ids == set(asked["id"][:5]) and (found.by_id, found.by_image, found.is_known) == (2, 5, True)
    assert str(found) == f"{tmp_path}/checkpoint-20: trained on 5 of 11 records (2 by id, 5 by image)"
    assert not caplog.text


def test_a_policy_that_went_on_was_trained_on_both(tmp_path):
    first, second, third = (make_scenes(4, seed=seed) for seed in range(3))
    policy = Policy()
    write(tmp_path / "sft", first, model=policy)
    write(tmp_path / "grpo", second, model=policy)  # the same policy in one notebook
    loaded = Policy()
    setattr(loaded, SEEN, seen_by(tmp_path / "grpo" / "adapter"))  # as load_policy does
    write(tmp_path / "more", third, model=loaded)
    asked = concatenate_datasets([first, second, third, make_scenes(4, split="test")])
    sizes = {run: len(trained_on(tmp_path / run / "adapter", asked).ids) for run in ("sft", "grpo", "more")}
    assert sizes == {"sft": 4, "grpo": 8, "more": 12}
    write(tmp_path / "more", third, model=Policy(), resumed=True)  # what was before it is in its own note
    assert len(trained_on(tmp_path / "more", asked).ids) == 12


def test_an_adapter_that_does_not_tell_says_so(tmp_path, caplog):
    records = make_scenes(4)
    found = trained_on(tmp_path / "adapter", records)
    assert not found.is_known and not found.ids and "it does not tell all" in str(found)
    assert "does not tell all that it was trained on" in caplog.text
    write(tmp_path, records)
    note = json.loads((tmp_path / "training.json").read_text())
    (tmp_path / "training.json").write_text(
        json.dumps({k: v for k, v in note.items() if k not in ("images", "earlier")})
    )
    old = trained_on(tmp_path / "adapter", records)  # of an earlier version: by id, and perhaps more
    assert len(old.ids) == 4 and not old.is_known
    policy = Policy()
    setattr(policy, SEEN, seen_by(tmp_path / "nowhere"))
    write(tmp_path / "on", make_scenes(4, seed=1), model=policy)  # what it went on from did not tell
    assert not trained_on(tmp_path / "on", records).is_known


def test_an_image_that_lies_in_a_file_is_the_same(tmp_path):
    records = make_scenes(3)
    write(tmp_path, records)
    paths = []
    for k, image in enumerate(records.cast_column("image", Image(decode=False))["image"]):
        (tmp_path / f"{k}.png").write_bytes(image["bytes"])
        paths.append({"bytes": None, "path": str(tmp_path / f"{k}.png")})
    elsewhere = Dataset.from_dict({"id": list("abc"), "image": paths, "meta": ["{}"] * 3}).cast_column("image", Image())
    assert trained_on(tmp_path, elsewhere).ids == {"a", "b", "c"}


@pytest.mark.parametrize("arm", ["SFT", "GRPO", "SFT→GRPO"])
def test_the_policies_of_the_package_tell(arm):
    asked = concatenate_datasets([make_scenes(6, seed=9), make_scenes(6, split="test")])
    found = trained_on(policy_adapter(arm), asked)
    assert found.is_known and found.ids == set(asked["id"][:6])


def test_a_note_has_no_keys_and_no_folders(tmp_path):
    given = {
        "hub_token": "hf_secret",
        "deepspeed": "/srv/ann/ds.json",
        "logging_dir": "/srv/ann/logs",
        "max_steps": 2,
    }
    given |= {"vllm_server_base_url": "http://ann:pass@host:8000"}
    write(tmp_path, make_scenes(2), given=given)
    text = (tmp_path / "training.json").read_text()
    assert not any(word in text for word in ("secret", "ann", "pass@", "/srv"))
    kept = {"deepspeed": "ds.json", "logging_dir": "logs", "vllm_server_base_url": "http://host:8000", "max_steps": 2}
    assert json.loads(text)["given"] == kept
