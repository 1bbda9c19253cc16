"""A notebook as a file: its place in the series, its parameters, its stored outputs, its badges.

Nothing here executes a notebook (that is `run`) or imports torch; nbformat is imported when a file is read.
"""

import ast
import base64
import hashlib
import io
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...core.assets import CHECKOUT
from ...core.images import open_image

if TYPE_CHECKING:
    from nbformat import NotebookNode

ROOT = CHECKOUT
NOTEBOOK_NAME = re.compile(r"\d\d(_[a-z0-9]+)+\.ipynb")
BADGE_IMAGE = "https://colab.research.google.com/assets/colab-badge.svg"
COLAB_LINK = re.compile(r"https://colab\.research\.google\.com/github/[^\s)\"'\\]*?([\w.-]+\.ipynb)")
KAGGLE_IMAGE = "https://kaggle.com/static/images/open-in-kaggle.svg"
KAGGLE_LINK = re.compile(r"https://kaggle\.com/kernels/welcome\?src=https://github\.com/[^\s)\"'\\]*?[\w.-]+\.ipynb")
BADGES = re.compile(
    rf"\[!\[Open in Colab\]\({re.escape(BADGE_IMAGE)}\)\]\({COLAB_LINK.pattern}\)"
    rf"(?: \[!\[Open in Kaggle\]\({re.escape(KAGGLE_IMAGE)}\)\]\({KAGGLE_LINK.pattern}\))?"
)
"""A badge of Colab, with that of Kaggle or without; its group is the notebook that the first one opens."""
INSTALL_LINK = re.compile(r"git\+https://github\.com/[\w.-]+/[\w.-]+")
"""How a setup cell names the repository to pip."""
SETUP_CELL = """import os
import sys

on_kaggle = "KAGGLE_KERNEL_RUN_TYPE" in os.environ
# elsewhere the package is installed already: see README
if on_kaggle or "google.colab" in sys.modules:
    %pip install -q --no-deps git+REPOSITORY
    from vlaa_helpers import install_missing

    install_missing()"""
"""The first code cell of every notebook (`setup_cell`): pip takes the package, `install_missing` what it lacks."""
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
# Folders that exist on somebody's machine only; the folders of this machine are added when a text is checked.
MACHINE_PATH = re.compile(r"(?<![\w.:/-])(?:/(?:home|Users|root|tmp|private|workspace)/|[A-Z]:\\+Users\\)[^\s\"'`)]*")


# ---- finding notebooks and setting their parameters ----


def list_notebooks(folder: str | Path = "notebooks") -> list[Path]:
    """Return the numbered notebooks (`NN_verb_noun.ipynb`) of a folder, in reading order."""
    return sorted(path for path in Path(folder).glob("*.ipynb") if NOTEBOOK_NAME.fullmatch(path.name))


def read_notebook(path: str | Path) -> "NotebookNode":
    import nbformat

    return nbformat.read(path, as_version=4)


def write_notebook(nb: "NotebookNode", path: str | Path) -> None:
    """Write a notebook and the folder it belongs in.

    Raises:
        nbformat.ValidationError: not a valid notebook; nothing is written.
    """
    import nbformat

    nbformat.validate(nb)
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(nb, path)


def smoke_parameters(nb: "NotebookNode") -> dict[str, Any]:
    """Return the overrides a notebook names for its fast test run, `nb.metadata["vlaa"]["smoke"]`."""
    return dict(nb.metadata.get("vlaa", {}).get("smoke", {}))


def parameters_cell(nb: "NotebookNode") -> "NotebookNode":
    """Return the one code cell tagged `parameters`.

    Raises:
        ValueError: no such cell, or several.
    """
    tagged = [c for c in nb.cells if c.cell_type == "code" and "parameters" in c.metadata.get("tags", [])]
    if len(tagged) != 1:
        raise ValueError(f"{len(tagged)} code cells are tagged 'parameters'; a notebook has exactly one")
    return tagged[0]


def parameter_values(source: str) -> dict[str, list[ast.expr]]:
    """Map each name assigned at the top level of a parameters cell to the expressions it is given."""
    values: dict[str, list[ast.expr]] = {}
    for statement in ast.parse(source).body:
        if isinstance(statement, ast.Assign):
            targets = statement.targets
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            targets = [statement.target]
        else:
            continue
        for target in targets:
            if isinstance(target, ast.Name):
                values.setdefault(target.id, []).append(statement.value)
    return values


