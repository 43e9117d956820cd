"""Classes of other libraries by class path: found, their arguments checked, made; with an error that names the extra.

A class is given as a text (`ArcFaceLoss`, or a whole path); an argument of it that is an object, as
`{class_path: ..., init_args: {...}}`. A text that is a path into the library stands for what is there, a function say.
"""

import importlib
import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from pydoc import locate
from typing import Any

from torch import nn

from gloss_pyg.errors import ConfigError, MissingExtraError, did_you_mean

# What YAML and the command line can say; of `Any` jsonargparse would make some of the objects itself.
Arguments = dict[str, bool | int | float | str | list | dict | None]  # type: ignore[type-arg]


@dataclass(frozen=True)
class Library:
    """A library that one of our extras brings.

    Attributes:
        package: Name of the package as it is imported.
        extra: The extra of ours that brings it.
        homes: Modules in it whose classes may be named without a path, the losses first.
    """

    package: str
    extra: str
    homes: tuple[str, ...]

    def module(self, home: str) -> Any:
        """A module of the library.

        Raises:
            MissingExtraError: if it is not installed.
        """
        try:
            return importlib.import_module(f"{self.package}.{home}")
        except ImportError as error:
            name = self.package.replace("_", "-")
            raise MissingExtraError(
                f"This loss needs the package '{name}' ({error}). Run: pip install \"gloss-pyg[{self.extra}]\" (in a "
                f'clone: pip install ".[{self.extra}]")'
            ) from error

    def find(self, path: str) -> type[nn.Module]:
        """The class that is meant.

        Raises:
            ConfigError: if there is no such class.
        """
        named = [found for home in self.homes if (found := getattr(self.module(home), path, None)) is not None]
        found = named[0] if named else (locate(path) if "." in path else None)
        if not inspect.isclass(found) or not issubclass(found, nn.Module):
            public = [name for name, value in vars(self.module(self.homes[0])).items() if inspect.isclass(value)]
            raise ConfigError(f"{self.package} has no class '{path}'.{did_you_mean(path.rpartition('.')[2], public)}")
        return found

    def make(self, cls: type[nn.Module], arguments: Mapping[str, Any]) -> nn.Module:
        """An object of a class, its arguments made first where they are objects too.

        Raises:
            ConfigError: for arguments that it does not have, that are missing, or that it refuses.
        """
        known, required = parameters(cls)
        for name in arguments:
            if name not in known:
                raise ConfigError(f"{cls.__name__} has no argument '{name}'.{did_you_mean(name, known)}")
        if missing := [name for name in required if name not in arguments]:
            raise ConfigError(f"{cls.__name__} needs the argument {missing[0]}.")
        try:
            return cls(**{name: self._resolved(value) for name, value in arguments.items()})
        except (TypeError, ValueError, AssertionError) as error:
            raise ConfigError(f"{cls.__name__} cannot be made of {dict(arguments)}: {error}") from error

    def _resolved(self, value: Any) -> Any:
        if isinstance(value, Mapping) and "class_path" in value:
            path, arguments = _taken_apart(value)
            return self.make(self.find(path), arguments)
        if isinstance(value, list):
            return [self._resolved(entry) for entry in value]
        if isinstance(value, str) and value.startswith(f"{self.package}."):
            return locate(value) or value
        return value


METRIC_LEARNING = Library("pytorch_metric_learning", "metric", ("losses", "distances", "reducers", "regularizers"))
SENTENCE_TRANSFORMERS = Library("sentence_transformers", "st", ("sentence_transformer.losses",))


def check_spec(owner: object, loss: object, arguments: object) -> None:
    """Refuse what is neither the name of a loss nor an object, and arguments for an object.

    Raises:
        ConfigError: for both.
    """
    name = type(owner).__name__
    if not isinstance(loss, str | nn.Module):
        raise ConfigError(f"{name}: loss={loss!r}, expected the class path of a loss, or an object of it.")
    if not isinstance(arguments, dict | None) or (arguments is not None and isinstance(loss, nn.Module)):
        raise ConfigError(
            f"{name}: arguments={arguments!r}, expected a mapping from names to values, for a loss given by class path."
        )


def parameters(cls: type) -> tuple[list[str], list[str]]:
    """Names of the arguments of a class, with those that it hands on to its bases; and those that must be given."""
    known: list[str] = []
    required: list[str] = []
    hands_on = True  # whatever it is given; by keyword alone it may give its base what the base must have
    for base in cls.__mro__:
        if base in (nn.Module, object) or "__init__" not in vars(base):
            continue
        own = list(inspect.signature(base).parameters.values())
        named = [one for one in own if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)]
        required += [one.name for one in named if hands_on and one.default is one.empty and one.name not in known]
        known += [one.name for one in named if one.name not in known]
        if not any(one.kind is one.VAR_KEYWORD for one in own):
            break
        hands_on &= any(one.kind is one.VAR_POSITIONAL for one in own)
    return known, required


def _taken_apart(spec: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    path, arguments = spec.get("class_path"), spec.get("init_args") or {}
    if not isinstance(path, str) or not isinstance(arguments, Mapping) or set(spec) - {"class_path", "init_args"}:
        raise ConfigError(f"{dict(spec)}: expected the name of a class, or class_path and init_args.")
    return path, dict(arguments)
