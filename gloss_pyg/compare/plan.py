"""The cells of a comparison, from its configuration: everything that can be wrong is found before the first is run."""

from collections.abc import Callable, Mapping
from typing import Any

from datasets import Dataset, DatasetDict  # noqa: F401 - DatasetDict names Dataset where its type is checked

from gloss_pyg.compare.cell import Cell, make_method
from gloss_pyg.compare.configuration import Configuration
from gloss_pyg.compare.explain import refused
from gloss_pyg.compare.identity import cell_settings
from gloss_pyg.compare.splits import SplitsCache, data_seed, needs_download
from gloss_pyg.description import digest
from gloss_pyg.errors import ConfigError, UnavailableError
from gloss_pyg.methods import Estimate, Method

Estimates = Mapping[tuple[str, str], Estimate]
"""For each (method, data set), what the method forecasts."""


def make_methods(config: Configuration) -> dict[str, Method]:
    """Make every method once, so that arguments that cannot work are answered first.

    Raises:
        UserError: whatever a constructor refuses.
    """
    return {name: try_method(arguments, f"methods.{name}") for name, arguments in config.methods.items()}


def try_method(arguments: dict[str, Any], where: str) -> Method:
    """Make a method; what a constructor refuses is answered with the field that holds its arguments.

    Raises:
        UserError: whatever it refuses.
    """
    try:
        return make_method(arguments)
    except Exception as error:
        raise refused(where, error) from error


def check_method(name: str, method: Method, note: Callable[[str], None] | None = None) -> None:
    """Look up what a method needs.

    Args:
        name: Its name in the table.
        method: The method.
        note: Told of what cannot be had from here, where nothing is to be run: it may be there where it is run.

    Raises:
        UserError: whatever `Method.check` refuses.
    """
    try:
        method.check()
    except UnavailableError as error:
        if note is None:
            raise
        note(f"{name} could not be checked, and its time is not known: {error}")


def estimate(method: Method, documents: DatasetDict, *, dry: bool) -> Estimate:
    """A method's forecast; unknown where, in a dry run, what it needs cannot be had from here."""
    try:
        return method.estimate(documents)
    except UnavailableError:
        if not dry:
            raise
        return Estimate()


def plan(
    config: Configuration, methods: Mapping[str, Method], splits: SplitsCache, message: Callable[[str], None]
) -> tuple[list[Cell], Estimates]:
    """Load and check all data, ask every method for its estimate, and list the cells.

    Methods alternate within a seed, so that after two cells there is something to compare.

    Raises:
        UserError: whatever is wrong with the data, or with a method on it.
    """
    contents: dict[tuple[str, int], str] = {}
    estimates: dict[tuple[str, str], Estimate] = {}
    for name, spec in sorted(config.data.items(), key=lambda item: needs_download(item[1])):
        for seed in sorted(config.seeds, reverse=True):  # the first seed last, so that it is still there to begin with
            key = (name, data_seed(spec, seed))
            if key not in contents:
                contents[key] = splits.load(name, spec, seed).content
        documents = splits.load(name, spec, config.seeds[0]).documents
        for method_name, method in methods.items():
            message(f"estimating {method_name} on {name}")
            estimates[method_name, name] = estimate(method, documents, dry=config.dry_run)
    cells = []
    for name, spec in config.data.items():
        for seed in config.seeds:
            for method_name, method in methods.items():
                arguments = config.methods[method_name]
                settings = cell_settings(method, arguments, spec, contents[name, data_seed(spec, seed)], seed)
                cells.append(
                    Cell(
                        method=method_name,
                        data=name,
                        seed=seed,
                        arguments=arguments,
                        spec=spec,
                        transductive=method.transductive,
                        settings=settings,
                        digest=digest(settings),
                        limits=method.limits,
                    )
                )
    return _told_apart(cells), estimates


def _told_apart(cells: list[Cell]) -> list[Cell]:
    """Refuse two cells that are the same computation under two names: one of them would be shown twice."""
    seen: dict[str, Cell] = {}
    for cell in cells:
        if (other := seen.setdefault(cell.digest, cell)) is not cell:
            raise ConfigError(f"'{other}' and '{cell}' are the same computation; remove one or change its arguments.")
    return cells
