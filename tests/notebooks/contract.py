"""What every notebook of the series keeps to, as functions that return the problems they see.

Each rule takes a `Page` and returns sentences; an empty list is a kept rule. `test_contract.py` runs all of them on
every notebook on disk, and on a good sample broken in one place at a time, so that each is seen to fail.
"""

import ast
import builtins
import copy
import inspect
import re
import symtable
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib import import_module
from pathlib import Path

import nbformat

import vlaa_helpers
from vlaa_helpers.dev.notebooks import files as notebook_files
from vlaa_helpers.exercises.exercise import DIFFICULTIES

LOWEST_PYTHON = (3, 11)
MAX_LINES = 25
MAX_CODE_WIDTH = 88  # longer lines scroll on the site, on Colab and on phones
MAX_WORDS = 120
MAX_BYTES = 1_000_000
CLOSING = ["Recap", "What can still be wrong", "Exercises", "Next"]
TABLE_WORDS = ["Time", "Memory", "Disk", "Network", "Token"]
GIVEN_BY_IPYTHON = {"display", "get_ipython", "In", "Out", "__name__"}


@dataclass(frozen=True)
class Page:
    """A notebook and where it stands."""

    path: Path
    nb: nbformat.NotebookNode
    root: Path

    @classmethod
    def open(cls, path: Path) -> "Page":
        return cls(path=path, nb=notebook_files.read_notebook(path), root=path.parents[1])

    @cached_property
    def code(self) -> list[tuple[int, nbformat.NotebookNode]]:
        return [(i, cell) for i, cell in enumerate(self.nb.cells) if notebook_files.has_code(cell)]

    @cached_property
    def python(self) -> list[tuple[int, str]]:
        """Position and source of each code cell with the magics taken out; cells that do not parse are left out."""
        sources = [(i, plain_python(cell.source)) for i, cell in self.code]
        return [(i, source) for i, source in sources if _parses(source) is None]

    @cached_property
    def top(self) -> str:
        """The markdown before the first code cell."""
        first = self.code[0][0] if self.code else len(self.nb.cells)
        return "\n\n".join(cell.source for cell in self.nb.cells[:first])

    @cached_property
    def markdown(self) -> str:
        """All markdown, without what only looks like headings inside fenced code."""
        text = "\n\n".join(cell.source for cell in self.nb.cells if cell.cell_type == "markdown")
        return re.sub(r"^(```|~~~).*?^\1", "", text, flags=re.M | re.S)

    def neighbour(self, step: int) -> str | None:
        """File name of the notebook before (-1) or after (1) this one, None at the ends of the series."""
        names = [path.name for path in notebook_files.list_notebooks(self.path.parent)]
        place = names.index(self.path.name) + step
        return names[place] if 0 <= place < len(names) else None


def plain_python(source: str) -> str:
    """Put a statement in the place of each magic or shell line, so that line numbers and blocks stay as they are."""
    if source.lstrip().startswith("%%"):
        return "pass"
    if _parses(source) is None:
        return source  # a `%` at the start of a line inside a text is no magic
    source = re.sub(r"^(\s*)[%!].*$", r"\1pass", source, flags=re.M)
    source = re.sub(r"^(\s*[\w, ]+=\s*)[%!].*$", r"\1None", source, flags=re.M)
    return re.sub(r"^(\s*)\??[\w.]+\?{1,2}$", r"\1pass", source, flags=re.M)


def _parses(source: str) -> str | None:
    try:
        ast.parse(source, feature_version=LOWEST_PYTHON)
    except SyntaxError as error:
        return f"line {error.lineno}: {error.msg}"
    return None


# ---- the file ----


def valid_file(page: Page) -> list[str]:
    problems = []
    if not notebook_files.NOTEBOOK_NAME.fullmatch(page.path.name):
        problems.append(f"{page.path.name} is not called NN_verb_noun.ipynb")
    try:
        nbformat.validate(page.nb)
    except nbformat.ValidationError as error:
        problems.append(f"not a valid notebook: {str(error).splitlines()[0]}")
    return problems


