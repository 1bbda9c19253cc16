"""A headless Chromium that looks at pages; nothing of it leaves the machine."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
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
