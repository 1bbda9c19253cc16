"""The released data by name, from a hub on loopback."""

from release_files import REPO

from vlaa_helpers.data.load import read_records


def test_one_source_by_name(release):
    records, problems = read_records(REPO, split="rl", sources=["clevr_math"])
    assert len(records) == 20
    print(problems, release.requests, dict(release.sent))
    assert records[0]["image"].size == (64, 48)
