"""Which cell comes next: what is missing, in order, and shared with other runs of the same command."""

import time
from collections.abc import Callable, Sequence

from gloss_pyg.compare.cell import Cell
from gloss_pyg.compare.display import Display
from gloss_pyg.compare.results import Results

_POLL_SECONDS = 0.5


def run_grid(
    cells: Sequence[Cell], results: Results, work: Callable[[Cell], dict[str, bytes]], display: Display
) -> list[Cell]:
    """Finish every cell, here or elsewhere; a cell that fails does not stop the others.

    Other processes may run the same cells in the same folder: each takes the first cell that nobody holds, and waits
    at the end for those that others hold, taking over where one dies. A failure elsewhere counts; one of an earlier
    run is tried again.

    Args:
        cells: All cells, in order of preference.
        results: Where they are claimed and written.
        work: Runs a cell and gives its files.
        display: Told of everything.

    Returns:
        The cells that failed.
    """
    before = {cell.digest: results.error_stamp(cell) for cell in cells}
    pending, failed = list(cells), []
    while pending:
        went_on = False
        for cell in list(pending):
            if results.is_finished(cell):
                pending.remove(cell)
                display.finished(cell, results.record(cell), here=False)
                continue
            if results.error_stamp(cell) not in (None, before[cell.digest]):
                pending.remove(cell)
                failed.append(cell)
                display.failed(cell, results.error(cell) or "failed in another run")
                continue
            with results.claim(cell) as claimed:
                # Looked at again under the lock: the holder before may have finished it or failed a moment ago.
                if not claimed or results.is_finished(cell) or results.error_stamp(cell) != before[cell.digest]:
                    continue
                display.started(cell)
                try:
                    results.write(cell, work(cell))
                except Exception as error:  # whatever a method raises is that cell's result
                    failed.append(cell)
                    display.failed(cell, results.fail(cell, error))
                else:
                    display.finished(cell, results.record(cell), here=True)
            pending.remove(cell)
            results.merge(cells)
            went_on = True
            break  # from the first again: another run may have ended and left an earlier cell
        if pending and not went_on:
            held = f"{len(pending)} cell{'s' if len(pending) > 1 else ''}"
            display.status(f"waiting for {held} that another run of this command works on")
            time.sleep(_POLL_SECONDS)
    return failed