def small_file(page: Page) -> list[str]:
    size = page.path.stat().st_size
    return [f"{size:,} bytes; at most {MAX_BYTES:,}"] if size >= MAX_BYTES else []


def nothing_hidden(page: Page) -> list[str]:
    """Every cell is shown and every code cell runs."""
    problems = []
    for i, cell in enumerate(page.nb.cells):
        jupyter = cell.metadata.get("jupyter", {})
        tags = set(cell.metadata.get("tags", []))
        unwanted = tags & {"hide-input", "hide-output", "hide-cell", "remove-input", "remove-cell", "raises-exception"}
        unwanted |= tags & {"skip-execution"}
        if jupyter.get("source_hidden") or jupyter.get("outputs_hidden") or "cellView" in cell.metadata:
            problems.append(f"cell {i} is hidden or a form")
        if unwanted:
            problems.append(f"cell {i} has the tag {', '.join(sorted(unwanted))}")
        if cell.cell_type == "code" and re.search(r"^\s*#\s*@(title|param)", cell.source, flags=re.M):
            problems.append(f"cell {i} is a Colab form")
    return problems


def no_machine_paths(page: Page) -> list[str]:
    found = notebook_files.machine_paths(notebook_files.notebook_text(page.nb))
    return [f"names a folder of somebody's machine: {path}" for path in found]


def no_pictures_in_markdown(page: Page) -> list[str]:
    return [
        f"cell {i} keeps a picture in its markdown; draw it in code or link a file"
        for i, cell in enumerate(page.nb.cells)
        if cell.cell_type == "markdown" and ("data:image" in cell.source or cell.get("attachments"))
    ]


# ---- top, first cells and bottom (design section 8) ----


def badge_first(page: Page) -> list[str]:
    badges = notebook_files.badges(page.path.name, page.root)
    first = page.nb.cells[0] if page.nb.cells else None
    if first is None or first.cell_type != "markdown" or not first.source.startswith(badges):
        return [f"does not begin with its badges: {badges}"]
    return []


def one_title(page: Page) -> list[str]:
    titles = re.findall(r"^# .+", page.markdown, flags=re.M)
    if len(titles) != 1 or titles[0] not in page.top:
        return [f"{len(titles)} level-1 headings; a notebook has one, above its first code cell"]
    return []


def one_claim(page: Page) -> list[str]:
    """The paragraph under the title is one sentence."""
    blocks = [block.strip() for block in re.split(r"\n\s*\n|(?<=\n)(?=#)", page.top) if block.strip()]
    title = next((k for k, block in enumerate(blocks) if block.startswith("# ")), None)
    if title is None:
        return ["no title, so no claim under it"]
    lines = blocks[title].splitlines()[1:]  # a claim straight under the title is in the same block
    claim = " ".join(lines) if lines else next(iter(blocks[title + 1 :]), "")
    claim = claim.strip("*_> \n")
    if not claim or claim[0] in "#|-":
        return ["no claim: one sentence under the title"]
    if not claim.endswith((".", "?", ":", "!")) or re.search(r"(?<!vs)[.!?]\s+[A-Z]", claim):
        return [f"the claim under the title is not one sentence: {claim[:80]!r}"]
    return []


def you_will(page: Page) -> list[str]:
    found = re.search(r"^\W*You will\b.*\n\s*((?:[-*] .*\n?(?:  .*\n?)*)+)", page.top + "\n", flags=re.M)
    items = re.findall(r"^[-*] ", found.group(1), flags=re.M) if found else []
    return [] if 3 <= len(items) <= 5 else [f"'You will' has {len(items)} list items above the first code cell; 3 to 5"]


def cost_table(page: Page) -> list[str]:
    rows = re.findall(r"^\s*\|.*\|\s*$", page.top, flags=re.M)
    header, first_column = "", ""
    if rows:
        header, first_column = rows[0], " ".join(row.split("|")[1] for row in rows)
    missing = [w for w in TABLE_WORDS if not re.search(w, header + first_column, flags=re.I)]
    return [f"the table at the top lacks {', '.join(missing)}"] if missing else []


