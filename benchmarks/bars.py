"""What benchmarks must reach, printed alike by all of them, so that `run_all.py` can add it up."""

from typing import NoReturn

MARK = "BAR"
# Exit status of a benchmark that cannot run here, as automake's tests have it.
SKIPPED = 77


class Bars:
    """The bars of one benchmark: each is printed as it is met or missed, and together they are the exit status."""

    def __init__(self) -> None:
        self._missed = 0

    def at_least(self, what: str, value: float, bar: float, unit: str = "x") -> None:
        """Print whether `value` is as large as the bar."""
        self._print(what, value, f"at least {bar:g}{unit}", unit, met=value >= bar)

    def at_most(self, what: str, value: float, bar: float, unit: str = "x") -> None:
        """Print whether `value` is as small as the bar."""
        self._print(what, value, f"at most {bar:g}{unit}", unit, met=value <= bar)

    def status(self) -> int:
        """0, or 1 where a bar was missed."""
        return int(self._missed > 0)

    def _print(self, what: str, value: float, bar: str, unit: str, *, met: bool) -> None:
        self._missed += not met
        print(f"{MARK}\t{what}\t{value:.4g}{unit}\t{bar}\t{'met' if met else 'MISSED'}", flush=True)


def skip(reason: object) -> NoReturn:
    """End a benchmark that cannot run here."""
    print(f"skipped: {reason}", flush=True)
    raise SystemExit(SKIPPED)
