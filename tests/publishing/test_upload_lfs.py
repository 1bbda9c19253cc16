"""A push whose weights go by LFS, as the hub asks of every `.safetensors` and `.parquet`, over loopback.

Xet, by which huggingface_hub would send them, is switched off by `push`; nothing here imitates it.
"""

import hashlib
import json
import random

import pytest
from huggingface_hub import constants

from vlaa_helpers import ScriptedTeacher, build_dataset, cli, make_scenes, plan_push, push

WEIGHTS = random.Random(0).randbytes(300_001)


@pytest.fixture
def adapter(tmp_path):
    folder = tmp_path / "adapter"
    folder.mkdir()
    (folder / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": "a/b", "peft_type": "LORA"}))
    (folder / "adapter_model.safetensors").write_bytes(WEIGHTS)
    return folder


@pytest.fixture
def no_waiting(monkeypatch):
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda seconds: None)


def lfs_requests(hub):
    return [
        request.replace(hashlib.sha256(WEIGHTS).hexdigest(), "HASH") for request in hub.requests if "lfs" in request
    ]


def test_weights_are_put_verified_and_then_committed(adapter, small_hub, capsys, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", False)  # as it is for users
    cli.main(["push", str(adapter), "me/my-adapter", "--license", "mit", "--yes"])
    assert f"pushed: {small_hub.url}/me/my-adapter/commit/" in capsys.readouterr().out
    batch = "POST me/my-adapter.git/info/lfs/objects/batch"
    assert lfs_requests(small_hub) == [batch, "PUT lfs/HASH", "POST lfs/HASH/verify"]
    assert small_hub.requests[-1].startswith("POST api/models/me/my-adapter/commit/")
    (commit,) = small_hub.commits
    assert commit["files"]["adapter_model.safetensors"] == WEIGHTS
    assert small_hub.verified == [hashlib.sha256(WEIGHTS).hexdigest()]
    assert not constants.HF_HUB_DISABLE_XET  # other uses of the hub are left alone
    assert set(small_hub.objects) == set(small_hub.verified)  # the card and the configuration went with the commit


def test_what_the_hub_has_already_is_not_sent_again(adapter, small_hub):
    push(plan_push(adapter, "me/my-adapter", licence="mit"))
    small_hub.requests.clear()
    push(plan_push(adapter, "me/my-adapter", licence="mit"))
    assert lfs_requests(small_hub) == ["POST me/my-adapter.git/info/lfs/objects/batch"]
    assert [commit["files"]["adapter_model.safetensors"] for commit in small_hub.commits] == [WEIGHTS, WEIGHTS]


def test_large_weights_go_in_parts(adapter, small_hub):
    small_hub.part_size = 100_000
    push(plan_push(adapter, "me/my-adapter", licence="mit"))
    put = [request for request in lfs_requests(small_hub) if request.startswith("PUT")]
    assert put == [f"PUT lfs/HASH/{part}" for part in (1, 2, 3, 4)]
    assert small_hub.commits[0]["files"]["adapter_model.safetensors"] == WEIGHTS


def test_a_build_s_parquet_files_go_by_lfs(tmp_path, small_hub):
    build_dataset(make_scenes(12, seed=3), ScriptedTeacher(seed=3), tmp_path / "built")
    plan = plan_push(tmp_path / "built", "me/my-data", licence="cc-by-4.0")
    push(plan)
    sent = small_hub.commits[0]["files"]
    parquet = {name: data for name, data in plan.files.items() if name.endswith(".parquet")}
    assert parquet and all(sent[name] == data for name, data in parquet.items())
    assert set(small_hub.verified) == {hashlib.sha256(data).hexdigest() for data in parquet.values()}
    assert "POST datasets/me/my-data.git/info/lfs/objects/batch" in small_hub.requests


@pytest.mark.parametrize("trouble", ["damaged", "refused"])
def test_weights_that_do_not_arrive_are_not_committed(adapter, small_hub, capsys, trouble):
    small_hub.damage, small_hub.refuse_put = trouble == "damaged", 403 if trouble == "refused" else None
    with pytest.raises(SystemExit):
        cli.main(["push", str(adapter), "me/my-adapter", "--license", "mit", "--yes"])
    line = capsys.readouterr().err.splitlines()[-1].partition("vlaa: ")[2]  # a progress bar may stand before it
    assert line.startswith("Error while uploading 'adapter_model.safetensors' to the Hub. ")
    assert ("422" if small_hub.damage else "403") in line
    assert "Nothing was committed to me/my-adapter." in line and small_hub.commits == []
    assert small_hub.objects == {}


def test_a_hub_that_is_not_there_is_one_line(adapter, small_hub, no_waiting, monkeypatch, capsys):
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(SystemExit):
        cli.main(["push", str(adapter), "me/my-adapter", "--license", "mit", "--yes"])
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith("vlaa: http://127.0.0.1:9 cannot be reached: ")
    assert "Nothing was committed to me/my-adapter." in line