def links_to_neighbours(page: Page) -> list[str]:
    problems = []
    for step, word in [(-1, "Previous"), (1, "Next")]:
        name = page.neighbour(step)
        if name and not re.search(rf"{word}.*\({re.escape(name)}\)", page.top, flags=re.I):
            problems.append(f"the top has no '{word}' link to {name}")
    name = page.neighbour(1)
    closing = page.markdown.rpartition("\n## Next")[2]
    if name and f"({name}" not in closing:
        problems.append(f"the closing 'Next' does not link {name}")
    return problems


def opening_cells(page: Page) -> list[str]:
    """Setup (Colab only), environment report, parameters: the first three code cells, in that order."""
    tagged = [i for i, cell in page.code if "parameters" in cell.metadata.get("tags", [])]
    if len(tagged) != 1:
        return [f"{len(tagged)} code cells are tagged 'parameters'; exactly one"]
    if len(page.code) < 3 or tagged[0] != page.code[2][0]:
        return ["the cell tagged 'parameters' is not the third code cell (after setup and environment report)"]
    setup, report, parameters = (cell.source for _, cell in page.code[:3])
    problems = []
    if not re.search(r"google\.colab|in_colab|\bCOLAB\b", setup, flags=re.I):
        problems.append("the first code cell is not the setup: it does not ask whether this is Colab")
    for line in re.findall(r".*\binstall\b.*", setup):
        if found := re.search(r"\b(torch|torchvision|numpy|pillow)\b(?!-)", line, flags=re.I):
            problems.append(f"the setup installs {found.group()}; it must leave what Colab has loaded")
    if not re.search(r"environment|versions?\b", report, flags=re.I):
        problems.append("the second code cell is not the environment report")
    if _parses(parameters) is None:
        names = set(notebook_files.parameter_values(parameters))
        problems += [f"the parameters have no {name}" for name in sorted({"PROFILE", "SEED"} - names)]
    return problems


def closing_sections(page: Page) -> list[str]:
    headings = re.findall(r"^## (.+?)\s*$", page.markdown, flags=re.M)
    if headings[-len(CLOSING) :] != CLOSING:
        return [f"the last level-2 headings are {headings[-len(CLOSING) :]}; expected {CLOSING}"]
    return []


def exercises(page: Page) -> list[str]:
    """Three exercises or more, each with its time and difficulty, a hint or not, and its solution folded away."""
    section = re.search(r"^## Exercises\s*$(.*?)^## Next", page.markdown, flags=re.M | re.S)
    text = section.group(1) if section else ""
    solutions = re.findall(r"<summary>[^<]*solution", text, flags=re.I)
    problems = []
    if len(solutions) < 3:
        problems.append(f"{len(solutions)} exercises with a <details> whose <summary> says 'Solution'; at least three")
    tasks = re.findall(r"^\*\*\d+\. ", text, flags=re.M)
    told = re.findall(rf"^\*\*\d+\. [^*\n]+\*\* \(\d+ minutes, (?:{'|'.join(DIFFICULTIES)})\) ", text, flags=re.M)
    if len(told) != len(tasks) or len(tasks) != len(solutions):
        counts = f"{len(tasks)} tasks, {len(told)} of them with time and difficulty, {len(solutions)} solutions"
        problems.append(f"{counts}; each begins like '**1. Labels.** (10 minutes, easy) '")
    if page.markdown.count("<details>") != page.markdown.count("</details>"):
        problems.append("a <details> is not closed")
    return problems


def short_texts(page: Page) -> list[str]:
    """A text cell below the top has one idea, at most `MAX_WORDS`; tables, code and the exercises are not counted."""
    problems: list[str] = []
    for i, cell in enumerate(page.nb.cells[1:], start=1):
        if cell.cell_type != "markdown":
            continue
        text, exercises, _ = cell.source.partition("## Exercises")
        text = re.sub(r"^(```|~~~).*?^\1", "", text, flags=re.M | re.S)
        text = re.sub(r"^\s*\|.*$", "", text, flags=re.M)
        if (words := len(text.split())) > MAX_WORDS:
            problems.append(f"cell {i} has {words} words; at most {MAX_WORDS}, so split it where its idea changes")
        if exercises:
            break
    return problems


