"""Weights, hints and phases of a study's file: what it says becomes stages, and what is wrong is said."""

from dataclasses import replace
from functools import partial

import pandas as pd
import pytest
import torch
import yaml

from vlaa_helpers import token_weights
from vlaa_helpers.policy.profiles import Profile
from vlaa_helpers.study.arms import Arm, Lab, arm_digest
from vlaa_helpers.study.hint_options import HintOptions
from vlaa_helpers.study.phases_stage import Phases, _seen
from vlaa_helpers.study.stages import Grpo, Sft
from vlaa_helpers.study.study_file import load_study
from vlaa_helpers.study.traces import Traces
from vlaa_helpers.study.weights import Weights, summary

BLIND = {"traces": "blind", "number": 8}
OWN = {"traces": "own", "number": 8, "shared": True}


def study(folder, **arms):
    """The arms of a file, by name and seed; an arm is its stages, or a mapping."""
    told = {name: arm if isinstance(arm, dict) else {"stages": arm} for name, arm in arms.items()}
    (folder / "s.yaml").write_text(yaml.safe_dump({"study": "s", "seeds": [0, 1], "arms": told}))
    return {(arm.name, arm.seed): arm for arm in load_study(folder / "s.yaml").study.arms}


def sft(**options):
    return [{"sft": {**BLIND, **options}}]


@pytest.fixture
def lab(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    return Lab({"mini": Profile("mini", str(tmp_path), "mini", "cpu", "float32", 112 * 112)}, tmp_path, tmp_path)


# ---- weights ----


def test_a_method_with_and_without_settings(tmp_path):
    arms = study(
        tmp_path,
        plain=sft(),
        dft=sft(weights="dft"),
        trsft=sft(weights={"method": "trsft", "alpha": 0.05}),
        pear=[{"sft": {**OWN, "weights": {"method": "pear_token", "log_ratio_clip": [-0.1, 0.2]}}}],
    )
    assert arms["plain", 0].stage == Sft(Traces("blind", 8))
    assert arms["dft", 1].stage.weights == Weights("dft") and not arms["dft", 1].stage.others()
    trsft = arms["trsft", 0].stage
    assert trsft.weights == Weights("trsft", (("alpha", 0.05),)) and str(trsft.weights) == "trsft alpha=0.05"
    logps, mask = torch.tensor([[0.01, 0.5]]).log(), torch.ones(1, 2)
    torch.testing.assert_close(trsft.weights.bound()(logps, mask), torch.tensor([[0.2, 1.0]]))
    pear = arms["pear", 0].stage
    assert pear.weights.settings == (("log_ratio_clip", (-0.1, 0.2)),)
    assert pear.behaviour == Arm("base"), "own traces were written by the base"


def test_a_function_of_ones_own(tmp_path, lab):
    source = "def focal(logps, mask, *, power=2.0):\n    return (1 - logps.exp()) ** power\n"
    (tmp_path / "mine.py").write_text(source)
    options = {"a": sft(weights={"method": "mine:focal", "power": 1.0})}
    arm = study(tmp_path, **options)["a", 0]
    logps = torch.tensor([[0.25, 0.5]]).log()
    torch.testing.assert_close(arm.stage.weights.bound()(logps, torch.ones(1, 2)), torch.tensor([[0.75, 0.5]]))
    (tmp_path / "mine.py").write_text(source.replace("1 -", "2 -"))
    assert arm_digest(study(tmp_path, **options)["a", 0], lab) != arm_digest(arm, lab), "its source is told"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"weights": "dtf"}, r"s.yaml.arms.a.stages\[0\].sft.weights: unknown weighting 'dtf'; expected one of sft"),
        ({"weights": {"alpha": 0.1}}, "sft.weights: there is no method; add method"),
        ({"weights": {"method": "trsft", "alpha": 2}}, "sft.weights: alpha is a probability above 0, up to 1; got 2"),
        ({"weights": {"method": "trsft", "beta": 1}}, "sft.weights: trsft: got an unexpected keyword argument 'beta'"),
        ({"weights": {"method": "dft", "behaviour": "base"}}, "weights: `behaviour` with dft, which does not ask"),
        ({"weights": "pear_token"}, "pear_token asks how likely the writer .* who wrote 'blind'; add behaviour"),
        ({"weights": "nowhere:focal"}, "sft.weights: 'nowhere:focal': there is no .*nowhere.py"),
        ({"weights": {"method": "dft", "clip": {}}}, "weights.clip: got {}; expected a number"),
        (
            {"weights": {"method": "pear_token", "behaviour": "b"}},
            "s.yaml.arms.a: it uses 'b', which is no arm; expected one of base, a",
        ),
        (
            {"weights": {"method": "pear_token", "behaviour": "a"}},
            "s.yaml.arms.a: arms start from each other, a → a; let one of them start from base",
        ),
        (
            {"weights": {"method": "pear_token", "behaviour": "base"}, "images": "blank"},
            "pear_token with images: blank; who wrote the traces saw the true images",
        ),
    ],
)
def test_weights_that_cannot_be_are_refused(tmp_path, options, words):
    with pytest.raises(ValueError, match=words):
        study(tmp_path, a=sft(**options))


