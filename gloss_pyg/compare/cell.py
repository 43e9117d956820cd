"""One cell: a method fitted on one data set with one seed, and what is recorded of it."""

import dataclasses
import gc
import io
import json
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
from transformers import set_seed

from gloss_pyg import metrics
from gloss_pyg.compare import hardware
from gloss_pyg.compare.configuration import DataSpec
from gloss_pyg.compare.files import Record, to_json
from gloss_pyg.compare.splits import Splits, data_seed, load_splits
from gloss_pyg.methods import Method


@dataclass(frozen=True)
class Cell:
    """A method, a data set and a seed.

    Attributes:
        method: Name of the method in the table.
        data: Name of the data set in the table.
        seed: Seed of the fit.
        arguments: The method's `class_path` and `init_args`.
        spec: The data set.
        transductive: Whether the method sees the test texts.
        settings: Everything that determines the result.
        digest: Name of the cell's folder, from `settings`.
        limits: The method's arguments that only bound the training (`Method.limits`).
    """

    method: str
    data: str
    seed: int
    arguments: dict[str, Any]
    spec: DataSpec
    transductive: bool
    settings: dict[str, Any]
    digest: str
    limits: Mapping[str, str | None] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.method} on {self.data}, seed {self.seed}"

    def keys(self) -> Record:
        """The part of the record that is known before the fit."""
        return {
            "method": self.method,
            "transductive": self.transductive,
            "data": self.data,
            "seed": self.seed,
            **{key: value for key, value in dataclasses.asdict(self.spec).items() if key != "seed"},
            "data_seed": data_seed(self.spec, self.seed),
            "method_class": self.arguments["class_path"],
            "method_arguments": json.dumps(self.arguments.get("init_args", {})),
            "digest": self.digest,
        }


def make_method(arguments: dict[str, Any]) -> Method:
    """A new object of the method; never one that has been fitted before, since methods hold modules with state."""
    from jsonargparse import ArgumentParser

    parser = ArgumentParser(exit_on_error=False)
    parser.add_subclass_arguments(Method, "method", required=True)
    made = parser.instantiate(parser.parse_object({"method": arguments})).method
    assert isinstance(made, Method)
    return made


def cell_job(cell: Cell) -> Callable[[], dict[str, bytes]]:
    """Read the documents of a cell; gives what is left to do, `run_cell`."""
    return partial(run_cell, cell, load_splits(cell.spec, cell.seed))


def run_cell(cell: Cell, splits: Splits) -> dict[str, bytes]:
    """Fit, predict and measure.

    Returns:
        The content of the cell's files: `record.json` (flat), `history.json` (the validation curve), `settings.json`
        and `predictions.parquet` (`document`: row in the whole test split, `label`, `probabilities` in float32).

    Raises:
        ValueError: if the method's probabilities are no distributions over the classes.
    """
    gc.collect()  # the model of the cell before, so that its memory is not counted here
    memory = hardware.PeakMemory()
    started = datetime.now(UTC)
    documents = splits.documents
    test_texts = documents["test"]["text"][:]
    labels = np.asarray(documents["test"]["label"][:])
    class_names = documents["train"].features["label"].names

    set_seed(cell.seed)  # parts of the method may draw their parameters as they are made
    method = make_method(cell.arguments)
    clock = time.perf_counter()
    report = method.fit(
        documents["train"], documents["validation"], test_texts if method.transductive else None, seed=cell.seed
    )
    fit_seconds = time.perf_counter() - clock

    clock = time.perf_counter()
    probabilities = _checked(method.predict_proba(test_texts), len(test_texts), len(class_names))
    predict_seconds = time.perf_counter() - clock
    embeddings = method.embed(test_texts)

    predictions = probabilities.argmax(axis=1)
    history = report.history
    record = cell.keys() | {
        "encoder": report.encoder,
        "classes": len(class_names),
        "training_documents": len(documents["train"]),
        "labelled_documents": sum(label >= 0 for label in documents["train"]["label"][:]),
        "validation_documents": len(documents["validation"]),
        "test_documents": len(test_texts),
        "held_out_content": splits.held_out_content,
        "accuracy": metrics.accuracy(labels, predictions),
        "macro_f1": metrics.macro_f1(labels, predictions),
        "macro_silhouette": math.nan if embeddings is None else metrics.macro_silhouette(embeddings, labels),
        "fit_seconds": fit_seconds,
        "setup_seconds": report.setup_seconds,
        "checkpoint_seconds": report.checkpoint_seconds,
        "graph_seconds": report.graph_seconds,
        "training_seconds": report.training_seconds,
        "seconds_per_epoch": report.seconds_per_epoch,
        "predict_seconds": predict_seconds,
        "epochs": report.epochs,
        "steps": report.steps,
        "stopped_by": report.stopped_by,
        "best_step": report.best_step,
        "chosen_by": report.chosen_by,
        "best_validation_score": report.best_score,
        "best_validation_macro_f1": report.best_score if report.chosen_by == "macro_f1" else math.nan,
        "seconds_to_best": next((row["seconds"] for row in history if row["step"] == report.best_step), math.nan),
        "loss_overhead": report.loss_overhead,
        "peak_memory_bytes": memory.bytes(),
        "peak_memory_since_start": memory.since_start,
        "peak_accelerator_bytes": memory.accelerator_bytes(),
        "started_at": started.isoformat(timespec="seconds"),
        "commit": hardware.commit(),
        **hardware.versions(),
        **hardware.machine(),
    }
    return {
        "record.json": to_json(record),
        "history.json": to_json(history),
        "settings.json": to_json(cell.settings),
        "predictions.parquet": _parquet(splits, labels, probabilities, class_names),
    }


def _checked(probabilities: np.ndarray, documents: int, classes: int) -> np.ndarray:
    found = np.asarray(probabilities)
    if found.shape != (documents, classes):
        raise ValueError(f"predict_proba gave the shape {found.shape}; expected {(documents, classes)}.")
    if not np.isfinite(found).all() or (found < 0).any() or not np.allclose(found.sum(axis=1), 1, atol=1e-3):
        raise ValueError("predict_proba gave rows that are no probabilities (finite, not negative, sum 1).")
    return found.astype(np.float32)


def _parquet(splits: Splits, labels: np.ndarray, probabilities: np.ndarray, class_names: list[str]) -> bytes:
    flat = pa.array(probabilities.reshape(-1), type=pa.float32())
    table = pa.table(
        {
            "document": pa.array(splits.test_rows, type=pa.int32()),
            "label": pa.array(labels, type=pa.int32()),
            "probabilities": pa.FixedSizeListArray.from_arrays(flat, probabilities.shape[1]),
        }
    ).replace_schema_metadata({"class_names": json.dumps(class_names)})
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    return buffer.getvalue()
