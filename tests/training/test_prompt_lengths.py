"""Prompt lengths counted without looking into images are those of the prompts that TRL makes."""

import io

import numpy as np
import pytest
from PIL import Image, ImageFile
from trl.data_utils import prepare_multimodal_messages

from vlaa_helpers import drop_long_prompts, get_profile, load_records, make_scenes, to_grpo
from vlaa_helpers.core.record_schema import arrow_dataset, record_features
from vlaa_helpers.mini_world.kinds import SOURCES
from vlaa_helpers.policy.loading import load_processor


@pytest.fixture(scope="module")
def processor():
    return load_processor(get_profile("mini"))


def lengths_in_trl(records, processor):
    """Tokens, and image tokens, of each prompt as `GRPOTrainer._tokenize_prompts` makes it."""
    found = []
    for row in to_grpo(records):
        prompt = prepare_multimodal_messages(row["prompt"], images=row["images"])
        done = processor.apply_chat_template(
            conversation=[prompt], add_generation_prompt=True, tokenize=True, return_dict=True
        )
        ids = np.array(done["input_ids"][0])
        found.append((len(ids), int((ids == processor.image_token_id).sum())))
    return found


def measured(records, processor):
    _, lengths = drop_long_prompts(records, processor, None)
    return list(zip(lengths.tokens.tolist(), lengths.image_tokens.tolist(), strict=True))


def with_images(files, **form):
    """Records around encoded images, or around paths."""
    row = {**make_scenes(1)[0], "image": None}
    key = "path" if "path" in form else "bytes"
    images = [{"bytes": None, "path": None, key: file} for file in files]
    return arrow_dataset(({**row, "id": f"p-{k}", "image": image} for k, image in enumerate(images)), record_features())


def encoded(width, height, kind="PNG", **options):
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), "teal").save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("split", ["train", "shifted", "text"])
def test_every_mini_source_is_counted_right(processor, split):
    records = make_scenes(4 * len(SOURCES), split=split, difficulty=2, seed=9)
    expected = lengths_in_trl(records, processor)
    assert measured(records, processor) == expected
    assert all((images > 0) == (split != "text") for _, images in expected)


@pytest.mark.parametrize("max_pixels", [112 * 112, 262_144])
def test_odd_sizes_are_counted_right(processor, max_pixels):
    sizes = [(1, 1), (1, 190), (27, 29), (28, 28), (41, 43), (113, 111), (640, 20), (333, 777), (1000, 999), (42, 70)]
    turned = Image.Exif()
    turned[0x0112] = 6
    data = [encoded(*size) for size in sizes] + [encoded(200, 50, "JPEG", exif=turned), encoded(97, 31, "GIF")]
    records = with_images(data)
    before = processor.image_processor.size["longest_edge"]
    processor.image_processor.size["longest_edge"] = max_pixels
    try:
        expected = lengths_in_trl(records, processor)
        assert measured(records, processor) == expected
        assert len({images for _, images in expected}) > 4
    finally:
        processor.image_processor.size["longest_edge"] = before


def test_images_on_disk_are_counted_right(processor, tmp_path):
    (tmp_path / "a.png").write_bytes(encoded(300, 80))
    on_disk = with_images([str(tmp_path / "a.png")], path=True)
    assert measured(on_disk, processor) == lengths_in_trl(on_disk, processor)


def test_released_rows_are_counted_right(processor, real_samples):
    released = load_records(real_samples / "rows.jsonl", image_root=real_samples)
    assert measured(released, processor) == lengths_in_trl(released, processor)


def test_what_is_too_long_is_left_out_and_reported(processor):
    records = make_scenes(60, seed=2).shuffle(seed=1)
    kept, lengths = drop_long_prompts(records, processor, None)
    assert kept is records and str(lengths).startswith("60 prompts, no limit; the longest kept has ")
    limit = int(np.unique(lengths.tokens)[-3])
    kept, lengths = drop_long_prompts(records, processor, limit)
    assert [row["id"] for row in kept] == [
        name for name, length in zip(records["id"], lengths.tokens, strict=True) if length <= limit
    ]
    assert lengths.longest_kept == limit and len(lengths.tokens) == 60
    table = lengths.by_source
    assert table.loc["all", "dropped"] == 60 - len(kept) == table["dropped"].drop("all").sum() > 0
    assert table.loc["all", "longest"] == lengths.tokens.max() > limit
    words = str(lengths)
    assert words.startswith(f"left out {60 - len(kept)} of 60 prompts, longer than {limit} tokens (")
    for source, row in table.drop(index="all").iterrows():
        assert (f"{source} {row['dropped']} of 10" in words) == (row["dropped"] > 0)
    again, lengths = drop_long_prompts(kept, processor, limit)
    assert again is kept and str(lengths) == (
        f"none of {len(kept)} prompts is longer than {limit} tokens; the longest kept has {limit} tokens"
    )


def test_nothing_fits_and_nothing_to_measure(processor):
    with pytest.raises(ValueError, match=r"no prompt has at most 20 tokens, the shortest has \d+; raise max_prompt_le"):
        drop_long_prompts(make_scenes(6), processor, 20)
    kept, lengths = drop_long_prompts(make_scenes(0), processor, 20)
    assert len(kept) == 0 and str(lengths) == "no prompts" and lengths.longest_kept == 0


@pytest.mark.parametrize(("data", "why"), [(b"not an image", "not read as PNG"), (encoded(1, 201), "aspect ratio")])
def test_a_image_that_cannot_be_measured_is_named(processor, data, why):
    with pytest.raises(ValueError, match=f"the image of record p-1 cannot be measured: .*{why}"):
        drop_long_prompts(with_images([encoded(9, 9), data]), processor, 500)


def test_no_image_is_decoded(processor, monkeypatch):
    """What makes it fast: sizes stand in the headers of files."""
    records = make_scenes(12)
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda self: pytest.fail("decoded an image"))
    with pytest.raises(pytest.fail.Exception, match="decoded"):
        Image.open(io.BytesIO(encoded(9, 9))).getpixel((0, 0))
    monkeypatch.setattr(type(processor.image_processor), "__call__", lambda *_, **__: pytest.fail("processed an image"))
    assert len(drop_long_prompts(records, processor, 500)[0]) == 12
