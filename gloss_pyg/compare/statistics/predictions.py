"""The test predictions of finished cells, laid side by side so that methods can be compared document by document."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
from numpy.typing import NDArray

from gloss_pyg.compare.files import Record
from gloss_pyg.errors import DataError

Ints = NDArray[np.integer[Any]]


@dataclass(frozen=True)
class CellPredictions:
    """What a method predicted for the test documents of a data set, fitted with one seed.

    Attributes:
        method: Name of the method.
        data: Name of the data set in the table.
        corpus: Where its documents come from; two label budgets of a data set have one corpus.
        seed: Seed of the fit.
        documents: For each document, its row in the whole test split, `[n]`, each once.
        labels: Class ids, `[n]`.
        predicted: Class ids, `[n]`.
    """

    method: str
    data: str
    corpus: str
    seed: int
    documents: Ints
    labels: Ints
    predicted: Ints

    def __str__(self) -> str:
        return f"{self.method} on {self.data}, seed {self.seed}"


@dataclass(frozen=True)
class DataSetPredictions:
    """All that methods predicted on one data set.

    Attributes:
        data: Name of the data set.
        corpus: Where its documents come from.
        methods: Names, in the order of the report.
        seeds: Seeds of at least one method, in increasing order.
        labels: Class ids of the test documents of each seed, `[n]` each.
        predicted: Class ids `[n]` for each finished pair of method and seed.
        same_documents: Whether all seeds are measured on the same documents; where they are not, documents of
            different seeds are never paired.
    """

    data: str
    corpus: str
    methods: tuple[str, ...]
    seeds: tuple[int, ...]
    labels: tuple[Ints, ...]
    predicted: dict[tuple[str, int], Ints]
    same_documents: bool

    def seeds_of_both(self, first: str, second: str) -> list[int]:
        """Places in `seeds` of those with which both methods are finished."""
        return [
            place
            for place, seed in enumerate(self.seeds)
            if (first, seed) in self.predicted and (second, seed) in self.predicted
        ]


def read_cell(folder: Path, record: Record) -> CellPredictions:
    """Read the predictions of a finished cell.

    Args:
        folder: The cell's folder.
        record: Its record, with the names that are to be shown.

    Raises:
        DataError: if the folder has no predictions that can be read.
    """
    path = folder / "predictions.parquet"
    try:
        table = pq.read_table(path, columns=["document", "label", "probabilities"])
        labels = table["label"].to_numpy()
        flat = table["probabilities"].combine_chunks().flatten().to_numpy()
        predicted = flat.reshape(len(labels), -1).argmax(axis=1)
        documents = table["document"].to_numpy()
    except (OSError, ValueError, KeyError, pa.ArrowException) as error:
        raise DataError(
            f"{path} cannot be read ({' '.join(str(error).split())}). Expected the test predictions of "
            f"{record['method']} on {record['data']}, seed {record['seed']}; move its folder away and run it again."
        ) from error
    corpus = str(record.get("name_or_path") or record["data"])
    return CellPredictions(record["method"], record["data"], corpus, int(record["seed"]), documents, labels, predicted)


def read_folder(folder: Path) -> CellPredictions:
    """Read a finished cell under the names that it was run with.

    Raises:
        DataError: if the folder is not that of a finished cell.
    """
    try:
        record = json.loads((folder / "record.json").read_text(encoding="utf-8"))
        names = {key: record[key] for key in ("method", "data", "seed")} | {"name_or_path": record.get("name_or_path")}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{folder} is not the folder of a finished cell: {type(error).__name__}: {error}.") from error
    return read_cell(folder, names)


def side_by_side(cells: Sequence[CellPredictions]) -> list[DataSetPredictions]:
    """Bring together the cells of each data set, documents in one order.

    Raises:
        DataError: if there are none, if a cell comes twice, or if two methods were tested on different documents with
            the same seed: their scores are no pair then.
    """
    if not cells:
        raise DataError("There are no finished cells to compare; run the comparison first.")
    groups: dict[str, list[CellPredictions]] = {}
    for cell in cells:
        groups.setdefault(cell.data, []).append(cell)
    return [_data_set(group) for group in groups.values()]


def _data_set(cells: list[CellPredictions]) -> DataSetPredictions:
    first_of: dict[int, CellPredictions] = {}
    predicted: dict[tuple[str, int], Ints] = {}
    for cell in (_sorted(cell) for cell in cells):
        if (cell.method, cell.seed) in predicted:
            raise DataError(f"There are two results for {cell}; remove one of the runs that hold it.")
        if cell.corpus != cells[0].corpus:
            raise DataError(
                f"'{cell.data}' is {cells[0].corpus} in one run and {cell.corpus} in another; name them differently."
            )
        other = first_of.setdefault(cell.seed, cell)
        if not _same(cell, other):
            raise DataError(
                f"{cell} and {other.method} were tested on different documents ({_difference(cell, other)}), so they "
                "cannot be compared document by document. Run both with the same data settings, "
                "or leave one of them out."
            )
        predicted[cell.method, cell.seed] = cell.predicted
    seeds = tuple(sorted(first_of))
    return DataSetPredictions(
        data=cells[0].data,
        corpus=cells[0].corpus,
        methods=tuple(dict.fromkeys(cell.method for cell in cells)),
        seeds=seeds,
        labels=tuple(first_of[seed].labels for seed in seeds),
        predicted=predicted,
        same_documents=all(_same(first_of[seeds[0]], first_of[seed]) for seed in seeds),
    )


def _sorted(cell: CellPredictions) -> CellPredictions:
    sizes = {len(cell.documents), len(cell.labels), len(cell.predicted)}
    if len(sizes) > 1 or sizes == {0}:
        raise DataError(f"{cell}: documents, labels and predictions have {sorted(sizes)} entries; expected one number.")
    order = np.argsort(cell.documents, kind="stable")
    documents = cell.documents[order]
    if (documents[1:] == documents[:-1]).any():
        raise DataError(f"{cell}: a test document occurs twice in its predictions; expected each once.")
    return CellPredictions(
        cell.method, cell.data, cell.corpus, cell.seed, documents, cell.labels[order], cell.predicted[order]
    )


def _same(one: CellPredictions, other: CellPredictions) -> bool:
    return np.array_equal(one.documents, other.documents) and np.array_equal(one.labels, other.labels)


def _difference(one: CellPredictions, other: CellPredictions) -> str:
    if np.array_equal(one.documents, other.documents):
        return f"{np.count_nonzero(one.labels != other.labels)} have another label"
    common = len(np.intersect1d(one.documents, other.documents))
    return f"{len(one.documents)} and {len(other.documents)}, of which {common} are in both"
