"""The addresses in messages lead to sections that are there, on the repository that pyproject.toml names."""

import ast
import importlib
import re
import tomllib
from pathlib import Path

import pytest

from vlaa_helpers import get_profile
from vlaa_helpers.core.help_page import PAGES, help_at, page
from vlaa_helpers.core.kept_rows import KeptRows
from vlaa_helpers.dev.notebooks.files import HELP_PAGE, update_badges

ROOT = Path(__file__).resolve().parents[2]
SOURCES = [path for path in (ROOT / "vlaa_helpers").rglob("*.py") if "dev" not in path.parts]
HEADINGS = re.findall(r"^## (.*)$", (ROOT / "TROUBLESHOOTING.md").read_text("utf-8"), re.M)


def calls(name):
    """The module and the argument of every call of a function of `help_page` in the package."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == name and path.name != HELP_PAGE.name:
                yield ".".join(path.relative_to(ROOT).with_suffix("").parts), node.args[0]


def test_every_section_that_a_message_names_is_there():
    named = set()
    for module, argument in calls("help_at"):
        constant = isinstance(argument, ast.Constant)
        named.add(argument.value if constant else getattr(importlib.import_module(module), argument.id))
    assert named <= set(HEADINGS) and len(named) >= 8
    anchors = [help_at(heading) for heading in HEADINGS]
    assert len(set(anchors)) == len(anchors)


def test_every_page_that_a_message_names_is_there():
    named = {argument.value for _, argument in calls("page") if isinstance(argument, ast.Constant)}
    assert {"docs/vllm.md", "docs/many_gpus.md"} <= named
    assert all((ROOT / path).is_file() for path in named)


def test_no_message_names_a_page_by_a_path_that_only_a_checkout_has():
    for path in SOURCES:
        tree = ast.parse(path.read_text("utf-8"))
        nodes = list(ast.walk(tree))
        passed_over = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}  # docstrings
        passed_over |= {id(node.args[0]) for node in nodes if isinstance(node, ast.Call) and node.args}
        texts = [node.value for node in nodes if isinstance(node, ast.Constant) and id(node) not in passed_over]
        named = [text for text in texts if isinstance(text, str) and ".md" in text]
        assert not [text for text in named if re.search(r"(?<![/\w])(docs/\w+|TROUBLESHOOTING)\.md", text)], path


def test_the_address_is_that_of_pyproject(tmp_path):
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["vlaa"]
    assert f"{settings['repository']}/blob/{settings['branch']}" == PAGES
    assert page("docs/vllm.md") == f"{PAGES}/docs/vllm.md" and PAGES.startswith("https://")
    (tmp_path / HELP_PAGE).parent.mkdir(parents=True)
    (tmp_path / "notebooks").mkdir()
    (tmp_path / HELP_PAGE).write_text((ROOT / HELP_PAGE).read_text("utf-8"), "utf-8")
    (tmp_path / "pyproject.toml").write_text(
        '[tool.vlaa]\nrepository = "https://github.com/a/fork"\nbranch = "trunk"\n'
    )
    assert update_badges(tmp_path, check=True) == [tmp_path / HELP_PAGE]
    update_badges(tmp_path)
    assert 'PAGES = "https://github.com/a/fork/blob/trunk"\n' in (tmp_path / HELP_PAGE).read_text("utf-8")


def test_a_reader_without_a_checkout_can_follow_it(tmp_path, monkeypatch):
    KeptRows(tmp_path, {"seed": 0}, wanted=1, what="evaluation")
    with pytest.raises(ValueError, match=f"More: {re.escape(PAGES)}/TROUBLESHOOTING.md#holds-another-evaluation$"):
        KeptRows(tmp_path, {"seed": 1}, wanted=1, what="evaluation")
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(RuntimeError, match=f"More: {re.escape(PAGES)}/.*#profile-t4-needs-a-cuda-gpu$"):
        get_profile("t4")
