"""Label budgets as an axis of the grid: a list of them makes a data set of each."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gloss_pyg.compare.configuration import DataSpec, check_names
from gloss_pyg.errors import ConfigError

_AXES = ("labels_per_class", "train_size")


def expand_budgets(data: Mapping[str, DataSpec]) -> dict[str, DataSpec]:
    """Data sets by name, each list of budgets spread out: `bbc` with `[5, all]` becomes `bbc-5` and `bbc-all`.

    Raises:
        ConfigError: for an empty list, a budget twice, or a name that is then there twice.

    Example:
        >>> list(expand_budgets({"bbc": DataSpec("bbc", labels_per_class=[5, "all"])}))
        ['bbc-5', 'bbc-all']
    """
    spread: dict[str, DataSpec] = {}
    for name, spec in data.items():
        for key, one in _spread(name, spec).items():
            if key in spread or (key != name and key in data):
                raise ConfigError(f"data: two data sets would be called '{key}'; give one of them another name.")
            spread[key] = one
    check_names(spread, "data")
    return spread


def _spread(name: str, spec: DataSpec) -> dict[str, DataSpec]:
    for axis in _AXES:
        budgets: Any = getattr(spec, axis)
        if budgets == "all":
            every: dict[str, Any] = {axis: None}
            return _spread(name, replace(spec, **every))
        if not isinstance(budgets, list):
            continue
        if not budgets or len(set(map(str, budgets))) < len(budgets):
            raise ConfigError(f"data.{name}: {axis}={budgets}; expected different budgets, as in [5, 20, all].")
        return {
            key: one
            for budget in budgets
            for key, one in _spread(f"{name}-{str(budget).replace('.', '_')}", replace(spec, **{axis: budget})).items()
        }
    return {name: spec}
