"""The search space: read from a configuration, and put into the arguments of a method."""

import copy
import inspect
import pydoc
from collections.abc import Mapping
from typing import Any

from gloss_pyg.errors import ConfigError, UserError, did_you_mean
from gloss_pyg.methods.search import Choice, Interval, Range, Value

Space = Mapping[str, Range]
"""A range for each argument, whose path is written with dots: `loss.graph_loss.graph.sigma`."""


def read_space(given: object, where: str) -> dict[str, Range]:
    """Ranges as a configuration writes them: `{low: 0.1, high: 10, log: true}` or `{choices: [1e-5, 2e-5]}`.

    Args:
        given: What stands in the file, by the path of the argument.
        where: The field, for messages.

    Raises:
        ConfigError: for what is no range.

    Example:
        >>> read_space({"dropout": {"low": 0.2, "high": 0.8}}, "search.textgcn")
        {'dropout': Interval(low=0.2, high=0.8, log=False)}
    """
    if not isinstance(given, Mapping):
        raise ConfigError(f"{where} is {given!r}; expected a range for each argument, as in learning_rate: ...")
    return {str(path): _range(entry, f"{where}.{path}") for path, entry in given.items()}


def _range(entry: object, where: str) -> Range:
    expected = "expected {low: ..., high: ...} or {choices: [...]}"
    if not isinstance(entry, Mapping):
        raise ConfigError(f"{where} is {entry!r}; {expected}.")
    names = {"choices"} if "choices" in entry else {"low", "high", "log"}
    for name in entry:
        if name not in names:
            raise ConfigError(f"{where} has '{name}'; {expected}.{did_you_mean(str(name), sorted(names))}")
    if names == {"choices"}:
        values = entry["choices"]
        if not isinstance(values, list):
            raise ConfigError(f"{where}: choices is {values!r}; expected a list.")
        return _made(lambda: Choice(tuple(map(_number, values))), where)
    if not {"low", "high"} <= set(entry):
        raise ConfigError(f"{where} is {dict(entry)}; {expected}.")
    low, high, log = _number(entry["low"]), _number(entry["high"]), entry.get("log", False)
    if not isinstance(log, bool):
        raise ConfigError(f"{where}: log is {log!r}; expected true or false.")
    return _made(lambda: Interval(low, high, log), where)


def _number(value: Any) -> Any:
    """YAML takes 1e-5 for a text, since it has no point; it is meant as a number."""
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value
    return value


def _made(make: Any, where: str) -> Range:
    try:
        made: Range = make()
    except UserError as error:
        raise ConfigError(f"{where}: {error}") from error
    return made


def bounds(space: Space) -> list[dict[str, Value]]:
    """Points of a space that show whether its ranges can be used: all low ends, all high ends, and each choice."""
    middle: dict[str, Value] = {
        path: entry.low if isinstance(entry, Interval) else entry.values[0] for path, entry in space.items()
    }
    points = [middle, middle | {path: entry.high for path, entry in space.items() if isinstance(entry, Interval)}]
    for path, entry in space.items():
        if isinstance(entry, Choice):
            points += [middle | {path: value} for value in entry.values[1:]]
    return points


def put(arguments: Mapping[str, Any], values: Mapping[str, Value], where: str) -> dict[str, Any]:
    """Arguments of a method with some of them replaced.

    Args:
        arguments: `class_path` and `init_args`, defaults filled in.
        values: By path.
        where: The field that names the paths, for messages.

    Raises:
        ConfigError: for a path that leads nowhere.

    Example:
        >>> method = {"class_path": "FineTuning", "init_args": {"loss": {"class_path": "HybridLoss",
        ...           "init_args": {"weight": 0.7}}}}
        >>> put(method, {"loss.weight": 0.5}, "search")["init_args"]["loss"]["init_args"]
        {'weight': 0.5}
    """
    changed = copy.deepcopy(dict(arguments))
    for path, value in values.items():
        *parts, last = path.split(".")
        owner = changed
        for part in parts:
            _check_known(part, owner, path, where)
            entry = _arguments_of(owner).get(part)
            if not isinstance(entry, dict):
                given = "not given" if entry is None else repr(entry)
                raise ConfigError(f"{where}.{path}: {part} is {given}, so it has no '{last}'; write out which it is.")
            owner = entry
        _check_known(last, owner, path, where)
        _arguments_of(owner)[last] = value
    return changed


def _arguments_of(owner: dict[str, Any]) -> dict[str, Any]:
    if "class_path" not in owner:
        return owner
    found = owner.setdefault("init_args", {})
    assert isinstance(found, dict)
    return found


def _check_known(name: str, owner: dict[str, Any], path: str, where: str) -> None:
    known = [*_arguments_of(owner), *_parameters(owner.get("class_path"))]
    if name not in known:
        raise ConfigError(f"{where}.{path}: there is no argument '{name}'.{did_you_mean(name, known)}")


def _parameters(class_path: object) -> list[str]:
    """Arguments of a class; those that are null by default do not stand in a configuration."""
    found = pydoc.locate(class_path) if isinstance(class_path, str) else None
    return [name for name in inspect.signature(found).parameters if name != "self"] if callable(found) else []
