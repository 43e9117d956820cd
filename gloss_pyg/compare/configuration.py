"""The fields of a comparison, and where its configuration is found.

A configuration is a YAML file:

    methods:                                  # name in the table -> class path and arguments
      cross-entropy:
        class_path: FineTuning
        init_args: {model: offline}
    data:                                     # name in the table -> arguments of the data set
      bbc: {labels_per_class: 5}              # name_or_path is the name itself unless given
    seeds: [0, 1]

`data` may also be one name or a list of names (`data: [MR, R8]`).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

import yaml

from gloss_pyg.data.request import check_budget, check_source
from gloss_pyg.errors import ConfigError, did_you_mean

FIELDS = ("methods", "data", "seeds", "output", "dry_run", "workers", "max_hours")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


@dataclass(frozen=True)
class DataSpec:
    """A data set of the comparison.

    Validation and test documents are the same for all seeds; a label budget draws other training documents for each.

    Attributes:
        name_or_path: `bbc`, `MR`, `R8`, `R52`, `Ohsumed`, `20NG`, a local file or folder, or a Hub id.
        data_dir: Folder of the paper's data sets; without it the environment variable GLOSS_PYG_DATA, else a download.
        text_column: Name of the column with the texts.
        label_column: Name of the column with the labels.
        train_size: Training documents that keep their label: a number or a share; all by default. A list of budgets, as
            in [100, 1000, all], makes a data set of each.
        labels_per_class: Training documents a class that keep their label, instead of `train_size`; a list likewise.
        unlabelled: Whether training documents without a label are dropped or kept for methods that can use them.
        validation_size: Validation documents, drawn by class with seed 0; all by default.
        test_size: Test documents, drawn by class with seed 0; all by default.
        seed: Seed of the draw of labelled documents; by default the seed of the cell, so that every seed draws others.
    """

    name_or_path: str
    data_dir: str | None = None
    text_column: str = "text"
    label_column: str = "label"
    train_size: int | float | Literal["all"] | list[int | float | Literal["all"]] | None = None
    labels_per_class: int | Literal["all"] | list[int | Literal["all"]] | None = None
    unlabelled: Literal["drop", "keep"] = "drop"
    validation_size: int | None = None
    test_size: int | None = None
    seed: int | None = None


@dataclass(frozen=True)
class Configuration:
    """A comparison: every method on every data set with every seed.

    Attributes:
        name: Name of the configuration, for messages and the default output folder.
        methods: For each name in the table, `{"class_path": ..., "init_args": {...}}` with all defaults filled in.
        data: For each name in the table, its data set.
        seeds: Seeds, one repetition each.
        output: Folder of the results.
        dry_run: List the cells with an estimate of their time and memory, and train nothing.
        workers: Cells that are worked on at a time, each in a process of its own where there are several.
        max_hours: No cell is begun that would not be finished by then; `None` for no limit.
    """

    name: str
    methods: dict[str, dict[str, Any]]
    data: dict[str, DataSpec]
    seeds: tuple[int, ...]
    output: Path
    dry_run: bool = False
    workers: int = 1
    max_hours: float | None = None

    def __post_init__(self) -> None:
        if self.workers < 1:
            raise ConfigError(f"workers={self.workers}; expected a whole number from 1.")
        if self.max_hours is not None and not self.max_hours > 0:
            raise ConfigError(f"max_hours={self.max_hours}; expected a number above 0.")


def budget(spec: DataSpec) -> tuple[int | float | None, int | None]:
    """`train_size` and `labels_per_class` of a data set whose lists are spread out (`expand_budgets`)."""
    assert not isinstance(spec.train_size, list | str)
    assert not isinstance(spec.labels_per_class, list | str)
    return spec.train_size, spec.labels_per_class


def check_data(name: str, spec: DataSpec) -> None:
    """Refuse a data set that cannot be had, without reading it.

    Raises:
        UserError: for an unknown name, a path that is not there, or a budget or size that cannot work.
    """
    check_budget(*budget(spec), spec.unlabelled, 0 if spec.seed is None else spec.seed)
    for size in ("validation_size", "test_size"):
        if (given := getattr(spec, size)) is not None and given < 1:
            raise ConfigError(f"data.{name}: {size}={given}; expected a whole number from 1.")
    check_source(
        spec.name_or_path, data_dir=spec.data_dir, text_column=spec.text_column, label_column=spec.label_column
    )


def shipped_folder() -> Path:
    """Folder of the shipped configurations: inside the package in a wheel, beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "configs"
    return inside if inside.is_dir() else package.parent / "configs"


