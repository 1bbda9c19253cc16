"""Words in place of a figure, for readers who do not see it: its title, which says the message, or the text below."""

import ast
import re
from collections.abc import Mapping

SHOWN = {
    "show_records": "Pictures with their questions",
    "show_responses": "Pictures with what was written about them",
    "view_": "The first page of a viewer",
    "vote_on": "Traces to vote on",
}
"""What the figures of calls without a title show; the longest beginning of a name that fits counts."""
MAGIC = re.compile(r"^(\s*)[%!].*$", re.MULTILINE)
MARKUP = re.compile(r"[*`>#]|\]\([^)]*\)|\[")
LONGEST = 200


def figure_words(cell: Mapping, below: Mapping | None) -> str:
    """An alternative text for the figures that a code cell shows, on one line.

    Args:
        below: the cell after it, None for the last.

    >>> figure_words({"source": "plot(log, title='The loss falls');"}, None)
    'Figure: The loss falls'
    >>> figure_words({"source": "plot(log)"}, {"cell_type": "markdown", "source": "**It falls** at once. Then not."})
    'Figure, described below: It falls at once.'
    """
    tree = ast.parse(MAGIC.sub(r"\1pass", "".join(cell["source"])))
    titles = titles_of(tree)
    if titles:
        return "Figure: " + "; ".join(titles)
    called = [node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    for name in called:
        if known := [words for start, words in SHOWN.items() if name.startswith(start)]:
            return known[0]
    if below is not None and below["cell_type"] == "markdown":
        text = MARKUP.sub("", "".join(below["source"])).strip()
        sentence = re.match(r".*?(?:[.!?:](?=\s|$)|$)", text.split("\n\n")[0].replace("\n", " "))[0]
        if len(sentence) <= LONGEST:
            return f"Figure, described below: {sentence}"
    return "Figure of the code above"


def titles_of(tree: ast.AST) -> list[str]:
    """Titles that code gives to its figures, where they are written out; of two for choice the first."""
    values: dict[str, ast.expr] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            values.setdefault(node.targets[0].id, node.value)
    given = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            given += [keyword.value for keyword in node.keywords if keyword.arg == "title"]
            named = isinstance(node.func, ast.Attribute) and node.func.attr in ("set_title", "suptitle")
            given += node.args[:1] if named else []
    return [text for value in given if (text := _text(value, values))]


def _text(node: ast.expr, values: Mapping[str, ast.expr]) -> str:
    """The text that an expression is, "" where it is not written out."""
    for _ in range(4):  # found if … else …, with found = … above
        if isinstance(node, ast.IfExp):
            node = node.body
        elif isinstance(node, ast.Name) and node.id in values:
            node = values[node.id]
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
