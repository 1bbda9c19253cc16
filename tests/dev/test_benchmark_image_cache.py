"""The benchmark of the image cache: both arms take the same steps, and only one of them asks the tower again."""

import json

import pytest
from tiny_size import TINY

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
