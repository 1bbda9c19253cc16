"""The table of private parts (docs/upstream.md) is complete: the package uses none that it lacks."""

import ast
import re
from collections import defaultdict
from pathlib import Path

from trl import GRPOTrainer

ROOT = Path(__file__).resolve().parents[2]
TABLE = (ROOT / "docs" / "upstream.md").read_text()
OWN = {"_repr_mimebundle_", "_SubParsersAction", "_replace"}
"""Names with an underscore that are a public protocol (IPython's, of widgets), a type's only name (argparse), or public
all the same (named tuples)."""


def test_the_table_lacks_no_private_part():
    """Whatever has an underscore and is not made in the package belongs to somebody else, and into the table."""
    made, used = set(OWN), defaultdict(set)
    trees = {path: ast.parse(path.read_text()) for path in sorted((ROOT / "vlaa_helpers").rglob("*.py"))}
    for path, tree in trees.items():
        classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
        overridden = {
            method.name
            for node in classes
            if any(getattr(base, "id", "").endswith("Trainer") for base in node.bases)
            for method in node.body
            if isinstance(method, ast.FunctionDef) and hasattr(GRPOTrainer, method.name)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name not in overridden:
                made.add(node.name)
            elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and _is_self(node):
                made.add(node.attr)
            elif isinstance(node, ast.AnnAssign | ast.Assign) and isinstance(_target(node), ast.Name):
                made.add(_target(node).id)
            elif isinstance(node, ast.Attribute) and _is_private(node.attr):
                used[node.attr].add(path)
        for name in overridden:
            if _is_private(name):
                used[name].add(path)
    named = set(re.findall(r"\b_\w+", TABLE.split("Replaced by public means")[0]))
    missing = {name: [str(path.relative_to(ROOT)) for path in used[name]] for name in used.keys() - made - named}
    assert not missing, f"add a row to docs/upstream.md for {missing}"
    assert {"_metrics", "_logs", "_compute_loss", "_indices"} <= used.keys()


def _is_private(name):
    return name.startswith("_") and not name.startswith("__")


def _is_self(node):
    return isinstance(node.value, ast.Name) and node.value.id == "self"


def _target(node):
    return node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
