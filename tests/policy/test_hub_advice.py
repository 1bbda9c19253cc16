"""A hub that does not give a model: the error says what to do."""

import errno
from functools import partial

import pytest
from huggingface_hub import constants

from vlaa_helpers import estimate_memory, load_policy
from vlaa_helpers.policy.hub_advice import hub_advice
from vlaa_helpers.policy.loading import load_processor
from vlaa_helpers.training.disk_estimate import estimate_disk

MODEL = "me/model"


def refuse(hub, monkeypatch):
    hub.refuse = 401


def lack(hub, monkeypatch):
    hub.lost = True


def go_offline(hub, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)


def cut(hub, monkeypatch):
    hub.repositories["models", MODEL] = {"config.json": b"{}" * 50, "preprocessor_config.json": b"{}" * 50}
    hub.cut = {"config.json": [0] * 60}
    monkeypatch.setattr("huggingface_hub.file_download.time.sleep", lambda seconds: None)


ASKING = {
    "load_policy": load_policy,
    "load_processor": load_processor,
    "estimate_memory": estimate_memory,
    "estimate_disk": partial(estimate_disk, steps=1),
}


@pytest.mark.parametrize("broken", [refuse, lack, go_offline, cut])
@pytest.mark.parametrize("asking", ASKING)
def test_a_model_that_the_hub_does_not_give(small_hub, tiny_profile, monkeypatch, broken, asking):
    broken(small_hub, monkeypatch)
    with pytest.raises(Exception) as caught:  # transformers and huggingface_hub have errors of their own for each
        ASKING[asking](tiny_profile.replace(model=MODEL, load_in_4bit=False))
    (note,) = caught.value.__notes__
    assert (small_hub.requests == []) is (broken is go_offline)
    assert f"me/model was looked for on the hub ({small_hub.url})" in note
    assert ("HF_HUB_OFFLINE=1 forbids the network" in note) is (broken is go_offline)
    for words in (
        "hf auth login",
        "HF_TOKEN",
        "run the same again",
        "hf download me/model --local-dir FOLDER",
        "replace(model=",
    ):
        assert words in note


def test_a_profile_by_name_says_it_too(small_hub):
    small_hub.lost = True
    with pytest.raises(OSError) as caught:
        estimate_memory("t4")
    assert "Qwen/Qwen2.5-VL-3B-Instruct was looked for on the hub" in caught.value.__notes__[0]


def test_errors_of_a_folder_are_left_alone(tmp_path):
    full = OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(OSError) as caught, hub_advice(str(tmp_path)):
        raise full
    assert caught.value is full and not hasattr(full, "__notes__")
