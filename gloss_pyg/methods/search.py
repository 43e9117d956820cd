"""What a method can be tuned over: a range for each of its arguments."""

import math
from dataclasses import dataclass

from gloss_pyg.errors import ConfigError

Value = str | int | float | bool | None
"""What an argument that is searched may be."""


@dataclass(frozen=True)
class Interval:
    """All numbers from `low` to `high`, both included; whole numbers where both are written as whole ones.

    Attributes:
        low: The least.
        high: The greatest.
        log: Whether ratios count, as they do for learning rates, and not differences.

    Raises:
        ConfigError: for bounds that are no interval.

    Example:
        >>> Interval(0.1, 0.9)
        Interval(low=0.1, high=0.9, log=False)
    """

    low: int | float
    high: int | float
    log: bool = False

    def __post_init__(self) -> None:
        for bound in (self.low, self.high):
            if isinstance(bound, bool) or not isinstance(bound, int | float) or not math.isfinite(bound):
                raise ConfigError(f"low={self.low!r}, high={self.high!r}; expected two numbers.")
        if not self.low < self.high:
            raise ConfigError(f"low={self.low}, high={self.high}; expected low below high.")
        if self.log and self.low <= 0:
            raise ConfigError(f"low={self.low} with log=true; expected a number above 0.")


@dataclass(frozen=True)
class Choice:
    """One of several values: numbers, texts (names of classes too), true or false, or nothing.

    Attributes:
        values: The values.

    Raises:
        ConfigError: for fewer than two, for one that occurs twice, and for one that is a list or a mapping.

    Example:
        >>> Choice((1e-5, 2e-5))
        Choice(values=(1e-05, 2e-05))
    """

    values: tuple[Value, ...]

    def __post_init__(self) -> None:
        for value in self.values:
            if not isinstance(value, str | int | float | bool | None):
                raise ConfigError(f"choices hold {value!r}; expected numbers, texts, true, false or null.")
        if len(set(map(repr, self.values))) < max(len(self.values), 2):
            raise ConfigError(f"choices are {list(self.values)}; expected at least two different values.")


Range = Interval | Choice