# ---- code ----


def cells_parse(page: Page) -> list[str]:
    found = [(i, _parses(plain_python(cell.source))) for i, cell in page.code]
    return [f"cell {i} is not Python {'.'.join(map(str, LOWEST_PYTHON))}: {error}" for i, error in found if error]


def short_cells(page: Page) -> list[str]:
    lengths = [(i, len(cell.source.rstrip().splitlines())) for i, cell in page.code]
    return [f"cell {i} has {n} lines; at most {MAX_LINES}" for i, n in lengths if n > MAX_LINES]


def narrow_lines(page: Page) -> list[str]:
    return [
        f"cell {i}, line {k} has {len(line)} characters; at most {MAX_CODE_WIDTH}"
        for i, cell in page.code
        for k, line in enumerate(cell.source.splitlines(), 1)
        if len(line) > MAX_CODE_WIDTH
    ]


def no_dead_code(page: Page) -> list[str]:
    return [
        f"cell {i} has an `if` that never runs; make it a switch in Parameters"
        for i, source in page.python
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.If) and isinstance(node.test, ast.Constant) and not node.test.value
    ]


def names_are_bound(page: Page) -> list[str]:
    """A name is bound in this cell or an earlier one; inside a function body, anywhere in the notebook."""
    known = set(dir(builtins)) | GIVEN_BY_IPYTHON
    problems: list[str] = []
    later: list[tuple[int, str]] = []
    for i, source in page.python:
        if any(alias.name == "*" for node in ast.walk(ast.parse(source)) for alias in getattr(node, "names", [])):
            problems.append(f"cell {i} imports *; name what it takes")
        table = symtable.symtable(source, page.path.name, "exec")
        known |= {s.get_name() for s in table.get_symbols() if s.is_assigned() or s.is_imported()}
        for inner in _inner_tables(table):
            known |= {s.get_name() for s in inner.get_symbols() if s.is_declared_global() and s.is_assigned()}
        wanted = {s.get_name() for s in table.get_symbols() if s.is_referenced()}
        for child in table.get_children():
            runs_at_once = child.get_name() in {"listcomp", "setcomp", "dictcomp", "genexpr"}
            for inner in [child, *_inner_tables(child)]:
                used = {s.get_name() for s in inner.get_symbols() if s.is_global() and s.is_referenced()}
                if runs_at_once:
                    wanted |= used
                else:
                    later += [(i, name) for name in used]
        problems += [f"cell {i} uses {name}, which no cell up to it binds" for name in sorted(wanted - known)]
    problems += [f"cell {i} uses {name}, which no cell binds" for i, name in sorted(set(later)) if name not in known]
    return problems


def _inner_tables(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    for child in table.get_children():
        yield child
        yield from _inner_tables(child)


def public_names_only(page: Page) -> list[str]:
    """What comes from the package comes from its public face, `from vlaa_helpers import …`, and from nowhere deeper."""
    problems = []
    for i, source in page.python:
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Import):
                deep = [alias.name for alias in node.names if alias.name.startswith("vlaa_helpers.")]
            elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("vlaa_helpers."):
                deep = [node.module]
            elif isinstance(node, ast.ImportFrom) and node.module == "vlaa_helpers":
                deep = [f"vlaa_helpers.{alias.name}" for alias in node.names if alias.name not in vlaa_helpers.__all__]
            else:
                continue
            problems += [f"cell {i} reaches for {name}; import a public name of vlaa_helpers" for name in deep]
    return problems


