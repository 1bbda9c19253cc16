"""The mini VLM: how it is built and taught, and that what is shipped is what its card says."""

import csv
import hashlib
import json
from argparse import ArgumentTypeError
from random import Random

import pytest
import torch

from vlaa_helpers.core.answers import SYSTEM_PROMPT
from vlaa_helpers.core.assets import MINI_VLMS
from vlaa_helpers.dev.mini_vlm import train as mini_vlm
from vlaa_helpers.dev.mini_vlm.card import describe
from vlaa_helpers.dev.mini_vlm.lessons import LESSONS, STAGES, cells_in_words, make_lesson, stage_mix
from vlaa_helpers.mini_world.kinds import get_kind
from vlaa_helpers.mini_world.response_styles import OPENINGS
from vlaa_helpers.mini_world.scenes import check_facts, draw_scene


@pytest.fixture(scope="module")
def processor():
    rng = Random(1)
    return mini_vlm.build_processor(mini_vlm.build_tokenizer(make_lesson(rng, k / 300) for k in range(300)))


def test_tags_and_special_tokens_are_one_token_and_any_text_survives(processor):
    tokenizer = processor.tokenizer
    for token in (*mini_vlm.SPECIAL_TOKENS, *mini_vlm.TAG_TOKENS):
        assert len(tokenizer(token).input_ids) == 1
    text = "<think>Größe: 3.14 ≠ \\frac{1}{2}\n\t猫</think>\n<answer>y = -2x + 1</answer>"
    assert tokenizer.decode(tokenizer(text).input_ids, skip_special_tokens=True) == text
    assert len(tokenizer(" [0.125, 0.500, 0.875, 1.000]").input_ids) == 9  # a decimal is one token


def test_chat_layout_is_that_of_qwen(processor):
    messages = [
        {"role": "system", "content": SYSTEM_PROMPT},
        {"role": "user", "content": [{"type": "image", "text": None}, {"type": "text", "text": "How many?"}]},
    ]
    text = processor.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    assert text == (
        f"<|im_start|>system\n{SYSTEM_PROMPT}<|im_end|>\n"
        "<|im_start|>user\n<|vision_start|><|image_pad|><|vision_end|>How many?<|im_end|>\n"
        "<|im_start|>assistant\n"
    )


def test_a_image_is_16_tokens_and_a_photograph_is_brought_down(processor):
    scene = draw_scene("stories", {"time": "night", "objects": []})
    for image in (scene, scene.resize((640, 480))):
        grid = processor.image_processor(images=[image], return_tensors="pt")["image_grid_thw"][0]
        assert int(grid.prod()) // 4 <= 16
    assert int(processor.image_processor(images=[scene], return_tensors="pt")["image_grid_thw"][0].prod()) // 4 == 16


def test_collate_labels_replies_only_and_matches_the_processor(processor):
    rng = Random(3)
    lessons = [make_lesson(rng, 1.0) for _ in range(8)]
    batch = mini_vlm.collate(lessons, processor)
    for k, lesson in enumerate(lessons):
        kept = batch["labels"][k] != -100
        assert processor.tokenizer.decode(batch["labels"][k][kept]) == f"{lesson.reply}<|im_end|>\n"
        text = processor.apply_chat_template(lesson.messages, tokenize=False, add_generation_prompt=True)
        images = [lesson.image] if lesson.image is not None else None
        prompt = processor(text=[text], images=images)["input_ids"][0]
        assert batch["input_ids"][k][: len(prompt)].tolist() == list(prompt)


def test_every_stage_teaches_known_lessons_and_shares_add_up():
    for _, mix in STAGES:
        assert set(mix) <= set(LESSONS)
        assert sum(mix.values()) == pytest.approx(1)
    assert stage_mix(0.0) is STAGES[0][1] and stage_mix(1.0) is STAGES[-2][1] and stage_mix(1.1) is STAGES[-1][1]


def lessons_named(name, n=200):
    rng = Random(5)
    lessons = (make_lesson(rng, 0.1) for _ in range(20 * n))
    return [lesson for lesson in lessons if lesson.name == name][:n]


