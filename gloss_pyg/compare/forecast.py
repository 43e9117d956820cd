"""How long the rest of a comparison takes: from finished cells, and as long as there are none from estimates."""

import math
import time
from collections.abc import Mapping, Sequence
from statistics import mean

from gloss_pyg.compare.cell import Cell
from gloss_pyg.compare.files import Record
from gloss_pyg.methods import Estimate


class Forecast:
    """Time left.

    A cell takes as long as the finished ones of the same method and data set on average; where there are none, what
    its method estimated, times the ratio of measured to estimated time over all finished cells.

    Args:
        cells: All cells.
        estimates: For each (method, data set), the method's estimate.
        workers: How many cells are worked on at a time.
    """

    def __init__(self, cells: Sequence[Cell], estimates: Mapping[tuple[str, str], Estimate], workers: int = 1) -> None:
        self._workers = workers
        self._estimated = {cell.digest: estimates[cell.method, cell.data].seconds for cell in cells}
        self._cells = {cell.digest: cell for cell in cells}
        self._measured: dict[str, float] = {}
        self._dropped: set[str] = set()
        self._running: dict[str, float] = {}

    def start(self, cell: Cell) -> None:
        """Note that a cell begins now."""
        self._running[cell.digest] = time.monotonic()

    def finish(self, cell: Cell, record: Record | None) -> None:
        """Note that a cell has ended, with its record, or failed."""
        if record is None:
            self._dropped.add(cell.digest)
        else:
            self._measured[cell.digest] = float(record["fit_seconds"]) + float(record["predict_seconds"])
        self._running.pop(cell.digest, None)

    def seconds(self, cell: Cell) -> float:
        """Seconds that a cell takes; NaN where its method cannot say and none like it is finished."""
        alike = [
            seconds
            for other, seconds in self._measured.items()
            if (self._cells[other].method, self._cells[other].data) == (cell.method, cell.data)
        ]
        if alike:
            return mean(alike)
        known = [other for other in self._measured if self._estimated[other] > 0]
        if not known:
            return self._estimated[cell.digest]
        ratio = sum(self._measured[other] for other in known) / sum(self._estimated[other] for other in known)
        return ratio * self._estimated[cell.digest]

    def seconds_left(self) -> float:
        """Seconds that the cells not yet ended take, shared by the workers; NaN where an estimate is."""
        left = 0.0
        for digest, cell in self._cells.items():
            if digest in self._measured or digest in self._dropped:
                continue
            seconds = self.seconds(cell)
            if digest in self._running:
                seconds = max(seconds - (time.monotonic() - self._running[digest]), 0.0)
            left += seconds
        return left / self._workers


def spell_seconds(seconds: float) -> str:
    """Write a time as people say it.

    Example:
        >>> spell_seconds(48), spell_seconds(200), spell_seconds(9000), spell_seconds(float("nan"))
        ('48 s', '3 min', '2.5 h', 'unknown')
    """
    if math.isnan(seconds):
        return "unknown"
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
