"""The vision tower in float16: it overflows by itself, and does not as `load_policy` gives it."""

import pytest
import torch
from peft import LoraConfig, get_peft_model
from PIL import Image
from transformers import AutoModelForImageTextToText

from vlaa_helpers import evaluate, load_policy, make_scenes, train_grpo, train_sft
from vlaa_helpers.policy.generation import chat_inputs
from vlaa_helpers.policy.vision_tower import ImageFeaturesError, guard_of, guard_tower, image_cache

HALF = {"dtype": "float16", "load_in_4bit": False}


def checkerboard(side: int = 56) -> Image.Image:
    """White and black pixels in turns: the image that makes Qwen2.5-VL's tower overflow in float16."""
    board = Image.new("RGB", (side, side))
    board.putdata([(255,) * 3 if (k // side + k) % 2 else (0,) * 3 for k in range(side * side)])
    return board


def inputs_of(model, processor, *images):
    prompt = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "how many"}]}]
    return chat_inputs(model, processor, [prompt] * len(images), [[image] for image in images])


def scaled_up(folder, tiny_profile, times: float) -> str:
    """The tiny model with a tower whose activations inside are `times` as large, and whose features are the same.

    What a block adds grows with its last layers; the norm before the merger divides by the size again.
    """
    model = AutoModelForImageTextToText.from_pretrained(tiny_profile.model)
    with torch.no_grad():
        for block in model.model.visual.blocks:
            for last in (block.attn.proj, block.mlp.down_proj):
                last.weight *= times
                last.bias *= times
        model.model.visual.patch_embed.proj.weight *= times
    model.save_pretrained(folder)
    load_policy(tiny_profile)[1].save_pretrained(folder)
    return str(folder)


@pytest.fixture
def overflowing(tmp_path, tiny_profile):
    return tiny_profile.replace(model=scaled_up(tmp_path / "overflowing", tiny_profile, 2.0**16), **HALF)


@pytest.mark.parametrize("kind", ["qwen2_vl", "qwen2_5_vl", "qwen3_vl"])
def test_the_tower_is_in_float32_beside_float16_and_nothing_else_is(tiny_models, tiny_profile, kind):
    folder = str(tiny_models[0][kind])
    model, _ = load_policy(tiny_profile.replace(model=folder, **HALF))
    kinds = {
        part: {p.dtype for name, p in model.named_parameters() if ("visual" in name) == part and "lora_" not in name}
        for part in (True, False)
    }
    assert kinds == {True: {torch.float32}, False: {torch.float16}}
    other, _ = load_policy(tiny_profile.replace(model=folder, dtype="bfloat16", load_in_4bit=False))
    assert {p.dtype for name, p in other.named_parameters() if "visual" in name} == {torch.bfloat16}


def test_a_tower_that_overflows_in_float16_gives_what_it_gives_in_float32(overflowing, tiny_profile):
    image = checkerboard()
    plain = AutoModelForImageTextToText.from_pretrained(overflowing.model, dtype=torch.float16)
    model, processor = load_policy(overflowing)
    inputs = inputs_of(model, processor, image)
    pixels = inputs["pixel_values"], inputs["image_grid_thw"]
    with torch.no_grad():
        alone = plain.model.get_image_features(*pixels).pooler_output[0]
        assert not alone.isfinite().all()  # what this is about
        with torch.autocast("cpu", torch.float16):  # as the Trainer has it
            found = model.base_model.model.model.get_image_features(*pixels).pooler_output[0]
        exact = AutoModelForImageTextToText.from_pretrained(overflowing.model, dtype=torch.float32)
        wanted = exact.model.get_image_features(*pixels).pooler_output[0]
        logits = model(**inputs).logits
    assert found.dtype == torch.float16 and logits.isfinite().all()
    # 16 bits of weights, and of what comes out
    torch.testing.assert_close(found.float(), wanted, rtol=2e-2, atol=2e-3 * float(wanted.abs().max()))


def test_autocast_alone_would_overflow_with_float32_weights(overflowing):
    """Why the tower runs outside autocast."""
    exact = AutoModelForImageTextToText.from_pretrained(overflowing.model, dtype=torch.float32)
    _, processor = load_policy(overflowing)
    inputs = inputs_of(exact, processor, checkerboard())
    with torch.no_grad(), torch.autocast("cpu", torch.float16):
        features = exact.model.get_image_features(inputs["pixel_values"], inputs["image_grid_thw"]).pooler_output[0]
    assert not features.isfinite().all()


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("autocast", [False, True])
def test_without_float16_no_bit_changes(tiny_profile, dtype, autocast):
    model, processor = load_policy(tiny_profile.replace(dtype=dtype, load_in_4bit=False))
    inputs = inputs_of(model, processor, checkerboard(), Image.new("RGB", (84, 56), "red"))
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        guarded = model(**inputs).logits
        del model.base_model.model.model.get_image_features
        assert guard_of(model) is None and torch.equal(guarded, model(**inputs).logits)


