"""The planted traces are what their labels say, and the shipped file is what the command writes."""

import json
import re
from collections import Counter
from random import Random

import pytest

from vlaa_helpers import MixedReward, draw_scene, load_trace_benchmark
from vlaa_helpers.core.assets import TRACE_BENCHMARK
from vlaa_helpers.core.trace_text import cue_spans, trace_of
from vlaa_helpers.dev.trace_benchmark.phrases import PHRASES, Words
from vlaa_helpers.dev.trace_benchmark.plant import PER_CELL, benchmark_text, plant_pairs, wrong_look
from vlaa_helpers.mini_world.claims import find_claims
from vlaa_helpers.mini_world.kinds import KINDS, SOURCES
from vlaa_helpers.mini_world.scenes import check_facts, scene_records, split_of
from vlaa_helpers.pseudo_reasoning.arithmetic import find_arithmetic
from vlaa_helpers.pseudo_reasoning.benchmark import COLUMNS, PSEUDO_KINDS, STYLES
from vlaa_helpers.pseudo_reasoning.consistency import find_self_checks
from vlaa_helpers.rewards.mixed import is_correct


@pytest.fixture(scope="module")
def rows() -> list[dict]:
    return list(load_trace_benchmark())


def test_the_shipped_file_is_what_the_command_writes():
    text = (TRACE_BENCHMARK / "traces.jsonl").read_text(encoding="utf-8")
    assert text == benchmark_text(), "write it again: python -m vlaa_helpers.dev.trace_benchmark.plant, then …validate"
    assert len(text.encode()) < 3_000_000


def test_another_seed_gives_other_traces():
    first, other = (next(iter(plant_pairs(seed=seed))) for seed in (5, 6))
    assert first["response"] != other["response"] and first["id"] != other["id"]


def test_every_cell_has_its_pairs(rows):
    assert list(rows[0]) == list(COLUMNS) and len({row["id"] for row in rows}) == len(rows) >= 1000
    cells = Counter((row["split"], row["source"], row["kind"]) for row in rows if row["label"] == "pseudo")
    assert cells == {
        (s, source, kind): 3 * n for s, n in PER_CELL.items() for source in SOURCES for kind in PSEUDO_KINDS
    }
    assert {row["kind"] for row in rows if row["label"] == "genuine"} == set(STYLES)
    for one, two in zip(rows[::2], rows[1::2], strict=True):
        assert (one["label"], two["label"]) == ("genuine", "pseudo") and one["response"] != two["response"]
        same = ("pair", "split", "source", "question", "gt", "meta")
        assert [one[name] for name in same] == [two[name] for name in same]


def test_the_splits_share_neither_scene_nor_phrase(rows):
    facts = {
        split: {json.dumps(json.loads(r["meta"])["facts"]) for r in rows if r["split"] == split} for split in PER_CELL
    }
    assert not facts["train"] & facts["test"]
    assert all(split_of(json.loads(text)) == split for split, texts in facts.items() for text in texts)
    banks = {
        bank: {("small talk", role): said for role, said in PHRASES[bank].items()}
        | {(name, role): said for name, kind in KINDS.items() for role, said in kind.phrases[bank].items()}
        for bank in ("train", "test")
    }
    assert list(banks["train"]) == list(banks["test"]) and len(banks["train"]) == 36

    def bare(phrase: str) -> str:
        return re.sub(r"\{\w+\}|\W", "", phrase).lower()

    train, test = ({bare(phrase) for phrases in bank.values() for phrase in phrases} for bank in banks.values())
    assert not (train & test) - {""}


def test_every_split_can_be_loaded_alone(rows):
    assert list(load_trace_benchmark("test")) == [r for r in rows if r["split"] == "test"]
    with pytest.raises(ValueError, match="unknown split 'dev'; expected one of train, test"):
        load_trace_benchmark("dev")


def test_the_image_can_be_drawn_again(rows):
    meta, (record,) = json.loads(rows[0]["meta"]), scene_records(1, sources="blocks", seed=5, difficulty=0)
    assert rows[0]["pair"] == record["id"]
    assert draw_scene("blocks", meta["facts"], meta["tint"]).size == (112, 112)


# ---- labels ----


