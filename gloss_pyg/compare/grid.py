"""Which cell comes next: what is missing, in order, and shared with other runs of the same command."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from gloss_pyg.compare.cell import Cell
from gloss_pyg.compare.display import Display
from gloss_pyg.compare.results import Results

_POLL_SECONDS = 0.5


@dataclass
class Outcome:
    """What became of the cells that are not finished.

    Attributes:
        failed: Cells that failed.
        left: Cells that were not begun, for want of time.
    """

    failed: list[Cell] = field(default_factory=list)
    left: list[Cell] = field(default_factory=list)


def run_grid(
    cells: Sequence[Cell],
    results: Results,
    work: Callable[[Cell], dict[str, bytes]],
    display: Display,
    *,
    workers: int = 1,
    has_time: Callable[[Cell], bool] = lambda cell: True,  # noqa: ARG005 - all the time there is
    stopped: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Finish every cell, here or elsewhere; a cell that fails does not stop the others.

    Other processes may run the same cells in the same folder: each takes the first cell that nobody holds, and waits
    at the end for those that others hold, taking over where one dies. A failure elsewhere counts; one of an earlier
    run is tried again.

    Args:
        cells: All cells, in order of preference.
        results: Where they are claimed and written.
        work: Runs a cell and gives its files; with several workers called by as many threads.
        display: Told of everything.
        workers: How many cells are worked on at a time.
        has_time: Whether a cell may still be begun.
        stopped: Whether to end now; asked before each cell, and when one went wrong, which then is no failure.
    """
    grid = _Grid(cells, results, work, display, has_time, stopped)
    if workers == 1:
        grid.loop()
        return grid.outcome
    with ThreadPoolExecutor(workers) as pool:
        for thread in [pool.submit(grid.loop) for _ in range(workers)]:
            thread.result()
    return grid.outcome


class _Grid:
    """The cells that are still to be done, shared by the threads of this process."""

    def __init__(
        self,
        cells: Sequence[Cell],
        results: Results,
        work: Callable[[Cell], dict[str, bytes]],
        display: Display,
        has_time: Callable[[Cell], bool],
        stopped: Callable[[], bool],
    ) -> None:
        self._cells, self._results, self._work, self._display = cells, results, work, display
        self._has_time, self._stopped = has_time, stopped
        self._before = {cell.digest: results.error_stamp(cell) for cell in cells}
        self._pending = list(cells)
        self._here: set[str] = set()
        self._lock = threading.Lock()
        self.outcome = Outcome()

    def loop(self) -> None:
        """Take one cell after the other until none is left."""
        while (pending := self._open()) and not self._stopped():
            if any(self._take(cell) for cell in pending):
                continue  # from the first again: another run may have ended and left an earlier cell
            if held := self._open():
                count = f"{len(held)} cell{'s' if len(held) > 1 else ''}"
                where = "that another run of this command works on" if not self._here else "that others work on"
                self._display.status(f"waiting for {count} {where}")
                time.sleep(_POLL_SECONDS)
        self._display.rest()

    def _open(self) -> list[Cell]:
        with self._lock:
            return list(self._pending)

    def _settle(self, cell: Cell) -> bool:
        """Take a cell off the list; gives whether it was this caller who did."""
        with self._lock:
            if cell not in self._pending:
                return False
            self._pending.remove(cell)
            return True

    def _take(self, cell: Cell) -> bool:
        """Work on a cell where it is free; gives whether that was so."""
        results, display = self._results, self._display
        if cell.digest in self._here:
            return False
        if results.is_finished(cell):
            if self._settle(cell):
                display.finished(cell, results.record(cell), here=False)
            return False
        if results.error_stamp(cell) not in (None, self._before[cell.digest]):
            if self._settle(cell):
                self.outcome.failed.append(cell)
                display.failed(cell, results.error(cell) or "failed in another run")
            return False
        if not self._has_time(cell):
            if self._settle(cell):
                self.outcome.left.append(cell)
            return False
        with results.claim(cell) as claimed:
            # Looked at again under the lock: the holder before may have finished it or failed a moment ago.
            if not claimed or results.is_finished(cell) or results.error_stamp(cell) != self._before[cell.digest]:
                return False
            self._here.add(cell.digest)
            try:
                self._finish(cell)
            finally:
                self._settle(cell)
                self._here.discard(cell.digest)
        with self._lock:
            results.merge(self._cells)
        return True

    def _finish(self, cell: Cell) -> None:
        self._display.started(cell)
        try:
            self._results.write(cell, self._work(cell))
        except Exception as error:  # whatever a method raises is that cell's result
            if self._stopped():
                return
            self.outcome.failed.append(cell)
            self._display.failed(cell, self._results.fail(cell, error))
        else:
            self._display.finished(cell, self._results.record(cell), here=True)
