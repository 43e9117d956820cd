"""Arguments and YAML into a `Configuration`.

The names of methods and data sets are read first; then each gets typed arguments of its own, so that
`--methods.g-loss.loss.weight=0.5` is checked like an option written by hand, and `init_args` may be left out.
"""

import argparse
import inspect
import json
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml
from jsonargparse import ArgumentParser

from gloss_pyg.compare.budgets import expand_budgets
from gloss_pyg.compare.configuration import (
    FIELDS,
    Configuration,
    DataSpec,
    check_names,
    find_config,
    normalise_data,
    read_config,
    shipped_names,
)
from gloss_pyg.compare.explain import explain
from gloss_pyg.errors import ConfigError, did_you_mean

_DATA_FIELDS = [field.name for field in fields(DataSpec)]
_FLAG = "dry_run"

HELP = """usage: python -m gloss_pyg.compare [--config NAME_OR_FILE] [--FIELD=VALUE ...]

Compares methods on data sets over seeds and prints a table. What is finished is kept in --output and never run again;
the same command may run several times at once, on one machine or on several with a common disk, and shares the work.

  --config NAME_OR_FILE      a YAML file, or one of these, by default quick:
{configs}
  --seeds=[0,1,2]            a repetition each
  --data=NAME_OR_PATH        data sets: one, or a list as in --data=[MR,R8]
  --data.FIELD=VALUE         of all data sets; --data.NAME.FIELD=VALUE of one. FIELD:
{data_fields}
  --methods.NAME=CLASS       another method: the name of a class of gloss_pyg.methods, or a class path
  --methods.NAME.ARGUMENT=VALUE
                             of a method; nested as in --methods.g-loss.loss.weight=0.5
  --methods.NAME.help=CLASS  the arguments of a class
  --output FOLDER            default results/<name of the configuration>
  --dry-run                  list the cells with an estimate of time and memory, train nothing
  --workers=NUMBER           so many cells at a time, each in a process of its own; default 1
  --max-hours=NUMBER         begin no cell that would not be finished by then

Example: python -m gloss_pyg.compare --config mr-800 --seeds=[0,1] --data.MR.train_size=400 --workers=2

Exit status: 0 all finished, 1 a cell failed, 2 something given cannot work, 3 cells are left for want of time, 130
stopped by Ctrl-C.
"""


def help_text() -> str:
    """What `--help` prints."""
    described = inspect.getdoc(DataSpec) or ""
    fields = inspect.cleandoc(described.split("Attributes:")[1])
    entries = re.split(r"\n(?! )", fields)
    return HELP.format(configs=_filled(", ".join(shipped_names())), data_fields="\n".join(map(_filled, entries)))


def _filled(text: str) -> str:
    """A paragraph below an option."""
    return textwrap.fill(
        " ".join(text.split()),
        width=120,
        initial_indent=" " * 6,
        subsequent_indent=" " * 8,
        break_on_hyphens=False,
        break_long_words=False,
    )


@dataclass(frozen=True)
class Option:
    """A field that another command has beside those of a comparison.

    Attributes:
        kind: Type of its value; `None` where it stands in the file alone and is read by the command itself.
        default: Its value where it is not given.
    """

    kind: Any = None
    default: Any = None


def read_arguments(
    arguments: Sequence[str], default: str = "quick", options: Mapping[str, Option] = MappingProxyType({})
) -> "Arguments":
    """Read the configuration that the arguments name, and apply `--data`; nothing heavy is imported.

    Args:
        arguments: As given to the command.
        default: Configuration where none is named.
        options: Fields of the command beside `FIELDS`.

    Raises:
        ConfigError: for an unknown configuration, field, method or data set; it names the nearest right one.
    """
    known = (*FIELDS, *options)
    given = list(_options(arguments, ("config", *(name for name in known if name not in _in_file(options)))))
    chosen = [value for key, value in given if key == "config"]
    path = find_config(chosen[-1] if chosen else default)
    raw = read_config(path, known)
    for key, value in given:
        if key == "data":
            raw["data"] = normalise_data(_data(value), "--data")
    methods = {str(name): spec for name, spec in raw["methods"].items()}
    added = [key.removeprefix("methods.") for key, _ in given if key.startswith("methods.") and key.count(".") == 1]
    names = list(dict.fromkeys([*methods, *(_known(name, methods) or name for name in added)]))
    check_names(names, "methods")
    rest = [
        argument
        for key, value in given
        if key not in ("config", "data")
        for argument in _rewrite(key, value, names, list(raw["data"]))
    ]
    return Arguments(path.stem, raw | {"methods": methods}, names, rest, options)


