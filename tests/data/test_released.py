"""The released data by name, from a hub on loopback: what is downloaded, what is not, and what comes of it."""

import io
import json
import os
import random
import re
import subprocess
import sys
import tarfile
import time
import zipfile
from collections import Counter

import pytest
from release_files import GT, REPO, images_of, json_lines, rows_of, tar_gz
from row_files import SFT_TEXT, encoded

from vlaa_helpers.core.origin import origins_of
from vlaa_helpers.data import released
from vlaa_helpers.data.download_errors import DownloadError, size_words
from vlaa_helpers.data.load import load_records, read_records
from vlaa_helpers.data.released import HUB_FILES
from vlaa_helpers.data.safe_archives import UnsafeArchive
from vlaa_helpers.data.trl_views import to_sft

ROWS = "VLAA-Thinking-GRPO-25K.json"


def cdn_files(hub) -> Counter:
    """How often each file was asked of the CDN."""
    return Counter(path.split("/", 3)[-1] for path in hub.asked("cdn"))


def test_only_the_sources_asked_for_are_downloaded(release, said):
    records, problems = read_records(REPO, split="rl", sources=["clevr_math"])
    assert len(records) == 20 and set(records["source"]) == {"clevr_math"}
    assert records["gt"][:3] == ["3", "3", "3"] and set(records["verifier_type"]) == {"digit"}  # 3 of JSON, as text
    assert records[7]["image"].size == (64, 48) and json.loads(records[0]["meta"]) == {"url": None}
    assert set(cdn_files(release)) == {ROWS, "images/clevr_math.tar.gz"}
    assert [problem.kind for problem in problems] == ["other_counts"] and problems[0].kept
    (plan,) = [record.message for record in said.records if "downloading what is missing" in record.message]
    rows, size = (size_words(len(release.repos[REPO][name])) for name in (ROWS, "images/clevr_math.tar.gz"))
    assert f"{ROWS}: {rows}" in plan and f"images/clevr_math.tar.gz: {size}, unpacked and then removed" in plan


def test_the_second_time_nothing_is_downloaded(release, monkeypatch):
    load = lambda: read_records(REPO, sources=["clevr_math", "synthesis"])[0]  # noqa: E731
    first = load()
    release.requests.clear()
    assert load()["id"][:] == first["id"][:]
    assert release.asked("hub") == release.asked("cdn") == []
    assert [method for _, method, *_ in release.requests] == ["HEAD"]  # is main still this commit?
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    release.requests.clear()
    assert len(load()) == 30 and release.requests == []


def test_a_build_s_worth_of_images_is_read_from_paths(release):
    row = read_records(REPO, sources=["synthesis"])[0].with_format(None).cast_column("image", plain())[0]
    assert row["image"]["bytes"] is None and os.path.exists(row["image"]["path"])
    row = read_records(REPO, sources=["synthesis"], embed_images=True)[0].cast_column("image", plain())[0]
    assert row["image"]["bytes"].startswith(b"\x89PNG")


def plain():
    from datasets import Image

    return Image(decode=False)


@pytest.mark.parametrize(
    ("source", "written", "member"),
    [
        ("arxivqa", "/images/arxivqa/images/0.png", "arxivqa/0.png"),
        ("arxivqa", "arxivqa/0.png", "./images/arxivqa/0.png"),
        ("synthesis", "images/synthesis/deep/0.png", "deep/0.png"),
    ],
)
def test_paths_of_rows_and_of_archives_meet(hub, source, written, member):
    row = rows_of(source, 1)[0] | {"image": written}
    hub.repos[REPO].update({ROWS: json_lines([row]), f"images/{source}.tar.gz": tar_gz({member: encoded()})})
    assert read_records(REPO, sources=[source])[0][0]["image"].size == (8, 6)


@pytest.mark.parametrize("written", ["VG_100K/0.png", "vg/VG_100K/0.png", "/images/vg/VG_100K/0.png"])
def test_paths_of_rows_and_of_sites_meet(sites, written):
    sites.repos[REPO][ROWS] = json_lines([rows_of("vg", 1)[0] | {"image": written}])
    assert read_records(REPO, sources=["vg"])[0][0]["image"].size == (8, 6)


