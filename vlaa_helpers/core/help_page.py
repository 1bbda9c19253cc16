"""Addresses of the pages that messages name: who reads one on Colab has no checkout to look into."""

import re

PAGES = "https://github.com/vlaa-notebooks/vlaa-notebooks/blob/main"
"""By `[tool.vlaa]` of pyproject.toml; `python -m vlaa_helpers.dev.notebooks.run badges` writes it."""


def page(path: str) -> str:
    """The address of a file of the repository, such as "docs/vllm.md"."""
    return f"{PAGES}/{path}"


def help_at(heading: str) -> str:
    """The address of a section of TROUBLESHOOTING.md.

    >>> help_at('"holds another evaluation"').rpartition("/")[2]
    'TROUBLESHOOTING.md#holds-another-evaluation'
    """
    kept = re.sub(r"[^\w\- ]", "", heading.lower())  # as GitHub makes an anchor of a heading
    return f"{page('TROUBLESHOOTING.md')}#{kept.replace(' ', '-')}"
