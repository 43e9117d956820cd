"""The search space: read from a configuration, and put into the arguments of a method."""

import copy
import inspect
import pydoc
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from gloss_pyg.description import describe
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


def spell_out(arguments: Mapping[str, Any], made: object, paths: Iterable[str]) -> dict[str, Any]:
    """Arguments of a method with the parts written out that paths lead through and that are null by default.

    Args:
        arguments: `class_path` and `init_args`.
        made: The method that they make, which knows what its defaults turned into.
        paths: Arguments that are searched.

    Example:
        >>> from gloss_pyg import FineTuning, GLoss, HybridLoss
        >>> method = {"class_path": "gloss_pyg.FineTuning", "init_args": {"loss": {"class_path": "gloss_pyg.HybridLoss",
        ...           "init_args": {"graph_loss": {"class_path": "gloss_pyg.GLoss"}}}}}
        >>> made = FineTuning(loss=HybridLoss(GLoss()))
        >>> spelled = spell_out(method, made, ["loss.graph_loss.graph.sigma"])
        >>> spelled["init_args"]["loss"]["init_args"]["graph_loss"]["init_args"]["graph"]["class_path"]
        'gloss_pyg.DenseGaussian'
    """
    spelled = copy.deepcopy(dict(arguments))
    for path in paths:
        owner, part = spelled, made
        *names, searched = path.split(".")
        for place, name in enumerate(names, start=1):
            part = getattr(part, name, None)
            entry = _arguments_of(owner).get(name)
            if entry is None and (entry := _written(part, searched if place == len(names) else "")) is not None:
                _arguments_of(owner)[name] = entry
            if not isinstance(entry, dict):
                break  # `put` says what is wrong with the path
            owner = entry
    return spelled


def _written(part: object, searched: str) -> dict[str, Any] | None:
    """A part as a configuration writes it, less what is searched; `None` where plain values cannot say it."""
    cls = type(part)
    if part is None or cls.__module__ == "builtins":
        return None
    found: dict[str, Any] = {}
    parts: dict[str, Any] = {}
    try:
        parameters = inspect.signature(cls).parameters
    except ValueError:  # a class written in C that does not say
        return None
    for name, parameter in parameters.items():
        if name == searched:
            continue
        value = getattr(part, name, parameter.empty)
        if value is None or isinstance(value, bool | int | float | str):
            found[name] = value
        elif parameter.default is None:
            parts[name] = describe(value)
        else:
            return None
    try:
        fresh = cls(**found) if parts else None
    except (UserError, TypeError):
        return None
    if any(describe(getattr(fresh, name)) != given for name, given in parts.items()):
        return None  # null would become something else
    modules = cls.__module__.split(".")
    homes = (".".join(modules[:count]) for count in range(1, len(modules)))  # the shortest name that users import
    home = next((one for one in homes if getattr(sys.modules.get(one), cls.__qualname__, None) is cls), cls.__module__)
    return {"class_path": f"{home}.{cls.__qualname__}", "init_args": found}


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
    known = list(dict.fromkeys([*_arguments_of(owner), *_parameters(owner.get("class_path"))]))
    if name not in known:
        raise ConfigError(f"{where}.{path}: there is no argument '{name}'.{did_you_mean(name, known)}")


def _parameters(class_path: object) -> list[str]:
    """Arguments of a class; those that are null by default do not stand in a configuration."""
    found = pydoc.locate(class_path) if isinstance(class_path, str) else None
    return [name for name in inspect.signature(found).parameters if name != "self"] if callable(found) else []
