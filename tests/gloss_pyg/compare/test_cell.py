import io
import json
import math
import random
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from gloss_pyg.compare.cell import Cell, make_method, run_cell
from gloss_pyg.compare.configuration import DataSpec
from gloss_pyg.compare.files import to_json
from gloss_pyg.compare.splits import load_splits


def make_cell(texts: Path, class_name: str = "FakeMethod", **arguments: Any) -> Cell:
    return Cell(
        method="counts",
        data="texts",
        seed=3,
        arguments={"class_path": f"fake_methods.{class_name}", "init_args": arguments},
        spec=DataSpec(str(texts), labels_per_class=6, test_size=30),
        transductive=class_name == "FakeTransductive",
        settings={"a": 1},
        digest="0" * 20,
    )


def test_the_record_agrees_with_the_predictions_by_plain_formulas(texts_csv: Path) -> None:
    cell = make_cell(texts_csv)
    splits = load_splits(cell.spec, cell.seed)
    files = run_cell(cell, splits)
    assert set(files) == {"record.json", "history.json", "settings.json", "predictions.parquet"}
    record = json.loads(files["record.json"])
    table = pq.read_table(io.BytesIO(files["predictions.parquet"])).to_pydict()
    labels, guesses = table["label"], [int(np.argmax(row)) for row in table["probabilities"]]
    assert labels == list(splits.documents["test"]["label"])
    assert table["document"] == splits.test_rows.tolist()

    assert record["accuracy"] == pytest.approx(sum(a == b for a, b in zip(labels, guesses, strict=True)) / 30)
    assert 0.4 < record["accuracy"] < 1.0  # neither chance nor trivial, so that the formulas below are tried
    scores = []
    for label in range(3):
        hits = sum(a == b == label for a, b in zip(labels, guesses, strict=True))
        scores.append(2 * hits / (labels.count(label) + guesses.count(label)))
    assert record["macro_f1"] == pytest.approx(sum(scores) / 3)


def test_what_a_method_draws_as_it_is_made_depends_on_the_seed_alone(texts_csv: Path) -> None:
    cell = make_cell(texts_csv, smoothing={"class_path": "fake_methods.Drawn"})
    splits = load_splits(cell.spec, cell.seed)
    first = run_cell(cell, splits)["predictions.parquet"]
    random.random()  # whatever ran before in this process
    assert run_cell(cell, splits)["predictions.parquet"] == first


def test_the_record_is_flat_and_says_what_was_run_on_what(texts_csv: Path) -> None:
    cell = make_cell(texts_csv, steps=4)
    record = json.loads(run_cell(cell, load_splits(cell.spec, cell.seed))["record.json"])
    assert all(value is None or isinstance(value, str | int | float | bool) for value in record.values())
    expected = {
        "method": "counts",
        "method_class": "fake_methods.FakeMethod",
        "method_arguments": '{"steps": 4}',
        "transductive": False,
        "data": "texts",
        "name_or_path": str(texts_csv),
        "labels_per_class": 6,
        "train_size": None,
        "test_size": 30,
        "seed": 3,
        "data_seed": 3,
        "encoder": "offline",
        "classes": 3,
        "training_documents": 18,
        "labelled_documents": 18,
        "validation_documents": 12,
        "test_documents": 30,
        "steps": 40,
        "best_step": 40,
        "chosen_by": "macro_f1",
        "best_validation_score": pytest.approx(0.9),
        "best_validation_macro_f1": pytest.approx(0.9),
        "seconds_to_best": pytest.approx(0.4),
        "macro_silhouette": None,
        "digest": "0" * 20,
    }
    assert {key: record[key] for key in expected} == expected
    for key in ("fit_seconds", "predict_seconds", "peak_memory_bytes"):
        assert record[key] > 0
    for key in ("started_at", "python_version", "torch_version", "gloss_pyg_version", "processor", "cpus"):
        assert record[key]
    assert "commit" in record


def test_the_class_names_travel_with_the_predictions(texts_csv: Path) -> None:
    cell = make_cell(texts_csv)
    table = pq.read_table(io.BytesIO(run_cell(cell, load_splits(cell.spec, 3))["predictions.parquet"]))
    assert json.loads(table.schema.metadata[b"class_names"]) == ["blue", "green", "red"]
    assert str(table.schema.field("probabilities").type) == "fixed_size_list<element: float>[3]"


def test_unlabelled_training_documents_are_counted_apart(texts_csv: Path) -> None:
    spec = DataSpec(str(texts_csv), labels_per_class=2, unlabelled="keep")
    record = json.loads(run_cell(make_cell(texts_csv), load_splits(spec, 0))["record.json"])
    assert (record["training_documents"], record["labelled_documents"]) == (72, 6)


def test_only_a_transductive_method_is_given_the_test_texts(texts_csv: Path) -> None:
    for name in ("FakeMethod", "FakeTransductive"):  # both assert what they are given
        cell = make_cell(texts_csv, name)
        assert json.loads(run_cell(cell, load_splits(cell.spec, 3))["record.json"])["transductive"] is (
            name == "FakeTransductive"
        )


def test_equal_seeds_give_equal_predictions_and_every_fit_has_a_new_object(texts_csv: Path) -> None:
    cell = make_cell(texts_csv)
    splits = load_splits(cell.spec, cell.seed)
    first, second = run_cell(cell, splits), run_cell(cell, splits)  # the method refuses to be fitted twice
    assert first["predictions.parquet"] == second["predictions.parquet"]
    assert make_method(cell.arguments) is not make_method(cell.arguments)


def test_probabilities_of_the_wrong_shape_are_an_error(texts_csv: Path) -> None:
    cell = make_cell(texts_csv, "BadShape")
    with pytest.raises(ValueError, match=r"shape \(30, 4\); expected \(30, 3\)"):
        run_cell(cell, load_splits(cell.spec, cell.seed))


@pytest.mark.parametrize("rows", [[[0.5, 0.6]], [[math.nan, 1.0]], [[-0.5, 1.5]]])
def test_rows_that_are_no_distributions_are_an_error(rows: list[list[float]]) -> None:
    from gloss_pyg.compare.cell import _checked

    with pytest.raises(ValueError, match="no probabilities"):
        _checked(np.array(rows), 1, 2)


def test_json_has_null_where_there_is_no_number() -> None:
    value = {"a": math.nan, "b": [math.inf, 1.5], "c": np.float32(2), "d": np.int64(3), "e": None, "f": True}
    assert json.loads(to_json(value)) == {"a": None, "b": [None, 1.5], "c": 2.0, "d": 3, "e": None, "f": True}
    assert to_json([1, {"a": "x\ny"}], indent=None).count(b"\n") == 1
