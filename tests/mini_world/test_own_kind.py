"""A seventh kind, written as a reader would in a notebook, goes everywhere that the six of the package go."""

import json
import re
from random import Random

import numpy as np
import pytest
from PIL import ImageDraw

from vlaa_helpers import (
    MixedReward,
    ScriptedTeacher,
    analyze_traces,
    build_dataset,
    check_facts,
    corrupt_trace,
    draw_scene,
    extract_answer,
    find_claims,
    load_trace_benchmark,
    make_scenes,
)
from vlaa_helpers.core.record_schema import meta_of
from vlaa_helpers.dev.mini_vlm.lessons import make_lesson
from vlaa_helpers.dev.trace_benchmark.phrases import Words
from vlaa_helpers.dev.trace_benchmark.plant import plant_pairs
from vlaa_helpers.mini_world.captions import read_caption, write_caption
from vlaa_helpers.mini_world.kinds import COLOURS, KINDS, SOURCES, Ask, Kind, Statement, get_kind, register_kind
from vlaa_helpers.mini_world.raster import PALETTE
from vlaa_helpers.mini_world.response_styles import STYLES, guess, misread, respond, solve
from vlaa_helpers.mini_world.scenes import remake_scene, split_of
from vlaa_helpers.mini_world.style_classifier import style_of
from vlaa_helpers.pipeline.steps import is_rl_only
from vlaa_helpers.rewards.scorers import FactsScorer, Question, preference_chat


class Clocks(Kind):
    """A dial with one hand. What time is it some hours later or earlier, from 1 to 9?"""

    name = "clocks"
    verifier_type = "digit"
    statement = re.compile(r"\bthe hand points at (?P<hour>[1-9])\b")

    def sample(self, rng, difficulty, shifted):
        colours = {"rim": rng.choice(COLOURS), "hand": rng.choice(COLOURS)}
        return {"hour": 9 if shifted else rng.randint(1, 8), **colours}

    def draw(self, facts, image):
        pen, angle = ImageDraw.Draw(image), np.pi * facts["hour"] / 5
        pen.ellipse((16, 16, 96, 96), outline=PALETTE[facts["rim"]], width=3)
        pen.line((56, 56, 56 + 34 * np.sin(angle), 56 - 34 * np.cos(angle)), fill=PALETTE[facts["hand"]], width=5)

    def ask(self, rng, facts, difficulty):
        by = rng.randint(1, 3) if facts["hour"] < 7 else -rng.randint(1, 3)
        when = "after" if by > 0 else "before"
        text = f"Which hour is {abs(by)} {when} the one shown?"
        return Ask(text, str(facts["hour"] + by), {"kind": "later", "by": by})

    def words(self, facts):
        return f"I see a dial, and the hand points at {facts['hour']}."

    def solve(self, facts, task):
        hour, by = facts["hour"], task["by"]
        return f"{hour} {'-' if by < 0 else '+'} {abs(by)} = {hour + by}.", str(hour + by)

    def misread(self, facts, rng):
        return {**facts, "hour": rng.choice([hour for hour in range(4, 9) if hour != facts["hour"]])}

    def read(self, caption):
        found = self.statement.search(caption)
        return {"hour": int(found["hour"])} if found else None


class Watches(Clocks):
    """Clocks that give all that may be given."""

    name = "watches"
    mirrors, rl_only, topic, sum_slips = "docvqa", True, "watch", (1, 1)
    claim_numbers = {"fact": [str(hour) for hour in range(1, 10)]}
    answer_numbers = claim_numbers["fact"]
    phrases = {
        bank: {"look": (f"{opening} {{hour}}.",), "step": (f"{opening} {{hour}}, so {{sum}}.",)}
        for bank, opening in {"train": "Its hand is at", "test": "A watch says"}.items()
    }

    def scenes_with(self, facts, old, new):
        return [{**facts, "hour": int(new.says[-1])}]

    def tell(self, say, facts, task):
        look = say("look", hour=facts["hour"])
        return look, [say("step", hour=facts["hour"], sum=self.solve(facts, task)[0].rstrip("."))], []


