"""That the mini VLM knows its whole vocabulary: lessons that write every token, and what is shipped was trained so."""

import csv
from random import Random

import pytest
import torch

from vlaa_helpers.core.answers import DIRECT_PROMPT, SYSTEM_PROMPT
from vlaa_helpers.core.assets import MINI_VLMS
from vlaa_helpers.core.record_schema import meta_of
from vlaa_helpers.dev.mini_vlm import train as mini_vlm
from vlaa_helpers.dev.mini_vlm.lessons import CAPTION_PROMPT, CELLS_PROMPT, PIECES, make_lesson, write_pieces
from vlaa_helpers.dev.mini_vlm.vocabulary import (
    LEAST_TARGETS,
    TARGETS,
    UNWRITABLE_BYTES,
    count_targets,
    rare_pieces,
    read_targets,
    write_targets,
)
from vlaa_helpers.dev.trace_benchmark.phrases import PHRASES
from vlaa_helpers.mini_world.kinds import KINDS
from vlaa_helpers.mini_world.response_styles import STYLES, respond
from vlaa_helpers.mini_world.scenes import make_scenes
from vlaa_helpers.pipeline.build import build_dataset
from vlaa_helpers.pipeline.scripted_teacher import ScriptedTeacher
from vlaa_helpers.study.arms import Lab
from vlaa_helpers.study.traces import TEACHERS, Traces, make_traces


@pytest.fixture(scope="module")
def tokenizer():
    rng = Random(1)
    return mini_vlm.build_tokenizer(make_lesson(rng, k / 300) for k in range(300))


def test_the_vocabulary_holds_no_byte_that_text_cannot_hold(tokenizer):
    tokens = set(tokenizer.get_vocab())
    assert not tokens & {chr(byte) for byte in UNWRITABLE_BYTES} and len(UNWRITABLE_BYTES) == 13
    for text in ("\x00\x1f\x7f", "Größe ≠ 猫", "".join(map(chr, range(0x80, 0x3000, 7))), chr(0x10FFFF)):
        assert tokenizer.decode(tokenizer(text).input_ids) == text


def test_pieces_write_every_token_about_equally_often(tokenizer):
    pieces = rare_pieces(tokenizer, torch.zeros(len(tokenizer)), 1)
    rng = Random(3)
    copied = [write_pieces(rng, pieces) for _ in range(4_000)]
    assert all(lesson.messages[0]["content"][0]["text"] == f"Repeat:{lesson.reply}" for lesson in copied)
    spared = {*tokenizer.all_special_ids, tokenizer.convert_tokens_to_ids("Ġ")}  # a space melts into most that follows
    counts = count_targets(copied, tokenizer)
    least = min(int(count) for token, count in enumerate(counts) if token not in spared)
    assert least >= 0.6 * 4_000 * sum(PIECES) / 2 / len(tokenizer)


def test_only_rare_tokens_get_pieces(tokenizer):
    counts = torch.full((len(tokenizer),), 50)
    rare = tokenizer.convert_tokens_to_ids("Z")
    counts[rare] = 49
    assert set(rare_pieces(tokenizer, counts, 50)) == {"Z"}


def test_targets_are_kept_and_read_back(tokenizer, tmp_path):
    counts = torch.arange(len(tokenizer))
    write_targets(tmp_path / TARGETS, tokenizer, counts)
    assert torch.equal(read_targets(tmp_path / TARGETS), counts)


@pytest.mark.parametrize("kind", TEACHERS)
def test_what_a_teacher_writes_stands_in_the_answers_of_the_last_lessons(tokenizer, kind, tmp_path):
    """A word that the base only ever copied, in pieces, would rise in fine-tuning together with all such words."""
    rng = Random(2)
    known = count_targets([make_lesson(rng, 1.1) for _ in range(4_000)], tokenizer)
    traces = make_traces(Traces(kind, 200), None, 0, Lab({}, tmp_path))
    written = {token for row in tokenizer(traces["response"][:]).input_ids for token in row}
    assert len(written) > 100
    assert tokenizer.convert_ids_to_tokens([token for token in written if known[token] < 10]) == []


# ---- what is shipped ----


@pytest.fixture(scope="module", params=list(MINI_VLMS))
def shipped(request):
    from transformers import AutoProcessor

    folder = MINI_VLMS[request.param]
    return folder, AutoProcessor.from_pretrained(folder).tokenizer


def test_no_token_was_a_target_seldom(shipped):
    folder, tokenizer = shipped
    counts = read_targets(folder / TARGETS)
    assert len(counts) == len(tokenizer)
    special = set(tokenizer.all_special_ids)
    seldom = [token for token, count in enumerate(counts) if count < LEAST_TARGETS and token not in special]
    assert tokenizer.convert_ids_to_tokens(seldom) == []


def test_what_is_written_in_the_mini_world_was_a_target_often(shipped, tmp_path):
    folder, tokenizer = shipped
    counts = read_targets(folder / TARGETS)
    scenes = make_scenes(600, seed=77, split="test")
    texts = [SYSTEM_PROMPT, DIRECT_PROMPT, CAPTION_PROMPT, CELLS_PROMPT, *scenes["question"], *scenes["gt"]]
    for row in scenes.to_list():
        meta, kind = meta_of(row), KINDS[row["source"]]
        rng = Random(row["id"])
        texts.append(kind.words(meta["facts"]))
        texts += [respond(row["source"], meta["facts"], meta["task"], rng, style=style) for style in STYLES]
    texts += [phrase for bank in PHRASES.values() for phrases in bank.values() for phrase in phrases]
    texts += [p for kind in KINDS.values() for bank in kind.phrases.values() for ps in bank.values() for p in ps]
    built = build_dataset(make_scenes(300, seed=5), ScriptedTeacher(second_looks=1.0), tmp_path)
    texts += built.sft["response"][:]
    written = {token for row in tokenizer(texts).input_ids for token in row} - set(tokenizer.all_special_ids)
    seldom = [token for token in written if counts[token] < LEAST_TARGETS]
    assert len(written) > 400 and tokenizer.convert_ids_to_tokens(seldom) == []


def test_the_shipped_counts_are_those_of_the_documented_training(shipped):
    """Every fortieth group of batches, drawn again: shares of the whole within what a sample allows."""
    folder, tokenizer = shipped
    size = folder.name.removeprefix("mini_vlm_")
    steps = mini_vlm.STEPS[size]
    pieces = mini_vlm._pieces(tokenizer, 0, steps)
    counts = torch.zeros(len(tokenizer), dtype=torch.long)
    for chunk in range(0, mini_vlm.all_steps(size) // mini_vlm.GROUP, 40):
        for batch in mini_vlm.lesson_batches(0, chunk, steps, pieces):
            counts += count_targets(batch, tokenizer)
    shipped_counts = read_targets(folder / TARGETS)
    common = shipped_counts > 20_000
    ratio = (counts[common] / counts.sum()) / (shipped_counts[common] / shipped_counts.sum())
    assert int(common.sum()) > 50 and float((ratio - 1).abs().median()) < 0.1


def test_the_file_is_a_table(shipped):
    with (shipped[0] / TARGETS).open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["id"]) for row in rows] == list(range(len(rows)))