# ---- a first look ----


def test_a_limit_reads_the_beginning_of_an_archive(hub):
    n = 400
    hub.repos[REPO][ROWS] = json_lines(rows_of("clevr_math", n))
    archive = tar_gz(images_of("clevr_math", n))
    hub.repos[REPO]["images/clevr_math.tar.gz"] = archive
    records, problems = read_records(REPO, sources=["clevr_math"], limit=5)
    assert len(records) == 5 and [problem.kind for problem in problems] == ["other_counts"]
    sent = hub.sent[f"/{REPO}/images/clevr_math.tar.gz"]
    assert sent == 2**18 and len(archive) > 10 * sent
    hub.requests.clear()
    assert read_records(REPO, sources=["clevr_math"], limit=4)[0]["id"][:] == records["id"][:4]
    assert cdn_files(hub) == {}


def test_a_limit_is_spread_over_the_sources(release, monkeypatch):
    monkeypatch.setattr("vlaa_helpers.data.released.ARCHIVED", ("clevr_math", "synthesis"))
    records, problems = read_records(REPO, limit=7)
    assert Counter(records["source"]) == {"clevr_math": 4, "synthesis": 3}
    assert [problem.kind for problem in problems] == ["other_counts"]
    records, problems = read_records(REPO, limit=30)
    assert Counter(records["source"]) == {"clevr_math": 15, "synthesis": 10}
    assert [str(problem) for problem in problems] == [
        f"{ROWS}: 10 records of synthesis, limit asks for 15: there are no more.",
        f"{ROWS}: rows a source differ from Table 1 of the paper: clevr_math 20, paper 2,000; "
        "synthesis 10, paper 6,696.",
    ]


def test_rows_whose_image_is_not_in_the_archive(release):
    files = release.repos[REPO]
    files["images/synthesis.tar.gz"] = tar_gz(images_of("synthesis", 7))
    _, problems = read_records(REPO, sources=["synthesis"])
    assert Counter(problem.kind for problem in problems) == {"missing_image": 3, "other_counts": 1}
    assert "image /synthesis/7.png is absent" in str(problems[0])
    records, problems = read_records(REPO, sources=["synthesis"], limit=9)
    assert len(records) == 7
    assert [str(problem).removeprefix(f"{ROWS}: ") for problem in problems][:2] == [
        "7 records of synthesis, limit asks for 9: there are no more with an image (3 rows have none in what its "
        "archive or site holds).",
        "3 rows passed over (synthesis 3): their images are not in what was read of the archives. A first look is no "
        "random sample.",
    ]
    assert [problem.kind for problem in problems] == ["few_rows", "passed_over", "other_counts"]


@pytest.fixture
def sparse(hub):
    """Forty rows, whose images are every tenth of an archive that has the last one first."""
    images = images_of("clevr_math", 400, size=(32, 24))
    hub.repos[REPO][ROWS] = json_lines(rows_of("clevr_math", 400)[::10])
    hub.repos[REPO]["images/clevr_math.tar.gz"] = tar_gz(dict(reversed(images.items())))
    return hub


def look(hub, limit):
    """A first look of so many records: their ids, the kinds of reports, and the bytes of the archive that were sent."""
    records, problems = read_records(REPO, sources=["clevr_math"], limit=limit)
    sent = hub.sent.pop(f"/{REPO}/images/clevr_math.tar.gz", 0)
    return records["id"][:], [problem.kind for problem in problems], sent


