import json
import signal
import subprocess
import threading
import time
from collections import Counter

import pytest
from fault_server import FaultServer, completion
from forks import Forks

from vlaa_helpers import (
    ChatTeacher,
    ScriptedTeacher,
    build_dataset,
    load_build,
    load_records,
    make_scenes,
    to_sft,
)
from vlaa_helpers.core.chat_reply import Reply
from vlaa_helpers.core.endpoint import EndpointError
from vlaa_helpers.pipeline import build as pipeline
from vlaa_helpers.pipeline.journal import BuildStopped
from vlaa_helpers.pipeline.steps import is_rl_only

OUTPUTS = ("sft.arrow", "rl.arrow", "rejects.arrow", "yields.csv", "build.json")


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    monkeypatch.setattr(pipeline, "CHUNK", 40)


@pytest.fixture(scope="module")
def records():
    return make_scenes(150, seed=4)


def outputs(folder):
    return {name: (folder / name).read_bytes() for name in OUTPUTS}


def journal_keys(folder):
    return [json.loads(line)["key"] for path in sorted(folder.glob("journal/*")) for line in path.open()]


# ---- what comes out ----


@pytest.fixture(scope="module")
def built(records, tmp_path_factory):
    return build_dataset(records, ScriptedTeacher(), tmp_path_factory.mktemp("built"))


def test_every_record_is_in_one_place(records, built):
    parts = [list(part["id"]) for part in (built.sft, built.rl, built.rejects)]
    assert sorted(sum(parts, [])) == sorted(records["id"])
    assert all(parts)


def test_the_sets_are_records_that_training_takes(built):
    assert built.sft.features == make_scenes(1).features
    view = to_sft(built.sft)
    assert len(view) == len(built.sft) and view[0]["images"][0].size == (112, 112)
    assert not any(map(is_rl_only, built.sft["source"]))
    assert all(built.sft["caption"]) and all(built.sft["reasoning"])


def test_cues_part_the_sets(built):
    notes = [json.loads(meta)["provenance"]["split"]["cues"] for meta in built.sft["meta"]]
    assert all(note == {"substring": [], "whole_words": []} for note in notes)
    traced = [json.loads(row["meta"])["provenance"] for row in built.rl if not is_rl_only(row["source"])]
    assert traced and all(note["split"]["cues"]["substring"] for note in traced)


def test_yields_add_up(records, built):
    table = built.yields
    assert table.loc["all", "original"] == len(records)
    assert table.loc["all", "sft"] == len(built.sft) and table.loc["all", "rl"] == len(built.rl)
    assert table.loc["angles"].isna().sum() == 5
    steps = table.loc["blocks", ["original", "collected", "captioned", "distilled", "rewritten", "verified"]].tolist()
    assert steps == sorted(steps, reverse=True)
    assert steps[-1] == table.loc["blocks", "sft"] + table.loc["blocks", "rl"]
    gone = Counter(built.rejects["source"])
    assert steps[0] - steps[-1] == gone["blocks"]


def test_rejects_say_why_and_keep_the_text(built):
    assert {"step", "reason", "raw"} <= set(built.rejects.column_names)
    assert all(row["raw"] for row in built.rejects)
    assert {row["reason"] for row in built.rejects} <= {"wrong_answer", "length_gap", "not_yes_or_no"}


def test_the_result_can_be_loaded_again(built):
    again = load_build(built.folder)
    assert again.sft["id"] == built.sft["id"] and again.yields.equals(built.yields)
    assert list(load_records(built.folder / "rl.arrow")["id"]) == list(built.rl["id"])


