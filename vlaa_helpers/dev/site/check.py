"""Look at built pages: links lead somewhere, images have words, and reading a page fetches nothing from elsewhere."""

import re
from dataclasses import dataclass, field
from functools import cached_property
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADS = {
    "script": ("src",), "link": ("href",), "img": ("src", "srcset"), "source": ("src", "srcset"), "iframe": ("src",),
    "video": ("src", "poster"), "audio": ("src",), "track": ("src",), "embed": ("src",), "object": ("data",),
    "input": ("src",), "image": ("href", "xlink:href"), "use": ("href", "xlink:href"),
}  # fmt: skip
"""Attributes whose address a browser fetches without being asked."""
IN_STYLES = re.compile(r"""url\(\s*["']?([^"')]+)|@import\s+["']([^"']+)""")
IN_SCRIPTS = re.compile(r"""["'`]((?:https?:)?//[\w.-]+\.[a-z]{2,}[^"'`\s]*)""")
NOT_FETCHED = ("http://www.w3.org/",)
"""What the theme's scripts name without fetching it: name spaces of XML."""


@dataclass
class Page(HTMLParser):
    """What stands in a page: places to link to, links, and what a browser fetches to show it, images without words."""

    text: str
    places: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)
    mute: list[str] = field(default_factory=list)
    _inside: str = ""

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self._inside = tag
        self.places |= {values[name] for name in ("id", "name") if name in values}
        self.links += [values["href"]] if tag == "a" and "href" in values else []
        words = values.get("alt", "").strip()
        if tag == "img" and (not words or words.endswith(Path(values.get("src", "")).suffix or "/")):
            self.mute.append(values.get("src", ""))  # a theme's last resort is the name of the file
        for name in LOADS.get(tag, ()):
            parts = values.get(name, "").split(",") if name == "srcset" else [values.get(name, "")]
            self.loads += [part.split()[0] for part in parts if part.strip()]
        self.loads += in_styles(values.get("style", ""))

    def handle_data(self, data: str) -> None:
        if self._inside == "style":
            self.loads += in_styles(data)
        if self._inside == "script":
            self.loads += in_scripts(data)

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""


def in_styles(text: str) -> list[str]:
    """Addresses that a style sheet fetches."""
    return [(found[1] or found[2]).strip() for found in IN_STYLES.finditer(text)]


def in_scripts(text: str) -> list[str]:
    """Addresses elsewhere that a script has in quotes, and so could fetch."""
    return [found[1] for found in IN_SCRIPTS.finditer(text) if not found[1].startswith(NOT_FETCHED)]


def is_elsewhere(address: str) -> bool:
    parts = urlsplit(address)
    return parts.scheme not in ("", "data") or bool(parts.netloc)


@dataclass(frozen=True)
class Site:
    """Built pages in a folder."""

    folder: Path

    @cached_property
    def pages(self) -> dict[Path, Page]:
        """The pages by their file, without what themes leave in `_static`."""
        files = sorted(path for path in self.folder.rglob("*.html") if "_static" not in path.parts)
        return {path: Page(path.read_text(encoding="utf-8")) for path in files}

    def fetched(self) -> list[str]:
        """What would be fetched from elsewhere, as "file fetches address"."""
        loads = [(path, load) for path, page in self.pages.items() for load in page.loads]
        for path in sorted(self.folder.rglob("*.css")):
            loads += [(path, load) for load in in_styles(path.read_text(encoding="utf-8"))]
        for path in sorted(self.folder.rglob("*.js")):
            loads += [(path, load) for load in in_scripts(path.read_text(encoding="utf-8"))]
        return [f"{self._name(path)} fetches {load}" for path, load in loads if is_elsewhere(load)]

    def broken(self) -> list[str]:
        """Links and files of pages that lead nowhere in the site, as "file: address: what is missing"."""
        found = []
        for path, page in self.pages.items():
            for address in [*page.links, *page.loads]:
                missing = "" if is_elsewhere(address) or address.startswith("data:") else self._missing(path, address)
                found += [f"{self._name(path)}: {address}: {missing}"] if missing else []
        return found

    def without_words(self) -> list[str]:
        """Images that a reader who does not see them learns nothing of."""
        said = "image without an alternative text"
        return [
            f"{self._name(path)}: {source:.60}: {said}" for path, page in self.pages.items() for source in page.mute
        ]

    def _missing(self, path: Path, address: str) -> str:
        """What a link of a page misses, "" when it leads to a file of the site, and to a place in it."""
        parts = urlsplit(address)
        target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
        if not target.is_relative_to(self.folder.resolve()) or not target.is_file():
            return "no such file"
        page = self.pages.get(target)
        if parts.fragment and page is not None and unquote(parts.fragment) not in page.places:
            return "no such place in the page"
        return ""

    def _name(self, path: Path) -> str:
        return path.relative_to(self.folder).as_posix()


def problems_of(folder: Path) -> list[str]:
    """What is wrong with pages in a folder, a line each: broken links, mute images, what is fetched from elsewhere."""
    site = Site(folder.resolve())
    return [*site.broken(), *site.without_words(), *site.fetched()]
