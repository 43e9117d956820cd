"""What each cell answered: per-class scores, confusions, and the documents that it got wrong."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow.parquet as pq  # type: ignore[import-untyped]
from numpy.typing import NDArray

from gloss_pyg.compare.report.merge import Merged
from gloss_pyg.compare.report.runs import FoundCell
from gloss_pyg.compare.statistics.predictions import CellPredictions, read_cell
from gloss_pyg.errors import DataError

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Outcome:
    """The test predictions of a cell.

    Attributes:
        cell: The cell.
        predictions: Documents, labels and predicted classes.
        confidence: Probability of the predicted class of each document.
        class_names: Names of the classes.
    """

    cell: FoundCell
    predictions: CellPredictions
    confidence: Floats
    class_names: tuple[str, ...]

    def confusion(self) -> NDArray[np.int64]:
        """Documents by true and predicted class, `[classes, classes]`."""
        classes = len(self.class_names)
        flat = self.predictions.labels.astype(np.int64) * classes + self.predictions.predicted
        return np.bincount(flat, minlength=classes * classes).reshape(classes, classes)


def read_outcomes(merged: Merged) -> tuple[list[Outcome], list[str]]:
    """The outcomes of all cells whose predictions can be read, and why others cannot.

    Two label budgets of a corpus are told apart by their names; the corpus is called as in the first cell of its name,
    since a file may lie elsewhere on another machine. Where it has other classes there, it is no longer the same.
    """
    outcomes: list[Outcome] = []
    notes: list[str] = []
    corpora: dict[str, str] = {}
    classes: dict[str, Outcome] = {}
    for cell in merged.cells:
        data = cell.name[0]
        corpus = corpora.setdefault(data, str(cell.record.get("name_or_path") or data))
        try:
            predictions = read_cell(cell.folder, cell.record | {"name_or_path": corpus})
        except DataError as error:
            notes.append(f"{cell} has no part in the statistics: {error}")
            continue
        outcome = _outcome(cell, predictions)
        first = classes.setdefault(data, outcome)
        if outcome.class_names != first.class_names:
            here, there = (", ".join(one.class_names) for one in (outcome, first))
            notes.append(
                f"{cell} has no part in the statistics: its classes are {here}, those of {first.cell} are {there}. The "
                "data changed in between; run it again, or name the data differently."
            )
            continue
        outcomes.append(outcome)
    return outcomes, notes


def _outcome(cell: FoundCell, predictions: CellPredictions) -> Outcome:
    table = pq.read_table(cell.folder / "predictions.parquet", columns=["probabilities"])
    probabilities = table["probabilities"].combine_chunks().flatten().to_numpy().reshape(len(predictions.labels), -1)
    names = json.loads((table.schema.metadata or {}).get(b"class_names", b"[]"))
    classes = max(probabilities.shape[1], int(predictions.labels.max(initial=0)) + 1)
    if len(names) != classes:
        names = [f"class {number}" for number in range(classes)]
    return Outcome(cell, predictions, probabilities.max(axis=1), tuple(map(str, names)))


def class_f1(confusion: NDArray[np.int64]) -> Floats:
    """F1 of each class; NaN for one that occurs neither among labels nor among predictions.

    Example:
        >>> class_f1(np.array([[3, 1], [0, 4]])).round(3)
        array([0.857, 0.889])
    """
    both = confusion.sum(axis=0) + confusion.sum(axis=1)
    return np.where(both > 0, 2 * np.diag(confusion) / np.maximum(both, 1), np.nan)


@dataclass(frozen=True)
class WrongDocument:
    """A test document that was classified wrongly.

    Attributes:
        row: Its row in the whole test split.
        label: Its class.
        predicted: The class that it was given most often.
        confidence: Mean over all cells of the probability of the wrong class that was chosen, 0 where it was right.
        wrong: How many cells were wrong.
        cells: How many cells were tested on it.
    """

    row: int
    label: str
    predicted: str
    confidence: float
    wrong: int
    cells: int


def most_confidently_wrong(outcomes: Sequence[Outcome], number: int) -> list[WrongDocument]:
    """Documents that were wrong with the highest probability, over the outcomes of one data set together."""
    if not outcomes:
        return []
    documents, place = np.unique(np.concatenate([one.predictions.documents for one in outcomes]), return_inverse=True)
    labels = np.concatenate([one.predictions.labels for one in outcomes]).astype(np.int64)
    predicted = np.concatenate([one.predictions.predicted for one in outcomes]).astype(np.int64)
    confidence = np.concatenate([one.confidence for one in outcomes]).astype(np.float64)
    wrong = predicted != labels
    cells = np.bincount(place, minlength=len(documents))
    counts = np.bincount(place, wrong, minlength=len(documents))
    sums = np.bincount(place, np.where(wrong, confidence, 0.0), minlength=len(documents))
    means = sums / cells
    order = [int(index) for index in np.argsort(-means, kind="stable")[:number] if counts[index]]
    names = outcomes[0].class_names
    found = []
    for index in order:
        here = (place == index) & wrong
        given = int(np.bincount(predicted[here]).argmax())
        found.append(
            WrongDocument(
                row=int(documents[index]),
                label=names[int(labels[here][0])],
                predicted=names[given],
                confidence=float(means[index]),
                wrong=int(counts[index]),
                cells=int(cells[index]),
            )
        )
    return found
