import pytest
from benchmark_files import FILES, write_benchmark
from huggingface_hub import constants
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, RepositoryNotFoundError

from vlaa_helpers import load_benchmark, read_benchmark


def serve(hub, tmp_path, name, repository):
    place, _ = FILES[name]
    data = (write_benchmark(tmp_path / "served", name) / place).read_bytes()
    hub.repositories["datasets", repository] = {
        place: data,
        "README.md": b"a card",
        "data/train-0.parquet": b"not asked",
    }


def test_a_benchmark_by_name_is_that_of_the_files(small_hub, tmp_path):
    serve(small_hub, tmp_path, "mathvision_testmini", "MathLLMs/MathVision")
    by_name = read_benchmark("mathvision_testmini")
    from_disk = read_benchmark("mathvision_testmini", folder=tmp_path / "served")
    assert by_name.about == from_disk.about
    assert [{**row, "image": None} for row in by_name.records] == [{**row, "image": None} for row in from_disk.records]
    fetched = [request for request in small_hub.requests if request.startswith("GET") and "resolve" in request]
    assert len(fetched) == 1 and "testmini" in fetched[0]  # the benchmark's file alone


def test_a_second_time_nothing_is_fetched_and_no_network_is_needed(small_hub, tmp_path, monkeypatch):
    serve(small_hub, tmp_path, "ai2d", "lmms-lab/ai2d")
    with pytest.warns(UserWarning, match="bad_gt"):
        first = load_benchmark("ai2d")["id"][:]
    asked = len(small_hub.requests)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.warns(UserWarning, match="bad_gt"):
        assert load_benchmark("ai2d")["id"][:] == first
    assert len(small_hub.requests) == asked


@pytest.mark.parametrize(("status", "error"), [(401, RepositoryNotFoundError), (503, LocalEntryNotFoundError)])
def test_a_hub_that_refuses(small_hub, status, error):
    small_hub.refuse = status
    with pytest.raises((error, HfHubHTTPError)) as caught:
        load_benchmark("ai2d")
    assert "ai2d was looked for in the dataset lmms-lab/ai2d on the hub" in caught.value.__notes__[0]
    assert "Refused: log in with a token that may read it (hf auth login; HF_TOKEN" in caught.value.__notes__[0]
    assert "--files FOLDER" in caught.value.__notes__[0]


def test_no_network_and_nothing_in_the_cache(small_hub, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(LocalEntryNotFoundError) as caught:
        load_benchmark("chartqa")
    assert "fetch them elsewhere and pass their folder" in caught.value.__notes__[0]
    assert small_hub.requests == []


def test_a_repository_that_is_gone_or_has_other_files(small_hub):
    with pytest.raises(RepositoryNotFoundError) as caught:
        load_benchmark("chartqa")
    assert "lmms-lab/ChartQA" in caught.value.__notes__[0]
    small_hub.repositories["datasets", "lmms-lab/ChartQA"] = {"data/train-0.parquet": b"x"}
    with pytest.raises(FileNotFoundError, match="lmms-lab/ChartQA on the hub has no file .*revision="):
        load_benchmark("chartqa")


def test_a_part_in_the_cache_is_not_taken_for_the_whole(small_hub, tmp_path, monkeypatch):
    place, _ = FILES["mathvision_testmini"]
    data = (write_benchmark(tmp_path / "served", "mathvision_testmini") / place).read_bytes()
    small_hub.repositories["datasets", "MathLLMs/MathVision"] = {"data/testmini-00001-of-00003.parquet": data}
    words = (
        r"mathvision_testmini is only in part in the cache: data/testmini-00000-of-00003\*\.parquet, "
        r"data/testmini-00002-of-00003\*\.parquet of MathLLMs/MathVision missing\. Fetch .*: "
        r"hf download MathLLMs/MathVision --repo-type dataset --include '.*'$"
    )
    with pytest.raises(FileNotFoundError, match=words):
        read_benchmark("mathvision_testmini")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(FileNotFoundError, match=words):
        read_benchmark("mathvision_testmini")


def test_all_parts_are_the_whole(small_hub, tmp_path):
    place, rows = FILES["mathvision_testmini"]
    parts = {}
    for k in range(2):
        folder = write_benchmark(tmp_path / str(k), "mathvision_testmini", rows[k : k + 1])
        parts[f"data/testmini-0000{k}-of-00002-{k}abc.parquet"] = (folder / place).read_bytes()
    small_hub.repositories["datasets", "MathLLMs/MathVision"] = parts
    assert read_benchmark("mathvision_testmini").about["rows"] == 2


def test_a_download_that_was_cut_keeps_whole_files_and_fetches_the_cut_one_again(small_hub, tmp_path, monkeypatch):
    """docs/benchmarks.md says so."""
    place, rows = FILES["mathvision_testmini"]
    parts = {}
    for k in range(2):
        folder = write_benchmark(tmp_path / str(k), "mathvision_testmini", rows[k : k + 1])
        parts[f"data/testmini-0000{k}-of-00002.parquet"] = (folder / place).read_bytes()
    small_hub.repositories["datasets", "MathLLMs/MathVision"] = parts
    small_hub.cut = {"00001-of-00002.parquet": [1000] + [0] * 5}
    monkeypatch.setattr("huggingface_hub.file_download.time.sleep", lambda seconds: None)
    with pytest.raises(Exception) as caught:
        read_benchmark("mathvision_testmini")
    assert "fetch them elsewhere" in caught.value.__notes__[0]
    small_hub.requests.clear()
    assert read_benchmark("mathvision_testmini").about["rows"] == 2
    fetched = [request for request in small_hub.requests if request.startswith("GET") and "resolve" in request]
    assert len(fetched) == 1 and "00001-of-00002" in fetched[0] and small_hub.ranges == []