def said_false(row: dict) -> list[str]:
    claims = find_claims(row["source"], json.loads(row["meta"])["facts"], trace_of(row["response"]))
    return [claim.text for claim in claims if claim.verdict == "false"]


def failing(row: dict) -> list[str]:
    return [found.text for found in find_arithmetic(trace_of(row["response"])) if not found.holds]


def is_right(row: dict) -> bool:
    score = MixedReward().score(
        row["response"], row["gt"], row["verifier_type"], question=row["question"], meta=row["meta"]
    )
    return is_correct(score, row["verifier_type"])


def test_genuine_traces_are_true_and_end_right(rows):
    genuine = [row for row in rows if row["label"] == "genuine"]
    assert all(failing(row) == [] and is_right(row) for row in genuine)
    assert all(said_false(row) == [] for row in genuine if row["kind"] != "corrected")


def test_a_corrected_trace_is_wrong_before_a_cue_only(rows):
    """The last thing that is said wrongly stands before a cue or, in the test bank, words that are not in the list."""
    for row in rows:
        if row["kind"] == "corrected" and (wrong := said_false(row)) and row["split"] == "train":
            trace = trace_of(row["response"])
            assert trace.find(wrong[-1]) < max(end for _, end in cue_spans(trace))


@pytest.mark.parametrize("kind", ["hedged", "padded", "cue_decorated"])
def test_empty_traces_say_nothing_false_and_change_nothing(rows, kind):
    for row in (row for row in rows if row["kind"] == kind):
        assert said_false(row) == failing(row) == []
        assert kind == "cue_decorated" or not find_arithmetic(trace_of(row["response"]))
        assert not any(check.changed for check in find_self_checks(trace_of(row["response"])))


@pytest.mark.parametrize(("kind", "seen"), [("corrupted", 0.75), ("borrowed", 0.95), ("wrong_steps", 0.9)])
def test_false_traces_say_something_false(rows, kind, seen):
    """What is false was put there knowingly; how much of it the readers see is a finding, not a rule."""
    those = [row for row in rows if row["kind"] == kind]
    caught = sum(bool(said_false(row) or failing(row)) for row in those)
    assert caught / len(those) >= seen
    if kind == "wrong_steps":
        assert all(is_right(row) for row in those)


@pytest.mark.parametrize("source", SOURCES)
def test_a_wrong_look_is_false(source):
    (record,) = scene_records(1, sources=source, seed=1)
    facts = json.loads(record["meta"])["facts"]
    for seed in range(20):
        assert check_facts(source, facts, KINDS[source].words(wrong_look(KINDS[source], facts, Random(seed))))[1] > 0


@pytest.mark.parametrize("bank", PHRASES)
@pytest.mark.parametrize("source", SOURCES)
def test_work_follows_the_facts(bank, source):
    (record,) = scene_records(1, sources=source, seed=2, difficulty=2)
    meta = json.loads(record["meta"])
    words = Words(source, meta["task"], record["question"], bank, Random(0))
    work = words.work(meta["facts"])
    assert words.work(meta["facts"]) == work and "{" not in " ".join((work.look, *work.steps, *work.checks))
    other = words.work(wrong_look(KINDS[source], meta["facts"], Random(0)))
    assert other.look != work.look


# ---- no easy way out ----


def test_length_and_cues_alone_do_not_decide(rows):
    for count in (lambda text: len(text.split()), lambda text: len(cue_spans(text))):
        values = {label: sorted(count(trace_of(r["response"])) for r in rows if r["label"] == label)
                  for label in ("genuine", "pseudo")}  # fmt: skip
        middle = {label: found[len(found) // 2] for label, found in values.items()}
        assert abs(middle["genuine"] - middle["pseudo"]) <= 0.15 * max(middle.values(), default=1)


def test_every_word_of_doubt_and_every_cue_is_in_both_classes(rows):
    for split, bank in PHRASES.items():
        texts = {label: " ".join(r["response"] for r in rows if (r["split"], r["label"]) == (split, label))
                 for label in ("genuine", "pseudo")}  # fmt: skip
        for role in ("open", "hedge", "filler", "cue", "confirm"):
            for phrase in bank[role]:
                start = phrase.partition("{")[0]
                assert start in texts["genuine"] and start in texts["pseudo"], phrase