def test_who_wrote_the_traces_is_an_arm_of_the_same_seed_or_of_its_only_one(tmp_path, lab):
    pear = sft(weights={"method": "pear_token", "behaviour": "writer"})
    one = study(tmp_path, a=pear, writer={"seeds": [9], "stages": sft(number=16)})
    both = study(tmp_path, a=pear, writer=sft(number=16))
    assert {one["a", seed].stage.behaviour.seed for seed in (0, 1)} == {9}
    assert [both["a", seed].stage.behaviour for seed in (0, 1)] == [both["writer", seed] for seed in (0, 1)]
    assert one["a", 0].needed() == [one["writer", 9], one["a", 0]]
    with pytest.raises(
        ValueError, match="arms.a: it uses 'writer', which has the seeds 1, 2; give that the same seeds"
    ):
        study(tmp_path, a=pear, writer={"seeds": [1, 2], "stages": sft()})


def test_the_digest_tells_of_the_writer_by_its_training(tmp_path, lab):
    named = study(tmp_path, a=sft(weights={"method": "pear_token", "behaviour": "w"}), w=sft(number=16))
    renamed = study(tmp_path, a=sft(weights={"method": "pear_token", "behaviour": "x"}), x=sft(number=16))
    longer = study(tmp_path, a=sft(weights={"method": "pear_token", "behaviour": "w"}), w=sft(number=24))
    digests = [arm_digest(each["a", 0], lab) for each in (named, renamed, longer)]
    assert digests[0] == digests[1] != digests[2]
    plain, dft = Arm("base").then("a", Sft(Traces("blind", 8))), Sft(Traces("blind", 8), weights=Weights("dft"))
    assert arm_digest(plain, lab) != arm_digest(replace(plain, stage=dft), lab)


def test_notes_of_weights_by_hand():
    """Two traces, of two tokens and of one; PEAR's bounds of the log-ratio are met below by one token of three."""
    table = pd.DataFrame(
        {
            "id": ["a", "a", "b"],
            "logp": [-2.0, -1.0, -0.5],
            "behaviour_logp": [-1.0, -1.0, -0.7],
            "weight": [0.5, 1.5, 1],
        }
    )
    found = summary(table, {"log_ratio_clip": (-0.08, 0.3), "log_weight_clip": (-10.0, 5.0)})
    assert found["weight"] == 1 and found["ess"] == pytest.approx((2**2 / (2.5 * 2) + 1) / 2)
    assert found["ess_traces"] == pytest.approx(1), "both traces weigh 1 in the mean, the short one and the long one"
    uneven = summary(table.assign(weight=[3.0, 1.0, 1.0]), {})
    assert uneven["ess_traces"] == pytest.approx((2 + 1) ** 2 / ((4 + 1) * 2))
    assert (found["ratio_low"], found["ratio_high"]) == (pytest.approx(1 / 3), 0)
    assert found["log_ratio"] == pytest.approx((-1 + 0 + 0.2) / 3)
    assert found["weight_low"] == found["weight_high"] == 0
    at_the_floor = summary(table.assign(weight=torch.tensor(-10.0).exp().item()), {"log_weight_clip": (-10.0, 5.0)})
    assert at_the_floor["weight_low"] == 1 and "ratio_low" not in at_the_floor
    nothing = summary(table.assign(weight=0.0), {})
    assert (nothing["ess"], nothing["ess_traces"]) == (0, 0)


# ---- hints and the questions of traces ----


def grpo(**options):
    return [{"grpo": {"steps": 2, **options}}]


