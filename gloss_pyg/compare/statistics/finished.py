"""The predictions of a comparison made in this process; apart from the rest, since a report needs no PyTorch."""

from collections.abc import Sequence

from gloss_pyg.compare.cell import Cell
from gloss_pyg.compare.results import Results
from gloss_pyg.compare.statistics.predictions import CellPredictions, read_cell


def read_run(results: Results, cells: Sequence[Cell]) -> list[CellPredictions]:
    """The predictions of the cells that are finished, under the names of this configuration.

    Raises:
        DataError: if those of a finished cell cannot be read.
    """
    return [read_cell(results.cell_folder(cell), results.record(cell)) for cell in cells if results.is_finished(cell)]
