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
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_LENGTH = 20
_INSTALLED = {"site-packages", "dist-packages"}
LIBRARIES = ("torch", "torch_geometric", "transformers")
"""Never followed: their versions are in the record, and a new one makes no old result wrong; so with a CUDA build."""


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
    files = {name: _locate(name).file for name in sorted(found - {module})}
    digests = [f"{name} {source_digest(path)}" for name, path in files.items() if path is not None]
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()[:_LENGTH] if digests else ""


@cache
def source_digest(path: Path) -> str:
    """Digest of a module without its comments and docstrings, which change no result."""
    nodes = _nodes(path)
    if not nodes:
        return hashlib.sha256(path.read_bytes()).hexdigest()[:_LENGTH]
    for node in nodes:
        if (
            isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            and ast.get_docstring(node, clean=False) is not None
        ):
            node.body = node.body[1:] or [ast.Pass()]
    return hashlib.sha256(ast.dump(nodes[0]).encode()).hexdigest()[:_LENGTH]


def is_installed(path: Path) -> bool:
    """Whether a file belongs to an installed package, whose version says what it is."""
    resolved = path.resolve()
    return any(
        not _INSTALLED.isdisjoint(place.parts) or any(place.is_relative_to(folder) for folder in _installed_folders())
        for place in (path, resolved)
    )


@cache
def _installed_folders() -> tuple[Path, ...]:
    return tuple(Path(sysconfig.get_path(name)).resolve() for name in ("purelib", "platlib"))


@cache
def _nodes(path: Path) -> tuple[ast.AST, ...]:
    """The module and all below it; nothing for what Python itself could not read, which is known by its bytes."""
    try:
        return tuple(ast.walk(ast.parse(path.read_bytes())))  # bytes: it may name its own encoding
    except (SyntaxError, ValueError):
        return ()


def _imported(module: str) -> Iterator[str]:
    """Names of the modules that a module's source imports, those of projects that are not installed."""
    for source, name in _statements(module):
        yield from _homes(source, name, frozenset())


@cache
def _statements(module: str) -> tuple[tuple[str, str], ...]:
    """What is imported where: (module, name in it), the name empty for all of it."""
    path = _locate(module).file
    if path is None:
        return ()
    package = module if path.stem == "__init__" else module.rpartition(".")[0]
    found: list[tuple[str, str]] = []
    for node in _nodes(path):
        if isinstance(node, ast.Import):
            found += [(alias.name, "") for alias in node.names]
            found += [(alias.name.partition(".")[0], "") for alias in node.names if alias.asname is None]
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            source = ".".join([*above, *([node.module] if node.module else [])])
            found += [(source, "" if alias.name == "*" else alias.name) for alias in node.names]
    return tuple(dict.fromkeys(found))


def _homes(module: str, name: str, above: frozenset[tuple[str, str]]) -> tuple[str, ...]:
    """The modules in which a name lies that is imported from a module; `above` are those asked on the way here."""
    path = _locate(module).file
    if name and _locate(f"{module}.{name}").exists:
        return (f"{module}.{name}",)
    if path is None or (module, name) in above:
        return ()
    if name and path.stem == "__init__":
        sources = [source for source, other in _statements(module) if other == name and source != module]
        homes = [home for source in sources for home in _homes(source, name, above | {(module, name)})]
        if homes:
            return (*homes, module) if name in _defined(module) else tuple(homes)
    return (module,)


@cache
def _defined(module: str) -> frozenset[str]:
    """Names that a module makes itself, beside those that it imports."""
    path = _locate(module).file
    nodes = () if path is None else _nodes(path)
    made = {node.name for node in nodes if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)}
    return frozenset(
        made | {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    )


@dataclass(frozen=True)
class _Place:
    """Where a module lies.

    Attributes:
        file: Its source; `None` for a folder without an `__init__`, and for what is not followed.
        folder: Where the modules below it lie.
    """

    file: Path | None = None
    folder: Path | None = None

    @property
    def exists(self) -> bool:
        return self.file is not None or self.folder is not None


@cache
def _locate(module: str) -> _Place:
    """The source of a module; nothing for those of Python and of installed packages, and without source."""
    parent, _, name = module.rpartition(".")
    if not parent:
        return _top(name)
    folder = _locate(parent).folder
    return _Place() if folder is None or not name else _within(folder, name)


def _within(folder: Path, name: str) -> _Place:
    package = folder / name
    if (package / "__init__.py").is_file():
        return _Place(package / "__init__.py", package)
    if (folder / f"{name}.py").is_file():
        return _Place(folder / f"{name}.py")
    return _Place(None, package) if package.is_dir() else _Place()


def _top(package: str) -> _Place:
    if package in sys.stdlib_module_names or package in LIBRARIES:
        return _Place()
    loaded = sys.modules.get(package)
    spec = getattr(loaded, "__spec__", None) or _spec(package)
    origin = getattr(loaded, "__file__", None) or getattr(spec, "origin", None)
    if origin is not None:
        path = Path(origin)
        if path.suffix != ".py" or not path.is_file() or is_installed(path):
            return _Place()
        return _Place(path.resolve(), path.resolve().parent if path.stem == "__init__" else None)
    folders = [Path(folder) for folder in getattr(spec, "submodule_search_locations", None) or ()]
    return next((_Place(None, folder) for folder in folders if folder.is_dir() and not is_installed(folder)), _Place())


def _spec(package: str) -> importlib.machinery.ModuleSpec | None:
    try:
        return importlib.util.find_spec(package)
    except (ImportError, ValueError):  # ValueError: `__main__` has none
        return None
