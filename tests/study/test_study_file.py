"""A study's file: what it says becomes arms, and what is wrong with it is said with its place and the mend."""

from pathlib import Path

import pytest
import yaml

from vlaa_helpers.study.arms import Arm
from vlaa_helpers.study.measures import FINAL, Measure
from vlaa_helpers.study.pinned import pin_data
from vlaa_helpers.study.reward_parts import Part
from vlaa_helpers.study.stages import Grpo, Sft, register_stage
from vlaa_helpers.study.study_file import load_study
from vlaa_helpers.study.traces import Traces

SFT = {"sft": {"traces": "blind", "number": 8}}
ARMS = {"a": {"stages": [SFT]}}


def of(folder: Path, text: str):
    (folder / "s.yaml").write_text(text)
    return load_study(folder / "s.yaml")


def test_a_file_becomes_arms_on_profiles_and_seeds(tmp_path):
    told = of(
        tmp_path,
        """
        study: pair
        question: Which?
        profiles: {mini: {}, hot: {like: mini, sft_learning_rate: 2e-3}}
        seeds: [0, 3]
        rewards:
          leaky: {verifiers: {digit: leaky_digit}, gate: answer}
          plain: {}
        arms:
          long: {stages: [{sft: {traces: look, number: 64, passes: 2, rate: 1e-4}}]}
          both: {start: long, stages: [{grpo: {steps: 9, reward: leaky, config: {beta: 0.05}}}], seeds: [3]}
          two: {stages: [{sft: {traces: own, number: 6, shared: true}}, {grpo: {reward: plain}}], profiles: [hot]}
        """,
    )
    arms = {(arm.name, arm.profile, arm.seed): arm for arm in told.study.arms}
    assert list(arms) == [
        ("base", "mini", 0), ("base", "hot", 0),
        ("long", "mini", 0), ("long", "hot", 0), ("two", "hot", 0),
        ("long", "mini", 3), ("both", "mini", 3), ("long", "hot", 3), ("both", "hot", 3), ("two", "hot", 3),
    ]  # fmt: skip
    long = Arm("base").then("long", Sft(Traces("look", 64), 2, 1e-4), seed=3)
    assert arms["long", "mini", 3] == long and told.study.measures == FINAL
    reward = (Part(verifiers=(("digit", "leaky_digit"),), gate="answer"),)
    verifiers = ("digit", "choice", "math", "box", "open_ended")
    grpo = Grpo(verifiers, 9, reward, config=(("beta", 0.05),))
    assert arms["both", "mini", 3] == long.then("both", grpo)
    two = arms["two", "hot", 0]
    assert two.start.name == "two, stage 1" and two.start.stage.traces == Traces("own", 6, True)
    assert two.stage == Grpo(verifiers) and two.way() == [two.start, two]
    lab = told.lab(tmp_path)
    assert lab.profiles["hot"] == lab.profiles["mini"].replace(sft_learning_rate=0.002)


def test_measures_and_files_beside_the_study(tmp_path):
    (tmp_path / "mine.jsonl").write_text("{}")
    arms = {"a": {"stages": [{"sft": {"traces": "mine.jsonl", "number": 3}}, {"grpo": {"records": "mine.jsonl"}}]}}
    measures = [{"set": "test", "per_source": 5, "samples": 4}, {"set": "text", "think": False}]
    measures += [{"set": "validation", "per_source": 2, "images": "swapped"}, {"set": "mine.jsonl"}]
    study = of(tmp_path, yaml.safe_dump({"study": "s", "arms": arms, "measures": measures})).study
    file = pin_data(tmp_path / "mine.jsonl")
    assert study.measures == (
        Measure("test", "sampled", 5, 4), Measure("text", "no_think", 100, think=False),
        Measure("validation", "greedy", 2, images="swapped"), Measure("mine.jsonl", "greedy", 0, data=file),
    )  # fmt: skip
    last = study.arms[-1]
    assert last.stage.data == file and last.start.stage.traces == Traces("file", 3, data=file)
    assert Path(last.stage.data.where) == tmp_path / "mine.jsonl"


def test_anchors_and_merges_are_yaml(tmp_path):
    study = of(
        tmp_path,
        """
        study: s
        arms:
          a: {stages: [{sft: &sft {traces: blind, number: 8}}]}
          b: {stages: [{sft: {<<: *sft, number: 16}}]}
        """,
    ).study
    assert [arm.stage.traces.number for arm in study.arms[1:]] == [8, 16]