class Dials(Clocks):
    """Clocks that are described in words."""

    name, verifier_type = "dials", "open_ended"

    def ask(self, rng, facts, difficulty):
        wanted = [f"the hand points at {facts['hour']}", "the hand points at all"]
        return Ask("Describe the dial.", "A dial.", {"kind": "describe", "wanted": wanted, "source": self.name})

    def solve(self, facts, task):
        return "That is all.", f"On it the hand points at {facts['hour']}."


@pytest.fixture
def register():
    """Registers kinds for one test, and takes them out again."""
    before = dict(KINDS)
    yield register_kind
    KINDS.clear()
    KINDS.update(before)


@pytest.fixture
def clocks(register):
    register(Clocks())
    return get_kind("clocks")


def scenes(source="clocks", n=40, **options):
    for row in make_scenes(n, sources=source, seed=2, **options).with_format(None).to_list():
        meta = meta_of(row)
        yield row, meta["facts"], meta["task"]


# ---- registering ----


class StoppedClocks(Clocks):
    """Clocks of which there is but one scene."""

    name = "stopped"

    def sample(self, rng, difficulty, shifted):
        return {"hour": 3, "rim": "red", "hand": "red"}


def test_the_six_are_as_they_were():
    assert tuple(KINDS) == SOURCES == ("blocks", "angles", "charts", "functions", "boxes", "stories")


def test_a_registered_kind_takes_its_turn_and_can_be_taken_out(register):
    register(Clocks())
    assert list(make_scenes(8, seed=1)["source"]) == [*SOURCES, "clocks", "blocks"]
    assert make_scenes(6, seed=1)["id"][:] == make_scenes(6, sources=SOURCES, seed=1)["id"][:]
    del KINDS["clocks"]
    assert set(make_scenes(14)["source"]) == set(SOURCES)
    with pytest.raises(ValueError, match="unknown mini-world source 'clocks'; expected any of blocks, .*stories. reg"):
        make_scenes(1, sources="clocks")


def test_a_cell_can_be_run_again(register):
    register(Clocks())
    again = Clocks()
    register(again)
    assert get_kind("clocks") is again and len(KINDS) == 7


def test_what_cannot_be_registered():
    with pytest.raises(TypeError, match=r"takes an instance of a Kind, got .*; write register_kind\(Clocks\(\)\)"):
        register_kind(Clocks)
    with pytest.raises(ValueError, match="'boxes' is a kind that comes with the package; give yours another name"):
        register_kind(type("Boxes", (Clocks,), {"name": "boxes"})())
    with pytest.raises(ValueError, match="one word of letters, digits and underscores, got 'wall-clocks'"):
        register_kind(type("Wall", (Clocks,), {"name": "wall-clocks"})())
    given = {name: getattr(Clocks, name) for name in Kind.__abstractmethods__}
    with pytest.raises(ValueError, match="Bare has no name and no verifier_type and no statement; set it in the class"):
        register_kind(type("Bare", (Kind,), given)())
    with pytest.raises(TypeError, match="abstract"):
        type("Half", (Kind,), {"name": "half"})()
    assert tuple(KINDS) == SOURCES


# ---- pictures, questions, words ----


def test_it_is_drawn_asked_and_solved(clocks):
    images = set()
    for row, facts, task in scenes():
        assert row["verifier_type"] == "digit" and row["question"].startswith("Which hour is ")
        assert solve("clocks", facts, task)[1] == row["gt"]
        sheet = np.asarray(draw_scene("clocks", facts)).astype(int)
        images.add(sheet.tobytes())
        assert sheet.shape == (112, 112, 3) and remake_scene(row["id"])["meta"] == row["meta"]
    assert len(images) > 8
    assert {facts["hour"] for _, facts, _ in scenes(n=20, split="shifted")} == {9}
    told = next(scenes(split="text"))
    assert told[0]["image"] is None and clocks.words(told[1]) in told[0]["question"]


