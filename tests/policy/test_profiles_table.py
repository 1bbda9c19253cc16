"""docs/profiles.md says what the profiles are, and what the estimates of memory and disk give for them."""

import re
from math import sqrt
from pathlib import Path

import pytest
from transformers import Qwen2_5_VLConfig

from vlaa_helpers import estimate_disk, estimate_memory
from vlaa_helpers.policy.profiles import settings_of
from vlaa_helpers.training.runner import device_settings

CARDS = ("t4", "l4", "a100")
TEXT = (Path(__file__).parents[2] / "docs" / "profiles.md").read_text(encoding="utf-8")
PLAIN = " ".join(TEXT.split())
TABLE = {
    cells[0].strip(): [cell.strip() for cell in cells[1:]]
    for line in TEXT.splitlines()
    if (cells := line.strip("|").split("|")) and line.startswith("| ") and not line.startswith("| setting")
}
WORDS = {"yes": True, "no": False}
LAYERS = {
    "hidden_size": 2048, "num_hidden_layers": 36, "num_attention_heads": 16, "num_key_value_heads": 2,
    "intermediate_size": 11_008, "vocab_size": 151_936, "tie_word_embeddings": True,
}  # fmt: skip
"""Of Qwen2.5-VL-3B, as chapter 7 has them."""


@pytest.fixture(scope="module")
def config():
    tower = {"hidden_size": 1280, "intermediate_size": 3420, "out_hidden_size": 2048}
    return Qwen2_5_VLConfig(text_config=LAYERS, vision_config=tower)


@pytest.fixture(scope="module")
def gib(config):
    """Predicted memory of a method on a card, in GiB, with some settings changed."""

    def predict(card, method, tokens=None, *, reference=True, **changes):
        profile = settings_of(card).replace(**changes)
        found = estimate_memory(profile, method, config=config, completion_tokens=tokens, reference=reference)
        return found.total / 2**30

    return predict


def value(cell):
    return WORDS[cell] if cell in WORDS else cell if re.search("[a-z]{2}", cell) else float(cell.replace(",", ""))


@pytest.mark.parametrize("row", [row for row in TABLE if row.startswith("`")])
def test_the_table_has_the_values_of_the_profiles(row):
    names = re.findall(r"`(\w+)`", row)
    for card, cell in zip(CARDS, TABLE[row], strict=False):
        profile, cells = settings_of(card), cell.split(", ") if len(names) > 1 else [cell]
        assert [value(each) for each in cells] == [getattr(profile, name) for name in names], card


def test_the_table_has_every_setting_that_a_card_decides():
    named = {name for row in TABLE for name in re.findall(r"`(\w+)`", row)}
    assert named == set(vars(settings_of("t4"))) - {"name", "model", "data", "device", "reasons"}


def test_why_a_base_is_in_4_bits_or_not(gib):
    why = TABLE["`load_in_4bit`"][-1]
    sixteen, four = ([gib("a100", method, load_in_4bit=bits) for method in ("sft", "grpo")] for bits in (False, True))
    words = "({:.1f} GiB of SFT and {:.1f} of GRPO, against {:.1f} and {:.1f})"
    assert words.format(*sixteen, *four) in why and sixteen < four
    for card in ("t4", "l4"):  # there 4 bits are what saves
        assert all(gib(card, method) + 3.8 < gib(card, method, load_in_4bit=False) for method in ("sft", "grpo"))


def test_the_reasons_name_what_is_estimated(gib, config):
    weights = [
        estimate_memory(settings_of("l4").replace(load_in_4bit=bits), "sft", config=config) for bits in (True, False)
    ]
    of = [estimate.fixed["weights of the language layers"] / 2**30 for estimate in weights]
    assert "{:.1f} GiB in place of {:.1f} for the language layers".format(*of) in PLAIN
    rows = [gib(card, "sft", micro_batch_size=8) for card in ("t4", "l4")]
    assert "(8 rows of SFT: {:.1f} GiB on a T4, {:.1f} on an L4)".format(*rows) in PLAIN
    assert f"(2,000 tokens a trace and 2 rows: {gib('t4', 'sft', 2000, micro_batch_size=2):.1f} GiB on a T4)" in PLAIN
    without = {"gradient_checkpointing": False}
    assert f"with little to spare ({gib('t4', 'grpo', **without):.1f} GiB)" in PLAIN
    assert f"8 rows of SFT on an A100 would not ({gib('a100', 'sft', **without):.1f})" in PLAIN
    tokens = 262_144 // 28**2, int(sqrt(262_144) / 28) ** 2
    assert "at most {} image tokens ({} of a square image)".format(*tokens) in PLAIN
    wide = [100 * 1.96 * sqrt(0.25 / (3 * settings_of(card).test_per_source)) for card in CARDS]
    assert "±{:.0f}, ±{:.0f} or ±{:.0f} points at an accuracy of 50%".format(*wide) in PLAIN


def test_what_the_profiles_take_of_memory(gib):
    both = {card: (gib(card, "sft"), gib(card, "grpo")) for card in CARDS}
    assert "it predicts {:.1f} GiB (SFT) and {:.1f} (GRPO".format(*both["t4"]) in PLAIN
    assert f"{gib('t4', 'grpo', reference=False):.1f} without) on a T4" in PLAIN
    assert "{:.1f} and {:.1f} on an L4, {:.1f} and {:.1f} on an A100".format(*both["l4"], *both["a100"]) in PLAIN


def test_what_a_run_takes_of_the_disk(config):
    found = estimate_disk("t4", "grpo", steps=60, config=config)
    base, checkpoints, reference, adapter, _ = (size / 1e9 for size in found.parts.values())
    assert f"60 steps of GRPO on a T4 take about {found.total / 1e9:.1f} GB: {base:.1f} for the model, " in PLAIN
    assert f"{checkpoints:.1f} for three checkpoints, {reference:.1f} each for the reference and the adapter" in PLAIN
    assert f"{reference:.1f}" == f"{adapter:.1f}"
    every = [device_settings(settings_of("t4"), method)["save_steps"] for method in ("grpo", "sft")]
    assert "written every {} steps of GRPO and every {} of SFT".format(*every) in PLAIN
