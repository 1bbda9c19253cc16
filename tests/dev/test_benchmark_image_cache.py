"""The benchmark of the image cache: both arms take the same steps, and only one of them asks the tower again."""

import json
from pathlib import Path

import pytest
from tiny_size import TINY

from vlaa_helpers import reference_benchmark
from vlaa_helpers.dev.benchmarks import image_cache
from vlaa_helpers.policy import vision_tower


@pytest.fixture
def caches(monkeypatch):
    """The caches that trainings make, in their order."""
    made = []

    class Watched(vision_tower.ImageCache):
        def __init__(self, limit):
            super().__init__(limit)
            made.append(self)

    monkeypatch.setattr(vision_tower, "ImageCache", Watched)
    return made


def test_the_command_measures_both_trainings(caches, tmp_path, monkeypatch, capsys):
    out = tmp_path / "cache.json"
    settings = {**image_cache.PROFILE, "max_completion_length": 4, "num_generations": 2, "max_pixels": 112**2}
    monkeypatch.setattr(image_cache, "PROFILE", settings)
    monkeypatch.setattr(image_cache, "TRUE_WIDTH", TINY)
    monkeypatch.setattr("sys.argv", ["image_cache", "--out", str(out)])
    image_cache.main()
    found = json.loads(out.read_text())
    assert json.loads(capsys.readouterr().out) == found
    for name in ("grpo", "sft"):
        assert found[name]["largest_loss_difference"] < 1e-5
        for part in ("first_pass", "later_passes"):
            times = found[name][part]
            assert times["saved"] == pytest.approx(1 - times["kept"] / times["computed"], abs=0.01)
    assert [cache.misses for cache in caches] == [image_cache.RECORDS] * 2  # each image once
    grpo, sft = (cache.hits for cache in caches)
    assert sft == image_cache.RECORDS * (image_cache.PASSES - 1) and grpo > 2 * sft


def test_the_docs_say_what_the_shipped_run_measured():
    found = reference_benchmark("image_cache_cpu")
    text = (Path(__file__).parents[2] / "docs" / "profiles.md").read_text(encoding="utf-8").replace("\n", " ")
    later, first = ([found[name][part]["saved"] for name in ("grpo", "sft")] for part in ("later_passes", "first_pass"))
    assert (
        f"it saved {later[0]:.0%} of a GRPO step and {later[1]:.0%} of an SFT step in the passes after the first"
        in text
    )
    assert f"step each of the first pass came out {-first[0]:.0%} and {-first[1]:.0%} slower" in text
    assert max(found[name]["largest_loss_difference"] for name in ("grpo", "sft")) < 1e-5
    assert f"images of {image_cache.SIDE} × {image_cache.SIDE}" in text
    assert f"completions of {image_cache.COMPLETION_TOKENS} tokens" in text
    assert image_cache.RECORDS * (image_cache.PASSES - 1) == 4 and "medians of four steps" in text