# ---- features that are not finite ----


@pytest.fixture
def blind_to_white(tiny_profile):
    """A policy whose tower gives a value that is not finite for images with a white patch."""
    model, processor = load_policy(tiny_profile)
    visual = model.base_model.model.model.visual
    plain = visual.patch_embed.forward

    def forward(patches):
        white = (patches > 1.9).all(dim=-1, keepdim=True)
        return plain(patches).masked_fill(white, torch.inf)

    visual.patch_embed.forward = forward
    return model, processor


def test_the_image_is_named_with_its_place_and_size(blind_to_white):
    model, processor = blind_to_white
    black, white = Image.new("RGB", (56, 56)), Image.new("RGB", (84, 56), "white")
    with pytest.raises(ImageFeaturesError) as error:
        model(**inputs_of(model, processor, black, white, black))
    message = str(error.value)
    assert message.startswith("image 2 of 3 in the batch (84 × 56 pixels): ")
    assert "features are not finite in float32; expected all to be. Leave the image out, or" in message


def test_pixel_values_that_are_not_finite_are_told_from_a_tower_that_overflows(tiny_profile):
    model, processor = load_policy(tiny_profile)
    inputs = inputs_of(model, processor, checkerboard())
    inputs["pixel_values"][0, 0] = torch.nan
    with pytest.raises(ImageFeaturesError, match="its pixel values are not finite already"):
        model(**inputs)


def with_white(records, place):
    rows = [
        {**row, "image": Image.new("RGB", (112, 112), "white")} if k == place else row for k, row in enumerate(records)
    ]
    return type(records).from_list(rows, features=records.features)


def test_evaluate_names_the_record(blind_to_white):
    records = with_white(make_scenes(4, split="test"), 2)
    with pytest.raises(ImageFeaturesError, match=f"record {records[2]['id']}: image 3 of 4"):
        evaluate(*blind_to_white, records, max_new_tokens=2)


def test_training_names_the_record(blind_to_white, tiny_profile, with_traces, tmp_path):
    records = with_white(with_traces(make_scenes(4)), 1)
    settings = {"max_steps": 2, "output_dir": str(tmp_path), "save_strategy": "no"}
    with pytest.raises(ImageFeaturesError, match=f"record {records[1]['id']}: image "):
        train_sft(*blind_to_white, records, tiny_profile, batch_size=4, **settings)
    zeros = lambda completions, **_: [0.0] * len(completions)  # noqa: E731
    with pytest.raises(ImageFeaturesError, match=f"record {records[1]['id']}: image "):
        train_grpo(*blind_to_white, records, tiny_profile, reward_funcs=zeros, **settings)


# ---- the cache ----


@pytest.mark.parametrize("kind", ["qwen2_vl", "qwen2_5_vl", "qwen3_vl"])
def test_what_is_cached_is_what_the_tower_gives(tiny_models, tiny_profile, kind):
    model, processor = load_policy(tiny_profile.replace(model=str(tiny_models[0][kind]), load_in_4bit=False))
    board, red = checkerboard(), Image.new("RGB", (84, 56), "red")
    with torch.no_grad():
        wanted = [model(**inputs_of(model, processor, *images)).logits for images in ((board, red), (red, board))]
        with image_cache(model, gib=1) as cache:
            found = [model(**inputs_of(model, processor, *images)).logits for images in ((board, red), (red, board))]
    assert (cache.misses, cache.hits) == (2, 2)
    torch.testing.assert_close(found, wanted)
    assert guard_of(model).cache is None  # and gone


