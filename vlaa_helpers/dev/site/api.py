"""Pages of the API reference: what `vlaa_helpers` offers, a page a room, in the words of the docstrings.

The stubs beside `__init__.py` are the list. All is read from the source, so the reference is made without torch.
"""

import ast
import re
import textwrap
from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path

from ...core.assets import CHECKOUT
from ...core.lazy_face import read_stub

PACKAGE = CHECKOUT / "vlaa_helpers"
NAME = re.compile(r"[A-Za-z_][\w.]*")
NAME_OR_CODE = re.compile(r"`([^`]+)`|\*\*|\\")
"""What is in backticks, or what reStructuredText would take as markup outside them."""


def api_pages(as_fields: Callable[[str], str]) -> dict[str, str]:
    """Pages in reStructuredText by file name: "index.rst", and one for each room of which `vlaa_helpers` offers names.

    Args:
        as_fields: turns a docstring with the sections "Args:", "Returns:" and "Raises:" into field lists.
    """
    rooms: dict[str, list[str]] = {}
    for name, room in read_stub(PACKAGE / "__init__.pyi").items():
        rooms.setdefault(str(room), []).append(name)
    pages = {f"{room}.rst": room_page(room, sorted(names, key=str.lower), as_fields) for room, names in rooms.items()}
    pages["index.rst"] = (
        f"{_title('API reference')}Everything is imported from ``vlaa_helpers`` itself: "
        "``from vlaa_helpers import MixedReward, train_grpo``. The pages follow the rooms of the package.\n\n"
        ".. toctree::\n   :maxdepth: 1\n\n" + "".join(f"   {room}\n" for room in rooms)
    )
    return pages


def room_page(room: str, names: Sequence[str], as_fields: Callable[[str], str]) -> str:
    """The page of a room: what its docstring says, then each name."""
    words = docstring(statements_of(source_of(PACKAGE / room)))
    entries = (entry(name, find_definition(PACKAGE / room, name), as_fields) for name in names)
    return "\n".join([f"{_title(room)}{words}\n\n.. py:currentmodule:: vlaa_helpers\n", *entries])


def _title(text: str) -> str:
    return f"{text}\n{'=' * len(text)}\n\n"


# ---- finding what is offered ----


def source_of(path: Path) -> Path:
    """The file of a module or package that is named without a suffix."""
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def find_definition(path: Path, name: str) -> list[ast.stmt]:
    """Find what a room or module offers under a name, following stubs and imports.

    Returns:
        The statements of the file from the definition on; all of them when the name is that module itself.

    Raises:
        LookupError: the file that a stub points to does not define the name.
    """
    file, nodes = source_of(path), statements_of(source_of(path))
    for place, node in enumerate(nodes):
        if name in defined_names(node):
            return nodes[place:]
    stub = file.with_suffix(".pyi")
    homes = read_stub(stub if stub.is_file() else file)
    if file.name != "__init__.py" or name not in homes:
        raise LookupError(f"{file.relative_to(CHECKOUT)} does not define {name}, though a stub says so")
    home = homes[name]
    if home is None:
        return statements_of(source_of(path / name))
    return find_definition(path.joinpath(*home.split(".")), name)


def statements_of(file: Path) -> list[ast.stmt]:
    return ast.parse(file.read_text(encoding="utf-8")).body


def defined_names(node: ast.stmt) -> list[str]:
    """Names that a statement binds, as a class, a function or a constant."""
    if isinstance(node, ast.ClassDef | ast.FunctionDef):
        return [node.name]
    return [ast.unparse(target) for target in node.targets] if isinstance(node, ast.Assign) else []


# ---- writing it down ----


def docstring(nodes: Sequence[ast.stmt]) -> str:
    """The docstring that a module, class or function begins with, as reStructuredText; "" where there is none."""
    return in_rst(ast.get_docstring(ast.Module(list(nodes), [])) or "")


def in_rst(words: str) -> str:
    """Words of a docstring so that reStructuredText shows what they say: code as code, stars and backslashes as such.

    >>> print(in_rst("`Score`, `a + b`, **B**"))
    `Score`, ``a + b``, \\*\\*B\\*\\*
    """
    parts = []
    for paragraph in re.split(r"(\n\s*\n)", words):
        if not paragraph.lstrip().startswith(">>>"):  # an example is shown as it is
            paragraph = NAME_OR_CODE.sub(_escaped, paragraph)
        parts.append(paragraph)
    return "".join(parts)


def _escaped(found: re.Match[str]) -> str:
    if found[1] is None:
        return "\\" + found[0].replace("**", r"*\*")
    return found[0] if NAME.fullmatch(found[1]) else f"``{found[1]}``"