def shipped_names() -> list[str]:
    """Names that `--config` knows, `quick` and the like."""
    folder = shipped_folder()
    return sorted(path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.yaml"))


def find_config(name_or_file: str) -> Path:
    """Path of a shipped configuration by its name, or of a file.

    Raises:
        ConfigError: if there is neither; it names the nearest shipped one.
    """
    path = Path(name_or_file)
    if path.is_file():
        return path
    if name_or_file in shipped_names():
        return shipped_folder() / f"{name_or_file}.yaml"
    if path.is_dir():
        raise ConfigError(f"--config {name_or_file} is a folder; give a YAML file or a name ({_listed()}).")
    if path.suffix in (".yaml", ".yml") or path.parent != Path():
        near = did_you_mean(path.with_suffix("").name, shipped_names())
        raise ConfigError(f"There is no configuration file {path}.{near if near.startswith(' Did') else ''}")
    raise ConfigError(f"There is no configuration '{name_or_file}'.{did_you_mean(name_or_file, shipped_names())}")


def read_config(path: Path, known: Sequence[str] = FIELDS) -> dict[str, Any]:
    """Read a configuration as plain values, its field names and the names in it checked.

    Args:
        path: The file.
        known: The fields that it may have.

    Returns:
        The fields that the file gives; `methods` and `data` as mappings from names.

    Raises:
        ConfigError: if the file is not a YAML mapping of known fields, or a name cannot be used.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid YAML: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise ConfigError(f"{path} holds {_kind(content)}; expected the fields {', '.join(known)}.")
    for key in content:
        if key == "search" not in known:
            raise ConfigError(f"{path} has the field 'search': python -m gloss_pyg.tune runs it.")
        if key not in known:
            raise ConfigError(f"{path}: there is no field '{key}'.{did_you_mean(str(key), known)}")
    methods = content.get("methods")
    if not isinstance(methods, dict) or not methods:
        raise ConfigError(
            f"{path}: 'methods' is {_kind(methods)}; expected names with a class_path and init_args each."
        )
    check_names(methods, f"{path}: methods")
    return content | {"data": normalise_data(content.get("data"), f"{path}: data")}


def normalise_data(value: object, where: str) -> dict[str, dict[str, Any]]:
    """Turn `data` (a name, a list of names or specs, or specs by name) into specs by name.

    Example:
        >>> normalise_data(["MR", {"name_or_path": "my/reviews.csv", "train_size": 10}], "data")
        {'MR': {'name_or_path': 'MR'}, 'reviews': {'name_or_path': 'my/reviews.csv', 'train_size': 10}}
    """
    specs: dict[str, dict[str, Any]] = {}
    if isinstance(value, Mapping) and "name_or_path" in value:
        value = [value]
    if isinstance(value, Mapping):
        for name, spec in value.items():
            specs[str(name)] = {"name_or_path": str(name), **_mapping(spec, f"{where}.{name}")}
    elif isinstance(value, str | list):
        for entry in [value] if isinstance(value, str) else value:
            spec = {"name_or_path": entry} if isinstance(entry, str) else _mapping(entry, where)
            source = spec.get("name_or_path")
            if not isinstance(source, str):
                raise ConfigError(f"{where}: {_kind(entry)} without a name_or_path; expected for instance 'bbc'.")
            name = _short_name(source)
            if name in specs:
                raise ConfigError(
                    f"{where}: two data sets are called '{name}'; give them names, as in {{a: ..., b: ...}}."
                )
            specs[name] = spec
    if not specs:
        raise ConfigError(f"{where} is {_kind(value)}; expected at least one data set, for instance 'bbc'.")
    check_names(specs, where)
    known = [field.name for field in fields(DataSpec)]
    for name, spec in specs.items():
        if name in known:
            raise ConfigError(f"{where}: '{name}' is a field of a data set, so it cannot be the name of one.")
        for key in spec:
            if key not in known:
                raise ConfigError(f"{where}.{name} has no field '{key}'.{did_you_mean(str(key), known)}")
    return specs


def check_names(names: Iterable[object], where: str) -> None:
    """Refuse names that cannot stand in a command-line option, or that differ only in `-` and `_`."""
    seen: dict[str, str] = {}
    for name in map(str, names):
        if not _NAME.fullmatch(name):
            raise ConfigError(f"{where}: '{name}' cannot be a name; use letters, digits, '-' and '_'.")
        if (other := seen.setdefault(name.replace("-", "_"), name)) != name:
            raise ConfigError(
                f"{where}: '{other}' and '{name}' are too alike; names must differ in more than '-' and '_'."
            )


def _short_name(source: str) -> str:
    """Name of a data set in tables: the file's stem, or the name itself."""
    stem = Path(source).stem if Path(source).suffix in (".csv", ".tsv", ".jsonl", ".json", ".parquet") else source
    short = re.sub(r"[^A-Za-z0-9_-]+", "-", stem if "/" not in stem else stem.rstrip("/").rsplit("/", 1)[1]).strip("-_")
    return short or "data"  # a name of other letters than these


def _mapping(value: object, where: str) -> dict[str, Any]:
    if value is None:
        return {}
    if isinstance(value, str):
        return {"name_or_path": value}
    if isinstance(value, Mapping):
        return {str(key): entry for key, entry in value.items()}
    raise ConfigError(f"{where} is {_kind(value)}; expected fields such as labels_per_class: 5.")


def _kind(value: object) -> str:
    if value is None:
        return "empty"
    return {dict: "a mapping", list: "a list", str: "a text", int: "a number"}.get(type(value), repr(value)) + (
        "" if value else " without entries"
    )


def _listed() -> str:
    return ", ".join(shipped_names())
