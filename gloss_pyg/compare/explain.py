"""jsonargparse's nested error reports as one sentence that names the option, the value and the nearest right name."""

import importlib
import inspect
import re
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from gloss_pyg.errors import ConfigError, UserError, did_you_mean

_KEY = re.compile(r'Parser key "(?P<key>[^"]+)"')
_CLASS = re.compile(r"Problem with given class_path '(?P<path>[^']+)'")
_BASES = re.compile(r"Subtypes: \[(?P<types>.*)\]")
_VALUE = re.compile(r"Given value: (?P<value>.*)")
_ARGUMENT = re.compile(r"NestedArg\(key='(?P<key>[^']+)'")
_EXPECTED = re.compile(r"Expected an? (?P<x>.+?)(\. Got value: (?P<value>.*))?$")
_REASONS = {
    "unknown argument": re.compile(r"Option '(?P<x>[^']+)' is not accepted"),
    "unknown attribute": re.compile(r"module '(?P<module>[^']+)' has no attribute '(?P<x>[^']+)'"),
    "unknown module": re.compile(r"No module named '(?P<x>[^']+)'"),
    "unknown class": re.compile(r"dot import path string: (?P<x>.+)"),
    "other class": re.compile(r"Import path does not correspond to a subclass of (?P<x>\w+)"),
    "abstract class": re.compile(r"(?P<x>abstract)"),
    "no class": re.compile(r"Not a valid subclass of (?P<x>\w+)"),
    "missing argument": re.compile(r"the following arguments are required: (?P<x>.+)"),
    "unknown option": re.compile(r"unrecognized arguments: (?P<x>.+)"),
    "other value": _EXPECTED,
}
# Modules whose public classes a configuration may name without their path.
_FAMILIES = ("methods", "losses", "graph", "propagation")


def explain(error: str, methods: Sequence[str]) -> str:
    """Say in one sentence what jsonargparse said in many lines.

    Args:
        error: Text of its `ArgumentError`.
        methods: Names of the methods as the user wrote them; the parser knows them with `_` for `-`.
    """
    lines = [line.strip(" -") for line in error.splitlines()]
    number, reason, match = _reason(lines)
    # What the reason is about stands above it: the option, level by level, and the class; the value stands below.
    above = lines[: number + 1]
    where = ".".join(found["key"] for line in above if (found := _KEY.search(line)))
    for name in methods:
        where = re.sub(rf"^methods\.{name.replace('-', '_')}(?=\.|$)", f"methods.{name}", where)
    owner = next((found["path"] for line in reversed(above) if (found := _CLASS.search(line))), "")
    last_key = max((place for place, line in enumerate(above) if _KEY.search(line)), default=0)
    bases = next((found["types"] for line in above[last_key:] if (found := _BASES.search(line))), "")
    value = next((found["value"].strip("'\"") for line in lines if (found := _VALUE.search(line))), "")
    # Where a class is missing, the option that asks for it is the innermost one, with its reason and its value below.
    innermost = lines[max((place for place, line in enumerate(lines) if _KEY.search(line)), default=0) :]
    if argument := _without_class(value, innermost):
        bases = next((found["types"] for line in innermost if (found := _BASES.search(line))), "")
        return f"{where}: {_name_the_class(where, argument, bases)}"
    if reason == "unknown class" and match and (place := _place_in_hybrid(match["x"], bases)):
        part = f"--{where}=HybridLoss --{where}.{place}={match['x']}"
        return f"{where}: '{match['x']}' is no TrainingLoss, but a part of one, as in {part}."
    sentence = _sentence(reason, match, owner, bases, value, lines)
    return f"{where}: {sentence}" if where and reason != "unknown option" else sentence[0].upper() + sentence[1:]


def _reason(lines: Sequence[str]) -> tuple[int, str, re.Match[str] | None]:
    """The line that says why, in order of how much it tells."""
    for name, pattern in _REASONS.items():
        for number, line in enumerate(lines):
            if match := pattern.search(line):
                return number, name, match
    return len(lines) - 1, "", None


def _sentence(
    reason: str, match: re.Match[str] | None, owner: str, bases: str, value: str, lines: Sequence[str]
) -> str:
    if match is None:
        return " ".join(" ".join(lines).split())
    found = match["x"]
    if reason == "unknown argument":
        found = found.split(".")[0]
        return f"{owner or 'it'} has no argument '{found}'.{did_you_mean(found, _parameters(owner))}"
    if reason == "unknown attribute":
        return f"{match['module']} has no class '{found}'.{did_you_mean(found, _class_names(match['module']))}"
    if reason == "unknown module":
        given = owner or found
        short = given.rsplit(".", 1)[-1]
        near = f" '{short}' alone would do." if short in _ours() else did_you_mean(short, _ours())
        return f"there is no module '{found}' for '{given}'.{near}"
    if reason == "unknown class":
        return f"there is no class '{found}'.{_near_subclass(found, bases)}"
    if reason == "other class":
        return f"'{value}' is no {found}.{_near_subclass(value, bases)}"
    if reason == "abstract class":
        return f"'{value or owner}' is abstract; name one of its subclasses.{_near_subclass('', bases)}"
    if reason == "no class":
        return f"{value or 'the value'} names no {found}; expected a class name, or class_path and init_args."
    if reason == "missing argument":
        return f"{owner} needs the argument {found}." if owner else f"'{found}' is required and not given."
    if reason == "unknown option":
        return f"Unknown option: {found}."
    expected = [(entry["x"], entry["value"]) for line in lines if (entry := _EXPECTED.match(line))]
    kinds = " or ".join(dict.fromkeys(_type(kind) for kind, _ in _deepest(expected)))
    given = next((given for _, given in expected if given is not None), value)
    return f"expected {kinds}, got '{given}'."