def with_stage(**options):
    return {"arms": {"a": {"stages": [{"grpo": options}]}}}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"armss": {}}, r"s.yaml: unknown key 'armss'; expected any of study, .*did you mean arms\?"),
        ({"arms": [1]}, r"s.yaml.arms: got \[1\]; expected a mapping of names to values"),
        ({"arms": None}, "s.yaml.arms: got nothing; expected a mapping"),
        ({"study": 7}, "s.yaml.study: got 7; expected text; put it into quotes"),
        ({"study": "../up"}, "s.yaml.study: got '../up'; expected a name of letters"),
        ({"seeds": "0, 1"}, "s.yaml.seeds: got '0, 1'; expected a list"),
        ({"seeds": [0, 1.5]}, r"s.yaml.seeds\[1\]: got 1.5; expected a whole number from 0 on"),
        ({"seeds": [2, 2]}, "s.yaml.seeds: 2 stands there twice; leave one out"),
        ({"seeds": [True]}, r"s.yaml.seeds\[0\]: got True; expected a whole number"),
        ({"profiles": ["huge"]}, r"s.yaml.profiles\[0\]: got 'huge'; expected one of auto, mini"),
        ({"profiles": {"mine": {}}}, "s.yaml.profiles.mine: 'mine' is no profile that there is; add like: one of auto"),
        ({"profiles": {"mini": {"lora_rang": 8}}}, "profiles.mini: unknown key 'lora_rang'.*did you mean lora_rank"),
        (
            {"profiles": {"mini": {"lora_rank": "8"}}},
            "s.yaml.profiles.mini.lora_rank: got '8'; expected a whole number",
        ),
        ({"arms": {"base": ARMS["a"]}}, "s.yaml.arms.base: the name 'base'; expected one line .* not base"),
        ({"arms": {True: ARMS["a"]}}, "s.yaml.arms: the key True; keys are text; put it into quotes"),
        ({"arms": {"a": {}}}, "s.yaml.arms.a: there is no stages; add stages: …"),
        ({"arms": {"a": {"stages": []}}}, r"s.yaml.arms.a.stages: got \[\]; expected a list with an entry or more"),
        ({"arms": {"a": {"stages": [{"dpo": {}}]}}}, r"stages\[0\]: unknown key 'dpo'; expected any of sft, grpo"),
        ({"arms": {"a": {"stages": [{**SFT, "grpo": {}}]}}}, r"stages\[0\]: 2 stages in an entry; expected one of sft"),
        ({"arms": {"a": {"stages": [{"sft": {"traces": "look"}}]}}}, "sft: there is no number; add number: …"),
        (
            {"arms": {"a": {"start": "b", **ARMS["a"]}}},
            "arms.a: it starts from 'b', which is no arm; expected one of base, a",
        ),
        (
            {"arms": {name: {"start": start, **ARMS["a"]} for name, start in ("ac", "ba", "cb")}},
            "s.yaml.arms.a: arms start from each other, a → c → b → a; let one of them start from base",
        ),
        ({"arms": {"a": {"start": "a", **ARMS["a"]}}}, "arms start from each other, a → a"),
        (with_stage(steps=0), r"s.yaml.arms.a.stages\[0\].grpo.steps: got 0; expected a whole number from 1 on"),
        (with_stage(steps=float("nan")), "grpo.steps: got nan; expected a whole number"),
        (with_stage(reward="clean"), "grpo.reward: got 'clean'; expected one of mixed"),
        (with_stage(recipe="ppo"), "grpo.recipe: got 'ppo'; expected one of vlaa, trl, dapo, dr_grpo"),
        (with_stage(images="none"), "grpo.images: got 'none'; expected one of true, blank, swapped"),
        (with_stage(verifiers=["digits"]), r"grpo.verifiers\[0\]: got 'digits'; expected one of digit, choice"),
        (with_stage(records="nowhere.jsonl"), "grpo.records: .*nowhere.jsonl"),
        (
            {"arms": {"a": {"stages": [{"sft": {"traces": "seen", "number": 1}}]}}},
            "sft.traces: 'seen'; expected one of look, .* or a file; there is no",
        ),
        (
            {"arms": {"a": {"stages": [{"sft": {"traces": "own", "number": 1}}]}}},
            "sft.traces: 'own' without `shared: true`",
        ),
        (
            {"arms": {"a": {"stages": [{"sft": {**SFT["sft"], "rate": -1}}]}}},
            "sft.rate: got -1; expected a number above 0",
        ),
        (
            {"measures": [{"set": "train"}]},
            r"s.yaml.measures\[0\].set: 'train'; expected one of validation, test, shifted, text",
        ),
        (
            {"measures": [{"set": "text", "images": "blank"}]},
            "the set text with images: blank; its records have no image",
        ),
        ({"measures": [{"set": "test"}, {"set": "test"}]}, "s.yaml.measures: .* stands there twice"),
        ({"rewards": {"mixed": {}}}, "s.yaml.rewards.mixed: the name 'mixed'; it is taken"),
        ({"rewards": {"r": {"verifier": {}}}}, "s.yaml.rewards.r: unknown key 'verifier'; .*did you mean verifiers"),
        (
            {"rewards": {"r": {"verifiers": {"digits": "digit"}}}},
            "rewards.r.verifiers: the type of record 'digits'; expected one of digit",
        ),
        (
            {"rewards": {"r": {"verifiers": {"digit": "leaky"}}}},
            "rewards.r.verifiers.digit: 'leaky'; expected one of .* leaky_digit, .* or module:function",
        ),
        (
            {"rewards": {"r": {"function": "os:system"}}},
            r"s.yaml.rewards.r.function: 'os:system': there is no .*os\.py",
        ),
        ({"rewards": {"r": {"function": "../x:y"}}}, "rewards.r.function: '../x:y': that is no such name"),
        ({"rewards": {"r": {"function": "a:b", "scorer": "facts"}}}, "rewards.r: a `function` together with `scorer`"),
        (
            {"rewards": {"r": {"scorer": "taste"}}},
            "rewards.r.scorer: no reward model 'taste'; expected facts, mini_reward",
        ),
        (
            {"rewards": {"r": {"gate": "always"}}},
            "rewards.r.gate: got 'always'; expected one of answer, strict, correct",
        ),
        ({"rewards": {"r": {"weight": "much"}}}, "rewards.r.weight: got 'much'; expected a number"),
        ({"rewards": {"r": {"parts": []}}}, "rewards.r.parts: got .*; expected a list with an entry or more"),
    ],
)
def test_what_is_wrong_is_said_with_its_place_and_the_mend(tmp_path, changes, words):
    with pytest.raises(ValueError, match=words):
        of(tmp_path, yaml.safe_dump({"study": "s", "arms": ARMS} | changes))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("study: s\narms: {a: {}, a: {}}", "the name 'a' stands twice .*line 2"),
        ("study: s\nstudy: t\narms: {}", "the name 'study' stands twice"),
        ("study: !!python/object/apply:os.system ['true']\narms: {}", "could not determine a constructor"),
        ("study: [", "is no YAML that can be read"),
        ("study: s\narms: &a {x: *a}", "s.yaml.arms.x: unknown key 'x'"),
        ("study: s\narms: {a: {stages: &s [*s]}}", r"stages\[0\]: got \[\[.*expected a mapping"),
        ("- study", "s.yaml: got .*; expected a mapping"),
        ("", "s.yaml: got nothing; expected a mapping"),
        ("a: " + "[" * 5_000, "is no YAML that can be read"),
        ("#" * 1_000_001, "expected a study of at most 1,000,000"),
    ],
    ids=range(10),
)
def test_hostile_yaml_is_refused(tmp_path, text, words):
    with pytest.raises(ValueError, match=words):
        of(tmp_path, text)


