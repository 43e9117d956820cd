"""What an object was made from, as plain values: for digests of what determines a result."""

import hashlib
import inspect
import json
import os
import sys
from collections.abc import Mapping
from enum import Enum
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from gloss_pyg.sources import LIBRARIES, imports_digest, is_installed, source_digest

_LENGTH = 20


def digest(settings: Mapping[str, Any]) -> str:
    """20 hexadecimal digits of the sha256 of settings, the name of the folder that belongs to them."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:_LENGTH]


def describe(value: object, _above: tuple[int, ...] = ()) -> Any:
    """Plain values that say what an object was made from.

    An object becomes its class, the code of that class, and the values that its constructor's arguments have *in the
    object*: what a default of None or a changed default turned into is seen there. Where one is kept under another
    name, the plain values that the object holds stand for it; the parts of a module are described too. Texts and paths
    that name a local file or model folder become a digest of its content.

    Example:
        >>> from pathlib import PurePosixPath
        >>> describe([1, 2.5, None, PurePosixPath("a/b")])
        [1, 2.5, None, 'a/b']
    """
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str | os.PathLike):
        return _text_or_file(value)
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, Mapping):
        return {str(key): describe(entry, _above) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [describe(entry, _above) for entry in value]
    if isinstance(value, set | frozenset):
        return sorted(map(str, value))
    if isinstance(value, type) or inspect.isroutine(value):
        return f"{value.__module__}.{value.__qualname__}"
    if id(value) in _above:
        return "(itself)"
    if callable(detach := getattr(value, "detach", None)):  # a tensor; numpy has no bfloat16
        value = detach().cpu().float().numpy()
    if isinstance(value, np.ndarray):
        return [str(value.dtype), list(value.shape), hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()]
    return _describe_object(value, (*_above, id(value)))


def _describe_object(value: object, above: tuple[int, ...]) -> dict[str, Any]:
    cls: type = type(value)
    names = [
        name
        for base in cls.__mro__
        if "__init__" in vars(base) and _package(base) not in LIBRARIES
        for name, parameter in _parameters(base).items()
        if parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]
    arguments: dict[str, Any] = {}
    found: list[object] = []
    for name in names:
        try:
            found.append(getattr(value, name))
        except (AttributeError, RuntimeError):  # kept under another name, or a property that needs a fit first
            continue
        arguments[name] = describe(found[-1], above)
    described = {"class": f"{cls.__module__}.{cls.__qualname__}", "code": _code(cls), "arguments": arguments}
    if len(found) < len(names):
        described["holds"] = {
            name: entry
            for name, entry in getattr(value, "__dict__", {}).items()
            if not name.startswith("_") and (entry is None or isinstance(entry, bool | int | float | str))
        }
    if callable(children := getattr(value, "named_children", None)):  # a torch module, whose rules are parts of it
        parts = [(name, part) for name, part in children() if not any(part is known for known in found)]
        described["parts"] = {name: describe(part, above) for name, part in parts}
    return described


def _parameters(cls: type) -> Mapping[str, inspect.Parameter]:
    try:
        return inspect.signature(cls).parameters
    except ValueError:  # a class written in C that does not say
        return {}


@cache
def _code(cls: type) -> list[str]:
    """What identifies the code of a class and its bases: package versions, or digests of modules and their imports."""
    found: set[str] = set()
    for base in cls.__mro__:
        package = _package(base)
        source = getattr(sys.modules.get(base.__module__), "__file__", None)
        if source is None or package in LIBRARIES or package in sys.stdlib_module_names:
            continue
        path = Path(source)
        if is_installed(path):
            found.add(_version(package))
        else:
            found.add(f"{base.__module__} {source_digest(path)} {imports_digest(base.__module__)}".rstrip())
    return sorted(found)


def _package(cls: type) -> str:
    return cls.__module__.partition(".")[0]


@cache
def _version(package: str) -> str:
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return package


def _text_or_file(value: str | os.PathLike[str]) -> Any:
    """A text as it is; a file or a folder with a model (one with a config.json) as the digest of its content."""
    text = os.fspath(value)
    path = Path(text).expanduser()
    try:
        # A bare word is more often a name than a file; a folder with a model in it is meant under any name.
        if not ((path / "config.json").is_file() or (os.sep in text and path.is_file())):
            return text
    except (OSError, ValueError):  # longer than a file name can be, or with a null character
        return text
    files = sorted(entry for entry in path.rglob("*") if entry.is_file()) if path.is_dir() else [path]
    whole = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            whole.update(f"{file.relative_to(path)} {hashlib.file_digest(stream, 'sha256').hexdigest()}\n".encode())
    return {"files": whole.hexdigest()}
