"""The shipped tables hold every arm of the catalogue, each made from the bases and settings that are shipped."""

from pathlib import Path

import pytest

from vlaa_helpers import get_profile, reference_table
from vlaa_helpers.core.assets import MINI_VLMS
from vlaa_helpers.dev.studies.catalogue import STUDIES, arms_of, profiles_of
from vlaa_helpers.dev.studies.run import TABLES, study_of
from vlaa_helpers.study.arms import Lab


@pytest.mark.parametrize("name", STUDIES)
def test_every_arm_is_there_and_none_is_stale(name):
    lab = Lab({profile: get_profile(profile) for profile in MINI_VLMS}, Path("runs/studies"))
    arms = arms_of(name, profiles_of(name, "mini"), STUDIES[name].seeds)
    study = study_of(name, arms)
    left = [f"{arm.profile}, {arm.name}, seed {arm.seed}" for arm in arms if not TABLES.has(study, arm, lab)]
    assert not left, f"run python -m vlaa_helpers.dev.studies {name}"
    known = set(reference_table(name)[["profile", "arm", "seed"]].itertuples(index=False, name=None))
    assert known == {(arm.profile, arm.name, arm.seed) for arm in arms}, "rows of arms that are no longer studied"


def test_the_recipe_has_the_rate_with_the_lowest_loss_on_held_out_traces():
    table = reference_table("sft_rates").query("source == 'all' and decoding == 'sampled' and passes == 1")
    assert table["garbled"].max() > 0.01, "the sick run is shown as sick"
    healthy = table[table["garbled"] < 0.01]
    chosen = healthy.loc[healthy.groupby("profile")["trace_loss"].idxmin()].set_index("profile")["rate"]
    # at no rate is the weak model healthy, so none is chosen for it
    assert chosen.to_dict() == {name: get_profile(name).sft_learning_rate for name in ("mini", "mini_middle")}


MARKED = {
    "sft_sizes": {"128 x 4", "128 x 16", "512 x 4", "512 x 16"},
    "sft_content": {"cues"},
    "grpo_arms": set(),
    "sft_then_grpo": set(),
}
"""Arms whose garbled share the figures of chapters 02 and 04 show: above 0.5% of the test set's responses in a seed."""


@pytest.mark.parametrize("name", MARKED)
def test_arms_shown_as_healthy_are(name):
    table = reference_table(name).query("source == 'all' and set == 'test' and decoding != 'no_think'")
    assert set(table.loc[table["garbled"] > 0.005, "arm"]) == MARKED[name]


def test_logs_go_with_the_arms():
    for stem in ("grpo_mixed", "sft_grpo"):
        for seed in (0, 1, 2):
            log = reference_table(f"{stem}_seed_{seed}")
            assert log["step"].iloc[-1] == 64 and len(log["held_out/accuracy"].dropna()) == 5