def set_parameters(nb: "NotebookNode", parameters: Mapping[str, Any]) -> None:
    """Replace, in the cell tagged `parameters`, what the named variables are assigned. Changes `nb`.

    Args:
        nb: a notebook with one cell tagged `parameters`.
        parameters: name -> literal value (anything `ast.literal_eval` reads back from its `repr`).

    Raises:
        ValueError: a name that the cell does not assign, so that an override never stops applying unnoticed, or a
            value that is not a literal. Nothing is changed then.
    """
    if not parameters:
        return
    cell = parameters_cell(nb)
    values = parameter_values(cell.source)
    if unknown := sorted(set(parameters) - set(values)):
        raise ValueError(
            f"parameter {', '.join(unknown)} is not assigned in the cell tagged 'parameters', "
            f"which has {', '.join(sorted(values)) or 'none'}; rename the override or add the assignment"
        )
    # ast counts columns in UTF-8 bytes, so the edit is made on bytes; from the back, so that positions stay right
    lines = [line.encode() for line in cell.source.splitlines(keepends=True)]
    starts = [sum(map(len, lines[:i])) for i in range(len(lines))]
    edits = []
    for name, value in parameters.items():
        literal = repr(value)
        try:
            ast.literal_eval(literal)
        except (ValueError, SyntaxError):
            raise ValueError(
                f"parameter {name}: {literal} is not a literal; use a number, text, list or dict"
            ) from None
        for node in values[name]:
            begin = starts[node.lineno - 1] + node.col_offset
            edits.append((begin, starts[node.end_lineno - 1] + node.end_col_offset, literal.encode()))
    source = b"".join(lines)
    for begin, end, literal in sorted(edits, reverse=True):
        source = source[:begin] + literal + source[end:]
    cell.source = source.decode()


# ---- stored outputs: stamped, clean, and free of this machine ----


def has_code(cell: "NotebookNode") -> bool:
    return cell.cell_type == "code" and bool(cell.source.strip())


def _source_sha256(cell: "NotebookNode") -> str:
    """Hash of a cell's source; where the repository lies does not count, so that `badges` may rewrite it."""
    return hashlib.sha256(INSTALL_LINK.sub("", cell.source).encode()).hexdigest()


def stamp(nb: "NotebookNode") -> None:
    """Write into each executed code cell the hash of the source that produced its outputs. Changes `nb`."""
    for cell in nb.cells:
        if cell.cell_type != "code":
            continue
        cell.metadata.pop("vlaa", None)
        if cell.execution_count is not None:
            cell.metadata["vlaa"] = {"source_sha256": _source_sha256(cell)}


def stale_cells(nb: "NotebookNode") -> list[int]:
    """Return the positions of the code cells that were changed, added or run by hand since the notebook was stamped.

    A cell counts although it shows nothing itself: what it defines may have made the outputs below. A notebook
    that has neither stamps nor outputs has nothing stale in it.
    """
    stamps = {i: c.metadata.get("vlaa", {}).get("source_sha256") for i, c in enumerate(nb.cells) if has_code(c)}
    if not any(stamps.values()) and not any(nb.cells[i].outputs for i in stamps):
        return []
    return [i for i, found in stamps.items() if found != _source_sha256(nb.cells[i])]


def clean_outputs(nb: "NotebookNode") -> None:
    """Drop what is noise on a page: progress bars, warnings on stderr, widgets and their state. Changes `nb`.

    A widget's static fallback (HTML, an image) stays; a widget whose only other form is its `repr` goes. Images are
    stored with a palette, in a half to a third of their size.
    """
    nb.metadata.pop("widgets", None)
    nb.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    nb.metadata["language_info"] = {"name": "python"}
    for cell in nb.cells:
        if cell.cell_type != "code":
            continue
        cell.metadata.pop("execution", None)
        kept = []
        for output in cell.outputs:
            if output.output_type == "stream":
                # a carriage return starts the line again: what a terminal would show in the end is kept
                lines = output.text.replace("\r\n", "\n").split("\n")
                output.text = "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in lines)
                if output.name == "stderr" or not output.text.strip():
                    continue
            elif WIDGET_VIEW in output.get("data", {}):
                del output.data[WIDGET_VIEW]
                if set(output.data) <= {"text/plain"}:
                    continue
            if "image/png" in output.get("data", {}):
                output.data["image/png"] = _with_palette(output.data["image/png"])
            kept.append(output)
        cell.outputs = kept


def _with_palette(png: str) -> str:
    """A PNG in base64 in its 256 most used colours; as it was where that is no smaller."""
    from PIL import Image

    image = open_image(base64.b64decode(png))
    buffer = io.BytesIO()
    image.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(buffer, "PNG", optimize=True)
    smaller = base64.b64encode(buffer.getvalue()).decode()
    return smaller if len(smaller) < len(png) else png