def test_a_bomb_of_aliases_is_refused_at_once(tmp_path):
    lines = ["a0: &a0 [x, x]"] + [f"a{k}: &a{k} [*a{k - 1}, *a{k - 1}]" for k in range(1, 60)]
    with pytest.raises(ValueError, match="unknown key 'a0'"):
        of(tmp_path, "\n".join(lines))
    bomb = "[" + ", ".join(["&b0 [x, x]"] + [f"&b{k} [*b{k - 1}, *b{k - 1}]" for k in range(1, 60)]) + "]"
    with pytest.raises(ValueError, match=r"seeds\[0\]: got \['x', 'x'\]; expected a whole number"):
        of(tmp_path, f"study: s\narms: {{}}\nseeds: {bomb}")


def test_no_file_is_told_what_is_expected(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such file; expected a study as docs/studies.md describes"):
        load_study(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"betta": 1}, "grpo.config: unknown key 'betta'; expected a field of GRPOConfig such as beta"),
        ({"seed": 1}, "grpo.config.seed: a study sets this itself; use `seeds` of the arm"),
        ({"save_steps": 1}, "config.save_steps: a study sets this itself"),
        ({"beta": [1]}, r"config.beta: got \[1\]; expected text, a number"),
    ],
)
def test_fields_of_a_trainers_config_are_checked(tmp_path, config, words):
    with pytest.raises(ValueError, match=words):
        of(tmp_path, yaml.safe_dump({"study": "s", **with_stage(config=config)}))


def test_stages_that_are_taken_or_none_are_refused():
    with pytest.raises(TypeError, match="expected a class derived from Stage"):
        register_stage(dict)
    with pytest.raises(ValueError, match="Sft.what is 'sft'; give the stage a name other than"):
        register_stage(Sft)


def test_the_example_of_the_docs_is_a_study(root, tmp_path):
    text = (root / "docs" / "studies.md").read_text().partition("```yaml\n")[2].partition("```")[0]
    told = of(tmp_path, text)
    assert told.study.name == "sft_or_rl" and len(told.study.arms) == 1 + 7 * 3 and len(told.study.measures) == 4
