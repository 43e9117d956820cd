"""Reading predictions, and what is refused as no pair."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gloss_pyg.compare.cell import Cell
from gloss_pyg.compare.files import to_json
from gloss_pyg.compare.results import Results
from gloss_pyg.compare.statistics.finished import read_run
from gloss_pyg.compare.statistics.predictions import CellPredictions, read_folder, side_by_side
from gloss_pyg.errors import DataError


def cell(method: str = "a", seed: int = 0, **changes: Any) -> CellPredictions:
    fields = {
        "data": "d",
        "corpus": "d",
        "documents": np.array([4, 7, 9]),
        "labels": np.array([0, 1, 1]),
        "predicted": np.array([0, 1, 0]),
    }
    return CellPredictions(method=method, seed=seed, **(fields | changes))


def parquet(documents: list[int], labels: list[int], probabilities: list[list[float]]) -> bytes:
    flat = pa.array(np.ravel(probabilities), type=pa.float32())
    table = pa.table(
        {
            "document": pa.array(documents, type=pa.int32()),
            "label": pa.array(labels, type=pa.int32()),
            "probabilities": pa.FixedSizeListArray.from_arrays(flat, len(probabilities[0])),
        }
    )
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    return buffer.getvalue()


def test_finished_cells_are_read_under_the_names_of_the_configuration(
    tmp_path: Path, make_cell: Callable[..., Cell], make_record: Callable[..., dict[str, Any]]
) -> None:
    results, first, second = Results(tmp_path / "out"), make_cell(seed=0), make_cell(seed=1)
    predictions = parquet([3, 8], [1, 0], [[0.2, 0.5, 0.3], [0.1, 0.0, 0.9]])
    with results.claim(first):
        files = {
            "record.json": to_json(make_record(first) | {"method": "old name"}),
            "history.json": b"[]",
            "predictions.parquet": b"PAR1PAR1",
        }
        results.write(first, files | {"predictions.parquet": predictions})
    (found,) = read_run(results, [first, second])
    assert (found.method, found.data, found.seed) == ("plain", "texts", 0)
    assert found.corpus == str(tmp_path / "texts.csv")
    assert found.documents.tolist() == [3, 8]
    assert found.labels.tolist() == [1, 0]
    assert found.predicted.tolist() == [1, 2]
    assert read_folder(results.cell_folder(first)).method == "old name"


def test_predictions_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is not the folder of a finished cell"):
        read_folder(tmp_path)
    (tmp_path / "record.json").write_text('{"method": "a", "data": "d", "seed": 3}')
    with pytest.raises(DataError, match="the test predictions of a on d, seed 3; move its folder away"):
        read_folder(tmp_path)
    (tmp_path / "predictions.parquet").write_bytes(b"half a file")
    with pytest.raises(DataError, match=r"predictions\.parquet cannot be read"):
        read_folder(tmp_path)


def test_documents_are_brought_into_one_order() -> None:
    other = cell("b", documents=np.array([9, 4, 7]), labels=np.array([1, 0, 1]), predicted=np.array([5, 3, 4]))
    (found,) = side_by_side([cell(), other])
    assert found.predicted["b", 0].tolist() == [3, 4, 5]
    assert found.methods == ("a", "b")
    assert found.same_documents


def test_seeds_with_documents_of_their_own_are_told() -> None:
    redrawn = [cell(method, 1, documents=np.array([1, 2]), labels=np.array([0, 1]), predicted=np.array([0, 0]))
               for method in "ab"]  # fmt: skip
    (found,) = side_by_side([cell("a"), cell("b"), *redrawn])
    assert not found.same_documents
    assert [len(labels) for labels in found.labels] == [3, 2]
    same_rows_other_texts = [cell(method, 1, labels=np.array([1, 1, 1])) for method in "ab"]
    assert not side_by_side([cell("a"), *same_rows_other_texts])[0].same_documents


REFUSED = [
    ([], "no finished cells"),
    ([cell(), cell()], "two results for a on d, seed 0"),
    ([cell(), cell("b", corpus="other")], "name them differently"),
    ([cell(), cell("b", documents=np.array([4, 7, 8]))], "b on d, seed 0 and a were tested on different documents "
     r"\(3 and 3, of which 2 are in both\)"),
    ([cell(), cell("b", labels=np.array([0, 0, 1]))], "1 have another label"),
    ([cell(documents=np.array([4, 4, 9]))], "a test document occurs twice"),
    ([cell(labels=np.array([0, 1]))], r"have \[2, 3\] entries"),
    ([cell(documents=np.array([], int), labels=np.array([], int), predicted=np.array([], int))], r"have \[0\] entries"),
]  # fmt: skip


@pytest.mark.parametrize(("cells", "sentence"), REFUSED)
def test_what_is_no_pair_is_refused(cells: list[CellPredictions], sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        side_by_side(cells)