def test_echo_and_find_can_be_answered_from_the_text_alone():
    for lesson in lessons_named("echo"):
        assert lesson.image is None and lesson.messages[0]["content"][0]["text"] == f"Repeat: {lesson.reply}"
    for lesson in lessons_named("find"):
        told, _, asked = lesson.messages[0]["content"][0]["text"].partition(". Find ")
        value = lesson.reply.removeprefix(f"It is {asked.removesuffix('.')} ").removesuffix(".")
        assert told.count(f"{asked.removesuffix('.')} {value}") == 1


def test_the_mixture_of_styles_comes_last():
    def share_of_careful(progress):
        rng = Random(2)
        replies = [
            lesson.reply for lesson in (make_lesson(rng, progress) for _ in range(600)) if lesson.name == "think"
        ]
        others = ("It looks", "This is easy", "Hmm", *OPENINGS)
        return sum(not any(words in reply for words in others) for reply in replies) / len(replies)

    assert share_of_careful(0.5) > 0.7 and 0.25 < share_of_careful(0.9) < 0.5


def test_a_base_of_another_mixture_can_be_asked_for():
    rare = mini_vlm.read_shares("careful=0.1,shortcut=0.4,ramble=0,teacher=0.5")
    batches = mini_vlm.lesson_batches(0, 900, 8_000, styles=rare)
    thought = [lesson.reply for batch in batches for lesson in batch if lesson.name == "think"]
    aloud = sum(any(opening in reply for opening in OPENINGS) for reply in thought)
    assert 0.44 < aloud / len(thought) < 0.56 and not any("Hmm, let me see." in reply for reply in thought)
    with pytest.raises(ArgumentTypeError, match="seen 'careful=1'; expected shares of careful, shortcut, ramble"):
        mini_vlm.read_shares("careful=1")


def test_an_option_letter_is_one_token(processor):
    assert len(processor.tokenizer(" 110 (B)").input_ids) == 2


def test_cells_name_what_each_visual_token_shows():
    facts = {"objects": [{"colour": "red", "shape": "star", "row": 1, "column": 2}]}
    cells = cells_in_words(get_kind("blocks"), facts).split(", ")
    assert cells.index("red star") == 6 and cells.count("none") == 15
    facts = {"objects": [{"colour": "blue", "shape": "circle", "place": "bottom right"}]}
    assert [k for k, cell in enumerate(cells_in_words(get_kind("stories"), facts).split(", ")) if cell != "none"] == [
        10,
        11,
        14,
        15,
    ]


def test_the_rate_falls_to_nothing_twice(tmp_path, monkeypatch):
    monkeypatch.setattr(mini_vlm, "BATCH_SIZE", 2)
    monkeypatch.setattr(mini_vlm, "TOKENIZER_LESSONS", 200)
    rates = []
    real = torch.optim.AdamW.step

    def step(optimizer, *args, **kwargs):
        rates.append(optimizer.param_groups[0]["lr"])
        return real(optimizer, *args, **kwargs)

    monkeypatch.setattr(torch.optim.AdamW, "step", step)
    mini_vlm.train("weak", tmp_path, steps=20)
    assert len(rates) == 24 and max(rates) == pytest.approx(mini_vlm.PEAK_LEARNING_RATE, rel=0.01)
    assert rates[19] < 1e-2 * mini_vlm.PEAK_LEARNING_RATE
    assert rates[20:] == pytest.approx([mini_vlm.POLISH_RATE * share for share in (1, 0.75, 0.5, 0.25)])


def test_rounding_is_that_of_nf4_and_is_undone(processor):
    model = mini_vlm.build_model("weak", processor.tokenizer)
    weight = model.model.language_model.layers[0].mlp.up_proj.weight
    exact = weight.detach().clone()
    with mini_vlm.rounded_weights(model):
        error = float((weight - exact).norm() / exact.norm())
    assert 0.03 < error < 0.12
    assert torch.equal(weight, exact)