def test_a_larger_look_goes_on_where_the_smaller_one_stopped(sparse, said):
    size = len(sparse.repos[REPO]["images/clevr_math.tar.gz"])
    ids, kinds, first = look(sparse, 4)
    assert ids == ["clevr_math-360", "clevr_math-370", "clevr_math-380", "clevr_math-390"]
    assert kinds == ["passed_over", "other_counts"] and 0 < first < size / 2
    (kept,) = (released.store(REPO, "x").parent).rglob("clevr_math.tar.gz.part")
    here = kept.stat().st_size
    assert 0 < here <= first
    ids, _, second = look(sparse, 30)
    assert len(ids) == 30 and 0 < second <= size - here  # nothing before what is here
    plans = [record.message for record in said.records if "downloading what is missing" in record.message]
    share = size_words(size * 4 / 2000)
    assert f"until 4 images have come, about {share} if they lie evenly in it; what is read is kept" in plans[0]
    assert f"{size_words(here)} of it here, read from its start" in plans[1]
    assert len(read_records(REPO, sources=["clevr_math"])[0]) == 40 and not kept.exists()  # the whole goes on from it


@pytest.fixture
def shuffled(hub):
    """Rows and archives of three sources, each in an order of its own; one source comes from two zips on a site."""
    rng = random.Random(0)
    rows = [row for source in ("clevr_math", "synthesis", "vg") for row in rows_of(source, 60)]
    hub.repos[REPO][ROWS] = json_lines(rng.sample(rows, len(rows)))
    for source in ("clevr_math", "synthesis"):
        images = [*images_of(source, 100, size=(24, 16)).items()]
        hub.repos[REPO][f"images/{source}.tar.gz"] = tar_gz(dict(rng.sample(images, len(images))))
    numbers = rng.sample(range(100), 100)
    for k, part in enumerate((numbers[:30], numbers[30:])):
        hub.plain[f"/vg{k}.zip"] = zip_of({f"VG_100K/{n}.png": encoded(seed=n) for n in part})
    return hub


@pytest.mark.parametrize("before", [(), (30,), (150,), (30, 150, 30), (None,)], ids=str)
def test_a_limit_gives_the_same_records_whatever_is_here(shuffled, before):
    load = lambda limit: read_records(REPO, sources=["clevr_math", "synthesis", "vg"], limit=limit)[0]  # noqa: E731
    for limit in before:
        load(limit)
    order = {source: archive_order(shuffled, source) for source in ("clevr_math", "synthesis")}
    order["vg"] = [n for k in range(2) for n in zip_order(shuffled.plain[f"/vg{k}.zip"])]
    asked = {row["id"] for row in map(json.loads, shuffled.repos[REPO][ROWS].splitlines())}
    firsts = {f"{source}-{n}" for source in order for n in [n for n in order[source] if f"{source}-{n}" in asked][:4]}
    records = load(12)
    assert {*records["id"]} == firsts and all(image.size for image in records["image"])
    shuffled.requests.clear()
    assert load(12)["id"][:] == records["id"][:] and shuffled.asked("cdn") == []


def archive_order(hub, source: str) -> list[str]:
    """The stems of an archive's images, in its order."""
    with tarfile.open(fileobj=io.BytesIO(hub.repos[REPO][f"images/{source}.tar.gz"])) as archive:
        return [name.split("/")[-1].removesuffix(".png") for name in archive.getnames()]


def zip_order(data: bytes) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return [name.split("/")[-1].removesuffix(".png") for name in archive.namelist()]


def test_a_limit_finds_its_records_again_where_the_order_was_lost(shuffled):
    look = lambda: read_records(REPO, sources=["clevr_math"], limit=7)[0]["id"][:]  # noqa: E731
    first = look()
    for note in released.store(REPO, "x").parent.rglob("order.txt"):
        note.unlink()
    assert look() == first
    lost = next(released.store(REPO, "x").parent.rglob(f"{first[3].removeprefix('clevr_math-')}.png"))
    lost.unlink()
    assert look() == first and lost.exists()


def test_first_rows_that_cannot_be_used_are_no_lack_of_images(hub):
    rows = rows_of("clevr_math", 20)
    rows[1]["question"] = ""
    hub.repos[REPO].update({ROWS: json_lines(rows), "images/clevr_math.tar.gz": tar_gz(images_of("clevr_math", 20))})
    records, problems = read_records(REPO, sources=["clevr_math"], limit=4)
    assert records["id"][:] == ["clevr_math-0", "clevr_math-2", "clevr_math-3"]
    few = [problem.message for problem in problems if problem.kind == "few_rows"]
    assert few == ["3 records of clevr_math, limit asks for 4: 1 of the first rows cannot be used. Ask for more."]