def machine_paths(text: str) -> list[str]:
    """Return the absolute paths in a text that exist on one machine only (home, temporary and checkout folders)."""
    here = {ROOT, ROOT.parent, Path.home(), *([Path(sys.prefix)] if sys.prefix != sys.base_prefix else [])}
    local = "|".join(re.escape(str(folder)) for folder in sorted(here, reverse=True) if folder != Path("/"))
    found = [m.group() for m in MACHINE_PATH.finditer(text)]
    found += [m.group() for m in re.finditer(rf"(?<![\w.:/-])(?:{local})(?![\w.-])[^\s\"'`)]*", text)]
    return sorted(set(found))


def notebook_text(nb: "NotebookNode") -> str:
    """Everything a reader can see of a notebook as one text: sources and outputs, images left out."""
    parts = []
    for cell in nb.cells:
        parts.append(cell.source)
        for output in cell.get("outputs", []):
            parts += [output.get("text", ""), "\n".join(output.get("traceback", []))]
            parts += [str(v) for mime, v in output.get("data", {}).items() if not mime.startswith("image/")]
    return "\n".join(parts)


# ---- badges and the setup cell ----


def _repository(root: str | Path) -> dict[str, str]:
    import tomllib

    with open(Path(root) / "pyproject.toml", "rb") as file:
        return tomllib.load(file)["tool"]["vlaa"]


def colab_link(name: str, root: str | Path = ROOT) -> str:
    """Return the address at which Colab opens the notebook `name` (a file name), from pyproject's `[tool.vlaa]`."""
    settings = _repository(root)
    repository = settings["repository"].removeprefix("https://github.com/").strip("/")
    return f"https://colab.research.google.com/github/{repository}/blob/{settings['branch']}/notebooks/{name}"


def kaggle_link(name: str, root: str | Path = ROOT) -> str:
    """Return the address at which Kaggle opens the notebook `name` (a file name), from pyproject's `[tool.vlaa]`."""
    settings = _repository(root)
    place = f"{settings['repository'].rstrip('/')}/blob/{settings['branch']}/notebooks/{name}"
    return f"https://kaggle.com/kernels/welcome?src={place}"


def badges(name: str, root: str | Path = ROOT) -> str:
    """Return the markdown of the badges that open the notebook `name` in Colab and on Kaggle."""
    colab = f"[![Open in Colab]({BADGE_IMAGE})]({colab_link(name, root)})"
    return f"{colab} [![Open in Kaggle]({KAGGLE_IMAGE})]({kaggle_link(name, root)})"


def _row_with_its_badges(line: str, root: Path) -> str:
    named = re.findall(r"\(notebooks/([\w.-]+\.ipynb)\)", line)
    return BADGES.sub(badges(named[0], root), line) if line.startswith("|") and len(named) == 1 else line


def setup_cell(root: str | Path = ROOT) -> str:
    """Return the source of every notebook's first code cell, with the repository of pyproject's `[tool.vlaa]`."""
    return SETUP_CELL.replace("REPOSITORY", _repository(root)["repository"])


def _with_setup_cell(text: str, root: Path) -> str:
    """A notebook's text with the setup cell as it is now; a notebook that begins with other code is left as it is."""
    import nbformat

    nb = nbformat.reads(text, as_version=4)
    first = next(filter(has_code, nb.cells), None)
    if first is None or "google.colab" not in first.source or first.source == setup_cell(root):
        return text
    first.source = setup_cell(root)
    if "vlaa" in first.metadata:  # outside Colab it does nothing, so the outputs below are still those of this notebook
        first.metadata["vlaa"] = {"source_sha256": _source_sha256(first)}
    return nbformat.writes(nb) + "\n"


def update_badges(root: str | Path = ROOT, *, check: bool = False) -> list[Path]:
    """Write every badge, Colab and install address in README.md and the notebooks anew, and the notebooks' setup cell.

    A notebook's badges open that notebook, and so do those of its row in README.md; elsewhere a link keeps the notebook
    it names. A badge of Colab without one of Kaggle gets it. Nothing else in a notebook's file changes. With `check`
    nothing is written.

    Returns:
        The files that differed.
    """
    root = Path(root)
    different = []
    for path in [*list_notebooks(root / "notebooks"), root / "README.md"]:
        if not path.is_file():
            continue
        text = path.read_text(encoding="utf-8")
        new = COLAB_LINK.sub(lambda match: colab_link(match.group(1), root), text)
        if path.name == "README.md":  # a row of the table opens the notebook that it links
            new = "".join(_row_with_its_badges(line, root) for line in new.splitlines(keepends=True))
            new = BADGES.sub(lambda match: badges(match.group(1), root), new)
        new = INSTALL_LINK.sub(f"git+{_repository(root)['repository']}", new)
        if path.suffix == ".ipynb":
            new = BADGES.sub(badges(path.name, root), new)
            new = _with_setup_cell(new, root)
        if new != text:
            different.append(path)
            if not check:
                path.write_text(new, encoding="utf-8")
    return different
