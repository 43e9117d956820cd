"""Numbers and lists as the report writes them."""

import math
from collections.abc import Iterable, Sequence

NONE = "-"


def percent(value: float, digits: int = 2) -> str:
    """A share in percent, without the sign.

    Example:
        >>> percent(0.8361), percent(float("nan"))
        ('83.61', '-')
    """
    return number(100 * value, digits)


def number(value: float | None, digits: int = 2) -> str:
    """A number with this many decimals, a dash where there is none."""
    return NONE if value is None or not math.isfinite(value) else f"{value:,.{digits}f}"


def span(low: float, high: float) -> str:
    """An interval of shares in percent.

    Example:
        >>> span(0.7712, 0.8)
        '77.12 to 80.00'
    """
    return f"{percent(low)} to {percent(high)}"


def seconds(value: float) -> str:
    """Seconds with the digits that mean something.

    Example:
        >>> seconds(0.0123), seconds(12.34), seconds(1234.5)
        ('0.01', '12.3', '1,234')
    """
    if not math.isfinite(value):
        return NONE
    return number(value, 2 if value < 10 else 1 if value < 100 else 0)


def gib(value: float) -> str:
    """Bytes in GiB."""
    return NONE if not value or not math.isfinite(value) else f"{value / 2**30:.2f}"


def p_value(value: float | None) -> str:
    """A p-value with two digits.

    Example:
        >>> p_value(0.0312), p_value(3e-9), p_value(None)
        ('0.031', '< 0.0001', '-')
    """
    if value is None or math.isnan(value):
        return NONE
    return "< 0.0001" if value < 0.0001 else f"{value:.2g}"


def intervals(kinds: Iterable[str]) -> tuple[str, ...]:
    """How the intervals of a table were made, as its note.

    Example:
        >>> intervals(["over seeds: t interval", "over seeds: t interval"])
        ('95 % intervals are over seeds: t interval.',)
    """
    found = dict.fromkeys(kinds)
    return (f"95 % intervals are {'; or '.join(found)}.",) if found else ()


def count(amount: int, one: str, many: str = "") -> str:
    """A number of things.

    Example:
        >>> count(1, "seed"), count(1200, "document"), count(2, "class", "classes")
        ('1 seed', '1,200 documents', '2 classes')
    """
    return f"{amount:,} {one if amount == 1 else many or one + 's'}"


def listed(names: Sequence[object], most: int = 0) -> str:
    """Names as a sentence lists them.

    Example:
        >>> listed(["a", "b", "c"]), listed(["a", "b", "c", "d"], most=2)
        ('a, b and c', 'a, b and 2 more')
    """
    words = [str(name) for name in names]
    if most and len(words) > most + 1:
        return f"{', '.join(words[:most])} and {len(words) - most} more"
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else "none"


def mean(values: Sequence[float | int | None]) -> float:
    """Mean of the numbers that are there; NaN where there are none.

    Example:
        >>> mean([1.0, None, 3.0])
        2.0
    """
    known = [float(value) for value in values if value is not None and math.isfinite(value)]
    return math.fsum(known) / len(known) if known else math.nan