class Arguments:
    """A configuration with its overrides, not yet checked against the classes that it names.

    Args:
        name: Name of the configuration.
        raw: Its fields.
        methods: Names of its methods, those added by overrides included.
        overrides: Options as the parser knows them.
        options: Fields of the command beside those of a comparison.
    """

    def __init__(
        self,
        name: str,
        raw: dict[str, Any],
        methods: list[str],
        overrides: list[str],
        options: Mapping[str, Option] = MappingProxyType({}),
    ) -> None:
        self._name = name
        self._raw = {key: value for key, value in raw.items() if key not in _in_file(options)}
        self._in_file = {key: raw.get(key, options[key].default) for key in _in_file(options)}
        self._options = options
        self._methods = methods
        self._overrides = overrides

    def check(self) -> Configuration:
        """Check every field and fill in the defaults; imports the classes that are named.

        Raises:
            ConfigError: for a class, an argument or a value that cannot work.
        """
        return self._parse(self._methods)[0]

    def check_without_methods(self) -> Configuration:
        """Check every field but the methods, which needs no heavy import."""
        return self._parse([])[0]

    def options(self) -> dict[str, Any]:
        """The command's own fields, checked but for those that it reads itself."""
        return self._parse([])[1] | self._in_file

    def _parse(self, methods: Sequence[str]) -> tuple[Configuration, dict[str, Any]]:
        raw = self._raw | {"data": {_key(name): spec for name, spec in self._raw["data"].items()}}
        overrides = self._overrides
        parser = ArgumentParser(exit_on_error=False, allow_abbrev=False)
        parser.add_argument("--config", action="config")
        if methods:
            from gloss_pyg.methods import Method

            raw["methods"] = {_key(name): spec for name, spec in raw["methods"].items()}
            for name in methods:
                parser.add_subclass_arguments(Method, f"methods.{_key(name)}", required=True)
        else:
            del raw["methods"]
            overrides = [text for text in overrides if not text.startswith("--methods.")]
        for name in self._raw["data"]:
            parser.add_class_arguments(DataSpec, f"data.{_key(name)}", sub_configs=False)
        parser.add_argument("--seeds", type=list[int], default=[0, 1, 2])
        parser.add_argument("--output", type=str, default=f"results/{self._name}")
        parser.add_argument("--dry_run", type=bool, default=False)
        parser.add_argument("--workers", type=int, default=1)
        parser.add_argument("--max_hours", type=float | None, default=None)
        for name, option in self._options.items():
            if option.kind is not None:
                parser.add_argument(f"--{name}", type=option.kind, default=option.default)
        try:
            parsed = parser.parse_args([f"--config={json.dumps(raw, default=str)}", *overrides])
            plain = json.loads(parser.dump(parsed, format="json"))
        except argparse.ArgumentError as error:
            raise ConfigError(explain(str(error), self._methods)) from error
        own = {name: plain.get(name) for name, option in self._options.items() if option.kind is not None}
        config = Configuration(
            name=self._name,
            methods={name: plain["methods"][_key(name)] for name in methods},
            data=expand_budgets({name: DataSpec(**plain["data"][_key(name)]) for name in self._raw["data"]}),
            seeds=_seeds(plain["seeds"]),
            output=Path(plain["output"]).expanduser(),
            dry_run=plain["dry_run"],
            workers=plain["workers"],
            max_hours=plain.get("max_hours"),
        )
        return config, own


def _in_file(options: Mapping[str, Option]) -> list[str]:
    return [name for name, option in options.items() if option.kind is None]


def _options(arguments: Sequence[str], known: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield (key, value) for `--key=value`, `--key value` and the flag `--dry-run`."""
    rest = list(arguments)
    while rest:
        argument = rest.pop(0)
        if not argument.startswith("--"):
            raise ConfigError(
                f"Unexpected argument '{argument}'; options are written --field=value, a configuration "
                f"--config {argument}."
            )
        key, equals, value = argument[2:].partition("=")
        head = key.split(".")[0].replace("-", "_")
        if head not in known:
            names = [field.replace("_", "-") for field in known]
            near = did_you_mean(head.replace("_", "-"), names, prefix="--")
            raise ConfigError(f"There is no option '--{key}'.{near}")
        key = ".".join([head, *key.split(".")[1:]])
        if not equals:
            if key == _FLAG and not (rest and rest[0].lower() in ("true", "false")):
                value = "true"
            elif rest and not rest[0].startswith("--"):
                value = rest.pop(0)
            elif not key.endswith(".help"):
                raise ConfigError(f"Option '--{key}' needs a value, as in --{key}=...")
        yield key, value


def _rewrite(key: str, value: str, methods: Sequence[str], data: Sequence[str]) -> Iterator[str]:
    """Turn an option into what the parser knows: names as keys, a field of all data sets as one option for each."""
    part, *path = key.split(".")
    if part == "data" and path[0] in _DATA_FIELDS:
        yield from (f"--data.{_key(name)}.{'.'.join(path)}={value}" for name in data)
        return
    if part in ("methods", "data"):
        known = methods if part == "methods" else data
        name = _known(path[0], known) if path else None
        if name is None:
            near = did_you_mean(path[0], [*known, *(_DATA_FIELDS if part == "data" else [])]) if path else ""
            what = "method" if part == "methods" else "data set"
            raise ConfigError(f"There is no {what} '{'.'.join(path)}' (option '--{key}').{near}")
        if part == "data" and len(path) > 1 and path[1] not in _DATA_FIELDS:
            raise ConfigError(f"A data set has no field '{path[1]}'.{did_you_mean(path[1], _DATA_FIELDS)}")
        key = ".".join([part, _key(name), *path[1:]])
    yield f"--{key}={value}" if value or not key.endswith(".help") else f"--{key}"


def _known(name: str, names: Sequence[str] | dict[str, Any]) -> str | None:
    return next((known for known in names if _key(known) == _key(name)), None)


def _key(name: str) -> str:
    """Name of a method or data set inside the parser, which turns `-` into `_` itself."""
    return name.replace("-", "_")


def _data(value: str) -> object:
    try:
        data: object = yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise ConfigError(f"--data={value} cannot be read; expected a name or a list such as [MR,R8].") from error
    if isinstance(data, str) and "," in data and not Path(data).expanduser().exists():
        raise ConfigError(f"--data={value} names no file; several data sets are written as a list: --data=[{value}]")
    return data


def _seeds(seeds: list[int]) -> tuple[int, ...]:
    if not seeds or len(set(seeds)) < len(seeds) or min(seeds) < 0:
        raise ConfigError(f"seeds is {seeds}; expected different whole numbers from 0, as in [0, 1, 2].")
    return tuple(seeds)
