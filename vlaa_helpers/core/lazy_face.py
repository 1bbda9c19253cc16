"""Faces of the package and its rooms: names that are imported when they are first used.

What a face offers stands in one place, the `__init__.pyi` beside its `__init__.py`. Editors and type checkers read it
there, and so does the running package.
"""

import ast
import sys
from collections.abc import Callable
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path


def lazy_face(package: str, file: str) -> tuple[Callable[[str], object], Callable[[], list[str]], list[str]]:
    """Give `__getattr__`, `__dir__` and `__all__` of a package, as the stub beside its `__init__.py` lists them.

    Args:
        package, file: the `__name__` and `__file__` of the package.

    Returns:
        The three, to be bound to those names. A name is looked up once and then kept in the package.
    """
    home_of = read_stub(Path(file).with_suffix(".pyi"))
    offered = sorted(home_of)

    def get(name: str) -> object:
        if name not in home_of:
            near = get_close_matches(name, offered, n=1)
            hint = f". Did you mean {near[0]}?" if near else ""
            raise AttributeError(f"module {package!r} has no attribute {name!r}; it offers {', '.join(offered)}{hint}")
        home = home_of[name]
        if home is None:
            value: object = import_module(f".{name}", package)
        else:
            value = getattr(import_module(f".{home}", package), name)
        setattr(sys.modules[package], name, value)
        return value

    def names() -> list[str]:
        own = (name for name in vars(sys.modules[package]) if name.startswith("__"))
        return sorted({*own, *offered})

    return get, names, offered


def read_stub(stub: Path) -> dict[str, str | None]:
    """Read what a stub re-exports: each name, and the module (relative to the package) that holds it.

    None stands for a module of the package itself, `from . import steps as steps`.
    """
    imports = [node for node in ast.parse(stub.read_text(encoding="utf-8")).body if isinstance(node, ast.ImportFrom)]
    return {alias.name: node.module for node in imports for alias in node.names}