def _deepest(expected: list[tuple[str, str | None]]) -> list[tuple[str, str | None]]:
    """Of "Expected ..." lines, those about the value itself: outer levels only add that it is not null either."""
    inner = [entry for entry in expected if entry[1] is not None]
    return inner or [entry for entry in expected if "NoneType" not in entry[0]] or expected


def _type(kind: str) -> str:
    """Write a Python type as people say it."""
    if match := re.fullmatch(r"<class '(?:\w+\.)*(\w+)'>", kind):
        names = {"int": "a whole number", "float": "a number", "str": "a text", "bool": "true or false"}
        return names.get(match[1], "a list such as [0, 1]" if match[1] == "list" else match[1])
    if match := re.fullmatch(r"typing\.Literal\[('[^']*')\]", kind):
        return match[1]
    return kind.replace("typing.Literal", "one of ")


def _parameters(class_path: str) -> list[str]:
    found = _class(class_path)
    return [] if found is None else _arguments(found)


def _class_names(module: str) -> list[str]:
    return [name for name, value in vars(importlib.import_module(module)).items() if inspect.isclass(value)]


def _ours() -> dict[str, type[Any]]:
    """Public classes of ours that can be made, by the names that a configuration gives without their path."""
    modules = [module for family in _FAMILIES if (module := sys.modules.get(f"gloss_pyg.{family}"))]
    public = [(name, getattr(module, name)) for module in modules for name in getattr(module, "__all__", ())]
    return {name: value for name, value in public if inspect.isclass(value) and not inspect.isabstract(value)}


def _near_subclass(name: str, bases: str) -> str:
    """Suggest a class that derives from the types which the innermost value may have, any of ours if none is told."""
    known = {sub.__name__ for base in _classes(bases) for sub in _subclasses(base) if not inspect.isabstract(sub)}
    ours = known & set(_ours())
    short = name.rsplit(".", 1)[-1]
    for choices in (ours, known):  # ours first: torch alone has hundreds of modules
        if (near := did_you_mean(short, choices)).startswith(" Did"):
            return near
    return did_you_mean(short, ours or known or _ours())


def _without_class(value: str, innermost: Sequence[str]) -> str:
    """The argument that came without the class that it is of; empty where something else is wrong.

    jsonargparse shows it as the value of the innermost option, the one that has no class.
    """
    given, option = _ARGUMENT.match(value), _KEY.search(innermost[0])
    if given is None or option is None or given["key"].split(".")[-1] == option["key"].split(".")[-1]:
        return ""
    return "" if any(_CLASS.search(line) for line in innermost) else given["key"].split(".")[0]


def _name_the_class(where: str, argument: str, bases: str) -> str:
    """What to do where an argument came without the class that it is of."""
    kinds = tuple(_classes(bases))
    fitting = [name for name, cls in _ours().items() if issubclass(cls, kinds) and argument in _arguments(cls)]
    said = f"name its class before its argument '{argument}'"
    return f"{said}, as in --{where}={fitting[0]}." if fitting else f"{said}.{_near_subclass('', bases)}"


def _place_in_hybrid(name: str, bases: str) -> str:
    """The argument of `HybridLoss` that takes a class of ours which was given in place of a `TrainingLoss`."""
    cls = _ours().get(name)
    if cls is None or "TrainingLoss'" not in bases or cls.__module__.split(".")[:2] != ["gloss_pyg", "losses"]:
        return ""
    unlabelled = _class("gloss_pyg.losses.unlabelled.UnlabelledLoss")
    return "unlabelled_loss" if unlabelled is not None and issubclass(cls, unlabelled) else "graph_loss"


def _classes(bases: str) -> list[type[Any]]:
    """The classes among the types which a value may have."""
    return [cls for path in re.findall(r"<class '([\w.]+)'>", bases) if (cls := _class(path)) is not None]


def _class(path: str) -> type[Any] | None:
    """A class of a module that is loaded; nothing for `NoneType`."""
    module, _, name = path.rpartition(".")
    found = getattr(sys.modules.get(module), name, None)
    return found if inspect.isclass(found) else None


def _arguments(cls: type[Any]) -> list[str]:
    return [key for key in inspect.signature(cls).parameters if key != "self"]


def _subclasses(cls: type[Any]) -> Iterable[type[Any]]:
    yield cls
    for sub in cls.__subclasses__():
        yield from _subclasses(sub)


def refused(where: str, error: BaseException) -> UserError:
    """What a constructor raised, out of the errors that jsonargparse wraps around it, as an answer to the user."""
    chain = [error]
    while (cause := chain[-1].__cause__) is not None:
        chain.append(cause)
    reason = next((link for link in chain if isinstance(link, UserError)), chain[-1])
    kind = type(reason) if isinstance(reason, UserError) else ConfigError
    return kind(f"{where}: {reason or type(reason).__name__}")