def test_no_finished_build(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no finished build.*run build_dataset"):
        load_build(tmp_path)


def test_same_seed_same_bytes(records, built, tmp_path):
    build_dataset(records, ScriptedTeacher(), tmp_path)
    assert outputs(tmp_path) == outputs(built.folder)
    build_dataset(records, ScriptedTeacher(seed=1), tmp_path)
    assert outputs(tmp_path) != outputs(built.folder)


def test_the_same_image_twice(records, tmp_path):
    from datasets import concatenate_datasets

    twice = concatenate_datasets([records.select(range(12)), records.select(range(6)).map(
        lambda row: {"id": row["id"] + "-again"}
    )])  # fmt: skip
    once = build_dataset(twice, ScriptedTeacher(), tmp_path / "once")
    assert Counter(once.rejects["reason"])["duplicate_image"] == 6
    assert once.yields.loc["all", "collected"] == 12
    both = build_dataset(twice, ScriptedTeacher(), tmp_path / "both", unique_images=False)
    assert "duplicate_image" not in both.rejects["reason"]


def test_images_on_disk_are_taken_along(records, tmp_path, write_rows):
    row = records.with_format(None)[0]
    image = records.data.table.column("image").to_pylist()[0]["bytes"]
    file = write_rows(
        {"id": "a", "image": "blocks/a.png", "question": row["question"], "gt": row["gt"], "response":
         f"<think>Easy.</think><answer>{row['gt']}</answer>"},
        images={"blocks/a.png": image},
    )  # fmt: skip
    paths = load_records(file, embed_images=False)
    result = build_dataset(paths, ScriptedTeacher(hedges=0, misjudgements=0, overedits=0), tmp_path / "out")
    assert result.sft.data.table.column("image").to_pylist() == [{"bytes": image, "path": "a.png"}]


# ---- stops ----

KILLED = """
import time
from vlaa_helpers import ScriptedTeacher, build_dataset, make_scenes
from vlaa_helpers.pipeline import build as pipeline

class Slow(ScriptedTeacher):
    def ask(self, role, record, fields):
        with open(self.calls, "a") as calls:
            calls.write(f"{record['id']} {role}\\n")
        time.sleep(0.002)
        return super().ask(role, record, fields)
    def model_of(self, role):
        return "slow"

pipeline.CHUNK = 40

def run(folder, concurrency, calls):
    Slow.concurrency, Slow.calls = concurrency, calls
    build_dataset(make_scenes(150, seed=4), Slow(), folder)
"""


@pytest.mark.parametrize("concurrency", [1, 6])
def test_killed_and_run_again_equals_uninterrupted(tmp_path, concurrency):
    def start(folder, calls):
        forks.start(str(tmp_path / folder), concurrency, str(tmp_path / calls))

    killed = tmp_path / "killed"
    with Forks(KILLED, stderr=subprocess.DEVNULL) as forks:
        start("whole", "calls-whole")
        assert forks.wait() == 0
        for lines in (30, 150, 290):  # in the first, the second and a later chunk
            start("killed", "calls-killed")
            while forks.running:
                if sum(path.read_bytes().count(b"\n") for path in killed.glob("journal/*")) >= lines:
                    break
                time.sleep(0.005)
            assert forks.kill() == -signal.SIGKILL
            assert not (killed / "build.json").exists()
        start("killed", "calls-killed")
        assert forks.wait() == 0
    assert outputs(killed) == outputs(tmp_path / "whole")
    keys = journal_keys(killed)
    assert sorted(keys) == sorted(journal_keys(tmp_path / "whole")) and len(keys) == len(set(keys))
    # What was under way at a kill had no reply yet: at most that is asked again, once a kill.
    asked, once = ((tmp_path / name).read_text().splitlines() for name in ("calls-killed", "calls-whole"))
    assert set(asked) == set(once) and len(asked) - len(once) <= 3 * concurrency


class Charging(ScriptedTeacher):
    concurrency = 4

    def ask(self, role, record, fields):
        reply = super().ask(role, record, fields)
        return Reply(reply.text, reply.problem, 100, 10)

    def cost(self, role, reply):
        return (reply.prompt_tokens + reply.completion_tokens) / 1e3

    def model_of(self, role):
        return "charging"


def test_a_budget_stops_cleanly_and_a_higher_one_goes_on(records, tmp_path):
    with pytest.raises(BuildStopped, match="the budget is spent"):
        build_dataset(records, Charging(), tmp_path / "a", budget=5.0)
    spent = len(journal_keys(tmp_path / "a"))
    assert 5.0 / 0.11 <= spent <= 5.0 / 0.11 + 1 + Charging.concurrency
    build_dataset(records, Charging(), tmp_path / "a", budget=500.0)
    build_dataset(records, Charging(), tmp_path / "b")
    assert outputs(tmp_path / "a") == outputs(tmp_path / "b")


def test_never_more_requests_at_once_than_allowed(records, tmp_path):
    lock, now, most = threading.Lock(), [0], [0]

    class Watched(Charging):
        def ask(self, role, record, fields):
            with lock:
                now[0] += 1
                most[0] = max(most[0], now[0])
            time.sleep(0.001)
            reply = super().ask(role, record, fields)
            with lock:
                now[0] -= 1
            return reply

    build_dataset(records, Watched(), tmp_path)
    assert 1 < most[0] <= 4


def test_an_endpoint_that_fails_stops_and_goes_on(records, tmp_path, monkeypatch):
    monkeypatch.setenv("TEST_KEY", "none")

    def answer(body):
        text = body["messages"][1]["content"]
        if isinstance(text, list):
            return completion("I see something.")
        if "Yes or No" in text:
            return completion("Yes")
        if "Reason as someone" in text:
            return completion("<think>Easy.</think><answer>1</answer>")
        return completion(text.partition("nothing besides.\n\n")[2])

    def teacher(server):
        return ChatTeacher("m", base_url=server.url, api_key_env="TEST_KEY", retries=1, timeout=5, concurrency=3)

    few = records.select(range(18))
    with FaultServer(*[answer] * 20, 500) as server, pytest.raises(EndpointError, match="still fails after 2 attempts"):
        build_dataset(few, teacher(server), tmp_path / "a")
    kept = len(journal_keys(tmp_path / "a"))
    assert 15 <= kept <= 20
    with FaultServer(answer) as server:
        result = build_dataset(few, teacher(server), tmp_path / "a")
        assert len(server.requests) == 15 * 4 - kept  # 3 of 18 are angles, which need no teacher
    assert len(result.sft) == 15


def test_a_wrong_key_stops_with_nothing_spent(records, tmp_path, monkeypatch):
    monkeypatch.setenv("TEST_KEY", "none")
    with FaultServer(401) as server, pytest.raises(EndpointError, match="does not accept the key"):
        build_dataset(records, ChatTeacher("m", base_url=server.url, api_key_env="TEST_KEY"), tmp_path)
    assert journal_keys(tmp_path) == []


def test_two_builds_in_one_folder(records, tmp_path):
    from filelock import FileLock

    (tmp_path / "a").mkdir()
    with FileLock(tmp_path / "a" / ".lock"), pytest.raises(BuildStopped, match="another process is building"):
        build_dataset(records, ScriptedTeacher(), tmp_path / "a")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"records": make_scenes(0)}, "no records"),
        ({"records": make_scenes(2).remove_columns("gt")}, "not records: gt missing"),
        ({"engine": "spark"}, 'unknown engine \'spark\'; expected "local" or "ray"'),
        ({"engine": "ray", "budget": 1.0}, 'a budget needs engine="local"'),
    ],
)
def test_what_cannot_be_built_is_said(records, tmp_path, change, words):
    arguments = {"records": records, "teacher": ScriptedTeacher(), "out_dir": tmp_path / "x"}
    with pytest.raises(ValueError, match=words):
        build_dataset(**{**arguments, **change})


# ---- many workers ----


def test_ray_gives_the_same_bytes(records, built, tmp_path):
    import ray

    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, configure_logging=False)
    try:
        build_dataset(records, ScriptedTeacher(), tmp_path, engine="ray")
        assert outputs(tmp_path) == outputs(built.folder)
        assert sorted(journal_keys(tmp_path)) == sorted(journal_keys(built.folder))
        (tmp_path / "journal" / "000001.jsonl").write_text("broken\n")
        with pytest.raises(ValueError, match=r"000001\.jsonl line 1 is broken"):  # as it is, not as Ray wraps it
            build_dataset(records, ScriptedTeacher(), tmp_path, engine="ray")
    finally:
        ray.shutdown()
    assert not list(tmp_path.glob("*.part"))