def test_a_kind_with_too_few_scenes_says_so(register):
    register(StoppedClocks())
    home = split_of(StoppedClocks().sample(Random(0), 1, False))
    assert len(make_scenes(2, sources="stopped", split=home)) == 2
    for split in {"train", "validation", "test"} - {home}:
        with pytest.raises(
            ValueError, match=f"kind 'stopped' drew 10,000 scenes and none of them belongs to {split!r}"
        ):
            make_scenes(1, sources="stopped", split=split)


def test_its_captions_are_written_with_faults_and_read_back(clocks):
    for k, (_, facts, _) in enumerate(scenes()):
        true = write_caption("clocks", facts, Random(k), omissions=1, hallucinations=0)
        assert true == clocks.words(facts) and read_caption("clocks", true) == {"hour": facts["hour"]}
        wrong = write_caption("clocks", facts, Random(k), omissions=0, hallucinations=1)
        assert read_caption("clocks", wrong) not in (None, {"hour": facts["hour"]})
    assert read_caption("clocks", "I see a dial.") is None


def test_responses_in_every_style(clocks):
    right = dict.fromkeys(STYLES, 0)
    rows = list(scenes(n=100))
    for row, facts, task in rows:
        for style in STYLES:
            response = respond("clocks", facts, task, Random(row["id"]), style=style, keep_format=True)
            right[style] += extract_answer(response) == row["gt"]
    assert right["careful"] == 100 and 20 <= right["shortcut"] <= 80 and 20 <= right["ramble"] <= 90
    row, facts, task = rows[0]
    assert misread("clocks", facts, Random(0)) != facts
    assert len({guess("clocks", facts, task, Random(seed)) for seed in range(40)}) > 2


class LateClocks(Clocks):
    """Clocks that are said to be late where the shifted set alone has them."""

    name = "late"

    def words(self, facts):
        return super().words(facts).replace("9.", "9, late.")


@pytest.mark.parametrize("kind", [Clocks, Dials, LateClocks])
def test_its_styles_are_told_apart(register, kind):
    register(kind())
    for row, facts, task in (*scenes(kind.name), *scenes(kind.name, split="shifted")):
        for style in STYLES:
            response = respond(kind.name, facts, task, Random(row["id"]), style=style, keep_format=True)
            assert style_of(kind.name, response) == style
    assert style_of(kind.name, "<think>The hand points at 5. 5 + 1 = 6.</think>\n<answer>6</answer>") == "other"


# ---- true and false ----


def test_claims_about_it_are_found_and_checked(clocks):
    facts = {"hour": 7, "rim": "red", "hand": "blue"}
    text = "The hand points at 7. Wait, the hand points at 5, and there is a red circle. It is day."
    claims = find_claims("clocks", facts, text)
    assert [(claim.text, claim.kind, claim.verdict) for claim in claims] == [
        ("The hand points at 7", "fact", "true"),
        ("the hand points at 5", "fact", "false"),
        ("red circle", "object", "false"),
        ("It is day", "time", "not checkable"),
    ]
    assert check_facts("clocks", facts, clocks.words(facts)) == (1, 0, 0)
    assert check_facts("clocks", facts, "Here the hand points at 5.") == (0, 1, 1)
    assert check_facts("clocks", facts, "A dial.") == (0, 0, 1)


class HandClocks(Clocks):
    """Clocks whose claims give a value, so that two of them can contradict each other."""

    name = "hands"

    @property
    def readers(self):
        def read(text):
            for match in self.statement.finditer(text):
                yield Statement(*match.span(), "hand", "hour", int(match["hour"]))

        return (read,)

    @property
    def checks(self):
        return {"hand": lambda facts, about, hour: facts["hour"] == hour}


def test_claims_that_give_a_value_can_contradict_each_other(register):
    register(HandClocks())
    texts = ["the hand points at 7. So the hand points at 5.", "the hand points at 7. Wait, the hand points at 5."]
    records = [{"source": "hands", "meta": {"facts": {"hour": 7}}}] * 2
    table = analyze_traces([f"<think>{text}</think><answer>8</answer>" for text in texts], records)
    assert table[["claims_true", "claims_false", "contradictions", "self_checks_changed"]].values.tolist() == [
        [1, 1, 1, 0],
        [1, 1, 0, 1],
    ]