def test_features_do_not_depend_on_the_batch(tiny_profile):
    model, processor = load_policy(tiny_profile)
    board, red = checkerboard(), Image.new("RGB", (84, 56), "red")
    features = []
    for images in ((board,), (red, board, red)):
        with image_cache(model, gib=1), torch.no_grad():
            inputs = inputs_of(model, processor, *images)
            found = guard_of(model)(inputs["pixel_values"], inputs["image_grid_thw"]).pooler_output
            features.append(found[len(images) // 2])
    assert torch.equal(*features)


def test_what_was_unused_for_the_longest_is_dropped(tiny_profile):
    model, processor = load_policy(tiny_profile)
    colours = [Image.new("RGB", (56, 56), name) for name in ("red", "green", "blue")]

    def show(image):
        inputs = inputs_of(model, processor, image)
        guard_of(model)(inputs["pixel_values"], inputs["image_grid_thw"])

    with image_cache(model, gib=1) as cache:
        show(colours[0])
        one = cache.bytes
    with image_cache(model, gib=2.5 * one / 2**30) as cache:
        for k in (0, 1, 0, 2, 0, 1):  # red is used again before there is no room; green is not
            show(colours[k])
    assert (cache.hits, cache.misses, cache.bytes) == (2, 4, 2 * one)


def test_a_tower_that_trains_is_not_cached(tiny_profile):
    model, processor = load_policy(tiny_profile)
    guard_of(model).inner.visual.requires_grad_(True)
    inputs = inputs_of(model, processor, checkerboard())
    with image_cache(model, gib=1) as cache:
        for _ in range(2):
            output = guard_of(model)(inputs["pixel_values"], inputs["image_grid_thw"])
    assert output.pooler_output[0].requires_grad and cache.bytes == cache.hits == 0


def test_a_tower_with_adapters_is_not_cached(tiny_profile, caplog):
    """Not even one that does not train: switched off, as for a reference, it gives other features."""
    base = guard_tower(AutoModelForImageTextToText.from_pretrained(tiny_profile.model))
    config = LoraConfig(target_modules=r".*visual.*\.qkv", init_lora_weights=False)
    model = get_peft_model(base, config).requires_grad_(False)
    inputs = inputs_of(model, load_policy(tiny_profile)[1], checkerboard())
    with torch.no_grad(), image_cache(model, gib=1) as cache:
        adapted = model(**inputs).logits
        with model.disable_adapter():
            plain = model(**inputs).logits
    assert cache is None and not torch.equal(adapted, plain)
    assert "image_cache_gib=1: no features are kept, because the vision tower has adapters" in caplog.text


def blocks(columns: int) -> Image.Image:
    """Eight blocks of 28 pixels, in rows of so many: pixel values in the same order, whatever the shape."""
    image = Image.new("RGB", (28 * columns, 28 * 8 // columns))
    for k in range(8):
        left, top = 28 * (k % columns), 28 * (k // columns)
        image.paste((255 * (k % 2), 36 * k, 255 - 36 * k), (left, top, left + 28, top + 28))
    return image


def test_an_image_at_two_sizes_and_twice_in_a_batch(tiny_profile):
    """Each size is an image of its own, and so is each shape of the same pixel values; the second of a batch is found,
    but where the cache can hold none."""
    model, processor = load_policy(tiny_profile)
    wide, tall = blocks(4), blocks(2)
    inputs = inputs_of(model, processor, wide, tall, wide.resize((56, 28)), wide, wide)
    pixels = inputs["pixel_values"], inputs["image_grid_thw"]
    assert torch.equal(*pixels[0].split(32)[:2]) and pixels[1][:2].tolist() == [[1, 4, 8], [1, 8, 4]]
    wanted = guard_of(model)(*pixels).pooler_output
    assert not torch.allclose(*wanted[:2])
    for gib, hits in ((1, 2), (2.0**-30, 0)):
        with image_cache(model, gib) as cache:
            found = guard_of(model)(*pixels).pooler_output
        torch.testing.assert_close(found, wanted)
        assert (cache.hits, cache.misses) == (hits, 5 - hits)


def test_grpo_with_the_cache_learns_the_same(tiny_profile, tmp_path):
    records, weights, logs = make_scenes(4), [], []
    reward = lambda completions, **_: [len(set(row[0]["content"])) / 16 for row in completions]  # noqa: E731
    for gib in (0, 1):
        model, processor = load_policy(tiny_profile)
        trainer = train_grpo(
            model, processor, records, tiny_profile, reward_funcs=reward, max_steps=4, learning_rate=1e-2,
            image_cache_gib=gib, output_dir=str(tmp_path / str(gib)), save_strategy="no",
        )  # fmt: skip
        weights.append(torch.cat([p.detach().flatten() for p in model.parameters() if p.requires_grad]))
        logs.append([row["loss"] for row in trainer.state.log_history if "loss" in row])
    torch.testing.assert_close(weights[1], weights[0], rtol=1e-3, atol=1e-4)
    assert logs[1] == pytest.approx(logs[0], abs=1e-5)


def test_a_cache_below_nothing_is_refused(tiny_profile):
    model, _ = load_policy(tiny_profile)
    with pytest.raises(ValueError, match="image_cache_gib=-1; expected 0"), image_cache(model, gib=-1):
        pass


def test_guarding_twice_changes_nothing(tiny_profile):
    model, _ = load_policy(tiny_profile)
    guard = guard_of(model)
    assert guard_tower(model) is model and guard_of(model) is guard is not None