def calls_fit(page: Page) -> list[str]:
    """Calls into vlaa_helpers, TRL and transformers name things, and keywords, that the installed versions have."""
    problems: list[str] = []
    imported: dict[str, object] = {}
    for i, source in page.python:
        tree = ast.parse(source)
        for node in tree.body:  # a function the notebook builds itself is not the package's of the same name
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                imported.pop(node.name, None)
        for node in ast.walk(tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                problems += [f"cell {i}: {problem}" for problem in _take_imports(node, imported)]
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and (found := _resolve(node.func, imported)):
                callee, name = found
                problems += [f"cell {i}, {name}: {problem}" for problem in _call_problems(callee, name, node)]
            elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                owner = imported.get(node.value.id)
                if inspect.ismodule(owner) and not hasattr(owner, node.attr):
                    problems.append(f"cell {i}: {owner.__name__} has no {node.attr}")
    return problems


def _take_imports(node: ast.Import | ast.ImportFrom, imported: dict[str, object]) -> list[str]:
    """Add what an import statement binds to `imported`; return what it asks for in vain."""
    problems = []
    for alias in node.names:
        module = alias.name if isinstance(node, ast.Import) else node.module or ""
        if module.split(".")[0] not in {"vlaa_helpers", "trl", "transformers"} or alias.name == "*":
            continue
        try:
            found = import_module(module)
            if isinstance(node, ast.Import):
                name = alias.asname or module.split(".")[0]
                imported[name] = found if alias.asname else import_module(name)
            elif hasattr(found, alias.name):
                imported[alias.asname or alias.name] = getattr(found, alias.name)
            else:
                imported[alias.asname or alias.name] = import_module(f"{module}.{alias.name}")
        except ImportError as error:
            problems.append(f"{ast.unparse(node)} fails: {error}")
    return problems


def _resolve(node: ast.expr, imported: dict[str, object]) -> tuple[Callable, str] | None:
    """The object a dotted name stands for when it begins at an import, and its name."""
    if isinstance(node, ast.Name):
        return (imported[node.id], node.id) if callable(imported.get(node.id)) else None
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        found = getattr(imported.get(node.value.id), node.attr, None)
        return (found, f"{node.value.id}.{node.attr}") if callable(found) else None
    return None


@lru_cache
def _config_names(function_name: str) -> frozenset[str]:
    """The keywords that `train_sft` and `train_grpo` hand on to TRL."""
    import trl

    config = {"train_sft": "SFTConfig", "train_grpo": "GRPOConfig"}[function_name]
    return frozenset(getattr(trl, config).__dataclass_fields__)


def _call_problems(callee: Callable, name: str, call: ast.Call) -> list[str]:
    try:
        signature = inspect.signature(callee)
    except (TypeError, ValueError):
        return []  # written in C: nothing to compare with
    keywords = {keyword.arg for keyword in call.keywords if keyword.arg}
    open_ended = any(p.kind is p.VAR_KEYWORD for p in signature.parameters.values())
    config_of = name.rpartition(".")[2]
    if open_ended and config_of in {"train_sft", "train_grpo"}:
        unknown = keywords - set(signature.parameters) - _config_names(config_of)
    else:
        unknown = set() if open_ended else keywords - set(signature.parameters)
    if unknown:
        return [f"no keyword {', '.join(sorted(unknown))}"]
    if any(isinstance(arg, ast.Starred) for arg in call.args) or any(k.arg is None for k in call.keywords):
        return []  # what a star brings is known when it runs
    try:
        signature.bind(*call.args, **dict.fromkeys(keywords))
    except TypeError as error:
        return [str(error)]
    return []


def parameters_hold(page: Page) -> list[str]:
    """Each parameter is used below and nowhere assigned again, and each smoke override applies."""
    try:
        source = notebook_files.parameters_cell(page.nb).source
        parameters = set(notebook_files.parameter_values(source))
    except (ValueError, SyntaxError):
        return []  # opening_cells and cells_parse report it
    used: set[str] = set()
    problems = []
    for i, other in page.python:
        if page.nb.cells[i].source == source:
            continue
        names = [node for node in ast.walk(ast.parse(other)) if isinstance(node, ast.Name)]
        used |= {node.id for node in names if isinstance(node.ctx, ast.Load)}
        again = parameters & {node.id for node in names if not isinstance(node.ctx, ast.Load)}
        problems += [f"cell {i} assigns the parameter {name} again" for name in sorted(again)]
    problems += [f"the parameter {name} is used nowhere" for name in sorted(parameters - used)]
    if "smoke" not in page.nb.metadata.get("vlaa", {}):
        problems.append('metadata["vlaa"]["smoke"] is missing: the overrides for a fast run, {} when none is needed')
    try:
        notebook_files.set_parameters(copy.deepcopy(page.nb), notebook_files.smoke_parameters(page.nb))
    except ValueError as error:
        problems.append(f"smoke: {error}")
    return problems


def writes_below_its_own_folder(page: Page) -> list[str]:
    """Chapters are run one after another in one folder: each writes below `runs/<its number>`.

    What another chapter left is read from a path in the parameters cell alone.
    """
    own = f"runs/{page.path.name[:2]}"
    named = [
        (i, node.value)
        for i, source in page.python
        if "parameters" not in page.nb.cells[i].metadata.get("tags", [])
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and re.match(r"runs(/|$)", node.value)
    ]
    problems = [f"cell {i} names {text}; expected {own}, or below it" for i, text in named if not is_below(text, own)]
    try:
        given = notebook_files.parameter_values(notebook_files.parameters_cell(page.nb).source)
    except (ValueError, SyntaxError):
        return problems  # opening_cells and cells_parse report it
    for value in given.get("RUNS", []):
        if ast.literal_eval(value) != own:
            problems.append(f"RUNS is {ast.literal_eval(value)}; expected {own}")
    return problems


def is_below(text: str, folder: str) -> bool:
    return text == folder or text.startswith(f"{folder}/")


# ---- outputs ----


def outputs_present(page: Page) -> list[str]:
    shown = sum(bool(cell.outputs) for _, cell in page.code)
    if 2 * shown < len(page.code):
        return [f"{shown} of {len(page.code)} code cells show something; at least half, see `refresh`"]
    return []


def outputs_clean(page: Page) -> list[str]:
    problems = ["keeps widget state"] if "widgets" in page.nb.metadata else []
    for i, cell in page.code:
        for output in cell.outputs:
            if output.output_type == "error":
                problems.append(f"cell {i} keeps a traceback ({output.ename})")
            elif output.get("name") == "stderr" or "\r" in output.get("text", ""):
                problems.append(f"cell {i} keeps stderr or a progress bar")
            elif notebook_files.WIDGET_VIEW in output.get("data", {}):
                problems.append(f"cell {i} keeps a widget without its state")
    return problems


def outputs_belong(page: Page) -> list[str]:
    """Made by the code beside them, by one run from top to bottom."""
    refresh = "python -m vlaa_helpers.dev.notebooks.run refresh " + page.path.stem
    problems = [f"cell {i} changed since its outputs were made: {refresh}" for i in notebook_files.stale_cells(page.nb)]
    counts = [cell.execution_count for _, cell in page.code]
    if counts != list(range(1, len(counts) + 1)):
        problems.append(f"the execution counts are not 1 to {len(counts)} in order: {refresh}")
    return problems


# ---- links ----


def links_resolve(page: Page) -> list[str]:
    problems = []
    targets = re.findall(r"\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)", page.markdown)
    targets += re.findall(r"(?:href|src)=[\"']([^\"']+)", page.markdown)
    for target in targets:
        if re.match(r"[a-z]+:|#", target):
            continue
        path = (page.path.parent / target.partition("#")[0]).resolve()
        if target.startswith("/") or not path.is_relative_to(page.root.resolve()):
            problems.append(f"the link {target} leads out of the repository")
        elif not path.exists():
            problems.append(f"the link {target} leads nowhere")
    return problems


RULES: dict[str, Callable[[Page], list[str]]] = {
    rule.__name__: rule
    for rule in [
        valid_file,
        small_file,
        nothing_hidden,
        no_machine_paths,
        no_pictures_in_markdown,
        badge_first,
        one_title,
        one_claim,
        you_will,
        cost_table,
        links_to_neighbours,
        opening_cells,
        closing_sections,
        exercises,
        short_texts,
        cells_parse,
        short_cells,
        narrow_lines,
        no_dead_code,
        names_are_bound,
        public_names_only,
        calls_fit,
        parameters_hold,
        writes_below_its_own_folder,
        outputs_present,
        outputs_clean,
        outputs_belong,
        links_resolve,
    ]
}