def test_registering_leaves_other_claims_alone(register):
    facts, text = {"objects": [{"colour": "red", "shape": "circle", "row": 0, "column": 0}]}, "the hand points at 7"
    before = find_claims("blocks", facts, f"A red circle, and {text}.")
    register(Clocks())
    assert find_claims("blocks", facts, f"A red circle, and {text}.") == before != []


def test_a_trace_about_it_is_corrupted(register):
    register(Clocks())
    register(Watches())
    for source, kinds in (("clocks", {"arithmetic"}), ("watches", {"fact"})):
        found = set()
        for row, facts, task in scenes(source):
            steps, answer = solve(source, facts, task)
            trace = f"{KINDS[source].words(facts)} {steps}"
            change = corrupt_trace(trace, row, answer=answer)
            assert change.corrupted_prefix(trace) != change.prefix(trace)
            found.add(change.kind)
            if source == "watches":  # it says what a changed hour would mean
                said = int(change.corrupted_prefix(trace).rstrip(".")[-1])
                assert change.implied == (str(said + task["by"]),) and change.decisive
        assert found == kinds


# ---- data, reward, lessons, planted traces ----


def test_a_data_set_is_built_of_it_and_right_answers_are_rewarded(clocks, tmp_path):
    records = make_scenes(70, seed=4)
    built = build_dataset(records, ScriptedTeacher(omissions=0, hallucinations=0, slips=0), tmp_path)
    kept = [row for part in (built.sft, built.rl) for row in part if row["source"] == "clocks"]
    assert len(kept) >= 8 and built.yields.loc["clocks", "original"] == 10
    for row in kept:
        said = {"verifier_type": [row["verifier_type"]], "gt": [row["gt"]], "question": [row["question"]]}
        wrong = f"<think>So.</think><answer>{(int(row['gt']) + 1) % 10}</answer>"
        assert MixedReward()([row["response"]], meta=[row["meta"]], **said) == [1.0]
        assert MixedReward()([wrong], meta=[row["meta"]], **said) == [0.0]


def test_an_open_ended_kind_is_scored_by_its_own_facts(register):
    register(Dials())
    ((row, facts, task),) = scenes("dials", n=1)
    question, hour = Question(row["question"], row["meta"]), facts["hour"]
    right, wrong = (f"Here the hand points at {said}." for said in (hour, hour % 9 + 1))
    assert FactsScorer()([question] * 3, [right, wrong, row["gt"]]) == [1.0, -1.0, 0.0]
    assert preference_chat(question, right)[0]["content"].startswith(f"I see a dial, and the hand points at {hour}.")
    assert respond("dials", facts, task, Random(0), style="shortcut", keep_format=True).startswith("<think>This is eas")


def test_it_is_taught_to_the_mini_vlm(clocks):
    lessons = [make_lesson(Random(seed), 0.9) for seed in range(400)]
    texts = {lesson.name: lesson.reply for lesson in lessons if "hand points at" in lesson.reply}
    assert {"caption", "think"} <= set(texts) and "cells" not in texts  # a dial has no cells to name


def test_traces_are_planted_only_where_there_are_phrases(register):
    register(Clocks())
    with pytest.raises(ValueError, match="kind 'clocks' has no phrases, so no traces can be planted for it; give it"):
        Words("clocks", {}, "", "train", Random(0))
    register(Watches())
    sources = [row["source"] for row in plant_pairs() if row["source"] not in SOURCES]
    assert set(sources) == {"watches"} and len(sources) * 6 == len(load_trace_benchmark())
    assert is_rl_only("watches") and not is_rl_only("clocks")
    row = next(row for row in plant_pairs() if row["source"] == "watches" and row["label"] == "genuine")
    assert "hand is at" in row["response"] and json.loads(row["meta"])["task"]["kind"] == "later"
