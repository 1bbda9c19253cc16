"""A headless Chromium, and a JupyterLab of its own for it to look at; nothing of either leaves the machine."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from playwright.sync_api import Page

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)  # fmt: skip
HERE = ("127.0.0.1", "localhost")
WITH_NAME = ("button", "checkbox", "combobox", "img", "link", "listbox", "radio", "slider", "spinbutton", "textbox")
"""Roles of what a reader works with or looks at: each needs a name that a screen reader can say."""


def find_browser() -> str | None:
    """The program of a Chromium: what VLAA_CHROMIUM names, or one on the path; None where there is none."""
    return os.environ.get("VLAA_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


def has_browser() -> bool:
    return find_spec("playwright") is not None and find_browser() is not None


@dataclass
class Watch:
    """What a page complained of, and what it asked for that is not on this machine."""

    complaints: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)
    asked: int = 0

    def over(self, page: "Page") -> None:
        """Listen to a page from now on."""
        page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self._ask(request.url))
        page.on("websocket", lambda socket: self._ask(socket.url))

    def _ask(self, url: str) -> None:
        self.asked += 1
        parts = urlsplit(url)
        if parts.scheme not in ("file", "data", "blob", "about") and parts.hostname not in HERE:
            self.elsewhere.append(url)


@contextmanager
def open_browser() -> Iterator[Any]:
    """A headless Chromium of playwright, which downloads none."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


def nameless(snapshot: str) -> list[str]:
    """The lines of an `aria_snapshot` whose role needs a name and has none.

    >>> nameless('- spinbutton "page": "0"\\n- slider: "0"\\n- img')
    ['slider', 'img']
    """
    lines = (line.strip().removeprefix("- ") for line in snapshot.splitlines() if line.strip().startswith("- "))
    roles = ((line, line.split(":")[0].split(" ")[0]) for line in lines)
    return [role for line, role in roles if role in WITH_NAME and not line.removeprefix(role).startswith((' "', " /"))]


# ---- JupyterLab ----


@contextmanager
def open_lab(folder: Path) -> Iterator[str]:
    """A JupyterLab on the notebooks in a folder: its address, with the token. It asks nobody for news or updates."""
    home = folder / ".lab"
    for name in ("config", "data", "runtime", "settings", "workspaces"):
        (home / name).mkdir(parents=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = os.urandom(16).hex()
    server = {"allow_root": True, "ip": "127.0.0.1", "open_browser": False, "port": port, "port_retries": 0}
    config = {
        "ServerApp": {**server, "root_dir": str(folder)},
        "IdentityProvider": {"token": token},
        "LabApp": {
            "news_url": None, "check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
            "extension_manager": "readonly", "user_settings_dir": str(home / "settings"),
            "workspaces_dir": str(home / "workspaces"),
        },
    }  # fmt: skip
    (home / "config" / "jupyter_server_config.json").write_text(json.dumps(config))
    _settings(home / "settings", "apputils-extension/notification", checkForUpdates=False, fetchNews="false")
    _settings(home / "settings", "notebook-extension/tracker", windowingMode="none")
    paths = {f"JUPYTER_{name.upper()}_DIR": str(home / name) for name in ("config", "data", "runtime")}
    log = (home / "log").open("w+")
    process = subprocess.Popen(
        [sys.executable, "-m", "jupyterlab"], cwd=folder, stdout=log, stderr=log,
        env={**os.environ, **paths, "PYDEVD_DISABLE_FILE_VALIDATION": "1"},
    )  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_for(f"{address}/api?token={token}", process, home / "log")
        yield f"{address}/lab/{{place}}?token={token}&reset"  # without what an earlier page left open
    finally:
        process.terminate()
        process.wait(30)
        log.close()


def _settings(folder: Path, name: str, **values: Any) -> None:
    path = folder / "@jupyterlab" / f"{name}.jupyterlab-settings"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(values))


def _wait_for(url: str, process: subprocess.Popen, log: Path, seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"JupyterLab ended with {process.returncode}:\n{log.read_text()[-2000:]}")
        try:
            opener.open(url, timeout=5)
            return
        except OSError:
            time.sleep(0.3)
    raise RuntimeError(f"JupyterLab did not answer within {seconds:.0f} s:\n{log.read_text()[-2000:]}")