@pytest.mark.parametrize("stopped_at", [6, 11], ids=["in the first cycle", "in the second"])
def test_interrupted_training_goes_on_exactly(tmp_path, monkeypatch, stopped_at):
    monkeypatch.setattr(mini_vlm, "BATCH_SIZE", 4)
    monkeypatch.setattr(mini_vlm, "POLISH", 0.6)
    monkeypatch.setattr(mini_vlm, "TOKENIZER_LESSONS", 200)
    mini_vlm.train("weak", tmp_path / "whole", steps=7, save_every=3)
    real = mini_vlm.collate
    calls = []

    def stop(*args):
        calls.append(1)
        if len(calls) == stopped_at:
            raise KeyboardInterrupt
        return real(*args)

    monkeypatch.setattr(mini_vlm, "collate", stop)
    with pytest.raises(KeyboardInterrupt):
        mini_vlm.train("weak", tmp_path / "parts", steps=7, save_every=3)
    mini_vlm.train("weak", tmp_path / "parts", steps=7, save_every=3)
    whole, parts = (torch.load(tmp_path / name / "state.pt") for name in ("whole", "parts"))
    assert whole["step"] == parts["step"] == 11
    for name, value in whole["model"].items():
        torch.testing.assert_close(parts["model"][name], value, rtol=0, atol=0, msg=name)


def test_unknown_size_is_named(processor):
    with pytest.raises(ValueError, match="unknown size 'huge'; expected one of strong, middle, weak"):
        mini_vlm.build_model("huge", processor.tokenizer)


# ---- what is shipped ----


@pytest.fixture(params=list(MINI_VLMS))
def shipped(request):
    return MINI_VLMS[request.param]


def test_card_belongs_to_the_weights(shipped):
    weights = (shipped / "model.safetensors").read_bytes()
    card = json.loads((shipped / "card.json").read_text())
    assert len(weights) < 25_000_000
    assert card["sha256"] == hashlib.sha256(weights).hexdigest()
    assert card["sha256"] in (shipped / "README.md").read_text()
    with (shipped / "training_log.csv").open() as file:
        steps = [int(row["step"]) for row in csv.DictReader(file)]
    assert steps == sorted(steps) and steps[-1] == mini_vlm.all_steps(shipped.name.removeprefix("mini_vlm_"))


def test_card_meets_what_the_lab_needs():
    strong = json.loads((MINI_VLMS["mini"] / "card.json").read_text())["sources"]
    assert all(part["describe"]["named"] >= 0.93 and part["describe"]["n"] >= 500 for part in strong.values())
    assert sum(0.2 <= part["think"]["pass_1"] <= 0.6 for part in strong.values()) >= 5
    assert all(0.5 <= part["think"]["format"] <= 0.95 for part in strong.values())
    assert all(part["think"]["pass_8"] >= 2 * part["think"]["pass_1"] for part in strong.values())


def test_shipped_model_loads_plainly_and_sees():
    from transformers import AutoModelForImageTextToText, AutoProcessor

    folder = MINI_VLMS["mini"]
    model = AutoModelForImageTextToText.from_pretrained(folder).eval()
    card = json.loads((folder / "card.json").read_text())
    assert type(model).__name__ == "Qwen2_5_VLForConditionalGeneration"
    assert model.num_parameters() == card["parameters"]
    with torch.no_grad():
        seen = describe(model, AutoProcessor.from_pretrained(folder), "blocks", n=60)
    # 60 of the card's 500 scenes: within four standard errors of the whole
    share = card["sources"]["blocks"]["describe"]["named"]
    assert seen["named"] > share - 4 * (share * (1 - share) / 60) ** 0.5 - 0.01


def test_describing_is_judged_by_the_facts():
    facts = {"time": "day", "objects": [{"colour": "red", "shape": "circle", "place": "top left"}]}
    assert check_facts("stories", facts, "It is day. A red circle at the top left.") == (2, 0, 0)
    assert check_facts("stories", facts, "It is night. A red circle at the top left.") == (1, 1, 1)