def entry(name: str, nodes: Sequence[ast.stmt], as_fields: Callable[[str], str]) -> str:
    """The directives for a name: a function, a class and its methods, a module's functions, or a constant."""
    match nodes:
        case [ast.ClassDef() as node, *_]:
            members = [_directive(each, as_fields) for each in node.body if _is_public(each)]
            words = as_fields(docstring(node.body))
            return _block(f"py:class:: {name}{constructor(node)}", "\n".join([words, "", *members]))
        case [ast.FunctionDef() as node, *_]:
            return _directive(node, as_fields)
        case [ast.Assign(), ast.Expr(value=ast.Constant(value=str(words))), *_]:
            return _block(f"py:data:: {name}", in_rst(textwrap.dedent(words)))
        case [ast.Assign(value=value), *_]:
            return _block(f"py:data:: {name}", f"``{ast.unparse(value)}``")
    functions = [_directive(each, as_fields) for each in nodes if _is_public(each)]
    head = [f".. py:module:: vlaa_helpers.{name}", "", docstring(nodes), ""]
    return "\n".join([*head, *functions, ".. py:currentmodule:: vlaa_helpers", ""])


def _is_public(node: ast.stmt) -> bool:
    return isinstance(node, ast.FunctionDef) and node.name[0] != "_" and docstring(node.body) != ""


def _directive(node: ast.stmt, as_fields: Callable[[str], str]) -> str:
    assert isinstance(node, ast.FunctionDef)
    arguments = [argument.arg for argument in node.args.posonlyargs + node.args.args]
    decorators = [ast.unparse(decorator) for decorator in node.decorator_list]
    words = as_fields(docstring(node.body))
    if "property" in decorators:
        return _block(f"py:property:: {node.name}", words, type=_plain(node.returns))
    if arguments[:1] in (["self"], ["cls"]):
        return _block(f"py:method:: {node.name}{signature(node.args, node.returns, skip=1)}", words)
    return _block(f"py:function:: {node.name}{signature(node.args, node.returns)}", words)


def _block(head: str, words: str, **options: str) -> str:
    lines = [f":{name}: {value}" for name, value in options.items() if value]
    return f".. {head}\n" + textwrap.indent("\n".join([*lines, "", textwrap.dedent(words).strip(), ""]), "   ") + "\n"


def constructor(node: ast.ClassDef) -> str:
    """The signature by which a class is made: its `__init__`, or the fields of a dataclass; "" for any other."""
    for each in node.body:
        if isinstance(each, ast.FunctionDef) and each.name == "__init__":
            return signature(each.args, None, skip=1)
    if not any("dataclass" in ast.unparse(decorator) for decorator in node.decorator_list):
        return ""
    fields = [each for each in node.body if isinstance(each, ast.AnnAssign)]
    values = [f"{ast.unparse(each.target)}: {_plain(each.annotation)}{_default(each.value)}" for each in fields]
    return f"({', '.join(values)})"


def _default(value: ast.expr | None) -> str:
    if value is None:
        return ""
    return " = ..." if isinstance(value, ast.Call) else f" = {ast.unparse(value)}"  # field(default_factory=…)


def signature(arguments: ast.arguments, returns: ast.expr | None, skip: int = 0) -> str:
    """The signature of a function, in one line, without its first `skip` arguments.

    >>> signature(ast.parse("def mean(x: 'Tensor', *, dim=1) -> 'Tensor': ...").body[0].args, None)
    '(x: Tensor, *, dim=1)'
    """
    places = ast.arguments(
        posonlyargs=arguments.posonlyargs,
        args=arguments.args[skip:],
        vararg=arguments.vararg,
        kwonlyargs=arguments.kwonlyargs,
        kw_defaults=arguments.kw_defaults,
        kwarg=arguments.kwarg,
        defaults=arguments.defaults,
    )
    for each in chain(places.posonlyargs, places.args, places.kwonlyargs, filter(None, [places.vararg, places.kwarg])):
        each.annotation = _unquoted(each.annotation)
    arrow = f" -> {_plain(returns)}" if returns is not None else ""
    return f"({ast.unparse(places)}){arrow}"


def _unquoted(annotation: ast.expr | None) -> ast.expr | None:
    """An annotation that is written as a string, such as "pd.DataFrame", as what the string says."""
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        return ast.parse(annotation.value, mode="eval").body
    return annotation


def _plain(annotation: ast.expr | None) -> str:
    return "" if annotation is None else ast.unparse(_unquoted(annotation) or annotation)