def test_a_look_that_was_cut_off_goes_on(sparse):
    sparse.status, sparse.cut = [], [None, 150_000, *[0] * 20]  # the rows, a part of the archive, then nothing
    with pytest.raises(DownloadError, match="What has come is kept"):
        look(sparse, 30)
    sparse.cut = []
    sparse.requests.clear()
    assert len(look(sparse, 30)[0]) == 30
    asked = [part for server, _, path, part, _ in sparse.requests if server == "cdn" and path.endswith(".tar.gz")]
    assert int(asked[0].removeprefix("bytes=").partition("-")[0]) > 100_000


def test_a_damaged_beginning_is_not_kept(sparse):
    whole = sparse.repos[REPO]["images/clevr_math.tar.gz"]
    sparse.repos[REPO]["images/clevr_math.tar.gz"] = whole[:5000] + bytes(5000) + whole[10_000:]
    with pytest.raises(UnsafeArchive, match="broken or cut off"):
        look(sparse, 30)
    assert not [*released.store(REPO, "x").parent.rglob("*.part")]


def test_a_limit_asks_for_what_it_passes_over(sparse):
    sparse.repos[REPO]["mine.json"] = sparse.repos[REPO][ROWS]
    options = {"file": "mine.json", "sources": ["clevr_math"], "limit": 4}
    with pytest.warns(UserWarning, match=r"36 rows passed over \(clevr_math 36\)"):
        assert len(load_records(REPO, **options, strict=True)) == 4


def test_where_records_come_from_stays_with_them(sparse):
    records, _ = read_records(REPO, sources=["clevr_math"], limit=4)
    (origin,) = origins_of(records.shuffle(seed=0).select([0, 1]))
    commit = sparse.revisions["main"]
    assert origin == {"data": REPO, "file": ROWS, "commit": commit, "first_of_archives": True,
                      "sources": ["clevr_math"], "limit": 4}  # fmt: skip


def test_an_archive_that_has_moved(release):
    del release.repos[REPO]["images/synthesis.tar.gz"]
    page = re.escape(f"{release.url}/datasets/{REPO}/tree/")
    says = rf"no such file \(404\)\. Look what there is: {page}\w+; .* leave 'synthesis' out of sources"
    with pytest.raises(DownloadError, match=says):
        read_records(REPO, sources=["synthesis"])


def test_the_text_alone_downloads_the_rows_alone(release):
    records, problems = read_records(REPO, missing_images="keep")
    assert len(records) == 30 and records[0]["image"] is None
    assert set(cdn_files(release)) == {ROWS}
    assert Counter(problem.kind for problem in problems) == {"missing_image": 30, "other_counts": 1}


def test_a_limit_of_text_reads_the_beginning_of_the_rows(hub):
    rows = json_lines([{**row, "caption": "long " * 1000} for row in rows_of("clevr_math", 1000)])
    hub.repos[REPO][ROWS] = rows
    records, _ = read_records(REPO, missing_images="keep", limit=10)
    assert len(records) == 10 and hub.sent[f"/{REPO}/{ROWS}"] == 2**18 < len(rows) / 10
    records, problems = read_records(REPO, missing_images="keep", sources=["clevr_math"])  # the rest, and no more
    assert len(records) == 1000 and hub.sent[f"/{REPO}/{ROWS}"] == len(rows)
    assert {problem.kind for problem in problems} == {"missing_image", "other_counts"}


@pytest.mark.parametrize("layout", [None, 0])
def test_a_limit_of_an_array_reads_it_whole(hub, layout):
    hub.repos[REPO][ROWS] = json.dumps(rows_of("clevr_math", 3000), indent=layout).encode()
    records, _ = read_records(REPO, missing_images="keep", limit=10)
    assert len(records) == 10 and hub.sent[f"/{REPO}/{ROWS}"] == len(hub.repos[REPO][ROWS]) > 2**18


