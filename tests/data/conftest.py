"""A hub on loopback in place of the real one, and a data set laid out like the release to put on it."""

import logging

import pytest
from hub_server import HubServer
from release_files import REPO, images_of, json_lines, rows_of, tar_gz

from vlaa_helpers.data import ranged_file, released


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """An empty hub; huggingface_hub asks it, keeps what comes below tmp_path, and waits for nothing."""
    from huggingface_hub import constants

    with HubServer() as server:
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(constants, "ENDPOINT", server.url)
        template = server.url + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        for name, folder in {"HF_ASSETS_CACHE": "assets", "HF_HUB_CACHE": "hub", "HF_TOKEN_PATH": "token"}.items():
            monkeypatch.setattr(constants, name, str(tmp_path / folder))
        for module in ("file_download", "utils._cache_assets"):  # these copied a path when they were imported
            place = f"huggingface_hub.{module}"
            for name, folder in {"HF_ASSETS_CACHE": "assets"}.items():
                monkeypatch.setattr(f"{place}.{name}", str(tmp_path / folder), raising=False)
        monkeypatch.delenv("HF_TOKEN", raising=False)
        monkeypatch.setattr(ranged_file, "PAUSES", (0.0,) * 3)
        sites = {name: tuple(f"{server.cdn}/{name}{k}.zip" for k in range(2)) for name in ("coco", "vg")}
        monkeypatch.setattr(released, "ELSEWHERE", sites)
        yield server


@pytest.fixture
def release(hub):
    """Thirty rows of two sources, and their archives, on the hub under the release's name."""
    files = hub.repos[REPO]
    files["VLAA-Thinking-GRPO-25K.json"] = json_lines(rows_of("clevr_math", 20) + rows_of("synthesis", 10))
    files["images/clevr_math.tar.gz"] = tar_gz(images_of("clevr_math", 20))
    files["images/synthesis.tar.gz"] = tar_gz(images_of("synthesis", 10))
    return hub


@pytest.fixture
def said(caplog):
    """What helpers say while a test runs."""
    caplog.set_level(logging.INFO, logger="vlaa_helpers")
    return caplog
