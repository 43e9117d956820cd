"""What is tuned, and how: the fields of a configuration of `gloss_pyg.tune`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gloss_pyg.compare.command_line import Option, read_arguments
from gloss_pyg.compare.configuration import Configuration, check_data
from gloss_pyg.compare.plan import try_method
from gloss_pyg.errors import ConfigError, did_you_mean
from gloss_pyg.methods import Method
from gloss_pyg.tune.space import Space, bounds, put, read_space, spell_out

OPTIONS = {
    "search": Option(None, {}),
    "trials": Option(int, 15),
    "sampler_seed": Option(int, 42),
    "fit_seed": Option(int, 0),
    "prune": Option(bool, default=True),
}


@dataclass(frozen=True)
class Settings:
    """A search.

    Attributes:
        config: The comparison whose methods are tuned.
        search: For each of its methods, the ranges; empty for one that has nothing to search.
        trials: Fits for each method and data set.
        sampler_seed: Of the sampler.
        fit_seed: Of the fits.
        prune: Whether fits that lead nowhere are ended.
    """

    config: Configuration
    search: dict[str, Space]
    trials: int
    sampler_seed: int
    fit_seed: int
    prune: bool

    def __post_init__(self) -> None:
        for name, least in {"trials": 1, "sampler_seed": 0, "fit_seed": 0}.items():
            if getattr(self, name) < least:
                raise ConfigError(f"{name}={getattr(self, name)}; expected a whole number from {least}.")
        if not any(self.search.values()):
            raise ConfigError("None of the methods has anything to search; give ranges under 'search'.")


def read_settings(arguments: Sequence[str]) -> tuple[Settings, dict[str, Method]]:
    """Read the configuration that the arguments name, and check all of it, each end of each range too.

    Returns:
        The settings, and each method as configured.

    Raises:
        UserError: for whatever cannot work.
    """
    read = read_arguments(arguments, "tuning/bbc", OPTIONS)
    for name, spec in read.check_without_methods().data.items():
        check_data(name, spec)
    options = read.options()
    config = read.check()
    given = options.pop("search") or {}
    if not isinstance(given, Mapping):
        raise ConfigError(f"search is {given!r}; expected the ranges of each method.")
    for name in given:
        if name not in config.methods:
            raise ConfigError(f"search.{name}: there is no such method.{did_you_mean(str(name), config.methods)}")
    methods: dict[str, Method] = {}
    search: dict[str, Space] = {}
    spelled: dict[str, dict[str, Any]] = {}
    for name, as_configured in config.methods.items():
        methods[name] = try_method(as_configured, f"methods.{name}")
        where = f"search.{name}"
        search[name] = read_space(given[name], where) if name in given else dict(methods[name].search_space())
        spelled[name] = method_arguments = spell_out(as_configured, methods[name], search[name])
        for point in bounds(search[name]) if search[name] else ():
            try_method(put(method_arguments, point, where), where)
    return Settings(replace(config, methods=spelled), search, **options), methods