def test_hints_of_prompts_that_have_traces(tmp_path, lab):
    groups = [[2, 0, 0], [2, 0.5, 1]]
    arms = study(
        tmp_path,
        plain=grpo(**BLIND),
        trapo=grpo(**BLIND, hints=True),
        none=grpo(**BLIND, hints=False),
        sft=grpo(**BLIND, hints={"weights": "sft", "micro_groups": groups}),
    )
    names = {name for name, _ in arms}
    stages = {name: arms[name, 0].stage for name in names - {"base"}}
    assert stages["plain"] == stages["none"] and stages["plain"].traces == Traces("blind", 8)
    assert stages["trapo"] == replace(stages["plain"], hints=HintOptions())
    made = stages["trapo"].hints.made()
    assert made.generations == 8 and isinstance(made.token_weights, partial)
    assert made.token_weights.func is token_weights and made.token_weights.args == ("trsft",)
    made = stages["sft"].hints.made()
    assert made.micro_groups == ((2, 0, 0), (2, 0.5, 1)) and made.token_weights.args == ("sft",)
    digests = {name: arm_digest(arms[name, 0], lab) for name in stages}
    assert len(set(digests.values())) == 3
    told = stages["plain"].told(lab.profiles["mini"], lab)
    assert told["traces"]["number"] == 8 and not {"records", "number"} & set(told)
    assert arms["trapo", 0].stage.columns(lab.profiles["mini"], lab)["hints"] == "trsft"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"hints": True}, "grpo: `hints` of prompts without traces; add traces: …, or records"),
        ({"shared": True}, "grpo: `shared` without `traces`"),
        ({"traces": "blind"}, "grpo: there is no number; add number"),
        ({**BLIND, "verifiers": ["digit"]}, "grpo: `verifiers` together with `traces`"),
        ({**BLIND, "hints": {"weights": "pear_token"}}, "hints.weights: pear_token asks how likely the expert was"),
        ({**BLIND, "hints": {"weights": "dtf"}}, "hints.weights: unknown weighting 'dtf'"),
        ({**BLIND, "hints": {"micro_groups": [[2, 0]]}}, r"micro_groups\[0\]: got \[2, 0\]; expected \[size"),
        ({**BLIND, "hints": {"micro_groups": [[2, 3, 0]]}}, "hints: micro-groups: got .*a length from 0 to 1"),
        ({**BLIND, "hints": "yes"}, "hints: got 'yes'; expected a mapping"),
    ],
)
def test_hints_that_cannot_be_are_refused(tmp_path, options, words):
    with pytest.raises(ValueError, match=words):
        study(tmp_path, a=grpo(**options))


# ---- phases ----


def test_phases_of_a_file(tmp_path, lab):
    options = {"recipe": "relift", "cycles": 3, "grpo_steps": 8, "sft_steps": 5, "least": 4, "at_most": 0.5}
    more = {"grpo": {"recipe": "dr_grpo", "config": {"beta": 0.1}}, "sft": {"config": {"weight_decay": 0.1}}}
    arms = study(tmp_path, mifo=[{"phases": BLIND}], relift=[{"phases": {**BLIND, **options, **more}}])
    stage = arms["relift", 0].stage
    chosen = (("at_most", 0.5), ("cycles", 3), ("grpo_steps", 8), ("least", 4), ("sft_steps", 5))
    assert stage == Phases(
        Traces("blind", 8), "relift", chosen, grpo_recipe="dr_grpo", grpo=(("beta", 0.1),), sft=(("weight_decay", 0.1),)
    )
    profile = lab.profiles["mini"]
    assert stage.step_count(profile) == 4 * 8 + 3 * 5
    assert arms["mifo", 0].stage.step_count(profile) == 3 * 10 + 2 * 5
    assert "cycles=3" in stage.columns(profile, lab)["config"]
    assert arm_digest(arms["mifo", 0], lab) != arm_digest(arms["relift", 0], lab)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"recipe": "luffy"}, "phases.recipe: got 'luffy'; expected one of mifo, relift"),
        ({"cycles": 0}, "phases.cycles: got 0; expected a whole number from 1 on"),
        ({"freeze": 1.5}, "phases.freeze: got 1.5; expected a share"),
        ({"grpo": {"recipe": "ppo"}}, "phases.grpo.recipe: got 'ppo'; expected one of trl, vlaa"),
        ({"grpo": {"beta": 0.1}}, "phases.grpo: unknown key 'beta'; expected any of recipe, config"),
        ({"sft": {"config": {"max_steps": 3}}}, "phases.sft.config.max_steps: a study sets this itself"),
        ({"images": "blank"}, "phases: unknown key 'images'"),
    ],
)
def test_phases_that_cannot_be_are_refused(tmp_path, options, words):
    with pytest.raises(ValueError, match=words):
        study(tmp_path, a=[{"phases": {**BLIND, **options}}])


def test_records_of_a_phase_are_counted_with_smaller_last_batches():
    assert [_seen({"records": 10, "steps": steps}, 4) for steps in (0, 1, 2, 3, 4, 6)] == [0, 4, 8, 10, 14, 20]
    assert _seen({"records": 0, "steps": 0}, 4) == 0


def test_options_that_are_left_out_are_not_told(lab):
    profile = lab.profiles["mini"]
    sft, grpo = Sft(Traces("blind", 8)).told(profile, lab), Grpo(("digit",)).told(profile, lab)
    assert not {"weights", "behaviour"} & set(sft) and not {"traces", "hints"} & set(grpo)