# ---- COCO and Visual Genome ----


def zip_of(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


@pytest.fixture
def sites(hub):
    """Rows of COCO and Visual Genome on the hub, and zips on their sites with many more images than those."""
    hub.repos[REPO][ROWS] = json_lines(rows_of("coco", 6) + rows_of("vg", 6))
    others = {f"train2017/other{k}.jpg": encoded("JPEG", (300, 300), seed=k) for k in range(40)}
    hub.plain["/coco0.zip"] = zip_of({**others, **{f"train2017/{k}.png": encoded(seed=k) for k in range(6)}})
    hub.plain["/coco1.zip"] = zip_of({})
    hub.plain["/vg0.zip"] = zip_of({f"VG_100K/{k}.png": encoded(seed=k) for k in range(3)})
    hub.plain["/vg1.zip"] = zip_of({f"VG_100K/{k}.png": encoded(seed=k) for k in range(3, 5)})
    return hub


def test_coco_and_visual_genome_come_from_their_sites_when_asked_for(sites, said):
    records, problems = read_records(REPO, sources=["coco", "vg"])
    assert Counter(records["source"]) == {"coco": 6, "vg": 5} and set(records["verifier_type"]) == {"box"}
    assert sites.sent["/coco0.zip"] < len(sites.plain["/coco0.zip"]) / 2
    assert [problem.id for problem in problems if problem.kind == "missing_image"] == ["vg-5"]
    assert "vg: 1 of 6 images are not on its site, such as vg/VG_100K/5.png" in said.messages
    sites.requests.clear()
    assert len(read_records(REPO, sources=["coco", "vg"])[0]) == 11
    assert sites.asked("cdn") == []  # what is on no site is not looked for again
    sites.repos[REPO][HUB_FILES["sft"]] = json_lines(rows_of("vg", 9)[6:])  # nor after others were
    assert read_records(REPO, split="sft", sources=["vg"])[0]["id"][:] == []
    sites.requests.clear()
    assert len(read_records(REPO, sources=["coco", "vg"])[0]) == 11 and sites.asked("cdn") == []


def test_a_first_look_at_coco(sites):
    records, problems = read_records(REPO, sources=["coco"], limit=2)
    assert len(records) == 2 and [problem.kind for problem in problems] == ["other_counts"]
    assert len(list((released.store(REPO, "coco") / "images").rglob("*.png"))) == 2


def test_coco_and_visual_genome_are_not_fetched_unasked(sites, monkeypatch):
    monkeypatch.setattr("vlaa_helpers.data.released.ARCHIVED", ("clevr_math",))
    sites.repos[REPO][ROWS] += json_lines(rows_of("clevr_math", 2))
    sites.repos[REPO]["images/clevr_math.tar.gz"] = tar_gz(images_of("clevr_math", 2))
    assert set(read_records(REPO, limit=2)[0]["source"]) == {"clevr_math"}
    assert not any(path.endswith(".zip") for path in sites.asked("cdn"))


def test_a_site_without_parts_of_files(sites):
    sites.ranges = False
    sites.large = 10**6  # the rows come from the hub itself
    with pytest.raises(OSError, match=r"coco0\.zip: the server sends no parts of files.*by hand: curl -L -O http"):
        read_records(REPO, sources=["coco"])


# ---- as users meet it ----


def test_another_data_set_of_the_same_layout(hub):
    hub.repos["me/mine"] = {
        "rows.jsonl": json_lines([{**row, "verifier_type": "digit"} for row in rows_of("clevr_math", 3)]),
        "images/clevr_math.tar.gz": tar_gz(images_of("clevr_math", 3)),
    }
    records = load_records("me/mine", file="rows.jsonl", sources=["clevr_math"])
    assert len(records) == 3 and records[2]["image"].size == (64, 48)


def test_real_rows_from_a_hub(hub, real_samples):
    hub.repos[REPO][ROWS] = (real_samples / "rows.jsonl").read_bytes()
    for source in ("clevr_math", "synthesis", "arxivqa"):
        files = {f"{source}/{path.name}": path.read_bytes() for path in (real_samples / "images" / source).iterdir()}
        hub.repos[REPO][f"images/{source}.tar.gz"] = tar_gz(files)
    records = read_records(REPO, sources=["clevr_math", "synthesis", "arxivqa"])[0]
    assert list(records["gt"]) == ["3", "y = -5 * sin(-5 * x)", "B"]
    assert [image.size for image in records["image"]] == [(480, 320), (800, 600), (2016, 1390)]


def test_the_environment_s_hub_in_a_process_of_its_own(release, tmp_path):
    code = f"from vlaa_helpers import load_records; print(len(load_records({REPO!r}, sources=['synthesis'], limit=4)))"
    environment = {**os.environ, "HF_ENDPOINT": release.url, "HF_HOME": str(tmp_path / "home"), "HF_HUB_OFFLINE": "0"}
    environment |= {"TRANSFORMERS_OFFLINE": "0", "HF_DATASETS_OFFLINE": "0"}
    run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert run.stdout == "4\n", run.stderr
    assert (tmp_path / "home" / "assets" / "vlaa_helpers").is_dir()


def test_a_killed_download_goes_on(hub, tmp_path, monkeypatch):
    home = tmp_path / "home"
    code = f"from vlaa_helpers import load_records; load_records({REPO!r}, sources=['clevr_math'])"
    environment = {**os.environ, "HF_ENDPOINT": hub.url, "HF_HOME": str(home), "HF_HUB_OFFLINE": "0"}
    environment |= {"TRANSFORMERS_OFFLINE": "0", "HF_DATASETS_OFFLINE": "0"}
    hub.repos[REPO][ROWS] = json_lines(rows_of("clevr_math", 100))
    archive = hub.repos[REPO]["images/clevr_math.tar.gz"] = tar_gz(images_of("clevr_math", 100, size=(160, 120)))
    hub.stall_after = 3  # the rows, 256 KiB and 512 KiB of the archive, which has 5 MiB
    run = subprocess.Popen([sys.executable, "-c", code], env=environment, stderr=subprocess.DEVNULL)
    place = f"/{REPO}/images/clevr_math.tar.gz"
    try:
        until(lambda: any(part.stat().st_size == 3 * 2**18 for part in home.rglob("*.tar.gz.part")))
    finally:
        run.kill()
        run.wait()
    assert hub.sent[place] == 3 * 2**18 < len(archive)
    hub.stall_after = None
    monkeypatch.setattr("huggingface_hub.constants.HF_ASSETS_CACHE", str(home / "assets"))
    monkeypatch.setattr("huggingface_hub.utils._cache_assets.HF_ASSETS_CACHE", str(home / "assets"))
    assert len(read_records(REPO, sources=["clevr_math"])[0]) == 100
    assert hub.sent[place] == len(archive)  # no byte twice


def until(is_so, seconds=60):
    """Wait for something that another process does."""
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.05)


def test_traces_of_the_sft_split(hub):
    rows = [
        {"image": row["image"], "question": row["question"], "answer": SFT_TEXT} for row in rows_of("clevr_math", 3)
    ]
    hub.repos[REPO]["VLAA-Thinking-SFT-126K.json"] = json_lines(rows)
    hub.repos[REPO]["images/clevr_math.tar.gz"] = tar_gz(images_of("clevr_math", 3))
    records = read_records(REPO, split="sft", sources=["clevr_math"])[0]
    assert records["gt"][:] == ["3"] * 3 and records["reasoning"][0] == "one and two"
    sample = to_sft(records)[0]
    assert sample["completion"][0]["content"][0]["text"] == SFT_TEXT and sample["images"][0].size == (64, 48)


def test_every_source_has_its_place():
    assert {*released.ARCHIVED, "coco", "vg"} == set(released.TABLE_1) and set(GT) < set(released.TABLE_1)
    assert all(place.startswith("https://") for places in released.ELSEWHERE.values() for place in places)
