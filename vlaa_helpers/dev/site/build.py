"""Build the site and check it (`make site`).

    python -m vlaa_helpers.dev.site.build [--out build/site]

Needs the extra `site` (Sphinx, myst-nb, sphinx-book-theme). A warning of Sphinx, a broken link or something that a page
would fetch is an error.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ...core.assets import CHECKOUT
from .check import problems_of
from .sources import write_sources


def build_site(out: Path) -> None:
    """Write the pages of the site into a folder; what Sphinx left there before is written over.

    Raises:
        RuntimeError: Sphinx is not installed, failed or warned; its own words are in the message.
    """
    with tempfile.TemporaryDirectory() as scratch:
        sources, trees = Path(scratch, "sources"), Path(scratch, "trees")
        write_sources(sources)
        command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-d", str(trees), str(sources), str(out)]
        paths = os.pathsep.join(filter(None, [str(CHECKOUT), os.environ.get("PYTHONPATH")]))
        run = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": paths})
    if run.returncode != 0:
        said = (run.stdout + run.stderr).replace(f"{sources}{os.sep}", "")
        raise RuntimeError(f"Sphinx could not build the site. `make site` installs what it needs.\n{said}")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Build the site and check it.")
    parser.add_argument("--out", type=Path, default=CHECKOUT / "build" / "site", help="folder of the pages")
    out = parser.parse_args(arguments).out
    try:
        build_site(out)
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 1
    problems = problems_of(out)
    if problems:
        print(*problems, sep="\n", file=sys.stderr)
    print(f"{len(list(out.rglob('*.html')))} pages, {len(problems)} problems: {out / 'index.html'}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
