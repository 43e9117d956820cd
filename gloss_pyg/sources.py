"""The source files that a module's code depends on, as far as they are no installed package's.

A class is not its module alone: what it imports of its own project decides its results as well. Imports are followed
through the source, not through what happens to be loaded, so that the same files are found in every process; through
a package's `__init__` only to where a name is defined, so that a change in one layer says nothing about another.
"""

import ast
import hashlib
import importlib.machinery
import importlib.util
import sys
import sysconfig
from collections.abc import Iterator
from functools import cache
from pathlib import Path

_LENGTH = 20


@cache
def imports_digest(module: str) -> str:
    """Digest of all that a module imports from source, directly or not; empty where that is nothing.

    Example:
        >>> imports_digest("json.decoder")
        ''
    """
    found = {module}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        for other in _imported(name):
            if other not in found:
                found.add(other)
                waiting.append(other)
    digests = [f"{name} {source_digest(path)}" for name in sorted(found - {module}) if (path := _locate(name))]
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()[:_LENGTH] if digests else ""


@cache
def source_digest(path: Path) -> str:
    """Digest of a module without its comments and docstrings, which change no result."""
    tree = _parsed(path)
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            and ast.get_docstring(node, clean=False) is not None
        ):
            node.body = node.body[1:] or [ast.Pass()]
    return hashlib.sha256(ast.unparse(tree).encode()).hexdigest()[:_LENGTH]


@cache
def installed_folders() -> tuple[Path, ...]:
    """Where installed packages lie."""
    return tuple(Path(sysconfig.get_path(name)).resolve() for name in ("purelib", "platlib"))


@cache
def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _imported(module: str) -> Iterator[str]:
    """Names of the modules that a module's source imports, those of projects that are not installed."""
    path = _locate(module)
    if path is None:
        return
    for source, name in _statements(module, path):
        yield from _homes(source, name)


@cache
def _statements(module: str, path: Path) -> tuple[tuple[str, str], ...]:
    """What is imported where: (module, name in it), the name empty for all of it."""
    package = module if path.stem == "__init__" else module.rpartition(".")[0]
    found: list[tuple[str, str]] = []
    for node in ast.walk(_parsed(path)):
        if isinstance(node, ast.Import):
            found += [(alias.name, "") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            source = ".".join([*above, *([node.module] if node.module else [])])
            found += [(source, "" if alias.name == "*" else alias.name) for alias in node.names]
    return tuple(dict.fromkeys(found))


@cache
def _homes(module: str, name: str) -> tuple[str, ...]:
    """The modules in which a name lies that is imported from a module."""
    path = _locate(module)
    if path is None:
        return ()
    if name and _locate(f"{module}.{name}") is not None:
        return (f"{module}.{name}",)
    if name and path.stem == "__init__":
        sources = [source for source, other in _statements(module, path) if other == name and source != module]
        if homes := [home for source in sources for home in _homes(source, name)]:
            return tuple(homes)
    return (module,)


@cache
def _locate(module: str) -> Path | None:
    """The source file of a module; `None` for those of Python, of installed packages and without a file."""
    top, *parts = module.split(".")
    root = _root(top)
    if root is None or not parts:
        return root
    if root.stem != "__init__":
        return None
    place = root.parent.joinpath(*parts)
    return next((path for path in (place.with_suffix(".py"), place / "__init__.py") if path.is_file()), None)


@cache
def _root(package: str) -> Path | None:
    if package in sys.stdlib_module_names:
        return None
    loaded = getattr(sys.modules.get(package), "__file__", None)
    origin = loaded or getattr(_spec(package), "origin", None)
    path = Path(origin).resolve() if origin else None
    if path is None or path.suffix != ".py" or any(path.is_relative_to(folder) for folder in installed_folders()):
        return None
    return path


def _spec(package: str) -> importlib.machinery.ModuleSpec | None:
    try:
        return importlib.util.find_spec(package)
    except (ImportError, ValueError):  # ValueError: `__main__` has none
        return None
